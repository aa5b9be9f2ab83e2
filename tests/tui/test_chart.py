from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from estui.lab.chart import explain, lines
from estui.message import Message
from estui.plan import MutePath, MuteProcess, Plan
from estui.session import Session
from estui.text import printable
from estui.tui.chart import GONE, NO_EVENT, ChartScreen
from estui.tui.chart_lines import ChartLines
from estui.tui.mute_entry import escape
from tests.cores import event
from tests.tui.panels import PanelApp, flowing, screen, session, text, until
from tests.tui.screens import NARROW, WIDE, opened
from tests.tui.test_mute_dialog import HOSTILE, LINES, asking, one

BIN = MutePath("PREFIX", "/bin/")
ZSH = MutePath("LITERAL", "/bin/zsh")
LOGS = MutePath("TARGET_PREFIX", "/private/var/log/")
PLAN = Plan(paths=(BIN, ZSH, LOGS))


def under(plan: Plan, given: list[bytes] = LINES) -> Session:
    found = session(given)
    found.client.apply(plan, "test")
    return found


def drawn(app: PanelApp) -> list[str]:
    return [line.rstrip("█│ ") for line in text(app.screen.query_one(ChartLines))]


def styles(app: PanelApp, part: str) -> set[Any]:
    """The colours of the line of the chart that holds `part`, its lead left out."""
    chart = app.screen.query_one(ChartLines)
    for y in range(chart.size.height):
        strip = chart.render_line(y)
        if part in strip.text:
            return {segment.style.color for segment in strip if part in segment.text and segment.style}
    raise AssertionError(screen(app))


def field(app: PanelApp, name: str) -> Input:
    return app.screen.query_one(f"#{name}", Input)


def offered(app: PanelApp) -> list[str]:
    """The fields that can be seen."""
    return [entry.id or "" for entry in app.screen.query(Input) if entry.region]


async def typed(pilot: Pilot[Any], **values: str) -> None:
    """Puts texts into fields, as if they were pasted."""
    for name, value in values.items():
        pilot.app.screen.query_one(f"#{name.replace('_', '-')}", Input).value = value
    await pilot.pause()


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_chart_of_an_event_that_was_there(size: tuple[int, int]) -> None:
    asked = under(PLAN)
    async with asking(asked, ChartScreen(asked, 0), size) as (app, pilot, answers):
        raw = asked.core.raw(0)
        assert raw is not None
        expected = [line.text for line in lines(explain(Message(raw), PLAN))]
        assert [line for line in drawn(app) if line] == [line for line in expected if line]
        assert "Why: open by zsh, suppressed at path" in screen(app)
        await pilot.press("q")
        await pilot.pause()
        assert answers == [None]


async def test_what_decided_and_the_way_taken_differ_from_the_rest() -> None:
    asked = under(PLAN)
    async with asking(asked, ChartScreen(asked, 0), WIDE) as (app, pilot, _):
        looks = [
            styles(app, part)
            for part in ("does a rule mute process", ": decided", ": would also", "log/a? yes")
        ]
        assert all(len(look) == 1 for look in looks)
        way, decided, _also, passed = looks
        assert len({*way, *decided, *passed}) == 3
        suppressed = styles(app, "suppressed at path")
        asked.client.apply(Plan(), "none")
        await until(pilot, lambda: "┗━▶ delivered" in drawn(app))
        assert styles(app, "delivered") != suppressed


async def test_the_plan_in_force_is_followed_and_a_draft_is_not() -> None:
    asked = under(PLAN)
    async with asking(asked, ChartScreen(asked, 0)) as (app, pilot, _):
        asked.client.undo()
        await until(pilot, lambda: "Why: open by zsh, delivered" in screen(app))
        await pilot.press("escape")
    draft = Plan(paths=(LOGS,))
    async with asking(asked, ChartScreen(asked, 0, draft)) as (app, pilot, _):
        assert "Why under a draft: open by zsh, suppressed at target path" in screen(app)
        asked.client.apply(PLAN, "again")
        chart = app.screen
        assert isinstance(chart, ChartScreen)
        chart.look()
        await pilot.press("u")
        assert (asked.client.plan, chart.plan) == (PLAN, draft)
        assert "suppressed at target path" in screen(app)


async def test_undo_under_the_chart_in_the_real_screen() -> None:
    asked = under(PLAN)
    async with opened(asked, NARROW) as (app, pilot):
        app.push_screen(ChartScreen(asked, 0))
        await until(pilot, lambda: "suppressed at path" in screen(app))
        await pilot.press("u")
        await until(pilot, lambda: "┗━▶ delivered" in screen(app))
        assert asked.client.plan == Plan()
        await pilot.press("U")
        await until(pilot, lambda: "suppressed at path" in screen(app))
        await pilot.press("e", "f", "o", "r", "k", "tab", "u", "q")
        await until(pilot, lambda: app.screen.query_one("#process", Input).value.endswith("uq"))
        assert asked.client.plan == PLAN
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is app.panels)


async def test_undo_under_a_draft_takes_nothing_back() -> None:
    asked = under(PLAN)
    async with opened(asked, NARROW) as (app, pilot):
        app.push_screen(ChartScreen(asked, 0, Plan()))
        await until(pilot, lambda: "Why under a draft: open by zsh, delivered" in screen(app))
        await pilot.press("u")
        await pilot.pause()
        assert asked.client.plan == PLAN


async def test_the_path_of_an_event_may_look_like_an_escape() -> None:
    path = "/a\\n\\x1b"
    asked = under(Plan(paths=(MutePath("TARGET_LITERAL", path),)), [one(path)])
    async with asking(asked, ChartScreen(asked, 0)) as (app, pilot, _):
        await pilot.press("e")
        assert "open by zsh, suppressed at target path" in screen(app)


async def test_long_lines_are_broken_and_scrolled_and_no_character_is_lost() -> None:
    path = "/Users/a b/" + "x" * 150 + "/" + "w o r d " * 40 + "end"
    asked = under(Plan(paths=(MutePath("TARGET_LITERAL", path),)), [event("open", path)])
    for size in (NARROW, (40, 12)):
        async with asking(asked, ChartScreen(asked, 0), size) as (app, pilot, _):
            chart = app.screen.query_one(ChartLines)
            parts = ["".join(words for words, _ in line[1:]) for line in chart.broken(chart.size.width - 1)]
            assert path in "".join(parts)
            assert chart.count() > chart.page
            first = drawn(app)
            await pilot.press("j")
            assert drawn(app)[0] == first[1]
            await pilot.press("pagedown", "G")
            assert "suppressed" in flowing(app)
            assert chart.top == chart.count() - chart.page
            await pilot.press("k", "pageup", "g")
            assert drawn(app) == first


async def test_what_is_no_longer_held_and_what_is_no_event() -> None:
    asked = session([b"not an event", *LINES])
    for seq, words in ((99, GONE), (0, NO_EVENT)):
        async with asking(asked, ChartScreen(asked, seq)) as (app, pilot, _):
            assert words in flowing(app)
            await pilot.press("y")
            assert app.copied == []
            await pilot.press("e")
            assert field(app, "executable").value == "/bin/cat"


async def test_an_event_evicted_under_the_chart_stays() -> None:
    asked = under(PLAN)
    async with asking(asked, ChartScreen(asked, 0)) as (app, pilot, _):
        asked.core.raw = lambda seq: None  # type: ignore[method-assign]
        asked.core.row = lambda seq: None  # type: ignore[method-assign]
        asked.client.apply(Plan(), "none")
        await until(pilot, lambda: "┗━▶ delivered" in drawn(app))


async def test_hostile_events_are_shown_safely_and_copied() -> None:
    asked = under(
        Plan(paths=(MutePath("TARGET_LITERAL", HOSTILE),)), [one(HOSTILE, executable=f"/bin/{HOSTILE}")]
    )
    async with asking(asked, ChartScreen(asked, 0)) as (app, pilot, _):
        await pilot.press("G")
        assert "\\x1b]0;pwned" in flowing(app)
        await pilot.press("y")
        copied = app.copied[0].decode()
        assert copied.endswith(
            f"┗━▶ suppressed at target path, by [[mute_path]] 1 TARGET_LITERAL {printable(HOSTILE)}\n"
        )
        await pilot.press("e")
        assert field(app, "target-1").value == escape(HOSTILE)
        assert "suppressed at target path" in screen(app)
        await typed(pilot, target_1=escape(HOSTILE) + "x")
        assert "delivered" in screen(app)


async def test_the_editor_begins_with_the_event_and_draws_with_every_key() -> None:
    asked = under(Plan(paths=(MutePath("LITERAL", "/bin/zsh5"),), processes=(MuteProcess(812, 28467),)))
    async with asking(asked, ChartScreen(asked, 0)) as (app, pilot, answers):
        await pilot.press("e")
        values = [field(app, name).value for name in offered(app)]
        assert values == ["open", "812.2846", "/bin/zsh", "/private/var/log/a"]
        assert "What if: open by zsh, delivered" in screen(app)
        await pilot.press("tab", "end", "7")
        assert "suppressed at process, by [[mute_process]] 1" in flowing(app)
        await pilot.press("backspace", "enter", "end", "5")
        assert "What if: open by zsh5, suppressed at path" in screen(app)
        await pilot.press("escape")
        assert "Why: open by zsh, delivered" in screen(app)
        assert (offered(app), answers) == ([], [])
        await pilot.press("e")
        assert field(app, "executable").value == "/bin/zsh5"
        await pilot.press("escape", "escape")
        await pilot.pause()
        assert answers == [None]


async def test_an_event_out_of_nothing() -> None:
    asked = session()
    async with asking(asked, ChartScreen(asked, None)) as (app, pilot, answers):
        assert [field(app, name).value for name in offered(app)][::3] == ["open", "/private/etc/hosts"]
        assert "What if: open by cat, delivered" in screen(app)
        # What stands there is typed over, and completed.
        await pilot.press(*"renam")
        await until(pilot, lambda: field(app, "type")._suggestion == "rename")
        await pilot.press("right")
        assert offered(app) == ["type", "process", "executable", "target-1", "target-2"]
        await typed(pilot, target_2="/Users/b")
        asked.client.apply(Plan(paths=(MutePath("TARGET_PREFIX", "/private/"),)), "half")
        await until(pilot, lambda: "not every target is muted" in flowing(app))
        assert app.focused is field(app, "type")
        await pilot.press("escape")
        await pilot.pause()
        assert answers == [None]


async def test_only_the_fields_the_type_has() -> None:
    asked = session()
    async with asking(asked, ChartScreen(asked, None)) as (app, pilot, _):
        await typed(pilot, type="fork")
        assert offered(app) == ["type", "process", "executable"]
        assert "target muting leaves it alone" in flowing(app)
        await typed(pilot, type="od_group_add", instigator="7.1")
        assert "instigator" not in offered(app)
        await typed(pilot, type="ES_EVENT_TYPE_NOTIFY_LINK")
        assert offered(app)[-2:] == ["target-1", "target-2"]
        await typed(pilot, type="od_group_add")
        voted = Plan(processes=(MuteProcess(7, 1),))
        asked.client.apply(voted, "no votes")
        await until(pilot, lambda: "does a rule mute process 812.2846? no" in flowing(app))
        assert "od_group_add by cat, delivered" in screen(app)
        asked.client.apply(replace(voted, instigator_votes=True), "votes")
        await until(pilot, lambda: "instigator" in offered(app))
        assert "suppressed at process" in flowing(app)
        await typed(pilot, instigator="7.2")
        assert "od_group_add by cat, delivered" in screen(app)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("type", "opne", "✗ opne is not an event type; the nearest is open"),
        ("type", "\x1b[2J", "✗ \\x1b[2J is not an event type"),
        ("type", "", "✗ write an event type"),
        ("type", "ES_EVENT_TYPE_AUTH_OPEN", "is not a NOTIFY type"),
        ("process", "812", "✗ process: write it as pid.pidversion"),
        ("process", "9999999999.1", "✗ process: pid: this must be 0 to"),
        ("process", "9" * 5000 + ".1", "✗ process: write it as pid.pidversion"),
        ("process", "\u0661.\u0662", "✗ process: write it as pid.pidversion"),
        ("executable", "/a\\q", "✗ executable: a backslash begins an escape"),
        ("target_1", "\\ud800", "✗ target 1: \\ud800 is no character"),
    ],
)
async def test_what_cannot_be_thought_of_empties_the_chart(name: str, value: str, words: str) -> None:
    asked = session()
    async with asking(asked, ChartScreen(asked, None)) as (app, pilot, _):
        await typed(pilot, **{name: value})
        assert words in flowing(app)
        assert not any(drawn(app))
        await pilot.press("tab")
        await typed(pilot, **{name: {"type": "open", "process": ""}.get(name, "/x")})
        assert "✗" not in screen(app)
        assert "┗━▶ delivered" in drawn(app)


async def test_the_chart_scrolls_while_a_field_has_the_focus() -> None:
    asked = under(Plan(paths=tuple(MutePath("PREFIX", "/bin/"[: 1 + n % 4]) for n in range(60))))
    async with asking(asked, ChartScreen(asked, None)) as (app, pilot, _):
        before = drawn(app)
        await pilot.press("pagedown", "down")
        assert app.focused is field(app, "type")
        assert drawn(app) != before
        await pilot.press("up", "pageup")
        assert drawn(app) == before
