"""A source's child process: lines on its stdout, words on its stderr, ended politely."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from estui.sources.sudo import is_sudo
from estui.text import printable

GRACE = 1.5
"""Seconds a child has to end after each signal."""
_WORDS = 4096
"""Bytes kept of the end of what it wrote to stderr."""


class Child:
    """A command running in a process group of its own, so that Ctrl-C in the terminal is ours alone.

    It stays in our session: sudo remembers a password per terminal. It is ended with SIGINT, then SIGTERM,
    and never with SIGKILL, which sudo could not pass on: what it started would stay behind.

    Args:
        command: the program and its arguments.
        told: takes each line of its stderr; those that it returns True for are not `words`.
        keep_stdin: its standard input is a pipe that nobody writes to, open until end() or close().

    Raises:
        OSError: it cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        told: Callable[[str], bool] = lambda line: False,
        *,
        keep_stdin: bool = False,
    ) -> None:
        self._told = told
        self._sudo = command[0] if is_sudo(command) else None
        self._signals: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGTERM)
        """Those that are left to try."""
        self._process = subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.PIPE if keep_stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )
        assert self._process.stdout
        self.fd = self._process.stdout.fileno()
        """Its stdout."""
        self._heard = b""
        self._listener = threading.Thread(target=self._listen, name="estui stderr", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def words(self) -> str:
        """The end of what it wrote to stderr, as it wrote it."""
        return self._heard.decode(errors="surrogateescape")

    @property
    def last_words(self) -> str:
        """Its last line on stderr that is not empty, safe to print."""
        return printable(
            next((line for line in reversed(self.words.splitlines()) if line.strip()), "").strip()
        )

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def fate(self) -> str:
        """How it ended, in words; empty for exit status 0, or while it runs."""
        code = self._process.returncode
        if not code:
            return ""
        if code > 0:
            return f"exit status {code}"
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"

    def end(self) -> None:
        """Tell it to end, and wait for that within bounds; nothing when it has ended or would not listen."""
        self._close_stdin()
        for number in self._signals:
            if not self.alive:
                return
            self._send(number)
            if self.wait(GRACE):
                return
        self._signals = ()

    def wait(self, seconds: float) -> bool:
        """Wait for its end. Returns whether it came."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return not self.alive

    def close(self) -> None:
        """Let go of its pipes, once it has ended or will not: a writer that is left gets SIGPIPE."""
        self._listener.join(GRACE)
        assert self._process.stdout
        self._process.stdout.close()
        self._close_stdin()

    def _close_stdin(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()

    def _send(self, number: signal.Signals) -> None:
        try:
            self._process.send_signal(number)
        except PermissionError:
            # sudo runs as root: only root may signal it, and it passes the signal on.
            if self._sudo:
                kill = [
                    self._sudo,
                    "-n",
                    "kill",
                    f"-{number.name.removeprefix('SIG')}",
                    str(self._process.pid),
                ]
                with suppress(OSError, subprocess.TimeoutExpired):
                    subprocess.run(
                        kill,
                        check=False,
                        timeout=GRACE,
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                    )

    def _listen(self) -> None:
        assert self._process.stderr
        rest = b""
        with self._process.stderr as pipe:
            while data := os.read(pipe.fileno(), _WORDS):
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self._hear(line + b"\n")
                if len(rest) > _WORDS:
                    self._hear(rest)
                    rest = b""
        self._hear(rest)

    def _hear(self, line: bytes) -> None:
        if not self._told(line.decode(errors="surrogateescape").rstrip("\n")):
            self._heard = (self._heard + line)[-_WORDS:]
