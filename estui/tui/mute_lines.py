"""The lines of the mutes panel as pieces of text, and its words."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING

from estui.plan import MutePath, Plan
from estui.text import printable
from estui.tui.detail_words import SECOND
from estui.tui.lines import bytes_words, fit
from estui.tui.mute_entry import call_words, matched, type_of, warnings
from estui.tui.pieces import Piece, PieceLine, width_of, wrap_words

if TYPE_CHECKING:
    from estui.lab.hits import EntryHits
    from estui.lab.rule import Rule
    from estui.plan import Entry

SET_NAMES = {"macos13": "macOS 13", "macos26": "macOS 26"}
SHORT = {"process": "process", "path": "executable", "target_path": "target"}
"""What a dimension looks at, in one word."""
VOTES_WORDS = {
    False: "normal: only the process that acts is asked",
    True: "macOS 27: the instigator an event names is asked, too; one that says no suppresses",
}
VOTES_NOTE = "Whether macOS before 27 does this is not documented."
NO_ENTRIES = (
    "Nothing is muted. m on an event makes an entry from it, a makes one by hand, ctrl+o loads a plan."
)
NO_SET = (
    "Every real client begins with a default mute set. It holds AUTH types only, so of the NOTIFY events seen here "
    "it suppresses none. Enter: choose one."
)
A_SET = (
    "Apple's default mute set guards against deadlocks. It holds AUTH types, so it suppresses no event seen here; "
    "inverted, it selects none. Space: show it. Enter: choose another."
)


SWITCH = 18
"""Cells of the name of a switch."""
TYPE = 16
"""Cells of the type of an entry."""
EVENTS = 24
"""Cells the events of an entry take at most."""
RULE = 80
"""Cells the path of a rule takes at most in a sentence."""


@lru_cache(maxsize=4)
def apples(name: str) -> tuple[MutePath, ...]:
    """The entries of a default set."""
    return Plan(default_mute_set=name).default_entries()


def switch_lines(name: str, mark: str, words: str, width: int, *, wide: bool) -> list[PieceLine]:
    """A switch and what it means now; `mark` is empty where it is off. In a narrow panel an off one has no words."""
    style = "warn" if mark else "text"
    head: PieceLine = [(f"[{mark or ' '}] ", style), (f"{name:<{SWITCH}}", style)]
    told = "teach" if mark else "dim"
    if wide:
        first, *more = wrap_words(words, width - SWITCH - 4, 4, told) or [[]]
        return [[*head, *first], *([(" " * (SWITCH + 4), ""), *line] for line in more)]
    if not mark:
        return [head]
    return [head, *([("    ", ""), *line] for line in wrap_words(words, max(8, width - 5), 8, told))]


def set_line(plan: Plan, *, is_open: bool) -> PieceLine:
    """The default set on one line."""
    count = len(apples(plan.default_mute_set))
    if not count:
        return [("  ", ""), ("no default set", "dim"), ("  (Enter)", "dim")]
    name = SET_NAMES.get(plan.default_mute_set, plan.default_mute_set)
    return [("▾ " if is_open else "▸ ", "dim"), (f"{name} default set: {count} entries, AUTH only", "text")]


def entry_lines(entry: Entry, width: int, *, wide: bool, marked: bool = False) -> list[PieceLine]:
    """An entry: type, path and events. `marked` says whether it is enabled, which those of a default set always are."""
    mark: Piece = ("  ", "") if not marked else ("✓ ", "good") if entry.enabled else ("✗ ", "wrong")
    events = fit(events_words(entry), EVENTS).rstrip()
    kind = type_of(entry)
    text = printable(matched(entry))
    style = "text" if entry.enabled else "dim"
    if not wide:
        path: PieceLine = [("  ", ""), (fit(text, width - 2, tail=True).rstrip(), style)]
        return [[mark, (kind, "type"), (f"  {events}", "dim")], path]
    room = width - 2 - TYPE - 2 - width_of(events)
    return [[mark, (f"{kind:<{TYPE}}", "type"), (fit(text, room, tail=True), style), (f"  {events}", "dim")]]


def events_words(entry: Entry) -> str:
    """The events of an entry in few words."""
    if entry.events is None:
        return "all events"
    if len(entry.events) <= 2:
        return ", ".join(entry.events)
    return f"{entry.events[0]} +{len(entry.events) - 1}"


def count_line(entry: Entry, found: EntryHits | None, held: int, *, wide: bool) -> PieceLine:
    """What an entry does; `held` is the number of events it does it to."""
    if found is None:
        return [("  counting", "dim")]
    share = f" ({100 * found.hits.events / held:.1f} %)" if held else ""
    hits: PieceLine = [("  hits ", "dim"), (f"{found.hits.events:,}{share}", "number")]
    if not entry.enabled:
        line: PieceLine = [*hits, ("  disabled", "dim")]
    elif not found.redundant:
        line = [*hits, ("  own ", "dim"), (f"{found.own.events:,}", "number")]
    elif wide:
        line = [*hits, ("  own ", "dim"), ("0", "number"), ("  redundant", "warn")]
    else:
        # Its first word is not cut off.
        line = [("  redundant", "warn"), *hits]
    if wide:
        line += [("  bytes ", "dim"), (bytes_words(found.hits.bytes), "number")]
    if wide and found.last_ns is not None:
        line += [("  last ", "dim"), (clock(found.last_ns), "number")]
    return line


def entry_details(entry: Entry, found: EntryHits | None) -> list[Piece]:
    """All there is to say about one entry, one paragraph each."""
    pieces: list[Piece] = [(call_words(entry), "text")]
    if found is not None:
        if entry.enabled:
            pieces.append((own_words(found), "teach"))
        if found.one_sided:
            words = f"another target of {found.one_sided:,} of its hits is matched by no entry"
            pieces.append((words, "dim"))
        if found.last >= 0:
            at = "" if found.last_ns is None else f" {clock(found.last_ns)}"
            pieces.append((f"last hit{at} (o: go there), {bytes_words(found.hits.bytes)} in all", "dim"))
    return [*pieces, *((f"△ {words}", "warn") for words in warnings(entry))]


def own_words(found: EntryHits) -> str:
    """What the own count says; of a redundant entry, what makes it so."""
    if found.own.events:
        return f"own {found.own.events:,}: without this entry that many verdicts would be the other way round"
    if not found.redundant:
        return "hits 0: it matches nothing in the ring"
    if found.redundant_by is not None:
        return f"no verdict would flip without it: {rule_words(found.redundant_by)} decides in its place"
    return "no verdict would flip without it: its events are not subscribed to, or something else decides"


def rule_words(rule: Rule) -> str:
    """A rule by its place, type and path; of a long path the end."""
    path = printable(matched(rule.entry))
    if width_of(path) > RULE:
        path = fit(path, RULE, tail=True).rstrip()
    return f"{rule.place} {type_of(rule.entry)} {path}"


def clock(ns: int) -> str:
    """A time of day in UTC, as the list has it."""
    seconds, rest = divmod(ns, SECOND)
    return time.strftime("%H:%M:%S", time.gmtime(seconds)) + f".{rest // 1_000_000:03d}"
