"""The source `estui linux`: this machine's kernel events in a core, and what is said where there are none."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from estui.client import Client
from estui.core import Core
from estui.events import NOTIFY
from estui.plan import MutePath
from estui.record import KIND_EVENT, STAGES, Row
from estui.sources import SourceError, SourceOptions, linux, open_source
from estui.sources.linux import LINUX_TYPES, TROUBLE, LinuxSource, permitted_quietly, possible
from tests.macs import Mac, alive
from tests.recorder import binary, do, resolved
from tests.sourcing import bad, gaps, ring, rows, safe, seams, started, until

STANDIN = """#!/bin/sh
echo "$@" >> {folder}/args
echo "estui: started" >&2
trap 'echo "estui: left_out 7" >&2; exit 0' INT TERM
echo "estui: left_out 5" >&2
echo "estui-linux: /x is not watched" >&2
echo '{{"event":{{"exec":{{}}}},"estui_origin":"linux"}}'
while :; do sleep 0.1; done
"""


@pytest.fixture
def standin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recorder that only says that it is one, run as root."""
    path = tmp_path / "estui-linux"
    path.write_text(STANDIN.format(folder=tmp_path))
    path.chmod(0o755)
    monkeypatch.setattr(linux, "_recorder", lambda: path)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return path


def refuse(standin: Path, words: str) -> None:
    standin.write_text(f"#!/bin/sh\necho 'estui-linux: {words}' >&2\nexit 3\n")


# The machine's own events


def made(core: Core, path: Path) -> list[Row]:
    return [row for row in rows(core, KIND_EVENT) if row.event == "create" and row.targets == (str(path),)]


def test_a_file_of_another_process_is_a_row_and_a_mute_hides_it_at_once(tmp_path: Path) -> None:
    binary()
    source = open_source(["linux", "create", "exec", "exit"])
    assert source.origin == "linux"
    assert source.sends == frozenset(("create", "exec", "exit"))
    source.authorize()
    with ring() as core, started(source, core):
        # The recorder may not have begun: make files until one is seen.
        until(lambda: _probed(core, tmp_path), lambda: source.state)
        pid = do("touch", str(tmp_path / "x"))
        until(lambda: made(core, tmp_path / "x"), lambda: source.state)
        [row] = made(core, tmp_path / "x")
        assert (row.pid, row.executable, row.owned) == (pid, resolved("touch"), True)
        assert STAGES[row.stage] is None
        client = Client(core)
        client.add(MutePath("TARGET_PREFIX", f"{tmp_path}/"))
        [row] = made(core, tmp_path / "x")
        assert STAGES[row.stage] == "target_path"
        do("touch", str(tmp_path / "y"))
        until(lambda: made(core, tmp_path / "y"))
        assert STAGES[made(core, tmp_path / "y")[0].stage] == "target_path"
        assert not bad(core)
        assert not gaps(core)
        # What estui does itself, such as this, is not there but counted.
        (tmp_path / "own").touch()
        do("touch", str(tmp_path / "z"))
        until(lambda: made(core, tmp_path / "z"))
        assert not made(core, tmp_path / "own")
        until(lambda: source.left_out)
        child = source._children[0]  # type: ignore[attr-defined]
    assert source.state == ("ended", "stopped", "", 0)
    assert not alive(child.pid)


def _probed(core: Core, folder: Path) -> bool:
    number = core.counters().lines
    do("touch", str(folder / f"probe{number}"))
    return bool([row for row in rows(core, KIND_EVENT) if str(folder) in "".join(row.targets)])


def test_it_is_possible_where_the_tests_of_the_recorder_run() -> None:
    binary()
    assert possible().ok
    assert permitted_quietly()


# The child


def test_the_recorder_leaves_out_who_looks_at_it(standin: Path) -> None:
    source = LinuxSource(["exec", "attrib"])
    with ring() as core, started(source, core):
        until(lambda: core.counters().events, lambda: source.state)
        until(lambda: source.left_out == 5)
        assert source.state == ("running", "", "", 0)
        assert source.knows("attrib")
        assert not source.knows("lookup")
        source.restart(frozenset(("open", "lookup")))
        until(lambda: core.counters().events == 2, lambda: source.state)
        until(lambda: source.left_out == 12)  # 7 of the first one, 5 of this
        assert seams(core) == ["linux restarted with 1 types"]
        assert source.sends == {"open"}
    assert source.left_out == 14
    first, second = (standin.parent / "args").read_text().splitlines()
    assert first.split()[:4] == ["--types", "attrib,exec", "--without", str(os.getpid())]
    assert second.split()[:2] == ["--types", "open"]


def test_a_user_runs_it_through_sudo(standin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mac").mkdir()
    machine = Mac(tmp_path / "mac", monkeypatch)
    machine.user()
    assert possible() == (True, "possible through sudo", "")
    assert permitted_quietly()
    machine.set(STANDIN_SUDO="ticket")
    assert "ask" in possible().words
    assert not permitted_quietly()
    source = LinuxSource(["exec"])
    assert source.needs_terminal()
    source.authorize()
    assert not source.needs_terminal()
    with ring() as core, started(source, core):
        until(lambda: core.counters().events, lambda: source.state)
    assert machine.log("sudo")[-1] == ["-n", str(standin), "--types", "exec", "--without", str(os.getpid())]


def test_without_sudo_a_user_cannot(standin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 501)
    monkeypatch.setenv("PATH", "")
    assert not possible().ok
    assert not permitted_quietly()
    with pytest.raises(SourceError, match="no sudo here"):
        LinuxSource()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("watching files is not possible: it takes root", "can only be watched by root"),
        ("watching files is not possible: root has no CAP_SYS_ADMIN here, as in a container", "container"),
        (
            "watching processes is not possible: it does not answer in a container's own network namespace, nor …",
            "container",
        ),
        ("watching files is not possible: this kernel was built without fanotify", "without fanotify"),
        ("watching files is not possible: this kernel is older than Linux 5.9", "too old"),
        ("\x1b[31mout of memory", "ended (exit status 3)"),
    ],
)
def test_why_it_cannot_be_is_told_with_what_to_do(standin: Path, words: str, said: str) -> None:
    refuse(standin, words.replace("'", "'\\''"))
    source = LinuxSource()
    with ring() as core:
        source.start(core)
        assert source.wait(60)
        state = source.state
    assert state.status == "failed"
    assert said in state.reason
    assert state.advice
    assert state.exit_code == 3
    assert safe(state.reason, state.advice)


@pytest.mark.parametrize(
    ("answers", "ok", "said"),
    [
        ("fanotify yes\nconnector yes\ntracefs yes", True, "possible as root"),
        ("fanotify yes\nconnector yes\ntracefs no ENODEV no tracefs", True, "without signals"),
        ("fanotify no EPERM root has no CAP_SYS_ADMIN here\nconnector yes\ntracefs yes", False, "container"),
        ("fanotify yes\nconnector no EIO \x1b[31m\ntracefs yes", False, "connector is not to be had"),
        ("", False, "fanotify is not to be had"),
    ],
)
def test_root_asks_the_kernel(standin: Path, answers: str, ok: bool, said: str) -> None:
    standin.write_text(f"#!/bin/sh\ncat <<'X'\n{answers}\nX\n")
    able = possible()
    assert able.ok is permitted_quietly() is ok
    assert said in able.words
    assert safe(able.words, able.remedy)


def test_a_build_without_a_recorder_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "built without" in possible().words
    assert not permitted_quietly()
    with pytest.raises(SourceError, match="without its recorder"):
        open_source(["linux"])


def test_elsewhere_there_is_no_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not possible().ok
    with pytest.raises(SourceError, match="on Linux only"):
        open_source(["linux"])


# Types


def test_its_types_are_of_the_catalogue_but_one() -> None:
    assert LINUX_TYPES - set(NOTIFY) == {"attrib"}


@pytest.mark.parametrize(
    ("name", "message", "advice"),
    [
        ("lookup", "does not tell of lookup", "Linux tells of"),
        ("wirte", "there is no event type wirte", "Did you mean write"),
        ("\x1b[31m[/foo]", "there is no event type", "Linux tells of"),
    ],
)
def test_a_type_it_cannot_tell_of_is_named(standin: Path, name: str, message: str, advice: str) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(["linux"], SourceOptions(events=(name,)))
    assert caught.value.exit_code == 2
    assert message in caught.value.message
    assert advice in caught.value.advice
    assert safe(caught.value.message, caught.value.advice)


def test_every_trouble_has_a_remedy() -> None:
    assert all(sign and reason and remedy for sign, reason, remedy in TROUBLE)
