"""`estui plan suggest`: rules that mute most of what a source held, and hide nothing that must not be lost."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from estui.cli import streams
from estui.cli.exits import CommandError, Exit
from estui.cli.inputs import Input, Inputs, load_settings, open_plan, shown
from estui.cli.plan.coverage import open_places
from estui.lab.keep import Keep, KeepError
from estui.lab.keep import load as load_keep
from estui.lab.risk import LEVELS
from estui.lab.suggest import Suggestions, accepted, document, lines, suggest, summary
from estui.plan import Plan, PlanError, save

_BAR = 30


def prepare(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Suggest small sets of rules, those that save most for their risk first. exec, fork and exit, the places of "
        "the coverage list and what the keep-list names are never hidden."
    )
    parser.add_argument("source", metavar="SOURCE", help="a file, -, or demo")
    parser.add_argument("--plan", metavar="PLAN", help="the plan to go on from; an empty one if left out")
    parser.add_argument("--keep", metavar="KEEP", help="a keep-list: what else must never be lost")
    parser.add_argument(
        "--also", action="append", default=[], metavar="FILE", help="a list of places of your own"
    )
    parser.add_argument(
        "--risk", choices=tuple(LEVELS), default="high", help="the most that a suggestion may risk"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write the plan with all of them taken")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> Exit:
    plan = open_plan(args.plan) if args.plan is not None else Plan()
    keep = _keep(args)
    found: list[Suggestions] = []

    def take(source: Input) -> None:
        source.hold()
        bar = _Bar()
        found.append(suggest(source.core, plan, keep, riskiest=args.risk, progress=bar.show))
        bar.end()

    code = Inputs([args.source], load_settings(args), held=None).read(take)
    if not found:
        return code
    if args.output is not None:
        _save(accepted(plan, found[0].items), args.output)
    if args.json:
        head = {"source": args.source, "plan": args.plan, "output": args.output}
        streams.write(json.dumps({**head, **document(found[0])}, indent=2) + "\n")
    else:
        _print(found[0])
    if not found[0].events:
        streams.say(f"{shown(args.source)}: no event was held, so there is nothing to suggest")
    return code


def _keep(args: argparse.Namespace) -> Keep:
    more = open_places(args.also)
    if args.keep is None:
        return Keep(more=more)
    try:
        return load_keep(args.keep, more)
    except KeepError as error:
        raise CommandError(str(error), code=Exit.USAGE) from None


def _save(plan: Plan, output: str) -> None:
    try:
        save(plan, Path(output))
    except PlanError as error:
        raise CommandError(str(error), "Name another file with -o.") from None


def _print(found: Suggestions) -> None:
    for number, item in enumerate(found.items, 1):
        first, *rest = lines(item, found)
        streams.write(f"{number:>2}  {first}\n" + "".join(f"    {line}\n" for line in rest))
    streams.write(f"{summary(found)}\n")


class _Bar:
    """A progress bar on stderr, where that is a terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr is not None and sys.stderr.isatty()

    def show(self, done: int, of: int) -> None:
        if self._shown:
            full = _BAR * done // max(1, of)
            print(f"\r[{'#' * full}{'.' * (_BAR - full)}]", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._shown:
            print(f"\r{' ' * (_BAR + 2)}\r", end="", file=sys.stderr, flush=True)
