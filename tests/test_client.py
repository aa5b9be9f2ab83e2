"""estui's client over a ring: edits that judge at once and can be taken back, verdicts with their reasons."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from estui.client import DIMENSIONS, Client, WhyStep
from estui.core import Core, open_core
from estui.events import NOTIFY, PRESETS
from estui.muting import Verdict
from estui.plan import MutePath, MuteProcess, Plan, PlanError, dumps, find_plan, load
from estui.record import Row, WhatIf

LOGS = MutePath("TARGET_PREFIX", "/private/var/log/")
SHELL = MutePath("LITERAL", "/bin/sh", ("open",))
ONE = MuteProcess(1, 1)


def line(event: str, pid: int, executable: str, payload: dict[str, Any] | None = None) -> bytes:
    process = {"audit_token": {"pid": pid, "pidversion": 1}, "executable": {"path": executable}}
    return json.dumps({"event": {event: payload or {}}, "process": process}).encode() + b"\n"


def opened(path: str, pid: int = 1, executable: str = "/bin/sh") -> bytes:
    return line("open", pid, executable, {"file": {"path": path}})


RING = (
    opened("/private/var/log/a"),
    opened("/private/var/log/b", pid=2, executable="/bin/cat"),
    opened("/tmp/c"),
    line(
        "rename",
        2,
        "/bin/mv",
        {"source": {"path": "/private/var/log/a"}, "destination": {"existing_file": {"path": "/tmp/a"}}},
    ),
    line("lookup", 1, "/bin/sh"),
    line("from_the_future", 1, "/bin/sh"),
    line("proc_check", 2, "/bin/ps", {"target": None}),
    b"not an event\n",
)
EVENTS = 7
BAD = 7


@pytest.fixture
def core() -> Iterator[Core]:
    core = open_core()
    feed(core, *RING)
    yield core
    core.close()


@pytest.fixture
def client(core: Core) -> Client:
    return Client(core)


def feed(core: Core, *lines: bytes) -> None:
    core.ingest(core.add_stream(owned=False), b"".join(lines))


def stages(client: Client) -> list[int]:
    rows = [client.core.row(seq) for seq in range(EVENTS)]
    return [row.stage for row in rows if isinstance(row, Row)]


# The plan and its history


def test_a_plan_is_judged_at_once(core: Core) -> None:
    client = Client(core, Plan(paths=(LOGS,)))
    assert stages(client) == [4, 4, 0, 0, 0, 0, 0]
    client.add(SHELL)
    assert stages(client) == [3, 4, 3, 0, 0, 0, 0]
    assert client.rules() == client.plan.rules()


def test_edits_and_their_words(client: Client) -> None:
    client.add(LOGS)
    client.add(ONE)
    client.add(SHELL)
    assert client.plan.entries == (LOGS, SHELL, ONE)
    client.replace(1, replace(SHELL, path="/bin/zsh"))
    client.enable(0, False)
    client.enable(0, True)
    client.enable(0, True)
    client.remove(2)
    client.invert_muting("path")
    client.invert_muting("path")
    client.clear()
    words = []
    while step := client.undo():
        words.append(step)
    assert words[::-1] == [
        "mute TARGET_PREFIX /private/var/log/",
        "mute PROCESS 1.1",
        "mute LITERAL /bin/sh for open",
        "change LITERAL /bin/sh for open",
        "disable TARGET_PREFIX /private/var/log/",
        "enable TARGET_PREFIX /private/var/log/",
        "remove PROCESS 1.1",
        "invert path muting",
        "stop inverting path muting",
        "remove all entries",
    ]
    assert client.plan == Plan()
    assert stages(client) == [0] * EVENTS
    while step := client.redo():
        assert step == words.pop()
    assert client.plan == Plan()
    assert client.redo() is None


def test_a_new_edit_ends_what_could_be_done_again(client: Client) -> None:
    client.add(LOGS)
    client.undo()
    client.add(SHELL)
    assert client.redo() is None
    assert client.plan.entries == (SHELL,)


def test_words_are_safe_to_show(client: Client) -> None:
    client.add(MutePath("LITERAL", "/\x1b[31m\u202e\udcff"))
    assert client.undo() == "mute LITERAL /\\x1b[31m\\u202e\\xff"


def test_an_entry_may_change_its_kind(client: Client) -> None:
    client.add(LOGS)
    client.replace(0, ONE)
    assert client.plan.entries == (ONE,)


def test_a_preview_changes_nothing(client: Client) -> None:
    plan = client.with_entry(LOGS)
    assert client.preview(plan) == WhatIf(EVENTS, 2, 2, 0)
    assert client.plan == Plan()
    assert stages(client) == [0] * EVENTS
    client.apply(plan, "mute")
    edited = client.with_entry(replace(LOGS, path="/private/var/log/a"), 0)
    assert client.preview(edited) == WhatIf(EVENTS, 1, 0, 1)


def test_loading_and_saving(client: Client, tmp_path: Path) -> None:
    assert not client.changed
    assert client.path is None
    client.add(LOGS)
    assert client.changed
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    client.save(one)
    assert not client.changed
    assert client.path == one
    assert load(one) == client.plan
    client.undo()
    assert client.changed
    assert client.path == one

    two.write_text(dumps(Plan(paths=(SHELL,))))
    client.load(two)
    assert not client.changed
    assert client.path == two
    assert stages(client) == [3, 0, 3, 0, 0, 0, 0]
    assert client.undo() == f"load {two}"
    assert client.changed
    assert client.path == one
    assert client.plan == Plan()
    assert client.redo() == f"load {two}"
    assert not client.changed
    assert client.path == two


def test_an_example_is_no_file_to_save_to(client: Client) -> None:
    example = find_plan("quiet-build")
    client.load(example)
    assert client.path is None
    assert not client.changed
    client.clear()
    assert client.changed
    assert Client(client.core, load(example), example).path is None


def test_a_plan_that_does_not_load_changes_nothing(client: Client, tmp_path: Path) -> None:
    client.add(LOGS)
    with pytest.raises(PlanError):
        client.load(tmp_path / "none.toml")
    assert client.plan.entries == (LOGS,)
    assert client.path is None
    with pytest.raises(PlanError):
        client.save(tmp_path)
    assert client.path is None
    assert client.changed


def test_the_file_of_the_plan_it_starts_with(core: Core, tmp_path: Path) -> None:
    client = Client(core, Plan(paths=(LOGS,)), tmp_path / "a.toml")
    assert client.path == tmp_path / "a.toml"
    assert not client.changed
    client.clear()
    assert client.changed
    client.undo()
    assert not client.changed


# Subscriptions


def test_unsubscribing_from_everything_leaves_the_rest(client: Client) -> None:
    assert client.names() == (*NOTIFY, "from_the_future")
    assert client.subscribed("open")
    assert client.subscribed("anything")
    client.unsubscribe(["open"])
    assert set(client.plan.subscribe or ()) == {*NOTIFY, "from_the_future"} - {"open"}
    assert not client.subscribed("open")
    assert stages(client) == [1, 1, 1, 0, 0, 0, 0]
    client.subscribe(["open"])
    assert stages(client) == [0] * EVENTS
    client.subscribe(["open"])
    assert [client.undo(), client.undo(), client.undo()] == ["subscribe open", "unsubscribe open", None]
    client.subscribe(["open"])
    assert client.plan == Plan()


def test_solo_presets_and_all(client: Client) -> None:
    client.solo(["lookup"])
    assert stages(client) == [1, 1, 1, 1, 0, 1, 1]
    client.solo(PRESETS["files"])
    client.subscribe_all()
    assert client.plan.subscribe is None
    assert client.undo() == "subscribe every type"
    assert client.undo() == f"subscribe only {len(PRESETS['files'])} types"


def test_names_no_plan_can_hold_are_not_offered(core: Core, tmp_path: Path) -> None:
    feed(core, b'{"event":{"\xff":{}}}\n')
    client = Client(core)
    client.unsubscribe(["open"])
    client.save(tmp_path / "plan.toml")
    assert load(tmp_path / "plan.toml") == client.plan


# Inversion


def test_inversion_in_words(client: Client) -> None:
    assert [client.inversion_words(dimension).split(":")[0] for dimension in DIMENSIONS] == ["normal"] * 3
    for dimension in DIMENSIONS:
        client.invert_muting(dimension)
        assert "no entry" in client.inversion_words(dimension)
    for entry in (LOGS, SHELL, ONE):
        client.add(entry)
    assert [client.inversion_words(dimension) for dimension in DIMENSIONS] == [
        "inverted: only events of a selected process are delivered",
        "inverted: only events of a selected executable are delivered",
        "inverted: only events with a selected target are delivered; types without targets still arrive",
    ]


def test_the_default_set_selects_nothing_that_arrives(client: Client) -> None:
    client.apply(Plan(default_mute_set="macos26", invert_path=True), "x")
    assert (
        client.inversion_words("path") == "inverted, and no entry selects anything: every event is suppressed"
    )
    assert client.plan.entries == ()


# One event


def test_verdicts(client: Client) -> None:
    client.add(LOGS)
    assert client.verdict(0) == Verdict(False, "target_path", "TARGET_PREFIX /private/var/log/")
    assert client.verdict(3) == Verdict(True, None, None)
    assert client.verdict(BAD) is None
    assert client.why(BAD) == ()
    assert client.verdict(999) is None
    assert client.why(999) == ()


def test_verdicts_with_instigators(core: Core) -> None:
    token = {"audit_token": {"pid": 9, "pidversion": 9}}
    feed(core, line("signal", 1, "/bin/sh", {"instigator": token, "target": {"executable": {"path": "/x"}}}))
    client = Client(core, Plan(instigator_votes=True, processes=(MuteProcess(9, 9),)))
    seq = core.counters().head - 1
    row = core.row(seq)
    assert row is not None
    assert row.stage == 2
    assert client.verdict(seq) == Verdict(False, "process", "PROCESS 9.9")
    assert client.why(seq)[1].words == "PROCESS 9.9 mutes its instigator; no entry mutes process 1.1"


def why(client: Client, seq: int, **plan: Any) -> list[tuple[str, str]]:
    client.apply(Plan(**plan), "x")
    steps = client.why(seq)
    assert [step.stage for step in steps] == ["subscription", "process", "path", "target_path"]
    verdict = client.verdict(seq)
    assert verdict is not None
    assert [step.stage for step in steps if step.outcome == "suppress"] == (
        [verdict.stage] if verdict.stage else []
    )
    return [(step.outcome, step.words) for step in steps]


def test_why_delivered(client: Client) -> None:
    assert why(client, 0) == [
        ("pass", "every type is subscribed"),
        ("pass", "no entry mutes process 1.1"),
        ("pass", "no entry mutes /bin/sh"),
        ("pass", "no entry mutes /private/var/log/a"),
    ]


def test_why_stops_at_what_decided(client: Client) -> None:
    assert why(client, 0, subscribe=("exec",)) == [
        ("suppress", "open is not subscribed"),
        ("not reached", "subscription decided already"),
        ("not reached", "subscription decided already"),
        ("not reached", "subscription decided already"),
    ]
    assert why(client, 0, subscribe=("open",), processes=(ONE,))[:3] == [
        ("pass", "open is subscribed"),
        ("suppress", "PROCESS 1.1 mutes process 1.1"),
        ("not reached", "process decided already"),
    ]


def test_why_an_entry_for_other_events_does_not_count(client: Client) -> None:
    shell = MutePath("LITERAL", "/bin/sh", ("write",))
    assert why(client, 0, paths=(shell,))[2] == (
        "pass",
        "no entry mutes /bin/sh; LITERAL /bin/sh is not for open",
    )


def test_why_targets(client: Client) -> None:
    assert why(client, 0, paths=(LOGS,))[3] == (
        "suppress",
        "TARGET_PREFIX /private/var/log/ mutes /private/var/log/a",
    )
    assert why(client, 3, paths=(LOGS,))[3] == (
        "pass",
        "TARGET_PREFIX /private/var/log/ mutes /private/var/log/a; no entry mutes /tmp/a",
    )
    assert why(client, 3, paths=(LOGS,), invert_target_path=True)[3] == (
        "pass",
        "inverted: TARGET_PREFIX /private/var/log/ selects /private/var/log/a; no entry selects /tmp/a",
    )
    assert why(client, 2, paths=(LOGS,), invert_target_path=True)[3] == (
        "suppress",
        "inverted: no entry selects /tmp/c",
    )


def test_why_target_muting_leaves_an_event_alone(client: Client) -> None:
    for seq, words in (
        (4, "lookup does not support target paths"),
        (5, "estui does not know the type from_the_future"),
        (6, "Apple does not document this"),
    ):
        outcome, said = why(client, seq, paths=(LOGS,), invert_target_path=True)[3]
        assert outcome == "not applicable"
        assert words in said


def test_why_of_an_event_that_lacks_things(client: Client) -> None:
    feed(client.core, b'{"event":{"fork":{}}}\n', opened("/\x1b", executable="/\u202e"))
    bare, hostile = client.core.counters().head - 2, client.core.counters().head - 1
    assert why(client, bare, invert_process=True)[1] == (
        "suppress",
        "inverted: no entry selects a process without pid and pidversion",
    )
    assert why(client, bare)[2] == ("pass", "no entry mutes an event without an executable")
    assert [step.words for step in client.why(hostile)][2:] == [
        "no entry mutes /\\u202e",
        "no entry mutes /\\x1b",
    ]
    assert client.why(hostile)[0] == WhyStep("subscription", "pass", "every type is subscribed")


# Exits


def test_an_exit_takes_a_process_off_the_live_list(client: Client) -> None:
    two, off = MuteProcess(2, 1), MuteProcess(3, 1, enabled=False)
    client.apply(Plan(processes=(ONE, two, off)), "x")
    client.tick()
    assert client.live_processes() == (ONE, two)
    before = client.rules()
    feed(client.core, line("exit", 1, "/bin/sh"))
    client.tick()
    assert client.live_processes() == (two,)
    assert client.rules() == before
    assert stages(client)[0] == 2
    assert client.plan.processes == (ONE, two, off)
    client.enable(1, False)
    assert client.live_processes() == ()
