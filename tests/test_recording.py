"""A recording: what it writes, what reopening it shows, and how it ends when it cannot go on."""

from __future__ import annotations

import gzip
import json
import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui import recording as recordings
from estui.core import Core, open_core
from estui.record import KIND_EVENT, KIND_GAP, KIND_RUN, KIND_SEAM, Row, Rules
from estui.recording import FELL_BEHIND, Recording, RecordingError
from tests.cores import event, eventually, rows, utf8
from tests.lines import any_lines
from tests.test_core_own import numbered, own

HOSTILE = "a\x1b]0;x\x07[foo]\n\u202e\udcff.jsonl"


class Setup:
    """A core with one stream of estui's own, and a recording of it."""

    def __init__(
        self, path: Path | None, *, owned: bool = True, budget: int = 16 << 20, **options: Any
    ) -> None:
        self.core = open_core(budget=budget)
        self.stream = self.core.add_stream(owned=owned)
        self.recording = Recording(self.core, path, source_title="a source", **options)

    def feed(self, *lines: bytes) -> None:
        """Lines come, and are recorded."""
        self.take(*lines)
        self.recording.step()

    def take(self, *lines: bytes) -> None:
        """Lines come."""
        self.core.ingest(self.stream, b"".join(line + b"\n" for line in lines))

    def close(self) -> None:
        try:
            self.recording.close()
        finally:
            self.core.close()


@contextmanager
def recorded(path: Path | None, **options: Any) -> Iterator[Setup]:
    setup = Setup(path, **options)
    try:
        yield setup
    finally:
        setup.close()


def opened(*paths: Path) -> Core:
    """A core that has read a recording, its files one after the other."""
    core = open_core()
    stream = core.add_stream(owned=False)
    for path in paths:
        data = path.read_bytes()
        core.ingest(stream, gzip.decompress(data) if path.suffix == ".gz" else data)
    core.end(stream)
    return core


def text_of(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def of_ours(path: Path) -> list[dict[str, Any]]:
    """The recording's own lines, without their times."""
    found = []
    for line in text_of(path).split(b"\n"):
        with suppress(ValueError):
            document = json.loads(line.decode(errors="surrogateescape"))
            if "estui" in document:
                del document["time"]
                found.append(document)
    return found


def happened(core: Core) -> list[tuple[object, ...]]:
    """What a list shows, but for the first line of a recording."""
    found = [
        row for row in rows(core) if not (row.kind == KIND_SEAM and row.event.startswith("recording of "))
    ]
    return [(row.kind, *told(row), core.raw(row.seq) if row.kind == KIND_EVENT else None) for row in found]


def told(row: Row) -> tuple[object, ...]:
    lost = row.gap_global, row.gap_type, row.owned, row.unknown
    return row.event if row.kind != KIND_GAP else "", row.shard, lost if row.kind == KIND_GAP else None


# What is written


@given(st.lists(any_lines, max_size=8), st.booleans())
def test_the_lines_are_those_that_came(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], owned: bool
) -> None:
    path = tmp_path_factory.mktemp("recording") / "x.jsonl"
    with recorded(path, owned=owned) as setup:
        setup.feed(*lines)
        raws = [setup.core.raw(row.seq) for row in rows(setup.core) if row.kind == KIND_EVENT]
    core = opened(path)
    assert [core.raw(row.seq) for row in rows(core) if row.kind == KIND_EVENT] == raws
    assert path.read_bytes().split(b"\n")[1:-1] == lines


numbers = st.builds(
    numbered, st.integers(0, 12), st.none() | st.integers(0, 1), name=st.sampled_from(["open", "exit"])
)
steps = st.one_of(
    numbers,
    st.builds(own, st.sampled_from(["loss", "mark"]), lost=st.none() | st.integers(0, 9)),
    st.sampled_from(["mark", "restart"]),
)


@given(st.lists(steps.filter(lambda step: step != "mark"), max_size=25), st.booleans())
def test_a_reopened_recording_shows_what_the_ring_showed(
    tmp_path_factory: pytest.TempPathFactory, given_steps: list[bytes | str], owned: bool
) -> None:
    path = tmp_path_factory.mktemp("recording") / "x.jsonl"
    with recorded(path, owned=owned) as setup:
        play(setup, given_steps, owned)
        shown, losses = happened(setup.core), setup.core.losses()
    core = opened(path)
    assert happened(core) == shown
    assert core.losses() == losses


def play(setup: Setup, given_steps: list[bytes | str], owned: bool) -> None:
    for step in given_steps:
        if isinstance(step, bytes):
            setup.feed(step)
        else:
            setup.core.mark(step)
            if step == "restart":
                setup.stream = setup.core.add_stream(owned=owned)


@given(st.lists(steps, max_size=25), st.integers(0, 25))
def test_what_was_lost_adds_up_however_it_is_cut_into_files(
    tmp_path_factory: pytest.TempPathFactory, given_steps: list[bytes | str], size: int
) -> None:
    """Rotated at any place, and read one file after the other: all events, and as many lost as there were."""
    folder = tmp_path_factory.mktemp("recording")
    with recorded(folder / "x.jsonl", rotate_bytes=300 + 50 * size, compress=False) as setup:
        play(setup, given_steps, owned=True)
        setup.recording.step()
        raws = [setup.core.raw(row.seq) for row in rows(setup.core) if row.kind == KIND_EVENT]
        losses, files = setup.core.losses(), setup.recording.files
        assert (setup.recording.lost, setup.recording.unknown) == (losses.lost_global, losses.unknown)
    core = opened(*in_order(folder))
    assert len(in_order(folder)) == files
    assert [core.raw(row.seq) for row in rows(core) if row.kind == KIND_EVENT] == raws
    assert (core.losses().lost_global, core.losses().unknown) == (losses.lost_global, losses.unknown)
    assert core.losses().missing_global == 0


@given(st.lists(steps, max_size=25))
def test_of_a_part_the_losses_are_still_told(
    tmp_path_factory: pytest.TempPathFactory, given_steps: list[bytes | str]
) -> None:
    path = tmp_path_factory.mktemp("recording") / "x.jsonl"
    with recorded(path, delivered=True) as setup:
        setup.core.judge(Rules(subscribe=frozenset({"open"})))
        play(setup, given_steps, owned=True)
        setup.recording.step()
        gaps = [row for row in rows(setup.core) if row.kind == KIND_GAP and (row.gap_global or row.n)]
        opens = [row for row in rows(setup.core) if row.kind == KIND_EVENT and row.event == "open"]
        raws = [setup.core.raw(row.seq) for row in opens]
    core = opened(path)
    assert [core.raw(row.seq) for row in rows(core) if row.kind == KIND_EVENT] == raws
    lost = [(row.gap_global, row.unknown) for row in rows(core) if row.kind == KIND_GAP and row.owned]
    assert lost == [(row.gap_global, row.unknown) for row in gaps]
    assert of_ours(path)[0]["whole"] is False


def in_order(folder: Path) -> list[Path]:
    """The files of a recording, the oldest first; the name without a time is the youngest."""

    def age(path: Path) -> tuple[bool, str, int]:
        begun, _, more = path.name.partition("Z")
        number = more.split(".")[1] if more else ""
        return path.name == "x.jsonl", begun, int(number) if number.isdigit() else 0

    return sorted(folder.iterdir(), key=age)


def test_the_first_line_says_what_it_is(tmp_path: Path) -> None:
    for owned, options, whole in (
        (True, {}, True),
        (False, {}, False),
        (True, {"whole": False}, False),
        (True, {"delivered": True}, False),
        (True, {"subscribed": True}, False),
    ):
        path = tmp_path / f"{owned}{options}"
        with recorded(path, owned=owned, **options) as setup:
            setup.feed(event(time="2024-05-01T10:00:00Z"))
        first = json.loads(path.read_bytes().split(b"\n")[0])
        assert first == {
            "estui": "recording",
            "time": "2024-05-01T10:00:00Z",
            "version": 1,
            "source": "a source",
            "whole": whole,
        }


def test_an_empty_recording_has_its_first_line_alone(tmp_path: Path) -> None:
    with recorded(tmp_path / "x.jsonl") as setup:
        pass
    assert [line["estui"] for line in of_ours(tmp_path / "x.jsonl")] == ["recording"]
    assert setup.recording.bytes == (tmp_path / "x.jsonl").stat().st_size
    setup.recording.discard()
    assert list(tmp_path.iterdir()) == []


def test_it_may_begin_with_what_is_held(tmp_path: Path) -> None:
    core = open_core()
    stream = core.add_stream(owned=True)
    core.ingest(stream, b"".join(numbered(number) + b"\n" for number in (1, 2, 5)))
    for start, expected in ((None, []), (0, [1, 2, 5]), (2, [5])):
        path = tmp_path / f"{start}.jsonl"
        recording = Recording(core, path, source_title="x", start=start)
        recording.step()
        recording.close()
        reread = opened(path)
        assert [row.global_seq_num for row in rows(reread) if row.kind == KIND_EVENT] == expected
        assert reread.losses().lost_global == recording.lost == (0 if start is None else 2)
    core.close()


def test_words_are_kept_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / HOSTILE
    with recorded(path) as setup:
        setup.core.mark(HOSTILE)
        setup.feed(event())
    assert setup.recording.title.isprintable()
    assert [row.event for row in rows(opened(path)) if row.kind == KIND_SEAM][1:] == [HOSTILE]
    assert b"\x1b" not in path.read_bytes()


def test_a_recording_recorded_again_is_the_same(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("1", "2", "3"))
    with recorded(first) as setup:
        setup.feed(numbered(1), numbered(4), own("loss", lost=None, why="y"))
    with recorded(second, owned=False) as setup:
        setup.feed(*first.read_bytes().splitlines())
        assert (setup.recording.lost, setup.recording.unknown) == (2, 1)
    assert opened(second).losses() == opened(first).losses()
    assert second.read_bytes().endswith(first.read_bytes())
    with recorded(third, owned=False, delivered=True) as setup:
        setup.feed(*first.read_bytes().splitlines())
    assert [line["estui"] for line in of_ours(third)] == ["recording", "mark", "loss", "loss"]
    assert opened(third).losses().lost_global == 2


def test_what_was_evicted_before_it_was_written_is_a_loss(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    with recorded(path, budget=1 << 20) as setup:
        setup.feed(numbered(1))
        setup.take(*(event(global_seq_num=number, a="x" * 1000) for number in range(2, 6001, 2)))
        setup.feed(event(global_seq_num=6001))
        assert setup.recording.gone == setup.core.counters().evicted - 1 > 1000
        lost = setup.recording.lost
        assert lost == setup.core.losses().lost_global + setup.recording.gone
        assert setup.recording.unrecorded == 0
    core = opened(path)
    assert core.counters().events + core.losses().lost_global == 6001
    assert core.losses().lost_global == lost
    # The first row that is left may be a gap, whose beginning is gone.
    seam, gap = [row for row in rows(core) if row.n and row.kind != KIND_EVENT][1:3]
    assert (seam.event, gap.event) == (FELL_BEHIND, FELL_BEHIND)
    assert not [row for row in rows(core) if row.kind == KIND_RUN]


# Files that are put away


def test_no_file_grows_past_its_size(tmp_path: Path) -> None:
    lines = [event(number=number, global_seq_num=number, a="x" * (number % 90)) for number in range(300)]
    lines[150] = event(number=150, global_seq_num=150, a="y" * 9000)
    with recorded(tmp_path / "x.jsonl", rotate_bytes=4000, compress=False) as setup:
        setup.feed(*lines[:200])
        setup.feed(*lines[200:])
        files = setup.recording.files
        assert setup.recording.events == 300
    paths = in_order(tmp_path)
    assert len(paths) == files > 10
    assert sum(path.stat().st_size for path in paths) == setup.recording.bytes
    large = [path for path in paths if path.stat().st_size > 4000]
    assert [path.read_bytes().count(b"\n") for path in large] == [
        2
    ]  # its first line, and the one that is so long
    written = b"".join(path.read_bytes().split(b"\n", 1)[1] for path in paths)
    assert written == b"".join(line + b"\n" for line in lines)
    assert all(of_ours(path)[0]["whole"] for path in paths)


def test_a_gap_between_two_files_is_told_in_the_second(tmp_path: Path) -> None:
    with recorded(tmp_path / "x.jsonl", rotate_bytes=1, compress=False) as setup:
        setup.feed(numbered(1, 7), numbered(5, 7), numbered(6, 7), numbered(6, 8))
    losses = [line for path in in_order(tmp_path) for line in of_ours(path) if line["estui"] == "loss"]
    assert losses == [{"estui": "loss", "lost": 3, "why": recordings.JUMPED, "shard": 7}]
    assert opened(*in_order(tmp_path)).losses().by_shard == {7: 3, 8: 0}


def test_a_file_is_put_away_when_it_is_old_enough(tmp_path: Path) -> None:
    now = 0.0
    with recorded(tmp_path / "x.jsonl", rotate_seconds=60.0, clock=lambda: now) as setup:
        now = 100.0
        setup.recording.step()  # there is nothing in it yet
        setup.feed(event())
        assert setup.recording.files == 1
        now = 159.0
        setup.recording.step()
        assert setup.recording.files == 1
        now = 160.0
        setup.recording.step()
        now = 1000.0
        setup.recording.step()
        assert setup.recording.files == 2
    assert len(list(tmp_path.glob("x-*Z.jsonl.gz"))) == 1
    assert [line["estui"] for line in of_ours(tmp_path / "x.jsonl")] == ["recording"]


def test_a_clock_that_stands_still_or_goes_back_makes_no_name_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        second = 30

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime(2026, 5, 1, 9, 30, cls.second, tzinfo=tz)

    monkeypatch.setattr(recordings, "datetime", Clock)
    (tmp_path / "x-20260501T093030.000Z.jsonl.gz").write_text("somebody's")
    with recorded(tmp_path / "x.jsonl", rotate_bytes=1, compress=False) as setup:
        setup.feed(event(n=1), event(n=2))
        Clock.second = 29
        setup.feed(event(n=3), event(n=4), event(n=5))
    names = sorted(path.name for path in tmp_path.iterdir())
    stem = "x-20260501T0930"
    begun = ["30.000Z.1", "30.000Z.2", "29.000Z", "29.000Z.1"]
    assert names == sorted(["x.jsonl", f"{stem}30.000Z.jsonl.gz", *(f"{stem}{name}.jsonl" for name in begun)])
    assert (tmp_path / f"{stem}30.000Z.jsonl.gz").read_text() == "somebody's"


def test_what_is_put_away_is_packed(tmp_path: Path) -> None:
    lines = [event(number=number, a="x" * 5000) for number in range(100)]
    with recorded(tmp_path / "x.jsonl", rotate_bytes=50_000) as setup:
        setup.feed(*lines)
    packed = [path for path in tmp_path.iterdir() if path.suffix == ".gz"]
    assert len(packed) == setup.recording.files - 1 > 8
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert setup.recording.trouble == ""
    found = sorted(
        line for path in tmp_path.iterdir() for line in text_of(path).splitlines() if b"number" in line
    )
    assert found == sorted(lines)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("compress", [True, False])
def test_all_files_together_stay_within_a_bound(tmp_path: Path, compress: bool) -> None:
    """The oldest go; what this recording did not put away stays, whatever it is called."""
    others = [tmp_path / "x-20200101T000000Z.jsonl", tmp_path / "x-20200101T000000Z.jsonl.gz"]
    for other in others:
        other.write_bytes(b"x" * 100_000)
    with recorded(tmp_path / "x.jsonl", rotate_bytes=20_000, keep_bytes=50_000, compress=compress) as setup:
        for number in range(200):
            setup.feed(event(number=number, a=os.urandom(400).hex()))
            ours = [path for path in tmp_path.iterdir() if path not in others and path.name.startswith("x")]
            sizes = []
            for path in ours:
                with suppress(FileNotFoundError):  # packed just now
                    sizes.append(path.stat().st_size)
            assert sum(sizes) <= 50_000 + 20_000 * compress  # the plain and the packed one for a moment
    assert all(other.exists() for other in others)
    youngest = max(int(json.loads(line)["number"]) for line in text_of(tmp_path / "x.jsonl").splitlines()[1:])
    assert youngest == 199
    assert sum(path.stat().st_size for path in tmp_path.iterdir() if path not in others) <= 50_000


def test_one_file_alone_takes_half_of_the_bound(tmp_path: Path) -> None:
    with recorded(tmp_path / "x.jsonl", rotate_seconds=1e6, keep_bytes=10_000, compress=False) as setup:
        setup.feed(*(event(number=number) for number in range(1000)))
        assert setup.recording.files > 10
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 10_000


def test_a_file_that_somebody_took_away_is_no_reason_to_stop(tmp_path: Path) -> None:
    with recorded(tmp_path / "x.jsonl", rotate_bytes=300) as setup:
        setup.feed(event(n=1), event(n=2))
        (tmp_path / "x.jsonl").rename(tmp_path / "mine")
        setup.feed(event(n=3), event(n=4), event(n=5))
    assert setup.recording.events == 5
    assert of_ours(tmp_path / "x.jsonl")


# Files that cannot be written


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / HOSTILE
    path.write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in (path, tmp_path / "link", tmp_path):
        with pytest.raises(RecordingError) as caught:
            Setup(name)
        assert "is there already" in caught.value.message
        assert caught.value.message.isprintable()
        assert caught.value.exit_code == 2
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "words", "code"),
    [
        ("none/x.jsonl", "cannot be made: No such file or directory", 3),
        ("x.jsonl.gz", "is plain", 2),
        ("x\0y", "is no name for a file", 2),
    ],
)
def test_a_name_that_will_not_do(tmp_path: Path, name: str, words: str, code: int) -> None:
    with pytest.raises(RecordingError) as caught:
        Setup(tmp_path / name)
    assert words in caught.value.message
    assert caught.value.exit_code == code


def test_a_pipe_is_not_rotated(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(RecordingError) as caught:
        Setup(tmp_path / "fifo", rotate_bytes=1)
    assert caught.value.exit_code == 2


@contextmanager
def no_file_past(size: int) -> Iterator[None]:
    """Every write past so many bytes fails, in the middle of a line too, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("threaded", [False, True])
def test_a_full_disk_leaves_whole_lines(tmp_path: Path, threaded: bool) -> None:
    lines = [event(number=number, a="x" * 1000) for number in range(1000)]
    setup = Setup(tmp_path / "x.jsonl")
    with no_file_past(300_000):
        if threaded:
            setup.recording.start()
            setup.take(*lines)
            eventually(lambda: setup.recording.failure is not None)
            setup.recording.close()
        else:
            with pytest.raises(RecordingError) as caught:
                setup.feed(*lines)
            assert caught.value.exit_code == 3
            with pytest.raises(RecordingError):
                setup.recording.step()
            setup.recording.close()
    text = (tmp_path / "x.jsonl").read_bytes()
    assert text.endswith(b"\n")
    assert text.split(b"\n")[1:-1] == lines[: setup.recording.events]
    assert 270 < setup.recording.events < 280
    assert setup.recording.unrecorded == 1000 - setup.recording.events
    assert setup.recording.error == f"{tmp_path}/x.jsonl cannot be written: File too large"
    setup.core.ingest(
        setup.stream, b"".join(line + b"\n" for line in lines * 30)
    )  # nothing is held back any more
    setup.core.close()


def test_a_disk_that_fills_up_while_a_file_is_put_away(tmp_path: Path) -> None:
    """The line that begins the next file finds no room: what was written stays under its name."""
    setup = Setup(tmp_path / "x.jsonl", rotate_bytes=2000)
    setup.feed(event(n=1, a="x" * 1500))
    with no_file_past(10), pytest.raises(RecordingError):
        setup.feed(event(n=2, a="x" * 1500))
    setup.close()
    assert [path.name for path in tmp_path.iterdir()] == ["x.jsonl"]
    assert (tmp_path / "x.jsonl").read_bytes().split(b"\n")[1:] == [event(n=1, a="x" * 1500), b""]


def test_what_cannot_be_packed_stays_plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("estui.archive.write_all", full)
    with recorded(tmp_path / "x.jsonl", rotate_bytes=1) as setup:
        setup.feed(event(n=1), event(n=2))
    assert "No space left" in setup.recording.trouble
    assert not list(tmp_path.glob(".*"))
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".jsonl"] * setup.recording.files


# In a thread


def test_a_thread_follows_the_ring(tmp_path: Path) -> None:
    """More than the ring holds goes through it, and nothing of it is lost."""
    lines = [event("open", f"/{number}", global_seq_num=number, a="x" * 1000) for number in range(8000)]
    with recorded(tmp_path / "x.jsonl", budget=1 << 20, rotate_bytes=3 << 20) as setup:
        setup.recording.start()
        for at in range(0, len(lines), 100):
            setup.take(*lines[at : at + 100])
    assert (setup.recording.events, setup.recording.lost, setup.recording.gone) == (8000, 0, 0)
    text = b"".join(
        text_of(path).split(b"\n", 1)[1]
        for path in sorted(tmp_path.iterdir(), key=lambda p: p.stat().st_mtime_ns)
    )
    assert sorted(text.splitlines()) == sorted(lines)


def test_figures_may_be_read_while_it_goes_and_after(tmp_path: Path) -> None:
    setup = Setup(tmp_path / "x.jsonl")
    setup.recording.start(0.001)

    def feed() -> None:
        for number in range(0, 2000, 2):
            setup.take(numbered(number))

    feeding = threading.Thread(target=feed)
    feeding.start()
    while feeding.is_alive():
        figures = (
            setup.recording.events,
            setup.recording.lost,
            setup.recording.unknown,
            setup.recording.unrecorded,
        )
        assert all(0 <= figure <= 1000 for figure in figures)
    setup.close()
    recording = setup.recording
    assert (recording.events, recording.lost, recording.unknown, recording.unrecorded) == (1000, 999, 0, 0)


def test_closing_twice_is_closing_once(tmp_path: Path) -> None:
    setup = Setup(tmp_path / "x.jsonl")
    setup.recording.start()
    setup.recording.close()
    setup.recording.close()
    setup.core.close()


def test_a_fault_of_our_own_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setup = Setup(tmp_path / "x.jsonl")

    def fail() -> None:
        raise ZeroDivisionError("\x1b")

    monkeypatch.setattr(setup.recording, "step", fail)
    setup.recording.start()
    eventually(lambda: setup.recording.failure is not None)
    assert setup.recording.error.isprintable()
    setup.close()


def test_times_in_words_are_those_of_the_events(tmp_path: Path) -> None:
    with recorded(tmp_path / "x.jsonl") as setup:
        setup.core.mark("before all")
        setup.feed(event(time="2024-05-01T10:00:00Z"))
        setup.core.mark("after all")
        setup.recording.step()
    times = [row.time for row in rows(opened(tmp_path / "x.jsonl"))]
    assert times == ["2024-05-01T10:00:00Z"] * 4
    with recorded(tmp_path / "y.jsonl") as setup:
        setup.feed(event())
    [row] = rows(opened(tmp_path / "y.jsonl"))[:1]
    assert row.time_ns is not None
    assert abs(row.time_ns - datetime.now(UTC).timestamp() * 1e9) < 600e9
    assert utf8("x")
