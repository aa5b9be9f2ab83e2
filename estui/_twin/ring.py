"""The ring: rows in one sequence under a budget, the strings they hold, and their verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from estui._twin.judge import DELIVERED, Judge
from estui._twin.loss import MOST
from estui._twin.row import At, Record, encoded, lost_in, strings_of
from estui.events import NOTIFY
from estui.record import KIND_EVENT, STAGES, Rules

ROW_COST = 128
"""What a row counts against the budget, next to its line."""
STRING_COST = 48
"""What a distinct string counts against the budget, next to its bytes."""

_EXIT = NOTIFY["exit"].number
_GONE: Record = ()
_SLACK = 4096
"""Places of evicted rows left in the list before it is cut."""


class Strings:
    """The distinct strings that rows hold."""

    def __init__(self) -> None:
        self.bytes = 0
        self._same: dict[str, str] = {}
        self._holders: dict[str, int] = {}

    def hold(self, string: str) -> str:
        """Count one more holder; return the one copy that all holders share."""
        holders = self._holders.get(string, 0)
        self._holders[string] = holders + 1
        if holders:
            return self._same[string]
        self._same[string] = string
        self.bytes += len(encoded(string)) + STRING_COST
        return string

    def release(self, string: str) -> bool:
        """Count one holder less; return whether it was the last."""
        self._holders[string] -= 1
        if self._holders[string]:
            return False
        del self._holders[string], self._same[string]
        self.bytes -= len(encoded(string)) + STRING_COST
        return True


def _cost(record: Record) -> int:
    size: int = record[At.SIZE]
    return ROW_COST + size


class Ring:
    """Rows by seq, from `tail` to `head`; the oldest go first when the budget is full."""

    def __init__(self, budget: int, max_events: int) -> None:
        self.budget = budget
        self.max_events = max_events
        self.judge = Judge(Rules())
        self.strings = Strings()
        self.tail = 0
        self.evicted = 0
        self.evicted_lost = 0
        """Events that gaps of owned streams stood for among the rows evicted."""
        self.hold: int | None = None
        """Rows from this seq on wait for write()."""
        self.waiting = 0
        """Bytes they take."""
        self.hold_drops = False
        """Rows before it go at once."""
        self.held_bytes = 0
        self.by_stage = [0] * len(STAGES)
        self.held_by_id: Counter[int] = Counter()
        self.suppressed_by_id: Counter[int] = Counter()
        self.exits: Counter[tuple[int | None, int | None]] = Counter()
        self._paid_rows = 0
        self._base = 0
        self._records: list[Record] = []
        self._stages = bytearray()

    @property
    def head(self) -> int:
        """The seq of the next row."""
        return self._base + len(self._records)

    @property
    def held_events(self) -> int:
        """Events in the ring."""
        return sum(self.by_stage)

    @property
    def memory(self) -> int:
        """Bytes that count against the budget; rows of a stream indexed in place count only by strings."""
        return self.held_bytes + ROW_COST * self._paid_rows + self.strings.bytes

    def append(self, record: Record) -> int:
        """Add a row that holds its strings already; judge it; make room. Returns its seq."""
        seq = self.head
        stage = DELIVERED
        if record[At.KIND] == KIND_EVENT:
            stage = self.judge.stage(record)
            self._count(record, stage, 1)
        if isinstance(record[At.RAW], bytes):
            self._paid_rows += 1
            self.held_bytes += len(record[At.RAW])
        if self.hold is not None and seq >= self.hold:
            self.waiting += _cost(record)
        self._records.append(record)
        self._stages.append(stage)
        while self.tail < seq and self._is_full():
            self._evict()
        return seq

    def get(self, seq: int) -> Record | None:
        """The row with that seq, while it is held."""
        return self._records[seq - self._base] if self.tail <= seq < self.head else None

    def stage(self, seq: int) -> int:
        """The stage that suppresses a row held."""
        return self._stages[seq - self._base]

    def scan(self, low: int, high: int) -> Iterator[tuple[int, Record, int]]:
        """Seq, row and stage of every row held from `low` up to `high`, which is left out."""
        low, high = max(low, self.tail), min(high, self.head)
        for seq in range(low, high):
            yield seq, self._records[seq - self._base], self._stages[seq - self._base]

    def events(self) -> Iterator[tuple[int, Record, int]]:
        """Seq, row and stage of every event held."""
        return (item for item in self.scan(self.tail, self.head) if item[1][At.KIND] == KIND_EVENT)

    def apply(self, rules: Rules) -> None:
        """Judge every event held anew."""
        self.judge = Judge(rules)
        self.by_stage = [0] * len(STAGES)
        self.suppressed_by_id.clear()
        for seq, record, _ in self.events():
            stage = self.judge.stage(record)
            self._stages[seq - self._base] = stage
            self.by_stage[stage] += 1
            if stage != DELIVERED:
                self.suppressed_by_id[record[At.EVENT_ID]] += 1

    def _is_full(self) -> bool:
        if self.max_events and self.held_events > self.max_events:
            return True
        if self.hold is not None and self.hold_drops and self.tail < self.hold:
            return True
        return self._paid_rows > 0 and self.memory > self.budget

    def hold_from(self, seq: int | None) -> None:
        """Let rows from `seq` on wait for write(); None for none."""
        if seq is None:
            self.waiting = 0
        elif self.hold is not None and seq >= self.hold:
            self.waiting -= sum(_cost(record) for _, record, _ in self.scan(self.hold, seq))
        else:
            self.waiting = sum(_cost(record) for _, record, _ in self.scan(seq, self.head))
        self.hold = seq

    @property
    def is_crowded(self) -> bool:
        """Whether the rows that are held back fill half the budget."""
        return self.waiting > self.budget // 2

    def _evict(self) -> None:
        place = self.tail - self._base
        record = self._records[place]
        if record[At.KIND] == KIND_EVENT:
            self._count(record, self._stages[place], -1)
            self.evicted += 1
        self.evicted_lost = min(MOST, self.evicted_lost + lost_in(record))
        if self.hold is not None and self.tail >= self.hold:
            self.waiting -= _cost(record)
        if isinstance(record[At.RAW], bytes):
            self._paid_rows -= 1
            self.held_bytes -= len(record[At.RAW])
        for string in strings_of(record):
            if self.strings.release(string):
                self.judge.forget(string)
        self._records[place] = _GONE
        self.tail += 1
        if place + 1 >= max(_SLACK, len(self._records) // 2):
            del self._records[: place + 1], self._stages[: place + 1]
            self._base = self.tail

    def _count(self, record: Record, stage: int, by: int) -> None:
        event_id = record[At.EVENT_ID]
        self.by_stage[stage] += by
        self.held_by_id[event_id] += by
        if stage != DELIVERED:
            self.suppressed_by_id[event_id] += by
        if event_id == _EXIT:
            process = record[At.PID], record[At.PIDVERSION]
            self.exits[process] += by
            if not self.exits[process]:
                del self.exits[process]
