"""The built-in demo: an ordinary half-hour on a Mac, as the lines eslogger would write of it.

`lines()` is one pass, `forever()` pass after pass. The same seed gives the same bytes. The tests and the
benchmarks make their lines with the same classes: `World(seed).emit(...)` writes any event.

The client is one of macOS 27 (message version 11): only there do all 106 NOTIFY types exist, and one
client sees one version. Of exec, fork, exit, open, create, rename, unlink and lookup eslogger's lines were
seen recorded; of the other types only the keys are known, and these are guesses: the JSON of setacl's acl
and of bootstrap_*, remount's members, `{}` for the entitlements of a program without any, which process
reports an authentication by Touch ID, watch or card, and that characters past ASCII go out as UTF-8.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterator
from datetime import datetime

from estui.sources.scenario.mac import Mac
from estui.sources.scenario.scenes import admin, login, package, trouble
from estui.sources.scenario.scenes.build import build
from estui.sources.scenario.scenes.hum import HUM
from estui.sources.scenario.wire import SECOND, Json, Shape, Token, Writer
from estui.sources.scenario.world import World

PASS_SECONDS = 1800
"""One pass is half an hour of recorded time."""

QUIET_AT_THE_END = 60
"""Seconds before the end of a pass when nothing new begins in the background."""

Scene = Callable[[Mac], Iterator[float]]

TIMELINE: tuple[tuple[int, Scene], ...] = (
    (12, login.terminal),
    (40, admin.privacy),
    (70, login.refused_ssh),
    (95, login.ssh),
    (170, package.cloud),
    (210, build),
    (390, package.install),
    (470, package.downloads),
    (530, package.gatekeeper),
    (600, trouble.plant),
    (700, login.lock),
    (760, admin.accounts),
    (830, package.disk_image),
    (880, trouble.xprotect),
    (930, trouble.debugger),
    (990, admin.profiles),
    (1050, login.screen_sharing),
    (1120, admin.kernel),
    (1160, admin.backup),
    (1240, login.second_user),
    (1300, build),
    (1500, login.ssh),
    (1620, admin.privacy),
)
"""When each scene begins, in seconds from the start of a pass."""

SCENES: tuple[tuple[str, str], ...] = (
    ("background", "daemons, Spotlight, log files, Finder, Safari and a script that writes to /dev/null"),
    ("terminal", "a Terminal window: login, a shell, login's logout"),
    ("ssh", "a stranger is refused; alex logs in over ssh, uses su and sudo, and logs out"),
    ("build", "make and clang: thousands of events in a minute and a half"),
    ("installer", "a package is downloaded, authorized and installed, with its scripts"),
    ("odd names", "files whose names hold ESC, newlines, markup and bidi controls: why all is escaped"),
    ("launch agent", "curl | sh plants com.example.update.plist and starts its program"),
    ("XProtect", "the planted program is found, ended and removed"),
    ("screen", "the screen is locked and unlocked; a second user logs in and out; screen sharing"),
    ("privacy", "TCC decisions and a Gatekeeper override"),
    ("accounts", "Open Directory users and groups, configuration profiles"),
    ("disk image", "a disk image is mounted, remounted and ejected; files come from a cloud"),
    ("debugger", "task ports, trace, suspend, a thread in a foreign task"),
    ("system", "a kernel extension, the clock, and an old backup tool with rare calls"),
)
"""What a pass shows: (name, one line of text)."""


def play(mac: Mac) -> Iterator[bytes]:
    """One pass in `mac`: background and scenes side by side, in the order of their times."""
    begin = mac.now
    end = begin + PASS_SECONDS * SECOND
    until = end - QUIET_AT_THE_END * SECOND
    actors: list[tuple[int, int, Iterator[float]]] = []
    for number, hum in enumerate(HUM):
        actors.append((begin + number * SECOND // 3, number, hum(mac, until)))
    for number, (second, scene) in enumerate(TIMELINE, len(actors)):
        actors.append((begin + second * SECOND, number, scene(mac)))
    heapq.heapify(actors)
    while actors:
        due, number, actor = actors[0]
        mac.wait_until(due)
        seconds = next(actor, None)
        if seconds is None:
            heapq.heappop(actors)
        else:
            heapq.heapreplace(actors, (mac.now + int(seconds * SECOND), number, actor))
        yield from mac.take()
    mac.wait_until(end)


def forever(
    seed: int = 0,
    start: datetime | None = None,
    *,
    shape: Shape | None = None,
    subscribe: Collection[str] | None = None,
) -> Iterator[bytes]:
    """Pass after pass in one world: numbers, processes and the clock go on without a gap."""
    mac = Mac(seed, start, shape, subscribe)
    while True:
        yield from play(mac)


def lines(
    seed: int = 0,
    start: datetime | None = None,
    loop: int = 0,
    *,
    shape: Shape | None = None,
    subscribe: Collection[str] | None = None,
) -> Iterator[bytes]:
    """One pass of forever(): the first, or the one after `loop` others (which are made to get there).

    Every line ends in a newline. `start` is the recorded time of the first pass's begin. `subscribe`
    holds eslogger names; other types are left out as if never subscribed to.
    """
    mac = Mac(seed, start, shape, subscribe)
    for _ in range(loop):
        for _line in play(mac):
            pass
    yield from play(mac)


__all__ = [
    "PASS_SECONDS", "SCENES", "Json", "Mac", "Shape", "Token", "World", "Writer", "forever", "lines", "play",
]  # fmt: skip
