"""What a plan would change as pieces of text: in words, in a few lines, and in tables.

All of it is pure, printable, and fits the width it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from estui.tui.detail_words import base_name
from estui.tui.lines import count_words, fit, shown
from estui.tui.pieces import Piece, PieceLine, width_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from estui.lab.whatif import Preview
    from estui.record import Change, Process

NAME = 28
"""Cells that a name takes at most in a line of several."""
LEAST_ROWS = 3
"""Rows of a table below which one of the tables is left out."""
LEAST_NAME = 12
"""Cells that a table leaves for its names before it leaves out columns."""
GAP, BETWEEN = "  ", " · "
LABEL = 19
"""Cells of what stands in front of a line of several."""

BY_EVENT, BY_PROCESS, BY_EXECUTABLE, BY_DIRECTORY = (
    "by event type",
    "by process",
    "by executable",
    "by target directory",
)
_UNITS = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1.0))


def words(preview: Preview) -> str:
    """A preview in words, such as "would suppress 41,203 more of 60,000 in the ring (68.7 %)"."""
    changes = (("suppress", preview.newly_hidden), ("deliver", preview.newly_delivered))
    parts = [f"{verb} {count:,} more" for verb, count in changes if count]
    if not parts:
        return f"changes nothing in the ring of {preview.events:,}"
    of = f"of {preview.events:,} in the ring"
    if len(parts) > 1:
        return f"would {' and '.join(parts)} {of}"
    share = 100 * (preview.newly_hidden + preview.newly_delivered) / preview.events
    return f"would {parts[0]} {of} ({share:.1f} %)"


def rates(preview: Preview) -> PieceLine:
    """What is delivered over time, now and then: "12.3 → 4.5 events/s, 120 → 40 MB/h". Nothing where no times tell."""
    now, then = preview.rate(preview.total.now), preview.rate(preview.total.then)
    if now is None or then is None:
        return []
    most = max(now.bytes_per_hour, then.bytes_per_hour)
    unit, size = next((one for one in _UNITS if most >= one[1]), _UNITS[-1])
    return [
        (_both(now.events_per_second, then.events_per_second), "number"),
        (" events/s, ", "dim"),
        (_both(now.bytes_per_hour / size, then.bytes_per_hour / size), "number"),
        (f" {unit}/h", "dim"),
    ]


def _both(now: float, then: float) -> str:
    before, after = _figure(now), _figure(then)
    return before if before == after else f"{before} → {after}"


def _figure(value: float) -> str:
    if 0 < value < 0.05:
        return "<0.1"
    return f"{value:.1f}".removesuffix(".0") if value < 99.95 else count_words(round(value))


# A few lines


def lines(preview: Preview, width: int, most: int) -> list[PieceLine]:
    """At most so many lines below the words: the rates, then where most changes. None where nothing changes."""
    if not preview.total.changed or width <= 0:
        return []
    found = [line for line in (rates(preview), *_groups(preview, width)) if line]
    return [_cut(line, width) for line in found[: max(0, most)]]


def _groups(preview: Preview, width: int) -> Iterator[PieceLine]:
    total = preview.total
    signed = bool(total.newly_hidden.events and total.newly_delivered.events)
    processes = (
        (_process(process, preview.programs.get(process), short=True), change)
        for process, change in preview.by_process.items()
    )
    events = ((_event(name), change) for name, change in preview.by_event.items())
    directories = ((_directory(name), change) for name, change in preview.by_directory.items())
    yield _row(BY_EVENT, events, width, signed=signed)
    yield _row(BY_PROCESS, processes, width, signed=signed)
    yield _row(BY_DIRECTORY, directories, width, signed=signed, tail=True)


def _row(
    label: str, groups: Iterable[tuple[str, Change]], width: int, *, signed: bool, tail: bool = False
) -> PieceLine:
    """The groups that change most, as many as fit, on one line."""
    line: PieceLine = []
    left = width - LABEL - 2
    for name, change in groups:
        if not change.changed:
            break
        text = name if width_of(name) <= NAME else fit(name, NAME, tail=tail).strip()
        count = _counts(change) if signed else f"{change.changed:,}"
        size = (len(BETWEEN) if line else 0) + width_of(text) + 1 + len(count)
        if size > left and line:
            if left >= 2:
                line.append((" …", "dim"))
            break
        if line:
            line.append((BETWEEN, "dim"))
        line += [(text, "text"), (f" {count}", "number")]
        left -= size
    return [(f"{label:<{LABEL}}{GAP}", "dim"), *line] if line else []


def _counts(change: Change) -> str:
    """Newly hidden as less, newly delivered as more."""
    signs = (("-", change.newly_hidden.events), ("+", change.newly_delivered.events))
    return " ".join(f"{sign}{count:,}" for sign, count in signs if count)


def _cut(line: PieceLine, width: int) -> PieceLine:
    """The line, cut with … where it is too long."""
    found: PieceLine = []
    for text, style in line:
        size = width_of(text)
        if size > width:
            if width > 0:
                found.append((fit(text, width), style))
            break
        found.append((text, style))
        width -= size
    return found


# Tables


class _Row(NamedTuple):
    """A line of a table: its name, and its four counts."""

    name: str
    change: Change
    tail: bool = False
    """The end of its name tells more than its beginning."""

    @property
    def cells(self) -> tuple[str, ...]:
        change = self.change
        fresh = (change.newly_hidden.events, change.newly_delivered.events)
        return (
            f"{change.now.events:,}",
            f"{change.then.events:,}",
            *(f"{count:,}" if count else "" for count in fresh),
        )


class _Table(NamedTuple):
    """One table."""

    heading: str
    rows: list[_Row]
    more: int
    """Groups that are not shown."""


_TITLES = (("now", "then", "newly hidden", "newly delivered"), ("now", "then", "hidden", "deliv."))
"""Of the columns, and their short form."""
_NOW, _THEN, _HIDDEN, _DELIVERED = range(4)


def tables(preview: Preview, width: int, height: int) -> list[PieceLine]:
    """Tables by event type, process, executable and target directory, in at most so many lines: what changes first.

    Where there is little room, executables are left out: processes tell of them too. The first table begins with all
    events. Pieces are printable, lines no wider than asked for.
    """
    if width <= 0:
        return []
    # Of each table its heading and a blank line; the first has a row more, and no blank line before it.
    rows, without = (height - 8) // 4, ""
    if rows < LEAST_ROWS:
        rows, without = (height - 6) // 3, BY_EXECUTABLE
    found = [table for table in _tables(preview, max(1, rows)) if table.rows and table.heading != without]
    columns = _columns(found, width)
    name = max(0, width - sum(size + len(GAP) for _, _, size in columns))
    out: list[PieceLine] = []
    for table in found:
        if out:
            out.append([])
        titles = "".join(GAP + title.rjust(size) for _, title, size in columns)
        heading = f"{table.heading}, {table.more:,} more" if table.more else table.heading
        heading = heading if len(heading) <= name else table.heading
        out.append([(fit(heading, name), "good"), (titles, "dim")])
        out += [_table_line(row, name, columns) for row in table.rows]
    return out[: max(0, height)]


_Column = tuple[int, str, int]
"""Its place among a row's cells, its title, and how many cells of the screen it takes."""


def _table_line(row: _Row, name: int, columns: list[_Column]) -> PieceLine:
    changed = bool(row.change.changed)
    text: Piece = (fit(row.name, name, tail=row.tail), "text" if changed else "dim")
    cells = row.cells
    numbers = [
        (GAP + cells[place].rjust(size), "number" if changed and place != _NOW else "dim")
        for place, _, size in columns
    ]
    return [text, *numbers]


def _columns(found: list[_Table], width: int) -> list[_Column]:
    """The columns that fit beside a name; where not all do, those that tell least are left out."""
    cells = [row.cells for table in found for row in table.rows]
    widest = [max((len(row[place]) for row in cells), default=0) for place in range(4)]
    least = (_DELIVERED, _HIDDEN) if widest[_HIDDEN] else (_HIDDEN, _DELIVERED)
    for titles, dropped in (
        (_TITLES[0], ()),
        *((_TITLES[1], (*least, _NOW, _THEN)[:count]) for count in range(4)),
    ):
        columns = [
            (place, titles[place], max(len(titles[place]), widest[place]))
            for place in range(4)
            if place not in dropped
        ]
        room = LEAST_NAME if titles is _TITLES[1] else 2 * LEAST_NAME
        if sum(size + len(GAP) for _, _, size in columns) + room <= width:
            return columns
    return []


def _tables(preview: Preview, rows: int) -> Iterator[_Table]:
    events = [_Row(_event(name), change) for name, change in _first(preview.by_event, rows)]
    all_events = _Row("all events", preview.total)
    yield _Table(BY_EVENT, [all_events, *events], len(preview.by_event) - len(events))
    processes = [
        _Row(_process(process, preview.programs.get(process)), change)
        for process, change in _first(preview.by_process, rows)
    ]
    yield _Table(BY_PROCESS, processes, preview.processes - len(processes))
    executables = [
        _Row("no executable" if path is None else shown(path), change, path is not None)
        for path, change in _first(preview.by_executable, rows)
    ]
    yield _Table(BY_EXECUTABLE, executables, preview.executables - len(executables))
    directories = [
        _Row(_directory(path), change, True) for path, change in _first(preview.by_directory, rows)
    ]
    yield _Table(BY_DIRECTORY, directories, preview.directories - len(directories))


def _first(groups: dict[Any, Change], most: int) -> list[tuple[Any, Change]]:
    """The first of them, those that change before the others."""
    return sorted(groups.items(), key=lambda group: not group[1].changed)[:most]


# Names, printable


def _event(name: str) -> str:
    return shown(name) or "other types"


def _directory(path: str) -> str:
    return shown(path) or "no directory"


def _process(process: Process | None, program: str | None, *, short: bool = False) -> str:
    """A process by the base name of its program and its numbers."""
    name = shown(base_name(program)) if program else ""
    if process is None:
        return "no process"
    if short:
        return f"{name or 'process'}[{process.pid}]"
    return " ".join(part for part in (name, f"{process.pid}.{process.pidversion}") if part)
