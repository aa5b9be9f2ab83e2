from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from estui.core import Core
from estui.events import NOTIFY
from estui.record import KIND_EVENT
from estui.sources import SourceError, SourceOptions, child, live, open_source
from estui.sources.child import Child
from estui.sources.eslogger import TROUBLE, EsloggerSource
from tests.macs import Mac, alive
from tests.sourcing import DEADLINE, bad, fed, gaps, read_all, ring, rows, runs, safe, seams, started, until

TYPES = ("exec", "fork", "exit", "open")


@pytest.fixture
def mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mac:
    return Mac(tmp_path, monkeypatch)


def names(core: Core) -> set[str]:
    return {row.event for row in rows(core, KIND_EVENT)}


# The command


def test_root_runs_eslogger_itself(mac: Mac) -> None:
    mac.set(STANDIN_COUNT=50)
    source = EsloggerSource(TYPES)
    source.authorize()
    with ring() as core, started(source, core):
        until(lambda: core.counters().events == 50, lambda: source.state)
        assert source.state == ("running", "", "", 0)
        assert names(core) <= set(TYPES)
        assert all(row.owned for row in rows(core))
        assert not bad(core)
    assert mac.log("args") == [sorted(TYPES)]
    assert not mac.log("sudo")
    assert source.state == ("ended", "stopped", "", 0)
    assert mac.log("signal") == ["SIGINT"]


def test_a_user_runs_it_through_sudo_which_asks_before(mac: Mac) -> None:
    mac.user()
    mac.set(STANDIN_COUNT=5, STANDIN_SUDO="ticket")
    source = EsloggerSource(TYPES)
    source.authorize()
    with ring() as core, started(source, core):
        until(lambda: core.counters().events == 5, lambda: source.state)
        source.stop()
    assert mac.log("sudo") == [["-v"], ["-n", str(mac.bin / "eslogger"), *sorted(TYPES)]]
    assert mac.log("signal") == ["SIGINT"]
    until(lambda: not alive(mac.log("pid")[0]))


def test_it_has_its_own_group_in_our_session(mac: Mac) -> None:
    mac.set(STANDIN_COUNT=1)
    with ring() as core, started(EsloggerSource(TYPES), core):
        until(lambda: core.counters().events)
    assert mac.log("group") == mac.log("pid")
    assert mac.log("group") != [os.getpgrp()]
    assert mac.log("session") == [os.getsid(0)]


def test_all_it_lists_is_asked_for_without_being_told(mac: Mac) -> None:
    mac.set(STANDIN_KNOWS="exec,fork,newer_than_estui", STANDIN_COUNT=0)
    source = EsloggerSource()
    assert source.sends == {"exec", "fork", "newer_than_estui"}
    with ring() as core, started(source, core):
        until(lambda: mac.log("args"))
    assert mac.log("args") == [["exec", "fork", "newer_than_estui"]]


def test_the_catalogue_stands_in_for_a_list(mac: Mac) -> None:
    silent = mac.bin / "silent"
    silent.write_text("#!/bin/sh\nexit 64\n")
    silent.chmod(0o755)
    assert EsloggerSource(command=(str(silent),)).sends == set(NOTIFY)


@pytest.mark.parametrize(
    ("types", "said", "advice"),
    [
        (["exce"], "no event type exce", "Did you mean exec?"),
        (["\x1b]0;x"], r"no event type \\x1b", "--list-events"),
        (["tcc_modify"], "does not know tcc_modify", "It came with macOS 15.4"),
    ],
)
def test_types_it_does_not_know(types: list[str], said: str, advice: str, mac: Mac) -> None:
    mac.set(STANDIN_KNOWS="exec,open")
    with pytest.raises(SourceError, match=said) as caught:
        open_source(["eslogger", *types])
    assert advice in caught.value.advice
    assert caught.value.exit_code == 2
    assert safe(caught.value.message, caught.value.advice)


def test_where_there_is_no_eslogger(mac: Mac, monkeypatch: pytest.MonkeyPatch) -> None:
    (mac.bin / "eslogger").unlink()
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(SourceError, match="runs on a Mac only") as caught:
        open_source(["eslogger"])
    assert caught.value.exit_code == 3
    with pytest.raises(SourceError, match=r"no command a\\x1b"):
        open_source(["eslogger"], SourceOptions(eslogger_command=("a\x1b",)))


def test_the_command_is_the_users_own(mac: Mac) -> None:
    mac.set(STANDIN_COUNT=3)
    command = ("env", "A=1", str(mac.bin / "eslogger"), "--format", "json")
    source = open_source(["eslogger", "exec"], SourceOptions(eslogger_command=command))
    with ring() as core, started(source, core):
        until(lambda: core.counters().events == 3, lambda: source.state)
    assert mac.log("args") == [["--format", "json", "exec"]]


def test_sudo_that_refuses_ends_it_before_it_begins(mac: Mac) -> None:
    mac.user()
    mac.set(STANDIN_SUDO="refuse")
    with pytest.raises(SourceError, match="sudo did not allow it") as caught:
        EsloggerSource(TYPES).authorize()
    assert caught.value.exit_code == 3


# Its troubles


@pytest.mark.parametrize("sign", [sign for sign, _, _ in TROUBLE if sign.startswith("ES_")])
def test_the_results_of_es_new_client_become_advice(sign: str, mac: Mac) -> None:
    mac.set(STANDIN_RESULT=sign)
    with ring() as core:
        state = read_all(EsloggerSource(TYPES), core).state
    [(reason, advice)] = [(reason, advice) for known, reason, advice in TROUBLE if known == sign]
    assert state == ("failed", reason, advice, 3)


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"STANDIN_EUID": 501}, "eslogger must run as root"),
        ({"STANDIN_SUDO": "ticket"}, "sudo wants the password again"),
        ({"STANDIN_SUDO": "stranger"}, "this user may not use sudo"),
    ],
)
def test_missing_rights_become_advice(variables: dict[str, object], reason: str, mac: Mac) -> None:
    if "STANDIN_SUDO" in variables:
        mac.user()
    mac.set(**variables)
    with ring() as core:
        state = read_all(EsloggerSource(TYPES), core).state
    assert (state.status, state.reason, state.exit_code) == ("failed", reason, 3)
    assert state.advice


def test_full_disk_access_is_advised_in_apples_words(mac: Mac) -> None:
    mac.set(STANDIN_RESULT="ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED")
    with ring() as core:
        advice = read_all(EsloggerSource(TYPES), core).state.advice
    assert "System Settings → Privacy & Security → Full Disk Access" in advice


def test_a_type_refused_later_becomes_advice(mac: Mac) -> None:
    source = EsloggerSource(TYPES)
    mac.set(STANDIN_KNOWS="exec")
    with ring() as core:
        assert "does not know one of the event types" in read_all(source, core).state.reason


def test_other_words_are_passed_on_escaped(mac: Mac) -> None:
    odd = mac.bin / "odd"
    odd.write_text("#!/bin/sh\nprintf 'first\\n\\033]0;x\\007 [/foo] \\377\\n' >&2\nexit 9\n")
    odd.chmod(0o755)
    with ring() as core:
        state = read_all(EsloggerSource(command=(str(odd),)), core).state
    assert state.reason == "eslogger ended (exit status 9): \\x1b]0;x\\x07 [/foo] \\xff"


def test_a_command_that_cannot_be_started(mac: Mac) -> None:
    wrong = mac.bin / "wrong"
    wrong.write_text("#!/nowhere/at/all\n")
    wrong.chmod(0o755)
    with ring() as core:
        source = read_all(EsloggerSource(command=(str(wrong),)), core)
        assert "wrong cannot be started" in source.state.reason
        source.restart()
        assert source.wait(DEADLINE)
        assert "wrong cannot be started" in source.state.reason


@pytest.mark.parametrize(
    ("end", "status", "reason"),
    [
        ("SIGKILL", "failed", "eslogger ended (SIGKILL)"),
        ("3", "failed", "eslogger ended (exit status 3)"),
        ("0", "ended", "eslogger ended"),
    ],
)
def test_sudden_death_leaves_the_events(end: str, status: str, reason: str, mac: Mac) -> None:
    mac.set(STANDIN_COUNT=40, STANDIN_CUT=300, STANDIN_END=end)
    with ring() as core:
        source = read_all(EsloggerSource(TYPES), core)
        assert core.counters().events == 40
        assert bad(core) == ["the stream ended in the middle of this line"]
        assert source.state == (status, reason, live.AGAIN, 0)


def test_sudden_death_is_seen_through_sudo(mac: Mac) -> None:
    mac.user()
    mac.set(STANDIN_COUNT=4, STANDIN_END="SIGKILL")
    with ring() as core:
        assert read_all(EsloggerSource(TYPES), core).state.reason == "eslogger ended (SIGKILL)"


def test_what_es_dropped_is_lost(mac: Mac) -> None:
    mac.set(STANDIN_COUNT=90, STANDIN_DROP=10, STANDIN_END=0)
    with ring() as core:
        read_all(EsloggerSource(TYPES), core)
        assert core.losses().lost_global == 9
        assert gaps(core) == 9


def test_silence_is_explained(mac: Mac, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PATIENCE", 0.01)
    mac.set(STANDIN_SLOW=3600)
    source = EsloggerSource(TYPES)
    with ring() as core, started(source, core):
        until(lambda: source.state.reason == "eslogger has sent nothing yet", lambda: source.state)
        assert "Full Disk Access" in source.state.advice
        mac.set(STANDIN_SLOW=0, STANDIN_COUNT=1)
        source.restart()
        until(lambda: core.counters().events)
        assert source.state == ("running", "", "", 0)


# Ending and beginning again


def test_a_child_deaf_to_sigint_gets_sigterm(mac: Mac, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "GRACE", 0.05)
    mac.set(STANDIN_COUNT=1, STANDIN_DEAF="SIGINT")
    source = EsloggerSource(TYPES)
    with ring() as core, started(source, core):
        until(lambda: core.counters().events)
        source.stop()
    assert mac.log("signal") == ["SIGINT", "SIGTERM"]
    assert source.state.reason == "stopped"


def test_a_child_that_does_not_end_is_told_not_killed(mac: Mac, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "GRACE", 0.05)
    mac.set(STANDIN_COUNT=1, STANDIN_DEAF="SIGINT,SIGTERM")
    source = EsloggerSource(TYPES)
    with ring() as core, started(source, core):
        until(lambda: core.counters().events)
        source.stop()
    [pid] = mac.log("pid")
    assert isinstance(pid, int)
    assert alive(pid)
    assert source.state == ("ended", "eslogger does not end", f"sudo kill {pid}", 0)
    os.kill(pid, signal.SIGKILL)
    assert source._children
    assert source._children[0].wait(DEADLINE)


def test_sudo_is_signalled_through_sudo_where_we_may_not(mac: Mac, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    mac.user()
    mac.set(STANDIN_COUNT=1)
    source = EsloggerSource(TYPES)
    with ring() as core, started(source, core):
        until(lambda: core.counters().events)
        assert source._children
        monkeypatch.setattr(subprocess.Popen, "send_signal", refuse)
        source.stop()
        assert mac.log("sudo")[-1] == ["-n", "kill", "-INT", str(source._children[0].pid)]
    assert mac.log("signal") == ["SIGINT"]
    assert source.state.reason == "stopped"


def test_stopping_does_not_wait_for_a_full_pipe(mac: Mac) -> None:
    source = EsloggerSource(TYPES)
    with ring(1 << 20) as core:
        for _ in source.feed(core):
            break
        source.stop()
        source.stop()
    until(lambda: not alive(mac.log("pid")[0]))


def test_a_restart_asks_for_other_types_and_marks_the_seam(mac: Mac) -> None:
    mac.set(STANDIN_COUNT=30)
    source = EsloggerSource(["exec"])
    with ring() as core, started(source, core):
        until(lambda: core.counters().events == 30)
        source.restart(frozenset(["fork", "exit", "not_known_here"]))
        until(lambda: core.counters().events == 60, lambda: source.state)
        assert seams(core) == ["eslogger restarted with 2 types"]
        assert source.sends == {"fork", "exit"}
        [seam] = [number for number, row in enumerate(rows(core)) if row.event.startswith("eslogger")]
        assert {row.event for row in rows(core)[:seam]} == {"exec"}
        assert {row.event for row in rows(core)[seam + 1 :]} == {"exit", "fork"}
        assert not gaps(core)
        assert not runs(core)
        assert source.state == ("running", "", "", 0)
        source.restart()
        until(lambda: core.counters().events == 90)
        assert source.sends == set(NOTIFY)
        with pytest.raises(SourceError, match="knows none"):
            source.restart(frozenset(["not_known_here"]))
    assert [len(args) for args in mac.log("args") if isinstance(args, list)] == [1, 2, len(NOTIFY)]


def test_what_has_died_is_started_again(mac: Mac) -> None:
    mac.set(STANDIN_COUNT=10, STANDIN_END=1)
    source = EsloggerSource(TYPES)
    with ring() as core:
        read = 0
        source.start(core)
        for _ in range(5):
            read += 10
            assert source.wait(DEADLINE)
            assert source.state.reason == "eslogger ended (exit status 1)"
            assert core.counters().events == read
            source.restart(frozenset(TYPES))
        source.stop()
        assert seams(core)[:4] == [f"eslogger restarted with {len(TYPES)} types"] * 4
        source.restart()
        assert source.wait(0)


def test_restarts_in_a_row_leave_one_child(mac: Mac) -> None:
    source = EsloggerSource(TYPES)
    with ring(1 << 20) as core, started(source, core):
        until(lambda: core.counters().events)
        for name in sorted(NOTIFY)[:20]:
            source.restart(frozenset([name]))
        source.restart(frozenset(["write"]))
        until(lambda: mac.log("args")[-1] == ["write"])
        # A ring this small may let go of all it held between two looks.
        until(lambda: [row.event for row in rows(core, KIND_EVENT)][-1:] == ["write"])
        until(lambda: sum(map(alive, mac.log("pid"))) == 1)
    until(lambda: not any(map(alive, mac.log("pid"))))


def test_bursts_arrive_whole(mac: Mac) -> None:
    mac.set(STANDIN_COUNT=4000, STANDIN_BURST=500, STANDIN_END=0)
    with ring(1 << 20, max_events=200) as core:
        taken = fed(EsloggerSource(TYPES), core)
        assert [row.n for row in taken] == list(range(1, 4001))
        assert core.counters().bad == 0


def test_headless_commands_feed_from_it(mac: Mac) -> None:
    mac.set(STANDIN_RESULT="ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED")
    source = EsloggerSource(TYPES)
    with ring() as core:
        assert fed(source, core) == []
        assert source.state.exit_code == 3


# The stand-in itself


def test_the_stand_in_lists_its_events_in_order(mac: Mac) -> None:
    done = subprocess.run(["eslogger", "--list-events"], capture_output=True, check=True)
    assert done.stdout.decode().split() == sorted(NOTIFY)


def test_the_stand_in_ends_when_nobody_reads(mac: Mac) -> None:
    process = subprocess.Popen(["eslogger", "exec"], stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline().endswith(b"}\n")
    process.stdout.close()
    assert process.wait(DEADLINE) == -signal.SIGPIPE


def test_a_childs_words_are_bounded() -> None:
    noisy = Child([sys.executable, "-c", "import sys; sys.stderr.write('x' * 10**6 + '\\nlast \\x1b\\n\\n')"])
    assert noisy.wait(DEADLINE)
    noisy.close()
    assert noisy.last_words == "last \\x1b"
    assert len(noisy.words) <= 4096
