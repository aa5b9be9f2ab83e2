"""Opens and closes files of FOLDER one after the other, TIMES times in all; makes them when they are not there."""

from __future__ import annotations

import os
import sys
from itertools import cycle, islice
from pathlib import Path

FILES = 2000

folder, times = Path(sys.argv[1]), int(sys.argv[2])
names = [str(folder / f"{number}") for number in range(FILES)]
if not folder.exists():
    folder.mkdir()
    for name in names:
        Path(name).touch()
for name in islice(cycle(names), times):
    os.close(os.open(name, os.O_RDONLY))
