"""What each rule of a plan does to the events held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from estui._twin.row import At, Record, encoded, event_bit
from estui.events import NOTIFY
from estui.record import PathRule, ProcessRule, RuleHits, Rules, Volume

_PREFIX, _LITERAL, _TARGET_PREFIX, _TARGET_LITERAL = range(4)
_SUPPORTS_TARGETS = frozenset(event.number for event in NOTIFY.values() if event.supports_targets)
Rule = PathRule | ProcessRule


class _Key(NamedTuple):
    """All of an event that decides."""

    bit: int
    subscribed: bool
    process: tuple[int | None, int | None]
    instigator: tuple[int, int] | None
    executable: str | None
    targets: tuple[str, ...]


@dataclass(slots=True)
class _Case:
    """The events of one key."""

    events: int = 0
    bytes: int = 0
    last: int = -1
    last_ns: int | None = None


class _Index:
    """Rules by what they match."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._masks = [rule.mask for rule in rules]
        self._processes: dict[tuple[int | None, int | None], list[int]] = {}
        self._paths: dict[tuple[int, bytes], list[int]] = {}
        for number, rule in enumerate(rules):
            if isinstance(rule, ProcessRule):
                self._processes.setdefault((rule.pid, rule.pidversion), []).append(number)
            else:
                self._paths.setdefault((rule.type, rule.path), []).append(number)
        self._lengths = {
            kind: sorted({len(path) for own, path in self._paths if own == kind})
            for kind in (_PREFIX, _TARGET_PREFIX)
        }

    def process(self, process: tuple[int | None, int | None], bit: int) -> list[int]:
        """The rules that name a process, for one type of event."""
        return self._for(bit, self._processes.get(process, ()))

    def path(self, path: str, bit: int, *, target: bool) -> list[int]:
        """The rules that match a path."""
        raw, prefix = encoded(path), _TARGET_PREFIX if target else _PREFIX
        found = list(self._paths.get((prefix + 1, raw), ()))
        for length in self._lengths[prefix]:
            if length > len(raw):
                break
            found += self._paths.get((prefix, raw[:length]), ())
        return self._for(bit, found)

    def _for(self, bit: int, found: Iterable[int]) -> list[int]:
        return sorted(number for number in found if self._masks[number] >> bit & 1)


class _Decision:
    """What rules meet in one case, and what comes of it."""

    def __init__(self, rules: Rules, index: _Index, key: _Key, decisive: int) -> None:
        """Rules from number `decisive` on decide nothing."""
        self._rules, self._subscribed, self._decisive = rules, key.subscribed, decisive
        asked = [key.process] if key.instigator is None else [key.process, key.instigator]
        self.processes = [index.process(process, key.bit) for process in asked]
        self.executable = [] if key.executable is None else index.path(key.executable, key.bit, target=False)
        self.targets = [index.path(path, key.bit, target=True) for path in key.targets]

    def met(self) -> set[int]:
        """The rules that match anything of it."""
        return {number for found in (*self.processes, self.executable, *self.targets) for number in found}

    def verdict(self, without: int | None = None) -> tuple[bool, int | None]:
        """Whether it is suppressed without one rule, and the rule that decides then.

        Of an event that is delivered, that is the one that selects what `without` selected.
        """
        rules = self._rules
        processes = [self._left(found, without) for found in self.processes]
        executable = self._left(self.executable, without)
        targets = [self._left(found, without) for found in self.targets]
        if not self._subscribed:
            return True, None
        if rules.invert_process:
            if not all(processes):
                return True, None
        elif any(processes):
            return True, _first(*processes)
        if rules.invert_path != bool(executable):
            return True, None if rules.invert_path else _first(executable)
        if targets:
            if rules.invert_target:
                if not any(targets):
                    return True, None
            elif all(targets):
                return True, _first(targets[0])
        if rules.invert_process and any(without in found for found in self.processes):
            of_it = [left for left, found in zip(processes, self.processes, strict=True) if without in found]
            return False, _first(*of_it)
        if rules.invert_path and without in self.executable:
            return False, _first(executable)
        if rules.invert_target and any(without in found for found in self.targets):
            return False, _first(*targets)
        return False, None

    def one_sided(self) -> set[int]:
        """The target rules that match one of two targets while none matches the other."""
        sides = [set(self._left(found, None)) for found in self.targets]
        if len(sides) > 1 and bool(sides[0]) != bool(sides[1]):
            return sides[0] | sides[1]
        return set()

    def _left(self, found: list[int], without: int | None) -> list[int]:
        return [number for number in found if number != without and number < self._decisive]


def _first(*found: list[int]) -> int | None:
    return min((number for numbers in found for number in numbers), default=None)


def hits_of(events: Iterable[tuple[int, Record, int]], rules: Rules, idle: Sequence[Rule]) -> list[RuleHits]:
    """What each rule does: the paths, the processes, and the idle ones, which count hits and decide nothing."""
    decisive = len(rules.paths) + len(rules.processes)
    index = _Index([*rules.paths, *rules.processes, *idle])
    cases: dict[_Key, _Case] = {}
    for seq, record, _ in events:
        case = cases.setdefault(_key(rules, record), _Case())
        case.events += 1
        case.bytes += record[At.SIZE]
        case.last, case.last_ns = seq, record[At.TIME_NS]
    hits = [_Case() for _ in range(decisive + len(idle))]
    own = [_Case() for _ in hits]
    one_sided = [0] * len(hits)
    instead: list[Counter[int]] = [Counter() for _ in hits]
    for key, case in cases.items():
        decision = _Decision(rules, index, key, decisive)
        suppressed, _ = decision.verdict()
        for number in decision.met():
            _add(hits[number], case)
            if number >= decisive:
                continue
            without, keeper = decision.verdict(number)
            if without != suppressed:
                _add(own[number], case)
            elif keeper is not None:
                instead[number][keeper] += case.events
        for number in decision.one_sided():
            one_sided[number] += case.events
    return [
        RuleHits(
            Volume(hit.events, hit.bytes),
            Volume(alone.events, alone.bytes),
            sided,
            None if alone.events else _most(keepers),
            hit.last,
            hit.last_ns,
        )
        for hit, alone, sided, keepers in zip(hits, own, one_sided, instead, strict=True)
    ]


def _key(rules: Rules, record: Record) -> _Key:
    bit = event_bit(record)
    return _Key(
        bit,
        rules.subscribe is None or record[At.EVENT] in rules.subscribe,
        (record[At.PID], record[At.PIDVERSION]),
        record[At.INSTIGATOR] if rules.instigator_votes else None,
        record[At.EXECUTABLE],
        record[At.TARGETS] if bit in _SUPPORTS_TARGETS else (),
    )


def _add(into: _Case, case: _Case) -> None:
    into.events += case.events
    into.bytes += case.bytes
    if case.last > into.last:
        into.last, into.last_ns = case.last, case.last_ns


def _most(keepers: Counter[int]) -> int | None:
    ordered: Iterator[int] = iter(sorted(keepers, key=lambda number: (-keepers[number], number)))
    return next(ordered, None)
