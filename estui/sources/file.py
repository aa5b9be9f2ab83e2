"""One recorded file: a plain one is indexed in place, a compressed one is unpacked into the ring."""

from __future__ import annotations

from collections.abc import Iterator

from estui.core import Core
from estui.sources.reader import Reader
from estui.sources.source import Portions, Source, SourceError


class FileSource(Source):
    """A recording on disk, read once to its end.

    Raises:
        SourceError: it cannot be opened.
    """

    kind = "file"

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._reader = Reader(path)

    def _run(self, core: Core) -> None:
        if self._reader.format:
            super()._run(core)
        else:
            self._drain(core, core.add_stream(owned=False, fd=self._reader.fd), self._reader.fd)

    def _chunks(self, core: Core) -> Iterator[None]:
        stream, portions = core.add_stream(owned=False, fd=self._reader.place), Portions(core)
        try:
            for offset, data in self._reader.chunks(portions.size):
                for portion, place in portions.cut(data, offset):
                    core.ingest(stream, portion, place)
                    yield
        except (SourceError, OSError):
            core.break_line(stream)
            raise
        core.end(stream)

    def _close(self) -> None:
        self._reader.close()
