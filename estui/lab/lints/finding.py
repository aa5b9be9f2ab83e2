"""What a lint finds, and what its fix is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from estui.events import EVENT_TYPES, NOTIFY
from estui.lab.calls import Call
from estui.lab.evidence import Evidence, Facts
from estui.lab.rule import Rule, place
from estui.muting import event_mask, mask_events
from estui.plan import Entry, MutePath, MuteProcess, Plan
from estui.record import UNKNOWN_BIT
from estui.text import printable

ERROR, WARNING, HINT = "error", "warning", "hint"
SEVERITIES = (ERROR, WARNING, HINT)
"""error: the plan does not do what it says. warning: it hardly does what was meant. hint: worth a look."""


@dataclass(frozen=True, slots=True)
class Fix:
    """What takes a lint away."""

    words: str
    """Safe to show."""
    plan: Callable[[Plan], Plan]
    """The plan without the lint; a plan that no longer has what the lint is about comes back as it is."""
    calls: Callable[[Sequence[Call]], tuple[Call, ...]] | None = None
    """The same for the history, where the lint is about that."""


@dataclass(frozen=True, slots=True)
class Lint:
    """One finding."""

    id: str
    severity: str
    reason: str
    """One line, safe to show."""
    fix: Fix
    index: int | None = None
    """The entry it is about, in `plan.entries`."""
    place: str = ""
    """That entry, or the key, as the plan file has it; or the call."""
    call: int | None = None
    """The call it is about, in the history."""


class Given(NamedTuple):
    """What lints look at."""

    plan: Plan
    rules: tuple[Rule, ...]
    evidence: Evidence
    calls: Sequence[Call]

    @property
    def live(self) -> Iterator[tuple[int, Entry]]:
        """The enabled entries."""
        return ((index, entry) for index, entry in enumerate(self.plan.entries) if entry.enabled)

    def facts(self, entry: Entry) -> Facts | None:
        """What the events say of an entry; None where there are none, or it was not there to ask about."""
        return self.evidence.facts.get(entry) if self.evidence.events else None


_LONG = 200
_NAMED = 4
NOTIFY_MASK = event_mask(NOTIFY)
SEEN = NOTIFY_MASK | 1 << UNKNOWN_BIT
"""The event mask of what can arrive: all but AUTH and reserved types."""


def shown(text: str) -> str:
    """A path in words."""
    return printable(text if len(text) <= _LONG else text[:_LONG] + "…")


def some(mask: int) -> str:
    """Event types in words, the first few by name."""
    names = [EVENT_TYPES[number].label for number in mask_events(mask & ~(1 << UNKNOWN_BIT))]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def mask_of(entry: Entry) -> int:
    """The event types an entry counts for; 0 if its type can match none of them."""
    return entry.rule().mask


def is_inverted(plan: Plan, entry: Entry) -> bool:
    """Whether an entry selects instead of muting."""
    if isinstance(entry, MuteProcess):
        return plan.invert_process
    return plan.invert_target_path if entry.path_type.is_target else plan.invert_path


def subscribed_mask(plan: Plan) -> int:
    """The event mask of what is subscribed to; AUTH types, which no plan subscribes to, count as if they were."""
    if plan.subscribe is None:
        return (1 << UNKNOWN_BIT + 1) - 1
    known = event_mask(name for name in plan.subscribe if name in NOTIFY)
    unknown = any(name not in NOTIFY for name in plan.subscribe)
    return known | unknown << UNKNOWN_BIT | ~SEEN & ((1 << UNKNOWN_BIT + 1) - 1)


def on_entry(
    id: str, severity: str, given: Given, index: int, words: str, fix: str, new: Entry | None
) -> Lint:
    """A lint about one entry, whose fix puts another in its place, or none."""
    entry = given.plan.entries[index]

    def plan(plan: Plan) -> Plan:
        entries = list(plan.entries)
        if entries.count(entry) < given.plan.entries.count(entry):
            return plan  # one of several that are the same is gone; the others are not meant
        if index < len(entries) and entries[index] == entry:
            at = index
        elif entry in entries:
            at = entries.index(entry)
        else:
            return plan
        entries[at : at + 1] = [] if new is None else [new]
        return plan.with_entries(entries)

    return Lint(id, severity, printable(words), Fix(printable(fix), plan), index, place(given.plan, index))


def without(entry: Entry, mask: int) -> Entry | None:
    """The entry without some event types; None where none are left. All others are then named."""
    names = entry.events
    if names is None:
        is_target = isinstance(entry, MutePath) and entry.path_type.is_target
        names = tuple(name for name, event in NOTIFY.items() if event.supports_targets or not is_target)
    left = tuple(name for name in names if not event_mask((name,)) & mask)
    return replace(entry, events=left) if left else None


def leave_out(entry: Entry, mask: int) -> tuple[str, Entry | None]:
    """The words and the entry of a fix that leaves event types out."""
    new = without(entry, mask)
    if new is None:
        return "remove the entry", None
    return f"leave {some(mask & mask_of(entry) & NOTIFY_MASK)} out of its events", new


def changed(**changes: Any) -> Callable[[Plan], Plan]:
    """A fix that sets fields of the plan."""
    return lambda plan: replace(plan, **changes)
