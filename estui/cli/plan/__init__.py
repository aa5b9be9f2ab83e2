"""`estui plan COMMAND`: mute plans without the screen.

Each command is a module with `prepare(parser)` and `run(args)`, imported when it is named.
"""

from __future__ import annotations

import argparse
import importlib
from types import ModuleType

COMMANDS = {
    "judge": "print each event's verdict",
    "list": "list the example plans",
    "lint": "say what a plan hardly means, and fix it",
    "coverage": "say which places a defender watches the plan leaves visible",
    "diff": "say how two plans differ, and about which events",
    "suggest": "suggest rules that mute most of what a source held",
    "check": "hold a plan against expectations: a regression test",
    "explain": "draw ES's decision about one event",
    "export": "write a plan as code, or as another tool's configuration",
    "import": "read another tool's mute set as a plan",
}
"""What each command does, for the help of `estui plan`."""


def command(name: str) -> ModuleType:
    """The module of a command; one whose name is a word of Python has an underscore after it."""
    return importlib.import_module(f"estui.cli.plan.{'import_' if name == 'import' else name}")


def run(args: argparse.Namespace) -> int:
    return int(command(args.plan_command).run(args))
