"""The live source of a Mac: eslogger, run as a child through sudo."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import dropwhile

from estui.core import Core
from estui.events import NOTIFY
from estui.sources.child import Child, is_sudo
from estui.sources.source import Source, SourceError, SourceState
from estui.sources.stdin import pipe_chunks
from estui.text import nearest, printable

PATIENCE = 10.0
"""Seconds without any line after which there is advice."""
_LIST_SECONDS = 10.0
_LAST_MOMENT = 0.5
"""Seconds a child may live on after it has closed its stdout."""

FULL_DISK_ACCESS = (
    "Allow the terminal estui runs in: System Settings → Privacy & Security → Full Disk Access; "
    "then quit the terminal and open it again"
)
AGAIN = "What came before stays; start it again"

TROUBLE = (
    ("ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED", "eslogger has no Full Disk Access", FULL_DISK_ACCESS),
    (
        "ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED",
        "eslogger must run as root",
        "Run estui where sudo works, or: sudo eslogger exec open | estui -",
    ),
    (
        "ES_NEW_CLIENT_RESULT_ERR_TOO_MANY_CLIENTS",
        "too many Endpoint Security clients run on this Mac",
        "End one of them, such as another eslogger, and start it again",
    ),
    (
        "ES_NEW_CLIENT_RESULT_ERR_NOT_ENTITLED",
        "this eslogger lacks the Endpoint Security entitlement",
        "Use Apple's own, /usr/bin/eslogger",
    ),
    ("ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT", "Endpoint Security refused what eslogger asked for", AGAIN),
    (
        "ES_NEW_CLIENT_RESULT_ERR_INTERNAL",
        "Endpoint Security failed inside",
        "Start it again, or restart the Mac",
    ),
    (
        "Failed to parse event types",
        "eslogger does not know one of the event types",
        "Leave it out; eslogger --list-events names those it knows",
    ),
    (
        "a password is required",
        "sudo wants the password again",
        "Run sudo -v in this terminal, then start it again",
    ),
    (
        "is not in the sudoers file",
        "this user may not use sudo",
        "Use an account that may, or ask who runs this Mac",
    ),
    ("is not allowed to execute", "sudo does not let this user run eslogger", "Ask who runs this Mac"),
    ("command not found", "sudo does not find eslogger", "It comes with macOS 13 and newer"),
)
"""Words on stderr, what they mean, and what to do. ES's own names are matched, not their sentences."""


class EsloggerSource(Source):
    """`eslogger TYPES…` as a child, in its own process group because eslogger hides the events of its group.

    Args:
        types: event types by eslogger name; None for all that this eslogger knows.
        command: the whole command before the types; empty for eslogger, through sudo unless root.

    Raises:
        SourceError: it cannot run here, or does not know one of the types.
    """

    kind = "live"
    live = True
    can_resubscribe = True
    controls = frozenset(("restart",))
    sends: frozenset[str]

    def __init__(self, types: Sequence[str] | None = None, command: Sequence[str] = ()) -> None:
        super().__init__("eslogger")
        self._command = tuple(command) or usual_command()
        if shutil.which(self._command[0]) is None:
            raise SourceError(
                f"there is no command {printable(self._command[0])}", "Look at the setting eslogger_command"
            )
        self._known = frozenset(list_events(self._command) or NOTIFY)
        for name in types or ():
            if name not in self._known:
                raise _unknown(name, self._known)
        self.sends = frozenset(types or self._known)
        self._lock = threading.Lock()
        self._busy = False
        """Whether a thread is looking after children, and will look at `_wanted` before it ends."""
        self._wanted: frozenset[str] | None = None
        """The types of a restart that has not begun."""
        self._child: Child | None = None
        self._runs = 0
        self._started = 0.0
        """When the present child was started."""
        self._lines = 0
        """Lines in the core at that time."""

    @property
    def state(self) -> SourceState:
        state = self._state
        if state.status != "running" or not self._runs or time.monotonic() < self._started + PATIENCE:
            return state
        if self._core is None or self._core.counters().lines > self._lines:
            return state
        return state._replace(
            reason="eslogger has sent nothing yet",
            advice=f"Choose types that occur, such as exec. {FULL_DISK_ACCESS}",
        )

    def authorize(self) -> None:
        """Let sudo ask for the password. Before a late restart() call it again, with the screen put away."""
        if is_sudo(self._command) and subprocess.run([self._command[0], "-v"], check=False).returncode:
            raise SourceError("sudo did not allow it", "estui demo shows a Mac without any rights")

    def restart(self, types: frozenset[str] | None = None) -> None:
        """Start eslogger again with these types, as far as it knows them; None for all it knows."""
        wanted = self._known if types is None else self._known & types
        if not wanted:
            raise SourceError("eslogger knows none of these event types", "Subscribe to some of its own", 2)
        with self._lock:
            self._wanted = wanted
            if self._busy and self._child:
                threading.Thread(target=self._child.end, name="estui restart", daemon=True).start()
            elif not self._busy and self._runs and self._core and not self._halt.is_set():
                self._busy = True
                before, self._done = self._done, threading.Event()
                work = threading.Thread(
                    target=self._work_after,
                    args=(before, self._core, self._done),
                    name="estui live",
                    daemon=True,
                )
                self._thread = work
                work.start()

    def _work_after(self, before: threading.Event, core: Core, done: threading.Event) -> None:
        before.wait()
        self._work(core, done)

    def _run(self, core: Core) -> None:
        for stream, fd in self._launches(core):
            self._drain(core, stream, fd)

    def _chunks(self, core: Core) -> Iterator[None]:
        for stream, fd in self._launches(core):
            yield from pipe_chunks(core, stream, fd)

    def _launches(self, core: Core) -> Iterator[tuple[int, int]]:
        """One child after the other, as long as restarts are asked for: each one's stream and stdout.

        Raises:
            SourceError: the last one did not end well.
        """
        again = True
        while again:
            child = self._launch(core)
            try:
                yield core.add_stream(owned=True), child.fd
            finally:
                if self._halt.is_set() or not child.wait(_LAST_MOMENT):
                    child.end()
                child.close()
                with self._lock:
                    again = self._busy = self._wanted is not None and not self._halt.is_set()
        if not self._halt.is_set() and (error := _diagnosis(child)):
            raise error

    def _launch(self, core: Core) -> Child:
        with self._lock:
            self._busy = True
            if self._wanted:
                self.sends, self._wanted = self._wanted, None
            if self._runs:
                core.mark(f"eslogger restarted with {len(self.sends)} types")
            self._runs += 1
            self._started, self._lines = time.monotonic(), core.counters().lines
            try:
                self._child = Child([*self._command, *sorted(self.sends)])
            except OSError as error:
                self._busy = False
                raise SourceError(
                    f"{printable(self._command[0])} cannot be started: {error.strerror}",
                    "Look at the setting eslogger_command",
                ) from None
            return self._child

    def _close(self) -> None:
        if self._child:
            self._child.end()

    def _ending(self, core: Core) -> SourceState:
        if self._child and self._child.alive:
            return SourceState("ended", "eslogger does not end", f"sudo kill {self._child.pid}")
        if self._halt.is_set():
            return super()._ending(core)
        return SourceState("ended", "eslogger ended", AGAIN, 0 if core.counters().events else 1)


def usual_command() -> tuple[str, ...]:
    """How eslogger is run here. Raises SourceError when it cannot be."""
    eslogger = shutil.which("eslogger")
    if eslogger is None:
        if sys.platform == "darwin":
            raise SourceError("there is no eslogger on this Mac", "It comes with macOS 13 and newer")
        raise SourceError(
            "eslogger runs on a Mac only",
            "Record there: sudo eslogger exec fork exit > FILE; or see estui demo",
        )
    if os.geteuid() == 0:
        return (eslogger,)
    sudo = shutil.which("sudo")
    if sudo is None:
        raise SourceError("eslogger must run as root, and there is no sudo here", "Run estui as root")
    return (sudo, "-n", eslogger)


def list_events(command: Sequence[str]) -> tuple[str, ...]:
    """The event types that an eslogger names itself, which takes no rights; none where it does not answer."""
    if is_sudo(command):
        command = list(dropwhile(lambda word: word == "-n", command[1:]))
    with suppress(OSError, ValueError, subprocess.TimeoutExpired):
        done = subprocess.run(
            [*command, "--list-events"],
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_LIST_SECONDS,
        )
        names = done.stdout.decode(errors="replace").split()
        if done.returncode == 0 and all(name.replace("_", "").isalnum() for name in names):
            return tuple(names)
    return ()


def _unknown(name: str, known: frozenset[str]) -> SourceError:
    near = nearest(name, known)
    if name in NOTIFY:
        return SourceError(
            f"eslogger here does not know {name}", f"It came with macOS {NOTIFY[name].since}", 2
        )
    hint = f"Did you mean {near}?" if near else "eslogger --list-events names those it knows"
    return SourceError(f"there is no event type {printable(name)}", hint, 2)


def _diagnosis(child: Child) -> SourceError | None:
    """Why a child ended; None when nothing was wrong."""
    words = child.words
    for sign, reason, remedy in TROUBLE:
        if sign in words:
            return SourceError(reason, remedy)
    if not child.fate:
        return None
    said = f": {child.last_words}" if child.last_words else ""
    return SourceError(f"eslogger ended ({child.fate}){said}", AGAIN)
