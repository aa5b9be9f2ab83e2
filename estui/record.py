"""The types that the native core and its twin share: a row of the ring, its counters, and the compiled rules.

Nothing here computes. Strings are `str` decoded as UTF-8 with surrogateescape, so a name that is not UTF-8 keeps its
bytes; a column the line did not carry is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

KIND_EVENT = 0
"""A line that is an event."""
KIND_BAD = 1
"""A line that is not an event; `Row.reason` says why."""
KIND_GAP = 2
"""Sequence numbers jumped here, or a line of a recording says so: `Row.gap_global` and `Row.gap_type` events are lost,
or missing."""
KIND_SEAM = 3
"""A mark estui set itself, such as a source started again, or one that stands in a recording; `Row.event` holds its
words."""
KIND_RUN = 4
"""`global_seq_num` fell: another run of the recorder begins here."""

STAGES = (None, "subscription", "process", "path", "target_path")
"""The stage that suppressed an event, indexed by `Row.stage`; None means delivered."""

BAD_REASONS = (
    "",
    "empty line",
    "not valid JSON",
    "not a JSON object",
    "no event object",
    "event does not hold exactly one object",
    "line longer than half the budget",
    "the stream ended in the middle of this line",
)
"""Why a line is bad, indexed by the code the cores store."""
BAD_EMPTY, BAD_JSON, BAD_NOT_OBJECT, BAD_NO_EVENT, BAD_EVENT, BAD_LONG, BAD_CUT = range(1, 8)

UNKNOWN_EVENT = 256
"""Event ids from here on stand for names the catalogue does not know."""
UNKNOWN_BIT = 255
"""The bit of an event mask that stands for every event type estui does not know."""
ALL_EVENTS = (1 << 256) - 1
"""The event mask of an entry that names no events: all of them."""

KEPT_OF_LONG = 65536
"""Bytes kept of a line that is longer than half the budget."""
DEFAULT_BUDGET = 256 << 20
"""Bytes a ring may hold: raw lines, records and strings together."""


class Row(NamedTuple):
    """One row of the ring, copied out of it."""

    seq: int
    """Place in the ring; grows by one per row and is never used again."""
    kind: int
    stream: int
    n: int
    """1-based number of the line in its stream; 0 for rows that are no line."""
    event: str
    """The event's name; the words of a seam, or of a line that says what was lost; otherwise empty."""
    event_id: int
    """The es_event_type_t number of a known NOTIFY name, UNKNOWN_EVENT or more for an unknown one, -1 for no event."""
    event_type: int | None
    """The number as the line gives it."""
    time: str | None
    """The string the line gives."""
    time_ns: int | None
    """Nanoseconds since 1970, where `time` can be read."""
    seq_num: int | None
    global_seq_num: int | None
    pid: int | None
    pidversion: int | None
    euid: int | None
    ppid: int | None
    executable: str | None
    signing_id: str | None
    targets: tuple[str, ...]
    stage: int
    """Index into STAGES under the rules judged last."""
    gap_global: int
    gap_type: int
    owned: bool
    """A gap on this stream is lost (estui started the stream); otherwise it is missing, and may have been filtered."""
    reason: str
    size: int
    """Bytes of the line without its newline."""
    unknown: bool = False
    """Of a gap: nobody knows how many events were lost; `event` may say why."""
    shard: int | None = None
    """Of a gap or a run: whose sequence numbers they were, where several recorders share the event types."""


class Counters(NamedTuple):
    """Where a ring stands. `total` figures are over the stream, `held` ones over what the ring still has."""

    head: int
    """The seq the next row will get."""
    tail: int
    """The seq of the oldest row held."""
    lines: int
    events: int
    bad: int
    evicted: int
    """Events dropped from the ring, oldest first, to stay within the budget."""
    held_events: int
    delivered: int
    suppressed: int
    by_stage: tuple[int, int, int, int, int]
    held_bytes: int
    """Bytes of raw lines in the ring (0 for a stream indexed in place)."""
    string_bytes: int
    budget: int
    memory: int
    """Bytes that count against the budget now."""
    max_events: int
    generation: int
    """Grows whenever verdicts changed."""
    read_bytes: int
    first_ns: int | None
    last_ns: int | None
    first_time: str | None
    """The earliest time as its line gives it; `first_ns` in words."""
    last_time: str | None


class EventCount(NamedTuple):
    """Counts of one event type."""

    event: str
    event_id: int
    total: int
    held: int
    suppressed: int


class Losses(NamedTuple):
    """Events the sequence numbers say were there and the stream did not carry."""

    lost_global: int
    lost_by_type: dict[str, int]
    missing_global: int
    missing_by_type: dict[str, int]
    unknown: int = 0
    """Losses of which nobody knows how many events they were."""
    by_shard: dict[int, int] = {}  # noqa: RUF012  never changed
    """Lost and missing by global numbers, by shard; empty where there are none."""


class PathRule(NamedTuple):
    """A compiled path entry: es_mute_path_type_t, the bytes to compare, and the events it counts for."""

    type: int
    path: bytes
    mask: int


class ProcessRule(NamedTuple):
    """A compiled process entry."""

    pid: int
    pidversion: int
    mask: int


class Rules(NamedTuple):
    """All a core needs to judge an event."""

    subscribe: frozenset[str] | None = None
    """Names subscribed to; None for every type, the unknown ones too."""
    paths: tuple[PathRule, ...] = ()
    processes: tuple[ProcessRule, ...] = ()
    invert_process: bool = False
    invert_path: bool = False
    invert_target: bool = False
    instigator_votes: bool = False


ALL_STAGES = (1 << len(STAGES)) - 1
"""The stages `Core.write` writes the events of: all of them."""
DELIVERED_ONLY = 1
"""Likewise: events that the rules deliver."""
UNSHARDED = 64
"""The bit of `Place.shown` that stands for events of no shard."""
WROTE_ALL, WROTE_LIMIT, WROTE_ROW, WROTE_GONE, WROTE_ERROR = range(5)
"""Why `Core.write` stopped: it was done; the next line would pass the limit; the next row needs a line of the caller's;
rows were evicted before they could be written; write(2) failed."""


@dataclass(slots=True)
class Place:
    """How far `Core.write` has come: what it needs to know of the rows before."""

    next: int = 0
    """The seq of the row to go on from."""
    passed: int = 0
    """Events before it."""
    passed_lost: int = 0
    """Events lost before it, on streams that estui started."""
    delivered: int = 0
    """Of the events passed, those that the rules delivered then."""
    shown: int = 0
    """Bits of the shards that have a numbered event where it is written to: a gap behind one shows there."""


class Wrote(NamedTuple):
    """What one `Core.write` did."""

    stop: int
    lines: int
    events: int
    bytes: int
    """Up to the last whole line."""
    gone: int
    """Events evicted, or gone from their file, before they were written; they stood before `Place.next`."""
    gone_lost: int
    """Events that gaps among those rows stood for."""
    error: int
    """errno, or 0. More bytes than `bytes` may have been written then."""


class WhatIf(NamedTuple):
    """What other rules would do to the events held, next to what the present ones do."""

    events: int
    suppressed: int
    newly_suppressed: int
    newly_delivered: int


@dataclass(frozen=True, slots=True)
class Hits:
    """Events held that one rule matches, and the last of them."""

    count: int
    last: int
    last_ns: int | None


NODE_NONE, NODE_ROOT = 0, 1
"""The nodes of a Cube for no path, and for a path that no other node stands for."""


class Cell(NamedTuple):
    """The events of one type, program and one or two targets, as far as a Cube tells these apart."""

    event_id: int
    executable: int
    """A node of Cube.executables."""
    target1: int
    """A node of Cube.targets."""
    target2: int
    events: int
    bytes: int
    last: int
    """The seq of the last of them."""


class Cube(NamedTuple):
    """What rules deliver of the events held, in groups. Of two targets, one that the rules mute is left out.

    A node is a path that occurs in at least `least` of these events (a target once for each place it stands in), or
    a directory, with the slash at its end, that has as many below it; a directory is left out where one thing right
    below has them all. What is no node itself counts with the deepest directory that is one. Directories deeper than
    the 20th are as that one.
    """

    executables: tuple[str | None, ...]
    """Paths by node: NODE_NONE, NODE_ROOT, then in the order of their bytes."""
    targets: tuple[str | None, ...]
    cells: tuple[Cell, ...]
    """In the order of their first four numbers."""


class Filter(NamedTuple):
    """One view filter: what I am looking at, nothing to do with muting."""

    field: str
    """"event", "process", "executable" or "target"."""
    value: str | tuple[int, int | None]
    """The cell's value; (pid, pidversion) for a process."""
    include: bool


class ViewSpec(NamedTuple):
    """The rows a view shows."""

    filters: tuple[Filter, ...] = ()
    hide_suppressed: bool = False


class Volume(NamedTuple):
    """Events, and the bytes of their lines."""

    events: int = 0
    bytes: int = 0

    def plus(self, other: Volume) -> Volume:
        return Volume(self.events + other.events, self.bytes + other.bytes)


class Change(NamedTuple):
    """Events held by what two sets of rules, one now and one then, make of them."""

    kept: Volume = Volume()
    """Delivered by both."""
    newly_delivered: Volume = Volume()
    newly_hidden: Volume = Volume()
    muted: Volume = Volume()
    """Suppressed by both."""

    @property
    def held(self) -> Volume:
        """All of them."""
        return self.now.plus(self.newly_delivered).plus(self.muted)

    @property
    def now(self) -> Volume:
        """Those delivered now."""
        return self.kept.plus(self.newly_hidden)

    @property
    def then(self) -> Volume:
        """Those delivered then."""
        return self.kept.plus(self.newly_delivered)

    @property
    def changed(self) -> int:
        """Events whose verdict differs."""
        return self.newly_hidden.events + self.newly_delivered.events


class Process(NamedTuple):
    """One execution of one process."""

    pid: int
    pidversion: int


class Compared(NamedTuple):
    """Two sets of rules side by side. Groups with most changes come first, then those with most events."""

    total: Change
    by_stage: tuple[int, int, int, int, int]
    """Events by the stage that suppresses them then, as Counters.by_stage."""
    by_event: dict[str, Change]
    """Every type there is."""
    by_process: dict[Process | None, Change]
    """None: events that do not tell. This and the next two hold no more groups than were asked for."""
    by_executable: dict[str | None, Change]
    by_directory: dict[str, Change]
    """By directory of a target, up to its last slash; an event counts once in each of its targets' directories."""
    programs: dict[Process | None, str | None]
    """The executable each of these processes had last."""
    found: tuple[int, int, int, int]
    """How many types, processes, executables and directories there are."""
    first_ns: int | None
    """The earliest time of an event held."""
    last_ns: int | None


class Changed(NamedTuple):
    """An event that two sets of rules disagree about."""

    seq: int
    hidden: bool
    """Newly hidden, otherwise newly delivered."""


class RuleHits(NamedTuple):
    """What one rule among others does to the events held."""

    hits: Volume
    """Events it matches, whatever their verdict."""
    own: Volume
    """Events whose verdict would flip without it."""
    one_sided: int
    """Events with two targets of which it matches one while no rule matches the other."""
    instead: int | None
    """Where it has hits and none of its own: the rule that decides most of them in its place, by its index. None where
    no rule does: a subscription or the absence of a rule decides, or nothing needs to."""
    last: int
    """The seq of the last hit; -1 for none."""
    last_ns: int | None
