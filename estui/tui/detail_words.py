"""The words of the detail pane: what a row is, when it was, who a uid is, what a gap means.

Texts that come from events are made printable here, except where a docstring says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from estui.message import TOKEN_WORDS, decode
from estui.record import KIND_BAD, KIND_EVENT, KIND_GAP, KIND_RUN, KIND_SEAM, Row
from estui.text import printable
from estui.tui.columns import shard_of
from estui.tui.json_rows import Path, field_path

if TYPE_CHECKING:
    from estui.tui.users import Users

SECOND = 1_000_000_000
"""Nanoseconds."""
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z")
_UID_FIELDS = frozenset(("auid", "euid", "ruid", "uid", "from_uid", "to_uid", "st_uid", "f_owner"))
_LONGEST_TIME = 30
_NO_SHARDS: Mapping[int, int] = {}


class Clock:
    """What the times of one event are told against."""

    def __init__(
        self, event_ns: int | None = None, previous_ns: int | None = None, now_ns: int | None = None
    ) -> None:
        self.event_ns = event_ns
        self.previous_ns = previous_ns
        """The time of the event before."""
        self.now_ns = now_ns
        """The time of day where the source is live; None where it is a recording."""


def parse_ns(text: str) -> int | None:
    """The nanoseconds since 1970 of a time as eslogger writes it; None for any other text."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return int(moment.timestamp()) * SECOND + int((match[7] or "0").ljust(9, "0"))


def local_time(ns: int, beside: int | None = None) -> str:
    """A time of day where estui runs, with the date if it is another than that of `beside`."""
    try:
        moment = datetime.fromtimestamp(ns // SECOND, UTC).astimezone()
        other = None if beside is None else datetime.fromtimestamp(beside // SECOND, UTC).astimezone()
    except (OverflowError, OSError, ValueError):
        return ""
    date = "" if other is not None and other.date() == moment.date() else f"{moment:%Y-%m-%d} "
    return f"{date}{moment:%H:%M:%S}.{ns % SECOND // 1_000_000:03d} {printable(moment.tzname() or 'local')}"


def span_words(ns: int) -> str:
    """A length of time as one says it: "1.20 ms", "3 min 20 s"."""
    ns = abs(ns)
    if ns < 1_000:
        return f"{ns} ns"
    for size, unit in ((1_000, "µs"), (1_000_000, "ms"), (SECOND, "s")):
        value = ns / size
        if value < 1_000 and not (unit == "s" and value >= 60):
            return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {unit}"
    seconds = ns // SECOND
    if seconds < 3_600:
        return f"{seconds // 60} min {seconds % 60} s"
    if seconds < 86_400:
        return f"{seconds // 3_600} h {seconds % 3_600 // 60} min"
    return f"{seconds // 86_400:,} d {seconds % 86_400 // 3_600} h"


def time_words(path: Path, text: str, clock: Clock) -> str | None:
    """What a time means here: local, and how far from the event, or from what came before."""
    ns = parse_ns(text)
    if ns is None:
        return None
    if ns == 0:
        return "not set"
    if path == ("time",):
        words = [local_time(ns)]
        if clock.previous_ns is not None:
            words.append(_apart(ns - clock.previous_ns, "after the event above", "before the event above"))
        if clock.now_ns is not None:
            words.append(_apart(clock.now_ns - ns, "ago", "ahead"))
    else:
        words = [local_time(ns, clock.event_ns)]
        if clock.event_ns is not None:
            words.append(_apart(ns - clock.event_ns, "later", "earlier"))
    return ", ".join(word for word in words if word)


def _apart(ns: int, after: str, before: str) -> str:
    return f"{span_words(ns)} {after if ns >= 0 else before}"


def decoded(path: Path, value: Any, event: str, users: Users, clock: Clock) -> str | None:
    """The text beside a raw value: the vocabulary's, a user's name, a time told. Printable."""
    if isinstance(value, str) and len(value) <= _LONGEST_TIME and (told := time_words(path, value, clock)):
        return told
    key = token_word(path) or (path[-1] if path else None)
    if isinstance(value, int) and not isinstance(value, bool) and key in _UID_FIELDS:
        name = users.name(value)
        if name is not None:
            return name
    words = decode(field_path(path), value, event)
    return printable(words) if words else None


def token_word(path: Path) -> str | None:
    """The name of the number at `path` in an audit token written as an array; None for anything else."""
    if len(path) < 2 or not isinstance(path[-1], int) or not isinstance(path[-2], str):
        return None
    if path[-2] != "audit_token" and not path[-2].endswith("_token"):
        return None
    return TOKEN_WORDS[path[-1]] if path[-1] < len(TOKEN_WORDS) else None


def clock_time(row: Row) -> str:
    """The time of day of a row in UTC, as the list has it, to the microsecond."""
    if row.time_ns is None or not row.time or "T" not in row.time:
        return printable((row.time or "")[:32])
    return printable(row.time.partition("T")[2].removesuffix("Z")[:15])


def base_name(path: str) -> str:
    """The last part of a path; the path itself where it ends with a slash."""
    return path.rsplit("/", 1)[-1] or path


def title(row: Row) -> str:
    """The first line: event, time, pid and name of an event, or what else the row is."""
    if row.kind == KIND_EVENT:
        pid = (
            ""
            if row.pid is None
            else f"pid {row.pid}" + ("" if row.pidversion is None else f".{row.pidversion}")
        )
        name = printable(base_name(row.executable)[:256]) if row.executable else ""
        return "  ".join(part for part in (printable(row.event), clock_time(row), pid, name) if part)
    if row.kind == KIND_BAD:
        return f"bad line {row.n:,}: {row.reason}"
    if row.kind == KIND_GAP:
        number = max(row.gap_global, row.gap_type)
        many = f"{number:,} {'event' if number == 1 else 'events'}" if number or not row.unknown else "events"
        return f"{shard_of(row)}{many} {'lost' if row.owned else 'missing'} here"
    return f"{shard_of(row)}a new run begins here" if row.kind == KIND_RUN else printable(row.event)


def subject(row: Row) -> str:
    """The second line: what the event was done to."""
    if row.kind == KIND_EVENT:
        return " → ".join(printable(target[:2048]) for target in row.targets)
    return ""


def row_words(row: Row, by_shard: Mapping[int, int] = _NO_SHARDS) -> list[str]:
    """A row that is no line of the stream, in words, one paragraph each; `by_shard` are the losses up to now."""
    if row.kind == KIND_GAP:
        return [*_gap_words(row), *shard_words(row, by_shard), _COUNTERS]
    if row.kind == KIND_RUN:
        return [_NEW_RUN, *shard_words(row, by_shard), _COUNTERS]
    if row.kind == KIND_SEAM:
        return [_WRITTEN if row.n else _SEAM]
    return []


def shard_words(row: Row, by_shard: Mapping[int, int]) -> list[str]:
    """Which shard it was, and what each has lost; nothing where there is one stream."""
    if row.shard is None:
        return []
    words = f"The event types are shared among several recorders; this was shard {row.shard}."
    return [f"{words} Lost or missing so far: {shard_losses(by_shard)}." if by_shard else words]


def shard_losses(by_shard: Mapping[int, int]) -> str:
    """The losses of every shard that had some, in one line."""
    return ", ".join(f"shard {shard}: {number:,}" for shard, number in sorted(by_shard.items()))


def _gap_words(row: Row) -> list[str]:
    words = []
    name = printable(row.event) if row.gap_type else ""
    why = "" if row.gap_type else printable(row.event)
    if row.unknown or why:
        lost = "Nobody knows how many events were" if row.unknown else f"{row.gap_global:,} events were"
        words.append(f"{lost} lost here: {why}." if why else f"{lost} lost here.")
        words.append(_TOLD)
        return words
    if row.gap_global:
        words.append(f"global_seq_num jumped: {row.gap_global:,} messages of any type are not in the stream.")
    if row.gap_type:
        of = f" of type {name}" if name else " of the type of the next event"
        words.append(f"seq_num jumped: {row.gap_type:,} messages{of} are not in the stream.")
    if row.owned:
        words.append(
            "LOST: estui started this stream itself and left nothing out, so they were dropped at the source: its "
            "client read too slowly, or was sent too much. Subscribe to fewer types or mute at the source; open, "
            "lookup, stat, access, write, mmap and close are the flood."
        )
    else:
        words.append(
            "MISSING: they may have been lost when this was recorded, or somebody filtered the file afterwards; the "
            "numbers alone cannot tell which. estui says lost only of a stream it started itself."
        )
    return words


_TOLD = (
    "LOST: whoever recorded this said so in a line of its own, for the sequence numbers do not show it. Where the "
    "number is not known, the counter of what was lost ends with a plus: so many, or more."
)
_NEW_RUN = (
    "global_seq_num fell: it never does in one run of an ES client, so from here on another run was recorded. "
    "Both counters begin again, and nothing between the two runs is counted as lost."
)
_SEAM = (
    "A mark estui set itself: something about the source changed here. The events above came before it, those "
    "below after; what happened in between was not seen, and the counters do not tell how much."
)
_WRITTEN = (
    "No event, but a line estui wrote into this recording: where it began, or where something about the source "
    "changed. What happened before it, or in between, is not in the file."
)
_COUNTERS = (
    "seq_num counts the messages of one event type to one client, global_seq_num those of all types; both begin "
    "at 0 and grow by one with each message. Events that were muted or not subscribed to are never numbered."
)

BAD_ADVICE = {
    "empty line": "There is nothing on this line. It is counted, and otherwise harmless.",
    "not valid JSON": "eslogger writes one JSON object per line. This is none: perhaps words of another program "
    "came in between, or the file is of another kind.",
    "not a JSON object": "This is JSON, but not an object, so it is no message of Endpoint Security.",
    "no event object": "A JSON object without an `event` object: another program wrote it, or it was cut down.",
    "event does not hold exactly one object": "An eslogger message names its event by the only key of `event`. "
    "Here are none, several, or one that is no object.",
    "line longer than half the budget": "The ring keeps only the beginning of such a line, or it would push out "
    "all else. A larger budget holds it.",
    "the stream ended in the middle of this line": "What came of it is kept. The source was cut off here, or has "
    "not written the rest yet.",
}
"""What to make of a bad line, by its reason."""
