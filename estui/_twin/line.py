"""What one line says: the columns of an event, or why it is none."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from estui._twin.own import Own, own_of, shard_of
from estui.message import BadLine, event_of, int_column, loads, str_column
from estui.paths import instigator, targets
from estui.record import BAD_EMPTY, BAD_JSON, BAD_NO_EVENT, BAD_REASONS

_FIRST_YEAR, _LAST_YEAR = 1970, 2261
"""The years whose every nanosecond fits a signed 64-bit count since 1970."""

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?Z", re.ASCII)


class Columns(NamedTuple):
    """The columns of one event, as `record.Row` describes them."""

    event: str
    event_type: int | None
    time: str | None
    time_ns: int | None
    seq_num: int | None
    global_seq_num: int | None
    pid: int | None
    pidversion: int | None
    euid: int | None
    ppid: int | None
    executable: str | None
    signing_id: str | None
    targets: tuple[str, ...]
    instigator: tuple[int, int] | None
    """(pid, pidversion) of the process on whose behalf the submitter acted, where the event names one."""
    shard: int | None
    """Whose sequence numbers it carries, where a stream has several recorders."""


def read(line: bytes) -> Columns | Own | int:
    """Read one line without its newline; a line that is nothing gives its index into record.BAD_REASONS."""
    if not line.strip(b" \t\r"):
        return BAD_EMPTY
    try:
        data = loads(line)
    except ValueError:
        return BAD_JSON
    try:
        name, payload = event_of(data)
    except BadLine as bad:
        reason = BAD_REASONS.index(bad.reason)
        return (reason == BAD_NO_EVENT and own_of(data)) or reason
    time = str_column(data.get("time"))
    process = _object(data.get("process"))
    pid, pidversion, euid = _identity(process.get("audit_token"))
    return Columns(
        name,
        int_column(data.get("event_type")),
        time,
        None if time is None else nanoseconds(time),
        int_column(data.get("seq_num")),
        int_column(data.get("global_seq_num")),
        pid,
        pidversion,
        euid,
        int_column(process.get("ppid")),
        str_column(_object(process.get("executable")).get("path")),
        str_column(process.get("signing_id")),
        targets(name, payload),
        instigator(name, payload),
        shard_of(data.get("estui_shard")),
    )


def nanoseconds(text: str) -> int | None:
    """Nanoseconds since 1970 of YYYY-MM-DDTHH:MM:SS[.1 to 9 digits]Z; None for any other form or date."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    minute, second, fraction = match.groups("")
    start = _minute_ns(minute)
    return None if start is None else start + int(second) * 10**9 + int(fraction.ljust(9, "0"))


@lru_cache(maxsize=1024)
def _minute_ns(minute: str) -> int | None:
    try:
        moment = datetime.fromisoformat(minute + ":00+00:00")
    except ValueError:
        return None
    return int(moment.timestamp()) * 10**9 if _FIRST_YEAR <= moment.year <= _LAST_YEAR else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _identity(token: Any) -> tuple[int | None, int | None, int | None]:
    """(pid, pidversion, euid) of an audit token: of an object, or an array of its eight words.

    As message.AuditToken reads them, but for every event there is, so only these three.
    """
    if isinstance(token, dict):
        pid, pidversion, euid = token.get("pid"), token.get("pidversion"), token.get("euid")
    elif isinstance(token, list) and len(token) == 8:
        pid, pidversion, euid = token[5], token[7], token[1]
    else:
        return None, None, None
    return int_column(pid), int_column(pidversion), int_column(euid)
