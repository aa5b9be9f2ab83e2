"""A row as the ring stores it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from estui.record import UNKNOWN_BIT, UNKNOWN_EVENT

Record = tuple[Any, ...]
"""A plain tuple of scalars, which the garbage collector soon stops looking at; `At` names its places."""


class At:
    """The places in a Record; up to TARGETS those of record.Row after its seq."""

    KIND: Final = 0
    STREAM: Final = 1
    N: Final = 2
    EVENT: Final = 3
    EVENT_ID: Final = 4
    EVENT_TYPE: Final = 5
    TIME: Final = 6
    TIME_NS: Final = 7
    SEQ_NUM: Final = 8
    GLOBAL_SEQ_NUM: Final = 9
    PID: Final = 10
    PIDVERSION: Final = 11
    EUID: Final = 12
    PPID: Final = 13
    EXECUTABLE: Final = 14
    SIGNING_ID: Final = 15
    TARGETS: Final = 16
    GAP_GLOBAL: Final = 17
    GAP_TYPE: Final = 18
    REASON: Final = 19
    """An index into record.BAD_REASONS."""
    SIZE: Final = 20
    INSTIGATOR: Final = 21
    """(pid, pidversion) of the process on whose behalf the submitter acted, or None."""
    RAW: Final = 22
    """The line itself (b"" for a row that is no line); on a stream indexed in place, its file offset."""
    SHARD: Final = 23
    OWNED: Final = 24
    """Of a gap: its events are lost, not missing."""
    UNKNOWN: Final = 25


def bare(
    kind: int,
    stream: int,
    raw: bytes | int,
    *,
    n: int = 0,
    event: str = "",
    event_id: int = -1,
    time: str | None = None,
    time_ns: int | None = None,
    gap_global: int = 0,
    gap_type: int = 0,
    reason: int = 0,
    size: int = 0,
    shard: int | None = None,
    owned: bool = False,
    unknown: bool = False,
) -> Record:
    """A row that is no event."""
    known = kind, stream, n, event, event_id, None, time, time_ns
    columns = (None,) * (At.TARGETS - At.SEQ_NUM)
    gap = gap_global, gap_type
    return (*known, *columns, (), *gap, reason, size, None, raw, shard, owned, unknown)


def strings_of(record: Record) -> Iterator[str]:
    """Its executable, signing id and targets; the words of a row that is no event; a name not in the catalogue."""
    for column in (record[At.EXECUTABLE], record[At.SIGNING_ID], *record[At.TARGETS]):
        if column is not None:
            yield column
    if record[At.EVENT] and not 0 <= record[At.EVENT_ID] < UNKNOWN_EVENT:
        yield record[At.EVENT]


def lost_in(record: Record) -> int:
    """What a row says was lost of all events. A gap of a type alone is none: where events have global numbers, these
    say that nothing was lost there."""
    lost: int = record[At.GAP_GLOBAL] if record[At.OWNED] else 0
    return lost


def event_bit(record: Record) -> int:
    """The bit of an event in an event mask."""
    event_id: int = record[At.EVENT_ID]
    return event_id if event_id < UNKNOWN_EVENT else UNKNOWN_BIT


def encoded(text: str) -> bytes:
    """The bytes a string stood for in its line."""
    return text.encode("utf-8", "surrogateescape")
