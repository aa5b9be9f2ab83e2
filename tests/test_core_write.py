"""write(): the lines of a ring in bulk, what stops it, and rows that are held back for it."""

from __future__ import annotations

import errno
import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.core import Core, open_core
from estui.record import (
    ALL_STAGES,
    BAD_LONG,
    BAD_REASONS,
    DELIVERED_ONLY,
    KEPT_OF_LONG,
    WROTE_ALL,
    WROTE_ERROR,
    WROTE_GONE,
    WROTE_LIMIT,
    WROTE_ROW,
    Place,
    Rules,
    Wrote,
)
from tests.cores import all_written, event, eventually, filled, rows
from tests.lines import any_lines
from tests.test_core_own import numbered, own


def total(core: Core, **how: int) -> bytes:
    """All that is written, the rows it stops at left out."""
    return b"".join(data for _, _, data in all_written(core, **how))


@contextmanager
def file_of(lines: list[bytes], path: Path) -> Iterator[Core]:
    """A core that has these lines in their file."""
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    core = open_core()
    with path.open("rb") as opened:
        core.run(core.add_stream(owned=False, fd=opened.fileno()), opened.fileno())
    yield core
    core.close()


@given(st.lists(any_lines, max_size=8))
def test_lines_are_written_as_they_came(lines: list[bytes]) -> None:
    core = filled(lines)
    expected = [
        line for line, row in zip(lines, (row for row in rows(core) if row.n), strict=True) if row.kind != 3
    ]
    assert total(core) == b"".join(line + b"\n" for line in expected)


@pytest.mark.parametrize("size", [0, 1000, 70_000, 262_143, 262_144, 1 << 20, 3 << 20])
@pytest.mark.parametrize("indexed", [False, True])
def test_lines_of_any_length(size: int, indexed: bool, tmp_path: Path) -> None:
    lines = [event(number=number, a="x" * (size + number)) for number in range(5)] + [b"", event()]
    if indexed:
        with file_of(lines, tmp_path / "lines") as core:
            assert total(core) == b"".join(line + b"\n" for line in lines)
    else:
        [(wrote, at, data)] = all_written(filled(lines))
        assert data == b"".join(line + b"\n" for line in lines)
        assert wrote == Wrote(WROTE_ALL, 7, 6, len(data), 0, 0, 0)
        assert (at.next, at.passed, at.delivered, at.shown) == (7, 6, 6, 0)


def test_of_a_line_too_long_its_beginning_is_written() -> None:
    core = filled([b"x" * 600_000, event()], budget=1 << 20)
    assert rows(core)[0].reason == BAD_REASONS[BAD_LONG]
    assert total(core) == b"x" * KEPT_OF_LONG + b"\n" + event() + b"\n"


def test_a_pipe_takes_it_as_it_can() -> None:
    lines = [event(number=number, a="x" * 900) for number in range(3000)]
    core = filled(lines)
    for blocking in (True, False):
        reader, writer = os.pipe()
        os.set_blocking(writer, blocking)
        got: list[bytes] = []

        def read(fd: int = reader, into: list[bytes] = got) -> None:
            while data := os.read(fd, 50_000):
                into.append(data)

        reading = threading.Thread(target=read)
        reading.start()
        wrote = core.write(writer, core.write_from(0), core.counters().head)
        os.close(writer)
        reading.join()
        os.close(reader)
        assert (wrote.stop, wrote.lines) == (WROTE_ALL, 3000)
        assert b"".join(got) == b"".join(line + b"\n" for line in lines)


def test_only_events_of_some_stages() -> None:
    core = filled([event("open"), b"bad", event("exit"), own("loss", lost=1), event("open")])
    core.judge(Rules(subscribe=frozenset({"open"})))
    [(wrote, at, data)] = all_written(core, stages=DELIVERED_ONLY)
    assert data.split(b"\n") == [event("open"), b"bad", own("loss", lost=1), event("open"), b""]
    assert (wrote.events, at.passed, at.delivered, at.passed_lost) == (2, 3, 2, 1)
    assert total(core, stages=ALL_STAGES & ~DELIVERED_ONLY).split(b"\n")[1] == event("exit")


def test_it_stops_before_the_limit() -> None:
    lines = [event(number=number) for number in range(4)]
    core, size = filled(lines), len(lines[0]) + 1
    for limit, written in ((0, 0), (size - 1, 0), (size, 1), (3 * size + 1, 3), (4 * size, 4)):
        wrote, at, data = all_written(core, limit=limit)[0]
        assert data == b"".join(line + b"\n" for line in lines[:written])
        assert (wrote.stop, at.next) == ((WROTE_LIMIT, WROTE_ALL)[written == 4], written)


def test_it_stops_before_the_seq_it_is_given() -> None:
    core = filled([event(number=number) for number in range(4)])
    at = core.write_from(1)
    with open(os.devnull, "wb") as nowhere:
        assert core.write(nowhere.fileno(), at, 3).lines == 2
        assert core.write(nowhere.fileno(), at, 3).lines == 0
    assert (at.next, at.passed) == (3, 3)


@pytest.mark.parametrize(
    ("lines", "owned", "stages", "stops"),
    [
        pytest.param([numbered(1), numbered(3)], True, ALL_STAGES, [], id="shown by the numbers"),
        pytest.param([numbered(1), numbered(3)], True, DELIVERED_ONLY, [1], id="the numbers lie"),
        pytest.param([numbered(1), numbered(3)], False, DELIVERED_ONLY, [], id="nobody knows"),
        pytest.param([numbered(1, 0), numbered(1), numbered(3, 0)], True, ALL_STAGES, [], id="of one shard"),
        pytest.param([numbered(9), numbered(1)], True, DELIVERED_ONLY, [], id="another run"),
        pytest.param([own("mark"), event()], True, ALL_STAGES, [0], id="a seam"),
    ],
)
def test_it_stops_where_a_line_is_needed(
    lines: list[bytes], owned: bool, stages: int, stops: list[int]
) -> None:
    done = all_written(filled(lines, owned=owned), stages=stages)
    assert [at.next for _, at, _ in done[:-1]] == stops
    assert [wrote.stop for wrote, _, _ in done[:-1]] == [WROTE_ROW] * len(stops)


def test_a_gap_needs_a_line_where_its_beginning_is_elsewhere() -> None:
    core = filled([numbered(1), numbered(1, 5), numbered(3), numbered(3, 5), numbered(5)], owned=True)
    gaps = [row.seq for row in rows(core) if row.gap_global]
    assert [wrote.stop for wrote, _, _ in all_written(core, start=gaps[0])] == [
        WROTE_ROW,
        WROTE_ROW,
        WROTE_ALL,
    ]
    at = Place(gaps[0], 2, 0, shown=1 << 5)
    with open(os.devnull, "wb") as nowhere:
        assert core.write(nowhere.fileno(), at, 99).stop == WROTE_ROW
        at.next += 1
        assert core.write(nowhere.fileno(), at, 99).stop == WROTE_ALL
    assert at.shown == 1 << 5 | 1 << 64


def test_what_was_evicted_is_counted() -> None:
    core = open_core(budget=1 << 20)
    stream = core.add_stream(owned=True)
    at = core.write_from(0)
    for number in range(1, 3001):  # every third is lost
        if number % 3:
            core.ingest(stream, event(global_seq_num=number, a="x" * 1000) + b"\n")
    counters = core.counters()
    with open(os.devnull, "wb") as nowhere:
        wrote = core.write(nowhere.fileno(), at, counters.head)
        assert (wrote.stop, wrote.lines, wrote.gone) == (WROTE_GONE, 0, counters.evicted)
        gaps = sum(row.gap_global for row in rows(core))
        assert wrote.gone_lost == core.losses().lost_global - gaps == at.passed_lost
        assert (at.next, at.passed) == (counters.tail, counters.evicted)
        at.shown = 1 << 64
        assert core.write(nowhere.fileno(), at, counters.head).stop == WROTE_ALL
    assert (at.passed, at.passed_lost) == (counters.events, core.losses().lost_global)
    assert core.write_from(counters.head) == Place(at.next, at.passed, at.passed_lost)
    assert core.write_from(0) == Place(counters.tail, counters.evicted, wrote.gone_lost)


def test_lines_gone_from_their_file_are_counted(tmp_path: Path) -> None:
    lines = [event(number=number) for number in range(5)]
    with file_of(lines, tmp_path / "lines") as core:
        os.truncate(tmp_path / "lines", 2 * len(lines[0]) + 5)
        done = all_written(core)
    assert b"".join(data for _, _, data in done) == lines[0] + b"\n" + lines[1] + b"\n"
    assert [(wrote.stop, wrote.gone) for wrote, _, _ in done] == [(WROTE_GONE, 1)] * 3 + [(WROTE_ALL, 0)]
    assert done[-1][1].passed == 5


def test_an_error_leaves_the_place_behind_the_last_whole_line(tmp_path: Path) -> None:
    lines = [event(number=number, a="x" * 1000) for number in range(3000)]
    core, size = filled(lines), len(lines[0]) + 1
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    at = core.write_from(0)
    with (tmp_path / "out").open("wb") as out:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
        try:
            wrote = core.write(out.fileno(), at, 3000)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (wrote.stop, wrote.error) == (WROTE_ERROR, errno.EFBIG)
    text = (tmp_path / "out").read_bytes()
    assert len(text) == 1_000_000
    assert text[: wrote.bytes] == b"".join(line + b"\n" for line in lines[: wrote.lines])
    assert wrote.lines == wrote.events == at.next == at.passed == at.delivered
    assert 0 < 1_000_000 - wrote.bytes <= size + 3  # numbers grow longer


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_device() -> None:
    core = filled([event()])
    with open("/dev/full", "wb") as full:
        at = core.write_from(0)
        wrote = core.write(full.fileno(), at, 1)
    assert wrote == Wrote(WROTE_ERROR, 0, 0, 0, 0, 0, errno.ENOSPC)
    assert at == Place()


# Rows held back


def wide(number: int) -> bytes:
    return event(number=number, a="x" * 1000) + b"\n"


def test_a_hold_makes_the_reader_wait_and_writing_lets_it_go_on(tmp_path: Path) -> None:
    """Four budgets go through a ring whose rows are all held back: none is evicted, and all are written."""
    text = [wide(number) for number in range(4000)]
    core = open_core(budget=1 << 20)
    core.hold(0)
    reader, writer = os.pipe()
    stream = core.add_stream(owned=False)
    running = threading.Thread(target=core.run, args=(stream, reader))
    running.start()

    def send() -> None:
        with open(writer, "wb") as file:
            file.writelines(text)

    sending = threading.Thread(target=send)
    sending.start()
    eventually(lambda: core.counters().held_bytes > 1 << 18)
    at = core.write_from(0)
    with (tmp_path / "out").open("wb") as out:
        while at.next < len(text):
            assert core.write(out.fileno(), at, core.counters().head).stop == WROTE_ALL
    running.join()
    sending.join()
    os.close(reader)
    assert (tmp_path / "out").read_bytes() == b"".join(text)


def test_ingesting_waits_too_and_letting_go_of_the_hold_ends_that() -> None:
    core = open_core(budget=1 << 20)
    core.hold(0)
    stream = core.add_stream(owned=False)

    def feed() -> None:
        for number in range(4000):
            core.ingest(stream, wide(number))

    feeding = threading.Thread(target=feed)
    feeding.start()
    eventually(lambda: core.counters().held_bytes > 1 << 18)
    assert core.counters().evicted == 0
    core.hold(None)
    feeding.join()
    assert core.counters().events == 4000
    assert core.counters().evicted > 0


@pytest.mark.parametrize("end", ["stop", "close"])
def test_a_reader_that_waits_can_be_stopped(end: str) -> None:
    core = open_core(budget=1 << 20)
    core.hold(0)
    stream = core.add_stream(owned=False)
    feeding = threading.Thread(
        target=core.ingest, args=(stream, b"".join(wide(n) for n in range(900))), daemon=True
    )
    feeding.start()
    eventually(lambda: core.counters().lines > 0)
    if end == "stop":
        core.stop(stream)
    else:
        core.close()
    feeding.join(60)
    assert not feeding.is_alive()


def test_rows_that_were_written_may_go_at_once() -> None:
    core = open_core()
    stream = core.add_stream(owned=False)
    core.hold(0, drop=True)
    at = core.write_from(0)
    with open(os.devnull, "wb") as nowhere:
        for number in range(60):
            core.ingest(stream, wide(number) * 1000)
            assert core.write(nowhere.fileno(), at, core.counters().head).gone == 0
    assert core.counters().held_bytes < 16 << 20
    assert at.passed == 60_000
