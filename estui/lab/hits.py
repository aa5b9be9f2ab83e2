"""What each entry of a plan does to the events held: what it matches, what it alone decides, what makes it idle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from estui.core import Core
from estui.lab.rule import Rule, place, rules
from estui.plan import Entry, MutePath, MuteProcess, Plan
from estui.record import PathRule, ProcessRule, RuleHits, Volume

_NONE = RuleHits(Volume(), Volume(), 0, None, -1, None)


@dataclass(frozen=True, slots=True)
class EntryHits:
    """One entry."""

    place: str
    """Where it stands; see rule.Rule."""
    index: int | None
    """Its place in `plan.entries`; None for an entry of the default mute set."""
    entry: Entry
    hits: Volume
    """Events it matches, whatever their verdict; also while it is disabled."""
    own: Volume
    """Events whose verdict would flip without it."""
    one_sided: int
    """Events with two targets of which it matches one, while no entry matches the other."""
    last: int
    """The seq of the last event it matches; -1 for none."""
    last_ns: int | None
    redundant_by: Rule | None
    """Where it decides nothing alone: the rule that decides most of its events in its place. None where no rule does:
    its events are not subscribed, or the verdict does not hang on it."""

    @property
    def redundant(self) -> bool:
        """Whether it matches events, and no verdict would flip without it."""
        return self.entry.enabled and self.hits.events > 0 and not self.own.events


def entries(core: Core, plan: Plan) -> tuple[EntryHits, ...]:
    """Every entry: those of the default mute set, then `plan.entries`. One pass over the ring, for a worker thread."""
    given = rules(plan)
    idle = [
        (index, entry) for index, entry in enumerate(plan.entries) if not entry.enabled and entry.rule().mask
    ]
    counted = of_rules(core, plan, given, [entry.rule() for _, entry in idle])
    by_index = {rule.index: at for at, rule in enumerate(given) if rule.index is not None}
    by_index |= {index: at for at, (index, _) in enumerate(idle, len(given))}
    found = [
        _entry(rule.place, None, rule.entry, hits, given)
        for rule, hits in zip(given, counted, strict=False)
        if rule.index is None
    ]
    for index, entry in enumerate(plan.entries):
        hits = counted[by_index[index]] if index in by_index else _NONE
        found.append(_entry(place(plan, index), index, entry, hits, given))
    return tuple(found)


def of_rules(
    core: Core, plan: Plan, given: Sequence[Rule], idle: Sequence[PathRule | ProcessRule] = ()
) -> list[RuleHits]:
    """What a plan's rules do, each for itself, and what idle ones match; in this order.

    A plan's own rules() would not do: there, entries that say the same are one.
    """
    paths = tuple(rule.entry.rule() for rule in given if isinstance(rule.entry, MutePath))
    processes = tuple(rule.entry.rule() for rule in given if isinstance(rule.entry, MuteProcess))
    alone = plan.with_entries(()).rules()
    return core.hits_of(alone._replace(paths=paths, processes=processes), idle)


def _entry(place: str, index: int | None, entry: Entry, hits: RuleHits, given: Sequence[Rule]) -> EntryHits:
    return EntryHits(
        place,
        index,
        entry,
        hits.hits,
        hits.own,
        hits.one_sided,
        hits.last,
        hits.last_ns,
        None if hits.instead is None else given[hits.instead],
    )
