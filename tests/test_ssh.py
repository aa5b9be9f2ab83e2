from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estui.events import NOTIFY
from estui.record import KIND_EVENT
from estui.sources import SourceError, SourceOptions, login, open_source
from estui.sources.login import Address, Login, RefusedError
from estui.sources.shards import split
from estui.sources.ssh import FULL_DISK_ACCESS, SshSource, possible
from tests.far import Far, Server, free_port, keygen, script
from tests.macs import alive
from tests.sourcing import (
    DEADLINE,
    HOSTILE,
    fed,
    gaps,
    line,
    read_all,
    ring,
    rows,
    runs,
    safe,
    seams,
    started,
    until,
)
from tests.test_cli_terminal import Terminal

TYPES = ("exec", "fork", "exit")
MANY = ("exec", "lookup", "open", "stat")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("far"))
    yield made
    made.stop()


@pytest.fixture
def far(server: Server, monkeypatch: pytest.MonkeyPatch) -> Far:
    return Far(server, monkeypatch)


def connected(far: Far, *types: str, shards: int | None = 1) -> SshSource:
    source = SshSource(far.address, types or TYPES, shards=shards)
    source.authorize()
    return source


def gone(far: Far) -> bool:
    """Whether no eslogger runs over there any more."""
    return not any(map(alive, far.log("pid")))


# Addresses


@pytest.mark.parametrize(
    ("text", "parts", "words"),
    [
        ("ssh://mac", ("", "mac", None), ("--", "mac")),
        ("ssh://alex@mac.local/", ("alex", "mac.local", None), ("-l", "alex", "--", "mac.local")),
        (
            "ssh://a.b-c@10.0.0.2:2222",
            ("a.b-c", "10.0.0.2", 2222),
            ("-l", "a.b-c", "-p", "2222", "--", "10.0.0.2"),
        ),
        (
            "ssh://alex@[fe80::1%en0]:22",
            ("alex", "fe80::1%en0", 22),
            ("-l", "alex", "-p", "22", "--", "fe80::1%en0"),
        ),
    ],
)
def test_addresses(text: str, parts: tuple[str, str, int | None], words: tuple[str, ...]) -> None:
    address = Address.parse(text)
    assert address == parts
    assert address.words == words
    assert f"ssh://{address.title}" == text.rstrip("/")


@pytest.mark.parametrize(
    "text",
    [
        "ssh://",
        "ssh://-oProxyCommand=x",
        "ssh://-oProxyCommand=x@mac",
        "ssh://alex@-oProxyCommand=x",
        "ssh://alex@",
        "ssh://@mac",
        "ssh://a b@mac",
        "ssh://mac:0",
        "ssh://mac:65536",
        "ssh://mac:22x",
        "ssh://mac:٢٢",
        "ssh://mac/path",
        "ssh://mac\n",
        "ssh://$(id)@mac",
        "ssh://mac;id",
        "ssh://a\x1b]0;x@mac",
        "ssh://\u202emac",
        "ssh://mac\udcff",
        "SSH://mac",
    ],
)
def test_what_is_no_address_is_refused_before_anything_runs(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("something was started"))
    with pytest.raises(SourceError, match="not an address") as caught:
        SshSource(text)
    assert caught.value.exit_code == 2
    assert safe(caught.value.message, caught.value.advice)


@settings(max_examples=300)
@given(st.text(alphabet=st.sampled_from("a-@:[]%$;|'\"\\ \n\x1b.0é{}=~/") | st.characters(), max_size=12))
def test_no_part_of_an_address_is_more_than_a_word(text: str) -> None:
    try:
        address = Address.parse(f"ssh://{text}")
    except SourceError:
        return
    for part in filter(None, (address.user, address.host)):
        assert not part.startswith("-")
        assert not set(part) & set(" '\"\\$;&|<>(){}`~=\n")
        assert part.isprintable()


def test_words_after_it_are_types(far: Far) -> None:
    source = open_source([far.address, "exec", "newer_than_estui"], SourceOptions(shards=2))
    assert isinstance(source, SshSource)
    assert source.title == f"eslogger on {far.user}@{far.host}"
    assert source.sends == {"exec", "newer_than_estui"}
    for word in ("--oslog", "a;b", "$(id)", HOSTILE):
        with pytest.raises(SourceError, match="no event type") as caught:
            open_source([far.address, word])
        assert caught.value.exit_code == 2
        assert safe(caught.value.message, caught.value.advice)
    with pytest.raises(SourceError, match="--follow is for files"):
        open_source([far.address], SourceOptions(follow=True))


def test_without_ssh_there_is_advice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert possible().ok is bool(shutil.which("ssh"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not possible().ok
    with pytest.raises(SourceError, match="no ssh here") as caught:
        SshSource("ssh://mac")
    assert caught.value.advice == possible().remedy


# A session


def test_events_come_from_afar_and_nothing_stays_behind(far: Far) -> None:
    far.set(STANDIN_COUNT=50)
    source = connected(far)
    folder = Path(source._login._folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    with ring() as core, started(source, core):
        until(lambda: core.counters().events == 50, lambda: source.state)
        assert source.state == ("running", "", "", 0)
        assert all(row.owned for row in rows(core))
        assert not core.counters().bad
        assert not source.needs_terminal()
        assert far.log("args") == [sorted(TYPES)]
        assert far.log("sudo") == [["-n", "eslogger", *sorted(TYPES)]]
        source.stop()
        assert source.state.reason == "stopped"
    until(lambda: gone(far))
    assert not folder.exists()
    assert far.server.logins()
    until(lambda: not far.server.sessions())


def test_a_quiet_eslogger_ends_too(far: Far) -> None:
    """It writes nothing, so it does not notice that nobody reads."""
    far.set(STANDIN_COUNT=1)
    source = connected(far)
    with ring() as core, started(source, core):
        until(lambda: core.counters().events)
        assert not gone(far)
        # As if estui had been killed: nobody tells ssh to end.
        os.kill(source._children[0].pid, signal.SIGKILL)
        until(lambda: gone(far))
        assert far.log("signal") == ["SIGTERM"]


def test_a_stubborn_eslogger_ends_when_it_writes(far: Far) -> None:
    far.set(STANDIN_RATE=20, STANDIN_DEAF="SIGINT,SIGTERM")
    source = connected(far)
    with ring() as core, started(source, core):
        until(lambda: core.counters().events)
        far.cut()
        until(lambda: gone(far))


def test_a_cut_connection_is_made_anew_when_asked(far: Far) -> None:
    far.set(STANDIN_COUNT=30)
    source = connected(far)
    with ring() as core, started(source, core):
        until(lambda: core.counters().events == 30)
        far.cut()
        assert source.wait(DEADLINE)
        assert source.state.status == "failed"
        assert source.state.reason == f"the connection to {far.user}@{far.host} was lost"
        assert source.state.advice
        assert core.counters().events == 30
        until(lambda: gone(far))
        assert not source.needs_terminal()
        source.restart(frozenset(("exec", "fork")))
        until(lambda: core.counters().events == 60, lambda: source.state)
        assert seams(core) == [f"eslogger on {far.user}@{far.host} restarted with 2 types"]
        assert not gaps(core)
        assert not runs(core)
        assert source.state == ("running", "", "", 0)


def test_without_a_connection_it_is_made_quietly(far: Far) -> None:
    far.set(STANDIN_COUNT=5)
    source = SshSource(far.address, TYPES)
    with ring() as core, started(source, core):
        until(lambda: core.counters().events == 5, lambda: source.state)


def test_a_link_that_is_dead_is_noticed(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(login._OPTIONS, "ServerAliveInterval", "1")
    monkeypatch.setitem(login._OPTIONS, "ServerAliveCountMax", "1")
    far.set(STANDIN_COUNT=5)
    source = connected(far)
    with ring() as core, started(source, core):
        until(lambda: core.counters().events == 5)
        try:
            far.server.signal_sessions(signal.SIGSTOP)
            assert source.wait(DEADLINE)
        finally:
            far.server.signal_sessions(signal.SIGCONT)
        assert "was lost" in source.state.reason
    until(lambda: gone(far))


def test_shards_share_one_connection(far: Far) -> None:
    far.set(STANDIN_COUNT=90, STANDIN_DROP=10)
    before = far.server.logins()
    source = connected(far, *MANY, shards=3)
    with ring() as core, started(source, core):
        until(lambda: core.counters().events == 270, lambda: source.state)
        assert far.server.logins() == before + 1
        assert core.losses().by_shard == {0: 9, 1: 9, 2: 9}
        asked = [" ".join(map(str, args)) for args in far.log("args") if isinstance(args, list)]
        assert sorted(asked) == sorted(" ".join(sorted(part)) for part in split(MANY, 3))
        far.cut()
        assert source.wait(DEADLINE)
        assert "was lost" in source.state.reason
    until(lambda: gone(far))


def test_hostile_names_arrive_as_they_are(far: Far) -> None:
    sent = line(7, 10**9, path=HOSTILE).replace(b"\\udcff", b"\xff")
    (far.folder / "lines").write_bytes(sent)
    script(far.folder / "far" / "odd", f'#!/bin/sh\ncat "{far.folder}/lines"\n')
    source = SshSource(far.address, TYPES, command=("odd",))
    source.authorize()
    with ring() as core:
        read_all(source, core)
        [row] = rows(core, KIND_EVENT)
        assert core.raw(row.seq) == sent.rstrip(b"\n")


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash", "/bin/zsh", "/usr/bin/fish", "/bin/tcsh"])
def test_a_command_is_words_in_any_login_shell(shell: str, far: Far) -> None:
    if not Path(shell).exists():
        pytest.skip(f"{shell} is not installed")
    force = far.folder / "force"
    text = force.read_text()
    odd = "a 'b' $(touch pwned) \"`touch pwned`\";touch pwned"
    script(far.folder / "far" / odd, '#!/bin/sh\nexec eslogger "$@"\n')
    far.set(STANDIN_COUNT=3, STANDIN_EUID=0)
    try:
        script(force, re.sub(r"exec \S+ -c", f"exec {shell} -c", text))
        source = SshSource(far.address, TYPES, command=(odd, "--format", "json"))
        source.authorize()
        with ring() as core, started(source, core):
            until(lambda: core.counters().events == 3, lambda: source.state)
    finally:
        script(force, text)
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    assert not (home / "pwned").exists()
    assert not Path("pwned").exists()


def test_a_setting_that_leads_to_another_mac_is_not_used_there(far: Far) -> None:
    far.set(STANDIN_COUNT=3)
    options = SourceOptions(eslogger_command=("ssh", "other", "sudo", "eslogger"))
    source = open_source([far.address, "exec"], options)
    source.authorize()
    with ring() as core, started(source, core):
        until(lambda: core.counters().events == 3)
    assert far.log("sudo") == [["-n", "eslogger", "exec"]]


def test_it_knows_what_the_eslogger_there_lists(far: Far) -> None:
    far.set(STANDIN_KNOWS="exec,fork,newer_than_estui", STANDIN_COUNT=0)
    source = SshSource(far.address)
    assert source.sends == set(NOTIFY)
    source.authorize()
    assert source.sends == {"exec", "fork", "newer_than_estui"}
    with ring() as core, started(source, core):
        until(lambda: far.log("args"))
    assert far.log("args") == [["exec", "fork", "newer_than_estui"]]
    for name, said, advice in (
        ("tcc_modify", "does not know tcc_modify", "It came with macOS 15.4"),
        ("exce", "no event type exce", "Did you mean exec?"),
    ):
        source = SshSource(far.address, ["exec", name])
        with pytest.raises(SourceError, match=said) as caught:
            source.authorize()
        assert caught.value.advice == advice
        assert caught.value.exit_code == 2
        source.stop()


# Its troubles


def refused(address: str) -> SourceError:
    source = SshSource(address, TYPES)
    with pytest.raises(SourceError) as caught:
        source.authorize()
    assert caught.value.exit_code == 3
    assert safe(caught.value.message, caught.value.advice)
    with ring() as core:
        state = read_all(source, core).state
    assert (state.status, state.reason, state.exit_code) == ("failed", caught.value.message, 3)
    source.stop()
    return caught.value


def test_no_key_that_fits(far: Far) -> None:
    far.allow("other")
    error = refused(far.address)
    assert isinstance(error, RefusedError)
    assert error.message == f"127.0.0.1 did not let {far.user} in"
    assert f"ssh -p {far.server.port} {far.user}@127.0.0.1" in error.advice
    assert SshSource(far.address, TYPES).needs_terminal()


def test_a_host_key_that_has_changed(far: Far) -> None:
    far.trust("other")
    error = refused(far.address)
    assert not isinstance(error, RefusedError)
    assert error.message == "127.0.0.1 has another host key than it had"
    assert f"ssh-keygen -R '[127.0.0.1]:{far.server.port}'" in error.advice


def test_a_host_key_that_is_not_known(far: Far) -> None:
    far.trust(None)
    error = refused(far.address)
    assert isinstance(error, RefusedError)
    assert error.message == "the host key of 127.0.0.1 is not known here"


def test_nobody_listens(far: Far) -> None:
    port = free_port()
    error = refused(f"ssh://127.0.0.1:{port}")
    assert error.message == f"127.0.0.1 refuses connections to its port {port}"
    assert "Remote Login" in error.advice
    assert not SshSource(f"ssh://127.0.0.1:{port}").needs_terminal()


def test_no_such_host(far: Far) -> None:
    assert refused("ssh://nowhere.invalid").message == "there is no host nowhere.invalid"


def test_other_words_of_ssh_are_passed_on_escaped(far: Far) -> None:
    near = far.folder / "near" / "ssh"
    text = near.read_text()
    try:
        script(near, "#!/bin/sh\nprintf 'first\\n\\033]0;x\\007 [/foo] \\377\\n' >&2\nexit 255\n")
        assert refused("ssh://mac").message == "ssh could not connect to mac: \\x1b]0;x\\x07 [/foo] \ufffd"
        script(near, '#!/bin/sh\ncase " $* " in *" check "*) exit 1 ;; esac\n')
        assert refused("ssh://mac").message == "mac lets ssh in, and runs no command"
    finally:
        script(near, text)


@pytest.mark.parametrize(
    ("variables", "reason", "advice"),
    [
        ({"STANDIN_SUDO": "refuse"}, "sudo on 127.0.0.1 wants a password", "NOPASSWD: /usr/bin/eslogger"),
        ({"STANDIN_SUDO": "stranger"}, "may not use sudo on 127.0.0.1", "ssh://USER@127.0.0.1"),
        (
            {"STANDIN_RESULT": "ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED"},
            "no Full Disk Access",
            FULL_DISK_ACCESS,
        ),
        (
            {"STANDIN_RESULT": "ES_NEW_CLIENT_RESULT_ERR_TOO_MANY_CLIENTS"},
            "too many Endpoint Security",
            "End one",
        ),
        ({"STANDIN_COUNT": 0, "STANDIN_END": 9}, "ended (exit status 9)", "start it again"),
    ],
)
@pytest.mark.parametrize("shards", [1, 3])
def test_troubles_at_the_far_end(
    variables: dict[str, object], reason: str, advice: str, shards: int, far: Far
) -> None:
    far.set(**variables)
    source = connected(far, *MANY, shards=shards)
    with ring() as core:
        state = read_all(source, core).state
    assert state.status == "failed"
    assert reason in state.reason
    assert advice in state.advice
    assert safe(state.reason, state.advice)
    source.stop()


def test_the_line_for_sudoers_names_who_we_are_there(far: Far) -> None:
    far.set(STANDIN_SUDO="refuse")
    source = SshSource(f"ssh://{far.host}", TYPES)  # the user is ssh's own choice
    source.authorize()
    with ring() as core:
        state = read_all(source, core).state
    assert f": {far.user} ALL=(root) NOPASSWD: /usr/bin/eslogger" in state.advice
    assert "sudo visudo" in state.advice
    source.stop()


def test_no_eslogger_there(far: Far) -> None:
    eslogger = far.folder / "far" / "eslogger"
    text = eslogger.read_text()
    eslogger.unlink()
    try:
        error = refused(far.address)
    finally:
        script(eslogger, text)
    assert error.message == "there is no eslogger on 127.0.0.1"
    assert "macOS 13" in error.advice


def test_stopping_does_not_wait_for_a_login(far: Far) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        source = SshSource(f"ssh://127.0.0.1:{silent.getsockname()[1]}", TYPES)
        with ring() as core, started(source, core):
            until(lambda: source._login._process)
            under_way = source._login._process
            source.stop()
            assert source.wait(0)
            assert under_way
            assert under_way.poll() is not None


def test_a_restart_that_is_asked_for_in_a_login_is_not_forgotten(far: Far) -> None:
    far.set(STANDIN_COUNT=3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        source = SshSource(f"ssh://127.0.0.1:{port}", TYPES)
        with ring() as core, started(source, core):
            until(lambda: source._login._process)
            source.restart(frozenset(("exec",)))
            silent.close()
            source._login.interrupt()
            assert source.wait(DEADLINE)
            assert "refuses connections" in source.state.reason
            source._login.address = Address.parse(far.address)
            source.restart(frozenset(("exec",)))
            until(lambda: core.counters().events == 3, lambda: source.state)


def test_the_socket_has_a_short_path(far: Far, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("x" * 100, "a b", "per%cent", "$(id)"):
        place = tmp_path / name
        place.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(place))
        made = Login(Address.parse(far.address))
        assert made.log_in(("echo", "word"), ask=False) == ("word",)
        assert made.up()
        folder = Path(made._folder)
        assert folder.parent == Path("/tmp")
        made.leave()
        made.leave()
        assert not folder.exists()
        assert not made.up()


# On a terminal, and without one


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path)
    yield made
    made.close()


def test_questions_are_asked_once_before_the_screen(far: Far, terminal: Terminal) -> None:
    far.set(STANDIN_COUNT=40)
    if not (far.folder / "locked").exists():
        keygen(far.folder / "locked", "open sesame")
    far.trust(None)
    far.allow("locked")
    far.check("ask", "locked")
    terminal.environment["PATH"] = os.environ["PATH"]
    before = far.server.logins()
    terminal.run(far.address, *MANY, "--shards", "3")
    terminal.until(b"Are you sure you want to continue connecting")
    terminal.key("yes\n")
    terminal.until(b"Enter passphrase for key")
    assert b"\x1b[?1049h" not in terminal.shown, "the screen is open already"
    terminal.key("open sesame\n")
    terminal.until(b"\x1b[?1049h")
    terminal.until(f"{far.user}@{far.host}".encode())
    until(lambda: len(far.log("args")) == 3)
    assert far.server.logins() == before + 1
    assert terminal.shown.count(b"Enter passphrase") == 1
    terminal.key("q")
    assert terminal.left() == 0
    until(lambda: gone(far))
    until(lambda: not far.server.sessions())


def test_a_refused_host_key_ends_it_before_the_screen(far: Far, terminal: Terminal) -> None:
    far.trust(None)
    far.check("ask")
    terminal.environment["PATH"] = os.environ["PATH"]
    terminal.run(far.address, "exec")
    terminal.until(b"continue connecting")
    terminal.key("no\n")
    assert terminal.left() == 3
    assert b"\x1b[?1049h" not in terminal.shown
    assert b"the host key of 127.0.0.1 is not known here" in terminal.shown


def estui(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "estui", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_commands_read_from_it(far: Far) -> None:
    far.set(STANDIN_COUNT=20, STANDIN_END=0)
    command = estui("cat", far.address, *MANY, "--shards", "2", "--columns", "event")
    out, words = command.communicate(timeout=DEADLINE)
    assert len(out.splitlines()) == 40
    assert set(out.split()) <= set(MANY)
    assert f"estui: eslogger on {far.user}@{far.host} ended" in words
    assert command.returncode == 0


def test_an_interrupted_command_leaves_nothing(
    far: Far, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", "/tmp")
    far.set(STANDIN_COUNT=20)
    before = set(Path("/tmp").glob("estui-*/s"))
    command = estui("cat", far.address, "exec")
    assert command.stdout
    assert command.stdout.readline()
    [mine] = set(Path("/tmp").glob("estui-*/s")) - before
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=DEADLINE)
    assert command.returncode == 130
    until(lambda: gone(far))
    assert not mine.parent.exists()


def test_a_headless_reader_sees_every_row(far: Far) -> None:
    far.set(STANDIN_COUNT=1000, STANDIN_BURST=100, STANDIN_END=0)
    source = connected(far, *MANY, shards=3)
    with ring(1 << 20, max_events=200) as core:
        assert [row.n for row in fed(source, core) if row.kind == KIND_EVENT] == list(range(1, 3001))
    source.stop()
