"""Which calls make which events, and what in a call says which file it is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from estui.sources.strace import line, numbers
from estui.sources.strace.call import Call, elements, number, text, words

Members = Callable[[Call], str]
"""The members of a payload beside its file, as JSON."""


class Place(NamedTuple):
    """Which arguments name a file, counted from 0: a path, relative to a descriptor or not, or a descriptor alone."""

    path: int | None = None
    directory: int | None = None
    follow: bool = True
    """Whether a symbolic link at its end is followed."""
    flags: int | None = None
    """The argument that may hold AT_SYMLINK_NOFOLLOW or AT_EMPTY_PATH."""


class Simple(NamedTuple):
    """A call that makes one event about one file."""

    type: str
    place: Place
    members: Members | None = None
    file: str = "target"
    """What the event calls the file."""


def _path(index: int = 0, *, follow: bool = True) -> Place:
    return Place(index, follow=follow)


def _at(flags: int | None = None, *, follow: bool = True, first: int = 0) -> Place:
    return Place(first + 1, first, follow, flags)


def _fd(index: int = 0) -> Place:
    return Place(directory=index)


def _mode(index: int) -> Members:
    return lambda call: f'"mode":{numbers.mode(call.args[index])}'


def _access(index: int) -> Members:
    return lambda call: f'"mode":{numbers.access_mode(words(call.args[index]))}'


def _owner(index: int) -> Members:
    return lambda call: f'"uid":{unsigned(call.args[index])},"gid":{unsigned(call.args[index + 1])}'


def _attribute(call: Call) -> str:
    return f'"extattr":{line.string(text(call.args[1]))}'


def _times(index: int) -> Members:
    return lambda call: _time_members(call, call.args[index])


def unsigned(arg: str) -> int:
    """A uid_t or gid_t: -1 is 4294967295."""
    return number(arg) & 0xFFFFFFFF


def _time_members(call: Call, arg: str) -> str:
    """Access and modification times: of utimensat, utimes or utime; null where a time is not touched."""
    fields = elements(arg)
    if len(fields) == 2 and not fields[0].startswith("{"):  # utime's {actime=…, modtime=…}
        times: list[int | None] = [number(field.partition("=")[2]) * 1_000_000_000 for field in fields]
    elif len(fields) == 2:
        times = [_time(call, field) for field in fields]
    else:
        times = [call.time, call.time]
    atime, mtime = ("null" if time is None else f'"{line.timestamp(time)}"' for time in times)
    return f'"atime":{atime},"mtime":{mtime}'


def _time(call: Call, field: str) -> int | None:
    if "UTIME_OMIT" in field:
        return None
    if "UTIME_NOW" in field:
        return call.time
    parts = dict(part.split("=", 1) for part in elements(field.split(" /*", 1)[0]) if "=" in part)
    below = (
        number(parts.get("tv_nsec", "")) if "tv_nsec" in parts else number(parts.get("tv_usec", "")) * 1000
    )
    return number(parts.get("tv_sec", "")) * 1_000_000_000 + below


SIMPLE: dict[str, tuple[Simple, ...]] = {
    "chdir": (Simple("chdir", _path()),),
    "fchdir": (Simple("chdir", _fd()),),
    "chroot": (Simple("chroot", _path()),),
    "truncate": (Simple("truncate", _path()),),
    "truncate64": (Simple("truncate", _path()),),
    "stat": (Simple("stat", _path()),),
    "stat64": (Simple("stat", _path()),),
    "lstat": (Simple("stat", _path(follow=False)),),
    "lstat64": (Simple("stat", _path(follow=False)),),
    "fstat": (Simple("stat", _fd()),),
    "fstat64": (Simple("stat", _fd()),),
    "newfstatat": (Simple("stat", _at(3)),),
    "fstatat64": (Simple("stat", _at(3)),),
    "statx": (Simple("stat", _at(2)),),
    "getdents": (Simple("readdir", _fd()),),
    "getdents64": (Simple("readdir", _fd()),),
    "access": (Simple("access", _path(), _access(1)),),
    "faccessat": (Simple("access", _at(), _access(2)),),
    "faccessat2": (Simple("access", _at(3), _access(2)),),
    "chmod": (Simple("setmode", _path(), _mode(1)),),
    "fchmod": (Simple("setmode", _fd(), _mode(1)),),
    "fchmodat": (Simple("setmode", _at(), _mode(2)),),
    "fchmodat2": (Simple("setmode", _at(3), _mode(2)),),
    "chown": (Simple("setowner", _path(), _owner(1)),),
    "lchown": (Simple("setowner", _path(follow=False), _owner(1)),),
    "fchown": (Simple("setowner", _fd(), _owner(1)),),
    "fchownat": (Simple("setowner", _at(4), _owner(2)),),
    "utime": (Simple("utimes", _path(), _times(1)),),
    "utimes": (Simple("utimes", _path(), _times(1)),),
    "futimesat": (Simple("utimes", _at(), _times(2)),),
    "utimensat": (Simple("utimes", _at(3), _times(2)),),
    "setxattr": (Simple("setextattr", _path(), _attribute),),
    "lsetxattr": (Simple("setextattr", _path(follow=False), _attribute),),
    "fsetxattr": (Simple("setextattr", _fd(), _attribute),),
    "getxattr": (Simple("getextattr", _path(), _attribute),),
    "lgetxattr": (Simple("getextattr", _path(follow=False), _attribute),),
    "fgetxattr": (Simple("getextattr", _fd(), _attribute),),
    "removexattr": (Simple("deleteextattr", _path(), _attribute),),
    "lremovexattr": (Simple("deleteextattr", _path(follow=False), _attribute),),
    "fremovexattr": (Simple("deleteextattr", _fd(), _attribute),),
    "listxattr": (Simple("listextattr", _path()),),
    "llistxattr": (Simple("listextattr", _path(follow=False)),),
    "flistxattr": (Simple("listextattr", _fd()),),
    "readlink": (Simple("readlink", _path(follow=False), file="source"),),
    "readlinkat": (Simple("readlink", _at(follow=False), file="source"),),
}  # fmt: skip
"""Calls that make one event about one file."""

OPENS = ("open", "openat", "openat2", "creat")
DUPS = ("dup", "dup2", "dup3", "fcntl", "fcntl64")
WRITES = (
    "write", "pwrite64", "writev", "pwritev", "pwritev2", "sendfile", "sendfile64", "copy_file_range", "splice",
)  # fmt: skip
RAW = ("write", "pwrite64", "writev", "pwritev", "pwritev2")
"""Calls whose arguments strace is to write as numbers: else it would write what they wrote."""
IDS = (
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid",
    "setuid32", "setgid32", "setreuid32", "setregid32", "setresuid32", "setresgid32",
)  # fmt: skip
ALWAYS = (
    "execve", "execveat", "fork", "vfork", "clone", "clone3", "chdir", "fchdir", "chroot", "setpgid", "setsid", *IDS
)  # fmt: skip
"""Without these it would not be known who a process is and where it stands."""

_OTHERS: dict[str, Sequence[str]] = {
    "exec": ("execve", "execveat"),
    "fork": ("fork", "vfork", "clone", "clone3"),
    "exit": (),
    "open": OPENS,
    "create": (
        *OPENS, "mkdir", "mkdirat", "mknod", "mknodat", "symlink", "symlinkat", "unlink", "unlinkat", "rmdir", "rename",
        "renameat", "renameat2",
    ),
    "close": ("close", "close_range", "mmap", *OPENS, *DUPS, *WRITES),
    "dup": DUPS,
    "fcntl": ("fcntl", "fcntl64"),
    "write": (*WRITES, *OPENS, *DUPS, "close", "close_range"),
    "truncate": ("ftruncate", "ftruncate64"),
    "unlink": ("unlink", "unlinkat", "rmdir"),
    "rename": ("rename", "renameat", "renameat2"),
    "link": ("link", "linkat"),
    "mmap": ("mmap", "mmap2"),
    "mprotect": ("mprotect", "pkey_mprotect"),
    "signal": ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal", "pidfd_open"),
    "trace": ("ptrace",),
    "mount": ("mount", "move_mount"),
    "remount": ("mount",),
    "unmount": ("umount", "umount2"),
    "uipc_bind": ("bind",),
    "uipc_connect": ("connect",),
    "settime": ("settimeofday", "clock_settime"),
    "setuid": (), "setgid": (), "seteuid": (), "setegid": (), "setreuid": (), "setregid": (),
}  # fmt: skip

TYPES = frozenset((*_OTHERS, *(simple.type for simples in SIMPLE.values() for simple in simples)))
"""The event types there can be, by eslogger name."""

USUAL = TYPES - {"access", "stat", "readlink", "getextattr", "listextattr", "mprotect"}
"""Those sent without being asked for: not what only looks, of which there is so much that the command gets slow."""


def traced(types: frozenset[str]) -> tuple[str, ...]:
    """The calls to follow for these event types, those among them that only tell who and where."""
    wanted = set(ALWAYS)
    for name in types:
        wanted.update(_OTHERS.get(name, ()))
    wanted.update(name for name, simples in SIMPLE.items() if any(simple.type in types for simple in simples))
    return tuple(sorted(wanted))
