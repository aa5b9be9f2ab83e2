"""The command's processes: who they are, where they stand, and what their descriptors are open on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from estui.sources.strace import line

UNSET = 4294967295
"""loginuid and session of a process that no login began, and "unchanged" in setreuid and its like."""
_OPEN_FILES = 65536
"""Descriptors remembered per process."""


class Description:
    """What descriptors share that were duplicated from one another: es's fileglob, Linux's open file."""

    __slots__ = ("mapped", "written")

    def __init__(self) -> None:
        self.written = False
        self.mapped = False
        """Mapped shared and writable."""


class Opened:
    """One descriptor."""

    __slots__ = ("cloexec", "description", "path")

    def __init__(self, path: str, cloexec: bool | None, description: Description | None = None) -> None:
        self.path = path
        self.cloexec = cloexec
        """None where that is not known."""
        self.description = description or Description()


class Process:
    """One process: es_process_t, as far as Linux has it, and what its calls need to be understood."""

    __slots__ = (
        "_json", "_parents", "asid", "auid", "cwd", "executable", "files", "gids", "group", "original_ppid",
        "parent", "pid", "ppid", "root", "session", "started", "tty", "uids", "version",
    )  # fmt: skip

    def __init__(self, pid: int, version: int | None) -> None:
        self.pid = pid
        self.version = version
        self.parent: Process | None = None
        self.ppid = self.original_ppid = 0
        self.group = self.session = pid
        self.started: int | None = None
        self.tty = ""
        self.auid = self.asid = UNSET
        self.uids = self.gids = (UNSET, UNSET, UNSET)
        """Real, effective, saved."""
        self.executable = ""
        self.cwd = "/"
        self.root = ""
        """Where chroot has put it; empty for the root of all."""
        self.files: dict[int, Opened] = {}
        self._json = ""
        self._parents = ""
        """The parent's token that is in `_json`."""

    def changed(self) -> None:
        """One of the members of its JSON has another value."""
        self._json = ""

    @property
    def token(self) -> str:
        return (
            f'{{"asid":{self.asid},"auid":{self.auid},"egid":{self.gids[1]},"euid":{self.uids[1]},'
            f'"pid":{self.pid},"pidversion":{line.optional(self.version)},"rgid":{self.gids[0]},'
            f'"ruid":{self.uids[0]}}}'
        )

    @property
    def json(self) -> str:
        parents = self.parent.token if self.parent else "null"
        if not self._json or parents != self._parents:
            self._parents = parents
            started = f'"{line.timestamp(self.started, 6)}"' if self.started else "null"
            self._json = (
                f'{{"audit_token":{self.token},"parent_audit_token":{parents},'
                f'"responsible_audit_token":null,"ppid":{self.ppid},"original_ppid":{self.original_ppid},'
                f'"group_id":{self.group},"session_id":{self.session},"codesigning_flags":null,'
                '"is_platform_binary":null,"is_es_client":null,"cdhash":null,"signing_id":null,"team_id":null,'
                f'"executable":{line.file(self.executable) if self.executable else "null"},'
                f'"tty":{line.file(self.tty) if self.tty else "null"},"start_time":{started}}}'
            )
        return self._json

    def child(self, pid: int, version: int, started: int) -> Process:
        """What fork makes of it."""
        child = Process(pid, version)
        child.parent, child.ppid, child.original_ppid = self, self.pid, self.pid
        child.group, child.session, child.tty = self.group, self.session, self.tty
        child.started = started
        child.auid, child.asid, child.uids, child.gids = self.auid, self.asid, self.uids, self.gids
        child.executable, child.cwd, child.root = self.executable, self.cwd, self.root
        child.files = {
            fd: Opened(opened.path, opened.cloexec, opened.description) for fd, opened in self.files.items()
        }
        return child

    def opened(self, fd: int) -> Opened | None:
        """What a descriptor is open on: as its calls have shown, or else as /proc shows it now."""
        known = self.files.get(fd)
        if known is None and fd >= 0:
            with suppress(OSError):
                known = self.open(fd, _link(f"/proc/{self.pid}/fd/{fd}"), None)
        return known

    def open(
        self, fd: int, path: str, cloexec: bool | None, description: Description | None = None
    ) -> Opened:
        if len(self.files) >= _OPEN_FILES:
            self.files.clear()
        opened = self.files[fd] = Opened(path, cloexec, description)
        return opened

    def close(self, fd: int) -> Opened | None:
        return self.files.pop(fd, None)

    def replace_image(self, executable: str, version: int) -> None:
        """What exec makes of it."""
        self.executable, self.version = executable, version
        self.files = {fd: opened for fd, opened in self.files.items() if opened.cloexec is False}
        self.changed()


class Tree:
    """The processes by pid, and their threads.

    Args:
        parent: the process that the command's own parent is said to be.
    """

    def __init__(self, parent: Process) -> None:
        self._parent = parent
        self._processes: dict[int, Process] = {}
        self._threads: dict[int, Process] = {}
        self._versions: dict[int, int] = {}

    def __iter__(self) -> Iterator[Process]:
        return iter(list(self._processes.values()))

    def __len__(self) -> int:
        return len(self._processes)

    def get(self, tid: int) -> Process | None:
        """The process that a thread is of."""
        return self._threads.get(tid)

    def process(self, pid: int) -> Process | None:
        return self._processes.get(pid)

    def version(self, pid: int) -> int:
        """The next pidversion of a pid: fork and exec take one each."""
        version = self._versions[pid] = self._versions.get(pid, 0) + 1
        return version

    def root(self, pid: int, began: int) -> Process:
        """The command itself, before its exec: that image is not the command's, so it has none."""
        process = self._parent.child(pid, self.version(pid), began)
        process.executable = ""
        return self._add(process)

    def fork(self, parent: Process, pid: int, began: int) -> Process:
        return self._add(parent.child(pid, self.version(pid), began))

    def stray(self, pid: int, began: int) -> Process:
        """A process whose fork was not seen."""
        process = self.root(pid, began)
        with suppress(OSError):
            process.executable = _link(f"/proc/{pid}/exe")
        return process

    def thread(self, process: Process, tid: int) -> None:
        self._threads[tid] = process

    def gone(self, tid: int) -> Process | None:
        """A thread is gone. Returns its process when that is gone with it."""
        process = self._threads.pop(tid, None)
        if process is None or process.pid != tid:
            return None
        del self._processes[tid]
        for other in self._processes.values():
            if other.parent is process:
                other.parent, other.ppid = None, _ppid(other.pid)
                other.changed()
        return process

    def alone(self, process: Process) -> None:
        """exec has left it one thread."""
        for tid in [tid for tid, owner in self._threads.items() if owner is process]:
            del self._threads[tid]
        self._threads[process.pid] = process

    def _add(self, process: Process) -> Process:
        self._processes[process.pid] = self._threads[process.pid] = process
        return process


def _ppid(pid: int) -> int:
    """Who has adopted a process: init, or a subreaper."""
    with suppress(OSError, ValueError, IndexError):
        return int(_status(pid)["PPid"].split()[0])
    return 1


def relation(tid: int) -> tuple[int, int] | None:
    """The process a thread is of, and that process's parent; None where it is gone."""
    with suppress(OSError, ValueError, KeyError, IndexError):
        status = _status(tid)
        return int(status["Tgid"].split()[0]), int(status["PPid"].split()[0])
    return None


def from_proc(pid: int) -> Process:
    """A process that is not of the tree, as /proc shows it now."""
    process = Process(pid, None)
    with suppress(OSError, ValueError, KeyError, IndexError):
        status = _status(pid)
        process.uids = _ids(status["Uid"])
        process.gids = _ids(status["Gid"])
        process.ppid = process.original_ppid = int(status["PPid"])
        rest = Path(f"/proc/{pid}/stat").read_text(errors="surrogateescape").rpartition(")")[2].split()
        process.group, process.session, process.tty = int(rest[2]), int(rest[3]), _terminal(int(rest[4]))
    with suppress(OSError):
        process.executable = _link(f"/proc/{pid}/exe")
    for name, file in (("auid", "loginuid"), ("asid", "sessionid")):
        with suppress(OSError, ValueError):
            setattr(process, name, int(Path(f"/proc/{pid}/{file}").read_text()))
    return process


def inheritance() -> Process:
    """This very process, from which the command gets its identity, its place and its standard streams."""
    process = from_proc(os.getpid())
    with suppress(OSError):
        process.cwd = _link("/proc/self/cwd")
    for fd in range(3):
        with suppress(OSError):
            process.open(fd, _link(f"/proc/self/fd/{fd}"), False)
    return process


def _link(path: str) -> str:
    """Where a link of /proc points. Raises OSError."""
    return str(Path(path).readlink()).removesuffix(" (deleted)")


def _status(pid: int) -> dict[str, str]:
    text = Path(f"/proc/{pid}/status").read_text(errors="surrogateescape")
    return dict(re.findall(r"^(\w+):\t(.*)$", text, re.MULTILINE))


def _ids(text: str) -> tuple[int, int, int]:
    real, effective, saved, _ = (int(word) for word in text.split())
    return real, effective, saved


def _terminal(device: int) -> str:
    """The path of a controlling terminal by its number in /proc/PID/stat."""
    major, minor = device >> 8 & 0xFFF, device & 0xFF | device >> 12 & 0xFFF00
    if 136 <= major < 144:
        return f"/dev/pts/{(major - 136 << 8) + minor}"
    if major == 4:
        return f"/dev/tty{minor}" if minor < 64 else f"/dev/ttyS{minor - 64}"
    return ""
