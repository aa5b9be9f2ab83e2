"""`estui stat`: what is in a recording, counted."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import dataclass, field

from estui.cli import streams
from estui.cli.columns import table
from estui.cli.exits import Exit
from estui.cli.inputs import Input, Inputs, load_settings
from estui.sources import SourceOptions
from estui.text import printable

MOST_EXECUTABLES = 20
"""Executables in the readable table; --json has all."""


@dataclass
class Loss:
    """Events that sequence numbers say are not there."""

    total: int = 0
    by_type: Counter[str] = field(default_factory=Counter)

    def add(self, total: int, by_type: dict[str, int]) -> None:
        self.total += total
        self.by_type.update(by_type)

    def as_json(self) -> dict[str, object]:
        return {"global": self.total, "by_type": dict(self.by_type)}

    @property
    def words(self) -> str:
        return str(self.total)


@dataclass
class OwnLoss(Loss):
    """The same for streams that estui started, and what it wrote of them."""

    unknown: int = 0
    """Losses of which nobody knows how many events they were."""
    by_shard: Counter[int] = field(default_factory=Counter)

    def as_json(self) -> dict[str, object]:
        shards = {str(shard): count for shard, count in sorted(self.by_shard.items())}
        return super().as_json() | {"unknown": self.unknown} | ({"by_shard": shards} if shards else {})

    @property
    def words(self) -> str:
        return super().words + ("+" if self.unknown else "")


@dataclass
class Totals:
    """The figures of all sources together."""

    events: int = 0
    bad_lines: int = 0
    lost: OwnLoss = field(default_factory=OwnLoss)
    missing: Loss = field(default_factory=Loss)
    by_event: Counter[str] = field(default_factory=Counter)
    by_executable: Counter[str] = field(default_factory=Counter)
    first: tuple[int, str] | None = None
    """The earliest time: Unix nanoseconds, and the words of the line that has it."""
    last: tuple[int, str] | None = None

    def read(self, source: Input) -> None:
        """Read one source to its end, or as far as it gets, and add it."""
        core = source.core
        try:
            source.drain()
        finally:
            counters, losses = core.counters(), core.losses()
            self.events += counters.events
            self.bad_lines += counters.bad
            self.lost.add(losses.lost_global, losses.lost_by_type)
            self.lost.unknown += losses.unknown
            self.lost.by_shard.update(losses.by_shard)
            self.missing.add(losses.missing_global, losses.missing_by_type)
            self.by_event.update({count.event: count.total for count in core.events()})
            self.by_executable.update(core.executables())
            if counters.first_ns is not None and counters.first_time is not None:
                begin = counters.first_ns, counters.first_time
                self.first = min(self.first or begin, begin)
            if counters.last_ns is not None and counters.last_time is not None:
                end = counters.last_ns, counters.last_time
                self.last = max(self.last or end, end)

    def as_json(self) -> dict[str, object]:
        return {
            "events": self.events,
            "bad_lines": self.bad_lines,
            "lost": self.lost.as_json(),
            "missing": self.missing.as_json(),
            "by_event": dict(self.by_event.most_common()),
            "by_executable": dict(self.by_executable.most_common()),
            "first_time": self.first and self.first[1],
            "last_time": self.last and self.last[1],
        }

    def as_text(self) -> str:
        lines = [
            f"events     {self.events}",
            f"bad lines  {self.bad_lines}",
            f"lost       {self.lost.words}",
            f"missing    {self.missing.total}" + ("  (or filtered out)" if self.missing.total else ""),
            f"first      {printable(self.first[1]) if self.first else '-'}",
            f"last       {printable(self.last[1]) if self.last else '-'}",
        ]
        text = "\n".join(lines) + "\n"
        executables = self.by_executable.most_common()
        for title, counts in (
            ("events by type", self.by_event.most_common()),
            ("lost by type", self.lost.by_type.most_common()),
            (
                "lost or missing by shard",
                [(str(shard), n) for shard, n in sorted(self.lost.by_shard.items())],
            ),
            ("missing by type", self.missing.by_type.most_common()),
            ("events by executable", executables[:MOST_EXECUTABLES]),
        ):
            if counts:
                text += f"\n{title}\n{table(counts)}"
        if len(executables) > MOST_EXECUTABLES:
            rest = sum(count for _, count in executables[MOST_EXECUTABLES:])
            text += f"  … and {len(executables) - MOST_EXECUTABLES} more with {rest} events\n"
        return text


def run(args: argparse.Namespace) -> Exit:
    inputs = Inputs(args.source, load_settings(args), SourceOptions(shards=args.shards), tally=True)
    totals = Totals()
    try:
        code = inputs.read(totals.read)
    except KeyboardInterrupt:  # how one ends a live source: what was counted is the answer
        code = Exit.INTERRUPTED
    streams.write(json.dumps(totals.as_json()) + "\n" if args.json else totals.as_text())
    return code
