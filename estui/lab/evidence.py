"""What the events held say about each entry of a plan: the facts that lints go by, beyond the plan itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from estui.core import Core
from estui.events import NOTIFY
from estui.lab.hits import of_rules
from estui.lab.rule import rules
from estui.muting import MutePathType, event_mask
from estui.plan import Entry, MutePath, Plan
from estui.record import PathRule, RuleHits

TWO_TARGETS = tuple(name for name, event in NOTIFY.items() if ";" in event.target_path_fields)
"""The types that carry two target paths."""
_EXEC = event_mask(("exec",))


@dataclass(frozen=True, slots=True)
class Facts:
    """What the events held say about one entry."""

    hits: int = 0
    """Events it matches, whatever their verdict."""
    as_other: tuple[tuple[str, int], ...] = ()
    """Where it matches none: the other types of entry with this path that match some, the likeliest first."""
    closest: str = ""
    """Where none matches: a path that came close."""
    beyond: int = 0
    """Of a prefix without a slash at its end: events it matches beside the place it names."""
    sibling: str = ""
    """The path of one of them, where one was at hand."""
    one_sided: int = 0
    """Events with two targets of which it matches one, and which target muting lets through."""
    execs: int = 0
    """exec events it matches."""

    def __add__(self, other: Facts) -> Facts:
        hits = self.hits + other.hits
        kinds = dict(self.as_other)
        for kind, count in other.as_other:
            kinds[kind] = kinds.get(kind, 0) + count
        return Facts(
            hits,
            () if hits else tuple(kinds.items()),
            "" if hits else max(self.closest, other.closest, key=len),
            self.beyond + other.beyond,
            self.sibling or other.sibling,
            self.one_sided + other.one_sided,
            self.execs + other.execs,
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """The facts about a plan's enabled entries, from one ring or several."""

    events: int = 0
    """Events looked at."""
    facts: dict[Entry, Facts] = field(default_factory=dict)

    def __add__(self, other: Evidence) -> Evidence:
        entries = dict.fromkeys((*self.facts, *other.facts))
        none = Facts()
        return Evidence(
            self.events + other.events,
            {entry: self.facts.get(entry, none) + other.facts.get(entry, none) for entry in entries},
        )


def gather(core: Core, plan: Plan) -> Evidence:
    """What the ring says. Two passes of the core, however many entries; made for a worker thread."""
    given = rules(plan)
    entries = [entry for entry in plan.entries if entry.enabled]
    asked = {entry: _variants(entry) for entry in entries if entry.rule().mask}
    found = iter(
        of_rules(core, plan, given, [rule for variants in asked.values() for rule in variants.values()])
    )
    hits = dict(zip((rule.entry for rule in given), found, strict=False))
    facts = dict.fromkeys(entries, Facts())
    for entry, variants in asked.items():
        counted = {name: next(found).hits.events for name in variants}
        facts[entry] = _facts(core, entry, hits[entry], counted, sided=not plan.invert_target_path)
    closest = _closest(core, plan, [entry for entry in asked if not facts[entry].hits])
    facts |= {entry: replace(facts[entry], closest=path) for entry, path in closest.items()}
    return Evidence(core.counters().held_events, facts)


def _variants(entry: Entry) -> dict[str, PathRule]:
    """What else is asked about an entry: rules like it, by what they are for."""
    if not isinstance(entry, MutePath):
        return {}
    own = entry.rule()
    like = {kind: replace(entry, type=kind) for kind in _other_types(entry.type)}
    if entry.path_type.is_prefix and not entry.path.endswith("/"):
        like["inside"] = replace(entry, path=entry.path + "/")
        like["itself"] = replace(entry, type=MutePathType(entry.path_type + 1).name)
    return {"exec": own._replace(mask=own.mask & _EXEC)} | {
        name: variant.rule() for name, variant in like.items()
    }


def _facts(core: Core, entry: Entry, own: RuleHits, counted: dict[str, int], *, sided: bool) -> Facts:
    hits = own.hits.events
    if not isinstance(entry, MutePath):
        return Facts(hits)
    if not hits:
        others = _other_types(entry.type)
        return Facts(as_other=tuple((kind, counted[kind]) for kind in others if counted[kind]))
    facts = Facts(hits, execs=counted["exec"], one_sided=own.one_sided if sided else 0)
    if "inside" not in counted:
        return facts
    sibling = next((path for path in _paths(core, entry, own.last) if not is_within(path, entry.path)), "")
    return replace(facts, beyond=max(0, hits - counted["inside"] - counted["itself"]), sibling=sibling)


def is_within(path: str, place: str) -> bool:
    """Whether a path that begins with `place` is that place, or inside it."""
    return path == place or path.startswith(place if place.endswith("/") else place + "/")


def _other_types(kind: str) -> tuple[str, ...]:
    """The types of entry somebody may have meant: first about the other path, then a prefix for a literal."""
    about = kind.removeprefix("TARGET_") if kind.startswith("TARGET_") else f"TARGET_{kind}"
    if kind.endswith("PREFIX"):
        return (about,)
    return (about, kind.replace("LITERAL", "PREFIX"), about.replace("LITERAL", "PREFIX"))


def _paths(core: Core, entry: MutePath, seq: int) -> tuple[str, ...]:
    """The paths of an event that an entry of this type matches."""
    row = core.row(seq)
    if row is None:
        return ()
    own = row.targets if entry.path_type.is_target else (row.executable,)
    return tuple(path for path in own if path is not None and path.startswith(entry.path))


def _closest(core: Core, plan: Plan, entries: Iterable[Entry]) -> dict[Entry, str]:
    """For entries that match nothing, a path in the deepest directory above that any event was about."""
    above = {entry: tuple(_above(entry)) for entry in entries if isinstance(entry, MutePath)}
    found = iter(
        of_rules(core, plan, (), [one.rule() for directories in above.values() for one in directories])
    )
    closest: dict[Entry, str] = {}
    for entry, directories in above.items():
        hits = [(directory, next(found)) for directory in directories]
        deepest = next(((directory, own.last) for directory, own in hits if own.hits.events), None)
        if deepest:
            closest[entry] = next(iter(_paths(core, *deepest)), "")
    return closest


def _above(entry: MutePath) -> Iterator[MutePath]:
    """The directories above an entry's path, the deepest first, but for the root and those right in it."""
    kind = MutePathType.TARGET_PREFIX if entry.path_type.is_target else MutePathType.PREFIX
    directory = entry.path.rstrip("/")
    while (directory := directory.rpartition("/")[0]).count("/") > 1:
        yield MutePath(kind.name, directory + "/")
