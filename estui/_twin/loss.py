"""Sequence numbers: where a stream jumps, how many events it did not carry, and where another run begins."""

from __future__ import annotations

from typing import NamedTuple

MOST = 2**64 - 1
"""Counts of lost events stop here."""


class Jump(NamedTuple):
    """What the numbers of one event reveal."""

    new_run: bool
    gap_global: int
    gap_type: int
    row: bool
    """The gap gets a row of its own in the list."""


STEADY = Jump(False, 0, 0, False)


class Numbers:
    """`seq_num` and `global_seq_num` of one stream, as far as it was read."""

    def __init__(self) -> None:
        self._global: int | None = None
        self._by_type: dict[int, int] = {}
        self._unnamed = 0
        """Events of this run that a global gap lost and no gap of a type has named yet."""

    def see(self, event_id: int | None, seq_num: int | None, global_seq_num: int | None) -> Jump:
        """Take the numbers of the next event; `event_id` None where its type cannot be told from others.

        A fall of the global number begins a new run and forgets all; a fall of the type's number begins
        that type anew. A type's gap that earlier global gaps have shown already gets no row of its own.
        """
        new_run = False
        gap_global = gap_type = 0
        if global_seq_num is not None and global_seq_num >= 0:
            if self._global is not None:
                new_run = global_seq_num <= self._global
                gap_global = max(0, global_seq_num - self._global - 1)
            if new_run:
                self._by_type.clear()
                self._unnamed = 0
            self._global = global_seq_num
        if event_id is not None and seq_num is not None and seq_num >= 0:
            gap_type = max(0, seq_num - self._by_type.get(event_id, seq_num) - 1)
            self._by_type[event_id] = seq_num
        if not (new_run or gap_global or gap_type):
            return STEADY
        self._unnamed += gap_global
        row = gap_global > 0 or gap_type > self._unnamed
        self._unnamed = max(0, self._unnamed - gap_type)
        return Jump(new_run, gap_global, gap_type, row)


class Tally:
    """Events counted as lost, or as missing."""

    def __init__(self) -> None:
        self.all = 0
        self.by_type: dict[int, int] = {}

    def count(self, lost: int) -> None:
        """Count events of no known type."""
        self.all = min(MOST, self.all + lost)

    def add(self, event_id: int, jump: Jump) -> None:
        """Count one jump at an event of that type."""
        self.count(jump.gap_global)
        if jump.gap_type:
            self.by_type[event_id] = min(MOST, self.by_type.get(event_id, 0) + jump.gap_type)
