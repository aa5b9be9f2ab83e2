"""`estui plan check`: a regression test for a plan."""

from __future__ import annotations

import argparse
import json

from estui.cli import streams
from estui.cli.exits import CommandError, Exit
from estui.cli.inputs import Input, Inputs, load_settings, open_plan, shown
from estui.cli.plan.coverage import open_places
from estui.cli.plan.export import put
from estui.lab.check import EXAMPLES, Checker, Expectations, ExpectError, document, find, junit, lines, load


def prepare(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Hold a plan against expectations and the events of a source: what must be delivered, what must be "
        "suppressed, how much may be left, and which places must stay visible. Exit code 1 where one is not met."
    )
    parser.add_argument("plan", metavar="PLAN", help="a plan file, or the name of an example")
    parser.add_argument("source", nargs="+", metavar="SOURCE", help="a file, -, eslogger or demo")
    parser.add_argument(
        "--expect",
        default="nothing-lost",
        metavar="FILE",
        help=f"expectations: a file, or an example's name ({', '.join(EXAMPLES)}); nothing-lost if left out",
    )
    parser.add_argument(
        "--also", action="append", default=[], metavar="FILE", help="a list of places of your own"
    )
    parser.add_argument("--junit", metavar="FILE", help="write the report as JUnit's XML too")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> Exit:
    expectations = _expectations(args)
    checker = Checker(open_plan(args.plan), expectations)
    several = len(args.source) > 1

    def take(source: Input) -> None:
        checker.take(source.core, source, source.name if several else "")
        if bad := source.core.counters().bad:
            streams.say(f"{source.name}: {bad:,} bad lines left out")

    code = Inputs(args.source, load_settings(args)).read(take)
    report = checker.report()
    if args.json:
        streams.write(json.dumps({"plan": args.plan, **document(report)}, indent=2) + "\n")
    else:
        streams.write("".join(f"{line}\n" for line in lines(report)))
    if args.junit is not None:
        put(junit(report), args.junit)
    if not report.events:
        streams.say(f"{shown(' '.join(args.source))}: no event was held, so only the plan itself was checked")
    return max(code, Exit.OK if report.ok else Exit.FAILED)


def _expectations(args: argparse.Namespace) -> Expectations:
    try:
        return load(find(args.expect), open_places(args.also))
    except ExpectError as error:
        raise CommandError(str(error), code=Exit.USAGE) from None
