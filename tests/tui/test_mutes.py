from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from estui.core import Core
from estui.lab import hits
from estui.plan import MutePath, MuteProcess, Plan
from estui.session import Session
from estui.tui.actions import ACTIONS
from estui.tui.detail import Detail
from estui.tui.menu import Menu
from estui.tui.mute_dialog import EditDialog
from estui.tui.mutes import MutesPanel
from estui.tui.plan_dialog import LoadDialog, SaveDialog
from tests.cores import event
from tests.tui.panels import PanelApp, flowing, screen, session, text, until

HOSTILE = "/private/\x1b]0;pwned\x07/\u202e[/foo]\n\udcff/"
TIME = "2026-01-01T12:00:00.500000000Z"
LINES = [
    event("open", "/private/var/log/a", pid=812, pidversion=2846, executable="/bin/zsh", time=TIME),
    event("write", "/private/var/log/b", pid=812, pidversion=2846, executable="/bin/zsh", time=TIME),
    event("open", "/Users/a", pid=813, pidversion=1, executable="/bin/cat"),
    event("fork", pid=813, pidversion=1, executable="/bin/cat"),
]
LOG = MutePath("TARGET_PREFIX", "/private/var/log/")
ZSH = MutePath("LITERAL", "/bin/zsh", ("open", "write", "close"), enabled=False)
CAT = MuteProcess(813, 1, ("fork",))


def investigation(*entries: MutePath | MuteProcess, **plan: object) -> Session:
    made = session(LINES)
    made.client.apply(Plan(**plan).with_entries(entries), "begin")  # type: ignore[arg-type]
    return made


@asynccontextmanager
async def shown(
    made: Session, size: tuple[int, int] = (80, 30)
) -> AsyncIterator[tuple[PanelApp, MutesPanel, Pilot[None]]]:
    panel = MutesPanel(made, id="mutes")
    app = PanelApp(made, panel)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield app, panel, pilot


async def counted(pilot: Pilot[None], panel: MutesPanel) -> None:
    """Waits until the entries on the screen were counted."""
    await until(pilot, lambda: "counting" not in "\n".join(text(panel)))


def inside(panel: MutesPanel) -> str:
    return "\n".join(row.strip("┃").rstrip() for row in text(panel)[1:-1]).rstrip()


async def test_the_panel_as_it_is_drawn() -> None:
    async with shown(investigation(LOG, ZSH, CAT, invert_process=True, default_mute_set="macos26")) as (
        _,
        panel,
        pilot,
    ):
        await pilot.press("j", "j", "j")
        await counted(pilot, panel)
        assert inside(panel) == WIDE


WIDE = """\
SIMULATED  not saved
[ ] invert target     normal: an event is suppressed when all its targets are
                      muted
[ ] invert executable normal: events of a muted executable are suppressed
[⇄] invert process    inverted: only events of a selected process are
                      delivered
✓ TARGET_PREFIX   /private/var/log/                                 all events
  hits 2 (50.0 %)  own 0  redundant  bytes 431B  last 12:00:00.500
✗ LITERAL         /bin/zsh                                             open +2
  hits 2 (50.0 %)  disabled  bytes 431B  last 12:00:00.500
✓ PROCESS         813.1                                                   fork
  hits 1 (25.0 %)  own 1  bytes 131B
[ ] instigator votes  normal: only the process that acts is asked
▸ macOS 26 default set: 35 entries, AUTH only






──────────────────────────────────────────────────────────────────────────────
es_mute_path("/private/var/log/", TARGET_PREFIX)
no verdict would flip without it: its events are not subscribed to, or
something else decides
last hit 12:00:00.500 (o: go there), 431B in all"""


async def test_a_narrow_panel_breaks_its_lines() -> None:
    made = investigation(LOG, CAT, invert_target_path=True)
    async with shown(made, (30, 30)) as (_, panel, pilot):
        await pilot.press("j", "j", "j")
        await counted(pilot, panel)
        assert inside(panel).split("────")[0] == NARROW


NARROW = """\
SIMULATED  not saved
[⇄] invert target
    inverted: only events
    with a selected target
    are delivered; types
    without targets still
    arrive
[ ] invert executable
[ ] invert process
✓ TARGET_PREFIX  all events
  /private/var/log/
  hits 2 (50.0 %)  own 2
✓ PROCESS  fork
  813.1
  hits 1 (25.0 %)  own 1
[ ] instigator votes
  no default set  (Enter)



"""


async def test_entries_are_switched_removed_and_taken_back() -> None:
    async with shown(investigation(LOG, ZSH)) as (app, panel, pilot):
        await pilot.press("j", "j", "j", "space")
        assert [one.enabled for one in app.client.plan.entries] == [False, False]
        await pilot.press("j", "space")
        assert [one.enabled for one in app.client.plan.entries] == [False, True]
        await pilot.press("x")
        assert [one.label for one in app.client.plan.entries] == [LOG.label]
        assert app.said == ["Removed LITERAL /bin/zsh; u takes it back"]
        app.client.undo()
        panel.poll()
        await pilot.pause()
        assert "LITERAL" in screen(app)
        await pilot.press("g", "x")
        assert app.said[-1] == "Choose an entry of the plan first"
        panel.action_clear()
        await pilot.pause()
        assert app.client.plan.entries == ()
        assert "no mutes yet" in screen(app)


async def test_inversions_are_switches_that_say_what_they_mean() -> None:
    async with shown(investigation(LOG)) as (app, panel, pilot):
        await pilot.press("space")
        assert app.client.plan.invert_target_path
        assert "[⇄] invert target inverted: only events with a selected target" in flowing(app)
        assert panel.border_title == "Mutes (1) ⇄ target"
        await pilot.press("j", "space", "space", "j", "space")
        assert (app.client.plan.invert_path, app.client.plan.invert_process) == (False, True)
        await pilot.press("i")
        await pilot.pause()
        assert isinstance(app.screen, Menu)
        assert "invert target" in screen(app)
        await pilot.press("t")
        await pilot.pause()
        assert not app.client.plan.invert_target_path
        await pilot.press("i", "escape")
        assert app.client.plan.invert_process
        panel.action_invert_now("path")
        assert app.client.plan.invert_path
        assert "every event is suppressed" in app.said[-1]


async def test_apples_set_is_kept_apart_and_can_be_chosen() -> None:
    async with shown(investigation(LOG)) as (app, _, pilot):
        await pilot.press("G", "enter", "2")
        await pilot.pause()
        assert app.client.plan.default_mute_set == "macos26"
        assert "▸ macOS 26 default set: 35 entries, AUTH only" in screen(app)
        await pilot.press("space", "j", "j")
        assert "▾ macOS 26 default set" in screen(app)
        assert "Apple's own entry" in screen(app)
        await pilot.press("space", "x")
        assert len(app.client.plan.default_entries()) == 35
        await pilot.press("enter", "0")
        await pilot.pause()
        assert app.client.plan.default_mute_set == "none"


async def test_instigators_may_vote() -> None:
    async with shown(investigation(LOG)) as (app, _, pilot):
        await pilot.press("G", "k", "space")
        assert app.client.plan.instigator_votes
        assert "macOS 27: the instigator" in screen(app)


async def test_dialogs_open_and_change_the_plan() -> None:
    async with shown(investigation(LOG)) as (app, _, pilot):
        await pilot.press("a")
        await pilot.pause()
        assert isinstance(app.screen, EditDialog)
        await pilot.press(*"/usr/", "enter")
        await pilot.pause()
        assert app.client.plan.paths == (LOG, MutePath("TARGET_PREFIX", "/usr/"))
        assert "Mutes (2)" in screen(app)
        await pilot.press("k", "e")
        await pilot.pause()
        await pilot.press("end", "x", "enter")
        await pilot.pause()
        assert app.client.plan.paths[0] == MutePath("TARGET_PREFIX", "/private/var/log/x")
        for key, dialog in (("L", LoadDialog), ("S", SaveDialog)):
            await pilot.press(key)
            await pilot.pause()
            assert isinstance(app.screen, dialog)
            await pilot.press("escape")
            await pilot.pause()
        await pilot.press("escape")
        assert app.left == "events"


async def test_counts_follow_ring_and_plan() -> None:
    async with shown(investigation(LOG)) as (app, panel, pilot):
        await counted(pilot, panel)
        assert "hits 2 (50.0 %)  own 2" in screen(app)
        app.core.ingest(0, LINES[0] + b"\n")
        await until(pilot, lambda: "hits 3" in "\n".join(text(panel)))
        app.client.add(MutePath("LITERAL", "/bin/zsh"))
        await until(pilot, lambda: "own 0" in "\n".join(text(panel)))


async def test_all_entries_are_counted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Plan] = []

    def entries(core: Core, plan: Plan) -> tuple[hits.EntryHits, ...]:
        asked.append(plan)
        return counting(core, plan)

    counting = hits.entries
    monkeypatch.setattr(hits, "entries", entries)
    made = investigation(*(MutePath("TARGET_LITERAL", f"/private/{number}") for number in range(40)))
    async with shown(made) as (app, panel, pilot):
        await counted(pilot, panel)
        await pilot.press("G", "k", "k", "k")
        assert "counting" not in screen(app)
        panel._not_before = 0
        panel.poll()
        assert not panel._counting, "nothing moved but the cursor"
        assert asked == [app.client.plan]
        app.client.remove(0)
        panel.poll()
        await counted(pilot, panel)
        assert asked[1:] == [app.client.plan]


async def test_counts_of_another_plan_are_dropped() -> None:
    async with shown(investigation(LOG)) as (app, panel, pilot):
        await counted(pilot, panel)
        old = app.client.plan
        late = {one.index: one for one in hits.entries(app.core, old) if one.index is not None}
        app.client.enable(0, False)
        panel.poll()
        panel.on_mutes_panel_counted(MutesPanel.Counted(old, 4, late, 0))
        assert "counting" in "\n".join(text(panel))
        await counted(pilot, panel)
        assert "disabled" in screen(app)


async def test_a_redundant_entry_says_what_decides_in_its_place() -> None:
    async with shown(investigation(LOG, MutePath("TARGET_PREFIX", "/private/"), ZSH)) as (_, panel, pilot):
        await pilot.press("j", "j", "j")
        await counted(pilot, panel)
        assert sum("redundant" in row for row in text(panel)) == 2, "each covers the other; one is disabled"
        assert "[[mute_path]] 2 TARGET_PREFIX /private/ decides in its place" in footer(panel)
        await pilot.press("j")
        assert "flip without it: [[mute_path]] 1 TARGET_PREFIX /private/var/log/ decides" in footer(panel)
        await pilot.press("x")
        await counted(pilot, panel)
        assert "redundant" not in "\n".join(text(panel))
        await pilot.press("k")
        assert "own 2: without this entry" in footer(panel)


def footer(panel: MutesPanel) -> str:
    return " ".join(inside(panel).partition("────")[2].replace("─", " ").split())


async def test_an_entry_of_types_not_subscribed_to_is_redundant_by_no_rule() -> None:
    async with shown(investigation(LOG, subscribe=("fork",))) as (_, panel, pilot):
        await pilot.press("j", "j", "j")
        await counted(pilot, panel)
        assert "own 0  redundant" in "\n".join(text(panel))
        assert "its events are not subscribed to, or something else decides" in footer(panel)


async def test_a_redundant_entry_says_so_in_a_narrow_panel() -> None:
    async with shown(investigation(LOG, LOG), (30, 30)) as (_, panel, pilot):
        await counted(pilot, panel)
        assert inside(panel).count("  redundant  hits 2 (50.0 %)") == 2


async def test_the_rule_that_decides_may_be_hostile_and_long() -> None:
    long = "/private/" + HOSTILE * 20
    made = session([event("open", long, pid=1, pidversion=1, executable="/bin/zsh")])
    made.client.apply(
        Plan(paths=(MutePath("TARGET_LITERAL", long), MutePath("LITERAL", "/bin/zsh"))), "begin"
    )
    async with shown(made) as (_, panel, pilot):
        await pilot.press("j", "j", "j", "j")
        await counted(pilot, panel)
        found = footer(panel)
        assert "[[mute_path]] 1 TARGET_LITERAL …" in found
        assert "\\n\\xff/ decides in its place" in found


async def test_one_of_two_targets_is_told() -> None:
    made = session([event("rename", "/private/var/log/a", "/Users/b"), *LINES])
    made.client.add(LOG)
    async with shown(made) as (_, panel, pilot):
        await pilot.press("j", "j", "j")
        await counted(pilot, panel)
        assert "another target of 1 of its hits is matched by no entry" in footer(panel)


async def test_hostile_entries_are_escaped() -> None:
    made = investigation(MutePath("PREFIX", HOSTILE), MutePath("LITERAL", HOSTILE * 50))
    for size in ((80, 30), (30, 24)):
        async with shown(made, size) as (app, panel, pilot):
            await pilot.press("j", "j", "j")
            await counted(pilot, panel)
            assert "[/foo]\\n\\xff" in flowing(app)
            await pilot.press("j", "x")
            screen(app)
            app.client.undo()


async def test_ten_thousand_entries_stay_quick() -> None:
    entries = [MutePath("TARGET_LITERAL", f"/private/{number}") for number in range(10_000)]
    async with shown(investigation(*entries)) as (app, panel, pilot):
        await counted(pilot, panel)
        await pilot.press("G", "k", "k", "k")
        await counted(pilot, panel)
        assert "/private/9998" in screen(app)
        assert "hits 0" in screen(app)


async def test_an_entry_is_seen_whole_as_the_cursor_comes_to_it() -> None:
    entries = [MutePath("TARGET_LITERAL", f"/private/{number}") for number in range(20)]
    async with shown(investigation(*entries), (40, 16)) as (app, panel, pilot):
        for number in range(20):
            await pilot.press("j", "j", "j") if number == 0 else await pilot.press("j")
            assert f"/private/{number}" in screen(app)
            await counted(pilot, panel)
        for number in reversed(range(19)):
            await pilot.press("up")
            assert f"/private/{number}" in screen(app)


async def test_the_mouse_selects_switches_and_edits() -> None:
    async with shown(investigation(LOG, ZSH)) as (app, panel, pilot):
        await pilot.click(offset=(30, 8))
        assert panel.item is not None
        assert (panel.item.kind, panel.item.at) == ("entry", 1)
        await pilot.click(offset=(1, 6))
        assert not app.client.plan.entries[0].enabled
        await pilot.click(offset=(2, 2))
        assert app.client.plan.invert_target_path
        await pilot.click(offset=(30, 7), times=2)
        await pilot.pause()
        assert isinstance(app.screen, EditDialog)


@pytest.mark.parametrize("size", [(80, 24), (36, 14), (20, 6), (160, 50)])
async def test_any_size_does(size: tuple[int, int]) -> None:
    async with shown(investigation(LOG, ZSH, CAT), size) as (app, _, pilot):
        for key in ("G", "g", "j", "pagedown", "pageup", "j", "j", "j"):
            await pilot.press(key)
            screen(app)


async def test_without_the_focus_a_small_panel_shows_entries() -> None:
    async with shown(investigation(LOG, ZSH), (40, 16)) as (_, panel, pilot):
        await pilot.press("j", "j", "j")
        assert panel.footer_height
        panel.screen.set_focus(None)
        await pilot.pause()
        assert not panel.footer_height


@pytest.mark.parametrize(("scope", "panel"), [("mutes", MutesPanel), ("detail", Detail)])
def test_every_action_of_the_registry_can_be_done(scope: str, panel: type) -> None:
    mine = [action for action in ACTIONS if action.scope == scope]
    assert mine
    for action in mine:
        assert hasattr(panel, f"action_{action.name.partition('(')[0]}"), action.id
    keys = [key for action in mine for key in action.keys.split(",") if key]
    assert len(keys) == len(set(keys))
