"""What every source is: something that puts eslogger-shaped JSON lines into a core."""

from __future__ import annotations

import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from estui.core import Core
from estui.sources import advice
from estui.text import printable

Kind = Literal["file", "stdin", "live", "demo", "replay"]
Status = Literal["idle", "running", "paused", "ended", "failed"]

STOP_SECONDS = 5.0
"""How long stop() waits for a source's thread."""
CHUNK = 1 << 20
"""Most bytes handed to a core at once."""
_RECORD = 1024
"""More bytes than a core uses for a row, its line and its strings aside."""


class SourceError(Exception):
    """A source that cannot be opened or read on: a sentence, the remedy, and the exit code it leads to.

    Both texts are safe to print.
    """

    def __init__(self, message: str, advice: str = "", exit_code: int = 3) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.exit_code = exit_code


class SourceState(NamedTuple):
    """How a source is doing. Both texts are safe to print, and empty when there is nothing to say."""

    status: Status = "idle"
    reason: str = ""
    """What happened, as a sentence without a full stop."""
    advice: str = ""
    """What to do about it."""
    exit_code: int = 0
    """What a command ends with that read this source: 0, 1 (no event could be read) or 3 (not available)."""


class Possible(NamedTuple):
    """Whether a kind of source can be used on this machine. The texts are safe to print."""

    ok: bool
    words: str
    """How it stands, as a sentence without a full stop."""
    remedy: str = ""
    """The one command or settings page that gives what is missing."""


class Output(Protocol):
    """What a command printed, as much of it as is kept."""

    version: int
    """Grows with all that comes."""

    def tail(self, lines: int) -> list[str]:
        """The last lines, at most so many; printable."""
        ...


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What the command line says about sources, beside their names."""

    follow: bool = False
    """Read on as the file grows, is truncated or replaced."""
    replay: bool = False
    """Play files at the pace they were recorded at."""
    speed: float | None = None
    """How many times faster than recorded; None for the source's own (a replay 1, the demo 30)."""
    idle: float | None = None
    """The longest pause played, in seconds as recorded; None for all of it."""
    loop: bool | None = None
    """Begin again at the end; None for the source's own (a replay no, the demo on a screen yes)."""
    rate: float | None = None
    """Events per second of the demo, instead of its recorded time."""
    events: tuple[str, ...] | None = None
    """Event types a live source is started with, by eslogger name; None for all it knows."""
    shards: int | None = 1
    """How many children share the event types of a live source that can be split; None for as many as are best."""
    eslogger_command: tuple[str, ...] = ()
    """The whole command before the event types, run as it is; empty for eslogger through sudo."""
    headless: bool = False
    """No screen: the demo runs once, at full speed, and no live source is chosen unasked."""


class Source(ABC):
    """One stream of lines. Use it once: either start() it, or go through feed()."""

    kind: Kind
    live: bool = False
    """Whether new events may still come without the file having them yet."""
    muting = "SIMULATED"
    """Where muting is done: by estui, over what the source sent."""
    sends: frozenset[str] | None = None
    """The event types it was asked to send, by eslogger name; None where that is not known."""
    can_resubscribe = False
    """Whether restart() takes other event types."""
    controls: frozenset[str] = frozenset()
    """What control() understands, of "pause", "speed", "step" and "loop", and "restart" for restart()."""
    speed: float | None = None
    """How many times faster than recorded a paced source runs; None for as fast as it can."""
    origin: str = ""
    """The system whose own events these are, in ES words, such as "linux"; empty where they are ES's."""
    output: Output | None = None
    """What its command printed; None where it has no command of its own to run."""
    exit_status: int | None = None
    """What its command ended with, 128 and the signal if one ended it; None before."""

    def __init__(self, title: str) -> None:
        self.title = printable(title)
        self._state = SourceState()
        self._core: Core | None = None
        self._thread: threading.Thread | None = None
        self._halt = threading.Event()
        self._done = threading.Event()
        """Set as the thread ends. Thread.join() would not do: interrupted, it may call a running thread dead."""
        self._running = -1
        """The stream a core's run() reads just now; -1 for none."""

    @property
    def state(self) -> SourceState:
        return self._state

    @property
    def left_out(self) -> int | None:
        """Events of estui's own noise that it left out so far; None where it leaves none out."""
        return None

    def knows(self, name: str) -> bool:
        """Whether it can send events of this type at all, once asked to."""
        return True

    def needs_terminal(self) -> bool:
        """Whether authorize() would ask something just now, so that it must have the real terminal."""
        return False

    def authorize(self) -> None:  # noqa: B027  most sources need none
        """Ask for the rights it needs on the terminal, which must be free; call it before start() or feed().

        Raises:
            SourceError: they were not given.
        """

    def before_screen(self) -> None:  # noqa: B027  most sources leave the keyboard alone
        """Leave standard input to the keyboard; call it before Textual's App is made.

        Raises:
            SourceError: there is no keyboard.
        """

    def start(self, core: Core) -> None:
        """Read in a thread of its own, which does nothing else; returns at once."""
        self._done = threading.Event()
        self._thread = threading.Thread(
            target=self._work, args=(core, self._done), name=f"estui {self.kind}", daemon=True
        )
        self._state = SourceState("running")
        self._thread.start()

    def feed(self, core: Core) -> Iterator[None]:
        """Read in the calling thread, giving it a turn after each chunk.

        A chunk is small enough that none of its rows has been evicted by the next one. After the last turn
        `state` says how it ended; nothing is raised. Call stop() if you leave early.
        """
        with self._attended(core):
            for _ in self._chunks(core):
                yield
                if self._halt.is_set():
                    break
        yield  # the end itself may have added rows

    def stop(self) -> None:
        """End it, wait for its thread within bounds, and free what it holds. Call it any number of times."""
        self._halt.set()
        deadline = time.monotonic() + STOP_SECONDS
        while self._thread and not self._done.wait(0.02) and time.monotonic() < deadline:
            self._interrupt()
        if self._thread is None or self._done.is_set():
            self._close()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has ended, at most `timeout` seconds. Returns whether it has."""
        return self._thread is None or self._done.wait(timeout)

    def restart(self, types: frozenset[str] | None = None) -> None:
        """Start a live source again with these event types, or all it knows; returns at once.

        Raises:
            SourceError: it cannot ("restart" is not in `controls`), or knows none of the types.
        """
        raise SourceError(f"{self.title} cannot be started again", "Quit, and open it anew", 2)

    def control(self, command: str, value: float | None = None) -> str:
        """Steer a paced source: "pause" and "loop" (1 on, 0 off, None the other way), "speed" (the factor),
        "step" (how many lines to let through, and then pause; None for one).

        Returns:
            What it does now, in words.

        Raises:
            ValueError: not one of `controls`, or a value that makes no sense.
        """
        raise ValueError(f"{self.title} has no {command}")

    @abstractmethod
    def _chunks(self, core: Core) -> Iterator[None]:
        """Put one chunk after the other into the core. Raises SourceError or OSError; what was read stays."""

    def _run(self, core: Core) -> None:
        """The thread's way through the source; those that have a faster one override it."""
        for _ in self._chunks(core):
            if self._halt.is_set():
                return

    def _interrupt(self) -> None:
        """Make a blocked thread look up; called again and again until it has."""
        if self._core and self._running >= 0:
            self._core.stop(self._running)

    def _close(self) -> None:  # noqa: B027  some hold nothing
        """Free descriptors and children; called at the end and by stop(), so possibly twice."""

    def _ending(self, core: Core) -> SourceState:
        """How it ended when nothing was raised."""
        if self._halt.is_set():
            return SourceState("ended", "stopped")
        return SourceState(*advice.at_end(core, self.title))

    def _drain(self, core: Core, stream: int, fd: int) -> None:
        """Let the core read `fd` to its end, or until stop(). Raises OSError."""
        self._running = stream
        if not self._halt.is_set() and (error := core.run(stream, fd)) > 0:
            raise OSError(error, os.strerror(error))
        self._running = -1

    def _work(self, core: Core, done: threading.Event) -> None:
        try:
            with self._attended(core):
                self._run(core)
        except Exception as error:  # a screen is open: nobody would see a traceback
            self._state = SourceState(
                "failed", printable(f"estui itself failed: {error!r}"), "Please report this", 1
            )
        finally:
            done.set()

    @contextmanager
    def _attended(self, core: Core) -> Iterator[None]:
        """Keep `state` right from begin to end, whichever way that comes."""
        self._core = core
        self._state = SourceState("running")
        try:
            yield
            self._state = self._ending(core)
        except SourceError as error:
            self._state = SourceState("failed", error.message, error.advice, _code(core, error.exit_code))
        except OSError as error:
            reason = f"{self.title} cannot be read: {error.strerror}"
            self._state = SourceState("failed", reason, "What came before was read", _code(core, 3))
        except BaseException:
            self._state = SourceState("ended", "stopped")
            raise
        finally:
            self._close()


def _code(core: Core, otherwise: int) -> int:
    """The exit code of a source that failed: it counts only when there was no event before."""
    return 0 if core.counters().events else otherwise


class Portions:
    """How much a core may be given at once so that all its rows are still held when their turn comes."""

    def __init__(self, core: Core) -> None:
        counters = core.counters()
        self.size = max(4096, min(CHUNK, counters.budget // 8))
        """Bytes."""
        rows = counters.budget // _RECORD
        self.lines = max(1, min(rows, counters.max_events or rows) // 4)
        """Lines; each makes at most three rows (a new run, a gap, and itself)."""

    def cut(self, data: bytes, offset: int = -1) -> Iterator[tuple[bytes, int]]:
        """Cut `data` into portions, each with its place in the file; `offset` is that of `data`, or -1."""
        if data.count(b"\n") <= self.lines or len(data) == 1:
            yield data, offset
            return
        middle = len(data) // 2
        yield from self.cut(data[:middle], offset)
        yield from self.cut(data[middle:], offset if offset < 0 else offset + middle)
