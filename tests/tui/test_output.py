"""The panel with what a command printed, and the word of how it ended."""

from __future__ import annotations

import pytest

from estui.tui.app import EstuiApp
from tests.tui.panels import screen, text, until
from tests.tui.screens import (
    NARROW,
    WIDE,
    Printed,
    Scripted,
    golden,
    investigation,
    numbered,
    opened,
    strip,
    ticked,
)

HOSTILE = "cc: \x1b]0;pwned\x07[/foo]\u202eabc\udcff"


def command(*lines: str) -> tuple[Scripted, Printed]:
    """A source like that of `estui run make`, and its output."""
    source = Scripted(title="run make", controls=["restart"])
    source.origin = "linux"
    source.output = output = Printed(*lines)
    return source, output


def lines(app: EstuiApp) -> list[str]:
    """The text of the panel, without frame and scrollbar."""
    return [line.strip("┃│╭╰┏┗━─╮╯┓┛█ ") for line in text(app.panels.output)]


async def test_it_stands_under_the_list() -> None:
    source, output = command()
    async with opened(investigation(source), WIDE) as (app, pilot):
        assert app.panels.output.display
        assert "Nothing was printed yet." in screen(app)
        output.put("make: Entering directory '/src'", "cc -c a.c", HOSTILE)
        source.put(*numbered(3))
        await ticked(pilot)
        golden("output-160x50", "\n".join(text(app.panels.output)))
        assert app.panels.events.region.bottom <= app.panels.output.region.y
        assert app.panels.output.region.height < app.panels.events.region.height
        await pilot.press("5")
        assert app.panels.shown == "output"
        await pilot.press("backslash")
        await pilot.pause()
        assert app.panels.output.region.height > 40
        assert not app.panels.events.region


async def test_narrow_it_is_one_of_the_panels() -> None:
    source, output = command("one line")
    async with opened(investigation(source), NARROW) as (app, pilot):
        assert not app.panels.output.region
        assert "5 Output" in text(app.panels.tabs)[0]
        await pilot.press("5")
        await ticked(pilot)
        assert "[5 Output]" in text(app.panels.tabs)[0]
        assert "one line" in screen(app)
        output.put("and another")
        await ticked(pilot)
        assert "and another" in screen(app)
        await pilot.press("tab")
        assert app.panels.shown == "detail"
        await pilot.press("shift+tab", "escape")
        await pilot.pause()
        assert app.panels.shown == "events"
        assert app.panels.events.region


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "160x50"])
async def test_without_a_command_there_is_no_such_panel(size: tuple[int, int]) -> None:
    async with opened(investigation(Scripted()), size) as (app, pilot):
        await pilot.press("5")
        assert app.panels.shown == "events"
        assert "Output" not in screen(app)
        for _ in range(4):
            await pilot.press("tab")
            assert app.panels.shown != "output"


async def test_it_follows_until_somebody_reads_further_up() -> None:
    source, output = command()
    async with opened(investigation(source), NARROW) as (app, pilot):
        output.put(*(f"line {number}" for number in range(100)))
        await pilot.press("5")
        await ticked(pilot)
        panel = app.panels.output
        assert lines(app)[-1].startswith("line 99")
        output.put("line 100")
        await ticked(pilot)
        assert "line 100" in screen(app)
        await pilot.press("k", "pageup")
        top = panel.top
        output.put(*(f"line {number}" for number in range(101, 200)))
        await ticked(pilot)
        assert panel.top == top
        assert "line 199" not in screen(app)
        assert not panel.following
        await pilot.press("G")
        await ticked(pilot)
        assert panel.following
        assert "line 199" in screen(app)
        await pilot.press("g")
        assert "line 0" in screen(app)
        await pilot.press("end")
        assert "line 199" in screen(app)


async def test_a_long_line_is_broken_and_a_hostile_one_escaped() -> None:
    source, output = command()
    async with opened(investigation(source), NARROW) as (app, pilot):
        output.put("x" * 200, HOSTILE, "日本語" * 40, "last")
        await pilot.press("5")
        await ticked(pilot)
        assert r"cc: \x1b]0;pwned\x07[/foo]\u202eabc\xff" in screen(app)
        assert screen(app).count("x" * 79) == 2
        assert screen(app).count("日") == 40
        await pilot.resize_terminal(60, 24)
        await until(pilot, lambda: screen(app).count("x" * 59) == 3)
        assert "last" in screen(app)


async def test_how_it_ended_is_told() -> None:
    source, _ = command()
    async with opened(investigation(source), NARROW) as (app, pilot):
        source.put(*numbered(3))
        await ticked(pilot)
        assert "exit" not in strip(app)
        source.exit_status = 2
        source.becomes("ended", "make ended")
        await ticked(pilot)
        assert "■ ended  exit 2" in strip(app)
        assert "■ make ended with exit status 2 · R runs it again" in screen(app)
        await pilot.press("escape")
        await ticked(pilot)
        assert "R runs it again" not in screen(app)
        source.exit_status = None
        await pilot.press("R")
        await until(pilot, lambda: source.restarted != [])
        await ticked(pilot)
        assert "exit" not in strip(app)
        source.exit_status = 130
        source.becomes("ended", "make ended with exit status 130; strace is old")
        await ticked(pilot)
        assert "■ make ended with exit status 130 (SIGINT); strace is old · R" in screen(app)


async def test_without_any_event_it_is_told_too() -> None:
    source, _ = command()
    async with opened(investigation(source), NARROW) as (app, pilot):
        source.exit_status = 127
        source.becomes("ended", "make ended")
        await ticked(pilot)
        assert "make ended with exit status 127." in screen(app).lower()
        assert "No event was seen." in screen(app)
        assert "R runs it again." in screen(app)
