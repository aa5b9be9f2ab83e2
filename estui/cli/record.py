"""`estui record`: a source written to a file, or to one after the other, without a screen."""

from __future__ import annotations

import argparse
import errno
import shutil
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING

from estui.cli import streams
from estui.cli.exits import CommandError, Exit
from estui.cli.inputs import INTERRUPTIBLE, load_settings, new_core, open_plan
from estui.config import Loaded, comma_list
from estui.events import NOTIFY
from estui.plan import Plan
from estui.record import Rules
from estui.recording import Recording, RecordingError
from estui.sources import Source, SourceError, SourceOptions, has_types, open_source, takes_types
from estui.text import nearest, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from estui.core import Core

PROGRESS = 1.0
"""Seconds between two progress lines."""
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end a recording as it should end."""
STANDARD_OUTPUT = "-"


def run(args: argparse.Namespace) -> Exit:
    if args.delivered and args.plan is None:
        raise CommandError("--delivered asks which events a plan delivers", "Add --plan PLAN", Exit.USAGE)
    if args.keep is not None and not (args.rotate or args.rotate_every):
        raise CommandError(
            "--keep deletes files that were put away", "Add --rotate SIZE or --rotate-every TIME", Exit.USAGE
        )
    if args.keep is not None and args.rotate is not None and args.keep < 2 * args.rotate:
        raise CommandError(
            "--keep is for the current file and those put away: it takes twice --rotate, or more",
            "Make --rotate smaller, or --keep larger",
            Exit.USAGE,
        )
    if args.types is not None and len(args.source) > 1 and has_types(args.source[0]):
        raise CommandError(
            "event types stand behind the source and in --types", "Leave one of them out", Exit.USAGE
        )
    loaded = load_settings(args)
    plan = open_plan(args.plan) if args.plan is not None else None
    types = tuple(comma_list(args.types)) if args.types is not None else None
    asks = takes_types(args.source)
    source = _open(args, types if asks else None, loaded)
    core = new_core(loaded.settings.budget, max_events=0)
    try:
        subscribed = types is not None and not asks
        if subscribed:
            _warn_of_unknown(types or ())
        _judge(core, source, plan, types)
        recording = _recording(args, core, source, subscribed=subscribed)
        code = _record(args, Report(core, source, recording, plan))
    finally:
        source.stop()
    core.close()  # not where it was interrupted: a thread may wait in it for a reader that never reads
    return code


def _open(args: argparse.Namespace, types: Sequence[str] | None, loaded: Loaded) -> Source:
    """Raises CommandError."""
    options = SourceOptions(
        events=tuple(types) if types is not None else None,
        eslogger_command=loaded.settings.eslogger_command,
        shards=args.shards,
        headless=True,
    )
    try:
        return open_source(args.source, options)
    except SourceError as error:
        raise CommandError(error.message, error.advice, Exit(error.exit_code)) from None


def _warn_of_unknown(types: Sequence[str]) -> None:
    """A recording may have types that estui does not know, so these are no error."""
    for name in types:
        if name not in NOTIFY:
            near = nearest(name, NOTIFY)
            streams.say(
                f"estui: {printable(name)} is no event type that estui knows"
                + (f"; {near} is" if near else "")
            )


def _judge(core: Core, source: Source, plan: Plan | None, types: Sequence[str] | None) -> None:
    """Have the core judge as asked, and a source that can choose send no more than that.

    Raises:
        CommandError: the source has none of what the plan subscribes to.
    """
    rules = plan.rules() if plan else Rules()
    if types is not None:
        rules = rules._replace(subscribe=frozenset(types))
    elif rules.subscribe is not None and source.can_resubscribe:
        try:
            source.restart(rules.subscribe)
        except SourceError as error:
            raise CommandError(error.message, error.advice, Exit(error.exit_code)) from None
    core.judge(rules)


def _recording(args: argparse.Namespace, core: Core, source: Source, *, subscribed: bool) -> Recording:
    """Raises CommandError."""
    try:
        return Recording(
            core,
            None if args.output == STANDARD_OUTPUT else args.output,
            source_title=source.title,
            delivered=args.delivered,
            subscribed=subscribed,
            whole=len(args.source) == 1
            or source.live,  # files merged by time have numbers of several streams
            rotate_bytes=args.rotate,
            rotate_seconds=args.rotate_every,
            keep_bytes=args.keep,
            compress=not args.no_compress,
        )
    except RecordingError as error:
        raise CommandError(error.message, error.advice, Exit(error.exit_code)) from None


class Report:
    """What is being recorded, and how it is told."""

    def __init__(self, core: Core, source: Source, recording: Recording, plan: Plan | None) -> None:
        self.core = core
        self.source = source
        self.recording = recording
        self._plan = plan
        self._began = time.monotonic()
        self._shown = 0
        """Characters of the progress line on the terminal."""

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def show_progress(self) -> None:
        """Write the progress line over the one before."""
        recording = self.recording
        clock = f"{int(self.seconds) // 60:02}:{int(self.seconds) % 60:02}"
        words = f"{clock}  {recording.events:,} events  {megabytes(recording.bytes)}  lost {self._lost()}"
        if recording.files > 1:
            words += f"  {recording.files} files"
        words = printable(words)[: shutil.get_terminal_size().columns - 1]
        self._write("\r" + words.ljust(self._shown))
        self._shown = len(words)

    def clear_progress(self) -> None:
        if self._shown:
            self._write("\r" + " " * self._shown + "\r")
        self._shown = 0

    def summary(self) -> str:
        """One line on what came of it; the recording is closed."""
        recording = self.recording
        files = "" if recording.files == 1 else f" in {recording.files} files"
        parts = [
            f"{recording.events:,} events, {megabytes(recording.bytes)}{files} to {recording.title}",
            f"lost {self._lost()}",
        ]
        if recording.unrecorded:
            parts.append(f"not recorded {recording.unrecorded:,}")
        if self.source.left_out is not None:
            parts.append(f"left out {self.source.left_out:,}")
        if self._plan:
            suppressed = max(0, self.core.counters().events - recording.delivered)
            parts.append(f"the plan delivers {recording.delivered:,} and suppresses {suppressed:,}")
        return "; ".join(parts)

    def _lost(self) -> str:
        return f"{self.recording.lost:,}" + ("+" if self.recording.unknown else "")

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            self._shown = 0


def _record(args: argparse.Namespace, report: Report) -> Exit:
    """Record until the source ends, or one of the ways to end it comes.

    Raises:
        CommandError: the source may not be used.
    """
    source, recording = report.source, report.recording
    try:
        source.authorize()
        with _endings() as ending:
            source.start(report.core)
            recording.start(drop=True)
            ended = _wait(args, report, ending)
            source.stop()
            with suppress(RecordingError):  # it is told from the recording
                recording.close()
    except SourceError as error:
        recording.close()
        recording.discard()
        raise CommandError(error.message, error.advice, Exit(error.exit_code)) from None
    finally:
        report.clear_progress()
        source.stop()
        with suppress(RecordingError):
            recording.close()
    return _tell(report, ended=ended, quiet=args.quiet)


def _wait(args: argparse.Namespace, report: Report, ending: threading.Event) -> bool:
    """Look on, and return whether the source came to its end of its own accord."""
    progress = not args.quiet and sys.stderr is not None and sys.stderr.isatty()
    due = 0.0
    while not (ending.is_set() or report.recording.failure):
        if report.source.wait(0):
            return True
        left = INTERRUPTIBLE if args.for_seconds is None else args.for_seconds - report.seconds
        if left <= 0:
            break
        if progress and report.seconds >= due:
            due = report.seconds + PROGRESS
            report.show_progress()
        ending.wait(min(left, INTERRUPTIBLE))
    return False


def _tell(report: Report, *, ended: bool, quiet: bool) -> Exit:
    """Say what came of it, and how the command ends."""
    source, recording = report.source, report.recording
    failure, state = recording.failure, source.state
    code = Exit.OK
    if failure is not None and (recording.path is not None or failure.errno != errno.EPIPE):
        code = Exit(failure.exit_code)
        streams.say(f"estui: {failure.message}")
        streams.say(failure.advice)
    elif ended:
        if state.advice or state.status == "failed":
            streams.say(f"estui: {state.reason}")
            if state.advice:
                streams.say(state.advice)
        code = Exit(state.exit_code)
        if state.status == "failed" and source.live and code == Exit.OK:
            code = Exit.UNAVAILABLE  # what came is recorded, but more was to come
    if recording.trouble:
        streams.say(f"estui: {recording.trouble}")
    if not quiet:
        streams.say(report.summary())
    if code != Exit.OK:
        recording.discard()
    return code


@contextmanager
def _endings() -> Iterator[threading.Event]:
    """An event that is set by the first signal to end; a second one interrupts whatever is going on."""
    ending = threading.Event()

    def take(number: int, frame: FrameType | None) -> None:
        if ending.is_set():
            raise KeyboardInterrupt
        ending.set()

    before = {number: signal.signal(number, take) for number in ENDINGS}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def megabytes(size: int) -> str:
    """Bytes in words, by thousands as file managers count."""
    return f"{size / 1e6:,.1f} MB" if size < 1e9 else f"{size / 1e9:,.2f} GB"
