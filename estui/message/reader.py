"""From the bytes of a line to the event in it."""

from __future__ import annotations

import re
from typing import Any

import orjson

_MARK = "\U0010ffff"
"""Stands before each byte carried through orjson, and before "." where the line itself holds it."""
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
_TO_CARRY = re.compile(f"[\udc80-\udcff{_MARK}]|\\\\(?:u[dD][bB][fF]{{2}}\\\\u[dD][fF]{{3}}|.)", re.DOTALL)
"""What must change: such bytes, the mark, the mark as an escape; other escapes only so as not to be cut."""
_CARRIED = re.compile(f"{_MARK}(.)")


class BadLine(ValueError):  # noqa: N818 - estui's word for it everywhere
    """A line that is not an event."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        """Why, in the words estui shows: `empty line`, `not valid JSON`, `not a JSON object`, ..."""


def loads(line: bytes) -> Any:
    """Read one JSON document as strictly as orjson, except that strings may hold bytes that are not UTF-8.

    Such a byte comes back as Python's surrogateescape has it, so encoding the string that way gives the
    line's own bytes. Integers from -2**63 to 2**64-1 are exact. Raises ValueError (orjson.JSONDecodeError)
    for anything else that orjson refuses, a lone surrogate written as `\\ud800` among it.
    """
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        text = line.decode("utf-8", "surrogateescape")
        if not _NOT_UTF8.search(text):
            raise
    return _restore(orjson.loads(_TO_CARRY.sub(_carry, text)))


def _carry(match: re.Match[str]) -> str:
    found = match[0]
    if _NOT_UTF8.match(found):
        return _MARK + chr(ord(found) - 0xDC00)
    return found if len(found) == 2 else f"{_MARK}."


def _restored(text: str) -> str:
    return _CARRIED.sub(lambda match: _MARK if match[1] == "." else chr(ord(match[1]) + 0xDC00), text)


def _restore(document: Any) -> Any:
    """Undo `_carry` in every string; without recursion, since orjson nests deeper than Python calls."""
    root = [document]
    pending: list[Any] = [root]
    while pending:
        node = pending.pop()
        members: list[tuple[Any, Any]]
        if isinstance(node, dict):
            members = [(_restored(key), value) for key, value in node.items()]
            node.clear()
        else:
            members = list(enumerate(node))
        for key, value in members:
            node[key] = _restored(value) if isinstance(value, str) else value
            if isinstance(value, dict | list):
                pending.append(value)
    return root[0]


def event_of(data: Any) -> tuple[str, dict[str, Any]]:
    """Return eslogger's name of the event in a document, and its payload.

    An event is an object whose `event` holds exactly one object, whatever else it lacks and whatever that
    object is called. Raises BadLine otherwise.
    """
    if not isinstance(data, dict):
        raise BadLine("not a JSON object")
    event = data.get("event")
    if not isinstance(event, dict):
        raise BadLine("no event object")
    members = list(event.items())
    if len(members) != 1 or not isinstance(members[0][1], dict):
        raise BadLine("event does not hold exactly one object")
    return members[0]


def int_column(value: Any) -> int | None:
    """Return `value` where it is an integer (no bool) from -2**63 to 2**64-1, else None."""
    if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**64:
        return value
    return None


def str_column(value: Any) -> str | None:
    """Return `value` where it is a string, else None."""
    return value if isinstance(value, str) else None
