"""Lints on the history of calls, and on a plan's inversions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from estui.client import DIMENSIONS
from estui.lab.calls import Call
from estui.lab.lints.finding import ERROR, SEEN, WARNING, Fix, Given, Lint, changed, subscribed_mask

# On the history of calls


def inverted_twice(given: Given) -> Iterator[Lint]:
    for dimension in DIMENSIONS:
        at = [
            index
            for index, call in enumerate(given.calls)
            if call.name == "es_invert_muting" and call.dimension == dimension
        ]
        if not at or len(at) % 2:
            continue
        last = at[-1]

        def once(calls: Sequence[Call], last: int = last) -> tuple[Call, ...]:
            return (*calls[:last], *calls[last + 1 :])

        what = dimension.replace("_", " ")
        yield Lint(
            "inverted-twice",
            WARNING,
            f"es_invert_muting() was called {len(at)} times for {what} muting: it is a toggle, and nothing is inverted",
            Fix(f"invert {what} muting once", changed(**{f"invert_{dimension}": True}), once),
            place=f"call {last + 1}",
            call=last,
        )


def late_mute(given: Given) -> Iterator[Lint]:
    first = next((index for index, call in enumerate(given.calls) if call.subscribes), None)
    if first is None:
        return
    late = [index for index, call in enumerate(given.calls) if index > first and call.mutes]
    if not late:
        return

    def reordered(calls: Sequence[Call]) -> tuple[Call, ...]:
        return (
            *(call for call in calls if not call.subscribes),
            *(call for call in calls if call.subscribes),
        )

    count = "one mute was" if len(late) == 1 else f"{len(late)} mutes were"
    yield Lint(
        "late-mute",
        WARNING,
        f"{count} made after es_subscribe(): until then the client gets the whole flood",
        Fix("mute first, subscribe last: every export of the plan does", lambda plan: plan, reordered),
        place=f"call {late[0] + 1}",
        call=late[0],
    )


# On inversions


def default_set(given: Given) -> Iterator[Lint]:
    plan = given.plan
    defaults = [rule for rule in given.rules if rule.index is None]
    if not defaults:
        return
    for dimension in DIMENSIONS:
        if not getattr(plan, f"invert_{dimension}"):
            continue
        stage = "path" if dimension == "process" else dimension
        count = sum(rule.is_of(stage) for rule in defaults)
        if not count:
            continue
        what, call = (
            dimension.replace("_", " "),
            f"es_unmute_all_{'target_' if 'target' in dimension else ''}paths()",
        )
        does = "still mute their programs" if dimension == "process" else "then select instead of muting"
        yield Lint(
            "default-set",
            WARNING,
            f"{what} muting is inverted over Apple's default mute set, whose {count} entries {does}; "
            f"{call} comes first",
            Fix("clear the default mute set", changed(default_mute_set="none")),
            place="[plan]: default_mute_set",
        )


def empty_inversion(given: Given) -> Iterator[Lint]:
    subscribed = subscribed_mask(given.plan)
    for dimension in DIMENSIONS:
        key = f"invert_{dimension}"
        if not getattr(given.plan, key):
            continue
        if any(rule.mask & SEEN & subscribed for rule in given.rules if rule.is_of(dimension)):
            continue
        what = "every event with a target" if dimension == "target_path" else "every event"
        yield Lint(
            "empty-inversion",
            ERROR,
            f"{dimension.replace('_', ' ')} muting is inverted and no entry selects anything: {what} is suppressed",
            Fix("stop inverting", changed(**{key: False})),
            place=f"[invert]: {dimension}",
        )
