"""`estui [SOURCE...]`: the screen; or, where stdout is no terminal, the events as text."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

from estui.cli import cat, inputs, streams
from estui.cli.exits import CommandError, Exit, Terminated
from estui.config import Loaded, comma_list, state_dir
from estui.plan import find_plan
from estui.sources import Source, SourceError, SourceOptions, keep_keyboard, open_source

ROOT = "The screen runs as root, and need not: run by an ordinary user, it asks sudo for what a source needs"


def run(args: argparse.Namespace) -> Exit:
    loaded = inputs.load_settings(args)
    if not streams.terminal():
        return _print(args, loaded)
    return show(lambda: open_source(args.source, _options(args, loaded)), loaded, args.plan)


def _print(args: argparse.Namespace, loaded: Loaded) -> Exit:
    """Print the events as text, as `estui cat` does; without a source, those of the demo."""
    plan = inputs.open_plan(args.plan) if args.plan is not None else None
    sources = inputs.Inputs(args.source or ["demo"], loaded, _options(args, loaded))
    return cat.print_events(sources, plan, cat.chosen_columns(None, plan, as_json=False), as_json=False)


def show(open_it: Callable[[], Source], loaded: Loaded, plan_name: str | None) -> Exit:
    """Open the screen on a source, and return when it is left.

    Raises:
        CommandError: the terminal cannot show it, or the source cannot be opened.
    """
    term = os.environ.get("TERM", "")
    if term in ("", "dumb"):
        raise CommandError(
            f"this terminal (TERM={term}) cannot show the screen", "Without it: estui cat SOURCE"
        )
    from estui.client import Client  # noqa: PLC0415 (Textual takes longer to import than cat to run)
    from estui.session import Session  # noqa: PLC0415
    from estui.tui.app import EstuiApp  # noqa: PLC0415
    from estui.tui.recorder import recorded_words  # noqa: PLC0415
    from estui.tui.theme import ThemeError  # noqa: PLC0415

    settings = loaded.settings
    plan = inputs.open_plan(plan_name) if plan_name is not None else None
    source = _ready(open_it)
    core = inputs.new_core(settings.budget, max_events=settings.max_events)
    session = Session(
        core, source, Client(core, plan, find_plan(plan_name) if plan_name is not None else None)
    )
    greeting = ROOT if os.geteuid() == 0 and _first_time("warned-of-root") else ""
    try:
        app = EstuiApp(session, settings.theme, columns=settings.columns, greeting=greeting)
    except (ThemeError, ValueError) as error:
        raise CommandError(str(error), "Where it was chosen: estui doctor", Exit.USAGE) from None
    try:
        app.run()
    finally:
        session.close()
        if session.left_recording is not None:
            streams.say(f"estui: {recorded_words(session.left_recording)}")
        core.close()
    if app.ended_by:
        raise Terminated(app.ended_by)
    return Exit.FAILED if app.return_code else Exit.OK


def _ready(open_it: Callable[[], Source]) -> Source:
    """The source, with its rights and the keyboard in place, which need the terminal before the screen."""
    try:
        source = open_it()
        source.authorize()
        source.before_screen()
        if not os.isatty(0):
            os.close(keep_keyboard())
    except SourceError as error:
        raise CommandError(error.message, error.advice, Exit(error.exit_code)) from None
    return source


def _first_time(what: str) -> bool:
    """Whether this has not been said to this user before. Where nothing can be remembered it is said again."""
    mark = state_dir() / what
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    except OSError:
        pass
    return True


def _options(args: argparse.Namespace, loaded: Loaded) -> SourceOptions:
    return SourceOptions(
        follow=args.follow,
        replay=args.replay,
        speed=args.speed,
        loop=args.loop,
        rate=args.rate,
        events=tuple(comma_list(args.events)) if args.events else None,
        shards=args.shards,
        eslogger_command=loaded.settings.eslogger_command,
    )
