"""The lab as one uses it: what the cursor is on is previewed, Enter puts it in force, u takes it back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot

from estui.plan import MutePath, Plan
from estui.record import KIND_EVENT
from estui.session import Session
from estui.text import printable
from estui.tui.app import EstuiApp
from estui.tui.lab.panel import Lab
from estui.tui.mute_dialog import EditDialog
from tests.cores import event
from tests.tui.panels import flowing, screen, text, until
from tests.tui.screens import NARROW, WIDE, Scripted, at, bar, golden, investigation, opened, ticked

HOSTILE = "/private/\x1b]0;pwned\x07/\u202e[/foo]\n\udcff/a"
LOG = MutePath("TARGET_PREFIX", "/private/var/log/")
ONE = MutePath("TARGET_LITERAL", "/private/var/log/0")
ZSH = MutePath("LITERAL", "/bin/zsh", ("open",), enabled=False)


def lines() -> list[bytes]:
    """Twenty logs that zsh opens, ten targets of cat, and a fork."""
    members = [(f"/private/var/log/{n}", "/bin/zsh") for n in range(20)]
    members += [(f"/Users/alex/{n}", "/bin/cat") for n in range(9)] + [(HOSTILE, "/bin/cat")]
    made = [
        event("open", path, pid=n + 1, pidversion=7, executable=program, time=at(n))
        for n, (path, program) in enumerate(members)
    ]
    return [*made, event("fork", pid=1, pidversion=7, executable="/bin/zsh", time=at(40))]


@asynccontextmanager
async def lab(
    plan: Plan | None = None, size: tuple[int, int] = WIDE, given: list[bytes] | None = None, **options: Any
) -> AsyncIterator[tuple[EstuiApp, Lab, Pilot[Any]]]:
    source = Scripted()
    async with opened(investigation(source, plan, **options), size) as (app, pilot):
        source.put(*(lines() if given is None else given))
        await ticked(pilot)
        await pilot.press("6")
        await previewed(pilot)
        yield app, app.panels.lab, pilot


async def previewed(pilot: Pilot[Any]) -> None:
    """Waits for the numbers of what is selected."""
    panel: Lab = pilot.app.panels.lab  # type: ignore[attr-defined]
    held = panel.session.core.counters().held_events
    panel._not_before = 0.0
    panel.poll()
    await until(pilot, lambda: panel.preview is not None and panel.preview.events == held)
    await pilot.pause()


def delivered(session: Session) -> list[int]:
    core = session.core
    rows = (core.row(seq) for seq in range(core.counters().tail, core.counters().head))
    return [row.seq for row in rows if row and row.kind == KIND_EVENT and not row.stage]


@pytest.mark.parametrize(("name", "size"), [("lab-160x50", WIDE), ("lab-80x24", NARROW)])
async def test_the_lab_as_it_is_drawn(name: str, size: tuple[int, int]) -> None:
    async with lab(Plan(paths=(LOG, ONE, ZSH)), size) as (app, panel, pilot):
        await previewed(pilot)
        await until(pilot, lambda: "hits 20 (64.5 %)" in screen(app))
        app.panels.status.display = False
        await pilot.pause()
        golden(name, screen(app))
        assert panel.draft is not None


async def test_what_is_previewed_is_what_enter_does_and_u_takes_it_back() -> None:
    async with lab(Plan(paths=(LOG, ZSH))) as (app, panel, pilot):
        session = app.session
        for item in range(panel.section.items()):
            await pilot.press("g", *["j"] * item)
            await previewed(pilot)
            preview, before, plan = panel.preview, delivered(session), session.client.plan
            assert preview is not None
            changes = [panel.changes.changed(place) for place in range(panel.changes.count())]
            hidden = [change.seq for change in changes if change and change.hidden]
            shown = [change.seq for change in changes if change and not change.hidden]
            await pilot.press("enter")
            after = delivered(session)
            assert hidden == [seq for seq in before if seq not in set(after)]
            assert shown == [seq for seq in after if seq not in set(before)]
            assert len(after) == preview.delivered
            assert session.client.plan != plan
            assert "u takes it back" in bar(app)
            await pilot.press("u")
            assert (session.client.plan, delivered(session)) == (plan, before)


async def test_an_event_that_changes_is_opened_in_the_list() -> None:
    async with lab(Plan(paths=(LOG,))) as (app, panel, pilot):
        await previewed(pilot)
        await pilot.press("tab", "j", "j")
        assert panel.changes.has_focus
        seq = panel.changes.seq
        await pilot.press("enter")
        assert app.panels.shown == "events"
        assert app.events.row is not None
        assert app.events.row.seq == seq
        assert app.events.row.stage, "the log is muted as yet"


async def test_only_one_kind_of_change_is_listed() -> None:
    plan = Plan(paths=(LOG,))
    async with lab(plan) as (_, panel, pilot):
        await pilot.press("j")  # the first switch inverts: logs come back, what else has a target goes
        await previewed(pilot)
        await pilot.press("tab")
        counts = []
        for _ in range(3):
            counts.append((panel.changes.count(), str(panel.changes.border_subtitle or "")))
            await pilot.press("t")
        assert counts == [(30, ""), (10, "only newly hidden"), (20, "only newly delivered")]
        assert panel.changes.count() == 30


async def test_redundant_by_which_rule() -> None:
    async with lab(Plan(paths=(LOG, ONE))) as (app, _, pilot):
        await until(pilot, lambda: "redundant" in screen(app))
        assert "[[mute_path]] 1" in flowing(app)


async def test_hostile_paths_are_shown_escaped() -> None:
    prefix = MutePath("TARGET_PREFIX", HOSTILE[:-1])
    async with lab(Plan(paths=(prefix,)), size=(160, 50)) as (app, panel, pilot):
        await previewed(pilot)
        await until(pilot, lambda: "hits 1" in screen(app))
        assert panel.changes.count() == 1
        assert printable(HOSTILE)[-12:] in text(panel.changes)[1]
        assert "\\u202e" in screen(app)
        await pilot.press("enter")
        assert "\x1b" not in bar(app)


async def test_an_entry_is_added_edited_and_removed() -> None:
    async with lab() as (app, panel, pilot):
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, EditDialog))
        await pilot.press(*"/private/var/log/")
        await until(pilot, lambda: "would suppress 20 more" in screen(app))
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, EditDialog))
        assert app.session.client.plan.entries == (LOG,)
        assert panel.section.tab() == "Rules 1"
        assert panel.draft is not None
        assert panel.draft.words == "disable TARGET_PREFIX /private/var/log/"
        await pilot.press("x")
        assert not app.session.client.plan.entries
        await pilot.press("x")
        assert "Choose an entry first" in bar(app)


async def test_what_comes_is_taken_into_the_preview() -> None:
    source = Scripted()
    async with opened(investigation(source, Plan(paths=(LOG,)))) as (app, pilot):
        await pilot.press("6")
        await previewed(pilot)
        panel = app.panels.lab
        assert panel.preview is not None
        assert panel.preview.events == 0
        assert "changes nothing in the ring of 0" in screen(app)
        source.put(*lines())
        await previewed(pilot)
        assert panel.preview.newly_delivered == 20


async def test_events_that_left_the_ring_say_so() -> None:
    async with lab(Plan(paths=(LOG,)), max_events=64) as (app, panel, pilot):
        await previewed(pilot)
        source = app.session.source
        assert isinstance(source, Scripted)
        preview, panel._not_before = panel.preview, float("inf")
        source.put(
            *(event("fork", pid=n, pidversion=n, executable="/bin/sh", time=at(n)) for n in range(200))
        )
        panel.changes.show(preview, panel.draft)
        await pilot.press("tab")
        await pilot.pause()
        assert "evicted" in text(panel.changes)[1]
        await pilot.press("enter")
        assert app.panels.shown == "lab"


async def test_sections_go_round_and_keys_of_others_are_not_there() -> None:
    async with lab() as (app, panel, pilot):
        seen = []
        for _ in panel.sections:
            seen.append(panel.section.TITLE)
            shown = [section for section in panel.sections if section.display]
            assert shown == [panel.section]
            assert panel.section.has_focus
            for key, name in (("e", "edit"), ("b", "next_blind")):
                active = app.screen.active_bindings.get(key)
                mine = active is not None and active.binding.action == f"act('{name}')"
                assert mine == hasattr(panel.section, f"action_{name}"), (panel.section.TITLE, name)
            await pilot.press("right")
        assert len(set(seen)) == len(panel.sections)
        assert panel.section is panel.sections[0]
        await pilot.press("left")
        assert panel.section is panel.sections[-1]
        await pilot.press("escape")
        assert app.panels.shown == "events"


async def test_tabs_of_the_lab_are_clicked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with lab() as (_, panel, pilot):
        monkeypatch.setattr(panel.tabs, "tick", lambda: None)  # the numbers in the names come when they come
        for section in panel.sections:
            place = text(panel.tabs)[0].index(section.tab())
            await pilot.click(panel.tabs, offset=(place, 0))
            assert panel.section is section


async def test_a_lab_that_is_not_seen_works_nothing_out() -> None:
    async with lab() as (_, panel, pilot):
        await pilot.press("1")
        panel._asked = None
        panel.poll()
        assert panel._asked is None


async def test_another_size_of_the_terminal_leaves_the_cursor_on_its_item() -> None:
    rules = tuple(MutePath("TARGET_LITERAL", f"/private/var/log/{n}") for n in range(20))
    async with lab(Plan(paths=(LOG, *rules))) as (app, panel, pilot):
        await until(pilot, lambda: "redundant" in screen(app))
        await pilot.press(*["j"] * 7)
        item = panel.section.at
        assert item == 7
        for size in ((80, 24), (40, 10), (20, 5), (120, 35), (160, 50)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert panel.section.at == item, size
            first = panel.section._firsts[item]
            assert panel.section.top <= first < panel.section.top + panel.section.page, size


async def test_marking_leaves_the_list_of_changes_as_it_is() -> None:
    many = [
        event("open", f"/opt/cache/{n % 9}", pid=9, pidversion=1, executable="/bin/cat") for n in range(90)
    ]
    async with lab(given=many) as (app, panel, pilot):
        await pilot.press("right")
        await until(pilot, lambda: panel.section.draft() is not None)
        await previewed(pilot)
        await pilot.press("tab", "j")
        draft, count, seq = panel.draft, panel.changes.count(), panel.changes.seq
        assert count > 0
        await pilot.press("space")
        panel.poll()
        await previewed(pilot)
        assert seq is not None
        assert seq in app.session.marks
        assert (panel.draft, panel.changes.count(), panel.changes.seq) == (draft, count, seq)
