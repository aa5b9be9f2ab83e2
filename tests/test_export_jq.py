"""The filter for jq, run by the real jq: what it lets through is what the engine delivers."""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estui.lab.export import export
from estui.message import BadLine, Message
from estui.plan import EXAMPLES, MutePath, MuteProcess, Plan, find_plan, load
from estui.sources import scenario
from tests.cores import WITHOUT_CORE, event
from tests.exporting import HOSTILE_PATHS, HOSTILE_PLAN, PLANS, run, tool
from tests.lines import INSTIGATED, TARGETS, Writer, documents

pytestmark = WITHOUT_CORE
NOT_UTF8 = re.compile("[\udc80-\udcff\ufffd]")


def passed(plan: Plan, lines: Iterable[bytes]) -> list[int]:
    """The members `n` of the lines that jq lets through."""
    words = [tool("jq"), "-c", export(plan, "jq").text]
    return [json.loads(line)["n"] for line in run(words, b"\n".join([*lines, b""])).splitlines()]


def delivered(plan: Plan, lines: Iterable[bytes]) -> list[int]:
    """The same by the engine."""
    mutes = plan.mute_set()
    found = []
    for line in lines:
        message = Message(line)
        try:
            if mutes.decide(message).delivered:
                found.append(message.data["n"])
        except BadLine:
            continue
    return found


def numbered(lines: Iterable[bytes]) -> list[bytes]:
    """Events with a member that tells them apart."""
    return [line.replace(b"{", b'{"n":%d,' % number, 1) for number, line in enumerate(lines)]


@pytest.fixture(scope="module")
def demo() -> list[bytes]:
    """Lines of the demo, in eslogger's own shapes."""
    return numbered(line.rstrip() for line in itertools.islice(scenario.lines(), 1500))


VARIANTS = [
    {},
    {"subscribe": ("open", "exec", "rename", "hover")},
    {"subscribe": ()},
    {"invert_path": True},
    {"invert_target_path": True},
    {"invert_path": True, "invert_target_path": True, "default_mute_set": "macos26"},
]


@pytest.mark.parametrize("changes", VARIANTS, ids=lambda changes: ",".join(changes) or "as it is")
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_filters_the_scenario(name: str, changes: dict[str, Any], demo: list[bytes]) -> None:
    plan = replace(load(find_plan(name)), **changes)
    assert passed(plan, demo) == delivered(plan, demo)


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("votes", [False, True])
def test_processes_filter_the_scenario(demo: list[bytes], inverted: bool, votes: bool) -> None:
    seen = [Message(line).process for line in demo]
    tokens = sorted({(p.audit_token.pid or 0, p.audit_token.pidversion or 0) for p in seen if p})
    some = tuple(
        MuteProcess(*token, ("open", "signal", "exec") if number % 3 else None)
        for number, token in enumerate(tokens[::2])
    )
    plan = Plan(invert_process=inverted, instigator_votes=votes, processes=some)
    result = passed(plan, demo)
    assert result == delivered(plan, demo)
    assert 0 < len(result) < len(demo)


def every_type(paths: Iterable[str]) -> list[bytes]:
    """Events of each type, on each of these paths, in each arm of their unions, and with one target missing."""
    lines = []
    for path in paths:
        lines.append(event("fork", executable=path))
        lines.append(event("hover", executable=path))
        for name, targets in TARGETS.items():
            lines += [
                event(name, *two, executable="/x")
                for two in itertools.product((path, "/other"), repeat=len(targets))
            ]
            lines += [event(name), event(name, path)]
    for name, path in itertools.product(("create", "rename", "copyfile"), paths):
        directory, _, last = path.rpartition("/")
        for there in (directory, directory + "/"):
            new = {"new_path": {"dir": {"path": there}, "filename": last}}
            payload = {"source": {"path": path}, "destination": new}
            payload |= {"target_dir": {"path": there}, "target_name": last}
            lines.append(json.dumps({"event": {name: payload}}).encode())
            both = {**new, "existing_file": {"path": "/existing"}}
            lines.append(json.dumps({"event": {name: payload | {"destination": both}}}).encode())
    return numbered(lines)


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("kind", ["PREFIX", "LITERAL", "TARGET_PREFIX", "TARGET_LITERAL"])
def test_every_type_and_path_by_every_kind_of_rule(kind: str, inverted: bool) -> None:
    paths = ["/a", "/a/b", "/ab", *(path for path in HOSTILE_PATHS if not NOT_UTF8.search(path))]
    lines = every_type(paths)
    rules = [*paths[:1], *paths[3::2], "/other"]
    for events in (None, ("open", "rename", "create", "copyfile", "fork")):
        plan = Plan(
            invert_path=inverted,
            invert_target_path=inverted,
            paths=tuple(MutePath(kind, path, events) for path in rules),
        )
        result = passed(plan, lines)
        assert result == delivered(plan, lines)
        assert export(plan, "jq").warnings == ()


def token(pid: object, pidversion: object, *, array: bool = False) -> object:
    """An audit token in either shape."""
    return [0, 0, 0, 0, 0, pid, 0, pidversion] if array else {"pid": pid, "pidversion": pidversion}


def test_processes_by_either_shape_of_token() -> None:
    values = [1, 2, (1 << 32) - 1, 1 << 32, "1", None, True, 1.5, [1], -1]
    tokens = [token(a, b, array=array) for a in values for b in values[:4] for array in (False, True)]
    tokens += [[1, 2], [0, 0, 0, 0, 0, 1, 0, 2, 0], [0, 0, 0, 0, 0, 1, 0], "1.2", 7, {}, {"pid": 1}]
    lines = numbered(
        json.dumps({"event": {"open": {}}, "process": {"audit_token": value}}).encode() for value in tokens
    )
    lines += [
        json.dumps({"n": len(lines) + n, "event": {"open": {}}, "process": value}).encode()
        for n, value in enumerate([[], "x", 5])
    ]
    for inverted in (False, True):
        plan = Plan(
            invert_process=inverted,
            processes=(
                MuteProcess(1, 2),
                MuteProcess((1 << 32) - 1, 1, ("open",)),
                MuteProcess(2, 2, ("exec",)),
            ),
        )
        assert passed(plan, lines) == delivered(plan, lines)


def test_instigators_are_asked_where_the_plan_says_so() -> None:
    lines = []
    for name in sorted([*INSTIGATED, "open", "sudo"]):
        for process, role, whole in itertools.product((1, 3), ("instigator", "petitioner"), (True, False)):
            holders: list[dict[str, Any]] = [
                {},
                {"data": {"od": {}}},
                {"data": {"touchid": {}}},
                {"data": {"token": {}}},
            ]
            for payload in json.loads(json.dumps(holders)):
                holder = next(iter(payload.get("data", {"": payload}).values()))
                if whole:
                    holder[role] = {"audit_token": token(2, 1)}
                    holder[f"{role}_token"] = token(9, 9)
                else:
                    holder[role] = {"audit_token": token(2, None)}
                    holder[f"{role}_token"] = token(2, 1, array=True)
                document = {"event": {name: payload}, "process": {"audit_token": token(process, 1)}}
                lines.append(json.dumps(document).encode())
    lines = numbered(lines)
    for inverted, votes in itertools.product((False, True), repeat=2):
        processes = (MuteProcess(1, 1), MuteProcess(2, 1))
        plan = Plan(
            invert_process=inverted,
            instigator_votes=votes,
            processes=processes if inverted else processes[1:],
        )
        result = passed(plan, lines)
        assert result == delivered(plan, lines)
        assert bool(len(result) < len(lines)) is (votes or inverted)


def test_lines_that_are_no_events_are_not_let_through() -> None:
    lines = [b"null", b"[]", b'"x"', b"7", b"{}", b'{"event":[]}', b'{"event":{}}', b'{"event":{"open":7}}']
    lines += [b'{"event":{"open":{},"exec":{}}}', b'{"n":1,"event":{"open":{}}}']
    assert passed(Plan(), lines) == [1]
    assert passed(Plan(invert_path=True), lines) == []


def plain(value: Any) -> Any:
    """A document without numbers that a double cannot tell from others."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value + 0.5 if value.is_integer() and abs(value) < 1 << 50 else 0.5
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 1 << 53:
        return value % (1 << 53)
    return value


DOCUMENTS = documents.filter(lambda document: isinstance(document, dict)).map(plain)


@settings(max_examples=60)
@given(PLANS, st.lists(st.tuples(st.integers(0, 1 << 32), DOCUMENTS), min_size=5, max_size=25))
def test_any_plan_filters_any_lines(plan: Plan, written: list[tuple[int, dict[str, Any]]]) -> None:
    """Lines however they are written, under plans with any paths but those that jq cannot read exactly."""
    plan = plan.with_entries(
        entry for entry in plan.entries if not NOT_UTF8.search(getattr(entry, "path", ""))
    )
    lines = [Writer(seed).line({**document, "n": number}) for number, (seed, document) in enumerate(written)]
    assert passed(plan, lines) == delivered(plan, lines)


def test_what_jq_cannot_tell_apart_is_said() -> None:
    plan = Plan(
        paths=(MutePath("PREFIX", "/a\udcff"), MutePath("LITERAL", "/\ufffd"), MutePath("LITERAL", "/b"))
    )
    exported = export(plan, "jq")
    assert exported.warnings == ('PREFIX "/a\\xff": jq cannot tell bytes that are not UTF-8 apart',)
    assert '# U+FFFD also stands for bytes that are not UTF-8: LITERAL "/\ufffd"' in exported.text
    lines = numbered(
        [
            event("fork", executable="/a\udcff"),
            event("fork", executable="/b"),
            event("fork", executable="/b\udcff"),
        ]
    )
    assert delivered(plan, lines) == [2]
    assert passed(plan, lines) == [0, 2]


def test_more_rules_than_one_object_may_hold() -> None:
    """jq 1.6 has no room for an object of 6,000 members in a program."""
    plan = Plan(paths=tuple(MutePath("LITERAL", f"/bin/{number}") for number in range(6000)))
    lines = numbered(event("fork", executable=f"/bin/{number}") for number in (0, 999, 1000, 5999, 6000))
    assert passed(plan, lines) == [4]


# The whole line


def test_a_filter_too_long_for_a_command_line() -> None:
    plan = Plan(paths=tuple(MutePath("LITERAL", f"/{number:0>1000}") for number in range(1000)))
    exported = export(plan, "eslogger")
    assert exported.text.splitlines()[-1] == ":"
    assert len(exported.warnings) == 1


def test_the_line_as_a_shell_reads_it() -> None:
    *comment, line = export(HOSTILE_PLAN, "eslogger").text.splitlines()
    assert all(words.startswith("# ") for words in comment)
    words = shlex.split(line)
    assert words[:9] == ["sudo", "eslogger", "open", "write", "rename", "|", "jq", "-c", "--unbuffered"]
    assert len(words) == 10
    alone = export(HOSTILE_PLAN, "jq").text
    assert words[9].split() == [
        word for words in alone.splitlines() if words[0] != "#" for word in words.split()
    ]


def test_no_word_of_a_plan_reaches_the_shell_as_one() -> None:
    plan = Plan(subscribe=("open", "$(id)", "-x", "--oslog", ";ls", "new_type", "Upper", "a b"))
    exported = export(plan, "eslogger")
    assert shlex.split(exported.text.splitlines()[-1])[:6] == [
        "sudo",
        "eslogger",
        "open",
        "new_type",
        "|",
        "jq",
    ]
    assert len(exported.warnings) == 6
    nothing = export(Plan(subscribe=()), "eslogger")
    assert nothing.warnings == ("subscribing to nothing: eslogger must be given a type",)
    assert nothing.text.splitlines()[-1] == ":"


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh"])
@pytest.mark.parametrize("subscribe", [None, ("open", "exec", "close")])
def test_the_line_runs(
    shell: str, subscribe: tuple[str, ...] | None, tmp_path: Path, demo: list[bytes]
) -> None:
    """By a shell, with the real jq; sudo and eslogger are scripts that say what they were given."""
    tool("jq")
    quiet = load(find_plan("quiet-build"))
    paths = [path for path in (*quiet.paths, *HOSTILE_PLAN.paths) if not NOT_UTF8.search(path.path)]
    plan = replace(quiet, subscribe=subscribe, paths=tuple(paths))
    (tmp_path / "plan.sh").write_text(export(plan, "eslogger").text, encoding="utf-8")
    (tmp_path / "lines").write_bytes(b"\n".join([*demo, b""]))
    write_script(tmp_path / "sudo", 'exec "$@"')
    listing = '[ "$1" = --list-events ] && exec printf "open\\nexec\\n"'
    write_script(
        tmp_path / "eslogger", f'{listing}\necho "$@" >"{tmp_path}/types"\nexec cat "{tmp_path}/lines"'
    )
    output = run([tool(shell), tmp_path / "plan.sh"], PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert (tmp_path / "types").read_text().split() == list(subscribe or ("open", "exec"))
    kept = [json.loads(line)["n"] for line in output.splitlines()]
    assert kept == delivered(plan, demo)
    assert 0 < len(kept) < len(demo)


def write_script(path: Path, text: str) -> None:
    """A program for sh."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
