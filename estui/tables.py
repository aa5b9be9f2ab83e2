"""TOML files made of tables, such as plans: read key by key, where what is wrong says where, and what is nearest.

Each kind of file has a `Schema`. Values that TOML cannot carry have a stand-in: for a path that is not UTF-8,
`path_bytes` (hex) beside `path`.
"""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from estui.events import BY_C_NAME, NOTIFY
from estui.text import nearest, printable

LARGEST = 16 << 20
"""Bytes of the largest file that is read."""
_LARGEST_NUMBER = 1 << 53
LONGEST = 100
"""Characters of a value that an error shows, or looks for something near."""


class TableError(Exception):
    """A file that cannot be: what is wrong, where, and the nearest right thing. Its text is safe to show."""

    def __init__(
        self, words: str, *, file: str = "", table: str = "", key: str = "", nearest: str | None = None
    ) -> None:
        self.words, self.file, self.table, self.key, self.nearest = words, file, table, key, nearest
        where = [part for part in (file, table, key) if part]
        near = f"; the nearest is {nearest}" if nearest else ""
        super().__init__(printable(": ".join([*where, words + near])))

    def at(self, file: str, table: str) -> TableError:
        """The same error with its place filled in."""
        return type(self)(
            self.words, file=file, table=self.table or table, key=self.key, nearest=self.nearest
        )


class Schema(NamedTuple):
    """One kind of file."""

    error: type[TableError]
    noun: str
    """What errors call such a file: "plan"."""
    tables: Mapping[str, tuple[str, ...]]
    """The keys of each table, by the table as TOML writes it: "[plan]", "[[mute_path]]"."""

    def elsewhere(self, key: str) -> str | None:
        """A key that stands in the wrong table, with the right one."""
        return next((f"{key} in {table}" for table, keys in self.tables.items() if key in keys), None)


T = TypeVar("T")


class Table:
    """A TOML table being read: every key is taken with its type, and none may be left over."""

    def __init__(self, name: str, data: Any, schema: Schema, kind: str = "") -> None:
        """`name` is what errors call it ("" for the file itself), `kind` its name in the schema."""
        self.name, self.schema = name, schema
        if not isinstance(data, dict):
            raise schema.error(f"this must be a table, not {_kind(data)}", table=name)
        keys = schema.tables[kind or name] if name else tuple(table.strip("[]") for table in schema.tables)
        for key in data:
            if key not in keys:
                elsewhere = schema.elsewhere(key)
                words = "there is no such key here" if name or elsewhere else "there is no such table"
                near = elsewhere or nearest(key[:LONGEST], keys)
                raise schema.error(words, table=name, key=_key(key), nearest=near)
        self._data = data

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def get(self, key: str, kind: type, default: Any = None) -> Any:
        """The value of a key; what is absent is `default`, or an error where that is ..."""
        value = self._data.get(key, default)
        if value is ...:
            raise self.error("this key is required, and missing", key)
        if value is not default and type(value) is not kind:
            words = f"this must be {_KINDS[kind]}, not {_kind(value)}"
            near = _as_kind(value, kind) if self.name else f"[[{key}]]" if kind is list else f"[{key}]"
            raise self.error(words, key, near)
        return value

    def number(self, key: str) -> float | None:
        """A number, whole or not, or None."""
        value = self._data.get(key)
        if value is None or (type(value) is int and abs(value) <= _LARGEST_NUMBER):
            return value
        found: float = math.inf if type(value) is int else self.get(key, float)
        if not abs(found) <= _LARGEST_NUMBER:
            raise self.error("this is larger than any number can be here", key, str(_LARGEST_NUMBER))
        return found

    def names(self, key: str) -> tuple[str, ...] | None:
        """A list of strings, or None."""
        values = self.get(key, list)
        for value in values or ():
            if not isinstance(value, str):
                words = f"its values must be strings, not {_kind(value)}"
                raise self.error(words, key, _as_kind(value, str))
        return None if values is None else tuple(values)

    def events(self, key: str) -> tuple[str, ...] | None:
        """A list of names of event types that estui knows, or None."""
        names = self.names(key)
        return names and tuple(event_label(name, key, self.schema.error) for name in names)

    def path(self, key: str, default: Any = None) -> Any:
        """The path of a key, or of the hex digits under `key`_bytes beside it; as get() where neither is there."""
        hexed = f"{key}_bytes"
        if hexed not in self:
            return self.get(key, str, default)
        if key in self:
            raise self.error(f"give {key} or {hexed}, not both", hexed)
        return self._unhexed(self.get(hexed, str), hexed)

    def paths(self, key: str) -> tuple[str, ...] | None:
        """A list of paths, or of the hex digits of each under `key`_bytes beside it; None where neither is there."""
        hexed = f"{key}_bytes"
        if hexed not in self:
            return self.names(key)
        if key in self:
            raise self.error(f"give {key} or {hexed}, not both", hexed)
        return tuple(self._unhexed(digits, hexed) for digits in self.names(hexed) or ())

    def flag_or_names(self, key: str) -> bool | tuple[str, ...]:
        """true, false (also where the key is not there) or a list of strings."""
        if isinstance(self._data.get(key), list):
            return self.names(key) or ()
        return bool(self.get(key, bool, False))

    def _unhexed(self, digits: str, key: str) -> str:
        try:
            return bytes.fromhex(digits).decode("utf-8", "surrogateescape")
        except ValueError:
            raise self.error(f"{quoted(digits)} is not hex digits, two per byte", key) from None

    def table(self, key: str, default: Any = None) -> Table:
        """A table in the file."""
        return Table(f"[{key}]", self.get(key, dict, default), self.schema)

    def each(self, key: str, read: Callable[[Table], T]) -> Iterator[T]:
        """What `read` makes of each entry of an array of tables; its errors get their place."""
        for number, data in enumerate(self.get(key, list, ()), 1):
            place = f"[[{key}]] {number}"
            try:
                yield read(Table(place, data, self.schema, f"[[{key}]]"))
            except TableError as error:
                raise error.at("", place) from None

    def error(self, words: str, key: str, near: str | None = None) -> TableError:
        """An error about a key of this table."""
        return self.schema.error(words, table=self.name, key=key, nearest=near)


def head(data: Any, schema: Schema, format: int) -> tuple[Table, Table]:
    """The file, and its first table, which must be there and say the format."""
    top = Table("", data, schema)
    name = next(iter(schema.tables))
    if name.strip("[]") not in top:
        words = f"this table is required, and missing; begin with {name} and format = {format}"
        raise schema.error(words, table=name)
    first = top.table(name.strip("[]"))
    if first.get("format", int, ...) != format:
        raise first.error("this estui reads another format", "format", str(format))
    return top, first


def read(path: str | os.PathLike[str], schema: Schema, missing: str = "check the path") -> str:
    """The text of a file. Raises the schema's error; `missing` is the advice where there is no such file."""
    name, noun = os.fspath(path), schema.noun
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise schema.error(f"there is no such file; {missing}", file=name) from None
    except IsADirectoryError:
        raise schema.error("this is a directory; name the .toml file in it", file=name) from None
    except PermissionError:
        raise schema.error("this file may not be read; check its owner and mode", file=name) from None
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or error
        raise schema.error(f"this file cannot be read: {words}; name a {noun} file", file=name) from None
    if len(data) > LARGEST:
        words = f"this is larger than any {noun} ({LARGEST >> 20} MiB); name a {noun} file"
        raise schema.error(words, file=name)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise schema.error(
            f"this is not UTF-8 text (line {line}), which it must be; a path that is not goes into path_bytes",
            file=name,
        ) from None


def parse(text: str, name: str, schema: Schema, build: Callable[[dict[str, Any]], T]) -> T:
    """What `build` makes of the file's tables; `name` is what errors call the file. Raises the schema's error."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        words = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise schema.error(f"this is not TOML: {words}; correct that place", file=name) from None
    try:
        return build(data)
    except TableError as error:
        raise error.at(name, "") from None


def not_one_of(error: type[TableError], key: str, value: str, choices: Iterable[str]) -> TableError:
    """The error of a value that is none of a few."""
    choices = tuple(choices)
    return error(
        f"{quoted(value)} is not one of {', '.join(choices)}",
        key=key,
        nearest=nearest(value[:LONGEST], choices),
    )


def check_text(error: type[TableError], key: str, text: str) -> None:
    """Raise `error` for text that no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise error(f"{quoted(text)} is not text that UTF-8 can hold", key=key) from None


def event_label(name: str, key: str, error: type[TableError]) -> str:
    """The label of a known event type; raises `error` for any other name."""
    known = NOTIFY.get(name) or BY_C_NAME.get(name)
    if known is None:
        near = nearest(name[:LONGEST], [*NOTIFY, *BY_C_NAME])
        raise error(f"{quoted(name)} is not an event type", key=key, nearest=near)
    return known.label


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def string(text: str) -> str:
    """A string as TOML writes it; what a terminal could act on is escaped."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(c if printable(c) == c and c not in _ESCAPES else _escape(c) for c in text) + '"'


def _escape(c: str) -> str:
    return _ESCAPES.get(c) or (f"\\u{ord(c):04x}" if ord(c) <= 0xFFFF else f"\\U{ord(c):08x}")


def strings(texts: Iterable[str]) -> str:
    """A list of strings as TOML writes it."""
    return "[" + ", ".join(map(string, texts)) + "]"


def quoted(text: str) -> str:
    """A value as an error shows it."""
    return string(text if len(text) <= LONGEST else text[:LONGEST] + "…")


def path_line(key: str, path: str) -> str:
    """The line of a path, under the key that can hold it."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return f'{key}_bytes = "{path.encode("utf-8", "surrogateescape").hex()}"'
    return f"{key} = {string(path)}"


_KINDS = {
    str: "a string",
    int: "an integer",
    bool: "true or false",
    list: "a list",
    dict: "a table",
    float: "a decimal number",
}
_BOOLEANS = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return _KINDS.get(type(value), "a date or time")


def _key(key: str) -> str:
    """A key as TOML would show it."""
    return key if key.replace("-", "").replace("_", "").isalnum() and key.isascii() else quoted(key)


def _as_kind(value: Any, kind: type) -> str | None:
    """A value of the wrong type, as it was most likely meant."""
    near = None
    if kind is str and isinstance(value, (bool, float)):
        near = f'"{str(value).lower()}"'
    elif kind is list and isinstance(value, str):
        near = f"[{quoted(value)}]"
    elif kind is bool and isinstance(value, str):
        near = _BOOLEANS.get(value[:LONGEST].lower())
    elif kind is bool and isinstance(value, int):
        near = "true" if value else "false"
    elif kind is int and isinstance(value, float) and value.is_integer():
        near = str(int(value))
    elif kind is int and isinstance(value, str) and value.isdecimal() and value.isascii():
        near = value[:LONGEST]
    return near
