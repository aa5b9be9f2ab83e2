from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.events import INSTIGATOR_EVENTS, NOTIFY
from estui.message import Message
from estui.paths import instigator, subject, targets


def file(path: Any) -> dict[str, Any]:
    return {"path": path, "path_truncated": False, "stat": {}}


def process(path: str, pid: int = 7, pidversion: int = 70) -> dict[str, Any]:
    return {"executable": file(path), "audit_token": {"pid": pid, "pidversion": pidversion}}


A, B, P = file("/a"), file("/b"), process("/bin/p")
FILE_TARGET = """
    close setattrlist setextattr setflags setmode setowner unlink write truncate chdir getattrlist stat access
    chroot utimes fcntl getextattr listextattr readdir deleteextattr dup setacl searchfs
"""
PROCESS_TARGET = """
    exec signal get_task get_task_name get_task_read get_task_inspect proc_check proc_suspend_resume trace
    remote_thread_create
"""
WITH_TARGETS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    **{name: ({"target": A}, ("/a",)) for name in FILE_TARGET.split()},
    **{name: ({"target": P}, ("/bin/p",)) for name in PROCESS_TARGET.split()},
    "open": ({"file": A}, ("/a",)),
    "create": ({"destination": {"existing_file": A}}, ("/a",)),
    "exchangedata": ({"file1": A, "file2": B}, ("/a", "/b")),
    "link": ({"source": A, "target_dir": B, "target_filename": "n"}, ("/a", "/b/n")),
    "mmap": ({"source": A}, ("/a",)),
    "rename": ({"source": A, "destination": {"new_path": {"dir": B, "filename": "n"}}}, ("/a", "/b/n")),
    "readlink": ({"source": A}, ("/a",)),
    "clone": ({"source": A, "target_dir": B, "target_name": "n"}, ("/a", "/b/n")),
    "uipc_bind": ({"dir": A, "filename": "s"}, ("/a/s",)),
    "uipc_connect": ({"file": A}, ("/a",)),
    "copyfile": ({"source": A, "target_file": None, "target_dir": B, "target_name": "n"}, ("/a", "/b/n")),
}


@pytest.mark.parametrize("name", WITH_TARGETS)
def test_targets_of_each_supporting_type(name: str) -> None:
    payload, expected = WITH_TARGETS[name]
    assert targets(name, payload) == expected
    assert subject(name, payload) == " → ".join(expected)


def test_the_supporting_types_are_all_here() -> None:
    assert set(WITH_TARGETS) == {event.name for event in NOTIFY.values() if event.supports_targets}


@pytest.mark.parametrize("name", [*sorted(set(NOTIFY) - set(WITH_TARGETS)), "hover", "", "EXEC", "\udcff"])
def test_other_types_have_no_targets(name: str) -> None:
    everything = {"target": {**A, **P}, "file": A, "source": A, "dir": A, "filename": "n", "target_dir": A}
    assert targets(name, everything) == ()


@pytest.mark.parametrize(
    ("name", "payload", "expected"),
    [
        ("create", {"destination": {"new_path": {"dir": A, "filename": "n"}}}, ("/a/n",)),
        ("create", {"destination": {"new_path": {"dir": B, "filename": "n"}, "existing_file": A}}, ("/a",)),
        (
            "create",
            {"destination": {"new_path": {"dir": B, "filename": "n"}, "existing_file": None}},
            ("/b/n",),
        ),
        (
            "create",
            {"destination": {"new_path": {"dir": B, "filename": "n"}, "existing_file": file(1)}},
            ("/b/n",),
        ),
        ("create", {"destination": {"new_path": {"dir": B}}}, ()),
        ("rename", {"source": A, "destination": {"existing_file": B}}, ("/a", "/b")),
        ("rename", {"source": A, "destination": None}, ("/a",)),
        ("rename", {"destination": {"existing_file": B}}, ("/b",)),
        ("copyfile", {"source": A, "target_file": B, "target_dir": A, "target_name": "n"}, ("/a", "/b")),
        ("link", {"source": A, "target_dir": file("/"), "target_filename": "n"}, ("/a", "/n")),
        ("link", {"source": A, "target_dir": file("/d/"), "target_filename": "n"}, ("/a", "/d/n")),
        ("link", {"source": A, "target_dir": file("/d"), "target_filename": "/n"}, ("/a", "/d//n")),
        ("link", {"source": A, "target_dir": file(""), "target_filename": "n"}, ("/a", "/n")),
        ("link", {"source": A, "target_dir": file("/d"), "target_filename": ""}, ("/a", "/d/")),
        ("link", {"source": A, "target_dir": B, "target_filename": None}, ("/a",)),
        ("open", {"file": file("")}, ("",)),
        ("open", {"file": file("/\udcff\n")}, ("/\udcff\n",)),
        ("open", {"file": "/a"}, ()),
        ("open", {"file": [A]}, ()),
        ("exec", {"target": A, "script": B}, ()),
        ("proc_check", {"target": None}, ()),
        ("open", {}, ()),
    ],
)
def test_unions_joins_and_missing_parts(
    name: str, payload: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert targets(name, payload) == expected


def test_targets_of_real_lines(captures: list[Path]) -> None:
    seen = set()
    for path in captures:
        for line in path.read_bytes().splitlines():
            message = Message(line)
            found = targets(message.event, message.payload)
            seen.add((message.event, *found))
            assert bool(found) == (message.event in WITH_TARGETS)
            assert subject(message.event, message.payload).startswith(found or ("/", "exited with"))
    if any(path.name == "macos13-v6.jsonl" for path in captures):
        assert ("exec", "/bin/date") in seen


TOKEN = {"pid": 8, "pidversion": 80}
ARRAY = [501, 501, 20, 501, 20, 9, 100013, 90]


@pytest.mark.parametrize(
    "name", sorted(INSTIGATOR_EVENTS - {"authorization_petition", "authorization_judgement"})
)
def test_the_instigator_is_the_process_or_else_the_token(name: str) -> None:
    assert instigator(name, {"instigator": P, "instigator_token": TOKEN}) == (7, 70)
    assert instigator(name, {"instigator": None, "instigator_token": TOKEN}) == (8, 80)
    assert instigator(name, {"instigator_token": ARRAY}) == (9, 90)
    assert instigator(name, {"instigator": {"audit_token": {"pid": 1}}, "instigator_token": TOKEN}) == (8, 80)
    assert instigator(name, {"petitioner": P}) is None
    assert instigator(name, {}) is None


@pytest.mark.parametrize("name", ["authorization_petition", "authorization_judgement"])
def test_for_authorization_the_petitioner_counts(name: str) -> None:
    assert instigator(name, {"instigator": P, "petitioner": None, "petitioner_token": TOKEN}) == (8, 80)
    assert instigator(name, {"instigator": P, "instigator_token": TOKEN}) is None


def test_authentication_keeps_its_instigator_in_an_arm() -> None:
    for arm in ("od", "touchid", "token"):
        assert instigator("authentication", {"data": {arm: {"instigator": P}}}) == (7, 70)
        assert instigator("authentication", {"data": {arm: {"instigator_token": TOKEN}}}) == (8, 80)
    both = {"data": {"od": {"instigator": P}}, "instigator_token": TOKEN}
    assert instigator("authentication", both) == (7, 70)
    assert instigator("authentication", {"data": {"od": None}, "instigator_token": TOKEN}) == (8, 80)
    assert instigator("authentication", {"data": {"auto_unlock": {"username": "u"}}}) is None
    arms = {"token": {"instigator_token": ARRAY}, "touchid": {}, "od": {"instigator_token": TOKEN}}
    assert instigator("authentication", {"data": arms}) == (8, 80)
    assert instigator("authentication", {"data": {"retina": {"instigator": P}}}) is None
    assert instigator("signal", {"data": {"od": {"instigator": P}}}) is None


def test_other_types_have_no_instigator() -> None:
    for name in set(NOTIFY) - INSTIGATOR_EVENTS | {"hover"}:
        assert instigator(name, {"instigator": P, "petitioner": P, "data": {"od": {"instigator": P}}}) is None


OD = {"error_code": 0, "node_name": "/Local/Default"}
SUBJECTS: list[tuple[str, dict[str, Any], str]] = [
    ("fork", {"child": P}, "/bin/p"),
    ("exit", {"stat": 256}, "exited with 1"),
    ("exit", {"stat": 2**40}, "1099511627776"),
    ("kextload", {"identifier": "com.example.kext"}, "com.example.kext"),
    ("kextunload", {"identifier": "com.example.kext"}, "com.example.kext"),
    ("mprotect", {"protection": 7, "address": 4096, "size": 1}, "rwx 0x1000"),
    ("mount", {"statfs": {"f_mntonname": "/Volumes/X"}}, "/Volumes/X"),
    ("unmount", {"statfs": {"f_mntonname": "/Volumes/X"}}, "/Volumes/X"),
    ("remount", {"statfs": {"f_mntonname": "/"}}, "/"),
    ("iokit_open", {"user_client_class": "IOHIDLibUserClient"}, "IOHIDLibUserClient"),
    ("file_provider_materialize", {"target": A, "source": B}, "/a"),
    ("file_provider_update", {"target_path": "/t", "source": B}, "/t"),
    ("lookup", {"source_dir": file("/"), "relative_target": "Library/x"}, "/Library/x"),
    ("lookup", {"source_dir": file("/d"), "relative_target": "x"}, "/d/x"),
    ("lookup", {"source_dir": None, "relative_target": "x"}, "x"),
    ("fsgetpath", {"target": A}, "/a"),
    ("settime", {}, ""),
    ("cs_invalidated", {}, ""),
    ("pty_grant", {"dev": 251658242}, "major 15, minor 2"),
    ("pty_close", {"dev": 251658242}, "major 15, minor 2"),
    ("setuid", {"uid": 0}, "uid 0"),
    ("setgid", {"gid": 20}, "gid 20"),
    ("seteuid", {"euid": 501}, "euid 501"),
    ("setegid", {"egid": 20}, "egid 20"),
    ("setreuid", {"ruid": 501, "euid": 0}, "ruid 501 euid 0"),
    ("setregid", {"rgid": 20, "egid": 0}, "rgid 20 egid 0"),
    ("authentication", {"type": 0, "success": True, "data": {"od": {"record_name": "ann"}}}, "od ann"),
    ("authentication", {"type": 1, "success": False, "data": {"touchid": {"uid": None}}}, "touchid (failed)"),
    ("authentication", {"type": 1, "data": {"touchid": {"uid": 501}}}, "touchid uid 501"),
    ("authentication", {"type": 2, "data": {"token": {"token_id": "t1"}}}, "token t1"),
    ("authentication", {"type": 3, "data": {"auto_unlock": {"username": "ann"}}}, "auto_unlock ann"),
    ("authentication", {"type": 9, "data": {}}, "9"),
    ("xp_malware_detected", {"detected_path": "/m", "malware_identifier": "MACOS.X"}, "/m"),
    ("xp_malware_remediated", {"remediated_path": None, "malware_identifier": "MACOS.X"}, "MACOS.X"),
    ("lw_session_login", {"username": "ann"}, "ann"),
    ("lw_session_logout", {"username": "ann"}, "ann"),
    ("lw_session_lock", {"username": "ann"}, "ann"),
    ("lw_session_unlock", {"username": "ann"}, "ann"),
    (
        "screensharing_attach",
        {"success": False, "authentication_username": "ann", "source_address": "10.0.0.2"},
        "ann@10.0.0.2 (failed)",
    ),
    ("screensharing_detach", {"source_address": "10.0.0.2", "viewer_appleid": None}, "10.0.0.2"),
    ("openssh_login", {"username": "ann", "source_address": "10.0.0.2", "success": True}, "ann@10.0.0.2"),
    ("openssh_login", {"username": "ann", "source_address": "", "success": False}, "ann (failed)"),
    ("openssh_logout", {"username": "ann", "source_address": "::1"}, "ann@::1"),
    ("login_login", {"username": "ann", "success": True}, "ann"),
    ("login_logout", {"username": "ann"}, "ann"),
    (
        "btm_launch_item_add",
        {"item": {"item_url": "file:///l.plist"}, "executable_path": "/x"},
        "file:///l.plist",
    ),
    ("btm_launch_item_remove", {"item": {"item_url": "file:///l.plist"}}, "file:///l.plist"),
    ("profile_add", {"profile": {"identifier": "com.example.mdm"}}, "com.example.mdm"),
    ("profile_remove", {"profile": {"identifier": None, "display_name": "MDM"}}, "MDM"),
    ("su", {"success": True, "from_username": "ann", "to_username": "root"}, "ann → root"),
    ("su", {"success": False, "from_username": "ann", "to_username": None}, "ann (failed)"),
    ("sudo", {"success": True, "command": "/bin/ls", "from_username": "ann"}, "/bin/ls"),
    ("authorization_petition", {"rights": ["system.x", "system.y"]}, "system.x, system.y"),
    ("authorization_judgement", {"results": [{"right_name": "system.x"}, {}]}, "system.x"),
    ("od_group_add", {**OD, "group_name": "admin", "member": {"member_value": "ann"}}, "ann to admin"),
    ("od_group_remove", {**OD, "group_name": "admin", "member": {"member_value": "ann"}}, "ann from admin"),
    ("od_group_set", {**OD, "group_name": "admin"}, "admin"),
    ("od_modify_password", {**OD, "account_name": "ann", "error_code": 4102}, "ann (error 4102)"),
    ("od_disable_user", {**OD, "user_name": "ann"}, "ann"),
    ("od_enable_user", {**OD, "user_name": "ann"}, "ann"),
    ("od_attribute_value_add", {**OD, "record_name": "ann", "attribute_name": "shell"}, "ann shell"),
    ("od_attribute_value_remove", {**OD, "record_name": "ann", "attribute_name": "shell"}, "ann shell"),
    ("od_attribute_set", {**OD, "record_name": "ann", "attribute_name": "shell"}, "ann shell"),
    ("od_create_user", {**OD, "user_name": "ann"}, "ann"),
    ("od_create_group", {**OD, "group_name": "g"}, "g"),
    ("od_delete_user", {**OD, "user_name": "ann"}, "ann"),
    ("od_delete_group", {**OD, "group_name": "g"}, "g"),
    ("xpc_connect", {"service_name": "com.example.x"}, "com.example.x"),
    ("gatekeeper_user_override", {"file": A}, "/a"),
    ("gatekeeper_user_override", {"file": "/s"}, "/s"),
    ("gatekeeper_user_override", {"file": None}, ""),
    (
        "tcc_modify",
        {"identity": "com.example", "service": "kTCCServiceCamera"},
        "com.example kTCCServiceCamera",
    ),
    ("bootstrap_check_in", {"service_name": "com.example.x"}, "com.example.x"),
    ("bootstrap_look_up", {"service_name": "com.example.x"}, "com.example.x"),
    ("hover", {"target": P}, "/bin/p"),
    ("hover", {"username": "ann", "success": False}, "ann (failed)"),
    ("hover", {}, ""),
]


@pytest.mark.parametrize(("name", "payload", "shown"), SUBJECTS)
def test_subject(name: str, payload: dict[str, Any], shown: str) -> None:
    assert subject(name, payload) == shown


def test_every_type_has_a_subject() -> None:
    assert {name for name, _, _ in SUBJECTS} | set(WITH_TARGETS) == {*NOTIFY, "hover"}


KEYS = st.sampled_from(
    (
        *(
            "target",
            "executable",
            "path",
            "file",
            "source",
            "dir",
            "filename",
            "destination",
            "existing_file",
        ),
        *(
            "new_path",
            "target_dir",
            "target_name",
            "target_filename",
            "target_file",
            "file1",
            "file2",
            "stat",
        ),
        *("data", "od", "instigator", "petitioner", "audit_token", "instigator_token", "petitioner_token"),
        *(
            "pid",
            "pidversion",
            "item",
            "item_url",
            "rights",
            "results",
            "right_name",
            "success",
            "error_code",
        ),
        *("username", "type", "uid", "child", "statfs", "f_mntonname", "protection", "address", "dev"),
    )
)
JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.just(10**400)),
    lambda inner: st.one_of(st.lists(inner, max_size=8), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=20,
)


@given(
    st.one_of(st.sampled_from(sorted(NOTIFY)), st.text(max_size=3)),
    st.dictionaries(KEYS, JUNK, max_size=8),
)
def test_no_payload_is_too_hostile(name: str, payload: dict[str, Any]) -> None:
    found = targets(name, payload)
    assert len(found) <= 2
    assert all(isinstance(path, str) for path in found)
    assert isinstance(subject(name, payload), str)
    named = instigator(name, payload)
    assert named is None or all(type(number) is int for number in named)


def test_deep_nesting_is_no_way_in() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    for name in ("authorization_petition", "authorization_judgement", "open", "hover"):
        payload = {"rights": deep, "results": deep, "file": deep, "path": deep}
        assert subject(name, payload) == ""
        assert targets(name, payload) == ()
