"""`estui plan lint`: what a plan says that its author hardly meant."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from estui.cli import streams
from estui.cli.exits import CommandError, Exit
from estui.cli.inputs import Input, Inputs, load_settings, open_plan, shown
from estui.config import comma_list
from estui.lab.evidence import Evidence, gather
from estui.lab.lints import ABOUT, ERROR, SEVERITIES, Lint, document, find, fixed
from estui.plan import Plan, PlanError, save
from estui.text import nearest


def prepare(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Look a plan over. With a source, also by the events it held. Exit code 1 where an error is found."
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    wide = max(map(len, ABOUT))
    parser.epilog = "lints:\n" + "\n".join(f"  {name:<{wide}}  {words}" for name, words in ABOUT.items())
    parser.add_argument("plan", metavar="PLAN", help="a plan file, or the name of an example")
    parser.add_argument("source", nargs="*", metavar="SOURCE", help="a file, -, eslogger or demo")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--only", metavar="A,B,C", help="these lints alone")
    parser.add_argument(
        "--fix", action="store_true", help="fix errors and warnings; with --only, hints too; needs -o"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="where --fix writes the plan")


def run(args: argparse.Namespace) -> Exit:
    if args.fix != (args.output is not None):
        raise CommandError(
            "--fix and -o FILE go together: the fixed plan is written to FILE.", code=Exit.USAGE
        )
    only = _only(args.only)
    plan = open_plan(args.plan)
    evidence, code = _evidence(args, plan)
    lints = left = find(plan, evidence, only=only)
    done: tuple[Lint, ...] = ()
    if args.fix:
        after, done = fixed(plan, evidence, only=only)
        left = find(after, evidence, only=only)
        try:
            save(after, Path(args.output))
        except PlanError as error:
            raise CommandError(str(error), "Name another file with -o.") from None
    if args.json:
        streams.write(
            json.dumps(
                {
                    "plan": args.plan,
                    "events": evidence.events,
                    "lints": [document(lint, plan) for lint in lints],
                    "fixed": [{"id": lint.id, "place": lint.place, "fix": lint.fix.words} for lint in done],
                    "left": len(left),
                    "output": args.output,
                },
                indent=2,
            )
            + "\n"
        )
    else:
        _print(lints)
    if args.fix:
        streams.say(f"{shown(args.output)}: {len(done)} fixed, {len(left)} left")
    return max(code, Exit.FAILED if any(lint.severity == ERROR for lint in left) else Exit.OK)


def _only(words: str | None) -> tuple[str, ...]:
    names = comma_list(words) if words is not None else ()
    for name in names:
        if name not in ABOUT:
            near = nearest(name[:100], ABOUT)
            advice = f"Did you mean {near}?" if near else f"The lints are {', '.join(ABOUT)}."
            raise CommandError(f"--only: no lint is called {name}.", advice, Exit.USAGE)
    return tuple(names)


def _evidence(args: argparse.Namespace, plan: Plan) -> tuple[Evidence, Exit]:
    """What the sources held says of the plan's entries."""
    found = [Evidence()]
    if not args.source:
        return found[0], Exit.OK

    def take(source: Input) -> None:
        source.hold()
        found[0] += gather(source.core, plan)

    code = Inputs(args.source, load_settings(args), held=None).read(take)
    return found[0], code


def _print(lints: tuple[Lint, ...]) -> None:
    for lint in lints:
        streams.write(f"{lint.severity:<7}  {lint.id:<14}  {lint.place}: {lint.reason}\n")
        streams.write(f"{'':<25}fix: {lint.fix.words}\n")
    counts = [(severity, sum(lint.severity == severity for lint in lints)) for severity in SEVERITIES]
    words = ", ".join(f"{count} {severity}{'s' if count > 1 else ''}" for severity, count in counts if count)
    streams.write(f"{words or 'no lints'}\n")
