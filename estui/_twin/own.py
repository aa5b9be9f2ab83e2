"""Lines of estui's own in a recording: losses, marks, and the recording's first line."""

from __future__ import annotations

from typing import Any, NamedTuple

from estui.message import int_column, str_column

SHARDS = range(64)
"""Numbers a shard can have."""


class Own(NamedTuple):
    """What such a line says."""

    what: str
    """"loss", "mark" or "recording"."""
    words: str
    lost: int
    unknown: bool
    """Nobody knows how many were lost."""
    whole: bool
    """Nothing was left out of the recording that begins here."""
    time: str | None
    shard: int | None


_WORDS = {"loss": "why", "mark": "words", "recording": "source"}


def own_of(data: dict[str, Any]) -> Own | None:
    """Read an object that is no event; None where it is no line of estui's own either."""
    what = data.get("estui")
    if not isinstance(what, str) or what not in _WORDS:
        return None
    words = data.get(_WORDS[what], "")
    lost = int_column(data.get("lost"))
    unknown = "lost" in data and data["lost"] is None
    if not isinstance(words, str) or (what == "loss" and not unknown and (lost is None or lost < 0)):
        return None
    if what == "recording":
        words = f"recording of {words}" if words else "recording"
    return Own(
        what,
        words,
        max(0, lost or 0),
        unknown,
        data.get("whole") is True,
        str_column(data.get("time")),
        shard_of(data.get("shard")),
    )


def shard_of(value: Any) -> int | None:
    """The number of a shard; None where it is none."""
    return value if int_column(value) in SHARDS else None
