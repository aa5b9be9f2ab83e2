"""The machine the figures are of: what it is, its cores, and the environment the measured programs run in."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path

from estui.core import core_name

OUT = Path(__file__).parent / "out"
"""Corpora and whatever the measured programs leave behind; git ignores it."""
PEERS = (("jq", "--version"), ("lnav", "-V"), ("strace", "-V"), ("bpftrace", "--version"))
WORKERS = Path(__file__).parent / "workers"


class BenchError(Exception):
    """A row that cannot be measured here: the reason, in words."""


@cache
def cores() -> tuple[int | None, int | None]:
    """The core that is measured, and the one for what stands around it (a producer, a terminal).

    They are the same where there is only one, and None where processes cannot be bound to cores (macOS).
    """
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    mine = sorted(os.sched_getaffinity(0))
    return mine[-1], mine[-2] if len(mine) > 1 else mine[-1]


def bind(core: int | None) -> None:
    """Keep this process, and the children it starts from now on, on one core."""
    if core is not None:
        os.sched_setaffinity(0, {core})


@contextmanager
def on(core: int | None) -> Iterator[None]:
    """Be on this core meanwhile; children started in it stay there."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    bind(core)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def environment() -> dict[str, str]:
    """What measured programs see: a full terminal, and nobody's settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == "ESTUI_CORE" or not name.startswith(("ESTUI_", "TEXTUAL", "NO_COLOR", "LNAV", "XDG_"))
    }
    home = str(OUT / "home")
    return {
        **kept,
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "XDG_CONFIG_HOME": home,
        "XDG_DATA_HOME": home,
        "XDG_STATE_HOME": home,
        "XDG_CACHE_HOME": home,
    }


def tell_root() -> None:
    """Have root's warning shown before: it would be drawn, and taken away, in the midst of what is measured."""
    mark = OUT / "home" / "estui" / "warned-of-root"
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()


def estui(*words: str) -> list[str]:
    """The command line of estui, as installed; -P keeps a checkout from shadowing it."""
    return [sys.executable, "-P", "-m", "estui", *words]


def worker(name: str, *words: str) -> list[str]:
    """The command line of one of the bench's own small programs."""
    return [sys.executable, str(WORKERS / f"{name}.py"), *words]


def peer(name: str) -> str:
    """The path of a program to compare with. Raises BenchError where it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise BenchError(f"{name} is missing here")
    return found


def describe() -> list[str]:
    """What the figures depend on, a Markdown list."""
    measured, beside = cores()
    if measured is None:
        where = "processes not bound to cores"
    elif measured == beside:
        where = f"everything on core {measured}"
    else:
        where = f"measured on core {measured}, producers and terminals on core {beside}"
    python = f"Python {platform.python_version()}, Textual {version('textual')}, orjson {version('orjson')}"
    name, why = core_name()
    return [
        f"- CPU: {_cpu()}, {os.cpu_count()} cores; {where}",
        f"- Memory: {_memory()}; system: {platform.system()} {platform.release()} {platform.machine()}",
        f"- {python}; estui's core: {name}" + (f" ({why})" if why else ""),
        f"- Peers: {', '.join(_said(*peer) for peer in PEERS)}",
    ]


def load() -> float:
    """The system's load over the last minute: more than 1 before the start is somebody else's."""
    return os.getloadavg()[0]


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return _output(["sysctl", "-n", "machdep.cpu.brand_string"]) or platform.processor() or "unknown"


def _memory() -> str:
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{size / (1 << 30):.0f} GiB"


def _said(name: str, flag: str) -> str:
    return (_output([name, flag]) if shutil.which(name) else "") or f"{name} is missing here"


def _output(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip().partition("\n")[0]
