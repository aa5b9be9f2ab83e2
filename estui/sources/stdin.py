"""Standard input and FIFOs: lines somebody else's process writes."""

from __future__ import annotations

import os
import select
import sys
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import suppress

from estui.core import Core
from estui.sources.reader import cannot_open
from estui.sources.source import Portions, Source, SourceError, SourceState

PIPE_IN = "Pipe events into it: sudo eslogger exec open | estui -"


class _PipeSource(Source):
    """What both have in common: a descriptor read to its end."""

    kind = "stdin"
    live = True
    _fd = -1
    _ours = False
    """Whether `_fd` is to be closed here."""

    def _run(self, core: Core) -> None:
        self._open()
        self._drain(core, core.add_stream(owned=False), self._fd)

    def _chunks(self, core: Core) -> Iterator[None]:
        self._open()
        yield from pipe_chunks(core, core.add_stream(owned=False), self._fd)

    @abstractmethod
    def _open(self) -> None:
        """Make `_fd` ready, which may take long. Raises SourceError."""

    def _ending(self, core: Core) -> SourceState:
        if not core.counters().lines and not self._halt.is_set():
            said = "Whatever should write into it wrote no line: see what it said"
            return SourceState("failed", f"nothing came through {self.title}", said, 1)
        return super()._ending(core)

    def _close(self) -> None:
        if self._ours:
            self._ours = False
            os.close(self._fd)


class StdinSource(_PipeSource):
    """What is piped into estui.

    Raises:
        SourceError: nothing is piped in.
    """

    def __init__(self) -> None:
        super().__init__("standard input")
        if _is_terminal(0):
            raise SourceError("standard input is the terminal: nothing is piped in", PIPE_IN)

    def before_screen(self) -> None:
        self._fd = keep_keyboard()
        self._ours = True

    def _open(self) -> None:
        if not self._ours:
            self._fd = 0


class FifoSource(_PipeSource):
    """A FIFO or a device by its path; opening a FIFO waits for somebody to write.

    Raises:
        SourceError: it may not be read.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._path = path
        self._waiting = False
        if not os.access(path, os.R_OK):
            raise cannot_open(path, PermissionError())

    @property
    def state(self) -> SourceState:
        if self._waiting:
            return self._state._replace(
                reason=f"nothing writes into {self.title} yet",
                advice="For example: sudo eslogger exec > FIFO",
            )
        return self._state

    def _open(self) -> None:
        self._waiting = True
        try:
            self._fd = os.open(self._path, os.O_RDONLY)
            self._ours = True
        except OSError as error:
            raise cannot_open(self._path, error) from None
        finally:
            self._waiting = False

    def _interrupt(self) -> None:
        if self._waiting:
            # A writer that comes and goes lets the waiting open() return.
            with suppress(OSError):
                os.close(os.open(self._path, os.O_WRONLY | os.O_NONBLOCK))
        super()._interrupt()


def keep_keyboard() -> int:
    """Put the terminal where standard input is, and return a descriptor of what was there.

    Textual reads keys from `sys.__stdin__`; with data piped in it would see no key at all.

    Raises:
        SourceError: there is no terminal.
    """
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        raise SourceError(
            "there is no terminal to read keys from", "Without a screen: … | estui cat -"
        ) from None
    data = os.dup(0)
    os.dup2(terminal, 0)
    os.close(terminal)
    sys.stdin = sys.__stdin__ = os.fdopen(0, "r", closefd=False)  # type: ignore[misc]
    return data


def pipe_chunks(core: Core, stream: int, fd: int) -> Iterator[None]:
    """Read a pipe to its end by chunks. Raises OSError."""
    portions = Portions(core)
    while True:
        try:
            data = os.read(fd, portions.size)
        except BlockingIOError:  # whoever made the pipe may have made it so
            select.select([fd], [], [])
            continue
        if not data:
            break
        for portion, _ in portions.cut(data):
            core.ingest(stream, portion)
            yield
    core.end(stream)


def _is_terminal(fd: int) -> bool:
    """Whether it is a terminal, or closed: nothing is piped in either way."""
    try:
        os.fstat(fd)
    except OSError:
        return True
    return os.isatty(fd)
