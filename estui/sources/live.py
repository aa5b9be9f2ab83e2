"""What all live sources have in common: children that write lines, watched, ended politely, started again."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import ClassVar

from estui.core import Core
from estui.events import NOTIFY
from estui.sources import sudo
from estui.sources.child import Child
from estui.sources.restartable import Restartable
from estui.sources.shards import Shards
from estui.sources.source import SourceError, SourceState
from estui.sources.stdin import pipe_chunks
from estui.text import nearest, printable

PATIENCE = 10.0
"""Seconds without any line after which there is advice."""
_LIST_SECONDS = 10.0
_LAST_MOMENT = 0.5
"""Seconds a child may live on after it has closed its stdout."""

_NAMED = 4
"""Event types named in a sentence before the rest is only counted."""

AGAIN = "What came before stays; start it again"
TROUBLE = (
    (
        "a password is required",
        "sudo wants the password again",
        "Run sudo -v in this terminal, then start it again",
    ),
    (
        "is not in the sudoers file",
        "this user may not use sudo",
        "Use an account that may, or ask who runs this machine",
    ),
    ("is not allowed to execute", "sudo does not let this user run it", "Ask who runs this machine"),
)
"""Words of sudo on stderr, what they mean, and what to do."""


class LiveSource(Restartable):
    """Children that write eslogger-shaped lines: one, or several that share the event types among them.

    Args:
        title: what it is called, in words too.
        known: every event type it can send.
        types: those to start with; None for all of them.

    Raises:
        SourceError: it does not know one of the types.
    """

    trouble: ClassVar[tuple[tuple[str, str, str], ...]] = TROUBLE
    """Words on a child's stderr, what they mean, and what to do; the first that is found counts."""
    silence: ClassVar[str] = ""
    """What to do when nothing was sent for a while."""
    hint: ClassVar[str] = ""
    """Where to see the event types it knows."""
    keeps_stdin: ClassVar[bool] = False
    """Whether a child's standard input stays open for as long as it is wanted."""

    def __init__(self, title: str, known: frozenset[str], types: Sequence[str] | None = None) -> None:
        super().__init__(title, known, frozenset(types or known))
        for name in types or ():
            if name not in known:
                raise self._unknown(name)
        self._children: list[Child] = []
        self._shards: Shards | None = None
        self._types: list[frozenset[str]] = []
        """What each of the children sends."""
        self._gone: list[int] = []
        """Those of the children that have ended while others go on."""
        self._runs = 0
        self._started = 0.0
        """When the present children were started."""
        self._lines = 0
        """Lines in the core at that time."""

    def _unknown(self, name: str) -> SourceError:
        if name in NOTIFY:
            since = NOTIFY[name].since
            return SourceError(f"{self.title} does not know {name}", f"It came with macOS {since}", 2)
        near = nearest(name, self._known)
        advice = f"Did you mean {near}?" if near else self.hint
        return SourceError(f"there is no event type {printable(name)}", advice, 2)

    @abstractmethod
    def _command(self, types: frozenset[str]) -> Sequence[str]:
        """The whole command of a child that sends these types."""

    def _split(self, types: frozenset[str]) -> list[frozenset[str]]:
        """The types of each child."""
        return [types]

    def _prepare(self) -> None:
        """Make ready what the children need; called in the source's thread before they are started.

        Raises:
            SourceError: it is not to be had.
        """

    def _told(self, line: str) -> bool:
        """A line on a child's stderr. Returns whether it was meant for estui, and not for people."""
        return False

    @property
    def state(self) -> SourceState:
        state = self._state
        if state.status == "running" and (missing := self._missing()):
            return state._replace(reason=missing, advice=AGAIN)
        if state.status != "running" or not self._runs or time.monotonic() < self._started + PATIENCE:
            return state
        if self._core is None or self._core.counters().lines > self._lines:
            return state
        return state._replace(reason=f"{self.title} has sent nothing yet", advice=self.silence)

    def authorize(self) -> None:
        """Let sudo ask for the password. Before a late restart() call it again, with the screen put away."""
        sudo.ask(self._command(self.sends))

    def needs_terminal(self) -> bool:
        """Whether restart() wants authorize() before it, which needs the terminal."""
        return sudo.would_ask(self._command(self.sends))

    def _run(self, core: Core) -> None:
        for stream, children in self._launches(core):
            if len(children) == 1:
                self._drain(core, stream, children[0].fd)
            else:
                for _ in self._merge(core, stream, children):
                    pass

    def _chunks(self, core: Core) -> Iterator[None]:
        for stream, children in self._launches(core):
            if len(children) == 1:
                yield from pipe_chunks(core, stream, children[0].fd)
            else:
                yield from self._merge(core, stream, children)

    def _merge(self, core: Core, stream: int, children: Sequence[Child]) -> Iterator[None]:
        def ended(shard: int) -> None:
            self._shard_ended(core, shard)

        self._shards = Shards(core, stream, [child.fd for child in children], ended)
        if self._halt.is_set():
            self._shards.stop()
        yield from self._shards.chunks()

    def _shard_ended(self, core: Core, shard: int) -> None:
        """One child ended and others go on: say what is missing from here on, unless all are being ended."""
        with self._lock:
            if self._halt.is_set() or self._wanted is not None:
                return
            types = self._types[shard]
            self.sends -= types
            self._gone.append(shard)
            core.mark(f"{self.title} sends no {_named(types)} any more")

    def _missing(self) -> str:
        """What is not sent any more while other children go on, in words; empty for nothing."""
        with self._lock:
            if not self._gone:
                return ""
            types = frozenset[str]().union(*(self._types[shard] for shard in self._gone))
            ended = [self._children[shard] for shard in self._gone]
        errors = (self._diagnosis(child) for child in ended if not child.alive)
        why = next((f": {error.message}" for error in errors if error), "")
        return f"{self.title} sends no {_named(types)} any more{why}"

    def _launches(self, core: Core) -> Iterator[tuple[int, list[Child]]]:
        """One set of children after the other, as long as restarts are asked for, and each one's stream.

        Raises:
            SourceError: the last ones did not end well.
        """
        again = True
        while again:
            error: SourceError | None = None
            try:
                children = self._launch(core)
                yield core.add_stream(owned=True), children
            except SourceError as failed:
                error = failed
            finally:
                if self._halt.is_set() or not all(child.wait(_LAST_MOMENT) for child in self._children):
                    self._end()
                for child in self._children:
                    child.close()
                again = self._once_more()
            if error and not again:
                raise error
        if not self._halt.is_set():
            for child in self._children:
                if wrong := self._diagnosis(child):
                    raise wrong

    def _launch(self, core: Core) -> list[Child]:
        with self._lock:
            self._children, self._gone = [], []
        self._take_wanted()
        self._prepare()
        with self._lock:
            self._take_wanted()  # that may have taken long
            if self._runs:
                core.mark(f"{self.title} restarted with {len(self.sends)} types")
            self._started, self._lines = time.monotonic(), core.counters().lines
            self._runs += 1  # last, for `state` looks at it first
            self._types = self._split(self.sends)
            for types in self._types:
                command = self._command(types)
                try:
                    self._children.append(Child(command, self._told, keep_stdin=self.keeps_stdin))
                except OSError as error:
                    raise SourceError(
                        f"{printable(command[0])} cannot be started: {error.strerror}", self._remedy()
                    ) from None
            return self._children

    def _troubles(self) -> Iterable[tuple[str, str, str]]:
        """`trouble`, with what only this one knows."""
        return self.trouble

    def _remedy(self) -> str:
        """What to do when the command cannot be started."""
        return ""

    def _interrupt(self) -> None:
        super()._interrupt()
        if self._shards:
            self._shards.stop()

    def _end(self) -> None:
        """Tell all children at once to end, then wait for each."""
        enders = [threading.Thread(target=child.end, name="estui end") for child in self._children]
        for ender in enders:
            ender.start()
        for ender in enders:
            ender.join()

    def _ending(self, core: Core) -> SourceState:
        left = [str(child.pid) for child in self._children if child.alive]
        if left:
            return SourceState("ended", f"{self.title} does not end", f"sudo kill {' '.join(left)}")
        if self._halt.is_set():
            return super()._ending(core)
        return SourceState("ended", f"{self.title} ended", AGAIN, 0 if core.counters().events else 1)

    def _diagnosis(self, child: Child) -> SourceError | None:
        """Why a child ended; None when nothing was wrong."""
        words = child.words
        for sign, reason, remedy in self._troubles():
            if sign in words:
                return SourceError(reason, remedy)
        if not child.fate:
            return None
        said = f": {child.last_words}" if child.last_words else ""
        return SourceError(f"{self.title} ended ({child.fate}){said}", AGAIN)


def _named(types: frozenset[str]) -> str:
    """Some event types in words."""
    names = sorted(types)
    if len(names) > _NAMED:
        return f"{', '.join(names[: _NAMED - 1])} and {len(names) - _NAMED + 1} more types"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def list_events(command: Sequence[str]) -> tuple[str, ...]:
    """The event types that a command names with --list-events; none where it does not answer."""
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


def check_command(command: Sequence[str], remedy: str) -> None:
    """Raises SourceError when there is no such command here."""
    if shutil.which(command[0]) is None:
        raise SourceError(f"there is no command {printable(command[0])}", remedy)
