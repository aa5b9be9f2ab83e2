"""strace's text, and the events it becomes: without strace, from lines as it writes them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.paths import targets
from estui.sources.strace import numbers
from estui.sources.strace.call import (
    Call,
    Descriptor,
    Ended,
    Entered,
    Reader,
    Replaced,
    arguments,
    descriptor,
    elements,
    number,
    text,
    unescaped,
)
from estui.sources.strace.calls import TYPES, traced
from estui.sources.strace.events import Translator
from estui.sources.strace.paths import Known, Resolver, is_new
from tests.lines import TARGETS

Event = dict[str, Any]
T = "1795469575.251548833"
NS = 1795469575251548833


def item(line: str) -> Any:
    return Reader().read(line)


def call(line: str) -> Call:
    got = item(line)
    assert isinstance(got, Call), got
    return got


def events(*written: str, **options: Any) -> list[Event]:
    """The events of strace's lines, of which the first half may be left out: pid and time."""
    translator = Translator(**options)
    for line in written:
        translator.read(line if line[:1].isdigit() else f"100 {T} {line}")
    translator.end()
    return [json.loads(line) for line in translator.take()]


EXEC = 'execve("/bin/true", ["true"], ["A=1"]) = 0'


def after_exec(*written: str, **options: Any) -> list[Event]:
    """The events of one process after its exec."""
    return events(EXEC, *written, **options)[1:]


def payload(event: Event) -> tuple[str, Any]:
    [(name, members)] = event["event"].items()
    return name, members


# One line


@pytest.mark.parametrize(
    ("line", "name", "args", "value", "path", "error"),
    [
        ("vfork() = 28983", "vfork", [], 28983, "", ""),
        ("close(3</etc/ld.so.cache>) = 0", "close", ["3</etc/ld.so.cache>"], 0, "", ""),
        (
            'openat(AT_FDCWD</tmp/st>, "new.txt", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</tmp/st/new.txt>',
            "openat",
            ["AT_FDCWD</tmp/st>", '"new.txt"', "O_WRONLY|O_CREAT|O_TRUNC", "0666"],
            3,
            "/tmp/st/new.txt",
            "",
        ),
        ("write(0x1, 0x55aea517da70, 0x3) = 0x3", "write", ["0x1", "0x55aea517da70", "0x3"], 3, "", ""),
        (
            'access("/x", R_OK)                = -1 ENOENT (No such file or directory)',
            "access",
            ['"/x"', "R_OK"],
            -1,
            "",
            "ENOENT",
        ),
        (
            'newfstatat(4</f>, "", {st_mode=S_IFREG|0644, st_size=0, ...}, AT_EMPTY_PATH) = 0',
            "newfstatat",
            ["4</f>", '""', "{st_mode=S_IFREG|0644, st_size=0, ...}", "AT_EMPTY_PATH"],
            0,
            "",
            "",
        ),
        (
            'rename("a) = 3", "b\\", <unfinished ...>") = 0',
            "rename",
            ['"a) = 3"', '"b\\", <unfinished ...>"'],
            0,
            "",
            "",
        ),
        (
            "ftruncate(3</tmp/x\\74y\\76\\303\\251>(deleted), 3) = 0",
            "ftruncate",
            ["3</tmp/x\\74y\\76\\303\\251>(deleted)", "3"],
            0,
            "",
            "",
        ),
        ('memfd_create("hey", MFD_CLOEXEC) = 3</memfd:hey>(deleted)', "memfd_create",
         ['"hey"', "MFD_CLOEXEC"], 3, "/memfd:hey(deleted)", ""),
        ("mmap(NULL, 5, PROT_READ, MAP_SHARED, 5</f>, 0) = 0x7f9fca89a000", "mmap",
         ["NULL", "5", "PROT_READ", "MAP_SHARED", "5</f>", "0"], 0x7F9FCA89A000, "", ""),
        ("clone(child_stack=NULL, flags=SIGCHLD) = 2 /* 29873 in strace's PID NS */", "clone",
         ["child_stack=NULL", "flags=SIGCHLD"], 29873, "", ""),
        ('bind(3<socket:[301927]>, {sa_family=AF_UNIX, sun_path="so,ck"}, 7) = 0', "bind",
         ["3<socket:[301927]>", '{sa_family=AF_UNIX, sun_path="so,ck"}', "7"], 0, "", ""),
    ],
)  # fmt: skip
def test_a_call_in_one_piece(
    line: str, name: str, args: list[str], value: int, path: str, error: str
) -> None:
    got = call(f"28977 {T} {line}")
    assert (got.tid, got.time, got.began) == (28977, NS, NS)
    assert (got.name, list(got.args), got.value, got.path, got.error) == (name, args, value, path, error)


def test_microseconds_are_enough() -> None:
    assert call("1 1795469575.251548 vfork() = 2").time == 1795469575251548000


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("+++ exited with 7 +++", Ended(9, NS, 7, "", False)),
        ("+++ killed by SIGKILL +++", Ended(9, NS, 0, "SIGKILL", False)),
        ("+++ killed by SIGSEGV (core dumped) +++", Ended(9, NS, 0, "SIGSEGV", True)),
        ("+++ superseded by execve in pid 12 +++", Replaced(12, 9)),
        ("--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---", None),
        ("--- stopped by SIGTSTP ---", None),
        ("clone( <unfinished ...>", Entered(9, NS, "clone(")),
        ('openat(AT_FDCWD</>, "f" <unfinished ...>', None),
        ("<... read resumed>) = 3", None),
        ("kill(9, SIGKILL) = ?", None),
        ("pause() = ? ERESTARTNOHAND (To be restarted if no handler)", None),
        ("strace: Process 12 attached", None),
    ],
)
def test_other_lines(line: str, what: object) -> None:
    assert item(f"9 {T} {line}") == what


def test_two_halves_of_a_call_are_one() -> None:
    reader = Reader()
    assert (
        reader.read('7 1.000000001 openat(AT_FDCWD</>, "a <unfinished ...>", O_RDONLY <unfinished ...>')
        is None
    )
    assert isinstance(reader.read("8 1.000000002 vfork( <unfinished ...>"), Entered)
    got = reader.read("7 1.000000003 <... openat resumed>) = 3</a>")
    assert isinstance(got, Call)
    assert (got.began, got.time) == (1_000_000_001, 1_000_000_003)
    assert text(got.args[1]) == "a <unfinished ...>"
    got = reader.read("8 1.000000004 <... vfork resumed>) = 9")
    assert isinstance(got, Call)
    assert got.value == 9


def test_a_thread_that_calls_exec_becomes_the_process() -> None:
    reader = Reader()
    changed = 'execve("/bin/true", ["true"], ["A=1"] <pid changed to 5 ...>'
    assert reader.read(f"8 {T} {changed}") == Replaced(8, 5)
    assert reader.read(f"5 {T} +++ superseded by execve in pid 8 +++") == Replaced(8, 5)
    got = reader.read(f"5 {T} <... execve resumed>) = 0")
    assert isinstance(got, Call)
    assert (got.tid, got.name, text(got.args[0])) == (5, "execve", "/bin/true")


# What arguments mean


def quoted(data: bytes, more: bytes = b"") -> str:
    """As strace writes a string: C's notation, octal as short as the next character lets it be.

    `more` are characters that are written in octal, too.
    """
    out = '"'
    for place, byte in enumerate(data):
        char = chr(byte)
        short = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\v": "\\v", "\f": "\\f", '"': '\\"', "\\": "\\\\"}
        following = data[place + 1 : place + 2]
        if char in short:
            out += short[char]
        elif 0x20 <= byte < 0x7F and byte not in more:
            out += char
        else:
            out += f"\\{byte:03o}" if following.isdigit() else f"\\{byte:o}"
    return out + '"'


def angled(data: bytes) -> str:
    """As strace writes a descriptor's path."""
    return quoted(data, b"<>")[1:-1]


@given(st.lists(st.binary(max_size=40), max_size=6), st.binary(min_size=1, max_size=60))
def test_any_bytes_come_through(args: list[bytes], name: bytes) -> None:
    written = f"[{', '.join(map(quoted, args))}]"
    got = call(f"1 {T} execve({quoted(name)}, {written}, 0x7ffc /* 35 vars */) = 0")
    assert os.fsencode(text(got.args[0])) == name
    assert [os.fsencode(text(arg)) for arg in elements(got.args[1])] == args


@given(st.binary(min_size=1, max_size=60).filter(lambda data: b"\0" not in data))
def test_any_descriptor_comes_through(name: bytes) -> None:
    path = b"/" + name
    written = f"3<{angled(path)}>"
    assert (descriptor(written).number, os.fsencode(descriptor(written).path)) == (3, path)
    translator = Translator(types=frozenset({"open"}))
    for line in (EXEC, f"openat(AT_FDCWD</>, {quoted(path)}, O_RDONLY) = {written}"):
        translator.read(f"100 {T} {line}")
    [line] = translator.take()
    told = json.loads(line)["event"]["open"]["file"]["path"]
    if not path.startswith(b"/memfd:"):
        assert os.fsencode(told) == path


LETTERS = st.sampled_from('abc()[]{}<>"\\,.=/ +-*0123456789?_\x1b\n\u202e')


@given(st.text(LETTERS, max_size=80))
def test_no_garbage_makes_it_fail(garbage: str) -> None:
    line = garbage.replace("\n", "\\n")
    for words in (
        line,
        f"5 {T} {line}",
        f"5 {T} openat({line}",
        f"5 {T} execve({line}) = 0",
        f"5 {T} clone({line} <unf",
    ):
        events(EXEC, words, failed=True)
        arguments(words)
        unescaped(words)
        number(words)
        descriptor(words)


@given(
    st.sampled_from(sorted(traced(TYPES))),
    st.lists(st.text(LETTERS, max_size=12), max_size=6),
    st.integers(-1, 99),
)
def test_a_call_with_odd_arguments_makes_no_broken_line(name: str, args: list[str], result: int) -> None:
    done = f"{result}" if result >= 0 else "-1 ENOENT (No such file or directory)"
    for event in events(EXEC, f"{name}({', '.join(args)}) = {done}".replace("\n", " "), failed=True):
        assert event["estui_origin"] == "linux"


@pytest.mark.parametrize(
    ("arg", "value"),
    [
        ("0666", 0o666), ("0", 0), ("-1", -1), ("0x1f", 31), ("0x0", 0), ("10", 10), ("089", 89), ("", 7),
        ("NULL", 7), ("4294967295", 4294967295), ("1 /* 29872 in strace's PID NS */", 29872), ("8192*1024", 8192),
    ],
)  # fmt: skip
def test_numbers(arg: str, value: int) -> None:
    assert number(arg, 7) == value


def test_descriptors() -> None:
    assert descriptor("3</a>(deleted)") == Descriptor(3, "/a")
    assert descriptor("3</a\\40(deleted)>") == Descriptor(3, "/a (deleted)")
    assert descriptor("AT_FDCWD</tmp>") == Descriptor(-100, "/tmp")
    assert descriptor("AT_FDCWD") == Descriptor(-100, "")
    assert descriptor("4<pipe:[301858]>") == Descriptor(4, "pipe:[301858]")
    assert descriptor("0x5") == Descriptor(5, "")
    assert descriptor("-1") == Descriptor(-1, "")


def test_linuxs_names_get_macoss_numbers() -> None:
    assert numbers.signal_number("SIGUSR1") == 30
    assert numbers.signal_number("SIGKILL") == 9
    assert numbers.signal_number("SIGCHLD") == 20
    assert numbers.signal_number("SIGRT_2") == 34
    assert numbers.signal_number("nothing") == 0
    assert numbers.linux_signal("SIGUSR1") == 10
    assert numbers.fflag(frozenset(("O_RDONLY", "O_CLOEXEC"))) == 0x1000001
    assert numbers.fflag(frozenset(("O_RDWR", "O_CREAT", "O_EXCL", "O_LARGEFILE"))) == 0xA03
    assert numbers.fflag(frozenset(("O_RDONLY", "O_PATH"))) == 0
    assert numbers.mode("S_IFIFO|0666") == 0o010666
    assert numbers.fcntl_command("F_DUPFD_CLOEXEC") == 67
    assert numbers.fcntl_command("F_ADD_SEALS") is None


# Events


def test_the_envelope_is_eslogger_s() -> None:
    [exec_] = events(EXEC)
    assert exec_["schema_version"] == 1
    assert exec_["version"] == 6
    assert exec_["time"] == "2026-11-23T21:32:55.251548833Z"
    assert exec_["event_type"] == 9
    assert exec_["action"] == {"result": {"result_type": 0, "result": {"auth": 0}}}
    assert exec_["action_type"] == 1
    assert exec_["thread"] == {"thread_id": 100}
    assert (exec_["seq_num"], exec_["global_seq_num"]) == (0, 0)
    assert exec_["estui_origin"] == "linux"
    assert exec_["mach_time"] is None
    keys = {
        "audit_token", "parent_audit_token", "responsible_audit_token", "ppid", "original_ppid", "group_id",
        "session_id", "codesigning_flags", "is_platform_binary", "is_es_client", "cdhash", "signing_id", "team_id",
        "executable", "tty", "start_time",
    }  # fmt: skip
    assert set(exec_["process"]) == set(exec_["event"]["exec"]["target"]) == keys
    assert exec_["process"]["executable"] is None
    assert exec_["process"]["start_time"] == "2026-11-23T21:32:55.251548Z"
    assert exec_["process"]["audit_token"]["pidversion"] == 1
    target = exec_["event"]["exec"]["target"]
    assert target["audit_token"]["pidversion"] == 2
    assert target["executable"]["path"] == os.path.realpath("/bin/true")
    assert exec_["event"]["exec"]["args"] == ["true"]
    assert exec_["event"]["exec"]["env"] == ["A=1"]
    assert exec_["event"]["exec"]["script"] is None


def test_numbers_have_no_gap() -> None:
    made = events(
        EXEC, 'unlink("/a") = 0', 'unlink("/b") = -1 ENOENT (x)', 'mkdir("/c", 0777) = 0', 'unlink("/d") = 0'
    )
    assert [event["global_seq_num"] for event in made] == [0, 1, 2, 3]
    assert [event["seq_num"] for event in made] == [0, 0, 0, 1]


FILE = {"path_truncated": False, "stat": None}
HOSTILE = "/a\x1b]0;x\x07\n[/foo]\u202e\udcff"


def file(path: str) -> Event:
    return {"path": path, **FILE}


def created(path: str) -> Event:
    return {"destination_type": 0, "destination": {"existing_file": file(path)}, "acl": None}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('unlink("/a/b") = 0', ("unlink", {"target": file("/a/b"), "parent_dir": file("/a")})),
        ('unlinkat(3</a>, "b", 0) = 0', ("unlink", {"target": file("/a/b"), "parent_dir": file("/a")})),
        ('rmdir("/b/") = 0', ("unlink", {"target": file("/b"), "parent_dir": file("/")})),
        ('mkdir("/m", 0777) = 0', ("create", created("/m"))),
        ('mkdirat(3</d>, "m", 0777) = 0', ("create", created("/d/m"))),
        ('mknodat(AT_FDCWD</d>, "p", S_IFIFO|0666) = 0', ("create", created("/d/p"))),
        ('symlink("to", "/s") = 0', ("create", created("/s"))),
        ('symlinkat("to", 4</d>, "s") = 0', ("create", created("/d/s"))),
        ('link("/a", "/b/c") = 0', ("link", {"source": file("/a"), "target_dir": file("/b"), "target_filename": "c"})),
        (
            'linkat(AT_FDCWD</x>, "a", AT_FDCWD</x>, "c", 0) = 0',
            ("link", {"source": file("/x/a"), "target_dir": file("/x"), "target_filename": "c"}),
        ),
        (
            'renameat2(AT_FDCWD</x>, "a", AT_FDCWD</x>, "b", RENAME_NOREPLACE) = 0',
            (
                "rename",
                {
                    "source": file("/x/a"),
                    "destination_type": 1,
                    "destination": {"new_path": {"dir": file("/x"), "filename": "b"}},
                },
            ),
        ),
        ('chdir("/nowhere/x") = 0', ("chdir", {"target": file("/nowhere/x")})),
        ("fchdir(3</x>) = 0", ("chdir", {"target": file("/x")})),
        ('chroot("/nowhere") = 0', ("chroot", {"target": file("/nowhere")})),
        ('truncate("/nowhere/f", 5) = 0', ("truncate", {"target": file("/nowhere/f")})),
        ("ftruncate(3</f>, 5) = 0", ("truncate", {"target": file("/f")})),
        ('chmod("/nowhere/f", 0600) = 0', ("setmode", {"mode": 0o600, "target": file("/nowhere/f")})),
        ("fchmod(3</f>, 0600) = 0", ("setmode", {"mode": 0o600, "target": file("/f")})),
        ('fchmodat(AT_FDCWD</x>, "f", 0600) = 0', ("setmode", {"mode": 0o600, "target": file("/x/f")})),
        (
            'fchownat(AT_FDCWD</x>, "f", 5, -1, AT_SYMLINK_NOFOLLOW) = 0',
            ("setowner", {"uid": 5, "gid": 4294967295, "target": file("/x/f")}),
        ),
        (
            "utimensat(0</f>, NULL, [{tv_sec=1, tv_nsec=5} /* 1970-01-01T00:00:01 */, UTIME_OMIT], 0) = 0",
            ("utimes", {"atime": "1970-01-01T00:00:01.000000005Z", "mtime": None, "target": file("/f")}),
        ),
        (
            'utimensat(AT_FDCWD</x>, "f", NULL, 0) = 0',
            (
                "utimes",
                {
                    "atime": "2026-11-23T21:32:55.251548833Z",
                    "mtime": "2026-11-23T21:32:55.251548833Z",
                    "target": file("/x/f"),
                },
            ),
        ),
        (
            'utime("/nowhere/f", {actime=7, modtime=8}) = 0',
            (
                "utimes",
                {
                    "atime": "1970-01-01T00:00:07.000000000Z",
                    "mtime": "1970-01-01T00:00:08.000000000Z",
                    "target": file("/nowhere/f"),
                },
            ),
        ),
        ('setxattr("/no/f", "user.a", "x", 1, 0) = 0', ("setextattr", {"extattr": "user.a", "target": file("/no/f")})),
        ('fremovexattr(3</f>, "user.a") = 0', ("deleteextattr", {"extattr": "user.a", "target": file("/f")})),
        ('lgetxattr("/nowhere/f", "u", "x", 9) = 1', ("getextattr", {"extattr": "u", "target": file("/nowhere/f")})),
        ("flistxattr(3</f>, NULL, 0) = 0", ("listextattr", {"target": file("/f")})),
        ('newfstatat(3</f>, "", {st_mode=S_IFREG|0644, ...}, AT_EMPTY_PATH) = 0', ("stat", {"target": file("/f")})),
        ('statx(AT_FDCWD</x>, "f", AT_SYMLINK_NOFOLLOW, STATX_ALL, {...}) = 0', ("stat", {"target": file("/x/f")})),
        ('faccessat2(AT_FDCWD</x>, "f", R_OK|X_OK, AT_EACCESS) = 0', ("access", {"mode": 5, "target": file("/x/f")})),
        ('readlink("/nowhere/l", "to", 64) = 2', ("readlink", {"source": file("/nowhere/l")})),
        ("getdents64(3</d>, 0x55 /* 12 entries */, 32768) = 304", ("readdir", {"target": file("/d")})),
        (
            "mmap(NULL, 5, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_FIXED, 5</f>, 0x1000) = 0x7f00",
            ("mmap", {"protection": 3, "max_protection": None, "flags": 0x11, "file_pos": 4096, "source": file("/f")}),
        ),
        (
            "mprotect(0x7fff0000, 4096, PROT_READ|PROT_EXEC) = 0",
            ("mprotect", {"protection": 5, "address": 0x7FFF0000, "size": 4096}),
        ),
        ("fcntl(3</f>, F_GETFL) = 0x8000 (flags O_RDONLY)", ("fcntl", {"target": file("/f"), "cmd": 3})),
        ("dup2(3</f>, 9) = 9</f>", ("dup", {"target": file("/f")})),
        ("sendfile(5</t>, 11</f>, [0] => [10], 10) = 10", ("write", {"target": file("/t")})),
        ("copy_file_range(3</f>, NULL, 4</t>, NULL, 99, 0) = 2", ("write", {"target": file("/t")})),
        (
            'bind(3<socket:[1]>, {sa_family=AF_UNIX, sun_path="/nowhere/s"}, 7) = 0',
            ("uipc_bind", {"dir": file("/nowhere"), "filename": "s", "mode": None}),
        ),
        (
            'connect(3<socket:[1]>, {sa_family=AF_UNIX, sun_path="/nowhere/s"}, 7) = 0',
            ("uipc_connect", {"file": file("/nowhere/s"), "domain": 1, "type": None, "protocol": None}),
        ),
        ("setuid(5) = 0", ("setuid", {"uid": 5})),
        ("setresuid(-1, 5, -1) = 0", ("seteuid", {"euid": 5})),
        ("setresgid(1, 2, 3) = 0", ("setregid", {"rgid": 1, "egid": 2})),
        ("setreuid(-1, 5) = 0", ("setreuid", {"ruid": 4294967295, "euid": 5})),
        ("clock_settime(CLOCK_REALTIME, {tv_sec=1, tv_nsec=0}) = 0", ("settime", {})),
    ],
)  # fmt: skip
def test_a_call_and_its_event(line: str, expected: tuple[str, Event]) -> None:
    [event] = after_exec(line)
    assert payload(event) == expected
    assert len(targets(*expected)) == len(TARGETS.get(expected[0], ())), "or mutes would not see it"
    assert "estui_guess" not in event
    assert "estui_failed" not in event


@pytest.mark.parametrize(
    "line",
    [
        "close(3<pipe:[301858]>) = 0",
        "dup2(3<socket:[3]>, 9) = 9<socket:[3]>",
        "mmap(NULL, 8192, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7fca2522a000",
        'connect(3<socket:[1]>, {sa_family=AF_UNIX, sun_path=@"abstract"}, 7) = 0',
        "connect(3<socket:[1]>, {sa_family=AF_INET, sin_port=htons(5)}, 7) = 0",
        "ftruncate(3</memfd:x>(deleted), 5) = 0",
        "kill(100, SIGTERM) = 0",
        "setpgid(0, 0) = 0",
        'newfstatat(1<pipe:[301891]>, "", {st_mode=S_IFIFO|0600, ...}, AT_EMPTY_PATH) = 0',
    ],
)
def test_calls_that_are_no_event(line: str) -> None:
    assert not after_exec(line)


def test_hostile_names_are_in_the_line_as_bytes() -> None:
    translator = Translator()
    for line in (EXEC, f"unlink({quoted(os.fsencode(HOSTILE))}) = 0"):
        translator.read(f"100 {T} {line}")
    raw = translator.take()[1].encode("utf-8", "surrogateescape")
    assert b"\n" not in raw
    assert b"\x1b" not in raw
    assert b"[/foo]\xe2\x80\xae\xff" in raw
    document = orjson.loads(raw.replace(b"\xff", b"?"))
    assert document["event"]["unlink"]["target"]["path"] == HOSTILE.replace("\udcff", "?")


def test_a_failed_call_is_an_event_only_on_request() -> None:
    line = 'unlink("/nowhere/x") = -1 ENOENT (No such file or directory)'
    assert not after_exec(line)
    [event] = after_exec(line, failed=True)
    assert event["estui_failed"] == "ENOENT"
    assert event["event"]["unlink"]["target"]["path"] == "/nowhere/x"


def test_a_failed_open_names_what_was_asked_for() -> None:
    create, opened = after_exec(
        'openat(AT_FDCWD</d>, "x", O_RDWR|O_CREAT, 0644) = -1 EACCES (x)', failed=True
    )
    new = {"dir": file("/d"), "filename": "x", "mode": 0o644}
    assert payload(create) == (
        "create",
        {"destination_type": 1, "destination": {"new_path": new}, "acl": None},
    )
    assert payload(opened) == ("open", {"fflag": 0x203, "file": file("/d/x")})
    assert create["estui_failed"] == opened["estui_failed"] == "EACCES"


def test_a_failed_exec_changes_nobody() -> None:
    failed, unlink = after_exec(
        'execve("/nowhere/cc", ["cc"], ["A=1"]) = -1 ENOENT (x)', 'unlink("/x") = 0', failed=True
    )
    assert failed["event"]["exec"]["target"]["executable"]["path"] == "/nowhere/cc"
    assert unlink["process"]["executable"]["path"] == os.path.realpath("/bin/true")
    assert unlink["process"]["audit_token"]["pidversion"] == 2


def test_only_the_types_asked_for_are_sent() -> None:
    made = events(EXEC, 'mkdir("/a", 0777) = 0', 'unlink("/a") = 0', types=frozenset({"unlink"}))
    assert [payload(event)[0] for event in made] == ["unlink"]
    assert made[0]["global_seq_num"] == 0


def test_what_is_traced_goes_by_the_types() -> None:
    few = traced(frozenset({"exec"}))
    assert "execve" in few
    assert "setsid" in few
    assert "openat" not in few
    assert "newfstatat" not in few
    assert set(few) < set(traced(frozenset({"exec", "stat"}))) < set(traced(TYPES))
    assert "dup2" in traced(frozenset({"write"})), "or nobody knows what descriptor 1 is"


# Was it created?


def test_an_exclusive_creation_is_certain() -> None:
    create, opened = after_exec('openat(AT_FDCWD</d>, "x", O_WRONLY|O_CREAT|O_EXCL, 0644) = 3</d/x>')
    assert payload(create) == ("create", created("/d/x"))
    assert "estui_guess" not in create
    assert payload(opened) == ("open", {"fflag": 0xA02, "file": file("/d/x")})


def test_a_file_that_is_gone_already_is_a_guess() -> None:
    create, _ = after_exec('openat(AT_FDCWD</d>, "x", O_WRONLY|O_CREAT, 0644) = 3</nowhere/x>')
    assert create["estui_guess"] is True


@pytest.mark.parametrize(
    "before",
    [
        'openat(AT_FDCWD</nowhere>, "x", O_RDONLY) = -1 ENOENT (x)',
        'stat("/nowhere/x", 0x55) = -1 ENOENT (x)',
        'unlink("/nowhere/x") = 0',
        'rename("/nowhere/x", "/nowhere/y") = 0',
    ],
)
def test_earlier_calls_know_that_it_was_not_there(before: str) -> None:
    made = after_exec(before, 'openat(AT_FDCWD</nowhere>, "x", O_WRONLY|O_CREAT, 0644) = 3</nowhere/x>')
    [create] = [event for event in made if payload(event)[0] == "create"]
    assert "estui_guess" not in create


@pytest.mark.parametrize(
    "before",
    [
        'openat(AT_FDCWD</nowhere>, "x", O_RDONLY) = 3</nowhere/x>',
        'stat("/nowhere/x", {st_mode=S_IFREG|0644, ...}) = 0',
        'rename("/nowhere/y", "/nowhere/x") = 0',
        'mknod("/nowhere/x", S_IFREG|0644) = 0',
    ],
)
def test_earlier_calls_know_that_it_was_there(before: str) -> None:
    made = after_exec(before, 'openat(AT_FDCWD</nowhere>, "x", O_WRONLY|O_CREAT, 0644) = 3</nowhere/x>')
    assert payload(made[-1])[0] == "open"
    assert [payload(event)[0] for event in made[1:]] == ["open"]


def test_the_files_birth_tells_the_rest(tmp_path: Path) -> None:
    old = tmp_path / "f"
    old.touch()
    now = old.stat().st_ctime_ns
    assert is_new(str(old), now + 10**9, None) == (False, False)
    new, guess = is_new(str(old), now - 10**6, None)
    assert new
    assert is_new(str(old), now, known=True) == (False, False)
    assert is_new(str(old), now, known=False) == (True, False)
    assert is_new("/proc/self/comm", 0, None) == (False, False)
    assert is_new("/nowhere/at/all", 0, None) == (True, True)
    assert guess in (False, True)  # where the file system keeps no time of birth


def test_what_is_known_of_a_directory_goes_with_it() -> None:
    known = Known()
    known.set("/a/b", True)
    known.set("/ab", True)
    known.moved("/a")
    assert known.get("/a/b") is None
    assert known.get("/ab") is True
    for number_ in range(10_000):
        known.set(f"/{number_}", False)
    assert known.get("/ab") is None
    assert known.get("/9999") is False


# Descriptors


def test_writes_go_to_what_the_descriptor_was_opened_on() -> None:
    made = after_exec(
        'openat(AT_FDCWD</d>, "f", O_WRONLY) = 3</d/f>',
        "dup2(3</d/f>, 1) = 1</d/f>",
        "close(3</d/f>) = 0",
        "write(0x1, 0x55aea517da70, 0x3) = 0x3",
        "close(1</d/f>) = 0",
        types=TYPES - {"exec"},
    )
    told = [payload(event) for event in made[-3:]]
    assert [name for name, _ in told] == ["close", "write", "close"]
    assert told[1][1] == {"target": file("/d/f")}
    assert told[0][1]["modified"] is False
    assert told[2][1]["modified"] is True, "it was written through the descriptor that was duplicated"


def test_exec_closes_what_was_to_be_closed() -> None:
    made = after_exec(
        'openat(AT_FDCWD</d>, "f", O_WRONLY) = 3</d/f>',
        'openat(AT_FDCWD</d>, "g", O_WRONLY|O_CLOEXEC) = 4</d/g>',
        EXEC,
        "write(0x3, 0x55, 0x3) = 0x3",
        "write(0x4, 0x55, 0x3) = 0x3",
    )
    assert [event["event"]["write"]["target"]["path"] for event in made if "write" in event["event"]] == [
        "/d/f"
    ]


def test_a_shared_mapping_is_remembered_until_the_close() -> None:
    made = after_exec(
        'openat(AT_FDCWD</d>, "f", O_RDWR) = 3</d/f>',
        "mmap(NULL, 5, PROT_READ|PROT_WRITE, MAP_SHARED, 3</d/f>, 0) = 0x7f00",
        "close(3</d/f>) = 0",
    )
    assert payload(made[-1])[1]["was_mapped_writable"] is True


def test_a_range_of_descriptors_is_closed_one_by_one() -> None:
    made = after_exec(
        'openat(AT_FDCWD</d>, "f", O_RDWR) = 3</d/f>',
        'openat(AT_FDCWD</d>, "g", O_RDWR) = 5</d/g>',
        "close_range(3, 4294967295, 0) = 0",
    )
    assert [payload(event)[1]["target"]["path"] for event in made[-2:]] == ["/d/f", "/d/g"]


# Processes


def test_fork_comes_before_all_that_the_child_does() -> None:
    made = events(
        EXEC,
        f"100 {T} clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD <unfinished ...>",
        f'101 {T} chdir("/nowhere/deep") = 0',
        f"100 {T} <... clone resumed>, child_tidptr=0x7f) = 101",
        f'101 {T} unlink("x") = 0',
        f'100 {T} unlink("x") = 0',
        f"101 {T} +++ exited with 3 +++",
    )
    assert [payload(event)[0] for event in made] == ["exec", "fork", "chdir", "unlink", "unlink", "exit"]
    child = made[1]["event"]["fork"]["child"]
    assert child["audit_token"]["pid"] == 101
    assert child["ppid"] == 100
    assert child["parent_audit_token"] == made[1]["process"]["audit_token"]
    assert made[3]["event"]["unlink"]["target"]["path"] == "/nowhere/deep/x"
    assert made[4]["event"]["unlink"]["target"]["path"] == "/x"
    assert made[5]["event"]["exit"] == {"stat": 3 << 8}


def test_a_vforked_child_is_not_waited_for() -> None:
    translator = Translator()
    for line in (EXEC, "vfork( <unfinished ...>"):
        translator.read(f"100 {T} {line}")
    translator.read(f'101 {T} unlink("/x") = 0')
    assert [json.loads(line)["event"].popitem()[0] for line in translator.take()] == [
        "exec",
        "fork",
        "unlink",
    ]


@pytest.mark.parametrize("flags", ["SIGCHLD", "CLONE_VM|CLONE_THREAD"])
def test_who_is_gone_before_fork_returns_is_not_born_again(flags: str) -> None:
    made = after_exec(
        f"clone(flags={flags} <unfinished ...>",
        f'101 {T} unlink("/x") = 0',
        f"101 {T} +++ exited with 0 +++",
        "<... clone resumed>) = 101",
        "clone(flags=SIGCHLD) = 101",
        f"101 {T} +++ exited with 0 +++",
    )
    process = ["fork", "unlink", "exit"] if flags == "SIGCHLD" else ["unlink"]
    assert [payload(event)[0] for event in made] == [*process, "fork", "exit"]


def test_two_parents_at_once_are_told_apart_by_what_they_get() -> None:
    made = events(
        EXEC,
        "vfork() = 200000101",
        f"100 {T} clone(flags=SIGCHLD <unfinished ...>",
        f"200000101 {T} clone(flags=SIGCHLD <unfinished ...>",
        f'200000102 {T} unlink("/x") = 0',
        f"200000101 {T} <... clone resumed>) = 200000102",
        f"100 {T} <... clone resumed>) = 200000103",
        f'200000103 {T} unlink("/y") = 0',
    )
    told = [(event["process"]["audit_token"]["pid"], payload(event)[0]) for event in made[2:]]
    assert told == [(200000101, "fork"), (200000102, "unlink"), (100, "fork"), (200000103, "unlink")]


def test_a_thread_is_its_process() -> None:
    made = after_exec(
        "clone3({flags=CLONE_VM|CLONE_THREAD|CLONE_SIGHAND, exit_signal=0} => {parent_tid=[102]}, 88) = 102",
        f'102 {T} unlink("/x") = 0',
        f"102 {T} +++ exited with 0 +++",
        'unlink("/y") = 0',
        "+++ exited with 0 +++",
    )
    assert [payload(event)[0] for event in made] == ["unlink", "unlink", "exit"]
    assert made[0]["process"]["audit_token"]["pid"] == 100
    assert made[0]["thread"] == {"thread_id": 102}


def test_a_thread_that_calls_exec_is_the_process_from_then_on() -> None:
    made = after_exec(
        "clone3({flags=CLONE_VM|CLONE_THREAD} => {parent_tid=[102]}, 88) = 102",
        f'102 {T} execve("/bin/false", ["false"], ["A=1"] <pid changed to 100 ...>',
        f"100 {T} +++ superseded by execve in pid 102 +++",
        f"100 {T} <... execve resumed>) = 0",
        "+++ exited with 1 +++",
    )
    assert [payload(event)[0] for event in made] == ["exec", "exit"]
    assert made[1]["process"]["audit_token"]["pidversion"] == 3
    assert made[1]["event"]["exit"] == {"stat": 256}


def test_a_pid_that_is_used_again_gets_another_version() -> None:
    made = events(
        EXEC,
        "vfork() = 101",
        f"101 {T} +++ exited with 0 +++",
        "vfork() = 101",
        f"101 {T} +++ killed by SIGUSR1 +++",
    )
    tokens = [event["process"]["audit_token"] for event in made if "exit" in event["event"]]
    assert [token["pidversion"] for token in tokens] == [1, 2]
    assert made[-1]["event"]["exit"] == {"stat": 30}


def test_ids_are_kept_as_the_kernel_keeps_them() -> None:
    made = after_exec(
        "setresgid(5, 6, 7) = 0",
        "setresuid(1, 0, 3) = 0",
        "setuid(9) = 0",
        "setuid(4) = -1 EPERM (x)",
        'unlink("/x") = 0',
    )
    token = made[-1]["process"]["audit_token"]
    assert (token["ruid"], token["euid"], token["rgid"], token["egid"]) == (9, 9, 5, 6)


def test_a_signal_names_its_target() -> None:
    [_, signal] = after_exec("vfork() = 101", "kill(101, SIGUSR1) = 0")
    name, members = payload(signal)
    assert name == "signal"
    assert members["sig"] == 30
    assert members["target"]["audit_token"]["pid"] == 101
    made = after_exec("vfork() = 101", "vfork() = 102", "kill(0, SIGTERM) = 0")
    told = [payload(event)[1]["target"]["audit_token"]["pid"] for event in made[2:]]
    assert told == [101, 102], "not to itself"
    [outside] = after_exec(f"kill({os.getpid()}, 0) = 0")
    target = payload(outside)[1]["target"]
    assert target["executable"]["path"] == os.path.realpath("/proc/self/exe")
    assert target["audit_token"]["euid"] == os.geteuid()


def test_sessions_and_groups_are_followed() -> None:
    made = after_exec("vfork() = 101", f"101 {T} setsid() = 101", f'101 {T} unlink("/x") = 0', "setpgid(101, 7) = 0",
                      f'101 {T} unlink("/y") = 0')  # fmt: skip
    process = made[1]["process"]
    assert (process["group_id"], process["session_id"]) == (101, 101)
    assert made[2]["process"]["group_id"] == 7


# Paths


def test_paths_are_resolved_as_the_kernel_does(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real" / "file").touch()
    (tmp_path / "real" / "alias").symlink_to("file")
    home = str(tmp_path.resolve())
    resolver = Resolver()
    assert resolver.resolve(home, "link/file") == f"{home}/real/file"
    assert resolver.resolve(home, "link/../link/new") == f"{home}/real/new"
    assert resolver.resolve(f"{home}/real", "alias") == f"{home}/real/file"
    assert resolver.resolve(f"{home}/real", "alias", follow=False) == f"{home}/real/alias"
    assert resolver.resolve(home, "link/") == f"{home}/real"
    assert resolver.resolve(home, "link", follow=False) == f"{home}/link"
    assert resolver.resolve(home, ".") == home
    assert resolver.resolve(f"{home}/real", "..") == home
    assert resolver.resolve("/", "/") == "/"
    assert resolver.resolve("/", "x") == "/x"
    assert resolver.resolve(f"{home}/jail/in", "../a", f"{home}/jail") == f"{home}/jail/a"
    assert resolver.resolve("/", "/etc/../x", "/jail") == "/jail/x"
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("elsewhere")
    resolver.forget()
    assert resolver.resolve(home, "link/file") == f"{home}/elsewhere/file"


def test_scripts_run_their_interpreter(tmp_path: Path) -> None:
    script = tmp_path / "s"
    script.write_text("#! /bin/sh -e\n")
    second = tmp_path / "t"
    second.write_text(f"#!{script}\n")
    [exec_] = events(f'execve("{second}", ["t"], ["A=1"]) = 0')
    assert exec_["event"]["exec"]["target"]["executable"]["path"] == os.path.realpath("/bin/sh")
    assert exec_["event"]["exec"]["script"]["path"] == str(second)
