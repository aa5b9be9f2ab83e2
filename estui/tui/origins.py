"""Events that are not Endpoint Security's own: where they come from, what they cannot tell, and what estui marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from estui.events import LINUX_ONLY, NOTIFY
from estui.message import loads
from estui.tui.lines import shown

if TYPE_CHECKING:
    from estui.tui.json_rows import Path

SYSTEMS = {"linux": "Linux"}
"""The systems whose events there are, as one writes them."""
LONGEST = 24
"""Characters shown of a word that a line chose."""
_YES = "yes"
"""What a note says that has no words of its own."""
_SIGN = b'"estui_'
_UNSIGNED = "programs on Linux carry no code signature"
_GONE = "the process had ended before it could be asked"
_STATFS = (
    "f_bsize f_iosize f_blocks f_bfree f_bavail f_files f_ffree f_fsid f_owner f_type f_flags f_fssubtype"
)
_GUESSES = {
    "create": "the file may have been there before, and was only opened",
    "rename": "there may have been a file at the new place, or not",
}
_NULLS = {
    "cdhash": _UNSIGNED,
    "cdhash_full": _UNSIGNED,
    "codesigning_flags": _UNSIGNED,
    "cs_validation_category": _UNSIGNED,
    "signing_id": _UNSIGNED,
    "team_id": _UNSIGNED,
    "is_platform_binary": "Linux does not mark the programs that came with the system",
    "is_es_client": "there are no Endpoint Security clients on Linux",
    "responsible_audit_token": "on Linux no application answers for the rights of another process",
    "parent_audit_token": "the parent had ended before it could be asked",
    "audit_token": _GONE,
    "executable": _GONE,
    "start_time": _GONE,
    "args": "the program had ended before its arguments could be read",
    "cwd": "the program had ended before its directory could be read",
    "env": "Linux does not hand the environment over with the event",
    "fds": "Linux does not hand the open files over with the event",
    "stat": "to ask after the file costs much, and by then it may be another one",
    "fflag": "Linux tells that a file was opened, not what for",
    "mode": "Linux does not tell which permissions were asked for",
    "acl": "Linux does not tell of access control lists",
    "modified": "Linux does not tell whether it was written to",
    "was_mapped_writable": "Linux does not tell how a file was mapped",
    "dyld_exec_path": "the macOS loader dyld is not there on Linux",
    "image_cputype": "Linux does not tell the processor a program was made for",
    "image_cpusubtype": "Linux does not tell the processor a program was made for",
    "last_fd": "Linux does not hand the open files over with the event",
    "mach_time": "Mach's clock is not there on Linux",
    "thread": "Linux tells the process, not the thread",
    "event_type": "Endpoint Security has no such event, so it has no number",
    **dict.fromkeys(("asid", "auid", "euid", "egid", "ruid", "rgid"), _GONE),
    **dict.fromkeys(("ppid", "original_ppid", "group_id", "session_id"), _GONE),
    **dict.fromkeys(_STATFS.split(), "Linux does not tell this of a file system it mounts"),
    "path": "the file was gone before its name could be asked",
    "filename": "the file was gone before its name could be asked",
    "max_protection": "Linux sets no such limit",
    "type": "the call that was traced does not tell it",
    "protocol": "the call that was traced does not tell it",
    "instigator": "Linux tells who did it, not for whom",
    "destination": "where it went could not be told any more",
    "target": "what it was done to could not be told any more",
}
"""Why a field is null in events of Linux, by its name. Other fields are null for the reasons they have on a Mac."""


class Notes(NamedTuple):
    """What estui itself wrote into a line beside ES's fields. The texts are printable."""

    origin: str = ""
    """The system, as one writes it; empty for an event of ES."""
    failed: str = ""
    """Why the call failed, such as ENOENT; empty where it worked."""
    guess: str = ""
    """What was guessed, or only that something was; empty where nothing was."""

    @property
    def glyph(self) -> str:
        """The sign in front of the row."""
        return "✗" if self.failed else "?" if self.guess else " "

    @property
    def words(self) -> str:
        """What stands behind the target of the row."""
        if self.failed:
            return " (failed)" if self.failed == _YES else f" ({self.failed})"
        return " (guess)" if self.guess else ""


NONE = Notes()


def notes(data: Any) -> Notes:
    """What a parsed line says of itself."""
    if not isinstance(data, dict):
        return NONE
    failed, guess = data.get("estui_failed"), data.get("estui_guess")
    return Notes(
        system(data.get("estui_origin")),
        _word(failed) or (_YES if failed else ""),
        _word(guess, 200) or (_YES if guess else ""),
    )


def notes_of(raw: bytes | None) -> Notes:
    """The same of a raw line, which is parsed only where it may say something."""
    if raw is None or _SIGN not in raw:
        return NONE
    try:
        return notes(loads(raw))
    except ValueError:
        return NONE


def _word(value: object, most: int = LONGEST) -> str:
    return shown(value, most).strip() if isinstance(value, str) else ""


def system(origin: object) -> str:
    """The name of the system that `estui_origin` names, printable; empty where it names none."""
    word = _word(origin)
    return SYSTEMS.get(word, word)


def guess_words(guess: str, event: str) -> str:
    """What was guessed: the line's own words, or those for its type."""
    return guess if guess != _YES else _GUESSES.get(event, "what was traced does not tell for certain")


def recorded_words(origin: str) -> str:
    """The line that explains an event of another system."""
    return f"Recorded on {origin} in ES words: what {origin} cannot know is null."


FOREIGN = frozenset(("pid", "gid", "dev"))
"""Shapes whose decoded values are macOS's own: pid 1 is launchd only there."""


def why_null(path: Path, event: str) -> str:
    """Why a null in an event of Linux is one; empty where it means what it means on a Mac."""
    if event in LINUX_ONLY and path == ("event_type",):
        return _NULLS["event_type"]
    name = path[-1] if path else ""
    if name == "event_type":
        return ""
    return _NULLS.get(name, "") if isinstance(name, str) else ""


def teaches(event: str) -> str:
    """What a type means, and where it is from; empty for a type that estui does not know."""
    known = NOTIFY.get(event)
    if known is not None:
        return known.teaches
    return f"{LINUX_ONLY[event]} Linux only." if event in LINUX_ONLY else ""
