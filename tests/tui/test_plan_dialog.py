from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from estui.plan import EXAMPLES, MutePath, Plan, find_plan, load
from estui.tui.plan_dialog import LoadDialog, PathSuggester, SaveDialog
from tests.cores import event
from tests.tui.panels import flowing, screen, session
from tests.tui.test_mute_dialog import asking, previewed

LINES = [event("open", "/private/var/log/a"), event("open", "/x")]


async def test_an_example_is_loaded_and_taken_back() -> None:
    asked = session(LINES)
    async with asking(asked, LoadDialog(asked.client)) as (app, pilot, answers):
        for name in EXAMPLES:
            assert name in screen(app)
        await pilot.press("down")
        assert EXAMPLES[1] == "log-directory"
        assert await previewed(pilot) == "would suppress 1 more of 2 in the ring (50.0 %)"
        assert "Everything under the log directory" in screen(app)
        await pilot.press("enter")
        await pilot.pause()
        assert answers == [True]
        assert app.client.plan == load(find_plan("log-directory"))
        assert app.said[-1].startswith("Loaded ")
        app.client.undo()
        assert app.client.plan == Plan()


async def test_a_file_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "my plan.toml"
    file.write_text(
        '[plan]\nformat = 1\n[[mute_path]]\ntype = "TARGET_PREFIX"\npath = "/x"\nevents = ["fork"]\n'
    )
    asked = session(LINES)
    async with asking(asked, LoadDialog(asked.client)) as (app, pilot, _):
        await pilot.press("tab")
        app.screen.query_one(Input).value = str(file)
        await previewed(pilot)
        await pilot.press("enter")
        assert app.client.plan.paths == (MutePath("TARGET_PREFIX", "/x", ("fork",)),)
        assert app.client.path == file
        assert any("fork" in words and "no target" in words for words in app.said)


async def test_the_path_that_stands_there_is_typed_over(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    asked = session(LINES)
    asked.client.save(file)
    async with asking(asked, LoadDialog(asked.client)) as (app, pilot, _):
        entry = app.screen.query_one(Input)
        assert entry.value == str(file)
        await pilot.press("/", "x")
        assert entry.value == "/x"
        await pilot.press("escape")
    async with asking(asked, LoadDialog(asked.client)) as (app, pilot, _):
        await pilot.press("end", "x")
        assert app.screen.query_one(Input).value == f"{file}x"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "write the path of a plan"),
        ("/nowhere/x.toml", "there is no such file"),
        ("log-directry", "the nearest is log-directory"),
        ("\\x1b[2J", "there is no such file"),
        ("\\q", "a backslash begins an escape"),
        ("~nobody-of-this-name/x.toml", "home"),
        ("a\\x00b/c", "✗"),
    ],
)
async def test_what_cannot_be_loaded_is_said(typed: str, words: str) -> None:
    asked = session(LINES)
    async with asking(asked, LoadDialog(asked.client)) as (app, pilot, answers):
        await pilot.press("tab")
        app.screen.query_one(Input).value = typed
        await pilot.press("enter")
        await pilot.pause()
        assert words in flowing(app)
        assert answers == []
        await pilot.press("escape")
        assert (answers, app.client.plan) == ([False], Plan())


async def test_a_wrong_plan_tells_its_place(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text('[plan]\nformat = 1\n[[mute_path]]\ntype = "PREFIXX"\npath = "/x"\n')
    asked = session(LINES)
    async with asking(asked, LoadDialog(asked.client), (120, 30)) as (app, pilot, _):
        await pilot.press("tab")
        app.screen.query_one(Input).value = str(file)
        await pilot.press("enter")
        await pilot.pause()
        found = flowing(app)
        assert "type" in found
        assert "nearest is PREFIX" in found


async def test_saved_and_loaded_again_it_is_the_same_plan(tmp_path: Path) -> None:
    asked = session(LINES)
    asked.client.add(MutePath("TARGET_PREFIX", "/\x1b\udcff/", ("open",), enabled=False))
    asked.client.invert_muting("process")
    file = tmp_path / "new.toml"
    async with asking(asked, SaveDialog(asked.client)) as (app, pilot, answers):
        assert app.screen.query_one(Input).value == "./plan.toml"
        app.screen.query_one(Input).value = str(file)
        await pilot.press("enter")
        await pilot.pause()
        assert answers == [True]
        assert load(file) == app.client.plan
        assert (app.client.path, app.client.changed) == (file, False)
        assert app.said == [f"Saved 1 entry, inverts process to {file}"]


async def test_another_file_is_written_over_only_when_asked_twice(tmp_path: Path) -> None:
    file = tmp_path / "old.toml"
    file.write_text("precious")
    asked = session(LINES)
    async with asking(asked, SaveDialog(asked.client)) as (app, pilot, answers):
        app.screen.query_one(Input).value = str(file)
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert "exists: Enter again writes over it" in flowing(app)
        assert file.read_text() == "precious"
        await pilot.press("enter")
        await pilot.pause()
        assert (answers, load(file)) == ([True], Plan())


async def test_what_cannot_be_saved_is_said(tmp_path: Path) -> None:
    asked = session(LINES)
    async with asking(asked, SaveDialog(asked.client), (120, 24)) as (app, pilot, answers):
        for typed in (str(tmp_path / "no" / "x.toml"), "", "\\x00", str(tmp_path)):
            app.screen.query_one(Input).value = typed
            await pilot.pause()
            await pilot.press("enter", "enter")
            await pilot.pause()
            assert "✗" in screen(app)
        assert answers == []


async def test_an_example_is_saved_beside_not_over_itself() -> None:
    asked = session(LINES)
    asked.client.load(find_plan("quiet-build"))
    async with asking(asked, SaveDialog(asked.client)) as (app, _, _):
        assert app.screen.query_one(Input).value == "./quiet-build.toml"


async def test_paths_are_completed(tmp_path: Path) -> None:
    (tmp_path / "plans").mkdir()
    (tmp_path / "plan.toml").touch()
    (tmp_path / "plain.txt").touch()
    (tmp_path / "hostile\x1b.toml").touch()
    complete = PathSuggester(".toml").get_suggestion
    assert await complete(f"{tmp_path}/plan") == f"{tmp_path}/plan.toml"
    assert await complete(f"{tmp_path}/plans") == f"{tmp_path}/plans/"
    assert await complete(f"{tmp_path}/plai") is None
    assert await complete(f"{tmp_path}/host") is None
    assert await complete(f"{tmp_path}/") is None
    assert await complete("/nowhere/x") is None
    assert await complete("\0/x") is None
