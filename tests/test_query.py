"""View filters, and the row I am on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.core import Core
from estui.query import Found, View, ViewFilter, filter_value, find, raw_lines
from estui.record import Filter, Rules, ViewSpec
from tests.cores import event, filled, rows

NAMES = ("open", "close", "write")


def mixed(count: int = 30, **options: Any) -> Core:
    """Events of three types, by two programs."""
    return filled(
        (
            event(
                NAMES[n % 3], f"/private/tmp/{n}", pid=n % 5, pidversion=1, executable=f"/bin/{'ab'[n % 2]}"
            )
            for n in range(count)
        ),
        **options,
    )


def seqs(view: View) -> list[int]:
    return [view[position] for position in range(len(view))]


def test_a_view_without_filters_has_every_row() -> None:
    view = View(mixed())
    assert seqs(view) == list(range(30))
    assert not view.filtered
    with pytest.raises(IndexError):
        view[30]
    with pytest.raises(IndexError):
        view[-1]


def test_includes_of_one_field_add_up_and_fields_narrow() -> None:
    view = View(mixed())
    view.add("event", "open", True)
    view.add("event", "close", True)
    view.add("executable", "/bin/b", False)
    assert seqs(view) == [n for n in range(30) if n % 3 in (0, 1) and n % 2 == 0]
    assert [item.words for item in view.filters] == [
        "only event open",
        "only event close",
        "not executable /bin/b",
    ]


def test_a_filter_for_a_value_that_has_one_takes_its_place() -> None:
    view = View(mixed())
    assert view.add("event", "open", True) == 0
    assert view.add("process", (3, 1), True) == 1
    view.toggle(0)
    assert view.add("event", "open", False) == 0
    assert view.filters == (
        ViewFilter(Filter("event", "open", False)),
        ViewFilter(Filter("process", (3, 1), True)),
    )


def test_each_filter_is_on_or_off_and_all_are_put_aside_and_back_in_place() -> None:
    view = View(mixed())
    view.add("event", "open", True)
    view.add("process", (0, 1), False)
    view.toggle(1)
    shown = seqs(view)
    view.put_aside(True)
    assert len(view) == 30
    assert [item.on for item in view.filters] == [True, False]
    view.put_aside(False)
    assert seqs(view) == shown
    view.flip(0)
    assert view.filters[0].words == "not event open"
    view.remove(0)
    assert [item.words for item in view.filters] == ["not process 0.1"]
    view.clear()
    assert not view.filters
    assert len(view) == 30


@given(st.integers(0, 29), st.lists(st.sampled_from(NAMES), max_size=4))
def test_the_row_i_am_on_comes_back_when_the_filters_that_hid_it_go(position: int, names: list[str]) -> None:
    view = View(mixed())
    view.go(position)
    for name in names:
        view.add("event", name, False)
    view.put_aside(True)
    assert view.cursor == position
    assert view.current is not None
    assert view.current.seq == position


def test_a_hidden_row_gives_its_place_to_the_next_one_in_view() -> None:
    view = View(mixed())
    view.go(10)  # a close
    view.add("event", "close", False)
    assert view.current is not None
    assert view.current.seq == 11
    view.go(len(view) - 1)
    view.add("event", "write", False)
    view.add("event", "open", True)
    assert view.current is not None
    assert view.current.seq == 27
    view.add("event", "open", False)
    assert len(view) == 0
    assert view.current is None
    assert view.cursor == 0


def test_a_pause_keeps_new_rows_out_until_it_ends() -> None:
    core = mixed()
    view = View(core)
    view.pause(True)
    core.ingest(0, event("open", pid=1) + b"\n" + event("close", pid=1) + b"\n")
    view.refresh()
    assert (len(view), view.waiting, view.upto) == (30, 2, 30)
    view.add("event", "open", True)
    assert (len(view), view.waiting) == (10, 1)
    view.pause(False)
    assert (len(view), view.waiting, view.paused) == (11, 0, False)
    assert view.upto == 32


def test_the_row_i_am_on_keeps_its_place_while_older_ones_are_evicted() -> None:
    core = mixed(2000, budget=1 << 20)
    view = View(core)
    view.go(1500)
    core.ingest(0, b"".join(event("open", f"/private/tmp/{n}", pid=n) + b"\n" for n in range(4000)))
    view.refresh()
    tail = core.counters().tail
    assert tail > 0
    assert view.anchor == 1500
    assert view.cursor == max(0, 1500 - tail)


def test_suppressed_rows_are_hidden_or_shown() -> None:
    core = mixed()
    view = View(core)
    core.judge(Rules(subscribe=frozenset(["open"])))
    view.hide(True)
    assert len(view) == 10
    core.judge(Rules(subscribe=frozenset(["open", "close"])))
    view.refresh()
    assert len(view) == 20
    view.hide(False)
    assert len(view) == 30


def test_what_a_cell_compares_with() -> None:
    core = filled(
        [event("rename", "/a", "/b", pid=7, pidversion=9, executable="/bin/mv"), event("fork"), b"no event"]
    )
    rename, fork, bad = rows(core)
    assert [filter_value(rename, field) for field in ("event", "process", "executable", "target")] == [
        "rename", (7, 9), "/bin/mv", "/a",
    ]  # fmt: skip
    assert [filter_value(fork, field) for field in ("event", "process", "executable", "target")] == [
        "fork", None, None, None,
    ]  # fmt: skip
    assert filter_value(bad, "event") is None


ALL = ViewSpec()


def found(
    core: Core, needle: str, start: int, step: int = 1, spec: ViewSpec = ALL, upto: int = 1 << 60
) -> Found:
    upto = min(upto, core.counters().head)
    return find(core, spec, needle, start, step, upto, lambda: False)


def test_find_goes_on_from_a_row_and_round_the_ends() -> None:
    core = mixed()
    assert found(core, "/private/tmp/12", -1) == Found(12, False)
    assert found(core, "/private/tmp/12", 12) == Found(12, True)
    assert found(core, "/private/tmp/12", 20) == Found(12, True)
    assert found(core, "/private/tmp/12", 20, -1) == Found(12, False)
    assert found(core, "/private/tmp/12", 3, -1) == Found(12, True)
    assert found(core, "nowhere", 3).seq == -1
    assert found(core, "CLOSE", -1).seq == -1
    assert found(core, "close", -1) == Found(1, False)


def test_find_keeps_to_the_view_and_to_what_was_there_at_the_pause() -> None:
    core = mixed()
    only_write = ViewSpec((Filter("event", "write", True),))
    assert found(core, "/private/tmp/1", -1, spec=only_write) == Found(11, False)
    assert found(core, "/private/tmp/29", -1, upto=20).seq == -1
    assert found(core, "/private/tmp/5", -1, -1, upto=20) == Found(5, False)


def test_find_stops_when_told_to() -> None:
    core = mixed()
    assert find(core, ViewSpec(), "nowhere", -1, 1, 30, lambda: True).stopped


@given(
    st.integers(-1, 29), st.sampled_from((1, -1)), st.sampled_from(("open", "/private/tmp/7", "zz", "/bin/a"))
)
def test_find_agrees_with_looking_at_every_row(start: int, step: int, needle: str) -> None:
    core = mixed()
    holds = [seq for seq in range(30) if needle.encode() in (core.raw(seq) or b"")]
    if step > 0:
        order = [seq for seq in holds if seq > start] + [seq for seq in holds if seq <= start]
    else:
        start = 30 if start < 0 else start
        order = [seq for seq in reversed(holds) if seq < start] + [
            seq for seq in reversed(holds) if seq >= start
        ]
    assert found(core, needle, start, step).seq == (order[0] if order else -1)


def test_raw_lines_are_those_in_view() -> None:
    core = mixed()
    lines = list(raw_lines(core, ViewSpec((Filter("event", "open", True),)), 10))
    assert lines == [core.raw(seq) for seq in (0, 3, 6, 9)]


def test_raw_lines_leave_out_rows_that_are_no_line() -> None:
    core = filled([event("open", global_seq_num=1), b"garbage", event("open", global_seq_num=9)])
    core.mark("a seam")
    lines = list(raw_lines(core, ViewSpec(), core.counters().head))
    assert lines == [core.raw(row.seq) for row in rows(core) if row.n]
    assert len(lines) == 3


def test_raw_lines_say_what_was_lost_and_claim_nothing_more() -> None:
    first, loss = b'{"estui":"recording","whole":true}', b'{"estui":"loss","lost":1}'
    core = filled([first, event(), loss, b'{"estui":"mark"}'])
    assert list(raw_lines(core, ViewSpec(), core.counters().head)) == [event(), loss]
