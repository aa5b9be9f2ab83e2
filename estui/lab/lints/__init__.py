"""Lints: what a plan says that its author hardly meant, each with a reason and a fix.

A lint's id is stable. Most look at the plan alone; some need the order of the calls that led to it (see calls), some
the events of a ring (see evidence). A fix is a function from plan to plan, and takes the lint away.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from estui.lab.calls import Call
from estui.lab.evidence import Evidence
from estui.lab.lints import entries, plans
from estui.lab.lints.finding import ERROR, HINT, SEVERITIES, WARNING, Fix, Given, Lint
from estui.lab.rule import rules
from estui.plan import Plan

__all__ = ["ABOUT", "ERROR", "HINT", "SEVERITIES", "WARNING", "Fix", "Lint", "document", "find", "fixed"]

ABOUT = {
    "inverted-twice": "es_invert_muting() is a toggle: called twice, nothing is inverted",
    "late-mute": "a mute made after subscribing lets the flood of the start through",
    "default-set": "inverted with Apple's default mute set still in place, whose entries then select",
    "empty-inversion": "an inverted dimension without an entry suppresses everything",
    "no-target": "a target entry for event types without target paths, which it can never match",
    "one-side": "rename, link, clone, copyfile or exchangedata muted by one of its two paths: both must be",
    "wrong-kind": "matches nothing, and would as an entry of another type",
    "sibling-prefix": "a prefix without a slash at its end, which also matches what stands beside the place",
    "symlink": "a path through a symbolic link: events carry the real path",
    "identity-hole": "exec, fork or exit muted: processes appear or change without a trace",
    "writable": "a mute on a place the user can write to: anybody's program can hide there",
    "never-hit": "matches none of the events held",
    "shadowed": "everything it matches is matched by other entries",
}
"""The lints, in the order in which they are told and fixed."""


def find(
    plan: Plan, evidence: Evidence | None = None, calls: Sequence[Call] = (), only: Collection[str] = ()
) -> tuple[Lint, ...]:
    """All lints of a plan, in the order of ABOUT and then of its entries. `only` restricts them to some ids."""
    given = Given(plan, rules(plan), evidence or Evidence(), calls)
    return tuple(lint for name in ABOUT if not only or name in only for lint in _LOOKS[name](given))


def fixed(
    plan: Plan,
    evidence: Evidence | None = None,
    *,
    severities: Collection[str] = (ERROR, WARNING),
    only: Collection[str] = (),
) -> tuple[Plan, tuple[Lint, ...]]:
    """The plan with all lints of these severities fixed, and those lints. With `only`, of any severity but those ids.

    One fix may bring out another lint, which is fixed too.
    """
    done: list[Lint] = []
    for _ in range(_ROUNDS):
        before = plan
        for name in ABOUT:
            if only and name not in only:
                continue
            for lint in find(plan, evidence, only=(name,)):
                if only or lint.severity in severities:
                    after = lint.fix.plan(plan)
                    done += [lint] if after != plan else []
                    plan = after
        if plan == before:
            break
    return plan, tuple(done)


def document(lint: Lint, plan: Plan) -> dict[str, Any]:
    """A lint in a JSON document."""
    return {
        "id": lint.id,
        "severity": lint.severity,
        "reason": lint.reason,
        "place": lint.place,
        "index": lint.index,
        "rule": None if lint.index is None else plan.entries[lint.index].label,
        "call": lint.call,
        "fix": lint.fix.words,
    }


_ROUNDS = 8

_LOOKS: dict[str, Callable[[Given], Iterator[Lint]]] = {
    "inverted-twice": plans.inverted_twice,
    "late-mute": plans.late_mute,
    "default-set": plans.default_set,
    "empty-inversion": plans.empty_inversion,
    "no-target": entries.no_target,
    "one-side": entries.one_side,
    "wrong-kind": entries.wrong_kind,
    "sibling-prefix": entries.sibling_prefix,
    "symlink": entries.symlink,
    "identity-hole": entries.identity_hole,
    "writable": entries.writable,
    "never-hit": entries.never_hit,
    "shadowed": entries.shadowed,
}
