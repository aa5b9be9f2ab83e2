"""Mac Monitor's mute files: what it exports and imports as its saved mute set.

Version 1, which Mac Monitor 2.2 and newer write, is a JSON object of `version` and `mutes`; a mute has a path, a type
and events by their C names, where none means all; other keys are ignored. Before that, a file was a list of such
mutes, one JSON object a line, with every event written out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from estui.events import BY_C_NAME, EVENT_TYPES, NOTIFY
from estui.muting import TARGET_EVENTS, MutePathType, event_mask
from estui.plan import MutePath, Plan, PlanError
from estui.text import nearest

VERSION = 1
MOST_BYTES = 1 << 20
"""Mac Monitor refuses a larger file."""
MOST_MUTES = 4096
"""Nor does it take more mutes than this."""
LONGEST_PATH = 1024
"""In bytes: PATH_MAX of macOS."""
TYPE = "ES_MUTE_PATH_TYPE_"

_LARGEST = 16 << 20
_TYPES = tuple(TYPE + member.name for member in MutePathType)
_OLDEST = "12.0"
"""Releases from here on are looked at to see whether an old list means every event."""


class Imported(NamedTuple):
    """What a mute file holds."""

    plan: Plan
    warnings: tuple[str, ...]
    """What was left out, as Mac Monitor itself would, a sentence each. Their text is not made printable."""


def load(path: str | os.PathLike[str]) -> Imported:
    """Read a mute file. Raises PlanError."""
    name = os.fspath(path)
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or error
        raise PlanError(f"this file cannot be read: {words}; name a mute file", file=name) from None
    if len(data) > _LARGEST:
        words = f"this is larger than any mute file ({_LARGEST >> 20} MiB); name another"
        raise PlanError(words, file=name)
    return loads(data, name)


def loads(data: bytes, name: str = "mute file") -> Imported:
    """Read a mute file's bytes; `name` is what errors call it. Raises PlanError."""
    try:
        return _read(data)
    except PlanError as error:
        raise error.at(name, "") from None


def _read(data: bytes) -> Imported:
    lines = [(number, line) for number, line in enumerate(data.splitlines(), 1) if line.strip()]
    if not lines:
        raise PlanError("the file is empty; export the mute set again")
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if not _is_entry(lines[0][1]):
            words = f"this is neither a mute file nor a list of mutes: {error}; export it again"
            raise PlanError(words) from None
        document = None
    warnings: list[str] = []
    if document is None or (isinstance(document, dict) and "path" in document):
        places = [(f"line {number}", _line(line, number)) for number, line in lines]
        return Imported(Plan(paths=tuple(_mutes(places, warnings, listed=True))), tuple(warnings))
    places = [(f"mutes {number}", mute) for number, mute in enumerate(_version_1(document), 1)]
    return Imported(Plan(paths=tuple(_mutes(places, warnings, listed=False))), tuple(warnings))


def _version_1(document: Any) -> list[Any]:
    if not isinstance(document, dict):
        raise PlanError('this is not a mute file: it must be an object with "version" and "mutes"')
    version = document.get("version")
    if type(version) is not int or version < 1:
        raise PlanError("this must be a number from 1", key="version", nearest=str(VERSION))
    if version > VERSION:
        words = f"this is version {version}, of a newer Mac Monitor"
        raise PlanError(words, key="version", nearest=str(VERSION))
    mutes = document.get("mutes")
    if not isinstance(mutes, list):
        raise PlanError("this must be a list of mutes", key="mutes")
    return mutes


def _is_entry(line: bytes) -> bool:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return isinstance(document, dict) and "path" in document


def _line(line: bytes, number: int) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise PlanError(f"this is not JSON: {error}; export it again", table=f"line {number}") from None


def _mutes(places: list[tuple[str, Any]], warnings: list[str], *, listed: bool) -> Iterator[MutePath]:
    for place, mute in places:
        try:
            path, kind, events = _entry(mute)
            words = _unusable(path, kind)
            if not words:
                known = _known(place, events, warnings)
                if listed and _means_all(MutePathType[kind.removeprefix(TYPE)], known):
                    known = []
                elif events and not known:
                    words = "it names only events that estui does not know"
            if words:
                warnings.append(f"{place}: left out, for {words}")
                continue
            yield MutePath(kind.removeprefix(TYPE), path, tuple(known) or None)
        except PlanError as error:
            raise error.at("", place) from None


def _entry(mute: Any) -> tuple[str, str, list[str]]:
    if not isinstance(mute, dict):
        raise PlanError("this must be an object with path, type and events")
    for key in ("path", "type"):
        if not isinstance(mute.get(key), str):
            raise PlanError("this key is required, and must be a string", key=key)
    events = mute.get("events")
    if events is not None and not (
        isinstance(events, list) and all(isinstance(event, str) for event in events)
    ):
        raise PlanError("this must be a list of names", key="events")
    return mute["path"], mute["type"], events or []


def _unusable(path: str, kind: str) -> str:
    """Why Mac Monitor would leave out a mute; "" where it would not."""
    if kind not in _TYPES:
        near = nearest(kind[:100], _TYPES)
        return "its type is none of Endpoint Security's" + (f" (the nearest is {near})" if near else "")
    if not path.startswith("/"):
        return "its path is not absolute"
    return "its path holds a NUL byte" if "\0" in path else ""


def _known(place: str, events: list[str], warnings: list[str]) -> list[str]:
    names = dict.fromkeys(events)
    if unknown := [name for name in names if name not in BY_C_NAME]:
        warnings.append(f"{place}: events left out that estui does not know: {', '.join(unknown)}")
    return [name for name in names if name in BY_C_NAME]


def _means_all(kind: MutePathType, names: list[str]) -> bool:
    """Whether the names of an old list are all that some macOS had: that is how it wrote down a mute of all."""
    mask = event_mask(names)
    for since in {event.since for event in EVENT_TYPES if _release(event.since) >= _release(_OLDEST)}:
        every = event_mask(
            event.number for event in NOTIFY.values() if _release(event.since) <= _release(since)
        )
        if kind.is_target:
            every &= TARGET_EVENTS
        if every & mask == every:
            return True
    return False


def _release(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
