"""Plan files: what they mean, that nothing is lost in them, and that a wrong one says where and what else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.events import BY_C_NAME, NOTIFY
from estui.message import Message
from estui.muting import TARGET_EVENTS, MuteSet, Verdict, event_mask
from estui.plan import EXAMPLES, MutePath, MuteProcess, Plan, PlanError, dumps, find_plan, load, loads, save
from estui.record import ALL_EVENTS, PathRule, ProcessRule
from estui.text import printable

HEAD = "[plan]\nformat = 1\n"
PATH_ENTRY = HEAD + '[[mute_path]]\ntype = "PREFIX"\npath = "/a"\n'
PROCESS_ENTRY = HEAD + "[[mute_process]]\npid = 812\npidversion = 2846\n"


def test_every_key_is_read() -> None:
    plan = loads(
        """
        [plan]
        format = 1
        name = "quiet build"
        subscribe = ["exec", "ES_EVENT_TYPE_NOTIFY_OPEN"]
        default_mute_set = "macos13"
        instigator_votes = true
        [invert]
        process = true
        path = false
        target_path = true
        [[mute_path]]
        type = "TARGET_PREFIX"
        path = "/private/var/log/"
        events = ["write", "ES_EVENT_TYPE_AUTH_OPEN", "ES_EVENT_TYPE_NOTIFY_CLOSE"]
        enabled = false
        [[mute_process]]
        pid = 812
        pidversion = 2846
        events = ["open"]
        enabled = false
        """
    )
    assert plan == Plan(
        name="quiet build",
        subscribe=("exec", "open"),
        default_mute_set="macos13",
        instigator_votes=True,
        invert_process=True,
        invert_target_path=True,
        paths=(
            MutePath(
                "TARGET_PREFIX",
                "/private/var/log/",
                ("write", "ES_EVENT_TYPE_AUTH_OPEN", "close"),
                enabled=False,
            ),
        ),
        processes=(MuteProcess(812, 2846, ("open",), enabled=False),),
    )
    assert plan.format == 1


def test_only_the_format_is_required() -> None:
    plan = loads(HEAD)
    assert plan == Plan()
    assert plan.rules() == MuteSet().rules()
    assert plan.warnings == ()


def test_a_plan_becomes_rules_in_its_order() -> None:
    plan = Plan(
        subscribe=("open",),
        default_mute_set="macos26",
        invert_path=True,
        paths=(
            MutePath("TARGET_LITERAL", "/é"),
            MutePath("PREFIX", "/off", enabled=False),
            MutePath("LITERAL", "/\udcff", ("open",)),
        ),
        processes=(MuteProcess(1, 2), MuteProcess(3, 4, enabled=False)),
    )
    rules = plan.rules()
    assert len(rules.paths) == 35 + 2
    assert rules.paths[35:] == (
        PathRule(3, "/é".encode(), TARGET_EVENTS),
        PathRule(1, b"/\xff", event_mask(["open"])),
    )
    assert rules.processes == (ProcessRule(1, 2, ALL_EVENTS),)
    assert rules.subscribe == frozenset({"open"})
    assert (rules.invert_process, rules.invert_path, rules.invert_target) == (False, True, False)
    assert [entry.rule() for entry in plan.entries if entry.enabled] == [*rules.paths[35:], *rules.processes]
    assert [entry.label for entry in plan.entries[2:4]] == ["LITERAL /\udcff", "PROCESS 1.2"]
    assert len(plan.default_entries()) == 35


def test_the_default_set_comes_first_and_is_not_the_plans_own() -> None:
    plan = Plan(default_mute_set="macos13", paths=(MutePath("PREFIX", "/usr/bin/heap"),))
    assert len(plan.entries) == 1
    line = {"event": {"fork": {}}, "process": {"executable": {"path": "/usr/bin/heap"}}}
    verdict = plan.mute_set().decide(Message(json.dumps(line).encode()))
    assert verdict == Verdict(False, "path", "PREFIX /usr/bin/heap"), "the default set holds AUTH types only"


def test_entries_split_by_kind_and_keep_their_order() -> None:
    a, b, c = MutePath("PREFIX", "/a"), MuteProcess(1, 1), MutePath("PREFIX", "/c")
    plan = Plan(name="x").with_entries([a, b, c])
    assert plan.entries == (a, c, b)
    assert plan.name == "x"


# What is wrong, where, and what instead


@pytest.mark.parametrize(
    ("text", "place", "nearest"),
    [
        ("", "[plan]", "format = 1"),
        ("[plan]", "[plan]: format", "required"),
        ("[plan]\nformat = 2", "[plan]: format", "the nearest is 1"),
        ("[plan]\nformat = true", "[plan]: format", "an integer, not true"),
        ("[plan]\nformat = 1.0", "[plan]: format", "the nearest is 1"),
        ("[plan]\nformat = 0x" + "f" * 9000, "[plan]: format", "the nearest is 1"),
        ("format = 1", "format", "format in [plan]"),
        (HEAD + "subscrbe = []", "[plan]: subscrbe", "the nearest is subscribe"),
        (HEAD + "target_path = true", "[plan]: target_path", "target_path in [invert]"),
        (HEAD + '"a\\u001bb" = 1', '[plan]: "a\\u001bb"', "no such key"),
        (HEAD + 'subscribe = "exec"', "[plan]: subscribe", 'the nearest is ["exec"]'),
        (HEAD + 'subscribe = ["exce"]', "[plan]: subscribe", "the nearest is exec"),
        (HEAD + "subscribe = [1]", "[plan]: subscribe", "strings, not an integer"),
        (HEAD + 'subscribe = ["ES_EVENT_TYPE_AUTH_OPEN"]', "[plan]: subscribe", "the nearest is open"),
        (HEAD + 'subscribe = ["ES_EVENT_TYPE_RESERVED_0"]', "[plan]: subscribe", "not a NOTIFY type"),
        (HEAD + 'subscribe_unknown = ["x"]', "[plan]: subscribe_unknown", "goes with subscribe"),
        (HEAD + "name = 2024-01-01", "[plan]: name", "a string, not a date"),
        (HEAD + "name = {}", "[plan]: name", "a string, not a table"),
        (HEAD + 'default_mute_set = "macos-13"', "[plan]: default_mute_set", "the nearest is macos13"),
        (HEAD + 'instigator_votes = "on"', "[plan]: instigator_votes", "the nearest is true"),
        (HEAD + "[invert]\npath = 0", "[invert]: path", "the nearest is false"),
        (HEAD + "[invert]\ntarget = true", "[invert]: target", "the nearest is target_path"),
        (HEAD + "[inverted]", "inverted", "the nearest is invert"),
        (HEAD + "[[invert]]", "invert", "the nearest is [invert]"),
        (HEAD + "[mute_path]", "mute_path", "the nearest is [[mute_path]]"),
        (HEAD + "[[mutes]]", "mutes", "no such table"),
        (HEAD + "[[mute_path]]", "[[mute_path]] 1: type", "required"),
        (HEAD + '[[mute_path]]\ntype = "PREFIX"', "[[mute_path]] 1: path", "required"),
        (PATH_ENTRY + "paths = 1", "[[mute_path]] 1: paths", "the nearest is path"),
        (PATH_ENTRY + "pid = 1", "[[mute_path]] 1: pid", "pid in [[mute_process]]"),
        (PATH_ENTRY + "enabled = 1", "[[mute_path]] 1: enabled", "the nearest is true"),
        (PATH_ENTRY + 'enabled = "no"', "[[mute_path]] 1: enabled", "the nearest is false"),
        (PATH_ENTRY + "events = []", "[[mute_path]] 1: events", "leave the key out"),
        (PATH_ENTRY + 'events = ["opne\\u001b"]', "[[mute_path]] 1: events", "the nearest is open"),
        (PATH_ENTRY + 'events = ["ES_EVENT_TYPE_AUTH_OPNE"]', "[[mute_path]] 1: events", "AUTH_OPEN"),
        (PATH_ENTRY + 'path_bytes = "2f"', "[[mute_path]] 1: path_bytes", "not both"),
        (
            PATH_ENTRY + '[[mute_path]]\ntype = "TARGET_PREFX"\npath = "/"',
            "[[mute_path]] 2: type",
            "TARGET_PREFIX",
        ),
        (
            HEAD + '[[mute_path]]\ntype = "prefix"\npath = "/"',
            "[[mute_path]] 1: type",
            "the nearest is PREFIX",
        ),
        (HEAD + '[[mute_path]]\ntype = "PREFIX"\npath = ""', "[[mute_path]] 1: path", 'PREFIX "/"'),
        (HEAD + '[[mute_path]]\ntype = "PREFIX"\npath_bytes = ""', "[[mute_path]] 1: path", "not be empty"),
        (HEAD + '[[mute_path]]\ntype = "PREFIX"\npath_bytes = "2"', "[[mute_path]] 1: path_bytes", "hex"),
        (HEAD + '[[mute_process]]\npid = "812"', "[[mute_process]] 1: pid", "the nearest is 812"),
        (HEAD + "[[mute_process]]\npid = -1\npidversion = 1", "[[mute_process]] 1: pid", "the nearest is 0"),
        (HEAD + "[[mute_process]]\npid = 1", "[[mute_process]] 1: pidversion", "required"),
        (PROCESS_ENTRY + "[[mute_process]]\npid = 1\npidversion = 4294967296", "2: pidversion", "4294967295"),
        ("plan = 1", "plan", "the nearest is [plan]"),
        ("mute_path = [1]\n" + HEAD, "[[mute_path]] 1", "a table, not an integer"),
        ("[plan", "p.toml", "not TOML"),
        ("x = " + "[" * 100_000, "p.toml", "nested too deeply"),
        ("x = " + "9" * 100_000, "p.toml", "not TOML"),
        (HEAD + "\x00", "p.toml", "not TOML"),
    ],
)
def test_a_wrong_plan_says_where_and_what_instead(text: str, place: str, nearest: str) -> None:
    with pytest.raises(PlanError) as caught:
        loads(text, "p.toml")
    words = str(caught.value)
    assert words.startswith("p.toml: ")
    assert place in words
    assert nearest in words
    assert words.isprintable()
    assert len(words) < 400


def test_the_parts_of_an_error() -> None:
    with pytest.raises(PlanError) as caught:
        loads(PATH_ENTRY + 'events = ["opne"]', "p.toml")
    error = caught.value
    assert (error.file, error.table, error.key, error.nearest) == (
        "p.toml",
        "[[mute_path]] 1",
        "events",
        "open",
    )


def test_entries_that_cannot_be_are_refused_wherever_they_are_made() -> None:
    for make in (
        lambda: MutePath("TARGET", "/"),
        lambda: MutePath("PREFIX", ""),
        lambda: MutePath("PREFIX", "/\ud800"),
        lambda: MutePath("PREFIX", "/", ()),
        lambda: MutePath("PREFIX", "/", ("from_the_future",)),
        lambda: MuteProcess(-1, 0),
        lambda: MuteProcess(0, 1 << 32),
        lambda: Plan(default_mute_set="macos14"),
        lambda: Plan(name="\udcff"),
        lambda: Plan(subscribe=("\udcff",)),
    ):
        with pytest.raises(PlanError):
            make()


def test_target_entries_for_events_without_targets_load_with_a_warning() -> None:
    entry = '[[mute_path]]\ntype = "TARGET_PREFIX"\npath = "/"\nevents = '
    plan = loads(
        PATH_ENTRY + entry + '["fork", "open"]\n' + entry + '["fork", "lookup"]\n' + entry + '["open"]\n'
    )
    assert plan.warnings == (
        "[[mute_path]] 2: events: fork: no target paths, so the entry matches the others only",
        "[[mute_path]] 3: events: fork, lookup: no target paths, so the entry matches nothing",
    )
    assert [rule.mask for rule in plan.rules().paths[1:]] == [event_mask(["open"])]
    assert plan.paths[2].rule().mask == 0


# Files


def test_examples_open_by_name() -> None:
    assert set(EXAMPLES) == {path.stem for path in find_plan("quiet-build").parent.iterdir()}
    for name in EXAMPLES:
        plan = load(find_plan(name))
        assert plan.entries
        assert not plan.warnings
        assert loads(dumps(plan)) == plan
        assert find_plan(name).read_text(encoding="utf-8").startswith("# ")


def event(name: str, *targets: str, executable: str = "/bin/sh") -> Message:
    keys = {"open": ("file",), "rename": ("source", "destination")}.get(name, ("target",))
    payload: dict[str, object] = {key: {"path": path} for key, path in zip(keys, targets, strict=False)}
    if name == "rename":
        payload["destination"] = {"existing_file": payload["destination"]}
    line = {"event": {name: payload}, "process": {"executable": {"path": executable}}}
    return Message(json.dumps(line).encode())


@pytest.mark.parametrize(
    ("name", "delivered", "suppressed"),
    [
        (
            "log-directory",
            [event("open", "/var/log/x"), event("open", "/private/var/logistics"), event("fork")],
            [event("open", "/private/var/log/x"), event("write", "/private/var/log/asl/y")],
        ),
        (
            "dev-null-only",
            [event("write", "/dev/null")],
            [event("open", "/dev/null"), event("write", "/dev/nullx"), event("fork")],
        ),
        (
            "persistence-only",
            [
                event("write", "/Library/LaunchDaemons/a.plist"),
                event("rename", "/private/tmp/a", "/Library/LaunchAgents/a.plist"),
                event("write", "/private/etc/sudoers.d/a"),
            ],
            [event("write", "/Users/a/notes"), event("open", "/Library/LaunchDaemons/a"), event("lookup")],
        ),
        (
            "quiet-build",
            [event("exec", executable="/Applications/Xcode.app/Contents/x"), event("open", "/Users/a/notes")],
            [
                event("open", "/x", executable="/Applications/Xcode.app/Contents/Developer/clang"),
                event("write", "/private/var/folders/a/b.o"),
            ],
        ),
    ],
)
def test_examples_do_what_they_say(name: str, delivered: list[Message], suppressed: list[Message]) -> None:
    mutes = load(find_plan(name)).mute_set()
    assert [mutes.decide(message).delivered for message in delivered] == [True] * len(delivered)
    assert [mutes.decide(message).delivered for message in suppressed] == [False] * len(suppressed)


def test_a_file_named_like_an_example_is_found_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("quiet-build").write_text(HEAD)
    Path("mine").write_text(HEAD)
    assert load(find_plan("quiet-build")).name == "quiet build"
    assert (
        load(find_plan("./quiet-build")) == load(find_plan("mine")) == load(find_plan(Path("mine"))) == Plan()
    )
    with pytest.raises(PlanError, match="the nearest is log-directory"):
        find_plan("log-dir")


def test_files_that_are_no_plans(tmp_path: Path) -> None:
    def words(path: Path | str) -> str:
        with pytest.raises(PlanError) as caught:
            load(path)
        assert str(caught.value).isprintable()
        return str(caught.value)

    binary = tmp_path / "binary\x1b"
    binary.write_bytes(b"\x7fELF\xff\xfe")
    assert "not UTF-8 text (line 1)" in words(binary)
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(1 << 30)
    assert "larger than any plan" in words(huge)
    assert "directory" in words(tmp_path)
    assert "no such file" in words(tmp_path / "none.toml")
    assert "cannot be read" in words("a\0b")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert "cannot be read" in words(loop)
    empty = tmp_path / "empty"
    empty.touch()
    assert "format = 1" in words(empty)


def test_saving_is_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    save(Plan(name="one"), path)
    save(Plan(name="two"), path)
    assert load(path).name == "two"
    assert list(tmp_path.iterdir()) == [path]
    for wrong in (tmp_path / "none" / "plan.toml", tmp_path, tmp_path / "a\0b"):
        with pytest.raises(PlanError, match="cannot be saved"):
            save(Plan(), wrong)


def test_what_a_saved_plan_looks_like() -> None:
    plan = Plan(
        name="q",
        subscribe=("open", "from_the_future"),
        invert_target_path=True,
        paths=(
            MutePath("PREFIX", '/é\x1b\u202e\\"\n', ("open",), enabled=False),
            MutePath("LITERAL", "/\udcff"),
        ),
        processes=(MuteProcess(1, 2),),
    )
    assert dumps(plan) == (
        """\
# estui mute plan, format 1
[plan]
format = 1
name = "q"
subscribe = ["open"]
subscribe_unknown = ["from_the_future"]

[invert]
target_path = true

[[mute_path]]
type = "PREFIX"
path = "/é\\u001b\\u202e\\\\\\"\\n"
events = ["open"]
enabled = false

[[mute_path]]
type = "LITERAL"
path_bytes = "2fff"

[[mute_process]]
pid = 1
pidversion = 2
"""
    )


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NASTY = st.text(
    st.sampled_from("/a\x00\x1b\x7f\x80\n\r\t\"'\\#[]\u202e\u2028\ufeff\U000e0001\U0001f600\udc80\udcff"),
    min_size=1,
)
NAMES = st.sampled_from([*NOTIFY, *BY_C_NAME])
SOME = st.none() | st.lists(NAMES, min_size=1, max_size=4).map(tuple)
PIDS = st.integers(0, (1 << 32) - 1)
PLANS = st.builds(
    Plan,
    name=TEXTS,
    subscribe=st.none()
    | st.lists(st.sampled_from([*NOTIFY]) | TEXTS.filter(lambda x: x[:2] != "ES")).map(tuple),
    default_mute_set=st.sampled_from(["none", "macos13", "macos26"]),
    instigator_votes=st.booleans(),
    invert_process=st.booleans(),
    invert_path=st.booleans(),
    invert_target_path=st.booleans(),
    paths=st.lists(
        st.builds(
            MutePath,
            st.sampled_from(["PREFIX", "LITERAL", "TARGET_PREFIX", "TARGET_LITERAL"]),
            NASTY | TEXTS.filter(bool),
            SOME,
            st.booleans(),
        ),
        max_size=4,
    ).map(tuple),
    processes=st.lists(st.builds(MuteProcess, PIDS, PIDS, SOME, st.booleans()), max_size=3).map(tuple),
)


@given(PLANS)
def test_what_is_saved_and_loaded_is_the_same_plan(plan: Plan) -> None:
    text = dumps(plan)
    assert loads(text) == plan
    assert dumps(loads(text)) == text
    assert all(printable(line) == line for line in text.split("\n"))
    text.encode()


@given(st.text() | st.text(st.sampled_from('[]plan=1"\\\n#{},.-_ie')))
def test_any_text_is_a_plan_or_an_error(text: str) -> None:
    try:
        loads(HEAD + text)
    except PlanError as error:
        words = str(error)
        assert words.isprintable()


def test_a_plan_is_a_value() -> None:
    plan = Plan(name="x")
    assert replace(plan, name="y") == Plan(name="y")
    assert plan == Plan(name="x")
    assert hash(plan) == hash(Plan(name="x"))
