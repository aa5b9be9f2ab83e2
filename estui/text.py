"""Text that is safe to show, near matches for a mistyped word, and files written whole or not at all."""

from __future__ import annotations

import difflib
import os
import tempfile
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UNSAFE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def printable(s: str) -> str:
    """Return `s` with everything that could drive a terminal or hide in it written as an escape.

    Controls, format and bidi characters, line and paragraph separators, private, unassigned and surrogate
    code points become `\\n`, `\\r`, `\\t`, `\\x1b`, `\\u202e` or `\\U000e0001`. A byte that was not UTF-8
    (surrogateescape) shows as `\\x80` to `\\xff`; the characters U+0080 to U+009F show as `\\u0080`, so the
    two stay apart. A backslash is left alone. The result is one line without control characters.
    """
    if s.isprintable():
        return s
    return "".join(c if c.isprintable() or unicodedata.category(c) not in _UNSAFE else _escape(c) for c in s)


def _escape(c: str) -> str:
    code = ord(c)
    if c in _SHORT:
        return _SHORT[c]
    if code < 0x80:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice that looks most like `word`, case ignored, or None when none is close."""
    by_lower = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[close[0]] if close else None


def write_atomic(path: str | os.PathLike[str], data: bytes, mode: int = 0o600) -> None:
    """Write `data` to `path` so that a reader, or a crash, sees the old file or the new one, never a part.

    A symbolic link is followed, so the link stays. `mode` is the mode of the new file. Raises OSError; then
    the old file is untouched and nothing is left behind. A device or a pipe is written into, never replaced.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not (target.is_file() or target.is_dir()):
        _write_into(target, data)
        return
    handle, name = tempfile.mkstemp(prefix=".estui-", dir=target.parent)
    temporary = Path(name)
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(handle, mode)
            os.fsync(handle)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    with suppress(OSError):  # the rename is done; whether it outlives a crash is up to the file system
        _sync_directory(target.parent)


def _write_into(path: Path, data: bytes) -> None:
    # A pipe that nobody reads is an error, and not a wait without an end.
    handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    os.set_blocking(handle, True)
    with open(handle, "wb") as file:
        file.write(data)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
