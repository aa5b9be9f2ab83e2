"""Suggestions: small sets of rules that mute most of what a ring holds, and hide nothing that must not be lost.

The core counts the events a plan delivers in groups (record.Cube). Rules about directories, files and programs that
the groups name are then chosen one after the other: always the one that saves most for its risk, for the types of one
kind alone, until none saves enough. Figures are exact: a group is muted whole or not at all. What may be chosen is
up to the keep-list's guard; two rules cannot hide together what neither of them may hide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

from estui.core import Core
from estui.events import NOTIFY
from estui.lab import risk
from estui.lab.guard import Guard, held, may_fit
from estui.lab.keep import Keep
from estui.lab.risk import Risk
from estui.muting import event_mask, mask_events, path_bytes
from estui.plan import MutePath, Plan
from estui.record import NODE_NONE, NODE_ROOT, Cube
from estui.text import printable

MOST = 80
"""Suggestions made at most."""
LEAST_SHARE = 0.0003
"""Of the events delivered: what saves less is not worth a rule."""
_PHASES = (((1,), "medium"), ((0,), "medium"), ((0, 1), "high"))
"""Columns and the greatest risk: targets before programs, and what risks much last."""
FINEST = 4000
"""Groups are of at least this part of the events, where that does not make too many."""
_CELLS = 20_000
"""Groups at most."""
_SHOWN = 5
_EXAMPLES = 5
_ACTORS = 0.5
"""Share of what a rule hides that programs anybody could have put there do, from which on it is riskier."""
_KINDS = tuple(event_mask(names) for names in ((*risk.LOOKS_ONLY, *risk.TALKS), risk.CHANGES))
"""The event types of one suggestion are all of one of these."""
_NOISE = _KINDS[0] | _KINDS[1]
_NAMES = {event.number: name for name, event in NOTIFY.items()}
_PROGRAMS, _TARGETS = range(2)

Counts = tuple[tuple[str, int], ...]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Rules that belong together, and what they would do when all before them have been taken."""

    entries: tuple[MutePath, ...]
    events: int
    """Events held that they hide."""
    bytes: int
    risk: Risk
    by_event: Counts
    by_program: Counts
    """The programs, or directories of programs, that act most in what they hide; "" for all others."""
    by_target: Counts
    examples: tuple[int, ...]
    """Seqs of some events they hide."""


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What could be muted beyond a plan, the best first."""

    events: int
    """Events held."""
    delivered: int
    """Those among them that the plan delivers."""
    bytes: int
    """Of the lines of these."""
    most: int
    """Of the events delivered: no rules about paths could hide more without hiding what is kept, exec, fork or exit."""
    items: tuple[Suggestion, ...]

    @property
    def saved(self) -> int:
        """Events that all suggestions together hide."""
        return sum(item.events for item in self.items)

    @property
    def share_saved(self) -> float:
        """The same as a share of the events delivered."""
        return self.saved / self.delivered if self.delivered else 0.0

    @property
    def upper_bound(self) -> float:
        """`most` as a share of the events delivered."""
        return self.most / self.delivered if self.delivered else 0.0


def accepted(plan: Plan, suggestions: Iterable[Suggestion]) -> Plan:
    """The plan with these suggestions taken: an entry of the same type and path gets the event types."""
    paths = list(plan.paths)
    for suggestion in suggestions:
        for entry in suggestion.entries:
            for place, own in enumerate(paths):
                if (own.type, own.path, own.enabled) == (entry.type, entry.path, True):
                    if own.events is not None:
                        more = dict.fromkeys((*own.events, *(entry.events or ())))
                        paths[place] = replace(own, events=tuple(more))
                    break
            else:
                paths.append(entry)
    return replace(plan, paths=tuple(paths))


def suggest(
    core: Core,
    plan: Plan,
    keep: Keep,
    *,
    riskiest: str = "high",
    progress: Progress | None = None,
    stopped: Callable[[], bool] | None = None,
) -> Suggestions:
    """Suggestions for a plan, by the events held; made for a worker thread.

    The coverage list counts as kept, whatever the keep-list says of it. `riskiest` is one of risk.LEVELS: what risks
    more is left out. `progress` is told steps done and steps at most; where `stopped` says so, what was found until
    then is given back.
    """
    tell = progress or (lambda done, of: None)
    halt = stopped or (lambda: False)
    cube = _cube(core, plan)
    tell(1, MOST + 2)
    search = _Search(cube, Guard(replace(keep, coverage=True), plan), core, plan, riskiest)
    tell(2, MOST + 2)
    items: list[Suggestion] = []
    while len(items) < MOST and not halt():
        item = search.next()
        if item is None:
            break
        items.append(item)
        tell(len(items) + 2, MOST + 2)
    tell(MOST + 2, MOST + 2)
    delivered = sum(cell.events for cell in cube.cells)
    return Suggestions(
        core.counters().held_events,
        delivered,
        sum(cell.bytes for cell in cube.cells),
        search.most,
        tuple(items),
    )


def _cube(core: Core, plan: Plan) -> Cube:
    rules = plan.rules()
    least = max(1, core.counters().held_events // FINEST)
    while True:
        cube = core.cube(rules, least)
        if len(cube.cells) <= _CELLS or least > core.counters().held_events:
            return cube
        least *= 4


class _Candidate(NamedTuple):
    score: float
    events: int
    kind: int
    node: int
    mask: int


class _Column:
    """The programs or the targets of a cube: nodes, what is above each, and the types each may be muted for."""

    def __init__(
        self, paths: tuple[str | None, ...], types: tuple[str, str], guard: Guard, *, idle: bool
    ) -> None:
        self.paths = paths
        self.entries: list[MutePath | None] = [None, None]
        self.allowed = [0, 0]
        self.chains: list[tuple[int, ...]] = [(), ()]
        """By node: it and what is above it, the deepest first."""
        self.gains: list[Counter[int]] = [Counter(), Counter()]
        """By node and type, the events that a rule would hide."""
        self.foreign: list[Counter[int]] = [Counter(), Counter()]
        """Those among them that programs do which anybody could have put there."""
        open_: list[tuple[bytes, int]] = []
        for node, path in enumerate(paths[2:], 2):
            assert path is not None
            raw = path_bytes(path)
            while open_ and not raw.startswith(open_[-1][0]):
                open_.pop()
            self.chains.append((node, *(above for _, above in reversed(open_))))
            if path.endswith("/"):
                open_.append((raw, node))
            entry = MutePath(types[not path.endswith("/")], path)
            self.entries.append(entry)
            usable = not idle and path.startswith("/") and path != "/"
            self.allowed.append(_NOISE & ~guard.forbidden(entry) if usable else 0)
            self.gains.append(Counter())
            self.foreign.append(Counter())
        self.below: list[list[int]] = [[] for _ in paths]
        """By node, the cells in it."""

    def add(self, nodes: Iterable[int], event: int, events: int, *, foreign: bool) -> None:
        for node in nodes:
            if self.allowed[node] >> event & 1:
                self.gains[node][event] += events
                if foreign:
                    self.foreign[node][event] += events


class _Search:
    """The choice of one suggestion after the other."""

    def __init__(self, cube: Cube, guard: Guard, core: Core, plan: Plan, riskiest: str) -> None:
        self._riskiest = risk.LEVELS[riskiest]
        self._cells = cube.cells
        self._columns = (
            _Column(cube.executables, ("PREFIX", "LITERAL"), guard, idle=plan.invert_path),
            _Column(cube.targets, ("TARGET_PREFIX", "TARGET_LITERAL"), guard, idle=plan.invert_target_path),
        )
        self._spare_actors(guard, core)
        self._left = [True] * len(self._cells)
        self._sides = [[cell.target1, cell.target2] for cell in self._cells]
        """By cell, the targets that are not muted yet."""
        self._foreign = [
            path is None
            or risk.writable_place(path, prefix=path.endswith("/")) not in {None, "/Applications/"}
            for path in cube.executables
        ]
        self._phase = 0
        delivered = sum(cell.events for cell in self._cells)
        self._least = max(2, round(delivered * LEAST_SHARE))
        self.most = 0
        surely = cache(guard.surely)
        for number, cell in enumerate(self._cells):
            sides = [side for side in self._sides[number] if side != NODE_NONE]
            for kind, nodes in ((_PROGRAMS, [cell.executable]), (_TARGETS, sides)):
                for above in dict.fromkeys(
                    above for node in nodes for above in self._columns[kind].chains[node]
                ):
                    self._columns[kind].below[above].append(number)
            self._count(number, 1)
            name = _NAMES.get(cell.event_id)
            if name not in risk.IDENTITY and not (
                name
                and any(surely(cell.event_id, cube.targets[side] or "") for side in (sides or [NODE_NONE]))
            ):
                self.most += cell.events

    def _spare_actors(self, guard: Guard, core: Core) -> None:
        """Keep what was held of programs and processes that are kept whatever they act on."""
        targets, executables = self._columns[_TARGETS], self._columns[_PROGRAMS]
        number = {path: node for node, path in enumerate(targets.paths) if path}
        for one, mask in guard.of_actors():
            spared: set[tuple[int, int]] = set()
            if one.pid is not None:
                for row in held(core, one):
                    spared.update((row.event_id, _node_of(number, path)) for path in row.targets)
            else:
                acts = [
                    node != NODE_NONE
                    and (
                        node == NODE_ROOT
                        or may_fit(
                            one.executable_prefix,
                            one.executable_literal,
                            path_bytes(path or ""),
                            prefix=(path or "").endswith("/"),
                        )
                    )
                    for node, path in enumerate(executables.paths)
                ]
                for cell in self._cells:
                    if mask >> min(cell.event_id, 255) & 1 and acts[cell.executable]:
                        spared.update((cell.event_id, side) for side in (cell.target1, cell.target2))
            for event, node in spared:
                for above in targets.chains[node]:
                    targets.allowed[above] &= ~(1 << event)

    def _ways(self, number: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        """The nodes of each column of which one muted hides a cell."""
        yield _PROGRAMS, self._columns[_PROGRAMS].chains[self._cells[number].executable]
        chains = [self._columns[_TARGETS].chains[side] for side in self._sides[number] if side != NODE_NONE]
        if len(chains) == 1:
            yield _TARGETS, chains[0]
        elif chains:
            yield _TARGETS, tuple(node for node in chains[0] if node in chains[1])

    def _count(self, number: int, sign: int) -> None:
        cell = self._cells[number]
        if _NOISE >> min(cell.event_id, 255) & 1:
            for kind, nodes in self._ways(number):
                foreign = self._foreign[cell.executable]
                self._columns[kind].add(nodes, cell.event_id, sign * cell.events, foreign=foreign)

    def next(self) -> Suggestion | None:
        """Take the best that is left; None where nothing is worth it."""
        while True:
            columns, level = _PHASES[self._phase]
            riskiest = min(risk.LEVELS[level], self._riskiest)
            best = max(self._candidates(columns, riskiest), default=None)
            if best is not None:
                break
            if self._phase == len(_PHASES) - 1:
                return self._pair()
            self._phase += 1
        column = self._columns[best.kind]
        entry = column.entries[best.node]
        assert entry is not None
        chosen = [(best.kind, best.node, best.mask)]
        # The directory by its own name is not in it, and belongs to it.
        own = column.paths.index(entry.path[:-1]) if entry.path[:-1] in column.paths else None
        if entry.path.endswith("/") and own is not None and best.kind == _TARGETS:
            mask = best.mask & sum(1 << event for event, gain in column.gains[own].items() if gain > 0)
            if mask:
                chosen.append((best.kind, own, mask))
        return self._take(chosen)

    def _candidates(self, columns: tuple[int, ...], riskiest: float) -> Iterator[_Candidate]:
        for kind in columns:
            column = self._columns[kind]
            for node, gains in enumerate(column.gains):
                if sum(gains.values()) < self._least:
                    continue
                for types in _KINDS:
                    found = [
                        (event, gain) for event, gain in gains.items() if gain > 0 and types >> event & 1
                    ]
                    total = sum(gain for _, gain in found)
                    if total < self._least:
                        continue
                    # A type that hardly occurs there is not worth the blindness.
                    worth = [(event, gain) for event, gain in found if gain * 500 >= total]
                    mask = sum(1 << event for event, _ in worth)
                    total = sum(gain for _, gain in worth)
                    value = self._risk(kind, node, mask).value
                    if value <= riskiest and total >= self._least:
                        yield _Candidate(total * (1 - value), total, kind, node, mask)

    def _risk(self, kind: int, node: int, mask: int) -> Risk:
        column = self._columns[kind]
        entry, types = column.entries[node], mask_events(mask)
        assert entry is not None
        found = risk.of_entry(entry, [_NAMES[event] for event in types])
        foreign = sum(column.foreign[node][event] for event in types)
        if kind == _TARGETS and foreign > _ACTORS * sum(column.gains[node][event] for event in types):
            found = risk.with_reason(found, 0.3, "most of it by programs that anybody could have put there")
        return found

    def _pair(self) -> Suggestion | None:
        """Two rules for the events with two targets that no one rule hides: the two directories they lead between."""
        pairs: Counter[tuple[int, int, int]] = Counter()
        for number, cell in enumerate(self._cells):
            one, other = self._sides[number]
            if (
                not self._left[number]
                or NODE_NONE in {one, other}
                or not _NOISE >> min(cell.event_id, 255) & 1
            ):
                continue
            ends = [self._nearest(side, cell.event_id) for side in (one, other)]
            if None not in ends:
                first, second = sorted(end for end in ends if end is not None)
                pairs[cell.event_id, first, second] += cell.events
        for (event, first, second), count in pairs.most_common():
            if count < self._least:
                break
            if all(
                self._risk(_TARGETS, node, 1 << event).value <= self._riskiest for node in (first, second)
            ):
                return self._take([(_TARGETS, node, 1 << event) for node in dict.fromkeys((first, second))])
        return None

    def _nearest(self, node: int, event: int) -> int | None:
        """The directory next to a node that may be muted, or the node itself."""
        column = self._columns[_TARGETS]
        usable = [above for above in column.chains[node] if column.allowed[above] >> event & 1]
        return next(
            (above for above in usable if (column.paths[above] or "").endswith("/")), next(iter(usable), None)
        )

    def _take(self, chosen: list[tuple[int, int, int]]) -> Suggestion:
        """Mute what these rules are about, and say what that hid."""
        worst = max(self._risk(*rule) for rule in chosen)
        hidden = []
        for kind, node, mask in chosen:
            for number in self._columns[kind].below[node]:
                cell = self._cells[number]
                if not self._left[number] or not mask >> min(cell.event_id, 255) & 1:
                    continue
                self._count(number, -1)
                if kind == _TARGETS:
                    chains = self._columns[_TARGETS].chains
                    self._sides[number] = [
                        NODE_NONE if node in chains[side] else side for side in self._sides[number]
                    ]
                if kind == _PROGRAMS or self._sides[number] == [NODE_NONE, NODE_NONE]:
                    self._left[number] = False
                    hidden.append(number)
                else:
                    self._count(number, 1)
        return self._told(chosen, hidden, worst)

    def _told(self, chosen: list[tuple[int, int, int]], hidden: list[int], worst: Risk) -> Suggestion:
        by_event: Counter[str] = Counter()
        by_program: Counter[str] = Counter()
        by_target: Counter[str] = Counter()
        events = size = 0
        programs, targets = (column.paths for column in self._columns)
        for number in hidden:
            cell = self._cells[number]
            events += cell.events
            size += cell.bytes
            by_event[_NAMES[cell.event_id]] += cell.events
            by_program[programs[cell.executable] or ""] += cell.events
            for side in dict.fromkeys((cell.target1, cell.target2)):
                if side != NODE_NONE:
                    by_target[targets[side] or ""] += cell.events
        entries = []
        for kind, node, mask in chosen:
            entry = self._columns[kind].entries[node]
            assert entry is not None
            names = tuple(_NAMES[event] for event in mask_events(mask))
            entries.append(replace(entry, events=tuple(sorted(names))))
        last = sorted(hidden, key=lambda number: -self._cells[number].events)[:_EXAMPLES]
        return Suggestion(
            tuple(entries),
            events,
            size,
            worst,
            tuple(by_event.most_common()),
            tuple(by_program.most_common(_SHOWN)),
            tuple(by_target.most_common(_SHOWN)),
            tuple(self._cells[number].last for number in last),
        )


def _node_of(number: dict[str, int], path: str) -> int:
    """The node a path counts with."""
    found = number.get(path)
    while found is None and path:
        path = path[: path.rstrip("/").rfind("/") + 1] if path.endswith("/") else path[: path.rfind("/") + 1]
        found = number.get(path)
    return NODE_ROOT if found is None else found


# As text and JSON


def lines(item: Suggestion, of: Suggestions) -> Iterator[str]:
    """A suggestion in words, safe to show: what it saves, its rules, and what it would have hidden."""
    share = 100 * item.events / max(1, of.delivered)
    why = f": {', '.join(item.risk.words)}" if item.risk.words else ""
    yield printable(
        f"{share:4.1f} %  {item.events:,} events, {item.bytes:,} bytes; risk {item.risk.level}{why}"
    )
    for entry in item.entries:
        yield printable(f"    {entry.label}: {', '.join(entry.events or ('all events',))}")
    acting = ", ".join(f"{path or 'others'} ({count:,})" for path, count in item.by_program[:3])
    yield printable(f"    hides what is done by {acting}")


def summary(found: Suggestions) -> str:
    """All suggestions in a line."""
    if not found.items:
        return f"nothing to suggest for {found.delivered:,} events delivered"
    return (
        f"together {found.saved:,} of {found.delivered:,} events delivered: {found.share_saved:.1%}; no rules about "
        f"paths could save more than {found.upper_bound:.1%} and keep what must be kept"
    )


def document(found: Suggestions) -> dict[str, Any]:
    """Suggestions in a JSON document."""
    return {
        "events": found.events,
        "delivered": found.delivered,
        "bytes": found.bytes,
        "saved": found.saved,
        "share_saved": found.share_saved,
        "upper_bound": found.upper_bound,
        "suggestions": [
            {
                "rules": [
                    {"type": entry.type, "path": entry.path, "events": entry.events} for entry in item.entries
                ],
                "events": item.events,
                "bytes": item.bytes,
                "risk": item.risk.value,
                "level": item.risk.level,
                "why": item.risk.words,
                "by_event": dict(item.by_event),
                "by_program": dict(item.by_program),
                "by_target": dict(item.by_target),
                "examples": item.examples,
            }
            for item in found.items
        ],
    }
