"""Two sets of rules side by side, as the cores give it."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any, Protocol

from estui.record import Change, Changed, Compared, Process, Volume

if TYPE_CHECKING:
    from collections.abc import Sequence

_GROUP = Struct("@11Qq")
"""An es_group."""
_KINDS = {"": 6, "delivered": 2, "hidden": 4}
"""The changes that es_comparison_changes() gives."""
_NO_TIME = -(1 << 63)


class CoreComparison(Protocol):
    """Two sets of rules side by side over the events held, frozen as it was made."""

    counts: Compared

    def changes(self, start: int, limit: int, kind: str = "") -> list[Changed]:
        """The events they disagree about, oldest first, from the start-th on; only the "hidden" or "delivered" ones."""


class NativeComparison:
    """A comparison by the native core."""

    def __init__(self, lib: Any, ffi: Any, comparison: Any) -> None:
        """`comparison` is an es_comparison, which is this one's own from now on."""
        self._lib, self._ffi = lib, ffi
        self._comparison = self._ffi.gc(comparison, self._lib.es_comparison_free)
        total = self._ffi.new("es_compared *")
        self._lib.es_comparison_total(comparison, total)
        by_event, by_process, by_executable, by_directory = (
            self._groups(by, total.shown[by], total.text_bytes[by]) for by in range(4)
        )
        self.counts = Compared(
            total=_change((*total.events, *total.bytes)),
            by_stage=tuple(total.by_stage),
            by_event={name or "": change for name, _, change in by_event},
            by_process={process: change for _, process, change in by_process},
            by_executable={name: change for name, _, change in by_executable},
            by_directory={name or "": change for name, _, change in by_directory},
            programs={process: name for name, process, _ in by_process},
            found=tuple(total.found),
            first_ns=None if total.first_ns == _NO_TIME else total.first_ns,
            last_ns=None if total.last_ns == _NO_TIME else total.last_ns,
        )

    def _groups(self, by: int, count: int, size: int) -> list[tuple[str | None, Process | None, Change]]:
        groups, text = self._ffi.new("es_group[]", count), self._ffi.new("uint8_t[]", size)
        self._lib.es_comparison_groups(self._comparison, by, groups, text)
        texts = bytes(self._ffi.buffer(text))
        found, at = [], 0
        for *figures, pid, pidversion, known, length in _GROUP.iter_unpack(self._ffi.buffer(groups)):
            name = None if length < 0 else texts[at : at + length].decode("utf-8", "surrogateescape")
            at += max(length, 0)
            found.append((name, Process(pid, pidversion) if known else None, _change(figures)))
        return found

    def changes(self, start: int, limit: int, kind: str = "") -> list[Changed]:
        start = max(start, 0)
        found = self._ffi.new("uint64_t[]", max(0, min(limit, self.counts.total.changed - start)))
        count = self._lib.es_comparison_changes(self._comparison, _KINDS[kind], start, len(found), found)
        return [Changed(value >> 1, bool(value & 1)) for value in self._ffi.unpack(found, count)]


def _change(figures: Sequence[int]) -> Change:
    """Four counts of events, then four of bytes."""
    return Change(*(Volume(figures[code], figures[code + 4]) for code in range(4)))
