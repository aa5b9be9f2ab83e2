"""`estui run -- COMMAND...`: one command and its children, on the screen, in a file, or as text."""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from estui.cli import cat, inputs, screen, streams
from estui.cli.exits import CommandError, Exit
from estui.config import comma_list
from estui.core import Core
from estui.recording import Recording, RecordingError
from estui.sources import SourceError
from estui.sources.run import OWN_FAILURES, RunSource
from estui.text import printable

OWN_FAILURE = OWN_FAILURES[0]
"""What env(1) ends with when it is to blame, and not the command."""
_LEFT_BEHIND = 1.0
"""Seconds after the command's end until it is said what is still waited for."""


def run(args: argparse.Namespace) -> int:
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not command:
        raise CommandError("which command?", "estui run -- COMMAND [ARGUMENT...]", Exit.USAGE)
    loaded = inputs.load_settings(args)
    headless = args.record is not None or not streams.terminal()
    types = comma_list(args.types) if args.types is not None else None
    try:
        source = RunSource(
            command,
            failed=args.failed,
            types=types,
            keep_terminal=headless,
            output_to_stderr=headless and args.record is None,
        )
        if not headless:
            return screen.show(lambda: source, loaded, args.plan)
        plan = inputs.open_plan(args.plan) if args.plan is not None else None
        if plan and types is None and (wanted := plan.rules().subscribe) is not None:
            source.restart(wanted)  # it has not begun: so it begins with these
        source.authorize()
    except SourceError as error:
        code = error.exit_code if error.exit_code in OWN_FAILURES else OWN_FAILURE
        return _own(error.message, error.advice, code)
    core = inputs.new_core(loaded.settings.budget, max_events=0 if args.record is not None else inputs.HELD)
    try:
        if args.record is not None:
            if plan:
                core.judge(plan.rules())
            return _record(source, core, args.record, delivered=plan is not None)
        names = cat.chosen_columns(None, plan, as_json=False)
        with _signals(source):
            cat.printer(plan, names, as_json=False)(inputs.Input(source.title, source, core))
        return _tell(source)
    finally:
        source.stop()
        core.close()


def _record(source: RunSource, core: Core, path: str, *, delivered: bool) -> int:
    """Let the command have the terminal, and write its events to a file."""
    try:
        recording = Recording(core, path, source_title=source.title, delivered=delivered)
    except RecordingError as error:
        return _own(error.message, error.advice, OWN_FAILURE)
    with _signals(source):
        source.start(core)
        recording.start(drop=True)
        _wait(source)
        with suppress(RecordingError):  # it is told from the recording
            recording.close()
    code = _tell(source)
    if source.refused:
        recording.discard()
    if recording.failure:
        streams.say(f"estui: {recording.failure.message}")
        streams.say(recording.failure.advice)
        code = code or Exit.UNAVAILABLE
    elif recording.lost or recording.unknown:
        more = "+" if recording.unknown else ""
        streams.say(f"estui: lost {recording.lost:,}{more} events")
    return code


def _wait(source: RunSource) -> None:
    """Wait until all has ended; say what is still waited for once the command has."""
    ended = 0.0
    while not source.wait(inputs.INTERRUPTIBLE):
        if not source.left:
            continue
        ended = ended or time.monotonic()
        if ended > 0 and time.monotonic() > ended + _LEFT_BEHIND:
            ended = float("inf")
            many = "a process" if source.left == 1 else f"{source.left} processes"
            name = printable(source.title.removeprefix("run "))
            streams.say(
                f"estui: {name} has ended and left {many} behind, which estui follows; Ctrl-C ends that"
            )


def _tell(source: RunSource) -> int:
    """The exit status, and the words for one that is not the command's own."""
    state = source.state
    if source.refused:
        return _own(state.reason, state.advice, source.refused)
    if state.status == "failed":
        return _own(state.reason, state.advice, OWN_FAILURE)
    if source.warning:
        streams.say(f"estui: {source.warning}")
    return OWN_FAILURE if source.exit_status is None else source.exit_status


def _own(message: str, advice: str, code: int) -> int:
    streams.say(f"estui: {message}")
    if advice:
        streams.say(advice)
    return code


@contextmanager
def _signals(source: RunSource) -> Iterator[None]:
    """Ctrl-C is the command's; once that has ended, it ends the following. SIGTERM and SIGHUP always do."""

    def interrupted(number: int, frame: FrameType | None) -> None:
        if source.exit_status is not None:
            source.tell()

    def told(number: int, frame: FrameType | None) -> None:
        source.tell()

    handlers: dict[signal.Signals, Callable[[int, FrameType | None], None]] = {
        signal.SIGINT: interrupted,
        signal.SIGQUIT: interrupted,
        signal.SIGTERM: told,
        signal.SIGHUP: told,
    }
    before = {
        number: signal.signal(number, handler)
        for number, handler in handlers.items()
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
