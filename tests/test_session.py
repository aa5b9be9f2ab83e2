"""One investigation: rates, marks, places, and writing what is in view."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from estui.plan import Plan
from estui.query import View
from estui.record import KIND_SEAM, ViewSpec
from estui.session import HISTORY, Marks, Places, Rates, Session, write_lines
from tests.cores import event, filled, rows
from tests.tui.screens import Clock, Scripted, investigation, numbered


def passing(session: Session, seconds: float) -> bool:
    """So many seconds pass, and a tick comes."""
    assert isinstance(session.clock, Clock)
    session.clock.now += seconds
    return session.tick()


def test_a_source_is_started_once_and_stopped_at_the_end() -> None:
    source = Scripted()
    session = investigation(source)
    session.start()
    session.start()
    assert source.stream == 0
    source.put(*numbered(3))
    session.tick()
    assert len(session.view) == 3
    session.close()


def test_rates_are_of_the_last_second() -> None:
    source = Scripted()
    session = investigation(source)
    session.start()
    session.tick()
    source.put(*numbered(30), event("close"), event("close"))
    assert session.tick()  # the first counts are shown at once
    assert session.rates.counts == {"open": 30, "close": 2}
    assert session.rates.total == 0
    assert not passing(session, 0.5)
    assert passing(session, 1.5)
    assert session.rates.total == 16
    assert session.rates.by_event == {"open": 15, "close": 1}
    assert passing(session, 1)
    assert session.rates.total == 0
    assert len(session.rates.history) == HISTORY


def test_a_quiet_source_gives_nothing_to_draw() -> None:
    source = Scripted()
    session = investigation(source)
    session.start()
    session.tick()
    assert not any(passing(session, 1) for _ in range(3))
    source.put(*numbered(1))
    assert passing(session, 1)
    assert sum(passing(session, 1) for _ in range(HISTORY * 2)) == HISTORY
    assert not passing(session, 1)


def test_rates_after_a_quiet_time_are_not_spread_over_it() -> None:
    source = Scripted()
    session = investigation(source)
    session.start()
    session.tick()
    for _ in range(50):
        passing(session, 1)
    source.put(*numbered(10))
    session.tick()
    passing(session, 1)
    assert session.rates.total == 10


def test_rates_of_a_recording_are_the_recordings_own() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    session.start()
    source.put(*numbered(101))
    assert session.recorded
    assert passing(session, 1)
    assert session.rates.total == pytest.approx(1.01)
    assert session.rates.by_event == {"open": pytest.approx(1.01)}
    assert not passing(session, 1)


def test_rates_of_a_recording_without_times_are_none() -> None:
    core = filled([event("open"), event("open")])
    rates = Rates(core)
    assert rates.sample(5, recorded=True)
    assert (rates.total, rates.by_event) == (0.0, {})


def test_losses_come_with_the_rates() -> None:
    source = Scripted()
    session = investigation(source)
    session.start()
    session.tick()
    source.put(event("open", global_seq_num=1), event("open", global_seq_num=9))
    session.tick()
    assert session.rates.losses.lost_global == 7


def test_a_restart_asks_for_the_types_subscribed_to() -> None:
    source = Scripted(controls=["restart"], sends=frozenset(["open"]))
    session = investigation(source, Plan(subscribe=("open", "exec")))
    session.start()
    assert session.unsent() == {"exec"}
    session.restart_source()
    assert source.restarted == [frozenset(["open", "exec"])]
    assert session.unsent() == frozenset()
    session.client.subscribe_all()
    session.restart_source()
    assert source.restarted[1] is None
    assert [row.kind for row in rows(session.core)] == [KIND_SEAM] * 2


def test_without_a_source_there_is_nothing_to_start() -> None:
    session = investigation()
    session.start()
    session.restart_source()
    assert not session.unsent()
    assert not session.recorded
    session.close()


def test_marks() -> None:
    marks = Marks()
    assert marks.toggle(5)
    assert marks.toggle(9)
    assert marks.toggle(2)
    assert not marks.toggle(9)
    assert (5 in marks, 9 in marks, len(marks)) == (True, False, 2)
    assert (marks.next(2, 1), marks.next(5, 1), marks.next(5, -1), marks.next(2, -1)) == (5, None, 2, None)
    marks.drop_before(3)
    assert (2 in marks, 5 in marks) == (False, True)


def test_marks_of_evicted_rows_are_forgotten() -> None:
    source = Scripted()
    session = investigation(source, max_events=10)
    session.start()
    source.put(*numbered(5))
    session.marks.toggle(0)
    session.marks.toggle(4)
    source.put(*numbered(100_000, 5))
    session.tick()
    assert session.core.counters().tail > 4
    assert len(session.marks) == 0


def test_places_go_back_and_forward() -> None:
    places = Places()
    assert places.back(3) is None
    places.leave(-1)
    places.leave(3)
    places.leave(3)
    places.leave(8)
    assert (places.back(20), places.back(8), places.back(3)) == (8, 3, None)
    assert (places.forward(3), places.forward(8), places.forward(20)) == (8, 20, None)
    assert places.back(20) == 8
    places.leave(8)
    assert places.forward(9) is None


def test_what_is_in_view_is_written_line_by_line(tmp_path: Path) -> None:
    lines = [event("open", "/private/tmp/\udcff\x1b[31m"), b"garbage \xff", event("close")]
    session = Session(filled(lines))
    session.view.add("event", "close", False)
    written = session.write(tmp_path / "out.jsonl", session.view.spec, session.view.upto)
    assert written is not None
    assert (tmp_path / "out.jsonl").read_bytes() == lines[0] + b"\n" + lines[1] + b"\n"
    assert (written.lines, written.gone, written.bytes) == (2, 0, (tmp_path / "out.jsonl").stat().st_size)
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


def test_a_file_is_replaced_only_by_a_whole_one(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_bytes(b"before")

    def failing() -> Iterator[bytes]:
        yield b"one"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_lines(out, failing())
    assert write_lines(out, [b"x"] * 5000, stopped=lambda: True) is None
    assert out.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]
    seen: list[int] = []
    assert write_lines(out, [b"x", None, b"y"] * 3000, progress=seen.append) == (6000, 3000, 12000)
    assert seen == [4096]
    assert out.stat().st_mode & 0o777 == 0o600


def test_lines_that_are_gone_are_counted(tmp_path: Path) -> None:
    core = filled(numbered(20), budget=1 << 20)
    view = View(core)
    spec, upto = view.spec, view.upto
    core.ingest(0, b"".join(line + b"\n" for line in numbered(20_000, 20)))
    written = Session(core).write(tmp_path / "out", spec, upto)
    assert written is not None
    assert written.lines == 0
    assert written == write_lines(tmp_path / "two", [])
    assert ViewSpec() == spec
