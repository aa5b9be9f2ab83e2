"""What an export says besides the plan: remarks, and what its format cannot express."""

from __future__ import annotations

from typing import NamedTuple

from estui import __version__
from estui.plan import Entry, MutePath, Plan


class Exported(NamedTuple):
    """A plan in another language."""

    text: str
    """What belongs into the file; ends in a newline, and UTF-8 can hold it."""
    warnings: tuple[str, ...]
    """What the format cannot express, a sentence each; in the text they stand as comments."""


class Notes:
    """The comments of one export."""

    def __init__(self) -> None:
        self.remarks: list[str] = []
        """What a reader should know. Like all words here, one line each, and safe in any comment."""
        self.gaps: list[str] = []
        """What of the plan is not in the export."""

    def remark(self, words: str) -> None:
        if words not in self.remarks:
            self.remarks.append(words)

    def gap(self, what: str, why: str = "") -> None:
        """Note that `what` is not expressed, such as `PREFIX "/a"`, and why."""
        words = f"{what}: {why}" if why else what
        if words not in self.gaps:
            self.gaps.append(words)

    def disabled(self, plan: Plan) -> None:
        """Remark on each disabled entry: such an entry is left out everywhere, which loses no verdict."""
        for entry in plan.entries:
            if not entry.enabled:
                self.remark(f"Disabled in the plan, so left out: {described(entry)}")

    def lines(self) -> list[str]:
        """All of it, as lines of a comment."""
        return [*self.remarks, *(f"Not expressed here: {gap}" for gap in self.gaps)]

    def exported(self, text: str) -> Exported:
        return Exported(text, tuple(self.gaps))


def heading(plan: Plan) -> str:
    """The first line of an export's comment."""
    name = f" {quoted(plan.name)}" if plan.name else ""
    return f"Mute plan{name}, exported by estui {__version__}. Change the plan and export it again."


def described(entry: Entry) -> str:
    """An entry in words that are safe in a comment of any language."""
    if isinstance(entry, MutePath):
        words = f"{entry.type} {quoted(entry.path)}"
    else:
        words = f"PROCESS pid {entry.pid} pidversion {entry.pidversion}"
    return words if entry.events is None else f"{words} for {', '.join(entry.events)}"


_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted(text: str) -> str:
    """Text between quotation marks for a comment: one line, no control or bidi character, nothing ambiguous.

    Two question marks never stand together, so C finds no trigraph in it.
    """
    return '"' + "".join(map(_escaped, text)).replace("??", "?\\x3f") + '"'


def _escaped(c: str) -> str:
    code = ord(c)
    if c in _SHORT:
        return _SHORT[c]
    if c.isprintable():
        return c
    if code < 0x80:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
