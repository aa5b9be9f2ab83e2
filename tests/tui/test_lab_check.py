"""Expectations in the lab: the same report as the command's, worked out beside the screen, and stopped when void."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from estui.lab.check import Checker, check, find, load
from estui.plan import MutePath, Plan
from estui.text import printable
from estui.tui.app import EstuiApp
from estui.tui.lab import check as module
from estui.tui.lab.check import CheckSection
from estui.tui.lab.panel import Lab
from tests.cores import event, filled
from tests.tui.panels import flowing, screen, text, until
from tests.tui.screens import NARROW, WIDE, Scripted, answer, bar, ticked
from tests.tui.test_lab import HOSTILE, lab, lines
from tests.tui.test_lab_coverage import told

LAUNCH = MutePath("TARGET_PREFIX", "/Library/")
EXPECTED = """\
[check]
format = 1
name = "mine\\u202e"

[[delivered]]
name = "\\u001b[31mred [/foo]"
target_prefix = "/private/"

[[suppressed]]
name = "cat"
executable_literal = "/bin/cat"

[[at_most]]
name = "all"
share = 0.5
"""


@asynccontextmanager
async def checks(
    plan: Plan | None = None, size: tuple[int, int] = WIDE, **options: Any
) -> AsyncIterator[tuple[EstuiApp, Lab, CheckSection, Pilot[Any]]]:
    async with lab(plan, size, **options) as (app, panel, pilot):
        panel.show("Check")
        section = panel.section
        assert isinstance(section, CheckSection)
        await checked(pilot, section)
        yield app, panel, section, pilot


async def checked(pilot: Pilot[Any], section: CheckSection) -> None:
    """Waits until the results are those of the plan in force and the expectations."""

    def is_so() -> bool:
        section.look()
        done = section._shown
        return done is not None and done is section._latest and done.plan == section.client.plan

    await until(pilot, is_so)
    await pilot.pause()


def listed(section: CheckSection, width: int = 78) -> list[str]:
    return [
        "".join(piece for piece, _ in line).rstrip()
        for at in range(section.items())
        for line in section.item_lines(at, width)
    ]


async def test_the_report_is_the_commands() -> None:
    async with checks(Plan(paths=(LAUNCH,))) as (app, panel, section, pilot):
        session = panel.session
        report = check(session.client.plan, session.core, load(find("nothing-lost")))
        assert not report.ok
        failed = [result for result in report.results if not result.ok]
        kept = [result for result in report.results if result.ok and result.kind == "coverage"]
        assert section.tab() == f"Check {len(failed)}"
        assert section._results[1:] == tuple(result for result in report.results if result not in kept)
        assert listed(section)[0] == f"✓ ok      coverage    {len(kept)} places  delivered"
        assert f"✗ FAILED  coverage    {failed[0].name}  {failed[0].words}" in listed(section)
        assert "[[mute_path]] 1 TARGET_PREFIX /Library/" in flowing(app)
        assert f"{len(failed)} of {len(report.results)} failed; 31 of 31 events delivered" in screen(app)
        assert "over the 31 events held" in screen(app)
        assert section.draft() is None
        await pilot.press("enter")
        assert "Nothing here changes the plan" in bar(app)
        session.client.remove(0)
        await checked(pilot, section)
        assert section.tab() == "Check"
        assert f"{len(report.results)} passed; 31 of 31 events delivered" in screen(app)


async def test_what_came_since_is_checked_when_asked() -> None:
    async with checks() as (app, _, section, pilot):
        source = app.session.source
        assert isinstance(source, Scripted)
        source.put(event("fork", pid=1, pidversion=1, executable="/bin/x"))
        await ticked(pilot)
        done = section._shown
        section.look()
        await pilot.pause()
        assert section._latest is done
        assert "1 row came since; r checks again" in screen(app)
        await pilot.press("r")
        await checked(pilot, section)
        assert "over the 32 events held" in screen(app)
        assert "came since" not in screen(app)


async def test_expectations_of_ones_own(tmp_path: Path) -> None:
    path, wrong = tmp_path / "mine\x1b[31m.toml", tmp_path / "wrong.toml"
    path.write_text(EXPECTED)
    wrong.write_text(EXPECTED.replace("share = 0.5", "share = 2"))
    plan = Plan(paths=(MutePath("TARGET_PREFIX", "/private/"),))
    async with checks(plan) as (app, _, section, pilot):
        await pilot.press("o")
        await answer(pilot, printable(str(path)))
        await until(pilot, lambda: "mine\\u202e: 2 of 3 failed; 10 of 31" in screen(app))
        found = listed(section)
        assert found[0] == "✗ FAILED  delivered   \\x1b[31mred [/foo]  21 of 21 suppressed"
        assert found[1] == "      line 1 open /private/var/log/0: suppressed at target path by"
        assert found[2] == "        TARGET_PREFIX /private/"
        assert "✗ FAILED  suppressed  cat  9 of 10 delivered" in found
        assert "✓ ok      at most     all  0.3226 of 31, at most 0.5" in found
        for name, words in (
            (str(wrong), "this must be 0 to 1"),
            ("dmeo", "the nearest is demo"),
            (str(tmp_path), "this is a directory"),
        ):
            await pilot.press("o")
            await answer(pilot, name)
            await until(pilot, told(app, words))
            assert listed(section) == found
        await pilot.press("o")
        await answer(pilot, "demo")
        await until(pilot, lambda: "demo: " in section.notes[0])
        await pilot.press("o")
        await answer(pilot, "")
        await until(pilot, lambda: "nothing lost: " in section.notes[0])


def test_a_check_stops_between_two_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 4)
    core = filled(lines())
    looks: Iterator[int] = iter(range(100))
    run = module._Run(core, Plan(), load(find("nothing-lost")))
    assert run(lambda: next(looks) >= 2).report is None
    assert next(looks) == 4  # twice on, then stop, and once more that it was
    assert run.percent == 12
    whole = module._Run(core, Plan(), load(find("nothing-lost")))
    assert whole(lambda: False).report == check(Plan(), core, load(find("nothing-lost")))
    assert module._Run(filled([]), Plan(), load(find("nothing-lost")))(lambda: False).report is not None
    core.close()


async def test_a_long_check_leaves_the_screen_free_and_a_void_one_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go = threading.Event()
    old, new = Plan(paths=(LAUNCH,)), Plan(paths=(MutePath("TARGET_PREFIX", "/private/"),))
    take = Checker.take

    def slow(self: Checker, *given: Any) -> None:
        if self._plan == old:
            assert go.wait(60)
        take(self, *given)

    monkeypatch.setattr(Checker, "take", slow)
    async with checks() as (app, _, section, pilot):
        before = listed(section)
        client = app.session.client
        try:
            client.apply(old, "slow")
            section.look()
            section.look()
            await pilot.pause()
            assert "checking the plan in force … 0 %" in screen(app)
            assert listed(section) == before
            await pilot.press("j", "k")
            client.apply(new, "quick")
            await checked(pilot, section)
            found = listed(section)
            assert found != before
            assert "checking" not in screen(app)
        finally:
            go.set()
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert listed(section) == found
        assert section._shown is not None
        assert section._shown.plan == new


async def test_without_the_shipped_file_others_can_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST", "gone-\x1b[31m")
    async with lab() as (app, panel, pilot):
        panel.show("Check")
        await until(pilot, lambda: "there is no such file" in flowing(app))
        await pilot.press("o")
        await answer(pilot, "demo")
        await until(pilot, lambda: "demo: " in flowing(app))


async def test_hostile_events_are_escaped_at_any_size(tmp_path: Path) -> None:
    path = tmp_path / "e.toml"
    path.write_text(EXPECTED)
    given = [event("open", HOSTILE * 30, executable="/bin/cat" + HOSTILE)]
    plan = Plan(paths=(MutePath("TARGET_PREFIX", HOSTILE),))
    for size in (WIDE, NARROW, (40, 12)):
        async with checks(plan, size, given=given) as (app, _, section, pilot):
            section._take(str(path))
            await checked(pilot, section)
            for _ in range(section.items()):
                screen(app)
                text(section)
                await pilot.press("j")
            assert any("\\u202e" in line for line in listed(section))


async def test_without_an_event_it_says_what_was_checked() -> None:
    async with checks(Plan(paths=(LAUNCH,)), given=[]) as (app, _, section, _):
        assert any("FAILED" in row for row in listed(section))
        assert "no event is held: only what the plan alone tells was checked" in screen(app)
