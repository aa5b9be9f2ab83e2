"""The one door to the core: `open_core()` gives the native one, or its twin in plain Python.

ESTUI_CORE=native|twin chooses; without it the native core is taken where it was built.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from struct import Struct
from typing import TYPE_CHECKING, Any, Protocol

from estui.comparison import CoreComparison, NativeComparison
from estui.events import EVENT_TYPES, INSTIGATOR_EVENTS, NOTIFY, PETITIONER_EVENTS
from estui.message import Message, str_column
from estui.record import (
    ALL_STAGES,
    BAD_REASONS,
    DEFAULT_BUDGET,
    UNSHARDED,
    Cell,
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
    Volume,
    WhatIf,
    Wrote,
)

try:
    from estui import _native
except ImportError as error:
    NATIVE_ERROR = str(error)
    """Why there is no native core; empty where there is one."""
else:
    NATIVE_ERROR = ""

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class CoreView(Protocol):
    """The rows one looks at. Positions stay true until the next extend() or set()."""

    @property
    def dropped(self) -> int:
        """Rows that have left at the front since the view was made or set."""

    def __len__(self) -> int: ...
    def __getitem__(self, position: int) -> int:
        """The seq of the row at a position. Raises IndexError."""

    def index(self, seq: int) -> int:
        """The position of the first row at or after seq; len() when there is none."""

    def extend(self) -> None:
        """Take in new rows and let go of evicted ones; build anew where verdicts decide and have changed."""

    def set(self, spec: ViewSpec) -> None:
        """Show other rows; they are there after the next extend()."""

    def seek_time(self, ns: int) -> int:
        """The position of the first event at or after a time (ns since 1970); len() when there is none."""


class Core(Protocol):
    """A ring of events, and all that is asked of it. Any thread may call; a stream has one writer."""

    name: str

    def add_stream(self, *, owned: bool, fd: int = -1) -> int:
        """A new stream. owned: its gaps are lost, not missing. fd: its lines stay in that file."""

    def is_owned(self, stream: int) -> bool:
        """Whether gaps that come now are lost: estui started it, or the whole of a recording is being read."""

    def run(self, stream: int, fd: int) -> int:
        """Read fd until its end (0), stop() (-1) or an error (errno). An unfinished last line is a line."""

    def stop(self, stream: int) -> None:
        """Make run() return."""

    def ingest(self, stream: int, data: bytes, offset: int = -1) -> None:
        """Take bytes cut anywhere; offset is the place of data[0] in an indexed stream's file."""

    def end(self, stream: int) -> None:
        """The stream is at its end: what is pending is a line."""

    def break_line(self, stream: int) -> None:
        """The stream was cut: what is pending is a bad line."""

    def mark(self, text: str) -> int:
        """Add a seam to the list; its seq."""

    def counters(self) -> Counters: ...
    def row(self, seq: int) -> Row | None:
        """One row, or None when it is not held."""

    def rows(self, lo: int, hi: int) -> list[Row]:
        """The rows held from lo up to, not with, hi."""

    def write_from(self, seq: int) -> Place:
        """Where to write() from: the row with that seq, or the oldest that is held."""

    def write(
        self, fd: int, at: Place, upto: int, stages: int = ALL_STAGES, limit: int | None = None
    ) -> Wrote:
        """Write the raw lines of rows from `at.next` on, up to, not with, `upto`, each with a newline, and move `at`.

        These are bad lines, lines that say what was lost, and the events of these stages, in at most `limit` bytes.
        Rows that are no line are passed where the numbers of what is written show them: runs, gaps of a stream that
        estui did not start or of one type alone, and, when all stages are written, gaps behind a numbered event of
        the same shard. Every other such row stops it, and every seam.
        """

    def hold(self, seq: int | None, *, drop: bool = False) -> None:
        """Let no row from `seq` on go unseen: run() and ingest() wait while such rows fill half the budget.

        What write() has written is held no longer; with `drop` it goes as soon as it can. None ends the hold. Whoever
        holds rows writes in another thread than the one that reads the source.
        """

    def raw(self, seq: int) -> bytes | None:
        """The row's line without its newline; None when it is no line, evicted, or gone from its file."""

    def events(self) -> list[EventCount]: ...
    def losses(self) -> Losses: ...
    def executables(self) -> dict[str, int]:
        """Events per executable over the whole stream, for a core opened with tally."""

    def exited(self, pid: int, pidversion: int) -> bool:
        """Whether an exit event of that process is held."""

    def judge(self, rules: Rules) -> None:
        """Judge every event held and every one to come by these rules."""

    def whatif(self, rules: Rules) -> WhatIf: ...
    def hits(self, rule: PathRule | ProcessRule) -> Hits:
        """Events held that this rule alone matches."""

    def compare(self, now: Rules, then: Rules, top: int) -> CoreComparison:
        """Two sets of rules side by side, with at most `top` groups of a kind."""

    def hits_of(self, rules: Rules, idle: Sequence[PathRule | ProcessRule] = ()) -> list[RuleHits]:
        """What each rule does: the paths, the processes, and the idle ones, which count hits and decide nothing."""

    def cube(self, rules: Rules, least: int) -> Cube:
        """What these rules deliver of the events held, in groups; see record.Cube."""

    def view(self, spec: ViewSpec) -> CoreView: ...
    def find(
        self, needle: str, start: int, step: int, limit: int, view: CoreView | None = None
    ) -> tuple[int, int]:
        """The first row from start on, going by step, that contains needle: (its seq or -1, where to go on or -1)."""

    def close(self) -> None:
        """Give all memory back. Nothing may be asked after."""


_ROLES = {name: 2 if name in PETITIONER_EVENTS else 1 for name in INSTIGATOR_EVENTS}
_FLAGS = {"invert_process": 1, "invert_path": 2, "invert_target": 4, "instigator_votes": 8}
_FIELDS = {"event": 0, "process": 1, "executable": 2, "target": 3}
_EVENT_NAMES = {event.number: name for name, event in NOTIFY.items()}
_EVENT_TYPE, _SEQ_NUM, _GLOBAL_SEQ_NUM, _PID, _PIDVERSION, _EUID, _PPID = range(7)
_NO_TIME = -(1 << 63)
_NO_LIMIT = (1 << 64) - 1
_SHARDS = (1 << UNSHARDED) - 1
_CELL = Struct("@QQQIIII")
"""An es_cell."""
_RULE_HITS = Struct("@5Q3q")
"""An es_rule_hits."""


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _iso(ns: int) -> str:
    """The one way eslogger writes a time, from its nanoseconds."""
    seconds, fraction = divmod(ns, 1_000_000_000)
    days, second = divmod(seconds, 86400)
    # Howard Hinnant's civil_from_days, for dates from 1970 on: datetime would cost five times as much a row.
    era, of_era = divmod(days + 719468, 146097)
    of_cycle = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * of_cycle + of_cycle // 4 - of_cycle // 100)
    shifted = (5 * of_year + 2) // 153
    day = of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = of_cycle + era * 400 + (month <= 2)
    clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return f"{year:04}-{month:02}-{day:02}T{clock}.{fraction:09}Z"


class NativeView:
    """A view of the native core."""

    def __init__(self, core: NativeCore, spec: ViewSpec) -> None:
        self._lib, self._ffi = core._lib, core._ffi
        self._view = self._ffi.gc(self._lib.es_view_new(core._ring), core._free_view)
        self.set(spec)

    def set(self, spec: ViewSpec) -> None:
        self._lib.es_view_clear(self._view, spec.hide_suppressed)
        for field, value, include in spec.filters:
            text, pid, pidversion = b"", 0, None
            if isinstance(value, str):
                text = _encode(value)
            else:
                pid, pidversion = value
            self._lib.es_view_filter(
                self._view,
                _FIELDS[field],
                include,
                text,
                len(text),
                pid,
                pidversion or 0,
                pidversion is not None,
            )

    def extend(self) -> None:
        self._lib.es_view_extend(self._view)

    @property
    def dropped(self) -> int:
        return int(self._lib.es_view_dropped(self._view))

    def __len__(self) -> int:
        return int(self._lib.es_view_len(self._view))

    def __getitem__(self, position: int) -> int:
        if position < 0:
            position += len(self)
        seq = int(self._lib.es_view_at(self._view, position)) if position >= 0 else -1
        if seq < 0:
            raise IndexError(position)
        return seq

    def index(self, seq: int) -> int:
        return int(self._lib.es_view_index(self._view, max(seq, 0)))

    def seek_time(self, ns: int) -> int:
        return int(self._lib.es_view_seek_time(self._view, ns))


class NativeCore:
    """The core in C. Its manual is native/es_core.h."""

    name = "native"

    def __init__(self, budget: int = DEFAULT_BUDGET, max_events: int = 0, tally: bool = False) -> None:
        self._lib, self._ffi = _native.lib, _native.ffi
        self._budget, self._max_events = budget, max_events
        self._ring = self._lib.es_ring_new(budget, max_events, tally)
        self._open = True
        self._idle = threading.Condition()
        self._writers = 0
        self._streams = 0
        self._instigator_votes = False
        self._judging = threading.Lock()
        """Held while the rules in force change, and while something relies on them."""
        self._in_force = Rules()
        for event in EVENT_TYPES:
            if event.name and self._lib.es_define_event(
                self._ring,
                event.number,
                event.name.encode(),
                event.target_path_fields.encode(),
                _ROLES.get(event.name, 0),
            ):
                raise ValueError(f"target paths of {event.name}: {event.target_path_fields}")

    def _free_view(self, view: Any) -> None:
        if self._open:
            self._lib.es_view_free(view)

    def _text(self, call: Callable[[Any, int], int]) -> bytes | None:
        """The bytes a call copies into a buffer, which grows until they fit; None for -1."""
        buffer = self._ffi.new("uint8_t[]", 4096)
        while True:
            need = call(buffer, len(buffer))
            if need < 0:
                return None
            if need <= len(buffer):
                return bytes(self._ffi.buffer(buffer, need))
            buffer = self._ffi.new("uint8_t[]", need)

    def add_stream(self, *, owned: bool, fd: int = -1) -> int:
        stream = int(self._lib.es_add_stream(self._ring, owned, fd))
        self._streams = stream + 1
        return stream

    def is_owned(self, stream: int) -> bool:
        return bool(self._lib.es_is_owned(self._ring, stream))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Keep close() from freeing the ring under a thread that writes to it. Raises ValueError once closed."""
        with self._idle:
            if not self._open:
                raise ValueError("the core is closed")
            self._writers += 1
        try:
            yield
        finally:
            with self._idle:
                self._writers -= 1
                self._idle.notify_all()

    def run(self, stream: int, fd: int) -> int:
        with self._writing():
            return int(self._lib.es_run(self._ring, stream, fd))

    def stop(self, stream: int) -> None:
        if self._open:
            self._lib.es_stop(self._ring, stream)

    def ingest(self, stream: int, data: bytes, offset: int = -1) -> None:
        with self._writing():
            self._lib.es_ingest(self._ring, stream, self._ffi.from_buffer(data), len(data), offset)

    def end(self, stream: int) -> None:
        with self._writing():
            self._lib.es_end(self._ring, stream)

    def break_line(self, stream: int) -> None:
        with self._writing():
            self._lib.es_break_line(self._ring, stream)

    def mark(self, text: str) -> int:
        words = _encode(text)
        return int(self._lib.es_mark(self._ring, words, len(words)))

    def counters(self) -> Counters:
        c = self._ffi.new("es_counters *")
        self._lib.es_get_counters(self._ring, c)
        stages = tuple(c.by_stage)
        return Counters(
            head=c.head,
            tail=c.tail,
            lines=c.lines,
            events=c.events,
            bad=c.bad,
            evicted=c.evicted,
            held_events=c.held_events,
            delivered=stages[0],
            suppressed=c.held_events - stages[0],
            by_stage=stages,
            held_bytes=c.held_bytes,
            string_bytes=c.string_bytes,
            budget=self._budget,
            memory=c.memory,
            max_events=self._max_events,
            generation=c.generation,
            read_bytes=c.read_bytes,
            first_ns=None if c.first_ns == _NO_TIME else c.first_ns,
            last_ns=None if c.last_ns == _NO_TIME else c.last_ns,
            first_time=self._ffi.string(c.first_time).decode() or None,
            last_time=self._ffi.string(c.last_time).decode() or None,
        )

    def row(self, seq: int) -> Row | None:
        if seq < 0:
            return None
        # Its own buffers for each call: a row may be asked for by several threads.
        r = self._ffi.new("es_row *")
        text = self._text(lambda buffer, room: int(self._lib.es_row_get(self._ring, seq, r, buffer, room)))
        return None if text is None else self._row_of(r, text)

    def _row_of(self, r: Any, text: bytes) -> Row:
        texts: list[str | None] = []
        at = 0
        for length in r.text_len:
            texts.append(None if length < 0 else _decode(text[at : at + length]))
            at += max(length, 0)
        name, executable, signing_id, *targets = texts
        present, negative = r.present, r.negative
        numbers = [
            (value - (1 << 64) if negative >> i & 1 else value) if present >> i & 1 else None
            for i, value in enumerate(r.num)
        ]
        time_ns = r.time_ns if r.time_kind & 2 else None
        time: str | None = None
        if r.time_kind & 1:  # a row that is no line has that of the event right behind it
            time = _iso(r.time_ns) if r.time_kind & 4 else self._odd_time(r.seq + (not r.line))
        return Row(
            seq=r.seq,
            kind=r.kind,
            stream=r.stream,
            n=r.line,
            event=name if name is not None else _EVENT_NAMES.get(r.event, ""),
            event_id=r.event,
            event_type=numbers[_EVENT_TYPE],
            time=time,
            time_ns=time_ns,
            seq_num=numbers[_SEQ_NUM],
            global_seq_num=numbers[_GLOBAL_SEQ_NUM],
            pid=numbers[_PID],
            pidversion=numbers[_PIDVERSION],
            euid=numbers[_EUID],
            ppid=numbers[_PPID],
            executable=executable,
            signing_id=signing_id,
            targets=tuple(target for target in targets if target is not None),
            stage=r.stage,
            gap_global=r.gap_global,
            gap_type=r.gap_type,
            owned=bool(r.owned),
            reason=BAD_REASONS[r.reason],
            size=r.size,
            unknown=bool(r.unknown),
            shard=None if r.shard < 0 else r.shard,
        )

    def _odd_time(self, seq: int) -> str | None:
        """A time string not of the usual form is kept nowhere but in the line."""
        raw = self.raw(seq)
        return None if raw is None else str_column(Message(raw).data.get("time"))

    def rows(self, lo: int, hi: int) -> list[Row]:
        found = (self.row(seq) for seq in range(max(lo, self.counters().tail), hi))
        return [row for row in found if row is not None]

    def raw(self, seq: int) -> bytes | None:
        if seq < 0:
            return None
        return self._text(lambda buffer, room: int(self._lib.es_raw_get(self._ring, seq, buffer, room)))

    def write_from(self, seq: int) -> Place:
        place = self._ffi.new("es_place *")
        self._lib.es_write_from(self._ring, place, max(seq, 0))
        return Place(place.next, place.passed, place.passed_lost)

    def write(
        self, fd: int, at: Place, upto: int, stages: int = ALL_STAGES, limit: int | None = None
    ) -> Wrote:
        place, wrote = self._ffi.new("es_place *"), self._ffi.new("es_wrote *")
        place.next, place.passed, place.passed_lost = at.next, at.passed, at.passed_lost
        place.delivered = at.delivered
        place.shards, place.unsharded = at.shown & _SHARDS, at.shown >> UNSHARDED
        most = _NO_LIMIT if limit is None else max(limit, 0)
        with self._writing():
            self._lib.es_write(self._ring, place, fd, max(upto, 0), stages, most, wrote)
        at.next, at.passed, at.passed_lost = place.next, place.passed, place.passed_lost
        at.delivered = place.delivered
        at.shown = place.shards | place.unsharded << UNSHARDED
        return Wrote(
            wrote.stop, wrote.lines, wrote.events, wrote.bytes, wrote.gone, wrote.gone_lost, wrote.error
        )

    def hold(self, seq: int | None, *, drop: bool = False) -> None:
        if self._open:
            self._lib.es_hold(self._ring, -1 if seq is None else seq, drop)

    def _event_counts(self) -> list[tuple[str, Any]]:
        found = []
        for slot in range(self._lib.es_event_slots(self._ring)):
            count = self._ffi.new("es_event_count *")
            name = self._text(
                lambda buffer, room, slot=slot, count=count: int(  # type: ignore[misc]
                    self._lib.es_event_get(self._ring, slot, count, buffer, room)
                )
            )
            if name is not None:
                found.append((_decode(name), count))
        return found

    def events(self) -> list[EventCount]:
        return [
            EventCount(name, count.event, count.total, count.held, count.suppressed)
            for name, count in self._event_counts()
            if count.total
        ]

    def losses(self) -> Losses:
        counts = self._event_counts()
        losses = self._ffi.new("es_losses *")
        self._lib.es_get_losses(self._ring, losses)
        by_shard = list(losses.by_shard) if losses.shards else []
        return Losses(
            lost_global=losses.lost,
            lost_by_type={name: count.lost for name, count in counts if count.lost},
            missing_global=losses.missing,
            missing_by_type={name: count.missing for name, count in counts if count.missing},
            unknown=losses.unknown,
            by_shard={shard: lost for shard, lost in enumerate(by_shard) if losses.shards >> shard & 1},
        )

    def executables(self) -> dict[str, int]:
        found: dict[str, int] = {}
        cursor, count = self._ffi.new("uint32_t *"), self._ffi.new("uint64_t *")
        while True:
            name = self._text(
                lambda buffer, room: int(self._lib.es_tally_get(self._ring, cursor, count, buffer, room))
            )
            if name is None:
                return found
            found[_decode(name)] = count[0]

    def exited(self, pid: int, pidversion: int) -> bool:
        return bool(self._lib.es_exited(self._ring, pid, pidversion))

    def _rules(self, rules: Rules) -> Any:
        flags = sum(bit for name, bit in _FLAGS.items() if getattr(rules, name))
        built = self._lib.es_rules_new(flags, rules.subscribe is None)
        for name in rules.subscribe or ():
            self._lib.es_rules_subscribe(built, _encode(name), len(_encode(name)))
        for path in rules.paths:
            self._lib.es_rules_path(
                built, path.type, path.path, len(path.path), path.mask.to_bytes(32, "little")
            )
        for process in rules.processes:
            self._lib.es_rules_process(
                built, process.pid, process.pidversion, process.mask.to_bytes(32, "little")
            )
        return built

    def judge(self, rules: Rules) -> None:
        with self._judging:
            self._instigator_votes = rules.instigator_votes
            self._lib.es_judge(self._ring, self._rules(rules))
            self._in_force = rules

    def whatif(self, rules: Rules) -> WhatIf:
        counts = self._ffi.new("es_whatif_counts *")
        built = self._ffi.gc(self._rules(rules), self._lib.es_rules_free)
        self._lib.es_whatif(self._ring, built, counts)
        return WhatIf(counts.events, counts.suppressed, counts.newly_suppressed, counts.newly_delivered)

    def hits(self, rule: PathRule | ProcessRule) -> Hits:
        counts = self._ffi.new("es_hit_counts *")
        rules = Rules(
            paths=(rule,) if isinstance(rule, PathRule) else (),
            processes=(rule,) if isinstance(rule, ProcessRule) else (),
            instigator_votes=self._instigator_votes,
        )
        built = self._ffi.gc(self._rules(rules), self._lib.es_rules_free)
        self._lib.es_hits(self._ring, built, counts)
        return Hits(counts.count, counts.last, None if counts.last_ns == _NO_TIME else counts.last_ns)

    def compare(self, now: Rules, then: Rules, top: int) -> NativeComparison:
        built = self._ffi.gc(self._rules(then), self._lib.es_rules_free)
        with self._judging:
            # Under the rules in force the ring has the verdicts already.
            judged = now == self._in_force
            other = self._ffi.NULL if judged else self._ffi.gc(self._rules(now), self._lib.es_rules_free)
            made = self._lib.es_compare(self._ring, other, built, max(top, 0))
        return NativeComparison(self._lib, self._ffi, made)

    def hits_of(self, rules: Rules, idle: Sequence[PathRule | ProcessRule] = ()) -> list[RuleHits]:
        flags = sum(bit for name, bit in _FLAGS.items() if getattr(rules, name))
        entries = self._ffi.gc(
            self._lib.es_entries_new(flags, rules.subscribe is None), self._lib.es_entries_free
        )
        for name in rules.subscribe or ():
            self._lib.es_entries_subscribe(entries, _encode(name), len(_encode(name)))
        given: list[PathRule | ProcessRule] = [*rules.paths, *rules.processes, *idle]
        for number, rule in enumerate(given):
            mask, is_idle = rule.mask.to_bytes(32, "little"), number >= len(given) - len(idle)
            if isinstance(rule, PathRule):
                self._lib.es_entries_path(entries, rule.type, rule.path, len(rule.path), mask, is_idle)
            else:
                self._lib.es_entries_process(entries, rule.pid, rule.pidversion, mask, is_idle)
        found = self._ffi.new("es_rule_hits[]", len(given))
        self._lib.es_entries_count(self._ring, entries, found)
        return [
            RuleHits(
                Volume(*own[:2]),
                Volume(*own[2:4]),
                own[4],
                None if own[5] < 0 else own[5],
                own[6],
                None if own[7] == _NO_TIME else own[7],
            )
            for own in _RULE_HITS.iter_unpack(self._ffi.buffer(found))
        ]

    def cube(self, rules: Rules, least: int) -> Cube:
        built = self._ffi.gc(self._rules(rules), self._lib.es_rules_free)
        cube = self._ffi.gc(self._lib.es_cube_new(self._ring, built, max(least, 1)), self._lib.es_cube_free)
        count = self._lib.es_cube_cells(cube, self._ffi.NULL, 0)
        cells = self._ffi.new("es_cell[]", count)
        self._lib.es_cube_cells(cube, cells, count)
        return Cube(
            self._nodes(cube, targets=False),
            self._nodes(cube, targets=True),
            tuple(
                Cell(event, executable, target1, target2, events, size, last)
                for events, size, last, event, executable, target1, target2 in _CELL.iter_unpack(
                    self._ffi.buffer(cells)
                )
            ),
        )

    def _nodes(self, cube: Any, *, targets: bool) -> tuple[str | None, ...]:
        found: list[str | None] = [None]
        while True:
            node = len(found)
            path = self._text(
                lambda buffer, room, node=node: int(  # type: ignore[misc]
                    self._lib.es_cube_node(cube, targets, node, buffer, room)
                )
            )
            if path is None:
                return tuple(found)
            found.append(_decode(path))

    def view(self, spec: ViewSpec) -> CoreView:
        return NativeView(self, spec)

    def find(
        self, needle: str, start: int, step: int, limit: int, view: CoreView | None = None
    ) -> tuple[int, int]:
        fold = needle == needle.lower()
        text = _encode(needle)
        resume = self._ffi.new("int64_t *")
        native_view = view._view if isinstance(view, NativeView) else self._ffi.NULL
        found = self._lib.es_find(self._ring, native_view, text, len(text), fold, start, step, limit, resume)
        return int(found), int(resume[0])

    def close(self) -> None:
        with self._idle:
            if not self._open:
                return
            self._open = False
            for stream in range(self._streams):
                self._lib.es_stop(self._ring, stream)
            self._idle.wait_for(lambda: not self._writers)
        self._lib.es_ring_free(self._ring)

    def __del__(self) -> None:
        if hasattr(self, "_open"):
            self.close()


def core_name() -> tuple[str, str]:
    """("native" or "twin", why it is not native). Raises ValueError when ESTUI_CORE asks for what is not there."""
    wish = os.environ.get("ESTUI_CORE", "")
    if wish == "twin":
        return "twin", "ESTUI_CORE=twin"
    if wish not in {"", "native"}:
        raise ValueError(f"ESTUI_CORE is {wish!r}; it can be native or twin")
    if not NATIVE_ERROR:
        return "native", ""
    if wish:
        raise ValueError(f"ESTUI_CORE=native, but the native core is not there: {NATIVE_ERROR}")
    return "twin", f"the native core was not built: {NATIVE_ERROR}"


def open_core(budget: int = DEFAULT_BUDGET, max_events: int = 0, tally: bool = False) -> Core:
    """A new, empty ring.

    Args:
        budget: bytes it may hold, over raw lines, records and strings.
        max_events: events it may hold; 0 for no limit.
        tally: count events per executable over the whole stream.
    """
    if core_name()[0] == "native":
        return NativeCore(budget, max_events, tally)
    # Imported only where it is used: it would be a tenth of what a headless command takes to start.
    from estui._twin import TwinCore  # noqa: PLC0415

    return TwinCore(budget, max_events, tally)
