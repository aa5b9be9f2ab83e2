"""Lines let through at the pace of their recorded times, and held, hastened or stepped by hand."""

from __future__ import annotations

import math
import threading
from abc import abstractmethod
from collections.abc import Iterator
from time import monotonic_ns

from estui.core import Core
from estui.sources.source import Source, SourceState
from estui.sources.timeline import Batch

SECOND = 10**9
_LONGEST_WAIT = 3600.0
"""Seconds; a thread cannot be told to wait for a century."""
_WORTH_SAYING = 3 * SECOND
"""A wait this long, in real time, is explained."""
REST = 1.0
"""Seconds between two passes: a recording of a single line must not spin."""


class Pacer:
    """Says when a line is due. One thread asks; any thread may steer.

    It runs a clock of its own over the recorded times, whose gaps add up: steps back count as nothing, and
    none as more than `idle` seconds. A speed of None lets everything through that is not held.
    """

    def __init__(self, speed: float | None, idle: float | None = None) -> None:
        self._turn = threading.Condition()
        self._speed = speed
        self._idle = math.inf if idle is None else int(idle * SECOND)
        self._paused = False
        self._stopped = False
        self._steps = 0
        self._last = 0
        """Recorded time of the newest line; 0 before the first."""
        self._due = 0
        """Where that line stands on the clock."""
        self._base, self._since = 0, monotonic_ns()
        """The clock showed `_base` at `_since`."""

    @property
    def paused(self) -> bool:
        return self._paused

    @property
    def speed(self) -> float | None:
        return self._speed

    @speed.setter
    def speed(self, factor: float) -> None:
        with self._turn:
            self._rebase()
            self._speed = factor
            self._turn.notify_all()

    def due(self, ns: int) -> bool:
        """Whether the next line, recorded at `ns` (0: unknown), may go now. If not, ask wait()."""
        with self._turn:
            if ns > self._last:
                if self._last:
                    self._due += int(min(ns - self._last, self._idle))
                else:
                    self._base, self._since = self._due, monotonic_ns()
                self._last = ns
            return self._may_go()

    def wait(self) -> bool:
        """Wait until the line that was not due may go. Returns False when stopped."""
        with self._turn:
            while not self._stopped:
                if self._may_go():
                    return True
                self._turn.wait(None if self._paused else min(self._left() / SECOND, _LONGEST_WAIT))
            return False

    def left(self) -> int:
        """Nanoseconds of real time until the next line is due; 0 while paused."""
        with self._turn:
            return 0 if self._paused else max(0, self._left())

    def again(self) -> None:
        """The next line is the first of another pass, and due at once."""
        with self._turn:
            self._last = 0

    def stop(self) -> None:
        with self._turn:
            self._stopped = True
            self._turn.notify_all()

    def pause(self, on: bool | None) -> bool:
        """Hold everything, or let it go on from there; None for the other. Returns whether it holds."""
        with self._turn:
            self._rebase()
            self._paused = not self._paused if on is None else on
            self._steps = 0
            self._turn.notify_all()
            return self._paused

    def step(self, lines: int) -> None:
        """Let so many lines through, then hold."""
        with self._turn:
            self._rebase()
            self._paused = True
            self._steps += lines
            self._turn.notify_all()

    def _clock(self) -> int:
        if self._paused:
            return self._base
        return self._base + int((monotonic_ns() - self._since) * (self._speed or 1))

    def _rebase(self) -> None:
        self._base, self._since = self._clock(), monotonic_ns()

    def _left(self) -> int:
        return math.ceil((self._due - self._clock()) / self._speed) if self._speed else 0

    def _may_go(self) -> bool:
        if self._paused:
            if not self._steps:
                return False
            self._steps -= 1
            self._base = max(self._base, self._due)
            return True
        return self._left() <= 0


class PacedSource(Source):
    """A source whose lines are all there already, and are let through at a pace."""

    controls = frozenset(("pause", "speed", "step"))

    def __init__(self, title: str, speed: float | None, idle: float | None, loop: bool) -> None:
        super().__init__(title)
        self._pacer = Pacer(speed, idle)
        self._loop = loop

    @property
    def state(self) -> SourceState:
        state = self._state
        if state.status != "running":
            return state
        if self._pacer.paused:
            return state._replace(status="paused")
        if (left := self._pacer.left()) >= _WORTH_SAYING:
            return state._replace(
                reason=f"the next event comes in {left // SECOND:,} s",
                advice="Step to it, play faster, or cap such pauses: --idle 5",
            )
        return state

    @property
    def speed(self) -> float | None:  # type: ignore[override]
        return self._pacer.speed

    def control(self, command: str, value: float | None = None) -> str:
        if command not in self.controls:
            return super().control(command, value)
        match command:
            case "pause":
                return "paused" if self._pacer.pause(None if value is None else bool(value)) else "going on"
            case "speed":
                factor = check_speed(value)
                self._pacer.speed = factor
                return f"speed {factor:g}x"
            case "step":
                lines = 1 if value is None else int(value)
                if lines < 1:
                    raise ValueError("a step lets one line through, or more")
                self._pacer.step(lines)
                return "one line on" if lines == 1 else f"{lines} lines on"
        self._loop = not self._loop if value is None else bool(value)
        return "begins again at its end" if self._loop else "ends at its end"

    @abstractmethod
    def _pass(self, core: Core) -> Iterator[tuple[int, int, int, bytes]]:
        """The lines of the next pass: recorded time, stream, file offset, bytes.

        Raises SourceError or OSError after all that could be read.
        """

    def _chunks(self, core: Core) -> Iterator[None]:
        number = 1
        while True:
            lines = 0
            batch = Batch(core)
            for ns, stream, offset, data in self._pass(core):
                if not self._pacer.due(ns):
                    if batch:
                        batch.flush()
                        yield
                    if not self._pacer.wait():
                        return
                lines += 1
                if batch.add(stream, offset, data):
                    batch.flush()
                    yield
            batch.flush()
            yield
            if not (self._loop and lines) or self._halt.wait(REST):
                return
            number += 1
            core.mark(f"{self.title}: pass {number} begins")
            self._pacer.again()

    def _interrupt(self) -> None:
        self._pacer.stop()


def check_speed(value: float | None) -> float:
    """Raises ValueError for a speed that makes no sense."""
    if value is None or not (math.isfinite(value) and value > 0):
        raise ValueError("a speed is a factor above 0, such as 4")
    return value
