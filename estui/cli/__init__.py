"""The command line: `estui [SOURCE...]` opens the screen, `estui COMMAND ...` works without one.

Each command is a module with `run(args)`, imported when it is asked for.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from estui.cli import parsers, streams
from estui.cli.exits import CommandError, Exit, Terminated, end_by_signal


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code (`Exit`)."""
    streams.prepare()
    end_by_signal()
    try:
        code = _run(sys.argv[1:] if argv is None else argv)
        streams.write("")
    except streams.OutputClosedError:
        code = Exit.OK
    except CommandError as error:
        streams.say(f"estui: {error.message}")
        if error.advice:
            streams.say(error.advice)
        code = error.code
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    except Terminated as end:
        return end.code
    return int(code)


def _run(words: Sequence[str]) -> int:
    try:
        name, args = parsers.parse(words)
    except SystemExit as end:
        return int(end.code or 0)
    return int(importlib.import_module(f"estui.cli.{name}").run(args))
