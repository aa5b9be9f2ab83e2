"""`python -m tests.bench [--quick] [ROW...]`: measure, and print one Markdown table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from tests.bench import lab, linux, rows, screen, suggest
from tests.bench.machine import BenchError, bind, cores, describe, load, tell_root
from tests.bench.rows import QUICK, Scale
from tests.bench.running import note
from tests.bench.table import Row, markdown

ROWS: dict[str, Callable[[Scale], list[Row]]] = {
    "ingest": rows.ingest,
    "open": rows.opening,
    "mute": rows.muting,
    "lab": lab.lab,
    "suggest": suggest.suggestions,
    "memory": rows.memory,
    "live": screen.live,
    "paint": screen.paint,
    "idle": screen.idle,
    "linux": linux.recorder,
}

MEASURES = "Medians (least–greatest) of wall-clock time; ratios are taken round by round, contenders in turn"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="small corpora, few rounds: to try the benchmark itself"
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"only these: {', '.join(ROWS)}")
    args = parser.parse_args()
    wrong = [name for name in args.rows if name not in ROWS]
    if wrong:
        parser.error(f"no row {wrong[0]}; there are {', '.join(ROWS)}")
    scale = QUICK if args.quick else Scale()
    words, before = describe(), load()
    bind(cores()[0])
    tell_root()
    table: list[Row] = []
    for name in args.rows or ROWS:
        note(name)
        try:
            table += ROWS[name](scale)
        except BenchError as error:
            table.append(Row(name, why=str(error)))
    print("\n".join(words))
    print(f"- {MEASURES}; load average {before:.1f} at the start, {load():.1f} at the end\n")
    if args.quick:
        print("A quick run: small corpora and few rounds. The targets are meant for the full one.\n")
    print(markdown(table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
