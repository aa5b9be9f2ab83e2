"""One stream: where its lines begin and end, and its own numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from estui._twin.loss import Numbers
from estui.record import KEPT_OF_LONG


class Line(NamedTuple):
    """One line without its newline."""

    text: bytes
    """Its bytes; only the first of one that is longer than may be."""
    size: int
    """Its true length."""
    offset: int
    """Its place in the file."""


class Stream:
    """The state of one stream between two pieces of its bytes."""

    def __init__(self, number: int, owned: bool, fd: int, limit: int) -> None:
        self.number = number
        self.started = owned
        """estui started it."""
        self.owned = owned
        """That, or it is the whole of a recording."""
        self.fd = fd
        """The file the lines are read back from, or -1 where they are kept."""
        self._numbers: dict[int | None, Numbers] = {}
        """By shard."""
        self.lines = 0
        self.position = 0
        """File offset of the next byte."""
        self.stopped = False
        self.wake = -1
        """Writing here wakes the run() that reads this stream; -1 while there is none."""
        self._limit = limit
        self._kept = bytearray()
        self._size = 0

    def numbers(self, shard: int | None) -> Numbers:
        """The numbers that an event of this shard, or of none, carries on."""
        return self._numbers.setdefault(shard, Numbers())

    def begin_anew(self, shard: int | None) -> None:
        """Forget the numbers of one shard, or all there are."""
        if shard is None:
            self._numbers.clear()
        else:
            self._numbers.pop(shard, None)

    def split(self, data: bytes) -> Iterator[Line]:
        """Take the next bytes; yield each line that ends in them. No line is kept beyond the limit."""
        *whole, rest = data.split(b"\n")
        for piece in whole:
            if self._size or len(piece) > self._limit:
                self._keep(piece)
                yield self.unfinished()
            else:
                yield Line(piece, len(piece), self.position)
                self.position += len(piece)
            self.position += 1
        self._keep(rest)

    def unfinished(self) -> Line:
        """Hand over the line begun, which may be empty, and begin another."""
        line = Line(bytes(self._kept), self._size, self.position - self._size)
        self._kept.clear()
        self._size = 0
        return line

    def _keep(self, piece: bytes) -> None:
        self._kept += piece
        self._size += len(piece)
        self.position += len(piece)
        if self._size > self._limit:
            del self._kept[KEPT_OF_LONG:]
