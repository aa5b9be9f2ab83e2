"""Views of a message's parts. What is missing, or of another JSON type than eslogger's, reads as None."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from estui.fields import TOKEN_WORDS
from estui.message.reader import BadLine, event_of, int_column, loads, str_column


def _bool(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class AuditToken:
    """`audit_token_t`: who a process is. `(pid, pidversion)` names one execution; exec raises pidversion."""

    auid: int | None = None
    """The user who logged in, through su and sudo; 4294967295 where nobody did."""
    euid: int | None = None
    egid: int | None = None
    ruid: int | None = None
    rgid: int | None = None
    pid: int | None = None
    asid: int | None = None
    """Audit session."""
    pidversion: int | None = None

    @classmethod
    def of(cls, value: Any) -> AuditToken:
        """Read a token of either JSON shape: an object by names, or an array of exactly 8 in word order.

        macOS 26 betas wrote arrays; the shape says nothing about the message version. Of any other value, all
        fields are None.
        """
        if isinstance(value, dict):
            return cls(*(int_column(value.get(word)) for word in TOKEN_WORDS))
        if isinstance(value, list) and len(value) == len(TOKEN_WORDS):
            return cls(*map(int_column, value))
        return cls()


@dataclass(frozen=True, slots=True)
class File:
    """`es_file_t`."""

    path: str | None
    path_truncated: bool | None
    """ES cuts paths at 16 KiB."""
    stat: dict[str, Any] = field(repr=False)
    """`struct stat` by its field names, as the line has it; empty where there is none."""

    @classmethod
    def of(cls, value: Any) -> File | None:
        """Read a file object; None for anything else."""
        if not isinstance(value, dict):
            return None
        stat = value.get("stat")
        return cls(
            str_column(value.get("path")),
            _bool(value.get("path_truncated")),
            stat if isinstance(stat, dict) else {},
        )


@dataclass(frozen=True, slots=True)
class Process:
    """`es_process_t`."""

    audit_token: AuditToken
    parent_audit_token: AuditToken
    """The parent, exactly; prefer it over `ppid`."""
    responsible_audit_token: AuditToken
    """The application macOS holds responsible (the one TCC asks about); may be the process itself."""
    ppid: int | None
    """Changes when the parent dies; `original_ppid` does not."""
    original_ppid: int | None
    group_id: int | None
    session_id: int | None
    codesigning_flags: int | None
    cs_validation_category: int | None
    is_platform_binary: bool | None
    is_es_client: bool | None
    cdhash: str | None
    signing_id: str | None
    team_id: str | None
    executable: File | None
    tty: File | None
    start_time: str | None
    """Time of the fork, not of the exec; the line's own string."""

    @classmethod
    def of(cls, value: Any) -> Process | None:
        """Read a process object; None for anything else."""
        if not isinstance(value, dict):
            return None
        get = value.get
        return cls(
            audit_token=AuditToken.of(get("audit_token")),
            parent_audit_token=AuditToken.of(get("parent_audit_token")),
            responsible_audit_token=AuditToken.of(get("responsible_audit_token")),
            ppid=int_column(get("ppid")),
            original_ppid=int_column(get("original_ppid")),
            group_id=int_column(get("group_id")),
            session_id=int_column(get("session_id")),
            codesigning_flags=int_column(get("codesigning_flags")),
            cs_validation_category=int_column(get("cs_validation_category")),
            is_platform_binary=_bool(get("is_platform_binary")),
            is_es_client=_bool(get("is_es_client")),
            cdhash=str_column(get("cdhash")),
            signing_id=str_column(get("signing_id")),
            team_id=str_column(get("team_id")),
            executable=File.of(get("executable")),
            tty=File.of(get("tty")),
            start_time=str_column(get("start_time")),
        )


class Message:
    """`es_message_t`: one raw line, read when it is first looked into.

    Every property may raise BadLine where the line is not an event; look at `data` or `event` first to find
    that out.
    """

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        """The line as it came, without its newline."""

    @cached_property
    def data(self) -> dict[str, Any]:
        """The whole line. Raises BadLine where it is not a JSON object."""
        if not self.raw.strip(b" \t\r\n"):
            raise BadLine("empty line")
        try:
            data = loads(self.raw)
        except ValueError as error:
            raise BadLine("not valid JSON") from error
        if not isinstance(data, dict):
            raise BadLine("not a JSON object")
        return data

    @cached_property
    def _event(self) -> tuple[str, dict[str, Any]]:
        return event_of(self.data)

    @property
    def event(self) -> str:
        """eslogger's name of the event, whether estui knows it or not."""
        return self._event[0]

    @property
    def payload(self) -> dict[str, Any]:
        """The object under the event's name."""
        return self._event[1]

    @property
    def schema_version(self) -> int | None:
        """Version of the JSON's shape; not the version of the message."""
        return int_column(self.data.get("schema_version"))

    @property
    def version(self) -> int | None:
        """Version of the message; says which fields exist."""
        return int_column(self.data.get("version"))

    @property
    def event_type(self) -> int | None:
        """`es_event_type_t` as the line has it."""
        return int_column(self.data.get("event_type"))

    @property
    def action_type(self) -> int | None:
        """0 AUTH, 1 NOTIFY."""
        return int_column(self.data.get("action_type"))

    @property
    def action(self) -> dict[str, Any]:
        """For NOTIFY the result: what the AUTH clients answered. Empty where there is none."""
        action = self.data.get("action")
        return action if isinstance(action, dict) else {}

    @property
    def time(self) -> str | None:
        """Wall clock, UTC; the line's own string."""
        return str_column(self.data.get("time"))

    @property
    def mach_time(self) -> int | None:
        """Mach absolute time, in ticks of the recording machine."""
        return int_column(self.data.get("mach_time"))

    @property
    def seq_num(self) -> int | None:
        """Counts the messages of this type to this client; a gap is a loss."""
        return int_column(self.data.get("seq_num"))

    @property
    def global_seq_num(self) -> int | None:
        """Counts all messages to this client; a gap is a loss."""
        return int_column(self.data.get("global_seq_num"))

    @cached_property
    def process(self) -> Process | None:
        """Who acted: before the exec, the parent of a fork, or the daemon that reports a user-space event."""
        return Process.of(self.data.get("process"))

    @property
    def thread_id(self) -> int | None:
        """The thread that acted, where the message names one."""
        thread = self.data.get("thread")
        return int_column(thread.get("thread_id")) if isinstance(thread, dict) else None
