"""What the screen does to open FILE, without the screen: until all of its LINES rows can be browsed."""

from __future__ import annotations

import sys

from estui.core import open_core
from estui.query import View
from estui.sources import SourceOptions, open_source

path, lines = sys.argv[1], int(sys.argv[2])
core = open_core()
source = open_source([path], SourceOptions())
source.start(core)
source.wait()
view = View(core)
view.refresh()
last = view.row(len(view) - 1)
if core.counters().lines != lines or len(view) < lines or last is None or core.raw(last.seq) is None:
    sys.exit(f"{len(view)} of {lines} rows can be browsed")
