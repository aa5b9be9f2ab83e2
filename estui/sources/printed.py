"""What a command printed: the end of it, kept while the screen is open."""

from __future__ import annotations

import os
import threading

from estui.text import printable

KEPT = 1 << 20
"""Bytes kept."""
_CHUNK = 1 << 16


class Printed:
    """A bounded piece of output; see `source.Output`. Written by one thread, read by any."""

    def __init__(self, kept: int = KEPT) -> None:
        self.version = 0
        self._kept = kept
        self._lock = threading.Lock()
        self._bytes = bytearray()

    def put(self, data: bytes) -> None:
        """Add to it; the oldest goes when there is too much."""
        with self._lock:
            self._bytes += data
            if len(self._bytes) > 2 * self._kept:
                del self._bytes[: -self._kept]
            self.version += 1

    def read(self, fd: int) -> None:
        """Take in all that comes through a descriptor, until its end."""
        while data := os.read(fd, _CHUNK):
            self.put(data)

    def tail(self, lines: int) -> list[str]:
        """The last lines, at most so many, printable.

        A line is what a terminal would be left with: of what a carriage return has overwritten nothing is shown.
        """
        with self._lock:
            data = bytes(self._bytes[-self._kept :])
        if not data or lines <= 0:
            return []
        texts = data.removesuffix(b"\n").rsplit(b"\n", lines)[-lines:]
        return [_shown(text) for text in texts]


def _shown(text: bytes) -> str:
    last = text.rstrip(b"\r").rpartition(b"\r")[2]
    return printable(last.decode("utf-8", "surrogateescape").expandtabs())
