from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.events import NOTIFY
from estui.record import KIND_EVENT
from estui.sources import SourceOptions, open_source, pace
from estui.sources.demo import SPEED, DemoSource
from estui.sources.pace import Pacer
from estui.sources.replay import ReplaySource
from tests.sourcing import (
    DEADLINE,
    SECOND,
    fed,
    gaps,
    line,
    lines,
    pids,
    read_all,
    ring,
    rows,
    runs,
    seams,
    started,
    until,
)

DAY = 86_400


class Clock:
    """The pacer's real time, moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ns = 10**15
        monkeypatch.setattr(pace, "monotonic_ns", lambda: self.ns)

    def __call__(self, seconds: float) -> None:
        self.ns += round(seconds * SECOND)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def dues(pacer: Pacer, clock: Clock, recorded: list[float]) -> list[float]:
    """When, in real seconds from now, each line recorded at these seconds may go."""
    begin, out = clock.ns, []
    for second in recorded:
        if not pacer.due(int(second * SECOND)):
            clock.ns += pacer.left()
        assert pacer.wait()
        out.append((clock.ns - begin) / SECOND)
    return out


@pytest.mark.parametrize(
    ("speed", "idle", "recorded", "due"),
    [
        (1.0, None, [100, 101, 101.5, 110], [0, 1, 1.5, 10]),
        (4.0, None, [100, 101, 102], [0, 0.25, 0.5]),
        (0.5, None, [100, 101], [0, 2]),
        (1.0, 2.0, [100, 101, 171, 172], [0, 1, 3, 4]),
        (10.0, 2.0, [100, 171], [0, 0.2]),
        (1.0, 0.0, [100, 171, 300], [0, 0, 0]),
        (1.0, None, [100, 98, 99, 101], [0, 0, 0, 1]),
        (1.0, None, [0, 0, 100, 101], [0, 0, 0, 1]),
        (None, None, [100, 171, 10 * DAY], [0, 0, 0]),
    ],
)
def test_lines_are_due_at_their_recorded_pace(
    speed: float | None, idle: float | None, recorded: list[float], due: list[float], clock: Clock
) -> None:
    assert dues(Pacer(speed, idle), clock, recorded) == due


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=20), st.sampled_from([0.1, 1.0, 3.0, 1000.0]))
def test_steps_back_in_time_count_as_nothing(recorded: list[int], speed: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        out = dues(Pacer(speed), Clock(patch), [float(second) for second in recorded])
    assert out == sorted(out)
    assert math.isclose(out[-1], (max(recorded) - recorded[0]) / speed, abs_tol=1e-6 * len(recorded))


def test_a_late_start_is_not_made_up_for(clock: Clock) -> None:
    pacer = Pacer(1.0)
    clock(50)
    assert dues(pacer, clock, [100, 101]) == [0, 1]
    pacer.again()
    clock(50)
    assert dues(pacer, clock, [100, 103]) == [0, 3]


def test_speed_counts_from_the_moment_it_is_changed(clock: Clock) -> None:
    pacer = Pacer(1.0)
    assert pacer.due(100 * SECOND)
    assert not pacer.due(110 * SECOND)
    clock(5)
    pacer.speed = 10.0
    assert pacer.left() == SECOND // 2
    clock(0.5)
    assert pacer.wait()


def test_nothing_is_due_while_it_is_held(clock: Clock) -> None:
    pacer = Pacer(1.0)
    assert pacer.due(100 * SECOND)
    assert not pacer.due(110 * SECOND)
    clock(4)
    assert pacer.pause(None)
    clock(1000)
    assert pacer.left() == 0
    pacer.speed = 2.0
    assert not pacer.pause(None)
    assert pacer.left() == 3 * SECOND


def test_a_step_lets_one_line_through_and_moves_the_clock_to_it(clock: Clock) -> None:
    pacer = Pacer(1.0)
    assert pacer.due(100 * SECOND)
    assert not pacer.due(110 * SECOND)
    pacer.step(1)
    assert pacer.paused
    assert pacer.wait()
    assert not pacer.due(111 * SECOND)
    assert not pacer.pause(False)
    assert pacer.left() == SECOND


def write(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def test_a_recording_is_played_to_its_end(tmp_path: Path) -> None:
    data = b"".join(line(n, n * SECOND // 1000) for n in range(1, 200))
    with ring() as core:
        source = read_all(ReplaySource([write(tmp_path / "a", data)]), core)
        assert pids(core) == list(range(1, 200))
        assert source.state.reason == f"all of {tmp_path / 'a'} was read"


def test_several_recordings_are_played_as_one(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / str(part), b"".join(line(n, n * SECOND) for n in range(part, 60, 3)))
        for part in range(3)
    ]
    with ring() as core:
        read_all(ReplaySource(paths, speed=1000.0), core)
        assert pids(core) == list(range(60))


def test_a_replay_is_steered(tmp_path: Path) -> None:
    data = line(1, SECOND) + line(2, SECOND) + b"".join(line(n, n * DAY * SECOND) for n in range(3, 9))
    source = open_source([write(tmp_path / "a", data)], SourceOptions(replay=True))
    with ring() as core, started(source, core):
        until(lambda: core.counters().events == 2)
        until(lambda: "the next event comes in 2" in source.state.reason, lambda: source.state)
        assert "--idle" in source.state.advice
        assert source.control("step") == "one line on"
        until(lambda: core.counters().events == 3)
        assert source.state.status == "paused"
        assert source.control("step", 2) == "2 lines on"
        until(lambda: core.counters().events == 5)
        assert source.control("pause", 0) == "going on"
        until(lambda: source.state.status == "running")
        assert source.control("pause") == "paused"
        assert source.control("speed", 1e12) == "speed 1e+12x"
        assert source.speed == 1e12
        assert core.counters().events == 5
        assert source.control("pause") == "going on"
        assert source.wait(DEADLINE)
        assert pids(core) == list(range(1, 9))


@pytest.mark.parametrize(
    ("command", "value"),
    [("speed", None), ("speed", 0.0), ("speed", math.nan), ("speed", -1.0), ("step", 0.0), ("fly", None)],
)
def test_what_a_replay_does_not_understand(command: str, value: float | None, tmp_path: Path) -> None:
    source = ReplaySource([write(tmp_path / "a", b"")])
    with pytest.raises(ValueError, match=r"speed|step|fly"):
        source.control(command, value)
    source.stop()


def test_a_long_pause_can_be_left(tmp_path: Path) -> None:
    source = ReplaySource([write(tmp_path / "a", line(1, SECOND) + line(2, 10**18))])
    with ring() as core, started(source, core):
        until(lambda: core.counters().events == 1)
        source.stop()
        assert source.wait(0)
        assert source.state.reason == "stopped"


@pytest.fixture
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "REST", 0.0)


@pytest.mark.usefixtures("restless")
@pytest.mark.parametrize("numbers", [[0, 1, 2], [5, 6, 7, 8], [5], [7, 8, 0, 1], [7, 8, 0, 6], [3, 0, 9]])
def test_a_pass_begins_without_a_gap(numbers: list[int], tmp_path: Path) -> None:
    """A recording's last number is above its first (the next pass is a new run), or below (it gets a stream)."""
    data = b"".join(line(n, n * SECOND, global_seq_num=g) for n, g in enumerate(numbers, 1))
    path = write(tmp_path / "a", data)
    with ring() as core:
        once = read_all(ReplaySource([path], speed=1e12), core)
        single_gaps, single_runs = gaps(core), runs(core)
        assert once.state.status == "ended"
    source = ReplaySource([path], speed=1e12, loop=True)
    with ring() as core, started(source, core):
        until(lambda: len(seams(core)) >= 3)
        source.control("loop", 0)
        assert source.wait(DEADLINE)
        passes = len(seams(core)) + 1
        assert pids(core) == [*range(1, len(numbers) + 1)] * passes
        assert gaps(core) == single_gaps * passes
        assert seams(core)[0] == f"{path}: pass 2 begins"
        raised = numbers[0] > numbers[-1]
        assert runs(core) == single_runs * passes + (0 if raised else passes - 1)


@pytest.mark.usefixtures("restless")
def test_an_empty_recording_does_not_loop(tmp_path: Path) -> None:
    with ring() as core:
        assert (
            "is empty" in read_all(ReplaySource([write(tmp_path / "a", b"")], loop=True), core).state.reason
        )


def test_a_loop_rests_between_two_passes(tmp_path: Path) -> None:
    source = ReplaySource([write(tmp_path / "a", lines(1))], loop=True)
    with ring() as core, started(source, core):
        until(lambda: core.counters().events == 2)
        source.stop()
        assert core.counters().events < 10


# The demo


def test_the_demo_without_a_screen_is_one_pass_at_full_speed() -> None:
    source = open_source(["demo"], SourceOptions(headless=True))
    with ring(1 << 20, max_events=512) as core:
        taken = fed(source, core)
        assert {row.event for row in taken if row.kind == KIND_EVENT} == set(NOTIFY)
        assert source.sends == frozenset(NOTIFY)
        assert source.state == ("ended", "the demo is over", "", 0)
        losses = core.losses()
        assert not losses.lost_global
        assert not losses.lost_by_type


def test_the_demo_on_a_screen_plays_on() -> None:
    source = open_source(["demo"])
    assert source.speed == SPEED
    with ring() as core, started(source, core):
        source.control("speed", 1e9)
        until(lambda: core.counters().lines > 45_000)
        assert not gaps(core)
        assert not runs(core)
        assert rows(core, KIND_EVENT)[-1].owned
        source.control("pause", 1)
        assert source.state.status == "paused"


def test_the_demo_at_a_rate(clock: Clock) -> None:
    source = open_source(["demo"], SourceOptions(rate=100.0))
    assert source.speed == 1.0
    with ring() as core, started(source, core):
        until(lambda: core.counters().events == 1)
        for _ in range(50):
            clock(0.01)
        source.control("speed", 1.0)  # wakes the pacer, whose clock was moved by hand
        until(lambda: core.counters().events == 51)


def test_the_demo_of_some_types() -> None:
    options = SourceOptions(headless=True, events=("exec", "openssh_login"))
    with ring() as core:
        source = read_all(open_source(["demo"], options), core)
        assert {count.event for count in core.events() if count.total} == {"exec", "openssh_login"}
        assert source.sends == frozenset(("exec", "openssh_login"))
        assert not gaps(core)


@pytest.mark.parametrize(
    ("options", "speed"),
    [
        (SourceOptions(speed=2.0), 2.0),
        (SourceOptions(headless=True), None),
        (SourceOptions(headless=True, speed=3.0), 3.0),
        (SourceOptions(headless=True, rate=5.0), 1.0),
    ],
)
def test_the_demo_runs_as_fast_as_it_is_told(options: SourceOptions, speed: float | None) -> None:
    assert open_source(["demo"], options).speed == speed


def test_a_demo_that_does_not_end_can_be_stopped() -> None:
    source = DemoSource(None)
    with ring(1 << 20, max_events=100) as core, started(source, core):
        until(lambda: core.counters().lines > 1000)
        source.stop()
        assert source.wait(0)
