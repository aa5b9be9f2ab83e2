"""`estui doctor`: what works on this machine, and what is missing."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields

from estui import __version__
from estui.cli import streams
from estui.cli.exits import Exit
from estui.config import ConfigError, Settings, config_dir, load, themes_dir
from estui.core import NATIVE_ERROR, core_name
from estui.plan import EXAMPLES
from estui.sources import eslogger, follower, linux, ssh
from estui.sources.source import Possible
from estui.text import printable

SLOWER = (
    "the twin gives the same answers in plain Python; for the native core, "
    "have a C compiler and Python's headers, and install estui again"
)
LIVE: dict[str, Callable[[], Possible]] = {
    "eslogger": eslogger.possible,
    "linux": linux.possible,
    "run": follower.possible,
    "ssh": ssh.possible,
}
"""Live sources, and what tells whether they work here."""
Line = tuple[str, str]
"""A label, and what there is to say."""


def run(args: argparse.Namespace) -> Exit:
    code = Exit.OK
    for part in (_program, _terminal, _live, _files):
        for label, words in part():
            streams.write(f"{label}: {printable(words)}\n")
    try:
        loaded = load()
    except ConfigError as error:
        streams.write(f"settings: {error}\n")
        return Exit.USAGE
    exists = "" if loaded.file.exists() else " (not there: defaults)"
    streams.write(f"settings: {printable(str(loaded.file))}{exists}\n")
    for setting in fields(Settings):
        value = getattr(loaded.settings, setting.name)
        shown = " ".join(value) if isinstance(value, tuple) else str(value)
        origin = loaded.origin[setting.name]
        streams.write(f"  {setting.name} = {printable(shown) or '-'}  ({printable(origin)})\n")
    return code


def _program() -> Iterator[Line]:
    yield "estui", __version__
    try:
        name, why = core_name()
        yield "core", f"{name} ({why})" if why else name
        if NATIVE_ERROR:
            yield "SLOWER THAN IT COULD BE", SLOWER
    except ValueError as error:
        yield "core", f"none: {error}"
    yield "python", f"{platform.python_version()} ({platform.python_implementation()}, {sys.executable})"
    yield "system", f"{platform.system()} {platform.release()} {platform.machine()}"


def _terminal() -> Iterator[Line]:
    term = os.environ.get("TERM", "")
    size = shutil.get_terminal_size((0, 0))
    if not streams.terminal():
        yield "terminal", f"none: stdout goes elsewhere, so estui prints text (TERM={term})"
    elif term in ("", "dumb"):
        yield "terminal", f"TERM={term}: the screen cannot be shown; estui cat and estui stat work"
    else:
        small = "" if size.columns >= 80 and size.lines >= 24 else "; the screen wants 80x24 or more"
        yield "terminal", f"TERM={term}, {size.columns}x{size.lines}{small}"
    yield "colours", _colours(term)


def _colours(term: str) -> str:
    if os.environ.get("NO_COLOR"):
        return "none, because NO_COLOR is set"
    if os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "16 million (COLORTERM)"
    if "256color" in term:
        return "256 (TERM)"
    return "16, as far as the terminal says"


def _live() -> Iterator[Line]:
    for label, possible in LIVE.items():
        ok, words, remedy = possible()
        yield label, ". ".join(part for part in (words if ok else f"not here: {words}", remedy) if part)
    yield (
        "tested",
        "live on Linux; eslogger and estrace with stand-ins, for estui has not been run on a Mac yet",
    )
    yield "standard input", "on any machine: ssh MAC sudo eslogger exec open | estui -"
    yield "demo", "on any machine: estui demo"


def _files() -> Iterator[Line]:
    yield "plans", ", ".join(EXAMPLES)
    for label, folder in (("themes", themes_dir()), ("own themes", config_dir() / "themes")):
        try:
            names = sorted(file.stem for file in folder.glob("*.toml")) if folder.is_dir() else []
        except OSError as error:
            yield label, f"none: {folder}: {error.strerror}"
            continue
        yield label, f"{', '.join(names) or 'none'} ({folder})"
