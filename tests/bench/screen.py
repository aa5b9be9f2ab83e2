"""The rows about the real screen: a flood from a small pipe, the first paint, and doing nothing."""

from __future__ import annotations

import json
import os
import subprocess
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.bench.corpus import corpus
from tests.bench.machine import OUT, BenchError, cores, environment, estui, on, worker
from tests.bench.rows import Scale
from tests.bench.running import note
from tests.bench.table import Row, limited, percentile, seconds, spread
from tests.bench.terminal import Terminal

RATE = 15_000
"""Events a second: the highest rate published of a real Mac."""
SETTLED = 2.0
"""Seconds of the first ticks left out: layout, first paint, and the garbage collector's freeze."""
TITLE = "Event types"
"""The first panel's title: when it can be read, the panels are drawn."""
LAST_LOOK = 0.5
"""Seconds the screen gets to see the end of the stream."""
SETTLE = 3.0
"""Seconds a loaded screen gets to come to rest."""


def live(scale: Scale) -> list[Row]:
    """15,000 events a second from a pipe of 64 KiB into the real screen; beside it the same into `cat`."""
    path, fifo, out = corpus(scale.lines), OUT / "fifo", OUT / "ticks.json"
    fifo.unlink(missing_ok=True)
    out.unlink(missing_ok=True)
    os.mkfifo(fifo)
    quiet = _into_cat(path, fifo, scale.screen_seconds / 3)
    with on(cores()[1]), Terminal(worker("screen", str(out), str(fifo)), cores()[0]) as terminal:
        process = _producer(path, fifo, scale.screen_seconds)
        try:
            if not terminal.read(lambda: process.poll() is not None, scale.screen_seconds * 3 + 60):
                raise BenchError("the screen did not take what the producer wrote")
            cpu = _cpu_seconds(terminal.process.pid)
            produced = _said(process)
            terminal.read(lambda: False, LAST_LOOK)
            terminal.quit()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if terminal.process.returncode:
            raise BenchError(f"the screen ended with {terminal.process.returncode}")
    again = _into_cat(path, fifo, scale.screen_seconds / 3)
    fifo.unlink()
    seen = json.loads(out.read_text(encoding="utf-8"))
    if seen["events"] != produced["lines"]:
        raise BenchError(f"{seen['events']:,} of {produced['lines']:,} events arrived")
    begins = [begin for begin, _ in seen["ticks"]]
    settled = [at for at in begins if at >= begins[0] + SETTLED]
    intervals = [after - before for before, after in pairwise(settled)]
    work = [end - begin for begin, end in seen["ticks"]]
    interval, nominal = percentile(intervals, 99), float(seen["nominal"])
    rate = produced["lines"] / produced["seconds"]
    load = f"{rate:,.0f} events/s for {produced['seconds']:.0f} s, {seen['evicted']:,} evicted"
    usage = "" if cpu is None else f"; the app took {cpu / produced['seconds']:.0%} of a core"
    return [
        limited(
            f"producer blocked, p99.9, 64 KiB pipe, {load}",
            produced["p999"],
            0.010,
            seconds,
            f"{seconds(produced['p999'])} (p50 {seconds(produced['p50'])}, p99 {seconds(produced['p99'])}, "
            f"max {seconds(produced['max'])})",
            "into `cat`: "
            + ", ".join(f"{seconds(other['p999'])}, max {seconds(other['max'])}" for other in (quiet, again)),
        ),
        limited(
            f"interval between the screen's ticks meanwhile, p99 of {len(intervals):,}{usage}",
            interval,
            1.3 * nominal,
            seconds,
            f"{seconds(interval)} (p50 {seconds(percentile(intervals, 50))}, max {seconds(max(intervals))}; "
            f"work in a tick p99 {seconds(percentile(work, 99))})",
            f"nominal: {seconds(nominal)}",
        ),
    ]


def paint(scale: Scale) -> list[Row]:
    """From starting estui with a file to what can be read on the screen."""
    path = str(corpus(scale.paint_lines))
    last = f"of {scale.paint_lines:,}"
    first: list[float] = []
    rows: list[float] = []
    for number in range(scale.paint_rounds + 1):
        with on(cores()[1]), Terminal(estui(path), cores()[0]) as terminal:
            taken = terminal.shows(TITLE), terminal.shows(last)
            terminal.quit()
        note(f"  round {number} of {scale.paint_rounds}: {taken[0]:.3f} s, {taken[1]:.3f} s")
        if number:  # the first one may have compiled Python
            first.append(taken[0])
            rows.append(taken[1])
    middle = percentile(first, 50)
    return [
        limited(
            "first paint: from starting `estui FILE` to the panels",
            middle,
            0.5,
            seconds,
            spread(first, seconds),
        ),
        Row(f"… to all {scale.paint_lines:,} rows of the file in the list", spread(rows, seconds)),
    ]


def idle(scale: Scale) -> list[Row]:
    """What a screen costs on which nothing happens."""
    path = str(corpus(scale.lines))
    what = f"a loaded file of {scale.lines:,} lines, nobody touching it, {scale.idle_seconds:.0f} s"
    with on(cores()[1]), Terminal(estui(path), cores()[0]) as terminal:
        terminal.shows(f"of {scale.lines:,}")
        terminal.read(lambda: False, SETTLE)
        before, written, begin = _cpu_seconds(terminal.process.pid), terminal.bytes, time.perf_counter()
        terminal.read(lambda: False, scale.idle_seconds)
        after, took = _cpu_seconds(terminal.process.pid), time.perf_counter() - begin
        written = terminal.bytes - written
        terminal.quit()
    if before is None or after is None:
        return [Row(what, target="≤ 2.0 % of a core", why="there is no /proc here")]
    share = (after - before) / took
    return [
        limited(what, share, 0.02, _percent, f"{_percent(share)}, {written:,} bytes written to the terminal")
    ]


def _percent(share: float) -> str:
    return f"{share:.1%} of a core"


def _cpu_seconds(pid: int) -> float | None:
    """CPU time of a process and its threads so far; None where there is no /proc."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return None
    fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _producer(path: Path, fifo: Path, duration: float) -> subprocess.Popen[str]:
    command = worker("producer", str(path), str(fifo), str(RATE), str(duration))
    with on(cores()[1]):
        return subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)


def _said(process: subprocess.Popen[str]) -> Any:
    said, _ = process.communicate()
    if process.returncode:
        raise BenchError(f"the producer ended with {process.returncode}")
    return json.loads(said)


def _into_cat(path: Path, fifo: Path, duration: float) -> Any:
    """The producer's figures when nothing but `cat` reads: what the machine itself does to it."""
    with on(cores()[0]), subprocess.Popen(["cat", str(fifo)], stdout=subprocess.DEVNULL):
        return _said(_producer(path, fifo, duration))
