"""A program in a pseudo-terminal of 160x50, read like a terminal emulator would: all at once, all the time."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from tests.bench.machine import BenchError, environment, on

COLUMNS, ROWS = 160, 50
_ESCAPES = re.compile(rb"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-Z\\-_]")


class Terminal:
    """Starts the command bound to a core; `began` is the time of that."""

    def __init__(self, command: Sequence[str], core: int | None) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        with on(core):
            self.began = time.perf_counter()
            self.process = subprocess.Popen(
                command, env=environment(), stdin=slave, stdout=slave, stderr=slave, start_new_session=True
            )
        os.close(slave)
        self.bytes = 0
        self._output = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)

    def text(self) -> str:
        """What was written so far, less the escape sequences."""
        return _ESCAPES.sub(b"", self._output).decode("utf-8", "replace")

    def read(self, until: Callable[[], bool], patience: float, *, keep: bool = False) -> bool:
        """Take what the program writes until a condition holds, which is looked at after each piece of output.

        Returns whether it came to hold. `keep`: text() needs the output.
        """
        deadline = time.perf_counter() + patience
        while not until():
            left = deadline - time.perf_counter()
            if left <= 0:
                return False
            if not select.select([self._master], [], [], min(left, 0.05))[0]:
                continue
            try:
                data = os.read(self._master, 1 << 16)
            except OSError:  # nobody has the other end any more: the program is about to end
                time.sleep(0.01)
                continue
            self.bytes += len(data)
            if keep:
                self._output += data
        return True

    def shows(self, words: str, patience: float = 30.0) -> float:
        """Seconds from the start until some words are on the screen. Raises BenchError when they never are."""
        if not self.read(lambda: words in self.text(), patience, keep=True):
            last = self.text().strip().splitlines()[-1:] or ["nothing"]
            raise BenchError(f"the screen never showed {words!r}; it ended with {last[0][:200]!r}")
        return time.perf_counter() - self.began

    def quit(self, patience: float = 20.0) -> None:
        """Press q, and wait for the end."""
        os.write(self._master, b"q")
        if not self.read(lambda: self.process.poll() is not None, patience):
            raise BenchError("the screen did not end when asked to")
