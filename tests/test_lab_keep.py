"""The keep-list: what it holds, files that say where they are wrong, and what a plan would lose of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.lab.keep import Expression, Keep, KeepError, Marked, dumps, load, loads, save
from estui.lab.places import built_in
from estui.lab.places import loads as places
from estui.plan import MutePath, MuteProcess, Plan
from estui.record import Row
from estui.text import printable
from tests.cores import event, filled, rows
from tests.lab import PATHS

HEAD = "[keep]\nformat = 1\n"
EVENT = HEAD + '[[event]]\nevents = ["open"]\n'
MARKED = HEAD + '[[marked]]\nevent = "open"\n'
HOSTILE = "/\x1b]0;x\x07\u202e\n[/foo]\udcff"


def row(name: str, *targets: str, **rest: Any) -> Row:
    core = filled([event(name, *targets, **rest)])
    [found] = rows(core)
    core.close()
    return found


def test_every_key_is_read() -> None:
    keep = loads(
        """
        [keep]
        format = 1
        name = "soc"
        coverage = ["launch-agents", "cron"]
        [[event]]
        name = "host files"
        events = ["write", "ES_EVENT_TYPE_NOTIFY_RENAME"]
        target_prefix = "/private/etc/"
        target_literal_bytes = "2f707269766174652f6574632fff"
        executable_prefix = "/opt/"
        executable_literal = "/opt/x"
        pid = 1
        pidversion = 2
        [[marked]]
        event = "rename"
        executable_bytes = "2fff"
        targets = ["/a", "/b"]
        [[marked]]
        event = "open"
        targets_bytes = ["2fff"]
        pid = 3
        pidversion = 4
        """
    )
    assert keep == Keep(
        ("launch-agents", "cron"),
        (
            Expression(
                ("write", "rename"),
                "/private/etc/",
                "/private/etc/\udcff",
                "/opt/",
                "/opt/x",
                1,
                2,
                "host files",
            ),
        ),
        (Marked("rename", "/\udcff", ("/a", "/b")), Marked("open", None, ("/\udcff",), 3, 4)),
        "soc",
    )
    assert [place.id for place in keep.places] == ["launch-agents", "cron"]
    assert loads(dumps(keep)) == keep
    assert loads(HEAD) == Keep()
    assert loads(HEAD + "coverage = true").places == built_in()
    assert loads(HEAD + "coverage = false").places == ()


@pytest.mark.parametrize(
    ("expression", "held", "not_held"),
    [
        (Expression(("open",)), row("open", "/a"), row("stat", "/a")),
        (Expression(target_prefix="/a/"), row("open", "/a/b"), row("open", "/a")),
        (Expression(target_prefix="/a/"), row("rename", "/x", "/a/b"), row("rename", "/x", "/ab")),
        (Expression(target_literal="/a"), row("open", "/a"), row("open", "/a/b")),
        (Expression(target_prefix="/\udcc3"), row("open", "/é"), row("open", "/e")),
        (
            Expression(executable_prefix="/opt/"),
            row("fork", executable="/opt/x"),
            row("open", "/opt/x", executable="/bin/x"),
        ),
        (Expression(executable_literal=HOSTILE), row("fork", executable=HOSTILE), row("fork")),
        (Expression(pid=1), row("fork", pid=1, pidversion=9), row("fork", pid=2)),
        (Expression(pid=1, pidversion=2), row("fork", pid=1, pidversion=2), row("fork", pid=1, pidversion=3)),
        (Expression(("open",), target_prefix="/a"), row("open", "/ab"), row("stat", "/ab")),
    ],
)
def test_expressions(expression: Expression, held: Row, not_held: Row) -> None:
    keep = Keep(events=(Expression(("exit",)), expression))
    assert keep.why(held) == "[[event]] 2"
    assert keep.why(not_held) is None


def test_one_target_must_be_all_that_is_said_of_targets() -> None:
    expression = Expression(target_prefix="/a", target_literal="/b")
    assert not expression.holds(row("rename", "/a", "/b"))


def test_marked_events() -> None:
    first = row("rename", "/a", HOSTILE, pid=7, pidversion=2, executable="/bin/mv")
    keep = Keep().with_marked([first, first, row("fork", pid=2**63)])
    assert len(keep.marked) == 2
    assert keep.why(first) == "[[marked]] 1"
    assert keep.why(first._replace(seq=99, time="later")) == "[[marked]] 1"
    for other in (
        first._replace(pidversion=3),
        first._replace(targets=("/a", "/b")),
        first._replace(executable=None),
        first._replace(event="link"),
    ):
        assert keep.why(other) is None
    assert keep.marked[1] == Marked("fork"), "a pid that no process can have is left out"
    assert loads(dumps(keep)) == keep
    anybody = loads(HEAD + '[[marked]]\nevent = "fork"\nexecutable = "/bin/sh"')
    assert anybody.why(row("fork", pid=3, pidversion=1, executable="/bin/sh"))
    core = filled([b"no event"])
    assert Keep().with_marked(rows(core)) == Keep()
    core.close()


def test_coverage() -> None:
    keep = Keep(("launch-agents",))
    planted = row("create", "/Users/alex/Library/LaunchAgents/x.plist")
    assert keep.why(planted) == "coverage launch-agents"
    assert list(Keep(True, (Expression(("create",)),)).reasons(planted)) == [
        "[[event]] 1",
        "coverage launch-agents",
    ]
    assert Keep(("cron",)).why(planted) is None
    [blind] = keep.blind(Plan(paths=(MutePath("TARGET_PREFIX", "/Users/", ("write",)),)))
    assert blind.place.id == "launch-agents"
    assert keep.blind(Plan(paths=(MutePath("TARGET_PREFIX", "/private/etc/"),))) == ()


def test_places_of_ones_own() -> None:
    own = places('[coverage]\nformat = 1\n[[place]]\nid = "secrets"\npaths = ["/s/"]')
    keep = loads(HEAD + 'coverage = ["secrets"]', more=own)
    assert keep.why(row("create", "/s/x")) == "coverage secrets"
    with pytest.raises(KeepError):
        loads(HEAD + 'coverage = ["secrets"]')


def test_what_a_plan_would_lose() -> None:
    core = filled(
        [
            event("open", "/a/1", executable="/bin/sh"),
            b"no event",
            event("open", "/b/2", executable="/bin/sh"),
            event("stat", "/a/3", executable="/bin/sh"),
            event("signal", "/bin/x", pid=1, pidversion=1, instigator=(5, 5)),
        ]
    )
    keep = Keep(events=(Expression(("open", "signal")),))
    [lost] = keep.lost(core, Plan(paths=(MutePath("TARGET_PREFIX", "/a/"),)))
    assert (lost.row.n, lost.why, lost.verdict.rule) == (1, "[[event]] 1", "TARGET_PREFIX /a/")
    plan = Plan(processes=(MuteProcess(5, 5),), instigator_votes=True)
    assert [lost.row.event for lost in keep.lost(core, plan)] == ["signal"]
    core.close()


@pytest.mark.parametrize(
    ("text", "place", "near"),
    [
        ("", "[keep]", "begin with [keep]"),
        ("[keep]\nformat = 3", "[keep]: format", "the nearest is 1"),
        (HEAD + "[[events]]", "events", "the nearest is event"),
        (HEAD + 'coverage = "all"', "[keep]: coverage", "true or false, not a string"),
        (HEAD + 'coverage = "yes"', "[keep]: coverage", "the nearest is true"),
        (HEAD + 'coverage = ["launch-agent"]', "[keep]: coverage", "the nearest is launch-agents"),
        (HEAD + "coverage = [1]", "[keep]: coverage", "strings, not an integer"),
        (HEAD + "[[event]]", "[[event]] 1: events", "every event"),
        (HEAD + '[[event]]\nname = "x"', "[[event]] 1: events", "every event"),
        (EVENT + 'target = "/a"', "[[event]] 1: target", "the nearest is target_"),
        (EVENT + 'target_prefix = ""', "[[event]] 1: target_prefix", "not be empty"),
        (EVENT + 'target_prefix = "/"\ntarget_prefix_bytes = "2f"', "target_prefix_bytes", "not both"),
        (EVENT + 'target_prefix_bytes = "2"', "[[event]] 1: target_prefix_bytes", "hex"),
        (EVENT + "pid = -1", "[[event]] 1: pid", "the nearest is 0"),
        (EVENT + "pidversion = 1", "[[event]] 1: pidversion", "goes with pid"),
        (EVENT + 'pid = "1"', "[[event]] 1: pid", "the nearest is 1"),
        (HEAD + "[[event]]\nevents = []", "[[event]] 1: events", "leave the key out"),
        (HEAD + '[[event]]\nevents = ["opne\\u001b"]', "[[event]] 1: events", "the nearest is open"),
        (HEAD + "[[marked]]", "[[marked]] 1: event", "required"),
        (MARKED + 'targets = "/a"', "[[marked]] 1: targets", 'the nearest is ["/a"]'),
        (MARKED + 'targets_bytes = ["zz"]', "[[marked]] 1: targets_bytes", "hex"),
        (MARKED + 'targets = ["/a"]\ntargets_bytes = ["2f"]', "targets_bytes", "not both"),
        (MARKED + "coverage = true", "[[marked]] 1: coverage", "coverage in [keep]"),
        (HEAD + "\x00", "k.toml", "not TOML"),
    ],
)
def test_a_wrong_list_says_where_and_what_instead(text: str, place: str, near: str) -> None:
    with pytest.raises(KeepError) as caught:
        loads(text, "k.toml")
    words = str(caught.value)
    assert words.startswith("k.toml: ")
    assert place in words
    assert near in words
    assert words.isprintable()
    assert len(words) < 400


def test_what_cannot_be_is_refused_wherever_it_is_made() -> None:
    makes: tuple[Callable[[], object], ...] = (
        Expression,
        lambda: Expression(("open",), target_prefix="/\ud800"),
        lambda: Expression(pid=1 << 32),
        lambda: Marked("open", executable="/\ud800"),
        lambda: Marked("\udcff"),
        lambda: Keep(("nowhere",)),
        lambda: Keep(name="\udcff"),
    )
    for make in makes:
        with pytest.raises(KeepError):
            make()


PATH = st.none() | st.sampled_from(PATHS)
PID = st.tuples(st.none() | st.integers(0, 2**32 - 1), st.booleans())
EXPRESSIONS = st.builds(
    lambda events, a, b, c, d, pid, name: Expression(
        events, a, b, c, d, pid[0], pid[0] if pid[1] else None, name
    ),
    st.lists(st.sampled_from(["open", "rename", "fork"]), min_size=1).map(tuple),
    PATH,
    PATH,
    PATH,
    PATH,
    PID,
    st.text(st.characters(exclude_categories=["Cs"])),
)
MARKS = st.builds(
    Marked,
    st.text(st.characters(exclude_categories=["Cs"])),
    PATH,
    st.lists(st.sampled_from(PATHS), max_size=2).map(tuple),
)


@given(
    st.booleans() | st.lists(st.sampled_from([place.id for place in built_in()]), min_size=1).map(tuple),
    st.lists(EXPRESSIONS, max_size=3).map(tuple),
    st.lists(MARKS, max_size=3).map(tuple),
    st.text(st.characters(exclude_categories=["Cs"])),
)
def test_what_is_written_is_read_again(
    coverage: bool | tuple[str, ...], events: tuple[Expression, ...], marked: tuple[Marked, ...], name: str
) -> None:
    keep = Keep(coverage, events, marked, name)
    text = dumps(keep)
    assert loads(text) == keep
    assert all(printable(line) == line for line in text.split("\n"))


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "keep.toml"
    keep = Keep(events=(Expression(target_literal=HOSTILE),))
    save(keep, path)
    assert load(path) == keep
    with pytest.raises(KeepError, match="cannot be saved"):
        save(keep, tmp_path / "none" / "keep.toml")
    for wrong in (tmp_path, tmp_path / "none.toml"):
        with pytest.raises(KeepError):
            load(wrong)
