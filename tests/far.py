"""A Mac that seems to be far away: a real sshd on the loopback, with the stand-ins of eslogger and sudo behind it."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.macs import STANDIN, read_log
from tests.sourcing import until

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
WORDS = "Authorized users only. Permission denied otherwise.\n"
"""The server's banner, which sounds like trouble."""
FORCE = """\
#!/bin/sh
[ -f "{folder}/env" ] && . "{folder}/env"
PATH="{folder}/far:$PATH" PYTHONPATH="{code}" STANDIN_LOG="{folder}/log" STANDIN_TICKET="{folder}/ticket"
export PATH PYTHONPATH STANDIN_LOG STANDIN_TICKET
echo "welcome to this machine" >&2
case "$SSH_ORIGINAL_COMMAND" in *--list-events*) echo "and greetings from .profile" ;; esac
exec {shell} -c "$SSH_ORIGINAL_COMMAND"
"""
SERVER = """\
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized
ListenAddress 127.0.0.1
Port {port}
UsePAM no
StrictModes no
PidFile none
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
ForceCommand {folder}/force
Banner {folder}/banner
LogLevel VERBOSE
"""
CLIENT = """\
IdentityFile {folder}/id
IdentitiesOnly yes
IdentityAgent none
UserKnownHostsFile {folder}/known
GlobalKnownHostsFile none
StrictHostKeyChecking {checking}
"""


class Server:
    """One sshd, with keys and configuration of its own, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        if SSHD is None or shutil.which("ssh") is None:
            pytest.skip("openssh-server or openssh-client is not installed")
        self.folder = folder
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(
                mode=0o755, exist_ok=True
            )  # where root's keeps apart what is not privileged
        for name in ("host", "id", "other"):
            keygen(folder / name)
        (folder / "banner").write_text(WORDS)
        script(folder / "force", FORCE.format(folder=folder, code=STANDIN.parent.parent, shell="/bin/sh"))
        for place in ("far", "near"):
            (folder / place).mkdir()
        for name in ("eslogger", "sudo"):
            script(folder / "far" / name, f'#!/bin/sh\nexec "{sys.executable}" "{STANDIN / name}" "$@"\n')
        # The user's own ssh, as far as estui can see.
        script(
            folder / "near" / "ssh",
            f'#!/bin/sh\nexec {shlex.quote(shutil.which("ssh") or "")} -F "{folder}/config" "$@"\n',
        )
        self.port = free_port()
        self._start()
        (folder / "authorized").write_text((folder / "id.pub").read_text())
        (folder / "config").write_text(CLIENT.format(folder=folder, checking="no"))
        login = [str(folder / "near" / "ssh"), "-p", str(self.port), "127.0.0.1", "true"]
        if (
            subprocess.run(login, check=False, stdin=subprocess.DEVNULL).returncode
            and "locked" in self.said()
        ):
            self.stop()
            pytest.skip("this user's account is locked, so that sshd lets nobody in as it")

    def _start(self) -> None:
        (self.folder / "server").write_text(SERVER.format(folder=self.folder, port=self.port))
        with open(self.folder / "sshd.log", "ab") as log:
            self._process = subprocess.Popen(
                [str(SSHD), "-D", "-e", "-f", str(self.folder / "server")],
                stdin=subprocess.DEVNULL,
                stderr=log,
            )
        until(lambda: self._process.poll() is not None or listens(self.port), self.said)
        if self._process.poll() is not None:
            pytest.skip(f"sshd does not run here: {self.said()}")

    def said(self) -> str:
        return (self.folder / "sshd.log").read_text(errors="replace")

    def logins(self) -> int:
        return self.said().count("Accepted publickey")

    def sessions(self) -> list[int]:
        """The processes that serve connections."""
        listed = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid=,args="], check=True, capture_output=True, text=True
        ).stdout
        table = [line.split(None, 2) for line in listed.splitlines()]
        found = {self._process.pid}
        for _ in range(3):
            found |= {int(pid) for pid, parent, words in table if int(parent) in found and "sshd" in words}
        return sorted(found - {self._process.pid})

    def signal_sessions(self, number: signal.Signals) -> None:
        for pid in self.sessions():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        self.signal_sessions(signal.SIGKILL)


class Far:
    """What one test sees of it."""

    def __init__(self, server: Server, patch: pytest.MonkeyPatch) -> None:
        self.server = server
        self.folder = server.folder
        self._patch = patch
        self.user = getpass.getuser()
        self.host = f"127.0.0.1:{server.port}"
        self.address = f"ssh://{self.user}@{self.host}"
        for name in ("env", "log", "ticket"):
            (self.folder / name).unlink(missing_ok=True)
        self._env: dict[str, object] = {"STANDIN_SUDO": "free"}
        self.trust("host")
        self.allow("id")
        self.check("yes")
        patch.setenv("PATH", f"{self.folder}/near:{os.environ['PATH']}")

    def set(self, **variables: object) -> None:
        """Environment variables over there, for what is started from now on."""
        self._env |= variables
        lines = [f"{name}={shlex.quote(str(value))}; export {name}\n" for name, value in self._env.items()]
        (self.folder / "env").write_text("".join(lines))

    def trust(self, key: str | None) -> None:
        """Which host key is known here."""
        words = "" if key is None else (self.folder / f"{key}.pub").read_text()
        (self.folder / "known").write_text(f"[127.0.0.1]:{self.server.port} {words}\n" if words else "")

    def allow(self, key: str | None) -> None:
        """Whose key lets them in there."""
        (self.folder / "authorized").write_text((self.folder / f"{key}.pub").read_text() if key else "")

    def check(self, checking: str, key: str = "id") -> None:
        """Whether ssh asks about an unknown host key: yes means that it refuses."""
        text = CLIENT.format(folder=self.folder, checking=checking)
        (self.folder / "config").write_text(text.replace("/id\n", f"/{key}\n"))

    def log(self, key: str) -> list[object]:
        return read_log(self.folder / "log", key)

    def cut(self) -> None:
        """Cut every connection in the middle."""
        assert self.server.sessions()
        self.server.signal_sessions(signal.SIGKILL)


def keygen(path: Path, passphrase: str = "") -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)], check=True)


def script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
