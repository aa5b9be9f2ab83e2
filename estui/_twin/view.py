"""Views: the rows that filters leave; and finding text in rows."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from estui._twin.judge import DELIVERED
from estui._twin.row import At, Record, encoded
from estui.record import KIND_BAD, KIND_EVENT, ViewSpec

if TYPE_CHECKING:
    from estui._twin.core import TwinCore

_COMPARE: dict[str, Callable[[Record, Any], bool]] = {
    "event": lambda record, value: record[At.EVENT] == value,
    "process": lambda record, value: record[At.PID] == value[0] and value[1] in (None, record[At.PIDVERSION]),
    "executable": lambda record, value: record[At.EXECUTABLE] == value,
    "target": lambda record, value: value in record[At.TARGETS],
}


class TwinView:
    """The seqs of the rows a ViewSpec shows, in order. One thread uses a view."""

    def __init__(self, core: TwinCore, spec: ViewSpec) -> None:
        self._core = core
        self._next: int
        self._generation: int
        self.set(spec)

    def set(self, spec: ViewSpec) -> None:
        """Show other rows; they are there after the next extend()."""
        self._include: dict[str, list[Any]] = {}
        self._exclude: dict[str, list[Any]] = {}
        for field, value, include in spec.filters:
            (self._include if include else self._exclude).setdefault(field, []).append(value)
        self._hide_suppressed = spec.hide_suppressed
        self._begin()

    def extend(self) -> None:
        """Take in new rows, drop evicted ones; begin anew if verdicts that the view depends on changed."""
        with self._core.lock:
            ring = self._core.ring
            if self._hide_suppressed and self._generation != self._core.generation:
                self._begin()
            gone = bisect_left(self.seqs, ring.tail)
            del self.seqs[:gone]
            self.dropped += gone
            rows = ring.scan(self._next, ring.head)
            self.seqs.extend(seq for seq, record, stage in rows if self._shows(record, stage))
            self._next = ring.head

    def _begin(self) -> None:
        self.seqs = array("q")
        self.dropped = 0
        """Rows that left at the front since the view was made, set, or begun anew."""
        self._next = 0
        self._generation = self._core.generation

    def __len__(self) -> int:
        return len(self.seqs)

    def __getitem__(self, position: int) -> int:
        return self.seqs[position]

    def index(self, seq: int) -> int:
        """The position of the first row at or after `seq`; the length if there is none."""
        return bisect_left(self.seqs, seq)

    def seek_time(self, ns: int) -> int:
        """The position of the first event with a time at or after `ns`; the length if there is none."""
        with self._core.lock:
            for position, seq in enumerate(self.seqs):
                record = self._core.ring.get(seq)
                if record is None or record[At.KIND] != KIND_EVENT or record[At.TIME_NS] is None:
                    continue
                if record[At.TIME_NS] >= ns:
                    return position
        return len(self.seqs)

    def _shows(self, record: Record, stage: int) -> bool:
        """Gaps, seams and runs always show; a bad line unless something is asked for that it lacks."""
        if record[At.KIND] == KIND_BAD:
            return not self._include
        if record[At.KIND] != KIND_EVENT:
            return True
        if self._hide_suppressed and stage != DELIVERED:
            return False
        return all(_has(record, field, values) for field, values in self._include.items()) and not any(
            _has(record, field, values) for field, values in self._exclude.items()
        )


def _has(record: Record, field: str, values: list[Any]) -> bool:
    return any(_COMPARE[field](record, value) for value in values)


class Seqs(Protocol):
    """Seqs in order: a view, or the whole ring."""

    def __len__(self) -> int: ...
    def __getitem__(self, position: int, /) -> int: ...


def find(core: TwinCore, seqs: Seqs, needle: str, start: int, *, step: int, limit: int) -> tuple[int, int]:
    """Look for text in some rows; see TwinCore.find(). The core's lock is held."""
    if not needle:
        return -1, -1
    fold = needle == needle.lower()
    wanted = encoded(needle)
    place = bisect_left(seqs, start) if step > 0 else bisect_right(seqs, start) - 1
    found = -1
    for _ in range(limit):
        if found >= 0 or not 0 <= place < len(seqs):
            break
        record = core.ring.get(seqs[place])
        if record is not None:
            texts = _texts(core, record)
            found = seqs[place] if any(wanted in (text.lower() if fold else text) for text in texts) else -1
        place += step
    return found, seqs[place] if 0 <= place < len(seqs) else -1


def _texts(core: TwinCore, record: Record) -> Iterator[bytes]:
    yield encoded(record[At.EVENT])
    if record[At.PID] is not None:
        yield str(record[At.PID]).encode()
    for column in (record[At.EXECUTABLE], record[At.SIGNING_ID], *record[At.TARGETS]):
        if column is not None:
            yield encoded(column)
    yield core.line_of(record) or b""
