"""What a path that a call was given names: absolute, with the symbolic links resolved that can be.

A descriptor's path is the kernel's own. Of any other path the directory is resolved as it is now, which is a moment
after the call: a link that was changed in between, or a directory that is gone, is not resolved as it was. Inside
a chroot no links are resolved.
"""

from __future__ import annotations

import ctypes
import os
import posixpath
import stat
from collections.abc import Callable
from contextlib import suppress

_KEPT = 4096
"""Directories, and paths known to be there or not, that are remembered."""
_TICK = 20_000_000
"""Nanoseconds by which a file system's clock may be behind the time of day."""
_SETTLED = ("/proc/", "/sys/")
"""Where no call creates a file."""


class Resolver:
    """Resolves paths; remembers directories until something happens that may have moved them."""

    def __init__(self) -> None:
        self._directories: dict[str, str] = {}

    def forget(self) -> None:
        """A directory may have another place now."""
        self._directories.clear()

    def resolve(self, cwd: str, path: str, root: str = "", *, follow: bool = True) -> str:
        """The absolute path that `path` names for a process with this working directory and root.

        `follow` tells whether the call follows a symbolic link that the path ends with.
        """
        if root:
            if not path.startswith("/"):
                path = f"{cwd}/{path}"
                return posixpath.normpath(path)
            return root + posixpath.normpath(path).replace("//", "/", 1)
        full = path if path.startswith("/") else f"{cwd}/{path}"
        head, _, last = full.rstrip("/").rpartition("/")
        if last in ("", ".", ".."):
            return self._directory(full.rstrip("/") or "/")
        directory = self._directory(head or "/")
        resolved = f"{directory}/{last}" if directory != "/" else f"/{last}"
        if follow or full.endswith("/"):
            with suppress(OSError, ValueError):
                if stat.S_ISLNK(os.lstat(resolved).st_mode):
                    return os.path.realpath(resolved)
        return resolved

    def _directory(self, path: str) -> str:
        known = self._directories.get(path)
        if known is None:
            if len(self._directories) >= _KEPT:
                self._directories.clear()
            try:
                known = os.path.realpath(path)
            except (OSError, ValueError):
                known = posixpath.normpath(path)
            self._directories[path] = known
        return known


class Known:
    """Which paths the command's own calls have shown to be there, or not to be there."""

    def __init__(self) -> None:
        self._there: dict[str, bool] = {}

    def get(self, path: str) -> bool | None:
        return self._there.get(path)

    def set(self, path: str, there: bool) -> None:
        known = self._there
        if path not in known and len(known) >= _KEPT:
            del known[next(iter(known))]
        known[path] = there

    def moved(self, path: str) -> None:
        """What was below this path is not there any more, for all one knows."""
        below = path + "/"
        for name in [name for name in self._there if name.startswith(below)]:
            del self._there[name]


def is_new(path: str, began: int, known: bool | None) -> tuple[bool, bool]:
    """Whether an open with O_CREAT that began at this time created the file, and whether that is a guess.

    The command's earlier calls know, or else the file's own birth does, where it is still there and its file system
    keeps that.
    """
    if path.startswith(_SETTLED):
        return False, False
    if known is not None:
        return not known, False
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return True, True  # gone already, as a temporary file is
    if status.st_ctime_ns < began - _TICK:
        return False, False
    born = _birth(path)
    if born is None:
        return True, True
    if born < began - _TICK:
        return False, False
    return True, born < began


class _Timestamp(ctypes.Structure):
    _fields_ = (("sec", ctypes.c_int64), ("nsec", ctypes.c_uint32), ("reserved", ctypes.c_int32))


class _Statx(ctypes.Structure):
    """The beginning of struct statx; the rest is padding."""

    _fields_ = (
        ("mask", ctypes.c_uint32),
        ("words", ctypes.c_uint32 * 7),
        ("numbers", ctypes.c_uint64 * 4),
        ("atime", _Timestamp),
        ("btime", _Timestamp),
        ("rest", ctypes.c_uint8 * 256),
    )


def _find_statx() -> Callable[..., int] | None:
    found: Callable[..., int] | None = None
    with suppress(OSError, AttributeError):
        found = ctypes.CDLL(None).statx
    return found


_statx = _find_statx()
_AT_FDCWD = -100
_AT_SYMLINK_NOFOLLOW = 0x100
_STATX_BTIME = 0x800


def _birth(path: str) -> int | None:
    """When a file was born, in nanoseconds; None where that is not kept."""
    if _statx is None:
        return None
    status = _Statx()
    name = os.fsencode(path)
    if _statx(_AT_FDCWD, name, _AT_SYMLINK_NOFOLLOW, _STATX_BTIME, ctypes.byref(status)) != 0:
        return None
    if not status.mask & _STATX_BTIME:
        return None
    return int(status.btime.sec) * 1_000_000_000 + int(status.btime.nsec)
