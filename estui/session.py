"""One investigation: a core, estui's client over it, the source that feeds it, and what I am looking at.

The screen asks a Session; nothing here knows the screen.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from bisect import bisect_left, bisect_right, insort
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from estui.client import Client
from estui.message import loads
from estui.query import View, raw_lines
from estui.record import KIND_EVENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from estui.core import Core
    from estui.record import Counters, ViewSpec
    from estui.recording import Recording
    from estui.sources.source import Source

RATE_SECONDS = 1.0
"""How often rates are taken."""
HISTORY = 60
"""Rates kept for the sparkline."""
PLACES = 100
"""Places kept to go back to."""
LOOKED_AT = 64
"""Rows looked at between two ticks for the first event."""


class Written(NamedTuple):
    """What `Session.write` did."""

    lines: int
    gone: int
    """Lines in view that the ring, or the file they were indexed in, no longer had."""
    bytes: int


class Rates:
    """Counts, losses and events per second, taken once a second: they cost more than the counters do.

    The rates are by the clock of this machine. Of a recording that is read whole they are those of the recording:
    events divided by the time it covers.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._last_at: float | None = None
        self._then: dict[str, int] = {}
        """Events by type when rates were taken last."""
        self._state: tuple[int, int] | None = None
        self.counts: dict[str, int] = {}
        """Events by type, over the stream."""
        self.losses = core.losses()
        self.total = 0.0
        self.by_event: dict[str, float] = {}
        self.history: deque[float] = deque([0.0] * HISTORY, maxlen=HISTORY)

    def sample(self, now: float, *, recorded: bool, at_once: bool = False) -> bool:
        """Takes the figures, if it is time to or `at_once`. True if any of them may have changed."""
        counters = self._core.counters()
        due = self._last_at is None or now - self._last_at >= RATE_SECONDS
        if not due and not at_once and (self.counts or not counters.events):
            return False
        moved = (counters.head, counters.events) != self._state
        if moved:
            self._state = counters.head, counters.events
            self.counts = {count.event: count.total for count in self._core.events()}
            self.losses = self._core.losses()
        if recorded:
            self._of_recording(counters)
        if due:
            span = RATE_SECONDS if self._last_at is None else now - self._last_at
            self._last_at = now
            return self._of_clock(span, recorded=recorded) or moved
        return moved

    def _of_clock(self, span: float, *, recorded: bool) -> bool:
        """Takes the rates of the last `span` seconds; False if there is nothing in them, nor in those before."""
        then, self._then = self._then, self.counts
        rates = {name: (total - then.get(name, 0)) / span for name, total in self.counts.items()}
        total = sum(rates.values())
        if recorded or not (total or any(self.history)):
            return False
        self.history.append(total)
        self.total, self.by_event = total, rates
        return True

    def _of_recording(self, counters: Counters) -> None:
        begin, end = counters.first_ns, counters.last_ns
        seconds = 0.0 if begin is None or end is None else (end - begin) / 1e9
        self.total = counters.events / seconds if seconds > 0 else 0.0
        self.by_event = {name: n / seconds for name, n in self.counts.items()} if seconds > 0 else {}


class Marks:
    """Rows I marked, by seq."""

    def __init__(self) -> None:
        self._seqs: list[int] = []

    def __len__(self) -> int:
        return len(self._seqs)

    def __contains__(self, seq: int) -> bool:
        place = bisect_left(self._seqs, seq)
        return place < len(self._seqs) and self._seqs[place] == seq

    def toggle(self, seq: int) -> bool:
        """Sets or takes away the mark of a row; True if it is marked now."""
        place = bisect_left(self._seqs, seq)
        if place < len(self._seqs) and self._seqs[place] == seq:
            del self._seqs[place]
            return False
        insort(self._seqs, seq)
        return True

    def next(self, seq: int, step: int) -> int | None:
        """The nearest mark after (step 1) or before (step -1) a row."""
        place = bisect_right(self._seqs, seq) if step > 0 else bisect_left(self._seqs, seq) - 1
        return self._seqs[place] if 0 <= place < len(self._seqs) else None

    def drop_before(self, tail: int) -> None:
        """Forgets the marks of rows that were evicted."""
        del self._seqs[: bisect_left(self._seqs, tail)]


class Places:
    """Where I have been, by seq: back and forward, as in a browser."""

    def __init__(self) -> None:
        self._back: list[int] = []
        self._forward: list[int] = []

    def leave(self, seq: int) -> None:
        """Remembers a row before a jump away from it."""
        if seq >= 0 and (not self._back or self._back[-1] != seq):
            self._back.append(seq)
            del self._back[:-PLACES]
        self._forward.clear()

    def back(self, seq: int) -> int | None:
        """The place before this one; None at the beginning."""
        return self._move(self._back, self._forward, seq)

    def forward(self, seq: int) -> int | None:
        """The place I came back from; None where there is none."""
        return self._move(self._forward, self._back, seq)

    @staticmethod
    def _move(out: list[int], into: list[int], seq: int) -> int | None:
        if not out:
            return None
        into.append(seq)
        return out.pop()


class Session:
    """A core, a client, a source and a view, and the acts that need more than one of them."""

    def __init__(
        self,
        core: Core,
        source: Source | None = None,
        client: Client | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        """Seconds, for rates; a test gives its own."""
        self.core = core
        self.source = source
        self.client = Client(core) if client is None else client
        self.view = View(core)
        self.marks = Marks()
        self.places = Places()
        self.rates = Rates(core)
        self.recording: Recording | None = None
        """What is being recorded; None while nothing is."""
        self.left_recording: Recording | None = None
        """The recording that close() ended, for the last words."""
        self._recording_lock = threading.Lock()
        self._started = False
        self._status = ""
        self._origin: str | None = None
        """What the first event says; None before there was one."""
        self._origin_seq = 0
        """Rows before this one are no events."""

    def start(self) -> None:
        """Starts the source, once."""
        if self.source is not None and not self._started:
            self._started = True
            self.source.start(self.core)

    def close(self) -> None:
        """Stops the source and waits a moment for it; a recording takes in the rest, and is whole then.

        The core stays readable until it is closed itself. Call it any number of times.
        """
        if self.source is not None and self._started:
            self.source.stop()
            self.source.wait(2.0)
        self.left_recording = self.stop_recording() or self.left_recording

    def record(self, path: Path) -> None:
        """Writes what is held and all that comes to a file, in a thread of its own, until stop_recording().

        Raises RecordingError where the file is there already, or cannot be written.
        """
        from estui.recording import Recording  # noqa: PLC0415 (few investigations record)

        self.stop_recording()
        source = self.source
        title = "" if source is None else source.title
        recording = Recording(self.core, path, source_title=title, start=self.core.counters().tail)
        recording.start()
        self.recording = recording

    def stop_recording(self) -> Recording | None:
        """Ends the recording, if there is one, with all that has come; what it came to is in its figures."""
        with self._recording_lock:
            recording, self.recording = self.recording, None
            if recording is not None:
                from estui.recording import RecordingError  # noqa: PLC0415 (likewise)

                with contextlib.suppress(RecordingError):  # its `error` says so
                    recording.close()
        return recording

    def tick(self) -> bool:
        """Takes in what has come since the last tick. True if figures were taken that are worth drawing."""
        self.view.refresh()
        self.marks.drop_before(self.core.counters().tail)
        status = "" if self.source is None else self.source.state.status
        changed, self._status = status != self._status, status
        sampled = self.rates.sample(self.clock(), recorded=self.recorded, at_once=changed)
        if sampled:
            self.client.tick()
        return sampled

    @property
    def recorded(self) -> bool:
        """The source is a recording read as fast as it can be, so its rates are those of the recording."""
        return self.source is not None and self.source.kind == "file" and not self.source.live

    @property
    def origin(self) -> str:
        """The system whose own events these are, in ES words; empty where they are ES's, or none came yet.

        A source knows that of itself, except for recordings and streams: of those the first event tells.
        """
        if self.source is not None and self.source.origin:
            return self.source.origin
        if self._origin is None:
            self._look_for_origin()
        return self._origin or ""

    def _look_for_origin(self) -> None:
        counters = self.core.counters()
        begin = max(self._origin_seq, counters.tail)
        for seq in range(begin, min(begin + LOOKED_AT, counters.head)):
            self._origin_seq = seq + 1
            row = self.core.row(seq)
            raw = self.core.raw(seq) if row is not None and row.kind == KIND_EVENT else None
            if raw is not None:
                with contextlib.suppress(ValueError):
                    origin = loads(raw).get("estui_origin")
                    self._origin = origin if isinstance(origin, str) else ""
                return

    def restart_source(self) -> None:
        """Starts the source again, asking it for the types subscribed to now.

        Raises SourceError where the source cannot be started.
        """
        if self.source is None:
            return
        self._started = True
        self.source.restart(self.wanted() if self.source.can_resubscribe else None)

    def wanted(self) -> frozenset[str] | None:
        """The types subscribed to; None for every type."""
        return self.client.rules().subscribe

    def unsent(self) -> frozenset[str]:
        """Types subscribed to that the source does not send."""
        if self.source is None or self.source.sends is None:
            return frozenset()
        sends = self.source.sends
        return frozenset(
            name for name in self.client.names() if name not in sends and self.client.subscribed(name)
        )

    def write(
        self,
        path: Path,
        spec: ViewSpec,
        upto: int,
        *,
        progress: Callable[[int], None] = lambda lines: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Written | None:
        """Writes the raw lines of the events in a view to a file, which appears only when it is whole.

        Runs in a worker thread. `progress` is called now and then with the lines written so far; None is returned, and
        nothing left behind, when `stopped` says so. Raises OSError.
        """
        return write_lines(path, raw_lines(self.core, spec, upto), progress=progress, stopped=stopped)


def write_lines(
    path: Path,
    lines: Iterable[bytes | None],
    *,
    progress: Callable[[int], None] = lambda lines: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Written | None:
    """Streams lines to a temporary file beside `path`, then puts it in its place. See `Session.write`."""
    done = gone = size = 0
    fd, name = tempfile.mkstemp(prefix=".estui-", dir=path.parent)
    try:
        with os.fdopen(fd, "wb", buffering=1 << 20) as out:
            for line in lines:
                if line is None:
                    gone += 1
                    continue
                size += out.write(line) + out.write(b"\n")
                done += 1
                if not done % 4096:
                    progress(done)
                    if stopped():
                        return None
            out.flush()
            os.fsync(out.fileno())
        Path(name).replace(path)
        name = ""
    finally:
        if name:
            with contextlib.suppress(OSError):
                Path(name).unlink()
    return Written(done, gone, size)
