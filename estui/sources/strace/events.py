"""Calls become events: what each call means in the words of Endpoint Security."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress

from estui.sources.strace import line, numbers
from estui.sources.strace.call import Call, Ended, Entered, Item, Reader, Replaced, descriptor
from estui.sources.strace.calls import IDS, OPENS, SIMPLE, TYPES, WRITES, Simple
from estui.sources.strace.descriptors import Descriptors
from estui.sources.strace.names import Names
from estui.sources.strace.processes import Processes
from estui.sources.strace.tree import Process, relation

_HELD = 4096
"""Items of processes whose parent is not known yet that are kept back."""

Handler = Callable[[Call, Process], None]


class Translator(Descriptors, Names, Processes):
    """Reads strace's lines and writes eslogger's.

    Args:
        types: event types to send.
        failed: whether to send calls that failed, too, marked as such.
        command: the pid that the first call will be of.
        parent: the process that is said to be the command's parent.
    """

    def __init__(
        self,
        types: frozenset[str] = TYPES,
        *,
        failed: bool = False,
        command: int = 0,
        parent: Process | None = None,
    ) -> None:
        super().__init__(types, failed=failed, parent=parent)
        self._command = command
        self.status: Ended | None = None
        """How the command itself ended."""
        self._reader = Reader()
        self._forking: dict[int, str] = {}
        """Threads in a call that may make a process, and its first half."""
        self._made: dict[int, int] = {}
        """What such a thread has made, where that was seen before its call returned."""
        self._held: dict[int, deque[Item]] = {}
        self._handlers = self._table()

    def read(self, data: str) -> None:
        """Take one line of strace, without its newline."""
        item = self._reader.read(data)
        if item is not None:
            self._take(item)

    def take(self) -> list[str]:
        """The lines that have become ready, without their newlines."""
        ready, self._lines = self._lines, []
        return ready

    def end(self) -> None:
        """Nothing more will come: what was held back has no parent."""
        for tid in list(self._held):
            self._adopt_stray(tid)

    # Whose item it is

    def _take(self, item: Item) -> None:
        tid = item.tid
        process = self.tree.get(tid)
        if process is None:
            if isinstance(item, Replaced):
                return
            process = self._identify(tid, item)
            if process is None:
                self._hold(tid, item)
                return
        match item:
            case Call():
                self._forking.pop(tid, None)
                handler = self._handlers.get(item.name)
                if handler is None:
                    return
                if item.args and item.args[0].startswith("AT_FDCWD<"):
                    process.cwd = descriptor(item.args[0]).path
                if not item.error:
                    with suppress(IndexError):  # a call with fewer arguments than it has
                        handler(item, process)
                elif self._failed or not self.executed or item.name in OPENS:
                    with suppress(IndexError):
                        handler(item, process)
                elif item.error == "ENOENT" and item.name in SIMPLE:
                    self._missing(item, process)
            case Entered():
                self._forking[tid] = item.text
            case Ended():
                self._forking.pop(tid, None)
                self._made.pop(tid, None)
                self._ended(item)
            case Replaced():
                self.tree.thread(process, item.leader)

    def _identify(self, tid: int, item: Item) -> Process | None:
        """The process of a thread that is seen for the first time, before the call that made it has returned."""
        assert not isinstance(item, Replaced)
        if not len(self.tree) and not self._held and (not self._command or tid == self._command):
            return self.tree.root(tid, item.time)
        candidates = [parent for parent in self._forking if self.tree.get(parent)]
        if len(candidates) == 1:
            parent = candidates[0]
        else:
            family = relation(tid)
            if family is None:
                return None
            leader, above = family
            if leader != tid and (owner := self.tree.process(leader)):
                self.tree.thread(owner, tid)
                return owner
            named = [parent for parent in candidates if (of := self.tree.get(parent)) and of.pid == above]
            if len(named) != 1:
                return None
            parent = named[0]
        process = self.tree.get(parent)
        assert process
        self._made[parent] = tid
        if "CLONE_THREAD" in self._forking.pop(parent):
            self.tree.thread(process, tid)
            return process
        return self._forked(process, tid, Call(parent, item.time, "fork", (), tid, "", "", item.time))

    def _hold(self, tid: int, item: Item) -> None:
        items = self._held.setdefault(tid, deque())
        items.append(item)
        if len(items) > _HELD:
            self._adopt_stray(tid)

    def _adopt_stray(self, tid: int) -> None:
        first = self._held[tid][0]
        self.tree.stray(tid, 0 if isinstance(first, Replaced) else first.time)
        self._replay(tid)

    def _replay(self, tid: int) -> None:
        for item in self._held.pop(tid, ()):
            self._take(item)

    def _missing(self, call: Call, process: Process) -> None:
        """A call that found no file is remembered: if a later one creates it, that is no guess."""
        if "create" not in self._types:
            return
        for simple in SIMPLE[call.name]:
            with suppress(IndexError):
                if simple.place.path is not None and (path := self._file(simple.place, call, process)):
                    self._known.set(path, False)

    # The handlers

    def _table(self) -> dict[str, Handler]:
        table: dict[str, Handler] = dict.fromkeys(SIMPLE, self._simple)
        table |= dict.fromkeys(OPENS, self._open) | dict.fromkeys(WRITES, self._write)
        table |= dict.fromkeys(IDS, self._ids)
        table |= {
            "chdir": self._chdir, "fchdir": self._chdir, "chroot": self._chroot,
            "execve": self._exec, "execveat": self._exec,
            "fork": self._fork, "vfork": self._fork, "clone": self._fork, "clone3": self._fork,
            "setpgid": self._setpgid, "setsid": self._setsid,
            "close": self._close, "close_range": self._close_range,
            "dup": self._dup, "dup2": self._dup, "dup3": self._dup, "fcntl": self._fcntl, "fcntl64": self._fcntl,
            "ftruncate": self._ftruncate, "ftruncate64": self._ftruncate,
            "unlink": self._unlink, "unlinkat": self._unlink, "rmdir": self._unlink,
            "rename": self._rename, "renameat": self._rename, "renameat2": self._rename,
            "link": self._link, "linkat": self._link,
            "mkdir": self._make, "mkdirat": self._make, "mknod": self._make, "mknodat": self._make,
            "symlink": self._make, "symlinkat": self._make,
            "mmap": self._mmap, "mmap2": self._mmap, "mprotect": self._mprotect, "pkey_mprotect": self._mprotect,
            "kill": self._kill, "tkill": self._kill, "tgkill": self._kill, "rt_sigqueueinfo": self._kill,
            "rt_tgsigqueueinfo": self._kill, "pidfd_send_signal": self._kill, "pidfd_open": self._pidfd_open,
            "ptrace": self._ptrace,
            "mount": self._mount, "move_mount": self._mount, "umount": self._unmount, "umount2": self._unmount,
            "bind": self._bind, "connect": self._connect,
            "settimeofday": self._settime, "clock_settime": self._settime,
        }  # fmt: skip
        return table

    def _simple(self, call: Call, process: Process) -> None:
        for simple in SIMPLE[call.name]:
            if simple.type in self._types:
                self._send_simple(simple, call, process)

    def _send_simple(self, simple: Simple, call: Call, process: Process) -> None:
        path = self._file(simple.place, call, process)
        if not path:
            return
        members = f"{simple.members(call)}," if simple.members else ""
        self._send(simple.type, f'{{{members}"{simple.file}":{line.file(path)}}}', process, call)
        if simple.place.path is not None and call.error in ("", "ENOENT"):
            self._known.set(path, not call.error)

    def _fork(self, call: Call, process: Process) -> None:
        if call.error or call.value <= 0 or self._made.pop(call.tid, 0) == call.value:
            return
        if any("CLONE_THREAD" in arg for arg in call.args[:3]):
            self.tree.thread(process, call.value)
        elif self.tree.get(call.value) is None:
            held = self._held.get(call.value)
            first = held[0].time if held and not isinstance(held[0], Replaced) else call.time
            self._forked(process, call.value, call._replace(time=min(first, call.time)))
        self._replay(call.value)

    def _forked(self, parent: Process, pid: int, call: Call) -> Process:
        child = self.tree.fork(parent, pid, call.time)
        self._send("fork", f'{{"child":{child.json}}}', parent, call)
        return child

    def _ended(self, ended: Ended) -> None:
        process = self.tree.get(ended.tid)
        if process is None or process.pid != ended.tid:
            self.tree.gone(ended.tid)
            return
        status = ended.code << 8
        if ended.signal:
            status = numbers.signal_number(ended.signal) | (0x80 if ended.core else 0)
        if self.executed:
            self._send("exit", f'{{"stat":{status}}}', process, ended)
        self.tree.gone(ended.tid)
        if ended.tid == self._command:
            self.status = ended
