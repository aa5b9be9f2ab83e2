"""The text beside a raw value: flags, modes, signals and enumerations by their names.

Numbers are macOS's own; where Linux has others, these are not Linux's. A value that is not in a table, or not
of the type the field should have, is left to speak for itself.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from estui import fields
from estui.events import EVENT_TYPES
from estui.message.reader import int_column

_Names = dict[int, str]

_SIGNAL_NAMES = (
    "HUP INT QUIT ILL TRAP ABRT EMT FPE KILL BUS SEGV SYS PIPE ALRM TERM URG STOP TSTP CONT CHLD TTIN TTOU "
    "IO XCPU XFSZ VTALRM PROF WINCH INFO USR1 USR2"
)
_SIGNALS: _Names = {number: f"SIG{name}" for number, name in enumerate(_SIGNAL_NAMES.split(), start=1)}
_NOBODY: _Names = {2**32 - 2: "nobody", 2**32 - 1: "not set"}
_USERS: _Names = {0: "root", 1: "daemon", **_NOBODY}
_GROUPS: _Names = {0: "wheel", 1: "daemon", 4: "tty", 20: "staff", 80: "admin", **_NOBODY}

_ENUMS: dict[str, _Names] = {
    "action_type": {0: "AUTH", 1: "NOTIFY"},
    "address_type": {0: "none", 1: "IPv4", 2: "IPv6", 3: "named socket"},
    "auth": {0: "ALLOW", 1: "DENY"},
    "authentication_type": {0: "od", 1: "touchid", 2: "token", 3: "auto_unlock"},
    "authorization_code": {
        0: "success",
        -60005: "errAuthorizationDenied",
        -60006: "errAuthorizationCanceled",
        -60007: "errAuthorizationInteractionNotAllowed",
        -60008: "errAuthorizationInternal",
    },
    "btm_item_type": {0: "user item", 1: "app", 2: "login item", 3: "agent", 4: "daemon"},
    "cpusubtype": {0x80000002: "arm64e"},
    "cputype": {16777223: "x86_64", 16777228: "arm64"},
    "destination_type": {0: "existing_file", 1: "new_path"},
    "error_code": {0: "success"},
    "event_type": {event.number: event.c_name for event in EVENT_TYPES},
    "fcntl_command": {
        0: "F_DUPFD",
        1: "F_GETFD",
        2: "F_SETFD",
        3: "F_GETFL",
        4: "F_SETFL",
        5: "F_GETOWN",
        6: "F_SETOWN",
        7: "F_GETLK",
        8: "F_SETLK",
        9: "F_SETLKW",
        10: "F_SETLKWTIMEOUT",
        42: "F_PREALLOCATE",
        43: "F_SETSIZE",
        44: "F_RDADVISE",
        45: "F_RDAHEAD",
        48: "F_NOCACHE",
        49: "F_LOG2PHYS",
        50: "F_GETPATH",
        51: "F_FULLFSYNC",
        55: "F_GLOBAL_NOCACHE",
        59: "F_ADDSIGS",
        61: "F_ADDFILESIGS",
        63: "F_GETPROTECTIONCLASS",
        64: "F_SETPROTECTIONCLASS",
        65: "F_LOG2PHYS_EXT",
        67: "F_DUPFD_CLOEXEC",
        72: "F_GETCODEDIR",
        73: "F_SETNOSIGPIPE",
        74: "F_GETNOSIGPIPE",
        76: "F_SINGLE_WRITER",
        78: "F_FINDSIGS",
        85: "F_BARRIERFSYNC",
        90: "F_OFD_SETLK",
        91: "F_OFD_SETLKW",
        92: "F_OFD_GETLK",
        97: "F_ADDFILESIGS_RETURN",
        98: "F_CHECK_LV",
        99: "F_PUNCHHOLE",
        101: "F_SPECULATIVE_READ",
        102: "F_GETPATH_NOFIRMLINK",
        103: "F_ADDFILESIGS_INFO",
        104: "F_ADDFILESUPPL",
        105: "F_GETSIGSINFO",
        106: "F_SETLEASE",
        107: "F_GETLEASE",
        110: "F_TRANSFEREXTENTS",
        111: "F_ATTRIBUTION_TAG",
    },
    "fdtype": {
        0: "AppleTalk",
        1: "vnode",
        2: "socket",
        3: "POSIX shared memory",
        4: "POSIX semaphore",
        5: "kqueue",
        6: "pipe",
        7: "fsevents",
        9: "netpolicy",
        10: "channel",
        11: "nexus",
    },
    "gatekeeper_file_type": {0: "path", 1: "file"},
    "get_task_type": {0: "task_for_pid", 1: "expose_task", 2: "identity_token"},
    "gid": _GROUPS,
    "new_gid": {**_GROUPS, 2**32 - 1: "unchanged"},
    "new_uid": {**_USERS, 2**32 - 1: "unchanged"},
    "openssh_result_type": {
        0: "too many tries",
        1: "root not allowed",
        2: "success",
        3: "failed: none",
        4: "failed: password",
        5: "failed: keyboard-interactive",
        6: "failed: public key",
        7: "failed: host-based",
        8: "failed: GSSAPI",
        9: "invalid user",
    },
    "pid": {0: "kernel", 1: "launchd"},
    "result_type": {0: "auth", 1: "flags"},
    "set_or_clear": {0: "set", 1: "clear"},
    "signal": {0: "no signal, only a test", **_SIGNALS},
    "socket_domain": {1: "AF_UNIX"},
    "socket_type": {1: "SOCK_STREAM", 2: "SOCK_DGRAM"},
    "suspend_resume_type": {0: "suspend", 1: "resume", 3: "shut down sockets"},
    "tcc_identity_type": {0: "bundle id", 1: "path", 2: "policy", 3: "file provider"},
    "tcc_reason": {
        0: "none",
        1: "error",
        2: "user consent",
        3: "set by the user",
        4: "set by the system",
        5: "service policy",
        6: "MDM policy",
        7: "override policy",
        8: "usage string missing",
        9: "prompt timed out",
        10: "preflight unknown",
        11: "entitled",
        12: "app type policy",
        13: "prompt cancelled",
    },
    "tcc_right": {
        0: "denied",
        1: "unknown",
        2: "allowed",
        3: "limited",
        4: "add/modify added",
        5: "session pid",
        6: "learn more",
    },
    "tcc_update_type": {0: "unknown", 1: "create", 2: "modify", 3: "delete"},
    "uid": _USERS,
    "validation": {
        0: "invalid",
        1: "platform",
        2: "TestFlight",
        3: "development",
        4: "App Store",
        5: "enterprise",
        6: "Developer ID",
        7: "local signing",
        8: "Rosetta",
        9: "OOPJIT",
        10: "none",
    },
}


def _bits(names: str) -> _Names:
    """Read `NAME:bit` words into masks."""
    pairs = (word.split(":") for word in names.split())
    return {1 << int(bit): name for name, bit in pairs}


_FLAGS: dict[str, _Names] = {
    "csflags": _bits(
        "VALID:0 ADHOC:1 GET_TASK_ALLOW:2 INSTALLER:3 FORCED_LV:4 INVALID_ALLOWED:5 HARD:8 KILL:9 "
        "CHECK_EXPIRATION:10 RESTRICT:11 ENFORCEMENT:12 REQUIRE_LV:13 ENTITLEMENTS_VALIDATED:14 "
        "NVRAM_UNRESTRICTED:15 RUNTIME:16 LINKER_SIGNED:17 EXEC_SET_HARD:20 EXEC_SET_KILL:21 "
        "EXEC_SET_ENFORCEMENT:22 EXEC_INHERIT_SIP:23 KILLED:24 DYLD_PLATFORM:25 PLATFORM_BINARY:26 "
        "PLATFORM_PATH:27 DEBUGGED:28 SIGNED:29 DEV_CODE:30 DATAVAULT_CONTROLLER:31"
    ),
    "fflag": _bits(
        "FREAD:0 FWRITE:1 O_NONBLOCK:2 O_APPEND:3 O_SHLOCK:4 O_EXLOCK:5 O_ASYNC:6 O_SYNC:7 O_NOFOLLOW:8 "
        "O_CREAT:9 O_TRUNC:10 O_EXCL:11 O_EVTONLY:15 O_NOCTTY:17 O_DIRECTORY:20 O_SYMLINK:21 O_DSYNC:22 "
        "O_CLOEXEC:24 O_NOFOLLOW_ANY:29 O_EXEC:30"
    ),
    "file_flags": _bits(
        "UF_NODUMP:0 UF_IMMUTABLE:1 UF_APPEND:2 UF_OPAQUE:3 UF_COMPRESSED:5 UF_TRACKED:6 UF_DATAVAULT:7 "
        "UF_HIDDEN:15 SF_ARCHIVED:16 SF_IMMUTABLE:17 SF_APPEND:18 SF_RESTRICTED:19 SF_NOUNLINK:20 "
        "SF_FIRMLINK:23 SF_DATALESS:30"
    ),
    "mmap_flags": _bits(
        "MAP_SHARED:0 MAP_PRIVATE:1 MAP_FIXED:4 MAP_NORESERVE:6 MAP_NOEXTEND:8 MAP_HASSEMAPHORE:9 "
        "MAP_NOCACHE:10 MAP_JIT:11 MAP_ANON:12 MAP_RESILIENT_CODESIGN:13 MAP_RESILIENT_MEDIA:14"
    ),
    "mount_flags": _bits(
        "MNT_RDONLY:0 MNT_SYNCHRONOUS:1 MNT_NOEXEC:2 MNT_NOSUID:3 MNT_NODEV:4 MNT_UNION:5 MNT_ASYNC:6 "
        "MNT_CPROTECT:7 MNT_EXPORTED:8 MNT_REMOVABLE:9 MNT_QUARANTINE:10 MNT_LOCAL:12 MNT_QUOTA:13 "
        "MNT_ROOTFS:14 MNT_DOVOLFS:15 MNT_DONTBROWSE:20 MNT_IGNORE_OWNERSHIP:21 MNT_AUTOMOUNTED:22 "
        "MNT_JOURNALED:23 MNT_NOUSERXATTR:24 MNT_DEFWRITE:25 MNT_MULTILABEL:26 MNT_NOATIME:28 MNT_SNAPSHOT:30"
    ),
}


def _named(names: _Names, value: int) -> str | None:
    return names.get(value) or names.get(_unsigned(value))


def _unsigned(value: int) -> int:
    """Read a negative 32-bit number as C would in a uint32_t."""
    return value + 2**32 if -(2**31) <= value < 0 else value


def _flags(names: _Names, value: int) -> str | None:
    value = _unsigned(value)
    if value < 0:
        return None
    found = [name for mask, name in names.items() if value & mask]
    unknown = value & ~sum(names)
    return " | ".join(found + [hex(unknown)] * bool(unknown)) or None


def _allowed_flags(value: int) -> str | None:
    return "all" if value == 2**32 - 1 else _flags(_FLAGS["fflag"], value)


def _mode(value: int) -> str | None:
    """As ls shows it, and the octal permissions."""
    return f"{stat.filemode(value)} {stat.S_IMODE(value):04o}" if 0 <= value < 2**16 else None


def _permissions(value: int) -> str | None:
    text = _mode(value)
    return text and text[1:]


def _access(value: int) -> str | None:
    wanted = [name for mask, name in ((4, "read"), (2, "write"), (1, "execute")) if value & mask]
    return (" ".join(wanted) or "exists") if 0 <= value <= 7 else None


def _protection(value: int) -> str | None:
    letters = "".join(letter if value & 1 << bit else "-" for bit, letter in enumerate("rwx"))
    return letters if 0 <= value <= 7 else None


def _wait_status(value: int) -> str | None:
    status = _unsigned(value)
    signal = status & 0x7F
    if not 0 <= status < 2**32 or signal == 0x7F:
        return None
    if not signal:
        return f"exited with {status >> 8 & 0xFF}"
    core = ", core dumped" if status & 0x80 else ""
    return f"killed by {_SIGNALS.get(signal, 'signal')} ({signal}){core}"


def _device(value: int) -> str | None:
    number = _unsigned(value)
    return f"major {number >> 24}, minor {number & 0xFFFFFF}" if 0 < number < 2**32 else None


def _address(value: int) -> str | None:
    return hex(value) if value >= 0 else None


def _local_time(value: Any) -> str | None:
    """The time in the reader's own zone; what ES has no time for, it puts at the epoch."""
    try:
        time = datetime.fromisoformat(value)
        if time.tzinfo is None:
            return None
        return "not set" if time.timestamp() == 0 else time.astimezone().isoformat(" ", "milliseconds")
    except (TypeError, ValueError, OverflowError, OSError):
        return None


_DECODERS: dict[str, Callable[[int], str | None]] = {
    **{shape: partial(_named, names) for shape, names in _ENUMS.items()},
    **{shape: partial(_flags, names) for shape, names in _FLAGS.items()},
    "access_mode": _access,
    "address": _address,
    "auth_flags": _allowed_flags,
    "dev": _device,
    "mode": _mode,
    "permissions": _permissions,
    "protection": _protection,
    "wait_status": _wait_status,
}
_TOKEN_WORD = re.compile(r"(.*)\[([0-7])\]", re.DOTALL)


def decode(path: str, value: Any, event: str) -> str | None:
    """Return the text to show beside the raw `value` of the field at `path`; None where nothing is to add.

    `path` is as in `fields.explain`, `event` the eslogger name. A word of an audit token that was written as
    an array gets its name in front. Never raises, whatever the value.
    """
    shape = fields.shape(path, event)
    number = int_column(value)
    text = None
    if shape == "time":
        text = _local_time(value)
    elif number is not None and shape in _DECODERS:
        text = _DECODERS[shape](number)
    word = _TOKEN_WORD.fullmatch(path)
    if word and fields.shape(word[1], event) == "audit_token":
        return ": ".join(filter(None, (fields.TOKEN_WORDS[int(word[2])], text)))
    return text
