"""What the ring holds and rules deliver, in groups: programs and targets as nodes of trees of directories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from estui._twin.judge import DELIVERED, Judge
from estui._twin.row import At, Record, encoded
from estui.record import NODE_NONE, NODE_ROOT, Cell, Cube

DEPTH = 20
"""Directories of a path that are told apart."""
_Key = tuple[int, int, int, int]


class _Tree:
    """The paths of one column, each with the node that it counts with."""

    def __init__(self, weights: Mapping[str, int], least: int) -> None:
        raw = {path: encoded(path) for path in weights}
        weight: Counter[bytes] = Counter()
        heaviest: dict[bytes, int] = {}
        """By directory: the most that one thing right in it has."""
        kept = set()
        for path, count in weights.items():
            own = _directories(raw[path])
            for directory in own:
                weight[directory] += count
            if raw[path] and not raw[path].endswith(b"/"):
                if count >= least:
                    kept.add(raw[path])
                if own:
                    heaviest[own[-1]] = max(heaviest.get(own[-1], 0), count)
        for directory, count in weight.items():
            for above in _directories(directory)[-2:-1]:
                heaviest[above] = max(heaviest.get(above, 0), count)
        kept |= {
            directory
            for directory, count in weight.items()
            if count >= least and count > heaviest.get(directory, 0)
        }
        nodes = sorted(kept)
        self.paths: tuple[str | None, ...] = (
            None,
            "",
            *(node.decode("utf-8", "surrogateescape") for node in nodes),
        )
        number = {node: place for place, node in enumerate(nodes, NODE_ROOT + 1)}
        self.node = {
            path: next(
                (number[part] for part in (whole, *reversed(_directories(whole))) if part in number),
                NODE_ROOT,
            )
            for path, whole in raw.items()
        }

    def __getitem__(self, path: str | None) -> int:
        return NODE_NONE if path is None else self.node[path]


def _directories(path: bytes) -> list[bytes]:
    """The directories a path is in, each with the slash at its end, from the root on."""
    found: list[bytes] = []
    at = path.find(b"/")
    while at >= 0 and len(found) < DEPTH:
        found.append(path[: at + 1])
        at = path.find(b"/", at + 1)
    return found


def cube(events: Iterable[tuple[int, Record, int]], judge: Judge, least: int) -> Cube:
    """The groups of those events that `judge` delivers."""
    delivered = [
        (seq, record, judge.unmuted_targets(record))
        for seq, record, _ in events
        if judge.stage(record) == DELIVERED
    ]
    programs: Counter[str] = Counter()
    about: Counter[str] = Counter()
    for _, record, unmuted in delivered:
        if record[At.EXECUTABLE] is not None:
            programs[record[At.EXECUTABLE]] += 1
        about.update(unmuted)
    executables, targets = _Tree(programs, least), _Tree(about, least)
    cells: dict[_Key, list[int]] = {}
    for seq, record, unmuted in delivered:
        one, other = (*unmuted, None, None)[:2]
        key = record[At.EVENT_ID], executables[record[At.EXECUTABLE]], targets[one], targets[other]
        cell = cells.setdefault(key, [0, 0, 0])
        cell[0] += 1
        cell[1] += record[At.SIZE]
        cell[2] = seq
    return Cube(executables.paths, targets.paths, tuple(Cell(*key, *cells[key]) for key in sorted(cells)))
