"""Running one command as root, through sudo, which asks for the password itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import PurePath

from estui.sources.source import SourceError


def is_sudo(command: Sequence[str]) -> bool:
    """Whether a command begins with sudo."""
    return PurePath(command[0]).name == "sudo"


def as_root(command: Sequence[str]) -> tuple[str, ...]:
    """The command as root runs it: itself for root, else through sudo, which must not ask by then.

    Raises:
        SourceError: there is no sudo.
    """
    if os.geteuid() == 0:
        return tuple(command)
    sudo = shutil.which("sudo")
    if sudo is None:
        name = PurePath(command[0]).name
        raise SourceError(f"{name} must run as root, and there is no sudo here", "Run estui as root")
    return (sudo, "-n", *command)


def ask(command: Sequence[str]) -> None:
    """Let sudo ask for the password of a command that goes through it; the terminal must be free.

    Raises:
        SourceError: it did not allow it.
    """
    if is_sudo(command) and subprocess.run([command[0], "-v"], check=False).returncode:
        raise SourceError("sudo did not allow it", "estui demo shows a Mac without any rights")


def would_ask(command: Sequence[str]) -> bool:
    """Whether a command goes through a sudo that would ask for a password now, or refuse."""
    if not is_sudo(command):
        return False
    quiet = [command[0], "-n", "-v"]
    return bool(
        subprocess.run(
            quiet,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ).returncode
    )
