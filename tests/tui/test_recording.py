"""Recording while looking: the key, the strip, and the file that is whole however it ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual.widgets import Input

from estui.session import Session
from tests.cores import event
from tests.tui.panels import flowing, screen, until
from tests.tui.screens import (
    NARROW,
    WIDE,
    Scripted,
    answer,
    bar,
    investigation,
    numbered,
    opened,
    strip,
    ticked,
)


def events_in(path: Path) -> list[bytes]:
    """The lines of a recording but for estui's own. Fails where its last line is not whole."""
    data = path.read_bytes()
    assert data.endswith(b"\n")
    return [line for line in data.splitlines() if not line.startswith(b'{"estui":')]


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "160x50"])
async def test_what_is_held_and_what_comes(tmp_path: Path, size: tuple[int, int]) -> None:
    source = Scripted()
    session = investigation(source)
    out = tmp_path / "[red]\x1b[31m\u202e.jsonl"
    lines = numbered(40)
    async with opened(session, size) as (app, pilot):
        source.put(*lines[:10])
        await ticked(pilot)
        await pilot.press("W")
        await until(pilot, lambda: "record all held and to come to:" in screen(app))
        assert app.prompt.query_one(Input).value.endswith(".jsonl")
        await answer(pilot, str(tmp_path))
        assert "that is a directory" in screen(app)
        # A path as it is typed: what would drive the terminal never gets into the field.
        session.record(out)
        await pilot.press("escape")
        source.put(*lines[10:30])
        await until(pilot, lambda: session.recording is not None and session.recording.events == 30)
        await ticked(pilot)
        assert "● REC 7 kB" in strip(app)
        source.put(*lines[30:])
        await pilot.press("W")
        await until(pilot, lambda: session.recording is None)
        await until(pilot, lambda: "Recorded 40 events, " in bar(app))
        screen(app)  # fails if the name of the file could drive the terminal
        await ticked(pilot)
        assert "REC" not in strip(app)
    assert events_in(out) == lines


async def test_the_key_asks_and_ends(tmp_path: Path) -> None:
    source = Scripted()
    session = investigation(source)
    out, there = tmp_path / "out.jsonl", tmp_path / "there"
    there.write_bytes(b"mine")
    async with opened(session) as (app, pilot):
        source.put(*numbered(3))
        await pilot.press("W")
        await answer(pilot, str(there))
        assert "is there already" in screen(app)
        await answer(pilot, str(tmp_path / "no" / "such" / "x"))
        assert "No such file or directory" in screen(app)
        assert app.prompt.asking
        await answer(pilot, str(out))
        assert not app.prompt.asking
        assert "W ends it" in bar(app)
        await pilot.press("question_mark")
        await until(pilot, lambda: "3 events" in flowing(app) or "0 events" in flowing(app))
        await pilot.press("escape", "W")
        await until(pilot, lambda: session.recording is None and "Recorded 3 events" in bar(app))
    assert there.read_bytes() == b"mine"
    assert events_in(out) == numbered(3)


async def test_leaving_ends_it_properly(tmp_path: Path) -> None:
    source = Scripted()
    session = investigation(source)
    out = tmp_path / "out.jsonl"
    async with opened(session) as (app, pilot):
        session.record(out)
        source.put(*numbered(2000))
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)
    assert events_in(out) == numbered(2000)
    assert session.left_recording is not None
    assert session.left_recording.events == 2000


async def test_a_full_disk_is_told_and_the_file_is_whole(tmp_path: Path) -> None:
    if not os.access("/dev/full", os.W_OK):
        pytest.skip("no /dev/full")
    source = Scripted()
    session = investigation(source)
    async with opened(session, NARROW) as (app, pilot):
        source.put(*numbered(3))
        await ticked(pilot)
        await pilot.press("W")
        await answer(pilot, "/dev/full")
        await until(pilot, lambda: "The recording broke off" in screen(app))
        await until(pilot, lambda: session.recording is None)
        assert "No space left on device" in flowing(app)
        await ticked(pilot)
        assert "REC" not in strip(app)
        source.put(*numbered(3, 3))
        await ticked(pilot)
        assert len(session.view) == 6
        await pilot.press("escape")
        await ticked(pilot)
        assert "broke off" not in screen(app)


async def test_nothing_comes_from_a_file(tmp_path: Path) -> None:
    source = Scripted(kind="file")
    async with opened(investigation(source)) as (app, pilot):
        source.put(event())
        await pilot.press("W")
        assert not app.prompt.asking
        assert "w writes what is in view" in bar(app)
        assert not list(tmp_path.iterdir())


def test_ending_twice_does_no_harm(tmp_path: Path) -> None:
    session: Session = investigation(Scripted())
    session.start()
    session.record(tmp_path / "out")
    assert session.stop_recording() is not None
    assert session.stop_recording() is None
    session.close()
    session.close()
    assert session.left_recording is None
