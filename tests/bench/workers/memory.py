"""A ring under the default budget through which FILE is streamed until TIMES the budget went in. Prints JSON."""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
from pathlib import Path

from estui.core import open_core

STATUS = Path("/proc/self/status")
LOOK = 0.001
"""Seconds between two looks at the ring's own account."""


def resident() -> tuple[int, int]:
    """Bytes resident now, and at most so far; without /proc both are the latter.

    Linux's ru_maxrss would not do: a child begins with that of the process that started it.
    """
    if not STATUS.exists():
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak, peak
    lines = dict(line.split(":", 1) for line in STATUS.read_text(encoding="utf-8").splitlines())
    return int(lines["VmRSS"].split()[0]) << 10, int(lines["VmHWM"].split()[0]) << 10


def main(path: str, times: float) -> None:
    core = open_core()
    budget = core.counters().budget
    stream = core.add_stream(owned=True)
    fd = os.open(path, os.O_RDONLY)
    baseline, _ = resident()

    def feed() -> None:
        while core.counters().read_bytes < times * budget:
            os.lseek(fd, 0, os.SEEK_SET)
            core.run(stream, fd)

    feeder = threading.Thread(target=feed)
    feeder.start()
    most = 0
    while feeder.is_alive():
        most = max(most, core.counters().memory)
        feeder.join(LOOK)
    counters = core.counters()
    found = {
        "baseline": baseline,
        "peak": resident()[1],
        "budget": budget,
        "streamed": counters.read_bytes,
        "evicted": counters.evicted,
        "raw": counters.held_bytes,
        "strings": counters.string_bytes,
        "memory": max(most, counters.memory),
    }
    print(json.dumps(found))


main(sys.argv[1], float(sys.argv[2]))
