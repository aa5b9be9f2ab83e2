"""A world that events come out of: one clock, one ES client's counters, processes and files.

    world = World(seed=7)
    shell = world.running("/bin/zsh", ALEX)
    line = world.emit("open", shell, {"fflag": 1, "file": world.files.at("/private/etc/hosts")})

emit() is the lowest call: it writes any event of any process. The calls above it (fork, exec, exit,
launch …) also keep the laws that tie one event to the next.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from estui.events import NOTIFY
from estui.sources.scenario.file import TERMINAL, File, FileTree
from estui.sources.scenario.process import NOT_SET, SYSTEM_SESSION, Process, ProcessTable, token_of
from estui.sources.scenario.programs import ROOT, User, program
from estui.sources.scenario.wire import SECOND, Json, Shape, Writer

START = datetime(2026, 9, 14, 9, 30, tzinfo=UTC)
"""When a pass begins if nobody says when."""

UPTIME = 5 * 3600 * SECOND
"""How long the machine runs already at the start; mach_time counts from boot."""

ARM64 = 16777228
"""cpu_type_t CPU_TYPE_ARM64."""

ARM64E = -2147483646
"""cpu_subtype_t of Apple's own arm64e binaries, with the pointer authentication bit."""

SINCE_VERSION = {"13.0": 6, "14.0": 7, "15.0": 8, "15.4": 9, "27.0": 11}
"""The first message version of the release that brought a type; older types are in every version."""

MEMBER_SINCE: dict[str, dict[str, int]] = {
    "exec": {"dyld_exec_path": 7, "entitlements": 11, "image_cputype": 6, "image_cpusubtype": 6},
    "close": {"was_mapped_writable": 6},
    "mount": {"disposition": 8},
    "remount": {"disposition": 8, "remount_flags": 8},
    "signal": {"instigator": 9},
    "iokit_open": {"parent_registry_id": 10, "parent_path": 10},
    "xp_malware_detected": {"detected_executable": 10},
}
"""Members of a payload that only newer message versions have."""

TOKEN_MEMBERS = ("instigator_token", "app_token", "petitioner_token")
TOKEN_MEMBERS_SINCE = 8
"""Tokens beside a process that may be null; the types that always had one are newer than this."""

SET_USER_ID = frozenset({"/usr/bin/su", "/usr/bin/sudo", "/usr/bin/login"})
"""Programs that run with euid 0 whoever starts them (mode 04755 or the like)."""

VNODE, SOCKET, PIPE = 1, 2, 6
"""fdtype values (PROX_FDTYPE_*) of exec.fds."""


class World:
    """Everything the events are about, as one ES client sees it.

    `subscribe` holds the eslogger names the client subscribed to (None: all). Of other types, and of
    types newer than `shape.version`, the client gets no message, so no number is counted for them.
    """

    def __init__(
        self,
        seed: int = 0,
        start: datetime | None = None,
        shape: Shape | None = None,
        subscribe: Collection[str] | None = None,
    ) -> None:
        self.shape = shape or Shape()
        self.writer = Writer(self.shape, seed)
        self.random = random.Random(f"{seed} world")  # noqa: S311  chance, not secrets
        begin = int((start or START).timestamp()) * SECOND
        self.now = begin
        """The clock, in Unix nanoseconds; every event moves it on by some microseconds."""
        self.files = FileTree(begin)
        self.processes = ProcessTable()
        self.pending: list[bytes] = []
        """Lines not yet taken."""
        self._boot = begin - UPTIME - self.random.randrange(SECOND)
        self._bits = random.Random(f"{seed} clock").getrandbits  # noqa: S311
        self._asid = SYSTEM_SESSION + 5
        self._global_seq = 0
        self._numbers = {
            name: kind.number
            for name, kind in NOTIFY.items()
            if self.shape.version >= SINCE_VERSION.get(kind.since, 0)
            and (subscribe is None or name in subscribe)
        }
        self._seq = dict.fromkeys(self._numbers, 0)
        self._openings = {name: f'"event":{{"{name}":' for name in self._numbers}
        self.launchd = self._first_process()

    def _first_process(self) -> Process:
        token = token_of(ROOT, 1, 742, SYSTEM_SESSION, login=False)
        image = program("/sbin/launchd")
        launchd = Process(token, image, self.files.at(image.path), None, self._boot // 1000 * 1000)
        launchd.cwd = self.files.directory("/")
        launchd.threads = self.processes.next_threads(3)
        self.processes.add(launchd)
        return launchd

    # --- events -----------------------------------------------------------------------------------

    def gets(self, name: str) -> bool:
        """Whether the client gets events of this type."""
        return name in self._numbers

    def emit(
        self,
        name: str,
        process: Process | Json,
        payload: dict[str, Any] | None = None,
        *,
        thread: bool = True,
        denied: bool = False,
    ) -> bytes:
        """One event as the line eslogger writes; also kept in `pending`. Empty if the client does not get it.

        `payload` holds JSON values, and File, Process and Token objects among them. `process` may be
        the JSON of a process as it was earlier. `thread` False writes null. `denied`: an AUTH client
        refused the operation (action.result.result: auth 1; of open, flags 0).
        """
        self.now += 2_000 + self._bits(13)
        number = self._numbers.get(name)
        if number is None:
            return b""
        seq = self._seq[name]
        self._seq[name] = seq + 1
        writer = self.writer
        newer = MEMBER_SINCE.get(name)
        if payload and (newer or self.shape.version < TOKEN_MEMBERS_SINCE):
            payload = self._without_newer(name, payload, newer or {})
        if isinstance(process, Json):
            actor: str = process
            thread_id = self.launchd.threads[0]
        else:
            actor = process.json(writer)
            threads = process.threads
            thread_id = threads[self._bits(4) % len(threads)]
        if name == "open":
            kind, result = '"result_type":1', '{"flags":0}' if denied else '{"flags":4294967295}'
        else:
            kind, result = '"result_type":0', '{"auth":1}' if denied else '{"auth":0}'
        body = writer.payload(payload) if payload else "{}"
        line = writer.object(
            (
                '"schema_version":1',
                f'"version":{self.shape.version}',
                f'"time":"{writer.time(self.now)}"',
                f'"mach_time":{(self.now - self._boot) * 3 // 125}',
                f'"event_type":{number}',
                f"{self._openings[name]}{body}}}",
                f'"process":{actor}',
                f'"thread":{{"thread_id":{thread_id}}}' if thread else '"thread":null',
                f'"seq_num":{seq}',
                f'"global_seq_num":{self._global_seq}',
                '"action_type":1',
                '"action":{"result":' + writer.object((kind, f'"result":{result}')) + "}",
            )
        )
        self._global_seq += 1
        data = f"{line}\n".encode("utf-8", "surrogateescape")
        self.pending.append(data)
        return data

    def _without_newer(self, name: str, payload: dict[str, Any], newer: dict[str, int]) -> dict[str, Any]:
        version = self.shape.version
        tokens = version >= TOKEN_MEMBERS_SINCE
        return {
            key: self._without_newer(name, value, {}) if isinstance(value, dict) and not tokens else value
            for key, value in payload.items()
            if newer.get(key, 0) <= version and (tokens or key not in TOKEN_MEMBERS)
        }

    def take(self) -> list[bytes]:
        """The lines since the last call."""
        lines, self.pending = self.pending, []
        return lines

    def wait_until(self, now: int) -> None:
        """Move the clock on to `now` (Unix nanoseconds) unless it is past that already."""
        self.now = max(self.now, now)

    def chance(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0

    # --- processes --------------------------------------------------------------------------------

    def running(
        self,
        path: str,
        user: User = ROOT,
        *,
        pid: int | None = None,
        asid: int = SYSTEM_SESSION,
        parent: Process | None = None,
        threads: int = 4,
    ) -> Process:
        """A process that runs already, as launchd's child: no event tells of its start."""
        pid = self.processes.next_pid() if pid is None else pid
        token = token_of(user, pid, self.processes.next_pidversion(), asid, login=asid != SYSTEM_SESSION)
        image = program(path)
        started = self._boot + 20 * SECOND + pid * SECOND // 7
        process = Process(token, image, self.files.at(path), parent or self.launchd, started // 1000 * 1000)
        process.session = 1 if asid != SYSTEM_SESSION else pid
        process.cwd = self.files.directory("/")
        process.env = environment(user)
        process.threads = self.processes.next_threads(threads)
        self.processes.add(process)
        return process

    def new_session(self) -> int:
        """An audit session id that no login had yet."""
        self._asid += 1
        return self._asid

    def fork(self, parent: Process) -> Process:
        """fork(2): `parent` is the event's process, the child carries the same image."""
        child = Process(
            parent.token._replace(pid=self.processes.next_pid(), pidversion=self.processes.next_pidversion()),
            parent.program,
            parent.executable,
            parent,
            self.now // 1000 * 1000,
        )
        child.group, child.session, child.tty = parent.group, parent.session, parent.tty
        child.responsible = parent.responsible or (parent if parent is not self.launchd else None)
        child.cwd, child.env = parent.cwd, parent.env
        child.threads = self.processes.next_threads(1)
        self.processes.add(child)
        self.emit("fork", parent, {"child": child})
        return child

    def exec(
        self,
        process: Process,
        path: str,
        args: Sequence[str] = (),
        *,
        script: File | None = None,
        fds: Sequence[int] = (VNODE, VNODE, VNODE),
        asid: int | None = None,
    ) -> Process:
        """execve(2): the event's process is the image before, its target the image after.

        `asid` puts the new image into another audit session, as launchd does for a user's agents.
        """
        before = Json(process.json(self.writer))
        process.program = image = program(path)
        process.executable = self.files.at(path)
        if asid is not None:
            auid = NOT_SET if asid == SYSTEM_SESSION else process.token.ruid
            process.token = process.token._replace(asid=asid, auid=auid)
        if path in SET_USER_ID:
            process.token = process.token._replace(euid=0)
        process.token = process.token._replace(pidversion=self.processes.next_pidversion())
        process.seen_changed()
        for other in self.processes:
            if other.responsible is process:
                other.changed()
        self.emit(
            "exec",
            before,
            {
                "target": process,
                "args": list(args) or [path],
                "env": list(process.env),
                "fds": self._descriptors(fds),
                "cwd": process.cwd,
                "script": script,
                "last_fd": len(fds) - 1,
                "image_cputype": ARM64,
                "image_cpusubtype": ARM64E if image.platform else 0,
                "dyld_exec_path": path,
                "entitlements": image.entitlements,
            },
        )
        return process

    def _descriptors(self, kinds: Sequence[int]) -> list[dict[str, Any]]:
        descriptors: list[dict[str, Any]] = []
        for number, kind in enumerate(kinds):
            descriptor: dict[str, Any] = {"fd": number, "fdtype": kind}
            if kind == PIPE:
                descriptor["pipe"] = {"pipe_id": 30_000 + self.random.randrange(9_000)}
            descriptors.append(descriptor)
        return descriptors

    def spawn(
        self,
        parent: Process,
        path: str,
        args: Sequence[str] = (),
        *,
        own_group: bool = False,
        fds: Sequence[int] = (VNODE, VNODE, VNODE),
        script: File | None = None,
    ) -> Process:
        """fork and exec: what a shell does for a command. `own_group`: an interactive shell's job."""
        child = self.fork(parent)
        if own_group:
            child.group = child.pid
            child.changed()
        return self.exec(child, path, args, fds=fds, script=script)

    def launch(
        self,
        path: str,
        user: User = ROOT,
        args: Sequence[str] = (),
        *,
        asid: int = SYSTEM_SESSION,
        env: Sequence[str] = (),
        threads: int = 4,
    ) -> Process:
        """What launchd does for a job: fork, exec of xpcproxy, exec of the program with its own identity."""
        child = self.fork(self.launchd)
        child.token = child.token._replace(euid=user.uid, egid=user.gid, ruid=user.uid, rgid=user.gid)
        child.group = child.session = 1
        child.env = environment(user)
        child.changed()
        name = path.rsplit("/", 1)[-1]
        self.exec(child, "/usr/libexec/xpcproxy", ("xpcproxy", program(path).signing_id))
        child.group = child.pid
        child.session = 1 if asid != SYSTEM_SESSION else child.pid
        child.threads = self.processes.next_threads(threads)
        child.env = (*child.env, f"XPC_SERVICE_NAME={program(path).signing_id}", *env)
        return self.exec(child, path, args or (name,), asid=asid)

    def exit(self, process: Process, code: int = 0, signal: int = 0) -> bytes:
        """The process ends by itself with `code`, or by `signal`; exit.stat is wait(2)'s word for it."""
        line = self.emit("exit", process, {"stat": signal or code << 8})
        self.processes.remove(process)
        return line

    def terminal(self, number: int, user: User) -> File:
        """/dev/ttysNNN, owned by whoever logged in there."""
        tty = self.files.at(f"/dev/ttys{number:03}", TERMINAL)
        tty.uid, tty.gid = user.uid, 4
        tty.rdev = 0x10000000 + number
        tty.modified = tty.status_changed = tty.accessed = self.now // 1000 * 1000
        tty.changed()
        return tty


def environment(user: User, *more: str) -> tuple[str, ...]:
    """The usual environment of a process of `user`."""
    home = user.home.removeprefix("/private")
    return (
        "PATH=/usr/bin:/bin:/usr/sbin:/sbin",
        f"HOME={home}",
        f"USER={user.name}",
        f"LOGNAME={user.name}",
        f"SHELL={user.shell}",
        "TMPDIR=/var/folders/q1/x7demo5n0000gn/T/",
        "XPC_FLAGS=0x0",
        *more,
    )
