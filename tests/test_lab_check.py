"""Expectations: files that say where they are wrong, what each of them finds, and the report in its three forms."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.lab.check import (
    EXAMPLES,
    AtMost,
    Checker,
    Expectations,
    ExpectError,
    Must,
    Report,
    Result,
    check,
    document,
    find,
    junit,
    lines,
    load,
    loads,
)
from estui.lab.keep import Expression
from estui.lab.places import loads as places
from estui.plan import MutePath, MuteProcess, Plan
from tests.cores import event, filled, rows

HEAD = "[check]\nformat = 1\n"
HOSTILE = "/\x1b]0;x\x07\u202e\n[/foo]\udcff"
QUIET = Plan(paths=(MutePath("TARGET_PREFIX", "/a/"),))


def time(second: float) -> str:
    return f"2026-01-01T00:00:{second:012.9f}Z"


def results(plan: Plan, expectations: Expectations, *given_lines: bytes) -> list[tuple[bool, str]]:
    core = filled(given_lines)
    report = check(plan, core, expectations)
    core.close()
    assert report.ok is all(result.ok for result in report.results)
    return [(result.ok, result.words) for result in report.results]


def test_every_key_is_read() -> None:
    found = loads(
        """
        [check]
        format = 1
        name = "soc"
        coverage = ["launch-agents"]
        [[delivered]]
        name = "host files"
        events = ["write", "ES_EVENT_TYPE_NOTIFY_RENAME"]
        target_prefix = "/private/etc/"
        target_literal_bytes = "2f707269766174652f6574632fff"
        executable_prefix = "/opt/"
        executable_literal = "/opt/x"
        pid = 1
        pidversion = 2
        at_least = 0
        [[suppressed]]
        target_prefix = "/dev/"
        [[at_most]]
        name = "all"
        per_second = 10
        in_a_second = 200
        share = 0.25
        [[at_most]]
        events = ["open"]
        per_second = 0.5
        """
    )
    what = Expression(
        ("write", "rename"), "/private/etc/", "/private/etc/\udcff", "/opt/", "/opt/x", 1, 2, "host files"
    )
    assert found == Expectations(
        (Must(what, True, 0), Must(Expression(target_prefix="/dev/"), False)),
        (AtMost(None, "all", 10, 200, 0.25), AtMost(Expression(("open",)), "", 0.5)),
        ("launch-agents",),
        "soc",
    )
    assert [place.id for place in found.places] == ["launch-agents"]
    assert loads(HEAD) == Expectations()
    own = places('[coverage]\nformat = 1\n[[place]]\nid = "secrets"\npaths = ["/s/"]')
    assert loads(HEAD + 'coverage = ["secrets"]', more=own).places == own


@pytest.mark.parametrize(
    ("text", "place", "near"),
    [
        ("", "[check]", "begin with [check]"),
        ("[check]\nformat = 2", "[check]: format", "the nearest is 1"),
        (HEAD + "[[deliverd]]", "deliverd", "the nearest is delivered"),
        (HEAD + 'coverage = ["launch-agent"]', "[check]: coverage", "the nearest is launch-agents"),
        (HEAD + "[[delivered]]", "[[delivered]] 1: events", "name event types"),
        (HEAD + '[[delivered]]\nevents = ["opne"]', "[[delivered]] 1: events", "the nearest is open"),
        (HEAD + '[[suppressed]]\nevents = ["open"]\nat_least = -1', "[[suppressed]] 1: at_least", "0"),
        (
            HEAD + '[[suppressed]]\nevents = ["open"]\nshare = 0.1',
            "[[suppressed]] 1: share",
            "share in [[at_most]]",
        ),
        (HEAD + "[[at_most]]", "[[at_most]] 1: per_second", "one of per_second"),
        (HEAD + "[[at_most]]\nshare = 1.5", "[[at_most]] 1: share", "the nearest is 1"),
        (HEAD + "[[at_most]]\nshare = nan", "[[at_most]] 1: share", "larger than"),
        (HEAD + f"[[at_most]]\nper_second = 1{'0' * 400}", "[[at_most]] 1: per_second", "larger than"),
        (
            HEAD + '[[at_most]]\nper_second = "1"',
            "[[at_most]] 1: per_second",
            "a decimal number, not a string",
        ),
        (HEAD + "[[at_most]]\nin_a_second = 1.0", "[[at_most]] 1: in_a_second", "the nearest is 1"),
        (HEAD + "[[at_most]]\nper_second = -0.5", "[[at_most]] 1: per_second", "0 or more"),
        (HEAD + "\x00", "c.toml", "not TOML"),
    ],
)
def test_a_wrong_file_says_where_and_what_instead(text: str, place: str, near: str) -> None:
    with pytest.raises(ExpectError) as caught:
        loads(text, "c.toml")
    words = str(caught.value)
    assert words.startswith("c.toml: ")
    assert place in words
    assert near in words
    assert words.isprintable()
    assert len(words) < 400


def test_what_must_be_delivered_or_suppressed() -> None:
    given_lines = [event("open", "/a/1"), event("open", "/b/2"), event("stat", "/a/3"), b"no event"]
    opened, in_a = Expression(("open",)), Expression(target_prefix="/a/")
    expectations = Expectations(
        (
            Must(opened, delivered=True),
            Must(in_a, delivered=False),
            Must(opened, delivered=False),
            Must(Expression(("exec",)), delivered=True),
            Must(Expression(("exec",)), delivered=True, at_least=0),
            Must(in_a, delivered=False, at_least=3),
        )
    )
    assert results(QUIET, expectations, *given_lines) == [
        (False, "1 of 2 suppressed"),
        (True, "all of 2"),
        (False, "1 of 2 delivered"),
        (False, "only 0 such events, and at least 1 are needed to tell"),
        (True, "all of 0"),
        (False, "only 2 such events, and at least 3 are needed to tell"),
    ]


def test_a_failure_shows_the_line_and_the_rule() -> None:
    core = filled([b"no event", event("rename", "/a/1", HOSTILE), event("open", "/a/1")])
    report = check(
        Plan(paths=(MutePath("TARGET_PREFIX", "/"),)),
        core,
        Expectations((Must(Expression(("rename",)), True),)),
    )
    [result] = report.results
    assert result.details == (
        f"line 2 rename /a/1 → {HOSTILE}: suppressed at target path by TARGET_PREFIX /",
    )
    assert all(line.isprintable() for line in lines(report))
    core.close()


def test_instigators_vote() -> None:
    signal = event("signal", "/bin/x", pid=1, pidversion=1, instigator=(5, 5))
    plan = Plan(processes=(MuteProcess(5, 5),), instigator_votes=True)
    expectations = Expectations((Must(Expression(("signal",)), delivered=False),))
    assert results(plan, expectations, signal) == [(True, "all of 1")]
    assert results(replace(plan, instigator_votes=False), expectations, signal) == [
        (False, "1 of 1 delivered")
    ]


def test_how_much_may_be_delivered() -> None:
    given_lines = [event("open", f"/b/{n}", time=time(n / 2)) for n in range(21)]
    given_lines += [event("stat", "/a/x", time=time(3.25))] * 9
    expectations = Expectations(
        limits=(
            AtMost(per_second=2.1),
            AtMost(per_second=2.09),
            AtMost(in_a_second=2),
            AtMost(in_a_second=1),
            AtMost(share=0.7),
            AtMost(share=0.69),
            AtMost(Expression(("stat",)), share=0.0, per_second=0, in_a_second=0),
            AtMost(Expression(("exec",)), share=0.0),
        )
    )
    found = results(QUIET, expectations, *given_lines)
    assert [ok for ok, _ in found] == [True, False, True, False, True, False, True, True]
    assert found[0][1] == "2.1 per second, at most 2.1"
    assert found[3][1] == "2 in the busiest second, at most 1"
    assert found[5][1] == "0.7000 of 30, at most 0.69"


def test_no_rate_without_times() -> None:
    expectations = Expectations(limits=(AtMost(per_second=100), AtMost(share=1)))
    no_rate = (False, "no two events have different times, so there is no rate")
    assert results(QUIET, expectations, event("open", "/b"))[0] == no_rate
    assert results(QUIET, expectations)[0] == no_rate
    assert results(QUIET, expectations)[1] == (True, "0.0000 of 0, at most 1")


def test_places_stay_delivered() -> None:
    expectations = Expectations(coverage=("launch-daemons", "cron"))
    core = filled([])
    report = check(Plan(paths=(MutePath("TARGET_PREFIX", "/Library/"),)), core, expectations)
    assert [(result.name, result.ok) for result in report.results] == [
        ("Launch daemons", False),
        ("cron and at", True),
    ]
    assert "TARGET_PREFIX /Library/" in report.results[0].details[0]
    assert check(Plan(), core, expectations).ok
    core.close()


def test_several_sources_add_up() -> None:
    checker = Checker(QUIET, Expectations((Must(Expression(("open",)), True, 4),), (AtMost(per_second=1),)))
    for start in (0, 30):
        core = filled([event("open", "/b", time=time(start)), event("open", "/b", time=time(start + 4))])
        checker.take(core, [(0, 1), (1, 2)], f"day{start}")
        core.close()
    report = checker.report()
    assert report.ok
    assert (report.events, report.results[1].words) == (4, "0.5 per second, at most 1")


PATH = st.sampled_from(["/a/x", "/a/", "/b", HOSTILE])


@given(
    st.lists(st.tuples(st.sampled_from(["open", "rename", "fork"]), PATH, PATH), max_size=20),
    st.lists(st.sampled_from(["/a/", "/b", "/"]), max_size=2),
    st.booleans(),
)
def test_the_muting_engine_decides(made: list[tuple[str, str, str]], muted: list[str], must: bool) -> None:
    core = filled(event(name, *paths) for name, *paths in made)
    plan = Plan(paths=tuple(MutePath("TARGET_PREFIX", path) for path in muted))
    what = Expression(("open", "rename"), target_prefix="/a")
    report = check(plan, core, Expectations((Must(what, must, 0),)))
    mutes = plan.mute_set()
    verdicts = [mutes.decide_row(row).delivered for row in rows(core)]
    held = [verdict for row, verdict in zip(rows(core), verdicts, strict=True) if what.holds(row)]
    assert report.ok is all(verdict is must for verdict in held)
    assert (report.events, report.delivered) == (len(made), sum(verdicts))
    core.close()


# The report


REPORT = Report(
    HOSTILE,
    5,
    2,
    (
        Result("coverage", "Cron", True, "delivered"),
        Result("delivered", HOSTILE, False, 'a "b" <c> & \x00', (HOSTILE, "]]>")),
        Result("at most", "rate", True, "fine"),
    ),
)


def test_the_report_in_words() -> None:
    found = list(lines(REPORT))
    assert all(line.isprintable() for line in found)
    assert found[0].startswith("FAILED  delivered   /\\x1b]0;x")
    assert found[-2:] == ["ok      coverage    1 places delivered", "1 of 3 failed; 2 of 5 events delivered"]


def test_the_report_as_junit_and_json() -> None:
    suite = ElementTree.fromstring(junit(REPORT))
    assert (suite.tag, suite.get("tests"), suite.get("failures")) == ("testsuite", "3", "1")
    cases = suite.findall("testcase")
    assert [(case.get("classname"), case.find("failure") is None) for case in cases] == [
        ("coverage", True),
        ("delivered", False),
        ("at most", True),
    ]
    failure = cases[1].find("failure")
    assert failure is not None
    assert failure.get("message") == 'a "b" <c> & \\x00'
    assert failure.text == "/\\x1b]0;x\\x07\\u202e\\n[/foo]\\xff\n]]>"
    found = json.loads(json.dumps(document(REPORT)))
    assert (found["ok"], found["results"][1]["ok"], found["results"][0]["kind"]) == (False, False, "coverage")


def test_examples_that_ship() -> None:
    for name in EXAMPLES:
        assert load(find(name)).places
        assert find(name).is_file()
    with pytest.raises(ExpectError, match="the nearest is demo"):
        find("dmeo")
    assert find("./demo") == Path("./demo")
    with pytest.raises(ExpectError, match="no such file"):
        load(find("./none.toml"))
