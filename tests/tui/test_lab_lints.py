"""Lints on the screen: the worst first, each fixed by one key, as one step."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from threading import Event
from typing import Any

import pytest
from textual.pilot import Pilot

from estui.core import Core
from estui.lab.calls import calls
from estui.lab.evidence import Evidence, gather
from estui.lab.lints import SEVERITIES, find, fixed
from estui.plan import MutePath, Plan
from estui.tui.app import EstuiApp
from estui.tui.lab import lints as lints_module
from estui.tui.lab.lints import LintsSection
from estui.tui.lab.section import Section
from tests.cores import PATIENCE, event
from tests.tui.panels import text, until
from tests.tui.screens import NARROW, WIDE, Scripted, at, bar, golden, opened, ticked
from tests.tui.screens import investigation as begun
from tests.tui.test_lab import previewed

HOSTILE = "/private/\x1b]0;pwned\x07/\u202e[/foo]\n\udcff"
TMP = MutePath("TARGET_PREFIX", "/tmp/a/", ("open",))
REAL = MutePath("TARGET_PREFIX", "/private/tmp/a/", ("open",))
EXEC = MutePath("LITERAL", "/opt/x/tool", ("exec", "open"))
ODD = MutePath("TARGET_PREFIX", HOSTILE, ("open",))
NEVER = MutePath("TARGET_PREFIX", "/opt/never/", ("open",))
PLAN = Plan(paths=(ODD, EXEC, TMP))


def lines() -> list[bytes]:
    made = [("/private/tmp/a/b", "/opt/x/tool"), (f"{HOSTILE}x/y", "/bin/cat"), ("/usr/a", "/bin/ls")]
    return [
        event("open", path, pid=n + 1, pidversion=7, executable=program, time=at(n))
        for n, (path, program) in enumerate(made)
    ]


@asynccontextmanager
async def shown(
    plan: Plan = PLAN, size: tuple[int, int] = WIDE, given: list[bytes] | None = None
) -> AsyncIterator[tuple[EstuiApp, LintsSection, Pilot[Any]]]:
    source = Scripted()
    async with opened(begun(source, plan), size) as (app, pilot):
        source.put(*(lines() if given is None else given))
        await ticked(pilot)
        await pilot.press("6")
        app.panels.lab.show("Lints")
        section = app.panels.lab.section
        assert isinstance(section, LintsSection)
        await looked(pilot, section)
        yield app, section, pilot


async def looked(pilot: Pilot[Any], section: LintsSection) -> list[str]:
    """Waits until the list is that of the plan in force, and drawn; the ids in it."""
    section.look()
    await until(pilot, lambda: section.found is not None and section._working is None)
    await pilot.pause()
    assert section.found is not None
    return [lint.id for lint in section.found.lints]


async def select(pilot: Pilot[Any], section: LintsSection, id: str) -> None:
    assert section.found is not None
    place = [lint.id for lint in section.found.lints].index(id)
    await pilot.press("g", *["j"] * place)
    assert section.lint is not None
    assert section.lint.id == id


def words(section: Section) -> str:
    """The words of the list in one line, whatever stands beside it."""
    return " ".join(" ".join(text(section)).translate({ord(char): " " for char in "│┃─━"}).split())


def put(app: EstuiApp, *more: bytes) -> None:
    source = app.session.source
    assert isinstance(source, Scripted)
    source.put(*more)


@pytest.mark.parametrize(("name", "size"), [("lints-160x50", WIDE), ("lints-80x24", NARROW)])
async def test_lints_as_they_are_drawn(name: str, size: tuple[int, int]) -> None:
    async with shown(size=size) as (_, section, pilot):
        await pilot.press("j")
        await previewed(pilot)
        golden(name, "\n".join(text(section)))
        assert "\\u202e" in words(section)


async def test_they_are_those_of_the_headless_lints_the_worst_first() -> None:
    async with shown() as (app, section, pilot):
        found = find(PLAN, gather(app.session.core, PLAN))
        ids = await looked(pilot, section)
        assert sorted(ids) == sorted(lint.id for lint in found)
        assert section.found is not None
        order = [SEVERITIES.index(lint.severity) for lint in section.found.lints]
        assert order == sorted(order)
        assert order[0] != order[-1]
        assert section.tab() == f"Lints {len(found)}"


async def test_each_fix_is_previewed_made_by_enter_and_taken_back() -> None:
    async with shown() as (app, section, pilot):
        client = app.session.client
        for place in range(section.items()):
            await looked(pilot, section)
            await pilot.press("g", *["j"] * place)
            await previewed(pilot)
            lint, draft, preview = section.lint, section.draft(), app.panels.lab.preview
            assert lint is not None
            assert draft is not None
            assert preview is not None
            assert draft.plan == lint.fix.plan(PLAN) != PLAN
            suppressed = app.session.core.counters().suppressed
            await pilot.press("enter")
            assert client.plan == draft.plan
            assert f"fix {lint.id}: " in bar(app)
            after = await looked(pilot, section)
            assert (
                app.session.core.counters().suppressed - suppressed
                == preview.newly_hidden - preview.newly_delivered
            )
            assert section.found is not None
            assert (lint.id, lint.place) not in [(one.id, one.place) for one in section.found.lints], after
            await pilot.press("u")
            assert client.plan == PLAN


async def test_all_errors_and_warnings_are_fixed_in_one_step() -> None:
    async with shown() as (app, section, pilot):
        client = app.session.client
        evidence = gather(app.session.core, PLAN)
        await pilot.press("A")
        await until(pilot, lambda: client.plan != PLAN)
        assert client.plan == fixed(PLAN, evidence)[0]
        assert REAL in client.plan.paths
        assert len(client.history) == 1
        assert "fix 3 lints: " in bar(app)
        await looked(pilot, section)
        assert section.found is not None
        assert {lint.severity for lint in section.found.lints} <= {"hint"}
        await pilot.press("A")
        await until(pilot, lambda: "no error and no warning" in bar(app))
        await pilot.press("u")
        assert client.plan == PLAN


async def test_no_lints_say_by_what() -> None:
    async with shown(Plan(paths=(REAL,))) as (app, section, pilot):
        assert not section.items()
        assert "No lints: nothing in the plan, its history or 3 events held" in words(section)
        await pilot.press("enter")
        assert "nothing to take" in bar(app)
        assert section.draft() is None


async def test_without_events_what_needs_them_was_not_asked() -> None:
    async with shown(Plan(paths=(NEVER,)), given=[]) as (app, section, pilot):
        assert not section.items()
        assert "never-hit, wrong-kind) was not asked" in words(section)
        put(app, *lines())
        section._not_before = 0.0
        section.look()
        await until(pilot, lambda: section.items() == 1)
        assert section.lint is not None
        assert section.lint.id == "never-hit"
        assert section.notes == ("1 hint by 3 events held",)


async def test_the_history_has_lints_too() -> None:
    async with shown(Plan(paths=(REAL,))) as (app, section, pilot):
        client = app.session.client
        client.invert_muting("path")
        client.invert_muting("path")
        client.solo(["open"])
        client.subscribe_all()
        client.add(NEVER)
        await looked(pilot, section)
        assert section.found is not None
        plan = client.plan
        assert {"inverted-twice", "late-mute"} <= {
            lint.id for lint in find(plan, gather(app.session.core, plan), calls(client.history))
        }
        await select(pilot, section, "late-mute")
        assert section.draft() is None
        await pilot.press("enter")
        assert client.plan is plan, "there is nothing wrong with the plan"
        assert "mute first, subscribe last" in bar(app)
        await select(pilot, section, "inverted-twice")
        await pilot.press("enter")
        assert client.plan == replace(plan, invert_path=True)
        assert "inverted-twice" not in await looked(pilot, section)


async def test_a_step_that_comes_back_to_the_same_plan_is_seen() -> None:
    async with shown(Plan(paths=(REAL,))) as (app, section, pilot):
        client = app.session.client
        client.invert_muting("path")
        client.invert_muting("path")  # the plan is the one before; the history is not
        assert await looked(pilot, section) == ["inverted-twice"]


async def test_the_cursor_stays_on_its_lint_when_events_take_another_away() -> None:
    last = replace(NEVER, path="/opt/last/")
    async with shown(Plan(paths=(ODD, NEVER, last)), given=lines()[:1]) as (app, section, pilot):
        ids = await looked(pilot, section)
        assert ids == ["sibling-prefix", "never-hit", "never-hit", "never-hit"]
        await pilot.press("g", "j", "j")
        put(app, *lines())  # one of them is what the first entry matches
        section._not_before = 0.0
        section.look()
        await until(pilot, lambda: "by 4 events" in section.notes[0])
        await pilot.pause()
        assert section.lint is not None
        assert (section.at, section.lint.id, section.lint.place) == (1, "never-hit", "[[mute_path]] 2")


class Held:
    """Evidence that waits until it may be given."""

    def __init__(self) -> None:
        self.may = Event()
        self.may.set()
        self.asked = 0

    def __call__(self, core: Core, plan: Plan) -> Evidence:
        self.asked += 1
        assert self.may.wait(PATIENCE)
        return gather(core, plan)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    held = Held()
    monkeypatch.setattr(lints_module, "gather", held)
    yield held
    held.may.set()


async def test_a_busy_ring_does_not_stop_the_work_but_a_plan_does(held: Held) -> None:
    async with shown() as (app, section, pilot):
        held.may.clear()
        asked = held.asked
        put(app, *lines())
        section.look()
        assert held.asked == asked, "not more often than it is worth"
        section._not_before = 0.0
        section.look()
        await until(pilot, lambda: held.asked == asked + 1)
        for _ in range(3):
            put(app, *lines())
            section._not_before = 0.0
            section.look()
        await pilot.pause()
        assert held.asked == asked + 1, "it would never be done"
        app.session.client.add(NEVER)
        section.look()
        await until(pilot, lambda: held.asked == asked + 2)
        assert section.draft() is None
        for key in ("enter", "A"):
            await pilot.press(key)
            assert "still being looked for" in bar(app)
        held.may.set()
        assert "never-hit" in await looked(pilot, section)


async def test_fixes_of_a_plan_that_is_gone_are_dropped() -> None:
    async with shown() as (app, section, _):
        client = app.session.client
        client.add(NEVER)
        section._fixed(PLAN, *fixed(PLAN))
        assert client.plan == replace(PLAN, paths=(*PLAN.paths, NEVER))
