"""Starting a source again whose rights have to be asked for: the terminal is lent to what asks."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from estui.sources.source import SourceError
from estui.tui.app import EstuiApp
from tests.tui.panels import until
from tests.tui.screens import Scripted, bar, investigation, numbered, opened, ticked


class Asking(Scripted):
    """It needs the terminal, and notes what holds while it has it."""

    refuses = False
    handler: object = None

    def authorize(self) -> None:
        self.handler = signal.getsignal(signal.SIGINT)
        super().authorize()
        if self.refuses:
            raise SourceError("sudo did not allow it")


def lend(app: EstuiApp, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A screen that can be put away, which the one under test cannot; what happened to it."""
    happened: list[str] = []

    @contextmanager
    def suspend() -> Iterator[None]:
        happened.append("away")
        yield
        happened.append("back")

    monkeypatch.setattr(app, "suspend", suspend)
    return happened


async def test_the_terminal_is_lent_and_the_source_started(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Asking(controls=["restart"])
    source.asks = True
    async with opened(investigation(source)) as (app, pilot):
        happened = lend(app, monkeypatch)
        source.put(*numbered(3))
        before = signal.getsignal(signal.SIGINT)
        await pilot.press("R")
        await until(pilot, lambda: source.restarted == [None])
        assert happened == ["away", "back"]
        assert source.authorized == 1
        assert source.handler not in (before, signal.SIG_IGN, signal.SIG_DFL)
        assert signal.getsignal(signal.SIGINT) == before
        await until(pilot, lambda: "started again" in bar(app))
        await ticked(pilot)
        assert len(app.session.view) == 4  # and the seam


async def test_what_needs_no_rights_keeps_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Asking(controls=["restart"])
    async with opened(investigation(source)) as (app, pilot):
        happened = lend(app, monkeypatch)
        await pilot.press("R")
        await until(pilot, lambda: source.restarted == [None])
        assert not happened
        assert not source.authorized


async def test_rights_that_are_refused_leave_all_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Asking(controls=["restart"])
    source.asks = source.refuses = True
    async with opened(investigation(source)) as (app, pilot):
        happened = lend(app, monkeypatch)
        source.put(*numbered(3))
        await pilot.press("R")
        await until(pilot, lambda: "Not started again: sudo did not allow it" in bar(app))
        assert happened == ["away", "back"]
        assert not source.restarted
        await ticked(pilot)
        assert len(app.session.view) == 3


async def test_a_screen_that_cannot_be_put_away_says_so() -> None:
    source = Asking(controls=["restart"])
    source.asks = True
    async with opened(investigation(source)) as (app, pilot):
        await pilot.press("R")
        await until(pilot, lambda: "the screen cannot give its terminal away" in bar(app))
        assert not source.authorized
        assert not source.restarted


async def test_a_source_that_breaks_while_asking_brings_the_screen_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken(Asking):
        def authorize(self) -> None:
            raise OSError(2, "no sudo \x1b[31m")

    source = Broken(controls=["restart"])
    source.asks = True
    async with opened(investigation(source)) as (app, pilot):
        happened = lend(app, monkeypatch)
        await pilot.press("R")
        await until(pilot, lambda: "could not ask" in bar(app))
        assert happened == ["away", "back"]
        assert "\x1b" not in bar(app)
