"""A rule: one entry of a plan as a client judges by it, and where in the plan it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from estui.muting import path_bytes
from estui.plan import Entry, MutePath, Plan


@dataclass(frozen=True, slots=True)
class Rule:
    """One enabled entry that can match something, a plan's own or one of Apple's default mute set."""

    place: str
    """Where it stands: "[[mute_path]] 3", or "default mute set 3"."""
    index: int | None
    """Its place in `plan.entries`; None for an entry of the default mute set."""
    entry: Entry
    mask: int
    """The event types it counts for; see muting.event_mask."""

    @property
    def label(self) -> str:
        """The text a verdict names it by, the path unescaped."""
        return self.entry.label

    @property
    def words(self) -> str:
        """Place and label; the path unescaped."""
        return f"{self.place} {self.label}"

    def is_of(self, stage: str) -> bool:
        """Whether it belongs to one of record.STAGES."""
        if not isinstance(self.entry, MutePath):
            return stage == "process"
        return stage == ("target_path" if self.entry.path_type.is_target else "path")

    def matches(self, path: str) -> bool:
        """Whether a path entry matches this path, for whatever event."""
        if not isinstance(self.entry, MutePath):
            return False
        raw, own = path_bytes(path), path_bytes(self.entry.path)
        return raw.startswith(own) if self.entry.path_type.is_prefix else raw == own

    def names(self, process: tuple[int, int]) -> bool:
        """Whether a process entry names this process, for whatever event."""
        return not isinstance(self.entry, MutePath) and process == (self.entry.pid, self.entry.pidversion)


def place(plan: Plan, index: int) -> str:
    """Where the entry at `index` of plan.entries stands in the file."""
    paths = len(plan.paths)
    return f"[[mute_path]] {index + 1}" if index < paths else f"[[mute_process]] {index - paths + 1}"


def rules(plan: Plan) -> tuple[Rule, ...]:
    """The rules a plan's client judges by, in the order in which it takes them: the default mute set first."""
    found = [
        Rule(f"default mute set {number}", None, entry, entry.rule().mask)
        for number, entry in enumerate(plan.default_entries(), 1)
    ]
    for index, entry in enumerate(plan.entries):
        if entry.enabled:
            found.append(Rule(place(plan, index), index, entry, entry.rule().mask))
    return tuple(rule for rule in found if rule.mask)


class Matcher:
    """Path rules of one dimension, found by path."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._literals: dict[bytes, list[tuple[int, Rule]]] = {}
        self._prefixes: dict[bytes, list[tuple[int, Rule]]] = {}
        for order, rule in enumerate(rules):
            if isinstance(rule.entry, MutePath):
                table = self._prefixes if rule.entry.path_type.is_prefix else self._literals
                table.setdefault(path_bytes(rule.entry.path), []).append((order, rule))
        self._lengths = sorted({len(prefix) for prefix in self._prefixes})

    def matching(self, path: str) -> list[Rule]:
        """The rules that match a path, for whatever events, in order."""
        raw = path_bytes(path)
        found = list(self._literals.get(raw, ()))
        for length in self._lengths:
            if length > len(raw):
                break
            found += self._prefixes.get(raw[:length], ())
        return [rule for _, rule in sorted(found, key=lambda one: one[0])]


def as_json(rule: Rule | None) -> dict[str, Any] | None:
    """A rule in a JSON document."""
    if rule is None:
        return None
    return {"place": rule.place, "index": rule.index, "rule": rule.label}
