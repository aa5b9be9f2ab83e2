"""`estui run`: one command and its children, followed without root."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress

from estui.core import Core
from estui.events import NOTIFY
from estui.sources import follower
from estui.sources.follower import Follower, Strace, Streams, possible
from estui.sources.printed import Printed
from estui.sources.restartable import Restartable
from estui.sources.source import SourceError, SourceState
from estui.sources.stdin import pipe_chunks
from estui.text import nearest, printable

__all__ = ["RunSource", "possible"]

OWN_FAILURES = (125, 126, 127)
"""The exit codes of env(1) for failures that are not the command's: of its own, cannot be run, not there."""
ALL = "all"
"""What stands for every type that can be seen."""
_LAST_MOMENT = 2.0
"""Seconds between the last line and the end of what wrote it."""


class RunSource(Restartable):
    """The events of one command and its children.

    Args:
        command: the program and its arguments.
        failed: calls that failed, too, which are no events of ES and are marked (on Linux alone).
        types: event types by eslogger name, ALL for every one that can be seen; None for the usual ones.
        keep_terminal: the command gets estui's own standard streams, and stays where Ctrl-C reaches it.
        output_to_stderr: with `keep_terminal`, its standard output goes to estui's standard error.
        platform: the system, as `sys.platform` names it.

    Raises:
        SourceError: there is no such command, or no way to follow one here, or a type is not known. Its exit code
            is that of env(1): 125 to 127.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        failed: bool = False,
        types: Sequence[str] | None = None,
        keep_terminal: bool = False,
        output_to_stderr: bool = False,
        platform: str = sys.platform,
    ) -> None:
        self._way = follower.kind(platform)
        super().__init__(f"run {command[0]}", self._way.types, self._way.usual)
        self._command = tuple(command)
        self.origin = "linux" if self._way is Strace else ""
        self._failed = failed
        self._keep = keep_terminal
        self._to_stderr = output_to_stderr
        if types and list(types) == [ALL]:
            types = sorted(self._way.types)
        for name in types or ():
            if name not in self._way.types:
                raise _unknown(name, self._way.types)
        if types:
            self.sends = frozenset(types)
        self.output = None if keep_terminal else Printed()
        self._way(self._command, self.sends, Streams())  # says at once what is wrong with the command
        self._follower: Follower | None = None
        self._runs = 0
        self.refused = 0
        """Why the command was not run, by env(1)'s exit codes; 0 where it was."""

    def authorize(self) -> None:
        follower.authorize(self._way)

    @property
    def left(self) -> int:
        """Processes that the command has left behind and that are still followed."""
        return self._follower.left if self._follower and self.exit_status is not None else 0

    @property
    def exit_status(self) -> int | None:  # type: ignore[override]
        return self._follower.status if self._follower else None

    @property
    def warning(self) -> str:
        """What there is to say of the last run besides, safe to print."""
        return self._follower.warning if isinstance(self._follower, Strace) else ""

    def tell(self) -> None:
        """Have what is followed end: the command, or what it has left behind."""
        if self._follower:
            threading.Thread(target=self._end, name="estui end", daemon=True).start()

    def _run(self, core: Core) -> None:
        for stream, lines in self._launches(core):
            self._drain(core, stream, lines)

    def _chunks(self, core: Core) -> Iterator[None]:
        for stream, lines in self._launches(core):
            yield from pipe_chunks(core, stream, lines)

    def _launches(self, core: Core) -> Iterator[tuple[int, int]]:
        """One run after the other, as long as more are asked for: each one's stream and descriptor.

        Raises:
            SourceError: the last one could not be.
        """
        again = True
        while again:
            error: SourceError | None = None
            try:
                run = self._launch(core)
                yield core.add_stream(owned=True), run.lines
                if not self._halt.is_set():
                    run.wait(_LAST_MOMENT)
                    error = run.refusal()
            except SourceError as failed:
                error = failed
            finally:
                if self._follower:
                    self._follower.close()  # first, or who writes may wait for us
                    self._follower.end()
                    self._follower.wait(0)
                again = self._once_more()
        if error:
            self.refused = error.exit_code if error.exit_code in OWN_FAILURES else OWN_FAILURES[0]
            raise error

    def _launch(self, core: Core) -> Follower:
        with self._lock:
            self._take_wanted()
            if self._runs:
                core.mark(f"{self._command[0]} was run again")
            self._runs += 1
            self.refused = 0
            self._follower = None
            streams, pipe = self._streams()
            run = self._way(self._command, self.sends, streams, failed=self._failed)
            try:
                run.start()
            except SourceError:
                run.close()
                raise
            self._follower = run
            if pipe >= 0:
                threading.Thread(target=self._listen, args=(pipe,), name="estui output", daemon=True).start()
        return run

    def _streams(self) -> tuple[Streams, int]:
        """The command's streams, and where its output is to be read; -1 for nowhere."""
        if self._keep:
            return Streams(stdout=2 if self._to_stderr else None), -1
        pipe, entry = os.pipe()
        return Streams(subprocess.DEVNULL, entry, entry, new_session=True), pipe

    def _listen(self, pipe: int) -> None:
        assert isinstance(self.output, Printed)
        with suppress(OSError):
            self.output.read(pipe)
        os.close(pipe)

    def _end(self) -> None:
        if self._follower:
            self._follower.end()

    def _ending(self, core: Core) -> SourceState:
        stays = self._follower and (self._follower.stays or (self._follower.alive and self._follower.pid))
        if stays:
            return SourceState("ended", f"{printable(self._command[0])} does not end", f"kill {stays}")
        if self._halt.is_set():
            return super()._ending(core)
        status = self.exit_status
        said = f"{printable(self._command[0])} ended with exit status {status}"
        if self.warning:
            said += f"; {self.warning}"
        return SourceState("ended", said, "", 0 if core.counters().events else 1)


def _unknown(name: str, known: frozenset[str]) -> SourceError:
    if name in NOTIFY:
        return SourceError(f"{name} cannot be seen here", "Leave it out of --types", 125)
    near = nearest(name, known)
    return SourceError(
        f"there is no event type {printable(name)}", f"Did you mean {near}?" if near else "", 125
    )
