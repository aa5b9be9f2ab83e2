"""The demo's generator: eslogger's shapes as the facts list them, and the laws that tie events together."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from estui.events import NOTIFY
from estui.sources import scenario
from estui.sources.scenario import Mac, Shape, World
from estui.sources.scenario.programs import ALEX, ROOT
from estui.sources.scenario.scenes.package import HOSTILE_NAMES

Data = dict[str, Any]

ENVELOPE = {"schema_version", "version", "time", "mach_time", "event_type", "event", "action_type", "action"}
ENVELOPE |= {"process", "thread", "seq_num", "global_seq_num"}

# One letter per JSON type: i int, b bool, s string, t time of 9 digits, n null, F file, P process, T audit
# token; x? may be null, [x] an array, (name) an object of OBJECTS; a key ending in ~ may be left out.
STAT = (
    "st_dev:i st_mode:i st_nlink:i st_ino:i st_uid:i st_gid:i st_rdev:i st_size:i st_blocks:i st_blksize:i "
    "st_flags:i st_gen:i st_atimespec:t st_mtimespec:t st_ctimespec:t st_birthtimespec:t"
)
OBJECTS = {
    "F": "path:s path_truncated:b stat:(stat)",
    "stat": STAT,
    "P": (
        "audit_token:T parent_audit_token:T responsible_audit_token:T ppid:i original_ppid:i group_id:i "
        "session_id:i codesigning_flags:i is_platform_binary:b is_es_client:b cdhash:s signing_id:s "
        "team_id:s? executable:F tty:F? start_time:s cs_validation_category:i"
    ),
    "T": "asid:i auid:i egid:i euid:i pid:i pidversion:i rgid:i ruid:i",
    "fd": "fd:i fdtype:i pipe~:(pipe)",
    "pipe": "pipe_id:i",
    "destination": "existing_file~:F new_path~:(new_path)",
    "new_path": "dir:F filename:s mode~:i",
    "attrlist": "bitmapcount:i commonattr:i volattr:i dirattr:i fileattr:i forkattr:i",
    "acl": "set:s",
    "statfs": (
        "f_bsize:i f_iosize:i f_blocks:i f_bfree:i f_bavail:i f_files:i f_ffree:i f_fsid:[i] f_owner:i "
        "f_type:i f_flags:i f_fssubtype:i f_fstypename:s f_mntonname:s f_mntfromname:s f_flags_ext:i"
    ),
    "thread_state": "flavor:i state:n",
    "data": "od~:(od) touchid~:(touchid) token~:(token) auto_unlock~:(auto_unlock)",
    "od": "instigator:P? instigator_token:T record_type:s record_name:s node_name:s db_path:s?",
    "touchid": "instigator:P? instigator_token:T touchid_mode:i uid:i?",
    "token": "instigator:P? instigator_token:T pubkey_hash:s token_id:s kerberos_principal:s?",
    "auto_unlock": "username:s type:i",
    "item": "item_type:i legacy:b managed:b uid:i item_url:s app_url:s?",
    "profile": "identifier:s uuid:s install_source:i organization:s display_name:s scope:s",
    "reject_info": "plugin_name:s plugin_type:i failure_message:s",
    "result": "right_name:s rule_class:i granted:b",
    "member": "member_type:i member_value:s",
    "members": "member_type:i member_array:[s]",
    "signing_info": "cdhash:s signing_id:s? team_id:s?",
    "target": "process~:(owner) job~:(job)",
    "owner": "target:P? target_token:T job_label:s",
    "job": "job_label:s lwcr:(lwcr)?",
    "lwcr": "team_id:s? signing_id:s?",
    "entitlements": "*",
    "empty": "",
}
OD = "instigator:P? instigator_token:T error_code:i node_name:s db_path:s? "
BTM = "instigator:P? instigator_token:T? app:P? app_token:T? item:(item)"
ATTRIBUTE = OD + "record_type:i record_name:s attribute_name:s "
TARGET = "target:F"
PAYLOADS = {
    "exec": (
        "target:P args:[s] env:[s] fds:[(fd)] cwd:F script:F? last_fd:i image_cputype:i image_cpusubtype:i "
        "dyld_exec_path:s entitlements:(entitlements)"
    ),
    "fork": "child:P",
    "exit": "stat:i",
    "open": "fflag:i file:F",
    "close": "modified:b target:F was_mapped_writable:b",
    "create": "destination_type:i destination:(destination) acl:s?",
    "rename": "source:F destination_type:i destination:(destination)",
    "unlink": "target:F parent_dir:F",
    **dict.fromkeys(
        ["write", "truncate", "stat", "chdir", "chroot", "listextattr", "readdir", "fsgetpath", "dup"], TARGET
    ),
    "access": "mode:i target:F",
    "setmode": "mode:i target:F",
    "setflags": "flags:i target:F",
    "setowner": "uid:i gid:i target:F",
    **dict.fromkeys(("setextattr", "getextattr", "deleteextattr"), "extattr:s target:F"),
    **dict.fromkeys(("getattrlist", "setattrlist", "searchfs"), "attrlist:(attrlist) target:F"),
    "setacl": "target:F set_or_clear:i acl:(acl)?",
    "utimes": "target:F atime:t mtime:t",
    "fcntl": "target:F cmd:i",
    "readlink": "source:F",
    "lookup": "source_dir:F relative_target:s",
    "link": "source:F target_dir:F target_filename:s",
    "clone": "source:F target_dir:F target_name:s",
    "copyfile": "source:F target_file:F? target_dir:F target_name:s mode:i flags:i",
    "exchangedata": "file1:F file2:F",
    "mmap": "protection:i max_protection:i flags:i file_pos:i source:F",
    "mprotect": "protection:i address:i size:i",
    "mount": "statfs:(statfs) disposition:i",
    "unmount": "statfs:(statfs)",
    "remount": "statfs:(statfs) remount_flags:i disposition:i",
    "kextload": "identifier:s",
    "kextunload": "identifier:s",
    "iokit_open": "user_client_type:i user_client_class:s parent_registry_id:i parent_path:s",
    "signal": "sig:i target:P instigator:P?",
    **dict.fromkeys(("get_task", "get_task_read", "get_task_inspect", "get_task_name"), "target:P type:i"),
    "proc_check": "target:P? type:i flavor:i",
    "proc_suspend_resume": "target:P? type:i",
    "trace": "target:P",
    "remote_thread_create": "target:P thread_state:(thread_state)?",
    "setuid": "uid:i",
    "setgid": "gid:i",
    "seteuid": "euid:i",
    "setegid": "egid:i",
    "setreuid": "ruid:i euid:i",
    "setregid": "rgid:i egid:i",
    "uipc_bind": "dir:F filename:s mode:i",
    "uipc_connect": "file:F domain:i type:i protocol:i",
    "pty_grant": "dev:i",
    "pty_close": "dev:i",
    "cs_invalidated": "",
    "settime": "",
    "file_provider_materialize": "instigator:P? source:F target:F instigator_token:T",
    "file_provider_update": "source:F target_path:s",
    "authentication": "success:b type:i data:(data)",
    "openssh_login": "success:b result_type:i source_address_type:i source_address:s username:s uid:i?",
    "openssh_logout": "source_address_type:i source_address:s username:s uid:i",
    "login_login": "success:b failure_message:s? username:s uid:i?",
    "login_logout": "username:s uid:i",
    **dict.fromkeys(
        ("lw_session_login", "lw_session_logout", "lw_session_lock", "lw_session_unlock"),
        "username:s graphical_session_id:i",
    ),
    "screensharing_attach": (
        "success:b source_address_type:i source_address:s? viewer_appleid:s? authentication_type:s "
        "authentication_username:s? session_username:s? existing_session:b graphical_session_id:i"
    ),
    "screensharing_detach": (
        "source_address_type:i source_address:s? viewer_appleid:s? graphical_session_id:i"
    ),
    "xp_malware_detected": (
        "signature_version:s malware_identifier:s incident_identifier:s detected_path:s detected_executable:s"
    ),
    "xp_malware_remediated": (
        "signature_version:s malware_identifier:s incident_identifier:s action_type:s success:b "
        "result_description:s remediated_path:s? remediated_process_audit_token:T?"
    ),
    "btm_launch_item_add": BTM + " executable_path:s?",
    "btm_launch_item_remove": BTM,
    "profile_add": "instigator:P? instigator_token:T is_update:b profile:(profile)",
    "profile_remove": "instigator:P? instigator_token:T profile:(profile)",
    "su": (
        "success:b failure_message:s? from_uid:i from_username:s to_uid:i? to_username:s? shell:s? argc:i "
        "argv:[s] env_count:i env:[s]"
    ),
    "sudo": (
        "success:b reject_info:(reject_info)? from_uid:i? from_username:s? to_uid:i? to_username:s? "
        "command:s?"
    ),
    "authorization_petition": (
        "instigator:P? petitioner:P? instigator_token:T petitioner_token:T flags:i right_count:i rights:[s]"
    ),
    "authorization_judgement": (
        "instigator:P? petitioner:P? instigator_token:T petitioner_token:T return_code:i result_count:i "
        "results:[(result)]"
    ),
    "od_group_add": OD + "group_name:s member:(member)",
    "od_group_remove": OD + "group_name:s member:(member)",
    "od_group_set": OD + "group_name:s members:(members)",
    "od_modify_password": OD + "account_type:i account_name:s",
    **dict.fromkeys(
        ("od_disable_user", "od_enable_user", "od_create_user", "od_delete_user"), OD + "user_name:s"
    ),
    **dict.fromkeys(("od_create_group", "od_delete_group"), OD + "group_name:s"),
    "od_attribute_value_add": ATTRIBUTE + "attribute_value:s",
    "od_attribute_value_remove": ATTRIBUTE + "attribute_value:s",
    "od_attribute_set": ATTRIBUTE + "attribute_values:[s]",
    "xpc_connect": "service_name:s service_domain_type:i",
    "gatekeeper_user_override": "file_type:i file:* sha256:s? signing_info:(signing_info)?",
    "tcc_modify": (
        "service:s identity:s identity_type:i update_type:i instigator_token:T instigator:P? "
        "responsible_token:T? responsible:P? right:i reason:i"
    ),
    "bootstrap_check_in": "instigator:P? instigator_token:T service_name:s",
    "bootstrap_look_up": "instigator:P? instigator_token:T service_name:s target_type:i target:(target)",
}
"""Every NOTIFY type's payload, as facts 4.4 list it for message version 11."""

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z\Z").match
PLAIN: dict[str, Callable[[Any], bool]] = {
    "i": lambda value: type(value) is int,
    "b": lambda value: type(value) is bool,
    "s": lambda value: type(value) is str,
    "t": lambda value: type(value) is str and TIME(value) is not None,
    "n": lambda value: value is None,
    "*": lambda value: True,
}


def fault(value: Any, kind: str, where: str) -> str | None:
    """What is wrong with `value`, or None when it is of `kind`."""
    if kind.endswith("?"):
        return None if value is None else fault(value, kind[:-1], where)
    if kind in PLAIN:
        return None if PLAIN[kind](value) else f"{where}: {value!r} is not {kind}"
    if kind.startswith("["):
        if type(value) is not list:
            return f"{where}: not an array"
        return next(filter(None, (fault(item, kind[1:-1], where + "[]") for item in value)), None)
    return object_fault(value, OBJECTS[kind.strip("()")], where)


def object_fault(value: Any, spec: str, where: str) -> str | None:
    if type(value) is not dict:
        return f"{where}: not an object"
    if spec == "*":
        return None
    members = dict(member.split(":", 1) for member in spec.split())
    needed = {key for key in members if not key.endswith("~")}
    kinds = {key.rstrip("~"): kind for key, kind in members.items()}
    if not needed <= set(value) <= set(kinds):
        return f"{where}: keys {sorted(set(value) ^ set(kinds))}"
    return next(filter(None, (fault(value[key], kinds[key], f"{where}.{key}") for key in value)), None)


def name_of(data: Data) -> str:
    (name,) = data["event"]
    return str(name)


def payload_of(data: Data) -> Data:
    (payload,) = data["event"].values()
    assert isinstance(payload, dict)
    return payload


def pair(process: Data) -> tuple[int, int]:
    return process["audit_token"]["pid"], process["audit_token"]["pidversion"]


def nanoseconds(time: str) -> int:
    whole = datetime.strptime(time[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    return int(whole.timestamp()) * 10**9 + int(time[20:-1])


@pytest.fixture(scope="module")
def raw() -> list[bytes]:
    return list(scenario.lines(0))


@pytest.fixture(scope="module")
def events(raw: list[bytes]) -> list[Data]:
    return [orjson.loads(line) for line in raw]


def of(events: list[Data], name: str) -> Iterator[Data]:
    return (payload_of(data) for data in events if name_of(data) == name)


# --- shapes -------------------------------------------------------------------------------------------


def test_every_notify_type_is_in_the_tests_own_table() -> None:
    assert set(PAYLOADS) == set(NOTIFY)


def test_one_pass_holds_every_notify_type(events: list[Data]) -> None:
    assert {name_of(data) for data in events} == set(NOTIFY)
    assert 20_000 <= len(events) <= 40_000


def test_envelopes_are_eslogger_s(events: list[Data]) -> None:
    for data in events:
        name = name_of(data)
        assert set(data) == ENVELOPE
        assert (data["schema_version"], data["version"], data["action_type"]) == (1, 11, 1)
        assert data["event_type"] == NOTIFY[name].number
        result = data["action"]["result"]
        assert result["result_type"] == (1 if name == "open" else 0)
        assert list(result["result"]) == ["flags" if name == "open" else "auth"]
        assert data["thread"] is None or list(data["thread"]) == ["thread_id"]


def test_payloads_and_processes_hold_exactly_the_keys_of_the_facts(events: list[Data]) -> None:
    for data in events:
        if data["seq_num"] < 300 or data["seq_num"] % 7 == 0:
            name = name_of(data)
            assert object_fault(payload_of(data), PAYLOADS[name], name) is None
            assert fault(data["process"], "P", "process") is None


def test_small_habits_of_the_encoder(raw: list[bytes], events: list[Data]) -> None:
    for line, data in zip(raw[::7], events[::7], strict=True):
        assert line.endswith(b"}\n")
        assert not re.search(rb"[\x00-\x1f]", line[:-1])
        assert not re.search(rb"(?<!\\)/", line), "every slash is escaped"
        process = data["process"]
        assert re.fullmatch(r"[0-9A-F]{40}", process["cdhash"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", process["start_time"])


def test_key_order_differs_from_object_to_object(events: list[Data]) -> None:
    orders = Counter(tuple(data) for data in events)
    assert len(orders) >= 50
    assert len({tuple(data["process"]["executable"]["stat"]) for data in events}) >= 30
    assert {next(iter(data)) for data in events} == ENVELOPE


# --- laws ---------------------------------------------------------------------------------------------


def test_sequence_numbers_and_times(events: list[Data]) -> None:
    counts: Counter[str] = Counter()
    first = nanoseconds(events[0]["time"])
    before = 0
    for index, data in enumerate(events):
        name = name_of(data)
        assert data["global_seq_num"] == index
        assert data["seq_num"] == counts[name]
        counts[name] += 1
        now = nanoseconds(data["time"])
        assert now > before
        before = now
        ticks = data["mach_time"] - events[0]["mach_time"]
        assert abs(ticks * 125 // 3 - (now - first)) <= 84, "24 MHz"
    assert 28 * 60 <= (before - first) // 10**9 <= 30 * 60


def test_processes_keep_the_laws_of_fork_exec_and_exit(events: list[Data]) -> None:
    running: dict[int, Data] = {}
    gone: set[tuple[int, int]] = set()
    for data in events:
        name, process, payload = name_of(data), data["process"], payload_of(data)
        pid, _ = pair(process)
        assert pair(process) not in gone
        known = running.setdefault(pid, process)
        assert pair(known) == pair(process)
        assert process["executable"]["path"] == known["executable"]["path"]
        assert process["original_ppid"] == known["original_ppid"]
        assert process["ppid"] in (process["original_ppid"], 1)
        assert process["parent_audit_token"]["pid"] == process["ppid"]
        if process["ppid"] in running:
            assert process["parent_audit_token"] == running[process["ppid"]]["audit_token"]
        responsible = process["responsible_audit_token"]
        if responsible["pid"] in running and responsible["pid"] != pid:
            assert responsible["pidversion"] == pair(running[responsible["pid"]])[1]
        elif responsible["pid"] == pid:
            assert responsible == process["audit_token"]
        running[pid] = process
        if name == "fork":
            check_fork(process, payload["child"], running, gone)
            running[pair(payload["child"])[0]] = payload["child"]
        elif name == "exec":
            check_exec(process, payload["target"])
            running[pid] = payload["target"]
        elif name == "exit":
            assert payload["stat"] & 0x7F == 0 or payload["stat"] < 32
            gone.add(pair(running.pop(pid)))
    assert len(gone) > 500


def check_fork(parent: Data, child: Data, running: dict[int, Data], gone: set[tuple[int, int]]) -> None:
    pid, pidversion = pair(child)
    assert pid not in running
    assert (pid, pidversion) not in gone
    assert pidversion > pair(parent)[1]
    assert child["ppid"] == child["original_ppid"] == pair(parent)[0]
    assert child["parent_audit_token"] == parent["audit_token"]
    for key in ("cdhash", "signing_id", "group_id", "session_id"):
        assert child[key] == parent[key]


def check_exec(before: Data, after: Data) -> None:
    assert pair(after)[0] == pair(before)[0]
    assert pair(after)[1] > pair(before)[1]
    for key in ("ppid", "original_ppid", "start_time", "parent_audit_token"):
        assert after[key] == before[key]


def test_processes_seen_as_targets_and_instigators_run(events: list[Data]) -> None:
    running: dict[int, int] = {}
    for data in events:
        name, payload = name_of(data), payload_of(data)
        pid, pidversion = pair(data["process"])
        running[pid] = pidversion
        for role in ("target", "instigator", "petitioner", "responsible", "child"):
            process = payload.get(role)
            if isinstance(process, dict) and "audit_token" in process:
                other, version = pair(process)
                if name not in ("fork", "exec") and other in running:
                    assert running[other] == version
                running[other] = version
            token = payload.get(f"{role}_token")
            if isinstance(process, dict) and token is not None and "audit_token" in process:
                assert token == process["audit_token"]


def test_reparented_children_keep_their_original_parent() -> None:
    world = World()
    shell = world.running("/bin/zsh", ALEX)
    child = world.spawn(shell, "/bin/sleep", ("sleep", "9"))
    world.exit(shell)
    last = orjson.loads(world.emit("settime", child))["process"]
    assert (last["ppid"], last["original_ppid"]) == (1, shell.pid)
    assert last["parent_audit_token"]["pid"] == 1


def test_exec_of_a_set_user_id_program_and_a_script() -> None:
    world = World()
    shell = world.running("/bin/zsh", ALEX)
    world.exit(world.spawn(shell, "/usr/bin/sudo", ("sudo", "-l")), code=1)
    fork, execution, end = (orjson.loads(line) for line in world.take())
    assert [name_of(data) for data in (fork, execution, end)] == ["fork", "exec", "exit"]
    target = payload_of(execution)["target"]
    assert (execution["process"]["audit_token"]["euid"], target["audit_token"]["euid"]) == (501, 0)
    assert pair(target) == pair(end["process"])
    assert payload_of(end)["stat"] == 256
    script = world.files.at("/Users/alex/run.sh")
    world.exec(world.fork(shell), "/bin/sh", ("/bin/sh", script.path), script=script)
    assert payload_of(orjson.loads(world.take()[-1]))["script"]["path"] == script.path


def test_launch_goes_through_xpcproxy() -> None:
    world = World()
    agent = world.launch("/usr/sbin/cfprefsd", ALEX, asid=100015)
    fork, proxy, program = (orjson.loads(line) for line in world.take())
    assert pair(fork["process"])[0] == 1
    assert payload_of(proxy)["target"]["executable"]["path"] == "/usr/libexec/xpcproxy"
    target = payload_of(program)["target"]
    assert pair(program["process"]) == pair(payload_of(proxy)["target"])
    assert (target["ppid"], target["audit_token"]["auid"], target["audit_token"]["asid"]) == (1, 501, 100015)
    assert target["responsible_audit_token"] == target["audit_token"]
    assert pair(target) == (agent.pid, agent.pidversion)


def test_a_file_keeps_its_inode_until_it_is_made_anew(events: list[Data]) -> None:
    inodes: dict[str, set[int]] = {}
    for data in events:
        file = data["process"]["executable"]
        inodes.setdefault(file["path"], set()).add(file["stat"]["st_ino"])
    assert all(
        len(found) == 1 for path, found in inodes.items() if path.startswith(("/bin/", "/usr/", "/sbin/"))
    )
    world = Mac()
    shell = world.shell
    file = world.save(shell, "/private/tmp/a", 10)
    inode = file.inode
    world.rename(shell, file, "/private/tmp/b")
    assert world.files.at("/private/tmp/b").inode == inode
    assert world.files.known("/private/tmp/a") is None
    assert world.save(shell, "/private/tmp/b", 10).inode != inode


# --- what there is to see -----------------------------------------------------------------------------


def test_the_ssh_login_is_told_by_sshd(events: list[Data]) -> None:
    logins = [data for data in events if name_of(data) == "openssh_login"]
    assert {payload_of(data)["success"] for data in logins} == {True, False}
    logout = next(data for data in events if name_of(data) == "openssh_logout")
    login = next(data for data in logins if payload_of(data)["success"])
    assert login["process"]["executable"]["path"] == "/usr/sbin/sshd"
    assert pair(login["process"]) == pair(logout["process"])
    started = next(
        data
        for data in events
        if name_of(data) == "exec" and pair(payload_of(data)["target"]) == pair(login["process"])
    )
    assert payload_of(started)["target"]["signing_id"] == "com.apple.sshd"
    shells = [
        payload_of(data)
        for data in events
        if name_of(data) == "exec" and data["process"]["signing_id"] == "com.apple.sshd"
    ]
    assert any(shell["args"] == ["-zsh"] and shell["target"]["tty"] for shell in shells)


def test_all_two_target_types_and_both_arms_of_a_destination(events: list[Data]) -> None:
    assert {data["destination_type"] for data in of(events, "rename")} == {0, 1}
    for name in ("rename", "create"):
        for data in of(events, name):
            assert list(data["destination"]) == ["new_path" if data["destination_type"] else "existing_file"]
    assert {data["target_file"] is None for data in of(events, "copyfile")} == {True, False}
    assert {data["target"] is None for data in of(events, "proc_check")} == {True, False}
    assert {data["target"] is None for data in of(events, "proc_suspend_resume")} == {True, False}
    for name in ("link", "clone", "exchangedata"):
        assert any(True for _ in of(events, name))
    denied = [data for data in events if data["action"]["result"]["result"].get("auth")]
    assert [name_of(data) for data in denied] == ["create"]


def test_the_talk_s_mutes_have_something_to_do(events: list[Data]) -> None:
    written = Counter(data["target"]["path"] for data in of(events, "write"))
    assert sum(count for path, count in written.items() if path.startswith("/private/var/log/")) > 200
    assert written["/dev/null"] > 100
    created = {data["destination"].get("existing_file", {}).get("path", "") for data in of(events, "create")}
    assert "/Users/alex/Library/LaunchAgents/com.example.update.plist" in created


def test_the_planted_agent_is_found_ended_and_removed(events: list[Data]) -> None:
    plist = "/Users/alex/Library/LaunchAgents/com.example.update.plist"
    order = ["btm_launch_item_add", "xp_malware_detected", "xp_malware_remediated", "btm_launch_item_remove"]
    assert [name for name, _ in itertools.groupby(name_of(d) for d in events if name_of(d) in order)] == order
    found = next(of(events, "xp_malware_detected"))["detected_path"]
    killed = next(data for data in of(events, "signal") if data["sig"] == 9)["target"]
    assert killed["executable"]["path"] == found
    end = next(data for data in events if name_of(data) == "exit" and pair(data["process"]) == pair(killed))
    assert payload_of(end)["stat"] == 9
    removed = {data["target"]["path"] for data in of(events, "unlink")}
    assert {found, plist} <= removed


def test_hostile_names_are_there_and_escaped(raw: list[bytes], events: list[Data]) -> None:
    removed = {data["target"]["path"] for data in of(events, "unlink")}
    assert {f"/Users/alex/.Trash/{name}" for name in HOSTILE_NAMES} <= removed
    assert any(b"[\\/foo]" in line for line in raw)
    assert any(b"\\u001b[31m" in line for line in raw)


def test_secrets_and_real_people_stay_out(raw: list[bytes]) -> None:
    assert not re.search(rb"SSH_AUTH_SOCK|PASSWORD=|TOKEN=|@(gmail|icloud)", b"".join(raw))


# --- passes, seeds, shapes ----------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes() -> None:
    def first(seed: int) -> list[bytes]:
        return list(itertools.islice(scenario.lines(seed), 3000))

    assert first(5) == first(5)
    assert first(5) != first(6)


def test_passes_continue_one_another(raw: list[bytes]) -> None:
    stream = scenario.forever(0)
    assert list(itertools.islice(stream, len(raw))) == raw
    second = list(scenario.lines(0, loop=1))
    assert list(itertools.islice(stream, len(second))) == second
    last: Counter[str] = Counter(name_of(orjson.loads(line)) for line in raw)
    begin = nanoseconds(orjson.loads(raw[-1])["time"])
    for index, line in enumerate(second, len(raw)):
        data = orjson.loads(line)
        assert data["global_seq_num"] == index
        assert data["seq_num"] == last[name_of(data)]
        last[name_of(data)] += 1
        assert nanoseconds(data["time"]) > begin
    assert set(last) == set(NOTIFY)


def test_a_mac_does_not_grow_from_pass_to_pass() -> None:
    mac = Mac(1)
    sizes = []
    for _ in range(3):
        assert sum(1 for _ in scenario.play(mac)) > 20_000
        sizes.append((len(mac.processes), len(mac.files)))
    assert sizes[1][0] == sizes[2][0]
    assert sizes[2][1] - sizes[1][1] < 40
    assert not mac.pending


def test_start_is_the_time_of_the_first_event() -> None:
    start = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)
    line = orjson.loads(next(scenario.lines(0, start)))
    assert line["time"].startswith("2031-02-03T04:05:06.")


def test_only_what_is_subscribed_to_is_counted() -> None:
    wanted = {"exec", "exit"}
    found = [orjson.loads(line) for line in itertools.islice(scenario.lines(0, subscribe=wanted), 400)]
    assert {name_of(data) for data in found} == wanted
    assert [data["global_seq_num"] for data in found] == list(range(400))


def test_an_older_release_lacks_newer_types_and_members() -> None:
    shape = Shape(version=6, tokens="array", escape_slashes=False, ascii_only=True, shuffle=False)
    found = [orjson.loads(line) for line in scenario.lines(0, shape=shape)]
    assert {name_of(data) for data in found} == {
        name for name, kind in NOTIFY.items() if float(kind.since.split(".")[0]) <= 13
    }
    assert {tuple(data) for data in found} == {tuple(found[0])}
    text = orjson.dumps(found)
    for newer in (
        b"cs_validation_category",
        b'_token":{',
        b"instigator_token",
        b"entitlements",
        b"f_flags_ext",
    ):
        assert newer not in text
    execution = next(of(found, "exec"))
    assert "dyld_exec_path" not in execution
    assert execution["target"]["audit_token"][5] > 1
    raw = next(line for line in scenario.lines(0, shape=shape) if b"/" in line)
    assert b"\\/" not in raw
    assert raw.isascii()


def test_version_10_has_all_but_what_27_brought() -> None:
    found = [orjson.loads(line) for line in scenario.lines(0, shape=Shape(version=10))]
    assert set(NOTIFY) - {name_of(data) for data in found} == {"bootstrap_check_in", "bootstrap_look_up"}
    assert "entitlements" not in next(of(found, "exec"))
    assert "cs_validation_category" in found[0]["process"]


def test_the_world_writes_any_line_a_test_needs() -> None:
    world = World(seed=7)
    daemon = world.running("/usr/libexec/odd\udcffd", ROOT, pid=321)
    file = world.files.at("/private/tmp/new\nline")
    line = world.emit("open", daemon, {"fflag": 1, "file": file}, denied=True, thread=False)
    assert b"odd\xffd" in line, "a byte that is not UTF-8 goes out as it is"
    data = orjson.loads(line.replace(b"\xff", b"?"))
    assert data["thread"] is None
    assert data["action"]["result"]["result"] == {"flags": 0}
    assert payload_of(data)["file"]["path"] == "/private/tmp/new\nline"
    assert world.take() == [line]
    assert world.take() == []
    with pytest.raises(TypeError, match="no JSON for"):
        world.emit("settime", daemon, {"odd": object()})


def test_help_has_a_line_for_every_scene() -> None:
    assert len(scenario.SCENES) == len({name for name, _ in scenario.SCENES})
    assert all(name and text and "\n" not in text for name, text in scenario.SCENES)
