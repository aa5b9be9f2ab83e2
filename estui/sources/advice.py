"""What to say when a source has come to its end: what was in it, and the remedy when that was nothing."""

from __future__ import annotations

from typing import Literal

from estui.core import Core
from estui.record import BAD_CUT, BAD_REASONS, KIND_BAD
from estui.sources.formats import compression

RECORD = "Record some on a Mac: sudo eslogger exec fork exit > events.jsonl"
ONE_PER_LINE = "estui reads lines as eslogger writes them, one JSON object each; jq -c . makes such lines"
_PEEK = 512
"""Bytes of the first line that are looked at for a NUL."""


def at_end(core: Core, title: str) -> tuple[Literal["ended", "failed"], str, str, int]:
    """The fields of a SourceState for a source that was read to its end without an error."""
    counters = core.counters()
    if not counters.lines:
        return "failed", f"{title} is empty", RECORD, 1
    last = core.row(counters.head - 1)
    if counters.events:
        if last and last.reason == BAD_REASONS[BAD_CUT]:
            return (
                "ended",
                f"{title} stops in the middle of its last line",
                "All lines before it were read",
                0,
            )
        return "ended", f"all of {title} was read", "", 0
    first = core.row(counters.tail)
    begin = core.raw(counters.tail) or b""
    if packed := compression(begin):
        return "failed", f"{title} is compressed ({packed})", f"Unpack it first: {packed} -dc … | estui -", 1
    if b"\0" in begin[:_PEEK]:
        return "failed", f"{title} is a binary file, not lines of JSON", ONE_PER_LINE, 1
    why = f" (line {first.n}: {first.reason})" if first and first.kind == KIND_BAD else ""
    return "failed", f"no line of {title} is an Endpoint Security event{why}", ONE_PER_LINE, 1
