"""`estui record` as a user has it: a child process, the file it leaves, and how it ends."""

from __future__ import annotations

import gzip
import json
import os
import pty
import resource
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from estui.record import KIND_BAD, KIND_EVENT
from tests.cores import event, eventually, rows
from tests.test_cli import Estui, environment, estui, objects, safe  # noqa: F401  fixtures
from tests.test_core_own import numbered, own
from tests.test_recording import HOSTILE, opened

PATIENCE = 60
STANDIN = Path(__file__).parent / "standin"
SAID = "events, "


def record(*words: str | Path) -> list[str | Path]:
    return [sys.executable, "-m", "estui", "record", *words]


@pytest.fixture
def start(tmp_path: Path, environment: dict[str, str]) -> Iterator[Callable[..., Any]]:  # noqa: F811
    """Start a command in an empty folder, and leave none of them behind."""
    children: list[subprocess.Popen[Any]] = []
    work = tmp_path / "folder"
    work.mkdir()

    def begin(*words: str | Path, **options: Any) -> subprocess.Popen[Any]:
        variables = options.pop("variables", {})
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        environs = {**environment, **variables}
        child: subprocess.Popen[Any] = subprocess.Popen(record(*words), cwd=work, env=environs, **options)
        children.append(child)
        return child

    yield begin
    for child in children:
        child.kill()
        child.wait(PATIENCE)
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe:
                with suppress(OSError):
                    pipe.close()


def send(child: subprocess.Popen[bytes], *lines: bytes) -> None:
    assert child.stdin
    child.stdin.write(b"".join(line + b"\n" for line in lines))
    child.stdin.flush()


def lines_in(path: Path) -> list[bytes]:
    """The lines of a recording behind its first one."""
    with suppress(FileNotFoundError):
        return path.read_bytes().split(b"\n")[1:-1]
    return []


def ended(child: subprocess.Popen[bytes]) -> tuple[int, str]:
    """How it ended, and its words."""
    out, said = child.communicate(timeout=PATIENCE)
    assert out == b""
    assert safe(said)
    return child.returncode, said.decode()


# What is recorded


def test_a_pipe_is_recorded_line_by_line(estui: Estui, tmp_path: Path) -> None:  # noqa: F811
    lines = [
        event(a="x" * 500_000),
        b"",
        b"not json",
        HOSTILE.encode(errors="surrogateescape").replace(b"\n", b""),
    ]
    lines += [b"\xff\x00\x1b", own("mark", words=HOSTILE), event("hover"), event(a="\udcff")]
    path = tmp_path / HOSTILE.replace("\n", "n")
    result = estui("record", "-", "-o", path, data=b"\n".join(lines) + b"\nunfinished")
    assert result.returncode == 0
    assert safe(result.stderr)
    assert "\n3 events, " in result.stderr.decode()
    assert lines_in(path) == [*lines, b"unfinished"]
    core = opened(path)
    assert [core.raw(row.seq) for row in rows(core) if row.kind == KIND_EVENT] == [
        lines[0],
        lines[6],
        lines[7],
    ]
    assert sum(row.kind == KIND_BAD for row in rows(core)) == 5


def test_the_demo_is_recorded_whole(estui: Estui, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "demo.jsonl"
    result = estui("record", "demo", "-o", path, "--types", "exec,exit")
    assert result.returncode == 0, result.stderr
    stat = json.loads(estui("stat", "--json", path).stdout)
    assert set(stat["by_event"]) == {"exec", "exit"}
    assert (stat["lost"]["global"], stat["missing"]["global"], stat["bad_lines"]) == (0, 0, 0)
    assert result.stderr.decode().startswith(f"{stat['events']:,} events, ")
    assert stat["events"] == len(lines_in(path)) > 1000


def test_files_are_filtered_and_losses_told(estui: Estui, tmp_path: Path) -> None:  # noqa: F811
    first, second = tmp_path / "first", tmp_path / "second"
    data = b"".join(
        line + b"\n"
        for line in (
            own("recording", source="x", whole=True),
            numbered(1),
            numbered(5),
            numbered(6, name="exit"),
        )
    )
    first.write_bytes(data)
    result = estui("record", first, "--types", "exit,exitt", "-o", second)
    assert result.returncode == 0
    assert b"exitt is no event type that estui knows; exit is" in result.stderr
    assert b"1 events, " in result.stderr
    assert b"; lost 3" in result.stderr
    told = estui("cat", "--json", "--columns", "event", second)
    assert objects(told) == [{"event": "exit"}]
    assert b"second: 3 events lost here: the sequence numbers jumped" in told.stderr
    stat = json.loads(estui("stat", "--json", second).stdout)
    assert stat["lost"] == {"global": 3, "by_type": {}, "unknown": 0}


def test_files_are_merged_by_time(estui: Estui, tmp_path: Path) -> None:  # noqa: F811
    for name, seconds in (("a", (1, 3)), ("b", (2, 4))):
        lines = [event(time=f"2024-05-01T10:00:0{second}Z", global_seq_num=second) for second in seconds]
        (tmp_path / name).write_bytes(
            b"\n".join([own("recording", whole=True, time="2024-05-01T10:00:00Z"), *lines]) + b"\n"
        )
    result = estui("record", tmp_path / "a", tmp_path / "b", "-o", tmp_path / "c")
    assert result.returncode == 0, result.stderr
    assert [row.time for row in rows(opened(tmp_path / "c")) if row.kind == KIND_EVENT] == [
        f"2024-05-01T10:00:0{second}Z" for second in (1, 2, 3, 4)
    ]
    assert opened(tmp_path / "c").losses().lost_global == 0  # the numbers of two recordings, side by side


PLAN = '[plan]\nformat = 1\nsubscribe = ["open", "exit"]\n[[mute_path]]\ntype = "LITERAL"\npath = "/bin/ls"\n'


def test_a_plan_counts_or_chooses(estui: Estui, tmp_path: Path) -> None:  # noqa: F811
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN)
    lines = [event(executable="/bin/ls"), event(executable="/bin/cat"), event("exec"), b"bad"]
    data = b"".join(line + b"\n" for line in lines)
    result = estui("record", "-", "--plan", plan, "-o", tmp_path / "all", data=data)
    assert lines_in(tmp_path / "all") == lines
    assert b"the plan delivers 1 and suppresses 2" in result.stderr
    result = estui("record", "-", "--plan", plan, "--delivered", "-o", tmp_path / "some", data=data)
    assert lines_in(tmp_path / "some") == lines[1:2] + lines[3:]
    assert b"1 events, " in result.stderr
    assert b"the plan delivers 1 and suppresses 2" in result.stderr
    result = estui("record", "-", "--plan", plan, "--types", "exec,open", "-o", tmp_path / "types", data=data)
    assert lines_in(tmp_path / "types") == lines
    assert b"the plan delivers 2 and suppresses 1" in result.stderr


def test_to_standard_output(estui: Estui, tmp_path: Path) -> None:  # noqa: F811
    result = estui("record", "-", "-o", "-", data=event() + b"\n")
    first, second, end = result.stdout.split(b"\n")
    assert (json.loads(first)["estui"], second, end) == ("recording", event(), b"")
    assert result.stderr.decode().endswith(" to standard output; lost 0\n")
    assert estui("record", "-", "-o", "-", "--quiet", data=event() + b"\n").stderr == b""


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_reader_that_has_seen_enough_is_no_failure(start: Callable[..., Any], stop: signal.Signals) -> None:
    child = start("-", "-o", "-")
    assert child.stdout
    send(child, event())
    assert child.stdout.readline().startswith(b'{"estui":"recording"')
    child.stdout.close()
    child.stdout = None
    send(child, *[event()] * 10)
    code = child.wait(PATIENCE)
    said = child.stderr.read()
    assert code == 0, said
    assert b"cannot" not in said


# Files that are put away


def test_rotation_with_a_bound(estui: Estui, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "x.jsonl"
    lines = [event(number=number, global_seq_num=number, a=os.urandom(300).hex()) for number in range(1000)]
    data = b"".join(line + b"\n" for line in lines)
    result = estui("record", "-", "-o", path, "--rotate", "50K", "--keep", "200K", data=data)
    assert result.returncode == 0, result.stderr
    assert b"1,000 events, " in result.stderr
    assert b" files to " in result.stderr
    packed = sorted(tmp_path.glob("x-*.jsonl.gz"))
    assert len(packed) >= 3
    assert sum(file.stat().st_size for file in [path, *packed]) <= 200 << 10
    kept = [line for file in packed for line in gzip.decompress(file.read_bytes()).split(b"\n")[1:-1]]
    assert sorted(kept + lines_in(path)) == sorted(lines[-len(kept) - len(lines_in(path)) :])
    result = estui("stat", "--json", *packed, path)
    assert json.loads(result.stdout)["bad_lines"] == 0
    bare = estui("record", "-", "-o", tmp_path / "y", "--rotate", "50K", "--no-compress", data=data)
    assert bare.returncode == 0
    assert not list(tmp_path.glob("y-*.gz"))
    assert len(list(tmp_path.glob("y-*"))) > 5


# How it ends


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["demo", "--rotate", "5M", "--keep", "9M"], b"it takes twice --rotate"),
        (["linux", "create", "--types", "exec"], b"behind the source and in --types"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    words: list[str],
    said: bytes,
    estui: Estui,  # noqa: F811
    tmp_path: Path,
) -> None:
    result = estui("record", *words, "-o", tmp_path / "x")
    assert (result.returncode, said in result.stderr) == (2, True), result.stderr
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopping_a_recording_is_what_one_does(
    start: Callable[..., Any], tmp_path: Path, number: int
) -> None:
    child = start("-", "-o", "x.jsonl")
    send(child, event(n=1), event(n=2))
    eventually(lambda: lines_in(tmp_path / "folder" / "x.jsonl") == [event(n=1), event(n=2)])
    child.send_signal(number)
    assert child.wait(PATIENCE) == 0
    assert child.stderr.read().decode().startswith("2 events, ")
    assert lines_in(tmp_path / "folder" / "x.jsonl") == [event(n=1), event(n=2)]


def test_for_a_while(start: Callable[..., Any], tmp_path: Path) -> None:
    child = start("-", "-o", "x.jsonl", "--for", "0.3s")
    send(child, event())
    assert child.wait(PATIENCE) == 0
    assert child.stdin  # it did not wait for its end


def test_killed_in_the_middle_all_lines_but_the_last_are_whole(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "folder" / "x.jsonl"
    lines = [event(number=number, global_seq_num=number, a="x" * 700) for number in range(40_000)]
    child = start("-", "-o", path)

    def feed() -> None:
        with suppress(OSError):
            send(child, *lines)

    feeding = threading.Thread(target=feed)
    feeding.start()
    eventually(lambda: path.exists() and path.stat().st_size > 5_000_000)
    child.kill()
    child.wait(PATIENCE)
    feeding.join(PATIENCE)
    whole, _, rest = path.read_bytes().rpartition(b"\n")
    found = whole.split(b"\n")[1:]
    assert found == lines[: len(found)]
    assert lines[len(found)].startswith(rest)
    core = opened(path)
    assert core.counters().events == len(found)
    assert core.losses().lost_global == core.losses().missing_global == 0


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 1 MiB of its own."""
    folder.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or sys.platform != "linux" or mount is None:
        pytest.skip("a small file system can only be mounted by root, on Linux")
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=1M", "none", folder], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip(f"this container may not mount a tmpfs: {made.stderr.decode(errors='replace')}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk(estui: Estui, tmp_path: Path) -> None:  # noqa: F811
    lines = [event(number=number, a="x" * 1000) for number in range(3000)]
    with small_disk(tmp_path / "disk") as disk:
        result = estui("record", "-", "-o", disk / "x.jsonl", data=b"".join(line + b"\n" for line in lines))
        found = lines_in(disk / "x.jsonl")
        assert (disk / "x.jsonl").read_bytes().endswith(b"\n")
    assert result.returncode == 3
    assert found == lines[: len(found)]
    assert 500 < len(found) < 1000
    said = result.stderr.decode()
    assert "x.jsonl cannot be written: No space left on device" in said
    assert f"not recorded {3000 - len(found):,}" in said
    assert "Traceback" not in said


def test_a_file_that_may_not_grow(tmp_path: Path, environment: dict[str, str]) -> None:  # noqa: F811
    lines = [event(number=number, a="x" * 1000) for number in range(3000)]
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    result = subprocess.run(
        record("-", "-o", tmp_path / "x.jsonl"),
        input=b"".join(line + b"\n" for line in lines),
        capture_output=True,
        check=False,
        env=environment,
        timeout=PATIENCE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limit)),
    )
    assert result.returncode == 3
    found = lines_in(tmp_path / "x.jsonl")
    assert found == lines[: len(found)]
    assert (tmp_path / "x.jsonl").read_bytes().endswith(b"\n")
    assert b"cannot be written: File too large" in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_device(estui: Estui) -> None:  # noqa: F811
    result = estui("record", "-", "-o", "/dev/full", data=event() + b"\n")
    assert result.returncode == 3
    assert (
        result.stderr.decode().splitlines()[0]
        == "estui: /dev/full cannot be written: No space left on device"
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["-"], 2, "the following arguments are required: -o"),
        (["-o", "x"], 2, "the following arguments are required: SOURCE"),
        (["-", "-o", "there"], 2, "there is there already"),
        (["-", "-o", "x.gz"], 2, "is plain"),
        (["-", "-o", "none/x"], 3, "none/x cannot be made: No such file or directory"),
        (["none", "-o", "x"], 3, "none"),
        (["-", "-o", "x", "--delivered"], 2, "--delivered asks which events a plan delivers"),
        (["-", "-o", "x", "--keep", "1G"], 2, "--keep deletes files that were put away"),
        (["-", "-o", "-", "--rotate", "1G"], 2, "standard output cannot be rotated"),
        (["-", "-o", "x", "--for", "soon"], 2, "soon is no time such as"),
        (["-", "-o", "x", "--rotate", "0"], 2, "0 is no size such as"),
        (["-", "-o", "x", "--plan", "none.toml"], 2, "none.toml"),
        (["demo", "-o", "x", "--types", "exce"], 2, "exce is not an event type; the nearest is exec"),
        (["-", "-o", "x", "--for", HOSTILE.replace("\n", "")], 2, "is no time such as"),
    ],
)
def test_what_cannot_be_recorded_leaves_no_file(
    start: Callable[..., Any], tmp_path: Path, words: Sequence[str], code: int, said: str
) -> None:
    there = tmp_path / "folder" / "there"
    there.write_text("mine")
    child = start(*[os.fsencode(word) for word in words])
    got, told = ended(child)
    assert got == code, told
    assert said in told
    assert [path.name for path in there.parent.iterdir()] == ["there"]
    assert there.read_text() == "mine"


def test_nothing_but_bad_lines(estui: Estui, tmp_path: Path) -> None:  # noqa: F811
    result = estui("record", "-", "-o", tmp_path / "x", data=b"bad\nworse\n")
    assert result.returncode == 1
    assert b"no line of standard input is an Endpoint Security event" in result.stderr
    assert lines_in(tmp_path / "x") == [b"bad", b"worse"]
    assert estui("record", "-", "-o", tmp_path / "y", data=b"").returncode == 1
    assert not (tmp_path / "y").exists()


# A live source


@pytest.fixture
def mac(tmp_path: Path) -> dict[str, str]:
    """A machine with the stand-in eslogger, which needs no sudo."""
    command = tmp_path / "bin" / "eslogger"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{STANDIN / "eslogger"}" "$@"\n')
    command.chmod(0o755)
    return {"ESTUI_ESLOGGER_COMMAND": str(command), "STANDIN_EUID": "0", "STANDIN_LOG": str(tmp_path / "log")}


def types_asked(tmp_path: Path) -> list[str]:
    log = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    return sorted(name for entry in log for name in entry.get("args", ()))


def test_a_live_source_is_asked_for_types(estui: Estui, tmp_path: Path, mac: dict[str, str]) -> None:  # noqa: F811
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN)
    path = tmp_path / "x.jsonl"
    variables = {**mac, "STANDIN_COUNT": "500", "STANDIN_DROP": "10", "STANDIN_END": "0", "ESTUI_SHARDS": "1"}
    result = estui("record", "eslogger", "--types", "exec,open", "-o", path, **variables)
    assert result.returncode == 0, result.stderr
    assert types_asked(tmp_path) == ["exec", "open"]
    stat = json.loads(estui("stat", "--json", path).stdout)
    assert (stat["events"], stat["lost"]["global"], stat["missing"]["global"]) == (500, 55, 0)
    assert b"500 events, " in result.stderr
    assert b"; lost 55" in result.stderr
    (tmp_path / "log").unlink()
    result = estui("record", "eslogger", "--plan", plan, "-o", tmp_path / "y", **variables)
    assert result.returncode == 0, result.stderr
    assert types_asked(tmp_path) == ["exit", "open"]


def test_a_live_source_that_dies_is_told(estui: Estui, tmp_path: Path, mac: dict[str, str]) -> None:  # noqa: F811
    path = tmp_path / "x.jsonl"
    variables = {**mac, "STANDIN_COUNT": "100", "STANDIN_CUT": "50", "STANDIN_END": "SIGSEGV"}
    result = estui("record", "eslogger", "exec", "-o", path, **variables)
    assert result.returncode == 3
    assert b"SIGSEGV" in result.stderr
    assert b"100 events, " in result.stderr
    assert len(lines_in(path)) == 101  # the last one is cut
    refused = {**mac, "STANDIN_RESULT": "ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED"}
    result = estui("record", "eslogger", "exec", "-o", tmp_path / "y", **refused)
    assert result.returncode == 3
    assert b"Full Disk Access" in result.stderr
    assert not (tmp_path / "y").exists()


def test_a_live_source_is_ended_politely(
    start: Callable[..., Any], tmp_path: Path, mac: dict[str, str]
) -> None:
    child = start("eslogger", "exec", "-o", "x.jsonl", variables={**mac, "STANDIN_RATE": "1000"})
    eventually(lambda: len(lines_in(tmp_path / "folder" / "x.jsonl")) > 50)
    child.send_signal(signal.SIGINT)
    code, said = ended(child)
    assert code == 0, said
    log = (tmp_path / "log").read_text()
    assert '"SIGINT"' in log
    stat = opened(tmp_path / "folder" / "x.jsonl")
    assert (stat.counters().bad, stat.losses().lost_global) == (0, 0)


# The terminal


def test_progress_is_for_terminals_and_is_taken_away(start: Callable[..., Any], tmp_path: Path) -> None:
    terminal, stderr = pty.openpty()
    name = HOSTILE.replace("\n", "")
    child = start("-", "-o", name, stderr=stderr)
    os.close(stderr)
    send(child, *[event()] * 3)
    said = b""

    def saw(words: bytes) -> bool:
        nonlocal said
        while select.select([terminal], [], [], 0)[0]:
            try:
                said += os.read(terminal, 65536)
            except OSError:
                break
        return words in said

    eventually(lambda: saw(b"3 events"))
    child.stdin.close()
    child.stdin = None
    assert child.wait(PATIENCE) == 0
    eventually(lambda: saw(b" to "))
    os.close(terminal)
    *progress, summary = said.decode().split("\r")[:-1]
    assert [text for text in progress if "3 events  " in text]
    assert progress[-1].strip() == ""
    assert summary.startswith("3 events, ")
    assert all(text.isprintable() for text in (*progress, summary))


def test_a_second_ctrl_c_does_not_wait(start: Callable[..., Any], tmp_path: Path) -> None:
    """Whoever should read what is written does not: the first signal waits for it, the second does not."""
    os.mkfifo(tmp_path / "folder" / "fifo")
    child = start("-", "-o", "fifo")
    reader = os.open(tmp_path / "folder" / "fifo", os.O_RDONLY)
    feeding = threading.Thread(target=lambda: send(child, *[event(a="x" * 1000)] * 2000), daemon=True)
    feeding.start()
    eventually(lambda: bool(select.select([reader], [], [], 0)[0]))
    deadline = time.monotonic() + PATIENCE
    while child.poll() is None and time.monotonic() < deadline:
        child.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            child.wait(1)
    assert child.returncode == 130
    os.close(reader)
    feeding.join(PATIENCE)
