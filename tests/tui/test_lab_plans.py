"""Two plans side by side in the lab: what differs, what B would do, and B taken whole or one difference at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given
from textual.pilot import Pilot

from estui.lab.diff import RuleDiff, compare
from estui.plan import MutePath, MuteProcess, Plan, find_plan, load, save
from estui.text import printable
from estui.tui.app import EstuiApp
from estui.tui.lab.panel import Lab
from estui.tui.lab.plans import MOST, PlansSection, with_rule_of
from tests.lab import CLOSE_PLANS
from tests.tui.panels import flowing, screen, text, until
from tests.tui.screens import NARROW, WIDE, answer, bar
from tests.tui.test_lab import HOSTILE, LOG, lab, previewed
from tests.tui.test_lab_coverage import told

ONE = MutePath("LITERAL", "/bin/one", ("open", "close"))
TWO = MuteProcess(812, 7)
A = Plan(name="a", paths=(LOG, ONE))
B = Plan(
    name="b",
    subscribe=("open", "fork"),
    default_mute_set="macos26",
    invert_process=True,
    paths=(LOG, replace(ONE, events=("close", "write")), MutePath("PREFIX", HOSTILE)),
    processes=(TWO,),
)


@asynccontextmanager
async def plans(
    a: Plan | None = None, size: tuple[int, int] = WIDE
) -> AsyncIterator[tuple[EstuiApp, Lab, PlansSection, Pilot[Any]]]:
    async with lab(a, size) as (app, panel, pilot):
        panel.show("Plans")
        section = panel.section
        assert isinstance(section, PlansSection)
        await compared(pilot, section)
        yield app, panel, section, pilot


async def compared(pilot: Pilot[Any], section: PlansSection) -> None:
    """Waits until the list is that of the two plans there are."""

    def is_so() -> bool:
        section.lab.poll()
        return section._ready and f"B  {printable(section._called)}:" in section.notes[1]

    await until(pilot, is_so)
    await pilot.pause()


async def opened(pilot: Pilot[Any], section: PlansSection, path: Path | str) -> None:
    await pilot.press("o")
    await answer(pilot, printable(str(path)))
    await compared(pilot, section)


def listed(section: PlansSection) -> str:
    lines = [line for at in range(section.items()) for line in section.item_lines(at, 70)]
    return "\n".join("".join(piece for piece, _ in line).rstrip() for line in lines)


async def test_what_differs_is_listed_and_previewed_as_plan_b_whole(tmp_path: Path) -> None:
    path = tmp_path / "b\x1b[31m.toml"
    save(B, path)
    async with plans(A) as (app, panel, section, pilot):
        assert "says the same as the plan at the start of the session" in flowing(app)
        assert section.draft() is None
        await opened(pilot, section, path)
        assert listed(section) == LISTED.strip()
        assert section.tab() == "Plans 6"
        assert "A  in force: a, 2 entries" in screen(app)
        assert f"B  {printable(str(path))}: b, 4 entries, subs"[:76] in screen(app)
        for at in range(6):
            section._to_item(at)
            draft = section.draft()
            assert draft is not None
            assert draft.plan == B
            assert draft.words == f"take plan B ({printable(str(path))})"
        await previewed(pilot)
        assert panel.preview is not None
        assert (panel.preview.now, panel.preview.then) == (A, B)
        await pilot.press("enter")
        assert app.session.client.plan == B
        await compared(pilot, section)
        assert section.items() == 0
        assert "The plan in force says the same as" in flowing(app)
        await pilot.press("u")
        await compared(pilot, section)
        assert section.items() == 6


LISTED = r"""
~ LITERAL         /bin/one                                     changed
    only in A for open
    only in B for write
+ PREFIX          …/\x1b]0;pwned\x07/\u202e[/foo]\n\xff/a    only in B
    only in B for all events
+ PROCESS         812.7                                      only in B
    only in B for all events
~ default_mute_set  none in A, macos26 in B
    Apple's own entries: 35 differ
~ invert_process    off in A, on in B
~ subscriptions
    only in A: exec, close, create, exchangedata and 100 more and
    every type that estui does not know"""


async def test_until_one_is_opened_it_is_the_plan_at_the_start() -> None:
    async with plans(A) as (app, _, section, pilot):
        client = app.session.client
        client.remove(1)
        client.remove(0)
        await compared(pilot, section)
        assert [line[:2] for line in listed(section).splitlines() if line[0] != " "] == ["+ ", "+ "]
        assert "B  at the start: a, 2 entries" in screen(app)
        await pilot.press("enter")
        assert client.plan == A
        await compared(pilot, section)
        assert section.items() == 0


async def test_one_difference_at_a_time() -> None:
    async with plans(A) as (app, _, section, pilot):
        client = app.session.client
        section._opened = ("b.toml", B)
        await compared(pilot, section)
        left = section.items()
        while left:
            section._to_item(left // 2)
            before = listed(section)
            await pilot.press("space")
            await compared(pilot, section)
            left -= 1
            assert section.items() == left
            assert set(listed(section).splitlines()) < set(before.splitlines())
        assert compare(client.plan, B).same
        assert len(client.history) == 6
        await pilot.press("space")
        assert "There is nothing to take here" in bar(app)


@given(CLOSE_PLANS, CLOSE_PLANS)
def test_a_rule_taken_over_is_as_in_b_and_no_other_changes(a: Plan, b: Plan) -> None:
    b = replace(b, default_mute_set=a.default_mute_set)
    differ = compare(a, b).rules
    for taken in differ:
        left = compare(with_rule_of(a, b, taken.entry), b).rules
        assert [(one.label, one.a, one.b) for one in left] == [
            (one.label, one.a, one.b) for one in differ if one is not taken
        ]


def test_a_disabled_entry_is_switched_on_where_it_stands() -> None:
    a = Plan(paths=(LOG, replace(ONE, enabled=False), MutePath("PREFIX", "/z")))
    b = Plan(paths=(ONE,))
    assert with_rule_of(a, b, ONE) == replace(a, paths=(LOG, ONE, MutePath("PREFIX", "/z")))
    assert with_rule_of(b, a, ONE) == Plan()


async def test_examples_open_by_name_and_what_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text('[plan]\nformat = 1\nname = "\\u001b"\nsubscribe = ["opne"]\n')
    async with plans(A) as (app, _, section, pilot):
        for name, words in (
            ("quiet-biuld", "the nearest is quiet-build"),
            (str(tmp_path / "wrong.toml"), '"opne"'),
            (str(tmp_path / "none.toml"), "there is no such file"),
        ):
            await pilot.press("o")
            await answer(pilot, name)
            await until(pilot, told(app, words))
            assert section.other == A
        await opened(pilot, section, "quiet-build")
        assert section.other == load(find_plan("quiet-build"))
        assert "B  quiet-build: " in screen(app)
        save(A, tmp_path / "same.toml")
        for again in ("", str(tmp_path / "same.toml")):  # the same plan twice: the list says whose it is
            await opened(pilot, section, again)
            assert section.other == A


async def test_a_plan_that_is_being_compared_gives_no_draft() -> None:
    async with plans(A) as (app, _, section, pilot):
        section._opened = ("b.toml", B)
        await compared(pilot, section)
        app.session.client.apply(replace(A, invert_path=True), "invert")
        assert section.draft() is None
        section.action_one()
        assert len(app.session.client.history) == 1
        await compared(pilot, section)
        assert section.draft() is not None


async def test_many_and_hostile_differences_at_any_size() -> None:
    many = Plan(name="many", paths=tuple(MutePath("PREFIX", f"{HOSTILE}{n}") for n in range(MOST + 3)))
    for size in (WIDE, NARROW, (40, 12)):
        async with plans(many, size) as (app, _, section, pilot):
            section._opened = (HOSTILE, Plan(subscribe=("open", "\x1b[31mfuture")))
            await compared(pilot, section)
            assert section.items() == MOST
            assert f"{MOST + 4} differences; these are the first {MOST}" in section.notes[2]
            for key in ("g", "G", "pageup", "j", "k"):
                await pilot.press(key)
                screen(app)
                text(section)
            differences = section._compared.differences  # type: ignore[union-attr]
            assert sum(isinstance(one, RuleDiff) for one in differences) == MOST + 3
