"""The history of a session as the es_* calls a client of one's own would have made.

Plans are states; two lints look at the order in which one came to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from estui.client import DIMENSIONS
from estui.events import NOTIFY
from estui.plan import Entry, MutePath, Plan


class Call(NamedTuple):
    """One call. What does not belong to it is None."""

    name: str
    """"es_mute_path_events" and so on."""
    entry: Entry | None = None
    dimension: str | None = None
    """One of client.DIMENSIONS."""
    events: tuple[str, ...] | None = None
    """The types of a subscription."""

    @property
    def words(self) -> str:
        """The call in words; a path unescaped."""
        if self.entry:
            what = self.entry.label
        else:
            what = self.dimension or ", ".join((self.events or ())[:3])
            what += f" and {len(self.events) - 3} more" if self.events and len(self.events) > 3 else ""
        return f"{self.name} {what}"

    @property
    def mutes(self) -> bool:
        return self.name.startswith("es_mute_")

    @property
    def subscribes(self) -> bool:
        return self.name == "es_subscribe"


def calls(history: Iterable[tuple[Plan, Plan]]) -> tuple[Call, ...]:
    """The calls of a client's history (see Client.history), oldest first."""
    return tuple(call for before, after in history for call in between(before, after))


def between(before: Plan, after: Plan) -> Iterator[Call]:
    """The calls that lead from one plan to another: what ends first, and subscriptions last."""
    was = {replace(entry, enabled=True) for entry in before.entries if entry.enabled}
    now = dict.fromkeys(replace(entry, enabled=True) for entry in after.entries if entry.enabled)
    yield from (_of(entry, "unmute") for entry in before.entries if entry.enabled and entry not in now)
    yield from (_of(entry, "mute") for entry in now if entry not in was)
    for dimension in DIMENSIONS:
        key = f"invert_{dimension}"
        if getattr(before, key) != getattr(after, key):
            yield Call("es_invert_muting", dimension=dimension)
    if before.subscribe != after.subscribe:
        old, new = (tuple(NOTIFY) if plan.subscribe is None else plan.subscribe for plan in (before, after))
        if gone := tuple(name for name in old if name not in set(new)):
            yield Call("es_unsubscribe", events=gone)
        if more := tuple(name for name in new if name not in set(old)):
            yield Call("es_subscribe", events=more)


def _of(entry: Entry, verb: str) -> Call:
    kind = "path" if isinstance(entry, MutePath) else "process"
    return Call(f"es_{verb}_{kind}" + ("" if entry.events is None else "_events"), entry)
