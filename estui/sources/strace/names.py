"""Calls about names: made, moved and taken away; mounts and sockets, which have names too."""

from __future__ import annotations

from estui.sources.strace import line, numbers
from estui.sources.strace.call import Call, Descriptor, elements, text, words
from estui.sources.strace.calls import Place
from estui.sources.strace.teller import AT_FDCWD, Teller, created, not_created
from estui.sources.strace.tree import Process


class Names(Teller):
    """Unlinks, renames, links, makes, mounts, binds, connects."""

    def _unlink(self, call: Call, process: Process) -> None:
        place = Place(1, 0, follow=False) if call.name == "unlinkat" else Place(0, follow=False)
        path = self._file(place, call, process)
        parent = path.rpartition("/")[0] or "/"
        payload = f'{{"target":{line.file(path)},"parent_dir":{line.file(parent)}}}'
        self._send("unlink", payload, process, call)
        if not call.error:
            self._known.set(path, False)
            if call.name == "rmdir" or "AT_REMOVEDIR" in call.args[-1]:
                self._known.moved(path)
                self._resolver.forget()

    def _two(self, call: Call, process: Process, *, follow: bool = False) -> tuple[str, str]:
        """The two names of rename and link, the second not followed."""
        if call.name.rstrip("2").endswith("at"):
            source = self._file(Place(1, 0, follow), call, process)
            return source, self._file(Place(3, 2, follow=False), call, process)
        return self._file(Place(0, follow=follow), call, process), self._file(
            Place(1, follow=False), call, process
        )

    def _rename(self, call: Call, process: Process) -> None:
        source, destination = self._two(call, process)
        flags = words(call.args[4]) if len(call.args) > 4 else frozenset()
        known = self._known.get(destination)
        exchange = "RENAME_EXCHANGE" in flags
        there = exchange or bool(known)
        guess = known is None and not exchange and "RENAME_NOREPLACE" not in flags
        self._send_rename(source, destination, process, call, there=there, guess=guess)
        if exchange:
            self._send_rename(destination, source, process, call, there=True, guess=False)
        if call.error:
            return
        self._resolver.forget()
        for path in (source, destination):
            self._known.moved(path)
            self._known.set(path, exchange or path == destination)
        for other in self.tree:
            if other.cwd == source or other.cwd.startswith(source + "/"):
                other.cwd = destination + other.cwd[len(source) :]

    def _send_rename(
        self, source: str, destination: str, process: Process, call: Call, *, there: bool, guess: bool
    ) -> None:
        if there:
            place = f'"destination_type":0,"destination":{{"existing_file":{line.file(destination)}}}'
        else:
            directory, _, name = destination.rpartition("/")
            new = f'{{"dir":{line.file(directory or "/")},"filename":{line.string(name)}}}'
            place = f'"destination_type":1,"destination":{{"new_path":{new}}}'
        self._send("rename", f'{{"source":{line.file(source)},{place}}}', process, call, guess=guess)

    def _link(self, call: Call, process: Process) -> None:
        follow = call.name == "linkat" and len(call.args) > 4 and "AT_SYMLINK_FOLLOW" in call.args[4]
        source, made = self._two(call, process, follow=follow)
        directory, _, name = made.rpartition("/")
        payload = (
            f'{{"source":{line.file(source)},"target_dir":{line.file(directory or "/")},'
            f'"target_filename":{line.string(name)}}}'
        )
        self._send("link", payload, process, call)
        if not call.error:
            self._known.set(made, True)

    def _make(self, call: Call, process: Process) -> None:
        """mkdir, mknod and symlink."""
        first = 1 if call.name.startswith("symlink") else 0
        at = call.name.endswith("at")
        place = Place(first + 1, first, follow=False) if at else Place(first, follow=False)
        path = self._file(place, call, process)
        if call.error:
            mode = 0o120777 if first else numbers.mode(call.args[first + at + 1])
            self._send("create", not_created(path, mode), process, call)
            return
        self._send("create", created(path), process, call)
        self._known.set(path, True)
        if first:
            self._resolver.forget()

    # Mounts, sockets, clock

    def _mount(self, call: Call, process: Process) -> None:
        if call.name == "move_mount":
            source, where, kind, flags = "", self._file(Place(3, 2), call, process), "", frozenset[str]()
        else:
            source, where = text(call.args[0]), self._file(Place(1), call, process)
            kind, flags = text(call.args[2]), words(call.args[3])
        payload = f'{{"statfs":{_statfs(source, where, kind, numbers.mount_flags(flags))}}}'
        if "MS_REMOUNT" in flags:
            payload = f'{payload[:-1]},"remount_flags":{numbers.mount_flags(flags)}}}'
        self._send("remount" if "MS_REMOUNT" in flags else "mount", payload, process, call)
        self._resolver.forget()

    def _unmount(self, call: Call, process: Process) -> None:
        where = self._file(Place(0), call, process)
        self._send("unmount", f'{{"statfs":{_statfs("", where, "", None)}}}', process, call)
        self._resolver.forget()

    def _bind(self, call: Call, process: Process) -> None:
        if not (path := self._socket(call, process)):
            return
        directory, _, name = path.rpartition("/")
        payload = f'{{"dir":{line.file(directory or "/")},"filename":{line.string(name)},"mode":null}}'
        self._send("uipc_bind", payload, process, call)
        if not call.error:
            self._known.set(path, True)

    def _connect(self, call: Call, process: Process) -> None:
        if path := self._socket(call, process):
            payload = f'{{"file":{line.file(path)},"domain":1,"type":null,"protocol":null}}'
            self._send("uipc_connect", payload, process, call)

    def _socket(self, call: Call, process: Process) -> str:
        """The path of a Unix socket's address; empty for any other, and for a name that is no file."""
        parts = dict(part.split("=", 1) for part in elements(call.args[1]) if "=" in part)
        path = parts.get("sun_path", "")
        if parts.get("sa_family") != "AF_UNIX" or not path.startswith('"') or not (name := text(path)):
            return ""
        return self._named(process, Descriptor(AT_FDCWD, ""), name, follow=call.name == "connect")

    def _settime(self, call: Call, process: Process) -> None:
        self._send("settime", "{}", process, call)


def _statfs(source: str, where: str, kind: str, flags: int | None) -> str:
    return (
        '{"f_bsize":null,"f_iosize":null,"f_blocks":null,"f_bfree":null,"f_bavail":null,"f_files":null,'
        '"f_ffree":null,"f_fsid":null,"f_owner":null,"f_type":null,'
        f'"f_flags":{line.optional(flags)},"f_fssubtype":null,'
        f'"f_fstypename":{line.string(kind) if kind else "null"},"f_mntonname":{line.string(where)},'
        f'"f_mntfromname":{line.string(source) if source else "null"}}}'
    )
