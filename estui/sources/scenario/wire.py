"""How eslogger writes JSON: compact, `/` as `\\/`, every object's keys in an order of its own.

The keys come in one of a fixed number of shuffled orders per object size, made once per writer, and
whatever is written often (a file, a process) keeps a few finished renderings until it changes. So a
stream looks as random as eslogger's and still costs a few microseconds per line.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Literal, NamedTuple

ORDERS = 64
"""Shuffled key orders kept per object size."""

RENDERINGS = 4
"""Finished renderings kept of one file or process, each in another order."""

SECOND = 1_000_000_000
_STRINGS_KEPT = 50_000
_SECONDS_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Shape:
    """What differs between the eslogger releases seen."""

    version: int = 11
    """`es_message_t.version`; fields and event types newer than it are left out."""
    tokens: Literal["object", "array"] = "object"
    """audit_token_t as an object (all releases) or as an array of eight words (a macOS 26 beta)."""
    escape_slashes: bool = True
    """`\\/` as eslogger writes it, or a plain `/` as after a pass through jq."""
    ascii_only: bool = False
    """Characters past ASCII as `\\uXXXX`, or as UTF-8. eslogger's own habit was never recorded."""
    shuffle: bool = True
    """Keys in random order per object (macOS 15 and later), or always in the same one (macOS 13)."""


class Token(NamedTuple):
    """audit_token_t, in the order of its eight words."""

    auid: int
    euid: int
    egid: int
    ruid: int
    rgid: int
    pid: int
    asid: int
    pidversion: int


class Json(str):
    """A string that is JSON already and is written as it is."""

    __slots__ = ()


class Part:
    """Something written often: its members are made once, and a few renderings kept until it changes."""

    __slots__ = ("_members", "_renderings")

    def __init__(self) -> None:
        self._members: list[str] = []
        self._renderings: list[str] = []

    def members(self, writer: Writer) -> list[str]:
        """The object's members, each `"key":value`."""
        raise NotImplementedError

    def changed(self) -> None:
        """Forget what was rendered: a field has another value now."""
        if self._members:
            self._members = []
            self._renderings = []

    def json(self, writer: Writer) -> str:
        kept = self._renderings
        if len(kept) == RENDERINGS:
            return kept[writer.pick() % RENDERINGS]
        if not self._members:
            self._members = self.members(writer)
        text = writer.object(self._members)
        kept.append(text)
        return text


_Order = Callable[[Sequence[str]], tuple[str, ...]]


class Writer:
    """Writes values as JSON text in one shape. The orders it picks come from `seed` alone."""

    def __init__(self, shape: Shape | None = None, seed: int = 0) -> None:
        self.shape = shape or Shape()
        self._random = random.Random(f"{seed} key order")  # noqa: S311  chance, not secrets
        self._bits = self._random.getrandbits
        self._orders: dict[int, list[_Order]] = {}
        self._strings: dict[str, str] = {}
        self._seconds: dict[int, str] = {}

    def pick(self) -> int:
        """A number from 0 to ORDERS-1; always 0 when the shape does not shuffle."""
        return self._bits(6) if self.shape.shuffle else 0

    def object(self, members: Sequence[str]) -> str:
        """A JSON object of members already written as `"key":value`."""
        count = len(members)
        if count < 2:
            return "{" + "".join(members) + "}"
        orders = self._orders.get(count)
        if orders is None:
            orders = self._orders[count] = self._shuffled(count)
        return "{" + ",".join(orders[self.pick()](members)) + "}"

    def _shuffled(self, count: int) -> list[_Order]:
        order = list(range(count))
        orders: list[_Order] = [itemgetter(*order)]
        while self.shape.shuffle and len(orders) <= ORDERS:
            self._random.shuffle(order)
            orders.append(itemgetter(*order))
        return orders[-ORDERS:]

    def string(self, text: str) -> str:
        """A JSON string; a surrogateescape'd byte goes out as that byte when the line is encoded."""
        known = self._strings.get(text)
        if known is None:
            known = json.dumps(text, ensure_ascii=self.shape.ascii_only)
            if self.shape.escape_slashes:
                known = known.replace("/", "\\/")
            if len(self._strings) >= _STRINGS_KEPT:
                self._strings.clear()
            self._strings[text] = known
        return known

    def token(self, token: Token) -> str:
        if self.shape.tokens == "array":
            return "[" + ",".join(map(str, token)) + "]"
        return self.object([f'"{key}":{word}' for key, word in zip(Token._fields, token, strict=True)])

    def value(self, value: Any) -> str:
        """Any JSON value; files, processes and tokens inside it included."""
        match value:
            case Json():
                return value
            case str():
                return self.string(value)
            case None:
                return "null"
            case bool():
                return "true" if value else "false"
            case int():
                return str(value)
            case Part():
                return value.json(self)
            case Token():
                return self.token(value)
            case dict():
                return self.payload(value)
            case list() | tuple():
                return "[" + ",".join([self.value(item) for item in value]) + "]"
        raise TypeError(f"no JSON for {type(value).__name__}")

    def payload(self, members: dict[str, Any]) -> str:
        write = self.value
        return self.object([f'"{key}":{write(value)}' for key, value in members.items()])

    def time(self, nanoseconds: int, digits: int = 9) -> str:
        """Unix nanoseconds as eslogger writes a time: UTC, `digits` decimals, Z, no quotes."""
        seconds, rest = divmod(nanoseconds, SECOND)
        text = self._seconds.get(seconds)
        if text is None:
            if len(self._seconds) >= _SECONDS_KEPT:
                self._seconds.clear()
            text = self._seconds[seconds] = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        return f"{text}.{f'{rest:09d}'[:digits]}Z"
