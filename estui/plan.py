"""Mute plans: what to subscribe to and what to mute, as a TOML file that people can read and write.

Only `format` in `[plan]` is required. A plan is a value: editing one makes another, and what is saved and
loaded again is equal. `path_bytes` (hex) stands in for `path` where a path is not UTF-8, which TOML cannot
carry.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

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
from estui.text import nearest, printable, write_atomic

FORMAT = 1
EXAMPLES = ("dev-null-only", "log-directory", "persistence-only", "quiet-build")
"""Plans that ship with estui and open by name."""

_EXAMPLES_AT = Path(__file__).parent / "plans"
_LARGEST = 16 << 20
_LONGEST = 100
_LARGEST_PID = (1 << 32) - 1
_PATH_TYPES = tuple(member.name for member in MutePathType)
_MUTE_SETS = ("none", *DEFAULT_MUTE_SETS)


class PlanError(Exception):
    """A plan that cannot be: what is wrong, where, and the nearest right thing. Its text is safe to show."""

    def __init__(
        self, words: str, *, file: str = "", table: str = "", key: str = "", nearest: str | None = None
    ) -> None:
        self.words, self.file, self.table, self.key, self.nearest = words, file, table, key, nearest
        where = [part for part in (file, table, key) if part]
        near = f"; the nearest is {nearest}" if nearest else ""
        super().__init__(printable(": ".join([*where, words + near])))

    def at(self, file: str, table: str) -> PlanError:
        """The same error with its place filled in."""
        return PlanError(self.words, file=file, table=self.table or table, key=self.key, nearest=self.nearest)


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
            raise _not_one_of("type", self.type, _PATH_TYPES)
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
            raise _not_one_of("default_mute_set", self.default_mute_set, _MUTE_SETS)
        _check_text("name", self.name)
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
    name = os.fspath(path)
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError:
        raise PlanError(
            "there is no such file; check the path, or save a plan there first", file=name
        ) from None
    except IsADirectoryError:
        raise PlanError("this is a directory; name the .toml file in it", file=name) from None
    except PermissionError:
        raise PlanError("this file may not be read; check its owner and mode", file=name) from None
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or error
        raise PlanError(f"this file cannot be read: {words}; name a plan file", file=name) from None
    if len(data) > _LARGEST:
        raise PlanError(f"this is larger than any plan ({_LARGEST >> 20} MiB); name a plan file", file=name)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PlanError(
            f"this is not UTF-8 text (line {line}); a plan is, and a path that is not goes into path_bytes",
            file=name,
        ) from None
    return loads(text, name)


def loads(text: str, name: str = "plan") -> Plan:
    """Read a plan from text; `name` is what errors call it. Raises PlanError."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        words = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise PlanError(f"this is not TOML: {words}; correct that place", file=name) from None
    try:
        return _plan(data)
    except PlanError as error:
        raise error.at(name, "") from None


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
        lines.append(f"name = {_string(plan.name)}")
    if plan.subscribe is not None:
        lines.append(f"subscribe = {_strings(name for name in plan.subscribe if name in NOTIFY)}")
        if unknown := [name for name in plan.subscribe if name not in NOTIFY]:
            lines.append(f"subscribe_unknown = {_strings(unknown)}")
    if plan.default_mute_set != "none":
        lines.append(f'default_mute_set = "{plan.default_mute_set}"')
    if plan.instigator_votes:
        lines.append("instigator_votes = true")
    inverted = [key for key in _KEYS["[invert]"] if getattr(plan, f"invert_{key}")]
    if inverted:
        lines += ["", "[invert]", *(f"{key} = true" for key in inverted)]
    for entry in plan.entries:
        if isinstance(entry, MutePath):
            lines += ["", "[[mute_path]]", f'type = "{entry.type}"', _path_line(entry.path)]
        else:
            lines += ["", "[[mute_process]]", f"pid = {entry.pid}", f"pidversion = {entry.pidversion}"]
        if entry.events is not None:
            lines.append(f"events = {_strings(entry.events)}")
        if not entry.enabled:
            lines.append("enabled = false")
    return "\n".join(lines) + "\n"


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _string(text: str) -> str:
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(c if printable(c) == c and c not in _ESCAPES else _escape(c) for c in text) + '"'


def _escape(c: str) -> str:
    return _ESCAPES.get(c) or (f"\\u{ord(c):04x}" if ord(c) <= 0xFFFF else f"\\U{ord(c):08x}")


def _quoted(text: str) -> str:
    """A value as an error shows it."""
    return _string(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")


def _strings(texts: Iterable[str]) -> str:
    return "[" + ", ".join(map(_string, texts)) + "]"


def _path_line(path: str) -> str:
    try:
        path.encode()
    except UnicodeEncodeError:
        return f'path_bytes = "{path_bytes(path).hex()}"'
    return f"path = {_string(path)}"


def _not_one_of(key: str, value: str, choices: Iterable[str]) -> PlanError:
    choices = tuple(choices)
    return PlanError(
        f"{_quoted(value)} is not one of {', '.join(choices)}",
        key=key,
        nearest=nearest(value[:_LONGEST], choices),
    )


def _check_text(key: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PlanError(f"{_quoted(text)} is not text that UTF-8 can hold", key=key) from None


def _subscribable(name: str) -> str:
    """The name events carry for a type; one that estui does not know is kept as it is."""
    known = BY_C_NAME.get(name)
    if known is not None and not known.name:
        twin = known.c_name.replace("_AUTH_", "_NOTIFY_")
        near = BY_C_NAME[twin].name if known.action == "AUTH" and twin in BY_C_NAME else None
        raise PlanError(
            f"{name} is not a NOTIFY type, and estui sees no other", key="subscribe", nearest=near
        )
    _check_text("subscribe", name)
    return known.name if known else name


def _set_events(entry: Entry) -> None:
    if entry.events is None:
        return
    if not entry.events:
        raise PlanError("events must not be empty; leave the key out to mean all events", key="events")
    object.__setattr__(entry, "events", tuple(_event(name, "events") for name in entry.events))


def _event(name: str, key: str) -> str:
    """The label of a known event type."""
    known = NOTIFY.get(name) or BY_C_NAME.get(name)
    if known is None:
        near = nearest(name[:_LONGEST], [*NOTIFY, *BY_C_NAME])
        raise PlanError(f"{_quoted(name)} is not an event type", key=key, nearest=near)
    return known.label


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


class _Table:
    """A TOML table being read: every key is taken with its type, and none may be left over."""

    def __init__(self, name: str, data: Any, keys: tuple[str, ...]) -> None:
        self.name = name
        if not isinstance(data, dict):
            raise PlanError(f"this must be a table, not {_kind(data)}", table=name)
        for key in data:
            if key not in keys:
                words = "there is no such key here" if name or _elsewhere(key) else "there is no such table"
                near = _elsewhere(key) or nearest(key[:_LONGEST], keys)
                raise PlanError(words, table=name, key=_key(key), nearest=near)
        self._data = data

    def get(self, key: str, kind: type, default: Any = None) -> Any:
        """The value of a key; what is absent is `default`, or an error where that is ..."""
        value = self._data.get(key, default)
        if value is ...:
            raise PlanError("this key is required, and missing", table=self.name, key=key)
        if value is not default and type(value) is not kind:
            words = f"this must be {_KINDS[kind]}, not {_kind(value)}"
            near = _as_kind(value, kind) if self.name else f"[[{key}]]" if kind is list else f"[{key}]"
            raise PlanError(words, table=self.name, key=key, nearest=near)
        return value

    def names(self, key: str) -> tuple[str, ...] | None:
        """A list of strings, or None."""
        values = self.get(key, list)
        for value in values or ():
            if not isinstance(value, str):
                words = f"its values must be strings, not {_kind(value)}"
                raise PlanError(words, table=self.name, key=key, nearest=_as_kind(value, str))
        return None if values is None else tuple(values)

    def events(self, key: str) -> tuple[str, ...] | None:
        """A list of names of event types that estui knows, or None."""
        names = self.names(key)
        return names and tuple(_event(name, key) for name in names)

    def __contains__(self, key: str) -> bool:
        return key in self._data


_KINDS = {
    str: "a string",
    int: "an integer",
    bool: "true or false",
    list: "a list",
    dict: "a table",
    float: "a decimal number",
}
_TABLES = ("plan", "invert", "mute_path", "mute_process")
_BOOLEANS = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}
_KEYS = {
    "[plan]": ("format", "name", "subscribe", "subscribe_unknown", "default_mute_set", "instigator_votes"),
    "[invert]": ("process", "path", "target_path"),
    "[[mute_path]]": ("type", "path", "path_bytes", "events", "enabled"),
    "[[mute_process]]": ("pid", "pidversion", "events", "enabled"),
}


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return _KINDS.get(type(value), "a date or time")


def _key(key: str) -> str:
    """A key as TOML would show it."""
    return key if key.replace("-", "").replace("_", "").isalnum() and key.isascii() else _quoted(key)


def _elsewhere(key: str) -> str | None:
    """A key that stands in the wrong table, with the right one."""
    return next((f"{key} in {table}" for table, keys in _KEYS.items() if key in keys), None)


def _as_kind(value: Any, kind: type) -> str | None:
    """A value of the wrong type, as it was most likely meant."""
    near = None
    if kind is str and isinstance(value, (bool, float)):
        near = f'"{str(value).lower()}"'
    elif kind is list and isinstance(value, str):
        near = f"[{_quoted(value)}]"
    elif kind is bool and isinstance(value, str):
        near = _BOOLEANS.get(value[:_LONGEST].lower())
    elif kind is bool and isinstance(value, int):
        near = "true" if value else "false"
    elif kind is int and isinstance(value, float) and value.is_integer():
        near = str(int(value))
    elif kind is int and isinstance(value, str) and value.isdecimal() and value.isascii():
        near = value[:_LONGEST]
    return near


def _plan(data: dict[str, Any]) -> Plan:
    top = _Table("", data, _TABLES)
    if "plan" not in top:
        raise PlanError(
            "this table is required, and missing; begin with [plan] and format = 1", table="[plan]"
        )
    plan = _Table("[plan]", top.get("plan", dict), _KEYS["[plan]"])
    if plan.get("format", int, ...) != FORMAT:
        raise PlanError("this estui reads another format", table="[plan]", key="format", nearest=str(FORMAT))
    invert = _Table("[invert]", top.get("invert", dict, {}), _KEYS["[invert]"])
    paths = tuple(_entries(top, "mute_path", _mute_path))
    processes = tuple(_entries(top, "mute_process", _mute_process))
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


def _subscribe(plan: _Table) -> tuple[str, ...] | None:
    known, unknown = plan.events("subscribe"), plan.names("subscribe_unknown")
    if known is None and unknown is not None:
        words = "this goes with subscribe only; without that, every type is subscribed"
        raise PlanError(words, key="subscribe_unknown")
    return None if known is None else known + (unknown or ())


E = TypeVar("E", MutePath, MuteProcess)


def _entries(top: _Table, name: str, read: Callable[[_Table], E]) -> Iterator[E]:
    for number, data in enumerate(top.get(name, list, ()), 1):
        place = f"[[{name}]] {number}"
        try:
            yield read(_Table(place, data, _KEYS[f"[[{name}]]"]))
        except PlanError as error:
            raise error.at("", place) from None


def _mute_path(table: _Table) -> MutePath:
    path_type = table.get("type", str, ...)
    if "path_bytes" in table:
        if "path" in table:
            raise PlanError("give path or path_bytes, not both", key="path_bytes")
        digits = table.get("path_bytes", str)
        try:
            path = bytes.fromhex(digits).decode("utf-8", "surrogateescape")
        except ValueError:
            raise PlanError(f"{_quoted(digits)} is not hex digits, two per byte", key="path_bytes") from None
    else:
        path = table.get("path", str, ...)
    return MutePath(path_type, path, table.events("events"), table.get("enabled", bool, True))


def _mute_process(table: _Table) -> MuteProcess:
    return MuteProcess(
        table.get("pid", int, ...),
        table.get("pidversion", int, ...),
        table.events("events"),
        table.get("enabled", bool, True),
    )
