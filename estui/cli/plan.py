"""`estui plan`: mute plans without the screen."""

from __future__ import annotations

import argparse

from estui.cli import columns, streams
from estui.cli.cat import print_events
from estui.cli.exits import CommandError, Exit
from estui.cli.inputs import Inputs, load_settings, open_plan
from estui.plan import EXAMPLES, find_plan
from estui.sources import SourceOptions


def run(args: argparse.Namespace) -> Exit:
    if args.plan_command == "list":
        return list_examples()
    sources = Inputs(args.source, load_settings(args), SourceOptions(shards=args.shards))
    return print_events(sources, open_plan(args.plan), columns.JUDGED, as_json=True)


def list_examples() -> Exit:
    """Print each example's name and the first line of its file, which says what it does."""
    wide = max(map(len, EXAMPLES))
    for name in EXAMPLES:
        try:
            first = find_plan(name).read_text(encoding="utf-8").partition("\n")[0]
        except OSError as error:  # part of the installation is not there
            raise CommandError(f"{error.filename}: {error.strerror}", "Install estui again.") from None
        streams.write(f"{name:<{wide}}  {first.removeprefix('# ')}\n")
    return Exit.OK
