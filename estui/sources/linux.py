"""The live source of a Linux machine: its kernel's events in ES's words, from a recorder of estui's own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import estui
from estui.events import NOTIFY
from estui.sources import live
from estui.sources.live import LiveSource
from estui.sources.source import Possible, SourceError
from estui.sources.sudo import as_root, would_ask
from estui.text import nearest, printable

LINUX_TYPES = frozenset(
    (
        "exec fork exit open close create unlink rename write setuid setgid setreuid setregid mount unmount "
        "signal trace attrib"
    ).split()
)
"""What the recorder can tell of. `attrib` is not ES's: Linux does not tell which attribute changed."""

WITHOUT_ROOT = "estui run -- COMMAND shows one command's events without root"
_CONTAINER = (
    "Start the container with --pid host --network host --cap-add SYS_ADMIN --cap-add DAC_READ_SEARCH "
    f"--cap-add NET_ADMIN; or {WITHOUT_ROOT}"
)
_BUILD = "Install a C compiler and CMake, then install estui again"
_CHECK_SECONDS = 10.0
_NEEDED = ("fanotify", "connector")
"""Interfaces without which there is no recording."""

TROUBLE = (
    ("has no CAP_SYS_ADMIN", "root may not watch files here, as in a container", _CONTAINER),
    ("it takes root with CAP_NET_ADMIN", "root may not watch processes here, as in a container", _CONTAINER),
    (
        "does not answer in a container's own network",
        "processes cannot be watched from here, as in a container, or this kernel cannot do it",
        _CONTAINER,
    ),
    (
        "it takes root",
        "the kernel's events can only be watched by root",
        f"Run estui where sudo works; or {WITHOUT_ROOT}",
    ),
    ("built without fanotify", "this kernel was built without fanotify", WITHOUT_ROOT),
    ("older than Linux 5.9", "this kernel is too old: fanotify can do it since Linux 5.9", WITHOUT_ROOT),
    ("this kernel was built without it", "this kernel was built without the process connector", WITHOUT_ROOT),
    ("command not found", "sudo does not find the recorder", "Install estui where root may read it"),
    *live.TROUBLE,
)
"""Words on the recorder's stderr, what they mean, and what to do."""


class LinuxSource(LiveSource):
    """`estui-linux` as a child, through sudo unless root.

    Args:
        types: event types of LINUX_TYPES; None for all.

    Raises:
        SourceError: it cannot run here, or Linux has no such type.
    """

    trouble = TROUBLE
    silence: ClassVar[str] = "Do something in another terminal; what estui itself does is left out"
    hint: ClassVar[str] = f"Linux tells of {' '.join(sorted(LINUX_TYPES))}"
    origin = "linux"

    def __init__(self, types: Sequence[str] | None = None) -> None:
        self._words = as_root((str(_recorder()),))
        self._left_out = 0
        self._left_out_before = 0
        """By the recorders before the present one."""
        super().__init__("linux", LINUX_TYPES, types)

    @property
    def left_out(self) -> int | None:
        return self._left_out_before + self._left_out

    def _command(self, types: frozenset[str]) -> Sequence[str]:
        own = ["--without", str(os.getpid())]
        terminal = _terminal()
        if terminal:
            own += ["--terminal", str(terminal)]
        return (*self._words, "--types", ",".join(sorted(types)), *own)

    def _told(self, line: str) -> bool:
        match line.split():
            case ["estui:", "started"]:
                self._left_out_before += self._left_out
                self._left_out = 0
            case ["estui:", "left_out", number] if number.isdecimal():
                self._left_out = int(number)
            case _:
                return False
        return True

    def _unknown(self, name: str) -> SourceError:
        if name in NOTIFY:
            return SourceError(f"the kernel of Linux does not tell of {name}", self.hint, 2)
        near = nearest(name, self._known)
        advice = f"Did you mean {near}?" if near else self.hint
        return SourceError(f"there is no event type {printable(name)}", advice, 2)


def possible() -> Possible:
    """Whether this machine's own events can be had; root asks the kernel, others only whether sudo would work."""
    try:
        command = as_root((str(_recorder()),))
    except SourceError as error:
        return Possible(False, error.message, error.advice)
    if os.geteuid() == 0:
        return _checked(command[0])
    if would_ask(command):
        return Possible(True, "possible through sudo, which will ask for the password")
    return Possible(True, "possible through sudo")


def permitted_quietly() -> bool:
    """Whether it may be chosen unasked: nobody would be asked for a password, and nothing else is in the way."""
    try:
        command = as_root((str(_recorder()),))
    except SourceError:
        return False
    return _checked(command[0]).ok if os.geteuid() == 0 else not would_ask(command)


def _recorder() -> Path:
    """The recorder, which is installed beside the native core. Raises SourceError where there is none."""
    if sys.platform != "linux":
        raise SourceError(
            "the events of Linux's kernel are there on Linux only", "estui demo, on any machine"
        )
    native = find_spec("estui._native")
    places = [Path(origin).parent for origin in (native and native.origin, estui.__file__) if origin]
    for place in places:
        path = (place / "estui-linux").absolute()
        if os.access(path, os.X_OK):
            return path
    raise SourceError("this estui was built without its recorder for Linux", _BUILD)


def _checked(recorder: str) -> Possible:
    """What the recorder says of this kernel, to one who is root already."""
    try:
        done = subprocess.run(
            [recorder, "--check"],
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_CHECK_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return Possible(False, "the recorder for Linux cannot be run", _BUILD)
    words = done.stdout.decode(errors="replace")
    answers = {}
    for line in words.splitlines():
        name, _, answer = line.partition(" ")
        answers[name] = answer
    for name in _NEEDED:
        answer = answers.get(name, "no")
        if not answer.startswith("yes"):
            for sign, reason, remedy in TROUBLE:
                if sign in answer:
                    return Possible(False, reason, remedy)
            return Possible(False, printable(f"{name} is not to be had: {answer.partition(' ')[2]}"))
    missing = "" if answers.get("tracefs", "").startswith("yes") else ", without signals: there is no tracefs"
    return Possible(True, f"possible as root{missing}")


def _terminal() -> int:
    """The process that draws the terminal estui runs in: its first ancestor of another session. 0: there is none."""
    with suppress(OSError, ValueError):
        session = os.getsid(0)
        pid, tty = os.getpid(), True
        while pid > 1 and tty:
            if os.getsid(pid) != session:
                return pid
            # The name, in brackets, may hold anything.
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
            pid, tty = int(fields[1]), int(fields[4]) != 0
    return 0
