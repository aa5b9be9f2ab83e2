"""Mute entries made from an event or from what was typed: the choices, the checks, the warnings. No screen in it.

Texts a person types write a path as `printable` shows it, with `\\\\` for a backslash, so that any path, also one with
control characters or bytes that are not UTF-8, can be shown, edited and muted byte for byte.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from estui.events import BY_C_NAME, NOTIFY
from estui.muting import TARGET_EVENTS, event_mask
from estui.plan import Entry, MutePath, MuteProcess, Plan, PlanError
from estui.text import nearest, printable

if TYPE_CHECKING:
    from estui.record import Row

PROCESS = "PROCESS"
"""The type of an entry for one process, beside the four of es_mute_path_type_t."""
TYPES = ("TARGET_LITERAL", "TARGET_PREFIX", "LITERAL", "PREFIX", PROCESS)
_TARGET_TYPES = ("TARGET_LITERAL", "TARGET_PREFIX")
_LINKS = ("/tmp", "/var", "/etc")  # noqa: S108  (names of links, not files that are opened)
_FIRMLINK = "/System/Volumes/Data/"
_PARENTS = 64
"""Parent directories offered at most."""


class Match(NamedTuple):
    """One way to match what was chosen."""

    type: str
    path: str
    """For a process its pid and pidversion."""


class Subject(NamedTuple):
    """One thing about an event that can be muted."""

    key: str
    """The letter that chooses it."""
    label: str
    text: str
    """What it is, as the event has it."""
    matches: tuple[Match, ...]
    """Exactly this first, then its parent directories, the nearest first."""


def subjects(row: Row) -> tuple[Subject, ...]:
    """What of an event can be muted, the most sensible first."""
    found: list[Subject] = []
    distinct = tuple(dict.fromkeys(row.targets))
    if len(distinct) > 1:
        shared = _shared_directories(distinct)
        if shared:
            # One target alone mutes nothing in normal mode: all of them must be muted.
            matches = tuple(Match("TARGET_PREFIX", path) for path in shared)
            found.append(Subject("b", "both targets", " → ".join(distinct), matches))
    for number, target in enumerate(distinct, 1):
        label = "target" if len(distinct) == 1 else f"target {number}"
        found.append(Subject("t", label, target, _matches("TARGET_", target)))
    if row.executable:
        found.append(Subject("x", "executable", row.executable, _matches("", row.executable)))
    if row.pid is not None and row.pidversion is not None:
        name = f"{row.pid}.{row.pidversion}"
        found.append(Subject("o", "process", name, (Match(PROCESS, name),)))
    return tuple(subject for subject in found if subject.text)


def _matches(prefix: str, path: str) -> tuple[Match, ...]:
    exact = Match(f"{prefix}LITERAL", path)
    return (exact, *(Match(f"{prefix}PREFIX", parent) for parent in parents(path)))


def parents(path: str) -> list[str]:
    """The directories above an absolute path, each with a slash at its end, the nearest first."""
    found: list[str] = []
    at = path.rstrip("/").rfind("/")
    while at >= 0 and path.startswith("/") and len(found) < _PARENTS:
        found.append(path[: at + 1])
        at = path.rfind("/", 0, at)
    return found


def _shared_directories(paths: tuple[str, ...]) -> list[str]:
    return [parent for parent in parents(paths[0]) if all(path.startswith(parent) for path in paths[1:])]


def event_choices(row: Row, match: Match) -> tuple[tuple[str, ...] | None, ...]:
    """The events an entry from this row can count for: this type alone, then all. A plan knows no unknown types."""
    known = NOTIFY.get(row.event)
    if known is None or (match.type in _TARGET_TYPES and not known.supports_targets):
        return (None,)
    return ((row.event,), None)


def entry_of(match: Match, events: tuple[str, ...] | None) -> Entry:
    """The entry for a choice. Raises PlanError."""
    if match.type == PROCESS:
        pid, _, pidversion = match.path.partition(".")
        return MuteProcess(int(pid), int(pidversion), events)
    return MutePath(match.type, match.path, events)


def type_of(entry: Entry) -> str:
    """TARGET_PREFIX and the like; PROCESS for a process."""
    return entry.type if isinstance(entry, MutePath) else PROCESS


def matched(entry: Entry) -> str:
    """What an entry matches: its path as it is, or pid and pidversion."""
    return entry.path if isinstance(entry, MutePath) else f"{entry.pid}.{entry.pidversion}"


def events_text(entry: Entry) -> str:
    """The events of an entry as one types them."""
    return "all" if entry.events is None else " ".join(entry.events)


def call_words(entry: Entry) -> str:
    """The ES call this entry stands for. Printable."""
    some = "" if entry.events is None else "_events"
    names = entry.events or ()
    listed = names if len(names) <= 6 else (*names[:3], f"… {len(names)} in all")
    events = f", {{{', '.join(listed)}}}" if names else ""
    if isinstance(entry, MuteProcess):
        return f"es_mute_process{some}({entry.pid}.{entry.pidversion}{events})"
    return f'es_mute_path{some}("{printable(entry.path)}", {entry.type}{events})'


# ---- what a person types


def escape(path: str) -> str:
    """A path as one edits it; `unescape` gives back the same bytes."""
    return printable(path.replace("\\", "\\\\"))


_ESCAPE = re.compile(r"\\(?:\\|n|r|t|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|)")
_SHORT = {"\\\\": "\\", "\\n": "\n", "\\r": "\r", "\\t": "\t"}


def unescape(text: str) -> str:
    """The path that `escape` wrote. Raises ValueError with words for the person."""

    def plain(match: re.Match[str]) -> str:
        found = match[0]
        if found in _SHORT:
            return _SHORT[found]
        code = int(found[2:], 16) if len(found) > 1 else -1
        if code < 0:
            raise ValueError("a backslash begins an escape such as \\x1b; write \\\\ for a backslash itself")
        if found[1] == "x" and code >= 0x80:
            return chr(0xDC00 + code)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise ValueError(f"{found} is no character")
        return chr(code)

    return _ESCAPE.sub(plain, text).encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


class Checked(NamedTuple):
    """What was typed, understood or not. All texts are printable."""

    entry: Entry | None
    error: str
    warnings: tuple[str, ...]


def check(type_name: str, what: str, events: str, *, enabled: bool = True) -> Checked:
    """Makes an entry of what was typed, or says what is wrong with it."""
    try:
        entry = _entry(type_name, what, _event_names(events), enabled=enabled)
    except PlanError as error:
        return Checked(None, str(error), ())
    except ValueError as error:
        return Checked(None, printable(str(error)), ())
    return Checked(entry, "", warnings(entry))


def _entry(type_name: str, what: str, events: tuple[str, ...] | None, *, enabled: bool) -> Entry:
    if type_name != PROCESS:
        if not what:
            raise ValueError("write a path, such as /private/var/log/")
        return MutePath(type_name, unescape(what), events, enabled)
    pid, dot, pidversion = what.strip().partition(".")
    if (
        not dot
        or not (pid.isascii() and pid.isdigit())
        or not (pidversion.isascii() and pidversion.isdigit())
    ):
        raise ValueError("write a process as pid.pidversion, such as 812.2846; the detail shows both")
    return MuteProcess(int(pid), int(pidversion), events, enabled)


def _event_names(text: str) -> tuple[str, ...] | None:
    names = tuple(dict.fromkeys(text.replace(",", " ").split()))
    if not names or names == ("all",):
        return None
    for name in names:
        if name not in NOTIFY and name not in BY_C_NAME:
            near = nearest(name, [*NOTIFY, *BY_C_NAME])
            hint = f"; the nearest is {near}" if near else ""
            raise ValueError(f"{printable(name)} is not an event type{hint}")
    return names


def warnings(entry: Entry, plan: Plan | None = None, *, seen: bool = False) -> tuple[str, ...]:
    """What is allowed and probably not meant, in words; with `plan` also what it means there. Printable.

    `seen` says that an event did carry this path, whatever a Mac would have written.
    """
    found: list[str] = []
    if isinstance(entry, MutePath):
        found += _path_warnings(entry, seen=seen)
    if plan is not None:
        if _inverted(entry, plan):
            found.append("this dimension is inverted: the entry does not mute, it selects what is delivered")
        same = [other for other in plan.entries if same_match(other, entry)]
        if any(other.enabled for other in same):
            found.append("the plan has this entry already")
        elif same:
            found.append("the plan has this entry, disabled")
    return tuple(found)


def _path_warnings(entry: MutePath, *, seen: bool) -> list[str]:
    found: list[str] = []
    target = entry.type in _TARGET_TYPES
    path = entry.path
    if target and entry.events is not None:
        idle = [name for name in entry.events if not event_mask((name,)) & TARGET_EVENTS]
        if idle:
            all_idle = len(idle) == len(entry.events)
            what = "it matches nothing" if all_idle else "it matches the others only"
            found.append(f"{', '.join(idle)}: no target paths, so {what}")
    if entry.type.endswith("PREFIX") and not path.endswith("/"):
        found.append(f"a prefix without a / at its end: it matches {printable(path)}… beside it, too")
    if "\0" in path:
        found.append("a real es_mute_path() would end the path at its NUL")
    return found if seen else [*found, *_unseen(entry)]


def _unseen(entry: MutePath) -> list[str]:
    """Why a Mac's events cannot carry such a path."""
    found: list[str] = []
    path = entry.path
    if not path.startswith("/"):
        found.append("event paths begin with /, so this matches nothing")
    link = next((link for link in _LINKS if path == link or path.startswith(f"{link}/")), "")
    if link:
        found.append(f"{link} is a link: events carry /private{printable(path)}, so this matches nothing")
    if path.startswith(_FIRMLINK):
        found.append(f"events carry {printable(path[len(_FIRMLINK) - 1 :])}, without {_FIRMLINK[:-1]}")
    if not entry.type.endswith("PREFIX") and path.endswith("/") and len(path) > 1:
        found.append("event paths do not end with /, so this matches nothing")
    return found


def _inverted(entry: Entry, plan: Plan) -> bool:
    if isinstance(entry, MuteProcess):
        return plan.invert_process
    return plan.invert_target_path if entry.type in _TARGET_TYPES else plan.invert_path


def same_match(one: Entry, other: Entry) -> bool:
    """Whether two entries mute the same thing for the same events."""
    return type_of(one) == type_of(other) and matched(one) == matched(other) and one.events == other.events
