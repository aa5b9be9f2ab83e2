"""Linux's names in macOS's numbers, which is what an event of Endpoint Security would hold."""

from __future__ import annotations

import signal

_MAC_SIGNALS = (
    "HUP INT QUIT ILL TRAP ABRT EMT FPE KILL BUS SEGV SYS PIPE ALRM TERM URG STOP TSTP CONT CHLD TTIN TTOU "
    "IO XCPU XFSZ VTALRM PROF WINCH INFO USR1 USR2"
)
_SIGNALS = {f"SIG{name}": number for number, name in enumerate(_MAC_SIGNALS.split(), 1)}

_FFLAGS = {
    "O_NONBLOCK": 0x4,
    "O_APPEND": 0x8,
    "O_ASYNC": 0x40,
    "FASYNC": 0x40,
    "O_SYNC": 0x80,
    "O_NOFOLLOW": 0x100,
    "O_CREAT": 0x200,
    "O_TRUNC": 0x400,
    "O_EXCL": 0x800,
    "O_NOCTTY": 0x20000,
    "O_DIRECTORY": 0x100000,
    "O_DSYNC": 0x400000,
    "O_CLOEXEC": 0x1000000,
}
"""Open flags by macOS's bits. O_LARGEFILE, O_NOATIME, O_DIRECT and O_TMPFILE have none and are left out."""
_ACCESS = {"O_RDONLY": 1, "O_WRONLY": 2, "O_RDWR": 3}

_PROTECTION = {"PROT_READ": 1, "PROT_WRITE": 2, "PROT_EXEC": 4}
_MMAP = {
    "MAP_SHARED": 1,
    "MAP_SHARED_VALIDATE": 1,
    "MAP_PRIVATE": 2,
    "MAP_FIXED": 0x10,
    "MAP_FIXED_NOREPLACE": 0x10,
    "MAP_NORESERVE": 0x40,
    "MAP_ANONYMOUS": 0x1000,
}
_ACCESS_MODE = {"R_OK": 4, "W_OK": 2, "X_OK": 1}
_FCNTL = {
    "F_DUPFD": 0,
    "F_GETFD": 1,
    "F_SETFD": 2,
    "F_GETFL": 3,
    "F_SETFL": 4,
    "F_GETOWN": 5,
    "F_SETOWN": 6,
    "F_GETLK": 7,
    "F_SETLK": 8,
    "F_SETLKW": 9,
    "F_DUPFD_CLOEXEC": 67,
    "F_OFD_SETLK": 90,
    "F_OFD_SETLKW": 91,
    "F_OFD_GETLK": 92,
    "F_SETLEASE": 106,
    "F_GETLEASE": 107,
}
_MOUNT = {
    "MS_RDONLY": 0x1,
    "MS_SYNCHRONOUS": 0x2,
    "MS_NOEXEC": 0x4,
    "MS_NOSUID": 0x8,
    "MS_NODEV": 0x10,
    "MS_NOATIME": 0x10000000,
}


def signal_number(name: str) -> int:
    """macOS's number of a signal; Linux's own where macOS has no such signal."""
    known = _SIGNALS.get(name)
    if known is not None:
        return known
    if name.startswith("SIGRT_"):
        return 32 + int(name[6:]) if name[6:].isdigit() else 0
    if name in signal.Signals.__members__:
        return int(signal.Signals[name])
    return int(name) if name.isdigit() else 0


def linux_signal(name: str) -> int:
    """Linux's number of a signal, for a shell's exit status."""
    if name in signal.Signals.__members__:
        return int(signal.Signals[name])
    return signal_number(name)


def fflag(flags: frozenset[str]) -> int:
    """The kernel's FFLAGS of an open: FREAD 1 and FWRITE 2, and the flags that macOS has; O_PATH is neither."""
    access = 0 if "O_PATH" in flags else next((_ACCESS[name] for name in flags if name in _ACCESS), 0)
    return access | _sum(_FFLAGS, flags)


def protection(flags: frozenset[str]) -> int:
    return _sum(_PROTECTION, flags)


def mmap_flags(flags: frozenset[str]) -> int:
    return _sum(_MMAP, flags)


def access_mode(flags: frozenset[str]) -> int:
    return _sum(_ACCESS_MODE, flags)


def mount_flags(flags: frozenset[str]) -> int:
    return _sum(_MOUNT, flags)


def fcntl_command(name: str) -> int | None:
    """None where macOS has no such command."""
    return _FCNTL.get(name)


_KINDS = {
    "S_IFREG": 0o100000,
    "S_IFDIR": 0o040000,
    "S_IFCHR": 0o020000,
    "S_IFBLK": 0o060000,
    "S_IFIFO": 0o010000,
    "S_IFSOCK": 0o140000,
    "S_IFLNK": 0o120000,
    "S_ISUID": 0o4000,
    "S_ISGID": 0o2000,
    "S_ISVTX": 0o1000,
}


def mode(arg: str) -> int:
    """A file mode as strace writes it: `S_IFIFO|0666`."""
    return sum(
        int(part, 8) if part.isdigit() and not set(part) & set("89") else _KINDS.get(part, 0)
        for part in arg.split(" ", 1)[0].split("|")
    )


def _sum(bits: dict[str, int], names: frozenset[str]) -> int:
    total = 0
    for name in names:
        total |= bits.get(name, 0)
    return total
