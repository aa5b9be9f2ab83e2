"""The words of every command line, in one place: what each command takes, and what its help says.

The first word decides: a command, or else a source for the screen. Nothing here imports the engine, so that help,
version and usage errors come at once.
"""

from __future__ import annotations

import argparse
import math
import re
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
    "run": "Run a command, and follow it and its children; without root.",
    "record": "Write a source's events to a file, or to one after the other.",
    "plan": "Judge events by a mute plan; hand plans on to other tools, and take theirs in.",
    "doctor": "Say what works here, and what is missing.",
}
"""Commands that need no screen, and what each does. A file of such a name is opened as ./cat."""

TYPED = ("eslogger", "linux", "ssh://")
"""How sources begin that event types follow, of which some are called like a command: stat, for example."""

SOURCES = """\
sources:
  FILE      a recording: plain, .gz or (where Python reads it) .zst; several are merged by time
  -         standard input: sudo eslogger exec open | estui -
  eslogger  macOS live, through sudo; event types may follow: estui eslogger exec open
  ssh://    another Mac live, through ssh: estui ssh://USER@MAC[:PORT] exec open
  linux     this Linux machine's kernel events in ES's words, through sudo: estui linux exec create
  demo      a built-in scenario, on any machine
  (none)    eslogger or linux where it may be used, else the demo
  A file named like a source or a command is written ./demo or ./cat.

exit codes: 0 ok, 1 failed, 2 usage or bad plan, 3 source unavailable or not permitted, 130 interrupted"""


RECORD = """\
FILE is plain, and whole up to its last newline however the recording is cut off. What --rotate and --rotate-every put
away gets the time it was begun into its name, as in x-20260501T093000.250Z.jsonl.gz, and is packed with gzip; --keep
bounds all of them together, and deletes only what this recording has put away. Lines that begin with {"estui": are
the recording's own: they say what was lost where the numbers of the events do not show it.

Ctrl-C and SIGTERM end a recording as it should end, with exit code 0. 1: no event could be read; 2: usage, or FILE is
there already; 3: the source failed, or FILE could not be written on."""


RUN = """\
On Linux strace follows the command; on macOS estrace (macOS 27), or else eslogger through sudo, of whose events those
of the command's tree are kept. On the screen the command has no input, and its output goes to a panel. With --record
it keeps the terminal. What it leaves behind is followed until it ends, or until Ctrl-C. On Linux access, stat,
readlink, getextattr, listextattr and mprotect are left out unless --types has them, for they are many and slow.

exit codes without the screen: the command's own; 127 no such command, 126 it cannot be run, 125 estui's own failure,
3 not recorded to the end, 2 usage or bad plan"""


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
        if name in COMMANDS and not args.source[0].startswith(TYPED):
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
    shards_option(parser)
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
    sources_option(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object per line, with every column")
    names = ", ".join(COLUMNS)
    parser.add_argument("--columns", dest="names", metavar="A,B,C", help=f"columns, in order: {names}")
    _plan_option(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--delivered", action="store_true", help="only events the plan delivers")
    which.add_argument("--suppressed", action="store_true", help="only events the plan suppresses")


def _stat(parser: Parser) -> None:
    sources_option(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object, with every executable")


def _record(parser: Parser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = RECORD
    sources_option(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", required=True, help="a file that is not there yet; - for stdout"
    )
    parser.add_argument("--types", metavar="A,B,C", help="only these event types")
    _plan_option(parser)
    parser.add_argument("--delivered", action="store_true", help="only events the plan delivers")
    parser.add_argument(
        "--for", dest="for_seconds", type=_seconds, metavar="TIME", help="end after 90s, 10m, 2h"
    )
    parser.add_argument(
        "--rotate", type=_bytes, metavar="SIZE", help="put FILE away before it grows past 100M"
    )
    parser.add_argument(
        "--rotate-every", type=_seconds, metavar="TIME", help="put FILE away when it is 1h old"
    )
    parser.add_argument(
        "--keep", type=_bytes, metavar="SIZE", help="delete the oldest that were put away past 2G"
    )
    parser.add_argument("--no-compress", action="store_true", help="do not pack what was put away")
    parser.add_argument("--quiet", action="store_true", help="say nothing unless something is wrong")
    parser.add_argument("--budget", metavar="SIZE", help="memory for events that are not written yet")


def _run(parser: Parser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.usage = "estui run [OPTION...] -- COMMAND [ARGUMENT...]"
    parser.epilog = RUN
    parser.add_argument(
        "--failed", action="store_true", help="calls that failed, too, marked as such (Linux)"
    )
    parser.add_argument("--types", metavar="A,B,C", help="only these event types")
    _plan_option(parser)
    parser.add_argument("--record", metavar="FILE", help="no screen: write the events to FILE")
    parser.add_argument("--budget", metavar="SIZE", help="memory for the events held, such as 256M")
    parser.add_argument("--theme", metavar="NAME", help="dark, light, high-contrast, or a theme of your own")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="what to run")


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


_PREPARE: dict[str, Callable[[Parser], None]] = {
    "cat": _cat,
    "stat": _stat,
    "run": _run,
    "record": _record,
    "plan": _plan,
    "doctor": _doctor,
}


def sources_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", nargs="+", metavar="SOURCE", help="a file, -, eslogger, ssh://MAC or demo")
    shards_option(parser)


def shards_option(parser: argparse.ArgumentParser) -> None:
    """The option of every command that takes a live source."""
    parser.add_argument(
        "--shards",
        type=_shards,
        default=1,
        metavar="auto|N",
        help="esloggers that share the event types, so that fewer are lost: auto is up to 4 (default: 1)",
    )


def _plan_option(parser: Parser) -> None:
    parser.add_argument("--plan", metavar="PLAN", help="judge by this plan: a file, or an example's name")


def _shards(text: str) -> int | None:
    """A number, or None for auto."""
    if text == "auto":
        return None
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text} is neither auto nor a number")
    return int(text[:9])


_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def _seconds(text: str) -> float:
    """A time such as 90s, 10m, 2h or 1d."""
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhd]?)", text, re.ASCII)
    if not match or not float(match[1]):
        raise argparse.ArgumentTypeError(f"{text} is no time such as 90s, 10m or 2h")
    return float(match[1]) * _SECONDS[match[2]]


def _bytes(text: str) -> int:
    """A size such as 500K, 100M or 2G."""
    match = re.fullmatch(r"([0-9]{1,12})([KMGT]?)(?:i?B)?", text, re.ASCII | re.IGNORECASE)
    if not match or not int(match[1]):
        raise argparse.ArgumentTypeError(f"{text} is no size such as 100M or 2G")
    return int(match[1]) * _BYTES[match[2].upper()]


def _positive(text: str) -> float:
    """A number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value
