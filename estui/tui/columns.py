"""The columns of the event list: their names, widths, and the text of a row in each."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from estui.events import EVENT_TYPES
from estui.record import KIND_BAD, KIND_GAP, KIND_RUN, KIND_SEAM, STAGES, Row
from estui.text import nearest, printable
from estui.tui.lines import shown


class Column(NamedTuple):
    """One column."""

    name: str
    title: str
    width: int
    """Cells; the least width where the column stretches."""
    stretch: int
    """Its share of the room left over; 0 for a fixed width."""
    right: bool
    """Aligned to the right."""
    tail: bool
    """Cut in front: the end of a path says more than its beginning."""
    field: str
    """What a view filter made from its cell compares; empty where there is no such filter."""
    style: str
    text: Callable[[Row], str]
    """The text, printable; not asked of `targets` and `rule`, which a row alone does not tell."""


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def time_of_day(time: str | None) -> str:
    """The clock of a time as eslogger writes it, to the millisecond: 12:00:01.234. Other strings are cut."""
    if not time:
        return ""
    _, letter, clock = time.partition("T")
    if not letter:
        return shown(time, 12)
    whole, _, rest = clock.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))] if rest else ""
    return shown(f"{whole.rstrip('Z')[:8]}.{digits[:3].ljust(3, '0')}", 12)


def _date(row: Row) -> str:
    return shown((row.time or "").partition("T")[0], 10)


def _stage(row: Row) -> str:
    return (STAGES[row.stage] or "delivered").replace("_", " ")


def _column(
    name: str,
    width: int,
    text: Callable[[Row], str],
    *,
    title: str = "",
    stretch: int = 0,
    right: bool = False,
    tail: bool = False,
    field: str = "",
    style: str = "es--time",
) -> Column:
    return Column(name, title or name, width, stretch, right, tail, field, style, text)


def _number_column(name: str, width: int, *, title: str = "", field: str = "") -> Column:
    """A column of the row's number of that name."""
    return _column(
        name,
        width,
        lambda row: _number(getattr(row, name)),
        title=title,
        right=True,
        field=field,
        style="es--number",
    )


def _nothing(_: Row) -> str:
    return ""


COLUMNS: dict[str, Column] = {
    column.name: column
    for column in (
        _number_column("n", 7),
        _column("date", 10, _date),
        _column("time", 12, lambda row: time_of_day(row.time)),
        _column("event", 13, lambda row: shown(row.event, 256), field="event", style="es--event"),
        _number_column("event_type", 5, title="type"),
        _number_column("seq_num", 8, title="seq"),
        _number_column("global_seq_num", 9, title="global"),
        _number_column("pid", 6, field="process"),
        _number_column("pidversion", 8, title="version"),
        _number_column("euid", 5),
        _number_column("ppid", 6),
        _column(
            "executable",
            10,
            lambda row: shown(row.executable or ""),
            title="process",
            stretch=2,
            tail=True,
            field="executable",
            style="es--process",
        ),
        _column(
            "signing_id",
            10,
            lambda row: shown(row.signing_id or ""),
            title="signing id",
            stretch=2,
            style="es--process",
        ),
        _column(
            "targets", 12, _nothing, title="target", stretch=3, tail=True, field="target", style="es--target"
        ),
        _column("stage", 12, _stage),
        _column("rule", 12, _nothing, stretch=2),
        _number_column("size", 7, title="bytes"),
    )
}
"""Every column by its name, which `estui cat` has too where it has the column."""

DEFAULT = ("time", "event", "pid", "executable", "targets")
"""The columns of a list that was given none."""


def parse(names: tuple[str, ...] | list[str]) -> tuple[Column, ...]:
    """Columns by name, in that order. Raises ValueError, naming the nearest right one."""
    columns: list[Column] = []
    for name in names:
        if name not in COLUMNS:
            close = nearest(name, list(COLUMNS))
            hint = f"did you mean {close}?" if close else f"there are: {', '.join(COLUMNS)}"
            raise ValueError(f"no column is called {printable(name)!r}; {hint}")
        if COLUMNS[name] not in columns:
            columns.append(COLUMNS[name])
    if not columns:
        raise ValueError(f"no column given; there are: {', '.join(COLUMNS)}")
    return tuple(columns)


def widths(columns: tuple[Column, ...], width: int) -> list[int]:
    """The width of each column in so many cells, one blank between them; the last ones get 0 where there is no room."""
    out: list[int] = []
    left = width
    for column in columns:
        size = column.width if out else min(column.width, width)
        need = size + (1 if any(out) else 0)
        out.append(size if need <= left else 0)
        left -= need if need <= left else 0
    shares = sum(column.stretch for column, size in zip(columns, out, strict=True) if size)
    if left > 0 and not shares:
        out[-1] += left if out[-1] else 0
        return out
    for index, column in enumerate(columns):
        if out[index] and column.stretch:
            part = left * column.stretch // shares
            left, shares = left - part, shares - column.stretch
            out[index] += part
    return out


def words(row: Row) -> str:
    """What a row that is no event says, in words."""
    if row.kind == KIND_GAP:
        return gap_words(row)
    if row.kind == KIND_SEAM:
        return f"— {shown(row.event)} —"
    if row.kind == KIND_RUN:
        return f"— {shard_of(row)}another run of the recorder begins here —"
    return f"bad line {row.n:,}: {row.reason}"


def shard_of(row: Row) -> str:
    """The shard in front of what happened to it; empty where a source has but one."""
    return "" if row.shard is None else f"shard {row.shard}: "


def gap_words(row: Row) -> str:
    """A jump of the sequence numbers, in words: lost where estui started the stream, else missing."""
    number = row.gap_global or row.gap_type
    events = f"{number:,} {'event' if number == 1 else 'events'}"
    kind = ""
    if row.unknown:
        events = "events"
        kind = ", nobody knows how many"
    if row.gap_type:
        name = shown(row.event, 64) or _type_name(row.event_id)
        if row.gap_type >= number:
            kind = f" ({name})"
        elif name:
            kind = f" ({row.gap_type:,} of them {name})"
    elif row.event:
        kind += f": {shown(row.event)}"
    events = shard_of(row) + events
    if row.owned:
        return f"— {events} lost{kind} —"
    return f"— {events} missing{kind}: may have been filtered —"


def style_of(row: Row) -> str:
    """The style of a row that is no event."""
    if row.kind == KIND_BAD:
        return "es--bad"
    if row.kind == KIND_GAP:
        return "es--lost" if row.owned else "es--missing"
    return "es--seam"


def _type_name(event_id: int) -> str:
    return EVENT_TYPES[event_id].label if 0 <= event_id < len(EVENT_TYPES) else "unknown"
