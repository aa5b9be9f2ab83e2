"""`estui plan lint`, `coverage`, `explain` and jq's filter as a user has them: what they print, how they end."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from estui.plan import dumps, find_plan, load
from estui.sources import scenario
from tests import test_cli
from tests.cores import event
from tests.exporting import run, tool
from tests.test_cli import HOSTILE, Estui, safe

environment, estui = test_cli.environment, test_cli.estui
"""Fixtures."""

PATH = "/\x1b]0;x\x07\u202e\n[/foo]\udcff"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "recording.jsonl"
    lines = [
        event("open", "/private/var/log/a", executable="/bin/cat", pid=7, pidversion=1),
        b"not json",
        event("create", "/Library/LaunchDaemons/x.plist", executable="/bin/cp", pid=8, pidversion=1),
        event("rename", PATH, "/b", executable=PATH),
    ]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(
        '[plan]\nformat = 1\n[[mute_path]]\ntype = "TARGET_PREFIX"\npath = "/var/log/"\n'
        '[[mute_path]]\ntype = "LITERAL"\npath = "/bin/cp"\nevents = ["create"]\n'
        '[[mute_path]]\ntype = "PREFIX"\npath = "/opt/x"\nevents = ["open"]\n'
    )
    return path


def document(output: bytes) -> Any:
    return json.loads(output)


# lint


def test_lint_tells_and_ends_with_1_for_an_error(estui: Estui, plan: Path) -> None:
    result = estui("plan", "lint", plan)
    assert result.returncode == 1
    text = result.stdout.decode()
    assert "error    symlink         [[mute_path]] 1: /var/log/ leads to /private/var/log/" in text
    assert "fix: make it /private/var/log/" in text
    assert text.endswith("1 error, 1 hint\n")
    assert estui("plan", "lint", "log-directory").stdout == b"no lints\n"
    assert estui("plan", "lint", plan, "--only", "sibling-prefix").returncode == 0


def test_lint_looks_at_what_was_held(estui: Estui, plan: Path, recording: Path) -> None:
    result = estui("plan", "lint", plan, recording, recording, "--json")
    found = document(result.stdout)
    assert found["events"] == 6
    assert [(lint["id"], lint["index"]) for lint in found["lints"]] == [
        ("sibling-prefix", 2),
        ("symlink", 0),
        ("never-hit", 2),
    ]
    assert result.stderr.decode().splitlines() == [f"{recording}: 1 bad lines left out"] * 2


def test_lint_fixes_into_a_file(estui: Estui, plan: Path, tmp_path: Path) -> None:
    output = tmp_path / "fixed.toml"
    result = estui("plan", "lint", plan, "--fix", "-o", output, "--json")
    assert result.returncode == 0
    assert [entry.path for entry in load(output).paths] == ["/private/var/log/", "/bin/cp", "/opt/x"]
    found = document(result.stdout)
    assert ([lint["id"] for lint in found["fixed"]], found["left"]) == (["symlink"], 1)
    assert b"1 fixed, 1 left" in result.stderr
    assert estui("plan", "lint", output, "--fix", "-o", output, "--only", "sibling-prefix").returncode == 0
    assert load(output).paths[2].path == "/opt/x/"
    assert load(plan).paths[0].path == "/var/log/"


@pytest.mark.parametrize(
    "words",
    [["--fix"], ["-o", "x"], ["--only", "symlinks"], ["--only", HOSTILE.replace("\0", "")], ["--only", ""]],
)
def test_lint_usage(estui: Estui, plan: Path, words: list[str]) -> None:
    result = estui("plan", "lint", plan, *words)
    assert result.returncode == 2
    assert not result.stdout
    assert safe(result.stderr)


def test_lint_writes_nothing_it_cannot(estui: Estui, plan: Path, tmp_path: Path) -> None:
    result = estui("plan", "lint", plan, "--fix", "-o", tmp_path / "none" / "x")
    assert result.returncode == 1
    assert not result.stdout
    assert b"cannot be saved" in result.stderr
    assert estui("plan", "lint", plan, tmp_path / "none.jsonl").returncode == 3


# coverage


def test_coverage_names_the_rule_and_counts(estui: Estui, plan: Path, recording: Path) -> None:
    text = estui("plan", "coverage", plan).stdout.decode()
    assert "partly blind  Launch daemons (T1543.004)\n" in text
    assert "    [[mute_path]] 2 LITERAL /bin/cp: create\n" in text
    assert text.splitlines()[-1].endswith("0 blind")
    text = estui("plan", "coverage", plan, recording).stdout.decode()
    assert "Launch daemons (T1543.004): 1 of 1 hidden" in text
    found = document(estui("plan", "coverage", plan, recording, recording, "--json").stdout)
    daemons = next(place for place in found["places"] if place["id"] == "launch-daemons")
    assert (daemons["status"], daemons["by_others"]) == ("partly blind", "delivered")
    assert (daemons["events"], daemons["hidden"]) == (2, 2)
    assert daemons["blames"][0]["rule"] == {"place": "[[mute_path]] 2", "index": 1, "rule": "LITERAL /bin/cp"}
    assert sum(found["counts"].values()) == len(found["places"])


def test_coverage_of_places_of_ones_own(estui: Estui, plan: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[coverage]\nformat = 1\n[[place]]\nid = "mine"\nname = "a\\u001bb"\npaths = ["/opt/"]\n')
    result = estui("plan", "coverage", plan, "--also", own)
    assert result.returncode == 0
    assert "partly blind  a\\x1bb\n" in result.stdout.decode()
    assert safe(result.stdout)
    own.write_text("[coverage]\nformat = 1\n[[place]]\nid = 1\n")
    wrong = estui("plan", "coverage", plan, "--also", own)
    assert wrong.returncode == 2
    assert b"own.toml: [[place]] 1: id: this must be a string" in wrong.stderr


# explain


def test_explain_a_line(estui: Estui, recording: Path, plan: Path) -> None:
    text = estui("plan", "explain", plan, recording, "3").stdout.decode()
    assert "┗━▶ suppressed at path, by [[mute_path]] 2 LITERAL /bin/cp\n" in text
    found = document(estui("plan", "explain", plan, recording, "3", "--json").stdout)
    assert (found["n"], found["event"], found["stage"], found["process"]) == (3, "create", "path", [8, 1])
    assert found["targets"] == ["/Library/LaunchDaemons/x.plist"]
    hostile = estui("plan", "explain", plan, recording, "4")
    assert hostile.returncode == 0
    assert safe(hostile.stdout)
    exact = document(estui("plan", "explain", plan, recording, "4", "--json").stdout)
    assert exact["executable"] == PATH


def test_explain_an_event_only_thought_of(estui: Estui, plan: Path) -> None:
    words = [
        "--event",
        "create",
        "--executable",
        "/bin/cp",
        "--target",
        "/a",
        "--pid",
        "3",
        "--pidversion",
        "1",
    ]
    result = estui("plan", "explain", plan, *words)
    assert result.returncode == 0
    assert "suppressed at path" in result.stdout.decode()
    assert not result.stderr
    raw = estui("plan", "explain", plan, "--event", "open", "--target", b"/\xff", "--json")
    assert document(raw.stdout)["targets"] == ["/\udcff"]
    half = estui("plan", "explain", plan, "--event", "rename", "--target", "/a")
    assert half.stderr.decode() == "rename carries 2 target paths: 1 not given, and not asked about\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "Give SOURCE and N, or --event"),
        (["FILE"], 2, "Give SOURCE and N, or --event"),
        (["FILE", "0"], 2, "number of a line"),
        (["FILE", "x\x1b"], 2, "number of a line"),
        (["FILE", "9" * 5000], 2, "number of a line"),
        (["FILE", "99"], 1, "has no line 99"),
        (["FILE", "2"], 1, ":2 is not an event: not valid JSON"),
        (["none.jsonl", "1"], 3, "none.jsonl"),
        (["FILE", "1", "--event", "open"], 2, "not both"),
        (["FILE", "1", "--target", "/a"], 2, "go with --event"),
        (["FILE", "1", "--pid", "1"], 2, "go with --event"),
        (["--event", "open", "--pid", "1"], 2, "go together"),
        (["--event", "open", "--pid", "-1", "--pidversion", "1"], 2, "argument --pid"),
        (["--event", "opne"], 2, "the nearest is open"),
        (["--event", "a\x1b"], 2, "a\\x1b is not an event type"),
        (["--event", "fork", "--target", "/a"], 2, "no target path"),
    ],
)
def test_explain_says_what_is_wrong(
    estui: Estui,
    plan: Path,
    recording: Path,
    words: list[str],
    code: int,
    said: str,
) -> None:
    result = estui("plan", "explain", plan, *(recording if word == "FILE" else word for word in words))
    assert result.returncode == code
    assert not result.stdout
    assert safe(result.stderr)
    assert said in result.stderr.decode()


@pytest.mark.parametrize("command", ["lint", "coverage", "explain"])
def test_a_plan_that_does_not_parse(estui: Estui, recording: Path, tmp_path: Path, command: str) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("[plan]\nformat = 1\nsubscrbe = []\n")
    result = estui("plan", command, bad, recording, *(["1"] if command == "explain" else []))
    assert result.returncode == 2
    assert not result.stdout
    assert b"bad.toml: [plan]: subscrbe: there is no such key here; the nearest is subscribe" in result.stderr


# the filter for jq


def test_jq_lets_through_what_judge_delivers(estui: Estui, tmp_path: Path) -> None:
    lines = list(itertools.islice(scenario.lines(), 1500))
    plan, recording, program = (tmp_path / name for name in ("judged.toml", "demo.jsonl", "plan.jq"))
    plan.write_text(dumps(replace(load(find_plan("quiet-build")), subscribe=("open", "exec", "create"))))
    recording.write_bytes(b"".join(line.rstrip() + b"\n" for line in lines))
    judged = [json.loads(line) for line in estui("plan", "judge", plan, recording).stdout.splitlines()]
    assert estui("plan", "export", plan, "--to", "jq", "-o", program).returncode == 0
    passed = run([tool("jq"), "-c", "-f", program, recording]).splitlines()
    kept = [lines[verdict["n"] - 1] for verdict in judged if verdict["delivered"]]
    assert [json.loads(line)["time"] for line in passed] == [json.loads(line)["time"] for line in kept]
    assert 0 < len(kept) < len(lines)
