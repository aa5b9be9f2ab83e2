"""Two plans side by side: the plan in force (A) and another (B), and what differs from the one to the other."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from estui.lab.diff import (
    CHANGED,
    ONLY_A,
    ONLY_B,
    Diff,
    RuleDiff,
    Subscriptions,
    Switch,
    compare,
    event_names,
)
from estui.muting import TARGET_EVENTS
from estui.plan import Entry, MutePath, Plan, find_plan, load
from estui.record import ALL_EVENTS
from estui.text import printable
from estui.tui.files import ask_file, readable
from estui.tui.lab.section import Draft, Section
from estui.tui.lines import fit, shown
from estui.tui.mute_entry import escape, matched, type_of
from estui.tui.mute_lines import TYPE
from estui.tui.pieces import width_of, wrap_words
from estui.tui.plan_dialog import plan_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from estui.session import Session
    from estui.tui.pieces import PieceLine

MOST = 500
"""Differences that are listed."""
NAMED = 4
"""Event types named in a line."""
SIGNS = {ONLY_A: "-", ONLY_B: "+", CHANGED: "~"}
STYLES = {ONLY_A: "wrong", ONLY_B: "good", CHANGED: "warn"}

Difference = RuleDiff | Switch | Subscriptions


class Compared(NamedTuple):
    """What a worker found."""

    a: Plan
    b: Plan
    differences: tuple[Difference, ...]
    apples: int
    """Rules of Apple's default sets that differ: the switch stands for them."""


class PlansSection(Section):
    """Each difference previews plan B as a whole; one key takes B, another this difference alone."""

    TITLE = "Plans"
    DOES = "take plan B whole"

    def __init__(self, session: Session, *, id: str | None = None) -> None:
        super().__init__(session, id=id)
        self._opened: tuple[str, Plan] | None = None
        """Plan B, and the file or example it came from."""
        self._compared: Compared | None = None

    # ---- keeping up

    @property
    def other(self) -> Plan:
        """Plan B; until one is opened, the plan that the session began with."""
        if self._opened is not None:
            return self._opened[1]
        history = self.client.history
        return history[0][0] if history else self.client.plan

    def look(self) -> None:
        """Compares again where one of the plans is another. The ring plays no part."""
        a, b = self.client.plan, self.other

        def job(stopped: Callable[[], bool]) -> Compared:
            diff = compare(a, b)
            own = tuple(rule for rule in diff.rules if not rule.of_default_set)
            return Compared(a, b, (*own, *_others(diff)), len(diff.rules) - len(own))

        self.work_out((a, b, self._called), job, self._done)

    def _done(self, compared: Compared) -> None:
        self._compared = compared
        self.notes = tuple(self._notes(compared))

    def _notes(self, compared: Compared) -> Iterator[str]:
        yield shown(f"A  in force: {_plan_words(compared.a)}", 400)
        yield shown(f"B  {self._called}: {_plan_words(compared.b)}", 400)
        if len(compared.differences) > MOST:
            yield f"{len(compared.differences):,} differences; these are the first {MOST}"

    @property
    def _called(self) -> str:
        return self._opened[0] if self._opened is not None else "at the start"

    def tab(self) -> str:
        """The number of differences."""
        number = 0 if self._compared is None else len(self._compared.differences)
        return f"{self.TITLE} {number}" if number else self.TITLE

    # ---- the list

    def items(self) -> int:
        """The rules, then the switches and what is subscribed to."""
        return 0 if self._compared is None else min(MOST, len(self._compared.differences))

    def item_lines(self, at: int, width: int) -> list[PieceLine]:
        """What differs, and how."""
        assert self._compared is not None
        difference = self._compared.differences[at]
        head: PieceLine
        words: tuple[str, ...]
        if isinstance(difference, RuleDiff):
            head, words = _rule_line(difference, width), tuple(_rule_words(difference))
        elif isinstance(difference, Switch):
            head = [("~ ", "warn"), (f"{difference.name:<{TYPE}}", "type")]
            head.append((f"  {_value(difference.a)} in A, {_value(difference.b)} in B", "text"))
            apples = self._compared.apples if difference.name == "default_mute_set" else 0
            words = (f"Apple's own entries: {apples} differ",) if apples else ()
        else:
            head, words = [("~ ", "warn"), ("subscriptions", "type")], tuple(_subscription_words(difference))
        lines = [head]
        for text in words:
            lines += [[("    ", ""), *line] for line in wrap_words(text, max(8, width - 4), 3, "dim")]
        return lines

    def nothing(self) -> str:
        """Why there is none."""
        if self._compared is None:
            return "The plans are compared …"
        words = "the plan at the start of the session" if self._opened is None else shown(self._called, 200)
        return f"The plan in force says the same as {words}. o opens another plan to compare it with."

    @property
    def _ready(self) -> bool:
        """The list is of these two plans."""
        compared = self._compared
        return compared is not None and (compared.a, compared.b) == (self.client.plan, self.other)

    def draft(self) -> Draft | None:
        """Plan B, whole."""
        if not self._ready or self.at < 0:
            return None
        return Draft(self.other, shown(f"take plan B ({self._called})", 400))

    # ---- acting

    def action_one(self) -> None:
        """Takes what is selected over from plan B, and nothing else."""
        compared, at = self._compared, self.at
        if compared is None or not self._ready or at < 0:
            self.commands.say("There is nothing to take here", wrong=True)
            return
        a, b, difference = compared.a, compared.b, compared.differences[at]
        changed: dict[str, Any]
        if isinstance(difference, RuleDiff):
            words = difference.label
            plan = with_rule_of(a, b, difference.entry)
        else:
            words = difference.name if isinstance(difference, Switch) else "the subscriptions"
            changed = (
                {difference.name: difference.b}
                if isinstance(difference, Switch)
                else {"subscribe": b.subscribe}
            )
            plan = replace(a, **changed)
        self.lab.take(Draft(plan, printable(f"take {words} from plan B")))

    def action_open(self) -> None:
        """Asks for plan B."""
        before = "" if self._opened is None else escape(self._opened[0])
        hint = "path of a plan, or the name of an example; empty for the plan at the start"
        ask_file(self.commands, "plan B:", before, hint, self._take)

    def _take(self, name: str) -> None:
        self._opened = (name, load(readable(find_plan(name)))) if name else None
        self.lab.poll()


def with_rule_of(a: Plan, b: Plan, entry: Entry) -> Plan:
    """Plan A, but what names the path or process of this entry is as plan B has it."""
    key = _key(entry)
    theirs = [one for one in b.entries if one.enabled and _key(one) == key]
    entries: list[Entry] = []
    place = None
    for one in a.entries:
        if _key(one) == key and (one.enabled or replace(one, enabled=True) in theirs):
            place = len(entries) if place is None else place
        else:
            entries.append(one)
    place = len(entries) if place is None else place
    return a.with_entries([*entries[:place], *theirs, *entries[place:]])


def _key(entry: Entry) -> tuple[object, ...]:
    return (entry.type, entry.path) if isinstance(entry, MutePath) else (entry.pid, entry.pidversion)


def _others(diff: Diff) -> Iterator[Difference]:
    yield from diff.switches
    if diff.subscriptions != Subscriptions():
        yield diff.subscriptions


def _plan_words(plan: Plan) -> str:
    return f"{plan.name}, {plan_words(plan)}" if plan.name else plan_words(plan)


def _value(value: str | bool) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else value


def _rule_line(rule: RuleDiff, width: int) -> PieceLine:
    kind = f"  {rule.kind}"
    path = fit(shown(matched(rule.entry)), max(2, width - 2 - TYPE - width_of(kind)), tail=True)
    return [
        (f"{SIGNS[rule.kind]} ", STYLES[rule.kind]),
        (f"{type_of(rule.entry):<{TYPE}}", "type"),
        (path, "text"),
        (kind, STYLES[rule.kind]),
    ]


def _rule_words(rule: RuleDiff) -> Iterator[str]:
    """The events for which only one of the plans mutes it."""
    for name, mask, whole in (("A", rule.a & ~rule.b, rule.a), ("B", rule.b & ~rule.a, rule.b)):
        if mask:
            every = mask == whole and mask in {ALL_EVENTS, TARGET_EVENTS}
            yield f"only in {name} for {'all events' if every else _names(mask)}"


@lru_cache(maxsize=256)
def _names(mask: int) -> str:
    return _some(event_names(mask))


def _subscription_words(differ: Subscriptions) -> Iterator[str]:
    for name, names, kind in (("A", differ.only_a, ONLY_A), ("B", differ.only_b, ONLY_B)):
        parts = [_some(names)] if names else []
        if differ.unknown == kind:
            parts.append("every type that estui does not know")
        if parts:
            yield f"only in {name}: {' and '.join(parts)}"


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - NAMED
    return shown(", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else ""), 400)
