"""What the tests of the sources share: lines that tell their place, and waiting with a deadline."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from estui.core import Core, open_core
from estui.record import KIND_BAD, KIND_EVENT, KIND_GAP, KIND_RUN, KIND_SEAM, Row
from estui.sources import Source

DEADLINE = 60.0
"""Seconds after which a condition that should come true will not."""
SECOND = 10**9
HOSTILE = "a\x1b]0;x\x07\n[/foo]\u202e\udcff.jsonl"
"""A name with all that must never reach a terminal as it is; the slash makes it a folder and a file."""


def until(condition: Callable[[], object], what: Callable[[], object] = lambda: "") -> None:
    """Wait for a condition; fail with what() when it does not come true."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.002)


def iso(ns: int) -> str:
    seconds, rest = divmod(ns, SECOND)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09d}Z"


def line(number: int, ns: int | None = None, name: str = "exec", **members: object) -> bytes:
    """An event whose pid is `number`, with its newline; without `ns` it has no time."""
    document: dict[str, object] = {
        "event": {name: {}},
        "process": {"audit_token": {"pid": number}},
        **members,
    }
    if ns is not None:
        document["time"] = iso(ns)
    return json.dumps(document).encode() + b"\n"


def lines(count: int, first: int = 1) -> bytes:
    """So many events, a second apart, with global_seq_num from 0."""
    return b"".join(
        line(number, number * SECOND, global_seq_num=number - 1) for number in range(first, first + count)
    )


@contextmanager
def ring(budget: int = 8 << 20, max_events: int = 0) -> Iterator[Core]:
    core = open_core(budget, max_events=max_events)
    try:
        yield core
    finally:
        core.close()


@contextmanager
def started(source: Source, core: Core) -> Iterator[Source]:
    """The source running in the background, stopped at the end."""
    source.start(core)
    try:
        yield source
    finally:
        source.stop()


def read_all(source: Source, core: Core) -> Source:
    """Read it to its end in the background."""
    with started(source, core):
        assert source.wait(DEADLINE)
    return source


def rows(core: Core, *kinds: int) -> list[Row]:
    """The rows held, of these kinds or of all."""
    counters = core.counters()
    return [row for row in core.rows(counters.tail, counters.head) if not kinds or row.kind in kinds]


def pids(core: Core) -> list[int | None]:
    """Which events are there, by the number each was made with."""
    return [row.pid for row in rows(core, KIND_EVENT)]


def seams(core: Core) -> list[str]:
    return [row.event for row in rows(core, KIND_SEAM)]


def bad(core: Core) -> list[str]:
    return [row.reason for row in rows(core, KIND_BAD)]


def gaps(core: Core) -> int:
    return len(rows(core, KIND_GAP))


def runs(core: Core) -> int:
    return len(rows(core, KIND_RUN))


def fed(source: Source, core: Core) -> list[Row]:
    """Every row, taken chunk by chunk as a headless command does."""
    taken: list[Row] = []
    head = 0
    for _ in source.feed(core):
        counters = core.counters()
        assert counters.tail <= head, "a row was evicted before its turn"
        taken += core.rows(head, counters.head)
        head = counters.head
    return taken


def safe(*texts: Iterable[str]) -> bool:
    """Whether texts can go to a terminal as they are."""
    return all(char.isprintable() for text in texts for part in text for char in part)
