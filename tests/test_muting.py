"""The mute set against Apple's documented semantics: each statement once, and all against a naive reading."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.core import open_core
from estui.defaults import DEFAULT_MUTE_SETS
from estui.events import BY_C_NAME, EVENT_TYPES, NOTIFY
from estui.message import AuditToken, Message
from estui.muting import (
    EsReturn,
    MuteInversionType,
    MuteInverted,
    MutePathType,
    MuteSet,
    Verdict,
    event_mask,
    mask_events,
)
from estui.record import ALL_EVENTS, STAGES, UNKNOWN_BIT, PathRule, ProcessRule, Row

PREFIX, LITERAL, TARGET_PREFIX, TARGET_LITERAL = MutePathType
PROCESS, PATH, TARGET_PATH = MuteInversionType
SUCCESS, ERROR = EsReturn
DELIVERED = Verdict(True, None, None)


def line(
    event: str,
    payload: dict[str, Any] | None = None,
    process: tuple[int, int] | None = (12, 1),
    executable: str | None = "/bin/foo",
) -> bytes:
    data: dict[str, Any] = {"event": {event: payload or {}}, "process": {}}
    if process is not None:
        data["process"]["audit_token"] = {"pid": process[0], "pidversion": process[1]}
    if executable is not None:
        data["process"]["executable"] = {"path": executable}
    return json.dumps(data).encode()


def message(event: str, payload: dict[str, Any] | None = None, **rest: Any) -> Message:
    return Message(line(event, payload, **rest))


def opened(path: str, **rest: Any) -> Message:
    return message("open", {"file": {"path": path}}, **rest)


def renamed(source: str, destination: str) -> Message:
    return message(
        "rename", {"source": {"path": source}, "destination": {"existing_file": {"path": destination}}}
    )


def suppressed(stage: str, rule: str | None) -> Verdict:
    return Verdict(False, stage, rule)


# The decision: the test vectors, and what else is documented of it


@pytest.fixture
def header() -> MuteSet:
    """The header's own example: pid 12 muted and process muting inverted; /bin/bash muted, normally."""
    mutes = MuteSet()
    mutes.mute_process((12, 1))
    mutes.invert_muting(PROCESS)
    mutes.mute_path("/bin/bash", LITERAL)
    return mutes


def test_a_selected_process_is_delivered(header: MuteSet) -> None:
    assert header.decide(message("fork")) == DELIVERED


def test_a_process_not_selected_is_suppressed_by_the_absence_of_an_entry(header: MuteSet) -> None:
    assert header.decide(message("fork", process=(13, 1))) == suppressed("process", None)


def test_selecting_a_process_does_not_rescue_a_muted_path(header: MuteSet) -> None:
    assert header.decide(message("fork", executable="/bin/bash")) == suppressed("path", "LITERAL /bin/bash")


def test_one_of_two_targets_muted_is_delivered() -> None:
    mutes = MuteSet()
    mutes.mute_path("/A", TARGET_LITERAL)
    assert mutes.decide(renamed("/A", "/B")) == DELIVERED
    assert mutes.decide(renamed("/B", "/A")) == DELIVERED


def test_all_of_two_targets_muted_is_suppressed_by_what_matched_the_first() -> None:
    mutes = MuteSet()
    mutes.mute_path("/B", TARGET_LITERAL)
    mutes.mute_path("/A", TARGET_LITERAL)
    assert mutes.decide(renamed("/A", "/B")) == suppressed("target_path", "TARGET_LITERAL /A")


def test_inverted_any_target_muted_is_delivered() -> None:
    mutes = MuteSet()
    mutes.mute_path("/B", TARGET_LITERAL)
    mutes.invert_muting(TARGET_PATH)
    assert mutes.decide(renamed("/A", "/B")) == DELIVERED
    assert mutes.decide(opened("/C")) == suppressed("target_path", None)


@pytest.mark.parametrize("event", ["fork", "exit", "mount", "lookup"])
@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_types_without_targets_are_untouched_by_target_muting(event: str, path: str) -> None:
    mutes = MuteSet()
    mutes.mute_path(path, TARGET_PREFIX)
    assert mutes.decide(message(event, {"target": {"path": "/x"}})) == DELIVERED
    mutes.invert_muting(TARGET_PATH)
    assert mutes.decide(message(event, {"target": {"path": "/x"}})) == DELIVERED


def test_inverted_an_entry_for_another_type_does_not_select() -> None:
    mutes = MuteSet()
    mutes.mute_path_events("/D", TARGET_LITERAL, ["write"])
    mutes.invert_muting(TARGET_PATH)
    assert mutes.decide(opened("/D")) == suppressed("target_path", None)
    assert mutes.decide(message("write", {"target": {"path": "/D"}})) == DELIVERED


def test_a_supporting_type_that_carries_no_target_is_untouched() -> None:
    mutes = MuteSet()
    mutes.mute_path("/", TARGET_PREFIX)
    assert mutes.decide(message("proc_check", {"target": None})) == DELIVERED
    mutes.invert_muting(TARGET_PATH)
    assert mutes.decide(message("proc_check", {"target": None})) == DELIVERED


def test_no_entry_matches_what_an_event_lacks() -> None:
    mutes = MuteSet()
    mutes.mute_path("/", PREFIX)
    mutes.mute_process((12, 1))
    bare = message("fork", process=None, executable=None)
    assert mutes.decide(bare) == DELIVERED
    mutes.invert_muting(PATH)
    assert mutes.decide(bare) == suppressed("path", None)
    mutes.invert_muting(PROCESS)
    assert mutes.decide(bare) == suppressed("process", None)


def test_an_empty_set_suppresses_nothing_and_inverted_everything() -> None:
    for dimension, stage in ((PROCESS, "process"), (PATH, "path"), (TARGET_PATH, "target_path")):
        mutes = MuteSet()
        assert mutes.decide(opened("/C")) == DELIVERED
        mutes.invert_muting(dimension)
        assert mutes.decide(opened("/C")) == suppressed(stage, None)


def test_the_stages_come_in_order() -> None:
    mutes = MuteSet()
    mutes.mute_path("/C", TARGET_LITERAL)
    assert mutes.decide(opened("/C")) == suppressed("target_path", "TARGET_LITERAL /C")
    mutes.mute_path("/bin/", PREFIX)
    assert mutes.decide(opened("/C")) == suppressed("path", "PREFIX /bin/")
    mutes.mute_process((12, 1))
    assert mutes.decide(opened("/C")) == suppressed("process", "PROCESS 12.1")
    mutes.unsubscribe(["open"])
    assert mutes.decide(opened("/C")) == suppressed("subscription", None)


def test_an_unknown_type_is_delivered_where_everything_is_subscribed() -> None:
    mutes = MuteSet()
    assert mutes.decide(message("from_the_future")) == DELIVERED
    mutes.mute_path_events("/bin/foo", LITERAL, list(NOTIFY))
    assert mutes.decide(message("from_the_future")) == DELIVERED
    mutes.mute_path("/bin/foo", LITERAL)
    assert mutes.decide(message("from_the_future")) == suppressed("path", "LITERAL /bin/foo")
    mutes.unsubscribe([])
    assert mutes.decide(message("from_the_future")) == suppressed("subscription", None)


@pytest.mark.parametrize(
    ("path_type", "path", "executable", "matches"),
    [
        (PREFIX, "/bin", "/bin/ls", True),
        (PREFIX, "/bin", "/binary/x", True),
        (PREFIX, "/bin/", "/binary/x", False),
        (PREFIX, "/bin/", "/bin", False),
        (PREFIX, "/", "/anything", True),
        (LITERAL, "/bin/ls", "/bin/lsa", False),
        (LITERAL, "/bin/ls", "/bin/ls", True),
        (LITERAL, "/bin/LS", "/bin/ls", False),
        (LITERAL, "/e\u0301", "/\u00e9", False),
        (PREFIX, "/\udcc3", "/\u00e9", True),
        (TARGET_LITERAL, "/bin/ls", "/bin/ls", False),
        (TARGET_PREFIX, "/", "/bin/ls", False),
    ],
)
def test_matching_is_byte_for_byte_and_by_string_prefix(
    path_type: MutePathType, path: str, executable: str, matches: bool
) -> None:
    mutes = MuteSet()
    mutes.mute_path(path, path_type)
    assert mutes.decide(message("fork", executable=executable)).delivered is not matches


def test_the_first_entry_in_order_is_named() -> None:
    mutes = MuteSet()
    mutes.mute_path_events("/bin/foo", LITERAL, ["open"])
    mutes.mute_path("/bin", PREFIX)
    mutes.mute_path("/bin/foo", LITERAL)
    assert mutes.decide(opened("/C")).rule == "LITERAL /bin/foo"
    assert mutes.decide(message("fork")).rule == "PREFIX /bin"
    mutes.unmute_path("/bin", PREFIX)
    assert mutes.decide(message("fork")).rule == "LITERAL /bin/foo"


def test_a_mute_belongs_to_one_execution() -> None:
    mutes = MuteSet()
    mutes.mute_process((12, 1))
    assert mutes.decide(message("fork", process=(12, 2))) == DELIVERED


# Instigators


def petition(instigator: tuple[int, int], petitioner: tuple[int, int]) -> Message:
    tokens = {
        role: {"audit_token": dict(zip(("pid", "pidversion"), token, strict=True))}
        for role, token in (("instigator", instigator), ("petitioner", petitioner))
    }
    return message("authorization_petition", tokens)


def test_instigators_vote_only_if_asked() -> None:
    mutes = MuteSet()
    mutes.mute_process((7, 7))
    event = petition((1, 1), (7, 7))
    assert mutes.decide(event) == DELIVERED
    mutes.instigator_votes = True
    assert mutes.decide(event) == suppressed("process", "PROCESS 7.7")
    assert mutes.decide(petition((7, 7), (1, 1))) == DELIVERED, (
        "the petitioner has the role, not the instigator"
    )


def test_inverted_both_roles_must_be_named() -> None:
    mutes = MuteSet(instigator_votes=True)
    mutes.invert_muting(PROCESS)
    event = petition((1, 1), (7, 7))
    for token in ((7, 7), (12, 1)):
        assert mutes.decide(event) == suppressed("process", None)
        mutes.mute_process(token)
    assert mutes.decide(event) == DELIVERED
    assert mutes.decide(message("fork")) == DELIVERED, "fork has no instigator"


def test_of_two_muted_roles_the_first_entry_is_named() -> None:
    mutes = MuteSet(instigator_votes=True)
    mutes.mute_process((7, 7))
    mutes.mute_process((12, 1))
    assert mutes.decide(petition((1, 1), (7, 7))).rule == "PROCESS 7.7"


# The calls


def test_calls_merge_and_are_listed_by_type_and_path() -> None:
    mutes = MuteSet()
    assert mutes.mute_path_events("/a", LITERAL, ["open"]) is SUCCESS
    assert mutes.mute_path("/b", PREFIX) is SUCCESS
    assert mutes.mute_path_events("/a", LITERAL, ["close", "ES_EVENT_TYPE_AUTH_OPEN"]) is SUCCESS
    first, second = mutes.muted_paths_events()
    assert first == (LITERAL, "/a", (1, NOTIFY["open"].number, NOTIFY["close"].number))
    assert second == (PREFIX, "/b", (*range(UNKNOWN_BIT + 1),))


def test_muting_twice_is_muting_once() -> None:
    mutes = MuteSet()
    for _ in range(2):
        mutes.mute_path("/a", LITERAL)
        mutes.mute_process((1, 2))
    assert len(mutes.rules().paths) == len(mutes.rules().processes) == 1
    mutes.unmute_path("/a", LITERAL)
    mutes.unmute_process((1, 2))
    assert mutes.rules() == MuteSet().rules()


def test_prefix_and_target_prefix_of_one_string_are_different_tuples() -> None:
    mutes = MuteSet()
    mutes.mute_path("/a", PREFIX)
    mutes.mute_path("/a", TARGET_PREFIX)
    mutes.unmute_path("/a", PREFIX)
    assert [entry.type for entry in mutes.muted_paths_events()] == [TARGET_PREFIX]


def test_prefixes_do_not_count_in_edits() -> None:
    mutes = MuteSet()
    mutes.mute_path("/foo/bar", LITERAL)
    before = mutes.rules()
    assert mutes.unmute_path("/foo", PREFIX) is SUCCESS
    assert mutes.unmute_path("/foo/bar", PREFIX) is SUCCESS
    assert mutes.unmute_path("", LITERAL) is SUCCESS
    assert mutes.unmute_process((1, 2)) is SUCCESS
    assert mutes.rules() == before


def test_unmuting_events_leaves_the_others() -> None:
    mutes = MuteSet()
    mutes.mute_path("/a", LITERAL)
    mutes.unmute_path_events("/a", LITERAL, ["open"])
    (rule,) = mutes.rules().paths
    assert rule.mask == ALL_EVENTS & ~event_mask(["open"])


def test_target_types_keep_only_events_with_targets() -> None:
    mutes = MuteSet()
    assert mutes.mute_path_events("/a", TARGET_LITERAL, ["fork", "exit"]) is ERROR
    assert mutes.mute_path_events("/a", TARGET_LITERAL, []) is ERROR
    assert mutes.rules().paths == ()
    assert mutes.mute_path_events("/a", TARGET_LITERAL, ["fork", "open"]) is SUCCESS
    assert mutes.rules().paths == (PathRule(3, b"/a", event_mask(["open"])),)
    assert mutes.mute_path("/b", TARGET_PREFIX) is SUCCESS
    (rule,) = mutes.muted_paths_events()[1:]
    assert rule.events == tuple(event.number for event in EVENT_TYPES if event.supports_targets)


def test_an_empty_path_is_an_error() -> None:
    mutes = MuteSet()
    assert mutes.mute_path("", PREFIX) is ERROR
    assert mutes.rules().paths == ()


def test_numbers_that_are_no_type_are_ignored_and_names_are_not() -> None:
    mutes = MuteSet()
    assert mutes.mute_path_events("/a", LITERAL, [10, 162, 255, 256, -1, 1 << 40]) is SUCCESS
    assert mutes.muted_paths_events() == ((LITERAL, "/a", (10,)),)
    assert mutes.subscribe([162]) is SUCCESS
    with pytest.raises(ValueError, match="'opne' is not an event type; the nearest is 'open'"):
        mutes.mute_path_events("/a", LITERAL, ["opne"])


def test_unmute_all_clears_one_half_each() -> None:
    mutes = MuteSet()
    for path_type in MutePathType:
        mutes.mute_path("/a", path_type)
    mutes.unmute_all_paths()
    assert [entry.type for entry in mutes.muted_paths_events()] == [TARGET_PREFIX, TARGET_LITERAL]
    mutes.mute_path("/a", PREFIX)
    mutes.unmute_all_target_paths()
    assert [entry.type for entry in mutes.muted_paths_events()] == [PREFIX]


def test_inversion_is_a_toggle_per_dimension() -> None:
    mutes = MuteSet()
    assert mutes.muting_inverted(PATH) is MuteInverted.NOT_INVERTED
    assert mutes.invert_muting(PATH) is SUCCESS
    assert mutes.muting_inverted(PATH) is MuteInverted.INVERTED
    assert mutes.muting_inverted(TARGET_PATH) is MuteInverted.NOT_INVERTED
    mutes.invert_muting(PATH)
    assert mutes.rules() == MuteSet().rules()


def test_inversion_keeps_the_entries() -> None:
    mutes = MuteSet()
    mutes.mute_path("/a", LITERAL)
    listed = mutes.muted_paths_events()
    mutes.invert_muting(PATH)
    assert mutes.muted_paths_events() == listed


def test_processes_merge_and_go_by_pid_and_pidversion() -> None:
    mutes = MuteSet()
    mutes.mute_process_events(AuditToken(auid=501, pid=12, pidversion=1), ["open"])
    mutes.mute_process_events(AuditToken(pid=12, pidversion=1), ["close"])
    assert mutes.muted_processes_events() == ((12, 1, (NOTIFY["open"].number, NOTIFY["close"].number)),)
    mutes.unmute_process_events((12, 1), ["open"])
    assert mutes.rules().processes == (ProcessRule(12, 1, event_mask(["close"])),)
    with pytest.raises(ValueError, match="names no process"):
        mutes.mute_process(AuditToken(pid=12))


def test_an_exit_takes_an_entry_off_the_list_and_changes_no_verdict() -> None:
    mutes = MuteSet()
    mutes.mute_process((12, 1))
    before = mutes.rules()
    mutes.process_exited((12, 1))
    assert mutes.muted_processes_events() == ()
    assert mutes.rules() == before
    assert mutes.decide(message("fork")) == suppressed("process", "PROCESS 12.1")
    assert mutes.mute_process((12, 1)) is ERROR, "the process is not running"
    assert mutes.mute_process((12, 2)) is SUCCESS


def test_subscribing_adds_and_never_removes() -> None:
    mutes = MuteSet()
    assert mutes.subscriptions() is None
    mutes.subscribe(["open"])
    assert mutes.subscriptions() is None
    mutes.unsubscribe(["open"])
    assert mutes.subscriptions() == frozenset(NOTIFY) - {"open"}
    mutes.unsubscribe_all()
    mutes.subscribe([NOTIFY["open"].number, "ES_EVENT_TYPE_NOTIFY_EXEC"])
    mutes.subscribe(["from_the_future"])
    mutes.subscribe([])
    mutes.unsubscribe(["close"])
    assert mutes.subscriptions() == frozenset({"open", "exec", "from_the_future"})
    mutes.subscribe(None)
    assert mutes.subscriptions() is None


def test_masks() -> None:
    assert event_mask(None) == ALL_EVENTS
    assert mask_events(event_mask(["exec", "ES_EVENT_TYPE_AUTH_EXEC"])) == (0, 9)


# The default mute sets


def test_default_mute_sets() -> None:
    ventura, tahoe = DEFAULT_MUTE_SETS["macos13"], DEFAULT_MUTE_SETS["macos26"]
    assert (len(ventura), len(tahoe)) == (16, 35)
    assert {(entry.type, len(entry.events)) for entry in ventura} == {("LITERAL", 39)}
    shapes = [(entry.type, len(entry.events)) for entry in tahoe]
    assert shapes == [("LITERAL", 39)] * 26 + [("LITERAL", 38)] * 2 + [("TARGET_LITERAL", 1)] * 7
    assert len({(entry.type, entry.path) for entry in tahoe}) == 35
    assert {entry.path for entry in ventura} < {entry.path for entry in tahoe}
    auth = """
        chdir chroot clone copyfile create deleteextattr exchangedata fcntl fsgetpath getattrlist getextattr
        get_task get_task_read iokit_open link listextattr mmap mprotect open proc_check proc_suspend_resume
        readdir readlink remount rename searchfs setacl setattrlist setextattr setflags setmode setowner
        settime signal truncate uipc_bind uipc_connect unlink utimes
    """
    assert set(ventura[0].events) == {f"ES_EVENT_TYPE_AUTH_{name.upper()}" for name in auth.split()}
    for entry in (*ventura, *tahoe):
        assert {BY_C_NAME[name].action for name in entry.events} == {"AUTH"}
    assert tahoe[-1] == ("TARGET_LITERAL", "/usr/sbin/spindump", ("ES_EVENT_TYPE_AUTH_EXEC",))


def test_inverting_over_the_default_set_shows_nothing_at_all() -> None:
    mutes = MuteSet()
    for name, path, events in DEFAULT_MUTE_SETS["macos13"]:
        mutes.mute_path_events(path, MutePathType[name], events)
    assert mutes.decide(message("fork", executable="/usr/bin/heap")) == DELIVERED
    mutes.invert_muting(PATH)
    assert mutes.decide(message("fork", executable="/usr/bin/heap")) == suppressed("path", None)


# The whole, against a naive reading and against the core

EVENTS = ("open", "rename", "signal", "fork", "lookup", "od_create_user", "from_the_future")
WITH_TARGETS = {"open", "rename", "signal"}
KNOWN = st.sets(st.sampled_from(EVENTS[:-1]), min_size=1)
PATHS = st.sampled_from(["/a", "/a/", "/a/b", "/ab", "/\udcff", "/\udcff\u00e9"])
TOKENS = st.tuples(st.integers(1, 3), st.integers(1, 2))
TYPES = st.sampled_from(MutePathType)
PATH_EDITS = st.tuples(st.sampled_from(["mute_path", "unmute_path"]), TYPES, PATHS, st.none() | KNOWN)
PROCESS_EDITS = st.tuples(st.sampled_from(["mute_process", "unmute_process"]), TOKENS, st.none() | KNOWN)
CLEARS = st.sampled_from([("unmute_all_paths",), ("unmute_all_target_paths",)])
EDITS = st.lists(PATH_EDITS | PATH_EDITS | PROCESS_EDITS | CLEARS, max_size=12)
SUBJECTS = st.fixed_dictionaries(
    {
        "event": st.sampled_from(EVENTS),
        "process": st.none() | TOKENS,
        "executable": st.none() | PATHS,
        "targets": st.lists(PATHS, max_size=2) | st.lists(PATHS, min_size=2, max_size=2),
        "instigator": st.none() | TOKENS,
    }
)


class Naive:
    """The facts as they are written: a list of tuples, and a walk over all of it for every question."""

    def __init__(self) -> None:
        self.tuples: list[tuple[Any, ...]] = []
        self.inverted: set[MuteInversionType] = set()
        self.subscribed: set[str] | None = None
        self.votes = False

    def edit(self, call: str, *arguments: Any) -> None:
        if call.startswith("unmute_all"):
            cleared = {"TARGET_PREFIX", "TARGET_LITERAL"} if "target" in call else {"PREFIX", "LITERAL"}
            self.tuples = [entry for entry in self.tuples if entry[0] not in cleared]
            return
        *thing, events = arguments
        kind, key = ("PROCESS", thing[0]) if "process" in call else (thing[0].name, thing[1])
        for event in EVENTS:
            if (events is None or event in events) and not (kind[0] == "T" and event not in WITH_TARGETS):
                entry = (kind, key, event)
                if call.startswith("unmute"):
                    self.tuples = [other for other in self.tuples if other != entry]
                elif entry not in self.tuples:
                    self.tuples.append(entry)

    def place(self, kinds: str, thing: Any, event: str) -> int | None:
        for place, (kind, key, muted) in enumerate(self.tuples):
            if kind not in kinds.split() or muted != event or thing is None:
                continue
            if thing == key or (kind.endswith("PREFIX") and raw(thing).startswith(raw(key))):
                return place
        return None

    def text(self, place: int) -> str:
        kind, key, _ = self.tuples[place]
        return f"PROCESS {key[0]}.{key[1]}" if kind == "PROCESS" else f"{kind} {key}"

    def decide(self, subject: dict[str, Any]) -> Verdict:
        event = subject["event"]
        if self.subscribed is not None and event not in self.subscribed:
            return suppressed("subscription", None)
        roles = [subject["process"]]
        if self.votes and event in ("signal", "od_create_user") and subject["instigator"]:
            roles.append(subject["instigator"])
        places = [self.place("PROCESS", role, event) for role in roles]
        if PROCESS in self.inverted:
            if None in places:
                return suppressed("process", None)
        elif any(place is not None for place in places):
            return suppressed("process", self.text(min(place for place in places if place is not None)))
        place = self.place("PREFIX LITERAL", subject["executable"], event)
        if PATH in self.inverted:
            if place is None:
                return suppressed("path", None)
        elif place is not None:
            return suppressed("path", self.text(place))
        targets = carried(subject)
        if not targets:
            return DELIVERED
        places = [self.place("TARGET_PREFIX TARGET_LITERAL", target, event) for target in targets]
        if TARGET_PATH in self.inverted:
            if all(place is None for place in places):
                return suppressed("target_path", None)
        elif None not in places:
            return suppressed("target_path", self.text(places[0] or 0))
        return DELIVERED


def raw(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def carried(subject: dict[str, Any]) -> list[str]:
    """The targets an event of this type carries."""
    targets: list[str] = subject["targets"]
    if subject["event"] not in WITH_TARGETS:
        return []
    return targets if subject["event"] == "rename" else targets[:1]


def line_of(subject: dict[str, Any]) -> bytes:
    """The event as a line; targets also where the type has none, so that muting must not look at them."""
    event, targets = subject["event"], [{"path": path} for path in subject["targets"]]
    payload: dict[str, Any] = {}
    if subject["instigator"] is not None:
        pid, pidversion = subject["instigator"]
        payload["instigator"] = {"audit_token": {"pid": pid, "pidversion": pidversion}}
    if event == "rename":
        payload |= dict(zip(("source", "destination"), targets, strict=False))
        if "destination" in payload:
            payload["destination"] = {"existing_file": payload["destination"]}
    elif targets:
        key = {"open": "file", "lookup": "source_dir"}.get(event, "target")
        payload[key] = {"executable": targets[0]} if event == "signal" else targets[0]
    data: dict[str, Any] = {"event": {event: payload}, "process": {}}
    if subject["process"] is not None:
        data["process"]["audit_token"] = dict(zip(("pid", "pidversion"), subject["process"], strict=True))
    if subject["executable"] is not None:
        data["process"]["executable"] = {"path": subject["executable"]}
    return json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogateescape")


@given(
    EDITS,
    st.lists(st.sampled_from([None, None, *MuteInversionType]), max_size=2).map(set),
    st.none() | st.sets(st.sampled_from(EVENTS), min_size=5),
    st.booleans(),
    st.lists(SUBJECTS, min_size=1, max_size=8),
)
def test_verdicts_agree_with_a_naive_reading_and_with_the_core(
    edits: list[tuple[Any, ...]],
    inverted: set[MuteInversionType | None],
    subscribed: set[str] | None,
    votes: bool,
    subjects: list[dict[str, Any]],
) -> None:
    naive, mutes = Naive(), MuteSet(instigator_votes=votes)
    naive.inverted = {dimension for dimension in inverted if dimension is not None}
    naive.subscribed, naive.votes = subscribed, votes
    for call, *arguments in edits:
        naive.edit(call, *arguments)
        apply(mutes, call, *arguments)
    for dimension in naive.inverted:
        mutes.invert_muting(dimension)
    if subscribed is not None:
        mutes.unsubscribe_all()
        mutes.subscribe(subscribed)

    core = open_core()
    stream = core.add_stream(owned=False)
    lines = [line_of(subject) for subject in subjects]
    core.ingest(stream, b"\n".join(lines) + b"\n")
    core.judge(mutes.rules())
    for seq, (subject, text) in enumerate(zip(subjects, lines, strict=True)):
        verdict = mutes.decide(Message(text))
        assert verdict == naive.decide(subject)
        row = core.row(seq)
        assert isinstance(row, Row)
        assert mutes.decide_row(row, Message(text)) == verdict
        assert STAGES[row.stage] == verdict.stage
    core.close()


def apply(mutes: MuteSet, call: str, *arguments: Any) -> None:
    if call.startswith("unmute_all"):
        getattr(mutes, call)()
        return
    *thing, events = arguments
    if len(thing) > 1:
        thing.reverse()
    getattr(mutes, f"{call}_events")(*thing, events)


@given(EDITS, PATHS, TYPES, KNOWN, KNOWN)
def test_mute_and_unmute_are_set_union_and_difference(
    edits: list[tuple[Any, ...]], path: str, path_type: MutePathType, some: set[str], others: set[str]
) -> None:
    def listed(*calls: tuple[str, set[str]]) -> set[tuple[MutePathType, str, int]]:
        mutes = MuteSet()
        for call, *arguments in edits:
            apply(mutes, call, *arguments)
        for call, events in calls:
            getattr(mutes, call)(path, path_type, events)
        return {
            (entry.type, entry.path, event) for entry in mutes.muted_paths_events() for event in entry.events
        }

    mute, unmute = "mute_path_events", "unmute_path_events"
    start = listed()
    assert (
        listed((mute, some), (mute, others))
        == listed((mute, some | others))
        == listed((mute, others), (mute, some))
    )
    assert listed((mute, some), (mute, some)) == listed((mute, some)) >= start
    assert listed((unmute, some), (unmute, others)) == listed((unmute, some | others)) <= start
    assert listed((mute, some), (unmute, some)) == listed((unmute, some))
    assert listed((unmute, some), (mute, some)) == listed((mute, some))
    assert listed((mute, some), (unmute, others)) == listed((unmute, others), (mute, some - others))
