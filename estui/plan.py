"""Mute plans: what to subscribe to and what to mute, as a TOML file that people can read and write.

Only `format` in `[plan]` is required. A plan is a value: editing one makes another, and what is saved and
loaded again is equal. `path_bytes` (hex) stands in for `path` where a path is not UTF-8, which TOML cannot
carry.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from estui.defaults import DEFAULT_MUTE_SETS
from estui.events import BY_C_NAME, NOTIFY
from estui.muting import (
    TARGET_EVENTS,
    MuteInversionType,
    MutePathType,
    MuteSet,
    event_mask,
    kept_mask,
    path_bytes,
)
from estui.record import PathRule, ProcessRule, Rules
from estui.tables import (
    Schema,
    Table,
    TableError,
    check_text,
    event_label,
    head,
    not_one_of,
    parse,
    path_line,
    read,
    string,
    strings,
)
from estui.text import nearest, write_atomic

FORMAT = 1
EXAMPLES = ("dev-null-only", "log-directory", "persistence-only", "quiet-build")
"""Plans that ship with estui and open by name."""

_EXAMPLES_AT = Path(__file__).parent / "plans"
_LARGEST_PID = (1 << 32) - 1
_PATH_TYPES = tuple(member.name for member in MutePathType)
_MUTE_SETS = ("none", *DEFAULT_MUTE_SETS)


class PlanError(TableError):
    """A plan that cannot be: what is wrong, where, and the nearest right thing. Its text is safe to show."""


@dataclass(frozen=True)
class MutePath:
    """A `[[mute_path]]` entry. Raises PlanError if it is made of what no entry can be."""

    type: str
    """PREFIX, LITERAL, TARGET_PREFIX or TARGET_LITERAL."""
    path: str
    """Compared byte for byte; bytes that are not UTF-8 carried by surrogateescape."""
    events: tuple[str, ...] | None = None
    """eslogger names, and C names of types without one; None is all events."""
    enabled: bool = True

    def __post_init__(self) -> None:
        if self.type not in _PATH_TYPES:
            raise not_one_of(PlanError, "type", self.type, _PATH_TYPES)
        if not self.path:
            raise PlanError('a path must not be empty; PREFIX "/" matches every path', key="path")
        try:
            path_bytes(self.path)
        except UnicodeEncodeError:
            raise PlanError("a path must not hold half a surrogate pair", key="path") from None
        _set_events(self)

    @property
    def label(self) -> str:
        """The text a verdict names it by, the path unescaped."""
        return f"{self.type} {self.path}"

    @property
    def path_type(self) -> MutePathType:
        return MutePathType[self.type]

    def rule(self) -> PathRule:
        """This entry alone, as the cores judge by it; with no events if its type can match none of them."""
        return PathRule(
            int(self.path_type), path_bytes(self.path), kept_mask(self.path_type, event_mask(self.events))
        )


@dataclass(frozen=True)
class MuteProcess:
    """A `[[mute_process]]` entry: one execution of one process. Raises PlanError as MutePath does."""

    pid: int
    pidversion: int
    events: tuple[str, ...] | None = None
    enabled: bool = True

    def __post_init__(self) -> None:
        for key, value in (("pid", self.pid), ("pidversion", self.pidversion)):
            if not 0 <= value <= _LARGEST_PID:
                raise PlanError(
                    f"this must be 0 to {_LARGEST_PID}",
                    key=key,
                    nearest=str(0 if value < 0 else _LARGEST_PID),
                )
        _set_events(self)

    @property
    def label(self) -> str:
        """The text a verdict names it by."""
        return f"PROCESS {self.pid}.{self.pidversion}"

    def rule(self) -> ProcessRule:
        """This entry alone, as the cores judge by it."""
        return ProcessRule(self.pid, self.pidversion, event_mask(self.events))


Entry = MutePath | MuteProcess


@dataclass(frozen=True)
class Plan:
    """A whole plan. Raises PlanError if it is made of what no plan can hold."""

    name: str = ""
    subscribe: tuple[str, ...] | None = None
    """eslogger names, and last the names of types estui does not know; None is every type."""
    default_mute_set: str = "none"
    instigator_votes: bool = False
    """macOS 27's wording of process muting: the instigator an event names is asked too."""
    invert_process: bool = False
    invert_path: bool = False
    invert_target_path: bool = False
    paths: tuple[MutePath, ...] = ()
    processes: tuple[MuteProcess, ...] = ()
    format: int = field(default=FORMAT, init=False)

    def __post_init__(self) -> None:
        if self.default_mute_set not in _MUTE_SETS:
            raise not_one_of(PlanError, "default_mute_set", self.default_mute_set, _MUTE_SETS)
        check_text(PlanError, "name", self.name)
        if self.subscribe is not None:
            names = dict.fromkeys(map(_subscribable, self.subscribe))
            # Known names first: the order in which the file's two lists give them back.
            object.__setattr__(self, "subscribe", tuple(sorted(names, key=lambda name: name not in NOTIFY)))

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The plan's own entries: paths in their order, then processes."""
        return (*self.paths, *self.processes)

    def with_entries(self, entries: Iterable[Entry]) -> Plan:
        """The plan with these entries instead, in this order within each kind."""
        entries = tuple(entries)
        return replace(
            self,
            paths=tuple(entry for entry in entries if isinstance(entry, MutePath)),
            processes=tuple(entry for entry in entries if isinstance(entry, MuteProcess)),
        )

    def default_entries(self) -> tuple[MutePath, ...]:
        """Apple's default mute set as entries; where a verdict names its rule, they come first."""
        return tuple(MutePath(*entry) for entry in DEFAULT_MUTE_SETS.get(self.default_mute_set, ()))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed and has no effect: target entries for events without target paths. Safe to show."""
        return tuple(
            f"[[mute_path]] {number}: events: {_without_targets(entry)}"
            for number, entry in enumerate(self.paths, 1)
            if _without_targets(entry)
        )

    def mute_set(self) -> MuteSet:
        """A client's mute set with the plan applied to it, the default set first."""
        mutes = MuteSet(instigator_votes=self.instigator_votes)
        for entry in (*self.default_entries(), *self.paths):
            if entry.enabled:
                mutes.mute_path_events(entry.path, entry.path_type, entry.events)
        for process in self.processes:
            if process.enabled:
                mutes.mute_process_events((process.pid, process.pidversion), process.events)
        for dimension, inverted in (
            (MuteInversionType.PROCESS, self.invert_process),
            (MuteInversionType.PATH, self.invert_path),
            (MuteInversionType.TARGET_PATH, self.invert_target_path),
        ):
            if inverted:
                mutes.invert_muting(dimension)
        if self.subscribe is not None:
            mutes.unsubscribe_all()
            mutes.subscribe(self.subscribe)
        return mutes

    def rules(self) -> Rules:
        """The plan in the form the cores judge by."""
        return self.mute_set().rules()


def find_plan(name_or_path: str | os.PathLike[str]) -> Path:
    """The file of a plan: a shipped example by its name, otherwise a path. A file of such a name is ./NAME.

    Raises PlanError for a bare word that is neither.
    """
    text = os.fspath(name_or_path)
    if text in EXAMPLES:
        return _EXAMPLES_AT / f"{text}.toml"
    path = Path(text)
    if os.sep not in text and not os.path.lexists(path):
        raise PlanError(
            f"there is no such file, nor an example of that name ({', '.join(EXAMPLES)})",
            file=text,
            nearest=nearest(text, EXAMPLES),
        )
    return path


def is_example(path: Path) -> bool:
    """Whether this file is one of the shipped examples, which are not to be written to."""
    return path.parent == _EXAMPLES_AT


def load(path: str | os.PathLike[str]) -> Plan:
    """Read a plan file. Raises PlanError."""
    return loads(read(path, _SCHEMA, "check the path, or save a plan there first"), os.fspath(path))


def loads(text: str, name: str = "plan") -> Plan:
    """Read a plan from text; `name` is what errors call it. Raises PlanError."""
    return parse(text, name, _SCHEMA, _plan)


def save(plan: Plan, path: str | os.PathLike[str]) -> None:
    """Write a plan, whole or not at all. Raises PlanError."""
    try:
        write_atomic(path, dumps(plan).encode())
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or error
        raise PlanError(f"the plan cannot be saved here: {words}", file=os.fspath(path)) from None


def dumps(plan: Plan) -> str:
    """The TOML of a plan. What equals the default is left out; what a terminal could act on is escaped."""
    lines = [f"# estui mute plan, format {FORMAT}", "[plan]", f"format = {plan.format}"]
    if plan.name:
        lines.append(f"name = {string(plan.name)}")
    if plan.subscribe is not None:
        lines.append(f"subscribe = {strings(name for name in plan.subscribe if name in NOTIFY)}")
        if unknown := [name for name in plan.subscribe if name not in NOTIFY]:
            lines.append(f"subscribe_unknown = {strings(unknown)}")
    if plan.default_mute_set != "none":
        lines.append(f'default_mute_set = "{plan.default_mute_set}"')
    if plan.instigator_votes:
        lines.append("instigator_votes = true")
    inverted = [key for key in _SCHEMA.tables["[invert]"] if getattr(plan, f"invert_{key}")]
    if inverted:
        lines += ["", "[invert]", *(f"{key} = true" for key in inverted)]
    for entry in plan.entries:
        if isinstance(entry, MutePath):
            lines += ["", "[[mute_path]]", f'type = "{entry.type}"', path_line("path", entry.path)]
        else:
            lines += ["", "[[mute_process]]", f"pid = {entry.pid}", f"pidversion = {entry.pidversion}"]
        if entry.events is not None:
            lines.append(f"events = {strings(entry.events)}")
        if not entry.enabled:
            lines.append("enabled = false")
    return "\n".join(lines) + "\n"


def _subscribable(name: str) -> str:
    """The name events carry for a type; one that estui does not know is kept as it is."""
    known = BY_C_NAME.get(name)
    if known is not None and not known.name:
        twin = known.c_name.replace("_AUTH_", "_NOTIFY_")
        near = BY_C_NAME[twin].name if known.action == "AUTH" and twin in BY_C_NAME else None
        raise PlanError(
            f"{name} is not a NOTIFY type, and estui sees no other", key="subscribe", nearest=near
        )
    check_text(PlanError, "subscribe", name)
    return known.name if known else name


def _set_events(entry: Entry) -> None:
    if entry.events is None:
        return
    if not entry.events:
        raise PlanError("events must not be empty; leave the key out to mean all events", key="events")
    object.__setattr__(
        entry, "events", tuple(event_label(name, "events", PlanError) for name in entry.events)
    )


def _without_targets(entry: MutePath) -> str:
    """Words for the events of a target entry that it can never match; "" when there are none."""
    if not entry.path_type.is_target or entry.events is None:
        return ""
    idle = [name for name in entry.events if not event_mask((name,)) & TARGET_EVENTS]
    if not idle:
        return ""
    what = (
        "the entry matches nothing" if len(idle) == len(entry.events) else "the entry matches the others only"
    )
    return f"{', '.join(idle)}: no target paths, so {what}"


_SCHEMA = Schema(
    PlanError,
    "plan",
    {
        "[plan]": (
            "format", "name", "subscribe", "subscribe_unknown", "default_mute_set", "instigator_votes",
        ),
        "[invert]": ("process", "path", "target_path"),
        "[[mute_path]]": ("type", "path", "path_bytes", "events", "enabled"),
        "[[mute_process]]": ("pid", "pidversion", "events", "enabled"),
    },
)  # fmt: skip


def _plan(data: dict[str, Any]) -> Plan:
    top, plan = head(data, _SCHEMA, FORMAT)
    invert = top.table("invert", {})
    paths = tuple(top.each("mute_path", _mute_path))
    processes = tuple(top.each("mute_process", _mute_process))
    try:
        return Plan(
            name=plan.get("name", str, ""),
            subscribe=_subscribe(plan),
            default_mute_set=plan.get("default_mute_set", str, "none"),
            instigator_votes=plan.get("instigator_votes", bool, False),
            invert_process=invert.get("process", bool, False),
            invert_path=invert.get("path", bool, False),
            invert_target_path=invert.get("target_path", bool, False),
            paths=paths,
            processes=processes,
        )
    except PlanError as error:
        raise error.at("", "[plan]") from None


def _subscribe(plan: Table) -> tuple[str, ...] | None:
    known, unknown = plan.events("subscribe"), plan.names("subscribe_unknown")
    if known is None and unknown is not None:
        words = "this goes with subscribe only; without that, every type is subscribed"
        raise PlanError(words, key="subscribe_unknown")
    return None if known is None else known + (unknown or ())


def _mute_path(table: Table) -> MutePath:
    path_type = table.get("type", str, ...)
    path = table.path("path", ...)
    return MutePath(path_type, path, table.events("events"), table.get("enabled", bool, True))


def _mute_process(table: Table) -> MuteProcess:
    return MuteProcess(
        table.get("pid", int, ...),
        table.get("pidversion", int, ...),
        table.events("events"),
        table.get("enabled", bool, True),
    )
