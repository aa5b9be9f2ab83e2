"""`estui plan suggest` and `estui plan check` as a user has them: child processes, what they print, how they end."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from estui.plan import MutePath, Plan, load, save
from tests import test_cli
from tests.cores import event
from tests.test_cli import Estui, safe

environment, estui = test_cli.environment, test_cli.estui
"""Fixtures."""

PATH = "/private/var/\x1b]0;x\x07\u202e\n[/foo]\udcff/a"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "recording.jsonl"
    lines = [event("open", f"/private/var/log/x/{n}", executable="/usr/libexec/logd") for n in range(20)]
    lines += [event("write", "/Library/LaunchDaemons/x.plist", executable="/bin/cp"), b"not json"]
    lines += [event("stat", PATH, executable=PATH)] * 5
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def test_suggest_tells_and_writes_a_plan(estui: Estui, recording: Path, tmp_path: Path) -> None:
    output = tmp_path / "quiet.toml"
    result = estui("plan", "suggest", recording, "-o", output)
    assert result.returncode == 0
    text = result.stdout.decode()
    assert " 1  76.9 %  20 events, " in text
    assert "TARGET_PREFIX /private/var/log/x/: open\n" in text
    assert "TARGET_LITERAL /private/var/\\x1b]0;x" in text
    assert text.splitlines()[-1].startswith(
        "together 25 of 26 events delivered: 96.2%; no rules about paths could"
    )
    assert result.stderr.decode().splitlines() == [f"{recording}: 1 bad lines left out"]
    assert [(entry.path, entry.events) for entry in load(output).paths] == [
        ("/private/var/log/x/", ("open",)),
        (PATH, ("stat",)),
    ]
    again = estui("plan", "suggest", recording, "--plan", output)
    assert again.stdout == b"nothing to suggest for 1 events delivered\n"


def test_suggest_as_json_keeps_what_it_is_told(estui: Estui, recording: Path, tmp_path: Path) -> None:
    keep = tmp_path / "keep.toml"
    keep.write_text('[keep]\nformat = 1\n[[event]]\ntarget_prefix = "/private/var/log/"\n')
    result = estui("plan", "suggest", recording, "--keep", keep, "--json")
    found = json.loads(result.stdout)
    assert (found["events"], found["delivered"], found["saved"]) == (26, 26, 5)
    assert found["share_saved"] == pytest.approx(5 / 26)
    assert found["upper_bound"] == pytest.approx(5 / 26)
    [suggestion] = found["suggestions"]
    assert suggestion["rules"] == [{"type": "TARGET_LITERAL", "path": PATH, "events": ["stat"]}]
    places = tmp_path / "places.toml"
    places.write_text(
        '[coverage]\nformat = 1\n[[place]]\nid = "logs"\nevents = ["open"]\npaths = ["/private/var/log/*/"]\n'
    )
    result = estui("plan", "suggest", recording, "--also", places, "--json")
    assert json.loads(result.stdout)["saved"] == 5


def test_suggest_says_what_is_wrong(estui: Estui, recording: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("[keep]\nformat = 1\n[[evnt]]\n")
    for words, code, said in (
        (["--keep", bad], 2, "the nearest is event"),
        (["--plan", bad], 2, "bad.toml"),
        (["--also", bad], 2, "bad.toml"),
        (["--risk", "any"], 2, "--risk"),
        (["-o", tmp_path / "none" / "x"], 1, "cannot be saved"),
    ):
        result = estui("plan", "suggest", recording, *words)
        assert result.returncode == code
        assert not result.stdout
        assert safe(result.stderr)
        assert said in result.stderr.decode()
    assert estui("plan", "suggest", tmp_path / "none.jsonl").returncode == 3
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b"")
    result = estui("plan", "suggest", empty)
    assert result.stdout == b"nothing to suggest for 0 events delivered\n"
    assert b"no event was held" in result.stderr


def test_check_passes_and_fails(estui: Estui, recording: Path, tmp_path: Path) -> None:
    plan, report = tmp_path / "plan.toml", tmp_path / "report.xml"
    save(Plan(paths=(MutePath("TARGET_PREFIX", "/private/var/log/x/"),)), plan)
    expect = tmp_path / "expect.toml"
    expect.write_text(
        '[check]\nformat = 1\nname = "nightly"\ncoverage = ["launch-daemons"]\n'
        '[[suppressed]]\nname = "logs"\ntarget_prefix = "/private/var/log/"\nat_least = 20\n'
        '[[delivered]]\ntarget_prefix = "/Library/"\n[[at_most]]\nshare = 0.3\n'
    )
    result = estui("plan", "check", plan, recording, "--expect", expect, "--junit", report)
    assert result.returncode == 0
    assert result.stdout.decode().splitlines() == [
        "ok      delivered   delivered 1: all of 1",
        "ok      suppressed  logs: all of 20",
        "ok      at most     at most 1: 0.2308 of 26, at most 0.3",
        "ok      coverage    1 places delivered",
        "4 passed; 6 of 26 events delivered",
    ]
    suite = ElementTree.parse(report).getroot()
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("nightly", "4", "0")

    save(Plan(paths=(MutePath("TARGET_PREFIX", "/"),)), plan)
    result = estui("plan", "check", plan, recording, "--expect", expect, "--junit", report)
    assert result.returncode == 1
    text = result.stdout.decode()
    assert "FAILED  coverage    Launch daemons: blind\n" in text
    assert (
        "line 21 write /Library/LaunchDaemons/x.plist: suppressed at target path by TARGET_PREFIX /\n" in text
    )
    assert ElementTree.parse(report).getroot().get("failures") == "2"
    found = json.loads(estui("plan", "check", plan, recording, "--expect", expect, "--json").stdout)
    assert (found["ok"], found["events"], found["delivered"]) == (False, 26, 0)
    assert estui("plan", "check", plan, recording).returncode == 1
    assert estui("plan", "check", "log-directory", recording).returncode == 0


def test_check_says_what_is_wrong(estui: Estui, recording: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad\x1b.toml"
    bad.write_text("[check]\nformat = 1\n[[suppresed]]\n")
    for words, code, said in (
        ([recording, "--expect", bad], 2, "the nearest is suppressed"),
        ([recording, "--expect", "dmeo"], 2, "the nearest is demo"),
        ([recording, "--junit", tmp_path / "none" / "x"], 1, "cannot be written"),
        ([tmp_path / "none.jsonl"], 3, "none.jsonl"),
        ([], 2, "SOURCE"),
    ):
        result = estui("plan", "check", "log-directory", *words)
        assert result.returncode == code
        assert safe(result.stderr)
        assert said in result.stderr.decode()
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b"")
    result = estui("plan", "check", "log-directory", empty)
    assert b"no event was held, so only the plan itself was checked" in result.stderr
