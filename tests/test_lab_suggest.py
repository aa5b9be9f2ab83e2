"""Suggestions: they save what they say, hide nothing that is kept, and make a quiet plan of the demo."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estui.core import Core, open_core
from estui.lab import risk
from estui.lab.check import check, find, load
from estui.lab.coverage import coverage
from estui.lab.keep import Expression, Keep, Marked
from estui.lab.places import built_in, loads
from estui.lab.risk import of_entry
from estui.lab.suggest import Suggestions, accepted, document, lines, suggest, summary
from estui.message import Message
from estui.muting import MuteSet
from estui.plan import MutePath, MuteProcess, Plan
from estui.record import KIND_EVENT, Row
from estui.sources import scenario
from tests.cores import event, filled, rows

HOSTILE = "/private/var/\x1b]0;x\x07\u202e\n[/foo]\udcff/f"
PATHS = (
    "/dev/null",
    "/private/var/log/x/a",
    "/private/var/log/x/b/c",
    "/System/Library/x",
    "/usr/lib/dyld",
    "/Library/LaunchDaemons/x.plist",
    "/Users/x/.ssh/id_rsa",
    "/Users/x/src/p/build/o",
    "/Users/x/src/p/a.c",
    "relative",
    "/",
    HOSTILE,
)
PROGRAMS = (
    "/usr/libexec/logd",
    "/usr/sbin/cfprefsd",
    "/bin/sh",
    "/Users/x/evil",
    "/System/Library/x/d",
    HOSTILE,
)
NAMES = (
    "open",
    "close",
    "write",
    "create",
    "rename",
    "link",
    "lookup",
    "exec",
    "fork",
    "signal",
    "btm_launch_item_add",
    "glide",
)
TWO = {"rename", "link"}


class Group(NamedTuple):
    """A few times the same event."""

    name: str
    targets: tuple[str, ...]
    program: str | None
    process: tuple[int, int]
    times: int

    def lines(self) -> list[bytes]:
        pid, pidversion = self.process
        line = event(
            self.name,
            *self.targets,
            executable=self.program,
            pid=pid or None,
            pidversion=pidversion,
            instigator=(1, 1) if self.name == "signal" else None,
        )
        return [line] * self.times


GROUPS = st.builds(
    Group,
    st.sampled_from(NAMES),
    st.tuples(st.sampled_from(PATHS), st.sampled_from(PATHS)),
    st.none() | st.sampled_from(PROGRAMS),
    st.tuples(st.integers(0, 2), st.integers(1, 2)),
    st.integers(1, 6),
)
RINGS = st.lists(GROUPS, min_size=1, max_size=12)
SOME = st.none() | st.lists(st.sampled_from(NAMES[:-1]), min_size=1, max_size=3).map(tuple)


@st.composite
def _expressions(draw: st.DrawFn, ring: list[Group]) -> Expression:
    """Something about an event of the ring, or only about one like it."""
    group = draw(st.sampled_from(ring))
    path, program = draw(st.sampled_from(group.targets)), group.program or "/bin/sh"
    names = draw(st.just((group.name,)) | SOME)
    if names == ("glide",):
        names = None
    shorter = st.integers(1, 30)
    conditions: list[dict[str, Any]] = [
        {"target_prefix": path[: draw(shorter)]},
        {"target_literal": path},
        {"executable_prefix": program[: draw(shorter)]},
        {"executable_literal": program},
        {"pid": group.process[0] or 1, "pidversion": draw(st.none() | st.just(group.process[1]))},
        {"executable_literal": program, "target_prefix": path[: draw(shorter)]},
        {
            "pid": group.process[0] or 1,
            "target_literal": path,
            "target_prefix": path[: draw(shorter)],
        },
        {} if names else {"target_prefix": "/"},
    ]
    return Expression(names, **draw(st.sampled_from(conditions)))


@st.composite
def _kept(draw: st.DrawFn) -> tuple[list[Group], Keep]:
    """A ring and a keep-list."""
    ring = draw(RINGS)
    events = draw(st.lists(_expressions(ring), max_size=2))
    marked = [
        Marked(group.name, group.program, group.targets[: 1 + (group.name in TWO)])
        for group in draw(st.lists(st.sampled_from(ring), max_size=2))
        if group.name in {"open", "close", "write", "create", *TWO}
    ]
    some: tuple[tuple[str, ...] | bool, ...] = (False, True, ("cron", "launch-daemons"))
    places = draw(st.sampled_from(some))
    return ring, Keep(places, tuple(events), tuple(marked))


EMPTY = st.just(Plan())
PLANS = st.builds(
    Plan,
    subscribe=st.none() | st.none() | st.just(NAMES),
    instigator_votes=st.booleans(),
    invert_process=st.sampled_from([False] * 7 + [True]),
    invert_path=st.sampled_from([False] * 7 + [True]),
    invert_target_path=st.sampled_from([False] * 5 + [True]),
    paths=st.lists(
        st.builds(
            MutePath,
            st.sampled_from(["PREFIX", "LITERAL", "TARGET_PREFIX", "TARGET_LITERAL"]),
            st.sampled_from([*PATHS, *PROGRAMS, "/private/", "/Users/x/", "/Library/"]),
            SOME,
            st.sampled_from([True, True, False]),
        ),
        max_size=3,
    ).map(tuple),
    processes=st.lists(st.builds(MuteProcess, st.just(1), st.just(1), SOME), max_size=1).map(tuple),
)


def delivered(core: Core, mutes: MuteSet, row: Row) -> bool:
    """What the muting engine says."""
    raw = core.raw(row.seq)
    assert raw is not None
    return mutes.decide_row(row, Message(raw)).delivered


@settings(max_examples=300)
@given(_kept(), EMPTY | PLANS, st.randoms(use_true_random=False))
def test_no_suggestion_hides_what_is_kept(made: tuple[list[Group], Keep], plan: Plan, random: Any) -> None:
    ring, keep = made
    core = filled(line for group in ring for line in group.lines())
    found = suggest(core, plan, keep)
    events = [row for row in rows(core) if row.kind == KIND_EVENT]
    before = plan.mute_set()
    seen = {row.seq: delivered(core, before, row) for row in events}
    kept = Keep(True, keep.events, keep.marked)
    protected = [row for row in events if row.event in risk.IDENTITY or kept.why(row)]
    some = [item for item in found.items if random.random() < 0.6]
    for items in (found.items, some):
        after = accepted(plan, items).mute_set()
        for row in protected:
            assert delivered(core, after, row) == seen[row.seq], (row, items)
    was, now = coverage(plan, built_in()), coverage(accepted(plan, found.items), built_in())
    assert [one.status for one in was] == [one.status for one in now]

    # What it says of itself is so.
    assert (found.events, found.delivered) == (len(events), sum(seen.values()))
    after = accepted(plan, ()).mute_set()
    left = {row.seq for row in events if delivered(core, after, row)}
    for number, item in enumerate(found.items, 1):
        after = accepted(plan, found.items[:number]).mute_set()
        hidden = {row.seq for row in events if row.seq in left and not delivered(core, after, row)}
        assert (len(hidden), len(hidden) > 0) == (item.events, True)
        assert item.bytes == sum(row.size for row in events if row.seq in hidden)
        assert set(item.examples) <= hidden
        left -= hidden
    assert found.saved == sum(seen.values()) - len(left)
    assert found.saved <= found.most <= found.delivered
    assert not any(entry.path in {"/", "relative"} for item in found.items for entry in item.entries)
    core.close()


def test_many_marked_events_and_all_that_one_process_does() -> None:
    core = filled(
        event(
            "close",
            f"/private/var/log/{number % 3}",
            executable="/usr/libexec/logd",
            pid=number % 2,
            pidversion=1,
        )
        for number in range(60)
    )
    assert suggest(core, Plan(), Keep()).saved == 60
    one = suggest(core, Plan(), Keep(events=(Expression(("close",), pid=1, pidversion=1),)))
    assert one.saved == 0
    marked = suggest(core, Plan(), Keep().with_marked([rows(core)[0]]))
    assert marked.saved == 40
    assert {entry.path for item in marked.items for entry in item.entries} == {
        "/private/var/log/1",
        "/private/var/log/2",
    }
    core.close()


def test_what_is_kept_stays_so_where_it_was_not_seen() -> None:
    core = filled(event("write", f"/private/etc/x/{number}", executable="/bin/sh") for number in range(50))
    [item] = suggest(core, Plan(), Keep()).items
    assert item.entries == (MutePath("TARGET_PREFIX", "/private/etc/x/", ("write",)),)
    for keep in (
        Keep(events=(Expression(("write",), target_prefix="/private/etc/x/y/z"),)),
        Keep(events=(Expression(("write",)),)),
        Keep(marked=(Marked("write", None, ("/private/etc/x/y",)),)),
        Keep(more=loads('[coverage]\nformat = 1\n[[place]]\nid = "x"\npaths = ["/private/etc/*/y/"]')),
    ):
        assert suggest(core, Plan(), keep).items == ()
    core.close()


def test_a_rename_that_a_rule_half_hides() -> None:
    """The plan mutes where it goes, and only where it comes from keeps it: that is not to be muted too."""
    ring = [event("rename", f"/private/var/db/{number}", "/Library/LaunchDaemons/x") for number in range(9)]
    core = filled([*ring, *[event("rename", "/private/var/db/1", "/private/var/db/2")] * 9])
    plan = Plan(paths=(MutePath("TARGET_PREFIX", "/Library/LaunchDaemons/", ("rename",)),))
    assert suggest(core, plan, Keep()).items == ()
    assert suggest(core, Plan(), Keep()).saved == 9
    core.close()


def test_two_directories_that_things_move_between() -> None:
    core = filled([event("rename", f"/private/var/spool/{n}", f"/opt/mail/in/{n}") for n in range(30)])
    [item] = suggest(core, Plan(), Keep()).items
    assert item.entries == (
        MutePath("TARGET_PREFIX", "/opt/mail/in/", ("rename",)),
        MutePath("TARGET_PREFIX", "/private/var/spool/", ("rename",)),
    )
    assert item.events == 30
    core.close()


def test_targets_before_programs_and_the_longest_common_directory() -> None:
    core = filled(
        [event("open", f"/private/var/db/x/y/{n}", executable="/usr/libexec/d") for n in range(40)]
        + [event("lookup", executable="/usr/libexec/d")] * 40
    )
    first, second = suggest(core, Plan(), Keep()).items
    assert first.entries == (MutePath("TARGET_PREFIX", "/private/var/db/x/y/", ("open",)),)
    assert second.entries == (MutePath("LITERAL", "/usr/libexec/d", ("lookup",)),)
    core.close()


def test_programs_in_places_that_anybody_can_write_to() -> None:
    core = filled([event("lookup", executable="/Users/x/bin/evil")] * 99)
    assert suggest(core, Plan(), Keep()).items == ()
    entry = MutePath("TARGET_PREFIX", "/Users/x/.cache/")
    assert of_entry(entry, ["write"]) > of_entry(entry, ["open"])
    assert of_entry(entry, ["open"]) > of_entry(MutePath("TARGET_PREFIX", "/System/Library/x/"), ["open"])
    assert of_entry(MutePath("PREFIX", "/Users/x/"), ["open"]).level == "high"
    core.close()


def test_accepting_merges_entries() -> None:
    core = filled(
        [event("open", f"/private/var/db/x/y/{n}") for n in range(40)]
        + [event("write", f"/private/var/db/x/y/{n}") for n in range(40)]
    )
    found = suggest(core, Plan(), Keep())
    assert len(found.items) == 2
    [entry] = accepted(Plan(), found.items).paths
    assert entry == MutePath("TARGET_PREFIX", "/private/var/db/x/y/", ("open", "write"))
    off = Plan(paths=(MutePath("TARGET_PREFIX", "/private/var/db/x/y/", ("stat",), enabled=False),))
    assert accepted(off, found.items).paths == (*off.paths, entry)
    everything = Plan(paths=(MutePath("TARGET_PREFIX", "/private/var/db/x/y/"),))
    assert accepted(everything, found.items) == everything
    again = accepted(Plan(), found.items)
    assert suggest(core, again, Keep()).items == ()
    core.close()


def test_an_empty_ring_and_a_wish_to_stop() -> None:
    core = open_core()
    found = suggest(core, Plan(), Keep(True))
    assert found == Suggestions(0, 0, 0, 0, ())
    assert (found.share_saved, found.upper_bound) == (0.0, 0.0)
    assert "nothing to suggest" in summary(found)
    core.close()
    core = filled([event("open", f"/private/var/db/{n % 3}/{n}") for n in range(99)])
    told: list[tuple[int, int]] = []
    stopped = suggest(
        core, Plan(), Keep(), progress=lambda *at: told.append(at), stopped=lambda: len(told) > 2
    )
    assert 0 < len(stopped.items) < len(suggest(core, Plan(), Keep()).items) or len(stopped.items) == 1
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]
    core.close()


def test_hostile_names_are_safe_to_show() -> None:
    core = filled([event("open", HOSTILE, executable=HOSTILE)] * 9)
    found = suggest(core, Plan(), Keep())
    [item] = found.items
    assert item.entries == (MutePath("TARGET_LITERAL", HOSTILE, ("open",)),)
    assert all(line.isprintable() for line in lines(item, found))
    assert document(found)["suggestions"][0]["rules"][0]["path"] == HOSTILE
    core.close()


# The demo


@pytest.fixture(scope="module", params=[0, 1])
def demo(request: pytest.FixtureRequest) -> Any:
    core = open_core()
    core.ingest(core.add_stream(owned=True), b"".join(scenario.lines(request.param)))
    yield core
    core.close()


PLANTED = Keep(
    True,
    (
        Expression(("create", "write", "rename", "unlink"), target_literal=scenario.scenes.trouble.PLIST),
        Expression(
            ("btm_launch_item_add", "btm_launch_item_remove", "xp_malware_detected", "xp_malware_remediated")
        ),
        Expression(target_prefix=scenario.scenes.trouble.FOLDER),
        Expression(("create",), target_prefix="/Library/LaunchDaemons/"),
    ),
)


def test_from_an_empty_plan_to_a_quiet_one(demo: Core) -> None:
    found = suggest(demo, Plan(), Keep())
    assert found.share_saved > 0.9
    assert found.share_saved / found.upper_bound > 0.95
    plan = accepted(Plan(), found.items)
    assert demo.whatif(plan.rules()).suppressed == found.saved > 0.9 * found.events
    planted = [row for row in rows(demo) if any(reason == "[[event]] 2" for reason in PLANTED.reasons(row))]
    assert len(planted) >= 6
    mutes = plan.mute_set()
    for row in rows(demo):
        if row.event in {"create", "write", "rename", "unlink", "exec"} or row in planted:
            why = [reason for reason in PLANTED.reasons(row) if reason != "[[event]] 3"]
            assert not why or mutes.decide_row(row).delivered, row


def test_with_a_keep_list_all_of_what_was_planted_is_kept(demo: Core) -> None:
    plan = accepted(Plan(), suggest(demo, Plan(), PLANTED).items)
    assert list(PLANTED.lost(demo, plan)) == []
    assert demo.whatif(plan.rules()).suppressed > 0.8 * demo.counters().held_events


def test_the_check_that_ships_passes_and_fails_when_a_rule_is_widened(demo: Core) -> None:
    plan = accepted(Plan(), suggest(demo, Plan(), Keep()).items)
    expectations = load(find("demo"))
    assert check(plan, demo, expectations).ok
    widened = 0
    for number, entry in enumerate(plan.paths):
        if entry.path.startswith("/Users/alex/Library/") and "write" in (entry.events or ()):
            paths = list(plan.paths)
            paths[number] = MutePath("TARGET_PREFIX", "/Users/alex/Library/", entry.events)
            report = check(Plan(paths=tuple(paths)), demo, expectations)
            assert not report.ok
            assert any(
                result.name == "the launch agent is written" for result in report.results if not result.ok
            )
            widened += 1
    assert widened
