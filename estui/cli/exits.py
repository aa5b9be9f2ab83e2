"""How a command ends: exit codes, and the error that carries one. Scripts may rely on the numbers."""

from __future__ import annotations

from enum import IntEnum


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
