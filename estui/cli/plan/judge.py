"""`estui plan judge`: the verdict of every event under a plan."""

from __future__ import annotations

import argparse

from estui.cli import columns
from estui.cli.cat import print_events
from estui.cli.exits import Exit
from estui.cli.inputs import Inputs, load_settings, open_plan


def prepare(parser: argparse.ArgumentParser) -> None:
    parser.description = "Print one JSON object per event: its verdict."
    parser.add_argument("plan", metavar="PLAN", help="a plan file, or the name of an example")
    parser.add_argument("source", nargs="+", metavar="SOURCE", help="a file, -, eslogger or demo")


def run(args: argparse.Namespace) -> Exit:
    return print_events(
        Inputs(args.source, load_settings(args)), open_plan(args.plan), columns.JUDGED, as_json=True
    )
