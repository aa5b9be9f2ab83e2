"""One login to another machine by the user's own ssh, which everything that runs there shares."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from estui.sources.source import SourceError
from estui.text import printable

_LONGEST_SOCKET = 103 - 17
"""Bytes of a socket's path on a Mac, less those ssh adds to it for a moment."""
_SECONDS = 60.0
"""How long a login that asks nothing may take."""
_GRACE = 2.0
_HEARD = 8192
"""Bytes kept of the end of what ssh wrote to stderr."""
_BEGIN = "estui begins here"
_FAILED = 255
"""What ssh ends with when it is ssh that failed."""
_NOT_FOUND = 127

_OPTIONS = {
    "Compression": "yes",
    "RequestTTY": "no",
    # The user's own for this host would meet the command given here, or ports that another ssh has.
    "RemoteCommand": "none",
    "PermitLocalCommand": "no",
    "ClearAllForwardings": "yes",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "LogLevel": "INFO",
    "ConnectTimeout": "15",
    # A link that is dead is given up after so many times so many seconds.
    "ServerAliveInterval": "5",
    "ServerAliveCountMax": "3",
}
_PERSIST = 600
"""Seconds the shared connection outlives its last user: long enough for a restart, and not for ever should we be
killed."""

_BY_HAND = "Try it by hand: {ssh}"
TROUBLE = (
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "{host} has another host key than it had",
        "If that Mac was set up anew: ssh-keygen -R {entry}; otherwise it is not that Mac, so do not connect",
        False,
    ),
    ("Host key verification failed", "the host key of {host} is not known here", _BY_HAND, True),
    (
        "Permission denied",
        "{host} did not let {who} in",
        f"Look at the key, the agent, the user. {_BY_HAND}",
        True,
    ),
    (
        "Too many authentication failures",
        "{host} did not let {who} in: too many keys were tried",
        _BY_HAND,
        True,
    ),
    (
        "Connection refused",
        "{host} refuses connections to its port {port}",
        "On that Mac: System Settings → General → Sharing → Remote Login",
        False,
    ),
    ("Could not resolve hostname", "there is no host {host}", "Look at its name, or at ~/.ssh/config", False),
    (
        "timed out",
        "{host} does not answer",
        "See that it is awake, and that the network lets ssh through",
        False,
    ),
    ("No route to host", "there is no way to {host}", "Look at the network", False),
    ("Network is unreachable", "there is no way to {host}", "Look at the network", False),
    ("Bad configuration option", "ssh does not understand its configuration", "Look at ~/.ssh/config", False),
    ("Session open refused", "{host} allows no more sessions on one connection", "Use fewer --shards", False),
)
"""Words of ssh, what they mean, what to do, and whether it might go well where ssh can ask."""


class RefusedError(SourceError):
    """A login that may go well where ssh can ask for a password, or about a host key."""


class Address(NamedTuple):
    """Where to log in; no part of it can be taken for an option, or for words of a shell."""

    user: str
    """Empty for the one that ssh's configuration has."""
    host: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> Address:
        """Take ssh://[user@]host[:port] apart.

        Raises:
            SourceError: it is none.
        """
        found = re.fullmatch(
            r"ssh://(?:(?P<user>\w[\w.+-]*)@)?(?:(?P<host>\w[\w.-]*)|\[(?P<six>[0-9a-fA-F:.]+(?:%\w+)?)\])"
            r"(?::(?P<port>[0-9]{1,5}))?/?",
            text,
        )
        port = int(found["port"]) if found and found["port"] else None
        if not found or port == 0 or (port or 0) > 0xFFFF:
            raise SourceError(
                f"{printable(text)} is not an address", "Write ssh://USER@MAC or ssh://USER@MAC:PORT", 2
            )
        return cls(found["user"] or "", found["host"] or found["six"], port)

    @property
    def title(self) -> str:
        """How it is written, without ssh://."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.user}@" * bool(self.user) + host + f":{self.port}" * (self.port is not None)

    @property
    def words(self) -> tuple[str, ...]:
        """As ssh's arguments, before the command."""
        user = ("-l", self.user) if self.user else ()
        port = ("-p", str(self.port)) if self.port is not None else ()
        return (*user, *port, "--", self.host)


class Login:
    """A connection that is made once, asking what there is to ask, and then shared.

    It is ssh's own ControlMaster, its socket in a folder of ours that nobody else may look into. It is ended by
    leave(), with the process, or when nobody has used it for a while.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self.user = ""
        """Who we are there, once that is known."""
        self._ssh = shutil.which("ssh") or "ssh"
        self._folder = ""
        self._tidy: weakref.finalize[..., Login] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        """A login that is under way."""
        self._lock = threading.Lock()

    def command(self, script: str) -> tuple[str, ...]:
        """What to run here so that a shell there runs a script. It never asks."""
        return self._run(script, ControlMaster="no", BatchMode="yes")

    def up(self) -> bool:
        """Whether the connection is there."""
        return bool(self._folder) and _quiet(self._control("check"))

    def log_in(self, list_command: Sequence[str], *, ask: bool) -> tuple[str, ...]:
        """Make the connection, and learn who we are there and what a command lists, a word on each line.

        Args:
            list_command: what to run there; () is returned when it does not answer.
            ask: the terminal is free, and ssh may ask on it.

        Raises:
            RefusedError: it needs to ask.
            SourceError: it cannot be made, or there is no such command.
        """
        self._make_folder()
        script = (
            f"LC_ALL=C; export LC_ALL; echo {shlex.quote(_BEGIN)}; id -un; exec {shlex.join(list_command)}"
        )
        how = {} if ask else {"BatchMode": "yes"}
        command = self._run(script, ControlMaster="yes", ControlPersist=str(_PERSIST), **how)
        status, said, heard = self._attempt(command, ask=ask)
        if status == _FAILED or status < 0:
            last = next((line for line in reversed(heard.splitlines()) if line.strip()), "").strip()
            words = f": {printable(last)}" if last else ""
            raise self.trouble(heard) or SourceError(
                f"ssh could not connect to {self.address.title}{words}", self._remedy(_BY_HAND)
            )
        _, _, rest = said.partition(_BEGIN + "\n")
        if not rest:
            raise SourceError(
                f"{self.address.title} lets ssh in, and runs no command", self._remedy(_BY_HAND)
            )
        self.user, *names = rest.split("\n")
        if status == _NOT_FOUND:
            raise SourceError(
                f"there is no {printable(list_command[0])} on {self.address.host}",
                "eslogger comes with macOS 13 and newer",
            )
        return tuple(filter(None, names)) if status == 0 else ()

    def trouble(self, heard: str) -> SourceError | None:
        """What ssh's words mean; None where they are not known."""
        for sign, reason, remedy, asks in TROUBLE:
            if sign in heard:
                kind = RefusedError if asks else SourceError
                return kind(self._remedy(reason), self._remedy(remedy))
        return None

    def interrupt(self) -> None:
        """End a login that is under way and asks nothing; any thread may call it."""
        with self._lock:
            if self._process:
                self._process.terminate()

    def leave(self) -> None:
        """End the connection; call it any number of times."""
        self.interrupt()
        if self._tidy:
            self._tidy()

    def _remedy(self, text: str) -> str:
        where = self.address
        by_hand = ["ssh", *(("-p", str(where.port)) if where.port else ())]
        return text.format(
            host=where.host,
            port=where.port or 22,
            who=where.user or "you",
            entry=f"'[{where.host}]:{where.port}'" if where.port else where.host,
            ssh=" ".join((*by_hand, f"{where.user}@{where.host}" if where.user else where.host)),
        )

    def _run(self, script: str, **options: str) -> tuple[str, ...]:
        """The user's login shell there may be any; so it gets one word to hand on."""
        # Of each option the first value counts.
        pairs = {**options, "ControlPath": f"{self._folder}/s" if self._folder else "none", **_OPTIONS}
        flags = (word for name, value in pairs.items() for word in ("-o", f"{name}={value}"))
        return (self._ssh, *flags, *self.address.words, f"/bin/sh -c {shlex.quote(script)}")

    def _control(self, what: str) -> tuple[str, ...]:
        return (self._ssh, "-o", f"ControlPath={self._folder}/s", "-O", what, *self.address.words)

    def _make_folder(self) -> None:
        if self._folder:
            return
        place = tempfile.gettempdir()
        # ssh reads the path as a word of its configuration.
        if not re.fullmatch(r"[\w/.+-]+", place, re.ASCII) or len(place) + 20 > _LONGEST_SOCKET:
            place = "/tmp"  # noqa: S108  the folder made there is ours alone
        self._folder = tempfile.mkdtemp(prefix="estui-", dir=place)
        self._tidy = weakref.finalize(self, _leave, self._control("exit"), self._folder)

    def _attempt(self, command: Sequence[str], *, ask: bool) -> tuple[int, str, str]:
        """Run ssh until it has logged in. Returns its exit status, its stdout and its stderr."""
        heard = bytearray()
        with tempfile.TemporaryFile() as said:
            # The shared connection goes on after its first session: a pipe for stdout might stay open with it.
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=subprocess.PIPE,
                    process_group=None if ask else 0,  # in the background it could not ask
                )
            except OSError as error:
                raise SourceError(
                    f"ssh cannot be started: {error.strerror}", self._remedy(_BY_HAND)
                ) from None
            assert process.stderr
            listener = threading.Thread(
                target=_listen, args=(process.stderr.fileno(), heard, ask), name="estui ssh", daemon=True
            )
            listener.start()
            if not ask:
                with self._lock:
                    self._process = process
            try:
                status = process.wait(None if ask else _SECONDS)
            except subprocess.TimeoutExpired:
                process.terminate()
                status = process.wait()
                heard += b"timed out"
            except BaseException:  # Ctrl-C at a question
                process.terminate()
                raise
            finally:
                with self._lock:
                    self._process = None
                listener.join(_GRACE)
                if not listener.is_alive():
                    process.stderr.close()
            said.seek(0)
            return status, said.read().decode(errors="replace"), heard.decode(errors="replace")


def _listen(fd: int, heard: bytearray, aloud: bool) -> None:
    """Keep what comes, and show it if somebody is looking."""
    with suppress(OSError, ValueError), open(fd, "rb", closefd=False) as pipe:
        for line in pipe:
            heard += line
            del heard[:-_HEARD]
            if aloud:
                print(
                    printable(line.decode(errors="surrogateescape").strip("\r\n")),
                    file=sys.stderr,
                    flush=True,
                )


def _quiet(command: Sequence[str]) -> bool:
    """Whether a command ends well, soon, and without a word."""
    null = subprocess.DEVNULL
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(command, check=False, stdin=null, stdout=null, stderr=null, timeout=_GRACE)
        return done.returncode == 0
    return False


def _leave(command: Sequence[str], folder: str) -> None:
    _quiet(command)
    shutil.rmtree(folder, ignore_errors=True)
