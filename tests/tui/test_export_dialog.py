from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Button, Input

from estui.lab.export import FORMATS, export
from estui.plan import MutePath, MuteProcess, Plan
from estui.session import Session
from estui.tui.export_dialog import NAMES, ExportDialog, Text
from tests.tui.panels import PanelApp, flowing, screen, session, text, until
from tests.tui.screens import NARROW, WIDE, opened
from tests.tui.test_mute_dialog import HOSTILE, asking

PLAN = Plan(
    paths=(MutePath("TARGET_PREFIX", "/private/var/"), MutePath("PREFIX", "/bin/")),
    processes=(MuteProcess(1, 2),),
)


def under(plan: Plan) -> Session:
    found = session()
    found.client.apply(plan, "test")
    return found


def named(app: PanelApp) -> Input:
    return app.screen.query_one(Input)


def test_every_format_has_a_name() -> None:
    assert tuple(NAMES) == FORMATS
    assert len({ending for _, ending, _ in NAMES.values()}) == len(FORMATS)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_every_format_is_shown_and_written(
    size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = under(PLAN)
    for at, name in enumerate(FORMATS):
        async with asking(asked, ExportDialog(asked.client), size) as (app, pilot, answers):
            await pilot.press(*["down"] * at)
            await pilot.pause()
            exported = export(PLAN, name)
            assert f"● {NAMES[name][0]}" in screen(app)
            assert named(app).value == f"./plan{NAMES[name][1]}"
            assert text(app.screen.query_one(Text))[0].startswith(exported.text.splitlines()[0][:40])
            gaps = len(exported.warnings)
            assert (f"△ {gaps} warning" in screen(app)) is bool(gaps)
            await pilot.press("enter")
            await pilot.pause()
            file = tmp_path / f"plan{NAMES[name][1]}"
            assert file.read_text("utf-8") == exported.text
            told = {0: "", 1: ", 1 warning"}.get(gaps, f", {gaps} warnings")
            assert answers == [f"Wrote mute plan as {NAMES[name][0]} to plan{NAMES[name][1]}{told}"]
    assert len(list(tmp_path.iterdir())) == len(FORMATS)


async def test_the_name_follows_the_format_until_one_writes_another(tmp_path: Path) -> None:
    asked = under(PLAN)
    asked.client.save(tmp_path / "my plan.v2.toml")
    async with asking(asked, ExportDialog(asked.client), WIDE) as (app, pilot, answers):
        assert named(app).value == f"{tmp_path}/my plan.v2.c"
        await pilot.press("j")
        await pilot.pause()
        assert named(app).value == f"{tmp_path}/my plan.v2.swift"
        await pilot.press("tab", "end", "x", "shift+tab", "up")
        await pilot.pause()
        assert named(app).value == f"{tmp_path}/my plan.v2.swiftx"
        await pilot.press("escape")
        await pilot.pause()
        assert (answers, list(tmp_path.iterdir())) == ([None], [tmp_path / "my plan.v2.toml"])


async def test_a_file_is_replaced_only_when_asked_twice(tmp_path: Path) -> None:
    file = tmp_path / "old.c"
    file.write_text("precious")
    asked = under(PLAN)
    async with asking(asked, ExportDialog(asked.client)) as (app, pilot, answers):
        named(app).value = str(file)
        await pilot.pause()
        await pilot.press("enter")
        assert "exists: Enter again writes over it" in flowing(app)
        # Another format, or another name in between, is another question.
        await pilot.press("down")
        await pilot.pause()
        await pilot.press("enter")
        assert "exists: Enter again" in flowing(app)
        named(app).value = str(file) + "x"
        named(app).value = str(file)
        await pilot.pause()
        await pilot.press("enter")
        assert file.read_text() == "precious"
        assert answers == []
        await pilot.press("enter")
        await pilot.pause()
        assert file.read_text() == export(PLAN, "swift").text
        assert answers == [f"Wrote mute plan as Swift to {file}"]


async def test_strict_lets_nothing_go_that_is_not_whole(tmp_path: Path) -> None:
    asked = under(PLAN)
    async with asking(asked, ExportDialog(asked.client)) as (app, pilot, answers):
        named(app).value = str(tmp_path / "x")
        await pilot.press("down", "down", "down", "s")
        await pilot.pause()
        assert "[x] Strict" in screen(app)
        for key in ("enter", "y"):
            await pilot.press(key)
            assert "✗ osquery cannot hold all of the plan" in flowing(app)
        assert (answers, app.copied, list(tmp_path.iterdir())) == ([], [], [])
        await pilot.press("up")
        await pilot.pause()
        assert "✗" not in screen(app)
        await pilot.press("enter")
        await pilot.pause()
        assert answers == [f"Wrote mute plan as Rust to {tmp_path / 'x'}"]


async def test_the_text_is_copied_by_key_and_by_button() -> None:
    asked = under(PLAN)
    async with asking(asked, ExportDialog(asked.client)) as (app, pilot, answers):
        await pilot.press("y")
        app.screen.query_one("#copy", Button).press()
        await pilot.pause()
        assert app.copied == [export(PLAN, "c").text.encode()] * 2
        assert app.said[0].startswith("Copied the plan as C: ")
        app.screen.query_one("#strict", Button).press()
        await until(pilot, lambda: "[x] Strict" in screen(app))
        app.screen.query_one("#cancel", Button).press()
        await until(pilot, lambda: answers == [None])


def missing(tmp_path: Path) -> tuple[str, str]:
    return str(tmp_path / "no" / "x.c"), f"✗ there is no directory {tmp_path / 'no'}"


def in_a_file(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "file").touch()
    return str(tmp_path / "file" / "x.c"), f"✗ {tmp_path / 'file'} is no directory"


def directory(tmp_path: Path) -> tuple[str, str]:
    return str(tmp_path), f"✗ {tmp_path} is a directory"


def pipe(tmp_path: Path) -> tuple[str, str]:
    os.mkfifo(tmp_path / "fifo")
    return str(tmp_path / "fifo"), f"✗ {tmp_path / 'fifo'} is no plain file"


def too_long(tmp_path: Path) -> tuple[str, str]:
    return f"/{'x' * 300}", "✗ this cannot be written, File name too long: /"


def hostile(tmp_path: Path) -> tuple[str, str]:
    return f"{tmp_path}/\\x1b[2J/x", "✗ there is no directory"


def nobody(tmp_path: Path) -> tuple[str, str]:
    return "~nobody-of-this-name/x", "home"


@pytest.mark.parametrize(
    "place",
    [
        missing, in_a_file, directory, pipe, too_long, hostile, nobody,
        lambda _: ("", "✗ write a path, such as ./plan.c"),
        lambda _: ("a\\q", "✗ a backslash begins an escape"),
        lambda _: ("/a\\x00b", "✗ a file name cannot hold a NUL"),
    ],
)  # fmt: skip
async def test_what_cannot_be_written_is_said(
    place: Callable[[Path], tuple[str, str]], tmp_path: Path
) -> None:
    typed, words = place(tmp_path)
    asked = under(PLAN)
    async with asking(asked, ExportDialog(asked.client), (150, 30)) as (app, pilot, answers):
        named(app).value = typed
        await pilot.pause()
        await pilot.press("enter", "enter")
        assert words in flowing(app)
        assert answers == []
        # The next name takes it away.
        named(app).value = str(tmp_path / "y")
        await pilot.pause()
        assert "✗" not in screen(app)


async def test_no_permission_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, data: bytes) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("estui.tui.export_dialog.write_atomic", refuse)
    asked = under(PLAN)
    async with asking(asked, ExportDialog(asked.client), WIDE) as (app, pilot, answers):
        named(app).value = str(tmp_path / "x")
        await pilot.press("enter")
        assert f"✗ there is no permission to write to {tmp_path}" in flowing(app)
        assert answers == []


async def test_a_hostile_plan_is_previewed_safely_and_written_as_it_is(tmp_path: Path) -> None:
    plan = Plan(
        name=HOSTILE[:-1], paths=(MutePath("TARGET_PREFIX", HOSTILE), MutePath("PREFIX", "/" + "x" * 9000))
    )
    asked = under(plan)
    for at, name in enumerate(FORMATS):
        async with asking(asked, ExportDialog(asked.client)) as (app, pilot, answers):
            assert named(app).value == "./private-x1b-0-pwned-foo-udcff.c" or named(app).value.startswith(
                "./"
            )
            file = tmp_path / f"\u202e{at}"
            named(app).value = str(file)
            await pilot.press(*["down"] * at)
            await pilot.pause()
            screen(app)
            app.screen.query_one(Text).focus()
            await pilot.press("G")
            screen(app)
            await pilot.press("enter")
            await until(pilot, lambda: bool(answers))
            assert file.read_text("utf-8") == export(plan, name).text
            assert "\\u202e" in answers[0]


async def test_the_preview_shows_any_text_safely() -> None:
    asked = under(PLAN)
    async with asking(asked, ExportDialog(asked.client)) as (app, _, _):
        preview = app.screen.query_one(Text)
        preview.show("a\x1b[2J\n\tb\u202e\r\n\n" + "\u4e2d" * 200)
        lines = text(preview)
        assert lines[:3] == ["a\\x1b[2J", "    b\\u202e\\r", ""]
        assert "".join(line.rstrip("█│ ") for line in lines).count("\u4e2d") == 200


async def test_a_long_plan_is_previewed_in_part() -> None:
    asked = under(Plan(paths=tuple(MutePath("PREFIX", f"/x{n}/") for n in range(1000))))
    async with asking(asked, ExportDialog(asked.client)) as (app, pilot, _):
        await pilot.press("tab", "tab", "G")
        shown = app.screen.query_one(Text)
        assert shown.has_focus
        assert text(shown)[-1].startswith("… and so on")
        assert shown.count() == 401


async def test_in_the_real_screen_letters_are_typed_into_the_field(tmp_path: Path) -> None:
    asked = under(PLAN)
    told: list[str | None] = []
    async with opened(asked, NARROW) as (app, pilot):
        app.push_screen(ExportDialog(asked.client), told.append)
        await until(pilot, lambda: "Export the mute plan" in screen(app))
        await pilot.press("j", "tab")
        app.screen.query_one(Input).value = f"{tmp_path}/"
        await pilot.press("end", "s", "y", "q", "enter")
        await until(pilot, lambda: bool(told))
        assert (tmp_path / "syq").read_text("utf-8") == export(PLAN, "swift").text
