"""`estui plan judge`: the verdict of every event under a plan."""

from __future__ import annotations

import argparse

from estui.cli import columns
from estui.cli.cat import print_events
from estui.cli.exits import Exit
from estui.cli.inputs import Inputs, load_settings, open_plan
from estui.cli.parsers import sources_option
from estui.sources import SourceOptions


def prepare(parser: argparse.ArgumentParser) -> None:
    parser.description = "Print one JSON object per event: its verdict."
    parser.add_argument("plan", metavar="PLAN", help="a plan file, or the name of an example")
    sources_option(parser)


def run(args: argparse.Namespace) -> Exit:
    sources = Inputs(args.source, load_settings(args), SourceOptions(shards=args.shards))
    return print_events(sources, open_plan(args.plan), columns.JUDGED, as_json=True)
