"""The processes of the scenario's Mac: es_process_t, and the table that keeps their laws.

fork gives the child a pid and a pidversion of its own; exec keeps the pid and raises the pidversion;
a child whose parent exits gets launchd (1) as parent and keeps its original_ppid.
"""

from __future__ import annotations

from collections.abc import Iterator

from estui.sources.scenario.file import File
from estui.sources.scenario.programs import Program, User
from estui.sources.scenario.wire import Part, Token, Writer

NOT_SET = 4294967295
"""auid of a process that no login began: (au_id_t)-1."""

SYSTEM_SESSION = 100014
"""Audit session of launchd and the daemons."""

HIGHEST_PID = 99_998


class Process(Part):
    """es_process_t. Change a field, then call changed()."""

    __slots__ = (
        "children", "cwd", "env", "executable", "group", "original_ppid", "parent", "program",
        "responsible", "session", "started", "threads", "token", "tty",
    )  # fmt: skip

    def __init__(
        self, token: Token, program: Program, executable: File, parent: Process | None, started: int
    ) -> None:
        super().__init__()
        self.token = token
        self.program = program
        self.executable = executable
        self.parent = parent
        self.started = started
        self.original_ppid = parent.pid if parent else 0
        self.group = self.session = token.pid
        self.tty: File | None = None
        self.responsible: Process | None = None
        self.cwd = executable
        self.env: tuple[str, ...] = ()
        self.threads: tuple[int, ...] = ()
        self.children: list[Process] = []
        if parent:
            parent.children.append(self)

    @property
    def pid(self) -> int:
        return self.token.pid

    @property
    def pidversion(self) -> int:
        return self.token.pidversion

    @property
    def path(self) -> str:
        return self.program.path

    @property
    def ppid(self) -> int:
        return self.parent.pid if self.parent else 0

    @property
    def parent_token(self) -> Token:
        return self.parent.token if self.parent else Token(NOT_SET, 0, 0, 0, 0, 0, self.token.asid, 0)

    @property
    def responsible_token(self) -> Token:
        return self.responsible.token if self.responsible else self.token

    def become(self, **words: int) -> None:
        """Change words of the audit token (euid=0, asid=100020 …), here and where others write it."""
        self.token = self.token._replace(**words)
        self.seen_changed()

    def seen_changed(self) -> None:
        """A change that the children write too, as their parent_audit_token."""
        self.changed()
        for child in self.children:
            child.changed()

    def members(self, writer: Writer) -> list[str]:
        program = self.program
        true, false = "true", "false"
        members = [
            f'"audit_token":{writer.token(self.token)}',
            f'"parent_audit_token":{writer.token(self.parent_token)}',
            f'"responsible_audit_token":{writer.token(self.responsible_token)}',
            f'"ppid":{self.ppid}',
            f'"original_ppid":{self.original_ppid}',
            f'"group_id":{self.group}',
            f'"session_id":{self.session}',
            f'"codesigning_flags":{program.flags}',
            f'"is_platform_binary":{true if program.platform else false}',
            '"is_es_client":false',
            f'"cdhash":"{program.cdhash}"',
            f'"signing_id":{writer.string(program.signing_id)}',
            f'"team_id":{writer.value(program.team_id)}',
            f'"executable":{self.executable.json(writer)}',
            f'"tty":{writer.value(self.tty)}',
            f'"start_time":"{writer.time(self.started, 6)}"',
        ]
        if writer.shape.version >= 10:
            members.append(f'"cs_validation_category":{program.category}')
        return members


class ProcessTable:
    """The running processes by pid, and the next pid, pidversion and thread id to give."""

    def __init__(self) -> None:
        self._running: dict[int, Process] = {}
        self._pid = 600
        self._pidversion = 1_600
        self._thread = 9_000

    def __len__(self) -> int:
        return len(self._running)

    def __iter__(self) -> Iterator[Process]:
        return iter(list(self._running.values()))

    def named(self, name: str, uid: int | None = None) -> Process:
        """The first running process whose program is called `name`, of user `uid` if given; else KeyError."""
        for process in self._running.values():
            if process.program.name == name and uid in (None, process.token.ruid):
                return process
        raise KeyError(name)

    def next_pid(self) -> int:
        while True:
            self._pid = self._pid + 1 if self._pid < HIGHEST_PID else 100
            if self._pid not in self._running:
                return self._pid

    def next_pidversion(self) -> int:
        self._pidversion += 1
        return self._pidversion

    def next_threads(self, count: int) -> tuple[int, ...]:
        first = self._thread + 1
        self._thread += count
        return tuple(range(first, first + count))

    def add(self, process: Process) -> None:
        self._running[process.pid] = process

    def remove(self, process: Process) -> None:
        """It is gone: its children are launchd's now; whom it was responsible for keep its last token."""
        del self._running[process.pid]
        launchd = self._running.get(1)
        if process.parent:
            process.parent.children.remove(process)
        for child in process.children:
            child.parent = launchd
            if launchd:
                launchd.children.append(child)
            child.changed()
        process.children.clear()


def token_of(user: User, pid: int, pidversion: int, asid: int, *, login: bool) -> Token:
    """The audit token of a process of `user`; `login` tells whether a login began its session."""
    return Token(
        user.uid if login else NOT_SET, user.uid, user.gid, user.uid, user.gid, pid, asid, pidversion
    )
