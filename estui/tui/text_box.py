"""A scrolling text on the screen, wrapped to its width, and the dialog that shows a long value whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from estui.text import printable
from estui.tui.clipboard import copy
from estui.tui.detail_text import Page, text_page
from estui.tui.lines import Lines
from estui.tui.pieces import PieceLine, strip_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events
    from textual.app import ComposeResult
    from textual.strip import Strip

TITLE = 200
"""Characters of a title; its end is shown."""


class Pages:
    """Text cut into lines for the width it is shown at, part by part."""

    def __init__(self, make: Callable[[int, int], Page]) -> None:
        """`make` gives the lines for a width and a number of parts."""
        self._make = make
        self._width = -1
        self.part = 1
        """Parts of the text that are shown."""
        self._page = Page([], "")

    def lines(self, width: int) -> list[PieceLine]:
        """The lines for a width; the last offers more where there is more."""
        if width != self._width:
            self._width = width
            page = self._make(width, self.part)
            if page.rest:
                page.lines.append([(f"… {page.rest}; Enter shows them", "dim")])
            self._page = page
        return self._page.lines

    def more(self) -> bool:
        """Shows another part; False where all is shown."""
        if not self._page.rest:
            return False
        # Twice as much each time: whoever wants the end of 100 MiB gets there.
        self.part *= 2
        self._width = -1
        return True


class TextBox(Lines):
    """A text to read."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"box--string", "box--dim"}
    DEFAULT_CSS = """
    TextBox {
        & > .box--string { color: $foreground; }
        & > .box--dim { color: $es-suppressed; }
    }
    """

    def __init__(self, pages: Pages, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.pages = pages

    def count(self) -> int:
        """Lines made so far."""
        return len(self.pages.lines(self.size.width - 1))

    def line(self, position: int, width: int) -> Strip:
        """One line."""
        base = self.base + self.cursor_style() if position == self.cursor else self.base
        pieces = self.pages.lines(self.size.width - 1)[position]
        return strip_of(pieces, width, base, lambda name: self.style(f"box--{name}"))

    def on_click(self, event: events.Click) -> None:
        """Puts the cursor on a line."""
        position = self.position_at(event.y)
        if position is not None:
            self.move_to(position)

    def more(self) -> None:
        """Shows more of the text, if the cursor is at its end."""
        if self.cursor == self.count() - 1 and self.pages.more():
            self.refresh()


class ValueScreen(ModalScreen[None]):
    """One value whole."""

    BINDINGS: ClassVar[list[Binding]] = [  # type: ignore[assignment]
        Binding("escape,q", "dismiss", "close"),
        Binding("y,c", "copy", "copy"),
        Binding("enter,space", "more", "more"),
        Binding("j,down", "box('cursor', 1)", "down", show=False),
        Binding("k,up", "box('cursor', -1)", "up", show=False),
        Binding("pagedown,ctrl+f,ctrl+d", "box('page', 1)", "page down", show=False),
        Binding("pageup,ctrl+b,ctrl+u", "box('page', -1)", "page up", show=False),
        Binding("g,home", "box('first')", "first", show=False),
        Binding("G,end", "box('last')", "last", show=False),
    ]
    DEFAULT_CSS = """
    ValueScreen {
        align: center middle;
        & > Vertical {
            width: 90%; max-width: 120; height: 80%;
            border: round $border; background: $surface; padding: 0 1;
        }
    }
    """

    def __init__(self, title: str, value: str) -> None:
        """`title` is made safe here."""
        super().__init__()
        self.value = value
        self._title = printable(title[-TITLE:])

    def compose(self) -> ComposeResult:
        """The text in a frame."""
        frame = Vertical()
        frame.border_title = Content(self._title)
        frame.border_subtitle = Content(f"{len(self.value):,} characters · y copy · Esc close")
        with frame:
            yield TextBox(Pages(lambda width, part: text_page(self.value, width, part)))

    def on_mount(self) -> None:
        """The keys go to the text."""
        self.query_one(TextBox).focus()

    def action_box(self, name: str, *step: int) -> None:
        """Moves in the text."""
        getattr(self.query_one(TextBox), f"action_{name}")(*step)

    def action_more(self) -> None:
        """Shows more of a text that was cut."""
        self.query_one(TextBox).more()

    def action_copy(self) -> None:
        """Copies the value."""
        copy(self.app, self.value, "the value")
