"""The columns of headless output: their values, as JSON and as aligned text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from estui.cli.exits import CommandError, Exit
from estui.text import nearest, printable

if TYPE_CHECKING:
    from estui.muting import Verdict
    from estui.record import Row


class Column(NamedTuple):
    """One column of `estui cat`."""

    value: Callable[[Row, Verdict], object]
    width: int
    """Characters it is padded to in text, so that most rows line up without looking ahead."""
    right: bool = False


COLUMNS: dict[str, Column] = {
    "n": Column(lambda row, _: row.n, 6, True),
    "time": Column(lambda row, _: row.time, 30),
    "event": Column(lambda row, _: row.event, 20),
    "event_type": Column(lambda row, _: row.event_type, 3, True),
    "seq_num": Column(lambda row, _: row.seq_num, 8, True),
    "global_seq_num": Column(lambda row, _: row.global_seq_num, 8, True),
    "pid": Column(lambda row, _: row.pid, 6, True),
    "pidversion": Column(lambda row, _: row.pidversion, 7, True),
    "euid": Column(lambda row, _: row.euid, 5, True),
    "ppid": Column(lambda row, _: row.ppid, 6, True),
    "executable": Column(lambda row, _: row.executable, 36),
    "signing_id": Column(lambda row, _: row.signing_id, 28),
    "targets": Column(lambda row, _: row.targets, 40),
    "delivered": Column(lambda _, verdict: verdict.delivered, 3),
    "stage": Column(lambda _, verdict: verdict.stage, 12),
    "rule": Column(lambda _, verdict: verdict.rule, 36),
}
"""Every column, in the order of `--json`."""

TEXT = ("time", "event", "pid", "executable", "targets")
"""What text shows unless told otherwise."""
TEXT_JUDGED = ("time", "event", "pid", "stage", "executable", "targets", "rule")
"""The same when a plan judges."""
JUDGED = ("n", "event", "delivered", "stage", "rule")
"""What `estui plan judge` writes."""


def check(names: Sequence[str], where: str) -> tuple[str, ...]:
    """The names, if all are columns.

    Raises:
        CommandError: a name that is no column; `where` says who asked for it.
    """
    for name in names:
        if name not in COLUMNS:
            near = nearest(name, COLUMNS)
            advice = f"Did you mean {near}?" if near else f"The columns are {', '.join(COLUMNS)}."
            raise CommandError(f"{where}: no column is called {name}.", advice, Exit.USAGE)
    return tuple(names)


_encode = json.JSONEncoder(ensure_ascii=True, check_circular=False).encode


def json_lines(names: Sequence[str], rows: Iterable[tuple[Row, Verdict]]) -> str:
    """One object per row, its strings the input's: a byte that is not UTF-8 is a lone \\udc80 to \\udcff."""
    columns = [(name, COLUMNS[name].value) for name in names]
    return "".join(_encode({name: value(*row) for name, value in columns}) + "\n" for row in rows)


def text_lines(names: Sequence[str], rows: Iterable[tuple[Row, Verdict]]) -> str:
    """One line per row: two spaces between columns, "-" for what the event lacks, everything printable."""
    columns = [COLUMNS[name] for name in names]
    return "".join(_line([_cell(column, column.value(*row)) for column in columns]) for row in rows)


def _line(cells: Sequence[str]) -> str:
    return "  ".join(cells).rstrip(" ") + "\n"


def _cell(column: Column, value: object) -> str:
    text = _words(value)
    return text.rjust(column.width) if column.right else text.ljust(column.width)


def _words(value: object) -> str:
    if value is None or value in ((), ""):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " → ".join(printable(target) for target in value)
    return printable(value) if isinstance(value, str) else str(value)


def table(rows: Sequence[tuple[str, int]], indent: str = "  ") -> str:
    """Names and counts, counts aligned to the right."""
    wide = max((len(str(count)) for _, count in rows), default=0)
    return "".join(f"{indent}{count:>{wide}}  {printable(name)}\n" for name, count in rows)
