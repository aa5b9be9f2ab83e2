"""`estui cat`: one row per event, in input order; `estui plan judge` has the same rows."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence

from estui.cli import columns, streams
from estui.cli.exits import Exit
from estui.cli.inputs import Input, Inputs, load_settings, open_plan
from estui.config import comma_list
from estui.core import Core
from estui.events import INSTIGATOR_EVENTS
from estui.message import Message
from estui.muting import Verdict
from estui.plan import Plan
from estui.record import KIND_BAD, KIND_EVENT, KIND_GAP, Row
from estui.sources import SourceOptions

DELIVERED = Verdict(True)
REMEMBERED = 1 << 16
"""Verdicts kept, by what they depend on."""


def run(args: argparse.Namespace) -> Exit:
    plan = open_plan(args.plan) if args.plan is not None else None
    names = chosen_columns(args.names, plan, args.json)
    keep = True if args.delivered else False if args.suppressed else None
    sources = Inputs(args.source, load_settings(args), SourceOptions(shards=args.shards))
    return print_events(sources, plan, names, as_json=args.json, keep=keep)


def chosen_columns(asked: str | None, plan: Plan | None, as_json: bool) -> tuple[str, ...]:
    """The columns asked for; without that all of them for JSON, and the usual ones for text.

    Raises:
        CommandError: a name that is no column.
    """
    if asked is not None:
        return columns.check(comma_list(asked), "--columns")
    if as_json:
        return tuple(columns.COLUMNS)
    return columns.TEXT_JUDGED if plan else columns.TEXT


def print_events(
    inputs: Inputs, plan: Plan | None, names: Sequence[str], *, as_json: bool, keep: bool | None = None
) -> Exit:
    """Print every event of the inputs, or only the delivered or suppressed ones; bad lines go to stderr."""
    return inputs.read(printer(plan, names, as_json=as_json, keep=keep))


def printer(
    plan: Plan | None, names: Sequence[str], *, as_json: bool, keep: bool | None = None
) -> Callable[[Input], None]:
    """What prints the events of one input."""
    lines = columns.json_lines if as_json else columns.text_lines

    def take(source: Input) -> None:
        judge = Judge(source.core, plan)
        for lo, hi in source:
            rows = judge.verdicts(_events(source, source.core.rows(lo, hi)))
            if text := lines(names, (row for row in rows if keep is None or row[1].delivered is keep)):
                streams.write(text)

    return take


def _events(source: Input, rows: Iterable[Row]) -> Iterator[Row]:
    """The events among the rows; bad lines, and losses of a stream that estui started, go to stderr."""
    for row in rows:
        if row.kind == KIND_EVENT:
            yield row
        elif row.kind == KIND_BAD:
            streams.say(f"{source.name}:{row.n}: {row.reason}")
        elif row.kind == KIND_GAP and row.owned:
            streams.say(f"{source.name}: {_loss(row)}")


def _loss(row: Row) -> str:
    """What a gap says, and why, where a line of a recording says that."""
    many = "an unknown number of" if row.unknown else str(row.gap_global or row.gap_type)
    why = f": {row.event}" if row.n and row.event else ""
    return f"{many} events lost here{why}"


class Judge:
    """Verdicts of a core's rows, computed once per process, executable and targets."""

    def __init__(self, core: Core, plan: Plan | None) -> None:
        self._core = core
        self._votes = bool(plan and plan.instigator_votes)
        self._mutes = plan.mute_set() if plan else None
        self._seen: dict[tuple[object, ...], Verdict] = {}
        if plan:
            core.judge(plan.rules())

    def verdicts(self, rows: Iterable[Row]) -> Iterator[tuple[Row, Verdict]]:
        """Each event with its verdict; the rows must still be held."""
        for row in rows:
            yield row, self._verdict(row)

    def _verdict(self, row: Row) -> Verdict:
        if self._mutes is None or row.stage == 0:
            return DELIVERED
        if self._votes and row.event in INSTIGATOR_EVENTS:  # the columns do not hold the instigator
            raw = self._core.raw(row.seq)
            return self._mutes.decide_row(row, Message(raw) if raw is not None else None)
        key = (row.event, row.pid, row.pidversion, row.executable, row.targets)
        verdict = self._seen.get(key)
        if verdict is None:
            if len(self._seen) >= REMEMBERED:
                self._seen.clear()
            verdict = self._seen[key] = self._mutes.decide_row(row)
        return verdict
