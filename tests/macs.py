"""A machine that seems to be a Mac, for the tests of live sources."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

STANDIN = Path(__file__).parent / "standin"


class Mac:
    """A machine with the stand-ins of eslogger and sudo on its PATH, and what they said of themselves."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self._log = folder / "log"
        self.bin = folder / "bin"
        self.bin.mkdir()
        for name in ("eslogger", "sudo"):
            script = f'#!/bin/sh\nexec "{sys.executable}" "{STANDIN / name}" "$@"\n'
            (self.bin / name).write_text(script)
            (self.bin / name).chmod(0o755)
        self.set(PATH=f"{self.bin}:{os.environ['PATH']}", STANDIN_LOG=self._log, STANDIN_EUID=0)
        self.set(STANDIN_TICKET=folder / "ticket", PYTHONPATH=STANDIN.parent.parent)
        patch.setattr(os, "geteuid", lambda: 0)

    def set(self, **variables: object) -> None:
        for name, value in variables.items():
            self._patch.setenv(name, str(value))

    def user(self) -> None:
        """Be an ordinary user, who needs sudo."""
        self._patch.setattr(os, "geteuid", lambda: 501)
        self.set(STANDIN_EUID=501)

    def log(self, key: str) -> list[object]:
        return read_log(self._log, key)


def read_log(path: Path, key: str) -> list[object]:
    """What the stand-ins said of themselves."""
    if not path.exists():
        return []
    records = [json.loads(text) for text in path.read_text().splitlines()]
    return [record[key] for record in records if key in record]


def alive(pid: object) -> bool:
    assert isinstance(pid, int)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
