"""Two plans side by side: their rules, switches and subscriptions, and the verdicts that differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from estui.client import DIMENSIONS
from estui.core import Core
from estui.events import EVENT_TYPES, NOTIFY
from estui.lab.rule import Rule, rules
from estui.lab.whatif import Preview
from estui.muting import mask_events
from estui.plan import Entry, MutePath, Plan
from estui.record import UNKNOWN_BIT

ONLY_A, ONLY_B, CHANGED = "only in A", "only in B", "changed"


@dataclass(frozen=True, slots=True)
class RuleDiff:
    """A path or process that the two plans mute for different events."""

    entry: Entry
    """The first entry that names it."""
    a: int
    """The event types it is muted for in A; see muting.event_mask. 0: it is not."""
    b: int
    places_a: tuple[str, ...]
    """Where in A; see rule.Rule."""
    places_b: tuple[str, ...]

    @property
    def label(self) -> str:
        """The entry, the path unescaped."""
        return self.entry.label

    @property
    def kind(self) -> str:
        """One of ONLY_A, ONLY_B and CHANGED."""
        return CHANGED if self.a and self.b else ONLY_A if self.a else ONLY_B

    @property
    def of_default_set(self) -> bool:
        """Whether it comes from Apple's default mute sets alone."""
        return not any(place.startswith("[[") for place in (*self.places_a, *self.places_b))


class Switch(NamedTuple):
    """A setting that differs."""

    name: str
    a: str | bool
    b: str | bool


class Subscriptions(NamedTuple):
    """What one plan subscribes to and the other does not."""

    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()
    unknown: str = ""
    """ONLY_A or ONLY_B, where only that one subscribes to every type estui does not know."""


@dataclass(frozen=True, slots=True)
class Diff:
    """All that differs from plan A to plan B."""

    rules: tuple[RuleDiff, ...]
    """In the order of A's rules, then of B's."""
    switches: tuple[Switch, ...]
    subscriptions: Subscriptions
    verdicts: Preview | None
    """Over the ring: what A delivers and B does not is newly hidden. None without one."""

    @property
    def same(self) -> bool:
        """Whether the plans judge every event alike because they say the same."""
        return not self.rules and not self.switches and self.subscriptions == Subscriptions()


def compare(a: Plan, b: Plan, core: Core | None = None) -> Diff:
    """How two plans differ, with a core also over the events it holds. Names and places of the files do not count."""
    return Diff(
        tuple(_rules(a, b)),
        tuple(_switches(a, b)),
        _subscriptions(a, b),
        None if core is None else Preview(core, a, b),
    )


class _Muted(NamedTuple):
    """What one plan says of one path or process."""

    entry: Entry
    mask: int
    places: tuple[str, ...]


def _rules(a: Plan, b: Plan) -> Iterable[RuleDiff]:
    in_a, in_b = _muted(rules(a)), _muted(rules(b))
    for key in dict.fromkeys((*in_a, *in_b)):
        one, other = in_a.get(key), in_b.get(key)
        masks = one.mask if one else 0, other.mask if other else 0
        first = one or other
        if first and masks[0] != masks[1]:
            places = one.places if one else (), other.places if other else ()
            yield RuleDiff(first.entry, *masks, *places)


def _muted(given: Iterable[Rule]) -> dict[tuple[Any, Any], _Muted]:
    """Entries of the same words count together, as ES merges them."""
    found: dict[tuple[Any, Any], _Muted] = {}
    for rule in given:
        entry = rule.entry
        key = (entry.type, entry.path) if isinstance(entry, MutePath) else (entry.pid, entry.pidversion)
        before = found.get(key, _Muted(entry, 0, ()))
        found[key] = _Muted(before.entry, before.mask | rule.mask, (*before.places, rule.place))
    return found


def _switches(a: Plan, b: Plan) -> Iterable[Switch]:
    for name in ("default_mute_set", "instigator_votes", *(f"invert_{each}" for each in DIMENSIONS)):
        if getattr(a, name) != getattr(b, name):
            yield Switch(name, getattr(a, name), getattr(b, name))


def _subscriptions(a: Plan, b: Plan) -> Subscriptions:
    in_a, in_b = (dict.fromkeys(NOTIFY if plan.subscribe is None else plan.subscribe) for plan in (a, b))
    unknown = ""
    if (a.subscribe is None) != (b.subscribe is None):
        unknown = ONLY_A if a.subscribe is None else ONLY_B
    # Under "every type", a name that estui does not know is subscribed to as well.
    return Subscriptions(
        tuple(name for name in in_a if name not in in_b and b.subscribe is not None),
        tuple(name for name in in_b if name not in in_a and a.subscribe is not None),
        unknown,
    )


def event_names(mask: int) -> tuple[str, ...]:
    """The event types of a mask by name, those that estui sees first; those it does not know are "unknown"."""
    known = [EVENT_TYPES[number] for number in mask_events(mask) if number < len(EVENT_TYPES)]
    unknown = ("unknown",) if mask >> UNKNOWN_BIT & 1 else ()
    seen = sorted(known, key=lambda event: not event.name)
    return (*(event.label for event in seen), *unknown)


def document(diff: Diff) -> dict[str, Any]:
    """All but the verdicts, for JSON."""
    return {
        "same": diff.same,
        "rules": [
            {
                "rule": rule.label,
                "difference": rule.kind,
                "events_only_a": event_names(rule.a & ~rule.b),
                "events_only_b": event_names(rule.b & ~rule.a),
                "places_a": rule.places_a,
                "places_b": rule.places_b,
            }
            for rule in diff.rules
        ],
        "switches": [switch._asdict() for switch in diff.switches],
        "subscriptions": {
            "only_a": diff.subscriptions.only_a,
            "only_b": diff.subscriptions.only_b,
            "unknown_types": diff.subscriptions.unknown,
        },
    }
