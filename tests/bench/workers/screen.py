"""estui with its words WORDS..., as it is, but for a note of when each tick began and ended. They go to OUT as JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from estui import cli
from estui.record import Counters
from estui.tui.app import TICKS, EstuiApp

ticks: list[tuple[float, float]] = []
last: list[Counters] = []
tick = EstuiApp.tick


def noted(self: EstuiApp) -> None:
    begin = time.perf_counter()
    tick(self)
    ticks.append((begin, time.perf_counter()))
    last[:] = [self.session.core.counters()]


EstuiApp.tick = noted  # type: ignore[method-assign]
code = cli.main(sys.argv[2:])
found = {
    "nominal": 1 / TICKS,
    "ticks": ticks,
    "events": last[0].events if last else 0,
    "bad": last[0].bad if last else 0,
    "evicted": last[0].evicted if last else 0,
}
Path(sys.argv[1]).write_text(json.dumps(found), encoding="utf-8")
sys.exit(code)
