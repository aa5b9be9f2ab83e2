"""The whole screen for tests: a source played by hand, a clock set by hand, and goldens of what is drawn."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from estui.client import Client
from estui.core import Core, open_core
from estui.plan import Plan
from estui.session import Session
from estui.sources.source import Source, SourceState
from estui.tui.app import EstuiApp
from tests.cores import event
from tests.tui.panels import THEMES, text, until

GOLDEN = Path(__file__).parent / "golden"
WIDE, NARROW = (160, 50), (80, 24)
DAY = "2024-05-01"
SECOND = 10**9


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Printed:
    """What a command printed, as a test has it."""

    def __init__(self, *lines: str) -> None:
        self.version = 0
        self.lines = list(lines)

    def put(self, *lines: str) -> None:
        self.lines += lines
        self.version += 1

    def tail(self, lines: int) -> list[str]:
        return self.lines[-lines:]


class Scripted(Source):
    """A source that puts in what a test hands it."""

    known: frozenset[str] | None = None
    """The types it can send; None for any."""

    def __init__(
        self,
        *,
        kind: Any = "live",
        sends: frozenset[str] | None = None,
        controls: Sequence[str] = (),
        title: str = "script",
    ) -> None:
        super().__init__(title)
        self.kind = kind
        self.live = kind == "live"
        self.sends = sends
        self.controls = frozenset(controls)
        self.can_resubscribe = "restart" in self.controls
        self.restarted: list[frozenset[str] | None] = []
        self.steered: list[tuple[str, float | None]] = []
        self.stream = -1
        self.noise: int | None = None
        """What it left out."""
        self.asks = False
        """It needs the terminal before it is started again."""
        self.authorized = 0

    @property
    def left_out(self) -> int | None:
        return self.noise

    def needs_terminal(self) -> bool:
        return self.asks

    def knows(self, name: str) -> bool:
        return self.known is None or name in self.known

    def authorize(self) -> None:
        self.authorized += 1
        self.asks = False

    def start(self, core: Core) -> None:
        self._core = core
        self.stream = core.add_stream(owned=self.live)
        self._state = SourceState("running")

    def put(self, *lines: bytes) -> None:
        """The next lines of the stream."""
        assert self._core is not None
        self._core.ingest(self.stream, b"".join(line + b"\n" for line in lines))

    def becomes(self, status: Any, reason: str = "", advice: str = "") -> None:
        """Another state."""
        self._state = SourceState(status, reason, advice)

    def restart(self, types: frozenset[str] | None = None) -> None:
        assert self._core is not None
        self.restarted.append(types)
        self.sends = types
        self._core.mark(f"{self.title} restarted")
        self._state = SourceState("running")

    def control(self, command: str, value: float | None = None) -> str:
        self.steered.append((command, value))
        return f"{command} done"

    def _chunks(self, core: Core) -> Iterator[None]:
        yield from ()


def investigation(source: Source | None = None, plan: Plan | None = None, **options: Any) -> Session:
    """A session over an empty ring, its clock standing still."""
    core = open_core(**options)
    return Session(core, source, Client(core, plan), clock=Clock())


def numbered(count: int, first: int = 0, **members: Any) -> list[bytes]:
    """So many `open` events a second apart; event n is of process n and opens /private/tmp/n."""
    return [
        event(
            "open",
            f"/private/tmp/{number}",
            pid=number,
            pidversion=number * 10,
            executable=f"/usr/bin/tool{number % 7}",
            time=at(number),
            **members,
        )
        for number in range(first, first + count)
    ]


def at(seconds: int) -> str:
    """The time that many seconds into the day, as eslogger writes it."""
    return f"{DAY}T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.000000000Z"


@asynccontextmanager
async def opened(
    session: Session, size: tuple[int, int] = WIDE, **options: Any
) -> AsyncIterator[tuple[EstuiApp, Pilot[Any]]]:
    """The screen over a session, as far as its first tick."""
    app = EstuiApp(session, theme_places=[THEMES], **options)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: app.panels.events.size.width > 0)
        await ticked(pilot)
        yield app, pilot


async def ticked(pilot: Pilot[Any], seconds: float = 0.0) -> None:
    """One more look at the ring, and all that follows from it, `seconds` later by the session's clock."""
    app = pilot.app
    assert isinstance(app, EstuiApp)
    clock = app.session.clock
    if isinstance(clock, Clock):
        clock.now += seconds
    await pilot.pause()
    app.tick()
    await pilot.pause()


def golden(name: str, text: str) -> None:
    """Compares with a file under golden/; ESTUI_GOLDEN=write puts the text there, to be read before it is kept."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("ESTUI_GOLDEN") == "write":
        path.write_text(text + "\n", encoding="utf-8")
    assert text + "\n" == path.read_text(encoding="utf-8")


def strip(app: EstuiApp) -> str:
    """The strip at the top."""
    return text(app.panels.status)[0]


def bar(app: EstuiApp) -> str:
    """The footer."""
    return text(app.panels.keys)[0]


async def answer(pilot: Pilot[Any], words: str) -> None:
    """Types into the open prompt, and Enter."""
    app = pilot.app
    assert isinstance(app, EstuiApp)
    await until(pilot, lambda: app.prompt.asking and isinstance(app.focused, Input))
    app.prompt.query_one(Input).value = words
    await pilot.press("enter")
    await pilot.pause()
