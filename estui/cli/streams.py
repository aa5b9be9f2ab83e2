"""stdout is data and stderr is words: the two ways text leaves a headless command."""

from __future__ import annotations

import errno
import os
import sys
from typing import TextIO

from estui.cli.exits import CommandError
from estui.text import printable

LONGEST_WORDS = 1000
"""Characters of one line on stderr; a hostile file name must not flood the terminal."""


class OutputClosedError(Exception):
    """Whoever read stdout has seen enough."""


def prepare() -> None:
    """Make both streams take any character, whatever the locale can encode."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def utf8() -> None:
    """Make stdout UTF-8 whatever the locale says: what follows is a file's text, and no other encoding will do."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")


def write(text: str) -> None:
    """Write data and hand it on at once, so that a pipe's reader sees each batch as it comes.

    Raises:
        OutputClosedError: the reader is gone.
        CommandError: stdout cannot be written.
    """
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        _abandon(sys.stdout)
        if error.errno in (errno.EPIPE, errno.ECONNRESET, errno.ESHUTDOWN):
            raise OutputClosedError from None
        raise CommandError(f"the output cannot be written: {error.strerror}") from None


def say(words: str) -> None:
    """Write one line to stderr, printable and of bounded length; a closed stderr is no reason to stop."""
    line = printable(words)
    if len(line) > LONGEST_WORDS:
        line = line[: LONGEST_WORDS - 1] + "…"
    if sys.stderr is None:
        return
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        _abandon(sys.stderr)


def terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def _abandon(stream: TextIO) -> None:
    """Point a stream that cannot be written to nowhere, or Python complains about it once more as it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)
