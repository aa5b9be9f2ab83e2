"""Place the lines of the ring: copied under the lock, written outside of it."""

from __future__ import annotations

import errno
import os
import select
from dataclasses import fields, replace
from typing import TYPE_CHECKING, NamedTuple

from estui._twin.judge import DELIVERED
from estui._twin.loss import MOST
from estui._twin.row import At, Record, lost_in
from estui.record import (
    ALL_STAGES,
    KIND_EVENT,
    KIND_SEAM,
    UNSHARDED,
    WROTE_ALL,
    WROTE_ERROR,
    WROTE_GONE,
    WROTE_LIMIT,
    WROTE_ROW,
    Place,
    Wrote,
)

if TYPE_CHECKING:
    from estui._twin.core import TwinCore

BATCH = 256 << 10
"""Bytes gathered before they are written."""


class Gathered(NamedTuple):
    """One line, and how far the writing had come before it, and before the gap that it shows."""

    line: bytes
    event: bool
    before: Place


def write(core: TwinCore, fd: int, at: Place, upto: int, stages: int, limit: int | None) -> Wrote:
    """See core.Core.write()."""
    lines = events = size = gone = gone_lost = 0
    stop: int | None = None
    error = 0
    while stop is None:
        with core.lock:
            gathered, stop, missed = _gather(core, at, upto, stages, None if limit is None else limit - size)
        gone, gone_lost = gone + missed[0], gone_lost + missed[1]
        done, error = _put(fd, b"".join(item.line for item in gathered))
        for item in gathered:
            if done < len(item.line):
                _go_to(at, item.before)
                break
            done -= len(item.line)
            lines, events, size = lines + 1, events + item.event, size + len(item.line)
        if error:
            stop = WROTE_ERROR
        with core.lock:
            if core.ring.hold is not None and core.ring.hold < at.next:
                core.ring.hold_from(at.next)
                core.lock.notify_all()
    return Wrote(stop, lines, events, size, gone, gone_lost, error)


def write_from(core: TwinCore, seq: int) -> Place:
    """See core.Core.write_from()."""
    with core.lock:
        ring = core.ring
        at = Place(ring.tail, ring.evicted, ring.evicted_lost)
        for _, record, _ in ring.scan(ring.tail, seq):
            _pass(at, record)
        return at


def _gather(
    core: TwinCore, at: Place, upto: int, stages: int, limit: int | None
) -> tuple[list[Gathered], int | None, tuple[int, int]]:
    """Lines for one write, moving `at` behind them; why to stop, if there is a reason; events and losses gone."""
    ring = core.ring
    gathered: list[Gathered] = []
    size = 0
    before = replace(at)  # and before rows that only the next line will show
    if at.next < ring.tail:
        gone = ring.evicted - at.passed, ring.evicted_lost - at.passed_lost
        at.next, at.passed, at.passed_lost = ring.tail, ring.evicted, ring.evicted_lost
        return gathered, WROTE_GONE, gone
    for seq, record, stage in ring.scan(at.next, upto):
        event = record[At.KIND] == KIND_EVENT
        if _needs_line(record, at, stages):
            return gathered, WROTE_ROW, (0, 0)
        if record[At.N] and (not event or stages >> stage & 1):
            full = size >= BATCH
            line = core.line_of(record)
            if line is None:
                at.next, at.passed = seq + 1, at.passed + event
                return gathered, WROTE_GONE, (event, at.passed_lost - before.passed_lost)
            if full or (limit is not None and size + len(line) + 1 > limit):
                _go_to(at, before)
                return gathered, None if full else WROTE_LIMIT, (0, 0)
            size += len(line) + 1
            gathered.append(Gathered(line + b"\n", event, before))
            if event and _is_numbered(record):
                at.shown |= 1 << (UNSHARDED if record[At.SHARD] is None else record[At.SHARD])
        _pass(at, record)
        at.delivered += event and stage == DELIVERED
        if record[At.N]:
            before = replace(at)
    return gathered, WROTE_ALL, (0, 0)


def _go_to(at: Place, place: Place) -> None:
    for field in fields(Place):
        setattr(at, field.name, getattr(place, field.name))


def _pass(at: Place, record: Record) -> None:
    """Go on to the next row."""
    at.next += 1
    at.passed += record[At.KIND] == KIND_EVENT
    at.passed_lost = min(MOST, at.passed_lost + lost_in(record))


def _is_numbered(record: Record) -> bool:
    numbers = record[At.SEQ_NUM], record[At.GLOBAL_SEQ_NUM]
    return any(number is not None and number >= 0 for number in numbers)


def _needs_line(record: Record, at: Place, stages: int) -> bool:
    """Whether the numbers written so far do not show the row, which is no line."""
    if record[At.KIND] == KIND_SEAM:
        return True
    if record[At.N] or not lost_in(record):
        return False
    shard = UNSHARDED if record[At.SHARD] is None else record[At.SHARD]
    return stages != ALL_STAGES or not at.shown >> shard & 1


def _put(fd: int, data: bytes) -> tuple[int, int]:
    """Write all of it; the bytes written, and errno where these are fewer."""
    done = 0
    with memoryview(data) as view:
        while done < len(data):
            try:
                put = os.write(fd, view[done:])
            except BlockingIOError:
                select.select([], [fd], [])
                continue
            except OSError as error:
                return done, error.errno or errno.EIO
            if not put:
                return done, errno.EIO
            done += put
    return done, 0
