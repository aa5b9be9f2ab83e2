"""A text one reads: lines that scroll, and have no cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from estui.tui.lines import Lines
from estui.tui.pieces import strip_of

if TYPE_CHECKING:
    from textual.strip import Strip

    from estui.tui.pieces import PieceLine


class Reading(Lines):
    """The text, broken anew for each width."""

    BINDINGS: ClassVar[list[Binding]] = [  # type: ignore[assignment]
        Binding("j,down", "cursor(1)"),
        Binding("k,up", "cursor(-1)"),
        Binding("pagedown,space,ctrl+f,ctrl+d", "page(1)"),
        Binding("pageup,ctrl+b,ctrl+u", "page(-1)"),
        Binding("g,home", "first"),
        Binding("G,end", "last"),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._broken: list[PieceLine] = []

    def broken(self, width: int) -> list[PieceLine]:
        """The text in lines of at most `width` cells; the styles are those that `piece_style` knows."""
        raise NotImplementedError

    def changed(self) -> None:
        """The text is another, or the room for it."""
        width = self.size.width - 1  # beside a scrollbar
        self._broken = self.broken(width) if width > 0 else []
        self.scroll_to_line(self.top)
        self.refresh()

    def on_resize(self) -> None:
        """Breaks the text for the width there is."""
        self.changed()

    def count(self) -> int:
        """Lines of the text."""
        return len(self._broken)

    def line(self, position: int, width: int) -> Strip:
        """One of them."""
        return strip_of(self._broken[position], width, self.base, self.piece_style)

    def action_cursor(self, step: int) -> None:
        """Scrolls: the text has no cursor."""
        self.scroll_to_line(self.top + step)

    def action_page(self, step: int) -> None:
        """Scrolls by a page."""
        self.scroll_to_line(self.top + step * max(1, self.page - 1))

    def action_first(self) -> None:
        """To the beginning."""
        self.scroll_to_line(0)

    def action_last(self) -> None:
        """To the end."""
        self.scroll_to_line(self.count())
