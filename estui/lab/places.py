"""Places: where a defender looks, as files (TOML) that name event types and paths.

A path that ends with `/` means everything inside it; `*` ends a component and stands for one name or the rest of one:
`/Users/*/Library/LaunchAgents/`, `/Users/*/Library/Cookies/Cookies*`. Every other path is that path alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from estui.events import NOTIFY
from estui.lab.links import real_path
from estui.muting import path_bytes
from estui.tables import Schema, Table, TableError, check_text, head, parse, quoted, read

FORMAT = 1
BUILT_IN = Path(__file__).parent / "coverage.toml"
CHANGES = ("clone", "copyfile", "create", "exchangedata", "link", "rename", "truncate", "write")
"""What puts something into a file, or puts a file in its place: the events of a place that names none."""


class PlaceError(TableError):
    """A list of places that cannot be. Its text is safe to show."""


class Pattern:
    """One path of a place. Raises PlaceError for one that cannot be, or that no event can carry."""

    def __init__(self, text: str) -> None:
        self.text = text
        if not text.startswith("/"):
            raise PlaceError(f"{quoted(text)} does not begin with /", key="paths", nearest=_near("/" + text))
        if real_path(text) != text:
            raise PlaceError(
                f"{quoted(text)} leads elsewhere, and events carry the path it leads to",
                key="paths",
                nearest=_near(real_path(text)),
            )
        check_text(PlaceError, "paths", text)
        parts = re.split(r"(\*)", text)
        if any(part and not part.startswith("/") for part in parts[2::2]):
            raise PlaceError(
                f"{quoted(text)}: * must end a component, such as /Users/*/ or name*", key="paths"
            )
        self._parts = [path_bytes(part) for part in parts if part]
        self._open = text.endswith("/")
        tail = b".+" if self._open else b""
        body = b"".join(b"[^/]+" if part == b"*" else re.escape(part) for part in self._parts)
        self._regex = re.compile(body + tail, re.DOTALL)

    def matches(self, path: str) -> bool:
        """Whether a path is of this place."""
        return self._regex.fullmatch(path_bytes(path)) is not None

    def meeting(self, path: str, filler: str, *, prefix: bool) -> str | None:
        """A path of this place that a rule about `path` matches, or None where there is none.

        What neither the place nor the rule says is `filler`, a name that no rule has.
        """
        rest, made, fill = path_bytes(path), b"", path_bytes(filler)
        for part in self._parts:
            if part == b"*":
                name, slash, after = rest.partition(b"/")
                made += name if slash else name + (fill if prefix else b"")
                if not made or made.endswith(b"/"):  # an empty name
                    if slash or not prefix:
                        return None
                    made += fill
                rest = slash + after
            elif len(rest) >= len(part):
                if not rest.startswith(part):
                    return None
                made, rest = made + part, rest[len(part) :]
            elif prefix and part.startswith(rest):
                made, rest = made + part, b""
            else:
                return None
        if self._open:
            made += rest + (fill if prefix else b"")
            rest = b""
        found = made.decode("utf-8", "surrogateescape")
        return None if rest or not self.matches(found) else found

    def example(self, filler: str) -> str:
        """A path of this place, its names those of no rule."""
        found = self.meeting("/", filler, prefix=True)
        assert found is not None
        return found


def _near(text: str | None) -> str | None:
    return None if text is None else quoted(text)


@dataclass(frozen=True)
class Place:
    """One thing a defender wants to be told of. Raises PlaceError if it is made of what none can be."""

    id: str
    """Lower case letters, digits and hyphens."""
    name: str
    events: tuple[str, ...]
    """eslogger names."""
    paths: tuple[str, ...] = ()
    """Patterns for the types that have target paths; without any, such events count wherever they are about."""
    attack: tuple[str, ...] = ()
    """ATT&CK techniques."""
    why: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.id):
            near = "-".join(re.findall(r"[a-z0-9]+", self.id[:100].lower())) or None
            words = f"{quoted(self.id)} is no id: lower case letters, digits and hyphens"
            raise PlaceError(words, key="id", nearest=near)
        for key in ("name", "why"):
            check_text(PlaceError, key, getattr(self, key))
        if not self.events:
            raise PlaceError("events must not be empty", key="events")
        for event in self.events:
            if event not in NOTIFY:
                twin = event.replace("_AUTH_", "_NOTIFY_")
                near = next((name for name, known in NOTIFY.items() if known.c_name == twin), None)
                raise PlaceError(f"{quoted(event)} is not a NOTIFY type", key="events", nearest=near)
        for technique in self.attack:
            if not re.fullmatch(r"T\d{4}(\.\d{3})?", technique, re.ASCII):
                words = f"{quoted(technique)} is no ATT&CK technique, such as T1543 or T1543.001"
                raise PlaceError(words, key="attack")
        if self.paths and not any(NOTIFY[event].supports_targets for event in self.events):
            raise PlaceError("none of these events has a target path: leave paths out", key="paths")
        assert self.patterns is not None

    @cached_property
    def patterns(self) -> tuple[Pattern, ...]:
        return tuple(map(Pattern, self.paths))

    def holds(self, event: str, targets: Iterable[str]) -> bool:
        """Whether an event is one of those of this place."""
        if event not in self.events:
            return False
        if not self.paths or not NOTIFY[event].supports_targets:
            return True
        return any(pattern.matches(target) for target in targets for pattern in self.patterns)


_SCHEMA = Schema(
    PlaceError,
    "coverage",
    {
        "[coverage]": ("format", "name"),
        "[[place]]": ("id", "name", "why", "attack", "events", "paths"),
    },
)


def load(path: str | os.PathLike[str]) -> tuple[Place, ...]:
    """Read a list of places. Raises PlaceError."""
    return loads(read(path, _SCHEMA), os.fspath(path))


def loads(text: str, name: str = "coverage") -> tuple[Place, ...]:
    """Read a list of places from text; `name` is what errors call it. Raises PlaceError."""
    return parse(text, name, _SCHEMA, _places)


@cache
def built_in() -> tuple[Place, ...]:
    """The places that ship with estui. Raises PlaceError where that file is not there."""
    return load(BUILT_IN)


def joined(*lists: Iterable[Place]) -> tuple[Place, ...]:
    """Several lists as one; a place of the same id takes the place of an earlier one."""
    return tuple({place.id: place for places in lists for place in places}.values())


def _places(data: dict[str, Any]) -> tuple[Place, ...]:
    top, first = head(data, _SCHEMA, FORMAT)
    first.get("name", str)
    places = tuple(top.each("place", _place))
    seen: set[str] = set()
    for number, place in enumerate(places, 1):
        if place.id in seen:
            raise PlaceError(f"{place.id} is there already", table=f"[[place]] {number}", key="id")
        seen.add(place.id)
    return places


def _place(table: Table) -> Place:
    name = table.get("id", str, ...)
    paths = table.names("paths") or ()
    events = table.events("events")
    if events is None and not paths:
        raise table.error("this key is required where there are no paths, and missing", "events")
    return Place(
        name,
        table.get("name", str, name),
        CHANGES if events is None else tuple(dict.fromkeys(events)),
        paths,
        table.names("attack") or (),
        table.get("why", str, ""),
    )
