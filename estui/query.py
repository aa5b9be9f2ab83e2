"""What I am looking at: view filters, and the rows they leave.

View filters have nothing to do with muting. They are a list; each can be off, and all of them can be put aside and
taken back. `View` wraps the core's view and remembers the row I am on by its seq, so that row keeps its place over
filter changes, evictions and pauses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from estui.record import KIND_EVENT, KIND_SEAM, Filter, Row, ViewSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from estui.core import Core, CoreView

FIELDS = ("event", "process", "executable", "target")
"""What a view filter can compare, in the order of the list's cells."""


@dataclass(frozen=True, slots=True)
class ViewFilter:
    """One entry of the filter list."""

    filter: Filter
    on: bool = True

    @property
    def words(self) -> str:
        """What it does, in words; the value is as the event has it and needs `printable()`."""
        value = self.filter.value
        if isinstance(value, tuple):
            pid, pidversion = value
            value = str(pid) if pidversion is None else f"{pid}.{pidversion}"
        return f"{'only' if self.filter.include else 'not'} {self.filter.field} {value}"


def filter_value(row: Row, field: str) -> str | tuple[int, int | None] | None:
    """What a filter on `field` made from this row compares with; None where the row has no such thing."""
    if row.kind != KIND_EVENT:
        return None
    if field == "event":
        return row.event
    if field == "process":
        return None if row.pid is None else (row.pid, row.pidversion)
    if field == "executable":
        return row.executable
    return row.targets[0] if row.targets else None


class View:
    """The rows of a ring that the view filters leave, and the one I am on.

    Everything here is called from one thread, the screen's.
    """

    def __init__(self, core: Core) -> None:
        self.core = core
        self.filters: tuple[ViewFilter, ...] = ()
        self.aside = False
        """All view filters are off, and still in the list."""
        self.hide_suppressed = False
        self.anchor = -1
        """The seq of the row I chose last. A filter may hide it; it is not forgotten for that."""
        self._limit: int | None = None
        self._rows: CoreView = core.view(ViewSpec())
        self._len = 0
        self._waiting = 0
        self.refresh()

    # ---- rows

    def __len__(self) -> int:
        return self._len

    def __getitem__(self, position: int) -> int:
        """The seq of the row at a position. Raises IndexError outside the view."""
        if not 0 <= position < self._len:
            raise IndexError(position)
        return self._rows[position]

    def row(self, position: int) -> Row | None:
        """The row at a position; None outside the view, or when it was evicted just now."""
        if not 0 <= position < self._len:
            return None
        return self.core.row(self._rows[position])

    def refresh(self) -> None:
        """Takes in what has come since, and drops what was evicted."""
        self._rows.extend()
        total = len(self._rows)
        if self._limit is None:
            self._len, self._waiting = total, 0
        else:
            self._len = min(total, self._rows.index(self._limit))
            self._waiting = total - self._len

    def position(self, seq: int) -> int:
        """The position of the row, or of the nearest one after it, or of the last one; 0 in an empty view."""
        return max(0, min(self._rows.index(seq), self._len - 1))

    def seek_time(self, ns: int) -> int:
        """The position of the first row at or after a time (ns since 1970); the last one where there is none."""
        return max(0, min(self._rows.seek_time(ns), self._len - 1))

    # ---- the row I am on

    @property
    def cursor(self) -> int:
        """The position of the row I am on."""
        return self.position(self.anchor) if self.anchor >= 0 else 0

    def go(self, position: int) -> int:
        """Makes the row at a position the one I am on; returns the position, kept inside the view."""
        position = max(0, min(position, self._len - 1))
        if self._len:
            self.anchor = self._rows[position]
        return position

    @property
    def current(self) -> Row | None:
        """The row I am on."""
        return self.row(self.cursor)

    # ---- pause

    @property
    def paused(self) -> bool:
        """No new rows are taken into the view."""
        return self._limit is not None

    @property
    def waiting(self) -> int:
        """Rows that came since the pause and would be in the view."""
        return self._waiting

    def pause(self, on: bool) -> None:
        """Stops taking rows in, or takes in all that wait."""
        self._limit = self.core.counters().head if on else None
        self.refresh()

    @property
    def upto(self) -> int:
        """Rows from this seq on are not in the view: they came after the pause, or have not come."""
        return self.core.counters().head if self._limit is None else self._limit

    # ---- filters

    @property
    def spec(self) -> ViewSpec:
        """What the core is asked for."""
        active = () if self.aside else tuple(item.filter for item in self.filters if item.on)
        return ViewSpec(active, self.hide_suppressed)

    @property
    def filtered(self) -> bool:
        """A view filter is at work."""
        return bool(self.spec.filters)

    def add(self, field: str, value: str | tuple[int, int | None], include: bool) -> int:
        """Adds a view filter and returns its place. One for the same value is turned on and made what this one is."""
        new = ViewFilter(Filter(field, value, include))
        items = list(self.filters)
        for index, item in enumerate(items):
            if (item.filter.field, item.filter.value) == (field, value):
                items[index] = new
                break
        else:
            index = len(items)
            items.append(new)
        self.aside = False
        self._set(items)
        return index

    def toggle(self, index: int) -> None:
        """Turns one view filter on or off."""
        items = list(self.filters)
        items[index] = replace(items[index], on=not items[index].on)
        self._set(items)

    def flip(self, index: int) -> None:
        """Turns "only" into "not", or back."""
        items = list(self.filters)
        old = items[index].filter
        items[index] = ViewFilter(old._replace(include=not old.include))
        self._set(items)

    def remove(self, index: int) -> None:
        """Takes a view filter off the list."""
        items = list(self.filters)
        del items[index]
        self._set(items)

    def clear(self) -> None:
        """Takes all view filters off the list."""
        self.aside = False
        self._set([])

    def put_aside(self, on: bool) -> None:
        """Turns all view filters off without touching the list, or brings them back as they were."""
        self.aside = on
        self._set(list(self.filters))

    def hide(self, on: bool) -> None:
        """Hides suppressed events, or shows them dimmed."""
        self.hide_suppressed = on
        self._set(list(self.filters))

    def _set(self, items: list[ViewFilter]) -> None:
        self.filters = tuple(items)
        self._rows.set(self.spec)
        self.refresh()


def raw_lines(core: Core, spec: ViewSpec, upto: int) -> Iterator[bytes | None]:
    """The raw lines of the events and bad lines in a view of its own, oldest first, without their newlines; and those
    that say what was lost.

    Rows from seq `upto` on are left out, and rows that are no line. None stands for a line that the ring, or the file
    it was indexed in, no longer has. Made for a worker thread: it uses no view of the screen.
    """
    rows = core.view(spec)
    rows.extend()
    for position in range(len(rows)):
        seq = rows[position]
        if seq >= upto:
            return
        row = core.row(seq)
        if row is None:
            yield None
        elif row.n and row.kind != KIND_SEAM:  # a recording's first line would not be true of a part of it
            yield core.raw(seq)


FIND_ROWS = 5_000
"""Rows looked at between two questions whether to go on."""


class Found(NamedTuple):
    """What `find` came to."""

    seq: int
    """The row, or -1."""
    wrapped: bool
    """It is on the other side of an end of the view."""
    stopped: bool = False


def find(
    core: Core, spec: ViewSpec, needle: str, start: int, step: int, upto: int, stopped: Callable[[], bool]
) -> Found:
    """Looks for text from the row after `start` on (step 1) or before it (step -1), and round the end of the view.

    Rows from seq `upto` on are left out. Made for a worker thread: it uses no view of the screen.
    """
    rows = core.view(spec)
    rows.extend()
    tail = core.counters().tail
    if start < 0:
        start = tail - 1 if step > 0 else upto
    # Up to the end of the view; then from its other end, as far as the row it began at.
    first = (start + step, upto if step > 0 else tail - 1)
    second = (tail if step > 0 else upto - 1, start + step)
    for wrapped, (begin, end) in enumerate((first, second)):
        at = begin
        while at >= 0 and (end - at) * step > 0:
            if stopped():
                return Found(-1, bool(wrapped), stopped=True)
            seq, at = core.find(needle, at, step, FIND_ROWS, rows)
            if seq >= 0 and (end - seq) * step > 0:
                return Found(seq, bool(wrapped))
    return Found(-1, True)
