"""Lines of estui's own in a stream, and the shards that a stream's numbers may belong to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from estui.core import Core, open_core
from estui.record import (
    BAD_NO_EVENT,
    BAD_REASONS,
    KIND_BAD,
    KIND_EVENT,
    KIND_GAP,
    KIND_RUN,
    KIND_SEAM,
    Filter,
    ViewSpec,
)
from tests.cores import event, filled, rows, utf8

HOSTILE = '\x1b]0;x\x07\n[/foo]\u202e"\\ \udcff'
MOST = 2**64 - 1


def own(what: object, **members: object) -> bytes:
    """A line of estui's own."""
    return utf8(json.dumps({"estui": what, "time": "2024-05-01T10:00:00Z", **members}, ensure_ascii=False))


def numbered(number: int, shard: object = None, name: str = "open") -> bytes:
    """An event whose numbers are both this one."""
    members: dict[str, Any] = {} if shard is None else {"estui_shard": shard}
    return event(name, seq_num=number, global_seq_num=number, **members)


def gaps(core: Core) -> list[tuple[int, bool]]:
    """The gaps, and whether each is a loss."""
    return [(row.gap_global, row.owned) for row in rows(core) if row.kind == KIND_GAP]


@pytest.mark.parametrize("owned", [True, False])
def test_a_loss_is_a_row_and_counted(owned: bool) -> None:
    lines = [own("loss", lost=12, why=HOSTILE), own("loss", lost=None, why="overflow"), own("loss", lost=0)]
    core = filled(lines, owned=owned)
    found = rows(core)
    assert [(row.kind, row.n, row.event, row.gap_global, row.unknown) for row in found] == [
        (KIND_GAP, 1, HOSTILE, 12, False),
        (KIND_GAP, 2, "overflow", 0, True),
        (KIND_GAP, 3, "", 0, False),
    ]
    assert {(row.owned, row.event_id, row.gap_type, row.reason) for row in found} == {(True, -1, 0, "")}
    assert {(row.time, row.time_ns) for row in found} == {("2024-05-01T10:00:00Z", 1714557600 * 10**9)}
    assert [core.raw(row.seq) for row in found] == lines
    assert core.losses() == (12, {}, 0, {}, 1, {})
    counters = core.counters()
    assert (counters.lines, counters.events, counters.bad) == (3, 0, 0)
    assert (counters.first_time, counters.last_time) == (None, None)


@pytest.mark.parametrize(
    "line",
    [
        own("loss"),
        own("loss", lost=-1),
        own("loss", lost=1.0),
        own("loss", lost="1"),
        own("loss", lost=True),
        own("loss", lost=MOST + 1),
        own("loss", lost=1, why=None),
        own("mark", words=1),
        own("recording", source=[]),
        own("Loss", lost=1),
        own(None),
        own(["loss"], lost=1),
        b'{"estui":"loss","lost":1,"estui":1}',
        b'{"estui":"loss","lost":1,"lost":"x"}',
    ],
)
def test_what_is_not_quite_a_line_of_ours_is_a_bad_line(line: bytes) -> None:
    core = filled([line])
    assert [(row.kind, row.reason) for row in rows(core)] == [(KIND_BAD, BAD_REASONS[BAD_NO_EVENT])]
    assert core.losses() == (0, {}, 0, {}, 0, {})


def test_an_event_is_an_event_whatever_it_says_of_estui() -> None:
    [row] = rows(filled([event(estui="loss", lost=5)]))
    assert row.kind == KIND_EVENT


def test_a_recording_that_is_whole_makes_gaps_losses_from_there_on() -> None:
    core = filled(
        [
            *(numbered(1), numbered(3)),
            *(own("recording", source="linux", version=1, whole=True), numbered(1), numbered(4)),
            *(own("recording", source="linux", version=1, whole=False), numbered(1), numbered(5)),
            *(own("recording", whole="yes"), numbered(1), numbered(6)),
        ]
    )
    assert gaps(core) == [(1, False), (2, True), (3, False), (4, False)]
    assert not core.is_owned(0)
    core.ingest(0, own("recording", whole=True) + b"\n")
    assert core.is_owned(0)
    assert core.losses()[:4] == (2, {"open": 2}, 8, {"open": 8})
    words = [row.event for row in rows(core) if row.kind == KIND_SEAM][:3]
    assert words == ["recording of linux", "recording of linux", "recording"]


def test_what_estui_started_stays_its_own() -> None:
    core = filled([own("recording", whole=False), numbered(1), numbered(3)], owned=True)
    assert gaps(core) == [(1, True)]


@pytest.mark.parametrize("what", ["mark", "recording"])
def test_numbers_begin_anew_behind_a_mark(what: str) -> None:
    core = filled([numbered(5), own(what), numbered(9), numbered(10), own(what), numbered(1), numbered(3)])
    assert [row.kind for row in rows(core) if row.kind in (KIND_GAP, KIND_RUN)] == [KIND_GAP]
    assert gaps(core) == [(1, False)]


def test_numbers_go_on_behind_a_loss() -> None:
    core = filled([numbered(1), own("loss", lost=7), numbered(3)], owned=True)
    assert gaps(core) == [(7, True), (1, True)]
    assert core.losses()[:2] == (8, {"open": 1})


def test_each_shard_has_its_own_numbers() -> None:
    core = filled(
        [
            *(numbered(1, 0), numbered(10, 63), numbered(100)),
            *(numbered(2, 0), numbered(12, 63), numbered(101)),
            *(numbered(1, 0), numbered(13, 63), numbered(105)),
        ],
        owned=True,
    )
    found = [(row.kind, row.shard, row.gap_global) for row in rows(core) if row.kind != KIND_EVENT]
    assert found == [(KIND_GAP, 63, 1), (KIND_RUN, 0, 0), (KIND_GAP, None, 3)]
    assert [row.shard for row in rows(core) if row.kind == KIND_EVENT] == [0, 63, None] * 3
    assert core.losses() == (4, {"open": 4}, 0, {}, 0, {0: 0, 63: 1})


@pytest.mark.parametrize("shard", [-1, 64, MOST, 1.0, "1", True, None])
def test_what_is_no_shard_is_none(shard: object) -> None:
    core = filled([numbered(1, shard), numbered(3)])
    assert [row.shard for row in rows(core)] == [None] * 3
    assert core.losses().by_shard == {}
    assert gaps(core) == [(1, False)]


def test_a_mark_or_a_loss_may_be_of_one_shard() -> None:
    core = filled(
        [
            *(numbered(1, 0), numbered(1, 1)),
            *(own("mark", shard=1), own("loss", lost=4, shard=2)),
            *(numbered(5, 0), numbered(9, 1)),
        ]
    )
    assert [(row.kind, row.shard) for row in rows(core) if row.kind != KIND_EVENT] == [
        (KIND_SEAM, 1),
        (KIND_GAP, 2),
        (KIND_GAP, 0),
    ]
    assert core.losses() == (4, {}, 3, {"open": 3}, 0, {0: 3, 1: 0, 2: 4})


def test_losses_end_at_the_top() -> None:
    core = filled([own("loss", lost=MOST, shard=0)] * 3)
    assert core.losses() == (MOST, {}, 0, {}, 0, {0: MOST})


def test_our_lines_in_a_file_stay_there(tmp_path: Path) -> None:
    lines = [own("recording", source="x" * 500), own("mark", words=HOSTILE), own("loss", lost=1, why="y")]
    file = tmp_path / "recording.jsonl"
    file.write_bytes(b"\n".join(lines) + b"\n")
    core = open_core()
    with file.open("rb") as opened:
        core.run(core.add_stream(owned=False, fd=opened.fileno()), opened.fileno())
    assert [core.raw(row.seq) for row in rows(core)] == lines
    assert core.counters().held_bytes == 0


def test_our_lines_are_found_and_no_filter_hides_them() -> None:
    core = filled([own("mark", words="again", more="needle"), own("loss", lost=1, why="again")])
    assert core.find("again", 0, 1, 10) == (0, 1)
    assert core.find("needle", 0, 1, 10) == (0, 1)
    view = core.view(ViewSpec((Filter("event", "exec", True),), hide_suppressed=True))
    view.extend()
    assert len(view) == 2


def test_a_ring_full_of_our_lines_lets_the_oldest_go() -> None:
    core = filled((own("mark", words=str(number) * 300) for number in range(5000)), budget=1 << 20)
    counters = core.counters()
    assert 0 < counters.tail < counters.head == counters.lines == 5000
    held = rows(core)
    assert counters.string_bytes == sum(len(row.event) + 48 for row in held)
    assert counters.held_bytes == sum(row.size for row in held)
