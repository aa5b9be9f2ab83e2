"""`estui run`: real commands under a real strace, and the ways of a Mac with stand-ins."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from estui.record import KIND_EVENT
from estui.sources import SourceError, follower
from estui.sources.follower import Eslogger, Estrace, Kept, Strace
from estui.sources.printed import Printed
from estui.sources.run import RunSource, possible
from estui.sources.strace import tracer
from estui.sources.strace.calls import TYPES, USUAL
from tests.macs import STANDIN, Mac, alive
from tests.sourcing import DEADLINE, read_all, ring, rows, safe, seams, started, until
from tests.test_cli_terminal import Terminal

Event = dict[str, Any]

HOSTILE = b"a\x1b]0;x\x07\n[/foo]\xe2\x80\xae\xff<1>"
"""A name with all that must never reach a terminal as it is; the slash makes it a folder and a file."""


def _why_not() -> str:
    strace = tracer.find()
    if isinstance(strace, tracer.Refusal):
        return strace.words
    style = tracer.probe(strace, frozenset(("exec",)))
    return style.words if isinstance(style, tracer.Refusal) else ""


WHY_NOT = _why_not()
needs_strace = pytest.mark.skipif(bool(WHY_NOT), reason=f"strace cannot be used: {WHY_NOT}")


class Done(NamedTuple):
    """What came of one command."""

    status: int
    stdout: bytes
    stderr: bytes
    events: list[Event]
    """Bytes that are no UTF-8 are surrogates in them."""

    def of(self, *names: str) -> list[Any]:
        """The payloads of some types, each with its type."""
        return [
            (name, payload)
            for event in self.events
            for name, payload in event["event"].items()
            if name in names
        ]

    def named(self, name: str) -> list[Any]:
        """The payloads of one type."""
        return [payload for _, payload in self.of(name)]

    def paths(self, name: str, below: Path) -> list[str]:
        """The targets of one type in a folder, by what they are called in it."""
        key = {"open": "file", "readlink": "source", "mmap": "source"}.get(name, "target")
        found = [
            payload[key]["path"] if name != "create" else payload["destination"]["existing_file"]["path"]
            for payload in self.named(name)
        ]
        home = f"{below.resolve()}/"
        return [path.removeprefix(home) for path in found if path.startswith(home)]

    def programs(self) -> list[str]:
        """The arguments of each exec."""
        return [" ".join(payload["args"]) for payload in self.named("exec")]


Run = Callable[..., Done]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "place"
    place.mkdir()
    return place


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "ENV", "BASH_ENV")}
    return {**kept, "XDG_CONFIG_HOME": str(tmp_path / "config"), "LC_ALL": "C.UTF-8"}


@pytest.fixture
def run(tmp_path: Path, folder: Path, environment: dict[str, str]) -> Run:
    """Run `estui run --record FILE OPTIONS -- COMMAND` in a folder of its own."""
    number = iter(range(1000))

    def record(
        *command: str | bytes | Path,
        options: Sequence[str] = (),
        data: bytes = b"",
        before: Sequence[str] = (),
        python: str = sys.executable,
        whole: bool = True,
    ) -> Done:
        path = tmp_path / f"{next(number)}.jsonl"
        done = subprocess.run(
            [*before, python, "-m", "estui", "run", "--record", path, *options, "--", *command],
            input=data,
            capture_output=True,
            check=False,
            cwd=folder,
            env=environment,
            timeout=DEADLINE,
        )
        return Done(done.returncode, done.stdout, done.stderr, events_in(path, whole=whole))

    return record


def events_in(path: Path, *, whole: bool = True) -> list[Event]:
    """The events of a recording, checked for what holds for each."""
    if not path.exists():
        return []
    first, *lines = path.read_bytes().decode("utf-8", "surrogateescape").split("\n")[:-1]
    assert json.loads(first)["estui"] == "recording"
    events = [json.loads(line) for line in lines]
    if not whole:
        return events
    assert [event["global_seq_num"] for event in events] == list(range(len(events)))
    counts: dict[str, int] = {}
    for event in events:
        [name] = event["event"]
        assert event["seq_num"] == counts.get(name, 0)
        counts[name] = event["seq_num"] + 1
        assert event["estui_origin"] == "linux"
        assert len(event["process"]) == 16
        executable = event["process"]["executable"]
        assert executable is None or not executable["path"].endswith(("/strace", "/python -m estui"))
    for thread in {event["thread"]["thread_id"] for event in events}:
        times = [event["time"] for event in events if event["thread"]["thread_id"] == thread]
        assert times == sorted(times)
    return events


# The tree


@needs_strace
def test_a_shell_and_its_children(run: Run, folder: Path) -> None:
    done = run("sh", "-c", "/bin/echo one | cat; (exit 3); /bin/true & wait; exit 4")
    assert done.status == 4
    assert done.stdout == b"one\n"
    assert done.stderr == b""
    assert sorted(done.programs()) == ["/bin/echo one", "/bin/true", "cat", done.programs()[0]]
    forks, exits = done.named("fork"), done.named("exit")
    assert len(exits) == len(forks) + 1
    assert exits[-1] == {"stat": 4 << 8}
    assert {"stat": 3 << 8} in exits
    first = done.events[0]
    assert list(first["event"]) == ["exec"]
    assert first["process"]["executable"] is None
    root = first["process"]["audit_token"]["pid"]
    assert {fork["child"]["ppid"] for fork in forks} == {root}
    children = {fork["child"]["audit_token"]["pid"] for fork in forks}
    assert {event["process"]["audit_token"]["pid"] for event in done.events} == {root, *children}
    assert first["event"]["exec"]["cwd"]["path"] == str(folder.resolve())


@needs_strace
def test_fork_comes_first_and_exit_last(run: Run) -> None:
    code = "import subprocess as s; [p.wait() for p in [s.Popen(['/bin/true']) for _ in range(40)]]"
    done = run(sys.executable, "-c", code, options=["--types", "all"])
    assert done.status == 0
    assert done.programs().count("/bin/true") == 40
    born: set[int] = {done.events[0]["process"]["audit_token"]["pid"]}
    gone: set[int] = set()
    for event in done.events:
        pid = event["process"]["audit_token"]["pid"]
        assert pid in born
        assert pid not in gone
        match event["event"]:
            case {"fork": {"child": child}}:
                born.add(child["audit_token"]["pid"])
            case {"exit": _}:
                gone.add(pid)
    assert gone == born


@needs_strace
def test_threads_are_no_processes_and_may_call_exec(run: Run, folder: Path) -> None:
    (folder / "t.py").write_text(
        "import os, threading\n"
        "def work(n): open(f't{n}', 'w').write('x')\n"
        "threads = [threading.Thread(target=work, args=(n,)) for n in range(5)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "threading.Thread(target=lambda: os.execv('/bin/sh', ['sh', '-c', 'exit 6'])).start()\n"
        "import time; time.sleep(60)\n"
    )
    done = run(sys.executable, "t.py")
    assert done.status == 6
    assert sorted(done.paths("create", folder)) == [f"t{number}" for number in range(5)]
    assert not done.named("fork")
    assert done.named("exit") == [{"stat": 6 << 8}]
    [pid] = {event["process"]["audit_token"]["pid"] for event in done.events}
    threads = {event["thread"]["thread_id"] for event in done.events}
    assert len(threads) >= 6
    assert pid in threads
    assert done.programs()[-1] == "sh -c exit 6"


@needs_strace
def test_a_script_and_its_interpreter(run: Run, folder: Path) -> None:
    script = folder / "s c r"
    script.write_text("#!/bin/sh\nexit 5\n")
    script.chmod(0o755)
    done = run("./s c r", "arg")
    assert done.status == 5
    [exec_] = done.named("exec")
    assert exec_["script"]["path"] == str(script.resolve())
    assert exec_["target"]["executable"]["path"] == os.path.realpath("/bin/sh")
    assert exec_["args"] == ["./s c r", "arg"]


@needs_strace
def test_a_text_without_an_interpreter_goes_to_the_shell_as_execvp_has_it(run: Run, folder: Path) -> None:
    (folder / "plain").write_text('echo "$1"\n')
    (folder / "plain").chmod(0o755)
    done = run("./plain", "hi")
    assert (done.status, done.stdout) == (0, b"hi\n")


@needs_strace
def test_the_environment_is_in_exec(run: Run) -> None:
    done = run("env", "-i", "A=1", b"B=\xff\n", "/bin/true")
    assert done.named("exec")[-1]["env"] == ["A=1", "B=\udcff\n"]


# Files


@needs_strace
def test_what_the_usual_tools_do(run: Run, folder: Path) -> None:
    words = "set -e; echo x >a; cp a b; mv b c; ln c d; ln -s c e; mkdir f; mkfifo g; chmod 600 c; rm d e g; rmdir f"
    done = run("sh", "-c", words)
    assert done.status == 0, done.stderr
    assert done.paths("create", folder) == ["a", "b", "e", "f", "g"]
    assert done.paths("unlink", folder) == ["d", "e", "g", "f"]
    assert done.paths("setmode", folder) == ["c"]
    home = str(folder.resolve())
    [rename] = done.named("rename")
    assert rename["source"]["path"] == f"{home}/b"
    assert rename["destination"]["new_path"]["dir"]["path"] == home
    assert rename["destination"]["new_path"]["filename"] == "c"
    [link] = done.named("link")
    assert (link["source"]["path"], link["target_filename"]) == (f"{home}/c", "d")
    assert "a" in done.paths("write", folder)
    closes = [close for close in done.named("close") if close["target"]["path"] == f"{home}/b"]
    assert any(close["modified"] for close in closes)


@needs_strace
@pytest.mark.parametrize("how", ["w", "a", "r+"])
def test_an_existing_file_is_not_created(how: str, run: Run, folder: Path) -> None:
    (folder / "old").write_text("x")
    os.utime(folder / "old", ns=(0, 0))
    time.sleep(0.05)  # longer than the file system's clock may be behind
    flags = {"w": "O_WRONLY|os.O_TRUNC", "a": "O_WRONLY|os.O_APPEND", "r+": "O_RDWR"}[how]
    code = f"import os; [os.open(n, os.{flags}|os.O_CREAT, 0o600) for n in ('old', 'new', 'new')]"
    done = run(sys.executable, "-c", code)
    assert done.paths("create", folder) == ["new"]
    assert done.paths("open", folder) == ["old", "new", "new"]


@needs_strace
def test_where_a_path_begins(run: Run, folder: Path) -> None:
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "way").symlink_to("deep/er")
    code = (
        "import os\n"
        "os.chdir('way')\n"
        "open('one', 'w')\n"
        "fd = os.open('..', os.O_RDONLY)\n"
        "os.mkdir('two', dir_fd=fd)\n"
        "os.rename('two', 'three', src_dir_fd=fd, dst_dir_fd=fd)\n"
        "os.fchdir(fd)\n"
        "os.rename('three', 'four')\n"
        "os.chdir('four')\n"
        "os.rename('../four', '../five')\n"
        "open('six', 'w')\n"
        "os.unlink('../er/../er/one')\n"
    )
    done = run(sys.executable, "-c", code)
    assert done.status == 0, done.stderr
    assert done.paths("chdir", folder) == ["deep/er", "deep", "deep/four"]
    assert done.paths("create", folder) == ["deep/er/one", "deep/two", "deep/five/six"]
    assert done.paths("unlink", folder) == ["deep/er/one"]
    told = [
        (rename["source"]["path"], rename["destination"]["new_path"]["filename"])
        for rename in done.named("rename")
    ]
    home = f"{folder.resolve()}/deep"
    assert told == [(f"{home}/two", "three"), (f"{home}/three", "four"), (f"{home}/four", "five")]


@needs_strace
def test_hostile_names_and_arguments_are_whole(run: Run, folder: Path) -> None:
    (folder / os.fsdecode(HOSTILE)).parent.mkdir()
    every = bytes(range(1, 256))
    long = b"x" * 100_000
    name = os.fsdecode(HOSTILE)
    done = run("sh", "-c", '>"$1"; mv "$1" "$1\'"; rm "$1\'"', "sh", HOSTILE, every, long)
    assert done.status == 0, done.stderr
    home = str(folder.resolve())
    assert done.paths("create", folder) == [name]
    assert done.paths("unlink", folder) == [f"{name}'"]
    assert done.named("rename")[0]["source"]["path"] == f"{home}/{name}"
    args = done.named("exec")[0]["args"]
    assert [os.fsencode(arg) for arg in args[4:]] == [HOSTILE, every, long]


@needs_strace
def test_failed_calls_are_there_on_request(run: Run, folder: Path) -> None:
    (folder / "there").mkdir()
    words = "cat missing; mkdir there; rmdir missing; true"
    assert not run("sh", "-c", words, options=["--types", "open,create,unlink"]).paths("open", folder)
    done = run("sh", "-c", words, options=["--types", "open,create,unlink", "--failed"])
    failed = {
        (name, event["estui_failed"])
        for event in done.events
        for name in event["event"]
        if "estui_failed" in event
    }
    assert failed >= {("open", "ENOENT"), ("create", "EEXIST"), ("unlink", "ENOENT")}
    assert b"missing" in done.stderr


@needs_strace
def test_types_limit_what_is_sent(run: Run) -> None:
    done = run("sh", "-c", "echo x >f; rm f", options=["--types", "exec,unlink"])
    assert {name for event in done.events for name in event["event"]} == {"exec", "unlink"}
    assert done.status == 0


@needs_strace
def test_a_plan_decides_what_is_recorded(run: Run, folder: Path) -> None:
    plan = folder / "plan.toml"
    mute = f'[[mute_path]]\ntype = "TARGET_LITERAL"\npath = "{folder.resolve()}/g"\n'
    plan.write_text(f'[plan]\nformat = 1\nsubscribe = ["create", "unlink"]\n\n{mute}')
    done = run("sh", "-c", ": >f; : >g; rm f g", options=["--plan", str(plan)], whole=False)
    assert done.status == 0, done.stderr
    assert done.paths("create", folder) == ["f"]
    assert done.paths("unlink", folder) == ["f"]
    assert not done.named("exec")


# How it ends


@needs_strace
@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        ("exit 0", 0, 0),
        ("exit 127", 127, 127 << 8),
        ("kill -TERM $$", 143, 15),
        ("kill -KILL $$", 137, 9),
        ("kill -USR1 $$", 128 + signal.SIGUSR1, 30),
    ],
)
def test_the_exit_status_is_the_commands(words: str, status: int, told: int, run: Run) -> None:
    done = run("sh", "-c", words)
    assert done.status == status
    assert done.stderr == b""
    assert done.named("exit") == [{"stat": told}]


@pytest.mark.parametrize(
    ("make", "status", "said"),
    [
        (None, 127, "there is no ./it"),
        ("folder", 126, "./it is a directory"),
        ("plain", 126, "./it is not executable"),
        pytest.param("odd", 126, "./it cannot be run: Exec format error", marks=needs_strace),
        pytest.param("orphan", 127, "./it cannot be run: its interpreter is not there", marks=needs_strace),
    ],
)
def test_commands_that_cannot_be_run(
    make: str | None, status: int, said: str, run: Run, folder: Path
) -> None:
    it = folder / "it"
    match make:
        case "folder":
            it.mkdir()
        case "plain":
            it.write_text("x")
        case "odd":
            it.write_bytes(b"\x7fELF\0\0\0")
        case "orphan":
            it.write_text("#!/nowhere/at/all\n")
    if make in ("odd", "orphan"):
        it.chmod(0o755)
    done = run("./it")
    assert done.status == status
    if shutil.which("strace") or make is None:
        assert f"estui: {said}" in done.stderr.decode()
    assert not done.events


def test_a_command_with_a_hostile_name_is_told_safely(run: Run) -> None:
    done = run(b"no\x1b]0;x\x07\n\xff")
    assert done.status == 127
    assert done.stderr == b"estui: there is no command no\\x1b]0;x\\x07\\n\\xff\n"


def test_no_strace_is_said(run: Run, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sh").symlink_to("/bin/sh")
    environment["PATH"] = str(tmp_path / "bin")
    done = run("sh", "-c", "echo no")
    assert done.status == 125
    assert done.stdout == b""
    assert done.stderr.decode().splitlines() == ["estui: there is no strace here", tracer.INSTALL]


@needs_strace
def test_being_traced_already_is_said(run: Run) -> None:
    done = run("true", before=["strace", "-f", "-o", "/dev/null"])
    assert done.status == 125
    assert b"estui is being traced itself" in done.stderr
    assert not done.events


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "echo 'strace: ptrace(PTRACE_TRACEME, ...): Operation not permitted' >&2; exit 1",
            "tracing is forbidden here",
        ),
        ("echo 'strace: it \x1b[31m broke' >&2; exit 1", "strace failed: strace: it \\x1b[31m broke"),
        ("kill -9 $$", "strace failed: it did not say why"),
    ],
)
def test_an_strace_that_cannot_trace_is_told(
    script: str, said: str, run: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    fake = tmp_path / "bin" / "strace"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    environment["PATH"] = f"{fake.parent}:{environment['PATH']}"
    done = run("sh", "-c", "echo no")
    assert done.status == 125
    assert done.stdout == b""
    assert said in done.stderr.decode()


@needs_strace
def test_an_older_strace_is_asked_for_less(run: Run, environment: dict[str, str], tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "strace"
    fake.parent.mkdir()
    fake.write_text(
        "#!/bin/sh\n"
        'for word in "$@"; do case "$word" in --seccomp-bpf|--pidns*|--absolute*|-DD) '
        "echo \"strace: unrecognized option '$word'\" >&2; exit 1;; esac; done\n"
        f'exec {shutil.which("strace")} "$@"\n'
    )
    fake.chmod(0o755)
    environment["PATH"] = f"{fake.parent}:{environment['PATH']}"
    done = run("sh", "-c", "/bin/true; (exit 1); exit 7")
    assert done.status == 7
    assert "/bin/true" in done.programs()
    assert done.named("exit")[-1] == {"stat": 7 << 8}
    assert len(done.named("fork")) == 2


@needs_strace
@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="no root that could become another user"
)
def test_an_ordinary_user_may(run: Run, folder: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    for place in (tmp_path, folder):
        os.chown(place, 65534, 65534)
    for parent in tmp_path.parents:
        if not parent.stat().st_mode & stat.S_IXOTH:
            parent.chmod(parent.stat().st_mode | stat.S_IXOTH)
    before = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    environment.pop("ESTUI_CORE", None)  # an editable install's native core is found by nobody else
    for python in (sys.executable, "/usr/bin/python3"):
        again = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', 'import estui.cli.run']))"
        probe = [*before, python, "-c", again]
        if subprocess.run(probe, check=False, capture_output=True, env=environment, cwd="/").returncode == 0:
            break
    else:
        pytest.skip("no Python here that another user may run")
    done = run("sh", "-c", "echo x >mine; exit 3", before=before, python=python)
    assert done.status == 3, done.stderr
    assert done.paths("create", folder) == ["mine"]
    assert {event["process"]["audit_token"]["euid"] for event in done.events} == {65534}


# The terminal, the recording, and what is left behind


@needs_strace
def test_the_command_keeps_its_streams(run: Run) -> None:
    done = run("sh", "-c", "cat; echo err >&2", data=b"in\n\xff")
    assert (done.stdout, done.stderr) == (b"in\n\xff", b"err\n")
    count = "ls /proc/self/fd | wc -l"
    bare = subprocess.run(["sh", "-c", count], check=True, capture_output=True, stdin=subprocess.PIPE)
    assert run("sh", "-c", count).stdout == bare.stdout, "and no other descriptor"


@needs_strace
def test_two_dashes_may_be_left_out(environment: dict[str, str], folder: Path) -> None:
    words = [sys.executable, "-m", "estui", "run", "--types", "exec", "sh", "-c", "echo out; exit 3"]
    done = subprocess.run(
        words, check=False, capture_output=True, cwd=folder, env=environment, timeout=DEADLINE
    )
    assert done.returncode == 3
    assert done.stderr == b"out\n", "its output is kept apart from the events"
    [line] = done.stdout.decode().splitlines()
    assert line.split()[1] == "exec"


def test_no_command_is_a_usage_error(environment: dict[str, str]) -> None:
    for words in ([], ["--"], ["--record", "x", "--"]):
        done = subprocess.run(
            [sys.executable, "-m", "estui", "run", *words], check=False, capture_output=True, env=environment
        )
        assert done.returncode == 2


def test_what_cannot_be_is_said_before_anything_runs(run: Run, tmp_path: Path) -> None:
    done = run("sh", "-c", "echo no", options=["--types", "exec,exce"])
    assert (done.status, done.stdout) == (125, b"")
    if not WHY_NOT:
        assert b"there is no event type exce" in done.stderr
    (tmp_path / "1.jsonl").write_text("mine")
    path = tmp_path / "1.jsonl"
    done2 = subprocess.run(
        [sys.executable, "-m", "estui", "run", "--record", path, "--", "sh", "-c", "echo no"],
        check=False,
        capture_output=True,
    )
    assert (done2.returncode, done2.stdout) == (125, b"")
    assert path.read_text() == "mine"


@needs_strace
def test_a_full_disk_leaves_the_command_alone(run: Run, folder: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "estui",
            "run",
            "--record",
            "/dev/full",
            "--",
            "sh",
            "-c",
            "echo done; exit 0",
        ],
        check=False,
        capture_output=True,
        cwd=folder,
        timeout=DEADLINE,
    )
    assert (done.stdout, done.returncode) == (b"done\n", 3), done.stderr
    assert b"estui: " in done.stderr


class Running:
    """`estui run --record` in a session of its own, while it runs."""

    def __init__(self, path: Path, folder: Path, words: str) -> None:
        self.path = path
        with path.with_suffix(".err").open("wb") as err:  # a pipe would be held open by what is left behind
            self.process = subprocess.Popen(
                [sys.executable, "-m", "estui", "run", "--record", path, "--", "sh", "-c", words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=err,
                cwd=folder,
                start_new_session=True,
            )
        assert self.process.stdout
        self.first = self.process.stdout.readline()

    @property
    def stderr(self) -> bytes:
        return self.path.with_suffix(".err").read_bytes()

    def end(self) -> tuple[int, bytes]:
        return self.process.wait(DEADLINE), self.stderr


@needs_strace
def test_sigterm_ends_the_command_and_the_recording(tmp_path: Path, folder: Path) -> None:
    running = Running(
        tmp_path / "r.jsonl", folder, "trap 'echo bye >b; exit 9' TERM; echo here; sleep 600 & wait"
    )
    running.process.send_signal(signal.SIGTERM)
    status, stderr = running.end()
    assert status == 9, stderr
    assert (folder / "b").read_text() == "bye\n"
    events = events_in(running.path)
    assert {"stat": 9 << 8} in [event["event"].get("exit") for event in events]


@needs_strace
def test_what_is_left_behind_is_followed_until_somebody_interrupts(tmp_path: Path, folder: Path) -> None:
    words = "(trap '' INT; while [ ! -e stop ]; do sleep 0.02; done; >went-on) >/dev/null 2>&1 & echo here $!"
    running = Running(tmp_path / "r.jsonl", folder, words)
    left = int(running.first.split()[1])
    until(lambda: running.stderr.startswith(b"estui: sh has ended and left "))
    running.process.send_signal(signal.SIGINT)
    status, _ = running.end()
    assert status == 0
    assert alive(left), "it goes on without us"
    (folder / "stop").touch()
    until((folder / "went-on").exists)
    assert [1 for event in events_in(running.path) if "exit" in event["event"]]


@needs_strace
def test_ctrl_c_is_the_commands(tmp_path: Path, folder: Path) -> None:
    """A real terminal sends it to all in the foreground."""
    ours, theirs = os.openpty()
    child = (
        "import fcntl, os, sys, termios\n"
        "tty = os.open(sys.argv[1], os.O_RDWR)\n"
        "fcntl.ioctl(tty, termios.TIOCSCTTY, 0)\n"
        "for fd in (0, 1, 2): os.dup2(tty, fd)\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'estui', 'run', '--record', *sys.argv[2:]])\n"
    )
    words = "trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.05; done"
    path = tmp_path / "r.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-c", child, os.ttyname(theirs), path, "--", "sh", "-c", words],
        cwd=folder,
        start_new_session=True,
    )
    shown = b""
    while b"ready" not in shown:
        shown += os.read(ours, 4096)
    os.write(ours, b"\x03")
    assert process.wait(DEADLINE) == 5
    shown += os.read(ours, 4096)
    os.close(theirs)
    assert b"caught" in shown
    events = events_in(path)
    assert {"stat": 5 << 8} in [event["event"].get("exit") for event in events]
    tty = next(event["process"]["tty"] for event in events if event["process"]["tty"])
    assert tty["path"].startswith("/dev/")
    os.close(ours)


@needs_strace
def test_an_strace_that_is_killed_is_told(tmp_path: Path, folder: Path) -> None:
    words = "echo here; while [ ! -e stop ]; do sleep 0.02; done; exit 3"
    running = Running(tmp_path / "r.jsonl", folder, words)
    pids = [int(place.name) for place in Path("/proc").iterdir() if place.name.isdigit()]
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, StopIteration):
            status = (Path("/proc") / str(pid) / "status").read_text()
            cwd = str(Path(f"/proc/{pid}/cwd").readlink())
            tracer_pid = next(
                int(line.split()[1]) for line in status.splitlines() if line.startswith("TracerPid")
            )
            if tracer_pid and cwd == str(folder.resolve()):
                os.kill(tracer_pid, signal.SIGKILL)
                break
    (folder / "stop").touch()
    _, stderr = running.end()
    assert b"estui: strace has ended before the command" in stderr
    assert events_in(running.path)


# The source


def out(source: RunSource) -> list[str]:
    assert source.output
    return source.output.tail(100)


@needs_strace
def test_on_a_screen_the_command_has_no_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    source = RunSource(
        ["sh", "-c", "cat; echo out; echo \x1b[31merr >&2; (: </dev/tty) 2>/dev/null || echo no; exit 2"]
    )
    assert (source.title, source.origin, source.kind, source.live) == ("run sh", "linux", "live", True)
    assert source.sends == USUAL
    with ring() as core:
        read_all(source, core)
        until(lambda: len(out(source)) == 3)
        assert out(source) == ["out", "\\x1b[31merr", "no"]
        assert source.exit_status == 2
        assert source.state == ("ended", "sh ended with exit status 2", "", 0)
        assert all(row.owned for row in rows(core))
        assert {"exec", "fork", "exit"} <= {row.event for row in rows(core, KIND_EVENT)}


@needs_strace
def test_it_can_be_run_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    source = RunSource(["sh", "-c", "echo x >>f; exit 1"], types=["exec"])
    with ring() as core:
        source.start(core)
        for times in range(1, 4):
            assert source.wait(DEADLINE)
            until(lambda: source.state.status == "ended")
            assert (folder / "f").read_text() == "x\n" * times
            assert len(rows(core, KIND_EVENT)) == times + (times == 3)
            source.restart(frozenset({"exec", "exit"} if times == 2 else {"exec"}))
        source.stop()
        assert seams(core)[:2] == ["sh was run again"] * 2
        assert core.losses().lost_global == 0


@needs_strace
def test_running_again_ends_the_run_before(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    source = RunSource(["sh", "-c", "echo $$ >>pids; sleep 600"], types=["exec"])
    with ring() as core, started(source, core):
        until(lambda: (folder / "pids").exists() and core.counters().events == 2)
        source.restart()
        assert source.knows("stat")
        until(lambda: len((folder / "pids").read_text().split()) == 2, lambda: source.state)
        first, second = map(int, (folder / "pids").read_text().split())
        until(lambda: not alive(first))
        assert alive(second)
        assert source.sends == TYPES
    until(lambda: not alive(second))
    assert source.state == ("ended", "stopped", "", 0)


@needs_strace
def test_stop_does_not_wait_for_lines_that_nobody_reads(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    source = RunSource(["sh", "-c", "echo $$ >pid; while :; do : >f; done"])
    with ring(1 << 20) as core:
        for _ in source.feed(core):
            if (folder / "pid").exists() and (folder / "pid").read_text():
                break
        source.stop()
        source.stop()
    until(lambda: not alive(int((folder / "pid").read_text())))


@needs_strace
def test_modules_of_the_present_folder_are_not_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    for name in ("json", "argparse", "estui", "select", "signal"):
        (folder / f"{name}.py").write_text("raise SystemExit(99)\n")
    with ring() as core:
        source = read_all(RunSource(["true"]), core)
        assert source.exit_status == 0
        assert core.counters().events


def test_refusals_have_envs_exit_codes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(SourceError) as caught:
        RunSource(["no\x1b"])
    assert caught.value.exit_code == 127
    assert safe(caught.value.message, caught.value.advice)
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(SourceError) as caught:
        RunSource(["/bin/sh"])
    assert (caught.value.exit_code, caught.value.advice) == (125, tracer.INSTALL)
    assert possible("linux") == (False, "there is no strace here", tracer.INSTALL)


@needs_strace
def test_types_that_strace_cannot_tell() -> None:
    with pytest.raises(SourceError, match="tcc_modify cannot be seen here"):
        RunSource(["true"], types=["tcc_modify"])
    with pytest.raises(SourceError, match="no event type") as caught:
        RunSource(["true"], types=["opne"])
    assert caught.value.advice == "Did you mean open?"
    assert RunSource(["true"], types=["all"]).sends == TYPES > USUAL
    with pytest.raises(SourceError, match="none of these"):
        RunSource(["true"]).restart(frozenset({"tcc_modify"}))
    assert possible("linux").ok


def test_output_is_bounded_and_printable() -> None:
    output = Printed(1000)
    assert output.tail(5) == []
    for number in range(1000):
        output.put(b"line %d\n" % number)
    assert output.version == 1000
    assert output.tail(2) == ["line 998", "line 999"]
    assert len(output.tail(10_000)) < 300
    output.put(b"10%\r 50%\r100%\r\nab\tc\n\x1b[31m\xff\xe2\x80\xae\n[/foo]")
    assert output.tail(4) == ["100%", "ab      c", "\\x1b[31m\\xff\\u202e", "[/foo]"]
    assert output.tail(0) == []


@needs_strace
def test_the_screen_shows_events_output_and_exit_status(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    terminal = Terminal(folder)
    try:
        terminal.run("run", "--", "sh", "-c", "echo prin''ted; cat; : >made; exit 3")
        terminal.until(b"ended with exit status 3")
        terminal.until(b"printed")
        terminal.until(b"/made")
        terminal.key("q")
        assert terminal.left() == 0
    finally:
        terminal.close()


# A Mac


@pytest.fixture
def mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mac:
    return Mac(tmp_path, monkeypatch)


def stand_in(mac: Mac, name: str, what: str) -> None:
    (mac.bin / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" "{STANDIN / what}" "$@"\n')
    (mac.bin / name).chmod(0o755)


def test_estrace_is_taken_where_there_is_one(mac: Mac, folder: Path) -> None:
    stand_in(mac, "estrace", "estrace")
    assert follower.kind("darwin") is Estrace
    assert possible("darwin").ok
    source = RunSource(
        ["sh", "-c", "echo out; echo err >&2; exit 3"], platform="darwin", types=["exec", "exit"]
    )
    assert source.origin == ""
    with ring() as core:
        read_all(source, core)
        until(lambda: out(source) == ["out", "err"])
        assert [row.event for row in rows(core, KIND_EVENT)] == ["exec", "exit"]
        assert (source.exit_status, source.state.reason) == (3, "sh ended with exit status 3")
    [[flag, types, o, fifo, *command]] = [
        list(words) for words in mac.log("estrace") if isinstance(words, list)
    ]
    assert [flag, types, o, *command] == [
        "--event-types",
        "exec,exit",
        "-o",
        "sh",
        "-c",
        "echo out; echo err >&2; exit 3",
    ]
    assert not Path(fifo).parent.exists()


def test_an_estrace_that_fails_at_once_does_not_hang(mac: Mac) -> None:
    stand_in(mac, "estrace", "estrace")
    mac.set(STANDIN_FAIL="estrace: no \x1b")
    with ring() as core:
        source = RunSource(["true"], platform="darwin")
        read_all(source, core)
        until(lambda: out(source) == ["estrace: no \\x1b"])
        assert (source.exit_status, source.state.exit_code) == (1, 1)


def test_an_estrace_is_stopped_politely(mac: Mac, folder: Path) -> None:
    stand_in(mac, "estrace", "estrace")
    source = RunSource(["sleep", "600"], platform="darwin")
    with ring() as core, started(source, core):
        until(lambda: core.counters().events)
    assert source.state.reason == "stopped"


TREE = 'echo $$ >"$STANDIN_PID.new"; mv "$STANDIN_PID.new" "$STANDIN_PID"; echo out; exit 4'


@pytest.mark.parametrize("lost", ["", "1"])
def test_the_tree_is_selected_from_esloggers_lines(lost: str, mac: Mac, tmp_path: Path) -> None:
    stand_in(mac, "eslogger", "macful")
    mac.set(STANDIN_PID=tmp_path / "pid", STANDIN_LOST=lost)
    assert follower.kind("darwin") is Eslogger
    source = RunSource(["sh", "-c", TREE], platform="darwin", types=["exec", "open", "exit"])
    source.authorize()
    with ring() as core:
        read_all(source, core)
        assert out(source) == ["out"]
        told = [(row.event, row.targets) for row in rows(core, KIND_EVENT)]
        exits = [("exit", ())] * (1 if lost else 2)
        assert sorted(told) == sorted(
            [("exec", ("/bin/sh",)), ("open", ("/child",)), ("open", ("/command",)), *exits]
        )
        assert source.exit_status == 4
        losses = core.losses()
        assert (losses.lost_global, losses.missing_global, losses.unknown) == (0, 0, 1)
    [args] = [words for words in mac.log("args") if isinstance(words, list)]
    assert set(args) == {"exec", "exit", "fork", "open"}
    assert mac.log("group") != [os.getpgrp()], "or eslogger would leave out the command"


def test_the_command_waits_for_eslogger(mac: Mac, tmp_path: Path) -> None:
    mac.set(STANDIN_RESULT="ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED")
    source = RunSource(["sh", "-c", f"touch {tmp_path}/ran"], platform="darwin")
    with ring() as core:
        state = read_all(source, core).state
    assert (state.status, state.reason) == ("failed", "eslogger has no Full Disk Access")
    assert source.refused == 125
    assert not (tmp_path / "ran").exists()


def test_eslogger_goes_through_sudo(mac: Mac, tmp_path: Path) -> None:
    stand_in(mac, "eslogger", "macful")
    mac.user()
    mac.set(STANDIN_PID=tmp_path / "pid", STANDIN_SUDO="ticket")
    source = RunSource(["sh", "-c", TREE], platform="darwin")
    source.authorize()
    with ring() as core:
        assert read_all(source, core).exit_status == 4
    assert [words[:2] for words in mac.log("sudo") if isinstance(words, list)][:2] == [
        ["-v"],
        ["-n", str(mac.bin / "eslogger")],
    ]


def test_a_pid_that_went_to_a_stranger_is_let_go() -> None:
    def line(name: str, pid: int, number: int, **payload: object) -> bytes:
        process = {"audit_token": {"pid": pid}}
        return json.dumps(
            {"event": {name: payload}, "process": process, "seq_num": 7, "global_seq_num": number}
        ).encode()

    kept = Kept(frozenset({"open", "fork"}))
    kept.add(5)
    assert kept.of(line("open", 5, 10))
    child = {"audit_token": {"pid": 6}}
    assert kept.of(line("fork", 5, 11, child=child))
    assert json.loads(kept.of(line("open", 6, 12)))["global_seq_num"] == 2
    assert not kept.of(line("fork", 1, 13, child=child))
    assert not kept.of(line("open", 6, 14))
    assert kept.of(b"no json") == b"no json\n"
    array = json.dumps({"event": {"open": {}}, "process": {"audit_token": [0, 0, 0, 0, 0, 5, 0, 0]}}).encode()
    assert kept.of(array)
    assert len(kept) == 1


def test_on_linux_it_is_strace() -> None:
    assert follower.kind("linux") is Strace
