"""The core, native or twin: what it reads from lines, where lines begin and end, loss, and what it keeps."""

from __future__ import annotations

import os
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui._twin import TwinCore
from estui.core import Core, core_name, open_core
from estui.events import NOTIFY
from estui.record import (
    ALL_STAGES,
    BAD_CUT,
    BAD_LONG,
    BAD_REASONS,
    KEPT_OF_LONG,
    KIND_BAD,
    KIND_EVENT,
    KIND_GAP,
    KIND_RUN,
    KIND_SEAM,
    UNKNOWN_EVENT,
    Counters,
    Row,
    Rules,
)
from tests.cores import SEGMENT, all_written, event, filled, rows, utf8
from tests.lines import any_lines, lines, own_lines, reading


def kept(core: Core) -> list[Row]:
    """The rows that are lines."""
    return [row for row in rows(core) if row.n]


def check(core: Core, row: Row, line: bytes) -> None:
    """The row is what orjson reads from the line."""
    expected = reading(line)
    assert core.raw(row.seq) == line
    assert row.size == len(line)
    if isinstance(expected, int):
        assert (row.kind, row.reason) == (KIND_BAD, BAD_REASONS[expected]), line
        assert row.event_id == -1
    elif "kind" in expected:
        assert {name: getattr(row, name) for name in expected} == expected, line
        assert (row.event_id, row.reason, row.gap_type, row.targets) == (-1, "", 0, ())
    else:
        assert (row.kind, row.reason) == (KIND_EVENT, ""), line
        assert {name: getattr(row, name) for name in expected} == expected
        known = NOTIFY.get(row.event)
        assert row.event_id == known.number if known else row.event_id >= UNKNOWN_EVENT


# What a line says


@given(st.lists(lines, max_size=4))
def test_an_event_is_what_orjson_reads(given_lines: list[bytes]) -> None:
    core = filled(given_lines)
    found = kept(core)
    assert [row.n for row in found] == list(range(1, len(given_lines) + 1))
    for row, line in zip(found, given_lines, strict=True):
        check(core, row, line)


@given(st.lists(any_lines, max_size=6))
def test_any_bytes_are_an_event_or_a_bad_line(given_lines: list[bytes]) -> None:
    core = filled(given_lines)
    for row, line in zip(kept(core), given_lines, strict=True):
        check(core, row, line)
    counters = core.counters()
    own = sum(row.kind in (KIND_GAP, KIND_SEAM) for row in kept(core))
    assert counters.lines == counters.events + counters.bad + own == len(given_lines)


def test_captures_read_whole(captures: list[Path]) -> None:
    for path in captures:
        captured = path.read_bytes().splitlines()
        core = filled(captured)
        for row, line in zip(kept(core), captured, strict=True):
            assert row.kind == KIND_EVENT
            assert None not in (row.time_ns, row.pid, row.pidversion, row.euid, row.ppid, row.executable)
            check(core, row, line)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", 1),
        (b" \t\r", 1),
        (b"\x0b", 2),
        (b"\0", 2),
        (b"\xef\xbb\xbf{}", 2),
        (b'{"event":{"exit":{}}', 2),
        (b'{"event":{"exit":{}}}x', 2),
        (b'{"event":{"exit":{}},}', 2),
        (b'{"event":{"exit":{}},"a":01}', 2),
        (b'{"event":{"exit":{}},"a":1e999}', 2),
        (b'{"event":{"exit":{}},"a":NaN}', 2),
        (b'{"event":{"exit":{}},"a":"\\ud800"}', 2),
        (b'{"event":{"exit":{}},"a":"\t"}', 2),
        (b'{"event":{"exit":{}},"a":\xff}', 2),
        (b'{"event":{"exit":{}},"a":' + b"[" * 1024 + b"]" * 1024 + b"}", 2),
        (b"[]", 3),
        (b'"event"', 3),
        (b"{}", 4),
        (b'{"event":"exit"}', 4),
        (b'{"event":{"exit":{}},"event":null}', 4),
        (b'{"event":{}}', 5),
        (b'{"event":{"exit":null}}', 5),
        (b'{"event":{"exit":{},"fork":{}}}', 5),
    ],
)
def test_a_bad_line_says_why(line: bytes, reason: int) -> None:
    assert reading(line) == reason
    core = filled([line])
    [row] = rows(core)
    assert row == Row(
        *(0, KIND_BAD, 0, 1, "", -1),
        *(None,) * 11,
        targets=(),
        stage=0,
        gap_global=0,
        gap_type=0,
        owned=False,
        reason=BAD_REASONS[reason],
        size=len(line),
    )
    check(core, row, line)


@pytest.mark.parametrize(
    "line",
    [
        b'{"event":{"exit":{}}}',
        b'\t{"event" : {"hover":{ }}, "event":{"exit":1,"exit":{}}}\r',
        b'{"\\u0065vent":{"\\u0065xit":{}}}',
        b'{"event":{"":{}}}',
        b'{"event":{"exit":{}},"a":' + b"[" * 1023 + b"]" * 1023 + b"}",
        b'{"event":{"exec":{"target":{"executable":{"path":"\\/bin\\/\xff\xed\xa0\x80"}}}}}',
        b'{"event":{"exit":{}},"process":{"signing_id":"\\ud83d\\ude00\\u0000","ppid":-0}}',
        b'{"event":{"create":{"destination":{"new_path":{"dir":{"path":"/"},"filename":"x"}}}}}',
        b'{"event":{"create":{"destination":{"existing_file":1,"new_path":{"dir":{"path":"/a"},"filename":"b"}}}}}',
        b'{"event":{"rename":{"destination":{"existing_file":{"path":"/b"}}}}}',
    ],
)
def test_an_event_needs_no_more_than_one_object_in_event(line: bytes) -> None:
    core = filled([line])
    [row] = rows(core)
    assert row.kind == KIND_EVENT
    check(core, row, line)


@pytest.mark.parametrize(
    ("time", "ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2024-02-29T23:59:59.1Z", 1709251199_100000000),
        ("2023-05-07T14:25:44.366219837Z", 1683469544_366219837),
        ("2261-12-31T23:59:59.999999999Z", 9214646399_999999999),
        ("1969-12-31T23:59:59Z", None),
        ("2262-01-01T00:00:00Z", None),
        ("2023-02-29T00:00:00Z", None),
        ("2024-01-01T24:00:00Z", None),
        ("2024-01-01T00:60:00Z", None),
        ("2024-01-01T00:00:60Z", None),
        ("2024-01-01T00:00:00.Z", None),
        ("2024-01-01T00:00:00.1234567890Z", None),
        ("2024-01-01T00:00:00+00:00", None),
        ("2024-01-01 00:00:00Z", None),
        ("2024-01-01T00:00:00Z\n", None),
        ("٢٠٢٤-01-01T00:00:00Z", None),
    ],
)
def test_a_time_is_read_in_one_form_only(time: str, ns: int | None) -> None:
    [row] = rows(filled([event(time=time)]))
    assert (row.time, row.time_ns) == (time, ns)


# Where lines begin and end


@given(st.data())
def test_rows_do_not_depend_on_how_the_bytes_are_cut(data: st.DataObject) -> None:
    text = b"\n".join(data.draw(st.lists(any_lines, min_size=1, max_size=4)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    whole, pieces = open_core(), open_core()
    for core, places in ((whole, [0, len(text)]), (pieces, [0, *cuts, len(text)])):
        stream = core.add_stream(owned=False)
        for start, end in pairwise(places):
            core.ingest(stream, text[start:end])
        core.end(stream)
        assert core.counters().read_bytes == len(text)
    assert rows(pieces) == rows(whole)
    assert [pieces.raw(row.seq) for row in rows(whole)] == [whole.raw(row.seq) for row in rows(whole)]


@pytest.mark.parametrize(
    ("rest", "at_end", "at_break"),
    [
        (event(), 0, BAD_CUT),
        (event()[:-1], BAD_CUT, BAD_CUT),
        (b"  ", 1, BAD_CUT),
        (b"[]", 3, BAD_CUT),
        (b"x" * 600_000, BAD_LONG, BAD_LONG),
    ],
)
def test_an_unfinished_last_line(rest: bytes, at_end: int, at_break: int) -> None:
    for finish, reason in (("end", at_end), ("break_line", at_break)):
        core = open_core(budget=1 << 20)
        stream = core.add_stream(owned=False)
        core.ingest(stream, event() + b"\n" + rest)
        assert core.counters().lines == 1
        getattr(core, finish)(stream)
        getattr(core, finish)(stream)
        core.ingest(stream, event() + b"\n")
        found = rows(core)
        assert [row.reason for row in found] == ["", BAD_REASONS[reason], ""]
        assert [row.n for row in found] == [1, 2, 3]
        assert core.raw(1) == rest[:KEPT_OF_LONG]


@pytest.mark.parametrize("piece", [1 << 20, 50_000, 65_536])
def test_a_line_of_more_than_half_the_budget_is_bad(piece: int) -> None:
    core = open_core(budget=1 << 20)
    stream = core.add_stream(owned=False)
    fits = event(a="x" * ((512 << 10) - len(event(a=""))))
    text = fits + b" \n" + event() + b"\n" + fits + b"\n"
    for start in range(0, len(text), piece):
        core.ingest(stream, text[start : start + piece])
    found = rows(core)
    assert [(row.reason, row.size) for row in found] == [
        (BAD_REASONS[BAD_LONG], len(fits) + 1),
        ("", len(event())),
        ("", len(fits)),
    ]
    assert [core.raw(row.seq) for row in found] == [fits[:KEPT_OF_LONG], event(), fits]


# Loss


def numbered(
    name: str, seq_num: int | None, global_seq_num: int | None, second: int = 0, shard: int | None = None
) -> bytes:
    """An event that is nothing but its numbers; None is no number."""
    numbers: dict[str, Any] = {"seq_num": seq_num, "global_seq_num": global_seq_num, "estui_shard": shard}
    return event(name, time=f"2024-01-01T00:00:{second:02}Z", **numbers)


NAMES = ("open", "close", "hover")


@given(
    st.lists(st.lists(st.tuples(st.sampled_from(NAMES), st.booleans()), min_size=1, max_size=8), max_size=3),
    st.booleans(),
)
def test_loss_is_what_was_left_out(runs: list[list[tuple[str, bool]]], owned: bool) -> None:
    """Number whole runs as ES does, leave events out, and ask how many: between the first and the last of each."""
    stream_lines: list[bytes] = []
    expected_rows: list[tuple[int, int]] = []
    lost_global, lost_by_type = 0, Counter[str]()
    for run in runs:
        seq_nums, last_kept, last = Counter[str](), dict[str, int](), -1
        for number, (name, left_out) in enumerate(run):
            seq_num = seq_nums[name]
            seq_nums[name] += 1
            if left_out and number:
                continue
            if not number and stream_lines:
                expected_rows.append((KIND_RUN, 0))
            if number - last > 1:
                expected_rows.append((KIND_GAP, number - last - 1))
                lost_global += number - last - 1
            lost_by_type[name] += seq_num - last_kept.get(name, seq_num - 1) - 1
            last, last_kept[name] = number, seq_num
            expected_rows.append((KIND_EVENT, 0))
            stream_lines.append(numbered(name, seq_num, number))
    core = filled(stream_lines, owned=owned)
    assert [(row.kind, row.gap_global) for row in rows(core)] == expected_rows
    assert all(row.owned == owned for row in rows(core))
    counted = lost_global, {name: count for name, count in lost_by_type.items() if count}
    assert core.losses()[:4] == ((*counted, 0, {}) if owned else (0, {}, *counted))


MOST = 2**64 - 1


@pytest.mark.parametrize(
    ("numbers", "jumps", "total"),
    [
        pytest.param([("open", 1, 1), ("open", 4, 4)], ["gap 2 2 open"], (2, {"open": 2}), id="both"),
        pytest.param(
            [("open", 1, 1), ("close", 1, 4), ("open", 4, 5)],
            ["gap 2 0 "],
            (2, {"open": 2}),
            id="a type's gap that the global one has shown",
        ),
        pytest.param(
            [("open", 1, 1), ("close", 1, 3), ("open", 5, 4)],
            ["gap 1 0 ", "gap 0 3 open"],
            (1, {"open": 3}),
            id="a type's gap that the global one has not shown whole",
        ),
        pytest.param(
            [("hover", 1, None), ("hover", 3, None)], ["gap 0 1 hover"], (0, {"hover": 1}), id="no global"
        ),
        pytest.param(
            [("hover", None, 1), ("hover", None, 3)], ["gap 1 0 "], (1, {}), id="of no type that is known"
        ),
        pytest.param(
            [("open", 5, 1), ("open", 2, 2), ("open", 3, 3)], [], (0, {}), id="the type alone begins anew"
        ),
        pytest.param(
            [("open", 1, 9), ("open", 7, 9), ("open", 8, 10)], ["run 0 0 "], (0, {}), id="another run"
        ),
        pytest.param(
            [("open", 2, 2), ("open", -1, -9), ("open", 3, 3)], [], (0, {}), id="negative is no number"
        ),
        pytest.param([("open", 9, 9), ("open", None, None), ("open", 10, 10)], [], (0, {}), id="none at all"),
        pytest.param(
            [("open", 0, 0), ("open", MOST, MOST)] * 2,
            [f"gap {MOST - 1} {MOST - 1} open", "run 0 0 ", f"gap {MOST - 1} {MOST - 1} open"],
            (MOST, {"open": MOST}),
            id="counts end at 2^64-1",
        ),
    ],
)
def test_a_jump_is_a_row_before_the_event_that_reveals_it(
    numbers: list[tuple[str, int | None, int | None]], jumps: list[str], total: tuple[int, dict[str, int]]
) -> None:
    core = filled(
        [numbered(name, seq, number, second) for second, (name, seq, number) in enumerate(numbers)],
        owned=True,
    )
    found = rows(core)
    words = {KIND_GAP: "gap", KIND_RUN: "run"}
    shown = [row for row in found if row.kind in words]
    assert [f"{words[row.kind]} {row.gap_global} {row.gap_type} {row.event}" for row in shown] == jumps
    for row in shown:
        revealing = found[row.seq + 1]
        assert (row.time, row.time_ns, row.stream) == (revealing.time, revealing.time_ns, revealing.stream)
        assert row.event_id == (revealing.event_id if row.gap_type else -1)
        assert (row.n, row.size, row.reason, row.pid, core.raw(row.seq)) == (0, 0, "", None, None)
    assert core.losses() == (*total, 0, {}, 0, {})


def test_each_stream_has_its_own_numbers() -> None:
    core = open_core()
    owned, foreign = core.add_stream(owned=True), core.add_stream(owned=False)
    for number in (1, 5):
        core.ingest(owned, numbered("open", number, number) + b"\n")
        core.ingest(foreign, numbered("open", number * 2, number * 2) + b"\n")
    assert core.losses() == (3, {"open": 3}, 7, {"open": 7}, 0, {})


# What is kept


def wide(number: int, size: int = 1000) -> bytes:
    """An event of about this size whose strings no other has."""
    return event("open", f"/t/{number}", executable=f"/x/{number}", a="x" * size)


def sound(core: Core, fed: int) -> None:
    """What must hold of any ring that was fed this many lines of one stream."""
    counters = core.counters()
    found = rows(core)
    assert [row.seq for row in found] == list(range(counters.tail, counters.head))
    assert [core.row(seq) for seq in (-1, counters.tail - 1, counters.head)] == [None] * 3
    assert [core.raw(seq) for seq in (-1, counters.tail - 1, counters.head)] == [None] * 3
    held = [row for row in found if row.kind == KIND_EVENT]
    assert counters.lines == counters.events + counters.bad == fed
    assert counters.events == counters.held_events + counters.evicted
    assert counters.held_events == len(held) == sum(counters.by_stage)
    assert counters.delivered == counters.by_stage[0] == counters.held_events - counters.suppressed
    assert sum(count.total for count in core.events()) == counters.events
    for count in core.events():
        of_type = [row for row in held if row.event_id == count.event_id]
        assert (count.held, count.suppressed) == (len(of_type), sum(row.stage > 0 for row in of_type))
    assert counters.memory <= counters.budget + 2 * SEGMENT
    strings = {
        text for row in held for text in (row.executable, row.signing_id, *row.targets) if text is not None
    }
    strings |= {row.event for row in found if row.kind == KIND_SEAM or row.event_id >= UNKNOWN_EVENT}
    assert counters.string_bytes == sum(len(utf8(text)) + 48 for text in strings)
    assert counters.held_bytes == sum(len(core.raw(row.seq) or b"") for row in found)


@given(st.lists(st.sampled_from([10, 1000, 30_000, 250_000, 300_000, 600_000]), max_size=12))
def test_the_oldest_go_when_the_budget_is_full(sizes: list[int]) -> None:
    core = open_core(budget=1 << 20)
    stream = core.add_stream(owned=False)
    for number, size in enumerate(sizes):
        core.ingest(stream, wide(number, size) + b"\n")
        sound(core, number + 1)
    assert not sizes or core.row(core.counters().head - 1) is not None


def test_many_lines_go_through_a_small_ring() -> None:
    core = filled((wide(number) for number in range(5000)), budget=1 << 20)
    sound(core, 5000)
    counters = core.counters()
    assert counters.memory > (1 << 20) - 2 * SEGMENT
    assert counters.evicted > 4000
    assert rows(core)[-1].executable == "/x/4999"


def test_strings_that_no_row_holds_are_given_back() -> None:
    core = filled((wide(number, 10) for number in range(2000)), budget=1 << 20)
    assert core.counters().string_bytes > 100_000
    stream = core.add_stream(owned=False)
    core.ingest(stream, (event(executable="/same", a="x" * 1000) + b"\n") * 2000)
    assert core.counters().string_bytes == len("/same") + 48


@pytest.mark.parametrize("max_events", [1, 10, 1000])
def test_events_have_a_limit_of_their_own(max_events: int) -> None:
    core = filled(((b"", wide(number, 300))[number % 2] for number in range(4000)), max_events=max_events)
    sound(core, 4000)
    counters = core.counters()
    per_segment = SEGMENT // 300
    assert max_events - per_segment <= counters.held_events <= max_events + 2 * per_segment


def test_lines_of_a_file_stay_in_it(tmp_path: Path) -> None:
    file = tmp_path / "capture.jsonl"
    contents = [wide(number, 5000) for number in range(1000)] + [b"x" * 600_000, b"last"]
    file.write_bytes(b"\n".join(contents))
    core = open_core(budget=1 << 20)
    with file.open("rb") as opened:
        stream = core.add_stream(owned=False, fd=opened.fileno())
        assert core.run(stream, opened.fileno()) == 0
    counters = core.counters()
    assert (counters.events, counters.bad, counters.evicted, counters.held_bytes) == (1000, 2, 0, 0)
    assert [core.raw(row.seq) for row in rows(core)] == [line[:KEPT_OF_LONG] for line in contents]
    assert [row.reason for row in rows(core)[-2:]] == [BAD_REASONS[BAD_LONG], BAD_REASONS[BAD_CUT]]
    os.truncate(file, len(contents[0]) + 10)
    assert core.raw(0) == contents[0]
    assert core.raw(1) is None
    row = core.row(1)
    assert row is not None
    assert row.executable == "/x/1"


def test_bytes_of_a_file_may_come_from_outside(tmp_path: Path) -> None:
    first, second, third = event("open", "/a"), event("open", "/b"), event("open", "/c")
    file = tmp_path / "capture.jsonl"
    file.write_bytes(b"\n".join([first, second, third]))
    core = open_core()
    with file.open("rb") as opened:
        stream = core.add_stream(owned=False, fd=opened.fileno())
    text = file.read_bytes()
    start = len(first) + 1
    core.ingest(stream, text[start : start + 7], start)
    core.ingest(stream, text[start + 7 :])
    core.end(stream)
    core.ingest(stream, text[:start], 0)
    assert [core.raw(row.seq) for row in rows(core)] == [second, third, first]


def test_the_event_limit_holds_for_files_too(tmp_path: Path) -> None:
    file = tmp_path / "capture.jsonl"
    file.write_bytes(b"".join(wide(number) + b"\n" for number in range(5000)))
    core = open_core(max_events=10)
    with file.open("rb") as opened:
        stream = core.add_stream(owned=False, fd=opened.fileno())
        core.run(stream, opened.fileno())
    counters = core.counters()
    assert counters.held_events <= 10 + 2 * SEGMENT // 128
    assert counters.held_events + counters.evicted == 5000
    assert core.raw(counters.head - 1) == wide(4999)
    assert core.raw(0) is None


# What is counted


def test_unknown_names_get_ids_as_they_come() -> None:
    core = filled([event("hover"), event("exec"), event("glide"), event("hover")])
    assert [row.event_id for row in rows(core)] == [256, 9, 257, 256]
    assert [row.event for row in rows(core)] == ["hover", "exec", "glide", "hover"]
    assert core.events() == [("exec", 9, 1, 1, 0), ("hover", 256, 2, 2, 0), ("glide", 257, 1, 1, 0)]


def test_ids_run_out() -> None:
    last = 65534
    names = [f"e{event_id}" for event_id in range(UNKNOWN_EVENT, last + 3)]
    core = filled(f'{{"event":{{"{name}":{{}}}},"seq_num":{n}}}'.encode() for n, name in enumerate(names))
    assert [(row.event, row.event_id) for row in rows(core)[-3:]] == [
        (f"e{last}", last),
        (f"e{last + 1}", last + 1),
        (f"e{last + 2}", last + 1),
    ]
    assert core.events()[-2:] == [(f"e{last}", last, 1, 1, 0), ("", last + 1, 2, 2, 0)]
    assert core.losses() == (0, {}, 0, {}, 0, {})


def test_the_time_span_is_that_of_the_whole_stream() -> None:
    core = filled([event(), event(time="x")])
    assert span(core) == (None, None, None, None)
    times = [
        "1970-01-01T00:00:03Z",
        "1970-01-01T00:00:01Z",
        "x",
        "1970-01-01T00:00:05.0Z",
        "1970-01-01T00:00:04Z",
    ]
    core = filled([event(time=time, a="x" * 500_000) for time in times], budget=1 << 20)
    assert span(core) == (10**9, "1970-01-01T00:00:01Z", 5 * 10**9, "1970-01-01T00:00:05.0Z")


def span(core: Core) -> tuple[int | None, str | None, int | None, str | None]:
    """From when to when."""
    counters = core.counters()
    return counters.first_ns, counters.first_time, counters.last_ns, counters.last_time


def test_executables_are_counted_over_the_whole_stream() -> None:
    names = ["/bin/\udcff", "/bin/ls", None, "/bin/ls"]
    for tally, expected in ((True, {"/bin/\udcff": 1000, "/bin/ls": 2000}), (False, {})):
        stream_lines = [event(executable=name, a="x" * 500) for name in names] * 1000
        core = filled(stream_lines, tally=tally, budget=1 << 20)
        assert core.executables() == expected


def test_an_exit_is_known_while_it_is_held() -> None:
    core = filled(
        [event("exit", pid=7, pidversion=8), event("exit", pid=9), event("exec", pid=1, pidversion=2)]
    )
    assert core.exited(7, 8)
    assert not core.exited(7, 9)
    assert not core.exited(1, 2)
    core = filled(
        [event("exit", pid=7, pidversion=8)] + [wide(number) for number in range(3000)], budget=1 << 20
    )
    assert not core.exited(7, 8)


def test_a_seam_is_a_row() -> None:
    core = filled([event()])
    assert core.mark("\x1b[31m \udcff") == 1
    row = core.row(1)
    assert row is not None
    assert (row.kind, row.event, row.event_id) == (KIND_SEAM, "\x1b[31m \udcff", -1)
    assert (row.stream, row.n, row.owned) == (-1, 0, True)
    assert core.raw(1) is None
    sound(core, 1)


# Both cores


@pytest.mark.skipif(core_name()[0] == "twin", reason="there is only the twin")
@given(st.data())
def test_the_cores_agree(data: st.DataObject) -> None:
    """Whatever is done to both, they answer alike; only their memory is their own."""
    core, twin = open_core(), TwinCore()
    for both in (core, twin):
        both.add_stream(owned=True)
        both.add_stream(owned=False)
    numbers = st.builds(
        numbered,
        st.sampled_from(NAMES),
        *[st.none() | st.integers(-1, 9)] * 2,
        shard=st.none() | st.integers(0, 2),
    )
    pieces = st.one_of(
        (numbers | own_lines).map(lambda line: line + b"\n"), any_lines, st.binary(max_size=5), st.just(b"\n")
    )
    steps = st.one_of(
        st.tuples(st.just("ingest"), st.integers(0, 1), pieces),
        st.tuples(st.sampled_from(["end", "break_line"]), st.integers(0, 1)),
        st.tuples(st.just("mark"), st.just("seam")),
        st.tuples(st.just("judge"), st.sampled_from([Rules(), Rules(subscribe=frozenset({"open"}))])),
    )
    for call, *arguments in data.draw(st.lists(steps, max_size=10)):
        assert getattr(core, call)(*arguments) == getattr(twin, call)(*arguments)
    assert rows(core) == rows(twin)
    assert core.losses() == twin.losses()
    assert core.events() == twin.events()
    assert mutual(core) == mutual(twin)
    stages, limit = data.draw(st.integers(0, ALL_STAGES)), data.draw(st.none() | st.integers(0, 2000))
    start = data.draw(st.integers(0, core.counters().head))
    assert core.write_from(start) == twin.write_from(start)
    assert all_written(core, start, stages, limit) == all_written(twin, start, stages, limit)


def mutual(core: Core) -> Counters:
    """What two cores must count alike: all but their own memory."""
    return core.counters()._replace(memory=0, string_bytes=0, generation=0)
