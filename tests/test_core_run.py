"""run(): real descriptors, read in a thread while others look."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from estui.core import Core, open_core
from estui.record import ALL_EVENTS, BAD_CUT, BAD_LONG, BAD_REASONS, KEPT_OF_LONG, PathRule, Rules, ViewSpec
from tests.cores import PATIENCE, event, eventually, rows


class Task(threading.Thread):
    """A thread with a result."""

    def __init__(self, work: Callable[[], int]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._result: int | None = None
        self.start()

    def run(self) -> None:
        self._result = self._work()

    def result(self) -> int | None:
        """What the work returned."""
        self.join(PATIENCE)
        assert not self.is_alive()
        return self._result


def feed(fd: int, pieces: Iterable[bytes]) -> Task:
    """Write into a pipe from another thread, and close it; a reader that has gone is no error."""

    def work() -> int:
        try:
            with open(fd, "wb", buffering=0) as file:
                for piece in pieces:
                    view = memoryview(piece)
                    while view:
                        view = view[file.write(view) :]
        except BrokenPipeError:
            return errno.EPIPE
        return 0

    return Task(work)


def run_through(core: Core, pieces: Iterable[bytes], *, blocking: bool = True) -> int:
    """Run a new stream over a pipe that gets these pieces."""
    reader, writer = os.pipe()
    os.set_blocking(reader, blocking)
    stream = core.add_stream(owned=True)
    writing = feed(writer, pieces)
    try:
        return core.run(stream, reader)
    finally:
        os.close(reader)
        writing.result()


LINES = [event("open", f"/{number}", a="x" * (number % 700)) for number in range(2000)]
TEXT = b"".join(line + b"\n" for line in LINES)


@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize("piece", [777, 65_536, 1 << 20])
def test_all_that_a_pipe_carries(piece: int, blocking: bool) -> None:
    core = open_core()
    assert (
        run_through(core, (TEXT[at : at + piece] for at in range(0, len(TEXT), piece)), blocking=blocking)
        == 0
    )
    assert [core.raw(row.seq) for row in rows(core)] == LINES
    assert core.counters().read_bytes == len(TEXT)


@pytest.mark.parametrize(
    ("rest", "reasons"),
    [
        (b"", []),
        (event(), [""]),
        (event()[:-1], [BAD_REASONS[BAD_CUT]]),
        (b"\0" * 5 + b"\n\0", [BAD_REASONS[2], BAD_REASONS[BAD_CUT]]),
        (b"\n\n" + event() + b"\r\n", [BAD_REASONS[1]] * 2 + [""]),
    ],
)
def test_the_end_of_a_stream(rest: bytes, reasons: list[str]) -> None:
    core = open_core()
    assert run_through(core, [event() + b"\n", rest]) == 0
    assert [row.reason for row in rows(core)] == ["", *reasons]


def test_a_line_of_a_hundred_mebibytes() -> None:
    core = open_core(budget=16 << 20)
    begin, filler = b'{"event":{"exit":{"a":"', b"x" * (1 << 20)
    assert run_through(core, [begin, *[filler] * 100, b'"}}}\n', event(), b"\n"]) == 0
    long, short = rows(core)
    assert (long.reason, long.size) == (BAD_REASONS[BAD_LONG], len(begin) + (100 << 20) + 4)
    assert core.raw(long.seq) == (begin + filler)[:KEPT_OF_LONG]
    assert (short.event, short.n) == ("open", 2)
    assert core.counters().memory < 2 << 20  # one segment of a sixteenth of the budget, at most


def test_a_fifo(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    core = open_core()
    stream = core.add_stream(owned=False)

    def read() -> int:
        with fifo.open("rb", buffering=0) as file:
            return core.run(stream, file.fileno())

    reading = Task(read)
    assert feed(os.open(fifo, os.O_WRONLY), [TEXT]).result() == 0
    assert reading.result() == 0
    assert core.counters().events == len(LINES)


def test_a_file_is_read_from_where_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "capture.jsonl"
    file.write_bytes(TEXT)
    start = len(LINES[0]) + 1
    core = open_core()
    for indexed in (True, False):
        with file.open("rb") as opened:
            opened.seek(start)
            os.lseek(opened.fileno(), start, os.SEEK_SET)
            stream = core.add_stream(owned=False, fd=opened.fileno() if indexed else -1)
            assert core.run(stream, opened.fileno()) == 0
    assert [core.raw(row.seq) for row in rows(core)] == LINES[1:] * 2
    assert core.counters().held_bytes == sum(map(len, LINES[1:]))


def test_stop_ends_a_run_that_waits() -> None:
    core = open_core()
    stream = core.add_stream(owned=False)
    reader, writer = os.pipe()
    running = Task(lambda: core.run(stream, reader))
    os.write(writer, event() + b"\n" + event()[:9])
    eventually(lambda: core.counters().events == 1)
    core.stop(stream)
    assert running.result() == -1
    assert core.counters().lines == 1
    core.ingest(stream, event()[9:] + b"\n")
    assert core.counters().events == 2
    assert core.run(stream, reader) == -1  # stopped for good
    os.close(writer)
    os.close(reader)


def test_stop_ends_a_run_that_never_waits() -> None:
    core = open_core(budget=1 << 20)
    stream = core.add_stream(owned=False)
    reader, writer = os.pipe()
    stopped = threading.Event()
    writing = feed(writer, iter(lambda: b"" if stopped.is_set() else TEXT, b""))
    running = Task(lambda: core.run(stream, reader))
    eventually(lambda: core.counters().evicted > 0)
    core.stop(stream)
    assert running.result() == -1
    stopped.set()
    os.close(reader)
    writing.result()


def test_what_cannot_be_read_gives_its_error(tmp_path: Path) -> None:
    core = open_core()
    stream = core.add_stream(owned=False)
    reader, writer = os.pipe()
    os.close(reader)
    assert core.run(stream, reader) == errno.EBADF
    assert core.run(stream, writer) == errno.EBADF
    os.close(writer)
    directory = os.open(tmp_path, os.O_RDONLY)
    assert core.run(stream, directory) == errno.EISDIR
    os.close(directory)
    assert core.run(stream, -1) == errno.EBADF
    assert core.counters().lines == 0


def test_streams_run_side_by_side() -> None:
    core = open_core()
    tasks = [Task(lambda: run_through(core, [TEXT])) for _ in range(3)]
    assert [task.result() for task in tasks] == [0, 0, 0]
    for stream in range(3):
        found = [row for row in rows(core) if row.stream == stream]
        assert [core.raw(row.seq) for row in found] == LINES
        assert [row.n for row in found] == list(range(1, len(LINES) + 1))


def test_looking_while_it_runs() -> None:
    """All that the screen asks, asked while rows come and go; each answer fits in itself."""
    core = open_core(budget=1 << 20, max_events=1500)
    rule = PathRule(2, b"/1", ALL_EVENTS)
    views = [core.view(ViewSpec()), core.view(ViewSpec(hide_suppressed=True))]
    running = Task(lambda: run_through(core, [TEXT] * 5))
    while running.is_alive():
        core.judge(Rules(paths=(rule,)))
        counters = core.counters()
        assert counters.events == counters.held_events + counters.evicted
        assert core.hits(rule).count <= counters.budget
        assert core.whatif(Rules()).suppressed == 0
        for view in views:
            view.extend()
            seqs = [view[position] for position in range(len(view))]
            assert seqs == sorted(set(seqs))
            assert view.seek_time(0) == len(view)
            core.find("/1999", counters.tail, 1, 100, view)
        for row in core.rows(counters.tail, counters.tail + 50):
            assert row.event == "open"
            assert core.raw(row.seq) in (None, LINES[(row.n - 1) % len(LINES)])
    assert running.result() == 0
    assert core.counters().events == 5 * len(LINES)
