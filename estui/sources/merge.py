"""Several recordings at once, merged by the time of their lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from estui.core import Core
from estui.sources.reader import Reader
from estui.sources.source import Source, SourceError
from estui.sources.timeline import Batch, add_streams, end_streams, merged
from estui.text import printable


class MergeSource(Source):
    """Files on disk as one list. Each is a stream with numbers of its own.

    Raises:
        SourceError: one of them cannot be opened.
    """

    kind = "file"

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(title_of(paths))
        self._readers = open_all(paths)

    def _chunks(self, core: Core) -> Iterator[None]:
        streams, batch = add_streams(core, self._readers, indexed=True), Batch(core)
        broken: dict[int, SourceError | OSError] = {}
        for _, file, offset, data in merged(self._readers, broken):
            if batch.add(streams[file], offset, data):
                batch.flush()
                yield
        batch.flush()
        end_streams(core, streams, broken)

    def _close(self) -> None:
        for reader in self._readers:
            reader.close()


def title_of(paths: Sequence[str]) -> str:
    """A name for several files that stays short."""
    return printable(paths[0]) if len(paths) == 1 else f"{printable(paths[0])} and {len(paths) - 1} more"


def open_all(paths: Sequence[str]) -> list[Reader]:
    """Open every file, or none. Raises SourceError."""
    readers: list[Reader] = []
    try:
        for path in paths:
            readers.append(Reader(path))  # noqa: PERF401  those opened must be known when one fails
    except SourceError:
        for reader in readers:
            reader.close()
        raise
    return readers
