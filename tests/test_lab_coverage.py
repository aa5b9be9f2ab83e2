"""Coverage: places and their patterns, and verdicts that are those of the events that represent a place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.events import NOTIFY
from estui.lab.coverage import BLIND, DELIVERED, PARTLY, Covered, Judge, Tally, coverage, document, lines
from estui.lab.places import CHANGES, Pattern, Place, PlaceError, built_in, joined, load, loads
from estui.muting import Subject, Verdict
from estui.plan import EXAMPLES, MutePath, MuteProcess, Plan, find_plan
from estui.plan import load as load_plan
from estui.sources.scenario.scenes.trouble import PLIST
from tests.cores import event, filled, rows
from tests.lab import PATHS, PLANS

HEAD = "[coverage]\nformat = 1\n"
PLACE = HEAD + '[[place]]\nid = "x"\npaths = ["/a/"]\n'
AGENTS = next(place for place in built_in() if place.id == "launch-agents")
DAEMONS = next(place for place in built_in() if place.id == "launch-daemons")
CRON = next(place for place in built_in() if place.id == "cron")
HOSTILE = "\x1b]0;x\x07\u202e\n[/foo]\udcff"


def judged(place: Place, *paths: MutePath, **rest: object) -> Covered:
    [found] = coverage(replace(Plan(), **rest, paths=paths), [place])  # type: ignore[arg-type]
    return found


# Patterns


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("/a/", ["/a/b", "/a/b/c", "/a/\n", "/a/\udcff"], ["/a", "/a/", "/ab", "/b/a/c"]),
        ("/a", ["/a"], ["/a/", "/ab", "/"]),
        ("/U/*/L/", ["/U/x/L/y", "/U/\udcff\x1b/L/y"], ["/U/x/L", "/U/x/L/", "/U/x/y/L/z", "/U//L/y"]),
        ("/U/*/l*", ["/U/x/lo", "/U/x/l\n"], ["/U/x/l", "/U/x/lo/x", "/U/x/"]),
        ("/a/*", ["/a/b"], ["/a/", "/a/b/c"]),
        ("/[.]+/", ["/[.]+/x"], ["/./x", "/.../x"]),
    ],
)
def test_patterns(pattern: str, inside: list[str], outside: list[str]) -> None:
    found = Pattern(pattern)
    assert [path for path in inside + outside if found.matches(path)] == inside
    assert found.matches(found.example("anything"))


@pytest.mark.parametrize(
    ("rule", "prefix", "met"),
    [
        ("/", True, "/Users/X/L/X"),
        ("/Users/alex/", True, "/Users/alex/L/X"),
        ("/Users/al", True, "/Users/alX/L/X"),
        ("/Users/alex", False, None),
        ("/Users/alex/L/", False, None),
        ("/Users/alex/L/f", False, "/Users/alex/L/f"),
        ("/Users/alex/L/f", True, "/Users/alex/L/fX"),
        ("/Users/alex/L/f/g", True, "/Users/alex/L/f/gX"),
        ("/Users/alex/Lib", True, None),
        ("/Users//L/", True, None),
        ("/private/", True, None),
        ("/Users/\udcff", True, "/Users/\udcffX/L/X"),
    ],
)
def test_where_a_rule_meets_a_place(rule: str, prefix: bool, met: str | None) -> None:
    assert Pattern("/Users/*/L/").meeting(rule, "X", prefix=prefix) == met


PATTERNS = st.sampled_from(["/", "/a", "/a/", "/a/*", "/*/b", "/*/*/", "/Users/*/L/", "/Users/*", "/ab*"])


@given(PATTERNS, st.sampled_from(PATHS), st.booleans())
def test_a_path_where_they_meet_is_of_both(pattern: str, rule: str, prefix: bool) -> None:
    found = Pattern(pattern)
    met = found.meeting(rule, "anything", prefix=prefix)
    if met is None:
        assert not found.matches(rule)
        return
    assert found.matches(met)
    raw, own = (text.encode("utf-8", "surrogateescape") for text in (met, rule))
    assert raw.startswith(own) if prefix else raw == own


# Verdicts


@st.composite
def places(draw: Callable[[st.SearchStrategy[str]], str]) -> Place:
    names = ["open", "rename", "signal", "fork", "od_create_user"]
    events = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))  # type: ignore[arg-type]
    paths = draw(st.lists(PATTERNS, max_size=2))  # type: ignore[arg-type]
    if not any(NOTIFY[event].supports_targets for event in events):
        paths = ""
    return Place("x", "x", tuple(events), tuple(paths))


@given(PLANS, places())
def test_a_verdict_is_that_of_the_events_that_represent_the_place(plan: Plan, place: Place) -> None:
    judge = Judge(plan)
    subjects = list(judge.representatives(place))
    mutes = plan.mute_set()
    verdicts = {subject: mutes.decide_subject(subject) for subject in subjects}
    delivered = {verdict.delivered for verdict in verdicts.values()}
    assert judge.covered(place).status == (
        PARTLY if len(delivered) > 1 else DELIVERED if delivered == {True} else BLIND
    )
    blamed = {
        (b.stage, b.rule.label if b.rule else None, e) for b in judge.covered(place).blames for e in b.events
    }
    for subject, verdict in verdicts.items():
        assert place.holds(subject.event, subject.targets)
        if not verdict.delivered:
            assert (verdict.stage, verdict.rule, subject.event) in blamed


@given(
    PLANS,
    places(),
    st.sampled_from(PATHS),
    st.sampled_from(PATHS),
    st.none() | st.tuples(st.integers(1, 3), st.integers(1, 2)),
)
def test_no_event_of_a_delivered_place_is_hidden_and_none_of_a_blind_one_comes(
    plan: Plan, place: Place, executable: str, target: str, process: tuple[int, int] | None
) -> None:
    [covered] = coverage(plan, [place])
    if covered.status == PARTLY:
        return
    mutes = plan.mute_set()
    for name in place.events:
        targets: tuple[str, ...] = ()
        if NOTIFY[name].supports_targets:
            if not place.holds(name, (target,)):
                continue
            targets = (target, target) if name == "rename" else (target,)
        subject = Subject(name, process, None, executable, targets)
        assert mutes.decide_subject(subject).delivered is (covered.status == DELIVERED)


def test_nothing_is_hidden_by_an_empty_plan_and_everything_by_no_subscription() -> None:
    assert {found.status for found in coverage(Plan(), built_in())} == {DELIVERED}
    assert all(not found.blames for found in coverage(Plan(), built_in()))
    for found in coverage(Plan(subscribe=()), built_in()):
        assert found.status == BLIND
        assert [(blame.stage, blame.rule, blame.events) for blame in found.blames] == [
            ("subscription", None, found.place.events)
        ]


def test_a_muted_directory_and_the_rename_into_it() -> None:
    found = judged(DAEMONS, MutePath("TARGET_PREFIX", "/Library/LaunchDaemons/"))
    assert found.status == PARTLY, "a rename from elsewhere has a target that is not muted"
    [blame] = found.blames
    assert blame.rule
    assert (blame.rule.place, blame.events, blame.paths) == (
        "[[mute_path]] 1",
        DAEMONS.events,
        ("/Library/LaunchDaemons/",),
    )
    one = replace(DAEMONS, events=("create", "write"))
    assert judged(one, MutePath("TARGET_PREFIX", "/Library/")).status == BLIND
    assert judged(DAEMONS, MutePath("TARGET_PREFIX", "/")).status == BLIND
    assert judged(DAEMONS, MutePath("TARGET_PREFIX", "/Library/LaunchAgents/")).status == DELIVERED


def test_events_of_a_rule_and_a_part_of_a_place() -> None:
    found = judged(AGENTS, MutePath("TARGET_PREFIX", "/Users/alex/", ("write",)))
    assert found.status == PARTLY
    assert [(blame.events, blame.paths) for blame in found.blames] == [
        (("write",), ("/Users/*/Library/LaunchAgents/",))
    ]
    found = judged(AGENTS, MutePath("TARGET_LITERAL", "/Library/LaunchAgents/a.plist", ("create",)))
    assert [blame.paths for blame in found.blames] == [("/Library/LaunchAgents/a.plist",)]
    assert judged(AGENTS, MutePath("TARGET_PREFIX", "/Users/alex/", ("open", "stat"))).status == DELIVERED
    assert judged(AGENTS, MutePath("TARGET_PREFIX", "/Users/alex/", enabled=False)).status == DELIVERED


def test_programs_and_processes() -> None:
    found = judged(CRON, MutePath("PREFIX", "/usr/bin/", ("create",)))
    assert (found.status, found.by_others) == (PARTLY, DELIVERED)
    assert "only of what these programs or processes do" in "\n".join(lines(found))
    assert judged(CRON, MutePath("PREFIX", "/")).status == BLIND
    [one] = coverage(Plan(processes=(MuteProcess(1, 1),)), [CRON])
    assert (one.status, one.by_others) == (PARTLY, DELIVERED)
    found = judged(CRON, MutePath("LITERAL", "/usr/bin/crontab"), invert_path=True)
    assert (found.status, found.by_others) == (PARTLY, BLIND)
    assert "[invert] path" in "\n".join(lines(found))
    selected = Plan(
        paths=(MutePath("LITERAL", "/x"),),
        processes=(MuteProcess(1, 1),),
        invert_path=True,
        invert_process=True,
    )
    [one] = coverage(selected, [CRON])
    assert one.status == PARTLY, "that process, where it runs that program"


def test_inverted_targets() -> None:
    select = MutePath("TARGET_PREFIX", "/Library/LaunchDaemons/")
    assert judged(DAEMONS, select, invert_target_path=True).status == DELIVERED
    assert judged(AGENTS, select, invert_target_path=True).status == BLIND
    some = judged(DAEMONS, replace(select, events=("create",)), invert_target_path=True)
    assert some.status == PARTLY
    logins = next(place for place in built_in() if place.id == "logins")
    assert judged(logins, select, invert_target_path=True).status == DELIVERED


def test_an_instigator_with_a_vote() -> None:
    accounts = next(place for place in built_in() if place.id == "background-items")
    plan = Plan(instigator_votes=True, processes=(MuteProcess(1, 1),))
    assert [found.status for found in coverage(plan, [accounts])] == [PARTLY]
    subjects = list(Judge(plan).representatives(accounts))
    assert {(event.process, event.instigator) for event in subjects} >= {((1, 1), (1, 2)), ((1, 2), (1, 1))}


def test_names_that_rules_have_already() -> None:
    for rule in ("!", "a!", "!a"):
        found = MutePath("TARGET_PREFIX", f"/Library/LaunchDaemons/{rule}")
        assert judged(DAEMONS, found).status == PARTLY
    every_byte = "".join(map(chr, range(1, 128))) + "".join(map(chr, range(0xDC80, 0xDD00)))
    rules = (
        MutePath("TARGET_LITERAL", f"/{every_byte}"),
        MutePath("TARGET_PREFIX", "/Library/LaunchDaemons/1"),
    )
    assert coverage(Plan(paths=rules), [DAEMONS])[0].status == PARTLY


def test_a_rule_about_a_name_is_not_about_all_that_begin_like_it() -> None:
    anywhere = Place("x", "x", ("open",))
    assert judged(anywhere, MutePath("TARGET_PREFIX", "/a")).status == PARTLY
    assert judged(anywhere, MutePath("TARGET_PREFIX", "/")).status == BLIND
    agents = Place("y", "y", ("create",), paths=("/Users/*/Library/LaunchAgents/",))
    assert judged(agents, MutePath("TARGET_PREFIX", "/Users/a")).status == PARTLY


def test_counts_of_what_was_held() -> None:
    core = filled(
        [
            event("create", PLIST, executable="/bin/sh"),
            event("open", PLIST, executable="/bin/sh"),
            event("rename", "/private/tmp/x", "/Library/LaunchAgents/x", executable="/bin/mv"),
            event("create", "/Library/LaunchAgents", executable="/bin/sh"),
            b"no event",
        ]
    )
    plan = Plan(paths=(MutePath("TARGET_PREFIX", "/Users/alex/"),))
    mutes, tally = plan.mute_set(), Tally(built_in())
    tally.take((row, mutes.decide_row(row)) for row in rows(core) if row.event)
    held = tally.held[AGENTS]
    assert (held.events, held.hidden, held.by_event) == (2, 1, {"create": 1, "rename": 1})
    [covered] = coverage(plan, [AGENTS])
    assert "1 of 2 hidden" in next(lines(covered, held))
    assert document(covered, held)["hidden"] == 1
    core.close()


def test_words_are_safe_to_show() -> None:
    place = loads(HEAD + '[[place]]\nid = "x"\nname = "a\\u001b\\u202e"\npaths = ["/\\u001b[31m/"]')[0]
    plan = Plan(
        paths=(MutePath("TARGET_PREFIX", "/\x1b[31m/" + HOSTILE), MutePath("PREFIX", "/" + HOSTILE * 500))
    )
    [covered] = coverage(plan, [place])
    assert covered.status == PARTLY
    assert all(line.isprintable() and len(line) < 2000 for line in lines(covered))


# The list that ships, and lists of the user's own


def test_the_built_in_list() -> None:
    asked = """
        launch-agents launch-daemons background-items login-items cron periodic profiles tcc ssh-keys
        ssh-authorized-keys sudoers pam shell-startup browser-stores kernel-extensions xprotect logins remote-logins
    """
    assert {place.id for place in built_in()} >= set(asked.split())
    assert len({place.id for place in built_in()}) == len(built_in())
    assert sum(bool(place.attack) for place in built_in()) > len(built_in()) / 2
    assert AGENTS.holds("create", (PLIST,)), "the demo's planted launch agent"


def test_examples_are_judged() -> None:
    for name in EXAMPLES:
        assert len(coverage(load_plan(find_plan(name)), built_in())) == len(built_in())
    [daemons] = coverage(load_plan(find_plan("persistence-only")), [DAEMONS])
    assert daemons.status == DELIVERED


def test_a_list_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(
        HEAD + '[[place]]\nid = "cron"\npaths = ["/private/var/at/tabs/"]\n'
        '[[place]]\nid = "secrets"\nname = "Secrets"\nwhy = "x"\nattack = ["T1552"]\n'
        'events = ["open"]\npaths = ["/s/"]\n'
        '[[place]]\nid = "anywhere"\nevents = ["exec", "fork"]\n'
    )
    own = load(file)
    assert own[0] == Place("cron", "cron", CHANGES, ("/private/var/at/tabs/",))
    assert own[1] == Place("secrets", "Secrets", ("open",), ("/s/",), ("T1552",), "x")
    every = joined(built_in(), own)
    assert len(every) == len(built_in()) + 2
    assert next(place for place in every if place.id == "cron") == own[0]
    assert own[2].holds("exec", ("/anything",))
    assert own[2].holds("fork", ())


@pytest.mark.parametrize(
    ("text", "place", "near"),
    [
        ("", "[coverage]", "begin with [coverage]"),
        ("[coverage]\nformat = 2", "[coverage]: format", "the nearest is 1"),
        (HEAD + "[[places]]", "places", "the nearest is place"),
        (HEAD + "[place]", "place", "the nearest is [[place]]"),
        (HEAD + "[[place]]", "[[place]] 1: id", "required"),
        (HEAD + '[[place]]\nid = "x"', "[[place]] 1: events", "no paths"),
        (HEAD + '[[place]]\nid = "My Place"\npaths = ["/a"]', "[[place]] 1: id", "the nearest is my-place"),
        (HEAD + '[[place]]\nid = "\\u001b"\npaths = ["/a"]', "[[place]] 1: id", "no id"),
        (PLACE + '[[place]]\nid = "x"\npaths = ["/a/"]', "[[place]] 2: id", "there already"),
        (PLACE + 'path = "/b"', "[[place]] 1: path", "the nearest is paths"),
        (PLACE + "events = []", "[[place]] 1: events", "not be empty"),
        (PLACE + 'events = ["opne"]', "[[place]] 1: events", "the nearest is open"),
        (PLACE + 'events = ["ES_EVENT_TYPE_AUTH_OPEN"]', "[[place]] 1: events", "the nearest is open"),
        (PLACE + 'events = ["fork"]', "[[place]] 1: paths", "leave paths out"),
        (PLACE + 'attack = ["1543"]', "[[place]] 1: attack", "T1543"),
        (PLACE + "attack = [1543]", "[[place]] 1: attack", "strings, not an integer"),
        (HEAD + '[[place]]\nid = "x"\npaths = "/a"', "[[place]] 1: paths", 'the nearest is ["/a"]'),
        (HEAD + '[[place]]\nid = "x"\npaths = ["a\\u001b"]', "[[place]] 1: paths", "begin with /"),
        (HEAD + '[[place]]\nid = "x"\npaths = ["/etc/x"]', "[[place]] 1: paths", '"/private/etc/x"'),
        (HEAD + '[[place]]\nid = "x"\npaths = ["/a*b"]', "[[place]] 1: paths", "end a component"),
        ("x = " + "[" * 100_000, "p.toml", "nested too deeply"),
    ],
)
def test_a_wrong_list_says_where_and_what_instead(text: str, place: str, near: str) -> None:
    with pytest.raises(PlaceError) as caught:
        loads(text, "p.toml")
    words = str(caught.value)
    assert words.startswith("p.toml: ")
    assert place in words
    assert near in words
    assert words.isprintable()
    assert len(words) < 400


def test_files_that_are_no_lists(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none", "a\0b"):
        with pytest.raises(PlaceError):
            load(path)


def test_a_verdict_that_is_given_counts() -> None:
    tally = Tally([CRON])
    core = filled([event("create", "/private/var/at/x")])
    tally.take((row, Verdict(False, "path")) for row in rows(core))
    assert (tally.held[CRON].events, tally.held[CRON].hidden) == (1, 1)
    core.close()
