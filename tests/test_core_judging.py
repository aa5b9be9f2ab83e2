"""What the core decides under rules, against a naive model written from ES's own description."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.core import Core, open_core
from estui.events import NOTIFY
from estui.record import ALL_EVENTS, KIND_EVENT, UNKNOWN_BIT, Hits, PathRule, ProcessRule, Rules, WhatIf
from tests.cores import event, filled, rows, utf8
from tests.lines import TARGETS, instigator_of, lines

PREFIX, LITERAL, TARGET_PREFIX, TARGET_LITERAL = range(4)
NAMES = ("open", "rename", "fork", "signal", "authentication", "uipc_bind", "hover")
PATHS = ("/", "/a", "/a/", "/ab", "/a/b", "/é", "/\udcff", "b")


class Event(NamedTuple):
    """An event as judging sees it."""

    name: str
    pid: int | None
    pidversion: int | None
    executable: str | None
    targets: tuple[str, ...]
    instigator: tuple[int, int] | None

    def line(self, **members: Any) -> bytes:
        """It, written down."""
        return event(
            self.name,
            *self.targets,
            pid=self.pid,
            pidversion=self.pidversion,
            executable=self.executable,
            instigator=self.instigator,
            **members,
        )


@st.composite
def events(draw: st.DrawFn) -> Event:
    """One event over few names, processes and paths, so that rules meet them."""
    name = draw(st.sampled_from(NAMES))
    pids, paths = st.none() | st.integers(1, 2), st.sampled_from(PATHS)
    targets = draw(st.lists(paths, max_size=len(TARGETS.get(name, ()))))
    if name == "uipc_bind":
        targets = [f"/{target.lstrip('/')}" for target in targets]
    instigator = draw(st.none() | st.tuples(st.integers(1, 2), st.integers(1, 2)))
    return Event(
        name,
        draw(pids),
        draw(pids),
        draw(st.none() | paths),
        tuple(targets),
        instigator if name in ("signal", "authentication") else None,
    )


def bit(name: str) -> int:
    """The bit of an event name in a mask."""
    return NOTIFY[name].number if name in NOTIFY else UNKNOWN_BIT


masks = st.one_of(
    st.just(ALL_EVENTS),
    st.sets(st.sampled_from(NAMES)).map(lambda names: sum(1 << bit(name) for name in names)),
)
raw_paths = st.sampled_from(["", *PATHS]).map(utf8)
path_rules = st.builds(PathRule, st.integers(0, 3), raw_paths, masks)
process_rules = st.builds(ProcessRule, st.integers(1, 2), st.integers(1, 2), masks)
all_rules = st.builds(
    Rules,
    st.none() | st.frozensets(st.sampled_from([*NAMES, "glide"])),
    st.lists(path_rules, max_size=4).map(tuple),
    st.lists(process_rules, max_size=3).map(tuple),
    *[st.booleans()] * 4,
)


def matches(rule: PathRule | ProcessRule, met: Event, instigators: bool) -> bool:
    """Whether a rule matches an event, whatever comes of it."""
    if not rule.mask >> bit(met.name) & 1:
        return False
    if isinstance(rule, ProcessRule):
        named = (met.pid, met.pidversion), met.instigator if instigators else None
        return (rule.pid, rule.pidversion) in named
    texts = [met.executable] if rule.type in (PREFIX, LITERAL) else supported_targets(met)
    raw = [utf8(text) for text in texts if text is not None]
    if rule.type in (LITERAL, TARGET_LITERAL):
        return rule.path in raw
    return any(path.startswith(rule.path) for path in raw)


def supported_targets(met: Event) -> tuple[str, ...]:
    """The targets that target muting sees."""
    return met.targets if met.name in TARGETS else ()


def stage(rules: Rules, met: Event) -> int:
    """The stage that suppresses the event, by ES's flow chart."""
    if rules.subscribe is not None and met.name not in rules.subscribe:
        return 1
    voters = [met._replace(instigator=None)]
    if rules.instigator_votes and met.instigator is not None:
        voters.append(met._replace(pid=met.instigator[0], pidversion=met.instigator[1]))
    for voter in voters:
        muted = any(matches(rule, voter, instigators=False) for rule in rules.processes)
        if muted != rules.invert_process:
            return 2
    muted = any(
        rule.type in (PREFIX, LITERAL) and matches(rule, met, instigators=False) for rule in rules.paths
    )
    if muted != rules.invert_path:
        return 3
    by_target = [
        any(
            rule.type in (TARGET_PREFIX, TARGET_LITERAL)
            and matches(rule, met._replace(targets=(target,)), instigators=False)
            for rule in rules.paths
        )
        for target in supported_targets(met)
    ]
    if by_target and (not any(by_target) if rules.invert_target else all(by_target)):
        return 4
    return 0


def stages(core: Core) -> list[int]:
    """The verdicts on the events held."""
    return [row.stage for row in rows(core) if row.kind == KIND_EVENT]


@given(st.lists(events(), max_size=8), all_rules, all_rules)
def test_verdicts_are_those_of_the_flow_chart(met: list[Event], first: Rules, second: Rules) -> None:
    """Judged as they come or afterwards, events get the same verdicts; what-if and hits say what would come."""
    core = open_core()
    core.judge(first)
    stream = core.add_stream(owned=False)
    core.ingest(stream, b"".join(each.line() + b"\n" for each in met))
    before, after = [stage(first, each) for each in met], [stage(second, each) for each in met]
    assert stages(core) == before
    both = list(zip(before, after, strict=True))
    assert core.whatif(second) == WhatIf(
        len(met),
        sum(then > 0 for then in after),
        sum(now == 0 < then for now, then in both),
        sum(then == 0 < now for now, then in both),
    )
    assert stages(core) == before
    rules: list[PathRule | ProcessRule] = [*first.paths, *first.processes, *second.paths, *second.processes]
    for rule in rules:
        seqs = [seq for seq, each in enumerate(met) if matches(rule, each, first.instigator_votes)]
        assert core.hits(rule) == Hits(len(seqs), seqs[-1] if seqs else -1, None)
    generation = core.counters().generation
    core.judge(second)
    assert stages(core) == after
    counters = core.counters()
    assert counters.generation > generation or before == after
    assert counters.by_stage == tuple(after.count(number) for number in range(5))
    assert (
        counters.suppressed == sum(count.suppressed for count in core.events()) == len(met) - after.count(0)
    )


def test_hits_tell_the_last_time() -> None:
    core = filled(
        [event("open", "/a", time=f"1970-01-01T00:00:0{second}Z") for second in range(3)] + [event()]
    )
    assert core.hits(PathRule(TARGET_LITERAL, b"/a", ALL_EVENTS)) == Hits(3, 2, 2 * 10**9)


def path(kind: int, text: bytes, *names: str) -> PathRule:
    """A path entry for all events, or for those named."""
    return PathRule(kind, text, sum(1 << bit(name) for name in names) or ALL_EVENTS)


EXAMPLE = Rules(
    paths=(path(LITERAL, b"/bin/bash"),), processes=(ProcessRule(12, 1, ALL_EVENTS),), invert_process=True
)
"""The header's own: pid 12 muted, process muting inverted, /bin/bash muted."""
RENAME = Event("rename", 1, 1, "/x", ("/A", "/B"), None)
OPEN = Event("open", 1, 1, "/x", ("/D",), None)
SIGNAL = Event("signal", 1, 1, "/x", ("/y",), (2, 2))
A, B = path(TARGET_LITERAL, b"/A"), path(TARGET_LITERAL, b"/B")


@pytest.mark.parametrize(
    ("met", "rules", "outcome"),
    [
        (Event("exit", 12, 1, "/bin/foo", (), None), EXAMPLE, 0),
        (Event("exit", 13, 1, "/bin/foo", (), None), EXAMPLE, 2),
        (Event("exit", 12, 1, "/bin/bash", (), None), EXAMPLE, 3),
        (RENAME, Rules(paths=(A,)), 0),
        (RENAME, Rules(paths=(A, B)), 4),
        (RENAME, Rules(paths=(B,), invert_target=True), 0),
        (OPEN, Rules(invert_target=True), 4),
        *(
            (Event(name, 1, 1, "/x", (), None), Rules(invert_target=True), 0)
            for name in ("fork", "exit", "lookup")
        ),
        (OPEN, Rules(paths=(path(TARGET_LITERAL, b"/D", "write"),), invert_target=True), 4),
        (OPEN._replace(targets=()), Rules(invert_target=True), 0),
        (OPEN._replace(executable="/binary"), Rules(paths=(path(PREFIX, b"/bin"),)), 3),
        (OPEN._replace(executable="/Bin/ls"), Rules(paths=(path(PREFIX, b"/bin"),)), 0),
        (OPEN._replace(executable=None), Rules(paths=(path(PREFIX, b"/"),), invert_path=True), 3),
        (OPEN._replace(pidversion=None), Rules(processes=(ProcessRule(1, 1, ALL_EVENTS),)), 0),
        (SIGNAL, Rules(processes=(ProcessRule(2, 2, ALL_EVENTS),)), 0),
        (SIGNAL, Rules(processes=(ProcessRule(2, 2, ALL_EVENTS),), instigator_votes=True), 2),
        (SIGNAL, Rules(processes=(ProcessRule(1, 1, ALL_EVENTS),), invert_process=True), 0),
        (
            SIGNAL,
            Rules(processes=(ProcessRule(1, 1, ALL_EVENTS),), invert_process=True, instigator_votes=True),
            2,
        ),
        (OPEN._replace(name="hover", targets=()), Rules(), 0),
        (OPEN._replace(name="hover", targets=()), Rules(subscribe=frozenset(["open"])), 1),
        (OPEN._replace(name="hover", targets=()), Rules(subscribe=frozenset(["hover"])), 0),
        (OPEN._replace(name="hover", targets=()), Rules(paths=(path(PREFIX, b"/", "hover"),)), 3),
    ],
)
def test_vectors(met: Event, rules: Rules, outcome: int) -> None:
    assert stage(rules, met) == outcome
    core = filled([met.line()])
    core.judge(rules)
    assert stages(core) == [outcome]


INSTIGATORS = {
    "authorization_petition": {"petitioner": {"audit_token": [0, 0, 0, 0, 0, 2, 0, 2]}},
    "authorization_judgement": {"petitioner_token": {"pid": 2, "pidversion": 2}},
    "authentication": {"data": {"touchid": {"instigator": {"audit_token": {"pid": 2, "pidversion": 2}}}}},
    "tcc_modify": {
        "instigator": {"audit_token": {"pid": 2}},
        "instigator_token": {"pid": 2, "pidversion": 2},
    },
    "od_create_user": {"instigator": None, "instigator_token": {"pid": 2, "pidversion": 2}},
}
NONE = {
    "authorization_petition": {"instigator": {"audit_token": {"pid": 2, "pidversion": 2}}},
    "exec": {"instigator": {"audit_token": {"pid": 2, "pidversion": 2}}},
    "signal": {"instigator": {"audit_token": {"pid": 2}}},
    "hover": {"instigator_token": {"pid": 2, "pidversion": 2}},
}


@pytest.mark.parametrize(
    ("payloads", "outcome"), [(INSTIGATORS, 2), (NONE, 0)], ids=["an instigator", "no instigator"]
)
def test_where_the_instigator_stands(payloads: dict[str, Any], outcome: int) -> None:
    rule = ProcessRule(2, 2, ALL_EVENTS)
    core = filled(orjson.dumps({"event": {name: payload}}) for name, payload in payloads.items())
    core.judge(Rules(processes=(rule,), instigator_votes=True))
    assert stages(core) == [outcome] * len(payloads)
    assert core.hits(rule).count == (len(payloads) if outcome else 0)
    core.judge(Rules(processes=(rule,)))
    assert stages(core) == [0] * len(payloads)
    assert core.hits(rule).count == 0


@given(st.lists(lines, max_size=6))
def test_the_instigator_votes_wherever_it_stands(given_lines: list[bytes]) -> None:
    processes = list(itertools.product(range(6), range(6)))
    core = filled(given_lines)
    core.judge(
        Rules(processes=tuple(ProcessRule(*each, ALL_EVENTS) for each in processes), instigator_votes=True)
    )
    for row in rows(core):
        if row.kind == KIND_EVENT:
            [(name, payload)] = orjson.loads(given_lines[row.n - 1])["event"].items()
            voters = (row.pid, row.pidversion), instigator_of(name, payload)
            assert row.stage == (2 if any(voter in processes for voter in voters) else 0)


def test_verdicts_outlive_the_strings_they_were_made_for() -> None:
    """Paths come, go with the rows that held them, and come again: each time they are judged right."""
    rules = Rules(paths=tuple(path(PREFIX, f"/x/{digit}".encode()) for digit in range(0, 10, 2)))
    core = open_core(budget=1 << 20)
    core.judge(rules)
    stream = core.add_stream(owned=False)
    for _ in range(3):
        for number in range(2000):
            core.ingest(stream, event(executable=f"/x/{number}", a="x" * 600) + b"\n")
        for row in rows(core):
            assert row.stage == (3 if str(row.executable)[3] in "02468" else 0)


def test_ten_thousand_rules() -> None:
    rules = Rules(
        paths=tuple(
            path(number % 2 * 2 + (number % 3 == 0), f"/{number % 2}/{number}/".encode())
            for number in range(10_000)
        )
    )
    met = [
        Event("open", 1, 1, f"/0/{number}/x", (f"/1/{number + 1}/" + "y" * (number % 2),), None)
        for number in range(0, 11_000, 137)
    ]
    core = filled(each.line() for each in met)
    core.judge(rules)
    assert stages(core) == [stage(rules, each) for each in met]
