"""The command line as a user has it: a child process, what it prints, and how it ends."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from estui.cli.cat import Judge
from estui.cli.columns import COLUMNS
from estui.message import Message
from estui.plan import EXAMPLES, loads
from estui.text import printable
from tests.cores import event, filled, rows

HOSTILE = "\x1b]0;owned\x07[/foo]\n\u202e\x00"
"""What a name may hold and no terminal may get."""
PATIENCE = 60
"""Seconds after which a child counts as hung."""

Estui = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """No settings of the user, and no terminal."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ESTUI_")}
    kept.pop("NO_COLOR", None)
    core = {name: value for name, value in os.environ.items() if name == "ESTUI_CORE"}
    return {**kept, **core, "XDG_CONFIG_HOME": str(tmp_path / "config"), "LC_ALL": "C.UTF-8"}


@pytest.fixture
def estui(tmp_path: Path, environment: dict[str, str]) -> Estui:
    """Run `estui WORDS...` in an empty folder."""
    work = tmp_path / "work"
    work.mkdir()

    def run(
        *words: str | bytes | Path, data: bytes = b"", **variables: str
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "estui", *words],
            input=data,
            capture_output=True,
            check=False,
            cwd=work,
            env={**environment, **variables},
            timeout=PATIENCE,
        )

    return run


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Three events, and lines that are none."""
    lines = [
        event(
            "open",
            "/private/var/log/a",
            pid=7,
            pidversion=1,
            executable="/bin/cat",
            time="2024-05-01T10:00:01Z",
        ),
        b"",
        event("exit", pid=7, pidversion=1, executable="/bin/cat", time="2024-05-01T10:00:03.25Z"),
        b"not json",
        event("write", "/private/var/log/a", pid=2**64 - 1, time="2024-05-01T10:00:00.000000001Z"),
    ]
    path = tmp_path / "recording.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """The log directory muted."""
    path = tmp_path / "plan.toml"
    path.write_text(
        '[plan]\nformat = 1\n[[mute_path]]\ntype = "TARGET_PREFIX"\npath = "/private/var/log/"\nevents = ["write"]\n'
    )
    return path


def objects(result: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def safe(data: bytes) -> bool:
    """Whether a terminal shows this as it stands: lines of printable text."""
    text = data.decode()
    return all(printable(line) == line for line in text.split("\n"))


# cat


def test_cat_prints_a_row_per_event_in_input_order(estui: Estui, recording: Path) -> None:
    result = estui("cat", recording)
    assert result.returncode == 0
    assert [line.split() for line in result.stdout.decode().splitlines()] == [
        ["2024-05-01T10:00:01Z", "open", "7", "/bin/cat", "/private/var/log/a"],
        ["2024-05-01T10:00:03.25Z", "exit", "7", "/bin/cat", "-"],
        ["2024-05-01T10:00:00.000000001Z", "write", str(2**64 - 1), "-", "/private/var/log/a"],
    ]


def test_bad_lines_are_told_with_source_and_line(estui: Estui, recording: Path) -> None:
    said = estui("cat", recording).stderr.decode().splitlines()
    assert said == [f"{recording}:2: empty line", f"{recording}:4: not valid JSON"]


def test_json_has_every_column_in_order_and_exact_values(estui: Estui, recording: Path) -> None:
    first, _, last = objects(estui("cat", "--json", recording))
    assert list(first) == list(COLUMNS)
    assert first["targets"] == ["/private/var/log/a"]
    assert first["delivered"] is True
    assert first["stage"] is None
    assert (first["n"], last["n"]) == (1, 5)
    assert last["pid"] == 2**64 - 1
    assert last["executable"] is None


def test_columns_are_those_asked_for(estui: Estui, recording: Path) -> None:
    assert list(objects(estui("cat", "--json", "--columns", "pid, n", recording))[0]) == ["pid", "n"]
    assert estui("cat", "--columns", "pid,n", recording).stdout.split()[:2] == [b"7", b"1"]


@pytest.mark.parametrize("names", ["tim", "", "n,,pid", HOSTILE.replace("\0", "")])
def test_an_unknown_column_is_a_usage_error(estui: Estui, recording: Path, names: str) -> None:
    result = estui("cat", "--columns", names, recording)
    assert result.returncode == 2
    assert not result.stdout
    assert safe(result.stderr)


def test_a_plan_judges(estui: Estui, recording: Path, plan: Path) -> None:
    judged = objects(estui("cat", "--json", "--plan", plan, recording))
    assert [row["delivered"] for row in judged] == [True, True, False]
    assert judged[2]["stage"] == "target_path"
    assert judged[2]["rule"] == "TARGET_PREFIX /private/var/log/"
    for flag, numbers in (("--delivered", [1, 3]), ("--suppressed", [5])):
        assert [
            row["n"] for row in objects(estui("cat", "--json", flag, "--plan", plan, recording))
        ] == numbers
    assert b"TARGET_PREFIX" in estui("cat", "--suppressed", "--plan", plan, recording).stdout


def test_several_sources_come_one_after_the_other(estui: Estui, recording: Path, tmp_path: Path) -> None:
    packed = tmp_path / "again.gz"
    packed.write_bytes(gzip.compress(recording.read_bytes()))
    printed = objects(estui("cat", "--json", recording, "-", packed, data=event("fork") + b"\n"))
    assert [row["n"] for row in printed] == [1, 3, 5, 1, 1, 3, 5]


def test_hostile_events_are_escaped_as_text_and_exact_as_json(estui: Estui) -> None:
    line = event("open", f"/tmp/{HOSTILE}", executable=f"/bin/{HOSTILE}")
    rest = b'{"event":{"open":{"file":{"path":"/\xff\\ud83d\\ude00"}}}}\n'
    text = estui("cat", "-", data=line + b"\n" + rest)
    assert safe(text.stdout)
    assert rb"/\xff" in text.stdout
    raw = estui("cat", "-", "--json", data=line + b"\n" + rest)
    assert raw.stdout.isascii()
    assert [row["targets"] for row in objects(raw)] == [[f"/tmp/{HOSTILE}"], ["/\udcff\U0001f600"]]


def test_any_locale_can_be_printed_to(estui: Estui) -> None:
    lines = event("rename", "/é", "/→") + b"\n"
    assert estui("cat", "-", data=lines, PYTHONIOENCODING="ascii").returncode == 0


# How it ends


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", 1), (b"\n", 1), (b"[1]\n", 1), (b"\x7fELF\0\1\2\xff" * 9, 1), (b"{}\n" * 3, 1)],
)
@pytest.mark.parametrize("command", ["cat", "stat"])
def test_a_source_without_events_fails_with_words(
    estui: Estui, command: str, content: bytes, code: int
) -> None:
    result = estui(command, "-", data=content)
    assert result.returncode == code
    assert result.stderr
    assert safe(result.stderr)


def test_a_truncated_recording_keeps_what_was_read(estui: Estui, recording: Path, tmp_path: Path) -> None:
    packed = tmp_path / "cut.gz"
    data = b"".join(event("open", f"/{number}") + b"\n" for number in range(5000))
    packed.write_bytes(gzip.compress(data)[:-2000])
    result = estui("cat", "--json", packed)
    assert objects(result)
    assert b"cut.gz" in result.stderr


def test_a_line_cut_by_the_end_is_told(estui: Estui) -> None:
    result = estui("cat", "-", data=event("fork") + b'\n{"event":{"op')
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) == 1
    assert b"-:2: the stream ended in the middle of this line" in result.stderr


@pytest.mark.parametrize("name", ["missing", ".", "\x1b[31m[/foo]\n\u202e", b"\xff\xfe"])
def test_a_source_that_is_not_there(estui: Estui, recording: Path, name: str | bytes) -> None:
    for command in (["cat"], ["stat"], ["plan", "judge", "quiet-build"], []):
        result = estui(*command, name)
        assert result.returncode == 3
        assert result.stderr
        assert safe(result.stderr)
    both = estui("cat", name, recording)
    assert both.returncode == 3
    assert len(both.stdout.splitlines()) == 3


@pytest.mark.parametrize(
    "words",
    [
        ["cat"],
        ["stat"],
        ["plan"],
        ["plan", "judge", "quiet-build"],
        ["cat", "--delivered", "--suppressed", "x"],
        ["--nothing"],
        ["--speed", "0", "demo"],
        ["--rate", "nan", "demo"],
        ["--budget", "tiny", "demo"],
        ["--follow", "--replay", "x"],
        ["x", "cat"],
        ["\x1b[31m", "--\x1b[31m"],
    ],
)
def test_wrong_words_are_usage_errors(estui: Estui, words: list[str]) -> None:
    result = estui(*words)
    assert result.returncode == 2
    assert not result.stdout
    assert safe(result.stderr)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ('[plan]\nformat = 1\n[[mute_path]]\ntype = "LITERAL"\npath = "/a"\nevents = ["opn"]\n', "open"),
        ('[plan]\nformat = 1\nnme = "x"\n', "name"),
        ("[plan]\nformat = 1\n[invert]\ntarget = true\n", "target_path"),
        ("format", "TOML"),
    ],
)
def test_a_bad_plan_names_file_and_the_nearest(
    estui: Estui, recording: Path, tmp_path: Path, content: str, word: str
) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(content)
    for words in (
        ["plan", "judge", path, recording],
        ["cat", "--plan", path, recording],
        ["--plan", path, recording],
    ):
        result = estui(*words)
        assert result.returncode == 2
        assert not result.stdout
        assert b"bad.toml" in result.stderr
        assert word.encode() in result.stderr


def test_a_plan_warns_and_judges(estui: Estui, recording: Path, tmp_path: Path) -> None:
    path = tmp_path / "idle.toml"
    path.write_text(
        '[plan]\nformat = 1\n[[mute_path]]\ntype = "TARGET_LITERAL"\npath = "/a"\nevents = ["exit"]\n'
    )
    result = estui("plan", "judge", path, recording)
    assert result.returncode == 0
    assert b"idle.toml" in result.stderr


def test_a_setting_that_is_wrong(estui: Estui, recording: Path, environment: dict[str, str]) -> None:
    file = Path(environment["XDG_CONFIG_HOME"]) / "estui" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("teme = 1\n")
    for words in (["cat", recording], ["doctor"], [recording]):
        result = estui(*words)
        assert result.returncode == 2
        assert b"theme" in result.stdout + result.stderr


def test_a_closed_pipe_ends_quietly(environment: dict[str, str]) -> None:
    for words in (["cat", "demo"], ["demo"], ["--help"], ["cat", "demo", "--json"]):
        child = subprocess.Popen(
            [sys.executable, "-m", "estui", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait(PATIENCE) == 0
        child.stderr.close()


def test_no_stdout_and_no_stderr_at_all(environment: dict[str, str], recording: Path) -> None:
    for closed in (">&-", "2>&-", ">&- 2>&-", "<&-"):
        command = f'"{sys.executable}" -m estui cat "{recording}" {closed}'
        result = subprocess.run(command, shell=True, env=environment, capture_output=True, check=False)
        assert result.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_a_failure(environment: dict[str, str], recording: Path) -> None:
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "estui", "cat", recording],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment,
            check=False,
        )
    assert result.returncode == 1
    assert b"cannot be written" in result.stderr
    assert b"Traceback" not in result.stderr


def test_ctrl_c_ends_quietly_with_130(environment: dict[str, str]) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "estui", "cat", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(event("fork") + b"\n")
    child.stdin.flush()
    assert b"fork" in child.stdout.readline()  # rows come as they are read, not at the end
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=PATIENCE)
    assert child.returncode == 130
    assert said == b""


def test_ctrl_c_ends_stat_with_what_was_counted(environment: dict[str, str]) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "estui", "stat", "--json", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        bufsize=0,
    )
    assert child.stdin is not None
    line = event("fork") + b"\n"
    child.stdin.write(line * ((1 << 20) // len(line)))  # more than a pipe holds: most of it has been read
    child.send_signal(signal.SIGINT)
    counted, _ = child.communicate(timeout=PATIENCE)
    assert child.returncode == 130
    assert json.loads(counted)["by_event"]["fork"] > 0


# stat


def test_stat_counts(estui: Estui, recording: Path) -> None:
    result = estui("stat", "--json", recording)
    assert result.returncode == 0
    assert json.loads(result.stdout) == {
        "events": 3,
        "bad_lines": 2,
        "lost": {"global": 0, "by_type": {}, "unknown": 0},
        "missing": {"global": 0, "by_type": {}},
        "by_event": {"open": 1, "exit": 1, "write": 1},
        "by_executable": {"/bin/cat": 2},
        "first_time": "2024-05-01T10:00:00.000000001Z",
        "last_time": "2024-05-01T10:00:03.25Z",
    }


def test_stat_adds_sources_up_and_counts_gaps(estui: Estui, tmp_path: Path) -> None:
    names = []
    for number in range(2):
        path = tmp_path / f"{number}.jsonl"
        lines = [
            event("open", "/a", seq_num=n, global_seq_num=n + 5, time=f"2024-05-01T10:0{number}:0{n}Z")
            for n in (1, 4)
        ]
        path.write_bytes(b"\n".join(lines))
        names.append(path)
    counted = json.loads(estui("stat", "--json", *names).stdout)
    assert counted["events"] == 4
    assert counted["missing"] == {"global": 4, "by_type": {"open": 4}}
    assert (counted["first_time"], counted["last_time"]) == ("2024-05-01T10:00:01Z", "2024-05-01T10:01:04Z")


def test_stat_and_cat_tell_what_a_recording_says_was_lost(estui: Estui) -> None:
    lines = [
        b'{"estui":"recording","version":1,"source":"x","whole":true}',
        event("open", global_seq_num=1, estui_shard=3),
        event("open", global_seq_num=3, estui_shard=3),
        json.dumps({"estui": "loss", "lost": 2, "why": HOSTILE}).encode(),
        b'{"estui":"loss","lost":null,"why":"queue overflow"}',
        b'{"estui":"mark","words":"again"}',
    ]
    data = b"\n".join(lines) + b"\n"
    counted = json.loads(estui("stat", "--json", "-", data=data).stdout)
    assert counted["lost"] == {"global": 3, "by_type": {}, "unknown": 1, "by_shard": {"3": 1}}
    assert (counted["events"], counted["bad_lines"]) == (2, 0)
    table = estui("stat", "-", data=data).stdout.decode()
    assert "\nlost       3+\n" in table
    assert "\nlost or missing by shard\n  1  3\n" in table
    result = estui("cat", "-", data=data)
    assert len(result.stdout.splitlines()) == 2
    assert safe(result.stderr)
    assert result.stderr.decode().splitlines() == [
        "-: 1 events lost here",
        f"-: 2 events lost here: {printable(HOSTILE)}",
        "-: an unknown number of events lost here: queue overflow",
    ]


def test_stat_has_a_readable_table(estui: Estui, recording: Path) -> None:
    result = estui("stat", recording, "-", data=event("fork", executable=HOSTILE) + b"\n")
    assert safe(result.stdout)
    for line in (b"events     4", b"  2  /bin/cat", b"bad lines  2"):
        assert line in result.stdout.splitlines()


# plan


def test_judge_prints_a_verdict_per_event(estui: Estui, recording: Path, plan: Path) -> None:
    result = estui("plan", "judge", plan, recording)
    assert result.returncode == 0
    assert objects(result)[1:] == [
        {"n": 3, "event": "exit", "delivered": True, "stage": None, "rule": None},
        {
            "n": 5,
            "event": "write",
            "delivered": False,
            "stage": "target_path",
            "rule": "TARGET_PREFIX /private/var/log/",
        },
    ]


@pytest.mark.parametrize("votes", ["true", "false"])
@pytest.mark.parametrize("muted", [(1,), (9,), (1, 9)])
def test_rows_are_judged_as_messages_are(votes: str, muted: tuple[int, ...]) -> None:
    lines = [
        event("signal", "/bin/b", pid=1, pidversion=1, instigator=(9, 9)),
        event("fork", pid=9, pidversion=9),
    ]
    entries = "".join(f"[[mute_process]]\npid = {pid}\npidversion = {pid}\n" for pid in muted)
    plan = loads(f"[plan]\nformat = 1\ninstigator_votes = {votes}\n{entries}")
    core = filled(lines)
    judged = [verdict for _, verdict in Judge(core, plan).verdicts(rows(core))]
    assert judged == [plan.mute_set().decide(Message(line)) for line in lines]
    core.close()


def test_the_examples_are_listed_and_open_by_name(estui: Estui, recording: Path) -> None:
    listed = estui("plan", "list")
    assert listed.returncode == 0
    assert [line.split()[0].decode() for line in listed.stdout.splitlines()] == list(EXAMPLES)
    for name in EXAMPLES:
        assert len(objects(estui("plan", "judge", name, recording))) == 3


# The screen's command without a screen, and the rest


def test_without_a_terminal_the_events_are_printed(estui: Estui, recording: Path, plan: Path) -> None:
    assert estui(recording).stdout == estui("cat", recording).stdout
    judged = estui("--plan", plan, recording).stdout
    assert judged == estui("cat", "--plan", plan, recording).stdout


def test_the_demo_is_printed_once(estui: Estui) -> None:
    result = estui()
    assert result.returncode == 0
    assert result.stdout == estui("demo").stdout
    assert json.loads(estui("stat", "--json", "demo").stdout)["events"] == len(result.stdout.splitlines())


def test_a_file_named_like_a_command(estui: Estui, tmp_path: Path) -> None:
    (tmp_path / "work" / "cat").write_bytes(event("fork") + b"\n")
    assert b"fork" in estui("./cat").stdout
    assert b"fork" in estui("cat", "./cat").stdout


def test_doctor_names_core_and_sources(estui: Estui) -> None:
    result = estui("doctor")
    assert result.returncode == 0
    lines = result.stdout.decode().splitlines()
    core = os.environ.get("ESTUI_CORE")
    assert any(line.startswith(f"core: {core or ''}") for line in lines)
    for label in ("python", "terminal", "colours", "eslogger", "settings"):
        assert any(line.startswith(f"{label}: ") for line in lines)
    assert b"core: twin (ESTUI_CORE=twin)" in estui("doctor", ESTUI_CORE="twin").stdout
    assert b"none" in estui("doctor", NO_COLOR="1").stdout


def test_a_core_that_does_not_exist(estui: Estui, recording: Path) -> None:
    assert estui("cat", recording, ESTUI_CORE="other").returncode == 2
    assert b"core: none" in estui("doctor", ESTUI_CORE="other").stdout


def test_help_and_version(estui: Estui) -> None:
    assert estui("--version").stdout.startswith(b"estui ")
    for words in (
        ["--help"],
        ["cat", "--help"],
        ["stat", "-h"],
        ["plan", "-h"],
        ["plan", "judge", "-h"],
        ["doctor", "-h"],
    ):
        result = estui(*words)
        assert result.returncode == 0
        assert result.stdout.startswith(b"usage: estui")


def test_captures_are_read_alike_by_every_command(estui: Estui, captures: list[Path]) -> None:
    for path in captures:
        lines = path.read_bytes().splitlines()
        printed = objects(estui("cat", "--json", path))
        assert [row["n"] for row in printed] == list(range(1, len(lines) + 1))
        counted = json.loads(estui("stat", "--json", path).stdout)
        assert (counted["events"], counted["bad_lines"]) == (len(lines), 0)
        assert counted["first_time"] == min(row["time"] for row in printed)
        judged = objects(estui("plan", "judge", "persistence-only", path))
        assert [row["event"] for row in judged] == [row["event"] for row in printed]


def test_stat_and_cat_agree_on_a_long_line(tmp_path: Path, environment: dict[str, str]) -> None:
    path = tmp_path / "long.jsonl"
    path.write_bytes(b'{"event":{"open":{"file":{"path":"/' + b"x" * (20 << 20) + b'"}}}}\n')
    counted = subprocess.run(
        [sys.executable, "-m", "estui", "stat", "--json", str(path)],
        capture_output=True,
        env=environment,
        check=True,
    )
    assert json.loads(counted.stdout)["by_event"] == {"open": 1}


@pytest.mark.parametrize("words", [["FILE", "linux"], ["demo", "exec"], ["-", "FILE", "demo"]])
def test_sources_of_different_kinds_are_refused_without_a_screen(
    words: list[str], estui: Estui, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"")
    result = estui("cat", *(path if word == "FILE" else word for word in words))
    assert result.returncode == 2
    assert b"goes with no other source" in result.stderr
    assert not result.stdout
