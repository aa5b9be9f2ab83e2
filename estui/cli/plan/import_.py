"""`estui plan import`: a mute set of Mac Monitor as a plan."""

from __future__ import annotations

import argparse
import json

from estui.cli import streams
from estui.cli.exits import CommandError, Exit
from estui.cli.inputs import shown
from estui.cli.plan.export import put
from estui.lab.macmonitor import load
from estui.plan import PlanError, dumps


def prepare(parser: argparse.ArgumentParser) -> None:
    parser.description = "Read a mute set that Mac Monitor exported, and write it as a plan."
    parser.add_argument("file", metavar="FILE", help="the exported mute set")
    parser.add_argument("-o", "--output", metavar="PLAN", help="write to this file instead of stdout")
    parser.add_argument("--json", action="store_true", help="one JSON object: the plan's text and warnings")


def run(args: argparse.Namespace) -> Exit:
    try:
        imported = load(args.file)
    except PlanError as error:
        raise CommandError(str(error), code=Exit.USAGE) from None
    for warning in (*imported.warnings, *imported.plan.warnings):
        streams.say(f"{shown(args.file)}: {warning}")
    text = dumps(imported.plan)
    if args.json:
        text = json.dumps({"plan": text, "warnings": imported.warnings}, indent=2) + "\n"
    put(text, args.output)
    return Exit.OK
