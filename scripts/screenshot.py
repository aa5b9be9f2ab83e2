"""The README's picture: the screen itself over the first minutes of the demo, as SVG.

python scripts/screenshot.py [docs/screen.svg [WIDTH HEIGHT [KEY...]]]

The same picture each time: the demo is fed by hand as far as an ssh login, by a clock of its own.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import cast

from estui.client import Client
from estui.core import Core, open_core
from estui.plan import MutePath, Plan
from estui.session import Session
from estui.sources.demo import DemoSource
from estui.tui.app import EstuiApp

PLAN = Plan(
    paths=(
        MutePath("TARGET_PREFIX", "/private/var/log/", None),
        MutePath("TARGET_LITERAL", "/dev/null", ("write",)),
        MutePath("PREFIX", "/usr/libexec/logd", None),
    )
)
SUBJECT = "openssh_login"
"""The event that the picture is about."""
AFTER = 1500
"""Rows that come after it."""
ABOVE = 15
"""Rows of the list above it."""
SHARE = 400
"""Rows per second of the picture's clock."""


class Still(DemoSource):
    """The demo, fed by hand."""

    def __init__(self) -> None:
        super().__init__(speed=None, forever=False)

    def start(self, core: Core) -> None:
        """It is fed already."""

    @property
    def speed(self) -> float:  # type: ignore[override]
        """What it would run at."""
        return 30.0


class Clock:
    """Seconds that pass as rows come."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def staged() -> tuple[Session, Generator[None, None, None]]:
    """The demo up to some rows after the event that the picture is about, and its source, which must be kept."""
    core = open_core()
    source = Still()
    clock = Clock()
    session = Session(core, source, Client(core, PLAN), clock=clock)
    lines = cast("Generator[None, None, None]", source.feed(core))
    wanted = sys.maxsize
    for _ in lines:
        clock.now = core.counters().head / SHARE
        session.tick()
        seq, _ = core.find(f'"{SUBJECT}"', 0, 1, 1_000_000, None)
        wanted = seq + AFTER if seq >= 0 else sys.maxsize
        if core.counters().head > wanted:
            break
    session.view.go(session.view.position(wanted - AFTER))
    return session, lines


async def draw(path: Path, width: int, height: int, keys: list[str]) -> None:
    """Opens the screen, presses the keys, and writes what is to be seen."""
    session, lines = staged()
    app = EstuiApp(session, "dark", theme_places=[Path(__file__).parents[1] / "themes"])
    app.panels.events.following = False
    async with app.run_test(size=(width, height)) as pilot:
        app.panels.events.wheel(-ABOVE)
        await pilot.press(*keys)
        app.tick()
        await pilot.pause()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(app.export_screenshot(title="estui demo"), encoding="utf-8")
    lines.close()


def main() -> None:
    """Reads the command line."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    os.environ.pop("NO_COLOR", None)
    words = sys.argv[1:]
    path = Path(words[0] if words else "docs/screen.svg")
    width, height = (int(words[1]), int(words[2])) if len(words) > 2 else (160, 50)
    asyncio.run(draw(path, width, height, words[3:]))


if __name__ == "__main__":
    main()
