"""`estui plan list`: the plans that ship with estui."""

from __future__ import annotations

import argparse

from estui.cli import streams
from estui.cli.exits import CommandError, Exit
from estui.plan import EXAMPLES, find_plan


def prepare(parser: argparse.ArgumentParser) -> None:
    parser.description = "List the plans that ship with estui."


def run(_: argparse.Namespace) -> Exit:
    """Print each example's name and the first line of its file, which says what it does."""
    wide = max(map(len, EXAMPLES))
    for name in EXAMPLES:
        try:
            first = find_plan(name).read_text(encoding="utf-8").partition("\n")[0]
        except OSError as error:  # part of the installation is not there
            raise CommandError(f"{error.filename}: {error.strerror}", "Install estui again.") from None
        streams.write(f"{name:<{wide}}  {first.removeprefix('# ')}\n")
    return Exit.OK
