from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from estui.core import Core
from estui.sources import SourceError, SourceOptions, follow, open_source
from estui.sources.follow import FollowSource
from tests.sourcing import HOSTILE, bad, line, lines, pids, ring, rows, safe, seams, started, until


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "POLL", 0.002)


@contextmanager
def following(path: Path) -> Iterator[tuple[FollowSource, Core]]:
    source = open_source([str(path)], SourceOptions(follow=True))
    assert isinstance(source, FollowSource)
    with ring() as core, started(source, core):
        yield source, core


def add(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_what_is_added_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(lines(3))
    with following(path) as (source, core):
        until(lambda: core.counters().events == 3)
        for number in range(4, 30):
            add(path, line(number))
            until(lambda: core.counters().events == number)  # noqa: B023
        assert pids(core) == list(range(1, 30))
        assert source.state == ("running", "", "", 0)
        assert source.live


def test_a_line_half_written_waits_for_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(lines(2)[:-7])
    with following(path) as (_, core):
        until(lambda: core.counters().events == 1)
        add(path, lines(2)[-7:-2])
        until(lambda: core.counters().read_bytes == len(lines(2)) - 2)
        assert core.counters().lines == 1
        add(path, lines(2)[-2:])
        until(lambda: core.counters().events == 2)
        assert not bad(core)


def test_a_truncated_file_begins_again(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(lines(50) + b'{"event":{"half')
    with following(path) as (_, core):
        until(lambda: core.counters().events == 50)
        until(lambda: core.counters().read_bytes == path.stat().st_size)
        os.truncate(path, 0)
        until(lambda: seams(core))
        add(path, line(99))
        until(lambda: core.counters().events == 51)
        assert seams(core) == [f"{path} was truncated; it is read from its beginning"]
        assert bad(core) == ["the stream ended in the middle of this line"]
        assert pids(core)[-1] == 99
        assert [row.seq for row in rows(core)] == sorted(row.seq for row in rows(core))


def test_a_file_written_anew_is_noticed_though_it_is_longer(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(lines(3))
    with following(path) as (_, core):
        until(lambda: core.counters().events == 3)
        path.write_bytes(lines(9, first=101))
        until(lambda: core.counters().events == 12)
        assert len(seams(core)) == 1
        assert pids(core)[3:] == list(range(101, 110))


def test_a_writer_that_does_not_append_leaves_no_hole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with path.open("wb", buffering=0) as writer, following(path) as (_, core):
        writer.write(lines(2000))
        until(lambda: core.counters().events == 2000)
        os.truncate(path, 0)
        writer.write(line(5000))
        until(lambda: core.counters().events == 2001)
        assert pids(core)[-1] == 5000
        assert not bad(core)


@pytest.mark.parametrize("late", [b"", line(777)])
def test_a_rotated_file_is_read_to_its_end_first(late: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(lines(5))
    with following(path) as (source, core):
        until(lambda: core.counters().events == 5)
        path.rename(tmp_path / "a.1")
        until(lambda: source.state.reason == f"{path} is not there", lambda: source.state)
        assert source.state.advice == "It is read as soon as it appears"
        add(tmp_path / "a.1", late + b'{"half')
        until(lambda: core.counters().read_bytes == (tmp_path / "a.1").stat().st_size)
        path.write_bytes(lines(3, first=6))
        until(lambda: core.counters().events == 8 + bool(late))
        assert source.state.reason == ""
        assert seams(core) == [f"{path} was replaced; the new file is read from its beginning"]
        assert bad(core) == ["the stream ended in the middle of this line"]
        assert [pid for pid in pids(core) if pid != 777] == list(range(1, 9))


def test_many_rotations_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(line(0))
    with following(path) as (_, core):
        for number in range(1, 40):
            until(lambda: pids(core)[-1:] == [number - 1])  # noqa: B023
            (tmp_path / "next").write_bytes(line(number))
            (tmp_path / "next").rename(path)
        until(lambda: core.counters().events == 40)
        assert pids(core) == list(range(40))
        assert len(seams(core)) == 39


def test_a_file_may_come_later(tmp_path: Path) -> None:
    path = tmp_path / HOSTILE
    with following(path) as (source, core):
        until(lambda: source.state.reason.endswith("is not there"))
        assert safe(source.state.reason, source.state.advice, source.title)
        path.parent.mkdir()
        path.write_bytes(lines(2))
        until(lambda: core.counters().events == 2)
        assert source.state.reason == ""
        assert not seams(core)


def test_a_directory_in_the_way_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(lines(1))
    with following(path) as (source, core):
        until(lambda: core.counters().events == 1)
        path.unlink()
        path.mkdir()
        until(lambda: source.state.reason == f"{path} is a directory", lambda: source.state)
        path.rmdir()
        path.write_bytes(gzip.compress(b"x"))
        until(lambda: "is compressed" in source.state.reason, lambda: source.state)
        path.unlink()
        path.write_bytes(lines(2))
        until(lambda: core.counters().events == 3)


def test_a_compressed_file_cannot_be_followed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(gzip.compress(b"x"))
    with pytest.raises(SourceError, match="is compressed"):
        FollowSource(str(path))


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000, "/dev/null/x"])
def test_a_name_that_can_never_appear_is_refused(path: str) -> None:
    with pytest.raises(SourceError):
        FollowSource(path)


def test_a_followed_file_is_fed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(lines(500))
    source = FollowSource(str(path))
    with ring(1 << 20, max_events=64) as core:
        for _ in source.feed(core):
            if core.counters().lines == 500:
                break
        source.stop()
        assert source._fd == -1
