"""The lines of the mutes panel as pieces of text, and its words."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING

from estui.plan import MutePath, Plan
from estui.text import printable
from estui.tui.detail_words import SECOND
from estui.tui.lines import fit
from estui.tui.mute_entry import call_words, matched, type_of, warnings
from estui.tui.pieces import Piece, PieceLine, width_of, wrap_words

if TYPE_CHECKING:
    from estui.client import EntryStats
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


@lru_cache(maxsize=4)
def apples(name: str) -> tuple[MutePath, ...]:
    """The entries of a default set."""
    return Plan(default_mute_set=name).default_entries()


def switch_lines(name: str, mark: str, words: str, width: int, *, wide: bool) -> list[PieceLine]:
    """A switch and what it means now; `mark` is empty where it is off. In a narrow panel an off one has no words."""
    style = "switch" if mark else "text"
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


def count_line(entry: Entry, stats: EntryStats | None, held: int, *, wide: bool) -> PieceLine:
    """What an entry does; `held` is the number of events it does it to."""
    if stats is None:
        return [("  counting", "dim")]
    share = f" ({100 * stats.hits.count / held:.1f} %)" if held else ""
    line: PieceLine = [("  hits ", "dim"), (f"{stats.hits.count:,}{share}", "number")]
    if entry.enabled:
        line += [("  own ", "dim"), (f"{stats.own:,}", "number")]
    else:
        line.append(("  disabled", "dim"))
    if wide and stats.hits.last_ns is not None:
        line += [("  last ", "dim"), (clock(stats.hits.last_ns), "number")]
    return line


def entry_details(entry: Entry, stats: EntryStats | None) -> list[Piece]:
    """All there is to say about one entry, one paragraph each."""
    found: list[Piece] = [(call_words(entry), "text")]
    if stats is not None:
        if entry.enabled:
            found.append((own_words(stats), "teach"))
        if stats.hits.last_ns is not None:
            found.append((f"last hit {clock(stats.hits.last_ns)} (o: go there)", "dim"))
    return [*found, *((f"△ {words}", "switch") for words in warnings(entry))]


def own_words(stats: EntryStats) -> str:
    """What the own count says."""
    if stats.own:
        return f"own {stats.own:,}: without this entry that many verdicts would be the other way round"
    if stats.hits.count:
        return "own 0: no verdict depends on this entry alone; others decide the same, or it does not apply"
    return "hits 0: it matches nothing in the ring"


def clock(ns: int) -> str:
    """A time of day in UTC, as the list has it."""
    seconds, rest = divmod(ns, SECOND)
    return time.strftime("%H:%M:%S", time.gmtime(seconds)) + f".{rest // 1_000_000:03d}"
