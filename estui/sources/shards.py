"""Several children as one stream: the event types are split among them, their lines merged by time."""

from __future__ import annotations

import os
import re
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from estui.core import Core
from estui.sources.source import Portions
from estui.sources.timeline import recorded_ns

MOST = 16
"""Most shards that may be asked for: each is an Endpoint Security client, of which a Mac has not many to give."""
AUTO = 4
"""Most shards that are made unasked."""
WAIT = 0.2
"""Seconds a line waits for an earlier one of a shard that sends none. Only seconds count in which no shard sent
anything: while we are too slow for them, each has more to say, and nothing would be gained by disorder."""
FULL = 8 << 20
"""Bytes of one shard that may wait; it is not read on before some have gone."""
LONGEST = 16 << 20
"""Bytes of a line; what is longer is cut off, so that its JSON is broken and it counts as a bad line."""

HEAVY = 5
WEIGHTS = {
    # A call for each component of each path: what a Mac sends most of.
    "lookup": 20,
    "stat": 15,
    "access": 8,
    # A pair for each file that is read, libraries included.
    "open": 15,
    "close": 15,
    "mmap": 10,
    # As often as programs ask the file system about what they have open, list or write to it.
    "readdir": 6,
    "fcntl": 8,
    "getattrlist": 8,
    "getextattr": 6,
    "listextattr": 5,
    "fsgetpath": 5,
    "write": 8,
    "mprotect": 5,
    "proc_check": 5,
    "readlink": 5,
    # Less often, but more than the rest, which counts 1.
    "setattrlist": 2,
    "create": 2,
    "unlink": 2,
    "rename": 2,
    "truncate": 2,
    "signal": 2,
    "uipc_connect": 2,
    "iokit_open": 2,
}
"""How many events of a type to expect, beside others. Guessed from what the calls are made for, and from the one
published storm of a real Mac (write, mmap, mprotect and signal were what its owner had to leave out): no counts by
type have been published. From HEAVY on, a type is kept away from the light ones."""
TOGETHER = frozenset(("fork", "exec", "exit"))
"""One after the other they tell how processes came about: one child sends them, so that their order is certain."""

_READ = 1 << 16
"""Bytes read at once: as much as a pipe holds."""
_NAP = 0.0002
"""Seconds without reading after a small read; see native/es_stream.c for why not more."""
_PRESSED = 0.005
"""Seconds in which the others may still send something once a shard is full."""
_OPEN = re.compile(rb"[ \t\r]*\{([ \t\r]*\})?")


def count(types: Collection[str], cores: int | None = None) -> int:
    """How many shards are best for these types: one, unless more than one heavy type is among them.

    Args:
        types: the event types asked for.
        cores: those of the machine they come from; None where that is not known.
    """
    heavy = [name for name in types if WEIGHTS.get(name, 1) >= HEAVY]
    if len(heavy) < 2:
        return 1
    return min(AUTO, len(heavy) + (len(heavy) < len(types)), cores or AUTO)


def split(types: Collection[str], shards: int) -> list[frozenset[str]]:
    """Share event types among so many shards, or fewer where there are fewer types.

    Heavy types are apart from light ones as far as there are shards for that: fork, exec and exit must not wait, or be
    lost, behind a storm of lookups.
    """
    together = TOGETHER & frozenset(types)
    light = [frozenset((name,)) for name in types if WEIGHTS.get(name, 1) < HEAVY and name not in together]
    heavy = [frozenset((name,)) for name in types if WEIGHTS.get(name, 1) >= HEAVY]
    if together:
        light.append(together)
    if shards < 2 or len(light) + len(heavy) < 2:
        return [frozenset(types)]
    for_heavy = min(len(heavy), shards - bool(light))
    return _packed(light, shards - for_heavy) + _packed(heavy, for_heavy)


def _packed(units: Sequence[frozenset[str]], places: int) -> list[frozenset[str]]:
    """The heaviest first, each where the least is so far."""
    loads = [(0, place, frozenset[str]()) for place in range(min(places, len(units)))]
    for unit in sorted(units, key=lambda unit: (-_weight(unit), sorted(unit))):
        load, place, types = min(loads, key=lambda entry: entry[:2])
        loads[place] = (load + _weight(unit), place, types | unit)
    return [types for _, _, types in loads]


def _weight(types: frozenset[str]) -> int:
    return sum(WEIGHTS.get(name, 1) for name in types)


class _Piece(NamedTuple):
    """Lines of one shard that came at once."""

    arrived: float
    """In seconds of waiting."""
    times: list[int]
    lines: list[bytes]
    """With the shard's number in them, and without a newline."""
    size: int
    """Bytes of the lines."""
    cut: bool
    """The only line has no end: the shard died in it."""


class _Shard:
    """What one descriptor has sent and has not been handed on."""

    def __init__(self, number: int, fd: int, longest: int) -> None:
        self.number, self.fd = number, fd
        self.pieces: deque[_Piece] = deque()
        self.at = 0
        """Lines of the first piece that have been handed on."""
        self.time = 0
        """When the next line was recorded, if there is one."""
        self.held = 0
        """Bytes of its pieces."""
        self.over: float | None = None
        """When it ended, in seconds of waiting."""
        self.told = False
        """Whether that has been said."""
        self._member = b'"estui_shard":%d' % number
        self._longest = longest
        self._rest = bytearray()
        """The beginning of a line."""
        self._ns = 0

    def read(self, now: float) -> int:
        """Take what can be read. Returns how many bytes that was. Raises OSError."""
        data = os.read(self.fd, _READ)
        if not data:
            self.over = now
            if self._rest:
                self._put([self._numbered(bytes(self._rest))], now, cut=True)
                self._rest.clear()
            return 0
        end = data.rfind(b"\n")
        if end < 0:
            self._keep(data)
            return len(data)
        first = data.find(b"\n") if self._rest else -1
        lines = []
        if first >= 0:
            self._keep(data[:first])
            lines.append(self._numbered(bytes(self._rest)))
            self._rest.clear()
        if first < end:
            begin = b"{" + self._member + b","
            lines += [
                begin + line[1:] if line[:2] == b'{"' else self._numbered(line)
                for line in data[first + 1 : end].split(b"\n")
            ]
        self._put(lines, now)
        self._keep(data[end + 1 :])
        return len(data)

    def take(self, before: int | None) -> list[bytes]:
        """Its first lines: the first piece's as far as none is later than `before`, but one at least."""
        piece = self.pieces[0]
        times, lines, start = piece.times, piece.lines, self.at
        end = start + 1
        if before is None:
            end = len(lines)
        else:
            while end < len(lines) and times[end] <= before:
                end += 1
        if end < len(lines):
            self.at, self.time = end, times[end]
        else:
            self.at = 0
            self.held -= piece.size
            self.pieces.popleft()
            if self.pieces:
                self.time = self.pieces[0].times[0]
        return lines[start:end]

    def _keep(self, data: bytes) -> None:
        self._rest += data
        del self._rest[self._longest :]

    def _numbered(self, line: bytes) -> bytes:
        """The line with the shard's number in it, if it is a JSON object as far as that can be seen."""
        begin = _OPEN.match(line)
        if not begin:
            return line
        comma = b"" if begin[1] else b","
        brace = begin.end() - len(begin[1] or b"")
        return line[:brace] + self._member + comma + line[brace:]

    def _put(self, lines: list[bytes], now: float, *, cut: bool = False) -> None:
        times = []
        for line in lines:
            # Without a time it keeps its place behind the line ahead of it.
            ns = recorded_ns(line)
            if ns is not None:
                self._ns = ns
            times.append(self._ns)
        if not self.pieces:
            self.time = times[0]
        size = sum(map(len, lines))
        self.pieces.append(_Piece(now, times, lines, size, cut))
        self.held += size


class Shards:
    """The lines of several descriptors, merged by their time into one stream of a core.

    A line goes on as soon as every shard has sent a later one, or after WAIT; so a quiet shard holds nothing back for
    long. Each shard's lines keep their order, whatever their times.

    Args:
        core: where the lines go.
        stream: its stream for all of them.
        fds: what to read from, one descriptor per shard.
        ended: told the number of a shard that has ended while others go on.
    """

    def __init__(
        self, core: Core, stream: int, fds: Sequence[int], ended: Callable[[int], None] = lambda shard: None
    ) -> None:
        self._core, self._stream, self._ended = core, stream, ended
        self._portions = Portions(core)
        # Longer than the core itself takes, so that it is the core that says so where it can.
        longest = min(LONGEST, core.counters().budget // 2 + 1)
        self._shards = [_Shard(number, fd, longest) for number, fd in enumerate(fds)]
        self._lines: list[bytes] = []
        """Those on their way to the core."""
        self._size = 0
        self._lock = threading.Lock()
        self._wake: tuple[int, int] | None = None
        """A pipe that ends the waiting."""
        self._stopped = False
        self._waited = 0.0
        """Seconds of waiting so far: the clock of all this."""

    def chunks(self) -> Iterator[None]:
        """Read all of them to their ends. Raises OSError."""
        with self._lock:
            self._wake = os.pipe()
        try:
            while not self._stopped and any(shard.over is None for shard in self._shards):
                pressed = not self._read() and any(shard.held >= FULL for shard in self._shards)
                yield from self._release(pressed)
                self._tell()
            self._stopped = True
            yield from self._release(pressed=False)
        finally:
            with self._lock:
                for fd in self._wake:
                    os.close(fd)
                self._wake = None

    def stop(self) -> None:
        """Let chunks() end; any thread may call it, any number of times."""
        with self._lock:
            self._stopped = True
            if self._wake:
                os.write(self._wake[1], b"\n")

    def _read(self) -> bool:
        """Wait for more, within bounds, and take it. Returns whether there was any."""
        assert self._wake
        poll = select.poll()
        poll.register(self._wake[0], select.POLLIN)
        ready = {}
        for shard in self._shards:
            if shard.over is None and shard.held < FULL:
                poll.register(shard.fd, select.POLLIN)
                ready[shard.fd] = shard
        seconds = self._patience()
        begin = time.monotonic()
        events = poll.poll(None if seconds is None else max(0, seconds) * 1000 + 0.5)
        self._waited += time.monotonic() - begin
        taken = sum(ready[fd].read(self._waited) for fd, _ in events if fd in ready)
        if 0 < taken < 4096:
            time.sleep(_NAP)
            self._waited += _NAP
        return bool(events)

    def _patience(self) -> float | None:
        """Seconds until there is something to do even if nothing is sent; None for never."""
        if any(shard.held >= FULL for shard in self._shards):
            return _PRESSED
        begins = [shard.pieces[0].arrived for shard in self._shards if shard.pieces]
        begins += [shard.over for shard in self._shards if shard.over is not None and not shard.told]
        return min(begins) + WAIT - self._waited if begins else None

    def _release(self, pressed: bool) -> Iterator[None]:
        """Hand on what needs to wait no more, by time."""
        while True:
            first: _Shard | None = None
            before: int | None = None  # when the next line of the others was recorded
            starved = False  # a line may still come that is earlier than all those that are here
            for shard in self._shards:
                if not shard.pieces:
                    starved |= shard.over is None
                elif first is None or shard.time < first.time:
                    first, before = shard, None if first is None else first.time
                elif before is None or shard.time < before:
                    before = shard.time
            if first is None or (starved and not self._late(pressed)):
                break
            cut = first.pieces[0].cut
            lines = first.take(before)
            if cut:
                yield from self._flush()
                self._core.ingest(self._stream, lines[0])
                self._core.end(self._stream)
                yield
            else:
                size = sum(map(len, lines))
                if self._lines and self._size + size > self._portions.size:
                    yield from self._flush()
                self._lines += lines
                self._size += size
        yield from self._flush()

    def _late(self, pressed: bool) -> bool:
        """Whether what is here must wait no longer for what may come."""
        if self._stopped:
            return True
        latest = self._waited - WAIT
        return any(
            shard.pieces[0].arrived <= latest or (pressed and shard.held > FULL // 2)
            for shard in self._shards
            if shard.pieces
        )

    def _flush(self) -> Iterator[None]:
        if not self._lines:
            return
        self._lines.append(b"")
        data = b"\n".join(self._lines)
        self._lines, self._size = [], 0
        for portion, _ in self._portions.cut(data):
            self._core.ingest(self._stream, portion)
            yield

    def _tell(self) -> None:
        """Say which have ended, unless they all did."""
        if self._stopped or all(shard.over is not None for shard in self._shards):
            return
        for shard in self._shards:
            if shard.over is None or shard.told or shard.pieces:
                continue
            if shard.over + WAIT <= self._waited:
                shard.told = True
                self._ended(shard.number)
