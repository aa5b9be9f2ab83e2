"""Two sets of rules side by side over the events held."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

from estui._twin.judge import DELIVERED, Judge
from estui._twin.row import At, Record, encoded
from estui.record import Change, Changed, Compared, Process, Rules, Volume

_WORD = 1 << 64
_KEPT, _NEWLY_DELIVERED, _NEWLY_HIDDEN, _MUTED = range(4)
"""Places in a Change: 1 where the first suppresses, 2 where the second does."""

K = TypeVar("K", bound=Hashable)


class TwinComparison:
    """What both say of each event, counted in groups."""

    def __init__(
        self,
        events: Iterable[tuple[int, Record, int]],
        name_of: Callable[[int], str],
        rules: tuple[Rules, Rules],
        top: int,
    ) -> None:
        first, second = map(Judge, rules)
        total = _Groups[None]()
        by_event, by_process = _Groups[str](), _Groups[Process | None]()
        by_executable, by_directory = _Groups[str | None](), _Groups[str]()
        stages = [0] * 5
        programs: dict[Process | None, str | None] = {}
        times: list[int] = []
        self._changes: list[Changed] = []
        for seq, record, _ in events:
            stage = second.stage(record)
            stages[stage] += 1
            code = (first.stage(record) != DELIVERED) | (stage != DELIVERED) << 1
            if code in {_NEWLY_DELIVERED, _NEWLY_HIDDEN}:
                self._changes.append(Changed(seq, code == _NEWLY_HIDDEN))
            size = record[At.SIZE]
            process = _process(record)
            programs[process] = record[At.EXECUTABLE]
            total.add(None, code, size)
            by_event.add(name_of(record[At.EVENT_ID]), code, size)
            by_process.add(process, code, size)
            by_executable.add(record[At.EXECUTABLE], code, size)
            for directory in {target[: target.rfind("/") + 1] for target in record[At.TARGETS]}:
                by_directory.add(directory, code, size)
            if record[At.TIME_NS] is not None:
                times.append(record[At.TIME_NS])
        processes = by_process.first(top, lambda process: (process is not None, process or ()))
        delivered, subscription, process_stage, path, target_path = stages
        self.counts = Compared(
            total=total.first(1, lambda _: ()).get(None, Change()),
            by_stage=(delivered, subscription, process_stage, path, target_path),
            by_event=by_event.first(len(by_event), encoded),
            by_process=processes,
            by_executable=by_executable.first(top, lambda name: (name is not None, encoded(name or ""))),
            by_directory=by_directory.first(top, encoded),
            programs={process: programs[process] for process in processes},
            found=(len(by_event), len(by_process), len(by_executable), len(by_directory)),
            first_ns=min(times, default=None),
            last_ns=max(times, default=None),
        )

    def changes(self, start: int, limit: int, kind: str = "") -> list[Changed]:
        """The events they disagree about, oldest first, from the start-th on; only the "hidden" or "delivered" ones."""
        wanted = [change for change in self._changes if not kind or change.hidden is (kind == "hidden")]
        return wanted[max(start, 0) :][: max(limit, 0)]


class _Groups(dict[K, list[list[int]]]):
    """Events and bytes by key and place in a Change."""

    def add(self, key: K, code: int, size: int) -> None:
        """Count an event."""
        place = self.setdefault(key, [[0, 0], [0, 0], [0, 0], [0, 0]])[code]
        place[0] += 1
        place[1] += size

    def first(self, top: int, order: Callable[[K], Any]) -> dict[K, Change]:
        """The first of them: by changes, then events, then in an order of their keys."""
        changes = {key: Change(*(Volume(*place) for place in places)) for key, places in self.items()}
        keys = sorted(changes, key=lambda key: (-changes[key].changed, -changes[key].held.events, order(key)))
        return {key: changes[key] for key in keys[: max(top, 0)]}


def _process(record: Record) -> Process | None:
    """As unsigned words, which is what a real one has."""
    pid, pidversion = record[At.PID], record[At.PIDVERSION]
    return None if pid is None or pidversion is None else Process(pid % _WORD, pidversion % _WORD)
