"""Measuring whole processes, one contender after the other in each round."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench.machine import BenchError, environment

HANGS = 900
"""Seconds after which a measured program is taken to hang; jq needs two minutes for the largest file."""


class Taken(NamedTuple):
    """What one run took, in seconds."""

    wall: float
    cpu: float
    """Less than `wall` where others had the core meanwhile."""


Contender = Callable[[], Taken]


def note(words: str) -> None:
    """Say how far it is; stdout is for the table alone."""
    print(words, file=sys.stderr, flush=True)


def output(command: Sequence[str], env: Mapping[str, str] | None = None) -> str:
    """What a program prints. Raises BenchError with its last words where it fails."""
    return _run(command, env, subprocess.PIPE).stdout


def report(command: Sequence[str]) -> Any:
    """What a worker measured of itself: the JSON it prints."""
    return json.loads(output(command))


def whole(command: Sequence[str], env: Mapping[str, str] | None = None) -> Contender:
    """A contender: from starting a program to its end, its output thrown away."""

    def measure() -> Taken:
        busy, begin = _children(), time.perf_counter()
        _run(command, env, subprocess.DEVNULL)
        return Taken(time.perf_counter() - begin, _children() - busy)

    return measure


def itself(command: Sequence[str]) -> Contender:
    """A contender that times itself, and prints it as JSON."""
    return lambda: Taken(**report(command))


def in_turn(rounds: int, contenders: Mapping[str, Contender]) -> dict[str, list[Taken]]:
    """What each contender took, measured A B C A B C …: what the machine does meanwhile meets them all."""
    taken: dict[str, list[Taken]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name, measure in contenders.items():
            taken[name].append(measure())
            note(f"  round {number + 1} of {rounds}: {name} {taken[name][-1].wall:.3f} s")
    return taken


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(
    command: Sequence[str], env: Mapping[str, str] | None, stdout: int
) -> subprocess.CompletedProcess[str]:
    shown = " ".join(Path(word).name for word in command)
    try:
        done = subprocess.run(
            command,
            env=env or environment(),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            timeout=HANGS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BenchError(f"{shown} hangs") from None
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["nothing said"]
        raise BenchError(f"{shown} ended with {done.returncode}: {last[0]}")
    return done
