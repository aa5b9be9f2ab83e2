"""Themes: the three that ship, a user's own, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.style import Style
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from estui.tui import theme as themes
from estui.tui.app import EstuiApp
from tests.tui.panels import THEMES, screen, until
from tests.tui.screens import NARROW, WIDE, Scripted, investigation, numbered, opened, ticked

SHIPPED = ("dark", "high-contrast", "light")
GOOD = 'name = "mine"\nprimary = "#123456"\n'


def luminance(colour: Color) -> float:
    """As WCAG 2 defines it."""
    parts = [value / 255 for value in colour.rgb]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21."""
    lighter, darker = sorted((luminance(Color.parse(one)), luminance(Color.parse(other))), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def written(folder: Path, text: str, name: str = "mine") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_three_themes_ship_and_set_every_colour_of_estui() -> None:
    found, wrong = themes.load_all([THEMES])
    assert sorted(found) == list(SHIPPED)
    assert not wrong
    for theme in found.values():
        assert set(themes.VARIABLES) <= set(theme.variables), theme.name


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_colours_can_be_read(name: str) -> None:
    theme = themes.load(THEMES / f"{name}.toml")
    least = 7.0 if name == "high-contrast" else 4.5
    assert theme.background
    assert theme.panel
    cursor = theme.variables["es-cursor-background"]
    for key in themes.VARIABLES:
        if not key.endswith("background") and not key.startswith(("es-match", "es-cell", "es-cursor")):
            assert contrast(theme.variables[key], theme.background) >= (
                4.5 if key == "es-suppressed" else least
            ), key
    for one, other in (
        (theme.variables["es-cursor-foreground"], cursor),
        (theme.variables["es-match-foreground"], theme.variables["es-match-background"]),
        (theme.variables["es-cell-foreground"], theme.variables["es-cell-background"]),
        (theme.foreground or "", theme.background),
        (theme.foreground or "", theme.panel),
        (theme.variables["es-suppressed"], theme.panel),
    ):
        assert contrast(one, other) >= 4.5, (one, other)


def test_a_user_theme_and_the_order_of_directories(tmp_path: Path) -> None:
    written(tmp_path, GOOD + '[variables]\nes-lost = "red 50%"\nblock-cursor-text-style = "bold reverse"\n')
    written(tmp_path, 'name = "dark"\nprimary = "blue"\n', "other")
    found, wrong = themes.load_all([THEMES, tmp_path, tmp_path / "none"])
    assert not wrong
    assert found["mine"].variables["es-lost"] == "red 50%"
    assert found["dark"].primary == "blue"
    assert themes.variable_defaults(found["mine"])["es-key"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD + 'acent = "red"', "acent: no such key; did you mean accent?"),
        (GOOD + 'xyzzy = "red"', "xyzzy: no such key"),
        (GOOD + 'accent = "redd"', "accent: 'redd' is no colour"),
        (GOOD + "accent = 7", "accent: 7 is no colour"),
        (GOOD + 'accent = "red 140%"', "accent: 'red 140%' is no colour"),
        (GOOD + 'accent = "red x%"', "is no colour"),
        (GOOD + 'accent = "\\u001b[31m"', r"'\x1b[31m' is no colour"),
        (GOOD + '[variables]\nes-lots = "red"', "variables.es-lots: no such key; did you mean es-lost?"),
        (GOOD + '[variables]\nes-lost = "#12"', "variables.es-lost: '#12' is no colour"),
        (GOOD + '[variables]\nlink-style = "wobbly"', "variables.link-style: 'wobbly' is no text style"),
        (GOOD + "variables = 3", "variables: must be a table"),
        (GOOD + "dark = 1", "dark: must be true or false"),
        ('primary = "#123456"\nname = "a\\u001bb"', "name: must be a plain word"),
        ('name = "mine"', "primary: missing"),
        ("name = ", "not TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(themes.ThemeError) as caught:
        themes.load(path)
    assert str(caught.value).startswith(str(path))
    assert words in str(caught.value)
    found, wrong = themes.load_all([THEMES, tmp_path])
    assert sorted(found) == list(SHIPPED)
    assert len(wrong) == 1


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(themes.ThemeError, match="No such file"):
        themes.load(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(themes.ThemeError, match="not UTF-8"):
        themes.load(tmp_path / "latin.toml")


def test_choosing_by_name() -> None:
    found, _ = themes.load_all([THEMES])
    assert themes.choose(None, found) == "dark"
    assert themes.choose("light", found) == "light"
    with pytest.raises(themes.ThemeError, match="did you mean light"):
        themes.choose("ligth", found)
    with pytest.raises(themes.ThemeError, match="there are: dark, high-contrast, light"):
        EstuiApp(investigation(), "\x1b", theme_places=[THEMES])


def test_every_look_has_its_colours_in_every_theme() -> None:
    for theme in [*themes.load_all([THEMES])[0].values(), *BUILTIN_THEMES.values()]:
        variables = {
            **themes.variable_defaults(theme),
            **theme.to_color_system().generate(),
            **theme.variables,
        }
        for name, look in themes.LOOKS.items():
            style = themes.look(name, variables)
            assert isinstance(style, Style)
            if look.colour and not theme.ansi:
                assert style.color is not None, (theme.name, name)
            assert themes.look(name, variables, no_color=True).color is None


async def test_themes_are_changed_while_it_runs() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session, WIDE, theme="light") as (app, pilot):
        source.put(*numbered(5))
        await ticked(pilot)
        seen = [app.theme]
        shades = {app.panels.events.base.bgcolor}
        for _ in range(3):
            await pilot.press("ctrl+t")
            await pilot.pause()
            seen.append(app.theme)
            shades.add(app.panels.events.base.bgcolor)
            screen(app)
        assert seen == ["light", "dark", "high-contrast", "light"]
        assert len(shades) == 3
        for name in BUILTIN_THEMES:
            app.theme = name
            await pilot.pause()
            screen(app)


async def test_a_bad_user_theme_is_told_of_and_the_screen_opens(tmp_path: Path) -> None:
    written(tmp_path, GOOD + 'acent = "red"')
    app = EstuiApp(investigation(Scripted()), theme_places=[THEMES, tmp_path])
    async with app.run_test(size=(200, 50)) as pilot:
        await until(pilot, lambda: "did you mean accent?" in screen(app))


async def test_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session, NARROW) as (app, pilot):
        source.put(*numbered(5))
        session.client.unsubscribe(["open"])
        await ticked(pilot)
        assert app.no_color
        events = app.panels.events
        cursor = events.line(0, 60)
        other = events.line(1, 60)
        assert all(segment.style and segment.style.reverse for segment in cursor if segment.text.strip())
        assert "○" in other.text
        assert all(segment.style and segment.style.dim for segment in other if segment.text.strip())
