"""Where events come from: each source is one stream of eslogger-shaped JSON lines, put into a core.

    source = open_source(["events.jsonl"])
    source.authorize()                  # sudo may ask for a password
    source.start(core)                  # in the background …
    for _ in source.feed(core): ...     # … or chunk by chunk, in the caller's own thread

How it went stands in `source.state`, in words that are safe to print.
"""

from __future__ import annotations

import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from estui.events import NOTIFY
from estui.sources import linux
from estui.sources.demo import SPEED, DemoSource
from estui.sources.eslogger import EsloggerSource, usual_command
from estui.sources.file import FileSource
from estui.sources.follow import FollowSource
from estui.sources.linux import LinuxSource
from estui.sources.merge import MergeSource
from estui.sources.pace import check_speed
from estui.sources.replay import ReplaySource
from estui.sources.shards import MOST
from estui.sources.source import Source, SourceError, SourceOptions, SourceState
from estui.sources.ssh import PREFIX, SshSource
from estui.sources.stdin import FifoSource, StdinSource, keep_keyboard
from estui.text import nearest, printable

__all__ = [
    "RESERVED",
    "Source",
    "SourceError",
    "SourceOptions",
    "SourceState",
    "check_together",
    "has_types",
    "keep_keyboard",
    "open_source",
    "takes_types",
]

RESERVED = {
    "-": "standard input",
    "demo": "half an hour of an invented Mac",
    "eslogger": "this Mac's own events, through sudo eslogger",
    "linux": "this machine's kernel events in ES's words, through sudo",
    PREFIX: "another Mac's own events, through ssh: ssh://USER@MAC",
}
"""Words that name a source, one of them only a beginning, and what it is. A file with such a name is `./demo`."""

ON_A_MAC = "estui eslogger shows this Mac's own events"
ON_LINUX = (
    "estui linux shows this machine's own events, through sudo; estui run -- COMMAND those of one command"
)


def open_source(args: Sequence[str], options: SourceOptions | None = None) -> Source:
    """The source that these words name: a reserved word, or paths; the best one there is for no words at all.

    Words after `eslogger`, `linux` or `ssh://…` are the event types to ask for.

    Raises:
        SourceError: it is not there, may not be used, or the words and options do not go together.
    """
    options = options or SourceOptions()
    _check(options)
    if not args:
        return _unasked(options)
    first, *rest = args
    word = _reserved(first)
    if word == "eslogger":
        _no_file_options(options, word)
        return EsloggerSource(rest or options.events, options.eslogger_command, options.shards)
    if word == "linux":
        _no_file_options(options, word)
        _no_shards(options)
        return LinuxSource(rest or options.events)
    if word == PREFIX:
        _no_file_options(options, word)
        return SshSource(first, rest or options.events, options.eslogger_command, options.shards)
    check_together(args)
    if word is None:
        return _files(args, options)
    _no_file_options(options, word)
    _no_shards(options)
    if word == "-":
        _no_types(options)
        return StdinSource()
    return _demo(options)


def _no_types(options: SourceOptions) -> None:
    if options.events:
        raise SourceError(
            "--events chooses what eslogger or the demo sends; this source sends what it has",
            "Leave it out, and subscribe to types on the screen or in a plan",
            2,
        )


def _no_shards(options: SourceOptions) -> None:
    if options.shards != 1:
        raise SourceError(f"--shards is for eslogger and {PREFIX}", "Leave it out", 2)


def _files(paths: Sequence[str], options: SourceOptions) -> Source:
    _no_types(options)
    _no_shards(options)
    if options.follow:
        if len(paths) > 1 or options.replay:
            raise SourceError(
                "--follow goes with one file, and not with --replay", "Leave one of them out", 2
            )
        return FollowSource(paths[0])
    if options.replay:
        return ReplaySource(paths, options.speed or 1.0, options.idle, bool(options.loop))
    if len(paths) > 1:
        return MergeSource(paths)
    return FifoSource(paths[0]) if _is_pipe(paths[0]) else FileSource(paths[0])


def _demo(options: SourceOptions, notice: str = "") -> DemoSource:
    for name in options.events or ():
        if name not in NOTIFY:
            like = nearest(name, NOTIFY)
            raise SourceError(
                f"{printable(name)} is not an event type" + (f"; the nearest is {like}" if like else ""),
                "estui demo sends all types without --events",
                2,
            )
    speed = options.speed
    if speed is None and not options.headless:
        speed = 1.0 if options.rate else SPEED
    if speed is None and options.rate:
        speed = 1.0
    forever = not options.headless if options.loop is None else options.loop
    return DemoSource(speed, rate=options.rate, forever=forever, types=options.events, notice=notice)


def _unasked(options: SourceOptions) -> Source:
    """The best live source that may be used, or the demo, which then says how to go live."""
    _no_file_options(options, "no source at all")
    if sys.platform != "darwin":
        if not options.headless and linux.permitted_quietly():
            return LinuxSource(options.events)
        return _demo(options, ON_LINUX)
    if options.headless:
        return _demo(options, ON_A_MAC)
    try:
        usual_command()
    except SourceError as error:
        return _demo(options, f"{error.message}. {error.advice}")
    return EsloggerSource(options.events, options.eslogger_command, options.shards)


def check_together(args: Sequence[str]) -> None:
    """Raises SourceError for words that name sources of different kinds."""
    if not args or has_types(args[0]):
        return
    first, *rest = args
    for other in rest:
        if _reserved(other):
            raise _alone(other)
    if rest and (word := _reserved(first)):
        raise _alone(word)


def has_types(word: str) -> bool:
    """Whether the words after it are event types."""
    return _reserved(word) in ("eslogger", "linux", PREFIX)


def takes_types(args: Sequence[str]) -> bool:
    """Whether the source that these words name can be asked for event types; others send what they have."""
    return bool(args) and _reserved(args[0]) not in (None, "-")


def _reserved(word: str) -> str | None:
    """The entry of RESERVED that a word stands for."""
    return word if word in RESERVED else PREFIX if word.startswith(PREFIX) else None


def _is_pipe(path: str) -> bool:
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _alone(word: str) -> SourceError:
    return SourceError(
        f"{printable(word)} goes with no other source", f"A file of that name is ./{printable(word)}", 2
    )


def _no_file_options(options: SourceOptions, word: str) -> None:
    if options.follow or options.replay:
        flag = "--follow" if options.follow else "--replay"
        raise SourceError(f"{flag} is for files, not for {word}", f"Name a file: estui FILE {flag}", 2)


def _check(options: SourceOptions) -> None:
    try:
        for number in (options.speed, options.rate):
            if number is not None:
                check_speed(number)
    except ValueError as error:
        raise SourceError(str(error), "", 2) from None
    if options.shards is not None and not 1 <= options.shards <= MOST:
        raise SourceError(f"--shards takes auto, or 1 to {MOST}", "", 2)
    if options.idle is not None and not options.idle >= 0:
        raise SourceError("--idle takes seconds", "", 2)
