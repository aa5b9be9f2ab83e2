"""What the command of `estui run` printed: the end of it, followed as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.strip import Strip

from estui.text import printable
from estui.tui.actions import bindings
from estui.tui.lines import Lines
from estui.tui.pieces import strip_of, wrap_hard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from estui.session import Session

KEPT = 2000
"""Lines of the output that can be scrolled through."""
LONG = 4096
"""Characters shown of one line."""


class OutputPanel(Lines):
    """Lines a command printed, wrapped to the width. It stays on the newest until somebody scrolls up."""

    BINDINGS = bindings("output")
    BORDER_TITLE = "Output"

    def __init__(self, session: Session, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.session = session
        self.following = True
        self._version = -1
        self._texts: list[str] = []
        """The lines as they were printed."""
        self._lines: list[str] = []
        """The same, broken to fit."""
        self._width = 0
        self._place = ""

    @property
    def offered(self) -> bool:
        """The source has a command that prints."""
        source = self.session.source
        return source is not None and source.output is not None

    def tick(self) -> None:
        """Shows what was printed since; a person who reads further up is left alone."""
        source = self.session.source
        output = None if source is None else source.output
        if output is None or not self.region:
            return
        waits = output.version != self._version
        if waits and self.following:
            self._version = output.version
            self._texts = [printable(text[:LONG]) for text in output.tail(KEPT)]
            self._wrap()
        place = "following" if self.following else "more came: G shows it" if waits else ""
        if place != self._place:
            self._place = place
            self.border_subtitle = Content(place)

    def _wrap(self) -> None:
        self._width = max(1, self.size.width - 1)
        self._lines = [line for text in self._texts for line in _broken(text, self._width)]
        if self.following:
            self.cursor = max(0, len(self._lines) - 1)
            self.top = max(0, len(self._lines) - self.page)
        self.refresh()

    def on_resize(self) -> None:
        """Breaks the lines anew."""
        if self._width != max(1, self.size.width - 1):
            self._wrap()
        elif self.following:
            self.scroll_to_line(len(self._lines))
        self.tick()

    # ---- what Lines asks

    def count(self) -> int:
        """Lines on the screen and off it."""
        return len(self._lines)

    def line(self, position: int, width: int) -> Strip:
        """One line; there is no cursor to see."""
        return strip_of([(self._lines[position], "")], width, self.base, None)

    def empty(self, width: int) -> Sequence[Strip]:
        """Nothing was printed."""
        return [strip_of([(" Nothing was printed yet.", "")], width, self.base, None)]

    # ---- moving: it scrolls, and has no cursor

    def _scrolled(self) -> None:
        self.following = self.top >= len(self._lines) - self.page
        self.tick()

    def wheel(self, lines: int) -> None:
        """Scrolls; up stops following."""
        self.scroll_to_line(self.top + lines)
        self._scrolled()

    def action_cursor(self, step: int) -> None:
        """Scrolls by a line."""
        self.wheel(step)

    def action_page(self, step: int) -> None:
        """Scrolls by a page."""
        self.wheel(step * max(1, self.page - 1))

    def action_first(self) -> None:
        """To the beginning of what is kept."""
        self.wheel(-len(self._lines))

    def action_last(self) -> None:
        """To the end, and along with it."""
        self.following = True
        self.tick()
        self.wheel(len(self._lines))

    def action_leave(self) -> None:
        """Back to the list."""
        self.commands.action_panel("events")


def _broken(text: str, width: int) -> Iterator[str]:
    if text.isascii() and len(text) <= width:
        yield text
    else:
        for pieces in wrap_hard([(text, "")], width):
            yield "".join(piece for piece, _ in pieces)
