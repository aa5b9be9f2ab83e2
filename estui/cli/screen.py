"""`estui [SOURCE...]`: the screen; or, where stdout is no terminal, the events as text."""

from __future__ import annotations

import argparse
import os

from estui.cli import cat, inputs, streams
from estui.cli.exits import CommandError, Exit
from estui.config import Loaded, comma_list
from estui.plan import find_plan
from estui.sources import Source, SourceError, SourceOptions, keep_keyboard, open_source

ROOT = "estui: the screen need not run as root; only a source may: sudo eslogger … | estui -"


def run(args: argparse.Namespace) -> Exit:
    loaded = inputs.load_settings(args)
    if not streams.terminal():
        return _print(args, loaded)
    term = os.environ.get("TERM", "")
    if term in ("", "dumb"):
        raise CommandError(
            f"this terminal (TERM={term}) cannot show the screen", "Without it: estui cat SOURCE"
        )
    return _show(args, loaded)


def _print(args: argparse.Namespace, loaded: Loaded) -> Exit:
    """Print the events as text, as `estui cat` does; without a source, those of the demo."""
    plan = inputs.open_plan(args.plan) if args.plan is not None else None
    sources = inputs.Inputs(args.source or ["demo"], loaded, _options(args, loaded))
    return cat.print_events(sources, plan, cat.chosen_columns(None, plan, as_json=False), as_json=False)


def _show(args: argparse.Namespace, loaded: Loaded) -> Exit:
    """Open the screen, and return when it is left."""
    from estui.client import Client  # noqa: PLC0415 (Textual takes longer to import than cat to run)
    from estui.session import Session  # noqa: PLC0415
    from estui.tui.app import EstuiApp  # noqa: PLC0415
    from estui.tui.theme import ThemeError  # noqa: PLC0415

    settings = loaded.settings
    plan = inputs.open_plan(args.plan) if args.plan is not None else None
    source = _open(args, loaded)
    core = inputs.new_core(settings.budget, max_events=settings.max_events)
    session = Session(core, source, Client(core, plan, find_plan(args.plan) if plan else None))
    try:
        app = EstuiApp(session, settings.theme, columns=settings.columns)
    except (ThemeError, ValueError) as error:
        raise CommandError(str(error), "Where it was chosen: estui doctor", Exit.USAGE) from None
    if os.geteuid() == 0:
        streams.say(ROOT)
    try:
        app.run()
    finally:
        session.close()
        core.close()
    return Exit.FAILED if app.return_code else Exit.OK


def _open(args: argparse.Namespace, loaded: Loaded) -> Source:
    """The source, with its rights and the keyboard in place, which need the terminal before the screen."""
    try:
        source = open_source(args.source, _options(args, loaded))
        source.authorize()
        source.before_screen()
        if not os.isatty(0):
            os.close(keep_keyboard())
    except SourceError as error:
        raise CommandError(error.message, error.advice, Exit(error.exit_code)) from None
    return source


def _options(args: argparse.Namespace, loaded: Loaded) -> SourceOptions:
    return SourceOptions(
        follow=args.follow,
        replay=args.replay,
        speed=args.speed,
        loop=args.loop,
        rate=args.rate,
        events=tuple(comma_list(args.events)) if args.events else None,
        eslogger_command=loaded.settings.eslogger_command,
    )
