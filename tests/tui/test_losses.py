"""Loss on the screen: how many, of which shard, why, and the keys that go from one to the next."""

from __future__ import annotations

import json
from typing import Any

import pytest

from estui.record import KIND_GAP, Row
from estui.tui import detail_words
from tests.cores import event
from tests.tui.panels import flowing, screen, text
from tests.tui.screens import NARROW, Scripted, at, golden, investigation, numbered, opened, strip, ticked

HOSTILE = "queue \x1b[31m\u202e[/foo] full"


def loss(lost: int | None, why: str, **members: Any) -> bytes:
    """A line of a recording that says what was lost."""
    return json.dumps({"estui": "loss", "time": at(9), "lost": lost, "why": why, **members}).encode()


SHARDED = [
    event("open", "/etc/a", global_seq_num=1, estui_shard=0, time=at(1)),
    event("exec", "/bin/ls", global_seq_num=1, estui_shard=2, time=at(2)),
    event("open", "/etc/b", global_seq_num=5, estui_shard=0, time=at(3)),
    event("exec", "/bin/ls", global_seq_num=16, estui_shard=2, time=at(4)),
    loss(12, "the pipe was full", shard=2),
    loss(None, HOSTILE),
    loss(1, ""),
    event("exec", "/bin/ls", global_seq_num=0, estui_shard=2, time=at(5)),
]


async def test_every_loss_says_how_many_whose_and_why() -> None:
    source = Scripted()
    async with opened(investigation(source), NARROW) as (app, pilot):
        source.put(*SHARDED)
        await ticked(pilot, 1.0)
        golden("rows-losses", "\n".join(text(app.panels.events)))
        assert "lost 30+" in strip(app)
        await pilot.press("question_mark")
        await ticked(pilot)
        assert "30, and once nobody knows how many" in flowing(app)
        assert "shard 0: 3" in flowing(app)


async def test_a_number_that_is_known_has_no_plus() -> None:
    source = Scripted()
    async with opened(investigation(source), NARROW) as (app, pilot):
        source.put(*SHARDED[:4])
        await ticked(pilot, 1.0)
        assert "lost 17 " in strip(app)


async def test_only_unknown_losses_still_show() -> None:
    source = Scripted()
    async with opened(investigation(source), (60, 24)) as (app, pilot):
        source.put(loss(None, "no room"))
        await ticked(pilot, 1.0)
        assert "lost 0+" in strip(app)


async def test_the_detail_tells_of_shards_and_reasons() -> None:
    source = Scripted()
    async with opened(investigation(source), (100, 40)) as (app, pilot):
        source.put(*SHARDED)
        await ticked(pilot, 1.0)
        await pilot.press("g", "e", "e", "enter")
        await ticked(pilot, 1.0)
        words = flowing(app)
        assert "shard 2: 14 events lost here" in words
        assert "this was shard 2. Lost or missing so far: shard 0: 3, shard 2: 26." in words
        await pilot.press("1", "e", "e", "4", "backslash")
        await ticked(pilot, 1.0)
        words = flowing(app)
        assert "Nobody knows how many events were lost here: queue" in words
        assert "[/foo] full" in words


async def test_keys_go_from_loss_to_loss() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.put(*numbered(50), event("open", global_seq_num=1), event("open", global_seq_num=9))
        session.core.mark("a seam is no loss")
        source.put(*numbered(50), b"nor is a bad line", event("open", global_seq_num=20))
        await ticked(pilot)
        gaps = [seq for seq in range(session.core.counters().head) if kind(session.core.row(seq)) == KIND_GAP]
        assert len(gaps) == 2
        await pilot.press("g", "e")
        assert session.view.anchor == gaps[0]
        await pilot.press("e")
        assert session.view.anchor == gaps[1]
        await pilot.press("e")
        assert session.view.anchor == gaps[1]
        assert "Nothing was lost further on" in screen(app)
        await pilot.press("E")
        assert session.view.anchor == gaps[0]
        await pilot.press("E")
        assert session.view.anchor == gaps[0]
        await pilot.press("left_square_bracket")
        assert session.view.anchor == gaps[1]
        session.view.add("event", "nothing of this name", True)  # a filter hides no loss
        app.view_changed()
        await pilot.press("g", "e")
        assert session.view.anchor == gaps[1]
        source.put(event("open", global_seq_num=30))
        await ticked(pilot)
        await pilot.press("e")
        assert session.view.anchor > gaps[1]


async def test_where_nothing_is_held_there_is_no_loss() -> None:
    async with opened(investigation(Scripted())) as (app, pilot):
        await pilot.press("e", "E")
        assert "Nothing was lost further back" in screen(app)


def kind(row: Row | None) -> int:
    assert row is not None
    return row.kind


@pytest.mark.parametrize("unknown", [False, True])
def test_words_of_a_loss_are_printable(unknown: bool) -> None:
    row = Row(0, KIND_GAP, 0, 1, HOSTILE, -1, None, None, None, None, None, None, None, None, None, None, None, (), 0,
              3, 0, True, "", 10, unknown, 2)  # fmt: skip
    for words in (detail_words.title(row), *detail_words.row_words(row, {2: 3, 0: 1})):
        assert words.isprintable(), words
