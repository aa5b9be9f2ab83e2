"""The core alone: the time it takes to index FILE, without starting Python. Prints JSON."""

from __future__ import annotations

import json
import os
import sys
import time

from estui.core import open_core

core = open_core()
fd = os.open(sys.argv[1], os.O_RDONLY)
stream = core.add_stream(owned=False, fd=fd)
begin, busy = time.perf_counter(), time.process_time()
core.run(stream, fd)
took = {"wall": time.perf_counter() - begin, "cpu": time.process_time() - busy}
if core.counters().lines != core.counters().events:
    sys.exit("not every line is an event")
print(json.dumps(took))
