"""Muting over a ring of all of FILE's events: what each step takes, ROUNDS times. Prints JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

from estui.client import Client
from estui.core import Core, open_core
from estui.plan import MutePath, Plan
from estui.query import View
from estui.record import Rules

MUTES = 10_000
PAGE = 4096
"""Rows looked at together."""
ONE = (
    MutePath("TARGET_PREFIX", "/Users/alex/", None),
    MutePath("TARGET_LITERAL", "/dev/null", None),
    MutePath("PREFIX", "/usr/", None),
    MutePath("LITERAL", "/sbin/launchd", None),
)
"""The mutes toggled: one of each type, and each of them suppresses something."""


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


def strings(core: Core) -> int:
    """Distinct strings in the ring."""
    found: set[str] = set()
    head = core.counters().head
    for seq in range(core.counters().tail, head, PAGE):
        for row in core.rows(seq, min(head, seq + PAGE)):
            found.update(text for text in (row.executable, row.signing_id, *row.targets) if text is not None)
    return len(found)


def toggled(core: Core, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """One mute on and off again, by its text: what each judge() takes."""
    taken: dict[str, list[tuple[float, float]]] = {}
    for mute in ONE:
        rules = Plan(paths=(mute,)).rules()
        on, off = (taken.setdefault(f"{mute.type} {mute.path} {way}", []) for way in ("on", "off"))
        for _ in range(rounds):
            on.append(timed(lambda rules=rules: core.judge(rules)))  # type: ignore[misc]
            if not core.counters().suppressed:
                sys.exit(f"{mute.type} {mute.path} suppresses nothing")
            off.append(timed(lambda: core.judge(Rules(None, (), ()))))
    return taken


def toggled_on_screen(core: Core, rounds: int) -> list[tuple[float, float]]:
    """The same as the screen does it: an undoable step of the client, and the view without what is suppressed."""
    client, view = Client(core), View(core)
    client.add(ONE[0])
    view.hide(True)

    def toggle(on: bool) -> None:
        client.enable(0, on)
        view.refresh()

    return [timed(lambda on=bool(number % 2): toggle(on)) for number in range(rounds * 2)]  # type: ignore[misc]


def many(core: Core) -> Plan:
    """A plan of 10,000 mutes, a quarter of each type, of paths that occur and of beginnings of such paths."""
    head = core.counters().head
    paths: dict[str, None] = {}
    for seq in range(0, head, max(1, head // (MUTES * 8))):
        row = core.row(seq)
        paths.update(dict.fromkeys(row.targets if row else ()))
    types = ("TARGET_LITERAL", "TARGET_PREFIX", "LITERAL", "PREFIX")
    chosen = list(paths)[:MUTES]
    if len(chosen) < MUTES:
        chosen += [f"/private/tmp/{number}" for number in range(MUTES - len(chosen))]
    mutes = [
        MutePath(types[number % 4], path if number % 4 in {0, 2} else path[: len(path) - 2], None)
        for number, path in enumerate(chosen)
    ]
    return Plan(paths=tuple(mutes))


def main(path: str, rounds: int) -> None:
    core = ring(path)
    plan = many(core)
    rules = plan.rules()
    found = {
        "events": core.counters().held_events,
        "strings": strings(core),
        "toggle": toggled(core, rounds),
        "screen": toggled_on_screen(core, rounds),
        "compile": [timed(plan.rules) for _ in range(rounds)],
        "many": [timed(lambda: core.judge(rules)) for _ in range(rounds)],
        "suppressed": core.counters().suppressed,
    }
    print(json.dumps(found))


main(sys.argv[1], int(sys.argv[2]))
