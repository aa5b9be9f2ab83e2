"""The keep-list: what must never be lost, as a file (TOML): expressions, places of the coverage list, marked events.

No suggestion may hide any of it, and a check of a plan can hold the plan to it. An expression names event types, and a
prefix or the whole of a target or of the program that acts; all that it names must be so. A marked event is kept by
what a verdict looks at, for no mute can tell it from another that is the same in that.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from estui.core import Core
from estui.lab.coverage import DELIVERED, Covered, coverage
from estui.lab.places import Place, built_in, joined
from estui.message import Message
from estui.muting import Verdict, path_bytes
from estui.plan import Plan
from estui.record import KIND_EVENT, Row
from estui.tables import (
    Schema,
    Table,
    TableError,
    check_text,
    head,
    parse,
    path_line,
    quoted,
    read,
    string,
    strings,
)
from estui.text import nearest, write_atomic

FORMAT = 1
_LARGEST_PID = (1 << 32) - 1
_PATHS = ("target_prefix", "target_literal", "executable_prefix", "executable_literal")


class KeepError(TableError):
    """A keep-list that cannot be. Its text is safe to show."""


@dataclass(frozen=True)
class Expression:
    """An `[[event]]` entry: events that are all it names. Raises KeepError if it is made of what none can be."""

    events: tuple[str, ...] | None = None
    """eslogger names; None is all types."""
    target_prefix: str | None = None
    """What one of the targets begins with, byte for byte; bytes that are not UTF-8 carried by surrogateescape."""
    target_literal: str | None = None
    executable_prefix: str | None = None
    executable_literal: str | None = None
    pid: int | None = None
    pidversion: int | None = None
    name: str = ""

    def __post_init__(self) -> None:
        check_text(KeepError, "name", self.name)
        if self.events is not None and not self.events:
            raise KeepError("events must not be empty; leave the key out to mean all events", key="events")
        for key in _PATHS:
            if (path := getattr(self, key)) is not None:
                _check_path(key, path)
        _check_process(self.pid, self.pidversion)
        if all(getattr(self, key) is None for key in ("events", "pid", *_PATHS)):
            raise KeepError(
                "this would keep every event; name event types, a path or a process", key="events"
            )

    def holds(self, row: Row) -> bool:
        """Whether a row is one of its events."""
        return (
            (self.events is None or row.event in self.events)
            and (self.pid is None or row.pid == self.pid)
            and (self.pidversion is None or row.pidversion == self.pidversion)
            and _fits(row.targets, self.target_prefix, self.target_literal)
            and _fits(
                () if row.executable is None else (row.executable,),
                self.executable_prefix,
                self.executable_literal,
            )
        )


@dataclass(frozen=True)
class Marked:
    """A `[[marked]]` entry: one event, by what a verdict looks at. Raises KeepError as Expression does."""

    event: str
    executable: str | None = None
    targets: tuple[str, ...] = ()
    pid: int | None = None
    pidversion: int | None = None

    def __post_init__(self) -> None:
        check_text(KeepError, "event", self.event)
        for key, paths in (("executable", (self.executable,)), ("targets", self.targets)):
            for path in paths:
                if path is not None:
                    _check_path(key, path, empty=True)
        _check_process(self.pid, self.pidversion)

    @classmethod
    def of(cls, row: Row) -> Marked:
        """What to keep of a row that is an event."""
        numbers = row.pid, row.pidversion
        named = all(number is not None and 0 <= number <= _LARGEST_PID for number in numbers)
        return cls(row.event, row.executable, row.targets, *(numbers if named else (None, None)))

    def holds(self, row: Row) -> bool:
        """Whether a row is this event, as far as a verdict goes; a process that is not named may be any."""
        return (
            (row.event, row.executable, row.targets) == (self.event, self.executable, self.targets)
            and (self.pid is None or row.pid == self.pid)
            and (self.pidversion is None or row.pidversion == self.pidversion)
        )


@dataclass(frozen=True)
class Keep:
    """A whole keep-list. Raises KeepError if it is made of what none can hold."""

    coverage: tuple[str, ...] | bool = False
    """Ids of the coverage list that must stay delivered; True is the whole list."""
    events: tuple[Expression, ...] = ()
    marked: tuple[Marked, ...] = ()
    name: str = ""
    more: tuple[Place, ...] = field(default=(), compare=False)
    """Places of the user's own, beside the built-in ones; not of the file."""

    def __post_init__(self) -> None:
        check_text(KeepError, "name", self.name)
        if not isinstance(self.coverage, bool):
            known = [place.id for place in joined(built_in(), self.more)]
            for id_ in self.coverage:
                if id_ not in known:
                    near = nearest(id_[:100], known)
                    raise KeepError(
                        f"{quoted(id_)} is no place of the coverage list", key="coverage", nearest=near
                    )

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """The places that must stay delivered."""
        known = joined(built_in(), self.more)
        if isinstance(self.coverage, bool):
            return known if self.coverage else ()
        return tuple(place for place in known if place.id in set(self.coverage))

    def with_marked(self, rows: Iterable[Row]) -> Keep:
        """The list with these events marked too."""
        more = (Marked.of(row) for row in rows if row.kind == KIND_EVENT)
        return replace(self, marked=tuple(dict.fromkeys((*self.marked, *more))))

    def why(self, row: Row) -> str | None:
        """What keeps a row: "[[event]] 2", "[[marked]] 1" or "coverage launch-agents"; None where nothing does."""
        return next(self.reasons(row), None)

    def reasons(self, row: Row) -> Iterator[str]:
        """Everything that keeps a row."""
        if row.kind != KIND_EVENT:
            return
        for number, marked in enumerate(self.marked, 1):
            if marked.holds(row):
                yield f"[[marked]] {number}"
        for number, expression in enumerate(self.events, 1):
            if expression.holds(row):
                yield f"[[event]] {number}"
        for place in self.places:
            if place.holds(row.event, row.targets):
                yield f"coverage {place.id}"

    def blind(self, plan: Plan) -> tuple[Covered, ...]:
        """The places that a plan does not leave delivered, whatever a ring holds."""
        return tuple(covered for covered in coverage(plan, self.places) if covered.status != DELIVERED)

    def lost(self, core: Core, plan: Plan) -> Iterator[Lost]:
        """The events held that are to be kept and that a plan suppresses; made for a worker thread."""
        mutes = plan.mute_set()
        counters = core.counters()
        for seq in range(counters.tail, counters.head):
            row = core.row(seq)
            why = row and self.why(row)
            if not row or not why:
                continue
            raw = core.raw(seq) if plan.instigator_votes else None
            verdict = mutes.decide_row(row, None if raw is None else Message(raw))
            if not verdict.delivered:
                yield Lost(row, why, verdict)


class Lost(NamedTuple):
    """One event that a plan suppresses, though it is to be kept."""

    row: Row
    why: str
    verdict: Verdict


def _fits(paths: tuple[str, ...], prefix: str | None, literal: str | None) -> bool:
    if prefix is None and literal is None:
        return True
    return any(
        (prefix is None or path_bytes(path).startswith(path_bytes(prefix)))
        and (literal is None or path == literal)
        for path in paths
    )


def _check_path(key: str, path: str, *, empty: bool = False) -> None:
    if not path and not empty:
        raise KeepError("a path must not be empty", key=key)
    try:
        path_bytes(path)
    except UnicodeEncodeError:
        raise KeepError("a path must not hold half a surrogate pair", key=key) from None


def _check_process(pid: int | None, pidversion: int | None) -> None:
    for key, value in (("pid", pid), ("pidversion", pidversion)):
        if value is not None and not 0 <= value <= _LARGEST_PID:
            near = str(0 if value < 0 else _LARGEST_PID)
            raise KeepError(f"this must be 0 to {_LARGEST_PID}", key=key, nearest=near)
    if pidversion is not None and pid is None:
        raise KeepError("this goes with pid", key="pidversion")


# Files

EXPRESSION_KEYS = (
    "name", "events", *(key for path in _PATHS for key in (path, f"{path}_bytes")), "pid", "pidversion",
)  # fmt: skip
"""The keys of a table that `expression` reads."""
_SCHEMA = Schema(
    KeepError,
    "keep-list",
    {
        "[keep]": ("format", "name", "coverage"),
        "[[event]]": EXPRESSION_KEYS,
        "[[marked]]": (
            "event", "executable", "executable_bytes", "targets", "targets_bytes", "pid", "pidversion",
        ),
    },
)  # fmt: skip


def load(path: str | os.PathLike[str], more: tuple[Place, ...] = ()) -> Keep:
    """Read a keep-list; `more` are places of the user's own that it may name. Raises KeepError."""
    return loads(read(path, _SCHEMA), os.fspath(path), more)


def loads(text: str, name: str = "keep-list", more: tuple[Place, ...] = ()) -> Keep:
    """Read a keep-list from text; `name` is what errors call it. Raises KeepError."""
    return parse(text, name, _SCHEMA, lambda data: _keep(data, more))


def save(keep: Keep, path: str | os.PathLike[str]) -> None:
    """Write a keep-list, whole or not at all. Raises KeepError."""
    try:
        write_atomic(path, dumps(keep).encode())
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or error
        raise KeepError(f"the keep-list cannot be saved here: {words}", file=os.fspath(path)) from None


def dumps(keep: Keep) -> str:
    """The TOML of a keep-list. What equals the default is left out; what a terminal could act on is escaped."""
    lines = [f"# estui keep-list, format {FORMAT}", "[keep]", f"format = {FORMAT}"]
    if keep.name:
        lines.append(f"name = {string(keep.name)}")
    if keep.coverage is True:
        lines.append("coverage = true")
    elif keep.coverage:
        lines.append(f"coverage = {strings(keep.coverage)}")
    for expression in keep.events:
        lines += ["", "[[event]]"]
        if expression.name:
            lines.append(f"name = {string(expression.name)}")
        if expression.events is not None:
            lines.append(f"events = {strings(expression.events)}")
        for key in _PATHS:
            if (path := getattr(expression, key)) is not None:
                lines.append(path_line(key, path))
        lines += _process_lines(expression)
    for marked in keep.marked:
        lines += ["", "[[marked]]", f"event = {string(marked.event)}"]
        if marked.executable is not None:
            lines.append(path_line("executable", marked.executable))
        if marked.targets:
            lines.append(_targets_line(marked.targets))
        lines += _process_lines(marked)
    return "\n".join(lines) + "\n"


def _process_lines(entry: Expression | Marked) -> list[str]:
    return [
        f"{key} = {getattr(entry, key)}" for key in ("pid", "pidversion") if getattr(entry, key) is not None
    ]


def _targets_line(targets: tuple[str, ...]) -> str:
    try:
        "".join(targets).encode()
    except UnicodeEncodeError:
        return f"targets_bytes = {strings(path_bytes(path).hex() for path in targets)}"
    return f"targets = {strings(targets)}"


def _keep(data: dict[str, Any], more: tuple[Place, ...]) -> Keep:
    top, first = head(data, _SCHEMA, FORMAT)
    events = tuple(top.each("event", expression))
    marked = tuple(top.each("marked", _marked))
    try:
        return Keep(first.flag_or_names("coverage"), events, marked, first.get("name", str, ""), more)
    except KeepError as error:
        raise error.at("", "[keep]") from None


def expression(table: Table) -> Expression:
    """The expression that a table is. Raises KeepError, or the error of the table's own schema."""
    events = table.events("events")
    paths = {key: table.path(key) for key in _PATHS}
    return Expression(
        events,
        **paths,
        pid=table.get("pid", int),
        pidversion=table.get("pidversion", int),
        name=table.get("name", str, ""),
    )


def _marked(table: Table) -> Marked:
    return Marked(
        table.get("event", str, ...),
        table.path("executable"),
        table.paths("targets") or (),
        table.get("pid", int),
        table.get("pidversion", int),
    )
