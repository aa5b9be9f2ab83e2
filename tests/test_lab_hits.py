"""What each entry of a plan does: against removing it, and against deciding each event without it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui._twin import TwinCore
from estui.core import NATIVE_ERROR, Core, NativeCore, open_core
from estui.lab.hits import EntryHits, entries
from estui.lab.rule import Rule
from estui.lab.rule import rules as rules_of
from estui.message import Message
from estui.muting import Subject, Verdict
from estui.plan import Entry, MutePath, MuteProcess, Plan
from estui.record import KIND_EVENT, Hits, PathRule, ProcessRule, Row, Volume
from tests.cores import event, filled, rows
from tests.lab import CLOSE_PLANS, CLOSE_SUBJECTS, SUBJECTS, line_of
from tests.lines import any_lines
from tests.test_lab_whatif import recordings, rules


def held(core: Core) -> list[tuple[Row, Message]]:
    """The events held, and their lines."""
    found = []
    for row in rows(core):
        raw = core.raw(row.seq)
        if row.kind == KIND_EVENT and raw is not None:
            found.append((row, Message(raw)))
    return found


def verdicts(core: Core, plan: Plan) -> list[Verdict]:
    mutes = plan.mute_set()
    return [mutes.decide(message) for _, message in held(core)]


def without(plan: Plan, index: int) -> Plan:
    return plan.with_entries(plan.entries[:index] + plan.entries[index + 1 :])


@given(recordings(CLOSE_SUBJECTS), CLOSE_PLANS)
def test_own_hits_are_the_verdicts_that_flip_without_it(lines: list[bytes], plan: Plan) -> None:
    core = filled(lines)
    core.judge(plan.rules())  # hits() goes by its instigator votes
    found = entries(core, plan)
    now = verdicts(core, plan)
    own = [one for one in found if one.index is not None]
    assert [one.entry for one in own] == list(plan.entries)
    assert [one.entry for one in found if one.index is None] == list(plan.default_entries())
    for one in own:
        assert one.index is not None
        then = verdicts(core, without(plan, one.index))
        flipped = [
            row.size
            for (row, _), was, comes in zip(held(core), now, then, strict=True)
            if was.delivered != comes.delivered
        ]
        assert one.own == Volume(len(flipped), sum(flipped))
        rule = one.entry.rule()
        assert Hits(one.hits.events, one.last, one.last_ns) == (
            core.hits(rule) if rule.mask else Hits(0, -1, None)
        )
        assert one.hits.bytes == sum(
            row.size for row, message in held(core) if matches(plan, one.entry, message)
        )
    core.close()


def matches(plan: Plan, entry: Entry, message: Message) -> bool:
    """Whether an entry matches anything an event is asked about, by the mute set's own word."""
    alone = Plan(instigator_votes=plan.instigator_votes).with_entries([replace(entry, enabled=True)])
    stages = alone.mute_set().subject_stages(alone.mute_set().subject(message))
    return any(rule is not None for stage in stages for rule in stage.rules)


@given(recordings(CLOSE_SUBJECTS), CLOSE_PLANS)
def test_a_redundant_entry_names_what_decides_in_its_place(lines: list[bytes], plan: Plan) -> None:
    core = filled(lines)
    for one in entries(core, plan):
        if one.index is None or not one.entry.enabled or not one.hits.events or one.own.events:
            if one.index is not None:
                assert one.redundant_by is None
                assert not one.redundant
            continue
        assert one.redundant
        rest = [rule for rule in rules_of(plan) if rule.index != one.index]
        keepers: Counter[Rule] = Counter()
        for _, message in held(core):
            if matches(plan, one.entry, message):
                keeper = keeper_of(plan, one, rest, message)
                if keeper is not None:
                    keepers[keeper] += 1
        most = [rule for rule in rest if keepers and keepers[rule] == max(keepers.values())]
        assert one.redundant_by == (most[0] if most else None)
    core.close()


def keeper_of(plan: Plan, one: EntryHits, rest: list[Rule], message: Message) -> Rule | None:
    """The rule that decides an event without an entry; where it is delivered, one that selects it too."""
    assert one.index is not None
    mutes = without(plan, one.index).mute_set()
    subject = mutes.subject(message)
    verdict = mutes.decide_subject(subject)
    if not verdict.delivered:
        deciders = [
            rule for rule in rest if rule.label == verdict.rule and counts(rule, mutes.subject(message))
        ]
        return deciders[0] if deciders else None
    kind = next(stage for stage in ("process", "path", "target_path") if rules_like(one.entry, stage))
    if not getattr(plan, f"invert_{kind}"):
        return None
    selecting = [rule for rule in rest if rule.is_of(kind) and counts(rule, subject)]
    if kind == "process":
        # Of two who vote, the entry named one or both; the other's selection does not stand in for it.
        named = [process for process in (subject.process, subject.instigator) if names(one.entry, process)]
        selecting = [rule for rule in selecting if any(rule.names(process) for process in named if process)]
    return selecting[0] if selecting else None


def rules_like(entry: Entry, stage: str) -> bool:
    return Rule("", None, entry, 0).is_of(stage)


def names(entry: Entry, process: tuple[int, int] | None) -> bool:
    return isinstance(entry, MuteProcess) and process == (entry.pid, entry.pidversion)


def counts(rule: Rule, subject: Subject) -> bool:
    """Whether a rule matches anything of an event, which is of a type it counts for."""
    alone = Plan(instigator_votes=True).with_entries([replace(rule.entry, enabled=True)])
    stages = alone.mute_set().subject_stages(subject)
    return any(found is not None for stage in stages for found in stage.rules)


@pytest.mark.skipif(bool(NATIVE_ERROR), reason=f"no native core: {NATIVE_ERROR}")
@given(
    st.lists(any_lines | (SUBJECTS | CLOSE_SUBJECTS).map(line_of), max_size=8),
    CLOSE_PLANS.map(Plan.rules) | rules,
    st.lists(
        st.builds(
            PathRule,
            st.integers(0, 3),
            st.sampled_from([b"/", b"/a", b"/bin/ls", b""]),
            st.just(~(-1 << 256)),
        )
        | st.builds(ProcessRule, st.integers(0, 3), st.integers(0, 3), st.just(1 << 9 | 1 << 10)),
        max_size=3,
    ),
)
def test_both_cores_count_the_same(lines: list[bytes], given_rules, idle) -> None:  # type: ignore[no-untyped-def]
    found = []
    for core in (NativeCore(), TwinCore()):
        stream = core.add_stream(owned=False)
        core.ingest(stream, b"".join(line + b"\n" for line in lines))
        found.append(core.hits_of(given_rules, idle))
        core.close()
    assert found[0] == found[1]


def path(kind: str, text: str, *names: str) -> MutePath:
    return MutePath(kind, text, names or None)


def test_words_of_one_plan() -> None:
    """A plan that has each: alone, redundant, disabled, never hit, one side of two."""
    core = filled(
        [
            event("open", "/log/a", executable="/bin/cat", time="1970-01-01T00:00:01Z"),
            event("open", "/log/b", executable="/bin/cat", time="1970-01-01T00:00:02Z"),
            event("write", "/log/b", executable="/bin/cat"),
            event("rename", "/log/a", "/other", executable="/bin/mv"),
        ]
    )
    plan = Plan(
        paths=(
            path("TARGET_PREFIX", "/log/"),
            path("TARGET_LITERAL", "/log/a", "open"),
            replace(path("LITERAL", "/bin/mv"), enabled=False),
            path("LITERAL", "/nowhere"),
            path("TARGET_LITERAL", "/other", "open", "write"),
            path("TARGET_LITERAL", "/other", "fork"),
        ),
        processes=(MuteProcess(1, 1),),
    )
    prefix, literal, disabled, nowhere, other, nothing, process = entries(core, plan)
    assert (prefix.hits.events, prefix.own.events, prefix.one_sided, prefix.last) == (4, 2, 1, 3)
    assert not prefix.redundant
    assert (literal.hits.events, literal.own.events, literal.last_ns) == (1, 0, 10**9)
    assert literal.redundant
    assert literal.redundant_by is not None
    assert literal.redundant_by.words == "[[mute_path]] 1 TARGET_PREFIX /log/"
    assert (disabled.hits.events, disabled.own.events, disabled.redundant) == (1, 0, False)
    for idle in (nowhere, other, nothing, process):
        assert (idle.hits, idle.own, idle.last, idle.redundant) == (Volume(), Volume(), -1, False)
    assert process.place == "[[mute_process]] 1"
    core.close()


def test_entries_that_say_the_same_make_each_other_redundant() -> None:
    core = filled([event("open", "/a")])
    twice = Plan(paths=(path("TARGET_LITERAL", "/a"), path("TARGET_LITERAL", "/a", "open")))
    one, other = entries(core, twice)
    assert (one.own.events, other.own.events) == (0, 0)
    assert one.redundant_by is not None
    assert other.redundant_by is not None
    assert (one.redundant_by.index, other.redundant_by.index) == (1, 0)
    unsubscribed = replace(twice, subscribe=("write",))
    assert [one.redundant_by for one in entries(core, unsubscribed)] == [None, None]
    core.close()


def test_entries_of_the_default_set_come_first() -> None:
    """They are Apple's, for AUTH events alone, so none of them matches what estui sees."""
    plan = Plan(default_mute_set="macos26", paths=(path("TARGET_LITERAL", "/dev/null"),))
    core = filled([event("open", "/dev/null", executable="/usr/libexec/trustd")])
    *found, own = entries(core, plan)
    assert [one.entry for one in found] == list(plan.default_entries())
    assert {(one.index, one.hits.events) for one in found} == {(None, 0)}
    assert found[0].place == "default mute set 1"
    assert (own.index, own.own.events) == (0, 1)
    core.close()


def test_a_thousand_rules_nested_and_apart() -> None:
    nested = [path("TARGET_PREFIX", "/n" + "n" * depth) for depth in range(300)]
    apart = [path("TARGET_LITERAL", f"/apart/{number}") for number in range(700)]
    core = filled(
        [event("open", "/n" + "n" * depth) for depth in range(0, 300, 10)]
        + [event("open", f"/apart/{number}") for number in range(0, 700, 2)]
    )
    found = entries(core, Plan(paths=(*nested, *apart)))
    assert [one.hits.events for one in found[:300]] == [30 - (depth + 9) // 10 for depth in range(300)]
    assert [one.own.events for one in found[:300]] == [int(depth == 0) for depth in range(300)]
    assert all(one.redundant_by and one.redundant_by.index == 0 for one in found[1:300] if one.hits.events)
    assert [one.own.events for one in found[300:]] == [1 - number % 2 for number in range(700)]
    core.close()


def test_an_empty_ring() -> None:
    core = open_core()
    assert [one.hits for one in entries(core, Plan(paths=(path("PREFIX", "/"),)))] == [Volume()]
    assert entries(core, Plan()) == ()
    core.close()
