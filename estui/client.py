"""estui's own ES client: a plan over a ring, edited live.

Every edit is a new plan, judged at once over all the ring holds, and can be taken back. Nothing is muted at
the source: what a real client would not be sent is only marked as suppressed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from estui import plan as plans
from estui.core import Core
from estui.events import NOTIFY
from estui.message import Message
from estui.muting import MutePathType, Stage, Verdict, event_mask
from estui.plan import Entry, MuteProcess, Plan
from estui.record import (
    KIND_EVENT,
    UNKNOWN_BIT,
    UNKNOWN_EVENT,
    PathRule,
    ProcessRule,
    Row,
    Rules,
    WhatIf,
)
from estui.text import printable


class WhyStep(NamedTuple):
    """One stage of a verdict, explained."""

    stage: str
    outcome: str
    """"pass", "suppress", "not reached" or "not applicable"."""
    words: str
    """Safe to show."""


class _Step(NamedTuple):
    """One edit, as undo and redo need it."""

    words: str
    before: Plan
    after: Plan
    paths: tuple[Path | None, Path | None] | None
    """The plan's file before and after, where the edit changed it."""


DIMENSIONS = ("process", "path", "target_path")


class Client:
    """A subscription and a mute set over one core: what es_new_client() gives, in estui."""

    def __init__(self, core: Core, plan: Plan | None = None, path: Path | None = None) -> None:
        """`path` is the file `plan` came from, if it came from one. The ring is judged at once."""
        self.core = core
        self.path = _own(path)
        self._plan = plan or Plan()
        self._saved: dict[Path | None, Plan] = {self.path: self._plan}
        self._undo: list[_Step] = []
        self._redo: list[_Step] = []
        self._exited: set[tuple[int, int]] = set()
        self._judge(self._plan)

    # The plan and its history

    @property
    def plan(self) -> Plan:
        """The plan in force."""
        return self._plan

    @property
    def changed(self) -> bool:
        """Whether the plan differs from what its file, or the start, had."""
        return self._plan != self._saved.get(self.path)

    @property
    def history(self) -> tuple[tuple[Plan, Plan], ...]:
        """The plans before and after each step that was not taken back, oldest first."""
        return tuple((step.before, step.after) for step in self._undo)

    def apply(self, plan: Plan, words: str) -> None:
        """Put another plan in force as one step that `words` name; judges the ring. The same is no step."""
        if plan != self._plan:
            self._do(_Step(printable(words), self._plan, plan, None))

    def undo(self) -> str | None:
        """Take the last step back. The words of that step, or None if there is none."""
        if not self._undo:
            return None
        step = self._undo.pop()
        self._judge(step.before)
        if step.paths:
            self.path = step.paths[0]
        self._redo.append(step)
        return step.words

    def redo(self) -> str | None:
        """Do the step taken back last again. Its words, or None if there is none."""
        if not self._redo:
            return None
        step = self._redo.pop()
        self._forward(step)
        return step.words

    def load(self, path: Path) -> None:
        """Put the plan of a file in force; undo brings the present one back. Raises plan.PlanError."""
        plan = plans.load(path)
        self._saved[_own(path)] = plan
        self._do(_Step(printable(f"load {path}"), self._plan, plan, (self.path, _own(path))))

    def save(self, path: Path) -> None:
        """Write the plan to a file, which is its own from then on. Raises plan.PlanError."""
        plans.save(self._plan, path)
        self._saved[path] = self._plan
        self.path = path

    def _do(self, step: _Step) -> None:
        self._forward(step)
        self._redo.clear()

    def _forward(self, step: _Step) -> None:
        self._judge(step.after)
        if step.paths:
            self.path = step.paths[1]
        self._undo.append(step)

    def _judge(self, plan: Plan) -> None:
        mutes = plan.mute_set()
        self.core.judge(mutes.rules())
        self._mutes, self._plan = mutes, plan

    def rules(self) -> Rules:
        """The plan in force, as the core judges by it."""
        return self._mutes.rules()

    # Subscriptions

    def names(self) -> tuple[str, ...]:
        """Every type that can be subscribed to: the NOTIFY types, then unknown ones that were seen."""
        unknown = (count.event for count in self.core.events() if count.event_id >= UNKNOWN_EVENT)
        return (*NOTIFY, *(name for name in unknown if _is_text(name)))

    def subscribed(self, name: str) -> bool:
        """Whether events of this name pass the first stage."""
        return self._plan.subscribe is None or name in self._plan.subscribe

    def subscribe(self, names: Iterable[str]) -> None:
        """es_subscribe(): adds types, and never removes one."""
        if self._plan.subscribe is not None:
            added = tuple(name for name in names if name not in set(self._plan.subscribe))
            self._subscribe((*self._plan.subscribe, *added), f"subscribe {_some(added)}")

    def unsubscribe(self, names: Iterable[str]) -> None:
        """es_unsubscribe(): from every type, it leaves all of `names()` but these."""
        gone = tuple(names)
        now = self.names() if self._plan.subscribe is None else self._plan.subscribe
        self._subscribe(tuple(name for name in now if name not in set(gone)), f"unsubscribe {_some(gone)}")

    def solo(self, names: Iterable[str]) -> None:
        """Subscribe to these types and no other."""
        only = tuple(names)
        self._subscribe(only, f"subscribe only {_some(only)}")

    def subscribe_all(self) -> None:
        """Subscribe to every type, those estui does not know too."""
        self._subscribe(None, "subscribe every type")

    def _subscribe(self, names: tuple[str, ...] | None, words: str) -> None:
        self.apply(replace(self._plan, subscribe=names), words)

    # Entries

    def with_entry(self, entry: Entry, index: int | None = None) -> Plan:
        """The plan with one more entry, or with that at `index` of plan.entries replaced: to preview it."""
        entries = list(self._plan.entries)
        if index is None:
            entries.append(entry)
        else:
            entries[index] = entry
        return self._plan.with_entries(entries)

    def add(self, entry: Entry) -> None:
        """es_mute_path_events() or es_mute_process_events(): one more entry, last of its kind."""
        self.apply(self.with_entry(entry), f"mute {_entry(entry)}")

    def replace(self, index: int, entry: Entry) -> None:
        """Put another entry in the place of one."""
        self.apply(self.with_entry(entry, index), f"change {_entry(self._plan.entries[index])}")

    def remove(self, index: int) -> None:
        """Take an entry out of the plan."""
        gone = self._plan.entries[index]
        self.apply(self._without(index), f"remove {_entry(gone)}")

    def enable(self, index: int, on: bool) -> None:
        """Switch an entry on or off; it stays in the plan."""
        entry = self._plan.entries[index]
        plan = self.with_entry(replace(entry, enabled=on), index)
        self.apply(plan, f"{'enable' if on else 'disable'} {_entry(entry)}")

    def clear(self) -> None:
        """es_unmute_all_paths() and es_unmute_all_target_paths(), and the processes too. Inversions stay."""
        self.apply(self._plan.with_entries(()), "remove all entries")

    def _without(self, index: int) -> Plan:
        entries = self._plan.entries
        return self._plan.with_entries(entries[:index] + entries[index + 1 :])

    # Inversion

    def invert_muting(self, dimension: str) -> None:
        """es_invert_muting(): toggles one of DIMENSIONS."""
        key = f"invert_{dimension}"
        toggled: dict[str, Any] = {key: not getattr(self._plan, key)}
        words = "invert" if toggled[key] else "stop inverting"
        self.apply(replace(self._plan, **toggled), f"{words} {dimension} muting")

    def inversion_words(self, dimension: str) -> str:
        """What the switch of one of DIMENSIONS means now."""
        normal, inverted, none = _INVERSION[dimension]
        if not getattr(self._plan, f"invert_{dimension}"):
            return f"normal: {normal}"
        rules = self.rules()
        present: Iterable[PathRule | ProcessRule] = rules.processes
        if dimension != "process":
            is_target = dimension == "target_path"
            present = (rule for rule in rules.paths if MutePathType(rule.type).is_target is is_target)
        if any(rule.mask & _SEEN for rule in present):
            return f"inverted: {inverted}"
        return f"inverted, and no entry selects anything: {none}"

    # What a plan would do

    def preview(self, plan: Plan) -> WhatIf:
        """What a plan would change over the events held."""
        return self.core.whatif(plan.rules())

    # One event

    def verdict(self, seq: int) -> Verdict | None:
        """The verdict on a row and the entry that decided; None for a row that is no event, or is gone."""
        asked = self._ask(seq)
        return asked and self._mutes.decide_row(*asked)

    def why(self, seq: int) -> tuple[WhyStep, ...]:
        """The four stages of a verdict in ES's order; none for a row that is no event, or is gone."""
        asked = self._ask(seq)
        if asked is None:
            return ()
        row = asked[0]
        stages = {stage.name: stage for stage in self._mutes.stages(*asked)}
        steps: list[WhyStep] = []
        decided = ""
        for name in DECISION:
            stage = stages.get(name)
            if decided:
                outcome, words = "not reached", f"{decided} decided already"
            elif stage is None:
                outcome, words = "not applicable", _untouched(row)
            else:
                outcome, words = "suppress" if stage.suppresses else "pass", self._words(stage, row)
                decided = name.replace("_", " ") if stage.suppresses else ""
            steps.append(WhyStep(name, outcome, printable(words)))
        return tuple(steps)

    def _ask(self, seq: int) -> tuple[Row, Message | None] | None:
        row = self.core.row(seq)
        if row is None or row.kind != KIND_EVENT:
            return None
        raw = self.core.raw(seq) if self._plan.instigator_votes else None
        return row, None if raw is None else Message(raw)

    def _words(self, stage: Stage, row: Row) -> str:
        if stage.name == "subscription":
            if self._plan.subscribe is None:
                return "every type is subscribed"
            return f"{row.event} is {'not ' if stage.suppresses else ''}subscribed"
        things = _things(stage.name, row)[: len(stage.rules)]
        found = [(thing, rule) for thing, rule in zip(things, stage.rules, strict=True) if rule]
        left = [thing for thing, rule in zip(things, stage.rules, strict=True) if not rule]
        verb = "select" if stage.inverted else "mute"
        words = [f"{rule} {verb}s {thing}" for thing, rule in found]
        if left:
            words.append(f"no entry {verb}s {' or '.join(left)}")
        words += [f"{rule} is not for {row.event}" for rule in stage.idle if rule]
        return ("inverted: " if stage.inverted else "") + "; ".join(words)

    # Exits

    def tick(self) -> None:
        """Take processes whose exit the ring holds off the live list, as ES does. Verdicts stay."""
        for process in self.live_processes():
            if self.core.exited(process.pid, process.pidversion):
                self._exited.add((process.pid, process.pidversion))

    def live_processes(self) -> tuple[MuteProcess, ...]:
        """es_muted_processes_events(): the enabled process entries whose process was not seen to exit."""
        return tuple(
            process
            for process in self._plan.processes
            if process.enabled and (process.pid, process.pidversion) not in self._exited
        )


DECISION = ("subscription", "process", "path", "target_path")
"""The stages of a verdict, in ES's order."""

_SEEN = event_mask(NOTIFY) | 1 << UNKNOWN_BIT
"""The event mask of what can arrive: all but AUTH and reserved types."""

_INVERSION = {
    "process": (
        "events of a muted process are suppressed",
        "only events of a selected process are delivered",
        "every event is suppressed",
    ),
    "path": (
        "events of a muted executable are suppressed",
        "only events of a selected executable are delivered",
        "every event is suppressed",
    ),
    "target_path": (
        "an event is suppressed when all its targets are muted",
        "only events with a selected target are delivered; types without targets still arrive",
        "every event with a target is suppressed; types without targets still arrive",
    ),
}
"""What a dimension does when it is normal, when it is inverted, and when it is inverted without an entry."""


def _own(path: Path | None) -> Path | None:
    """The file a plan is saved to again: none for a shipped example."""
    return None if path is None or plans.is_example(path) else path


def _is_text(name: str) -> bool:
    """Whether a plan file can hold this name; bytes that are not UTF-8 are no type's name."""
    return name.isascii() or not any("\ud800" <= c <= "\udfff" for c in name)


_NAMED = 3


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) <= _NAMED else f"{len(names)} types"


def _entry(entry: Entry) -> str:
    return entry.label if entry.events is None else f"{entry.label} for {_some(entry.events)}"


def _untouched(row: Row) -> str:
    """Why target muting leaves an event alone."""
    event = NOTIFY.get(row.event)
    if event is None:
        return f"estui does not know the type {row.event}: target muting leaves it alone"
    if not event.supports_targets:
        return f"{row.event} does not support target paths: target muting leaves it alone, inverted or not"
    return (
        "the event carries no target: target muting is taken to leave it alone (Apple does not document this)"
    )


def _things(stage: str, row: Row) -> tuple[str, ...]:
    """What a stage asks about, in words."""
    if stage == "target_path":
        return row.targets
    if stage == "path":
        return ("an event without an executable" if row.executable is None else row.executable,)
    if row.pid is None or row.pidversion is None:
        return ("a process without pid and pidversion", "its instigator")
    return (f"process {row.pid}.{row.pidversion}", "its instigator")
