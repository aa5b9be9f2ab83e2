"""The screen as a whole: its panels, keys, prompts, source and counters."""

from __future__ import annotations

import gc
import itertools
import os
import time
from pathlib import Path
from typing import Any

import pytest
from textual.binding import Binding
from textual.events import Key
from textual.widgets import Input

from estui.events import NOTIFY, PRESETS
from estui.plan import MutePath, Plan
from estui.query import Found
from estui.sources.source import SourceError
from estui.tui import actions
from estui.tui.app import EstuiApp
from estui.tui.choice import Choice
from estui.tui.commands import Palette
from estui.tui.help import Help, HelpLines
from estui.tui.main import Main
from estui.tui.menu import Menu
from estui.tui.mute_dialog import MuteDialog
from estui.tui.plan_dialog import LoadDialog, SaveDialog
from estui.tui.prompts import parse_time
from estui.tui.status import KeyBar, fitting, percent, sparkline
from estui.tui.types_panel import TypesPanel
from tests.cores import event
from tests.tui.panels import screen, text, until
from tests.tui.screens import (
    NARROW,
    SECOND,
    WIDE,
    Scripted,
    answer,
    at,
    bar,
    golden,
    investigation,
    numbered,
    opened,
    strip,
    ticked,
)


def visible(app: EstuiApp) -> set[str]:
    """The ids of the panels on the screen."""
    panels = {name: app.panels.query_one(f"#{name}") for name in ("types", "mutes", "events", "detail")}
    return {
        name for name, panel in panels.items() if all(widget.display for widget in panel.ancestors_with_self)
    }


def focus(app: EstuiApp) -> str | None:
    """The id of the panel with the focus."""
    return None if app.focused is None else app.focused.id


# ---- panels


async def test_a_wide_screen_shows_every_panel() -> None:
    session = investigation(Scripted())
    async with opened(session, WIDE) as (app, pilot):
        assert visible(app) == {"types", "mutes", "events", "detail"}
        assert focus(app) == "events"
        order = []
        for _ in range(4):
            await pilot.press("tab")
            order.append(app.panels.shown)
        assert order == ["detail", "types", "mutes", "events"]
        await pilot.press("shift+tab", "shift+tab")
        assert app.panels.shown == "types"
        assert focus(app) == "types"
        for key, name in zip("1234", ("events", "types", "mutes", "detail"), strict=True):
            await pilot.press(key)
            assert app.panels.shown == name


async def test_a_narrow_screen_shows_one_panel_at_a_time() -> None:
    session = investigation(Scripted())
    async with opened(session, NARROW) as (app, pilot):
        assert visible(app) == {"events"}
        for key, name in zip("2341", ("types", "mutes", "detail", "events"), strict=True):
            await pilot.press(key)
            await pilot.pause()
            assert visible(app) == {name}
            assert f"[{key} " in text(app.panels.tabs)[0]
        await pilot.press("tab")
        await pilot.pause()
        assert visible(app) == {"detail"}
        await pilot.press("escape")
        await pilot.pause()
        assert visible(app) == {"events"}


async def test_in_between_the_detail_takes_the_place_of_types_and_mutes() -> None:
    session = investigation(Scripted())
    async with opened(session, (120, 40)) as (app, pilot):
        assert visible(app) == {"types", "mutes", "events"}
        await pilot.press("enter")
        await pilot.pause()
        assert visible(app) == {"events", "detail"}
        await pilot.press("escape")
        await pilot.pause()
        assert visible(app) == {"types", "mutes", "events"}
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert visible(app) == {"events"}
        await pilot.resize_terminal(160, 50)
        await pilot.pause()
        assert visible(app) == {"types", "mutes", "events", "detail"}


async def test_a_panel_is_maximised_and_back() -> None:
    session = investigation(Scripted())
    async with opened(session, WIDE) as (app, pilot):
        await pilot.press("4", "backslash")
        await pilot.pause()
        assert visible(app) == {"detail"}
        await pilot.press("backslash")
        await pilot.pause()
        assert visible(app) == {"types", "mutes", "events", "detail"}


async def test_tabs_are_clicked() -> None:
    session = investigation(Scripted())
    async with opened(session, NARROW) as (app, pilot):
        await pilot.click("#tabs", offset=(13, 0))
        await until(pilot, lambda: app.panels.shown == "types")


async def test_the_screen_at_80x24() -> None:
    source = Scripted(title="build.jsonl", kind="file")
    plan = Plan(subscribe=("open", "exec"), paths=(MutePath("TARGET_PREFIX", "/private/tmp/1", None),))
    session = investigation(source, plan)
    async with opened(session, NARROW) as (app, pilot):
        source.put(
            *numbered(300), event("close", "/etc/hosts", pid=4, executable="/bin/cat", time=at(400)), b"bad"
        )
        await ticked(pilot, 1.0)
        await pilot.press("G")
        await ticked(pilot, 1.0)
        golden("events-80x24", screen(app))
        await pilot.press("2")
        await pilot.pause()
        golden("types-80x24", screen(app))


# ---- the status strip


async def test_every_counter_has_its_name() -> None:
    source = Scripted(title="a source")
    plan = Plan(paths=(MutePath("TARGET_PREFIX", "/private/tmp/1", None),))
    session = investigation(source, plan)
    async with opened(session, (200, 50)) as (app, pilot):
        source.put(*numbered(200), b"bad", event("open", global_seq_num=1), event("open", global_seq_num=5))
        session.client.unsubscribe(["close"])
        await ticked(pilot, 1.0)
        await ticked(pilot, 1.0)
        words = strip(app)
        for part in ("a source", "● running", f"subscribed {len(NOTIFY) - 1}/{len(NOTIFY)}", "muted 55%", "lost 3",
                     "missing 0", "bad 1", "evicted 0", "ring 202", "SIMULATED"):  # fmt: skip
            assert part in words, part


async def test_to_be_subscribed_and_to_be_muted_are_counted_apart() -> None:
    source = Scripted()
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.put(*numbered(10))
        session.client.solo(["exec"])
        await ticked(pilot, 1.0)
        assert "subscribed 1/" in strip(app)
        assert "muted 0%" in strip(app)
        rows = text(app.panels.events)
        assert sum("○" in row for row in rows) == 10
        assert not any("⊘" in row for row in rows)


@pytest.mark.parametrize("width", [60, 80, 100, 160, 240])
async def test_a_short_strip_keeps_what_matters(width: int) -> None:
    source = Scripted(title="x" * 50)
    session = investigation(source, budget=1 << 20)
    async with opened(session, (width, 24)) as (app, pilot):
        source.put(
            *numbered(30_000), b"bad", event("open", global_seq_num=1), event("open", global_seq_num=500_000)
        )
        await ticked(pilot, 1.0)
        await ticked(pilot, 1.0)
        words = strip(app)
        assert len(words) <= width
        assert "lost 500k" in words
        assert "SIMULATED" in words
        assert ("subscribed" in words) == (width >= 80)


async def test_rates_and_the_sparkline() -> None:
    source = Scripted()
    session = investigation(source)
    async with opened(session) as (app, pilot):
        await ticked(pilot, 1.0)
        assert "  0/s  " in strip(app)
        source.put(*numbered(50))
        await ticked(pilot, 1.0)
        assert "  50/s  " in strip(app)
        assert "█" in strip(app)
        panel = text(app.panels.types)
        assert any("open" in line and "50" in line and "50/s" in line for line in panel)


def test_parts_that_fit() -> None:
    assert fitting([(4, 1), (4, 3), (4, 2)], 9, 1) == [1, 2]
    assert fitting([(4, 1), (4, 3), (4, 2)], 14, 1) == [0, 1, 2]
    assert fitting([(10, 1)], 9, 1) == []


def test_shares_and_sparklines() -> None:
    assert [percent(share) for share in (0, 0.01, 0.44, 50.4, 99.95, 100)] == [
        "0%",
        "0.1%",
        "0.4%",
        "50%",
        "99.9%",
        "100%",
    ]
    assert sparkline([]) == ""
    assert sparkline([0, 0]) == ""
    assert sparkline([0, 1, 50, 100]) == " ▁▅█"


# ---- the source


async def test_what_a_source_tells_is_shown() -> None:
    source = Scripted(controls=["restart"])
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.becomes("idle", "", "sudo may be asking for your password")
        await ticked(pilot)
        assert "Waiting for the first event of script" in screen(app)
        assert "Sudo may be asking" in screen(app)
        source.becomes("failed", "eslogger is not permitted", "Give the terminal Full Disk Access")
        await ticked(pilot)
        assert "✗ failed" in strip(app)
        for words in (
            "Eslogger is not permitted.",
            "Give the terminal Full Disk Access.",
            "R starts it again.",
        ):
            assert words in screen(app)
        source.becomes("running")
        source.put(*numbered(3))
        await ticked(pilot)
        assert "Full Disk Access" not in screen(app)
        source.becomes("failed", "it died", "Look at its words")
        await ticked(pilot)
        assert "✗ It died. Look at its words. R starts it again." in screen(app)
        await pilot.press("R")
        await until(pilot, lambda: source.restarted == [None])
        await ticked(pilot)
        assert "— script restarted —" in screen(app)
        assert "● running" in strip(app)


async def test_advice_of_a_source_that_runs_can_be_taken_away() -> None:
    source = Scripted()
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.put(*numbered(3))
        source.becomes("running", "", "Record on a Mac for real events")
        await ticked(pilot)
        assert " Record on a Mac for real events. Esc takes this line away." in screen(app)
        await pilot.press("escape")
        assert "Record on a Mac" not in screen(app)
        source.becomes("running", "the next event comes in 40 s", "Play faster")
        await ticked(pilot)
        assert "● The next event comes in 40 s. Play faster." in screen(app)


async def test_a_restart_that_fails_says_why() -> None:
    class Stubborn(Scripted):
        def restart(self, types: frozenset[str] | None = None) -> None:
            raise SourceError("no more clients", "Stop another ES client")

    session = investigation(Stubborn(controls=["restart"]))
    async with opened(session) as (app, pilot):
        await pilot.press("R")
        await until(pilot, lambda: "no more clients" in bar(app))


async def test_a_source_is_steered() -> None:
    source = Scripted(controls=["pause", "step", "speed", "loop"])
    source.speed = 1.0
    session = investigation(source)
    async with opened(session) as (app, pilot):
        await pilot.press("H", "full_stop", "greater_than_sign", "less_than_sign")
        await app.run_action("app.source('loop')")
        await pilot.pause()
        assert source.steered == [
            ("pause", None),
            ("step", None),
            ("speed", 2.0),
            ("speed", 0.5),
            ("loop", None),
        ]
        assert "loop done" in bar(app)


async def test_keys_for_what_the_source_cannot_do_are_not_there() -> None:
    source = Scripted()
    session = investigation(source)
    async with opened(session) as (app, pilot):
        live = {active.binding.id for active in app.panels.active_bindings.values()}
        assert "app.source.hold" not in live
        assert "app.restart_source" not in live
        await pilot.press("H", "R")
        assert not source.steered


async def test_a_type_that_the_source_does_not_send() -> None:
    source = Scripted(sends=frozenset(["open"]), controls=["restart"])
    session = investigation(source, Plan(subscribe=("open",)))
    async with opened(session) as (app, pilot):
        assert "not sent" not in "\n".join(line for line in text(app.panels.types) if " open" in line)
        await pilot.press("2", "slash")
        await answer(pilot, "exec")
        await pilot.press("space")
        await ticked(pilot)
        panel = "\n".join(text(app.panels.types))
        assert "[x] exec" in panel
        assert "1 not sent: R restarts source" in panel
        assert "1 not sent by the source: R restarts it" in bar(app)
        await pilot.press("R")
        await until(pilot, lambda: source.restarted == [frozenset(["open", "exec"])])
        await ticked(pilot)
        assert "not sent: R" not in "\n".join(text(app.panels.types))


async def test_a_pause_of_the_list() -> None:
    source = Scripted()
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.put(*numbered(10))
        await ticked(pilot)
        await pilot.press("p")
        source.put(*numbered(5, 10))
        await ticked(pilot)
        assert "paused +5" in strip(app)
        assert "paused: 5 rows wait, capturing goes on; p takes them in" in screen(app)
        assert len(session.view) == 10
        await pilot.press("p")
        await ticked(pilot)
        assert len(session.view) == 15
        assert "paused" not in screen(app)


# ---- nothing to see


async def test_an_empty_list_says_what_brings_rows() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.put(*numbered(20))
        source.becomes("ended")
        await ticked(pilot)
        session.client.solo(["exec"])
        await pilot.press("s")
        await ticked(pilot)
        assert "All 20 events held are out of view." in screen(app)
        assert "20 are of types not subscribed to: s shows them" in screen(app)
        session.view.add("event", "nothing", True)
        app.view_changed()
        await ticked(pilot)
        assert "1 view filter is on: V turns all off" in screen(app)
        await pilot.press("V", "s")
        await ticked(pilot)
        assert len(session.view) == 20


async def test_muted_rows_hidden_say_so() -> None:
    source = Scripted(kind="file")
    session = investigation(source, Plan(paths=(MutePath("PREFIX", "/usr/", None),)))
    async with opened(session) as (app, pilot):
        source.put(*numbered(20))
        await pilot.press("s")
        await ticked(pilot)
        assert "20 are muted: s shows them, 3 goes to the mutes." in screen(app)


async def test_without_a_source() -> None:
    session = investigation()
    async with opened(session) as (app, _):
        assert "No source is open." in screen(app)


async def test_a_file_without_events() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session, NARROW) as (app, pilot):
        source.becomes("failed", "events.jsonl is empty", "Record some on a Mac")
        await ticked(pilot)
        assert "events.jsonl is empty." in screen(app)
        assert "Record some on a Mac." in screen(app)
        await pilot.press("j", "k", "g", "G", "plus", "space", "y", "apostrophe", "n", "escape", "enter")
        await ticked(pilot)


# ---- finding and going


async def test_find_and_go_on() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.put(*numbered(500))
        await ticked(pilot)
        await pilot.press("slash")
        await answer(pilot, "/private/tmp/44")
        await until(pilot, lambda: session.view.anchor == 44)
        await pilot.press("n")
        await until(pilot, lambda: session.view.anchor == 440)
        await pilot.press("N", "N")
        await until(pilot, lambda: session.view.anchor == 449)
        assert "before the beginning" in bar(app)
        await pilot.press("left_square_bracket")
        assert session.view.anchor == 44
        await pilot.press("escape")
        assert not app.panels.events.needle
        await pilot.press("n")
        await answer(pilot, "no such thing")
        await until(pilot, lambda: "no such thing is in no row in view" in bar(app))


async def test_what_is_typed_stands_out_at_once_and_esc_takes_it_back() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.put(*numbered(30))
        await ticked(pilot)
        await pilot.press("slash", *"TMP", "backspace", "backspace", "backspace", *"tmp/2")
        await pilot.pause()
        assert app.panels.events.needle == "tmp/2"
        found = [segment.text for segment in app.panels.events.line(2, 80) if "tmp/2" in segment.text]
        assert found == ["tmp/2"]
        await pilot.press("escape")
        await pilot.pause()
        assert app.panels.events.needle == ""
        assert focus(app) == "events"


async def test_what_is_pasted_into_a_prompt_is_shown_escaped() -> None:
    session = investigation(Scripted())
    async with opened(session) as (app, pilot):
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(app.focused, Input))
        app.prompt.query_one(Input).insert_text_at_cursor("a\x1b]0;x\x07[/foo]")
        await pilot.pause()
        assert r"a\x1b]0;x\x07[/foo]" in screen(app)
        await pilot.press("end", "1", "2")
        assert app.panels.events.needle.endswith("[/foo]12")


async def test_keys_typed_faster_than_the_focus_moves_are_not_lost() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.put(*numbered(100))
        await ticked(pilot)
        for key, character in (
            *((char, char) for char in "/tmp/7"),
            ("enter", "\r"),
            ("space", " "),
            ("p", "p"),
        ):
            app.post_message(Key({"/": "slash"}.get(key, key), character))
        await until(pilot, lambda: session.view.paused)
        await until(pilot, lambda: session.view.anchor == 7)
        assert app.panels.events.needle == "tmp/7"
        assert len(session.marks) == 1


async def test_find_keeps_to_the_view() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.put(*numbered(100))
        session.view.add("executable", "/usr/bin/tool3", True)
        app.view_changed()
        await ticked(pilot)
        await pilot.press("slash")
        await answer(pilot, "/private/tmp/4")
        await until(pilot, lambda: session.view.anchor == 45)


async def test_going_to_a_time() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.put(*numbered(7200))
        await ticked(pilot)
        for words, seq in (("01:00", 3600), ("+90s", 3690), ("-1m", 3630), (at(5), 5), ("23:00", 7199)):
            await pilot.press("t")
            await answer(pilot, words)
            assert session.view.anchor == seq, words
        await pilot.press("t")
        await answer(pilot, "12:99")
        assert "there is no such time of day" in screen(app)
        await pilot.press("escape", "left_square_bracket")
        assert session.view.anchor == 5


def test_times_that_people_type() -> None:
    noon = 1714564800 * SECOND
    assert parse_time("12:00:01.5", noon + 3600 * SECOND) == noon + 3 * SECOND // 2
    assert parse_time(" +2h ", noon) == noon + 7200 * SECOND
    assert parse_time("-250ms", noon) == noon - SECOND // 4
    assert parse_time("2024-05-01T12:00:00Z", None) == noon
    assert parse_time("2024-05-01 14:00:00+02:00", None) == noon
    for words in ("+1h", "12:00", "noon", "", "2024-13-01", "25:00"):
        with pytest.raises(ValueError, match=r"."):
            parse_time(words, None)


# ---- types, presets, plans


async def test_types_are_subscribed_to_by_one_key() -> None:
    source = Scripted()
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.put(*numbered(10), event("exec", "/bin/ls"), event("brand_new", pid=1))
        await ticked(pilot, 1.0)
        await pilot.press("2", "slash")
        await answer(pilot, "ope")
        assert app.panels.types.current is not None
        assert app.panels.types.current.name == "open"
        assert NOTIFY["open"].teaches.split()[0] in "\n".join(text(app.panels.types))
        await pilot.press("space")
        await ticked(pilot)
        assert not session.client.subscribed("open")
        assert session.core.counters().suppressed == 10
        await pilot.press("o")
        assert session.client.plan.subscribe == ("open",)
        await pilot.press("o")
        assert session.client.plan.subscribe is None
        await pilot.press("A")
        assert session.client.plan.subscribe == ()
        await pilot.press("a")
        assert session.client.plan.subscribe is None
        await pilot.press("h", "space")  # the whole category
        assert app.panels.types.current.category == NOTIFY["open"].category
        assert not app.panels.types.current.name
        assert not session.client.subscribed("open")
        assert session.client.subscribed("exec")
        await pilot.press("u", "u")
        assert session.client.plan.subscribe == ()
        await pilot.press("U")
        assert session.client.plan.subscribe is None


async def test_a_type_that_estui_does_not_know() -> None:
    source = Scripted()
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.put(event("brand\x1b[31m_new", pid=1))
        await ticked(pilot, 1.0)
        await pilot.press("2", "G")
        panel = "\n".join(text(app.panels.types))
        assert "Unknown" in panel
        assert r"[x] brand\x1b[" in panel
        assert "a type that estui does not know" in " ".join(line.strip("┃ ") for line in panel.splitlines())
        await pilot.press("space")
        assert session.core.counters().suppressed == 1


async def test_a_type_makes_a_view_filter() -> None:
    source = Scripted()
    session = investigation(source)
    async with opened(session) as (_, pilot):
        source.put(*numbered(3), event("exec", "/bin/ls"))
        await ticked(pilot, 1.0)
        await pilot.press("2", "slash")
        await answer(pilot, "exec")
        await pilot.press("minus")
        await pilot.pause()
        assert [item.words for item in session.view.filters] == ["not event exec"]
        assert len(session.view) == 3


async def test_categories_fold() -> None:
    source = Scripted()
    session = investigation(source)
    async with opened(session) as (app, pilot):
        types = app.panels.types
        await pilot.press("2")
        folded = types.count()
        source.put(event("exec", "/bin/ls"))
        await ticked(pilot, 1.0)
        assert types.count() > folded  # a category opens once one of its types was seen
        await pilot.press("g", "enter")
        assert types.count() == folded
        await pilot.press("l")
        assert types.count() > folded
        await pilot.press("z")
        assert types.count() == folded
        await pilot.press("z")
        assert types.count() == folded + len(NOTIFY)


async def test_check_boxes_are_clicked() -> None:
    source = Scripted()
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.put(event("exec", "/bin/ls"))
        await ticked(pilot, 1.0)
        await pilot.click(TypesPanel, offset=(4, 2))
        assert not session.client.subscribed("exec")
        await pilot.click(TypesPanel, offset=(1, 1))
        assert not app.panels.types.open("Process")


async def test_a_preset_is_subscribed_to_alone() -> None:
    session = investigation(Scripted())
    async with opened(session) as (app, pilot):
        await pilot.press("P")
        await until(pilot, lambda: isinstance(app.screen, Menu))
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, Main))
        assert session.client.plan.subscribe == PRESETS["process"]
        assert "Subscribed to process" in bar(app)
        await pilot.press("P")
        await until(pilot, lambda: isinstance(app.screen, Menu))
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, Main))
        assert session.client.plan.subscribe is None


async def test_dialogs_open_from_their_keys() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        await pilot.press("m")
        await pilot.pause()
        assert "Choose an event first" in bar(app)
        source.put(*numbered(3))
        await ticked(pilot)
        dialogs: tuple[tuple[str, type], ...] = (
            ("m", MuteDialog),
            ("ctrl+o", LoadDialog),
            ("ctrl+s", SaveDialog),
        )
        for key, dialog in dialogs:
            await pilot.press(key)
            await until(pilot, lambda kind=dialog: isinstance(app.screen, kind))  # type: ignore[misc]
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, Main))


async def test_enter_in_the_list_of_plans_does_nothing_below_the_dialog() -> None:
    source = Scripted(kind="file")
    async with opened(investigation(source)) as (app, pilot):
        source.put(*numbered(3))
        await ticked(pilot)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, LoadDialog) and isinstance(app.focused, Choice))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Main))
        assert app.session.client.plan.entries
        assert app.panels.shown == "events"


async def test_a_mute_in_two_keys_changes_list_and_counts() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.put(*numbered(10))
        await ticked(pilot, 1.0)
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, MuteDialog))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Main))
        await ticked(pilot, 1.0)
        assert session.core.counters().suppressed == 1
        assert "muted 10%" in strip(app)
        assert sum("⊘" in row for row in text(app.panels.events)) == 1
        await pilot.press("u")
        await ticked(pilot, 1.0)
        assert "muted 0%" in strip(app)


# ---- view filters


async def test_the_filter_list() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.put(*numbered(70))
        await ticked(pilot)
        await pilot.press("v")
        assert "There are no view filters" in bar(app)
        await pilot.press("l", "minus", "l", "plus")
        await pilot.pause()
        assert "[x] not process 0.0" in screen(app)
        assert "[x] only executable /usr/bin/tool1" in screen(app)
        assert "nothing is muted" in screen(app)
        assert len(session.view) == 10
        await pilot.press("v", "j", "space")
        await pilot.pause()
        assert focus(app) == "filters"
        assert "[ ] only executable /usr/bin/tool1" in screen(app)
        assert len(session.view) == 69
        await pilot.press("k", "exclamation_mark")
        assert session.view.filters[0].words == "only process 0.0"
        assert len(session.view) == 1
        await pilot.press("x", "x")
        await pilot.pause()
        assert focus(app) == "events"
        assert "View filters" not in screen(app)
        assert len(session.view) == 70


async def test_a_filter_is_clicked_off() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.put(*numbered(7))
        await ticked(pilot)
        await pilot.press("minus")
        await pilot.pause()
        await pilot.click("#filters", offset=(2, 1))
        assert not session.view.filters[0].on
        await app.run_action("app.filters_clear")
        assert not session.view.filters


# ---- files


async def test_what_is_in_view_is_written(tmp_path: Path) -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    lines = numbered(30)
    async with opened(session) as (app, pilot):
        source.put(*lines)
        session.view.add("executable", "/usr/bin/tool3", True)
        app.view_changed()
        await ticked(pilot)
        out = tmp_path / "out.jsonl"
        await pilot.press("w")
        await answer(pilot, str(tmp_path / "nowhere" / "x"))
        assert "there is no such directory" in screen(app)
        await answer(pilot, str(tmp_path))
        assert "that is a directory" in screen(app)
        await answer(pilot, str(out))
        await until(pilot, out.exists)
        assert out.read_bytes().splitlines() == [line for n, line in enumerate(lines) if n % 7 == 3]
        await until(pilot, lambda: "Wrote 4 lines" in bar(app))
        out.write_bytes(b"mine")
        await pilot.press("w")
        await answer(pilot, str(out))
        assert "exists; Enter again replaces it" in screen(app)
        assert out.read_bytes() == b"mine"
        await pilot.press("enter")
        await until(pilot, lambda: out.read_bytes() != b"mine")


async def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.put(*numbered(3))
        await ticked(pilot)
        await pilot.press("w")
        await answer(pilot, str(tmp_path / ("x" * 300)))
        assert "File name too long" in screen(app)
        await answer(pilot, "~nobody_of_that_name/x")
        assert "home directory" in screen(app)
        os.mkfifo(tmp_path / "pipe")
        await answer(pilot, str(tmp_path / "pipe"))
        assert "a pipe or a device" in screen(app)
        assert app.prompt.asking


async def test_a_long_write_tells_how_far_it_is_and_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(path: Path, *_: Any, progress: Any, stopped: Any) -> None:
        for lines in itertools.count():
            progress(lines)
            if stopped():
                return
            time.sleep(0.001)  # it must not take the processor from the screen

    monkeypatch.setattr("estui.tui.commands.TELL_SECONDS", 0.01)
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.put(*numbered(3))
        await ticked(pilot)
        session.write = endless  # type: ignore[method-assign,assignment]
        await pilot.press("w")
        await answer(pilot, str(tmp_path / "out"))
        await until(pilot, lambda: "Writing to" in bar(app))
        await pilot.press("escape")
        await until(pilot, lambda: "Stopped;" in bar(app))
        await pilot.press("w")
        await answer(pilot, str(tmp_path / "out"))
        await until(pilot, lambda: "Writing to" in bar(app))
        await pilot.press("q")
        await until(pilot, lambda: "q once more leaves without the file" in bar(app))
        assert app.is_running
        await pilot.press("q")


async def test_a_search_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def endless(*arguments: Any) -> Found:
        while not arguments[-1]():
            asked.append(True)
            time.sleep(0.001)  # it must not take the processor from the screen
        return Found(-1, False, stopped=True)

    monkeypatch.setattr("estui.tui.commands.find", endless)
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.put(*numbered(3))
        await ticked(pilot)
        await pilot.press("slash")
        await answer(pilot, "x")
        await until(pilot, lambda: bool(asked) and "Looking for x … Esc stops" in bar(app))
        await pilot.press("escape")
        await until(pilot, lambda: not any(worker.is_running for worker in app.workers))
        assert session.view.anchor <= 0


async def test_the_raw_line_is_copied() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    copied: list[str] = []
    async with opened(session) as (app, pilot):
        app.copy_to_clipboard = copied.append  # type: ignore[method-assign,assignment]
        source.put(*numbered(3))
        await ticked(pilot)
        await pilot.press("j", "y")
        assert copied == [numbered(3)[1].decode()]
        assert "Copied" in bar(app)


# ---- keys, help, palette


def test_no_key_has_two_meanings_in_one_place() -> None:
    for scope in actions.SCOPES:
        keys = [
            key
            for action in actions.ACTIONS
            if action.scope == scope
            for key in action.keys.split(",")
            if key
        ]
        assert len(keys) == len(set(keys)), scope
    assert len(actions.by_id()) == len(actions.ACTIONS)


async def test_every_action_can_be_carried_out() -> None:
    session = investigation(Scripted())
    async with opened(session) as (app, _):
        for action in actions.ACTIONS:
            target: Any = app if action.scope == "app" else app.panels.panel(action.scope)
            name = action.name.partition("(")[0]
            assert callable(getattr(target, f"action_{name}", None)), action.id
            assert action.help
            assert action.text


async def test_help_shows_the_live_keys() -> None:
    session = investigation(Scripted(controls=["restart"]))
    async with opened(session, (120, 60)) as (app, pilot):
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help))
        await pilot.pause()
        golden("help-events", "\n".join(text(app.screen.query_one(HelpLines))))
        await pilot.press("G", "g", "pagedown", "j", "k", "escape")
        await until(pilot, lambda: isinstance(app.screen, Main))
        await pilot.press("2", "f1")
        await until(pilot, lambda: isinstance(app.screen, Help))
        await pilot.pause()
        assert "In this panel (types)" in screen(app)
        assert "Subscribe to every type" in screen(app)


async def test_help_is_read_whole_on_a_narrow_screen() -> None:
    session = investigation(Scripted())
    async with opened(session, NARROW) as (app, pilot):
        await pilot.press("question_mark")
        await until(
            pilot, lambda: isinstance(app.screen, Help) and app.screen.query_one(HelpLines).count() > 0
        )
        await pilot.press("G")
        await pilot.pause()
        lines = text(app.screen.query_one(HelpLines))
        assert "…" not in "".join(lines)
        words = " ".join(" ".join(line.strip("│█ ") for line in lines).split())
        assert "muting is done here, by estui; KERNEL: at the source" in words


async def test_help_knows_a_users_own_keys() -> None:
    session = investigation(Scripted())
    async with opened(session, (120, 60)) as (app, pilot):
        app.set_keymap({"app.pause": "ctrl+x,f9"})
        await pilot.press("f9")
        assert session.view.paused
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help))
        await pilot.pause()
        line = next(line for line in text(app.screen.query_one(HelpLines)) if "capturing goes on" in line)
        assert "ctrl+x f9" in line


async def test_the_palette_offers_every_action_and_runs_it() -> None:
    source = Scripted()
    session = investigation(source)
    async with opened(session) as (app, pilot):
        palette = Palette(app.panels)
        titles = [hit.text async for hit in palette.discover()]
        assert {"Pause", "Types: Subscribe"} <= set(titles)
        assert "Restart source" not in titles  # this source cannot
        hits = [hit async for hit in palette.search("clear filters")]
        assert "Clear filters" in {str(hit.text) for hit in hits}
        session.view.add("event", "open", True)
        app.run_command(actions.by_id()["app.filters_clear"])
        await until(pilot, lambda: not session.view.filters)
        app.run_command(actions.by_id()["types.none"])
        await until(pilot, lambda: session.client.plan.subscribe == ())
        assert app.panels.shown == "types"


async def test_the_footer_fits_and_its_keys_are_clicked() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    for size in (NARROW, WIDE):
        async with opened(session, size) as (app, pilot):
            assert "? help" in bar(app)
            assert len(bar(app)) <= size[0]
            await pilot.click(KeyBar, offset=(bar(app).index("pause"), 0))
            await until(pilot, lambda: session.view.paused)
            await pilot.press("p")
            await pilot.press("slash")
            await until(pilot, lambda: app.prompt.asking)
            await until(pilot, lambda: "⏎ find" in bar(app))
            await pilot.press("escape")
            await until(pilot, lambda: "? help" in bar(app))


async def test_a_message_over_a_dialog_is_seen() -> None:
    session = investigation(Scripted())
    async with opened(session) as (app, pilot):
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help))
        app.say("[/foo] a word")
        await until(pilot, lambda: "[/foo] a word" in screen(app))


def test_bindings_carry_the_ids_that_key_maps_use() -> None:
    found = [binding for binding in actions.bindings("app") if isinstance(binding, Binding)]
    assert {"app.pause", "app.find", "app.panel.events", "app.find_next.-1"} <= {
        binding.id for binding in found
    }
    assert actions.key_words("question_mark,f1") == "? f1"
    assert actions.key_words("left_square_bracket") == "["
    assert actions.key_words("ctrl+p") == "ctrl+p"


# ---- the detail


async def test_the_detail_follows_the_row_i_am_on() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.put(*numbered(10))
        await ticked(pilot)
        assert app.panels.detail.row is not None
        assert app.panels.detail.row.pid == 0
        await pilot.press("j", "j")
        await pilot.pause()
        assert app.panels.detail.row.pid == 2


async def test_while_following_the_detail_changes_once_a_second() -> None:
    source = Scripted()
    session = investigation(source)
    async with opened(session) as (app, pilot):
        source.put(*numbered(10))
        await ticked(pilot)
        source.put(*numbered(10, 10))
        await ticked(pilot)
        assert app.panels.detail.row is not None
        assert app.panels.detail.row.pid == 9
        await ticked(pilot, 1.0)
        assert app.panels.detail.row.pid == 19


async def test_a_hidden_detail_costs_nothing_and_is_right_when_it_comes() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session, NARROW) as (app, pilot):
        source.put(*numbered(10))
        await ticked(pilot)
        await pilot.press("j", "j")
        await ticked(pilot)
        assert app.panels.detail.row is None
        await pilot.press("enter")
        await ticked(pilot)
        assert app.panels.detail.row is not None
        assert app.panels.detail.row.pid == 2


# ---- the end


async def test_leaving_stops_the_source_and_gives_the_collector_its_objects_back() -> None:
    source = Scripted()
    session = investigation(source)
    async with opened(session) as (app, pilot):
        assert gc.get_freeze_count() > 0
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)
    assert gc.get_freeze_count() == 0
    assert source._halt.is_set()
