"""The corpora: eslogger-shaped lines from the demo's generator, made once and kept.

The generator's own half-hours use few names: 7,000 different strings in half a million events. A machine at work
uses far more, so file names are varied until 28 % as many strings as events have been seen.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from estui.sources import scenario
from tests.bench.machine import OUT, BenchError

NEW_NAMES = 0.267
"""File names not seen before, per line; the generator's own strings make that 0.28."""
VARIED = frozenset(
    {
        b"open",
        b"close",
        b"stat",
        b"write",
        b"mmap",
        b"access",
        b"getattrlist",
        b"listextattr",
        b"create",
        b"readlink",
    }
)
"""Types whose payload begins its paths with a file of its own."""
LINE = 2400
"""More bytes than a line has on average: for the look at the free disk."""
_EVENT = b'"event":{"'
_PATH = re.compile(rb'"path":"(?:[^"\\]|\\.)*')


def lines(count: int) -> Iterator[bytes]:
    """So many lines, always the same."""
    made = 0
    for number, line in enumerate(islice(scenario.forever(), count)):
        if made < number * NEW_NAMES:
            varied = _renamed(line, made)
            made += varied is not line
            yield varied
        else:
            yield line


def _renamed(line: bytes, number: int) -> bytes:
    """The line with another name for the file it is about; the line itself where it is about none."""
    name = line.find(_EVENT) + len(_EVENT)
    if line[name : line.index(b'"', name)] not in VARIED:
        return line
    path = _PATH.search(line, name)
    return b"%b.%x%b" % (line[: path.end()], number, line[path.end() :]) if path else line


def corpus(count: int) -> Path:
    """The file of so many lines, which is made where it is not there yet, and is in the page cache afterwards.

    Raises:
        BenchError: there is too little room for it.
    """
    path = OUT / f"lines-{count}-{_recipe()}.jsonl"
    if not path.exists():
        OUT.mkdir(exist_ok=True)
        for old in OUT.glob(f"lines-{count}-*"):
            old.unlink()
        need = count * LINE
        if shutil.disk_usage(OUT).free < need * 1.2:
            raise BenchError(f"{count:,} lines take {need / 1e9:.1f} GB, and the disk has less")
        print(f"making {path.name}", file=sys.stderr, flush=True)
        part = path.with_suffix(".part")
        with part.open("wb", buffering=1 << 20) as out:
            out.writelines(lines(count))
        part.replace(path)
    with path.open("rb", buffering=0) as file:
        while file.read(1 << 22):
            pass
    return path


def _recipe() -> str:
    """Changes when what makes the lines does."""
    digest = hashlib.sha256()
    for file in [*sorted(Path(scenario.__file__).parent.rglob("*.py")), Path(__file__)]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:8]
