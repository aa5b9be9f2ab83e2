"""Coverage: which of the places a defender watches a plan leaves visible, and which rule is to blame for the others.

A place is judged by events that represent all there can be of it, and the muting engine decides each. Matching is by
literal and by string prefix, so that to every rule there is one path that stands for all it says of a place, and one
more, of names no rule has, for all the rest. What acts is represented in the same way. Nothing is estimated.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from estui.events import INSTIGATOR_EVENTS, NOTIFY
from estui.lab.chart import target_count
from estui.lab.places import Place
from estui.lab.rule import Rule, as_json, rules
from estui.muting import MuteSet, Stage, Subject, Verdict, path_bytes
from estui.plan import MutePath, MuteProcess, Plan
from estui.record import Row
from estui.text import printable

DELIVERED, PARTLY, BLIND = "delivered", "partly blind", "blind"

Who = tuple[int, int]
_NAMES = "".join(map(chr, (*range(0x21, 0x7F), *range(0x80, 0x800, 0x40), *range(0x1000, 0xD000, 0x1000))))
"""One character for each first byte that a name can well begin with."""


class Blame(NamedTuple):
    """One reason why events of a place do not arrive."""

    stage: str
    rule: Rule | None
    """None where the absence of one is the reason."""
    events: tuple[str, ...]
    """The types it hides."""
    paths: tuple[str, ...]
    """Where in the place, if it is about targets: the place's own patterns, or a path under one; unescaped."""

    @property
    def words(self) -> str:
        """What is to blame, unescaped."""
        if self.rule:
            return self.rule.words
        if self.stage == "subscription":
            return "not subscribed to"
        what = {"process": "processes", "path": "programs", "target_path": "targets"}[self.stage]
        return f"[invert] {self.stage}: only {what} that an entry selects"


@dataclass(frozen=True, slots=True)
class Covered:
    """How a plan leaves one place."""

    place: Place
    status: str
    """DELIVERED, PARTLY or BLIND, whoever acts."""
    by_others: str
    """The same for what is done by a program and a process that no rule of the plan names."""
    blames: tuple[Blame, ...]


@dataclass(slots=True)
class Held:
    """The events of one place that were held."""

    events: int = 0
    hidden: int = 0
    """Those among them that the plan suppresses."""
    by_event: dict[str, int] = field(default_factory=dict)


class _Look(NamedTuple):
    """One dimension's answer to one of the representatives."""

    where: str
    stage: Stage | None
    named: bool
    """It is about somebody whom a rule names."""

    @property
    def passes(self) -> bool:
        return self.stage is None or not self.stage.suppresses


class Judge:
    """A plan, ready to be asked about places."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.mutes: MuteSet = plan.mute_set()
        self._rules = rules(plan)
        self._by_label: dict[tuple[str, str], list[Rule]] = {}
        for rule in self._rules:
            stage = next(name for name in ("process", "path", "target_path") if rule.is_of(name))
            self._by_label.setdefault((stage, rule.label), []).append(rule)
        self.filler = _unused(self._rules)
        self._programs = self._reach("path")
        self._targets = [
            rule.entry
            for rule in self._rules
            if isinstance(rule.entry, MutePath) and rule.is_of("target_path")
        ]
        self._whos = tuple(
            dict.fromkeys(
                (rule.entry.pid, rule.entry.pidversion)
                for rule in self._rules
                if isinstance(rule.entry, MuteProcess)
            )
        )
        taken = set(self._whos)
        self._stranger = next((1, n) for n in range(1, len(taken) + 2) if (1, n) not in taken)
        self._acting: dict[str, tuple[list[_Look], list[_Look]]] = {}

    # Representatives

    def _reach(self, stage: str) -> tuple[str, ...]:
        """A path for each rule of a dimension, and first one that none of them names."""
        found = {f"/{self.filler}/{self.filler}": None}
        for rule in self._rules:
            if rule.is_of(stage) and isinstance(rule.entry, MutePath):
                is_prefix = rule.entry.path_type.is_prefix
                found[rule.entry.path + (self.filler if is_prefix else "")] = None
        return tuple(found)

    def _paths(self, place: Place) -> Iterator[tuple[str, str]]:
        """Paths that stand for all of a place, each with what to call it."""
        if not place.paths:
            for path in self._reach("target_path"):
                yield path, path.removesuffix(self.filler)
        for pattern in place.patterns:
            yield pattern.example(self.filler), pattern.text
            for entry in self._targets:
                is_prefix = entry.path_type.is_prefix
                found = pattern.meeting(entry.path, self.filler, prefix=is_prefix)
                if found is not None:
                    inside = pattern.matches(entry.path) or (
                        is_prefix and pattern.matches(entry.path + self.filler)
                    )
                    yield found, entry.path if inside else pattern.text

    def targets(self, place: Place, event: str) -> Iterator[tuple[tuple[str, ...], str]]:
        """The targets that stand for all an event of a place can have, each with what to call them.

        Of two targets, one is of the place and the other either from elsewhere or of the place too.
        """
        count = target_count(event)
        if not count:
            yield (), ""
            return
        elsewhere = f"/{self.filler}/{self.filler}"
        for path, name in dict.fromkeys(self._paths(place)):
            if count > 1:
                yield (elsewhere, path), name
                yield (path, path), name
            else:
                yield (path,), name

    def actors(self, event: str) -> Iterator[tuple[Who, Who | None, bool]]:
        """Process and instigator that stand for all there can be, and whether a rule names one of them."""
        named = [(who, True) for who in self._whos]
        whos = [(self._stranger, False), *named]
        if not (self.plan.instigator_votes and event in INSTIGATOR_EVENTS):
            yield from ((who, None, is_named) for who, is_named in whos)
            return
        for who, is_named in whos:
            yield who, self._stranger, is_named
            if is_named:
                yield self._stranger, who, True
                yield who, who, True

    def representatives(self, place: Place) -> Iterator[Subject]:
        """Every event that stands for a part of a place: all targets with all programs and all processes."""
        for event in place.events:
            for (targets, _), program, (process, instigator, _) in itertools.product(
                self.targets(place, event), self._programs, self.actors(event)
            ):
                yield Subject(event, process, instigator, program, targets)

    # Verdicts

    def covered(self, place: Place) -> Covered:
        """How the plan leaves a place.

        The four stages suppress independently of each other, so that each is asked by itself: something arrives
        where each lets something through, and all of it where each lets all of it through.
        """
        blames: dict[tuple[str, Rule | None], tuple[dict[str, None], dict[str, None]]] = {}
        every, some, others_every, others_some = [], [], [], []
        for event in place.events:
            missing = not self._subscribed(event)
            if missing:
                _note(blames, "subscription", None, event, "")
            dimensions = [*self._actors(event), self._targets_of(place, event)]
            for looks in dimensions:
                for look in looks:
                    if look.stage is not None and look.stage.suppresses:
                        _note(blames, look.stage.name, self._rule(look.stage, event), event, look.where)
            others = [[look for look in looks if not look.named] for looks in dimensions]
            every.append(not missing and all(look.passes for looks in dimensions for look in looks))
            some.append(not missing and all(any(look.passes for look in looks) for looks in dimensions))
            others_every.append(not missing and all(look.passes for looks in others for look in looks))
            others_some.append(not missing and all(any(look.passes for look in looks) for looks in others))
        return Covered(
            place,
            _status(every, some),
            _status(others_every, others_some),
            tuple(
                Blame(stage, rule, tuple(events), tuple(paths))
                for (stage, rule), (events, paths) in blames.items()
            ),
        )

    def _subscribed(self, event: str) -> bool:
        return self.plan.subscribe is None or event in self.plan.subscribe

    def _actors(self, event: str) -> tuple[list[_Look], list[_Look]]:
        """The process and the path dimension's answers, the same for every place."""
        if event not in self._acting:
            processes = [
                _Look("", self._ask("process", Subject(event, process, instigator)), named)
                for process, instigator, named in self.actors(event)
            ]
            programs = [
                _Look("", self._ask("path", Subject(event, executable=program)), bool(number))
                for number, program in enumerate(self._programs)
            ]
            self._acting[event] = processes, programs
        return self._acting[event]

    def _targets_of(self, place: Place, event: str) -> list[_Look]:
        return [
            _Look(name, self._ask("target_path", Subject(event, targets=targets)), named=False)
            for targets, name in self.targets(place, event)
        ]

    def _ask(self, name: str, subject: Subject) -> Stage | None:
        return next((stage for stage in self.mutes.subject_stages(subject) if stage.name == name), None)

    def _rule(self, stage: Stage, event: str) -> Rule | None:
        if stage.rule is None:
            return None
        bit = 1 << NOTIFY[event].number
        return next(rule for rule in self._by_label[stage.name, stage.rule] if rule.mask & bit)


def _unused(given: Iterable[Rule]) -> str:
    """A name that no rule has a part of, not even its first byte: else a rule about /a would match /anything, too."""
    taken = b"/" + b"".join(path_bytes(rule.entry.path) for rule in given if isinstance(rule.entry, MutePath))
    used = set(taken)
    if free := next((char for char in _NAMES if path_bytes(char)[0] not in used), ""):
        return free
    # Of rules that have every byte there is, at least none has all of this.
    return next(name for name in map(str, itertools.count(10**9)) if path_bytes(name) not in taken)


def _note(
    blames: dict[tuple[str, Rule | None], tuple[dict[str, None], dict[str, None]]],
    stage: str,
    rule: Rule | None,
    event: str,
    where: str,
) -> None:
    events, paths = blames.setdefault((stage, rule), ({}, {}))
    events[event] = None
    if where:
        paths[where] = None


def _status(every: list[bool], some: list[bool]) -> str:
    return DELIVERED if all(every) else PARTLY if any(some) else BLIND


def coverage(plan: Plan, places: Iterable[Place]) -> tuple[Covered, ...]:
    """How a plan leaves each of these places."""
    judge = Judge(plan)
    return tuple(judge.covered(place) for place in places)


class Tally:
    """Counts the events of each place among rows that are judged."""

    def __init__(self, places: Iterable[Place]) -> None:
        self.held = {place: Held() for place in places}
        self._by_event: dict[str, list[Place]] = {}
        for place in self.held:
            for event in place.events:
                self._by_event.setdefault(event, []).append(place)

    def take(self, rows: Iterable[tuple[Row, Verdict]]) -> None:
        """Count events, each with its verdict."""
        for row, verdict in rows:
            for place in self._by_event.get(row.event, ()):
                if place.holds(row.event, row.targets):
                    held = self.held[place]
                    held.events += 1
                    held.hidden += not verdict.delivered
                    held.by_event[row.event] = held.by_event.get(row.event, 0) + 1


# As text and JSON

_SIGNS = {DELIVERED: "●", PARTLY: "◐", BLIND: "○"}
_NAMED = 3
_LONG = 200


def lines(covered: Covered, held: Held | None = None) -> Iterator[str]:
    """A place in words, safe to show: its line, and one per reason why something of it does not arrive."""
    place = covered.place
    attack = f" ({', '.join(place.attack)})" if place.attack else ""
    text = f"{_SIGNS[covered.status]} {covered.status:<12}  {_shown(place.name)}{attack}"
    if held is not None:
        text += f": {held.hidden:,} of {held.events:,} hidden" if held.events else ": none held"
    yield text
    if covered.status == PARTLY and covered.by_others == DELIVERED:
        yield "    only of what these programs or processes do:"
    for blame in covered.blames:
        about = f" at {_some(blame.paths)}" if blame.paths else ""
        yield f"    {_shown(blame.words)}: {_some(blame.events)}{about}"


def _some(texts: tuple[str, ...]) -> str:
    more = f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return ", ".join(map(_shown, texts[:_NAMED])) + more


def _shown(text: str) -> str:
    return printable(text if len(text) <= _LONG else text[:_LONG] + "…")


def document(covered: Covered, held: Held | None = None) -> dict[str, Any]:
    """A place in a JSON document."""
    place = covered.place
    return {
        "id": place.id,
        "name": place.name,
        "attack": place.attack,
        "status": covered.status,
        "by_others": covered.by_others,
        "blames": [
            {
                "stage": blame.stage,
                "rule": as_json(blame.rule),
                "words": blame.words,
                "events": blame.events,
                "paths": blame.paths,
            }
            for blame in covered.blames
        ],
        **({} if held is None else {"events": held.events, "hidden": held.hidden, "by_event": held.by_event}),
    }
