"""Views and finding, against naive filters over the rows held."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.core import Core, CoreView, open_core
from estui.record import ALL_EVENTS, KIND_BAD, KIND_EVENT, Filter, PathRule, Row, Rules, ViewSpec
from tests.cores import event, filled, rows, utf8

NAMES = ("open", "rename", "exit", "hover")
PATHS = ("/a", "/a/B", "/é", "/\udcff")
MUTED = Rules(paths=(PathRule(1, b"/a", ALL_EVENTS), PathRule(2, b"/\xff", ALL_EVENTS)))

optional_paths = st.none() | st.sampled_from(PATHS)
pids = st.none() | st.integers(1, 2)
some_events = st.builds(
    lambda name, targets, **members: event(name, *(() if name in {"exit", "hover"} else targets), **members),
    st.sampled_from(NAMES),
    st.lists(st.sampled_from(PATHS), max_size=1),
    pid=pids,
    pidversion=pids,
    executable=optional_paths,
    global_seq_num=st.sampled_from([None, *range(6)]),
    time=st.sampled_from(["", *(f"1970-01-01T00:00:0{second}Z" for second in range(6))]),
)
some_lines = st.lists(some_events | st.just(b"bad"), max_size=10)
filters = st.one_of(
    st.builds(Filter, st.just("event"), st.sampled_from([*NAMES, "glide"]), st.booleans()),
    st.builds(Filter, st.just("process"), st.tuples(st.integers(1, 2), pids), st.booleans()),
    st.builds(Filter, st.sampled_from(["executable", "target"]), st.sampled_from(PATHS), st.booleans()),
)
specs = st.builds(ViewSpec, st.lists(filters, max_size=4).map(tuple), st.booleans())


def meets(row: Row, chosen: Filter) -> bool:
    """Whether an event has the value that a filter names."""
    if chosen.field == "event":
        return row.event == chosen.value
    if chosen.field == "executable":
        return row.executable == chosen.value
    if chosen.field == "target":
        return chosen.value in row.targets
    assert isinstance(chosen.value, tuple)
    pid, pidversion = chosen.value
    return row.pid == pid and pidversion in (None, row.pidversion)


def shows(row: Row, spec: ViewSpec) -> bool:
    """Whether a view has the row."""
    includes = [chosen for chosen in spec.filters if chosen.include]
    if row.kind == KIND_BAD:
        return not includes
    if row.kind != KIND_EVENT:
        return True
    if spec.hide_suppressed and row.stage:
        return False
    for field in {chosen.field for chosen in includes}:
        if not any(meets(row, chosen) for chosen in includes if chosen.field == field):
            return False
    return not any(meets(row, chosen) for chosen in spec.filters if not chosen.include)


def fresh(core: Core, spec: ViewSpec) -> CoreView:
    """A view that has taken in what there is."""
    view = core.view(spec)
    view.extend()
    return view


def seqs(view: CoreView) -> list[int]:
    """All that a view shows."""
    return [view[position] for position in range(len(view))]


@given(st.lists(some_lines, min_size=1, max_size=3), specs, specs)
def test_a_view_shows_what_its_filters_leave(
    batches: list[list[bytes]], spec: ViewSpec, other: ViewSpec
) -> None:
    """Rows come in batches, verdicts change between, the view is set anew: it is as if made just now."""
    core = open_core()
    stream = core.add_stream(owned=False)
    view = core.view(spec)
    for number, batch in enumerate(batches):
        core.ingest(stream, b"".join(line + b"\n" for line in batch))
        core.mark("seam")
        core.judge(Rules() if number % 2 else MUTED)
        view.extend()
        assert seqs(view) == [row.seq for row in rows(core) if shows(row, spec)]
    view.set(other)
    view.extend()
    assert seqs(view) == [row.seq for row in rows(core) if shows(row, other)]
    assert view.dropped == 0


@given(some_lines, specs)
def test_positions_by_seq_and_by_time(lines: list[bytes], spec: ViewSpec) -> None:
    core = filled(lines)
    view = fresh(core, spec)
    shown = [row for row in rows(core) if shows(row, spec)]
    for seq in range(-1, core.counters().head + 2):
        assert view.index(seq) == sum(row.seq < seq for row in shown)
    for second in range(-1, 7):
        late = [
            row.kind == KIND_EVENT and row.time_ns is not None and row.time_ns >= second * 10**9
            for row in shown
        ]
        assert view.seek_time(second * 10**9) == (late.index(True) if any(late) else len(shown))


def test_outside_a_view_there_is_nothing() -> None:
    view = fresh(filled([event()]), ViewSpec())
    assert view[0] == 0
    with pytest.raises(IndexError):
        view[1]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=5), specs, st.booleans())
def test_rows_leave_a_view_at_the_front(counts: list[int], spec: ViewSpec, judged_anew: bool) -> None:
    """The ring evicts while the view is looked at: what was shown and is gone counts as dropped, the rest moves up."""
    core = open_core(budget=1 << 20)
    core.judge(MUTED)
    stream = core.add_stream(owned=False)
    view = core.view(spec)
    shown: list[int] = []
    dropped = 0
    for count in counts:
        for number in range(count):
            name, path = NAMES[number % 2], PATHS[number % 3]
            core.ingest(stream, event(name, path, executable=path, pid=1, pidversion=2, a="x" * 9000) + b"\n")
        if judged_anew:
            core.judge(MUTED)
            if spec.hide_suppressed:  # the view begins anew
                shown, dropped = [], 0
        view.extend()
        tail = core.counters().tail
        dropped += sum(seq < tail for seq in shown)
        shown = [row.seq for row in rows(core) if shows(row, spec)]
        assert seqs(view) == shown
        assert view.dropped == dropped
    view.set(spec)
    view.extend()
    assert view.dropped == 0


def test_a_view_between_eviction_and_extend() -> None:
    core = open_core(budget=1 << 20)
    stream = core.add_stream(owned=False)
    core.ingest(stream, event() + b"\n")
    view = fresh(core, ViewSpec())
    core.ingest(stream, (event(a="x" * 1000) + b"\n") * 3000)
    assert seqs(view) == [0]
    assert core.row(view[0]) is None
    assert view.seek_time(0) == 1
    assert core.find("open", 0, 1, 10, view) == (-1, -1)
    view.extend()
    assert seqs(view) == [row.seq for row in rows(core)]


NEEDLES = (
    "open",
    "OPEN",
    "/a/b",
    "/a/B",
    "é",
    "É",
    "\udcff",
    "seam",
    "bad",
    "1",
    "hover",
    '"event"',
    "nowhere",
    "",
)


def contains(core: Core, row: Row, needle: str) -> bool:
    """Whether the row says it anywhere."""
    wanted = utf8(needle)
    columns = [
        row.event,
        row.executable,
        row.signing_id,
        *row.targets,
        None if row.pid is None else str(row.pid),
    ]
    texts = [*(utf8(column) for column in columns if column is not None), core.raw(row.seq) or b""]
    if needle == needle.lower():
        texts = [text.lower() for text in texts]
    return bool(needle) and any(wanted in text for text in texts)


def found(core: Core, needle: str, start: int, step: int, limit: int, view: CoreView | None) -> Iterator[int]:
    """All that finding finds, `limit` rows at a time."""
    while start >= 0:
        seq, start = core.find(needle, start, step, limit, view)
        if seq >= 0:
            yield seq


@given(some_lines, specs, st.sampled_from(NEEDLES), st.integers(1, 4), st.booleans())
def test_find_finds_all_both_ways(
    lines: list[bytes], spec: ViewSpec, needle: str, limit: int, in_view: bool
) -> None:
    core = filled(lines)
    core.mark("Seam")
    view = fresh(core, spec) if in_view else None
    wanted = [
        row.seq for row in rows(core) if (not in_view or shows(row, spec)) and contains(core, row, needle)
    ]
    head = core.counters().head
    for start in range(head + 1):
        assert [*found(core, needle, start, 1, limit, view)] == [seq for seq in wanted if seq >= start]
        back = [*found(core, needle, start, -1, limit, view)]
        assert back == [seq for seq in reversed(wanted) if seq <= start]


def test_find_looks_at_no_more_rows_than_it_may() -> None:
    core = filled([event("exit")] * 5 + [event("open")] + [event("exit")] * 5)
    assert core.find("open", 0, 1, 5) == (-1, 5)
    assert core.find("open", 5, 1, 1) == (5, 6)
    assert core.find("open", 6, 1, 100) == (-1, -1)
    assert core.find("open", 10, -1, 3) == (-1, 7)
    assert core.find("open", 7, -1, 3) == (5, 4)
    assert core.find("open", 99, 1, 3) == (-1, -1)


def test_find_reads_lines_where_they_are(tmp_path: Path) -> None:
    file = tmp_path / "capture.jsonl"
    file.write_bytes(event("exit", word="Needle") + b"\n" + event("exit") + b"\n")
    core = open_core()
    with file.open("rb") as opened:
        stream = core.add_stream(owned=False, fd=opened.fileno())
        core.run(stream, opened.fileno())
    assert core.find("needle", 0, 1, 10) == (0, 1)
    assert core.find("neEdle", 0, 1, 10) == (-1, -1)
    file.write_bytes(b"")
    assert core.find("needle", 0, 1, 10) == (-1, -1)
    assert core.find("exit", 0, 1, 10) == (0, 1)
