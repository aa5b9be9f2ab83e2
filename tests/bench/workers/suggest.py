"""Suggestions over a ring of all of FILE's events, ROUNDS times. Prints JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

from estui.core import Core, open_core
from estui.lab.keep import Keep
from estui.lab.suggest import FINEST, accepted, suggest
from estui.plan import Plan
from estui.record import Rules


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of CPU time."""
    begin, busy = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - begin, time.process_time() - busy


def ring(path: str) -> Core:
    """All of the file's events."""
    core = open_core()
    fd = os.open(path, os.O_RDONLY)
    core.run(core.add_stream(owned=False, fd=fd), fd)
    return core


def main(path: str, rounds: int) -> None:
    core = ring(path)
    events = core.counters().held_events
    least = max(1, events // FINEST)
    made = suggest(core, Plan(), Keep())
    if core.whatif(accepted(Plan(), made.items).rules()).suppressed != made.saved:
        sys.exit("suggestions do not save what they say")
    found = {
        "events": events,
        "items": len(made.items),
        "share_saved": made.share_saved,
        "upper_bound": made.upper_bound,
        "cells": len(core.cube(Rules(), least).cells),
        "suggest": [timed(lambda: suggest(core, Plan(), Keep())) for _ in range(rounds)],
        "cube": [timed(lambda: core.cube(Rules(), least)) for _ in range(rounds)],
    }
    print(json.dumps(found))


main(sys.argv[1], int(sys.argv[2]))
