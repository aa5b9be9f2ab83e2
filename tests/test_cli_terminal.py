"""`estui` on a terminal: the screen opens, takes keys and is left; or says why it cannot be shown."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cores import event

PATIENCE = 60
"""Seconds after which the screen counts as hung."""
CHILD = """
import fcntl, os, sys, termios
tty = os.open(sys.argv[1], os.O_RDWR)
fcntl.ioctl(tty, termios.TIOCSCTTY, 0)
for fd in (1, 2) if sys.argv[2] == "piped" else (0, 1, 2):
    os.dup2(tty, fd)
os.execv(sys.executable, [sys.executable, "-m", "estui", *sys.argv[3:]])
"""


class Terminal:
    """estui in a session of its own, on a terminal of 100 cells by 30."""

    def __init__(self, folder: Path) -> None:
        self._ours, self._theirs = os.openpty()
        termios.tcsetwinsize(self._theirs, (30, 100))
        kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLORTERM")}
        self.environment = {**kept, "TERM": "xterm-256color"}
        self.environment |= {"XDG_CONFIG_HOME": str(folder), "XDG_STATE_HOME": str(folder)}
        self._child: subprocess.Popen[bytes] | None = None
        self.shown = b""

    def run(self, *words: str | Path, data: bytes | None = None) -> None:
        """Start estui, with `data` piped in or with the keyboard as its standard input."""
        how = "keys" if data is None else "piped"
        self._child = subprocess.Popen(
            [sys.executable, "-c", CHILD, os.ttyname(self._theirs), how, *words],
            stdin=subprocess.PIPE,
            env=self.environment,
            start_new_session=True,
        )
        assert self._child.stdin is not None
        if data is not None:
            self._child.stdin.write(data)
        self._child.stdin.close()

    def until(self, text: bytes) -> None:
        """Wait until the terminal was sent this."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.shown:
            assert time.monotonic() < deadline, f"{text!r} was never shown; last: {self.shown[-2000:]!r}"
            self._read()

    def key(self, key: str) -> None:
        os.write(self._ours, key.encode())

    def left(self) -> int:
        """The exit code, once estui has ended."""
        assert self._child is not None
        deadline = time.monotonic() + PATIENCE
        while self._child.poll() is None:
            assert time.monotonic() < deadline, f"it did not end; last: {self.shown[-2000:]!r}"
            self._read()
        self._read()
        return self._child.returncode

    def close(self) -> None:
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            self._child.wait()
        os.close(self._ours)
        os.close(self._theirs)

    def _read(self) -> None:
        if select.select([self._ours], [], [], 0.05)[0]:
            self.shown += os.read(self._ours, 1 << 16)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path)
    yield made
    made.close()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "recording.jsonl"
    path.write_bytes(event("open", "/tmp/marked", executable="/bin/cat") + b"\n")
    return path


def test_a_file_opens_the_screen(terminal: Terminal, recording: Path) -> None:
    terminal.run(recording)
    terminal.until(b"/tmp/marked")
    terminal.key("q")
    assert terminal.left() == 0


def test_piped_events_leave_the_keyboard_to_the_screen(terminal: Terminal, recording: Path) -> None:
    terminal.run("-", data=recording.read_bytes())
    terminal.until(b"/tmp/marked")
    terminal.key("q")
    assert terminal.left() == 0


def test_standard_input_that_is_not_asked_for_does_not_take_the_keyboard(
    terminal: Terminal, recording: Path
) -> None:
    terminal.run(recording, data=b"")
    terminal.until(b"/tmp/marked")
    terminal.key("q")
    assert terminal.left() == 0


def test_a_plan_and_a_theme_are_taken_along(terminal: Terminal, recording: Path) -> None:
    terminal.run("--plan", "quiet-build", "--theme", "light", recording)
    terminal.until(b"/tmp/marked")
    terminal.key("q")
    assert terminal.left() == 0


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_dumb_terminal_is_told_of_cat(terminal: Terminal, recording: Path, term: str) -> None:
    terminal.environment["TERM"] = term
    terminal.run(recording)
    assert terminal.left() == 1
    assert b"estui cat" in terminal.shown


@pytest.mark.parametrize(
    ("words", "code"),
    [(["--theme", "none"], 2), (["missing"], 3), (["--plan", "none"], 2), (["--budget", "1"], 2), (["-"], 3)],
)
def test_what_is_wrong_is_said_before_the_screen_opens(
    terminal: Terminal, recording: Path, words: list[str], code: int
) -> None:
    terminal.run(*words, *([recording] if words[0].startswith("--") else []))
    assert terminal.left() == code
    assert b"estui: " in terminal.shown
    assert b"\x1b" not in terminal.shown


def test_an_unknown_column_in_the_settings_is_said(terminal: Terminal, recording: Path) -> None:
    terminal.environment["ESTUI_COLUMNS"] = "tim"
    terminal.run(recording)
    assert terminal.left() == 2
    assert b"time" in terminal.shown
