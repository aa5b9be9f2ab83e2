"""The mute lab over a ring of all of FILE's events: what each of its questions takes, ROUNDS times. Prints JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace

from estui.client import Client
from estui.core import Core, open_core
from estui.lab.diff import compare
from estui.lab.hits import entries
from estui.lab.whatif import Preview
from estui.plan import MutePath, Plan

BASE = (
    MutePath("PREFIX", "/usr/libexec/"),
    MutePath("LITERAL", "/sbin/launchd", ("open", "close", "stat")),
    MutePath("TARGET_LITERAL", "/dev/urandom"),
    MutePath("TARGET_PREFIX", "/private/var/log/", ("write",)),
)
"""The plan in force."""
EDITS = (
    MutePath("TARGET_PREFIX", "/Users/alex/"),
    MutePath("TARGET_LITERAL", "/dev/null"),
    MutePath("PREFIX", "/usr/"),
    MutePath("LITERAL", "/sbin/launchd"),
)
"""What one of its rules is edited to: one of each type."""


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of CPU time."""
    begin, busy = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - begin, time.process_time() - busy


def ring(path: str) -> Core:
    """All of the file's events."""
    core = open_core()
    fd = os.open(path, os.O_RDONLY)
    core.run(core.add_stream(owned=False, fd=fd), fd)
    return core


def previews(core: Core, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """A rule of the plan in force edited, by the rule it becomes; what is typed makes a new plan each time."""
    client = Client(core, Plan(paths=BASE))
    taken: dict[str, list[tuple[float, float]]] = {}
    for edit in EDITS:
        own = taken.setdefault(edit.label, [])
        for _ in range(rounds):
            plan = client.with_entry(replace(edit), 1)
            own.append(timed(lambda plan=plan: Preview(core, client.plan, plan)))  # type: ignore[misc]
        if not Preview(core, client.plan, plan).total.changed:
            sys.exit(f"{edit.label} changes nothing")
    return taken


def plan_of(core: Core, count: int, skip: int = 0) -> Plan:
    """A plan of so many rules, a quarter of each type, of paths that occur and of beginnings of such paths."""
    head = core.counters().head
    paths: dict[str, None] = {}
    for seq in range(0, head, max(1, head // ((count + skip) * 16))):
        row = core.row(seq)
        if row is not None:
            paths.update(dict.fromkeys((*row.targets, row.executable or "/")))
    chosen = [path for path in paths if len(path) > 3][skip : skip + count]
    types = ("TARGET_LITERAL", "TARGET_PREFIX", "LITERAL", "PREFIX")
    mutes = tuple(
        MutePath(types[number % 4], path if number % 4 in {0, 2} else path[: len(path) - 2])
        for number, path in enumerate(chosen)
    )
    if len(mutes) < count:
        sys.exit(f"only {len(mutes)} paths of {count}")
    return Plan(paths=mutes)


def main(path: str, rounds: int) -> None:
    core = ring(path)
    hundred = plan_of(core, 100)
    a, b = plan_of(core, 1000), plan_of(core, 1000, skip=100)
    preview = previews(core, rounds)
    few = max(3, rounds // 5)
    found = {
        "events": core.counters().held_events,
        "preview": preview,
        "hits": [timed(lambda: entries(core, hundred)) for _ in range(few)],
        "diff": [timed(lambda: compare(a, b, core)) for _ in range(few)],
    }
    print(json.dumps(found))


main(sys.argv[1], int(sys.argv[2]))
