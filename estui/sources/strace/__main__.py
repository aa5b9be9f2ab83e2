"""The child that follows one command: `python -m estui.sources.strace --lines FD --words FD -- COMMAND…`.

What it says on `words` for estui alone begins with `estui: `: `started`; `ended N`, the command's exit status by
the shell's convention; `left N`, so many processes that the command left behind are still followed; `stays PID`,
the command did not end when it was told to; `refused N` before the sentence that says why the command was not run.

It reads until the whole tree has ended. A signal from another process ends it: what belongs to the command's own
process group is told to end (SIGTERM), and what the command has left behind goes on, unseen. Ctrl-C at the terminal
goes to the command, and ends the following only once the command has ended.

strace itself is never ended: its seccomp filter stays with a process for good, and without a tracer every call that
was followed would fail. Who goes on is handed over to a `cat` that reads what strace writes.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from estui.sources.strace import tracer
from estui.sources.strace.calls import TYPES
from estui.sources.strace.events import Translator
from estui.sources.strace.numbers import linux_signal
from estui.sources.strace.tracer import Refusal, Style
from estui.sources.strace.tree import inheritance
from estui.text import printable

_PIPE = 1 << 20
_CHUNK = 1 << 16
_GRACE = 0.6
"""Seconds the command has to end after it was told to."""
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_SI_KERNEL = 0x80
"""si_code of a signal that the terminal sent."""


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="estui.sources.strace")
    parser.add_argument("--lines", type=int, required=True)
    parser.add_argument("--words", type=int, required=True)
    parser.add_argument("--failed", action="store_true")
    parser.add_argument("--types")
    parser.add_argument("command", nargs="+")
    args = parser.parse_args(argv)
    for fd in (args.lines, args.words):
        os.set_inheritable(fd, False)
    types = frozenset(args.types.split(",")) if args.types is not None else TYPES
    return Run(args.command, types & TYPES, args.lines, args.words, failed=args.failed).run()


class Run:
    """One command, followed from its beginning to its end."""

    def __init__(
        self, command: Sequence[str], types: frozenset[str], lines: int, words: int, *, failed: bool
    ) -> None:
        self._command = command
        self._types = types
        self._failed = failed
        self._lines = lines
        self._words = words
        self._process: subprocess.Popen[bytes]
        self._style = Style()
        self._wake = os.pipe()
        """Written to when the following is to end."""
        self._entry = -1
        """The pipe's other end, kept until strace has surely opened it, too."""
        self._stopped = False
        """Whether the following was told to end."""
        self._left = False
        """Whether somebody else reads what strace writes from now on."""
        self._told = False
        """Whether the command's end was said."""
        self._group: int | None = None
        """The process group that was told to end."""
        self._sent: set[tuple[int, int | None]] = set()
        """Those that were, by pid and pidversion."""

    def run(self) -> int:
        """Run it, and return its exit status, or the one for what went wrong."""
        strace = tracer.find()
        command = tracer.check(self._command)
        for found in (command, strace):
            if isinstance(found, Refusal):
                return self._refuse(found)
        assert isinstance(strace, str)
        assert isinstance(command, list)
        style = tracer.probe(strace, self._types)
        if isinstance(style, Refusal):
            return self._refuse(style)
        self._style = style
        return self._follow([strace], command)

    def _follow(self, strace: list[str], command: list[str]) -> int:
        output, self._entry = os.pipe()
        with suppress(OSError):
            fcntl.fcntl(output, fcntl.F_SETPIPE_SZ, _PIPE)
        # The command must not inherit the pipe, so strace opens it anew by its name here.
        name = f"/proc/{os.getpid()}/fd/{self._entry}"
        for number in _STOPS:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, _no_default)
        try:
            self._process = subprocess.Popen(
                [*strace, *tracer.options(self._types, name, self._style), *command]
            )
        except OSError as error:
            return self._refuse(Refusal(125, f"strace cannot be started: {error.strerror}"))
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        threading.Thread(target=self._heed, name="signals", daemon=True).start()
        self._say("estui: started")
        translator = Translator(self._types, failed=self._failed, command=self._pid(), parent=inheritance())
        self._read(output, translator)
        os.close(output)
        return self._end(translator)

    def _pid(self) -> int:
        """The command's pid where it is known before its first call."""
        return self._process.pid if self._style.daemon else 0

    def _read(self, output: int, translator: Translator) -> None:
        """Translate until strace has written its last line, or nobody is to wait for that."""
        rest = b""
        stopping = 0.0
        while True:
            timeout = _GRACE if self._entry >= 0 else None
            if stopping:
                timeout = max(0.0, stopping - time.monotonic())
            ready, _, _ = select.select([output, *([] if stopping else [self._wake[0]])], [], [], timeout)
            if stopping and time.monotonic() > stopping:
                self._hand_over(output)
                return
            if self._wake[0] in ready:
                stopping = time.monotonic() + (_GRACE if self._tell_command(translator) else 0.0)
            if self._entry >= 0 and (ready or self._process.poll() is not None):
                os.close(self._entry)
                self._entry = -1
            if output not in ready:
                continue
            data = os.read(output, _CHUNK)
            if not data:
                break
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                translator.read(line.decode("latin-1"))
            self._write(translator.take())
            self._tell_end(translator)
            if self._group is not None:
                self._tell_group(translator)
        if rest:
            translator.read(rest.decode("latin-1"))
        translator.end()
        self._write(translator.take())

    def _end(self, translator: Translator) -> int:
        status = translator.status
        if self._left and status is None:
            self._say(f"estui: stays {self._process.pid}")
            return 128 + signal.SIGTERM
        if status is None and self._process.poll() is None:
            self._say("strace has ended before the command, whose calls fail from then on and are not seen")
        if not self._left:
            code = self._process.wait()
        if not translator.executed and not self._stopped:
            return self._refuse(tracer.not_executed(self._command[0], translator.exec_error))
        if status is not None:
            code = -linux_signal(status.signal) if status.signal else status.code
        code = code if code >= 0 else 128 - code
        if not self._told:
            self._say(f"estui: ended {code}")
        return code

    def _tell_command(self, translator: Translator) -> bool:
        """Tell the command's own process group to end. Returns whether there was any of it."""
        self._stopped = True
        if translator.status is not None:
            return False
        root = translator.tree.process(self._pid()) if self._pid() else next(iter(translator.tree), None)
        if root is None:  # nothing was read of it yet
            with suppress(OSError):
                self._group = os.getpgid(self._process.pid)
                if self._style.daemon:
                    os.kill(self._process.pid, signal.SIGTERM)
        else:
            self._group = root.group
        self._tell_group(translator)
        return True

    def _tell_group(self, translator: Translator) -> None:
        """Tell those of the group that were not told yet.

        A process may fork before it hears, and what it told its child between fork and exec is lost on the new image.
        """
        for process in translator.tree:
            image = process.pid, process.version
            if process.group == self._group and image not in self._sent:
                self._sent.add(image)
                with suppress(OSError):
                    os.kill(process.pid, signal.SIGTERM)
                    os.kill(process.pid, signal.SIGCONT)

    def _hand_over(self, output: int) -> None:
        """Leave strace and what it follows to themselves."""
        self._left = True
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)  # or nobody could end the reader
        for reader in (["cat"], [sys.executable, "-c", "while __import__('os').read(0, 65536): pass"]):
            with suppress(OSError):
                subprocess.Popen(
                    reader,
                    stdin=output,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    start_new_session=True,
                )
                return

    def _tell_end(self, translator: Translator) -> None:
        if translator.status is None or self._told or not translator.executed:
            return
        self._told = True
        status = translator.status
        self._say(f"estui: ended {128 + linux_signal(status.signal) if status.signal else status.code}")
        if len(translator.tree):
            self._say(f"estui: left {len(translator.tree)}")

    def _heed(self) -> None:
        """Wait for a signal that is meant for the following, and not for the command."""
        while True:
            info = signal.sigwaitinfo(_STOPS)
            if info.si_code != _SI_KERNEL or self._told:
                break
        os.write(self._wake[1], b"!")

    def _write(self, lines: list[str]) -> None:
        if not lines:
            return
        data = memoryview(("\n".join(lines) + "\n").encode("utf-8", "surrogateescape"))
        while data and self._lines >= 0:
            try:
                data = data[os.write(self._lines, data) :]
            except OSError:
                # Nobody reads any more; the command is not to suffer for that.
                self._lines = -1

    def _say(self, words: str) -> None:
        with suppress(OSError):
            os.write(self._words, f"{printable(words)}\n".encode())

    def _refuse(self, refusal: Refusal) -> int:
        self._say(f"estui: refused {refusal.code}")
        self._say(refusal.words)
        if refusal.advice:
            self._say(refusal.advice)
        return refusal.code


def _no_default(number: int, frame: object) -> None:
    """A handler, so that the command gets the default action and this process does not."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
