"""The calls to Endpoint Security that rebuild a plan on a new client: what C, Swift and Rust write down."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from estui.events import BY_C_NAME, NOTIFY, EventType
from estui.lab.export.notes import Notes, described, heading, quoted
from estui.muting import TARGET_EVENTS, MuteInversionType, MutePathType, path_bytes
from estui.plan import Plan

Events = tuple[EventType, ...]


class PathCall(NamedTuple):
    """es_mute_path(), or es_mute_path_events() where there are events."""

    type: MutePathType
    path: bytes
    events: Events | None


class ProcessCall(NamedTuple):
    """es_mute_process() or es_mute_process_events(), by the two words that name one execution."""

    pid: int
    pidversion: int
    events: Events | None


class Calls:
    """A plan as calls, in the order in which they are made."""

    def __init__(self, plan: Plan) -> None:
        self.notes = Notes()
        self.invert = tuple(
            dimension
            for dimension, inverted in (
                (MuteInversionType.PROCESS, plan.invert_process),
                (MuteInversionType.PATH, plan.invert_path),
                (MuteInversionType.TARGET_PATH, plan.invert_target_path),
            )
            if inverted
        )
        self.clear_paths = plan.invert_process or plan.invert_path
        """Whether es_unmute_all_paths() comes first. Apple asks for it before processes are inverted, too."""
        self.clear_targets = plan.invert_target_path
        """Whether es_unmute_all_target_paths() comes first."""
        self.notes.remark(heading(plan))
        self.paths = tuple(self._path_calls(plan))
        self.processes = tuple(
            ProcessCall(entry.pid, entry.pidversion, _types(entry.events))
            for entry in plan.processes
            if entry.enabled
        )
        self.every_type = plan.subscribe is None
        """The plan names no types, so every NOTIFY type that estui knows is subscribed to."""
        names: Iterable[str] = NOTIFY if plan.subscribe is None else plan.subscribe
        self.subscribe = tuple(NOTIFY[name] for name in names if name in NOTIFY)
        targets = any(call.type.is_target for call in self.paths)
        self.since = "13.0" if targets or self.invert else "12.0"
        """The first macOS that has all these calls."""
        self._remark(plan)

    @property
    def clears(self) -> bool:
        """Whether something of the client's default mute set is taken away, and saved before that."""
        return self.clear_paths or self.clear_targets

    @property
    def named(self) -> Events:
        """The types that the calls name, without those that stand for every type."""
        lists = [call.events or () for call in self.paths]
        lists += [call.events or () for call in self.processes]
        if not self.every_type:
            lists.append(self.subscribe)
        return tuple(dict.fromkeys(event for events in lists for event in events))

    def _path_calls(self, plan: Plan) -> Iterable[PathCall]:
        cleared = (
            entry
            for entry in plan.default_entries()
            if (self.clear_targets if entry.path_type.is_target else self.clear_paths)
        )
        for entry in (*cleared, *plan.paths):
            if not entry.enabled:
                continue
            if "\0" in entry.path:
                self.notes.gap(described(entry), "a NUL byte ends a path")
                continue
            events = _types(entry.events)
            if entry.path_type.is_target and events is not None:
                events = tuple(event for event in events if TARGET_EVENTS >> event.number & 1)
                if not events:
                    self.notes.remark(f"Its types have no target paths, so left out: {described(entry)}")
                    continue
            yield PathCall(entry.path_type, path_bytes(entry.path), events)

    def _remark(self, plan: Plan) -> None:
        remark = self.notes.remark
        newest = newest_release(self.named)
        remark(f"Needs macOS {self.since} or newer.")
        if release(newest) > release(self.since):
            remark(
                f"It names event types of macOS {newest}: the SDK must be as new. An older macOS ignores them."
            )
        if self.every_type:
            remark("The plan names no types to subscribe to: that is every NOTIFY type, some of them floods.")
        if self.clears:
            remark("Before an inversion the client's default mute set is saved and cleared.")
            if plan.default_mute_set != "none":
                remark(f"The plan counts in Apple's default set {plan.default_mute_set}: it is muted again.")
        else:
            remark("The default mute set that the client starts with stays: it holds AUTH types only.")
        if self.processes:
            remark("A process entry names one execution; one that has ended is passed over.")
        if self.processes or plan.invert_process:
            asked = "the plan does so, too" if plan.instigator_votes else "the plan does not"
            remark(f"macOS 27 asks about the instigator of an event, too: {asked}.")
        self.notes.disabled(plan)
        for name in plan.subscribe or ():
            if name not in NOTIFY:
                self.notes.gap(f"subscribing to {quoted(name)}", "estui does not know the type's number")


def _types(names: Iterable[str] | None) -> Events | None:
    if names is None:
        return None
    return tuple(dict.fromkeys(NOTIFY.get(name) or BY_C_NAME[name] for name in names))


def release(version: str) -> tuple[int, ...]:
    """A macOS version to be compared."""
    return tuple(map(int, version.split(".")))


def newest_release(events: Iterable[EventType]) -> str:
    """The macOS that has all these types."""
    return max((event.since for event in events), key=release, default="10.15")
