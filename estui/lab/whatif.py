"""What a plan would do to the events held, next to another: worked out whole before anything is applied."""

from __future__ import annotations

from typing import NamedTuple

from estui.core import Core
from estui.plan import Plan
from estui.record import Change, Changed, Process, Volume

TOP = 50
"""Processes, executables and directories that are listed, unless more are asked for."""
HIDDEN, DELIVERED = "hidden", "delivered"
"""The kinds of change, for Preview.changes()."""


class Rate(NamedTuple):
    """What comes of a stream in a while."""

    events_per_second: float
    bytes_per_hour: float


class Preview:
    """Two plans over one ring, frozen as it was: nothing here changes when events come or go.

    Groups are in order: most changes first, then most events. Names are as the events have them: escape what is shown.
    Making one takes the core a few milliseconds per hundred thousand events; made for a worker thread.
    """

    def __init__(self, core: Core, now: Plan, then: Plan, *, top: int = TOP) -> None:
        self.now, self.then = now, then
        self._comparison = core.compare(now.rules(), then.rules(), top)
        counts = self._comparison.counts
        self.total: Change = counts.total
        """All events held."""
        self.by_stage = counts.by_stage
        """Events by the stage that suppresses them then; the first are delivered."""
        self.by_event: dict[str, Change] = counts.by_event
        """Every type that is held."""
        self.by_process: dict[Process | None, Change] = counts.by_process
        """None: events that do not tell."""
        self.by_executable: dict[str | None, Change] = counts.by_executable
        self.by_directory: dict[str, Change] = counts.by_directory
        """By directory of a target, with the slash at its end; an event counts once in each."""
        self.programs: dict[Process | None, str | None] = counts.programs
        """The executable that each of `by_process` had last."""
        _, self.processes, self.executables, self.directories = counts.found
        """How many there are, listed or not."""
        first, last = counts.first_ns, counts.last_ns
        self.seconds = None if first is None or last is None or first == last else (last - first) / 10**9
        """From the earliest event held to the latest; None where that tells no rate."""

    @property
    def events(self) -> int:
        """Events held."""
        return self.total.held.events

    @property
    def delivered(self) -> int:
        """Events delivered then."""
        return self.total.then.events

    @property
    def suppressed(self) -> int:
        """Events suppressed then."""
        return self.events - self.delivered

    @property
    def newly_hidden(self) -> int:
        """Events delivered now, and not then."""
        return self.total.newly_hidden.events

    @property
    def newly_delivered(self) -> int:
        """Events delivered then, and not now."""
        return self.total.newly_delivered.events

    def rate(self, volume: Volume) -> Rate | None:
        """What a volume of these events is over time; None where their times tell no rate."""
        if self.seconds is None:
            return None
        return Rate(volume.events / self.seconds, volume.bytes * 3600 / self.seconds)

    def changes(self, start: int = 0, limit: int = TOP, kind: str = "") -> list[Changed]:
        """The events that change, oldest first, from the start-th on; of one kind only where it is given.

        There are newly_hidden and newly_delivered of them, while some may have left the ring since.
        """
        return self._comparison.changes(start, limit, kind)
