from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, Select

from estui.lab import whatif
from estui.plan import MutePath, MuteProcess, Plan
from estui.session import Session
from estui.text import printable
from estui.tui.mute_dialog import EditDialog, MuteDialog
from estui.tui.mute_entry import escape
from estui.tui.preview import Preview
from tests.cores import event
from tests.tui.panels import PanelApp, flowing, screen, session, text, until

HOSTILE = "/private/\x1b]0;pwned\x07/\u202e[/foo]\n\udcff"


ZSH: dict[str, Any] = {"pid": 812, "pidversion": 2846, "executable": "/bin/zsh"}


def one(*targets: str, name: str = "open", executable: str = "/bin/zsh") -> bytes:
    return event(name, *targets, pid=812, pidversion=2846, executable=executable)


LINES = [one("/private/var/log/a"), one("/private/var/log/b"), one("/Users/a/x"), one(name="fork")]


@asynccontextmanager
async def asking(
    investigation: Session, dialog: Screen[Any], size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[PanelApp, Pilot[None], list[Any]]]:
    """The dialog, open; and what it answered."""
    answers: list[Any] = []
    app = PanelApp(investigation)
    async with app.run_test(size=size) as pilot:
        app.push_screen(dialog, answers.append)
        await pilot.pause()
        yield app, pilot, answers


def mute(investigation: Session, seq: int = 0) -> MuteDialog:
    row = investigation.core.row(seq)
    assert row is not None
    return MuteDialog(investigation.client, row)


async def previewed(pilot: Pilot[None]) -> str:
    """What the preview says once it is worked out."""
    preview = pilot.app.screen.query_one(Preview)
    await until(pilot, lambda: bool(preview.words))
    return preview.words


async def silent(pilot: Pilot[None]) -> None:
    """The preview says nothing, and an answer to an earlier question does not change that."""
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
    preview = pilot.app.screen.query_one(Preview)
    assert preview.words == "".join(text(preview)) == ""


async def test_enter_at_once_takes_the_sensible_default() -> None:
    asked = session(LINES)
    async with asking(asked, mute(asked)) as (app, pilot, answers):
        assert await previewed(pilot) == "would suppress 1 more of 4 in the ring (25.0 %)"
        assert inside(app) == GOLDEN
        await pilot.press("enter")
        await pilot.pause()
        assert answers == [True]
        assert app.client.plan.paths == (MutePath("TARGET_LITERAL", "/private/var/log/a", ("open",)),)
        assert app.said == ["Added TARGET_LITERAL /private/var/log/a; u takes it back"]
        assert app.client.undo() is not None
        assert app.client.plan == Plan()


def inside(app: PanelApp) -> str:
    lines = screen(app).strip().splitlines()
    return "\n".join(line.strip("│").strip() for line in lines)


GOLDEN = """\
╭─ Mute open by zsh ───────────────────────────────────────────────────────────╮
What     ● t target        /private/var/log/a
○ x executable    /bin/zsh
○ o process       812.2846
Match    ● TARGET_LITERAL  /private/var/log/a
○ TARGET_PREFIX   /private/var/log/
○ TARGET_PREFIX   /private/var/
○ TARGET_PREFIX   /private/
○ TARGET_PREFIX   /
Events   ● only open
○ all events with targets
would suppress 1 more of 4 in the ring (25.0 %)
by event type        open 1
es_mute_path_events("/private/var/log/a", TARGET_LITERAL, {open})

Mute         Edit by hand (e)        Cancel
╰────────────────────────────────── Enter mute · Tab next choice · Esc cancel ─╯"""


async def test_each_choice_is_previewed() -> None:
    asked = session(LINES)
    async with asking(asked, mute(asked)) as (app, pilot, _):
        await pilot.press("down")
        assert await previewed(pilot) == "would suppress 2 more of 4 in the ring (50.0 %)"
        await pilot.press("end")
        assert await previewed(pilot) == "would suppress 3 more of 4 in the ring (75.0 %)"
        await pilot.press("x")
        assert await previewed(pilot) == "would suppress 3 more of 4 in the ring (75.0 %)"
        await pilot.press("a")
        assert await previewed(pilot) == "would suppress 4 more of 4 in the ring (100.0 %)"
        await pilot.press("o", "enter")
        assert app.client.plan.processes == (MuteProcess(812, 2846),)


async def test_an_event_without_targets_offers_its_executable() -> None:
    asked = session(LINES)
    async with asking(asked, mute(asked, 3)) as (app, pilot, _):
        await pilot.press("enter")
        assert app.client.plan.paths == (MutePath("LITERAL", "/bin/zsh", ("fork",)),)


async def test_an_event_that_names_nothing_cannot_be_muted() -> None:
    asked = session([b'{"event":{"exit":{}}}'])
    async with asking(asked, mute(asked)) as (app, pilot, answers):
        assert "there is nothing to mute it by" in flowing(app)
        await pilot.press("x", "t", "a", "tab", "enter")
        await pilot.press("escape")
        assert app.client.plan == Plan()
        assert answers in ([False], [None, False])


async def test_an_unknown_type_can_be_muted_for_all_events() -> None:
    asked = session([event("no_such_event", pid=1, pidversion=2, executable="/bin/x")])
    async with asking(asked, mute(asked)) as (app, pilot, _):
        await pilot.press("enter")
        assert app.client.plan.paths == (MutePath("LITERAL", "/bin/x"),)


async def test_both_targets_of_a_rename() -> None:
    asked = session([one("/private/tmp/d/f1", "/private/tmp/f2", name="rename")])
    async with asking(asked, mute(asked)) as (app, pilot, _):
        assert await previewed(pilot) == "would suppress 1 more of 1 in the ring (100.0 %)"
        await pilot.press("t")
        assert await previewed(pilot) == "changes nothing in the ring of 1"
        await pilot.press("t")
        assert "/private/tmp/f2" in flowing(app)
        await pilot.press("t", "b", "enter")
        assert app.client.plan.paths == (MutePath("TARGET_PREFIX", "/private/tmp/", ("rename",)),)


async def test_inverted_muting_says_that_an_entry_selects() -> None:
    asked = session(LINES)
    asked.client.invert_muting("target_path")
    async with asking(asked, mute(asked)) as (app, pilot, _):
        assert await previewed(pilot) == "would deliver 1 more of 4 in the ring (25.0 %)"
        assert "this dimension is inverted" in flowing(app)


async def test_an_event_that_is_suppressed_already_says_so() -> None:
    asked = session(LINES)
    asked.client.add(MutePath("TARGET_PREFIX", "/private/"))
    async with asking(asked, mute(asked)) as (app, pilot, _):
        assert await previewed(pilot) == "changes nothing in the ring of 4"
        assert "suppressed already, at target_path by TARGET_PREFIX /private/" in flowing(app)


async def test_what_is_there_already_is_not_added_twice() -> None:
    asked = session(LINES)
    entry = MutePath("TARGET_LITERAL", "/private/var/log/a", ("open",), enabled=False)
    asked.client.add(entry)
    async with asking(asked, mute(asked)) as (app, pilot, _):
        assert "the plan has this entry, disabled" in flowing(app)
        await pilot.press("enter")
        assert [one.enabled for one in app.client.plan.entries] == [True]
        app.push_screen(mute(asked))
        await pilot.pause()
        await pilot.press("enter")
        assert len(app.client.plan.entries) == 1
        assert app.said[-1] == "The plan has this entry already"


async def test_a_hostile_path_is_muted_byte_for_byte() -> None:
    asked = session([one(HOSTILE, executable=HOSTILE)])
    async with asking(asked, mute(asked)) as (app, pilot, _):
        assert await previewed(pilot) == "would suppress 1 more of 1 in the ring (100.0 %)"
        assert "[/foo]\\n\\xff" in flowing(app)
        await pilot.press("enter")
        assert app.client.plan.paths == (MutePath("TARGET_LITERAL", HOSTILE, ("open",)),)
        assert app.core.counters().suppressed == 1


async def test_a_hostile_path_can_be_edited_by_hand() -> None:
    asked = session([one(HOSTILE)])
    async with asking(asked, mute(asked)) as (app, pilot, answers):
        await pilot.press("e")
        await pilot.pause()
        entry = app.screen.query_one("#what", Input)
        assert entry.value == escape(HOSTILE)
        screen(app)
        await pilot.press("end", "x", "enter")
        await pilot.pause()
        assert app.client.plan.paths == (MutePath("TARGET_LITERAL", HOSTILE + "x", ("open",)),)
        assert answers == [True]
        await until(pilot, lambda: len(app.said) == 1)
        assert app.said == [f"Added TARGET_LITERAL {printable(HOSTILE)}x; u takes it back"]


async def test_what_is_pasted_cannot_drive_the_terminal() -> None:
    asked = session(LINES)
    async with asking(asked, EditDialog(asked.client)) as (app, pilot, _):
        entry = app.screen.query_one("#what", Input)
        entry.insert_text_at_cursor("/private/\x1b[2J\u202e")
        await pilot.pause()
        assert entry.value == "/private/\\x1b[2J\\u202e"
        screen(app)
        await pilot.press("enter")
        assert app.client.plan.paths == (MutePath("TARGET_PREFIX", "/private/\x1b[2J\u202e"),)


async def test_by_hand_errors_and_warnings_are_said() -> None:
    asked = session(LINES)
    async with asking(asked, EditDialog(asked.client)) as (app, pilot, answers):
        await pilot.press("enter")
        assert "✗ write a path" in flowing(app)
        await pilot.press(*"/tmp/x")
        assert await previewed(pilot) == "changes nothing in the ring of 4"
        assert "△ /tmp is a link: events carry /private/tmp/x" in flowing(app)
        assert "△ a prefix without a / at its end" in flowing(app)
        await pilot.press("tab", *["backspace"] * 3, *"opn")
        await pilot.pause()
        assert "✗ opn is not an event type; the nearest is open" in flowing(app)
        await silent(pilot)
        await pilot.press("enter")
        assert answers == []
        await pilot.press("escape")
        assert (answers, app.client.plan) == ([None], Plan())


async def test_an_entry_is_changed_in_its_place() -> None:
    asked = session(LINES)
    asked.client.add(MutePath("PREFIX", "/bin/", ("exec",), enabled=False))
    asked.client.add(MutePath("PREFIX", "/usr/"))
    async with asking(asked, EditDialog(asked.client, 0)) as (app, pilot, answers):
        app.screen.query_one("#type", Select).value = "TARGET_PREFIX"
        await pilot.press("end", *"zsh")
        await pilot.press("ctrl+s")
        await pilot.pause()
        changed = MutePath("TARGET_PREFIX", "/bin/zsh", ("exec",), enabled=False)
        assert app.client.plan.paths == (changed, MutePath("PREFIX", "/usr/"))
        assert answers == ["Changed to TARGET_PREFIX /bin/zsh; u takes it back"]


async def test_a_process_by_hand() -> None:
    asked = session(LINES)
    async with asking(asked, EditDialog(asked.client)) as (app, pilot, _):
        app.screen.query_one("#type", Select).value = "PROCESS"
        await pilot.press(*"812.2846")
        assert await previewed(pilot) == "would suppress 4 more of 4 in the ring (100.0 %)"
        await pilot.press("enter")
        assert app.client.plan.processes == (MuteProcess(812, 2846),)


TIMED = [
    event(name, f"/private/var/log/{number % 3}/a", time=f"2026-01-01T12:00:{number:02}Z", **ZSH)
    for number, name in enumerate(["open"] * 20 + ["close"] * 10 + ["stat"])
]


@pytest.mark.parametrize(("height", "more"), [(24, 1), (30, 1), (31, 4), (50, 4)])
async def test_a_tall_terminal_has_more_of_the_preview(height: int, more: int) -> None:
    asked = session(TIMED)
    entry = MutePath("TARGET_PREFIX", "/private/var/log/")
    for dialog in (EditDialog(asked.client, entry=entry), mute(asked)):
        async with asking(asked, dialog, (80, height)) as (app, pilot, _):
            preview = app.screen.query_one(Preview)
            assert preview.size.height == 1 + more, "the room is there before the answer is"
            await previewed(pilot)
            found = text(preview)
            assert len(found) == preview.size.height == 1 + more
            assert " events/s, " in found[1]
    whole = "by event type open 20 · close 10 · stat 1"
    async with asking(asked, EditDialog(asked.client, entry=entry), (80, height)) as (app, pilot, _):
        await previewed(pilot)
        assert (whole in flowing(app)) == (more == 4)
        assert ("by process zsh[812] 31" in flowing(app)) == (more == 4)
        assert ("by target directory /private/var/log/0/ 11" in flowing(app)) == (more == 4)


async def test_only_the_last_question_is_answered() -> None:
    asked = session(LINES)
    async with asking(asked, EditDialog(asked.client)) as (app, pilot, _):
        preview = app.screen.query_one(Preview)
        one, two = (Plan(paths=(MutePath("TARGET_PREFIX", path),)) for path in ("/Users/", "/private/"))
        answers = [
            Preview.Answer(whatif.Preview(app.core, Plan(), plan), preview._asked + number)
            for number, plan in enumerate((one, two), 1)
        ]
        preview.ask(one)
        preview.ask(two)
        preview.on_preview_answer(answers[0])
        assert preview.words == "", "the answer to the question before"
        assert await previewed(pilot) == "would suppress 2 more of 4 in the ring (50.0 %)"
        preview.ask(None)
        preview.on_preview_answer(answers[1])
        await silent(pilot)


async def test_the_preview_is_against_the_plan_in_force() -> None:
    asked = session(LINES)
    asked.client.add(MutePath("TARGET_PREFIX", "/private/"))
    async with asking(asked, EditDialog(asked.client, 0)) as (_, pilot, _):
        assert await previewed(pilot) == "changes nothing in the ring of 4"
        await pilot.press("end", *"var/log/a")
        assert await previewed(pilot) == "would deliver 1 more of 4 in the ring (25.0 %)"


async def test_the_mouse_does_it_too() -> None:
    asked = session(LINES)
    async with asking(asked, mute(asked)) as (app, pilot, answers):
        choice = app.screen.query_one("#match")
        await pilot.click(choice, offset=(20, 1))
        assert await previewed(pilot) == "would suppress 2 more of 4 in the ring (50.0 %)"
        await pilot.click("#accept")
        await pilot.pause()
        assert app.client.plan.paths == (MutePath("TARGET_PREFIX", "/private/var/log/", ("open",)),)
        assert answers == [True]


@pytest.mark.parametrize("size", [(80, 24), (160, 50), (50, 16)])
async def test_dialogs_fit(size: tuple[int, int]) -> None:
    deep = "/private/" + "/".join(f"directory{number}" for number in range(20))
    asked = session([one(deep, deep + "/" + "x" * 300, name="rename", executable=deep + "/zsh")])
    async with asking(asked, mute(asked), size) as (app, pilot, _):
        await previewed(pilot)
        frame = screen(app)
        assert "╭─ Mute rename by zsh" in frame
        if size[1] >= 24:
            assert "Esc cancel ─╯" in frame
            assert "Edit by hand (e)" in frame
        await pilot.press("e")
        await pilot.pause()
        if size[1] >= 24:
            assert "Enter save · Tab next field · Esc cancel ─╯" in screen(app)
