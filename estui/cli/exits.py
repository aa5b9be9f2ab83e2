"""How a command ends: exit codes, and the error that carries one. Scripts may rely on the numbers."""

from __future__ import annotations

import signal
import threading
from enum import IntEnum
from types import FrameType


class Exit(IntEnum):
    """The exit codes of every estui command."""

    OK = 0
    """Done. A reader that closed the pipe early is no failure."""
    FAILED = 1
    """It did not work: no event could be read, or the output could not be written."""
    USAGE = 2
    """The command line, a setting or a plan is wrong; nothing was read."""
    UNAVAILABLE = 3
    """A source is not there, or may not be used."""
    INTERRUPTED = 130
    """Ended by Ctrl-C."""


class CommandError(Exception):
    """A command cannot go on: one sentence, the remedy, and the exit code.

    Both texts may quote what the user or a file said; they are made printable where they are written.
    """

    def __init__(self, message: str, advice: str = "", code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.code = code


class Terminated(BaseException):
    """SIGTERM or SIGHUP came: everything is put away as it is after Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number
        """The exit code, as a shell names it."""


def end_by_signal() -> None:
    """Have SIGTERM and SIGHUP raise Terminated, unless they are ignored; commands with more to do replace it."""

    def end(number: int, _: FrameType | None) -> None:
        raise Terminated(number)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, end)
