"""What all that makes events of calls has in common: sending one, and finding the file that a call is about."""

from __future__ import annotations

from estui.sources.strace import line
from estui.sources.strace.call import Call, Descriptor, Ended, descriptor, text
from estui.sources.strace.calls import TYPES, Place
from estui.sources.strace.paths import Known, Resolver
from estui.sources.strace.tree import Process, Tree

AT_FDCWD = -100


class Teller:
    """Sends events.

    Args:
        types: event types to send.
        failed: whether to send calls that failed, too, marked as such.
        parent: the process that is said to be the command's parent.
    """

    def __init__(
        self, types: frozenset[str] = TYPES, *, failed: bool = False, parent: Process | None = None
    ) -> None:
        self._types = types
        self._failed = failed
        self.tree = Tree(parent or Process(0, None))
        self.executed = False
        """Whether the command has ever run."""
        self.exec_error = ""
        """Why it has not: the errno of the last attempt."""
        self._resolver = Resolver()
        self._known = Known()
        self._numbers = line.Numbers()
        self._lines: list[str] = []

    # Sending

    def _send(
        self,
        name: str,
        payload: str,
        process: Process,
        call: Call | Ended,
        *,
        guess: bool = False,
        before: str = "",
        tid: int = 0,
        nanoseconds: int = 0,
    ) -> None:
        failed = call.error if isinstance(call, Call) else ""
        if name not in self._types or (failed and not self._failed):
            return
        self._lines.append(
            self._numbers.line(
                name,
                payload,
                before or process.json,
                tid or call.tid,
                nanoseconds or call.time,
                failed=failed,
                guess=guess,
            )
        )

    # Finding files

    def _file(self, place: Place, call: Call, process: Process) -> str:
        """The file a call is about; empty for what is no file, such as a pipe."""
        args = call.args
        at = descriptor(args[place.directory]) if place.directory is not None else Descriptor(AT_FDCWD, "")
        if place.path is None:
            return self._opened(process, at)
        path = text(args[place.path])
        follow = place.follow
        if place.flags is not None and len(args) > place.flags and "AT_SYMLINK_NOFOLLOW" in args[place.flags]:
            follow = False
        if not path:  # AT_EMPTY_PATH, or utimensat's NULL
            return self._opened(process, at)
        return self._named(process, at, path, follow=follow)

    def _named(self, process: Process, at: Descriptor, path: str, *, follow: bool) -> str:
        cwd = self._opened(process, at) or process.cwd
        return self._resolver.resolve(cwd, path, process.root, follow=follow)

    @staticmethod
    def _opened(process: Process, at: Descriptor) -> str:
        if at.number == AT_FDCWD:
            return at.path or process.cwd
        path = at.path
        if not path:
            opened = process.opened(at.number)
            path = opened.path if opened else ""
        return path if is_file(path) else ""


def is_file(path: str) -> bool:
    """Whether what a descriptor is open on has a path: pipes, sockets and memory have none."""
    return path.startswith("/") and not path.startswith("/memfd:")


def created(path: str) -> str:
    return f'{{"destination_type":0,"destination":{{"existing_file":{line.file(path)}}},"acl":null}}'


def not_created(path: str, mode: int) -> str:
    directory, _, name = path.rpartition("/")
    new = f'{{"dir":{line.file(directory or "/")},"filename":{line.string(name)},"mode":{mode}}}'
    return f'{{"destination_type":1,"destination":{{"new_path":{new}}},"acl":null}}'
