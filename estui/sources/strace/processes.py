"""Calls about processes: what they become, where they go, and what they do to one another."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from estui.sources.strace import line, numbers
from estui.sources.strace.call import Call, Descriptor, descriptor, elements, number, text
from estui.sources.strace.calls import SIMPLE, TYPES, Place, unsigned
from estui.sources.strace.teller import AT_FDCWD, Teller
from estui.sources.strace.tree import Process, from_proc

_DEEPEST = 5
"""Interpreters of interpreters that the kernel follows."""
_IMAGES = 4096
"""Executable files remembered."""
_UNCHANGED = 0xFFFFFFFF


class _Image(NamedTuple):
    """What an executable file is, as long as its status does not change."""

    status: tuple[int, int, int]
    interpreter: str
    """The one its first line names; empty for a binary."""


class Processes(Teller):
    """Executes, changes identity and place, signals, traces."""

    def __init__(
        self, types: frozenset[str] = TYPES, *, failed: bool = False, parent: Process | None = None
    ) -> None:
        super().__init__(types, failed=failed, parent=parent)
        self._images: dict[str, _Image] = {}

    def _exec(self, call: Call, process: Process) -> None:
        args = call.args
        if call.name == "execveat":
            path = self._file(Place(1, 0, flags=4), call, process)
            argv, env = args[2], args[3]
        else:
            path = self._named(process, Descriptor(AT_FDCWD, ""), text(args[0]), follow=True)
            argv, env = args[1], args[2]
        if not path:
            return
        executable, script = self._image(path, process)
        before = process.json
        self.executed = self.executed or not call.error
        self.exec_error = call.error
        if call.error:
            target = Process(process.pid, process.version)
            for name in (
                "auid",
                "asid",
                "uids",
                "gids",
                "group",
                "session",
                "started",
                "tty",
                "parent",
                "ppid",
            ):
                setattr(target, name, getattr(process, name))
            target.original_ppid, target.executable = process.original_ppid, path
        else:
            self.tree.alone(process)
            self._set_ids_of(executable, process)
            process.replace_image(executable, self.tree.version(process.pid))
            target = process
        variables = line.strings(text(arg) for arg in elements(env)) if env.startswith("[") else "null"
        payload = (
            f'{{"target":{target.json},"args":{line.strings(text(arg) for arg in elements(argv))},'
            f'"env":{variables},"fds":null,"last_fd":null,"cwd":{line.file(process.cwd)},'
            f'"script":{line.file(script) if script and not call.error else "null"},'
            '"image_cputype":null,"image_cpusubtype":null}'
        )
        self._send("exec", payload, process, call, before=before)

    def _image(self, path: str, process: Process) -> tuple[str, str]:
        """The image that runs when a path is executed, and the script where that is one."""
        image, script = path, ""
        for _ in range(_DEEPEST):
            interpreter = self._interpreter(image)
            if not interpreter:
                break
            script = script or image
            image = self._resolver.resolve(process.cwd, interpreter, process.root)
        return image, script

    def _interpreter(self, path: str) -> str:
        """What the first line of a script names; empty for a binary, and for what cannot be read."""
        try:
            status = Path(path).stat()
            seen = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
            known = self._images.get(path)
            if known and known.status == seen:
                return known.interpreter
            interpreter = ""
            if stat.S_ISREG(status.st_mode):
                with open(path, "rb", buffering=0) as file:
                    first = file.read(256)
                if first.startswith(b"#!"):
                    named = first[2:].split(b"\n", 1)[0].split()
                    interpreter = os.fsdecode(named[0]) if named else ""
        except (OSError, ValueError):
            return ""
        if len(self._images) > _IMAGES:
            self._images.clear()
        self._images[path] = _Image(seen, interpreter)
        return interpreter

    @staticmethod
    def _set_ids_of(executable: str, process: Process) -> None:
        """A set-user-id program keeps its rights only under a tracer that is root."""
        if os.geteuid() != 0:
            return
        with suppress(OSError, ValueError):
            status = Path(executable).stat()
            if status.st_mode & stat.S_ISUID:
                process.uids = (process.uids[0], status.st_uid, status.st_uid)
            if status.st_mode & stat.S_ISGID:
                process.gids = (process.gids[0], status.st_gid, status.st_gid)

    def _setpgid(self, call: Call, process: Process) -> None:
        if call.error:
            return
        pid, group = number(call.args[0]), number(call.args[1])
        moved = self.tree.process(pid) if pid else process
        if moved:
            moved.group = group or moved.pid
            moved.changed()

    @staticmethod
    def _setsid(call: Call, process: Process) -> None:
        if not call.error:
            process.group = process.session = process.pid
            process.tty = ""
            process.changed()

    def _ids(self, call: Call, process: Process) -> None:
        """setuid and its like: what was asked for is sent, and what came of it kept."""
        name = call.name.removesuffix("32")
        users = name.endswith("uid")
        kind = "uid" if users else "gid"
        wanted = [unsigned(arg) for arg in call.args]
        event: str
        match name:
            case "setuid" | "setgid":
                event, payload = name, f'{{"{kind}":{wanted[0]}}}'
            case "setresuid" | "setresgid" if wanted[0] == _UNCHANGED and wanted[1] != _UNCHANGED:
                event, payload = f"sete{kind}", f'{{"e{kind}":{wanted[1]}}}'
            case _:
                event, payload = f"setre{kind}", f'{{"r{kind}":{wanted[0]},"e{kind}":{wanted[1]}}}'
        self._send(event, payload, process, call)
        if call.error:
            return
        real, effective, saved = process.uids if users else process.gids
        match name:
            case "setuid" | "setgid":
                new = (wanted[0],) * 3 if process.uids[1] == 0 else (real, wanted[0], saved)
            case "setreuid" | "setregid":
                new = (_kept(wanted[0], real), _kept(wanted[1], effective), _kept(wanted[1], saved))
            case _:
                new = (_kept(wanted[0], real), _kept(wanted[1], effective), _kept(wanted[2], saved))
        if users:
            process.uids = new
        else:
            process.gids = new
        process.changed()

    def _chdir(self, call: Call, process: Process) -> None:
        simple = SIMPLE[call.name][0]
        path = self._file(simple.place, call, process)
        if not path:
            return
        self._send("chdir", f'{{"target":{line.file(path)}}}', process, call)
        if not call.error:
            process.cwd = path

    def _chroot(self, call: Call, process: Process) -> None:
        path = self._file(SIMPLE["chroot"][0].place, call, process)
        self._send("chroot", f'{{"target":{line.file(path)}}}', process, call)
        if not call.error:
            process.root = "" if path == "/" else path

    # Between processes

    def _kill(self, call: Call, process: Process) -> None:
        args = call.args
        at = 2 if call.name in ("tgkill", "rt_tgsigqueueinfo") else 1
        sig = numbers.signal_number(args[at].split(" ", 1)[0])
        for target in self._signalled(call, process):
            if target.pid != process.pid:  # ES says nothing of a signal to oneself
                self._send("signal", f'{{"sig":{sig},"target":{target.json}}}', process, call)

    def _signalled(self, call: Call, process: Process) -> Iterator[Process]:
        """The processes a signal goes to; of a group, those that are of the tree."""
        if call.name == "pidfd_send_signal":
            opened = process.opened(descriptor(call.args[0]).number)
            pid = number(opened.path.removeprefix("pid:"), -1) if opened else -1
            if pid <= 0:
                return
        else:
            pid = number(call.args[0])
        if pid > 0:
            yield self.tree.get(pid) or from_proc(pid)
            return
        group = process.group if pid == 0 else -pid
        yield from (other for other in self.tree if pid == -1 or other.group == group)

    def _pidfd_open(self, call: Call, process: Process) -> None:
        if not call.error:
            process.open(call.value, f"pid:{number(call.args[0])}", True)

    def _ptrace(self, call: Call, process: Process) -> None:
        if call.args[0] in ("PTRACE_ATTACH", "PTRACE_SEIZE"):
            pid = number(call.args[1])
            target = self.tree.get(pid) or from_proc(pid)
            self._send("trace", f'{{"target":{target.json}}}', process, call)


def _kept(wanted: int, before: int) -> int:
    return before if wanted == _UNCHANGED else wanted
