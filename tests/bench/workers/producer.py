"""Writes FILE's lines into FIFO at RATE lines a second for SECONDS, one line per write(2). Prints JSON.

The FIFO is made as small as a pipe is on macOS, and each write is timed: how long a producer is kept from its work.
"""

from __future__ import annotations

import array
import fcntl
import gc
import json
import os
import sys
import time
from collections.abc import Iterator

PIPE = 64 << 10
"""Bytes; macOS lets no pipe grow further."""


def lines(path: str) -> Iterator[bytes]:
    while True:
        with open(path, "rb", buffering=1 << 20) as file:
            yield from file


def main(path: str, fifo: str, rate: float, duration: float) -> None:
    out = os.open(fifo, os.O_WRONLY)  # returns when somebody reads
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        fcntl.fcntl(out, fcntl.F_SETPIPE_SZ, PIPE)
    blocked = array.array("d")
    source = lines(path)
    clock, write, sleep, note = time.perf_counter, os.write, time.sleep, blocked.append
    gc.disable()
    begin = clock()
    late = 0.0
    for number in range(int(rate * duration)):
        line = next(source)
        ahead = begin + number / rate - clock()
        if ahead > 0:
            sleep(ahead)
        elif -ahead > late:
            late = -ahead
        before = clock()
        write(out, line)
        note(clock() - before)
    took = clock() - begin
    os.close(out)
    ordered = sorted(blocked)
    found = {
        "lines": len(ordered),
        "seconds": took,
        "late": late,
        **{name: ordered[int((len(ordered) - 1) * share)] for name, share in SHARES.items()},
    }
    print(json.dumps(found))


SHARES = {"p50": 0.5, "p99": 0.99, "p999": 0.999, "max": 1.0}
main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
