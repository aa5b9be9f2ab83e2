"""The real screen: estui in a process of its own on a pseudo-terminal, read by a terminal emulator."""

from __future__ import annotations

import json
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyte
import pytest

from tests.cores import PATIENCE, event
from tests.tui.screens import at, numbered

CHILD = """
import fcntl, os, sys, termios
tty = os.open(sys.argv[1], os.O_RDWR)
fcntl.ioctl(tty, termios.TIOCSCTTY, 0)
for fd in (0, 1, 2):
    os.dup2(tty, fd)
os.execv(sys.executable, [sys.executable, "-m", "estui", *sys.argv[2:]])
"""
STANDIN = Path(__file__).parents[1] / "standin"
HOSTILE = "/private/tmp/\x1b]0;pwned\x07\x9b31m\n[/foo]\u202ecba\udcff"
# What pyte would print: requests that modern terminals know and it does not.
UNKNOWN = re.compile(
    rb"\x1b\[[<>=?][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p|\x1b\[[0-9;]*t|\x1bP.*?\x1b\\", re.DOTALL
)
KEYS = {"enter": "\r", "tab": "\t"}


class Terminal:
    """estui on a terminal of so many cells."""

    def __init__(self, words: list[str | Path], size: tuple[int, int], **environment: str) -> None:
        self._ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, (size[1], size[0]))
        kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self.sent = b""
        self._child = subprocess.Popen(
            [sys.executable, "-c", CHILD, os.ttyname(theirs), *map(str, words)],
            env={**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment},
            start_new_session=True,
        )
        self._theirs = theirs

    @property
    def lines(self) -> list[str]:
        """The screen as a person sees it."""
        return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def press(self, *keys: str) -> None:
        """Keys, one after the other as fast as they go."""
        for key in keys:
            os.write(self._ours, KEYS.get(key, key).encode())

    def answers(self, key: str) -> None:
        """A key, and the picture that comes of it."""
        before = self.sent
        self.press(key)
        self.until(lambda: self.sent != before)

    def escape(self, done: Callable[[], bool]) -> None:
        """Esc, and nothing after it before it has done something: it would be taken for a key with Alt."""
        self.press("\x1b")
        self.until(done)

    def resize(self, width: int, height: int) -> None:
        termios.tcsetwinsize(self._theirs, (height, width))
        self._screen.resize(height, width)
        self._child.send_signal(signal.SIGWINCH)

    def signal(self, number: signal.Signals) -> None:
        self._child.send_signal(number)

    def until(self, condition: Callable[[], bool]) -> None:
        """Waits until the screen is so."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.text
            assert self._child.poll() is None, self.text
            self._read(0.05)

    def shows(self, words: str) -> None:
        self.until(lambda: words in self.text)

    def ended(self) -> int:
        """The exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._child.poll() is None:
            assert time.monotonic() < deadline, self.text
            self._read(0.05)
        self._read(0.05)
        return self._child.returncode

    def _read(self, seconds: float) -> None:
        while select.select([self._ours], [], [], seconds)[0]:
            data = os.read(self._ours, 1 << 16)
            self.sent += data
            self._stream.feed(UNKNOWN.sub(b"", data))
            seconds = 0

    def close(self) -> None:
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()
        os.close(self._ours)
        os.close(self._theirs)


Opener = Callable[..., Terminal]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Opener]:
    """Opens estui; whatever is still open at the end is ended."""
    opened: list[Terminal] = []

    (tmp_path / "estui").mkdir()
    (tmp_path / "estui" / "warned-of-root").touch()
    homes = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}

    def opener(*words: str | Path, size: tuple[int, int] = (80, 24), **environment: str) -> Terminal:
        opened.append(Terminal(list(words), size, **{**homes, **environment}))
        return opened[-1]

    yield opener
    for one in opened:
        one.close()


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """A file of 200 events, one of them hostile, a gap and a bad line."""
    lines = numbered(197)
    lines.append(event("exec", HOSTILE, pid=900, executable=HOSTILE, time=at(198), global_seq_num=1))
    lines.append(
        event("unlink", "/etc/passwd", pid=901, executable="/bin/rm", time=at(199), global_seq_num=41)
    )
    lines.append(b"no event \x1b[2J")
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


@pytest.mark.parametrize("size", [(80, 24), (160, 50)], ids=["80x24", "160x50"])
def test_a_file_is_looked_through(terminal: Opener, capture: Path, size: tuple[int, int]) -> None:
    screen = terminal(capture, size=size)
    screen.shows("00:00:00.000 open")
    screen.shows("SIMULATED")
    screen.shows("? help")
    assert len(screen.lines) == size[1]
    screen.press("G")
    screen.shows("bad line 200: not valid JSON  no event")
    screen.shows("— 39 events missing: may have been filtered —")
    screen.press("/")
    screen.shows("find:")
    screen.press(*"passwd", "enter")
    screen.shows("Found passwd")
    screen.press("enter")
    screen.shows("audit_token")
    screen.press("1", "s", "l", "l", "+")
    screen.shows("[x] only executable /bin/rm")
    screen.press("?")
    screen.shows("In this panel (events)")
    screen.escape(lambda: "In this panel" not in screen.text)
    screen.press("q")
    assert screen.ended() == 0
    assert b"\x1b[?1049l" in screen.sent  # the terminal has its own screen back
    for bad in (b"\x1b]0;pwned", b"\x9b31m", "\u202e".encode(), b"\x1b[2Jno", b"event \x1b[2J"):
        assert bad not in screen.sent


def test_every_panel_at_160x50_and_one_at_80x24(terminal: Opener, capture: Path) -> None:
    screen = terminal(capture, size=(160, 50))
    for words in ("Event types", "Mutes", "Events", "audit_token"):
        screen.shows(words)
    screen.resize(80, 24)
    screen.shows("[1 Events]")
    screen.until(lambda: "audit_token" not in screen.text)
    screen.press("2")
    screen.shows("[2 Types]")
    screen.shows("[x] open")
    screen.press("3")
    screen.shows("[3 Mutes]")
    screen.shows("invert target")
    screen.press("4")
    screen.shows("audit_token")
    screen.press("tab")
    screen.shows("[2 Types]")
    screen.press("q")
    assert screen.ended() == 0


def test_types_and_mutes_change_list_and_counts(terminal: Opener, capture: Path) -> None:
    screen = terminal(capture, size=(160, 50))
    screen.shows("00:00:00.000 open")
    screen.press("m")
    screen.shows("would suppress")
    screen.press("enter")
    screen.shows("⊘ 00:00:00.000 open")
    screen.press("u")
    screen.until(lambda: "⊘" not in screen.text)
    screen.press("2", "/", *"open", "enter", " ")
    screen.shows("○ 00:00:00.000 open")
    screen.shows("[ ] open")
    screen.press("1", "s")
    screen.until(lambda: "○" not in screen.text)
    screen.press("q")
    assert screen.ended() == 0


def test_the_demo_moves(terminal: Opener) -> None:
    screen = terminal("demo", "--rate", "500", size=(80, 24))
    # A hundred rows: with one there is no way up.
    screen.until(lambda: re.search(r" of [0-9,]{3,} · following", screen.text) is not None)
    before = screen.lines[-2]
    screen.until(lambda: screen.lines[-2] != before)
    screen.press("k")
    screen.until(lambda: "following" not in screen.text)
    screen.press("p")
    screen.shows("rows wait")
    screen.press("q")
    assert screen.ended() == 0


def test_no_color_sends_no_colour(terminal: Opener, capture: Path) -> None:
    screen = terminal(capture, NO_COLOR="1")
    screen.shows("00:00:00.000 open")
    screen.press("k", "m")
    screen.shows("would suppress")
    screen.escape(lambda: "would suppress" not in screen.text)
    screen.press("2", "1")
    screen.shows("[1 Events]")
    assert not re.search(rb"\x1b\[[0-9;]*\b[34]8;", screen.sent)
    assert not re.search(rb"\x1b\[(?:[0-9]+;)*(?:3[0-7]|4[0-7]|9[0-7]|10[0-7])(?:;[0-9]+)*m", screen.sent)
    screen.press("q")
    assert screen.ended() == 0


def test_rubbish_is_shown_with_a_reason(terminal: Opener, tmp_path: Path) -> None:
    path = tmp_path / "rubbish"
    path.write_bytes(bytes(range(256)) * 40 + b"\n{}\n[]\n")
    screen = terminal(path)
    screen.shows("✗ failed")
    screen.shows("bad line 1: not valid JSON")
    screen.press("G", "j", "k", "enter")
    screen.shows("[4 Detail]")
    screen.escape(lambda: "[1 Events]" in screen.text)
    screen.press("+", "/", "x", "enter", "q")
    assert screen.ended() == 0


def test_the_terminal_is_lent_to_a_sudo_that_asks(terminal: Opener, tmp_path: Path) -> None:
    ticket = tmp_path / "ticket"
    screen = terminal(
        "eslogger",
        ESTUI_EVENTS="exec",
        ESTUI_ESLOGGER_COMMAND=shlex.join([str(STANDIN / "sudo"), "-n", str(STANDIN / "eslogger")]),
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        STANDIN_SUDO="password",
        STANDIN_TICKET=str(ticket),
        STANDIN_COUNT="3",
        STANDIN_END="0",
    )
    screen.shows("Password:")
    screen.press(*"secret", "enter")
    screen.shows("■ ended")
    screen.shows("R starts it again")
    ticket.unlink()
    for answer, words in (
        (["\x03"], "Not started again: sudo did not allow it"),
        ([*"wrong", "enter"], "Not started again: sudo did not allow it"),
        ([*"secret", "enter"], "— eslogger restarted with"),
    ):
        sent = len(screen.sent)
        screen.press("R")
        screen.until(lambda sent=sent: b"Password:" in screen.sent[sent:])  # type: ignore[misc]
        assert b"\x1b[?1049l" in screen.sent[sent:]  # the screen was put away before
        assert b"needs its rights once more" in screen.sent[sent:]
        screen.press(*answer)
        screen.shows(words)
        screen.shows("SIMULATED")
    assert b"secret" not in screen.sent
    screen.press("q")
    assert screen.ended() == 0
    assert screen.sent.count(b"\x1b[?1049h") == screen.sent.count(b"\x1b[?1049l") == 4


def test_root_is_told_once_that_it_need_not_be(terminal: Opener, capture: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("not root")
    homes = {"XDG_STATE_HOME": str(tmp_path / "state")}
    screen = terminal(capture, **homes)
    screen.shows("The screen runs as root, and need not")
    screen.shows("00:00:00.000 open")
    screen.press("q")
    assert screen.ended() == 0
    screen = terminal(capture, **homes)
    screen.shows("00:00:00.000 open")
    screen.shows("? help")
    assert "runs as root" not in screen.text
    screen.press("q")
    assert screen.ended() == 0
    assert b"runs as root" not in screen.sent


def test_a_recording_is_whole_when_the_screen_is_left(terminal: Opener, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    screen = terminal("demo", "--rate", "2000", size=(160, 50))
    screen.shows("SIMULATED")
    screen.press("W")
    screen.shows("record all held and to come to:")
    screen.press(*str(out), "enter")
    screen.shows("● REC")
    screen.until(lambda: re.search(r"● REC [1-9][0-9]* kB|● REC [0-9.]+ MB", screen.text) is not None)
    screen.press("q")
    assert screen.ended() == 0
    assert b"Recorded " in screen.sent[screen.sent.rindex(b"\x1b[?1049l") :]
    lines = out.read_bytes().split(b"\n")
    assert lines[-1] == b""
    assert json.loads(lines[0])["estui"] == "recording"
    assert all(json.loads(line) for line in lines[:-1])
    screen = terminal(out, size=(160, 50))
    screen.shows(f"1 of {len(lines) - 1:,}")
    screen.shows("— recording of demo —")
    screen.shows("bad 0")
    screen.press("q")
    assert screen.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was(number: signal.Signals, terminal: Opener) -> None:
    screen = terminal("demo")
    screen.shows("following")
    screen.signal(number)
    assert screen.ended() == 128 + number
    assert screen.sent.rindex(b"\x1b[?1049l") > screen.sent.rindex(b"\x1b[?1049h")
    assert screen.sent.rindex(b"\x1b[?25h") > screen.sent.rindex(b"\x1b[?25l")


def test_keys_in_a_dialog_go_where_they_were_meant_to_however_fast(terminal: Opener, capture: Path) -> None:
    keys = ("\x1b[B", "\t", "\x1b[B")  # another match, and then another choice of events
    pictures = []
    for fast in (False, True):
        screen = terminal(capture)
        screen.shows("00:00:00.000 open")
        screen.press("k", "m")
        screen.shows("would suppress")
        if fast:
            screen.press("".join(keys))
        else:
            for key in keys:
                screen.answers(key)
        pictures.append(screen)
    slow, quick = pictures
    slow.shows("would suppress")

    def alike() -> bool:
        slow._read(0.05)
        return quick.text == slow.text

    quick.until(alike)
