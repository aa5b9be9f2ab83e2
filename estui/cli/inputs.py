"""What the headless commands have in common: settings, plans, and reading sources one after the other."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace

from estui.cli import streams
from estui.cli.exits import CommandError, Exit
from estui.config import ConfigError, Loaded, Settings, load
from estui.core import Core, open_core
from estui.plan import Plan, PlanError, find_plan
from estui.plan import load as load_plan
from estui.sources import Source, SourceError, SourceOptions, check_together, has_types, open_source
from estui.text import printable

HELD = 1 << 16
"""Events a headless core holds: more than one chunk of a source can have (1 MiB, and an event takes 18 bytes), so
that every row is still there when its chunk has been read, while memory stays bounded."""
INTERRUPTIBLE = 0.2
"""Seconds the main thread waits at a time, so that Ctrl-C reaches it."""
LONGEST_NAME = 200
"""Characters of a source's name before its tail alone is shown."""


def load_settings(args: argparse.Namespace) -> Loaded:
    """The settings, the command's flags of the same names among them.

    Raises:
        CommandError: a setting that cannot be used.
    """
    names = Settings.__dataclass_fields__
    try:
        return load({name: value for name, value in vars(args).items() if name in names})
    except ConfigError as error:
        raise CommandError(str(error), code=Exit.USAGE) from None


def open_plan(name: str) -> Plan:
    """A plan by its path or an example's name; what it warns of goes to stderr.

    Raises:
        CommandError: it cannot be read, or is not a plan.
    """
    try:
        path = find_plan(name)
        plan = load_plan(path)
    except PlanError as error:
        raise CommandError(str(error), code=Exit.USAGE) from None
    for warning in plan.warnings:
        streams.say(f"{shown(name)}: {warning}")
    return plan


def new_core(budget: int, *, max_events: int, tally: bool = False) -> Core:
    """A core, the one that ESTUI_CORE asks for.

    Raises:
        CommandError: it is not there.
    """
    try:
        return open_core(budget, max_events, tally)
    except ValueError as error:
        raise CommandError(str(error), "Unset ESTUI_CORE, or see estui doctor.", Exit.USAGE) from None


def shown(name: str) -> str:
    """A source's name in words: printable, and its tail alone when it is very long."""
    text = printable(name)
    return text if len(text) <= LONGEST_NAME else "…" + text[-LONGEST_NAME:]


class Inputs:
    """Several sources, read one after the other, each through a core of its own.

    One that cannot be opened or read on is told on stderr, and the others are still read.
    """

    def __init__(
        self,
        names: list[str],
        loaded: Loaded,
        options: SourceOptions | None = None,
        *,
        tally: bool = False,
        held: int | None = HELD,
    ) -> None:
        """`held` is the most events a core holds; None for what the settings allow."""
        try:
            check_together([name for name in names if name != "-"])
        except SourceError as error:
            raise CommandError(error.message, error.advice, Exit(error.exit_code)) from None
        self._held = loaded.settings.max_events if held is None else held
        self._names = names
        self._loaded = loaded
        self._tally = tally
        command = loaded.settings.eslogger_command
        self._options = replace(options or SourceOptions(), headless=True, eslogger_command=command)
        self._codes: list[Exit] = []
        self._events = 0

    def read(self, take: Callable[[Input], None]) -> Exit:
        """Open each source in turn and let `take` read it.

        Returns:
            How that went: the worst of what happened, where a source without an event counts only when no other
            had one.
        """
        for names in self._groups():
            try:
                source = open_source(names, self._options)
                source.authorize()
            except SourceError as error:
                self._failed(error.message, error.advice, error.exit_code)
                continue
            core = new_core(self._loaded.settings.budget, max_events=self._held, tally=self._tally)
            try:
                take(Input(" ".join(names), source, core))
                self._events += core.counters().events
                state = source.state
                if state.advice or state.status == "failed":
                    self._failed(state.reason, state.advice, state.exit_code)
            finally:
                source.stop()
                core.close()
        serious = [code for code in self._codes if code is not Exit.FAILED or not self._events]
        return max(serious, default=Exit.OK)

    def _groups(self) -> list[list[str]]:
        """The words that make one source each.

        What follows a source that takes event types are those, and what is followed or replayed is merged by time;
        otherwise files come one after the other, as cat has them.
        """
        together = has_types(self._names[0]) or self._options.follow or self._options.replay
        return [self._names] if together else [[name] for name in self._names]

    def _failed(self, reason: str, advice: str, code: int) -> None:
        streams.say(f"estui: {reason}")
        if advice:
            streams.say(advice)
        self._codes.append(Exit(code))


class Input:
    """One source being read: its rows, chunk by chunk."""

    def __init__(self, name: str, source: Source, core: Core) -> None:
        self.name = shown(name)
        self.core = core
        self._source = source

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Read to the end; after each chunk, the first new seq and the one after the last."""
        head = self.core.counters().head
        for _ in self._source.feed(self.core):
            new = self.core.counters().head
            if new > head:
                yield head, new
                head = new

    def drain(self) -> None:
        """Read to the end at full speed; rows may be gone before anybody has seen them."""
        self._source.start(self.core)
        while not self._source.wait(INTERRUPTIBLE):
            pass

    def hold(self) -> None:
        """Read to the end, and say what of it is not held."""
        self.drain()
        counters = self.core.counters()
        if counters.evicted:
            streams.say(f"{self.name}: only the last {counters.held_events:,} events were looked at")
        if counters.bad:
            streams.say(f"{self.name}: {counters.bad:,} bad lines left out")
