"""Calls about open files: which descriptor is open on what, and what is done through it."""

from __future__ import annotations

from estui.sources.strace import line, numbers
from estui.sources.strace.call import (
    Call,
    Descriptor,
    descriptor,
    elements,
    named_path,
    number,
    text,
    words,
)
from estui.sources.strace.paths import is_new
from estui.sources.strace.teller import AT_FDCWD, Teller, created, is_file, not_created
from estui.sources.strace.tree import Process


class Descriptors(Teller):
    """Opens, closes, duplicates, writes, maps."""

    def _open(self, call: Call, process: Process) -> None:
        args = call.args
        if call.name in ("open", "creat"):
            at, path, rest = Descriptor(AT_FDCWD, ""), text(args[0]), args[1:]
        else:
            at, path, rest = descriptor(args[0]), text(args[1]), args[2:]
        mode = rest[1] if len(rest) > 1 else "0"
        if call.name == "creat":
            flags, mode = frozenset(("O_WRONLY", "O_CREAT", "O_TRUNC")), rest[0]
        elif call.name == "openat2":
            how = dict(part.split("=", 1) for part in elements(rest[0]) if "=" in part)
            flags, mode = words(how.get("flags", "")), how.get("mode", "0")
        else:
            flags = words(rest[0])
        opened = named_path(call.path) if call.path else ""
        if call.error or not is_file(opened):
            follow = "O_NOFOLLOW" not in flags and not ("O_CREAT" in flags and "O_EXCL" in flags)
            where = self._named(process, at, path, follow=follow and not call.error)
        else:
            where = opened
        temporary = "O_TMPFILE" in flags
        if call.error:
            if call.error == "ENOENT":
                self._known.set(where, False)
            if not self._failed:
                return
        elif temporary:
            pass
        elif "O_CREAT" in flags:
            new, guess = (
                (True, False) if "O_EXCL" in flags else is_new(where, call.began, self._known.get(where))
            )
            if new:
                self._send("create", created(where), process, call, guess=guess)
            self._known.set(where, True)
        else:
            self._known.set(where, True)
        if call.error and "O_CREAT" in flags and call.error != "EEXIST":
            self._send("create", not_created(where, numbers.mode(mode)), process, call, guess=True)
        self._send("open", f'{{"fflag":{numbers.fflag(flags)},"file":{line.file(where)}}}', process, call)
        if not call.error:
            process.open(call.value, where, "O_CLOEXEC" in flags)

    def _close(self, call: Call, process: Process) -> None:
        closed = descriptor(call.args[0])
        opened = process.close(closed.number)
        path = closed.path or (opened.path if opened else "")
        if not call.error:
            self._send_close(path, opened and opened.description, process, call)

    def _send_close(self, path: str, description: object, process: Process, call: Call) -> None:
        if is_file(path):
            written, mapped = getattr(description, "written", False), getattr(description, "mapped", False)
            payload = (
                f'{{"modified":{line.flag(written)},"target":{line.file(path)},'
                f'"was_mapped_writable":{line.flag(mapped)}}}'
            )
            self._send("close", payload, process, call)

    def _close_range(self, call: Call, process: Process) -> None:
        if call.error:
            return
        first, last = number(call.args[0]), number(call.args[1])
        for fd in sorted(fd for fd in process.files if first <= fd <= last):
            if "CLOSE_RANGE_CLOEXEC" in call.args[2]:
                process.files[fd].cloexec = True
            elif opened := process.close(fd):
                self._send_close(opened.path, opened.description, process, call)

    def _dup(self, call: Call, process: Process) -> None:
        source = descriptor(call.args[0])
        path = self._opened(process, source)
        if path:
            self._send("dup", f'{{"target":{line.file(path)}}}', process, call)
        if not call.error and call.value != source.number:
            cloexec = len(call.args) > 2 and "O_CLOEXEC" in call.args[2]
            self._duplicated(process, source, call, cloexec=cloexec)

    def _duplicated(self, process: Process, source: Descriptor, call: Call, *, cloexec: bool) -> None:
        known = process.files.get(source.number)
        if known is None:
            known = process.open(source.number, source.path or named_path(call.path), None)
        process.open(call.value, known.path, cloexec, known.description)

    def _fcntl(self, call: Call, process: Process) -> None:
        at, command = descriptor(call.args[0]), call.args[1]
        path = self._opened(process, at)
        duplicates = command in ("F_DUPFD", "F_DUPFD_CLOEXEC")
        if path:
            cmd = line.optional(numbers.fcntl_command(command))
            self._send("fcntl", f'{{"target":{line.file(path)},"cmd":{cmd}}}', process, call)
            if duplicates:
                self._send("dup", f'{{"target":{line.file(path)}}}', process, call)
        if call.error:
            return
        if duplicates:
            self._duplicated(process, at, call, cloexec=command == "F_DUPFD_CLOEXEC")
        elif command == "F_SETFD":
            if at.number not in process.files:
                process.open(at.number, at.path, None)
            process.files[at.number].cloexec = "FD_CLOEXEC" in call.args[2]

    def _write(self, call: Call, process: Process) -> None:
        index = 2 if call.name in ("copy_file_range", "splice") else 0
        at = descriptor(call.args[index])
        path = self._opened(process, at)
        if not path:
            return
        self._send("write", f'{{"target":{line.file(path)}}}', process, call)
        if not call.error and call.value:
            opened = process.files.get(at.number) or process.open(at.number, path, None)
            opened.description.written = True

    def _ftruncate(self, call: Call, process: Process) -> None:
        at = descriptor(call.args[0])
        if path := self._opened(process, at):
            self._send("truncate", f'{{"target":{line.file(path)}}}', process, call)
            if not call.error and (opened := process.files.get(at.number)):
                opened.description.written = True

    def _mmap(self, call: Call, process: Process) -> None:
        if len(call.args) < 6 or call.args[4].startswith("-"):
            return
        at = descriptor(call.args[4])
        path = self._opened(process, at)
        if not path:
            return
        protection, flags = numbers.protection(words(call.args[2])), words(call.args[3])
        payload = (
            f'{{"protection":{protection},"max_protection":null,"flags":{numbers.mmap_flags(flags)},'
            f'"file_pos":{number(call.args[5])},"source":{line.file(path)}}}'
        )
        self._send("mmap", payload, process, call)
        if protection & 2 and not call.error and "MAP_PRIVATE" not in flags:
            opened = process.files.get(at.number) or process.open(at.number, path, None)
            opened.description.mapped = True

    def _mprotect(self, call: Call, process: Process) -> None:
        payload = (
            f'{{"protection":{numbers.protection(words(call.args[2]))},"address":{number(call.args[0])},'
            f'"size":{number(call.args[1])}}}'
        )
        self._send("mprotect", payload, process, call)
