from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from estui.fields import TOKEN_WORDS
from estui.message import (
    AuditToken,
    BadLine,
    File,
    Message,
    Process,
    decode,
    event_of,
    int_column,
    loads,
    str_column,
)

# Documents whose strings hold bytes ------------------------------------------------------------------

MARKS = '\U0010ffff.\U0010fffe\ue000\uf8ff\U000f0000\x80\xff\\"/u'
TEXTS = st.text(st.one_of(st.sampled_from(MARKS), st.characters(exclude_categories=["Cs"])), max_size=6)
HIGH_BYTES = st.lists(st.integers(0x80, 0xFF), max_size=4).map(bytes)


class Bytes(tuple[tuple[bytes, bytes], ...]):
    """A string as pairs of what it means and how it is written in the document."""

    __slots__ = ()

    @property
    def meant(self) -> bytes:
        return b"".join(meant for meant, _ in self)

    @property
    def written(self) -> bytes:
        return b'"' + b"".join(written for _, written in self) + b'"'


def texts(text: str, escaped: bool) -> tuple[bytes, bytes]:
    written = json.dumps(text, ensure_ascii=escaped)[1:-1]
    return text.encode(), (written.replace("/", "\\/") if escaped else written).encode()


PIECES = st.one_of(st.builds(texts, TEXTS, st.booleans()), HIGH_BYTES.map(lambda raw: (raw, raw)))
STRINGS = st.lists(PIECES, max_size=5).map(Bytes)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), STRINGS)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(st.tuples(STRINGS, inner), max_size=4, unique_by=lambda pair: pair[0].meant).map(
            lambda pairs: dict(enumerate(pairs))
        ),
    ),
    max_leaves=12,
)


def write(document: Any) -> bytes:
    if isinstance(document, Bytes):
        return document.written
    if isinstance(document, list):
        return b"[" + b" , ".join(map(write, document)) + b"]"
    if isinstance(document, dict):
        return b"{" + b",".join(key.written + b": " + write(value) for key, value in document.values()) + b"}"
    return orjson.dumps(document)


def meaning(document: Any) -> Any:
    """What `loads` must return, with every string as the bytes it stands for."""
    if isinstance(document, Bytes):
        return document.meant
    if isinstance(document, list):
        return [meaning(value) for value in document]
    if isinstance(document, dict):
        return [(key.meant, meaning(value)) for key, value in document.values()]
    return document


def as_bytes(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if isinstance(value, list):
        return [as_bytes(element) for element in value]
    if isinstance(value, dict):
        return [(as_bytes(key), as_bytes(element)) for key, element in value.items()]
    return value


@given(DOCUMENTS)
def test_loads_carries_any_bytes_through(document: Any) -> None:
    assert as_bytes(loads(write(document))) == meaning(document)


@given(DOCUMENTS, st.data())
def test_loads_is_as_strict_as_orjson(document: Any, data: st.DataObject) -> None:
    line = bytearray(write(document))
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(line)))
        line[at : at + data.draw(st.integers(0, 1))] = data.draw(
            st.one_of(
                st.binary(max_size=2),
                st.sampled_from([b'"', b"\\", b"\\u", b"\\ud800", b"\\udbff\\udfff", b"\n"]),
            )
        )
    clean = "".join("é" if "\udc80" <= c <= "\udcff" else c for c in line.decode("utf-8", "surrogateescape"))
    try:
        orjson.loads(clean)
    except orjson.JSONDecodeError:
        with pytest.raises(orjson.JSONDecodeError):
            loads(bytes(line))
    else:
        loads(bytes(line))


@pytest.mark.parametrize(
    "line",
    [
        b"", b" ", b"\xff", b'"\xff', b'{"a":1}\xff', b'"\\ud800"', b'"\xff\\ud800"', b'"\xff\\udc00"',
        b'"\\\xff"',
        b'"\xff\\udbff\\udbff\\udfff"', b'"\xff\n"', b'"\\u00\xff0"', b"NaN", b'{"a":1e999}', b"{}{}",
        b"\xef\xbb\xbf{}",
        b"[" * 5000 + b'"\xff"' + b"]" * 5000,
    ],
)  # fmt: skip
def test_loads_refuses_what_orjson_refuses(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"line 1|zero-length|empty|depth|recursion"):
        loads(line)


def test_loads_does_not_confuse_marks_with_bytes() -> None:
    written = r"\\udbff\\udfff \udbff\udfff"
    line = b'["\xff\xf4\x8f\xbf\xbf\xc3\xbf' + written.encode() + b'"]'
    assert loads(line) == ["\udcff\U0010ffff\xff\\udbff\\udfff \U0010ffff"]


def test_loads_keeps_integers_exact() -> None:
    line = b'{"a":18446744073709551615,"b":-9223372036854775808,"c":"\xff","d":1152921500312525701}'
    assert list(loads(line).values()) == [2**64 - 1, -(2**63), "\udcff", 1152921500312525701]


def test_loads_reads_nesting_deeper_than_python_calls() -> None:
    value = loads(b"[" * 1000 + b'"\xff"' + b"]" * 1000)
    for _ in range(1000):
        (value,) = value
    assert value == "\udcff"


# The event of a line ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty line"),
        (b" \t\r", "empty line"),
        (b"{", "not valid JSON"),
        (b'{"event":{"exec":{}}}\x00', "not valid JSON"),
        (b"[]", "not a JSON object"),
        (b"1", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"{}", "no event object"),
        (b'{"event":null}', "no event object"),
        (b'{"event":[{"exec":{}}]}', "no event object"),
        (b'{"event":{}}', "event does not hold exactly one object"),
        (b'{"event":{"exec":{},"open":{}}}', "event does not hold exactly one object"),
        (b'{"event":{"exec":[]}}', "event does not hold exactly one object"),
        (b'{"event":{"exec":null}}', "event does not hold exactly one object"),
    ],
)
def test_a_bad_line_says_why(raw: bytes, reason: str) -> None:
    with pytest.raises(BadLine) as caught:
        _ = Message(raw).event
    assert caught.value.reason == str(caught.value) == reason


def test_an_event_may_lack_all_else() -> None:
    message = Message(b'{"event":{"hov\\u0065r":{"x":1}}}')
    assert (message.event, message.payload) == ("hover", {"x": 1})
    columns = (
        message.event_type, message.action_type, message.time, message.mach_time, message.seq_num,
        message.global_seq_num, message.version, message.schema_version, message.process, message.thread_id,
    )  # fmt: skip
    assert columns == (None,) * 10
    assert message.action == {}


def test_a_message_is_not_read_before_it_is_looked_into() -> None:
    message = Message(b"{")
    assert message.raw == b"{"
    with pytest.raises(BadLine) as caught:
        _ = message.data
    assert isinstance(caught.value.__cause__, orjson.JSONDecodeError)


JUNK = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.just(2**64),
        st.text(st.characters(exclude_categories=())),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=9), st.dictionaries(st.sampled_from([*TOKEN_WORDS, "path", "stat"]), inner)
    ),
    max_leaves=12,
)  # fmt: skip


@given(JUNK)
def test_views_take_any_value(value: Any) -> None:
    token, process, file = AuditToken.of(value), Process.of(value), File.of(value)
    assert isinstance(token, AuditToken)
    assert (process is None) == (file is None) == (not isinstance(value, dict))
    assert int_column(value) is None or int_column(value) == value
    assert str_column(value) is None or str_column(value) == value
    try:
        name, payload = event_of({"event": value})
    except BadLine:
        pass
    else:
        assert value == {name: payload}


# Views -----------------------------------------------------------------------------------------------

WORDS = [501, 501, 20, 501, 20, 21497, 100013, 38282]


def test_a_token_is_an_object_or_an_array_of_eight() -> None:
    by_name = AuditToken.of(dict(reversed(list(zip(TOKEN_WORDS, WORDS, strict=True)))))
    assert by_name == AuditToken.of(WORDS) == AuditToken(*WORDS)
    assert (by_name.pid, by_name.pidversion, by_name.asid, by_name.egid) == (21497, 38282, 100013, 20)


@pytest.mark.parametrize("value", [WORDS[:7], [*WORDS, 1], [], None, "501", 5, {}, {"PID": 1}])
def test_other_shapes_are_no_token(value: Any) -> None:
    assert AuditToken.of(value) == AuditToken()


def test_each_word_of_a_token_counts_for_itself() -> None:
    token = AuditToken.of([2**32 - 1, 2**64 - 1, 2**64, True, 1.0, "1", None, -1])
    assert token == AuditToken(2**32 - 1, 2**64 - 1, None, None, None, None, None, -1)


COLUMNS: list[tuple[Any, int | None]] = [
    *((same, same) for same in (0, 2**64 - 1, -(2**63))),
    *((other, None) for other in (2**64, -(2**63) - 1, True, False, 1.0, "1", None)),
    ([], None),
    ({}, None),
]


@pytest.mark.parametrize(("value", "column"), COLUMNS)
def test_a_column_holds_integers_of_64_bits(value: Any, column: int | None) -> None:
    assert int_column(value) == column


def test_a_process_reads_its_parts() -> None:
    process = Process.of(
        {
            "audit_token": WORDS,
            "ppid": 1,
            "is_platform_binary": True,
            "is_es_client": 1,
            "team_id": None,
            "signing_id": "com.apple.zsh",
            "executable": {"path": "/bin/zsh", "path_truncated": False, "stat": {"st_ino": 2**62}},
            "tty": None,
        }
    )
    assert process is not None
    assert process.audit_token.pid == 21497
    assert process.parent_audit_token == AuditToken()
    assert (process.ppid, process.original_ppid) == (1, None)
    assert (process.is_platform_binary, process.is_es_client) == (True, None)
    assert process.executable == File("/bin/zsh", False, {"st_ino": 2**62})
    assert (process.tty, process.team_id, process.signing_id) == (None, None, "com.apple.zsh")
    assert File.of({"path": 1, "stat": []}) == File(None, None, {})


def test_real_lines_read_whole(captures: list[Path]) -> None:
    count = 0
    for path in captures:
        for line in path.read_bytes().splitlines():
            message = Message(line)
            assert message.data == json.loads(line)
            assert message.event in {"exec", "fork", "exit", "open", "lookup", "create", "rename", "unlink"}
            assert message.process is not None
            token = message.process.audit_token
            assert None not in (token.pid, token.pidversion, token.euid, message.thread_id, message.seq_num)
            assert message.process.executable is not None
            assert decode("event_type", message.event_type, message.event) == (
                f"ES_EVENT_TYPE_NOTIFY_{message.event.upper()}"
            )
            count += 1
    assert count


# Decoders --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("event_type", 43, "ES_EVENT_TYPE_NOTIFY_LOOKUP"),
        ("event_type", 162, None),
        ("action_type", 1, "NOTIFY"),
        ("action.result.result_type", 1, "flags"),
        ("action.result.result.auth", 1, "DENY"),
        ("action.result.result.flags", 4294967295, "all"),
        ("action.result.result.flags", 3, "FREAD | FWRITE"),
        ("process.codesigning_flags", 570425859, "VALID | ADHOC | KILL | DYLD_PLATFORM | SIGNED"),
        ("process.codesigning_flags", 0, None),
        ("process.codesigning_flags", 0xC0, "0xc0"),
        ("process.cs_validation_category", 6, "Developer ID"),
        ("process.ppid", 1, "launchd"),
        ("process.ppid", 2, None),
        ("process.audit_token.auid", 4294967295, "not set"),
        ("process.audit_token.auid", -1, "not set"),
        ("process.audit_token.euid", 0, "root"),
        ("process.audit_token.euid", 501, None),
        ("process.audit_token.egid", 20, "staff"),
        ("process.audit_token[0]", 4294967295, "auid: not set"),
        ("process.audit_token[7]", 38282, "pidversion"),
        ("process.audit_token[8]", 1, None),
        ("process.executable.stat.st_mode", 33261, "-rwxr-xr-x 0755"),
        ("process.executable.stat.st_mode", 0o104755, "-rwsr-xr-x 4755"),
        ("process.tty.stat.st_mode", 8592, "crw--w---- 0620"),
        ("process.tty.stat.st_rdev", 268435458, "major 16, minor 2"),
        ("process.tty.stat.st_rdev", -1, "major 255, minor 16777215"),
        ("process.executable.stat.st_flags", 524320, "UF_COMPRESSED | SF_RESTRICTED"),
        ("process.executable.stat.st_birthtimespec", "1970-01-01T00:00:00.000000000Z", "not set"),
        ("event.exec.image_cputype", 16777228, "arm64"),
        ("event.exec.image_cputype", 16777223, "x86_64"),
        ("event.exec.image_cpusubtype", -2147483646, "arm64e"),
        ("event.exec.fds[0].fdtype", 2, "socket"),
        ("event.exec.fds[0].fdtype", 8, None),
        ("event.exec.args[0]", "-c", None),
        ("event.open.fflag", 1, "FREAD"),
        ("event.open.fflag", 537919489, "FREAD | O_DIRECTORY | O_NOFOLLOW_ANY"),
        ("event.open.fflag", 1074790400, "O_DIRECTORY | O_EXEC"),
        ("event.open.fflag", 2**63 + 2, "FWRITE | 0x8000000000000000"),
        ("event.exit.stat", 0, "exited with 0"),
        ("event.exit.stat", 256, "exited with 1"),
        ("event.exit.stat", -256, "exited with 255"),
        ("event.exit.stat", 9, "killed by SIGKILL (9)"),
        ("event.exit.stat", 139, "killed by SIGSEGV (11), core dumped"),
        ("event.exit.stat", 10, "killed by SIGBUS (10)"),
        ("event.exit.stat", 100, "killed by signal (100)"),
        ("event.exit.stat", 0x7F, None),
        ("event.exit.stat", 2**32, None),
        ("event.signal.sig", 30, "SIGUSR1"),
        ("event.signal.sig", 20, "SIGCHLD"),
        ("event.signal.sig", 29, "SIGINFO"),
        ("event.signal.sig", 0, "no signal, only a test"),
        ("event.signal.sig", 32, None),
        ("event.setmode.mode", 0o4755, "rwsr-xr-x 4755"),
        ("event.setmode.mode", 0o755, "rwxr-xr-x 0755"),
        ("event.access.mode", 6, "read write"),
        ("event.access.mode", 0, "exists"),
        ("event.access.mode", 8, None),
        ("event.mprotect.protection", 5, "r-x"),
        ("event.mprotect.protection", 8, None),
        ("event.mprotect.address", 4294967296, "0x100000000"),
        ("event.mmap.flags", 0x1002, "MAP_PRIVATE | MAP_ANON"),
        ("event.mount.statfs.f_flags", 0x1001, "MNT_RDONLY | MNT_LOCAL"),
        ("event.fcntl.cmd", 50, "F_GETPATH"),
        ("event.setreuid.ruid", 4294967295, "unchanged"),
        ("event.setowner.uid", -1, "unchanged"),
        ("event.setuid.uid", 0, "root"),
        ("event.openssh_login.result_type", 2, "success"),
        ("event.openssh_login.result_type", 9, "invalid user"),
        ("event.openssh_login.source_address_type", 2, "IPv6"),
        ("event.btm_launch_item_add.item.item_type", 3, "agent"),
        ("event.authentication.type", 1, "touchid"),
        ("event.get_task.type", 2, "identity_token"),
        ("event.proc_suspend_resume.type", 3, "shut down sockets"),
        ("event.proc_suspend_resume.type", 2, None),
        ("event.proc_check.type", 1, None),
        ("event.uipc_connect.domain", 1, "AF_UNIX"),
        ("event.tcc_modify.right", 2, "allowed"),
        ("event.tcc_modify.reason", 13, "prompt cancelled"),
        ("event.tcc_modify.identity_type", 0, "bundle id"),
        ("event.tcc_modify.update_type", 3, "delete"),
        ("event.authorization_judgement.return_code", -60005, "errAuthorizationDenied"),
        ("event.od_create_user.error_code", 0, "success"),
        ("event.od_create_user.error_code", 4102, None),
        ("event.create.destination_type", 0, "existing_file"),
        ("event.setacl.set_or_clear", 1, "clear"),
        ("event.gatekeeper_user_override.file_type", 1, "file"),
    ],
)
def test_decode(path: str, value: Any, text: str | None) -> None:
    event = path.split(".")[1] if path.startswith("event.") else "exec"
    assert decode(path, value, event) == text


def test_times_are_shown_in_the_local_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC-02:00")
    time.tzset()
    try:
        text = decode("time", "2025-08-07T23:13:09.811587464Z", "exec")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert text == "2025-08-08 01:13:09.811+02:00"


@pytest.mark.parametrize(
    "value", ["", "now", "2025-08-07", "2025-13-07T00:00:00Z", "9999-99-99T00:00:00Z", 5, None]
)
def test_what_is_no_time_is_not_decoded(value: Any) -> None:
    assert decode("time", value, "exec") is None


PATHS = """
    event_type action_type time action.result.result.auth action.result.result.flags process.ppid
    process.codesigning_flags process.audit_token process.audit_token[0] process.audit_token.auid
    process.start_time process.executable.stat.st_mode process.executable.stat.st_dev
    process.executable.stat.st_flags event.X.fflag event.X.stat event.X.sig event.X.mode event.X.cmd
    event.X.protection event.X.address event.X.uid event.X.type event.X.dev event.X.flags
    event.X.target.audit_token.pid event.X.entitlements.a event.X.image_cpusubtype
"""
EVENTS = "exec open exit signal setmode access fcntl mprotect mmap setowner pty_grant hover"
EDGES = st.sampled_from(
    [-1, 0, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 1, 2**64, -(2**31), -(2**63), 10**400]
)


@given(
    st.sampled_from(PATHS.split()),
    st.sampled_from(EVENTS.split()),
    st.one_of(JUNK, EDGES, st.integers(-(2**64), 2**65)),
)
@example("time", "exec", "0001-01-01T00:00:00+14:00")
@example("time", "exec", "9999-12-31T23:59:59-14:00")
@example("time", "exec", "9" * 100_000)
def test_no_value_is_too_hostile_to_decode(path: str, event: str, value: Any) -> None:
    text = decode(path.replace("X", event), value, event)
    assert text is None or (text and text.isprintable() and len(text) < 500)
