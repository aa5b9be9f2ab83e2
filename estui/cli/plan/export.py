"""`estui plan export`: a plan as code, or as another tool's configuration."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from estui.cli import streams
from estui.cli.exits import CommandError, Exit
from estui.cli.inputs import open_plan, shown
from estui.lab.export import FORMATS, ExportError, export
from estui.text import write_atomic


def prepare(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write a plan in another language. What that cannot express is a comment and a warning."
    )
    parser.add_argument("plan", metavar="PLAN", help="a plan file, or the name of an example")
    parser.add_argument("--to", required=True, choices=FORMATS, help="the language or tool")
    parser.add_argument("-o", "--output", metavar="FILE", help="write to this file instead of stdout")
    parser.add_argument("--strict", action="store_true", help="fail where something cannot be expressed")
    parser.add_argument("--json", action="store_true", help="one JSON object: format, text and warnings")


def run(args: argparse.Namespace) -> Exit:
    plan = open_plan(args.plan)
    try:
        exported = export(plan, args.to, strict=args.strict)
    except ExportError as error:
        _warn(args, error.warnings)
        raise CommandError(
            f"{shown(args.plan)} cannot be told in full to {args.to}, and --strict asks for that.",
            "Nothing was written. Change the plan, or export without --strict.",
        ) from None
    _warn(args, exported.warnings)
    text = exported.text
    if args.json:
        document = {"format": args.to, "text": text, "warnings": exported.warnings}
        text = json.dumps(document, indent=2) + "\n"
    put(text, args.output)
    return Exit.OK


def put(text: str, output: str | None) -> None:
    """Write a file's text to a file, whole or not at all, or to stdout.

    Raises:
        CommandError: the file cannot be written.
    """
    if output is None:
        streams.utf8()
        streams.write(text)
        return
    try:
        write_atomic(Path(output), text.encode())
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or error
        raise CommandError(f"{output} cannot be written: {words}", "Name another file with -o.") from None


def _warn(args: argparse.Namespace, warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        streams.say(f"{shown(args.plan)}: {args.to} cannot express {warning}")
