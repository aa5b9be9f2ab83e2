"""TwinCore: streams in, rows, counts and verdicts out."""

from __future__ import annotations

import errno
import os
import select
import stat
import threading
from collections import Counter
from collections.abc import Sequence

from estui._twin.compare import TwinComparison
from estui._twin.cube import cube
from estui._twin.entries import hits_of
from estui._twin.judge import DELIVERED, Judge
from estui._twin.line import Columns, nanoseconds, read
from estui._twin.loss import MOST, STEADY, Tally
from estui._twin.own import Own
from estui._twin.ring import Ring
from estui._twin.row import At, Record, bare
from estui._twin.stream import Line, Stream
from estui._twin.view import Seqs, TwinView, find
from estui._twin.write import write, write_from
from estui.events import NOTIFY
from estui.record import (
    ALL_STAGES,
    BAD_CUT,
    BAD_JSON,
    BAD_LONG,
    BAD_REASONS,
    DEFAULT_BUDGET,
    KEPT_OF_LONG,
    KIND_BAD,
    KIND_EVENT,
    KIND_GAP,
    KIND_RUN,
    KIND_SEAM,
    UNKNOWN_EVENT,
    Counters,
    Cube,
    EventCount,
    Hits,
    Losses,
    PathRule,
    Place,
    ProcessRule,
    Row,
    RuleHits,
    Rules,
    ViewSpec,
    WhatIf,
    Wrote,
)

SHARED_ID = 65535
"""The event id of every unknown name seen after the other ids ran out."""
_FILE_READ = 1 << 20
_PIPE_READ = 1 << 16


class TwinCore:
    """A ring of Endpoint Security events read from eslogger-shaped JSON lines, for any number of threads."""

    name = "twin"

    def __init__(self, budget: int = DEFAULT_BUDGET, max_events: int = 0, tally: bool = False) -> None:
        self.lock = threading.Condition()
        """Held by every call while it looks at the ring; notified when a run() ends."""
        self.ring = Ring(budget, max_events)
        self.generation = 0
        self._longest = budget // 2
        self._streams: list[Stream] = []
        self._ids = {name: event.number for name, event in NOTIFY.items()}
        self._names = {event_id: name for name, event_id in self._ids.items()} | {SHARED_ID: ""}
        self._totals: Counter[int] = Counter()
        self._executables: Counter[str] | None = Counter() if tally else None
        self._lost, self._missing = Tally(), Tally()
        self._unknown = 0
        self._by_shard: dict[int, int] = {}
        self._bad = 0
        self._read_bytes = 0
        self._first_ns: int | None = None
        self._last_ns: int | None = None
        self._first_time: str | None = None
        self._last_time: str | None = None

    # What goes in

    def add_stream(self, *, owned: bool, fd: int = -1) -> int:
        """Begin a stream. With `fd` its lines stay in that file and are read back from it. Raises OSError."""
        with self.lock:
            source = Stream(len(self._streams), owned, os.dup(fd) if fd >= 0 else -1, self._longest)
            self._streams.append(source)
            return source.number

    def is_owned(self, stream: int) -> bool:
        """Whether gaps that come now are lost: estui started it, or the whole of a recording is being read."""
        with self.lock:
            return self._streams[stream].owned

    def run(self, stream: int, fd: int) -> int:
        """Read `fd` to its end (0), until stop() (-1), or until an error (its errno)."""
        source = self._streams[stream]
        try:
            # First of all, since a pipe of our own might get the number of a closed descriptor.
            size = _FILE_READ if stat.S_ISREG(os.fstat(fd).st_mode) else _PIPE_READ
            if source.fd >= 0:
                source.position = os.lseek(fd, 0, os.SEEK_CUR)
            with self.lock:
                awoken, source.wake = os.pipe()
            try:
                return self._read_all(source, fd, size, awoken)
            finally:
                with self.lock:
                    os.close(awoken)
                    os.close(source.wake)
                    source.wake = -1
                    self.lock.notify_all()
        except OSError as error:
            return error.errno or errno.EIO

    def stop(self, stream: int) -> None:
        """End the run() of a stream: the present one, and any later one as it begins."""
        with self.lock:
            source = self._streams[stream]
            source.stopped = True
            if source.wake >= 0:
                os.write(source.wake, b"\0")
            self.lock.notify_all()

    def ingest(self, stream: int, data: bytes, offset: int = -1) -> None:
        """Take bytes; `offset` is the place of the first in the stream's file, -1 where the last ended."""
        with self.lock:
            source = self._streams[stream]
            self.lock.wait_for(lambda: source.stopped or not self.ring.is_crowded)
            if offset >= 0:
                source.position = offset
            self._read_bytes += len(data)
            for line in source.split(data):
                self._add_line(source, line, self._read(line))

    def end(self, stream: int) -> None:
        """The stream has ended: what follows its last newline is a line too, cut if it is not JSON."""
        with self.lock:
            source = self._streams[stream]
            line = source.unfinished()
            if line.size:
                found = self._read(line)
                self._add_line(source, line, BAD_CUT if found == BAD_JSON else found)

    def break_line(self, stream: int) -> None:
        """The source was cut: what follows its last newline is a bad line."""
        with self.lock:
            source = self._streams[stream]
            line = source.unfinished()
            if line.size:
                self._add_line(source, line, BAD_LONG if line.size > self._longest else BAD_CUT)

    def mark(self, text: str) -> int:
        """Put a seam with these words into the list; return its seq."""
        with self.lock:
            return self.ring.append(bare(KIND_SEAM, -1, b"", event=self.ring.strings.hold(text)))

    def close(self) -> None:
        """Stop every run() and wait for it; give up the files. Nothing may follow."""
        with self.lock:
            for source in self._streams:
                self.stop(source.number)
            self.lock.wait_for(lambda: all(source.wake < 0 for source in self._streams))
            for source in self._streams:
                if source.fd >= 0:
                    os.close(source.fd)
                source.fd = -1

    def _read_all(self, source: Stream, fd: int, size: int, awoken: int) -> int:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        poll.register(awoken, select.POLLIN)
        while not source.stopped:
            poll.poll()
            if source.stopped:
                break
            try:
                data = os.read(fd, size)
            except BlockingIOError:
                continue
            if not data:
                self.end(source.number)
                return 0
            self.ingest(source.number, data)
        return -1

    def _read(self, line: Line) -> Columns | Own | int:
        return BAD_LONG if line.size > self._longest else read(line.text)

    def _add_line(self, source: Stream, line: Line, found: Columns | Own | int) -> None:
        """Append the rows of one line: the event or bad line, and what its numbers reveal before it."""
        source.lines += 1
        raw = line.text if source.fd < 0 else line.offset
        if isinstance(found, int):
            self._bad += 1
            self.ring.append(bare(KIND_BAD, source.number, raw, n=source.lines, reason=found, size=line.size))
            return
        if isinstance(found, Own):
            self._add_own(source, line.size, raw, found)
            return
        event_id = self._id_of(found.event)
        self._add_jump(source, event_id, found)
        self._totals[event_id] += 1
        if found.time_ns is not None:
            if self._first_ns is None or found.time_ns < self._first_ns:
                self._first_ns, self._first_time = found.time_ns, found.time
            if self._last_ns is None or found.time_ns > self._last_ns:
                self._last_ns, self._last_time = found.time_ns, found.time
        hold = self.ring.strings.hold
        executable = None if found.executable is None else hold(found.executable)
        if self._executables is not None and executable is not None:
            self._executables[executable] += 1
        self.ring.append(
            (
                KIND_EVENT,
                source.number,
                source.lines,
                self._hold_name(event_id, found.event),
                event_id,
                found.event_type,
                found.time,
                found.time_ns,
                found.seq_num,
                found.global_seq_num,
                found.pid,
                found.pidversion,
                found.euid,
                found.ppid,
                executable,
                None if found.signing_id is None else hold(found.signing_id),
                tuple(map(hold, found.targets)),
                0,
                0,
                0,
                line.size,
                found.instigator,
                raw,
                found.shard,
                False,
                False,
            )
        )

    def _add_own(self, source: Stream, size: int, raw: bytes | int, own: Own) -> None:
        """Append the row of a line of estui's own, and do what it says."""
        lost = own.what == "loss"
        if lost:
            self._unknown += own.unknown
            self._lost.count(own.lost)
            self._count_shard(own.shard, own.lost)
        else:
            self._count_shard(own.shard, 0)
            source.begin_anew(own.shard)
        if own.what == "recording":
            source.owned = source.started or own.whole
        self.ring.append(
            bare(
                KIND_GAP if lost else KIND_SEAM,
                source.number,
                raw,
                n=source.lines,
                event=self.ring.strings.hold(own.words) if own.words else "",
                time=own.time,
                time_ns=None if own.time is None else nanoseconds(own.time),
                gap_global=own.lost if lost else 0,
                size=size,
                shard=own.shard,
                owned=lost,
                unknown=lost and own.unknown,
            )
        )

    def _count_shard(self, shard: int | None, lost: int) -> None:
        if shard is not None:
            self._by_shard[shard] = min(MOST, self._by_shard.get(shard, 0) + lost)

    def _add_jump(self, source: Stream, event_id: int, found: Columns) -> None:
        own_id = None if event_id == SHARED_ID else event_id
        jump = source.numbers(found.shard).see(own_id, found.seq_num, found.global_seq_num)
        self._count_shard(found.shard, jump.gap_global)
        if jump is STEADY:
            return
        (self._lost if source.owned else self._missing).add(event_id, jump)
        raw: bytes | int = b"" if source.fd < 0 else 0
        time, time_ns, shard = found.time, found.time_ns, found.shard
        if jump.new_run:
            self.ring.append(bare(KIND_RUN, source.number, raw, time=time, time_ns=time_ns, shard=shard))
        if jump.row:
            self.ring.append(
                bare(
                    KIND_GAP,
                    source.number,
                    raw,
                    event=self._hold_name(event_id, found.event) if jump.gap_type else "",
                    event_id=event_id if jump.gap_type else -1,
                    time=time,
                    time_ns=time_ns,
                    gap_global=jump.gap_global,
                    gap_type=jump.gap_type,
                    shard=shard,
                    owned=source.owned,
                )
            )

    def _id_of(self, name: str) -> int:
        event_id = self._ids.get(name)
        if event_id is None:
            unknown = UNKNOWN_EVENT + len(self._ids) - len(NOTIFY)
            if unknown >= SHARED_ID:
                return SHARED_ID
            self._ids[name] = event_id = unknown
            self._names[event_id] = name
        return event_id

    def _hold_name(self, event_id: int, name: str) -> str:
        return self._names[event_id] if event_id < UNKNOWN_EVENT else self.ring.strings.hold(name)

    # What is there

    def counters(self) -> Counters:
        """Where the ring stands."""
        with self.lock:
            ring = self.ring
            delivered, subscription, process, path, target_path = ring.by_stage
            return Counters(
                head=ring.head,
                tail=ring.tail,
                lines=sum(source.lines for source in self._streams),
                events=self._totals.total(),
                bad=self._bad,
                evicted=ring.evicted,
                held_events=ring.held_events,
                delivered=delivered,
                suppressed=ring.held_events - delivered,
                by_stage=(delivered, subscription, process, path, target_path),
                held_bytes=ring.held_bytes,
                string_bytes=ring.strings.bytes,
                budget=ring.budget,
                memory=ring.memory,
                max_events=ring.max_events,
                generation=self.generation,
                read_bytes=self._read_bytes,
                first_ns=self._first_ns,
                last_ns=self._last_ns,
                first_time=self._first_time,
                last_time=self._last_time,
            )

    def row(self, seq: int) -> Row | None:
        """The row with that seq; None when it is not held."""
        with self.lock:
            record = self.ring.get(seq)
            return None if record is None else self._row(seq, record, self.ring.stage(seq))

    def rows(self, lo: int, hi: int) -> list[Row]:
        """The rows held from `lo` up to `hi`, which is left out."""
        with self.lock:
            return [self._row(*item) for item in self.ring.scan(lo, hi)]

    def raw(self, seq: int) -> bytes | None:
        """The line of a row; None when it is not held, is no line, or is no longer in its file."""
        with self.lock:
            record = self.ring.get(seq)
            return None if record is None else self.line_of(record)

    def line_of(self, record: Record) -> bytes | None:
        """The same for a row already found, under the lock."""
        if not record[At.N]:
            return None
        place: bytes | int = record[At.RAW]
        if isinstance(place, bytes):
            return place
        size = min(record[At.SIZE], KEPT_OF_LONG) if record[At.REASON] == BAD_LONG else record[At.SIZE]
        try:
            line = os.pread(self._streams[record[At.STREAM]].fd, size, place)
        except OSError:
            return None
        return line if len(line) == size else None

    def write_from(self, seq: int) -> Place:
        """Where to write() from: the row with that seq, or the oldest that is held."""
        return write_from(self, seq)

    def write(
        self, fd: int, at: Place, upto: int, stages: int = ALL_STAGES, limit: int | None = None
    ) -> Wrote:
        """Write the raw lines of rows from `at.next` on, up to, not with, `upto`, and move `at`; see core.Core."""
        return write(self, fd, at, upto, stages, limit)

    def hold(self, seq: int | None, *, drop: bool = False) -> None:
        """Let no row from `seq` on go before write() has written it; with `drop`, let others go at once."""
        with self.lock:
            self.ring.hold_from(seq)
            self.ring.hold_drops = drop
            self.lock.notify_all()

    def events(self) -> list[EventCount]:
        """Counts of each event type seen, by event id."""
        with self.lock:
            return [
                EventCount(
                    self._names[event_id],
                    event_id,
                    total,
                    self.ring.held_by_id[event_id],
                    self.ring.suppressed_by_id[event_id],
                )
                for event_id, total in sorted(self._totals.items())
            ]

    def losses(self) -> Losses:
        """Events the numbers say were there and the streams did not carry."""
        with self.lock:
            lost, missing = (
                {self._names[event_id]: count for event_id, count in tally.by_type.items()}
                for tally in (self._lost, self._missing)
            )
            by_shard = dict(sorted(self._by_shard.items()))
            return Losses(self._lost.all, lost, self._missing.all, missing, self._unknown, by_shard)

    def executables(self) -> dict[str, int]:
        """Events by executable over the whole of all streams, where the core was opened with `tally`."""
        with self.lock:
            return dict(self._executables or {})

    def exited(self, pid: int, pidversion: int) -> bool:
        """Whether an `exit` event of that process is held."""
        with self.lock:
            return (pid, pidversion) in self.ring.exits

    # Muting

    def judge(self, rules: Rules) -> None:
        """Judge every event held, and all to come, under these rules."""
        with self.lock:
            self.ring.apply(rules)
            self.generation += 1

    def whatif(self, rules: Rules) -> WhatIf:
        """What these rules would do to the events held."""
        judge = Judge(rules)
        events = suppressed = newly_suppressed = newly_delivered = 0
        with self.lock:
            for _, record, stage in self.ring.events():
                then = judge.stage(record)
                events += 1
                suppressed += then != DELIVERED
                newly_suppressed += stage == DELIVERED and then != DELIVERED
                newly_delivered += stage != DELIVERED and then == DELIVERED
        return WhatIf(events, suppressed, newly_suppressed, newly_delivered)

    def hits(self, rule: PathRule | ProcessRule) -> Hits:
        """The events held that one rule matches, whatever their verdict."""
        count, last, last_ns = 0, -1, None
        with self.lock:
            for seq, record, _ in self.ring.events():
                if self.ring.judge.matches(rule, record):
                    count, last, last_ns = count + 1, seq, record[At.TIME_NS]
        return Hits(count, last, last_ns)

    def compare(self, now: Rules, then: Rules, top: int) -> TwinComparison:
        """Two sets of rules side by side, with at most `top` groups of a kind."""
        with self.lock:
            return TwinComparison(self.ring.events(), self._names.__getitem__, (now, then), top)

    def hits_of(self, rules: Rules, idle: Sequence[PathRule | ProcessRule] = ()) -> list[RuleHits]:
        """What each rule does: the paths, the processes, and the idle ones, which count hits and decide nothing."""
        with self.lock:
            return hits_of(self.ring.events(), rules, idle)

    def cube(self, rules: Rules, least: int) -> Cube:
        """What these rules deliver of the events held, in groups; see record.Cube."""
        with self.lock:
            return cube(self.ring.events(), Judge(rules), max(least, 1))

    # Views

    def view(self, spec: ViewSpec) -> TwinView:
        """The rows that `spec` shows, kept up by extend()."""
        return TwinView(self, spec)

    def find(
        self, needle: str, start: int, step: int, limit: int, view: Seqs | None = None
    ) -> tuple[int, int]:
        """Look for text from row `start` on, forwards (+1) or backwards (-1), at `limit` rows at most.

        Returns the seq found or -1, and the seq to go on from or -1 at the end. It looks in the event name,
        executable, targets, signing id, pid and raw line; ASCII case is ignored when `needle` is lower case.
        """
        with self.lock:
            seqs = range(self.ring.tail, self.ring.head) if view is None else view
            return find(self, seqs, needle, start, step=step, limit=limit)

    def _row(self, seq: int, record: Record, stage: int) -> Row:
        if record[At.KIND] == KIND_GAP:
            owned = record[At.OWNED]
        else:
            owned = record[At.STREAM] < 0 or self._streams[record[At.STREAM]].owned
        gaps = record[At.GAP_GLOBAL], record[At.GAP_TYPE]
        reason = BAD_REASONS[record[At.REASON]]
        ending = record[At.SIZE], record[At.UNKNOWN], record[At.SHARD]
        return Row._make((seq, *record[: At.GAP_GLOBAL], stage, *gaps, owned, reason, *ending))
