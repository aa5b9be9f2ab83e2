"""Recordings played at the pace they were recorded at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from estui.core import Core
from estui.sources.merge import open_all, title_of
from estui.sources.pace import PacedSource
from estui.sources.source import SourceError
from estui.sources.timeline import add_streams, end_streams, merged

_NUMBER = re.compile(rb'"global_seq_num"[ \t]*:[ \t]*(\d+)')


class ReplaySource(PacedSource):
    """One or more recorded files, merged by time, as if they happened now.

    The lines themselves are not touched, and are kept in the ring, as one file is read again and again. At
    the next pass `global_seq_num` falls, which is a new run and no gap. Only where a file ends with lower
    numbers than it began with would it jump ahead instead; such a file gets another stream per pass.

    Raises:
        SourceError: a file cannot be opened.
    """

    kind = "replay"
    controls = frozenset(("pause", "speed", "step", "loop"))

    def __init__(
        self, paths: Sequence[str], speed: float = 1.0, idle: float | None = None, loop: bool = False
    ) -> None:
        super().__init__(title_of(paths), speed, idle, loop)
        self._readers = open_all(paths)
        self._streams: list[int] = []
        self._first: dict[int, int] = {}
        """Per file, the first global_seq_num in it."""
        self._newest: dict[int, int] = {}

    def _pass(self, core: Core) -> Iterator[tuple[int, int, int, bytes]]:
        if not self._streams:
            self._streams = add_streams(core, self._readers, indexed=False)
        for file, first in self._first.items():
            if first > self._newest[file]:
                self._streams[file] = core.add_stream(owned=False)
        broken: dict[int, SourceError | OSError] = {}
        for ns, file, _, data in merged(self._readers, broken):
            if found := _NUMBER.search(data):
                self._newest[file] = int(found[1])
                self._first.setdefault(file, self._newest[file])
            yield ns, self._streams[file], -1, data
        end_streams(core, self._streams, broken)

    def _close(self) -> None:
        for reader in self._readers:
            reader.close()
