"""What a draft would do to the events held, in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.strip import Strip

from estui.tui.lines import Looks
from estui.tui.pieces import PieceLine, strip_of, wrap_words
from estui.tui.preview_lines import lines, rates, tables, words

if TYPE_CHECKING:
    from estui.lab.whatif import Preview
    from estui.tui.lab.section import Draft

TABLES = 14
"""Lines from which on there is room for tables."""
IN_FORCE = "The plan in force, next to no plan at all"


class Effect(Looks):
    """The numbers: all events, rates, and by type, process and directory what is there now and would be then."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draft: Draft | None = None
        self._preview: Preview | None = None
        self._lines: list[PieceLine] = []
        self._sized = (0, 0)
        self.border_title = "Preview"

    def show(self, draft: Draft | None, preview: Preview | None) -> None:
        """Another draft, or what it does; None while that is worked out."""
        self._draft, self._preview = draft, preview
        self._sized = (0, 0)
        self.refresh()

    def _made(self) -> list[PieceLine]:
        width, height = self.size
        found: list[PieceLine] = list(
            wrap_words(self._draft.words if self._draft else IN_FORCE, width, 2, "words")
        )
        preview = self._preview
        if preview is None:
            return [*found, [("…", "dim")]]
        found += wrap_words(words(preview), width, 2, "text")
        if height < TABLES:
            return [*found, *lines(preview, width, height - len(found))]
        found += [rates(preview), []]
        return [*found, *tables(preview, width, height - len(found))]

    def render_line(self, y: int) -> Strip:
        """One line."""
        if self._sized != self.size:
            self._sized = self.size
            self._lines = self._made()
        pieces = self._lines[y] if y < len(self._lines) else []
        return strip_of(pieces, self.size.width, self.base, self.piece_style)
