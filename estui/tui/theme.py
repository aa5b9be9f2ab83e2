"""Themes: TOML files, three of them shipped, more from the `themes` directory beside the user's config file.

A theme file holds Textual's theme colours and, under [variables], the colours of estui's own (VARIABLES) or of
Textual's. Every colour is checked when the file is read, because Textual would find a bad one only while drawing.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.style import Style
from textual.color import Color, ColorParseError
from textual.theme import Theme

from estui.config import config_dir, themes_dir
from estui.text import nearest, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from rich.color import Color as RichColor

DEFAULT = "dark"
"""The theme of a screen that was asked for none."""

COLOURS = (
    "primary", "secondary", "accent", "success", "warning", "error", "foreground", "background", "surface", "panel",
    "boost",
)  # fmt: skip
KEYS = ("name", "dark", "ansi", *COLOURS, "variables")

VARIABLES: dict[str, str] = {
    "es-time": "secondary",
    "es-event": "accent",
    "es-number": "foreground",
    "es-process": "success",
    "es-target": "foreground",
    "es-suppressed": "secondary",
    "es-lost": "error",
    "es-missing": "warning",
    "es-bad": "error",
    "es-seam": "primary",
    "es-header": "secondary",
    "es-mark": "warning",
    "es-match-foreground": "background",
    "es-match-background": "warning",
    "es-cursor-foreground": "background",
    "es-cursor-background": "primary",
    "es-cursor-blurred-background": "panel",
    "es-cell-foreground": "background",
    "es-cell-background": "accent",
    "es-key": "primary",
    "es-string": "success",
    "es-literal": "accent",
    "es-decoded": "secondary",
    "es-teach": "foreground",
    "es-good": "success",
    "es-wrong": "error",
}
"""estui's colours, and the theme colour each one falls back to in a theme that does not set it."""


class Look(NamedTuple):
    """How a piece of a line looks: theme variables by name, text styles as Textual writes them."""

    colour: str = ""
    """A variable without its $; empty for the colour of the panel."""
    background: str = ""
    words: str = ""
    """Text style: bold, italic, …"""
    plain: str = ""
    """Text style instead, where there is no colour at all (NO_COLOR)."""


LOOKS: dict[str, Look] = {
    "lines--cursor": Look("es-cursor-foreground", "es-cursor-background", plain="reverse"),
    "lines--cursor-blurred": Look(background="es-cursor-blurred-background", plain="underline"),
    "lines--header": Look("es-header", words="bold", plain="bold"),
    "lines--track": Look("border-blurred"),
    "lines--thumb": Look("es-header"),
    "lines--dim": Look("es-suppressed", plain="dim"),
    "es--time": Look("es-time"),
    "es--event": Look("es-event"),
    "es--number": Look("es-number"),
    "es--process": Look("es-process"),
    "es--target": Look("es-target"),
    "es--suppressed": Look("es-suppressed", plain="dim"),
    "es--lost": Look("es-lost", words="bold", plain="bold"),
    "es--missing": Look("es-missing", words="bold", plain="bold"),
    "es--bad": Look("es-bad", words="bold", plain="bold"),
    "es--seam": Look("es-seam", words="bold", plain="bold"),
    "es--mark": Look("es-mark", words="bold", plain="bold"),
    "es--match": Look("es-match-foreground", "es-match-background", plain="bold underline"),
    "es--cell": Look("es-cell-foreground", "es-cell-background", plain="bold underline"),
    "es--notice": Look("es-missing", words="bold", plain="bold"),
    "piece--text": Look("foreground"),
    "piece--dim": Look("es-suppressed", plain="dim"),
    "piece--type": Look("es-key"),
    "piece--number": Look("es-literal"),
    "piece--teach": Look("es-teach"),
    "piece--words": Look("accent", words="bold", plain="bold"),
    "piece--good": Look("es-good", words="bold", plain="bold"),
    "piece--wrong": Look("es-wrong", words="bold", plain="bold"),
    "piece--warn": Look("warning", words="bold", plain="bold"),
    "piece--also": Look("warning", words="italic", plain="italic"),
    "piece--rule": Look("border-blurred"),
    "types--category": Look("es-header", words="bold", plain="bold"),
    "types--on": Look("foreground"),
    "types--off": Look("es-suppressed", plain="dim"),
    "types--count": Look("es-number"),
    "types--rate": Look("es-time"),
    "types--warning": Look("es-missing", words="bold", plain="bold"),
    "types--teach": Look("es-teach", words="italic", plain="italic"),
    "filters--on": Look("foreground", words="bold", plain="bold"),
    "filters--off": Look("es-suppressed", plain="dim"),
    "status--name": Look("primary", words="bold", plain="bold"),
    "status--good": Look("es-good"),
    "status--warn": Look("es-missing", words="bold", plain="bold"),
    "status--wrong": Look("es-wrong", words="bold", plain="bold"),
    "status--dim": Look("es-suppressed", plain="dim"),
    "tabs--here": Look("foreground", words="bold", plain="bold"),
    "keys--key": Look("primary", words="bold", plain="bold"),
    "keys--said": Look("es-good", words="bold", plain="bold"),
    "keys--wrong": Look("es-missing", words="bold", plain="bold"),
    "piece--heading": Look("primary", words="bold", plain="bold"),
    "piece--key": Look("es-event", words="bold", plain="bold"),
}
"""What estui draws its lines with. These are not component classes of Textual: it would match every one of them
against the style sheet whenever the focus moves, which took most of the time to the first picture."""

_STYLES = frozenset(
    [
        "none",
        "not",
        "bold",
        "b",
        "dim",
        "d",
        "italic",
        "i",
        "underline",
        "u",
        "reverse",
        "r",
        "strike",
        "s",
        "uu",
        "underline2",
        "overline",
        "o",
        "blink",
    ]
)


class ThemeError(Exception):
    """A theme file that cannot be used; the message names file, key and remedy."""


def directories() -> tuple[Path, ...]:
    """Where themes are looked for: those that ship with estui, then the user's."""
    return themes_dir(), config_dir() / "themes"


def load(path: Path) -> Theme:
    """Reads one theme file. Raises ThemeError."""
    shown = printable(str(path))
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ThemeError(f"{shown}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ThemeError(f"{shown}: not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise ThemeError(f"{shown}: not TOML: {printable(str(error))}") from None
    _known(shown, "", data, KEYS)
    name = data.get("name", path.stem)
    if not isinstance(name, str) or not name or name != printable(name):
        raise ThemeError(f"{shown}: name: must be a plain word")
    for key in ("dark", "ansi"):
        if not isinstance(data.get(key, False), bool):
            raise ThemeError(f"{shown}: {key}: must be true or false")
    if "primary" not in data:
        raise ThemeError(f"{shown}: primary: missing; every theme needs this one colour")
    colours: dict[str, Any] = {key: _colour(shown, key, data[key]) for key in COLOURS if key in data}
    theme = Theme(name=name, dark=data.get("dark", True), ansi=data.get("ansi", False), **colours)
    variables = data.get("variables", {})
    if not isinstance(variables, dict):
        raise ThemeError(f"{shown}: variables: must be a table")
    textual = theme.to_color_system().generate()
    _known(shown, "variables.", variables, (*VARIABLES, *textual))
    for key, value in variables.items():
        if key.endswith("style"):
            _style(shown, f"variables.{key}", value)
        else:
            _colour(shown, f"variables.{key}", value)
    theme.variables = dict(variables)
    return theme


def load_all(places: Iterable[Path]) -> tuple[dict[str, Theme], list[str]]:
    """Every theme of the directories by name, a later one in place of an earlier; and what was wrong with others."""
    themes: dict[str, Theme] = {}
    wrong: list[str] = []
    for directory in places:
        if not directory.is_dir():
            continue
        for path in sorted(directory.glob("*.toml")):
            try:
                theme = load(path)
            except ThemeError as error:
                wrong.append(str(error))
            else:
                themes[theme.name] = theme
    return themes, wrong


def choose(name: str | None, themes: dict[str, Theme]) -> str:
    """The name of a theme that exists: the one asked for, or the default. Raises ThemeError."""
    if name is None:
        return DEFAULT
    if name in themes:
        return name
    close = nearest(name, list(themes))
    hint = f"did you mean {close}?" if close else f"there are: {', '.join(sorted(themes))}"
    raise ThemeError(f"no theme is called {printable(name)}; {hint}")


def variable_defaults(theme: Theme) -> dict[str, str]:
    """estui's colours as they are in a theme that does not set them."""
    generated = theme.to_color_system().generate()
    return {name: generated[source] for name, source in VARIABLES.items()}


def look(name: str, variables: Mapping[str, str], *, no_color: bool = False) -> Style:
    """The style of a name in LOOKS under a theme's variables."""
    colour, background, words, plain = LOOKS[name]
    if no_color:
        return Style.parse(plain)
    style = Style.parse(words)
    return style + Style(color=_rich(colour, variables), bgcolor=_rich(background, variables))


def _rich(name: str, variables: Mapping[str, str]) -> RichColor | None:
    """The colour of a variable, a share of opacity in it drawn on the theme's background; None for none."""
    value = variables.get(name, "transparent") if name else "transparent"
    word, _, share = value.partition(" ")
    colour = Color.parse(word)
    if share:
        colour = Color.parse(variables["background"]).blend(colour, float(share.rstrip("%")) / 100)
    return None if colour.a == 0 else colour.rich_color


def _known(shown: str, table: str, data: dict[str, Any], known: Iterable[str]) -> None:
    names = list(known)
    for key in data:
        if key not in names:
            close = nearest(key, names)
            hint = f"; did you mean {close}?" if close else ""
            raise ThemeError(f"{shown}: {table}{printable(key)}: no such key{hint}")


def _colour(shown: str, key: str, value: object) -> str:
    if isinstance(value, str):
        colour, _, alpha = value.strip().partition(" ")
        try:
            Color.parse(colour)
            if alpha and not (alpha.endswith("%") and 0 <= float(alpha[:-1]) <= 100):
                raise ValueError
        except (ColorParseError, ValueError):
            pass
        else:
            return value
    raise ThemeError(
        f"{shown}: {key}: {printable(repr(value))} is no colour; write #rrggbb or a CSS colour name"
    )


def _style(shown: str, key: str, value: object) -> None:
    if not isinstance(value, str) or not value.split() or not set(value.split()) <= _STYLES:
        raise ThemeError(
            f"{shown}: {key}: {printable(repr(value))} is no text style; write bold, reverse, none …"
        )
