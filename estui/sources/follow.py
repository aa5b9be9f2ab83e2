"""A file still being written, read on as `tail -F` does: through truncation, rotation and absence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from estui.core import Core
from estui.sources.formats import compression
from estui.sources.reader import cannot_open, open_file
from estui.sources.source import Portions, Source, SourceError

POLL = 0.1
"""Seconds between two looks at a file that had nothing new."""
_TAIL = 64
"""Bytes before the place reached that must still be there, or the file is another one now."""


class FollowSource(Source):
    """A plain file from its beginning, and then whatever is added to it. It need not be there yet.

    Its lines are kept in the ring, since the file may not keep them.

    Raises:
        SourceError: the path is something else than a plain file.
    """

    kind = "file"
    live = True

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._path = path
        self._fd = -1
        self._next = -1
        """Another file that has the path now; it is read once the old one has no more."""
        self._offset = 0
        self._tail = b""
        try:
            Path(path).stat()
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise cannot_open(path, error) from None
        self._look()
        self._switch()

    def _chunks(self, core: Core) -> Iterator[None]:
        stream, portions = core.add_stream(owned=False), Portions(core)
        while not self._halt.is_set():
            data = self._read(portions.size)
            if data is None:
                self._offset, self._tail = 0, b""
                core.break_line(stream)
                core.mark(f"{self.title} was truncated; it is read from its beginning")
                yield
            elif data:
                for portion, _ in portions.cut(data):
                    core.ingest(stream, portion)
                    yield
            elif self._next >= 0:
                if self._switch():
                    core.break_line(stream)
                    core.mark(f"{self.title} was replaced; the new file is read from its beginning")
                    yield
            else:
                self._try_to_look()
                self._halt.wait(POLL)

    def _read(self, size: int) -> bytes | None:
        """What was added since, at most `size` bytes; None when what was read before is no longer there."""
        if self._fd < 0:
            return b""
        while True:
            known = len(self._tail)
            block = os.pread(self._fd, known + size, self._offset - known)
            if not block.startswith(self._tail):
                return None
            self._offset += len(block) - known
            # A writer that does not append goes on at its old place, after a truncation with NULs before it.
            data = block[known:] if known else block.lstrip(b"\0")
            if data or len(block) == known:
                self._tail = (self._tail + data)[-_TAIL:]
                return data

    def _try_to_look(self) -> None:
        """Look at the path, and say in `state` what is in the way."""
        reason, advice = "", ""
        try:
            Path(self._path).stat()
            self._look()
        except FileNotFoundError:
            reason, advice = f"{self.title} is not there", "It is read as soon as it appears"
        except SourceError as error:
            reason, advice = error.message, error.advice
        self._state = self._state._replace(reason=reason, advice=advice)

    def _look(self) -> None:
        """Open the file that has the path now as `_next`, unless it is being read. Raises SourceError."""
        fd = open_file(self._path)
        if self._fd >= 0 and os.path.samestat(os.fstat(fd), os.fstat(self._fd)):
            os.close(fd)
        elif packed := compression(os.pread(fd, 16, 0)):
            os.close(fd)
            raise SourceError(
                f"{self.title} is compressed ({packed})", "Only a plain file can be followed", 2
            )
        else:
            self._next = fd

    def _switch(self) -> bool:
        """Go on with `_next`. Returns whether there was another file before."""
        before, self._fd, self._next = self._fd, self._next, -1
        self._offset, self._tail = 0, b""
        if before >= 0:
            os.close(before)
        return before >= 0

    def _close(self) -> None:
        for fd in (self._fd, self._next):
            if fd >= 0:
                os.close(fd)
        self._fd = self._next = -1
