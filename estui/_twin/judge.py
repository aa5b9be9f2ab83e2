"""The rules, compiled: what ES would do with an event, and what one rule matches."""

from __future__ import annotations

from estui._twin.row import At, Record, encoded, event_bit
from estui.events import NOTIFY
from estui.record import PathRule, ProcessRule, Rules

DELIVERED, BY_SUBSCRIPTION, BY_PROCESS, BY_PATH, BY_TARGET = range(5)
_PREFIX, _LITERAL, _TARGET_PREFIX, _TARGET_LITERAL = range(4)
_EXECUTABLE_TYPES = (_PREFIX, _LITERAL)

_SUPPORTS_TARGETS = frozenset(event.number for event in NOTIFY.values() if event.supports_targets)


class PathMasks:
    """Path entries of one dimension: for a path, the events it is muted for. One look per distinct path."""

    def __init__(self, rules: tuple[PathRule, ...]) -> None:
        self._literals: dict[bytes, int] = {}
        self._prefixes: dict[int, dict[bytes, int]] = {}
        """By length, then by prefix, so that ten thousand entries cost one look per length."""
        self._known: dict[str, int] = {}
        for rule in rules:
            literal = rule.type in (_LITERAL, _TARGET_LITERAL)
            table = self._literals if literal else self._prefixes.setdefault(len(rule.path), {})
            table[rule.path] = table.get(rule.path, 0) | rule.mask

    def __call__(self, path: str) -> int:
        """The event mask of a path: byte for byte, a prefix being a prefix of the string."""
        mask = self._known.get(path)
        if mask is None:
            raw = encoded(path)
            mask = self._literals.get(raw, 0)
            for length, prefixes in self._prefixes.items():
                if length <= len(raw):
                    mask |= prefixes.get(raw[:length], 0)
            self._known[path] = mask
        return mask

    def forget(self, path: str) -> None:
        """Drop what was kept for a path that no row holds any more."""
        self._known.pop(path, None)


class Judge:
    """Verdicts under one set of rules, in ES's order: subscription, process, path, target path."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._executables = PathMasks(tuple(rule for rule in rules.paths if rule.type in _EXECUTABLE_TYPES))
        self._targets = PathMasks(tuple(rule for rule in rules.paths if rule.type not in _EXECUTABLE_TYPES))
        self._processes: dict[tuple[int, int], int] = {}
        for pid, pidversion, mask in rules.processes:
            self._processes[pid, pidversion] = self._processes.get((pid, pidversion), 0) | mask

    def stage(self, record: Record) -> int:
        """The stage that suppresses an event, as record.STAGES numbers them; 0 when it is delivered.

        No entry matches what an event lacks: an inverted dimension, which wants a match, suppresses it then.
        Targets are asked only of types that support target muting, and of events that carry one.
        """
        rules = self._rules
        if rules.subscribe is not None and record[At.EVENT] not in rules.subscribe:
            return BY_SUBSCRIPTION
        bit = event_bit(record)
        process = record[At.PID], record[At.PIDVERSION]
        if (self._processes.get(process, 0) >> bit & 1) != rules.invert_process:
            return BY_PROCESS
        if rules.instigator_votes and record[At.INSTIGATOR] is not None:
            voted = self._processes.get(record[At.INSTIGATOR], 0) >> bit & 1
            if voted != rules.invert_process:
                return BY_PROCESS
        executable = record[At.EXECUTABLE]
        muted = 0 if executable is None else self._executables(executable) >> bit & 1
        if muted != rules.invert_path:
            return BY_PATH
        if record[At.TARGETS] and bit in _SUPPORTS_TARGETS:
            matches = [self._targets(target) >> bit & 1 for target in record[At.TARGETS]]
            if not any(matches) if rules.invert_target else all(matches):
                return BY_TARGET
        return DELIVERED

    def unmuted_targets(self, record: Record) -> tuple[str, ...]:
        """The targets of an event that is delivered; of two, the one that is not muted where the other is."""
        targets: tuple[str, ...] = record[At.TARGETS]
        if len(targets) < 2 or self._rules.invert_target:
            return targets
        bit = event_bit(record)
        return tuple(target for target in targets if not self._targets(target) >> bit & 1)

    def matches(self, rule: PathRule | ProcessRule, record: Record) -> bool:
        """Whether one rule matches an event, whatever the verdict; an instigator counts if it has a vote."""
        if not rule.mask >> event_bit(record) & 1:
            return False
        if isinstance(rule, ProcessRule):
            process = rule.pid, rule.pidversion
            instigates = self._rules.instigator_votes and record[At.INSTIGATOR] == process
            return instigates or (record[At.PID], record[At.PIDVERSION]) == process
        if rule.type in _EXECUTABLE_TYPES:
            paths = () if record[At.EXECUTABLE] is None else (record[At.EXECUTABLE],)
        else:
            paths = record[At.TARGETS]
        if rule.type in (_LITERAL, _TARGET_LITERAL):
            return any(encoded(path) == rule.path for path in paths)
        return any(encoded(path).startswith(rule.path) for path in paths)

    def forget(self, string: str) -> None:
        """Drop what was kept for a string that no row holds any more."""
        self._executables.forget(string)
        self._targets.forget(string)
