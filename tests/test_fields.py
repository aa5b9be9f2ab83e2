from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.events import NOTIFY
from estui.fields import TOKEN_WORDS, explain, shape
from estui.message import decoders
from estui.text import printable

# Below, `name:shape` is a field whose value is such an object; the path is relative to its table.

ENVELOPE = (
    "action action.result action.result.result action.result.result.auth action.result.result.flags "
    "action.result.result_type action_type event event_type global_seq_num mach_time process:process "
    "schema_version seq_num thread thread.thread_id time version "
)

DEFINITIONS = {
    "audit_token": "asid auid egid euid pid pidversion rgid ruid",
    "file": "path path_truncated stat:stat",
    "process": (
        "audit_token:audit_token cdhash codesigning_flags cs_validation_category executable:file group_id "
        "is_es_client is_platform_binary original_ppid parent_audit_token:audit_token ppid "
        "responsible_audit_token:audit_token session_id signing_id start_time team_id tty:file"
    ),
    "stat": (
        "st_atimespec st_birthtimespec st_blksize st_blocks st_ctimespec st_dev st_flags st_gen st_gid "
        "st_ino st_mode st_mtimespec st_nlink st_rdev st_size st_uid"
    ),
}

MACOS_27 = {
    "authorization_judgement": (
        "instigator:process instigator_token:audit_token petitioner:process petitioner_token:audit_token "
        "result_count results results[] results[].granted results[].right_name results[].rule_class "
        "return_code"
    ),
    "authorization_petition": (
        "flags instigator:process instigator_token:audit_token petitioner:process "
        "petitioner_token:audit_token right_count rights"
    ),
    "btm_launch_item_add": (
        "app:process app_token:audit_token executable_path instigator:process "
        "instigator_token:audit_token item item.app_url item.item_type item.item_url item.legacy "
        "item.managed item.uid"
    ),
    "btm_launch_item_remove": (
        "app:process app_token:audit_token instigator:process instigator_token:audit_token item "
        "item.app_url item.item_type item.item_url item.legacy item.managed item.uid"
    ),
    "close": "modified target:file was_mapped_writable",
    "create": (
        "acl destination destination.existing_file:file destination.new_path.dir:file "
        "destination.new_path.filename destination.new_path.mode destination.new_path destination_type"
    ),
    "cs_invalidated": "",
    "deleteextattr": "extattr target:file",
    "dup": "target:file",
    "exec": (
        "args cwd:file dyld_exec_path entitlements env fds fds[] fds[].fd fds[].fdtype fds[].pipe.pipe_id "
        "fds[].pipe image_cpusubtype image_cputype last_fd script:file target:process"
    ),
    "exit": "stat",
    "fork": "child:process",
    "gatekeeper_user_override": (
        "file:file file_type sha256 signing_info signing_info.cdhash signing_info.signing_id "
        "signing_info.team_id"
    ),
    "get_task": "target:process type",
    "getextattr": "extattr target:file",
    "iokit_open": "parent_path parent_registry_id user_client_class user_client_type",
    "link": "source:file target_dir:file target_filename",
    "listextattr": "target:file",
    "login_login": "failure_message success uid username",
    "lw_session_login": "graphical_session_id username",
    "lw_session_unlock": "graphical_session_id username",
    "mmap": "file_pos flags max_protection protection source:file",
    "mount": (
        "disposition statfs statfs.f_bavail statfs.f_bfree statfs.f_blocks statfs.f_bsize statfs.f_ffree "
        "statfs.f_files statfs.f_flags statfs.f_flags_ext statfs.f_fsid statfs.f_fssubtype "
        "statfs.f_fstypename statfs.f_iosize statfs.f_mntfromname statfs.f_mntonname statfs.f_owner "
        "statfs.f_type"
    ),
    "mprotect": "address protection size",
    "od_attribute_value_add": (
        "attribute_name attribute_value db_path error_code instigator:process "
        "instigator_token:audit_token node_name record_name record_type"
    ),
    "od_create_group": (
        "db_path error_code group_name instigator:process instigator_token:audit_token node_name"
    ),
    "od_create_user": (
        "db_path error_code instigator:process instigator_token:audit_token node_name user_name"
    ),
    "od_group_add": (
        "db_path error_code group_name instigator:process instigator_token:audit_token member "
        "member.member_type member.member_value node_name"
    ),
    "od_group_remove": (
        "db_path error_code group_name instigator:process instigator_token:audit_token member "
        "member.member_type member.member_value node_name"
    ),
    "od_modify_password": (
        "account_name account_type db_path error_code instigator:process instigator_token:audit_token "
        "node_name"
    ),
    "open": "fflag file:file",
    "openssh_login": "result_type source_address source_address_type success uid username",
    "openssh_logout": "source_address source_address_type uid username",
    "proc_check": "flavor target:process type",
    "proc_suspend_resume": "target:process type",
    "profile_add": (
        "instigator:process instigator_token:audit_token is_update profile profile.display_name "
        "profile.identifier profile.install_source profile.organization profile.scope profile.uuid"
    ),
    "pty_grant": "dev",
    "remote_thread_create": "target:process thread_state thread_state.flavor thread_state.state",
    "rename": (
        "destination destination.existing_file:file destination.new_path.dir:file "
        "destination.new_path.filename destination.new_path destination_type source:file"
    ),
    "setextattr": "extattr target:file",
    "setmode": "mode target:file",
    "signal": "instigator:process sig target:process",
    "tcc_modify": (
        "identity identity_type instigator:process instigator_token:audit_token reason "
        "responsible:process responsible_token:audit_token right service update_type"
    ),
    "trace": "target:process",
    "uipc_bind": "dir:file filename mode",
    "uipc_connect": "domain file:file protocol type",
    "unlink": "parent_dir:file target:file",
    "write": "target:file",
    "xp_malware_detected": (
        "detected_executable detected_path incident_identifier malware_identifier signature_version"
    ),
    "xp_malware_remediated": (
        "action_type incident_identifier malware_identifier remediated_path "
        "remediated_process_audit_token:audit_token result_description signature_version success"
    ),
    "xpc_connect": "service_domain_type service_name",
}
"""What eslogger of macOS 27.0 writes for 51 types."""

ATTRLIST = (
    "attrlist.bitmapcount attrlist.commonattr attrlist.volattr attrlist.dirattr attrlist.fileattr "
    "attrlist.forkattr"
)
OD = "instigator:process instigator_token:audit_token error_code node_name db_path"

OTHERS = {
    **dict.fromkeys(["truncate", "stat", "chdir", "chroot", "readdir", "fsgetpath"], "target:file"),
    **dict.fromkeys(["get_task_read", "get_task_inspect", "get_task_name"], "target:process type"),
    **dict.fromkeys(["lw_session_logout", "lw_session_lock"], "username graphical_session_id"),
    **dict.fromkeys(["kextload", "kextunload"], "identifier"),
    **dict.fromkeys(["getattrlist", "setattrlist", "searchfs"], f"target:file attrlist {ATTRLIST}"),
    **dict.fromkeys(["od_disable_user", "od_enable_user", "od_delete_user"], f"{OD} user_name"),
    "access": "mode target:file",
    "authentication": (
        "success type data data.od data.od.instigator:process data.od.instigator_token:audit_token "
        "data.od.record_type data.od.record_name data.od.node_name data.od.db_path data.touchid "
        "data.touchid.instigator:process data.touchid.touchid_mode data.touchid.uid data.token "
        "data.token.instigator:process data.token.pubkey_hash data.token.token_id "
        "data.token.kerberos_principal data.auto_unlock data.auto_unlock.username data.auto_unlock.type "
        "instigator_token:audit_token"
    ),
    "clone": "source:file target_dir:file target_name",
    "copyfile": "source:file target_file:file target_dir:file target_name mode flags",
    "exchangedata": "file1:file file2:file",
    "fcntl": "cmd target:file",
    "file_provider_materialize": "instigator:process instigator_token:audit_token source:file target:file",
    "file_provider_update": "source:file target_path",
    "login_logout": "username uid",
    "lookup": "source_dir:file relative_target",
    "od_attribute_set": f"{OD} record_type record_name attribute_name attribute_values",
    "od_attribute_value_remove": f"{OD} record_type record_name attribute_name attribute_value",
    "od_delete_group": f"{OD} group_name",
    "od_group_set": f"{OD} group_name members members.member_type members.member_array",
    "profile_remove": "instigator:process instigator_token:audit_token profile profile.identifier",
    "pty_close": "dev",
    "readlink": "source:file",
    "remount": "statfs statfs.f_mntonname remount_flags disposition",
    "screensharing_attach": (
        "success source_address_type source_address viewer_appleid authentication_type "
        "authentication_username session_username existing_session graphical_session_id"
    ),
    "screensharing_detach": "source_address_type source_address viewer_appleid graphical_session_id",
    "setacl": "target:file set_or_clear acl",
    "setegid": "egid",
    "seteuid": "euid",
    "setflags": "flags target:file",
    "setgid": "gid",
    "setowner": "uid gid target:file",
    "setregid": "rgid egid",
    "setreuid": "ruid euid",
    "settime": "",
    "setuid": "uid",
    "su": (
        "success failure_message from_uid from_username to_uid to_username shell argc argv argv[] env_count "
        "env env[]"
    ),
    "sudo": (
        "success reject_info reject_info.plugin_name reject_info.plugin_type reject_info.failure_message "
        "from_uid from_username to_uid to_username command"
    ),
    "unmount": "statfs statfs.f_mntonname statfs.f_mntfromname",
    "utimes": "target:file atime mtime",
    "bootstrap_check_in": "instigator:process",
    "bootstrap_look_up": "instigator:process",
}
"""The types the list of macOS 27 lacks, as macOS 13 and 14 wrote them and later messages added."""

SHAPED = {"process", "file", "audit_token", "stat"}


def every_field() -> list[tuple[str, str, str]]:
    """(path, event, shape or "") of every field there is, those of the shapes included."""
    tables = [("", "exec", ENVELOPE)]
    tables += [(f"event.{event}.", event, words) for event, words in {**OTHERS, **MACOS_27}.items()]
    found = []
    for prefix, event, words in tables:  # grows on the way
        for word in words.split():
            name, _, kind = word.partition(":")
            found.append((prefix + name, event, kind))
            tables.append((f"{prefix}{name}.", event, DEFINITIONS.get(kind, "")))
    return found


EVERY_FIELD = every_field()


def test_the_lists_cover_every_notify_type() -> None:
    assert {**OTHERS, **MACOS_27}.keys() == NOTIFY.keys()
    assert OTHERS.keys().isdisjoint(MACOS_27)


def test_every_field_is_explained_in_one_short_line() -> None:
    for path, event, _ in EVERY_FIELD:
        text = explain(path, event)
        assert text, path
        assert len(text) <= 100, path
        assert text.endswith((".", "...")), path
        assert printable(text) == text, path


def test_the_words_of_a_token_are_its_fields() -> None:
    assert sorted(TOKEN_WORDS) == DEFINITIONS["audit_token"].split()


def test_every_object_is_known_by_its_shape() -> None:
    for path, event, kind in EVERY_FIELD:
        if kind:
            assert shape(path, event) == kind, path
        else:
            assert shape(path, event) not in SHAPED, path


def test_every_shape_of_a_value_has_a_decoder() -> None:
    shapes = {shape(path, event) for path, event, _ in EVERY_FIELD} - SHAPED
    assert shapes - {"", "statfs", "attrlist", "time"} == set(decoders._DECODERS)


@pytest.mark.parametrize(
    ("path", "event", "same"),
    [
        ("process.audit_token[5]", "exec", "process.audit_token.pid"),
        ("event.fork.child.parent_audit_token[0]", "fork", "process.audit_token.auid"),
        ("event.exec.fds[12].fdtype", "exec", "event.exec.fds[].fdtype"),
        ("event.exec.env[3]", "exec", "event.exec.env"),
        ("event.exec.entitlements.com.apple.private.tcc.allow[0]", "exec", "event.exec.entitlements"),
        ("event.hover.target.audit_token.pidversion", "hover", "process.audit_token.pidversion"),
        ("event.hover.thing.executable.stat.st_mode", "hover", "process.executable.stat.st_mode"),
    ],
)
def test_paths_that_mean_the_same(path: str, event: str, same: str) -> None:
    assert explain(path, event) == explain(same, event) is not None
    if ".entitlements" not in path:
        assert shape(path, event) == shape(same, event)


def test_what_is_not_known_is_not_explained() -> None:
    assert explain("event.hover.height", "hover") is None
    assert explain("event.exec.new_in_macos_30", "exec") is None
    assert explain("nonsense", "exec") is None
    assert explain("", "") is None
    assert shape("event.exec.entitlements", "exec") == ""
    assert shape("event.exec.entitlements.pid", "exec") == ""


def test_an_event_and_a_shape_may_share_a_name() -> None:
    assert shape("event.exit.stat", "exit") == "wait_status"
    assert shape("event.stat.target.stat", "stat") == "stat"


@given(st.text(), st.text())
def test_no_path_is_too_odd(path: str, event: str) -> None:
    for odd in (path, f"event.{event}.{path}", f"process.audit_token[{path}]", f"event.exec.{path}.pid"):
        assert isinstance(shape(odd, event), str)
        assert explain(odd, event) is None or isinstance(explain(odd, event), str)


def test_a_path_may_be_long() -> None:
    deep = "event.exec.args" + "[0].x" * 100_000 + "[" + "9" * 100_000 + "]"
    assert explain(deep, "exec") is None
