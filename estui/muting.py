"""The mute set of one ES client, and the decision ES makes with it.

Logically a mute set is a set of tuples: (type, path, event) and (pid, pidversion, event). Muting adds tuples,
so calls merge; unmuting subtracts exactly the tuples named. Prefixes count when an event is judged, never in
edits. Paths are compared byte for byte, and a prefix is a string prefix: "/bin" also matches "/binary/x".

`MuteSet` keeps the order in which tuples came, so that a verdict can name the first entry that decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, NamedTuple, TypeVar

from estui.events import BY_C_NAME, EVENT_TYPES, NOTIFY
from estui.message import AuditToken, Message
from estui.paths import instigator, targets
from estui.record import ALL_EVENTS, UNKNOWN_BIT, PathRule, ProcessRule, Row, Rules
from estui.text import nearest


class EsReturn(IntEnum):
    """es_return_t"""

    ES_RETURN_SUCCESS = 0
    ES_RETURN_ERROR = 1


class MutePathType(IntEnum):
    """es_mute_path_type_t: the first two look at the acting executable, the others at what is acted on."""

    PREFIX = 0
    LITERAL = 1
    TARGET_PREFIX = 2
    TARGET_LITERAL = 3

    @property
    def is_target(self) -> bool:
        return self >= MutePathType.TARGET_PREFIX

    @property
    def is_prefix(self) -> bool:
        return self in (MutePathType.PREFIX, MutePathType.TARGET_PREFIX)


class MuteInversionType(IntEnum):
    """es_mute_inversion_type_t"""

    PROCESS = 0
    PATH = 1
    TARGET_PATH = 2


class MuteInverted(IntEnum):
    """es_mute_inverted_return_t"""

    INVERTED = 0
    NOT_INVERTED = 1
    ERROR = 2


class Subject(NamedTuple):
    """What a decision looks at: an event that was there, or one that might be."""

    event: str
    process: tuple[int, int] | None = None
    """(pid, pidversion)"""
    instigator: tuple[int, int] | None = None
    """Asked for its vote where it is given."""
    executable: str | None = None
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What ES would do with one event."""

    delivered: bool
    stage: str | None = None
    """The first stage that suppressed the event, one of record.STAGES; None when it is delivered."""
    rule: str | None = None
    """The first entry that decided, such as "TARGET_PREFIX /private/var/log/" or "PROCESS 812.2846", the path
    unescaped; None when the event is delivered, or when the absence of an entry decided."""


class Stage(NamedTuple):
    """One step of the decision, for the explanation of a verdict."""

    name: str
    suppresses: bool
    inverted: bool
    rules: tuple[str | None, ...]
    """For submitter and instigator, the executable, or each target: the first entry that matches it."""
    idle: tuple[str | None, ...]
    """The same where none does: the first entry that would match, were it not for other event types only."""
    rule: str | None
    """The entry that suppresses; None where the absence of one does, or where the event passes."""


class MutedPath(NamedTuple):
    """es_muted_path_t: one row of es_muted_paths_events()."""

    type: MutePathType
    path: str
    events: tuple[int, ...]
    """es_event_type_t numbers; record.UNKNOWN_BIT stands for the types estui does not know."""


class MutedProcess(NamedTuple):
    """es_muted_process_t: one row of es_muted_processes_events(), by the words that identify a process."""

    pid: int
    pidversion: int
    events: tuple[int, ...]


SUCCESS, ERROR = EsReturn.ES_RETURN_SUCCESS, EsReturn.ES_RETURN_ERROR

TARGET_EVENTS = sum(1 << event.number for event in EVENT_TYPES if event.supports_targets)
"""The event mask of the types that support target paths, AUTH and NOTIFY."""

Events = Iterable[str | int]
"""Event types: eslogger names, C names or es_event_type_t numbers."""
Token = AuditToken | tuple[int, int]
"""A process: its audit token, or (pid, pidversion)."""


def event_mask(events: Events | None) -> int:
    """The mask of some event types: bit N for type N. None is all, those estui does not know included.

    Numbers that are no type are ignored, as ES does. A name that is no type raises ValueError: only numbers
    reach ES.
    """
    if events is None:
        return ALL_EVENTS
    mask = 0
    for event in events:
        if isinstance(event, str):
            mask |= 1 << _number(event)
        elif 0 <= event < len(EVENT_TYPES):
            mask |= 1 << event
    return mask


def mask_events(mask: int) -> tuple[int, ...]:
    """The numbers in an event mask, in order."""
    return tuple(bit for bit in range(UNKNOWN_BIT + 1) if mask >> bit & 1)


def kept_mask(path_type: MutePathType, mask: int) -> int:
    """The part of `mask` an entry of this type keeps: for a target type, the types with target paths."""
    return mask & TARGET_EVENTS if path_type.is_target else mask


def path_bytes(path: str) -> bytes:
    """The bytes that are compared: UTF-8, bytes that are not UTF-8 carried through surrogateescape."""
    return path.encode("utf-8", "surrogateescape")


def _number(name: str) -> int:
    known = NOTIFY.get(name) or BY_C_NAME.get(name)
    if known is None:
        near = nearest(name, [*NOTIFY, *BY_C_NAME])
        raise ValueError(f"{name!r} is not an event type" + (f"; the nearest is {near!r}" if near else ""))
    return known.number


K = TypeVar("K")


class _Tuples(Generic[K]):
    """A set of (key, event) tuples that remembers the order in which they came."""

    def __init__(self) -> None:
        self._parts: dict[K, dict[int, int]] = {}
        self._serial = 0

    def add(self, key: K, mask: int) -> None:
        parts = self._parts.get(key, {})
        new = mask & ~_union(parts)
        if new:
            self._serial += 1
            parts[self._serial] = new
            self._parts[key] = parts

    def subtract(self, key: K, mask: int) -> None:
        left = {serial: part & ~mask for serial, part in self._parts.get(key, {}).items() if part & ~mask}
        if left:
            self._parts[key] = left
        else:
            self._parts.pop(key, None)

    def merged(self) -> Iterator[tuple[K, int]]:
        """One mask per key, keys in the order in which they came."""
        return ((key, _union(parts)) for key, parts in self._parts.items())

    def ordered(self) -> list[tuple[K, int]]:
        """Keys and masks in the order the tuples came; a key comes again where tuples were added later."""
        flat = [(serial, key, mask) for key, parts in self._parts.items() for serial, mask in parts.items()]
        flat.sort(key=lambda part: part[0])
        return [(key, mask) for _, key, mask in flat]


def _union(parts: dict[int, int]) -> int:
    mask = 0
    for part in parts.values():
        mask |= part
    return mask


class _Match(NamedTuple):
    """One entry, as it matched something."""

    order: int
    mask: int
    text: str


_REMEMBERED = 1 << 16
"""Distinct paths an index remembers the matches of, before it starts anew."""


class _PathIndex:
    """The path entries of one dimension, found by path."""

    def __init__(self, entries: Iterable[tuple[int, MutePathType, bytes, int]]) -> None:
        self._literals: dict[bytes, list[_Match]] = {}
        self._prefixes: dict[bytes, list[_Match]] = {}
        for order, path_type, path, mask in entries:
            table = self._prefixes if path_type.is_prefix else self._literals
            text = f"{path_type.name} {path.decode('utf-8', 'surrogateescape')}"
            table.setdefault(path, []).append(_Match(order, mask, text))
        self._lengths = sorted({len(prefix) for prefix in self._prefixes})
        self._seen: dict[str, list[_Match]] = {}

    def matches(self, path: str) -> list[_Match]:
        """Every entry that matches the path, for whatever events, in order."""
        found = self._seen.get(path)
        if found is None:
            raw = path_bytes(path)
            found = list(self._literals.get(raw, ()))
            for length in self._lengths:
                if length > len(raw):
                    break
                found += self._prefixes.get(raw[:length], ())
            found.sort()
            if len(self._seen) >= _REMEMBERED:
                self._seen.clear()
            self._seen[path] = found
        return found


class _Index:
    """The mute set compiled for judging one event after the other."""

    def __init__(self, rules: Rules) -> None:
        paths = [
            (order, MutePathType(rule.type), rule.path, rule.mask) for order, rule in enumerate(rules.paths)
        ]
        self.executables = _PathIndex(entry for entry in paths if not entry[1].is_target)
        self.targets = _PathIndex(entry for entry in paths if entry[1].is_target)
        self.processes: dict[tuple[int, int], list[_Match]] = {}
        for order, rule in enumerate(rules.processes):
            match = _Match(order, rule.mask, f"PROCESS {rule.pid}.{rule.pidversion}")
            self.processes.setdefault((rule.pid, rule.pidversion), []).append(match)


class MuteSet:
    """The mute set, inversions and subscriptions of one ES client.

    It starts without mutes and subscribed to every type, also those estui does not know: that is how estui
    looks at a stream before anything is asked of it. (An ES client starts with no subscription, and with
    Apple's default mute set: see defaults.DEFAULT_MUTE_SETS.)
    """

    def __init__(self, *, instigator_votes: bool = False) -> None:
        self.instigator_votes = instigator_votes
        """macOS 27's wording: the process an event names as instigator is asked about too."""
        self._paths: _Tuples[tuple[MutePathType, bytes]] = _Tuples()
        self._processes: _Tuples[tuple[int, int]] = _Tuples()
        self._exited: set[tuple[int, int]] = set()
        self._inverted = dict.fromkeys(MuteInversionType, False)
        self._subscribed: frozenset[str] | None = None
        self._compiled: _Index | None = None

    # Paths

    def mute_path(self, path: str, path_type: MutePathType) -> EsReturn:
        """es_mute_path(): mute all events of this path; for a target type, all that have target paths.

        ES_RETURN_ERROR for an empty path: what ES answers to one is not documented.
        """
        return self.mute_path_events(path, path_type, None)

    def mute_path_events(self, path: str, path_type: MutePathType, events: Events | None) -> EsReturn:
        """es_mute_path_events(): mute these event types of this path.

        A target type ignores event types without target paths; ES_RETURN_ERROR only if none of them has any,
        and for an empty path. Numbers that are no event type are ignored.
        """
        mask = kept_mask(path_type, event_mask(events))
        if not path or (path_type.is_target and not mask):
            return ERROR
        self._paths.add((path_type, path_bytes(path)), mask)
        return self._changed()

    def unmute_path(self, path: str, path_type: MutePathType) -> EsReturn:
        """es_unmute_path(): take away all tuples of exactly this path and type.

        What is not muted is left alone: Apple documents a safe no-op. It does not state the value then
        returned; ES_RETURN_SUCCESS is assumed, here and in the other unmute calls.
        """
        return self.unmute_path_events(path, path_type, None)

    def unmute_path_events(self, path: str, path_type: MutePathType, events: Events | None) -> EsReturn:
        """es_unmute_path_events(): take away the tuples of exactly this path, type and these events."""
        self._paths.subtract((path_type, path_bytes(path)), event_mask(events))
        return self._changed()

    def unmute_all_paths(self) -> EsReturn:
        """es_unmute_all_paths(): take away all executable paths; target paths stay."""
        return self._unmute_all(target=False)

    def unmute_all_target_paths(self) -> EsReturn:
        """es_unmute_all_target_paths(): take away all target paths; executable paths stay."""
        return self._unmute_all(target=True)

    def _unmute_all(self, *, target: bool) -> EsReturn:
        for key, mask in list(self._paths.merged()):
            if key[0].is_target is target:
                self._paths.subtract(key, mask)
        return self._changed()

    def muted_paths_events(self) -> tuple[MutedPath, ...]:
        """es_muted_paths_events(): what is muted, one row per (type, path), in the order they came."""
        return tuple(
            MutedPath(path_type, path.decode("utf-8", "surrogateescape"), mask_events(mask))
            for (path_type, path), mask in self._paths.merged()
        )

    # Processes

    def mute_process(self, token: Token) -> EsReturn:
        """es_mute_process(): mute all events of one execution: not of its children, nor of its next image.

        ES_RETURN_ERROR if the process is known to have exited.
        """
        return self.mute_process_events(token, None)

    def mute_process_events(self, token: Token, events: Events | None) -> EsReturn:
        """es_mute_process_events(): mute these event types of one execution."""
        key = _process_key(token)
        if key in self._exited:
            return ERROR
        self._processes.add(key, event_mask(events))
        return self._changed()

    def unmute_process(self, token: Token) -> EsReturn:
        """es_unmute_process(): one call undoes any number of mutes of this process."""
        return self.unmute_process_events(token, None)

    def unmute_process_events(self, token: Token, events: Events | None) -> EsReturn:
        """es_unmute_process_events(): take away the tuples of this process and these events."""
        self._processes.subtract(_process_key(token), event_mask(events))
        return self._changed()

    def muted_processes_events(self) -> tuple[MutedProcess, ...]:
        """es_muted_processes_events(): the muted processes that have not exited, in the order they came."""
        return tuple(
            MutedProcess(*key, mask_events(mask))
            for key, mask in self._processes.merged()
            if key not in self._exited
        )

    def process_exited(self, token: Token) -> None:
        """ES takes a process off the list when it exits. Events it sent before are judged as they were."""
        self._exited.add(_process_key(token))

    # Inversion

    def invert_muting(self, dimension: MuteInversionType) -> EsReturn:
        """es_invert_muting(): a toggle; twice changes nothing. Inverted, entries select instead of muting."""
        self._inverted[dimension] = not self._inverted[dimension]
        return self._changed()

    def muting_inverted(self, dimension: MuteInversionType) -> MuteInverted:
        """es_muting_inverted()"""
        return MuteInverted.INVERTED if self._inverted[dimension] else MuteInverted.NOT_INVERTED

    # Subscriptions

    def subscribe(self, events: Events | None) -> EsReturn:
        """es_subscribe(): adds event types and never removes any. None is every type, as at the start.

        A name estui does not know is taken as it is; numbers that are no event type are ignored.
        """
        if events is None:
            self._subscribed = None
        elif self._subscribed is not None:
            self._subscribed |= _names(events)
        return SUCCESS

    def unsubscribe(self, events: Events) -> EsReturn:
        """es_unsubscribe(): takes event types away; what is not subscribed is left alone.

        From every type this leaves all NOTIFY types but these; types estui does not know are then not
        subscribed.
        """
        subscribed = frozenset(NOTIFY) if self._subscribed is None else self._subscribed
        self._subscribed = subscribed - _names(events)
        return SUCCESS

    def unsubscribe_all(self) -> EsReturn:
        """es_unsubscribe_all()"""
        self._subscribed = frozenset()
        return SUCCESS

    def subscriptions(self) -> frozenset[str] | None:
        """es_subscriptions(): names of the types subscribed to; None is every type."""
        return self._subscribed

    # The decision

    def rules(self) -> Rules:
        """The mute set in the form the cores judge by, in the order in which the tuples came."""
        return Rules(
            subscribe=self._subscribed,
            paths=tuple(
                PathRule(int(path_type), path, mask) for (path_type, path), mask in self._paths.ordered()
            ),
            processes=tuple(ProcessRule(*key, mask) for key, mask in self._processes.ordered()),
            invert_process=self._inverted[MuteInversionType.PROCESS],
            invert_path=self._inverted[MuteInversionType.PATH],
            invert_target=self._inverted[MuteInversionType.TARGET_PATH],
            instigator_votes=self.instigator_votes,
        )

    def decide(self, message: Message) -> Verdict:
        """What ES would do with this event. Raises message.BadLine for a line that is not an event."""
        return self.decide_subject(self.subject(message))

    def decide_subject(self, subject: Subject) -> Verdict:
        """The same answer for an event given by what a decision looks at."""
        return _verdict(self.subject_stages(subject))

    def decide_row(self, row: Row, message: Message | None = None) -> Verdict:
        """The same answer from the columns of a row that is an event.

        The columns do not hold the instigator: give `message` where `instigator_votes` is set, or it has no
        vote.
        """
        return _verdict(self.stages(row, message))

    def stages(self, row: Row, message: Message | None = None) -> Iterator[Stage]:
        """The steps of the decision in ES's order; ES stops at the first that suppresses, this does not.

        The last one is left out for an event that target muting cannot touch: its type does not support
        target paths, or it carries none. (Apple does not document the second.)
        """
        process = None if row.pid is None or row.pidversion is None else (row.pid, row.pidversion)
        named = self._instigator(message) if message else None
        return self.subject_stages(Subject(row.event, process, named, row.executable, row.targets))

    def _instigator(self, message: Message) -> tuple[int, int] | None:
        return instigator(message.event, message.payload) if self.instigator_votes else None

    def subject(self, message: Message) -> Subject:
        """What the decision looks at of this event. Raises message.BadLine for a line that is not an event."""
        process = message.process
        key = executable = None
        if process is not None:
            token = process.audit_token
            if token.pid is not None and token.pidversion is not None:
                key = (token.pid, token.pidversion)
            if process.executable is not None:
                executable = process.executable.path
        return Subject(
            message.event, key, self._instigator(message), executable, targets(message.event, message.payload)
        )

    def subject_stages(self, subject: Subject) -> Iterator[Stage]:
        """The steps for an event given by what a decision looks at; computed one by one, as they are taken."""
        if self._compiled is None:
            self._compiled = _Index(self.rules())
        index = self._compiled
        known = NOTIFY.get(subject.event)
        bit = 1 << (known.number if known else UNKNOWN_BIT)

        missing = self._subscribed is not None and subject.event not in self._subscribed
        yield Stage("subscription", missing, False, (), (), None)

        roles = [subject.process] if subject.instigator is None else [subject.process, subject.instigator]
        asked = [index.processes.get(role, []) if role else [] for role in roles]
        yield _stage("process", self._inverted[MuteInversionType.PROCESS], asked, bit)

        asked = [[] if subject.executable is None else index.executables.matches(subject.executable)]
        yield _stage("path", self._inverted[MuteInversionType.PATH], asked, bit)

        if known and known.supports_targets and subject.targets:
            asked = [index.targets.matches(path) for path in subject.targets]
            yield _stage("target_path", self._inverted[MuteInversionType.TARGET_PATH], asked, bit)

    def _changed(self) -> EsReturn:
        self._compiled = None
        return SUCCESS


def _process_key(token: Token) -> tuple[int, int]:
    if not isinstance(token, AuditToken):
        return token
    if token.pid is None or token.pidversion is None:
        raise ValueError("an audit token without pid and pidversion names no process")
    return token.pid, token.pidversion


def _names(events: Events) -> frozenset[str]:
    """Names as events carry them: an eslogger name where the type has one."""
    names = set()
    for event in events:
        if isinstance(event, str):
            known = BY_C_NAME.get(event)
            names.add(known.label if known else event)
        elif 0 <= event < len(EVENT_TYPES):
            names.add(EVENT_TYPES[event].label)
    return frozenset(names)


def _stage(name: str, inverted: bool, asked: list[list[_Match]], bit: int) -> Stage:
    """One dimension's vote on an event type, given all entries that match each thing it asks about.

    Of targets, all must be muted to suppress and any one named selects. Of processes it is the other way
    round: any muted role suppresses, and all must be named to be selected.
    """
    found = [next((match for match in matches if match.mask & bit), None) for matches in asked]
    is_target = name == "target_path"
    suppresses = (all if is_target != inverted else any)(found) != inverted
    decided = None
    if suppresses and not inverted:
        decided = found[0] if is_target else min(match for match in found if match)
    return Stage(
        name,
        suppresses,
        inverted,
        rules=tuple(match.text if match else None for match in found),
        idle=tuple(
            matches[0].text if matches and not match else None
            for matches, match in zip(asked, found, strict=True)
        ),
        rule=decided.text if decided else None,
    )


def _verdict(stages: Iterable[Stage]) -> Verdict:
    for stage in stages:
        if stage.suppresses:
            return Verdict(False, stage.name, stage.rule)
    return Verdict(True)
