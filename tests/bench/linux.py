"""The rows of the Linux recorder: what recording a whole machine costs, and what it costs the machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import orjson

from tests.bench.machine import OUT, BenchError, environment, estui, peer, worker
from tests.bench.rows import Scale
from tests.bench.running import note, output
from tests.bench.table import Row, seconds, spread, times

PATIENCE = 60
"""Seconds a tracer has to begin, and to end."""
FINDS = 4
BPFTRACE = """
tracepoint:sched:sched_process_exec { printf("exec %d %s\\n", pid, str(args->filename)); }
tracepoint:sched:sched_process_fork { printf("fork %d %d\\n", args->parent_pid, args->child_pid); }
tracepoint:sched:sched_process_exit { printf("exit %d\\n", pid); }
tracepoint:syscalls:sys_enter_openat { printf("open %d %s\\n", pid, str(args->filename)); }
tracepoint:syscalls:sys_enter_close { printf("close %d %d\\n", pid, args->fd); }
"""
"""As much of the same as tracepoints give without help: names as they were typed, no results."""
MOUNTED = 'mount -t debugfs d /sys/kernel/debug; mount -t tracefs t /sys/kernel/tracing; exec "$@"'
"""bpftrace looks for tracefs where it is usually mounted; it gets it in a mount namespace of its own."""


@dataclass(slots=True)
class Recorded:
    """What one recording held, and what it took."""

    load: float
    """Seconds the load took meanwhile."""
    events: int
    file_events: int
    lost: int
    unknown: int
    """Losses of unknown size."""
    cpu: float
    """Seconds of CPU of estui and its recorder."""


@dataclass(slots=True)
class Load:
    """Something a machine does."""

    name: str
    command: Sequence[str]
    files: bool = False
    """Its events are of files, but for a handful."""
    is_build: bool = False
    bare: list[float] = field(default_factory=list)
    recorded: list[Recorded] = field(default_factory=list)
    others: dict[str, list[float]] = field(default_factory=dict)


def recorder(scale: Scale) -> list[Row]:
    """`estui record linux` under four loads, beside strace and bpftrace, all in turn."""
    if sys.platform != "linux" or os.geteuid():
        raise BenchError("recording a machine takes Linux and root")
    with tempfile.TemporaryDirectory(dir=OUT) as name, everywhere():
        folder = Path(name)
        loads = [
            Load(f"{FINDS} times `find / -xdev -type f`", find(), files=True),
            Load(f"{scale.files} files through gcc -c", build(folder / "build", scale.files), is_build=True),
            Load(f"{scale.forks:,} times fork and exec", storm(scale.forks)),
            Load(
                f"{scale.opens:,} opens and closes",
                worker("opens", str(folder / "many"), str(scale.opens)),
                files=True,
            ),
        ]
        for load in loads:
            took(load.command)  # what the machine keeps in memory afterwards, it keeps for all
        tracers = {"strace -f -c": strace, "bpftrace": bpftrace}
        for number in range(scale.many_rounds):
            for load in loads:
                load.bare.append(took(load.command))
                load.recorded.append(record(load.command, folder))
                for tracer, measure in tracers.items():
                    if (seen := measure(load.command, folder)) is not None:
                        load.others.setdefault(tracer, []).append(seen)
                note(f"  round {number + 1}: {load.name} {load.bare[-1]:.2f} s, {load.recorded[-1]}")
    return [row for load in loads for row in rows(load)]


def rows(load: Load) -> Iterator[Row]:
    """What the table says of one load."""
    kept, slowed = (
        load.recorded,
        [one.load / bare for one, bare in zip(load.recorded, load.bare, strict=True)],
    )
    rate = median(one.events / one.load for one in kept)
    lost = sum(one.lost for one in kept)
    unknown = sum(one.unknown for one in kept)
    others = ", ".join(
        f"{name} {times(median(taken / bare for taken, bare in zip(seen, load.bare, strict=True)))}"
        for name, seen in load.others.items()
    )
    yield Row(
        f"`estui record linux` while {load.name}: how much the load slows",
        spread([one.load for one in kept], seconds),
        f"bare {spread(load.bare, seconds)}; {others}",
        spread(slowed, lambda ratio: f"{ratio:.2f}x"),
        "≤ 1.10x" if load.is_build else "–",
        median(slowed) <= 1.10 if load.is_build else None,
    )
    each = [one.cpu / max(1, one.events) for one in kept]
    of_files = median(one.file_events / max(1, one.events) for one in kept)
    yield Row(
        "… its CPU time per event, recorder and writer together",
        f"{spread(each, lambda value: f'{value * 1e6:.2f} µs')}, {of_files:.0%} file events",
        f"{median(one.events for one in kept):,.0f} events, {rate:,.0f}/s, lost {lost:,}"
        + (f" and {unknown} times an unknown number" if unknown else ""),
        "–",
        "≤ 3 µs, no loss" if load.files else "no loss",
        (median(each) <= 3e-6 or not load.files) and not lost and not unknown,
    )


def took(command: Sequence[str]) -> float:
    """Seconds a load takes."""
    begin = time.perf_counter()
    subprocess.run(
        command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return time.perf_counter() - begin


def record(command: Sequence[str], folder: Path) -> Recorded:
    """Run the load while `estui record linux` writes to a file."""
    path = folder / "recording.jsonl"
    path.unlink(missing_ok=True)
    child = subprocess.Popen(
        estui("record", "linux", "-o", str(path)),
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        flag(path, folder / "begin", child)
        load = took(command)
        flag(path, folder / "end", child)
    finally:
        child.send_signal(signal.SIGINT)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    assert child.stderr
    said = child.stderr.read().decode(errors="replace").strip()
    child.stderr.close()
    if child.returncode:
        raise BenchError(f"estui record linux ended with {child.returncode}: {said}")
    found = orjson.loads(output(estui("stat", "--json", str(path))))
    lost = found["lost"]
    process = sum(found["by_event"].get(name, 0) for name in ("exec", "fork", "exit", "signal"))
    return Recorded(
        load,
        found["events"],
        found["events"] - process,
        lost["global"],
        lost["unknown"],
        usage.ru_utime + usage.ru_stime,
    )


def flag(path: Path, sign: Path, child: subprocess.Popen[bytes]) -> None:
    """Make files until one of them stands in the recording: what came before does too."""
    deadline = time.monotonic() + PATIENCE
    mark = sign.name.encode() + b"-flag"
    seen = path.stat().st_size if path.exists() else 0
    while time.monotonic() < deadline and child.poll() is None:
        sign.with_name(f"{sign.name}-flag").touch()
        sign.with_name(f"{sign.name}-flag").unlink()
        time.sleep(0.02)
        if not path.exists():
            continue
        with path.open("rb") as file:
            file.seek(max(0, seen - 4096))
            data = file.read()
        if mark in data:
            return
        seen += len(data) - min(seen, 4096)
    raise BenchError("estui record linux does not record")


def strace(command: Sequence[str], folder: Path) -> float | None:
    """Seconds a load takes under `strace -f -c`; None where strace is not installed."""
    found = shutil.which("strace")
    return took([found, "-f", "-c", "-o", str(folder / "strace.out"), *command]) if found else None


def bpftrace(command: Sequence[str], folder: Path) -> float | None:
    """Seconds a load takes while bpftrace prints to a file; None where it is not installed, or sees nothing."""
    found = shutil.which("bpftrace")
    if not found:
        return None
    path = folder / "bpftrace.out"
    with path.open("wb") as out:
        child = subprocess.Popen(
            ["unshare", "-m", "/bin/sh", "-c", MOUNTED, "sh", found, "-B", "full", "-e", BPFTRACE],
            stdout=out,
            stderr=subprocess.DEVNULL,
        )
    try:
        if not until(lambda: path.stat().st_size > 0 or child.poll() is not None) or child.poll() is not None:
            return None
        return took(command)
    finally:
        child.send_signal(signal.SIGINT)
        child.wait(PATIENCE)
        path.unlink()


def until(condition: Callable[[], bool]) -> bool:
    """Wait, within bounds, until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def find() -> list[str]:
    """A command that walks through all of the machine's files, more than once: estui's start is measured with it."""
    once = f"{peer('find')} / -xdev -type f"
    return ["/bin/sh", "-c", "; ".join([once] * FINDS)]


def build(folder: Path, files: int) -> list[str]:
    """A small project of so many C files, and the command that compiles them all."""
    gcc = peer("gcc")
    folder.mkdir()
    for number in range(files):
        code = (
            f'#include <stdio.h>\n#include <stdlib.h>\nint f{number}(int x) {{ return printf("%d", x); }}\n'
        )
        (folder / f"f{number}.c").write_text(code, encoding="utf-8")
    return [
        "/bin/sh",
        "-c",
        f'cd "{folder}" && for f in *.c; do "{gcc}" -c "$f" -o "${{f%.c}}.o" || exit 1; done',
    ]


def storm(forks: int) -> list[str]:
    """A command that starts the shortest of programs so many times."""
    return ["/bin/sh", "-c", f"i=0; while [ $i -lt {forks} ]; do /bin/true; i=$((i+1)); done"]


@contextmanager
def everywhere() -> Iterator[None]:
    """Run on all cores: a recorder stands beside what it records."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
