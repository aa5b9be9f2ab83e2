"""Two plans side by side: what they say, against their mute sets; the verdicts that differ, against judging both."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.events import NOTIFY
from estui.lab.diff import CHANGED, ONLY_A, ONLY_B, Subscriptions, Switch, compare, document, event_names
from estui.muting import MuteSet, event_mask
from estui.plan import Entry, MutePath, MuteProcess, Plan, save
from estui.record import ALL_EVENTS
from tests import test_cli
from tests.cores import event, filled
from tests.lab import CLOSE_PLANS, CLOSE_SUBJECTS, PLANS
from tests.test_cli import Estui, safe
from tests.test_lab_whatif import held, recordings, suppressed

environment, estui = test_cli.environment, test_cli.estui
"""Fixtures."""

HOSTILE = "/\x1b]0;x\x07\u202e\n[/foo]\udcff"


def tuples(mutes: MuteSet) -> set[tuple[Any, ...]]:
    """The mute set as ES has it: of keys and events."""
    paths = {(row.type, row.path, number) for row in mutes.muted_paths_events() for number in row.events}
    return paths | {
        (row.pid, row.pidversion, number) for row in mutes.muted_processes_events() for number in row.events
    }


@given(st.tuples(CLOSE_PLANS, CLOSE_PLANS) | st.tuples(PLANS, PLANS))
def test_a_diff_is_what_the_mute_sets_differ_in(made: tuple[Plan, Plan]) -> None:
    a, b = made
    found = compare(a, b)
    in_a, in_b = tuples(a.mute_set()), tuples(b.mute_set())
    assert told(found.rules, "a") == in_a - in_b
    assert told(found.rules, "b") == in_b - in_a
    for rule in found.rules:
        assert rule.kind == (CHANGED if rule.a and rule.b else ONLY_A if rule.a else ONLY_B)
        assert bool(rule.places_a) is bool(rule.a)
        assert bool(rule.places_b) is bool(rule.b)
    for switch in found.switches:
        assert (getattr(a, switch.name), getattr(b, switch.name)) == switch[1:]
    seen = [*NOTIFY, "from_the_future", "never heard of"]
    subscribed_a, subscribed_b = (
        {name for name in seen if plan.subscribe is None or name in plan.subscribe} for plan in (a, b)
    )
    own = found.subscriptions
    only_a, only_b = set(own.only_a), set(own.only_b)
    only_a |= {name for name in seen if name not in NOTIFY and own.unknown == ONLY_A} - set(b.subscribe or ())
    only_b |= {name for name in seen if name not in NOTIFY and own.unknown == ONLY_B} - set(a.subscribe or ())
    assert only_a == subscribed_a - subscribed_b
    assert only_b == subscribed_b - subscribed_a
    assert compare(a, a).same
    if found.same:
        assert (in_a, a.mute_set().rules()[3:]) == (in_b, b.mute_set().rules()[3:])
    json.dumps(document(found))


def told(rules: Any, plan: str) -> set[tuple[Any, ...]]:
    """The tuples that only one plan has, by a diff."""
    found = set()
    for rule in rules:
        own, other = (rule.a, rule.b) if plan == "a" else (rule.b, rule.a)
        entry: Entry = rule.entry
        if isinstance(entry, MutePath):
            key: tuple[Any, ...] = entry.path_type, entry.path
        else:
            key = entry.pid, entry.pidversion
        found |= {(*key, number) for number in range(256) if (own & ~other) >> number & 1}
    return found


@given(recordings(CLOSE_SUBJECTS), CLOSE_PLANS, CLOSE_PLANS)
def test_the_verdicts_that_differ_are_those_of_judging_both(lines: list[bytes], a: Plan, b: Plan) -> None:
    core = filled(lines)
    found = compare(a, b, core).verdicts
    assert found is not None
    differ = [
        (row.seq, row.event, other)
        for row, one, other in zip(held(core), suppressed(core, a), suppressed(core, b), strict=True)
        if one != other
    ]
    assert found.changes() == [(seq, hidden) for seq, _, hidden in differ]
    assert {name: change.changed for name, change in found.by_event.items() if change.changed} == Counter(
        name for _, name, _ in differ
    )
    core.judge(a.rules())
    of_a = [row.stage for row in held(core)]
    core.judge(b.rules())
    of_b = [row.stage for row in held(core)]
    assert [bool(one) != bool(other) for one, other in zip(of_a, of_b, strict=True)].count(True) == len(
        differ
    )
    core.close()


def path(kind: str, text: str, *names: str) -> MutePath:
    return MutePath(kind, text, names or None)


def test_one_of_each() -> None:
    gone, stays = path("LITERAL", "/gone", "open"), path("PREFIX", "/stays/")
    a = Plan(
        paths=(gone, stays, path("LITERAL", "/c", "open", "close")), subscribe=("open", "close", "glide")
    )
    b = Plan(
        paths=(path("LITERAL", "/c", "close", "write"), stays, replace(gone, enabled=False)),
        processes=(MuteProcess(1, 2),),
        invert_path=True,
        instigator_votes=True,
    )
    found = compare(a, b)
    assert not found.same
    assert found.verdicts is None
    first, second, third = found.rules
    assert (first.label, first.kind, event_names(first.a)) == ("LITERAL /gone", ONLY_A, ("open",))
    assert (second.kind, event_names(second.a & ~second.b), event_names(second.b & ~second.a)) == (
        CHANGED,
        ("open",),
        ("write",),
    )
    assert (second.places_a, second.places_b) == (("[[mute_path]] 3",), ("[[mute_path]] 1",))
    assert (third.label, third.kind, third.b) == ("PROCESS 1.2", ONLY_B, ALL_EVENTS)
    assert found.switches == (Switch("instigator_votes", False, True), Switch("invert_path", False, True))
    assert found.subscriptions.only_a == ()
    assert set(found.subscriptions.only_b) == set(NOTIFY) - {"open", "close"}
    assert found.subscriptions.unknown == ONLY_B
    assert compare(
        Plan(subscribe=("open", "glide")), Plan(subscribe=("exec",))
    ).subscriptions == Subscriptions(("open", "glide"), ("exec",))


def test_entries_that_mean_the_same_are_no_difference() -> None:
    """Order, splitting an entry in two, saying it twice, a name: ES would not know them apart."""
    one = Plan("one", paths=(path("LITERAL", "/a", "open", "close"), path("PREFIX", "/b")))
    other = Plan(
        "other",
        paths=(
            path("PREFIX", "/b"),
            path("LITERAL", "/a", "close"),
            path("LITERAL", "/a", "open"),
            path("PREFIX", "/b", "open"),
        ),
    )
    assert compare(one, other).same
    assert event_mask(("open", "close")) == compare(one, Plan()).rules[0].a


def test_event_names_begin_with_those_that_estui_sees() -> None:
    names = event_names(ALL_EVENTS)
    assert names[: len(NOTIFY)] == tuple(sorted(NOTIFY, key=lambda name: NOTIFY[name].number))
    assert names[-1] == "unknown"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Two plans and a recording."""
    a, b, recording = tmp_path / "a.toml", tmp_path / "b.toml", tmp_path / "recording.jsonl"
    save(Plan(paths=(path("TARGET_PREFIX", "/log/"), path("LITERAL", HOSTILE, "open"))), a)
    save(
        Plan(
            paths=(path("TARGET_PREFIX", "/log/", "open"),), invert_process=False, subscribe=("open", "write")
        ),
        b,
    )
    recording.write_bytes(
        b"\n".join(
            [
                event("open", "/log/a", executable="/bin/x"),
                event("write", "/log/a", executable="/bin/x"),
                b"not json",
                event("open", HOSTILE, executable=HOSTILE),
                event("fork", executable="/bin/x"),
            ]
        )
        + b"\n"
    )
    return a, b, recording


def test_the_command_tells_it_in_words(estui: Estui, files: tuple[Path, Path, Path]) -> None:
    a, b, recording = files
    result = estui("plan", "diff", a, b, recording)
    assert result.returncode == 0
    assert result.stderr.decode() == f"{recording}: 1 bad lines left out\n"
    assert safe(result.stdout)
    text = result.stdout.decode()
    assert "  ~ TARGET_PREFIX /log/: no longer exec, close, create, exchangedata and " in text
    assert "  - LITERAL /\\x1b]0;x\\x07\\u202e\\n[/foo]\\xff for open\n" in text
    assert "  - exec, fork, close, create and " in text
    assert " and every type that estui does not know\n" in text
    assert "verdicts: 3 of 4 events differ; A delivers 1, B 2\n" in text
    assert "  open: 1 only by B\n" in text
    assert f"  - {recording}:5 fork by /bin/x: no target (the subscription stage)\n" in text
    assert f"  + {recording}:2 write by /bin/x: /log/a (TARGET_PREFIX /log/)\n" in text
    assert estui("plan", "diff", a, a).stdout == b"no rule, switch or subscription differs\n"


def test_the_command_tells_it_in_json(estui: Estui, files: tuple[Path, Path, Path]) -> None:
    a, b, recording = files
    result = estui("plan", "diff", a, b, recording, recording, "--json", "--limit", "1")
    found = json.loads(result.stdout)
    assert found["same"] is False
    assert [rule["difference"] for rule in found["rules"]] == [CHANGED, ONLY_A]
    assert found["subscriptions"]["unknown_types"] == ONLY_A
    verdicts = found["verdicts"]
    assert (verdicts["events"], verdicts["only_a"], verdicts["only_b"]) == (8, 2, 4)
    assert verdicts["by_event"] == {
        "fork": {"only_a": 2, "only_b": 0},
        "open": {"only_a": 0, "only_b": 2},
        "write": {"only_a": 0, "only_b": 2},
    }
    assert [(one["n"], one["event"], one["delivered_by"]) for one in verdicts["examples"]] == [
        (2, "write", "B"),
        (2, "write", "B"),
    ]
    assert json.loads(estui("plan", "diff", a, b, "--json").stdout)["verdicts"] is None


def test_what_cannot_be_compared(estui: Estui, files: tuple[Path, Path, Path], tmp_path: Path) -> None:
    a, _, recording = files
    broken = tmp_path / "broken.toml"
    broken.write_text("[plan]\nformat = 1\n[[mute_path]]\ntype = 'PREFX'\npath = '/'\n")
    result = estui("plan", "diff", a, broken, recording)
    assert result.returncode == 2
    assert "PREFX" in result.stderr.decode()
    assert result.stdout == b""
    assert estui("plan", "diff", a).returncode == 2
    assert estui("plan", "diff", a, a, "--limit", "-1").returncode == 2
    missing = estui("plan", "diff", a, a, tmp_path / "none.jsonl")
    assert missing.returncode == 3
    assert b"none.jsonl" in missing.stderr
