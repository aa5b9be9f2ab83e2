from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.muting import path_bytes
from estui.plan import Entry, MutePath, MuteProcess, Plan
from estui.record import Row
from estui.tui.mute_entry import (
    TYPES,
    Match,
    Subject,
    call_words,
    check,
    entry_of,
    escape,
    event_choices,
    parents,
    subjects,
    unescape,
    warnings,
)
from tests.cores import event, filled

paths = st.binary(min_size=1, max_size=40).map(lambda raw: raw.decode("utf-8", "surrogateescape"))


def row(name: str, *targets: str, executable: str | None = "/bin/zsh") -> Row:
    found = filled([event(name, *targets, pid=812, pidversion=2846, executable=executable)]).row(0)
    assert found is not None
    return found


def outline(found: tuple[Subject, ...]) -> list[tuple[str, str, list[str]]]:
    return [(one.key, one.label, [f"{match.type} {match.path}" for match in one.matches]) for one in found]


def test_one_target() -> None:
    assert outline(subjects(row("open", "/private/var/log/x.log"))) == [
        (
            "t",
            "target",
            [
                "TARGET_LITERAL /private/var/log/x.log",
                "TARGET_PREFIX /private/var/log/",
                "TARGET_PREFIX /private/var/",
                "TARGET_PREFIX /private/",
                "TARGET_PREFIX /",
            ],
        ),
        ("x", "executable", ["LITERAL /bin/zsh", "PREFIX /bin/", "PREFIX /"]),
        ("o", "process", ["PROCESS 812.2846"]),
    ]


def test_two_targets_are_muted_together_by_what_they_share() -> None:
    found = outline(subjects(row("rename", "/private/tmp/a/f1", "/private/tmp/f2")))
    assert found[0] == (
        "b",
        "both targets",
        ["TARGET_PREFIX /private/tmp/", "TARGET_PREFIX /private/", "TARGET_PREFIX /"],
    )
    assert [one[:2] for one in found[1:]] == [
        ("t", "target 1"), ("t", "target 2"), ("x", "executable"), ("o", "process"),
    ]  # fmt: skip
    assert [one[1] for one in outline(subjects(row("rename", "/a", "/a")))] == [
        "target",
        "executable",
        "process",
    ]


def test_an_event_that_has_nothing() -> None:
    empty = filled([b'{"event":{"exit":{}}}']).row(0)
    assert empty is not None
    assert subjects(empty) == ()


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/", []),
        ("/a", ["/"]),
        ("/a/", ["/"]),
        ("/a/b", ["/a/", "/"]),
        ("a/b", []),
        ("", []),
        ("//a//b", ["//a//", "//a/", "//", "/"]),
    ],
)
def test_parents(path: str, found: list[str]) -> None:
    assert parents(path) == found


def test_events_to_choose_from() -> None:
    target = Match("TARGET_LITERAL", "/a")
    assert event_choices(row("open", "/a"), target) == (("open",), None)
    assert event_choices(row("fork"), target) == (None,)
    assert event_choices(row("fork"), Match("LITERAL", "/a")) == (("fork",), None)
    assert event_choices(row("no_such_event"), Match("LITERAL", "/a")) == (None,)


@given(path=paths)
def test_any_path_can_be_edited_and_stays_what_it_is(path: str) -> None:
    assert path_bytes(unescape(escape(path))) == path_bytes(path)


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        ("/plain", "/plain"),
        ("/\\x1b[2J", "/\x1b[2J"),
        ("/\\\\x1b", "/\\x1b"),
        ("/\\xff", "/\udcff"),
        ("/\\u202e\\n", "/\u202e\n"),
        ("/\\xc3\\xa9", "/é"),
        ("/\\U0001f600", "/😀"),
    ],
)
def test_escapes(typed: str, path: str) -> None:
    assert unescape(typed) == path


@pytest.mark.parametrize("typed", ["\\", "a\\q", "\\x1", "\\ud800", "\\U00110000", "\\udcff"])
def test_wrong_escapes(typed: str) -> None:
    with pytest.raises(ValueError, match=r"backslash|no character"):
        unescape(typed)


@pytest.mark.parametrize(
    ("kind", "what", "events", "entry"),
    [
        ("LITERAL", "/bin/zsh", "all", MutePath("LITERAL", "/bin/zsh")),
        ("PREFIX", "/bin/", "", MutePath("PREFIX", "/bin/")),
        (
            "TARGET_PREFIX",
            "/a\\xff",
            "open, close open",
            MutePath("TARGET_PREFIX", "/a\udcff", ("open", "close")),
        ),
        ("LITERAL", "/a", "ES_EVENT_TYPE_AUTH_EXEC", MutePath("LITERAL", "/a", ("ES_EVENT_TYPE_AUTH_EXEC",))),
        ("PROCESS", " 812.2846 ", "fork", MuteProcess(812, 2846, ("fork",))),
    ],
)
def test_what_is_typed_becomes_an_entry(kind: str, what: str, events: str, entry: Entry) -> None:
    assert check(kind, what, events).entry == entry
    assert check(kind, what, events).error == ""


@pytest.mark.parametrize(
    ("kind", "what", "events", "words"),
    [
        ("LITERAL", "", "all", "write a path"),
        ("LITERAL", "/a", "opn", "opn is not an event type; the nearest is open"),
        ("LITERAL", "/a", "\x1b[2J", "\\x1b[2J is not an event type"),
        ("LITERAL", "/a\\", "all", "a backslash begins an escape"),
        ("PROCESS", "812", "all", "write a process as pid.pidversion"),
        ("PROCESS", "٣.٣", "all", "write a process as pid.pidversion"),
        ("PROCESS", "99999999999.1", "all", "pid: "),
    ],
)
def test_what_is_wrong_is_said(kind: str, what: str, events: str, words: str) -> None:
    checked = check(kind, what, events)
    assert checked.entry is None
    assert words in checked.error


@pytest.mark.parametrize("kind", TYPES)
def test_nothing_typed_is_an_exception(kind: str) -> None:
    for what in ("", ".", "/", "\\", "1.", ".1", "\x00", "1.1.1", "-1.2", "/\udcff"):
        for events in ("", "all", "all open", ",", "\x00", "open open"):
            check(kind, what, events)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (
            MutePath("TARGET_PREFIX", "/private/x/", ("fork", "exit")),
            ["fork, exit: no target paths, so it matches nothing"],
        ),
        (
            MutePath("TARGET_PREFIX", "/x/", ("fork", "open")),
            ["fork: no target paths, so it matches the others only"],
        ),
        (
            MutePath("PREFIX", "/tmp/"),
            ["/tmp is a link: events carry /private/tmp/, so this matches nothing"],
        ),
        (MutePath("LITERAL", "/etc"), ["/etc is a link: events carry /private/etc, so this matches nothing"]),
        (MutePath("LITERAL", "/variety"), []),
        (MutePath("PREFIX", "/bin"), ["a prefix without a / at its end: it matches /bin… beside it, too"]),
        (MutePath("PREFIX", "/"), []),
        (MutePath("LITERAL", "/bin/"), ["event paths do not end with /, so this matches nothing"]),
        (MutePath("LITERAL", "bin"), ["event paths begin with /, so this matches nothing"]),
        (
            MutePath("PREFIX", "/System/Volumes/Data/Users/"),
            ["events carry /Users/, without /System/Volumes/Data"],
        ),
        (MutePath("LITERAL", "/a\0b"), ["a real es_mute_path() would end the path at its NUL"]),
        (MuteProcess(1, 2), []),
    ],
)
def test_warnings(entry: Entry, words: list[str]) -> None:
    assert list(warnings(entry)) == words


def test_warnings_of_the_plan() -> None:
    entry = MutePath("TARGET_PREFIX", "/x/")
    plan = Plan(invert_target_path=True, paths=(entry,))
    assert list(warnings(entry, plan)) == [
        "this dimension is inverted: the entry does not mute, it selects what is delivered",
        "the plan has this entry already",
    ]
    assert list(warnings(MutePath("PREFIX", "/x/"), plan)) == []
    disabled = MutePath("TARGET_PREFIX", "/x/", enabled=False)
    assert list(warnings(entry, Plan(paths=(disabled,)))) == ["the plan has this entry, disabled"]


def test_calls_by_their_names() -> None:
    assert call_words(MutePath("PREFIX", "/a\x1b")) == 'es_mute_path("/a\\x1b", PREFIX)'
    assert (
        call_words(MutePath("PREFIX", "/a", ("open", "exec")))
        == 'es_mute_path_events("/a", PREFIX, {open, exec})'
    )
    assert call_words(MuteProcess(1, 2)) == "es_mute_process(1.2)"
    assert entry_of(Match("PROCESS", "1.2"), ("exec",)) == MuteProcess(1, 2, ("exec",))
