"""The guard of a keep-list: which event types no rule about a path may be for, lest it hide what must never be lost.

Matching is by literal and string prefix, so it can be told of a rule, before it meets any event, whether there can be
an event that both it and an entry of the keep-list are about. What the keep-list says of programs or processes alone
is held against the events held: any rule about targets could hide an event of theirs that is yet to come.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from estui.core import Core
from estui.events import NOTIFY
from estui.lab.evidence import TWO_TARGETS
from estui.lab.keep import Expression, Keep
from estui.lab.places import Place
from estui.lab.risk import IDENTITY
from estui.muting import TARGET_EVENTS, event_mask, path_bytes
from estui.plan import MutePath, Plan
from estui.record import ALL_EVENTS, Filter, Row, ViewSpec

_FILLER = "anything"
_TWO = event_mask(TWO_TARGETS)
_IDENTITY = event_mask(IDENTITY)


class Guard:
    """A keep-list, ready to be asked about rules that would be added to a plan."""

    def __init__(self, keep: Keep, plan: Plan) -> None:
        self._places = [(place, event_mask(place.events)) for place in keep.places]
        self._expressions = [
            (one, ALL_EVENTS if one.events is None else event_mask(one.events)) for one in keep.events
        ]
        known = [(one, 1 << NOTIFY[one.event].number) for one in keep.marked if one.event in NOTIFY]
        self._marked_targets = _sorted((mask, one.targets) for one, mask in known)
        self._marked_programs = _sorted(
            (mask, () if one.executable is None else (one.executable,)) for one, mask in known
        )
        self._halved = 0
        """Types with two targets of which the plan may mute one that is kept: the other is all that keeps it."""
        if not plan.invert_target_path:
            for entry in plan.paths:
                if entry.enabled and entry.path_type.is_target:
                    self._halved |= entry.rule().mask & _TWO & self._kept(entry)

    def forbidden(self, entry: MutePath) -> int:
        """The event types that this entry must not be for."""
        found = self._kept(entry) | _IDENTITY
        return found | self._halved if entry.path_type.is_target else found

    def _kept(self, entry: MutePath) -> int:
        """The types of which an event could be both kept and matched by this entry."""
        path, prefix, target = path_bytes(entry.path), entry.path_type.is_prefix, entry.path_type.is_target
        found = 0
        for place, mask in self._places:
            if not target:
                found |= mask
            elif mask & TARGET_EVENTS & ~found and _meets(place, entry.path, prefix=prefix):
                found |= mask & TARGET_EVENTS
        for one, mask in self._expressions:
            about_target = about_targets(one)
            if not target:
                if may_fit(one.executable_prefix, one.executable_literal, path, prefix=prefix):
                    found |= mask & TARGET_EVENTS if about_target else mask
            elif about_target:
                if may_fit(one.target_prefix, one.target_literal, path, prefix=prefix):
                    found |= mask
            elif not about_actors(one):
                found |= mask
        for mask, paths in self._marked_targets if target else self._marked_programs:
            at = bisect_left(paths, path)
            if at < len(paths) and (paths[at].startswith(path) if prefix else paths[at] == path):
                found |= mask
        return found

    def surely(self, event: int, target: str) -> bool:
        """Whether all events of a type are kept that have this target, or one in this directory; "" tells of none."""
        bit = 1 << event
        for place, mask in self._places:
            if mask & bit and (not place.paths or not TARGET_EVENTS & bit or _is_all_of(place, target)):
                return True
        for one, mask in self._expressions:
            if mask & bit and not about_actors(one):
                if not about_targets(one):
                    return True
                if (
                    one.target_literal is None
                    and one.target_prefix is not None
                    and path_bytes(target).startswith(path_bytes(one.target_prefix))
                ):
                    return True
        return False

    def of_actors(self) -> Iterator[tuple[Expression, int]]:
        """The expressions about programs or processes alone, with their event types."""
        return (
            (one, mask) for one, mask in self._expressions if about_actors(one) and not about_targets(one)
        )


def about_targets(expression: Expression) -> bool:
    return expression.target_prefix is not None or expression.target_literal is not None


def about_actors(expression: Expression) -> bool:
    return (
        expression.executable_prefix is not None
        or expression.executable_literal is not None
        or expression.pid is not None
    )


def may_fit(own_prefix: str | None, own_literal: str | None, path: bytes, *, prefix: bool) -> bool:
    """Whether there is a path that a rule about `path` matches, and that is as a keep-list's expression says."""
    begin = path_bytes(own_prefix or "")
    if own_literal is not None:
        literal = path_bytes(own_literal)
        return literal.startswith(begin) and (literal.startswith(path) if prefix else literal == path)
    return path.startswith(begin) or (prefix and begin.startswith(path))


def held(core: Core, expression: Expression) -> Iterator[Row]:
    """The events held of one process that an expression keeps."""
    assert expression.pid is not None
    view = core.view(ViewSpec((Filter("process", (expression.pid, expression.pidversion), True),)))
    view.extend()
    for position in range(len(view)):
        row = core.row(view[position])
        if row is not None and expression.holds(row):
            yield row


def _meets(place: Place, path: str, *, prefix: bool) -> bool:
    return not place.paths or any(
        pattern.meeting(path, _FILLER, prefix=prefix) is not None for pattern in place.patterns
    )


def _is_all_of(place: Place, target: str) -> bool:
    if not target:
        return False
    if not target.endswith("/"):
        return any(pattern.matches(target) for pattern in place.patterns)
    return any(pattern.text.endswith("/") and pattern.matches(target + _FILLER) for pattern in place.patterns)


def _sorted(found: Iterable[tuple[int, tuple[str, ...]]]) -> list[tuple[int, list[bytes]]]:
    by_mask: dict[int, set[bytes]] = {}
    for mask, paths in found:
        by_mask.setdefault(mask, set()).update(map(path_bytes, paths))
    return [(mask, sorted(paths)) for mask, paths in by_mask.items()]
