from __future__ import annotations

import json
import os
import random
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estui.cli import parsers
from estui.core import Core
from estui.events import NOTIFY
from estui.record import KIND_BAD, KIND_EVENT, KIND_GAP
from estui.sources import SourceOptions, live, open_source, shards
from estui.sources.eslogger import EsloggerSource
from estui.sources.shards import AUTO, HEAVY, MOST, TOGETHER, WEIGHTS, Shards, count, split
from estui.sources.timeline import recorded_ns
from tests.macs import Mac, alive
from tests.sourcing import (
    DEADLINE,
    HOSTILE,
    SECOND,
    bad,
    fed,
    gaps,
    line,
    pids,
    read_all,
    ring,
    rows,
    runs,
    safe,
    seams,
    started,
    until,
)

HEAVIES = frozenset(name for name, weight in WEIGHTS.items() if weight >= HEAVY)
TYPES = ("exec", "fork", "exit", "lookup", "open", "stat")


@pytest.fixture
def mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mac:
    return Mac(tmp_path, monkeypatch)


# Which types go where


def test_the_weights_are_of_types_there_are() -> None:
    assert set(WEIGHTS) <= set(NOTIFY)
    assert not HEAVIES & TOGETHER


@given(st.sets(st.sampled_from(sorted(NOTIFY)), min_size=1), st.integers(1, MOST))
def test_every_type_is_in_one_shard(types: set[str], number: int) -> None:
    made = split(types, number)
    assert sorted(name for part in made for name in part) == sorted(types)
    assert all(made)
    assert len(made) <= number
    assert sum(bool(part & TOGETHER) for part in made) <= 1
    assert made == split(sorted(types, reverse=True), number), "always the same"
    if number > 1 and types & HEAVIES and types - HEAVIES:
        assert not any(part & HEAVIES and part - HEAVIES for part in made)
    units = len(types - TOGETHER) + bool(types & TOGETHER)
    heavy = len(types & HEAVIES)
    assert len(made) == min(number, units) or (heavy and heavy < units)


def test_as_many_as_are_best() -> None:
    assert count(("exec", "fork", "exit", "mount")) == 1
    assert count(("exec", "open")) == 1
    assert count(("lookup", "open")) == 2
    assert count(("lookup", "open", "exec")) == 3
    assert count(NOTIFY) == AUTO
    assert count(NOTIFY, cores=2) == 2
    assert count(NOTIFY, cores=64) == AUTO
    light, *heavy = split(NOTIFY, count(NOTIFY))
    assert light >= TOGETHER
    loads = [sum(WEIGHTS[name] for name in part) for part in heavy]
    assert max(loads) < 1.3 * min(loads)


# Merging


@contextmanager
def files(parts: Sequence[bytes]) -> Iterator[list[int]]:
    """Descriptors from which each part can be read at once, and then its end."""
    with ExitStack() as stack:
        made = []
        for data in parts:
            file = stack.enter_context(tempfile.TemporaryFile())
            file.write(data)
            file.seek(0)
            made.append(file.fileno())
        yield made


@contextmanager
def pipes(number: int) -> Iterator[tuple[list[int], list[int]]]:
    """So many pipes: the ends to read from, and those to write to; those left open are closed at the end."""
    made = [os.pipe() for _ in range(number)]
    outs = [out for _, out in made]
    try:
        yield [fd for fd, _ in made], outs
    finally:
        for fd in (*(fd for fd, _ in made), *outs):
            if fd >= 0:
                os.close(fd)


def put(out: int, data: bytes) -> None:
    while data:
        data = data[os.write(out, data) :]


def close(outs: list[int], shard: int) -> None:
    os.close(outs[shard])
    outs[shard] = -1


@contextmanager
def running(
    core: Core, fds: list[int], ended: Callable[[int], None] = lambda shard: None
) -> Iterator[Shards]:
    """Shards merging in the background; at the end they have ended, or are stopped."""
    made = Shards(core, core.add_stream(owned=True), fds, ended)
    worker = threading.Thread(target=lambda: list(made.chunks()))
    worker.start()
    try:
        yield made
    finally:
        made.stop()
        worker.join(DEADLINE)
        assert not worker.is_alive()


def merge(core: Core, parts: Sequence[bytes]) -> None:
    with files(parts) as fds:
        for _ in Shards(core, core.add_stream(owned=True), fds).chunks():
            pass


def without(raw: bytes | None) -> tuple[int | None, bytes]:
    """The number that was put into a line, and the line without it."""
    assert raw is not None
    for shard in range(MOST):
        member = b'"estui_shard":%d' % shard
        for with_comma in (member + b",", member):
            before, found, after = raw.partition(b"{" + with_comma)
            if found and not before.strip(b" \t\r"):
                return shard, before + b"{" + after
    return None, raw


def taken(core: Core) -> list[tuple[int | None, bytes]]:
    return [without(core.raw(row.seq)) for row in rows(core, KIND_EVENT, KIND_BAD)]


junk = st.one_of(
    st.binary(max_size=60).map(lambda data: data.replace(b"\n", b"\\")),
    st.sampled_from(
        [b"", b" ", b"{}", b" \t{ }", b"{", b'{"', b"[]", b"null", b'{"event":{}}', b"{}{}", b"\xff{}"]
    ),
    st.sampled_from(
        [b'{"time":5}', b'{"time":"2026-01-01T00:00:00Z"}', b'{"time":"x","time":"y"}', b'{ "time" : 1}']
    ),
)
"""Lines that are no events."""


def event(shard: int, number: int, ns: int | None, shape: int) -> bytes:
    """One of some ways to write an event whose pid tells shard and place."""
    made = line(shard * 1000 + number, ns, path=HOSTILE).replace(b"\\udcff", b"\xff").rstrip(b"\n")
    spaced = made.replace(b'"time": ', b'"time":')
    return (made, spaced, b" " + spaced, b"{ " + made[1:], b"\t{\r" + spaced[1:])[shape]


def lines_of(shard: int, draw: st.DrawFn) -> list[bytes]:
    times = st.one_of(st.none(), st.integers(0, 20).map(lambda second: second * SECOND))
    shapes = st.tuples(times, st.integers(0, 4))
    made: list[bytes] = []
    for number, entry in enumerate(draw(st.lists(st.one_of(shapes, junk), max_size=12))):
        made.append(entry if isinstance(entry, bytes) else event(shard, number, *entry))
    return made


@st.composite
def streams(draw: st.DrawFn) -> list[list[bytes]]:
    return [lines_of(shard, draw) for shard in range(draw(st.integers(1, 4)))]


def is_object(text: bytes) -> bool:
    """Whether it is one as far as its beginning tells."""
    return text.lstrip(b" \t\r").startswith(b"{")


def check_all_there(core: Core, sent: Sequence[Sequence[bytes]]) -> None:
    """Every line is there as it was sent, those of each shard in their order."""
    got = taken(core)
    assert core.counters().lines == len(got) == sum(map(len, sent))
    for shard, part in enumerate(sent):
        assert [text for number, text in got if number == shard] == [*filter(is_object, part)]
        mine = [row.pid for row in rows(core, KIND_EVENT) if row.pid is not None and row.pid // 1000 == shard]
        assert mine == sorted(mine), part
    others = [text for part in sent for text in part if not is_object(text)]
    assert sorted(text for number, text in got if number is None) == sorted(others)


@settings(max_examples=150, deadline=None)
@given(streams())
def test_what_is_there_at_once_is_merged_by_time(sent: list[list[bytes]]) -> None:
    sent = [[*filter(is_object, part)] for part in sent]  # of the others nobody can tell where they came from
    left = []
    for part in sent:
        times = [0]
        for text in part:
            ns = recorded_ns(text)
            times.append(times[-1] if ns is None else ns)
        left.append(times[1:])
    with ring() as core:
        merge(core, [b"".join(text + b"\n" for text in part) for part in sent])
        check_all_there(core, sent)
        for shard, _ in taken(core):
            assert shard is not None
            ns = left[shard].pop(0)
            others = [times[0] for other, times in enumerate(left) if times and other != shard]
            assert ns <= min(others, default=ns), "another shard's next line was earlier"


@settings(max_examples=60, deadline=None)
@given(streams(), st.randoms(use_true_random=False))
def test_nothing_is_lost_however_it_is_cut(sent: list[list[bytes]], chance: random.Random) -> None:
    data = [b"".join(text + b"\n" for text in part) for part in sent]
    with pytest.MonkeyPatch.context() as patch, ring() as core, pipes(len(sent)) as (fds, outs):
        patch.setattr(shards, "WAIT", chance.choice((0.0, 0.001, 3600.0)))
        patch.setattr(shards, "FULL", chance.choice((1, 300, 1 << 20)))
        with running(core, fds):
            while left := [shard for shard, out in enumerate(outs) if out >= 0]:
                shard = chance.choice(left)
                size = chance.randint(1, 200)
                put(outs[shard], data[shard][:size])
                data[shard] = data[shard][size:]
                if not data[shard]:
                    close(outs, shard)
            until(lambda: core.counters().lines == sum(map(len, sent)), lambda: taken(core))
        check_all_there(core, sent)


def test_lines_without_a_time_keep_their_place() -> None:
    with ring() as core:
        merge(
            core,
            [line(1, 5 * SECOND) + line(2) + line(3, 9 * SECOND), line(4) + line(5, 6 * SECOND) + line(6)],
        )
        assert pids(core) == [4, 1, 2, 5, 6, 3]


def test_a_clock_that_jumps_holds_nothing_back() -> None:
    """Order inside a shard is by place, whatever its times are; those of the others go on."""
    early = [line(number, number * SECOND) for number in range(1, 9)]
    with ring() as core:
        merge(core, [line(100, 10**9 * SECOND) + line(101, 1), b"".join(early)])
        assert pids(core) == [*range(1, 9), 100, 101]


def test_a_quiet_shard_holds_nothing_back_for_long() -> None:
    with ring() as core, pipes(3) as (fds, outs), running(core, fds):
        put(outs[1], line(1, SECOND) + line(2, 2 * SECOND))
        until(lambda: pids(core) == [1, 2])
        put(outs[2], line(3, 3 * SECOND))
        until(lambda: pids(core) == [1, 2, 3])
        put(outs[0], line(4, SECOND))
        until(lambda: pids(core) == [1, 2, 3, 4])


def test_a_line_waits_for_an_earlier_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "WAIT", 3600.0)
    with ring() as core, pipes(2) as (fds, outs), running(core, fds):
        put(outs[0], line(2, 2 * SECOND) + line(4, 4 * SECOND))
        put(outs[1], line(1, SECOND))
        until(lambda: pids(core) == [1])
        put(outs[1], line(3, 3 * SECOND))
        until(lambda: pids(core) == [1, 2, 3])
        close(outs, 1)
        until(lambda: pids(core) == [1, 2, 3, 4])


def test_a_line_cut_by_death_is_bad_and_alone() -> None:
    whole = line(7, 7 * SECOND)
    with ring() as core, pipes(3) as (fds, outs), running(core, fds):
        put(outs[0], line(1, SECOND) + line(9, 9 * SECOND)[:40])
        close(outs, 0)
        put(outs[1], whole[:30])
        put(outs[2], line(2, 2 * SECOND).rstrip(b"\n"))
        close(outs, 2)
        until(lambda: bad(core) == ["the stream ended in the middle of this line"])
        put(outs[1], whole[30:])
        close(outs, 1)
        until(lambda: sorted(pids(core), key=str) == [1, 2, 7], lambda: taken(core))
        [cut] = rows(core, KIND_BAD)
        assert without(core.raw(cut.seq)) == (0, line(9, 9 * SECOND)[:40])


def test_a_line_without_end_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "LONGEST", 5000)
    long = b'{"event":{"exec":{}},"x":"' + b"y" * 300_000 + b'"}\n'
    with ring() as core:
        merge(core, [long + line(1, SECOND) + long, line(2, 2 * SECOND) + long[:-1]])
        assert pids(core) == [1, 2]
        assert len(bad(core)) == 3
        assert all(row.size < 6000 for row in rows(core, KIND_BAD))


def test_a_line_longer_than_the_core_takes_is_said_to_be_too_long() -> None:
    with ring(1 << 20) as core:
        merge(core, [b'{"x":"' + b"y" * (1 << 20) + b'"}\n' + line(1), line(2)])
        assert [reason for reason in bad(core) if "long" in reason] == bad(core)
        assert sorted(pids(core), key=str) == [1, 2]


def test_a_shard_far_ahead_is_not_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "WAIT", 3600.0)
    monkeypatch.setattr(shards, "FULL", 1 << 16)
    monkeypatch.setattr(shards, "_PRESSED", 3600.0)
    many = b"".join(line(number, number * SECOND, pad="x" * 1000) for number in range(2, 1002))
    with ring() as core, pipes(2) as (fds, outs):
        with running(core, fds) as merging:
            writer = threading.Thread(target=put, args=(outs[0], many))
            writer.start()
            until(lambda: merging._shards[0].held >= 1 << 16)
            assert merging._shards[0].held < 2 << 16
            put(outs[1], line(1, SECOND))
            until(lambda: pids(core)[:1] == [1])
            close(outs, 1)
            writer.join(DEADLINE)
            assert not writer.is_alive()
            assert merging._shards[0].held < 2 << 16
            until(lambda: len(pids(core)) == 1001)
        assert pids(core) == list(range(1, 1002))


def test_a_full_shard_waits_for_a_silent_one_only_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "WAIT", 3600.0)
    monkeypatch.setattr(shards, "FULL", 1 << 12)
    many = b"".join(line(number, number * SECOND, pad="x" * 1000) for number in range(1, 101))
    with ring() as core, pipes(2) as (fds, outs), running(core, fds):
        put(outs[0], many)
        until(lambda: len(pids(core)) > 90)


def test_stopping_hands_on_what_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "WAIT", 3600.0)
    with ring() as core, pipes(2) as (fds, outs):
        with running(core, fds) as merging:
            put(outs[0], line(2, 2 * SECOND))
            until(lambda: merging._shards[0].pieces)
        assert pids(core) == [2]
        merging.stop()
        idle = Shards(core, core.add_stream(owned=True), fds)
        idle.stop()
        assert not list(idle.chunks())


def test_only_an_end_among_others_is_told() -> None:
    ended: list[int] = []
    with ring() as core, pipes(3) as (fds, outs), running(core, fds, ended.append):
        close(outs, 1)
        until(lambda: ended == [1])
        close(outs, 0)
        close(outs, 2)
    assert ended in ([1], [1, 0], [1, 2])


@settings(max_examples=200)
@given(st.sampled_from(["", "x", "-1", "1.5", "٣", "auto ", "0x2"]) | st.integers(1, 99).map(str))
def test_the_option_takes_auto_or_a_number(text: str) -> None:
    for words in (
        ["cat", "--shards", text, "x"],
        ["--shards", text, "eslogger"],
        ["stat", "x", "--shards", text],
    ):
        if text.isascii() and text.isdigit():
            assert parsers.parse(words)[1].shards == int(text)
        else:
            with pytest.raises(SystemExit):
                parsers.parse(words)
    assert parsers.parse(["cat", "--shards", "auto", "x"])[1].shards is None


# Several esloggers


def numbered(core: Core) -> set[int | None]:
    return {row.shard for row in rows(core, KIND_EVENT)}


def test_types_are_shared_among_children(mac: Mac) -> None:
    mac.set(STANDIN_COUNT=50)
    source = EsloggerSource(TYPES, shards=3)
    with ring() as core, started(source, core):
        until(lambda: core.counters().events == 150, lambda: source.state)
        asked = [" ".join(map(str, args)) for args in mac.log("args") if isinstance(args, list)]
        assert sorted(asked) == sorted(" ".join(sorted(part)) for part in split(TYPES, 3))
        assert not bad(core)
        assert not runs(core)
        assert not gaps(core)
        by_type = {
            (row.event, json.loads(core.raw(row.seq) or b"")["estui_shard"]) for row in rows(core, KIND_EVENT)
        }
        parts = split(TYPES, 3)
        assert all(name in parts[shard] for name, shard in by_type)
    assert mac.log("signal") == ["SIGINT"] * 3
    assert source.state.reason == "stopped"


def test_one_is_what_open_source_takes_unless_told(mac: Mac, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    mac.set(STANDIN_COUNT=1)
    for words, options, number in (
        (["eslogger"], SourceOptions(), 1),
        (["eslogger", "exec", "fork"], SourceOptions(shards=None), 1),
        (["eslogger", "lookup", "stat"], SourceOptions(shards=None), 2),
        (["eslogger"], SourceOptions(shards=None), AUTO),
    ):
        source = open_source(words, options)
        assert isinstance(source, EsloggerSource)
        assert len(source._split(source.sends)) == number


def test_each_shards_losses_are_counted_apart(mac: Mac) -> None:
    mac.set(STANDIN_COUNT=90, STANDIN_DROP=10, STANDIN_END=0)
    with ring() as core:
        read_all(EsloggerSource(TYPES, shards=3), core)
        losses = core.losses()
        assert core.counters().events == 270
        assert losses.by_shard == {0: 9, 1: 9, 2: 9}
        assert losses.lost_global == 27
        assert (
            sorted(row.shard for row in rows(core, KIND_GAP) if row.shard is not None)
            == [0] * 9 + [1] * 9 + [2] * 9
        )
        assert not runs(core)


def picky(mac: Mac, end: object) -> tuple[str]:
    """An eslogger of which the one that sends lookup ends after its lines."""
    command = mac.bin / "picky"
    command.write_text(
        '#!/bin/sh\ncase " $* " in *" lookup "*)\n'
        f"STANDIN_CUT=200 STANDIN_END={end}; export STANDIN_CUT STANDIN_END ;; esac\n"
        'exec eslogger "$@"\n'
    )
    command.chmod(0o755)
    return (str(command),)


@pytest.mark.parametrize(
    ("end", "said"),
    [("0", ""), ("3", ": eslogger ended (exit status 3)"), ("SIGKILL", ": eslogger ended (SIGKILL)")],
)
def test_one_that_dies_is_missed_while_the_others_go_on(end: str, said: str, mac: Mac) -> None:
    mac.set(STANDIN_COUNT=20)
    source = EsloggerSource(("exec", "lookup", "open"), picky(mac, end), shards=3)
    with ring() as core, started(source, core):
        missing = ("running", f"eslogger sends no lookup any more{said}", live.AGAIN, 0)
        until(lambda: source.state == missing, lambda: source.state)
        assert seams(core) == ["eslogger sends no lookup any more"]
        assert bad(core) == ["the stream ended in the middle of this line"]
        assert source.sends == {"exec", "open"}
        assert sum(map(alive, mac.log("pid"))) == 2
        until(lambda: core.counters().events == 60)
        picky(mac, "")
        source.restart(frozenset(("exec", "lookup", "open")))
        until(lambda: core.counters().events == 120, lambda: source.state)
        assert seams(core)[1:] == ["eslogger restarted with 3 types"]
        assert source.sends == {"exec", "lookup", "open"}
        until(lambda: source.state == ("running", "", "", 0), lambda: source.state)
        assert not runs(core)


def test_many_missing_types_are_not_all_named(mac: Mac) -> None:
    source = EsloggerSource(("lookup", *sorted(set(NOTIFY) - HEAVIES)), picky(mac, 1), shards=2)
    mac.set(STANDIN_KNOWS=",".join(NOTIFY), STANDIN_COUNT=0)
    words = live._named(frozenset(NOTIFY))
    assert words.endswith(f" and {len(NOTIFY) - 3} more types")
    assert live._named(frozenset(("a", "b"))) == "a and b"
    with ring() as core, started(source, core):
        until(lambda: source.state.reason.startswith("eslogger sends no lookup any more"))


def test_when_all_die_the_reason_is_that_of_the_first(mac: Mac) -> None:
    mac.set(STANDIN_RESULT="ES_NEW_CLIENT_RESULT_ERR_TOO_MANY_CLIENTS")
    with ring() as core:
        state = read_all(EsloggerSource(TYPES, shards=3), core).state
    assert (state.status, state.reason) == ("failed", "too many Endpoint Security clients run on this Mac")
    assert state.exit_code == 3


def test_a_restart_shares_other_types(mac: Mac) -> None:
    mac.set(STANDIN_COUNT=10)
    source = EsloggerSource(TYPES, shards=3)
    with ring() as core, started(source, core):
        until(lambda: core.counters().events == 30)
        source.restart(frozenset(("exec",)))
        until(lambda: core.counters().events == 40, lambda: source.state)
        assert rows(core, KIND_EVENT)[-1].shard is None
        source.restart(frozenset(("exec", "open")))
        until(lambda: core.counters().events == 60, lambda: source.state)
        assert len(seams(core)) == 2
        assert not gaps(core)
        assert not runs(core)
    until(lambda: not any(map(alive, mac.log("pid"))))


def test_a_headless_command_sees_every_row(mac: Mac) -> None:
    mac.set(STANDIN_COUNT=1500, STANDIN_BURST=100, STANDIN_END=0)
    with ring(1 << 20, max_events=200) as core:
        read = fed(EsloggerSource(TYPES, shards=3), core)
        assert [row.n for row in read if row.kind == KIND_EVENT] == list(range(1, 4501))
        assert core.counters().bad == 0


def test_stopping_does_not_wait_for_full_pipes(mac: Mac) -> None:
    source = EsloggerSource(TYPES, shards=3)
    with ring(1 << 20) as core:
        for _ in source.feed(core):
            break
        source.stop()
        source.stop()
    until(lambda: not any(map(alive, mac.log("pid"))))


def test_one_that_cannot_be_started_ends_the_others(mac: Mac, monkeypatch: pytest.MonkeyPatch) -> None:
    source = EsloggerSource(TYPES, shards=2)
    asked: list[frozenset[str]] = []

    def command(types: frozenset[str]) -> Sequence[str]:
        asked.append(types)
        return ("eslogger", *types) if len(asked) == 1 else (str(mac.bin / HOSTILE),)

    monkeypatch.setattr(source, "_command", command)
    with ring() as core:
        state = read_all(source, core).state
    assert "cannot be started" in state.reason
    assert safe(state.reason, state.advice)
    assert not any(map(alive, mac.log("pid")))
