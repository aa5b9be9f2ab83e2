"""The recorder's lines: real events of this machine's kernel, each with who did what, in eslogger's words."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from estui.events import LINUX_ONLY, NOTIFY
from estui.record import KIND_BAD, KIND_EVENT, KIND_GAP
from estui.sources.linux import LINUX_TYPES
from tests.cores import filled
from tests.recorder import HOSTILE, Recorder, binary, do, executable_of, pid_of, python, resolved, waiting
from tests.sourcing import DEADLINE, until
from tests.sourcing import rows as rows_of

PROCESS = (
    "audit_token cdhash codesigning_flags executable group_id is_es_client is_platform_binary original_ppid "
    "parent_audit_token ppid responsible_audit_token session_id signing_id start_time team_id tty"
).split()
ENVELOPE = (
    "schema_version version time mach_time event_type event process thread seq_num global_seq_num action_type "
    "action estui_origin"
).split()


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder(folder=tmp_path)
    yield recorder
    recorder.end(signal.SIGTERM)


def name_bytes(path: str) -> bytes:
    return path.encode(errors="surrogateescape")


# Files


def test_a_file_is_created_by_the_process_that_made_it(recorder: Recorder, tmp_path: Path) -> None:
    path = tmp_path / "made"
    pid = do("touch", str(path))
    event = recorder.wait_for(
        "create", pid, lambda create: create["destination"]["existing_file"]["path"] == str(path)
    )
    assert executable_of(event["process"]) == resolved("touch")
    assert event["process"]["ppid"] == event["process"]["original_ppid"] == os.getpid()
    assert event["process"]["parent_audit_token"]["pid"] == os.getpid()
    assert event["process"]["audit_token"]["euid"] == 0
    assert event["event"]["create"]["destination_type"] == 0


def test_a_file_is_opened_written_closed_and_removed(recorder: Recorder, tmp_path: Path) -> None:
    path = tmp_path / "file"
    pid = python(f"open({str(path)!r}, 'w').write('x')")
    closed = recorder.wait_for("close", pid, lambda close: close["target"]["path"] == str(path))
    assert closed["event"]["close"]["modified"] is True
    for name in ("open", "write"):
        key = "file" if name == "open" else "target"
        event = recorder.wait_for(name, pid, lambda payload, key=key: payload[key]["path"] == str(path))  # type: ignore[misc]
        assert executable_of(event["process"]) == resolved(sys.executable)
    pid = do("rm", str(path))
    event = recorder.wait_for("unlink", pid, lambda unlink: unlink["target"]["path"] == str(path))
    assert event["event"]["unlink"]["parent_dir"]["path"] == str(tmp_path)


@pytest.mark.parametrize("args", [(), ("--old-kernel",)])
def test_a_rename_has_both_places(args: tuple[str, ...], tmp_path: Path) -> None:
    recorder = Recorder(*args, folder=tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    old, new = tmp_path / "a" / "x", tmp_path / "b" / "y"
    old.touch()
    until(lambda: recorder.created(old))
    pid = do("mv", str(old), str(new))
    event = recorder.wait_for("rename", pid, lambda rename: rename["source"]["path"] == str(old))
    assert event["event"]["rename"]["destination_type"] == 1
    where = event["event"]["rename"]["destination"]["new_path"]
    assert (where["dir"]["path"], where["filename"]) == (str(tmp_path / "b"), "y")
    assert recorder.end() == 0


def test_what_is_in_a_directory_moves_along(recorder: Recorder, tmp_path: Path) -> None:
    """At full speed, so that the recorder comes to the first event when the directory is long elsewhere, or gone."""
    code = """if True:
        import os, sys
        os.chdir(sys.argv[1])
        for n in range(20):
            os.makedirs(f"{n}/deep"); os.mknod(f"{n}/deep/first"); os.rename(f"{n}", f"moved{n}")
            os.mknod(f"moved{n}/deep/second"); os.unlink(f"moved{n}/deep/first")
            os.unlink(f"moved{n}/deep/second"); os.rmdir(f"moved{n}/deep"); os.rmdir(f"moved{n}")
    """
    pid = python(code, str(tmp_path))
    recorder.wait_for("exit", pid)
    created = {
        e["event"]["create"]["destination"]["existing_file"]["path"] for e in recorder.events("create", pid)
    }
    removed = {e["event"]["unlink"]["target"]["path"] for e in recorder.events("unlink", pid)}
    for n in range(20):
        assert {f"{tmp_path}/{n}/deep/first", f"{tmp_path}/moved{n}/deep/second"} <= created
        # Of deep itself the kernel may make one event of its creation and its removal, at the place of the first.
        assert {f"{tmp_path}/moved{n}/deep/second", f"{tmp_path}/moved{n}"} <= removed


def test_a_directory_that_was_there_before_is_named_as_it_was_then(tmp_path: Path) -> None:
    """The kernel can only be asked where it is by now."""
    deep = tmp_path / "before" / "deep"
    deep.mkdir(parents=True)
    recorder = Recorder(folder=tmp_path)
    pid = python(
        "import os, sys; os.chdir(sys.argv[1]); os.mknod('before/deep/x'); os.rename('before', 'after')",
        str(tmp_path),
    )
    event = recorder.wait_for("create", pid)
    assert event["event"]["create"]["destination"]["existing_file"]["path"] == str(deep / "x")
    recorder.end()


def test_hostile_names_come_whole(recorder: Recorder, tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/" + HOSTILE
    path = folder + b"/" + HOSTILE
    Path(os.fsdecode(folder)).mkdir()
    pid = do(b"touch", path)
    event = recorder.wait_for(
        "create", pid, lambda create: name_bytes(create["destination"]["existing_file"]["path"]) == path
    )
    assert executable_of(event["process"]) == resolved("touch")
    with waiting(b"cat", b"-", path) as pid:
        executed = recorder.wait_for("exec", pid)
    assert [name_bytes(arg) for arg in executed["event"]["exec"]["args"]] == [b"cat", b"-", path]
    Path(os.fsdecode(path)).rename(os.fsdecode(path + b"2"))
    moved = recorder.wait_for(
        "rename", os.getpid(), lambda rename: name_bytes(rename["source"]["path"]) == path
    )
    assert name_bytes(moved["event"]["rename"]["destination"]["new_path"]["filename"]) == HOSTILE + b"2"
    Path(os.fsdecode(path + b"2")).unlink()
    recorder.wait_for(
        "unlink", os.getpid(), lambda unlink: name_bytes(unlink["target"]["path"]) == path + b"2"
    )
    for line in recorder.raw:
        assert not any(byte < 0x20 for byte in line[:-1])


def test_an_attribute_is_linux_own_event_without_a_number(recorder: Recorder, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    pid = do("chmod", "600", str(path))
    event = recorder.wait_for("attrib", pid, lambda attrib: attrib["target"]["path"] == str(path))
    assert event["event_type"] is None


# Processes


def test_an_exec_tells_before_and_after(recorder: Recorder, tmp_path: Path) -> None:
    with waiting(
        "sh", "-c", 'exec cat "$0" "$1"', "-", "[/foo]", cwd=tmp_path, stderr=subprocess.DEVNULL
    ) as pid:
        event = recorder.wait_for(
            "exec", pid, lambda payload: executable_of(payload["target"]) == resolved("cat")
        )
    assert executable_of(event["process"]) == resolved("sh")
    payload = event["event"]["exec"]
    assert payload["args"] == ["cat", "-", "[/foo]"]
    assert payload["cwd"]["path"] == str(tmp_path)
    assert payload["env"] is payload["fds"] is payload["script"] is None
    before, after = event["process"]["audit_token"], payload["target"]["audit_token"]
    assert before["pid"] == after["pid"] == pid
    assert after["pidversion"] == before["pidversion"] + 1
    first = recorder.wait_for("exec", pid)
    assert executable_of(first["event"]["exec"]["target"]) == resolved("sh")
    assert first["event"]["exec"]["target"]["audit_token"]["pidversion"] == before["pidversion"]


def test_a_script_is_named_beside_its_interpreter(recorder: Recorder, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o700)
    pid = do(str(script))
    event = recorder.wait_for("exec", pid)
    assert event["event"]["exec"]["script"]["path"] == str(script)
    assert executable_of(event["event"]["exec"]["target"]) == resolved("sh")


def test_a_storm_of_short_lives_leaves_no_executable_unknown(recorder: Recorder, tmp_path: Path) -> None:
    count = 300
    code = """if True:
        import os, sys
        for _ in range(int(sys.argv[1])):
            pid = os.posix_spawn(sys.argv[2], ["true"], {})
            os.waitpid(pid, 0)
    """
    parent = python(code, str(count), resolved("true"))
    recorder.wait_for("exit", parent)
    forked = {pid_of(event["event"]["fork"]["child"]) for event in recorder.events("fork", parent)}
    assert len(forked) == count
    executed = [event for event in recorder.events("exec") if pid_of(event["process"]) in forked]
    assert len(executed) == count
    assert {executable_of(event["event"]["exec"]["target"]) for event in executed} == {resolved("true")}
    assert {executable_of(event["process"]) for event in executed} == {resolved(sys.executable)}
    exits = [event for event in recorder.events("exit") if pid_of(event["process"]) in forked]
    assert [event["event"]["exit"]["stat"] for event in exits] == [0] * count
    assert {executable_of(event["process"]) for event in exits} == {resolved("true")}
    order = [(next(iter(line["event"])), line) for line in recorder.lines() if "event" in line]
    for child in forked:
        life = [
            name
            for name, line in order
            if pid_of(line["process"]) == child
            or (name == "fork" and pid_of(line["event"]["fork"]["child"]) == child)
        ]
        assert (life[0], life[-1]) == ("fork", "exit")


@pytest.mark.parametrize(("code", "stat"), [("raise SystemExit(7)", 7 << 8), ("os.kill(os.getpid(), 9)", 9)])
def test_an_exit_has_the_wait_status(recorder: Recorder, code: str, stat: int) -> None:
    child = subprocess.Popen([sys.executable, "-S", "-E", "-c", f"import os; {code}"])
    child.wait(DEADLINE)
    event = recorder.wait_for("exit", child.pid)
    assert event["event"]["exit"]["stat"] == stat


def test_ids_that_are_given_up_are_told(recorder: Recorder) -> None:
    pid = python("import os; os.setgid(1234); os.setregid(1234, 1235); os.setuid(2345)")
    event = recorder.wait_for("setgid", pid, lambda setgid: setgid == {"gid": 1234})
    assert event["process"]["audit_token"]["rgid"] == 1234
    recorder.wait_for("setregid", pid, lambda setregid: setregid == {"rgid": 1234, "egid": 1235})
    event = recorder.wait_for("setuid", pid, lambda setuid: setuid == {"uid": 2345})
    token = event["process"]["audit_token"]
    assert (token["ruid"], token["euid"], token["egid"]) == (2345, 2345, 1235)


def test_a_signal_has_its_sender_its_target_and_the_number_of_macos(recorder: Recorder) -> None:
    if "signals are not seen" in "".join(recorder.words):
        pytest.skip("this kernel has no tracefs")
    child = subprocess.Popen(["sleep", "60"])
    recorder.wait_for("exec", child.pid)
    child.send_signal(signal.SIGUSR1)
    event = recorder.wait_for("signal", os.getpid(), lambda sent: pid_of(sent["target"]) == child.pid)
    assert event["event"]["signal"]["sig"] == 30
    assert executable_of(event["event"]["signal"]["target"]) == resolved("sleep")
    assert child.wait(DEADLINE) == -signal.SIGUSR1
    event = recorder.wait_for("exit", child.pid)
    assert event["event"]["exit"]["stat"] == 30


def test_a_tracer_is_told(recorder: Recorder) -> None:
    child = subprocess.Popen(["sleep", "60"])
    recorder.wait_for("exec", child.pid)
    attach, detach = 16, 17
    pid = python(
        "import ctypes, os, sys; c = ctypes.CDLL(None); p = int(sys.argv[1]); "
        f"c.ptrace({attach}, p, None, None); os.waitpid(p, 0); c.ptrace({detach}, p, None, None)",
        str(child.pid),
    )
    event = recorder.wait_for("trace", pid, lambda trace: pid_of(trace["target"]) == child.pid)
    assert executable_of(event["event"]["trace"]["target"]) == resolved("sleep")
    child.kill()
    child.wait(DEADLINE)


def test_what_is_mounted_is_told_and_watched(recorder: Recorder, tmp_path: Path) -> None:
    point = tmp_path / "a b\n\\c"
    point.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "none", point], check=False).returncode:
        pytest.skip("tmpfs cannot be mounted here")
    try:
        event = recorder.wait_for("mount", None, lambda mount: mount["statfs"]["f_mntonname"] == str(point))
        assert event["event"]["mount"]["statfs"]["f_fstypename"] == "tmpfs"
        assert event["process"] is None
        pid = do("touch", str(point / "inside"))
        event = recorder.wait_for("create", pid)
        assert event["event"]["create"]["destination"]["existing_file"]["path"] == str(point / "inside")
    finally:
        subprocess.run(["umount", point], check=True)  # nothing of ours is open there
    recorder.wait_for("unmount", None, lambda unmount: unmount["statfs"]["f_mntonname"] == str(point))


# Lines and numbers


def test_every_line_is_an_event_for_both_readers(recorder: Recorder, tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(HOSTILE)).mkdir()
    (tmp_path / "x").touch()
    (tmp_path / "x").rename(tmp_path / "y")
    python("import os; os.setuid(1)")
    do("sh", "-c", "kill -CONT $PPID")
    pid = do("true")
    recorder.wait_for("exit", pid)
    assert recorder.end() == 0
    seen: dict[str, int] = {}
    for number, (raw, line) in enumerate(zip(recorder.raw, recorder.lines(), strict=True)):
        with suppress(UnicodeDecodeError):
            raw.decode()
            assert orjson.loads(raw) == line
        assert sorted(line) == sorted(ENVELOPE)
        [(name, payload)] = line["event"].items()
        assert name in LINUX_TYPES
        assert line["event_type"] == (None if name in LINUX_ONLY else NOTIFY[name].number)
        assert line["global_seq_num"] == number
        assert line["seq_num"] == seen.get(name, 0)
        seen[name] = line["seq_num"] + 1
        assert (line["schema_version"], line["version"], line["estui_origin"]) == (1, 6, "linux")
        assert len(line["time"]) == 30
        for process in (line["process"], payload.get("target") if name == "exec" else payload.get("child")):
            if process is not None:
                assert sorted(process) == sorted(PROCESS)
                assert process["start_time"] is None or len(process["start_time"]) == 27
    core = filled((raw[:-1] for raw in recorder.raw), owned=True)
    assert not rows_of(core, KIND_BAD, KIND_GAP)
    events = rows_of(core, KIND_EVENT)
    assert len(events) == len(recorder.raw)
    own = [row for row in events if row.pid == os.getpid() and row.event == "rename"]
    assert [row.targets for row in own] == [(str(tmp_path / "x"), str(tmp_path / "y"))]
    core.close()


def test_only_the_types_asked_for(tmp_path: Path) -> None:
    recorder = Recorder("--types", "create,exec", folder=tmp_path)
    pid = do("touch", str(tmp_path / "x"))
    until(lambda: recorder.created(tmp_path / "x"))
    assert recorder.events("exec", pid)
    assert recorder.end() == 0
    assert {next(iter(line["event"])) for line in recorder.lines()} == {"create", "exec"}
    assert [line["global_seq_num"] for line in recorder.lines()] == list(range(len(recorder.raw)))


@pytest.mark.parametrize(
    "words", [("--types", "exec,\x1b[31mlookup"), ("--without", "x"), ("--terminal",), ("x",)]
)
def test_wrong_words_are_a_usage_error(words: tuple[str, ...]) -> None:
    done = subprocess.run([binary(), *words], check=False, capture_output=True)
    assert done.returncode == 2
    assert b"\x1b" not in done.stderr
    assert done.stderr
    assert not done.stdout


def test_another_listener_is_no_loss(recorder: Recorder) -> None:
    """The kernel numbers its answer to a new listener as it does its events, on the processor that asked."""
    mine = os.sched_getaffinity(0)
    try:
        for cpu in mine:
            os.sched_setaffinity(0, {cpu})
            do("true")
            do(binary(), "--check", stdout=subprocess.DEVNULL)
            last = do("true")
    finally:
        os.sched_setaffinity(0, mine)
    recorder.wait_for("exit", last)
    assert not recorder.lines('"estui":"loss"')


def test_what_was_lost_is_a_gap_of_unknown_size(tmp_path: Path) -> None:
    recorder = Recorder("--buffer", "4096", "--types", "create,fork,exit", folder=tmp_path)
    recorder.process.send_signal(signal.SIGSTOP)
    for _ in range(100):
        do("true")
    recorder.process.send_signal(signal.SIGCONT)
    until(lambda: recorder.lines('"estui":"loss"'))
    pid = do("touch", str(tmp_path / "after"))
    until(lambda: recorder.created(tmp_path / "after"))
    recorder.wait_for("exit", pid)
    assert recorder.end() == 0
    for expected, line in enumerate(recorder.lines()):
        if line.get("estui") == "loss":
            assert line["lost"] is None
            assert "process connector" in line["why"]
        else:
            assert line["global_seq_num"] == expected
    [made] = recorder.created(tmp_path / "after")
    assert executable_of(made["process"]) == resolved("touch")


# Its own noise


def test_own_noise_is_left_out_and_counted(tmp_path: Path) -> None:
    screen = subprocess.Popen(
        [sys.executable, "-S", "-E", "-i"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert screen.stdin
    recorder = Recorder("--without", str(screen.pid), folder=tmp_path)
    screen.stdin.write(f"open({str(tmp_path / 'quiet')!r}, 'w').close()\n".encode())
    screen.stdin.flush()
    until((tmp_path / "quiet").exists)
    (tmp_path / "loud").touch()
    until(lambda: recorder.created(tmp_path / "loud"))
    until(lambda: recorder.left_out)
    screen.stdin.close()
    screen.wait(DEADLINE)
    assert recorder.end() == 0
    assert recorder.left_out
    assert not [line for line in recorder.lines() if pid_of(line["process"]) == screen.pid]
    assert not [line for line in recorder.lines() if pid_of(line["process"]) == recorder.process.pid]


def test_a_terminal_is_left_out_with_its_files_only(tmp_path: Path) -> None:
    code = (
        "import os, sys; input(); open(sys.argv[1], 'w').close(); "
        "os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)"
    )
    terminal = subprocess.Popen(
        [sys.executable, "-S", "-E", "-c", code, str(tmp_path / "x")], stdin=subprocess.PIPE
    )
    recorder = Recorder("--terminal", str(terminal.pid), folder=tmp_path)
    terminal.communicate(b"\n", DEADLINE)
    recorder.wait_for("exit", terminal.pid)
    assert recorder.end() == 0
    assert {
        next(iter(line["event"])) for line in recorder.lines() if pid_of(line["process"]) == terminal.pid
    } == {
        "fork",
        "exit",
    }
    assert recorder.left_out


def test_what_reads_it_cannot_feed_it(tmp_path: Path) -> None:
    """Its reader writes a file for every line: that must make no further line."""
    out = tmp_path / "out"
    with out.open("wb") as file:
        reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file)
    assert reader.stdin
    recorder = subprocess.Popen(
        [binary(), "--types", "create,write"], stdout=reader.stdin, stderr=subprocess.PIPE, process_group=0
    )
    reader.stdin.close()
    assert recorder.stderr
    assert recorder.stderr.readline() == b"estui: started\n"
    for number in range(20):
        path = tmp_path / f"file{number}"
        path.write_bytes(b"x")
        until(lambda path=path: os.fsencode(path) in out.read_bytes())  # type: ignore[misc]
    recorder.send_signal(signal.SIGINT)
    assert recorder.wait(DEADLINE) == 0
    reader.wait(DEADLINE)
    assert os.fsencode(out) not in out.read_bytes()


# Its end


def instances() -> list[str]:
    """The tracefs instances of recorders that are there; tracefs is mounted nowhere as a rule."""
    code = """if True:
        import ctypes, os
        c = ctypes.CDLL(None)
        fs = c.syscall(430, b"tracefs", 0)
        c.syscall(431, fs, 6, None, None, 0)
        mount = c.syscall(432, fs, 0, 0)
        print(*os.listdir(f"/proc/self/fd/{mount}/instances") if mount >= 0 else ())
    """
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return [name for name in done.stdout.split() if name.startswith("estui-")]


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGHUP", "closed", "closed idle", "blocked"])
def test_it_ends_cleanly(how: str, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [binary(), *(["--types", "mount"] if how == "closed idle" else [])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,
    )
    assert process.stdout
    assert process.stderr
    name = f"estui-{process.pid}"
    assert process.stderr.readline() == b"estui: started\n"
    if how.startswith("SIG"):
        process.send_signal(signal.Signals[how])
    elif how == "blocked":
        code = "import sys\nfor n in range(20000): open(sys.argv[1] + str(n % 50), 'w').close()"
        python(code, str(tmp_path / "x"))  # more than the pipe holds, and nobody reads
        process.send_signal(signal.SIGINT)
    else:
        process.stdout.close()
        if how == "closed":
            (tmp_path / "x").touch()
    assert process.wait(DEADLINE) == 0
    assert name not in instances()


def test_what_one_that_was_killed_left_behind_is_removed(recorder: Recorder, tmp_path: Path) -> None:
    killed = Recorder(folder=tmp_path)
    name = f"estui-{killed.process.pid}"
    if name not in instances():
        pytest.skip("this kernel has no tracefs")
    assert killed.end(signal.SIGKILL) == -signal.SIGKILL
    assert name in instances()
    Recorder(folder=tmp_path).end()
    assert name not in instances()
    assert not recorder.words or f"estui-{recorder.process.pid}" in instances()


def test_without_root_it_says_so(tmp_path: Path) -> None:
    path = tmp_path / "estui-linux"
    path.write_bytes(Path(binary()).read_bytes())
    path.chmod(0o755)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_mode & 0o001 == 0:
            folder.chmod(folder.stat().st_mode | 0o011)
    done = subprocess.run([path], check=False, capture_output=True, user=65534, group=65534)
    assert done.returncode == 3
    assert done.stderr == b"estui-linux: watching files is not possible: it takes root\n"
    assert not done.stdout
    done = subprocess.run([path, "--check"], check=False, capture_output=True, user=65534, group=65534)
    assert done.returncode == 3
    assert done.stdout.startswith(b"fanotify no EPERM it takes root\n")


def test_root_is_told_of_every_interface() -> None:
    done = subprocess.run([binary(), "--check"], check=False, capture_output=True, text=True)
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["fanotify", "connector", "tracefs"]


def test_a_container_without_its_machine_is_told(tmp_path: Path) -> None:
    done = subprocess.run(["unshare", "--net", binary()], check=False, capture_output=True)
    if b"unshare:" in done.stderr:
        pytest.skip("no namespaces can be made here")
    assert done.returncode == 3
    assert b"container" in done.stderr
    assert not json.loads(done.stdout or b"null")
