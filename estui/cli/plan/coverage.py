"""`estui plan coverage`: which places a defender watches a plan leaves visible."""

from __future__ import annotations

import argparse
import json

from estui.cli import streams
from estui.cli.cat import Judge
from estui.cli.exits import CommandError, Exit
from estui.cli.inputs import Input, Inputs, load_settings, open_plan
from estui.lab.coverage import BLIND, DELIVERED, PARTLY, Tally, coverage, document, lines
from estui.lab.places import Place, PlaceError, built_in, joined, load
from estui.record import KIND_EVENT


def prepare(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Say of each place a defender watches whether its events are delivered under the plan, and which rule is to "
        "blame where not. With a source, count them too."
    )
    parser.add_argument("plan", metavar="PLAN", help="a plan file, or the name of an example")
    parser.add_argument("source", nargs="*", metavar="SOURCE", help="a file, -, eslogger or demo")
    parser.add_argument(
        "--also",
        action="append",
        default=[],
        metavar="FILE",
        help="a list of places of your own, beside estui's",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> Exit:
    places = open_places(args.also)
    plan = open_plan(args.plan)
    covered = coverage(plan, places)
    tally, code = Tally(places) if args.source else None, Exit.OK
    if tally is not None:
        counted = tally

        def take(source: Input) -> None:
            judge = Judge(source.core, plan)
            for lo, hi in source:
                rows = [row for row in source.core.rows(lo, hi) if row.kind == KIND_EVENT]
                counted.take(judge.verdicts(rows))
            if bad := source.core.counters().bad:
                streams.say(f"{source.name}: {bad:,} bad lines left out")

        code = Inputs(args.source, load_settings(args)).read(take)
    held = [tally.held[one.place] if tally else None for one in covered]
    counts = {status: sum(one.status == status for one in covered) for status in (DELIVERED, PARTLY, BLIND)}
    if args.json:
        found = [document(*pair) for pair in zip(covered, held, strict=True)]
        streams.write(json.dumps({"plan": args.plan, "counts": counts, "places": found}, indent=2) + "\n")
        return code
    for pair in zip(covered, held, strict=True):
        streams.write("".join(f"{line}\n" for line in lines(*pair)))
    streams.write(", ".join(f"{count} {status}" for status, count in counts.items()) + "\n")
    return code


def open_places(files: list[str]) -> tuple[Place, ...]:
    """The built-in places, and those of these files; of two of one id the later one.

    Raises:
        CommandError: a file that cannot be read, or is no list of places.
    """
    try:
        return joined(built_in(), *map(load, files))
    except PlaceError as error:
        raise CommandError(str(error), code=Exit.USAGE) from None
