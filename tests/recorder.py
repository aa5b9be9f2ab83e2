"""The recorder of Linux's kernel events, started for a test; what it lacks here is a named reason to skip."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from estui.sources import SourceError
from estui.sources.linux import _recorder, possible
from tests.sourcing import DEADLINE, until

Event = dict[str, Any]
HOSTILE = b'\x1b]0;x\x07\n"\\[red]\xe2\x80\xae\xff'
"""A file name with all that must reach the line whole, and JSON escaped."""


def binary() -> str:
    """Where the recorder is; skips where it cannot be, or may not be used."""
    if sys.platform != "linux":
        pytest.skip("the recorder is for Linux")
    try:
        path = str(_recorder())
    except SourceError as error:
        pytest.skip(f"no recorder: {error.message}")
    if os.geteuid():
        pytest.skip("needs root, with CAP_SYS_ADMIN")
    able = possible()
    if not able.ok:
        pytest.skip(f"needs root with CAP_SYS_ADMIN outside of a container: {able.words}")
    return path


class Recorder:
    """It runs, its marks are set, and this folder is among what it watches."""

    def __init__(self, *args: str, folder: Path | None = None) -> None:
        self.raw: list[bytes] = []
        self.words: list[str] = []
        self.process = subprocess.Popen(
            [binary(), *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )
        self._threads = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        until(lambda: self.words, self.process.poll)
        if folder and "create" in (args[args.index("--types") + 1] if "--types" in args else "create"):
            self._probe(folder)

    def _probe(self, folder: Path) -> None:
        name = folder / f"probe{self.process.pid}"
        name.touch()
        try:
            until(lambda: self.created(name))
        except AssertionError:
            self.end()
            unwatched = [words for words in self.words if "is not watched" in words]
            if not unwatched:
                raise
            pytest.skip(f"the file system of {folder} cannot be watched: {unwatched}")

    def _read(self) -> None:
        assert self.process.stdout
        self.raw.extend(iter(self.process.stdout.readline, b""))

    def _listen(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.words.append(line.decode(errors="replace").rstrip("\n"))

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Tell it to end, and take in all it still says."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(DEADLINE)
        for thread in self._threads:
            thread.join(DEADLINE)
        return code

    @property
    def left_out(self) -> int:
        counts = [int(words.split()[2]) for words in self.words if words.startswith("estui: left_out ")]
        assert counts == sorted(counts)
        return counts[-1] if counts else 0

    def lines(self, *signs: str) -> list[Event]:
        """All whole lines so far that hold these words, which are looked for before anything is parsed."""
        needles = [sign.encode() for sign in signs]
        return [
            json.loads(line.decode(errors="surrogateescape"))
            for line in list(self.raw)
            if line.endswith(b"\n") and all(needle in line for needle in needles)
        ]

    def events(self, name: str, pid: int | None = None) -> list[Event]:
        """The events of a type, of one process or of all."""
        signs = [f'"event":{{"{name}":'] + ([f'"pid":{pid},'] if pid else [])
        return [line for line in self.lines(*signs) if pid is None or pid_of(line["process"]) == pid]

    def created(self, path: Path) -> list[Event]:
        return [
            line
            for line in self.events("create")
            if line["event"]["create"]["destination"]["existing_file"]["path"] == str(path)
        ]

    def wait_for(
        self, name: str, pid: int | None, condition: Callable[[Event], bool] = lambda payload: True
    ) -> Event:
        """The first event of a type whose payload is like this."""
        found: list[Event] = []

        def look() -> bool:
            found[:] = [line for line in self.events(name, pid) if condition(line["event"][name])]
            return bool(found)

        until(look, lambda: self.events(name, pid) or self.words)
        return found[0]


def pid_of(process: Event | None) -> int | None:
    token = process and process["audit_token"]
    return token["pid"] if token else None


def executable_of(process: Event | None) -> str | None:
    return process["executable"]["path"] if process else None


def resolved(command: str) -> str:
    """A command's file as the kernel names it."""
    path = shutil.which(command)
    assert path
    return str(Path(path).resolve())


def do(*command: str | bytes, **options: Any) -> int:
    """Run a command; returns its pid."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
    assert child.wait(DEADLINE) == 0
    return child.pid


@contextmanager
def waiting(*command: str | bytes, **options: Any) -> Iterator[int]:
    """A command that lives as long as its standard input is open; gives its pid."""
    child = subprocess.Popen(command, stdin=subprocess.PIPE, **options)
    try:
        yield child.pid
    finally:
        child.communicate(timeout=DEADLINE)


def python(code: str, *args: str, **options: Any) -> int:
    """Run a little program; returns its pid."""
    return do(sys.executable, "-S", "-E", "-c", code, *args, **options)
