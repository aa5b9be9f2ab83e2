"""`estui plan explain`: ES's decision about one event, step by step."""

from __future__ import annotations

import argparse
import json
from typing import Any

from estui.cli import streams
from estui.cli.exits import CommandError, Exit
from estui.cli.inputs import Input, Inputs, load_settings, open_plan, shown
from estui.lab.chart import Chart, SubjectError, chart, document, explain, lines, subject, target_count
from estui.message import Message
from estui.plan import Plan
from estui.record import KIND_BAD, KIND_EVENT

_DIGITS = 18


def prepare(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Draw the way of one event through ES's decision: line N of a source, or an event only thought of."
    )
    parser.add_argument("plan", metavar="PLAN", help="a plan file, or the name of an example")
    parser.add_argument("source", nargs="?", metavar="SOURCE", help="a file, - or demo")
    parser.add_argument(
        "n", nargs="?", type=_line, metavar="N", help="the event's line, as estui cat --json has it"
    )
    thought = parser.add_argument_group("an event only thought of, instead of SOURCE and N")
    thought.add_argument("--event", metavar="TYPE", help="its type, such as open")
    thought.add_argument("--executable", metavar="PATH", help="the program that acts")
    thought.add_argument(
        "--target", action="append", default=[], metavar="PATH", help="what is acted on; twice for rename"
    )
    thought.add_argument("--pid", type=_number, metavar="N", help="the process that acts; with --pidversion")
    thought.add_argument("--pidversion", type=_number, metavar="N")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def _number(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= _DIGITS and int(text) < 1 << 32:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text[:100]} is not a number from 0 to {(1 << 32) - 1}")


def _line(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= _DIGITS and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text[:100]} is not the number of a line, which is 1 or more")


def run(args: argparse.Namespace) -> Exit:
    if args.event is not None:
        return _tell(args, _thought_of(args), {})
    found, code = _held(args)
    return code if found is None else _tell(args, found, {"source": args.source, "n": args.n})


def _tell(args: argparse.Namespace, found: Chart, place: dict[str, Any]) -> Exit:
    if args.json:
        streams.write(json.dumps({"plan": args.plan, **place, **document(found)}, indent=2) + "\n")
    else:
        streams.write("".join(f"{line.text}\n" for line in lines(found)))
    return Exit.OK


def _thought_of(args: argparse.Namespace) -> Chart:
    if args.source is not None:
        raise CommandError("Give SOURCE and N, or --event, not both.", code=Exit.USAGE)
    if (args.pid is None) != (args.pidversion is None):
        raise CommandError("--pid and --pidversion go together: only both name a process.", code=Exit.USAGE)
    process = None if args.pid is None else (args.pid, args.pidversion)
    try:
        event = subject(args.event, process=process, executable=args.executable, targets=tuple(args.target))
    except SubjectError as error:
        raise CommandError(f"--event: {error}.", code=Exit.USAGE) from None
    count = target_count(event.event)
    if missing := count - len(event.targets):
        carries = "a target path" if count == 1 else f"{count} target paths"
        streams.say(f"{event.event} carries {carries}: {missing} not given, and not asked about")
    return chart(event, open_plan(args.plan))


def _held(args: argparse.Namespace) -> tuple[Chart | None, Exit]:
    if args.source is None or args.n is None:
        raise CommandError("Give SOURCE and N, or --event.", code=Exit.USAGE)
    given = (args.executable, args.pid, args.pidversion, *args.target)
    if any(value is not None for value in given):
        raise CommandError("--executable, --target and --pid go with --event.", code=Exit.USAGE)
    plan: Plan = open_plan(args.plan)
    found: list[Chart] = []

    def take(source: Input) -> None:
        for lo, hi in source:
            for row in source.core.rows(lo, hi):
                if row.n != args.n:
                    continue
                raw = source.core.raw(row.seq)
                if row.kind == KIND_BAD or raw is None:
                    raise CommandError(f"{source.name}:{args.n} is not an event: {row.reason or 'gone'}.")
                if row.kind == KIND_EVENT:
                    found.append(explain(Message(raw), plan))
                    return

    code = Inputs([args.source], load_settings(args)).read(take)
    if not found and code is Exit.OK:
        raise CommandError(f"{shown(args.source)} has no line {args.n}.", "estui cat --json tells n of each.")
    return (found[0] if found else None), code
