"""One run of a command, followed: how its events are got on Linux, on a new Mac and on an older one.

None of the ways for a Mac has been run on one: they go by the manual pages, and are tried with stand-ins.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, NamedTuple

from estui.events import HEAVY, NOTIFY
from estui.message import loads
from estui.sources import eslogger, sudo
from estui.sources.child import GRACE, Child
from estui.sources.live import list_events
from estui.sources.source import Possible, SourceError
from estui.sources.strace import tracer
from estui.sources.strace.calls import TYPES, USUAL
from estui.text import printable

_WORDS = 16384
_CHUNK = 1 << 16
_CANARY = 0.2
"""Seconds between two attempts to make eslogger show that it listens."""
_LOOK = 0.1
_ESTUI = Path(__file__).parents[2]
"""Where the package is found, which the child must not leave to the directory it is started in."""
_STRACE = (
    "import sys; sys.path.append({!r}); from estui.sources.strace.__main__ import main; "
    "sys.exit(main(sys.argv[1:]))"
)


class Streams(NamedTuple):
    """What the command's standard streams are: descriptors, which the follower closes, or None for estui's own."""

    stdin: int | None = None
    stdout: int | None = None
    stderr: int | None = None
    new_session: bool = False
    """Whether it is to have no terminal at all, since a screen is open on it."""


class Follower(ABC):
    """One run: start it, read its lines, and look what has become of the command.

    Args:
        command: the program and its arguments.
        types: the event types wanted.
        streams: the command's own.
        failed: whether calls that failed are wanted, too.
    """

    types: ClassVar[frozenset[str]]
    """The event types it can send."""
    usual: ClassVar[frozenset[str]]
    """Those it sends without being asked for."""
    lines = -1
    """The descriptor that eslogger-shaped lines come through, once it is started."""
    status: int | None = None
    """What the command ended with, by the shell's convention; None before."""
    left = 0
    """Processes that the command has left behind and that are still followed."""

    stays = 0
    """The command's pid, where it did not end when it was told to."""

    def __init__(
        self, command: Sequence[str], types: frozenset[str], streams: Streams, *, failed: bool = False
    ) -> None:
        self._command = list(command)
        self._types = types
        self._streams = streams
        self._failed = failed
        self._process: subprocess.Popen[bytes] | None = None
        self._mine = {fd for fd in (streams.stdout, streams.stderr) if isinstance(fd, int) and fd > 2}
        """Descriptors of the command's streams that are to be closed here, once it has them."""

    @abstractmethod
    def start(self) -> None:
        """Run the command. Raises SourceError."""

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def wait(self, seconds: float) -> bool:
        """Wait for the end of all. Returns whether it came."""
        if self._process:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        return not self.alive

    def end(self) -> None:
        """Tell it to end, and wait for that within bounds."""
        for number in (signal.SIGINT, signal.SIGTERM):
            if not self.alive:
                return
            assert self._process
            with suppress(OSError):
                self._process.send_signal(number)
            if self.wait(GRACE):
                return

    def refusal(self) -> SourceError | None:
        """Why the command was not run, once all has ended; None where it was. The exit code is that of env(1)."""
        return None

    def close(self) -> None:
        """Let go of the lines."""
        self._drop_streams()
        if self.lines >= 0:
            os.close(self.lines)
            self.lines = -1

    def _popen(self, command: Sequence[str], pass_fds: Sequence[int] = ()) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                command,
                stdin=self._streams.stdin,
                stdout=self._streams.stdout,
                stderr=self._streams.stderr,
                start_new_session=self._streams.new_session,
                pass_fds=pass_fds,
            )
        finally:
            self._drop_streams()

    def _drop_streams(self) -> None:
        while self._mine:
            os.close(self._mine.pop())


class Strace(Follower):
    """Linux: strace, whose text a child of ours translates."""

    types = TYPES
    usual = USUAL

    def __init__(
        self, command: Sequence[str], types: frozenset[str], streams: Streams, *, failed: bool = False
    ) -> None:
        super().__init__(command, types, streams, failed=failed)
        for found in (tracer.check(command), tracer.find()):
            if isinstance(found, tracer.Refusal):
                raise _error(found)
        self._refused = 0
        self._said: list[str] = []
        self._listener: threading.Thread | None = None

    def start(self) -> None:
        self.lines, lines = os.pipe()
        heard, words = os.pipe()
        _widen(lines)
        command = [
            sys.executable,
            "-P",
            "-c",
            _STRACE.format(str(_ESTUI)),
            f"--lines={lines}",
            f"--words={words}",
        ]
        if self._failed:
            command.append("--failed")
        command += [f"--types={','.join(sorted(self._types))}", "--", *self._command]
        try:
            self._process = self._popen(command, pass_fds=(lines, words))
        except OSError as error:
            os.close(heard)
            raise SourceError(f"Python cannot be started: {error.strerror}", "", 125) from None
        finally:
            os.close(lines)
            os.close(words)
        self._listener = threading.Thread(target=self._listen, args=(heard,), name="estui words", daemon=True)
        self._listener.start()

    def wait(self, seconds: float) -> bool:
        ended = super().wait(seconds)
        if ended and self._listener:
            self._listener.join(GRACE)
            if self.status is None and not (self._refused or self.stays) and self._process:
                code = self._process.returncode
                self.status = code if code >= 0 else 128 - code
        return ended

    def refusal(self) -> SourceError | None:
        if not self._refused:
            return None
        words, advice = (*self._said, "", "")[:2]
        return SourceError(printable(words), printable(advice), self._refused)

    @property
    def warning(self) -> str:
        """What the child said besides, safe to print."""
        return "" if self._refused else printable("; ".join(self._said))

    def _listen(self, heard: int) -> None:
        with open(heard, "rb") as words:
            for line in words:
                self._told(line.decode(errors="surrogateescape").rstrip("\n"))

    def _told(self, line: str) -> None:
        match line.split():
            case ["estui:", "started"]:
                pass
            case ["estui:", "ended", code]:
                self.status = int(code)
            case ["estui:", "left", count]:
                self.left = int(count)
            case ["estui:", "stays", pid]:
                self.stays = int(pid)
            case ["estui:", "refused", code]:
                self._refused, self._said = int(code), []
            case _:
                self._said.append(line)


class Estrace(Follower):
    """macOS 27: Apple's estrace, which needs no rights. It has not been run on a Mac."""

    types = usual = frozenset(NOTIFY)

    def __init__(
        self, command: Sequence[str], types: frozenset[str], streams: Streams, *, failed: bool = False
    ) -> None:
        super().__init__(command, types, streams, failed=failed)
        _check(command)
        self._folder = ""

    def start(self) -> None:
        """Without -o the command's stderr would be suppressed; a FIFO takes the lines."""
        self._folder = tempfile.mkdtemp(prefix="estui-")
        fifo = str(Path(self._folder) / "lines")
        os.mkfifo(fifo, 0o600)
        self.lines = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        # As long as this end is open, a reader waits for what estrace has not opened yet.
        entry = os.open(fifo, os.O_WRONLY)
        os.set_blocking(self.lines, True)
        words = ["estrace", "--event-types", ",".join(sorted(self._types)), "-o", fifo, *self._command]
        try:
            self._process = self._popen(words)
        except OSError as error:
            os.close(entry)
            raise SourceError(f"estrace cannot be started: {error.strerror}", "", 125) from None
        threading.Thread(target=self._await, args=(entry,), name="estui estrace", daemon=True).start()

    def _await(self, entry: int) -> None:
        assert self._process
        code = self._process.wait()
        self.status = code if code >= 0 else 128 - code
        os.close(entry)

    def close(self) -> None:
        super().close()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)


class Eslogger(Follower):
    """macOS 13 to 26: eslogger through sudo, of whose lines those of the command's tree are kept.

    The command is started once eslogger has sent anything, for which a harmless program is run now and then. Lines
    of other processes are dropped, and the numbers made anew; what eslogger itself lost is told as a loss, for
    nobody knows whose events those were. It has not been run on a Mac.
    """

    types = frozenset(NOTIFY)
    usual = frozenset(NOTIFY) - HEAVY | {"open"}
    """The floods of a whole Mac would be lost anyway."""

    def __init__(
        self, command: Sequence[str], types: frozenset[str], streams: Streams, *, failed: bool = False
    ) -> None:
        super().__init__(command, types, streams, failed=failed)
        _check(command)
        self._eslogger = eslogger.usual_command()
        self._child: Child | None = None
        self._kept = Kept(types)
        self._halt = threading.Event()
        self._work: threading.Thread | None = None
        self._error: SourceError | None = None

    def start(self) -> None:
        known = frozenset(list_events([self._eslogger[-1]]) or NOTIFY)
        types = (self._types | {"exec", "fork", "exit"}) & known
        try:
            self._child = Child([*self._eslogger, *sorted(types)])
        except OSError as error:
            raise SourceError(f"eslogger cannot be started: {error.strerror}", "", 125) from None
        self.lines, out = os.pipe()
        _widen(out)
        self._work = threading.Thread(target=self._follow, args=(out,), name="estui tree", daemon=True)
        self._work.start()

    @property
    def alive(self) -> bool:
        return self._work is not None and self._work.is_alive()

    def wait(self, seconds: float) -> bool:
        if self._work:
            self._work.join(seconds)
        return not self.alive

    def end(self) -> None:
        self._halt.set()
        if self._process and self._process.poll() is None:
            with suppress(OSError):
                self._process.send_signal(signal.SIGTERM)
        self.wait(2 * GRACE + GRACE)

    def refusal(self) -> SourceError | None:
        return self._error

    def _follow(self, out: int) -> None:
        assert self._child
        rest, provoked = b"", 0.0
        with open(out, "wb", buffering=0) as pipe:
            while not self._halt.is_set():
                ready, _, _ = select.select([self._child.fd], [], [], _LOOK)
                if not ready:
                    if self._process is None and time.monotonic() > provoked + _CANARY:
                        provoked = time.monotonic()
                        subprocess.run(["/usr/bin/true"], check=False, stdin=subprocess.DEVNULL)
                    if self._over(look=True):
                        break
                    continue
                data = os.read(self._child.fd, _CHUNK)
                if not data:
                    break
                if self._process is None and not self._launch():
                    break
                *whole, rest = (rest + data).split(b"\n")
                kept = b"".join(self._kept.of(line) for line in whole)
                with suppress(BrokenPipeError):
                    pipe.write(kept)
                if self._over(look=False):
                    break
            early = self._process is None
            self._child.end()
            self._child.close()
        if self._process:
            code = self._process.wait()
            self.status = code if code >= 0 else 128 - code
        elif early and self._error is None and not self._halt.is_set():
            self._error = self._diagnosis(self._child)

    def _launch(self) -> bool:
        """Start the command, in the thread that reads: no line of it can have been read before."""
        try:
            self._process = self._popen(self._command)
        except OSError as error:
            self._error = SourceError(
                f"{printable(self._command[0])} cannot be run: {error.strerror}", "", 126
            )
            return False
        self._kept.add(self._process.pid)
        return True

    def _over(self, *, look: bool) -> bool:
        """Whether the whole tree has ended."""
        if self._process is None or self._process.poll() is None:
            return False
        code = self._process.returncode
        self.status = code if code >= 0 else 128 - code
        if look:  # an exit that eslogger has lost
            self._kept.forget_dead()
        self.left = len(self._kept)
        return not self._kept

    @staticmethod
    def _diagnosis(child: Child) -> SourceError:
        for sign, reason, remedy in eslogger.TROUBLE:
            if sign in child.words:
                return SourceError(reason, remedy, 125)
        said = f": {child.last_words}" if child.last_words else ""
        return SourceError(f"eslogger ended ({child.fate or 'exit status 0'}){said}", "", 125)


_NUMBERS = re.compile(rb'"(global_)?seq_num":\s*\d+')


class Kept:
    """Which lines of a whole Mac are about one tree of processes.

    A process belongs to it from its fork to its exit; what it is asked for decides which of its lines are passed on.
    """

    def __init__(self, types: frozenset[str]) -> None:
        self._types = types
        self._pids: set[int] = set()
        self._numbers: dict[str, int] = {}
        self._all = 0
        self._last: int | None = None
        """The global_seq_num of the line before."""

    def __len__(self) -> int:
        return len(self._pids)

    def add(self, pid: int) -> None:
        self._pids.add(pid)

    def forget_dead(self) -> None:
        for pid in list(self._pids):
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                self._pids.discard(pid)
            except OSError:
                pass

    def of(self, line: bytes) -> bytes:
        """What to pass on for a line: itself with other numbers, a word about a loss before it, or nothing."""
        try:
            document = loads(line)
        except ValueError:
            return b"" if not line.strip() else line + b"\n"
        lost = self._lost(document)
        event = document.get("event")
        name, payload = next(iter(event.items())) if isinstance(event, dict) and event else ("", {})
        pid = _pid(document.get("process"))
        mine = pid in self._pids
        if name == "fork" and isinstance(payload, dict):
            child = _pid(payload.get("child"))
            if child is not None and mine:
                self._pids.add(child)
            elif child is not None and child in self._pids and self._all:
                self._pids.discard(child)  # the number is another process's now
        if not mine:
            return lost
        if name == "exit" and pid is not None:
            self._pids.discard(pid)
        if name not in self._types:
            return lost
        number = self._numbers.get(name, 0)
        self._numbers[name] = number + 1
        text = _NUMBERS.sub(
            lambda match: b'"global_seq_num":%d' % self._all if match[1] else b'"seq_num":%d' % number, line
        )
        self._all += 1
        return lost + text + b"\n"

    def _lost(self, document: dict[str, object]) -> bytes:
        number = document.get("global_seq_num")
        before, self._last = self._last, number if isinstance(number, int) else self._last
        if before is None or not isinstance(number, int) or number <= before + 1:
            return b""
        why = f"eslogger lost {number - before - 1} events of this Mac; nobody knows how many were of the command"
        return b'{"estui":"loss","lost":null,"why":"%s"}\n' % why.encode()


def _pid(process: object) -> int | None:
    token = process.get("audit_token") if isinstance(process, dict) else None
    pid = token.get("pid") if isinstance(token, dict) else None
    if isinstance(token, list) and len(token) == 8:
        pid = token[5]
    return pid if isinstance(pid, int) else None


def _widen(pipe: int) -> None:
    """Make a pipe hold more than usual, where that can be."""
    with suppress(OSError, AttributeError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)


def _check(command: Sequence[str]) -> None:
    """Raises SourceError for a command that cannot be run."""
    checked = tracer.check(command)
    if isinstance(checked, tracer.Refusal):
        raise _error(checked)


def _error(refusal: tracer.Refusal) -> SourceError:
    return SourceError(printable(refusal.words), printable(refusal.advice), refusal.code)


def kind(platform: str = sys.platform) -> type[Follower]:
    """How a command is followed on this system."""
    if platform != "darwin":
        return Strace
    return Estrace if shutil.which("estrace") else Eslogger


def authorize(follower: type[Follower]) -> None:
    """Let sudo ask for the password where it will. Raises SourceError."""
    if follower is Eslogger:
        sudo.ask(eslogger.usual_command())


def possible(platform: str = sys.platform) -> Possible:
    """Whether a command can be followed here, and by what. Nothing is started but sudo, which must not ask."""
    way = kind(platform)
    if way is Eslogger:
        found = eslogger.possible()
        return found._replace(words=f"{found.words} (macOS 27 has estrace, which needs no rights)")
    if way is Estrace:
        return Possible(True, "possible through estrace, without any rights")
    strace = tracer.find()
    if isinstance(strace, tracer.Refusal):
        return Possible(False, strace.words, strace.advice)
    with suppress(OSError, ValueError):
        if int(Path("/proc/sys/kernel/yama/ptrace_scope").read_text()) == 3:
            return Possible(
                False, "tracing is switched off on this machine", "It stays so until it is started anew"
            )
    return Possible(True, f"possible through {printable(strace)}, without any rights")
