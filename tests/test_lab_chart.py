"""The decision chart: that it is the muting engine's decision, and what it says beside that."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given

from estui.lab.chart import Chart, SubjectError, chart, document, explain, lines, subject
from estui.message import Message
from estui.muting import Subject, Verdict
from estui.plan import MutePath, MuteProcess, Plan
from tests.cores import event
from tests.lab import PLANS, SUBJECTS

BIN = MutePath("PREFIX", "/bin/")
LS = MutePath("LITERAL", "/bin/ls")
LOGS = MutePath("TARGET_PREFIX", "/private/var/log/")
HOSTILE = "/\x1b]0;x\x07\u202e\n[/foo]\udcff"


def texts(found: Chart) -> list[str]:
    return [line.text for line in lines(found)]


# The decision


@given(PLANS, SUBJECTS)
def test_the_chart_is_the_engines_decision(plan: Plan, event: Subject) -> None:
    verdict = plan.mute_set().decide_subject(event)
    found = chart(event, plan)
    rule = None if found.rule is None else found.rule.label
    assert Verdict(found.delivered, found.stage, rule) == verdict
    reached = [node.reached for node in found.nodes]
    assert reached == sorted(reached, reverse=True)
    stages = [(s.name, s.suppresses, s.inverted) for s in plan.mute_set().subject_stages(event)]
    assert stages == [
        (node.stage, node.outcome == "suppress", node.inverted)
        for node in found.nodes
        if node.outcome != "not applicable"
    ]
    assert all(line.isprintable() for line in texts(found))
    assert json.loads(json.dumps(document(found)))["delivered"] is verdict.delivered


@given(PLANS, SUBJECTS)
def test_a_rule_that_would_also_have_does_so_alone_or_with_the_others_of_its_kind(
    plan: Plan, event: Subject
) -> None:
    found = chart(event, plan)
    for rule in found.also:
        assert rule.index is not None
        of_its_kind = [
            replace(entry, enabled=False) if found.rule is not None and index == found.rule.index else entry
            for index, entry in enumerate(plan.entries)
        ]
        without = replace(plan, subscribe=None).with_entries(of_its_kind)
        node = next(node for node in chart(event, without).nodes if rule.is_of(node.stage))
        assert rule in [one for asked in node.asked for one in asked.rules]
    if len(event.targets) < 2 and not event.instigator:
        for rule in found.also:
            alone = Plan(instigator_votes=plan.instigator_votes).with_entries([rule.entry])
            assert not alone.mute_set().decide_subject(event).delivered


def test_the_order_the_decider_and_the_others() -> None:
    plan = Plan(paths=(MutePath("PREFIX", "/bin/", ("exec",)), LS, BIN, LOGS), processes=(MuteProcess(7, 2),))
    found = chart(
        subject("open", process=(7, 1), executable="/bin/ls", targets=("/private/var/log/a",)), plan
    )
    assert [node.stage for node in found.nodes] == ["subscription", "process", "path", "target_path"]
    assert [node.answer for node in found.nodes] == ["yes", "no", "yes", "yes"]
    assert [node.reached for node in found.nodes] == [True, True, True, False]
    assert found.rule
    assert (found.rule.place, found.rule.index, found.rule.label) == ("[[mute_path]] 2", 1, "LITERAL /bin/ls")
    assert [rule.place for rule in found.also] == ["[[mute_path]] 3", "[[mute_path]] 4"]
    assert [rule.place for rule in found.nodes[2].asked[0].idle] == ["[[mute_path]] 1"]


def test_the_way_taken_is_marked_without_colour() -> None:
    found = chart(
        subject("open", executable="/bin/ls", targets=("/private/var/log/a",)), Plan(paths=(LS, BIN, LOGS))
    )
    assert texts(found) == [
        "event         open",
        "executable    /bin/ls",
        "target        /private/var/log/a",
        "",
        "● 1 subscription  is open subscribed to? yes (every type is)",
        "┃",
        "● 2 process       does a rule mute an event without pid and pidversion? no",
        "┃",
        "● 3 path          does a rule mute /bin/ls? yes",
        "┃     ◆ [[mute_path]] 1 LITERAL /bin/ls: decided",
        "┃     ◇ [[mute_path]] 2 PREFIX /bin/: would also have",
        "┗━▶ suppressed at path, by [[mute_path]] 1 LITERAL /bin/ls",
        "○ 4 target path   does a rule mute /private/var/log/a? yes",
        "╎     ◇ [[mute_path]] 3 TARGET_PREFIX /private/var/log/: would also have",
        "╎     would suppress it too",
    ]
    marks = {line.mark for line in lines(found)}
    assert marks == {"", "decided", "also", "end"}
    assert [line.taken for line in lines(found)] == [True] * 12 + [False] * 3


def test_two_targets_normal_and_inverted() -> None:
    event = subject("rename", targets=("/private/var/log/a", "/b"))
    normal = texts(chart(event, Plan(paths=(LOGS,))))
    assert "● 4 target path   do rules mute both targets? no" in normal
    assert any("mutes this target, and not every target is muted" in line for line in normal)
    assert normal[-1] == "┗━▶ delivered"
    inverted = texts(chart(event, Plan(paths=(LOGS,), invert_target_path=True)))
    assert "● 4 target path   inverted: does a rule select either target? yes" in inverted
    assert any("selects it" in line for line in inverted)
    nothing = chart(event, Plan(invert_target_path=True))
    assert texts(nothing)[-1] == "┗━▶ suppressed at target path, for no rule selects the target"
    assert (nothing.rule, nothing.also) == (None, ())


def test_an_event_that_was_there_with_its_instigator() -> None:
    line = event("signal", "/bin/x", pid=1, pidversion=1, instigator=(5, 6))
    plan = Plan(processes=(MuteProcess(5, 6),))
    assert explain(Message(line), plan).delivered
    found = explain(Message(line), replace(plan, instigator_votes=True))
    assert found.stage == "process"
    assert any("process 1.1 or its instigator 5.6" in line for line in texts(found))


def test_the_default_set_is_named() -> None:
    plan = Plan(default_mute_set="macos13", paths=(MutePath("LITERAL", "/usr/bin/heap"),))
    found = chart(subject("open", executable="/usr/bin/heap"), plan)
    assert found.rule
    assert found.rule.place == "[[mute_path]] 1"
    [idle] = found.nodes[2].asked[0].idle
    assert (idle.place, idle.index) == ("default mute set 4", None)


def test_hostile_paths_are_shown_and_cut() -> None:
    plan = Plan(paths=(MutePath("TARGET_LITERAL", HOSTILE), MutePath("PREFIX", "/" + "x" * 20_000)))
    for paths in ((HOSTILE, HOSTILE), ("/" + "x" * 20_000, "/b")):
        shown = texts(chart(subject("rename", executable=paths[0], targets=paths), plan))
        assert all(line.isprintable() and len(line) < 2500 for line in shown)


@pytest.mark.parametrize(
    ("name", "targets", "words"),
    [
        ("opne", (), "opne is not an event type; the nearest is open"),
        ("\x1b", (), "\\x1b is not an event type"),
        ("ES_EVENT_TYPE_AUTH_OPEN", (), "not a NOTIFY type"),
        ("fork", ("/a",), "fork has no target path, not 1"),
        ("open", ("/a", "/b"), "open has one target path, not 2"),
        ("rename", ("/a", "/b", "/c"), "rename has two target paths, not 3"),
        ("open", ("/\ud800",), "half a surrogate pair"),
    ],
)
def test_an_event_that_cannot_be(name: str, targets: tuple[str, ...], words: str) -> None:
    with pytest.raises(SubjectError) as caught:
        subject(name, targets=targets)
    assert words in str(caught.value)
    assert str(caught.value).isprintable()


def test_c_names_are_understood_and_an_instigator_needs_its_type() -> None:
    assert subject("ES_EVENT_TYPE_NOTIFY_OPEN").event == "open"
    assert subject("signal", instigator=(1, 1)).instigator == (1, 1)
    with pytest.raises(SubjectError):
        subject("open", instigator=(1, 1))
