"""A Mac's own events from afar: eslogger, run there through the user's own ssh."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterable, Sequence
from itertools import dropwhile
from pathlib import PurePath
from typing import ClassVar

from estui.events import NOTIFY
from estui.sources import eslogger
from estui.sources.child import Child
from estui.sources.live import LiveSource
from estui.sources.login import Address, Login, RefusedError
from estui.sources.shards import count, split
from estui.sources.source import Possible, SourceError
from estui.sources.sudo import is_sudo
from estui.text import printable

PREFIX = "ssh://"
_USUAL = ("sudo", "-n", "eslogger")
_TYPE = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_LOST = 255
"""What ssh ends with when it is ssh that failed."""

FULL_DISK_ACCESS = (
    "On that Mac: System Settings → General → Sharing → Remote Login → ⓘ → "
    "Allow full disk access for remote users; then connect anew"
)
_SUDOERS = (
    "Let it work without one. On that Mac: sudo visudo -f /etc/sudoers.d/eslogger, and there the line: "
    "{user} ALL=(root) NOPASSWD: /usr/bin/eslogger"
)
TROUBLE = (
    ("a password is required", "sudo on {host} wants a password, and ssh cannot ask for it", _SUDOERS),
    ("you must have a tty to run sudo", "sudo on {host} wants a terminal", "There: Defaults !requiretty"),
    (
        "is not in the sudoers file",
        "{user} may not use sudo on {host}",
        "Log in as a user who may: ssh://USER@{host}",
    ),
    (
        "ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED",
        "sshd on {host} has no Full Disk Access",
        FULL_DISK_ACCESS,
    ),
    (
        "ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED",
        "eslogger must run as root on {host}",
        "Look at the setting eslogger_command",
    ),
    ("eslogger: command not found", "there is no eslogger on {host}", "It comes with macOS 13 and newer"),
    ("sudo: not found", "there is no sudo on {host}", "Look at the setting eslogger_command"),
    ("sudo: command not found", "there is no sudo on {host}", "Look at the setting eslogger_command"),
)
"""Words of sudo and eslogger at the far end, before those that it has in common with a near one."""

_RUN = (
    "LC_ALL=C; export LC_ALL; exec 3<&0; "
    "{command} </dev/null 3<&- & child=$!; "
    "(while read -r x; do :; done; kill $child || (sleep 2; sudo -n kill $child)) <&3 >/dev/null 2>&1 & "
    "watch=$!; exec 3<&- >/dev/null; wait $child; status=$?; kill $watch 2>/dev/null; exit $status"
)
"""What the Mac is to do. eslogger would notice that nobody reads it only at its next event. So a watch reads the
standard input, which ends with the connection or with us, and ends it. Who may not signal sudo, which is root's, may
perhaps do so through sudo. The shell lets go of stdout, for as long as somebody holds it, it seems to be read."""


class SshSource(LiveSource):
    """`sudo -n eslogger TYPES…` on another Mac, its lines brought here by ssh.

    authorize() logs in, which may ask for a password or about a host key; all children then share that connection.

    Args:
        address: ssh://[user@]host[:port].
        types: event types by eslogger name; None for all that the eslogger there knows.
        command: the whole command there before the types; empty for eslogger through sudo.
        shards: how many children share the types; None for as many as are best.

    Raises:
        SourceError: that is no address, no event type, or there is no ssh.
    """

    trouble = (*TROUBLE, *eslogger.TROUBLE)
    silence: ClassVar[str] = f"Choose types that occur, such as exec. {FULL_DISK_ACCESS}"
    hint: ClassVar[str] = "eslogger --list-events, run there, names those it knows"
    keeps_stdin: ClassVar[bool] = True

    def __init__(
        self,
        address: str,
        types: Sequence[str] | None = None,
        command: Sequence[str] = (),
        shards: int | None = 1,
    ) -> None:
        where = Address.parse(address)
        if shutil.which("ssh") is None:
            raise SourceError("there is no ssh here", possible().remedy)
        super().__init__(f"eslogger on {where.title}", frozenset(NOTIFY))
        for name in types or ():
            if not _TYPE.fullmatch(name):
                raise self._unknown(name)
        if types:  # until it has been asked, the eslogger there may know any
            self.sends = frozenset(types)
            self._known |= self.sends
        self._asked = bool(types)
        self._count = shards
        # Their setting may be a way to another Mac, which is not for this one.
        ours = bool(command) and PurePath(command[0]).name != "ssh"
        self._words = tuple(command) if ours else _USUAL
        self._listed = False
        """Whether `_known` is what the eslogger there has listed."""
        self._login = Login(where)

    def authorize(self) -> None:
        """Log in, on the terminal: for a password and an unknown host key ssh asks there."""
        self._log_in(ask=True)

    def needs_terminal(self) -> bool:
        """Whether ssh would ask something; it may take seconds to find out."""
        try:
            self._prepare()
        except RefusedError:
            return True
        except SourceError:
            return False
        return False

    def _prepare(self) -> None:
        if not self._login.up():
            self._log_in(ask=False)

    def _log_in(self, *, ask: bool) -> None:
        bare = (
            list(dropwhile(lambda word: word == "-n", self._words[1:]))
            if is_sudo(self._words)
            else self._words
        )
        listed = self._login.log_in((*bare, "--list-events"), ask=ask)
        if self._listed or not listed or not all(map(_TYPE.fullmatch, listed)):
            return  # a command of the user's own may not know --list-events
        known = frozenset(listed)
        if self._asked:
            if unknown := sorted(self.sends - known):
                self._known = known
                raise self._unknown(unknown[0])
        else:
            self.sends = known
        self._known, self._listed = known, True

    def _command(self, types: frozenset[str]) -> Sequence[str]:
        return self._login.command(_RUN.format(command=shlex.join((*self._words, *sorted(types)))))

    def _split(self, types: frozenset[str]) -> list[frozenset[str]]:
        return split(types, self._count or count(types))

    def _troubles(self) -> Iterable[tuple[str, str, str]]:
        where = self._login.address
        words = {"host": where.host, "user": self._login.user or where.user or "USER"}
        for sign, reason, remedy in self.trouble:
            yield sign, reason.format_map(words), remedy.format_map(words)

    def _diagnosis(self, child: Child) -> SourceError | None:
        if child.fate != f"exit status {_LOST}":
            return super()._diagnosis(child)
        if error := self._login.trouble(child.words):
            return error
        return SourceError(
            f"the connection to {self._login.address.title} was lost",
            "What came before stays; start it again to connect anew",
        )

    def _interrupt(self) -> None:
        self._login.interrupt()
        super()._interrupt()

    def _close(self) -> None:
        super()._close()
        if self._halt.is_set():
            self._login.leave()


def possible() -> Possible:
    """Whether a Mac can be reached by ssh from here."""
    ssh = shutil.which("ssh")
    if ssh is None:
        return Possible(
            False, "ssh is not installed", "Install OpenSSH's client, and see that ssh is on PATH"
        )
    return Possible(True, f"possible with {printable(ssh)}: estui ssh://USER@MAC exec fork exit")
