"""Lints: a plan that has each, one that has not, and the fix; what the events and the history add."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from estui.client import Client
from estui.core import Core, open_core
from estui.events import NOTIFY
from estui.lab.calls import Call, calls
from estui.lab.evidence import Evidence, gather
from estui.lab.links import real_path
from estui.lab.lints import ABOUT, ERROR, HINT, SEVERITIES, WARNING, Lint, document, find, fixed
from estui.muting import Subject
from estui.plan import EXAMPLES, Entry, MutePath, MuteProcess, Plan, find_plan, load
from tests.cores import event, filled
from tests.lab import PLANS, SUBJECTS

HOSTILE = "/Users/\x1b]0;x\x07\u202e\n[/foo]\udcff"


def plan(*entries: Entry, **rest: object) -> Plan:
    return replace(Plan(), **rest).with_entries(entries)  # type: ignore[arg-type]


def path(kind: str, path: str, *events: str) -> MutePath:
    return MutePath(kind, path, events or None)


def of(id: str, plan: Plan, evidence: Evidence | None = None) -> tuple[Lint, ...]:
    return find(plan, evidence, only=(id,))


@pytest.fixture
def core() -> Iterator[Core]:
    core = filled(
        [
            event("open", "/private/var/log/a", executable="/bin/cat"),
            event("open", "/private/var/logistics/b", executable="/bin/cat"),
            event("open", "/private/var/logistics/b", executable="/bin/catalogue"),
            event("rename", "/private/var/log/a", "/private/tmp/a", executable="/bin/mv"),
            event("rename", "/private/var/log/a", "/private/var/log/b", executable="/bin/mv"),
            event("exec", "/opt/x/tool", pid=7, pidversion=1, executable="/bin/sh"),
            event("fork", executable="/usr/bin/python3.12"),
            b"not an event",
        ]
    )
    yield core
    core.close()


HAVE: dict[str, list[tuple[Plan, str]]] = {
    "default-set": [
        (plan(path("LITERAL", "/bin/a", "open"), invert_path=True, default_mute_set="macos13"), WARNING),
        (
            plan(path("TARGET_LITERAL", "/a", "open"), invert_target_path=True, default_mute_set="macos26"),
            WARNING,
        ),
        (plan(MuteProcess(1, 1, ("open",)), invert_process=True, default_mute_set="macos13"), WARNING),
    ],
    "empty-inversion": [
        (plan(invert_path=True), ERROR),
        (plan(path("PREFIX", "/a"), invert_target_path=True), ERROR),
        (plan(MuteProcess(1, 1, enabled=False), invert_process=True), ERROR),
        (plan(path("LITERAL", "/a", "open"), invert_path=True, subscribe=("close",)), ERROR),
        (plan(invert_path=True, default_mute_set="macos13"), ERROR),
    ],
    "no-target": [
        (plan(path("TARGET_PREFIX", "/opt/a/", "fork", "open")), WARNING),
        (plan(path("TARGET_PREFIX", "/opt/a/", "fork", "lookup")), ERROR),
    ],
    "one-side": [
        (plan(path("TARGET_LITERAL", "/opt/a", "rename", "open")), WARNING),
        (plan(path("TARGET_LITERAL", "/opt/a", "link")), WARNING),
        (plan(path("TARGET_PREFIX", "/opt/a/", "clone", "copyfile", "exchangedata")), HINT),
    ],
    "wrong-kind": [(plan(path("TARGET_LITERAL", "/opt/a/", "open")), WARNING)],
    "sibling-prefix": [(plan(path("PREFIX", "/opt/a", "open")), HINT)],
    "symlink": [
        (plan(path("TARGET_PREFIX", "/tmp/a/", "open")), ERROR),
        (plan(path("TARGET_PREFIX", "/var", "open")), ERROR),
        (plan(path("TARGET_LITERAL", "/etc/hosts", "open")), ERROR),
        (plan(path("TARGET_PREFIX", "/System/Volumes/Data/Users/a/", "open")), ERROR),
        (plan(path("TARGET_PREFIX", "/System/Volumes/Data/", "open")), ERROR),
    ],
    "identity-hole": [
        (plan(path("LITERAL", "/opt/a")), WARNING),
        (plan(path("LITERAL", "/opt/a", "exec")), WARNING),
        (plan(MuteProcess(1, 1, ("fork", "open"))), WARNING),
        (plan(path("TARGET_PREFIX", "/opt/a/", "exec", "open")), WARNING),
    ],
    "writable": [
        (plan(path("LITERAL", "/Users/a/x", "open", "write")), WARNING),
        (plan(path("LITERAL", "/private/tmp/x", "write")), WARNING),
        (plan(path("PREFIX", "/", "write", "stat")), WARNING),
        (plan(path("TARGET_PREFIX", "/private/var/folders/", "create", "open")), HINT),
        (plan(path("PREFIX", HOSTILE, "create", "open")), WARNING),
    ],
    "never-hit": [(plan(path("LITERAL", "bin/ls", "open")), WARNING)],
    "shadowed": [
        (plan(path("PREFIX", "/opt/"), path("PREFIX", "/opt/a/", "open")), WARNING),
        (plan(path("PREFIX", "/opt/"), path("LITERAL", "/opt/a")), WARNING),
        (plan(path("LITERAL", "/opt/a", "open"), path("LITERAL", "/opt/a", "open")), WARNING),
        (plan(path("TARGET_LITERAL", "/opt/a", "open"), path("TARGET_PREFIX", "/opt/")), WARNING),
        (
            plan(
                path("PREFIX", "/opt/", "open"),
                path("LITERAL", "/opt/a", "open", "close"),
                path("PREFIX", "/opt/a", "close", "stat"),
            ),
            WARNING,
        ),
        (plan(MuteProcess(1, 1), MuteProcess(1, 1, ("open",))), WARNING),
        (plan(path("LITERAL", "/opt/a", "open"), subscribe=("close",)), WARNING),
    ],
}
HAVE_NOT: dict[str, list[Plan]] = {
    "default-set": [
        plan(path("LITERAL", "/bin/a"), invert_path=True),
        plan(path("LITERAL", "/bin/a"), default_mute_set="macos26"),
        plan(path("TARGET_LITERAL", "/a"), invert_target_path=True, default_mute_set="macos13"),
    ],
    "empty-inversion": [
        plan(),
        plan(path("PREFIX", "/a"), invert_path=True),
        plan(path("TARGET_PREFIX", "/a"), invert_target_path=True),
        plan(MuteProcess(1, 1), invert_process=True),
    ],
    "no-target": [
        plan(path("TARGET_PREFIX", "/a/", "open")),
        plan(path("PREFIX", "/a/", "fork")),
        plan(path("TARGET_PREFIX", "/a/")),
    ],
    "one-side": [
        plan(path("TARGET_PREFIX", "/a/", "open")),
        plan(path("TARGET_PREFIX", "/a/")),
        plan(path("LITERAL", "/a", "rename")),
        plan(path("TARGET_LITERAL", "/a", "rename"), invert_target_path=True),
        plan(path("TARGET_LITERAL", "/a", "rename"), path("TARGET_LITERAL", "/b", "rename")),
    ],
    "wrong-kind": [
        plan(path("LITERAL", "/a")),
        plan(path("PREFIX", "/a/")),
        plan(path("TARGET_LITERAL", "/")),
    ],
    "sibling-prefix": [plan(path("PREFIX", "/a/")), plan(path("LITERAL", "/a")), plan(path("PREFIX", "/"))],
    "symlink": [
        plan(path("PREFIX", "/private/tmp/")),
        plan(path("PREFIX", "/tmpfiles/")),
        plan(path("PREFIX", "/variable")),
        plan(path("PREFIX", "/System/Volumes/Data/.Spotlight-V100/")),
        plan(path("PREFIX", "/System/Volumes/Database/Users/")),
    ],
    "identity-hole": [
        plan(path("PREFIX", "/opt/", "open")),
        plan(path("TARGET_PREFIX", "/private/var/log/")),
        plan(path("LITERAL", "/opt/a"), subscribe=("open",)),
        plan(path("LITERAL", "/opt/a"), invert_path=True),
    ],
    "writable": [
        plan(path("LITERAL", "/usr/bin/x")),
        plan(path("PREFIX", "/Users/a/", "open", "stat")),
        plan(path("LITERAL", "/")),
        plan(path("PREFIX", "/Users/a/"), invert_path=True),
    ],
    "never-hit": [plan(path("LITERAL", "/bin/ls"))],
    "shadowed": [
        plan(path("PREFIX", "/opt/", "open"), path("PREFIX", "/opt/a/", "open", "close")),
        plan(path("LITERAL", "/opt"), path("PREFIX", "/opt/")),
        plan(path("LITERAL", "/opt/a"), path("PREFIX", "/opt/a/")),
        plan(path("PREFIX", "/opt/"), path("TARGET_PREFIX", "/opt/")),
        plan(MutePath("PREFIX", "/opt/", enabled=False), path("LITERAL", "/opt/a")),
        plan(MuteProcess(1, 1), MuteProcess(1, 2)),
        plan(path("LITERAL", "/opt/a", "ES_EVENT_TYPE_AUTH_OPEN"), subscribe=("close",)),
    ],
}


def test_every_lint_is_tested() -> None:
    on_history = {"inverted-twice", "late-mute"}
    assert set(HAVE) | on_history == set(HAVE_NOT) | on_history == set(ABOUT)


@pytest.mark.parametrize(
    ("id", "plan", "severity"), [(name, *case) for name, cases in HAVE.items() for case in cases]
)
def test_a_plan_that_has_it_and_its_fix(id: str, plan: Plan, severity: str) -> None:
    lints = of(id, plan)
    assert [lint.severity for lint in lints] == [severity]
    [lint] = lints
    assert lint.reason.isprintable()
    assert lint.fix.words.isprintable()
    assert len(lint.reason) < 600
    if lint.index is not None:
        assert lint.place.startswith("[[mute_")
        assert document(lint, plan)["rule"] == plan.entries[lint.index].label
    repaired = lint.fix.plan(plan)
    assert repaired != plan
    assert not of(id, repaired)
    assert lint.fix.plan(repaired) == repaired, "a fix of what is no longer there changes nothing"


@pytest.mark.parametrize(("id", "plan"), [(name, plan) for name, plans in HAVE_NOT.items() for plan in plans])
def test_a_plan_that_has_it_not(id: str, plan: Plan) -> None:
    assert not of(id, plan)


def test_what_is_off_has_no_lint() -> None:
    off = [
        replace(entry, enabled=False)
        for cases in HAVE.values()
        for case, _ in cases
        for entry in case.entries
    ]
    assert not find(plan(*off))


def test_examples_have_hints_at_most() -> None:
    for name in EXAMPLES:
        assert {lint.severity for lint in find(load(find_plan(name)))} <= {HINT}


# What the fixes keep


@given(PLANS, SUBJECTS)
def test_removing_what_is_shadowed_changes_no_verdict(plan: Plan, event: Subject) -> None:
    for lint in of("shadowed", plan):
        plan2 = lint.fix.plan(plan)
        if lint.index is not None and plan.entries[lint.index].events is None and event.event not in NOTIFY:
            continue
        assert (
            plan2.mute_set().decide_subject(event).delivered
            is plan.mute_set().decide_subject(event).delivered
        )


@given(PLANS)
def test_what_is_fixed_has_no_error_and_no_warning_left(plan: Plan) -> None:
    repaired, done = fixed(plan)
    assert not [lint for lint in find(repaired) if lint.severity != HINT]
    assert bool(done) == (repaired != plan)
    assert all(lint.id in ABOUT and lint.severity in SEVERITIES for lint in find(plan))


def test_only_some_are_found_and_fixed() -> None:
    both = plan(path("PREFIX", "/tmp/a", "fork"), path("PREFIX", "/opt/a", "open"))
    assert {lint.id for lint in find(both)} >= {"symlink", "identity-hole", "sibling-prefix"}
    repaired, done = fixed(both, only=("sibling-prefix",))
    assert [entry.path for entry in repaired.paths] == ["/tmp/a", "/opt/a/"]
    assert [lint.id for lint in done] == ["sibling-prefix"]


def test_the_fix_finds_its_entry_where_it_is_now() -> None:
    first, second = path("TARGET_PREFIX", "/private/var/log/"), path("TARGET_PREFIX", "/tmp/")
    [lint] = of("symlink", plan(first, second))
    assert lint.fix.plan(plan(second)).entries == (path("TARGET_PREFIX", "/private/tmp/"),)
    assert lint.fix.plan(plan(first)).entries == (first,)


def test_a_path_that_events_do_carry_is_no_symlink() -> None:
    asked = plan(path("TARGET_PREFIX", "/System/Volumes/Data/"), path("TARGET_PREFIX", "/tmp/"))
    core = filled([event("write", "/System/Volumes/Data/.Spotlight-V100/store.db")])
    assert [lint.index for lint in of("symlink", asked)] == [0, 1]
    assert [lint.index for lint in of("symlink", asked, gather(core, asked))] == [1]
    core.close()


def test_a_narrowed_entry_keeps_all_other_types() -> None:
    [lint] = of("identity-hole", plan(path("LITERAL", "/opt/a")))
    [entry] = lint.fix.plan(plan(path("LITERAL", "/opt/a"))).entries
    assert set(entry.events or ()) == set(NOTIFY) - {"exec", "fork", "exit"}
    [lint] = of("writable", plan(path("LITERAL", "/Users/a/x", "write")))
    assert lint.fix.words == "remove the entry"


@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("/tmp", "/private/tmp"),
        ("/tmp/x", "/private/tmp/x"),
        ("/tmpx", "/tmpx"),
        ("/System/Volumes/Data/tmp", "/System/Volumes/Data/tmp"),
        ("/System/Volumes/Data/private/tmp", "/private/tmp"),
        ("/System/Volumes/Data/Users", "/Users"),
        ("/System/Volumes/Data/Usersx", "/System/Volumes/Data/Usersx"),
        ("/System/Volumes/Data", None),
        ("\udcff", "\udcff"),
    ],
)
def test_real_paths(path: str, real: str | None) -> None:
    assert real_path(path) == real


# What the events add


def test_wrong_kind(core: Core) -> None:
    asked = plan(
        path("TARGET_LITERAL", "/bin/cat", "open"),
        path("PREFIX", "/private/var/log/"),
        path("LITERAL", "/private/var"),
        path("LITERAL", "/bin/cat"),
    )
    lints = of("wrong-kind", asked, gather(core, asked))
    assert [(lint.index, lint.fix.words) for lint in lints] == [
        (0, "make it LITERAL"),
        (1, "make it TARGET_PREFIX"),
        (2, "make it TARGET_PREFIX"),
    ]
    assert "would match 2" in lints[0].reason
    for lint in lints:
        repaired = lint.fix.plan(asked)
        assert lint.index not in {left.index for left in of("wrong-kind", repaired, gather(core, repaired))}


def test_never_hit_and_what_came_closest(core: Core) -> None:
    asked = plan(
        path("LITERAL", "/usr/bin/python3.11"),
        MuteProcess(9, 9),
        MuteProcess(7, 1),
        path("PREFIX", "/nowhere/"),
    )
    lints = of("never-hit", asked, gather(core, asked))
    assert [lint.index for lint in lints] == [0, 1, 2]
    assert lints[0].reason == "matches none of 7 events; what came closest is /usr/bin/python3.12"
    for lint in lints:
        assert lint.index not in {
            left.index for left in of("never-hit", lint.fix.plan(asked), gather(core, asked))
        }


def test_siblings_that_were_there(core: Core) -> None:
    asked = plan(
        path("TARGET_PREFIX", "/private/var/log"), path("PREFIX", "/bin/cat"), path("PREFIX", "/bin/mv")
    )
    lints = of("sibling-prefix", asked, gather(core, asked))
    assert [lint.severity for lint in lints] == [WARNING, WARNING, HINT]
    assert lints[0].reason.startswith("also matched 2 events beside /private/var/log")
    assert lints[1].reason == "also matched 1 events beside /bin/cat, such as /bin/catalogue"
    assert lints[0].fix.plan(asked).paths[0].path == "/private/var/log/"


def test_renames_muted_on_one_side(core: Core) -> None:
    asked = plan(path("TARGET_PREFIX", "/private/var/log/"))
    [lint] = of("one-side", asked, gather(core, asked))
    assert "1 of" in lint.reason
    assert "were delivered" in lint.reason
    repaired = lint.fix.plan(asked)
    assert not of("one-side", repaired, gather(core, repaired))
    both = plan(path("TARGET_PREFIX", "/private/var/log/"), path("TARGET_PREFIX", "/private/tmp/"))
    assert not of("one-side", both, gather(core, both))


def test_execs_of_a_muted_place(core: Core) -> None:
    asked = plan(path("TARGET_PREFIX", "/opt/"), path("TARGET_PREFIX", "/private/"))
    [lint] = of("identity-hole", asked, gather(core, asked))
    assert lint.index == 0
    assert "1 of them held" in lint.reason
    assert not of("identity-hole", lint.fix.plan(asked), gather(core, asked))


def test_an_empty_ring_says_nothing() -> None:
    core = open_core()
    asked = plan(path("LITERAL", "/bin/x", "open"), path("TARGET_LITERAL", "/bin/y", "open"))
    assert gather(core, asked).events == 0
    assert find(asked, gather(core, asked)) == find(asked)
    core.close()


def test_evidence_of_several_sources_adds_up(core: Core) -> None:
    asked = plan(
        path("PREFIX", "/bin/cat"), path("LITERAL", "/nowhere"), path("TARGET_PREFIX", "/private/var/log/")
    )
    one = gather(core, asked)
    both = one + Evidence() + one
    assert both.events == 14
    facts = both.facts[asked.entries[0]]
    assert (facts.hits, facts.beyond, facts.sibling) == (6, 2, "/bin/catalogue")
    assert both.facts[asked.entries[2]].one_sided == 2
    other = filled([event("open", "/nowhere")])
    more = one + gather(other, asked)
    assert more.facts[asked.entries[1]].as_other == (("TARGET_LITERAL", 1), ("TARGET_PREFIX", 1))
    other.close()


def test_hostile_paths_in_reasons() -> None:
    core = filled([event("open", HOSTILE + "/x", executable=HOSTILE)])
    for kind in ("PREFIX", "LITERAL", "TARGET_PREFIX", "TARGET_LITERAL"):
        for end in ("", "/", "x"):
            asked = plan(path(kind, HOSTILE + end), path(kind, HOSTILE + end), path(kind, "/tmp" + HOSTILE))
            lints = find(asked, gather(core, asked))
            assert lints
            assert all(lint.reason.isprintable() and lint.fix.words.isprintable() for lint in lints)
    core.close()


# The history of calls


def made(client: Client) -> tuple[Call, ...]:
    return calls(client.history)


@pytest.fixture
def client(core: Core) -> Client:
    return Client(core)


def test_inverted_twice(client: Client) -> None:
    client.add(path("LITERAL", "/bin/a", "open"))
    client.invert_muting("path")
    assert not find(client.plan, calls=made(client), only=("inverted-twice",))
    client.invert_muting("path")
    [lint] = find(client.plan, calls=made(client), only=("inverted-twice",))
    assert (lint.call, lint.place) == (2, "call 3")
    assert lint.fix.calls
    assert not find(client.plan, calls=lint.fix.calls(made(client)), only=("inverted-twice",))
    client.apply(lint.fix.plan(client.plan), "fix")
    assert client.plan.invert_path
    assert not find(client.plan, calls=made(client), only=("inverted-twice",))


def test_taking_a_step_back_is_no_call(client: Client) -> None:
    client.invert_muting("path")
    client.undo()
    assert made(client) == ()


def test_late_mute(client: Client) -> None:
    client.add(path("LITERAL", "/bin/a"))
    client.solo(["open", "close"])
    client.subscribe(["exec"])
    assert not find(client.plan, calls=made(client), only=("late-mute",))
    client.add(MuteProcess(1, 1))
    client.enable(0, False)
    client.enable(0, True)
    [lint] = find(client.plan, calls=made(client), only=("late-mute",))
    assert lint.reason.startswith("2 mutes were made after es_subscribe()")
    assert lint.call is not None
    assert made(client)[lint.call].name == "es_mute_process"
    assert lint.fix.calls
    reordered = lint.fix.calls(made(client))
    assert sorted(reordered, key=str) == sorted(made(client), key=str)
    assert not find(client.plan, calls=reordered, only=("late-mute",))


def test_a_loaded_plan_mutes_before_it_subscribes(client: Client, tmp_path: Path) -> None:
    client.solo(["exec"])
    client.undo()
    client.load(find_plan("dev-null-only"))
    names = [call.name for call in made(client)]
    assert names == ["es_mute_path_events", "es_invert_muting", "es_unsubscribe"]
    assert all(call.words.isprintable() for call in made(client))
