"""Suggestions on the screen: previewed, taken one by one or all at once, and never of what is kept."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from textual.pilot import Pilot

from estui.core import Core
from estui.lab import keep as keeps
from estui.lab.keep import Expression, Keep
from estui.lab.places import loads
from estui.lab.suggest import Suggestions, accepted, suggest
from estui.plan import MutePath, Plan
from estui.sources import scenario
from estui.tui.app import EstuiApp
from estui.tui.lab import suggestions
from estui.tui.lab.panel import Lab
from estui.tui.lab.section import Section
from estui.tui.lab.suggestions import SuggestionsSection
from tests.cores import PATIENCE, event
from tests.tui.panels import flowing, text, until
from tests.tui.screens import NARROW, WIDE, Scripted, answer, at, bar, golden, opened, ticked
from tests.tui.screens import investigation as begun
from tests.tui.test_lab import previewed

HOSTILE = "/private/var/\x1b]0;x\x07\u202e\n[/foo]\udcff"
CACHE = "/Library/Caches/com.example/data/"


def lines(hostile: int = 30) -> list[bytes]:
    """Sixty looks into a cache, as many into a log, some at a hostile place, and an agent that is kept."""
    made = [(f"{CACHE}{n % 9}", "/usr/libexec/cached") for n in range(60)]
    made += [(f"/private/var/log/x/{n % 5}", "/usr/libexec/logd") for n in range(60)]
    made += [(f"{HOSTILE}/a/{n % 3}", HOSTILE) for n in range(hostile)]
    opened = [
        event("open", path, pid=n + 1, pidversion=7, executable=program, time=at(n))
        for n, (path, program) in enumerate(made)
    ]
    agent = event("create", "/Library/LaunchAgents/x.plist", executable="/usr/libexec/logd", time=at(200))
    return [*opened, agent, agent, agent]


@asynccontextmanager
async def shown(
    plan: Plan | None = None,
    size: tuple[int, int] = WIDE,
    given: list[bytes] | None = None,
    **options: Any,
) -> AsyncIterator[tuple[EstuiApp, SuggestionsSection, Pilot[Any]]]:
    source = Scripted()
    async with opened(begun(source, plan, **options), size) as (app, pilot):
        source.put(*(lines() if given is None else given))
        await ticked(pilot)
        await pilot.press("6")
        app.panels.lab.show("Suggestions")
        section = app.panels.lab.section
        assert isinstance(section, SuggestionsSection)
        await worked_out(pilot, section)
        yield app, section, pilot


async def worked_out(pilot: Pilot[Any], section: SuggestionsSection) -> Suggestions:
    """Waits until the list is that of the plan in force and of what is kept, and drawn."""
    section.look()
    await until(pilot, lambda: section.found is not None)
    await pilot.pause()
    section.look()
    assert section.found is not None
    return section.found


def words(section: Section) -> str:
    """The words of the list in one line, whatever stands beside it."""
    return " ".join(" ".join(text(section)).translate({ord(char): " " for char in "│┃─━"}).split())


def put(app: EstuiApp, *more: bytes) -> None:
    source = app.session.source
    assert isinstance(source, Scripted)
    source.put(*more)


@pytest.mark.parametrize(("name", "size"), [("suggestions-160x50", WIDE), ("suggestions-80x24", NARROW)])
async def test_suggestions_as_they_are_drawn(name: str, size: tuple[int, int]) -> None:
    async with shown(size=size) as (_, section, pilot):
        await pilot.press("j", "j")
        await previewed(pilot)
        golden(name, "\n".join(text(section)))
        assert "\\u202e" in words(section)


async def test_the_numbers_are_those_of_the_headless_suggestions() -> None:
    async with shown() as (app, section, _):
        found = suggest(app.session.core, Plan(), Keep())
        assert section.found == found
        assert section.items() == len(found.items) > 1
        assert section.tab() == f"Suggestions {len(found.items)}"
        assert [section.item_lines(n, 78)[0][-1][0] for n in range(2)] == ["risk low", "  after those above"]


async def test_one_is_previewed_taken_and_taken_back() -> None:
    async with shown() as (app, section, pilot):
        panel: Lab = app.panels.lab
        item = suggest(app.session.core, Plan(), Keep()).items[0]
        await previewed(pilot)
        assert panel.preview is not None
        assert panel.preview.newly_hidden == item.events == 60
        await pilot.press("enter")
        plan = app.session.client.plan
        assert plan == accepted(Plan(), [item])
        assert f"suggestion {item.entries[0].label}, this one alone" in bar(app)
        left = await worked_out(pilot, section)
        assert left == suggest(app.session.core, plan, Keep())
        assert "saved so far 39.2 %" in section.notes[1]
        await pilot.press("u")
        assert app.session.client.plan == Plan()
        assert (await worked_out(pilot, section)).items[0] == item


async def test_all_are_taken_in_one_step() -> None:
    async with shown() as (app, section, pilot):
        found = suggest(app.session.core, Plan(), Keep())
        await pilot.press("A")
        assert app.session.client.plan == accepted(Plan(), found.items)
        assert len(app.session.client.history) == 1
        assert app.session.core.counters().suppressed == found.saved
        await worked_out(pilot, section)
        assert not section.items()
        assert "Nothing to suggest" in words(section)
        await pilot.press("A")
        assert "nothing to take" in bar(app)
        await pilot.press("u")
        assert app.session.client.plan == Plan()


async def test_the_demo_is_quiet_after_one_key_and_keeps_what_was_marked() -> None:
    given = [line.rstrip() for line in scenario.lines()]
    async with shown(given=given) as (app, section, pilot):
        await pilot.press("A")
        counters = app.session.core.counters()
        assert counters.suppressed > 0.9 * counters.held_events
        assert not list(Keep(True).lost(app.session.core, app.session.client.plan))
        assert (await worked_out(pilot, section)).saved < 0.01 * counters.held_events


class Held:
    """A search for suggestions that waits until it may go on, and says how far it is."""

    def __init__(self) -> None:
        self.may = Event()
        self.asked = 0
        self.stopped = 0

    def __call__(
        self, core: Core, plan: Plan, keep: Keep, *, progress: Any, stopped: Callable[[], bool], **rest: Any
    ) -> Suggestions:
        self.asked += 1
        progress(41, 82)
        until = time.monotonic() + PATIENCE
        while not (self.may.wait(0.005) or stopped()):
            assert time.monotonic() < until
        self.stopped += stopped()
        return suggest(core, plan, keep, **rest)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    held = Held()
    held.may.set()
    monkeypatch.setattr(suggestions, "suggest", held)
    yield held
    held.may.set()


async def test_while_it_works_it_says_how_far_and_takes_nothing(held: Held) -> None:
    async with shown() as (app, section, pilot):
        held.may.clear()
        await pilot.press("enter")
        plan = app.session.client.plan
        assert plan.paths
        await until(pilot, lambda: section.look() or "50 %" in section.notes[1])  # type: ignore[func-returns-value]
        assert section.notes[1] == f"working out {'█' * 12}{'░' * 12} 50 %"
        assert section.items()
        for key in ("j", "enter", "A"):
            await pilot.press(key)
        assert app.session.client.plan is plan, "the list is still that of the plan before"
        assert "still being worked out" in bar(app)
        await pilot.press("u")  # another plan: the work on this one is no longer wanted
        section.look()
        await until(pilot, lambda: held.stopped == 1)
        held.may.set()
        await worked_out(pilot, section)
        assert app.session.client.plan == Plan()


async def test_marked_events_are_kept() -> None:
    async with shown() as (app, section, pilot):
        assert "26 places, no marked event" in section.notes[0]
        before = suggest(app.session.core, Plan(), Keep())
        assert any(CACHE in entry.path for item in before.items for entry in item.entries)
        app.session.marks.toggle(0)
        found = await worked_out(pilot, section)
        row = app.session.core.row(0)
        assert row is not None
        assert found == suggest(app.session.core, Plan(), Keep().with_marked([row])) != before
        assert "1 marked event" in section.notes[0]
        await pilot.press("A")
        assert not app.session.core.rows(0, 1)[0].stage
        app.session.marks.toggle(0)
        await pilot.press("u")
        assert await worked_out(pilot, section) == before


async def test_a_mark_keeps_when_its_row_has_left_the_ring() -> None:
    async with shown(max_events=200) as (app, section, pilot):
        app.session.marks.toggle(0)
        await worked_out(pilot, section)
        put(app, *lines()[60:])
        put(app, *lines()[60:])
        put(app, *lines()[60:])
        await ticked(pilot)
        assert app.session.core.counters().tail > 0
        assert not len(app.session.marks)
        section.look()
        assert len(section.keeping.keep.marked) == 1


async def test_a_mark_of_what_has_no_name_is_no_harm() -> None:
    nameless = event("x").replace(b'"x"', b'"\xff"', 1)
    async with shown(given=[*lines(), nameless, b"no event"]) as (app, section, pilot):
        counters = app.session.core.counters()
        for seq in (counters.head - 2, counters.head - 1):
            app.session.marks.toggle(seq)
        await worked_out(pilot, section)
        assert section.items()


async def test_events_that_come_move_nothing_under_the_cursor() -> None:
    async with shown() as (app, section, pilot):
        await pilot.press("j")
        before, asked = section.found, section._asked
        put(app, *lines(hostile=2000))
        section._not_before = 0.0
        section.look()
        assert (section.found, section._asked, section.at) == (before, asked, 1)
        assert section.notes[2] == "worked out over 153 events; r works it out again"
        await pilot.press("r")
        await until(pilot, lambda: section.found is not before)
        section.look()
        assert section.found == suggest(app.session.core, Plan(), Keep())
        assert len(section.notes) == 2


async def test_an_empty_list_looks_again_when_events_come() -> None:
    async with shown(given=[]) as (app, section, pilot):
        assert "the ring holds no event yet" in words(section)
        await pilot.press("enter")
        assert "nothing to take" in bar(app)
        put(app, *lines())
        asked = section._asked
        section.look()
        assert section._asked == asked, "not more often than it is worth"
        section._not_before = 0.0
        section.look()
        await until(pilot, lambda: section.items() > 0)


async def test_what_may_be_risked_goes_round() -> None:
    risky = [event("write", f"/Users/alex/x/{n % 3}", executable="/bin/sh", time=at(n)) for n in range(90)]
    async with shown(given=[*lines(), *risky]) as (app, section, pilot):
        counts = []
        for riskiest in ("low", "medium", "high"):
            await pilot.press("L")
            found = await worked_out(pilot, section)
            assert found == suggest(app.session.core, Plan(), Keep(), riskiest=riskiest)
            assert (f"at most risk {riskiest}" in section.notes[0]) == (riskiest != "high")
            assert riskiest in bar(app)
            counts.append(len(found.items))
        assert counts[0] < counts[2]


async def test_inverted_muting_has_nothing_to_suggest_and_says_why() -> None:
    paths = MutePath("TARGET_PREFIX", "/"), MutePath("PREFIX", "/")
    async with shown(Plan(paths=paths, invert_path=True, invert_target_path=True)) as (_, section, _pilot):
        assert not section.items()
        assert "a rule would select, not mute" in words(section)


async def test_places_of_the_users_own_are_kept() -> None:
    own = loads(
        f'[coverage]\nformat = 1\n\n[[place]]\nid = "own"\nname = "cache"\nevents = ["open"]\npaths = ["{CACHE}*"]\n'
    )
    async with shown() as (app, section, pilot):
        section.keeping.more = own
        found = await worked_out(pilot, section)
        assert found == suggest(app.session.core, Plan(), Keep(more=own))
        assert "27 places" in section.notes[0]


# The keep-list as a file


async def test_a_keep_list_is_opened_and_left(tmp_path: Path) -> None:
    path = tmp_path / "k\u202e.toml"
    keeps.save(Keep(events=(Expression(target_prefix=CACHE),)), path)
    async with shown() as (app, section, pilot):
        before = section.found
        await pilot.press("o")
        await answer(pilot, str(path))
        assert not app.prompt.asking
        found = await worked_out(pilot, section)
        assert found == suggest(app.session.core, Plan(), keeps.load(path)) != before
        assert section.notes[0].endswith("1 expression, k\\u202e.toml")
        await pilot.press("o")
        await answer(pilot, "")
        assert await worked_out(pilot, section) == before
        assert "expression" not in section.notes[0]


async def test_what_is_no_keep_list_is_told_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('[keep]\nformat = 1\n\n[[event]]\nevents = ["opne"]\n')
    async with shown() as (app, section, pilot):
        before = section.found
        await pilot.press("o")
        await answer(pilot, str(tmp_path / "none.toml"))
        assert app.prompt.asking, "the path can be corrected"
        assert "there is no such file" in flowing(app)
        await answer(pilot, "a\\q")
        assert "backslash" in flowing(app)
        await answer(pilot, str(tmp_path / ("x" * 300)))
        assert "File name too long" in flowing(app)
        os.mkfifo(tmp_path / "pipe")
        await answer(pilot, str(tmp_path / "pipe"))
        assert "a pipe or a device" in flowing(app)
        await answer(pilot, str(path))
        assert not app.prompt.asking
        assert bar(app).startswith(" ✗ wrong.toml: [[event]] 1: events: ")
        assert "the nearest is open" in bar(app)
        assert section.found is before
        assert section.keeping.file is None


async def test_the_keep_list_is_saved_and_asks_before_it_replaces(tmp_path: Path) -> None:
    path = tmp_path / "keep.toml"
    path.write_text("mine")
    async with shown() as (app, section, pilot):
        app.session.marks.toggle(120)  # of the hostile ones
        await pilot.press("S")
        await answer(pilot, str(tmp_path))
        assert "that is a directory" in flowing(app)
        await answer(pilot, str(tmp_path / "no" / "keep.toml"))
        assert "there is no such directory" in flowing(app)
        await answer(pilot, str(path))
        assert "Enter again replaces it" in flowing(app)
        assert path.read_text() == "mine"
        await answer(pilot, str(path))
        assert not app.prompt.asking
        assert keeps.load(path) == section.keeping.keep
        assert len(keeps.load(path).marked) == 1
        assert "1 marked event" in bar(app)
