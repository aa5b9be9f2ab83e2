"""Live sources whose run can be ended and begun again with other event types."""

from __future__ import annotations

import threading
from abc import abstractmethod

from estui.core import Core
from estui.sources.source import Source, SourceError


class Restartable(Source):
    """A live source that runs again whenever restart() says so; one thread at a time looks after its runs.

    Args:
        title: what it is called, in words too.
        known: every event type it can send.
        sends: those to start with.
    """

    kind = "live"
    live = True
    can_resubscribe = True
    controls = frozenset(("restart",))
    sends: frozenset[str]

    def __init__(self, title: str, known: frozenset[str], sends: frozenset[str]) -> None:
        super().__init__(title)
        self._known = known
        self.sends = sends
        self._lock = threading.RLock()
        self._busy = False
        """Whether a thread is looking after a run, and will look at `_wanted` before it ends."""
        self._begun = False
        """Whether it was tried to begin a run."""
        self._wanted: frozenset[str] | None = None
        """The types of a run that has not begun."""

    def knows(self, name: str) -> bool:
        """Whether it can send events of this type at all, once asked to."""
        return name in self._known

    def restart(self, types: frozenset[str] | None = None) -> None:
        """Begin again with these types, as far as it knows them; None for all it knows."""
        wanted = self._known if types is None else self._known & types
        if not wanted:
            raise SourceError(
                f"{self.title} knows none of these event types", "Subscribe to some of its own", 2
            )
        with self._lock:
            self._wanted = wanted
            if self._busy:
                threading.Thread(target=self._end, name="estui restart", daemon=True).start()
            elif self._begun and self._core and not self._halt.is_set():
                self._busy = True
                before, self._done = self._done, threading.Event()
                self._thread = threading.Thread(
                    target=self._work_after,
                    args=(before, self._core, self._done),
                    name="estui live",
                    daemon=True,
                )
                self._thread.start()

    @abstractmethod
    def _end(self) -> None:
        """End the present run, if there is one, and wait for that."""

    def _take_wanted(self) -> None:
        """A run begins: with the types of the last restart()."""
        with self._lock:
            self._busy = self._begun = True
            if self._wanted:
                self.sends, self._wanted = self._wanted, None

    def _once_more(self) -> bool:
        """A run has ended: whether another one was asked for."""
        with self._lock:
            self._busy = self._wanted is not None and not self._halt.is_set()
            return self._busy

    def _work_after(self, before: threading.Event, core: Core, done: threading.Event) -> None:
        before.wait()
        self._work(core, done)

    def _close(self) -> None:
        self._end()
