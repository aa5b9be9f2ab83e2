"""A recording: the raw lines of a ring, written to a file as they come, and what the numbers in them do not show.

    {"estui":"recording","version":1,"source":"eslogger","time":"…Z","whole":true}   the first line of every file
    {"estui":"loss","time":"…Z","lost":12,"why":"…"}                                 lost, and not to be seen otherwise
    {"estui":"mark","time":"…Z","words":"…"}                                         numbers begin anew behind it

The lines of the events stand between these byte for byte, and so do bad lines. The file being written is always the one
that was named, plain, and whole up to its last newline. It can be put away when it is large or old enough: what was
FILE.jsonl is FILE-20260501T093000Z.jsonl then, by the time it was begun, and has .gz behind it once it is packed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import select
import stat
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from estui.archive import Archive, sync, sync_directory
from estui.message import loads
from estui.record import (
    ALL_STAGES,
    DELIVERED_ONLY,
    KIND_GAP,
    KIND_SEAM,
    WROTE_ERROR,
    WROTE_GONE,
    WROTE_LIMIT,
    WROTE_ROW,
    Row,
)
from estui.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from estui.core import Core

INTERVAL = 0.05
"""Seconds between two looks at the ring while little comes."""
FELL_BEHIND = "events went faster than they could be recorded"
JUMPED = "the sequence numbers jumped"
_PACKED = (".gz", ".zst", ".xz", ".bz2")
"""Endings that the name of a plain file should not have."""
_LOOKED_AT = 64
"""Rows looked at for one that tells whose stream it is."""
_UNSUBSCRIBED = 1 << 1
"""The bit of the stage of events of types not subscribed to."""
_NO_ROOM = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


class RecordingError(Exception):
    """A file that cannot be recorded to: a sentence, the remedy, and the exit code. Both texts are safe to print."""

    def __init__(self, message: str, advice: str = "", exit_code: int = 3, number: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.exit_code = exit_code
        self.errno = number
        """What the system said; 0 where it was not asked."""


class Recording:
    """A file, or one after the other, that follows a ring.

    Call step() now and then from one thread, or start() once for a thread that does. The figures may be read from any
    thread. Close it before the core.

    Args:
        core: the ring.
        path: a file that is not there yet, or a pipe or device; None for standard output.
        source_title: what the first line names as the source.
        delivered: only events that the core's rules deliver.
        subscribed: only events of types that the core's rules subscribe to.
        whole: nothing was left out on the way into the ring. (Of streams that estui did not start nobody knows.)
        rotate_bytes: the file is put away before it would grow past this.
        rotate_seconds: the file is put away when it is so old, whatever the clock does meanwhile.
        keep_bytes: a bound on all files together; the oldest that this recording has put away goes first.
        compress: pack files that were put away.
        start: the first seq to record; None for what comes from now on.
        clock: seconds, for the age of a file.

    Raises:
        RecordingError: the file is there already, or cannot be made.
    """

    def __init__(
        self,
        core: Core,
        path: str | os.PathLike[str] | None,
        *,
        source_title: str,
        delivered: bool = False,
        subscribed: bool = False,
        whole: bool = True,
        rotate_bytes: int | None = None,
        rotate_seconds: float | None = None,
        keep_bytes: int | None = None,
        compress: bool = True,
        start: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = None if path is None else Path(path)
        self.title = "standard output" if self.path is None else printable(str(self.path))
        self.events = 0
        """Events written."""
        self.bytes = 0
        """Bytes written, as they were before packing."""
        self.files = 1
        """Files written to so far."""
        self.gone = 0
        """Events that went before they could be written."""
        self.failure: RecordingError | None = None
        """Why it ended early."""
        self._core = core
        self._source = source_title
        self._stages = (
            DELIVERED_ONLY if delivered else ALL_STAGES & ~_UNSUBSCRIBED if subscribed else ALL_STAGES
        )
        self._whole = whole and self._stages == ALL_STAGES
        if keep_bytes is not None:  # one file alone must not take what is for all of them
            rotate_bytes = min(rotate_bytes or keep_bytes, max(1, keep_bytes // 2))
        self._rotate_bytes, self._rotate_seconds = rotate_bytes, rotate_seconds
        self._clock = clock
        self._halt = threading.Event()
        self._idle = threading.Event()
        """Set while no thread follows the ring. Thread.join(), interrupted, may call a running thread dead."""
        self._idle.set()
        self._followed = False
        """Whether a thread of its own writes, and not whoever calls step()."""
        self._closed = False
        self._size = self._header = 0
        """Bytes of the current file up to its last whole line, and those of its first line alone."""
        self._base = 0
        """Where in it the recording begins."""
        rotates = bool(rotate_bytes or rotate_seconds)
        self._fd = self._open(rotates)
        self._regular = stat.S_ISREG(os.fstat(self._fd).st_mode)
        self._archive = Archive(self.path, keep_bytes, compress=compress) if self.path and rotates else None
        self._opened, self._begun = clock(), datetime.now(UTC)
        self._at = core.write_from(core.counters().head if start is None else start)
        self._before = self._at.passed_lost
        self._unknown = core.losses().unknown
        self._left = 0

    # Figures

    @property
    def lost(self) -> int:
        """Events that should be in it and are not: lost before they came, or gone before they were written."""
        return self._at.passed_lost - self._before + self.gone

    @property
    def unknown(self) -> int:
        """Losses besides, of which nobody knows how many events they were."""
        return self._unknown if self._closed else self._core.losses().unknown - self._unknown

    @property
    def delivered(self) -> int:
        """Events that the core's rules delivered, written or not."""
        return self._at.delivered

    @property
    def unrecorded(self) -> int:
        """Events that came and are not written yet, or never will be."""
        return self._left if self._closed else max(0, self._core.counters().events - self._at.passed)

    @property
    def error(self) -> str:
        """Why it ended early, safe to print; empty while it goes well."""
        return self.failure.message if self.failure else ""

    @property
    def trouble(self) -> str:
        """What went wrong with a file that was put away, safe to print. It is whole all the same."""
        return self._archive.trouble if self._archive else ""

    # Following the ring

    def start(self, interval: float = INTERVAL, *, drop: bool = False) -> None:
        """Follow the ring in a thread of its own, which reads no further than half a ring ahead of it.

        Args:
            interval: seconds between two looks while little comes.
            drop: rows that were written may go, since nobody else looks at the ring.
        """
        self._core.hold(self._at.next, drop=drop)
        self._idle.clear()
        self._followed = True
        threading.Thread(target=self._follow, args=(interval,), name="estui recording", daemon=True).start()

    def step(self) -> None:
        """Write all that came since.

        Raises:
            RecordingError: it cannot be written. The file is whole lines up to there, and nothing will follow.
        """
        if self.failure:
            raise self.failure
        try:
            upto = self._core.counters().head
            while self._at.next < upto:
                self._write(upto)
            self._look_at_the_clock()
        except OSError as error:
            self._fail(error)

    def close(self) -> None:
        """Take in the rest, put it on the disk, and wait until all that was put away is packed.

        Interrupted, it leaves things as they are: the file is whole lines, and what is not packed stays plain.

        Raises:
            RecordingError: the rest cannot be written. It is closed all the same.
        """
        if self._closed:
            return
        self._halt.set()
        try:
            while not self._idle.wait(0.2):  # Ctrl-C comes through in between
                pass
        except BaseException:
            self._closed = True
            raise
        try:
            if not self.failure:
                if not self._followed:
                    self.step()
                self._finish()
        finally:
            self._core.hold(None)
            self._left, self._unknown = self.unrecorded, self.unknown
            self._closed = True
            if self.path is not None:
                os.close(self._fd)
            if self._archive:
                self._archive.close()

    def discard(self) -> None:
        """Take the file away if no more than its first line is in it; close it before."""
        if self.path is not None and self._regular and self.files == 1 and self.bytes == self._header:
            self.path.unlink(missing_ok=True)

    def _follow(self, interval: float) -> None:
        busy = self._core.counters().budget // 16
        try:
            while not self._halt.is_set():
                before = self.bytes
                self.step()
                if self.bytes - before < busy:
                    self._halt.wait(interval)
            # The rest, too, is written here: whoever waits for it in close() can be interrupted.
            self.step()
        except RecordingError:
            pass  # it is kept in `failure`
        except Exception as error:  # nobody would see a traceback, and nobody would know that it ended
            words = printable(f"estui itself failed: {error!r}")
            self.failure = RecordingError(words, "Please report this", 1)
        finally:
            self._core.hold(None)
            self._idle.set()

    def _finish(self) -> None:
        """Raises RecordingError."""
        try:
            if not self._header:
                self._begin()
            if self._regular:
                sync(self._fd)
            if self.path is not None and self._regular:
                with contextlib.suppress(OSError):
                    sync_directory(self.path.parent)
        except OSError as error:
            self._fail(error)

    def _write(self, upto: int) -> None:
        """Write what comes next: lines, or the row behind them that needs one of ours. Raises OSError."""
        if not self._header:
            self._begin()
        room = None if self._rotate_bytes is None else max(0, self._rotate_bytes - self._size)
        stop = self._write_lines(upto, room)
        if stop == WROTE_LIMIT:
            if self._size > self._header:
                self._rotate()
            else:  # a line longer than a file may be gets one of its own
                self._write_lines(self._at.next + 1, None)
        elif stop == WROTE_ROW:
            self._write_row(self._core.row(self._at.next))

    def _write_lines(self, upto: int, room: int | None) -> int:
        """Let the core write, and say why it stopped. Raises OSError."""
        wrote = self._core.write(self._fd, self._at, upto, self._stages, room)
        self._size += wrote.bytes
        self.bytes += wrote.bytes
        self.events += wrote.events
        if wrote.stop == WROTE_ERROR:
            raise OSError(wrote.error, os.strerror(wrote.error))
        if wrote.stop == WROTE_GONE and (wrote.gone or wrote.gone_lost):
            self.gone += wrote.gone
            self._at.shown = 0
            self._put("mark", words=FELL_BEHIND)
            self._put("loss", lost=wrote.gone + wrote.gone_lost, why=FELL_BEHIND)
        return wrote.stop

    def _write_row(self, row: Row | None) -> None:
        """Write the line that a row needs, and pass it. Raises OSError."""
        if row is None:
            return  # evicted just now, as the next look will find
        at = self._at
        if row.kind == KIND_GAP:
            shard = {} if row.shard is None else {"shard": row.shard}
            self._put("loss", lost=row.gap_global, why=JUMPED, **shard)
            at.passed_lost += row.gap_global
        elif row.kind == KIND_SEAM:
            raw = self._core.raw(row.seq) if row.n else None
            if raw is not None and (self._whole or loads(raw)["estui"] == "mark"):
                self._put_line(raw + b"\n")
            else:
                self._put("mark", words=row.event)
            at.shown = 0 if row.shard is None else at.shown & ~(1 << row.shard)
        at.next += 1

    # The file

    def _open(self, rotates: bool) -> int:
        """Raises RecordingError."""
        no_file = RecordingError(f"{self.title} cannot be rotated", "Name a file to record to", 2)
        if self.path is None:
            if rotates:
                raise no_file
            if stat.S_ISREG(os.fstat(1).st_mode):
                appends = fcntl.fcntl(1, fcntl.F_GETFL) & os.O_APPEND
                self._base = os.fstat(1).st_size if appends else os.lseek(1, 0, os.SEEK_CUR)
            return 1
        try:
            if self.path.suffix in _PACKED:
                raise RecordingError(
                    f"{self.title}: the file being recorded is plain",
                    f"Leave out {self.path.suffix}; files that --rotate puts away are packed",
                    2,
                )
            with contextlib.suppress(FileNotFoundError):
                mode = self.path.stat().st_mode
                if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
                    if rotates:
                        raise no_file
                    return os.open(self.path, os.O_WRONLY)
            # For reading too: packing reads it back.
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise RecordingError(f"{self.title} is there already", "Name a file that is not", 2) from None
        except OSError as error:
            raise RecordingError(
                f"{self.title} cannot be made: {error.strerror}", number=error.errno or 0
            ) from None
        except ValueError:
            raise RecordingError(f"{self.title} is no name for a file", "", 2) from None

    def _begin(self) -> None:
        """Write the first line. Raises OSError."""
        self._put_line(self._first_line())
        self._header = self._size

    def _first_line(self) -> bytes:
        whole = self._whole and self._is_owned()
        return _line("recording", self._when(), version=1, source=self._source, whole=whole)

    def _is_owned(self) -> bool:
        """Whether the stream that comes next is estui's own, so that its gaps are losses."""
        begin = self._at.next
        for row in self._core.rows(begin, min(begin + _LOOKED_AT, self._core.counters().head)):
            if row.stream >= 0:
                return self._core.is_owned(row.stream)
        return True

    def _when(self) -> str:
        """The time of what comes next, by the clock of the events: that of this machine may be another."""
        counters = self._core.counters()
        for row in self._core.rows(self._at.next, min(self._at.next + _LOOKED_AT, counters.head)):
            if row.time_ns is not None and row.time is not None:
                return row.time
        return counters.last_time or datetime.now(UTC).isoformat(timespec="microseconds").replace(
            "+00:00", "Z"
        )

    def _put(self, what: str, **members: Any) -> None:
        """Write a line of estui's own. Raises OSError."""
        line = _line(what, self._when(), **members)
        if self._rotate_bytes and self._size + len(line) > self._rotate_bytes and self._size > self._header:
            self._rotate()
        self._put_line(line)

    def _put_line(self, line: bytes) -> None:
        """Write a line. Raises OSError."""
        with memoryview(line) as view:
            done = 0
            while done < len(line):
                try:
                    done += os.write(self._fd, view[done:])
                except BlockingIOError:
                    select.select([], [self._fd], [])
        self._size += len(line)
        self.bytes += len(line)

    def _look_at_the_clock(self) -> None:
        """Put the file away when it is old enough, and others when they are too many. Raises OSError."""
        if self._rotate_seconds:
            if self._size <= self._header:
                self._opened = self._clock()
            elif self._clock() - self._opened >= self._rotate_seconds:
                self._rotate()
        if self._archive:
            self._archive.keep(self._size)

    def _rotate(self) -> None:
        """Put the file away and begin another, which is there with its first line at once. Raises OSError."""
        assert self._archive is not None
        assert self.path is not None
        old = self._fd, self._size, self._header, self._begun
        self._fd, name = tempfile.mkstemp(prefix=".estui-", dir=self.path.parent)
        fresh = Path(name)
        try:
            self._size = 0
            self._begin()
            self._archive.replace(old[0], old[1], old[3], fresh)
        except OSError:
            os.close(self._fd)
            fresh.unlink(missing_ok=True)
            self._fd, self._size, self._header, _ = old
            raise
        self._at.shown = 0
        self._opened, self._begun = self._clock(), datetime.now(UTC)
        self.files += 1
        self._archive.keep(self._size)

    def _fail(self, error: OSError) -> None:
        """End it: the file keeps its whole lines. Raises RecordingError."""
        if self._regular:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._base + self._size)
                os.fsync(self._fd)
        advice = "All that came before is in it, up to its last whole line"
        if error.errno in _NO_ROOM:
            advice += "; make room, and record to another file"
        self.failure = RecordingError(
            f"{self.title} cannot be written: {error.strerror}", advice, number=error.errno or 0
        )
        raise self.failure from None


def _line(what: str, when: str, **members: Any) -> bytes:
    """A line of estui's own, which keeps bytes that are not UTF-8 as they are."""
    text = json.dumps({"estui": what, "time": when, **members}, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogateescape") + b"\n"
