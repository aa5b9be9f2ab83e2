from __future__ import annotations

import bz2
import gzip
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui import sources
from estui.record import KIND_EVENT
from estui.sources import Source, SourceError, SourceOptions, formats, linux, open_source, timeline
from estui.sources.demo import DemoSource
from estui.sources.eslogger import EsloggerSource
from estui.sources.file import FileSource
from estui.sources.follow import FollowSource
from estui.sources.linux import LinuxSource
from estui.sources.merge import MergeSource
from estui.sources.reader import Reader
from estui.sources.replay import ReplaySource
from estui.sources.stdin import FifoSource, StdinSource
from tests.sourcing import (
    HOSTILE,
    SECOND,
    bad,
    fed,
    line,
    lines,
    pids,
    read_all,
    ring,
    rows,
    safe,
    started,
    until,
)  # fmt: skip

zstd = formats._zstd()


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A path that must never reach a terminal as it is."""
    path = tmp_path / HOSTILE
    path.parent.mkdir()
    return path


def write(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


# Words


@pytest.mark.parametrize(
    ("words", "options", "kind"),
    [
        (["FILE"], SourceOptions(), FileSource),
        (["FILE", "FILE"], SourceOptions(), MergeSource),
        (["FILE"], SourceOptions(follow=True), FollowSource),
        (["FILE"], SourceOptions(replay=True), ReplaySource),
        (["FILE", "FILE"], SourceOptions(replay=True), ReplaySource),
        (["demo"], SourceOptions(), DemoSource),
        ([], SourceOptions(), DemoSource),
    ],
)
def test_words_name_a_source(
    words: list[str],
    options: SourceOptions,
    kind: type[Source],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(linux, "permitted_quietly", lambda: False)
    path = write(tmp_path / "a.jsonl", b"")
    source = open_source([word.replace("FILE", path) for word in words], options)
    assert type(source) is kind
    source.stop()


def test_a_file_of_a_reserved_name_is_named_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for word in ("demo", "eslogger", "linux", "-"):
        write(tmp_path / word, lines(1))
        with ring() as core:
            read_all(open_source([f"./{word}"]), core)
            assert pids(core) == [1]


@pytest.mark.parametrize(
    ("words", "options", "code", "said"),
    [
        (["linux"], SourceOptions(follow=True), 2, "--follow is for files"),
        (["linux"], SourceOptions(shards=2), 2, "--shards is for eslogger"),
        (["ssh://me@"], SourceOptions(), 2, "not an address"),
        (["ssh://me@mac"], SourceOptions(follow=True), 2, "--follow is for files"),
        (["a"], SourceOptions(shards=2), 2, "--shards is for eslogger"),
        (["demo"], SourceOptions(shards=2), 2, "--shards is for eslogger"),
        (["eslogger"], SourceOptions(shards=17), 2, "auto, or 1 to 16"),
        (["demo", "a"], SourceOptions(), 2, "no other source"),
        (["a", "-"], SourceOptions(), 2, "no other source"),
        (["a", "ssh://x"], SourceOptions(), 2, "no other source"),
        (["demo"], SourceOptions(follow=True), 2, "--follow is for files"),
        (["-"], SourceOptions(replay=True), 2, "--replay is for files"),
        ([], SourceOptions(replay=True), 2, "--replay is for files"),
        (["a", "b"], SourceOptions(follow=True), 2, "one file"),
        (["a"], SourceOptions(follow=True, replay=True), 2, "one file"),
        (["demo"], SourceOptions(speed=0.0), 2, "above 0"),
        (["demo"], SourceOptions(rate=float("inf")), 2, "above 0"),
        (["a"], SourceOptions(idle=float("nan")), 2, "--idle"),
    ],
)
def test_words_that_name_no_source(words: list[str], options: SourceOptions, code: int, said: str) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        open_source(words, options)
    assert caught.value.exit_code == code


def test_no_words_on_a_mac_mean_its_own_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("PATH", str(tmp_path))
    source = open_source([])
    assert isinstance(source, DemoSource)
    assert "no eslogger on this Mac" in source._notice
    for name in ("eslogger", "sudo"):
        write(tmp_path / name, b"#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    assert isinstance(open_source([]), EsloggerSource)
    assert isinstance(open_source([], SourceOptions(headless=True)), DemoSource)
    (tmp_path / "sudo").unlink()
    monkeypatch.setattr(os, "geteuid", lambda: 501)
    source = open_source([])
    assert isinstance(source, DemoSource)
    assert "no sudo" in source._notice


def test_no_words_elsewhere_say_how_to_get_real_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(linux, "permitted_quietly", lambda: False)
    source = open_source([])
    with ring() as core, started(source, core):
        until(lambda: core.counters().events)
        until(lambda: source.state.advice == sources.ON_LINUX, lambda: source.state)


def test_no_words_where_the_kernel_may_be_asked_are_its_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(linux, "permitted_quietly", lambda: True)
    monkeypatch.setattr(linux, "_recorder", lambda: Path("/opt/estui-linux"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert isinstance(open_source([]), LinuxSource)
    assert isinstance(open_source([], SourceOptions(headless=True)), DemoSource)


# One file


@pytest.mark.parametrize("begin", [b"", b"\n", b"junk\n"])
def test_a_plain_file_is_read_in_place(begin: bytes, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", begin + lines(300))
    with ring() as core:
        source = read_all(FileSource(path), core)
        assert pids(core) == list(range(1, 301))
        assert core.counters().held_bytes == 0
        last = rows(core)[-1]
        assert core.raw(last.seq) == lines(300).splitlines()[-1]
        assert last.n == 300 + bool(begin)
        assert source.state == ("ended", f"all of {path} was read", "", 0)


@pytest.mark.parametrize("ending", ["a.jsonl", "a.gz"])
def test_compression_is_told_by_content_not_by_name(ending: str, tmp_path: Path) -> None:
    with ring() as core:
        read_all(FileSource(write(tmp_path / ending, gzip.compress(lines(500)))), core)
        assert pids(core) == list(range(1, 501))


def test_gzip_members_follow_one_another_and_zeros_pad(tmp_path: Path) -> None:
    data = lines(4)
    packed = gzip.compress(data[:100]) + gzip.compress(b"") + gzip.compress(data[100:]) + bytes(70_000)
    with ring() as core:
        read_all(FileSource(write(tmp_path / "a.gz", packed)), core)
        assert pids(core) == [1, 2, 3, 4]


def test_a_gzip_bomb_is_unpacked_by_the_chunk(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gz", gzip.compress(b"x" * (16 << 20) + b"\n" + lines(2), 9))
    with ring(1 << 20) as core:
        read_all(FileSource(path), core)
        assert pids(core) == [1, 2]
        assert bad(core) == ["line longer than half the budget"]


@pytest.mark.skipif(zstd is None, reason="this Python reads no zstd")
def test_zstd_is_read_where_python_can(tmp_path: Path) -> None:
    packed = zstd.compress(lines(100)) + zstd.compress(lines(1, first=101))
    with ring() as core:
        read_all(FileSource(write(tmp_path / "a.zst", packed)), core)
        assert pids(core) == list(range(1, 102))
    with ring() as core:
        source = read_all(FileSource(write(tmp_path / "cut.zst", packed[:-3])), core)
        assert source.state.status == "failed"
        assert "ends in the middle of its zstd data" in source.state.reason


def test_zstd_without_a_reader_names_the_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    monkeypatch.setitem(sys.modules, "backports.zstd", None)
    with pytest.raises(SourceError, match="compressed with zstd") as caught:
        FileSource(write(tmp_path / "a", b"\x28\xb5\x2f\xfd rest"))
    assert "zstd -dc" in caught.value.advice
    with pytest.raises(SourceError, match="compressed with bzip2"):
        FileSource(write(tmp_path / "b", bz2.compress(b"x")))


@pytest.mark.parametrize("cut", [1, 20, 400])
def test_what_a_truncated_gzip_held_stays(cut: int, tmp_path: Path) -> None:
    data = b"".join(line(n, n * SECOND, note=os.urandom(40).hex()) for n in range(1, 200))
    path = write(tmp_path / "a.gz", gzip.compress(data)[:-cut])
    with ring() as core:
        source = read_all(FileSource(path), core)
        state = source.state
        assert (state.status, state.exit_code) == ("failed", 0)
        assert state.reason == f"{path} ends in the middle of its gzip data"
        assert "What came before was read" in state.advice
        count = len(pids(core))
        assert count > 150
        assert pids(core) == list(range(1, count + 1))
        assert bad(core) in ([], ["the stream ended in the middle of this line"])


def test_damaged_gzip_data_is_said(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(os.urandom(300_000).hex().encode()))
    packed[100_000] ^= 0xFF
    packed[100_001] ^= 0xFF
    with ring() as core:
        source = read_all(FileSource(write(tmp_path / "a.gz", bytes(packed))), core)
        assert "is damaged near byte" in source.state.reason
        assert source.state.exit_code == 1
    with ring() as core:
        source = read_all(
            FileSource(write(tmp_path / "b.gz", gzip.compress(lines(2)) + b"trailing junk")), core
        )
        assert "is damaged near byte" in source.state.reason
        assert pids(core) == [1, 2]


# Bad input


def test_a_missing_file_names_its_neighbour(tmp_path: Path) -> None:
    write(tmp_path / "events.jsonl", b"")
    with pytest.raises(SourceError, match="there is no file") as caught:
        open_source([str(tmp_path / "event.jsonl")])
    assert caught.value.advice == f"Did you mean {tmp_path}/events.jsonl?"
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("options", [SourceOptions(), SourceOptions(follow=True), SourceOptions(replay=True)])
def test_a_directory_is_no_source(options: SourceOptions, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is a directory"):
        open_source([str(tmp_path)], options)


@pytest.mark.parametrize("path", ["", "a\0b", "/nowhere/at/all", "x" * 5000])
@pytest.mark.parametrize("options", [SourceOptions(), SourceOptions(replay=True)])
def test_names_that_name_nothing(path: str, options: SourceOptions) -> None:
    with pytest.raises(SourceError) as caught:
        open_source([path], options)
    assert caught.value.exit_code == 3
    assert safe(caught.value.message, caught.value.advice)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a", b"")

    def refuse(*args: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(SourceError, match="may not be read") as caught:
        open_source([path])
    assert "sudo cat" in caught.value.advice


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"\x7fELF\x02\x01\x01\0\0\0\0 binary \n\0\0\n", "is a binary file"),
        (b'{\n  "a": 1\n}\n', "is an Endpoint Security event (line 1: not valid JSON)"),
        (b'{"a":1}\n{"b":2}\n', "is an Endpoint Security event (line 1: no event object)"),
        (b"[1,2]\n", "(line 1: not a JSON object)"),
        (b"\n\n\n", "(line 1: empty line)"),
    ],
)
def test_files_without_events_are_explained(data: bytes, reason: str, hostile: Path) -> None:
    path = write(hostile, data)
    with ring() as core:
        state = read_all(FileSource(path), core).state
        assert state.status == "failed"
        assert reason in state.reason
        assert state.advice
        assert state.exit_code == 1
        assert safe(state.reason, state.advice)


def test_a_compressed_pipe_is_explained() -> None:
    with piped(gzip.compress(lines(3))) as source, ring() as core:
        assert "is compressed (gzip)" in read_all(source, core).state.reason


def test_a_file_that_stops_in_a_line_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "a", lines(3)[:-20])
    with ring() as core:
        source = read_all(FileSource(path), core)
        assert pids(core) == [1, 2]
        assert bad(core) == ["the stream ended in the middle of this line"]
        assert source.state.reason == f"{path} stops in the middle of its last line"
        assert source.state.exit_code == 0


def test_a_last_line_without_a_newline_is_a_line(tmp_path: Path) -> None:
    with ring() as core:
        source = read_all(FileSource(write(tmp_path / "a", lines(3).rstrip())), core)
        assert pids(core) == [1, 2, 3]
        assert source.state.status == "ended"


@pytest.mark.parametrize("make", [FileSource, FollowSource, lambda path: MergeSource([path, path])])
def test_hostile_names_are_shown_escaped(make: type[FileSource], hostile: Path) -> None:
    source = make(write(hostile, b""))
    assert safe(source.title)
    assert "\\x1b]0;x\\x07\\n[/foo]\\u202e\\xff" in source.title
    source.stop()
    with pytest.raises(SourceError) as caught:
        open_source([str(hostile)[:-1]])
    assert safe(caught.value.message, caught.value.advice)


# Feeding


def expected(data: bytes) -> list[bytes]:
    return data.split(b"\n")[: data.count(b"\n")]


@pytest.mark.parametrize("form", ["plain", "gzip", "pipe", "merge", "replay"])
@pytest.mark.parametrize("data", [lines(3000), b"\n" * 5000 + lines(5), b'{"event":{"a":{}}}\n' * 9000])
def test_a_small_ring_is_fed_without_losing_a_row(form: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(gzip.compress(data) if form == "gzip" else data)
    with ring(1 << 20, max_events=256) as core:
        if form == "pipe":
            with piped(data) as source:
                taken = fed(source, core)
        else:
            options = SourceOptions(replay=form == "replay", speed=1e12)
            taken = fed(open_source([str(path)] * (1 + (form == "merge")), options), core)
    numbers = [row.n for row in taken if row.n]
    count = data.count(b"\n")
    if form == "merge":
        assert sorted(numbers) == sorted(2 * list(range(1, count + 1)))
    else:
        assert numbers == list(range(1, count + 1))


def test_leaving_a_feed_early_frees_the_source(tmp_path: Path) -> None:
    source = FileSource(write(tmp_path / "a", lines(2000)))
    with ring(1 << 20, max_events=16) as core:
        for _ in source.feed(core):
            break
        source.stop()
        source.stop()
        assert source._reader.fd == -1
        assert core.counters().events < 2000


# Pipes


class piped:  # noqa: N801  reads as a function
    """Standard input is a pipe that holds data, or that `writer` writes into."""

    def __init__(self, data: bytes | None = None) -> None:
        self._data = data
        self.writer = -1

    def __enter__(self) -> StdinSource:
        self._kept = os.dup(0)
        reader, self.writer = os.pipe()
        os.dup2(reader, 0)
        os.close(reader)
        if self._data is not None:
            threading.Thread(target=self.write, args=(self._data,), daemon=True).start()
        return StdinSource()

    def write(self, data: bytes) -> None:
        """Write, then close the pipe."""
        with os.fdopen(self.writer, "wb") as pipe:
            pipe.write(data)

    def __exit__(self, *_: object) -> None:
        os.dup2(self._kept, 0)
        os.close(self._kept)


def test_standard_input_is_read_to_its_end() -> None:
    with piped(lines(5000)) as source, ring() as core:
        read_all(source, core)
        assert pids(core) == list(range(1, 5001))
        assert source.state.reason == "all of standard input was read"


def test_standard_input_is_read_as_it_comes_and_stops_when_told() -> None:
    pipe = piped()
    with pipe as source, ring() as core, started(source, core):
        for number in range(1, 20):
            os.write(pipe.writer, line(number))
            until(lambda: core.counters().events == number)  # noqa: B023
        assert source.state.status == "running"
        source.stop()
        assert source.wait(0)
        assert source.state == ("ended", "stopped", "", 0)
        os.close(pipe.writer)


def test_a_pipe_nobody_wrote_into_is_explained() -> None:
    with piped(b"") as source, ring() as core:
        state = read_all(source, core).state
        assert state.reason == "nothing came through standard input"
        assert state.exit_code == 1
        assert state.advice


def test_a_terminal_is_no_pipe() -> None:
    leader, follower = os.openpty()
    kept = os.dup(0)
    try:
        os.dup2(follower, 0)
        with pytest.raises(SourceError, match="is the terminal") as caught:
            open_source(["-"])
        assert "| estui -" in caught.value.advice
        os.close(0)
        with pytest.raises(SourceError, match="nothing is piped in"):
            open_source(["-"])
    finally:
        os.dup2(kept, 0)
        for fd in (kept, leader, follower):
            os.close(fd)


KEYBOARD = """
import fcntl, os, sys, termios
from estui.sources import keep_keyboard
fcntl.ioctl(os.open(sys.argv[1], os.O_RDWR), termios.TIOCSCTTY, 0)
data = keep_keyboard()
assert os.isatty(0) and sys.stdin is sys.__stdin__ and sys.stdin.fileno() == 0
print(sys.stdin.readline().strip(), os.read(data, 100).decode().strip())
"""


def test_the_keyboard_is_kept_beside_piped_data() -> None:
    leader, follower = os.openpty()
    os.write(leader, b"key\n")
    result = subprocess.run(
        [sys.executable, "-c", KEYBOARD, os.ttyname(follower)],
        input=b"data\n",
        capture_output=True,
        start_new_session=True,
        check=True,
    )
    assert result.stdout == b"key data\n"
    os.close(leader)
    os.close(follower)


def test_without_a_terminal_there_is_no_keyboard() -> None:
    code = "from estui.sources import *\ntry: keep_keyboard()\nexcept SourceError as e: print(e)"
    result = subprocess.run(
        [sys.executable, "-c", code], input=b"", capture_output=True, start_new_session=True, check=True
    )
    assert result.stdout == b"there is no terminal to read keys from\n"


@pytest.fixture
def fifo(hostile: Path) -> str:
    os.mkfifo(hostile)
    return str(hostile)


def test_a_fifo_is_read_until_its_writer_leaves(fifo: str) -> None:
    source = open_source([fifo])
    assert isinstance(source, FifoSource)
    with ring() as core, started(source, core):
        until(lambda: source.state.reason.endswith("yet"), lambda: source.state)
        assert safe(source.state.reason, source.state.advice)
        with open(fifo, "wb", buffering=0) as writer:
            writer.write(lines(2))
            until(lambda: core.counters().events == 2)
            assert source.state == ("running", "", "", 0)
            writer.write(lines(3)[:-5])
        assert source.wait(60)
        assert bad(core) == ["the stream ended in the middle of this line"]


def test_a_fifo_nobody_writes_into_can_be_left(fifo: str) -> None:
    source = open_source([fifo])
    with ring() as core, started(source, core):
        until(lambda: source.state.reason)
        source.stop()
        assert source.wait(0)
        assert source.state.reason == "stopped"


def test_a_fifo_is_fed(fifo: str) -> None:
    threading.Thread(target=lambda: Path(fifo).write_bytes(lines(100)), daemon=True).start()
    with ring() as core:
        assert len(fed(open_source([fifo]), core)) == 100


def test_a_fifo_among_files_is_refused(fifo: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not a file"):
        open_source([write(tmp_path / "a", b""), fifo])


def test_a_pipe_that_does_not_block_is_waited_for() -> None:
    pipe = piped()
    with pipe as source, ring() as core:
        os.set_blocking(0, False)
        feed = source.feed(core)
        threading.Timer(0.05, pipe.write, [lines(1)]).start()
        assert sum(1 for _ in feed) == 2
        assert pids(core) == [1]


# Merging


def test_files_are_merged_by_time_each_a_stream_of_its_own(tmp_path: Path) -> None:
    first = b"".join(line(n, n * SECOND, global_seq_num=n) for n in (1, 4, 5, 9))
    second = b"".join(line(n, n * SECOND, global_seq_num=n) for n in (2, 3, 6, 7, 8))
    paths = [write(tmp_path / "a", first), write(tmp_path / "b", second)]
    with ring() as core:
        source = read_all(open_source(paths), core)
        assert pids(core) == list(range(1, 10))
        assert core.counters().held_bytes == 0
        assert [core.raw(row.seq) for row in rows(core, KIND_EVENT)] == sorted(
            (first + second).splitlines(), key=lambda raw: raw[raw.index(b'"time"') :]
        )
        assert core.losses().missing_global == 2 + 3 + 2
        assert source.title == f"{paths[0]} and 1 more"


def test_the_order_inside_a_file_is_kept(tmp_path: Path) -> None:
    back = [line(1, 10 * SECOND), line(2, 5 * SECOND), line(3), b"junk\n", line(4, 20 * SECOND)]
    paths = [write(tmp_path / "a", b"".join(back)), write(tmp_path / "b", line(9, 15 * SECOND))]
    with ring() as core:
        read_all(MergeSource(paths), core)
        assert pids(core) == [1, 2, 3, 9, 4]


@given(
    st.lists(
        st.lists(st.tuples(st.none() | st.integers(0, 9), st.booleans()), max_size=8), min_size=1, max_size=4
    ),
    st.integers(1, 60),
)
def test_merging_keeps_every_line(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[tuple[int | None, bool]]], size: int
) -> None:
    folder = tmp_path_factory.mktemp("merge")
    paths, wanted = [], []
    for index, file in enumerate(files):
        data = [
            line(100 * index + n, s and s * SECOND) if good else b"\x00\xff\r\n"
            for n, (s, good) in enumerate(file)
        ]
        paths.append(write(folder / str(index), b"".join(data)))
        wanted.append(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timeline, "_CHUNK", size)
        patch.setattr(timeline, "_PIECE", 3 * size)
        readers = [Reader(path) for path in paths]
        merged = list(timeline.merged(readers, {}))
    assert [item.ns for item in merged] == sorted(item.ns for item in merged)
    for index, data in enumerate(wanted):
        mine = [item for item in merged if item.file == index]
        assert b"".join(item.data for item in mine) == b"".join(data)
        place = 0
        for item in mine:
            assert item.offset == place
            place += len(item.data)
        readers[index].close()


def test_a_long_line_is_merged_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "_PIECE", 1000)
    monkeypatch.setattr(timeline, "_CHUNK", 700)
    long = line(1, SECOND, note="x" * 20_000)
    paths = [write(tmp_path / "a", long + line(3, 3 * SECOND)), write(tmp_path / "b", line(2, 2 * SECOND))]
    with ring() as core:
        read_all(MergeSource(paths), core)
        assert sorted(pids(core)) == [1, 2, 3]  # type: ignore[type-var]
        assert long.rstrip() in [core.raw(row.seq) for row in rows(core)]


def test_one_broken_file_does_not_end_the_others(tmp_path: Path) -> None:
    noisy = b"".join(line(n, n * SECOND, note=os.urandom(40).hex()) for n in range(1, 100))
    paths = [
        write(tmp_path / "a.gz", gzip.compress(noisy)[:-500]),
        write(tmp_path / "b", line(1000, 1000 * SECOND)),
    ]
    with ring() as core:
        source = read_all(MergeSource(paths), core)
        assert pids(core)[-1] == 1000
        assert len(pids(core)) > 50
        assert source.state.reason == f"{paths[0]} ends in the middle of its gzip data"


def test_files_opened_before_one_fails_are_closed(tmp_path: Path) -> None:
    before = len(list(Path("/dev/fd").iterdir()))
    with pytest.raises(SourceError):
        open_source([write(tmp_path / "a", b""), write(tmp_path / "b", b""), str(tmp_path / "c")])
    assert len(list(Path("/dev/fd").iterdir())) == before


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        (b'{"time":"1970-01-01T00:00:01Z","event":{}}', SECOND),
        (b'{"time" : "1970-01-01T00:00:00.5Z"}', SECOND // 2),
        (b'{"t\\u0069me":"1970-01-01T00:00:01Z"}', SECOND),
        (b'{"a":{"time":"1970-01-01T00:00:02Z"},"time":"1970-01-01T00:00:01Z"}', SECOND),
        (b'{"args":["\\"time\\":\\"1970-01-01T00:00:02Z\\""],"time":"1970-01-01T00:00:01Z"}', SECOND),
        (b'{"time":1}', None),
        (b'{"atime":"1970-01-01T00:00:01Z"}', None),
        (b'{"time":"yesterday"}', None),
        (b'{"time":', None),
        (b"[\xff", None),
        (b"", None),
    ],
)
def test_the_recorded_time_of_a_line(text: bytes, ns: int | None) -> None:
    assert timeline.recorded_ns(text) == ns


def test_a_mode_that_is_no_file(tmp_path: Path) -> None:
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with ring() as core:
        assert read_all(open_source(["/dev/null"]), core).state.reason == "nothing came through /dev/null"


def test_event_types_are_checked_and_belong_to_a_source_that_chooses(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="the nearest is open") as wrong:
        open_source(["demo"], SourceOptions(events=("opne",)))
    assert wrong.value.exit_code == 2
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"{}\n")
    for words in ([str(path)], ["-"]):
        with pytest.raises(SourceError, match="sends what it has"):
            open_source(words, SourceOptions(events=("open",)))
