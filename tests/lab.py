"""Plans and events for the tests of the lab: few paths, close to each other, so that rules meet."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from estui.muting import Subject
from estui.plan import MutePath, MuteProcess, Plan
from tests import lines  # noqa: F401  (the hypothesis profile)
from tests.cores import event

EVENTS = ("open", "rename", "signal", "fork", "lookup", "od_create_user", "from_the_future")
KNOWN = EVENTS[:-1]
COUNT = {"open": 1, "rename": 2, "signal": 1}
"""Targets of each type."""
PATHS = (
    "/a",
    "/a/",
    "/a/b",
    "/ab",
    "/\udcff",
    "/\udcff\u00e9",
    "/\x1b[31m\u202e[/foo]",
    "/Users/x/L/",
    "/Users/",
)
TOKENS = st.tuples(st.integers(1, 3), st.integers(1, 2))
SOME = st.none() | st.lists(st.sampled_from(KNOWN), min_size=1, max_size=3).map(tuple)
MUTED_PATHS = st.builds(
    MutePath,
    st.sampled_from(["PREFIX", "LITERAL", "TARGET_PREFIX", "TARGET_LITERAL"]),
    st.sampled_from(PATHS),
    SOME,
    st.sampled_from([True, True, True, False]),
)
MUTED_PROCESSES = TOKENS.flatmap(
    lambda token: st.builds(MuteProcess, st.just(token[0]), st.just(token[1]), SOME, st.booleans())
)
FLAGS = st.sampled_from([False, False, False, True])
PLANS = st.builds(
    Plan,
    subscribe=st.none() | st.lists(st.sampled_from(EVENTS), min_size=4).map(tuple),
    default_mute_set=st.sampled_from(["none", "none", "macos26"]),
    instigator_votes=st.booleans(),
    invert_process=FLAGS,
    invert_path=FLAGS,
    invert_target_path=FLAGS,
    paths=st.lists(MUTED_PATHS, max_size=6).map(tuple),
    processes=st.lists(MUTED_PROCESSES, max_size=3).map(tuple),
)


@st.composite
def _subjects(draw: Any) -> Subject:
    event = draw(st.sampled_from(EVENTS))
    most = COUNT.get(event, 0)
    targets = draw(st.lists(st.sampled_from(PATHS), min_size=draw(st.integers(0, most)), max_size=most))
    instigator = draw(st.none() | TOKENS) if event in {"signal", "od_create_user"} else None
    return Subject(
        event, draw(st.none() | TOKENS), instigator, draw(st.none() | st.sampled_from(PATHS)), tuple(targets)
    )


SUBJECTS = _subjects()

_CLOSE = ("/a", "/a/", "/a/b", "/\udcff", "/\x1b[31m\u202e[/foo]")
_COMMON = ("open", "rename", "rename", "signal", "fork", "from_the_future")
_FEW = st.tuples(st.integers(1, 2), st.just(1))
CLOSE_PLANS = st.builds(
    Plan,
    subscribe=st.sampled_from([None, None, None, ("open", "rename"), ("signal", "from_the_future")]),
    instigator_votes=st.booleans(),
    invert_process=FLAGS,
    invert_path=FLAGS,
    invert_target_path=FLAGS,
    paths=st.lists(
        st.builds(
            MutePath,
            st.sampled_from(["PREFIX", "LITERAL", "TARGET_PREFIX", "TARGET_PREFIX", "TARGET_LITERAL"]),
            st.sampled_from(_CLOSE),
            st.sampled_from([None, None, ("open",), ("rename", "signal")]),
            st.sampled_from([True, True, True, False]),
        ),
        min_size=3,
        max_size=6,
    ).map(tuple),
    processes=st.lists(
        st.builds(
            MuteProcess,
            st.integers(1, 2),
            st.just(1),
            st.sampled_from([None, ("signal",), ("open", "signal")]),
        ),
        max_size=2,
    ).map(tuple),
)
"""Plans of entries that mean the same events over and over."""


@st.composite
def _close_subjects(draw: Any) -> Subject:
    event = draw(st.sampled_from(_COMMON))
    most = COUNT.get(event, 0)
    targets = draw(st.lists(st.sampled_from(_CLOSE), min_size=most, max_size=most))
    instigator = draw(st.none() | _FEW) if event == "signal" else None
    process, executable = draw(st.none() | _FEW), draw(st.sampled_from([None, "/usr", *_CLOSE]))
    return Subject(event, process, instigator, executable, tuple(targets))


CLOSE_SUBJECTS = _close_subjects()
"""The events they mean."""


def line_of(subject: Subject, **members: Any) -> bytes:
    """The line of an event that is decided like this."""
    pid, pidversion = subject.process or (None, None)
    return event(
        subject.event,
        *subject.targets,
        pid=pid,
        pidversion=pidversion,
        executable=subject.executable,
        instigator=subject.instigator,
        **members,
    )
