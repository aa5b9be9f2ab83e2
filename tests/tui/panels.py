"""A screen of one panel, for the tests of that panel; and the screen as text."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widget import Widget

import estui.tui
from estui.client import Client
from estui.core import Core
from estui.session import Session
from estui.text import printable
from estui.tui import theme as themes
from tests.cores import PATIENCE, filled

THEMES = Path(__file__).parents[2] / "themes"


def session(lines: Iterable[bytes] = (), **options: Any) -> Session:
    """An investigation of these lines."""
    core = filled(lines, **options)
    core.end(0)
    return Session(core)


class PanelApp(App[None]):
    """One panel on the whole screen, and what was said and copied."""

    CSS = "#detail, #mutes { width: 1fr; height: 1fr; }"
    CSS_PATH = Path(estui.tui.__file__).parent / "estui.tcss"

    def __init__(self, session: Session, panel: Widget | None = None) -> None:
        super().__init__()
        self.session = session
        self.panel = panel
        self.said: list[str] = []
        self.copied: list[bytes] = []
        self.left = ""
        for found in themes.load_all([THEMES])[0].values():
            self.register_theme(found)
        self.theme = "dark"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.variable_defaults(self.current_theme)

    def compose(self) -> ComposeResult:
        if self.panel is not None:
            yield self.panel

    def on_mount(self) -> None:
        if self.panel is not None:
            self.panel.focus()

    def notify(self, message: str, *, markup: bool = True, **_: Any) -> None:
        assert not markup, "event data must not be read as markup"
        self.said.append(message)

    def copy_to_clipboard(self, text: str) -> None:
        self.copied.append(text.encode("utf-8"))

    def action_panel(self, name: str) -> None:
        self.left = name

    @property
    def client(self) -> Client:
        return self.session.client

    @property
    def core(self) -> Core:
        return self.session.core


async def until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    """Returns as soon as the condition holds; fails when it never does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, screen(pilot.app)
        await pilot.pause()
        await asyncio.sleep(0.005)


def screen(app: App[Any]) -> str:
    """The text of the screen, lines stripped at their end. Fails if anything on it could drive a terminal."""
    strips = app.screen._compositor.render_strips(app.size)
    lines = ["".join(segment.text for segment in strip) for strip in strips]
    for line in lines:
        assert line == printable(line), repr(line)
    return "\n".join(line.rstrip() for line in lines)


def flowing(app: App[Any]) -> str:
    """The words of the screen in one line: what was broken to fit, and the frames around it, do not count."""
    return " ".join(screen(app).translate({ord(char): " " for char in "│┃─━"}).split())


def text(widget: Widget) -> list[str]:
    """The lines of one widget."""
    lines = widget.render_lines(Region(0, 0, *widget.outer_size))
    found = ["".join(segment.text for segment in line) for line in lines]
    for line in found:
        assert line == printable(line), repr(line)
    return [line.rstrip() for line in found]
