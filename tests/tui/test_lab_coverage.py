"""Coverage in the lab: what is blind and by which rule, what would be without it, and places of one's own."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from estui.lab.coverage import BLIND, DELIVERED, PARTLY, coverage
from estui.lab.places import built_in
from estui.plan import MutePath, MuteProcess, Plan
from estui.tui.app import EstuiApp
from estui.tui.lab.check import CheckSection
from estui.tui.lab.coverage import CoverageSection
from estui.tui.lab.panel import Lab
from estui.tui.lab.suggestions import SuggestionsSection
from tests.tui.panels import flowing, screen, text, until
from tests.tui.screens import NARROW, WIDE, answer, bar
from tests.tui.test_lab import HOSTILE, lab

LAUNCH = MutePath("TARGET_PREFIX", "/Library/")
OWN = """\
[coverage]
format = 1

[[place]]
id = "mine"
name = "my \\u001b[31m\\u202e place [/foo]"
events = ["create"]
paths = ["/opt/mine/"]

[[place]]
id = "logins"
name = "logins, mine"
events = ["lw_session_login"]
"""


@asynccontextmanager
async def coverage_of(
    plan: Plan | None = None, size: tuple[int, int] = WIDE, **options: Any
) -> AsyncIterator[tuple[EstuiApp, Lab, CoverageSection, Pilot[Any]]]:
    async with lab(plan, size, **options) as (app, panel, pilot):
        panel.show("Coverage")
        section = panel.section
        assert isinstance(section, CoverageSection)
        await judged(pilot, section)
        yield app, panel, section, pilot


async def judged(pilot: Pilot[Any], section: CoverageSection) -> None:
    """Waits until the list is that of the plan in force and of the places there are."""

    def is_so() -> bool:
        section.look()
        return section._looked is not None and section._looked.plan == section.client.plan

    await until(pilot, is_so)
    await pilot.pause()


def told(app: EstuiApp, words: str) -> Callable[[], bool]:
    """Whether the screen says so, in the footer or beside the prompt."""
    return lambda: words in bar(app) or words in flowing(app)


def selected(section: CoverageSection) -> str:
    """The selected item's lines, as one."""
    lines = section.item_lines(section.at, section.size.width)
    return "\n".join("".join(piece for piece, _ in line) for line in lines)


async def test_what_is_blind_is_told_with_the_rule_to_blame() -> None:
    plan = Plan(paths=(LAUNCH,))
    statuses = [covered.status for covered in coverage(plan, built_in())]
    async with coverage_of(plan) as (app, _, section, _):
        counts = [statuses.count(status) for status in (DELIVERED, PARTLY, BLIND)]
        assert all(counts[:2])
        words = f"{counts[0]} delivered, {counts[1]} partly blind, {counts[2]} blind"
        assert words in screen(app)
        assert section.tab() == f"Coverage {counts[1] + counts[2]}"
        assert section.items() == len(statuses)
        dark = [at for at, status in enumerate(statuses) if status != DELIVERED]
        for at in dark:
            section._to_item(at)
            assert selected(section).startswith(("◐ partly blind", "○ blind"))
            assert "[[mute_path]] 1 TARGET_PREFIX /Library/" in selected(section)
        lit = statuses.index(DELIVERED)
        section._to_item(lit)
        assert selected(section).startswith("● delivered")
        assert "\n" not in selected(section)


async def test_next_goes_round_all_that_are_not_delivered() -> None:
    plan = Plan(paths=(LAUNCH,))
    dark = [at for at, one in enumerate(coverage(plan, built_in())) if one.status != DELIVERED]
    async with coverage_of(plan) as (_, _, section, pilot):
        section._to_item(dark[-1])
        seen = []
        for _ in range(len(dark) + 1):
            await pilot.press("b")
            seen.append(section.at)
        assert seen == [*dark, dark[0]]


async def test_the_first_blame_is_taken_away_and_comes_back() -> None:
    plan = Plan(paths=(MutePath("LITERAL", "/bin/unrelated"), LAUNCH))
    async with coverage_of(plan) as (app, panel, section, pilot):
        await pilot.press("b")
        at = section.at
        draft = section.draft()
        assert draft is not None
        assert draft.words == "disable LITERAL /bin/unrelated"  # a program that goes unseen in every place
        await pilot.press("enter")
        assert [one.enabled for one in app.session.client.plan.entries] == [False, True]
        await judged(pilot, section)
        assert section.at == at
        assert "Done: disable LITERAL /bin/unrelated; u takes it back" in bar(app)
        section._to_item(
            next(at for at, one in enumerate(section._looked.covered) if one.status != DELIVERED)  # type: ignore[union-attr]
        )
        await pilot.press("enter")
        await judged(pilot, section)
        assert "0 partly blind, 0 blind" in screen(app)
        assert section.tab() == "Coverage"
        await pilot.press("b")
        assert "Every place is delivered" in bar(app)
        await pilot.press("enter")
        assert "It is delivered already" in bar(app)
        await pilot.press("u")
        panel.poll()
        await judged(pilot, section)
        assert "0 partly blind, 0 blind" not in screen(app)


async def test_a_missing_subscription_is_added() -> None:
    async with coverage_of(Plan(subscribe=("open",))) as (app, _, section, pilot):
        await pilot.press("g")
        draft = section.draft()
        assert draft is not None
        covered = section._looked.covered[0]  # type: ignore[union-attr]
        assert draft.words.startswith(f"subscribe {covered.blames[0].events[0]}")
        assert set(draft.plan.subscribe or ()) == {"open", *covered.place.events}
        await pilot.press("enter")
        await judged(pilot, section)
        assert selected(section).startswith("● delivered")
        assert app.session.client.plan == draft.plan


async def test_an_inversion_without_entries_has_nothing_to_take_away() -> None:
    async with coverage_of(Plan(invert_path=True)) as (app, panel, section, pilot):
        assert selected(section).startswith("○ blind")
        assert "[invert] path: only programs that an entry selects" in flowing(app)
        assert section.draft() is None
        await pilot.press("enter")
        assert "add an entry that does, or stop inverting" in bar(app)
        assert panel.session.client.history == ()


async def test_a_plan_that_is_being_judged_gives_no_draft() -> None:
    """The indexes of the old plan would name other entries of the new one."""
    async with coverage_of(Plan(paths=(LAUNCH, MutePath("TARGET_PREFIX", "/private/")))) as (
        app,
        _,
        section,
        pilot,
    ):
        await pilot.press("b")
        assert section.draft() is not None
        app.session.client.remove(0)
        assert section.draft() is None
        section.accept()
        assert len(app.session.client.history) == 1
        await judged(pilot, section)
        await pilot.press("b")
        draft = section.draft()
        assert draft is not None
        assert draft.words == "disable TARGET_PREFIX /private/"


async def test_places_of_ones_own(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(OWN)
    before = len(built_in())
    async with coverage_of(Plan(paths=(MutePath("TARGET_PREFIX", "/opt/"),))) as (app, panel, section, pilot):
        await pilot.press("o")
        await answer(pilot, str(own))
        assert "Took in 2 places" in bar(app)
        await until(pilot, lambda: section.items() > before)
        await pilot.press("G")
        await pilot.pause()
        assert "my \\x1b[31m\\u202e place [/foo]" in screen(app)
        section._to_item(
            next(at for at, one in enumerate(section._looked.covered) if one.place.id == "mine")  # type: ignore[union-attr]
        )
        assert "TARGET_PREFIX /opt/: create at /opt/mine/" in selected(section)
        for other in panel.sections:
            if isinstance(other, CheckSection):
                assert other._more == section.more
            elif isinstance(other, SuggestionsSection):
                assert other.keeping.more == section.more
        await pilot.press("o")
        await answer(pilot, "")
        await until(pilot, lambda: section.items() == before)


async def test_a_list_that_cannot_be_is_told_and_changes_nothing(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong\x1b[31m.toml"
    wrong.write_text(OWN.replace("create", "creat"))
    os.mkfifo(tmp_path / "pipe")
    async with coverage_of() as (app, _, section, pilot):
        for name, words in (
            (str(wrong).replace("\x1b", "\\x1b"), '"creat" is not'),
            (str(tmp_path / "none.toml"), "there is no such file"),
            (str(tmp_path), "this is a directory"),
        ):
            await pilot.press("o")
            await answer(pilot, name)
            await until(pilot, told(app, words))
            assert not app.prompt.asking
        for name, words in (
            (str(tmp_path / "pipe"), "that is no file"),
            ("a\\q", "a backslash begins an escape"),
        ):
            await pilot.press("o")
            await answer(pilot, name)
            await until(pilot, told(app, words))
            assert app.prompt.asking
            await pilot.press("escape")
            await pilot.pause()
        assert section.more == ()
        assert section.items() == len(built_in())


async def test_hostile_rules_are_escaped_at_any_size() -> None:
    plan = Plan(
        subscribe=("create", "\x1b]0;x\x07unknown"),
        paths=(
            MutePath("TARGET_PREFIX", "/Library/LaunchAgents/" + HOSTILE * 20),
            MutePath("PREFIX", HOSTILE),
        ),
        processes=(MuteProcess(1, 2),),
    )
    for size in (WIDE, NARROW, (40, 12)):
        async with coverage_of(plan, size) as (app, _, section, pilot):
            for _ in range(8):
                screen(app)
                text(section)
                draft = section.draft()
                assert draft is None or draft.words.isprintable()
                await pilot.press("j")
