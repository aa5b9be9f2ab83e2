"""JSON as flat rows that fold: what the detail pane draws, with no screen in it.

`JsonRows` holds the rows that are visible now, one per member, and changes them in place as things fold and unfold.
A container shows PAGE members at first and a row that brings more, so a line of many MiB costs what is looked at.
Which containers are open is kept apart in `Folds`, by path, so that it outlives the event it was chosen on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from estui.message import TOKEN_WORDS, AuditToken

Path = tuple[str | int, ...]
"""Where a value stands: the keys and indexes that lead to it from the top."""

OBJECT, ARRAY, STRING, NUMBER, BOOL, NULL, MORE = (
    "object",
    "array",
    "string",
    "number",
    "bool",
    "null",
    "more",
)

PAGE = 200
"""Members of one container shown before a row offers the rest."""
NEXT_PAGE = 1000
"""Members that row brings at a time."""
ROW_LIMIT = 20_000
"""Rows that unfolding everything makes at most; what is past it stays folded."""
SORT_LIMIT = 5_000
"""Objects with more members than this keep the line's own order."""
SUMMARY = 160
"""Characters of a folded container's summary."""

ORDER = (
    # the envelope
    "estui_failed", "estui_guess", "process", "event", "time", "event_type", "action", "action_type", "result_type",
    "result", "thread",
    "seq_num", "global_seq_num", "mach_time", "version", "schema_version", "estui_origin", "estui_shard",
    # a token
    "pid", "pidversion", "euid", "ruid", "auid", "egid", "rgid", "asid",
    # a process
    "audit_token", "executable", "signing_id", "team_id", "is_platform_binary", "codesigning_flags",
    "cs_validation_category", "cdhash", "is_es_client", "ppid", "original_ppid", "parent_audit_token",
    "responsible_audit_token", "group_id", "session_id", "tty", "start_time",
    # a file
    "path", "path_truncated", "stat", "st_mode", "st_size", "st_uid", "st_gid", "st_ino", "st_dev", "st_nlink",
    "st_birthtimespec", "st_mtimespec", "st_ctimespec", "st_atimespec", "st_flags",
    # what happened, to what, by whom
    "success", "type", "failure_message", "username", "uid", "sig", "mode", "fflag", "protection",
    "max_protection", "source", "target", "target_file", "target_dir", "target_filename", "target_name", "file",
    "file1", "file2", "dir", "filename", "destination_type", "destination", "existing_file", "new_path",
    "modified", "was_mapped_writable", "script", "args", "cwd", "env", "fds", "child", "instigator",
    "instigator_token", "app", "app_token", "petitioner", "petitioner_token", "item",
)  # fmt: skip
RANK: Mapping[str, int] = {key: place for place, key in enumerate(ORDER)}
"""eslogger writes keys in any order; the pane shows these first and the others by name, so that the eye stays put."""


class JsonRow:
    """One visible row: a member of an object or an array, or the offer of more of them."""

    __slots__ = ("count", "depth", "kind", "open", "path", "shown", "value")

    def __init__(self, path: Path, value: Any, depth: int) -> None:
        self.path = path
        self.value = value
        self.depth = depth
        self.kind = kind_of(value)
        self.open = False
        """Whether the members of this container stand below it."""
        self.count = len(value) if self.kind in (OBJECT, ARRAY) else 0
        """Members of the container; of a row that offers more, how many are not shown."""
        self.shown = 0
        """Of a row that offers more: members already shown."""

    @property
    def key(self) -> str | int | None:
        """The member's name or index; None for the only row of a line that is one bare value."""
        return self.path[-1] if self.path else None

    @property
    def folds(self) -> bool:
        """Whether there is something to fold: a container with members."""
        return self.count > 0 and self.kind != MORE

    def __repr__(self) -> str:
        return f"JsonRow({jq_path(self.path)} {self.kind})"


class Folds:
    """Which containers are open: rules at first, then what was chosen by hand, path by path."""

    def __init__(self) -> None:
        self.chosen: dict[Path, bool] = {}
        self.level: int | None = None
        """Open down to this depth, once a level was asked for."""

    def is_open(self, path: Path, value: Any) -> bool:
        """Whether the container at `path` is open."""
        chosen = self.chosen.get(path)
        if chosen is not None:
            return chosen
        if self.level is not None:
            return len(path) < self.level
        return opens_itself(path, value)

    def choose(self, path: Path, is_open: bool) -> None:
        """Keep what was chosen for one container."""
        self.chosen[path] = is_open

    def set_level(self, level: int | None) -> None:
        """Open everything down to `level`; None goes back to the rules. Single choices are forgotten."""
        self.chosen.clear()
        self.level = level


class Found(NamedTuple):
    """A row found for a path: its index, and whether it is the path asked for or only the nearest above it."""

    at: int
    exact: bool


class JsonRows(Sequence[JsonRow]):
    """The visible rows of one value."""

    def __init__(self, value: Any, folds: Folds | None = None, *, ordered: bool = True) -> None:
        """`ordered` puts the keys eslogger writes in a fixed order; otherwise they keep the line's own."""
        self.value = value
        self.folds = folds if folds is not None else Folds()
        self.ordered = ordered
        self._pages: dict[Path, int] = {}
        self._widths: dict[Path, int] = {}
        self._rows: list[JsonRow] = []
        self.rebuild()

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        return self._rows[index]

    def __iter__(self) -> Iterator[JsonRow]:
        return iter(self._rows)

    def rebuild(self) -> None:
        """Make all rows anew from the folds."""
        if kind_of(self.value) in (OBJECT, ARRAY) and self.value:
            self._rows = self._members((), self.value, 0, ROW_LIMIT)
        else:
            self._rows = [JsonRow((), self.value, 0)]

    def _members(self, path: Path, value: Any, depth: int, room: int, start: int = 0) -> list[JsonRow]:
        """The rows below a container, those of its open members too, at most about `room` of them."""
        rows: list[JsonRow] = []
        # One iterator per open container stands on the stack: no recursion, so depth cannot hurt.
        stack = [(path, depth, self._items(path, value, start))]
        while stack:
            path, depth, items = stack[-1]
            item = next(items, None)
            if item is None:
                stack.pop()
                continue
            row = item
            row.depth = depth
            rows.append(row)
            if row.folds and len(rows) < room and self.folds.is_open(row.path, row.value):
                row.open = True
                stack.append((row.path, depth + 1, self._items(row.path, row.value)))
        return rows

    def _items(self, path: Path, value: Any, start: int = 0) -> Iterator[JsonRow]:
        limit = self._pages.get(path, PAGE)
        count = len(value)
        if isinstance(value, dict):
            keys: Sequence[str] = list(value)
            if self.ordered and count <= SORT_LIMIT:
                keys = sorted(value, key=lambda key: (RANK.get(key, len(RANK)), key))
            for key in keys[start:limit]:
                yield JsonRow((*path, key), value[key], 0)
        else:
            for index in range(start, min(limit, count)):
                yield JsonRow((*path, index), value[index], 0)
        if count > limit:
            more = JsonRow(path, None, 0)
            more.kind, more.count, more.shown = MORE, count - limit, limit
            yield more

    def key_width(self, path: Path, limit: int) -> int:
        """Characters of the longest key of a container that are not more than `limit`: a column for its values."""
        width = self._widths.get(path)
        if width is None:
            container = value_at(self.value, path)
            keys = islice(container, PAGE) if isinstance(container, dict) else ()
            width = self._widths[path] = max((len(key) for key in keys if len(key) <= limit), default=0)
        return min(width, limit)

    def end(self, index: int) -> int:
        """The index after the last row that stands below row `index`."""
        depth = self._rows[index].depth
        at = index + 1
        while at < len(self._rows) and self._rows[at].depth > depth:
            at += 1
        return at

    def unfold(self, index: int) -> bool:
        """Open one container; False where there is nothing to open."""
        row = self._rows[index]
        if not row.folds or row.open:
            return False
        self.folds.choose(row.path, True)
        row.open = True
        self._rows[index + 1 : index + 1] = self._members(row.path, row.value, row.depth + 1, ROW_LIMIT)
        return True

    def fold(self, index: int) -> bool:
        """Close one container; False where it is not open."""
        row = self._rows[index]
        if not row.open:
            return False
        self.folds.choose(row.path, False)
        del self._rows[index + 1 : self.end(index)]
        row.open = False
        return True

    def toggle(self, index: int) -> bool:
        """Open or close a container, or bring more of a long one."""
        row = self._rows[index]
        if row.kind == MORE:
            return self.more(index)
        return self.fold(index) if row.open else self.unfold(index)

    def more(self, index: int) -> bool:
        """Put the next members in place of the row that offers them."""
        row = self._rows[index]
        if row.kind != MORE:
            return False
        self._pages[row.path] = row.shown + NEXT_PAGE
        container = value_at(self.value, row.path)
        self._rows[index : index + 1] = self._members(row.path, container, row.depth, ROW_LIMIT, row.shown)
        return True

    def to_level(self, level: int | None) -> None:
        """Open everything down to `level` (1 leaves only the top), or go back to the rules with None."""
        self.folds.set_level(level)
        self.rebuild()

    def parent(self, index: int) -> int:
        """The row this one stands below; itself at the top."""
        depth = self._rows[index].depth
        at = index
        while at > 0 and self._rows[at].depth >= depth:
            at -= 1
        return at if self._rows[at].depth < depth else index

    def sibling(self, index: int, step: int) -> int:
        """The next (`step` 1) or previous (-1) row of the same container; itself where there is none."""
        depth = self._rows[index].depth
        at = index + step
        while 0 <= at < len(self._rows) and self._rows[at].depth > depth:
            at += step
        if 0 <= at < len(self._rows) and self._rows[at].depth == depth:
            return at
        return index

    def locate(self, path: Path) -> Found:
        """The visible row at `path`, or else the nearest visible one above it."""
        best = 0
        length = 0
        for index, row in enumerate(self._rows):
            if row.kind == MORE:
                continue
            size = len(row.path)
            if length < size <= len(path) and row.path == path[:size]:
                best, length = index, size
                if size == len(path):
                    return Found(index, True)
        return Found(best, len(path) == 0)

    def reveal(self, path: Path) -> Found:
        """Open what hides `path` and say where it is now; where it does not exist, the nearest above it."""
        while True:
            found = self.locate(path)
            row = self._rows[found.at]
            hidden = row.path == path[: len(row.path)] and len(row.path) < len(path)
            if found.exact or not hidden or not self.unfold(found.at):
                return found


def kind_of(value: Any) -> str:
    """The JSON type of a parsed value."""
    if isinstance(value, dict):
        return OBJECT
    if isinstance(value, list):
        return ARRAY
    if isinstance(value, str):
        return STRING
    if isinstance(value, bool):
        return BOOL
    return NULL if value is None else NUMBER


def value_at(value: Any, path: Path) -> Any:
    """The value at `path`. Raises KeyError, IndexError or TypeError where there is none."""
    for key in path:
        value = value[key]
    return value


def is_token_key(key: object) -> bool:
    """Whether a member of this name holds an audit token."""
    return isinstance(key, str) and (key == "audit_token" or key.endswith("_token"))


def is_token_array(path: Path, value: Any) -> bool:
    """Whether this is an audit token written as an array of 8 numbers."""
    return (
        bool(path)
        and is_token_key(path[-1])
        and isinstance(value, list)
        and len(value) == len(TOKEN_WORDS)
        and all(isinstance(word, int) and not isinstance(word, bool) for word in value)
    )


def opens_itself(path: Path, value: Any) -> bool:
    """Whether a container is open before anybody chose: who acted and what happened, not the blocks of detail."""
    if path in (("process",), ("process", "audit_token")):
        return True
    if not path or path[0] != "event":
        return False
    if len(path) <= 2:
        return True
    if is_token_key(path[-1]) or is_file(value) or is_process(value) or path[-1] == "stat":
        return False
    if isinstance(value, dict) and len(value) == 1 and kind_of(next(iter(value.values()))) == OBJECT:
        return True
    members = value.values() if isinstance(value, dict) else value
    return len(value) <= 12 and not any(isinstance(member, dict | list) for member in members)


_FILE = {"path", "path_truncated", "stat"}


def is_file(value: Any) -> bool:
    """Whether a value has the shape of an es_file_t."""
    return isinstance(value, dict) and isinstance(value.get("path"), str) and value.keys() <= _FILE


def is_process(value: Any) -> bool:
    """Whether a value has the shape of an es_process_t."""
    return isinstance(value, dict) and "audit_token" in value and "executable" in value


def summary(path: Path, value: Any) -> str:
    """What a folded container says for itself: a file its path, a process its program and pid, others their beginning.

    The text is the event's own, not made safe for a screen.
    """
    return _summary(path, value, 2)[:SUMMARY]


def _summary(path: Path, value: Any, depth: int) -> str:
    if is_process(value):
        program = value["executable"]
        name = program["path"] if is_file(program) else "?"
        return f"{_short(name)}  {_token(value['audit_token'])}"
    if is_file(value):
        return _short(value["path"])
    if path and is_token_key(path[-1]) and (isinstance(value, dict) or is_token_array(path, value)):
        return _token(value)
    if isinstance(value, dict):
        if depth == 0:
            return "{…}" if value else "{}"
        parts = (
            f"{key}: {_summary((*path, key), member, depth - 1)}" for key, member in _first(value.items())
        )
        return "{" + _joined(parts, len(value)) + "}"
    if isinstance(value, list):
        if depth == 0:
            return "[…]" if value else "[]"
        parts = (_summary((*path, 0), member, depth - 1) for member in _first(value))
        return "[" + _joined(parts, len(value)) + "]"
    return _short(scalar(value))


def _first(members: Any) -> Iterator[Any]:
    for number, member in enumerate(members):
        if number == 5:
            return
        yield member


def _joined(parts: Iterator[str], count: int) -> str:
    shown = list(parts)
    return ", ".join([*shown, "…"] if count > len(shown) else shown)


def _token(value: Any) -> str:
    token = AuditToken.of(value)
    if token.pid is None:
        return "{…}"
    version = "" if token.pidversion is None else f".{token.pidversion}"
    euid = "" if token.euid is None else f"  euid {token.euid}"
    return f"pid {token.pid}{version}{euid}"


def _short(text: str) -> str:
    return text if len(text) <= SUMMARY else text[: SUMMARY - 1] + "…"


def scalar(value: Any, limit: int = SUMMARY) -> str:
    """A value without members as one sees it, cut after `limit` characters: strings in quotes, so 812 and "812" differ.

    Not made safe for a screen.
    """
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= limit else f'"{value[:limit]}'
    if value is True or value is False:
        return "true" if value else "false"
    return "null" if value is None else str(value)


_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def jq_path(path: Path) -> str:
    """The path as jq takes it: `.event.exec.args[0]`, a key that is no identifier as `["..."]`."""
    parts: list[str] = []
    for key in path:
        if isinstance(key, int):
            parts.append(f"[{key}]" if parts else f".[{key}]")
        elif _PLAIN_KEY.fullmatch(key):
            parts.append(f".{key}")
        else:
            parts.append(f"{'' if parts else '.'}[{jq_string(key)}]")
    return "".join(parts) or "."


def jq_string(text: str) -> str:
    """A string literal for jq, ASCII only. Bytes that are not UTF-8 become U+FFFD, which is what jq reads them as."""
    return json.dumps("".join("�" if "\ud800" <= char <= "\udfff" else char for char in text))


def jq_filter(path: Path, value: Any) -> str:
    """A jq filter that keeps the events with this very value; for a container, the filter that prints it."""
    if isinstance(value, dict | list):
        return jq_path(path)
    literal = jq_string(value) if isinstance(value, str) else scalar(value)
    return f"select({jq_path(path)} == {literal})"


def pretty_lines(value: Any) -> Iterator[str]:
    """The value as indented JSON, line by line and in the line's own order, made only as far as it is read.

    Every other character than `"`, `\\` and the C0 controls stands for itself: bidi controls and bytes that are not
    UTF-8 too, so the text is not safe for a screen.
    """
    # Iterators on a stack, not recursion: orjson nests deeper than Python calls.
    stack: list[tuple[Iterator[tuple[str, Any, str]], str]] = []
    items: Iterator[tuple[str, Any, str]] = iter([("", value, "")])
    while True:
        item = next(items, None)
        if item is None:
            if not stack:
                return
            items, closing = stack.pop()
            yield f"{'  ' * len(stack)}{closing}"
            continue
        label, member, comma = item
        indent = "  " * len(stack)
        if isinstance(member, dict | list) and member:
            opening, closing = "{}" if isinstance(member, dict) else "[]"
            yield f"{indent}{label}{opening}"
            stack.append((items, closing + comma))
            items = _labelled(member)
        else:
            yield f"{indent}{label}{json.dumps(member, ensure_ascii=False)}{comma}"


def _labelled(container: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Any, str]]:
    """The members of a container with what stands before and after each in JSON."""
    left = len(container)
    members = container.items() if isinstance(container, dict) else ((None, member) for member in container)
    for key, member in members:
        left -= 1
        yield "" if key is None else f"{json.dumps(key, ensure_ascii=False)}: ", member, "," if left else ""


def field_path(path: Path) -> str:
    """The path as the vocabulary takes it: `event.exec.fds[3].fd`."""
    return jq_path(path)[1:]
