"""Previews: what a plan would do, against judging each event by the mute set, and against putting the plan in force."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui._twin import TwinCore
from estui.client import Client
from estui.comparison import CoreComparison
from estui.core import NATIVE_ERROR, Core, NativeCore, open_core
from estui.lab.whatif import DELIVERED, HIDDEN, Preview, Rate
from estui.message import Message
from estui.muting import Subject
from estui.plan import MutePath, Plan
from estui.record import (
    ALL_EVENTS,
    KIND_EVENT,
    Change,
    Changed,
    PathRule,
    Process,
    ProcessRule,
    Row,
    Rules,
    Volume,
)
from tests.cores import event, filled, rows, utf8
from tests.lab import CLOSE_PLANS, CLOSE_SUBJECTS, PLANS, SUBJECTS, line_of
from tests.lines import any_lines

TIMES = st.none() | st.integers(0, 5).map(lambda second: f"1970-01-01T00:00:0{second}Z")


@st.composite
def recordings(draw: st.DrawFn, of: st.SearchStrategy[Subject]) -> list[bytes]:
    """Lines of events that plans meet."""
    subjects = draw(st.lists(of, min_size=draw(st.sampled_from([0, 5])), max_size=8))
    times = draw(st.lists(TIMES, min_size=len(subjects), max_size=len(subjects)))
    return [
        line_of(subject, **({} if time is None else {"time": time}))
        for subject, time in zip(subjects, times, strict=True)
    ]


def held(core: Core) -> list[Row]:
    return [row for row in rows(core) if row.kind == KIND_EVENT]


def suppressed(core: Core, plan: Plan) -> list[bool]:
    """The verdicts on the events held, one by one."""
    mutes = plan.mute_set()
    verdicts = []
    for row in held(core):
        raw = core.raw(row.seq)
        assert raw is not None
        verdicts.append(not mutes.decide(Message(raw)).delivered)
    return verdicts


class Tally:
    """Groups, counted one event after the other."""

    def __init__(self) -> None:
        self.groups: dict[Any, list[Volume]] = defaultdict(lambda: [Volume()] * 4)

    def add(self, key: Any, was: bool, then: bool, size: int) -> None:
        place = was + 2 * then
        self.groups[key][place] = self.groups[key][place].plus(Volume(1, size))

    def found(self) -> dict[Any, Change]:
        return {key: Change(*places) for key, places in self.groups.items()}


@given(
    st.tuples(recordings(CLOSE_SUBJECTS), CLOSE_PLANS, CLOSE_PLANS)
    | st.tuples(recordings(SUBJECTS), PLANS, PLANS),
    st.booleans(),
)
def test_a_preview_is_what_applying_does(made: tuple[list[bytes], Plan, Plan], in_force: bool) -> None:
    lines, now, then = made
    core = filled(lines)
    if in_force:
        core.judge(now.rules())
    before = [row.stage for row in held(core)]
    found = Preview(core, now, then)
    assert [row.stage for row in held(core)] == before
    was, comes = suppressed(core, now), suppressed(core, then)
    total, by_event, by_process, by_executable, by_directory = (Tally() for _ in range(5))
    changes, programs, times = [], {}, []
    for row, one, other in zip(held(core), was, comes, strict=True):
        process = None if row.pid is None or row.pidversion is None else Process(row.pid, row.pidversion)
        programs[process] = row.executable
        total.add(None, one, other, row.size)
        by_event.add(row.event, one, other, row.size)
        by_process.add(process, one, other, row.size)
        by_executable.add(row.executable, one, other, row.size)
        for directory in {target.rpartition("/")[0] + "/" for target in row.targets}:
            by_directory.add(directory, one, other, row.size)
        if one != other:
            changes.append(Changed(row.seq, other))
        if row.time_ns is not None:
            times.append(row.time_ns)
    assert found.total == total.found().get(None, Change())
    assert found.by_event == by_event.found()
    assert found.by_process == by_process.found()
    assert found.by_executable == by_executable.found()
    assert found.by_directory == by_directory.found()
    assert found.programs == programs
    assert (found.processes, found.executables, found.directories) == (
        len(found.by_process),
        len(found.by_executable),
        len(found.by_directory),
    )
    for groups in (found.by_event, found.by_process, found.by_executable, found.by_directory):
        ranks = [(-change.changed, -change.held.events) for change in groups.values()]
        assert ranks == sorted(ranks)
    assert found.changes() == changes
    assert found.changes(0, 100, HIDDEN) == [change for change in changes if change.hidden]
    assert found.changes(1, 2) == changes[1:3]
    assert found.changes(1, 1, DELIVERED) == [change for change in changes if not change.hidden][1:2]
    span = (max(times) - min(times)) / 10**9 if times else 0
    assert found.seconds == (span or None)
    # And applying is that.
    core.judge(now.rules())
    assert core.counters().delivered == found.total.now.events == was.count(False)
    core.judge(then.rules())
    counters = core.counters()
    assert (counters.held_events, counters.delivered, counters.suppressed) == (
        found.events,
        found.delivered,
        found.suppressed,
    )
    assert counters.by_stage == found.by_stage
    assert {count.event: count.suppressed for count in core.events()} == {
        name: (change.newly_hidden.plus(change.muted)).events for name, change in found.by_event.items()
    }
    core.close()


masks = st.just(ALL_EVENTS) | st.integers(0, ALL_EVENTS)
rules = st.builds(
    Rules,
    st.none() | st.frozensets(st.sampled_from(["open", "rename", "exec", "hover", "", "\udcff"])),
    st.lists(
        st.builds(
            PathRule,
            st.integers(0, 3),
            st.sampled_from(["", "/", "/b", "/bin/", "/bin/ls", "\x1b", "/é"]).map(utf8),
            masks,
        ),
        max_size=5,
    ).map(tuple),
    st.lists(st.builds(ProcessRule, st.integers(0, 5), st.integers(0, 5), masks), max_size=3).map(tuple),
    *[st.booleans()] * 4,
)


def frozen(comparison: CoreComparison) -> tuple[Any, ...]:
    """All that a comparison tells, orders too."""
    counts = comparison.counts
    groups = counts.by_event, counts.by_process, counts.by_executable, counts.by_directory
    return counts, [list(group) for group in groups], comparison.changes(0, 1000)


@pytest.mark.skipif(bool(NATIVE_ERROR), reason=f"no native core: {NATIVE_ERROR}")
@given(st.lists(any_lines, max_size=8), rules, rules, st.integers(0, 4), st.booleans())
def test_both_cores_tell_the_same(
    lines: list[bytes], now: Rules, then: Rules, top: int, in_force: bool
) -> None:
    found = []
    for core in (NativeCore(), TwinCore()):
        stream = core.add_stream(owned=False)
        core.ingest(stream, b"".join(line + b"\n" for line in lines))
        if in_force:
            core.judge(now)
        found.append((frozen(core.compare(now, then, top)), frozen(core.compare(then, now, top))))
        core.close()
    assert found[0] == found[1]


def test_the_rules_in_force_are_no_others() -> None:
    """A comparison that finds its verdicts in the ring may do so only while they are there."""
    core = filled([line_of(Subject("open", (1, 1), None, "/x", ("/a/b",)))])
    mute = Plan(paths=(MutePath("LITERAL", "/x"),))
    for judged in (Plan(), mute, Plan()):
        core.judge(judged.rules())
        for now in (Plan(), mute):
            for then in (Plan(), mute):
                found = Preview(core, now, then)
                assert found.newly_hidden == (now == Plan() and then == mute)
                assert found.newly_delivered == (now == mute and then == Plan())
    core.close()


def test_many_changes_are_found_from_anywhere() -> None:
    """Also past the places where the core counts them."""
    muted = [number for number in range(20_000) if number % 7 == 0 or 5_000 < number < 14_000]
    lines = [event("open", "/x")] * 20_000
    for number in muted:
        lines[number] = event("open", "/muted/x")
    core = filled([b"not an event", *lines])
    found = Preview(core, Plan(), Plan(paths=(MutePath("TARGET_PREFIX", "/muted"),)))
    seqs = [number + 1 for number in muted]
    assert found.newly_hidden == len(seqs)
    for start in (0, 1, 700, 4_095, 4_096, 8_191, 9_000, len(seqs) - 3, len(seqs)):
        assert [change.seq for change in found.changes(start, 5)] == seqs[start : start + 5]
        assert found.changes(start, 5, DELIVERED) == []
        assert found.changes(start, 5, HIDDEN) == found.changes(start, 5)
    assert [change.seq for change in found.changes(0, 10**9)] == seqs
    assert found.changes(-1, -1) == []
    core.close()


def test_a_preview_outlives_the_events() -> None:
    """What it tells stays as it was; names that come and go with their rows are told right each time."""
    core = open_core(max_events=50)
    stream = core.add_stream(owned=False)
    plan = Plan(paths=(MutePath("TARGET_PREFIX", "/odd/"),))
    previews = []
    for round_ in range(40):
        for number in range(50):
            kind = "odd" if number % 2 else "even"
            line = event("open", f"/{kind}/{round_}/{number}", executable=f"/bin/{round_}", pid=number)
            core.ingest(stream, line + b"\n")
        found = Preview(core, Plan(), plan)
        previews.append(found)
        assert found.events == 50
        assert list(found.by_directory) == [f"/odd/{round_}/", f"/even/{round_}/"]
        assert list(found.by_executable) == [f"/bin/{round_}"]
    for round_, found in enumerate(previews):
        assert list(found.by_executable) == [f"/bin/{round_}"]
        assert [change.seq for change in found.changes(0, 2)] == [round_ * 50 + 1, round_ * 50 + 3]
    core.close()


def test_rates() -> None:
    core = filled(
        event("open", "/a", time=time)
        for time in ("2024-01-01T00:00:10Z", "2024-01-01T00:00:00Z", "2024-01-01T00:00:04.5Z", "no time")
    )
    found = Preview(core, Plan(), Plan())
    size = found.total.held.bytes
    assert found.seconds == 10
    assert found.rate(found.total.then) == Rate(0.4, size * 360)
    core.close()
    for times in ([], ["2024-01-01T00:00:10Z"], ["2024-01-01T00:00:10Z"] * 2):
        core = filled(event("open", "/a", time=time) for time in times)
        found = Preview(core, Plan(), Plan())
        assert found.seconds is None
        assert found.rate(found.total.then) is None
        core.close()


def test_the_groups_listed_are_the_first() -> None:
    core = filled(
        [event("open", f"/d{number}/x", executable=f"/bin/{number % 3}") for number in range(9)]
        + [event("open", "/d4/y", executable="/bin/2")]
    )
    mute = Plan(paths=(MutePath("TARGET_LITERAL", "/d7/x"),))
    found = Preview(core, Plan(), mute, top=2)
    assert list(found.by_directory) == ["/d7/", "/d4/"]
    assert found.directories == 9
    assert list(found.by_executable) == ["/bin/1", "/bin/2"]
    assert found.executables == 3
    assert not Preview(core, Plan(), mute, top=0).by_directory
    core.close()


def test_hostile_names_come_as_they_are() -> None:
    path = "/\x1b]0;x\x07\u202e\n[/foo]\udcff"
    core = filled([event("open", path + "/x", executable=path)])
    found = Preview(core, Plan(), Plan(paths=(MutePath("LITERAL", path),)))
    assert list(found.by_directory) == [path + "/"]
    assert list(found.by_executable) == [path]
    assert found.newly_hidden == 1
    core.close()


def test_it_agrees_with_the_client() -> None:
    core = filled([event("open", "/a"), event("open", "/b")])
    client = Client(core)
    client.add(MutePath("TARGET_LITERAL", "/a"))
    plan = client.with_entry(MutePath("TARGET_LITERAL", "/b"), 0)
    found, whatif = Preview(core, client.plan, plan), client.preview(plan)
    assert (found.newly_hidden, found.newly_delivered) == (
        whatif.newly_suppressed,
        whatif.newly_delivered,
    )
    core.close()


def test_an_empty_ring() -> None:
    core = open_core()
    found = Preview(core, Plan(), Plan(invert_path=True))
    assert (found.events, found.delivered, found.suppressed, found.seconds) == (0, 0, 0, None)
    assert not found.by_event
    assert found.changes() == []
    core.close()
