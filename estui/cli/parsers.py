"""The words of every command line, in one place: what each command takes, and what its help says.

The first word decides: a command, or else a source for the screen. Nothing here imports the engine, so that help,
version and usage errors come at once.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from estui import __version__
from estui.cli import plan, streams
from estui.cli.columns import COLUMNS
from estui.cli.exits import CommandError, Exit

SCREEN = "screen"
"""The command that has no word of its own."""
COMMANDS = {
    "cat": "Print events, one row each.",
    "stat": "Count events by type and executable, bad lines and losses.",
    "plan": "Judge events by a mute plan; hand plans on to other tools, and take theirs in.",
    "doctor": "Say what works here, and what is missing.",
}
"""Commands that need no screen, and what each does. A file of such a name is opened as ./cat."""

SOURCES = """\
sources:
  FILE      a recording: plain, .gz or (where Python reads it) .zst; several are merged by time
  -         standard input: sudo eslogger exec open | estui -
  eslogger  macOS live, through sudo; event types may follow: estui eslogger exec open
  demo      a built-in scenario, on any machine
  (none)    eslogger where it may be used, else the demo
  A file named like a source or a command is written ./demo or ./cat.

exit codes: 0 ok, 1 failed, 2 usage or bad plan, 3 source unavailable or not permitted, 130 interrupted"""


class Parser(argparse.ArgumentParser):
    """argparse, with an error text that no argument can drive the terminal with."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        streams.say(f"{self.prog}: {message}")
        sys.exit(Exit.USAGE)


def parse(words: Sequence[str]) -> tuple[str, argparse.Namespace]:
    """The command (a name of COMMANDS, or SCREEN) and its arguments.

    Raises:
        SystemExit: argparse has said all there is to say.
        CommandError: a command stands where a source should.
    """
    if words and words[0] in COMMANDS:
        parser = Parser(prog=f"estui {words[0]}", description=COMMANDS[words[0]])
        _PREPARE[words[0]](parser)
        return words[0], parser.parse_args(words[1:])
    args = screen_parser().parse_args(words)
    for name in args.source:
        if name in COMMANDS:
            raise CommandError(
                f"{name} is a command, and a command comes first: estui {name} …",
                f"A file of that name is written ./{name}.",
                Exit.USAGE,
            )
    return SCREEN, args


def screen_parser() -> Parser:
    """The parser of `estui` itself, whose help lists the commands."""
    commands = "\n".join(f"  {name:<8}{text}" for name, text in COMMANDS.items())
    parser = Parser(
        prog="estui",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Explore macOS Endpoint Security events on a screen; or, with a command, without one.",
        epilog=f"commands (estui COMMAND --help tells more):\n{commands}\n\n{SOURCES}",
    )
    parser.add_argument("--version", action="version", version=f"estui {__version__}")
    parser.add_argument("source", nargs="*", metavar="SOURCE", help="what to explore; see below")
    _plan_option(parser)
    parser.add_argument("--events", metavar="A,B,C", help="event types to ask of a live source")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--follow", action="store_true", help="read on as the file grows or is replaced")
    how.add_argument("--replay", action="store_true", help="play the recording at its own pace")
    parser.add_argument("--speed", type=_positive, metavar="X", help="times faster than recorded")
    parser.add_argument("--rate", type=_positive, metavar="N", help="events per second of the demo")
    parser.add_argument("--loop", action="store_true", default=None, help="begin again at the end")
    parser.add_argument("--budget", metavar="SIZE", help="memory for the events held, such as 256M")
    parser.add_argument("--max-events", metavar="N", help="most events held")
    parser.add_argument("--theme", metavar="NAME", help="dark, light, high-contrast, or a theme of your own")
    return parser


def _cat(parser: Parser) -> None:
    _sources(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object per line, with every column")
    names = ", ".join(COLUMNS)
    parser.add_argument("--columns", dest="names", metavar="A,B,C", help=f"columns, in order: {names}")
    _plan_option(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--delivered", action="store_true", help="only events the plan delivers")
    which.add_argument("--suppressed", action="store_true", help="only events the plan suppresses")


def _stat(parser: Parser) -> None:
    _sources(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object, with every executable")


def _plan(parser: Parser) -> None:
    commands = parser.add_subparsers(
        dest="plan_command", required=True, metavar="COMMAND", parser_class=_PlanCommand
    )
    for name, text in plan.COMMANDS.items():
        commands.add_parser(name, help=text)


class _PlanCommand(Parser):
    """The parser of one `estui plan` command, which adds its arguments when the command is named."""

    _prepared = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if not self._prepared:
            self._prepared = True
            plan.command(self.prog.split()[-1]).prepare(self)
        return super().parse_known_args(args, namespace)


def _doctor(parser: Parser) -> None:
    parser.epilog = "Nothing is started or changed."


_PREPARE: dict[str, Callable[[Parser], None]] = {"cat": _cat, "stat": _stat, "plan": _plan, "doctor": _doctor}


def _sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", nargs="+", metavar="SOURCE", help="a file, -, eslogger or demo")


def _plan_option(parser: Parser) -> None:
    parser.add_argument("--plan", metavar="PLAN", help="judge by this plan: a file, or an example's name")


def _positive(text: str) -> float:
    """A number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value
