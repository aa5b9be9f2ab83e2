"""What an event acts on: its target paths as muting sees them, its instigator, and words for the list.

Payloads are hostile: a field may be missing or of any JSON type, and nothing here raises for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Any, NamedTuple

from estui.events import INSTIGATOR_EVENTS, NOTIFY, PETITIONER_EVENTS
from estui.message import AuditToken, decode, int_column, str_column

_Keys = tuple[str, ...]
_Path = tuple[_Keys, ...]
"""One way to read a path: the field that holds it, or the directory and the name to join."""


def _compile(notation: str) -> tuple[tuple[_Path, ...], ...]:
    """Turn the catalogue's notation into targets, each a tuple of alternatives."""
    return tuple(
        tuple(tuple(tuple(part.split(".")) for part in path.split("+/+")) for path in target.split("|"))
        for target in notation.split(";")
    )


_AUTHENTICATION_ARMS = ("od", "touchid", "token")
_TARGETS = {
    event.name: _compile(event.target_path_fields) for event in NOTIFY.values() if event.supports_targets
}


def _get(value: Any, keys: _Keys) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _join(directory: str, name: str) -> str:
    return directory + name if directory.endswith("/") else f"{directory}/{name}"


def _resolve(payload: Mapping[str, Any], alternatives: tuple[_Path, ...]) -> str | None:
    for path in alternatives:
        parts = [str_column(_get(payload, keys)) for keys in path]
        match parts:
            case [str(whole)]:
                return whole
            case [str(directory), str(name)]:
                return _join(directory, name)
    return None


def targets(name: str, payload: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the target paths of an event, in ES's order: none, one or two.

    `name` is the eslogger name, `payload` the object under it. A type that does not support target-path
    muting has none, as has a name estui does not know. Of a union the first alternative counts whose parts
    are all strings; a target without one is absent.
    """
    found = (_resolve(payload, alternatives) for alternatives in _TARGETS.get(name, ()))
    return tuple(path for path in found if path is not None)


def instigator(name: str, payload: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return (pid, pidversion) of the instigator role, which macOS 27 lets process muting ask too.

    The process object's own audit token counts first, then the separate token (message version 8 and newer).
    For the two authorization events the role is the petitioner. An `authentication` event carries it in the
    arm of `data` that is there, or else beside it. None where the event has no such role, or does not name
    both numbers.
    """
    if name not in INSTIGATOR_EVENTS:
        return None
    role = "petitioner" if name in PETITIONER_EVENTS else "instigator"
    arms = _AUTHENTICATION_ARMS if name == "authentication" else ()
    for holder in (*(_get(payload, ("data", arm)) for arm in arms), payload):
        for keys in ((role, "audit_token"), (f"{role}_token",)):
            match AuditToken.of(_get(holder, keys)):
                case AuditToken(pid=int(pid), pidversion=int(version)):
                    return pid, version
    return None


_SUBJECTS = {
    "fork": "{child.executable.path}",
    "exit": "{stat:text}",
    "kextload": "{identifier}",
    "kextunload": "{identifier}",
    "mprotect": "{protection:text} {address:text}",
    "mount": "{statfs.f_mntonname}",
    "unmount": "{statfs.f_mntonname}",
    "remount": "{statfs.f_mntonname}",
    "iokit_open": "{user_client_class}",
    "file_provider_materialize": "{target.path}|{source.path}",
    "file_provider_update": "{target_path}|{source.path}",
    "lookup": "{source_dir.path+/+relative_target}|{relative_target}",
    "fsgetpath": "{target.path}",
    "pty_grant": "{dev:text}",
    "pty_close": "{dev:text}",
    "setuid": "uid {uid}",
    "setgid": "gid {gid}",
    "seteuid": "euid {euid}",
    "setegid": "egid {egid}",
    "setreuid": "ruid {ruid} euid {euid}",
    "setregid": "rgid {rgid} egid {egid}",
    "authentication": "{type:text} {data.od.record_name}|{type:text} {data.auto_unlock.username}"
    "|{type:text} {data.token.kerberos_principal}|{type:text} {data.token.token_id}"
    "|{type:text} uid {data.touchid.uid}|{type:text}",
    "xp_malware_detected": "{detected_path}|{malware_identifier}",
    "xp_malware_remediated": "{remediated_path}|{malware_identifier}",
    "lw_session_login": "{username}",
    "lw_session_logout": "{username}",
    "lw_session_lock": "{username}",
    "lw_session_unlock": "{username}",
    "screensharing_attach": "{authentication_username}@{source_address}|{viewer_appleid}@{source_address}"
    "|{source_address}|{viewer_appleid}|{session_username}",
    "screensharing_detach": "{viewer_appleid}@{source_address}|{source_address}|{viewer_appleid}",
    "openssh_login": "{username}@{source_address}|{username}",
    "openssh_logout": "{username}@{source_address}|{username}",
    "login_login": "{username}",
    "login_logout": "{username}",
    "btm_launch_item_add": "{item.item_url}|{executable_path}",
    "btm_launch_item_remove": "{item.item_url}",
    "profile_add": "{profile.identifier}|{profile.display_name}",
    "profile_remove": "{profile.identifier}|{profile.display_name}",
    "su": "{from_username} → {to_username}|{to_username}|{from_username}",
    "sudo": "{command}|{from_username} → {to_username}|{to_username}|{from_username}",
    "authorization_petition": "{rights}",
    "authorization_judgement": "{results}",
    "od_group_add": "{member.member_value} to {group_name}|{group_name}",
    "od_group_remove": "{member.member_value} from {group_name}|{group_name}",
    "od_group_set": "{group_name}",
    "od_modify_password": "{account_name}",
    "od_disable_user": "{user_name}",
    "od_enable_user": "{user_name}",
    "od_attribute_value_add": "{record_name} {attribute_name}",
    "od_attribute_value_remove": "{record_name} {attribute_name}",
    "od_attribute_set": "{record_name} {attribute_name}",
    "od_create_user": "{user_name}",
    "od_create_group": "{group_name}",
    "od_delete_user": "{user_name}",
    "od_delete_group": "{group_name}",
    "xpc_connect": "{service_name}",
    "gatekeeper_user_override": "{file.path}|{file}",
    "tcc_modify": "{identity} {service}",
    "bootstrap_check_in": "{service_name}",
    "bootstrap_look_up": "{service_name}",
}
"""What stands for a type without targets: `|` parts choices, of which the first counts whose fields are all
there; `:text` asks for the decoded value."""
_UNKNOWN = "{target.executable.path}|{target.path}|{file.path}|{source.path}|{path}|{service_name}|{username}"
"""A guess at a type estui does not know, by the names that others use."""


class _Field(NamedTuple):
    before: str
    path: _Path
    decoded: bool


def _template(notation: str) -> tuple[tuple[_Field, ...], ...]:
    return tuple(
        tuple(
            _Field(literal, _compile(field or "")[0][0], spec == "text")
            for literal, field, spec, _ in Formatter().parse(choice)
        )
        for choice in notation.split("|")
    )


_TEMPLATES = {name: _template(notation) for name, notation in _SUBJECTS.items()}
_UNKNOWN_TEMPLATE = _template(_UNKNOWN)


def _words(value: Any) -> str:
    return ", ".join(filter(None, map(_word, value if isinstance(value, list) else [value])))


def _word(value: Any) -> str:
    if isinstance(value, dict):  # one of authorization_judgement's results
        value = value.get("right_name")
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _filled(name: str, payload: Mapping[str, Any], choice: tuple[_Field, ...]) -> str:
    text = ""
    for before, path, decoded in choice:
        value = _get(payload, path[0]) if len(path) == 1 else _resolve(payload, (path,))
        words = _words(value)
        if decoded:
            words = decode(f"event.{name}.{'.'.join(path[0])}", value, name) or words
        if not words:
            return ""
        text += before + words
    return text


def subject(name: str, payload: Mapping[str, Any]) -> str:
    """Return what the event list shows as the target, "" where the event tells nothing.

    For a type that supports target-path muting these are its targets. For the others it is what the event is
    about, to be read and not to be muted by. A failure the payload admits to is added.
    """
    if name in _TARGETS:
        return " → ".join(targets(name, payload))
    choices = _TEMPLATES.get(name, () if name in NOTIFY else _UNKNOWN_TEMPLATE)
    words = next(filter(None, (_filled(name, payload, choice) for choice in choices)), "")
    error = int_column(payload.get("error_code"))
    if payload.get("success") is False:
        words += " (failed)"
    elif error:
        words += f" (error {error})"
    return words.strip()
