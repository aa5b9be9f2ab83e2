"""strace itself: how it is called here, and why it cannot be."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from estui.sources.strace.calls import RAW, traced

INSTALL = "Install it, as in: apt install strace"
_LONGEST = 1 << 17
"""Characters of the longest argument a program can get."""
_PROBE_SECONDS = 20.0
_EXECUTABLE = 0o111


class Refusal(NamedTuple):
    """Why a command cannot be run, with the exit code that env(1) would give."""

    code: int
    words: str
    advice: str = ""


class Style(NamedTuple):
    """What an strace can do: older ones lack some of it."""

    seccomp: bool = True
    """Stops only at the calls that are followed (strace 5.3)."""
    daemon: bool = True
    """Traces from a process group of its own, as the command's grandchild: Ctrl-C is the command's alone (5.3)."""
    nanoseconds: bool = True
    namespaces: bool = True
    """Translates the numbers of processes in other pid namespaces (5.9)."""


STYLES = (
    Style(),
    Style(namespaces=False),
    Style(namespaces=False, nanoseconds=False),
    Style(seccomp=False, daemon=False, nanoseconds=False, namespaces=False),
)
"""What is tried, the best first."""


def options(types: frozenset[str], output: str, style: Style) -> list[str]:
    """strace's command line before the command."""
    words = ["-f", "-y", "-q", "-a1", f"-s{_LONGEST}"]
    if style.seccomp:
        words.append("--seccomp-bpf")
    if style.daemon:
        words += ["-DD", "-I3"]
    if style.namespaces:
        words.append("--pidns-translation")
    words.append("--absolute-timestamps=unix,ns" if style.nanoseconds else "-ttt")
    calls = traced(types)
    if "exec" in types:
        words += ["-e", "abbrev=!execve,execveat"]
    raw = [name for name in RAW if name in calls]
    if raw:
        words += ["-e", f"raw={','.join(f'?{name}' for name in raw)}"]
    words += ["-e", f"trace={','.join(f'?{name}' for name in calls)}"]
    return [*words, "-o", output]


def find() -> str | Refusal:
    """strace's path."""
    return shutil.which("strace") or Refusal(125, "there is no strace here", INSTALL)


def probe(strace: str, types: frozenset[str]) -> Style | Refusal:
    """Try what this strace can do, and whether it may trace at all, on a command that does nothing."""
    harmless = shutil.which("true") or "/bin/true"
    said = ""
    for style in STYLES:
        try:
            done = subprocess.run(
                [strace, *options(types, os.devnull, style._replace(daemon=False)), harmless],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=_PROBE_SECONDS,
            )
        except OSError as error:
            return Refusal(125, f"strace cannot be started: {error.strerror}")
        except subprocess.TimeoutExpired:
            return Refusal(125, "strace does not answer")
        said = done.stderr.decode(errors="surrogateescape")
        if done.returncode == 0:
            return style
        if "ptrace" in said.lower():
            break
    return _forbidden(said)


def _forbidden(said: str) -> Refusal:
    if "ptrace" not in said.lower():
        last = next((line for line in reversed(said.splitlines()) if line.strip()), "it did not say why")
        return Refusal(125, f"strace failed: {last.strip()}")
    with suppress(OSError, ValueError):
        if int(Path("/proc/sys/kernel/yama/ptrace_scope").read_text()) == 3:
            return Refusal(
                125,
                "tracing is switched off on this machine (kernel.yama.ptrace_scope is 3)",
                "It stays so until the machine is started with another value",
            )
    with suppress(OSError, ValueError, IndexError):
        status = Path("/proc/self/status").read_text()
        tracer = next(line.split()[1] for line in status.splitlines() if line.startswith("TracerPid:"))
        if tracer != "0":
            return Refusal(125, "estui is being traced itself, and no process can be traced twice")
    return Refusal(
        125,
        "tracing is forbidden here: ptrace is not permitted",
        "A container needs --cap-add=SYS_PTRACE, or a seccomp profile that permits ptrace",
    )


def check(command: Sequence[str]) -> list[str] | Refusal:
    """The command as it can be run: as env(1) finds it, and a script without `#!` through the shell."""
    name = command[0]
    path = name if "/" in name else _which(name)
    if path is None:
        return Refusal(127, f"there is no command {name}")
    try:
        status = Path(path).stat()
        if stat.S_ISDIR(status.st_mode):
            return Refusal(126, f"{name} is a directory")
        if (
            not stat.S_ISREG(status.st_mode)
            or not status.st_mode & _EXECUTABLE
            or not os.access(path, os.X_OK)
        ):
            return Refusal(126, f"{name} is not executable", "chmod +x makes it so, where it is a program")
        with suppress(PermissionError), open(path, "rb", buffering=0) as file:
            head = file.read(256)
            if not head.startswith((b"\x7fELF", b"#!")) and b"\0" not in head:
                return ["/bin/sh", path, *command[1:]]
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError) or error.errno in (errno.ENOENT, errno.ENOTDIR):
            return Refusal(127, f"there is no {name}")
        return Refusal(126, f"{name} cannot be run: {error.strerror}")
    return list(command)


def not_executed(name: str, error: str) -> Refusal:
    """Why a command that looked right did not run."""
    number = getattr(errno, error, 0)
    if number == errno.ENOENT:
        return Refusal(127, f"{name} cannot be run: its interpreter is not there")
    said = f": {os.strerror(number)}" if number else ""
    return Refusal(126, f"{name} cannot be run{said}")


def _which(name: str) -> str | None:
    """Where PATH has a command; else a file of that name that is not executable, which is another trouble."""
    found = shutil.which(name)
    if found or not name:
        return found
    for directory in os.get_exec_path():
        path = Path(directory or ".") / name
        with suppress(OSError):
            if path.is_file():
                return str(path)
    return None
