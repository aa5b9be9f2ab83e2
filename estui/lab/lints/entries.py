"""Lints on one entry of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from estui.lab.evidence import TWO_TARGETS
from estui.lab.links import real_path
from estui.lab.lints.finding import (
    ERROR,
    HINT,
    NOTIFY_MASK,
    SEEN,
    WARNING,
    Given,
    Lint,
    is_inverted,
    leave_out,
    mask_of,
    on_entry,
    shown,
    some,
    subscribed_mask,
    without,
)
from estui.lab.risk import IDENTITY, LOOKS_ONLY, WRITABLE, writable_place
from estui.lab.rule import Matcher, Rule
from estui.muting import TARGET_EVENTS, event_mask
from estui.plan import MutePath, MuteProcess

_IDENTITY = event_mask(IDENTITY)
_EXEC = event_mask(("exec",))
_TWO = event_mask(TWO_TARGETS)
_LOOKS_ONLY = event_mask(LOOKS_ONLY)


# On one entry


def no_target(given: Given) -> Iterator[Lint]:
    for index, entry in given.live:
        if not isinstance(entry, MutePath) or not entry.path_type.is_target or entry.events is None:
            continue
        idle = event_mask(entry.events) & ~TARGET_EVENTS
        if not idle:
            continue
        new = without(entry, idle)
        severity = WARNING if new else ERROR
        words = "the entry matches the others only" if new else "the entry matches nothing, and ES refuses it"
        fix = f"leave {some(idle)} out of its events" if new else "remove the entry"
        yield on_entry(
            "no-target", severity, given, index, f"{some(idle)}: no target paths, so {words}", fix, new
        )


def one_side(given: Given) -> Iterator[Lint]:
    if given.plan.invert_target_path:
        return
    targets = [rule for rule in given.rules if rule.is_of("target_path")]
    for index, entry in given.live:
        if not isinstance(entry, MutePath) or not entry.path_type.is_target:
            continue
        two = mask_of(entry) & _TWO
        if not two:
            continue
        facts = given.facts(entry)
        severity, words = HINT, ""
        if entry.events is not None and not entry.path_type.is_prefix:
            others = [rule for rule in targets if rule.mask & two and rule.entry != entry]
            if not others:
                severity = WARNING
                words = (
                    f"{some(two)}: both paths must be muted, and no entry mutes another: this suppresses none"
                )
        elif entry.events is not None:
            words = f"{some(two)}: only within {shown(entry.path)}; into it, or out of it, they are still delivered"
        if facts and facts.one_sided:
            words = (
                f"{facts.one_sided:,} of {some(two)} had one path muted and the other not, and were delivered"
            )
        if words:
            yield on_entry("one-side", severity, given, index, words, *leave_out(entry, two))


def wrong_kind(given: Given) -> Iterator[Lint]:
    for index, entry in given.live:
        if not isinstance(entry, MutePath) or real_path(entry.path) != entry.path:
            continue
        kind = entry.type.replace("LITERAL", "PREFIX")
        facts = given.facts(entry)
        if kind != entry.type and entry.path.endswith("/") and entry.path != "/":
            words = "no path ends with /, so this matches nothing; inside that directory is a prefix"
            yield on_entry(
                "wrong-kind", WARNING, given, index, words, f"make it {kind}", replace(entry, type=kind)
            )
        elif facts and facts.as_other and not facts.hits:
            kind, count = facts.as_other[0]
            what = "what is acted on" if kind.startswith("TARGET") else "the program that acts"
            words = f"matches no event; as {kind} ({what}) it would match {count:,}"
            yield on_entry(
                "wrong-kind", WARNING, given, index, words, f"make it {kind}", replace(entry, type=kind)
            )


def sibling_prefix(given: Given) -> Iterator[Lint]:
    for index, entry in given.live:
        if not isinstance(entry, MutePath) or not entry.path_type.is_prefix or entry.path.endswith("/"):
            continue
        if real_path(entry.path) != entry.path:
            continue
        facts = given.facts(entry)
        severity, words = (
            HINT,
            f"also matches what is called {shown(entry.path)}…, such as {shown(entry.path)}x",
        )
        if facts and facts.beyond:
            severity = WARNING
            example = f", such as {shown(facts.sibling)}" if facts.sibling else ""
            words = f"also matched {facts.beyond:,} events beside {shown(entry.path)}{example}"
        new = replace(entry, path=entry.path + "/")
        fix = f"end it with /: inside {shown(entry.path)}, the directory itself left out"
        yield on_entry("sibling-prefix", severity, given, index, words, fix, new)


def symlink(given: Given) -> Iterator[Lint]:
    for index, entry in given.live:
        facts = given.facts(entry)
        if not isinstance(entry, MutePath) or (facts and facts.hits):
            continue  # events do carry it: what is on the data volume and has no firmlink, or another system's /tmp
        real = real_path(entry.path)
        if real is None:
            words = "events name what is on the data volume by its place in the tree, /Users/… and not /System/Volumes"
            yield on_entry("symlink", ERROR, given, index, words, "remove the entry", None)
        elif real != entry.path:
            words = f"{shown(entry.path)} leads to {shown(real)}, and events carry the path it leads to"
            yield on_entry(
                "symlink", ERROR, given, index, words, f"make it {shown(real)}", replace(entry, path=real)
            )


def identity_hole(given: Given) -> Iterator[Lint]:
    subscribed = subscribed_mask(given.plan)
    for index, entry in given.live:
        hole = mask_of(entry) & subscribed & _IDENTITY
        if not hole or is_inverted(given.plan, entry):
            continue
        if isinstance(entry, MutePath) and entry.path_type.is_target:
            facts = given.facts(entry)
            if entry.events is None and not (facts and facts.execs):
                continue  # of a place where nothing is run
            count = f" ({facts.execs:,} of them held)" if facts and facts.execs else ""
            words = f"programs run from there start unseen{count}: their exec is muted"
        else:
            words = f"{some(hole)} muted: what these processes start, and what becomes of them, is not told"
        yield on_entry("identity-hole", WARNING, given, index, words, *leave_out(entry, _IDENTITY))


def writable(given: Given) -> Iterator[Lint]:
    for index, entry in given.live:
        if not isinstance(entry, MutePath) or is_inverted(given.plan, entry):
            continue
        telling = mask_of(entry) & subscribed_mask(given.plan) & NOTIFY_MASK & ~_LOOKS_ONLY
        place = writable_place(entry.path, prefix=entry.path_type.is_prefix)
        if not telling or not place:
            continue
        target = entry.path_type.is_target
        severity = HINT if target or place == "/Applications/" else WARNING
        what = "what changes there goes unseen" if target else "any program put there goes unseen"
        new = without(entry, SEEN & ~_LOOKS_ONLY)
        fix = "keep it for types that only look, such as open and stat" if new else "remove the entry"
        words = f"{place} is a place {WRITABLE[place]}: {what} ({some(telling)})"
        yield on_entry("writable", severity, given, index, words, fix, new)


def never_hit(given: Given) -> Iterator[Lint]:
    for index, entry in given.live:
        if not mask_of(entry):
            continue
        off = replace(entry, enabled=False)
        facts = given.facts(entry)
        if isinstance(entry, MutePath):
            if real_path(entry.path) != entry.path:
                continue
            if not entry.path.startswith("/"):
                words = "paths begin with /: this matches nothing"
                yield on_entry("never-hit", WARNING, given, index, words, "disable it", off)
                continue
        if facts is None or facts.hits or facts.as_other:
            continue
        words = f"matches none of {given.evidence.events:,} events"
        if facts.closest:
            words += f"; what came closest is {shown(facts.closest)}"
        yield on_entry("never-hit", HINT, given, index, words, "disable it", off)


def shadowed(given: Given) -> Iterator[Lint]:
    subscribed = subscribed_mask(given.plan)
    by_stage = {
        stage: Matcher(rule for rule in given.rules if rule.is_of(stage)) for stage in ("path", "target_path")
    }
    processes: dict[tuple[int, int], list[Rule]] = {}
    for rule in given.rules:
        if isinstance(rule.entry, MuteProcess):
            processes.setdefault((rule.entry.pid, rule.entry.pidversion), []).append(rule)
    gone: dict[Rule, str] = {}
    # From the last to the first, so that of two that say the same the first one stays.
    for rule in reversed(given.rules):
        entry = rule.entry
        if rule.index is None:
            continue
        if isinstance(entry, MutePath):
            found = by_stage["target_path" if entry.path_type.is_target else "path"].matching(entry.path)
            covers = [other for other in found if not entry.path_type.is_prefix or _is_prefix(other)]
        else:
            covers = processes[entry.pid, entry.pidversion]
        words = _shadow(rule, [other for other in covers if other != rule and other not in gone], subscribed)
        if words:
            gone[rule] = words
    for rule in reversed(gone):
        if rule.index is not None:
            yield on_entry("shadowed", WARNING, given, rule.index, gone[rule], "remove the entry", None)


def _is_prefix(rule: Rule) -> bool:
    return isinstance(rule.entry, MutePath) and rule.entry.path_type.is_prefix


def _shadow(rule: Rule, covers: Iterable[Rule], subscribed: int) -> str:
    """Words for what covers a rule; "" where it has something of its own."""
    needed = rule.mask & (SEEN if rule.entry.events is None else -1) & subscribed
    if not needed:
        return "none of its event types is subscribed to"
    by = []
    for other in covers:
        if needed & other.mask:
            by.append(other)
            needed &= ~other.mask
    if needed:
        return ""
    return f"all it matches is matched by {shown(' and '.join(other.words for other in by))}"
