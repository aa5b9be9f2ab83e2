"""What the events held say about each entry of a plan: the facts that lints go by, beyond the plan itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from estui.core import Core
from estui.events import NOTIFY
from estui.lab.rule import Matcher, Rule, rules
from estui.muting import MutePathType, event_mask
from estui.plan import Entry, MutePath, Plan
from estui.record import Filter, PathRule, ViewSpec

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
    """What the ring says. Each entry costs a few passes of the core; made for a worker thread."""
    events = core.counters().held_events
    one_sided = _one_sided(core, plan) if events else {}
    facts = {
        entry: replace(_facts(core, entry), one_sided=one_sided.get(entry, 0))
        for entry in plan.entries
        if entry.enabled
    }
    return Evidence(events, facts)


def _facts(core: Core, entry: Entry) -> Facts:
    rule = entry.rule()
    if not rule.mask:
        return Facts()
    hits = core.hits(rule)
    if not isinstance(entry, MutePath) or not isinstance(rule, PathRule):
        return Facts(hits.count)
    if not hits.count:
        others = tuple((kind, _count(core, replace(entry, type=kind))) for kind in _other_types(entry.type))
        return Facts(
            as_other=tuple((kind, count) for kind, count in others if count), closest=_closest(core, entry)
        )
    facts = Facts(hits.count, execs=core.hits(PathRule(rule.type, rule.path, rule.mask & _EXEC)).count)
    if not entry.path_type.is_prefix or entry.path.endswith("/"):
        return facts
    literal = MutePathType(entry.path_type + 1).name
    within = _count(core, replace(entry, path=entry.path + "/")) + _count(core, replace(entry, type=literal))
    sibling = next((path for path in _paths(core, entry, hits.last) if not is_within(path, entry.path)), "")
    return replace(facts, beyond=max(0, hits.count - within), sibling=sibling)


def is_within(path: str, place: str) -> bool:
    """Whether a path that begins with `place` is that place, or inside it."""
    return path == place or path.startswith(place if place.endswith("/") else place + "/")


def _other_types(kind: str) -> tuple[str, ...]:
    """The types of entry somebody may have meant: first about the other path, then a prefix for a literal."""
    about = kind.removeprefix("TARGET_") if kind.startswith("TARGET_") else f"TARGET_{kind}"
    if kind.endswith("PREFIX"):
        return (about,)
    return (about, kind.replace("LITERAL", "PREFIX"), about.replace("LITERAL", "PREFIX"))


def _count(core: Core, entry: MutePath) -> int:
    rule = entry.rule()
    return core.hits(rule).count if rule.mask else 0


def _paths(core: Core, entry: MutePath, seq: int) -> tuple[str, ...]:
    """The paths of an event that an entry of this type matches."""
    row = core.row(seq)
    if row is None:
        return ()
    own = row.targets if entry.path_type.is_target else (row.executable,)
    return tuple(path for path in own if path is not None and path.startswith(entry.path))


def _closest(core: Core, entry: MutePath) -> str:
    """A path in the deepest directory above the entry's that any event was about."""
    kind = MutePathType.TARGET_PREFIX if entry.path_type.is_target else MutePathType.PREFIX
    directory = entry.path.rstrip("/")
    while (directory := directory.rpartition("/")[0]).count("/") > 1:
        above = MutePath(kind.name, directory + "/")
        hits = core.hits(above.rule())
        if hits.count:
            return next(iter(_paths(core, above, hits.last)), "")
    return ""


def _one_sided(core: Core, plan: Plan) -> dict[Entry, int]:
    """Per target entry the events with two targets that it matches on one side, and that are let through."""
    found: dict[Entry, int] = {}
    given = [rule for rule in rules(plan) if rule.is_of("target_path")]
    if plan.invert_target_path or not given:
        return found
    matcher = Matcher(given)
    seen: dict[str, list[Rule]] = {}
    for name, one, other in _pairs(core):
        bit = event_mask((name,))
        sides = []
        for path in (one, other):
            if path not in seen:
                seen[path] = matcher.matching(path)
            sides.append({rule.entry for rule in seen[path] if rule.mask & bit})
        if bool(sides[0]) != bool(sides[1]):
            for entry in sides[0] | sides[1]:
                found[entry] = found.get(entry, 0) + 1
    return found


def _pairs(core: Core) -> Iterator[tuple[str, str, str]]:
    for name in TWO_TARGETS:
        view = core.view(ViewSpec((Filter("event", name, True),)))
        view.extend()
        for position in range(len(view)):
            row = core.row(view[position])
            if row is not None and len(row.targets) > 1:
                yield name, row.targets[0], row.targets[1]
