"""A small menu over the screen: one letter, or the arrows and Enter, or a click."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from estui.tui.lines import Lines
from estui.tui.pieces import Piece, strip_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.strip import Strip


class MenuItem(NamedTuple):
    """One line of a menu. The texts must be printable."""

    key: str
    """One letter."""
    id: str
    text: str
    note: str = ""
    """What it would do here, dimmed behind the text."""


class _Items(Lines):
    """The lines of the menu."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"menu--key", "menu--note", "menu--text"}
    DEFAULT_CSS = """
    _Items {
        & > .menu--key { color: $accent; text-style: bold; }
        & > .menu--note { color: $es-suppressed; }
        & > .menu--text { color: $foreground; }
    }
    """

    def __init__(self, items: Sequence[MenuItem]) -> None:
        super().__init__()
        self.items = items
        self.styles.height = len(items)
        self._column = max(len(item.text) for item in items)

    def count(self) -> int:
        return len(self.items)

    def line(self, position: int, width: int) -> Strip:
        item = self.items[position]
        here = position == self.cursor
        mark = "›" if here else " "
        pieces: list[Piece] = [(f"{mark} ", "text"), (f"{item.key}  ", "key")]
        pieces += [(f"{item.text:<{self._column}}  ", "text"), (item.note, "note")]
        base = self.base + self.cursor_style() if here else self.base
        return strip_of(pieces, width, base, None if here else lambda name: self.style(f"menu--{name}"))

    def on_click(self, event: events.Click) -> None:
        position = self.position_at(event.y)
        if position is not None:
            self.move_to(position)
            self.screen.dismiss(self.items[position].id)


class Menu(ModalScreen[str]):
    """Asks for one of a few things; the result is its id, None if none was chosen."""

    BINDINGS: ClassVar[list[Binding]] = [  # type: ignore[assignment]
        Binding("escape", "none", "close"),
        Binding("enter", "choose", "choose"),
        Binding("down", "step(1)", "down", show=False),
        Binding("up", "step(-1)", "up", show=False),
    ]
    DEFAULT_CSS = """
    Menu {
        align: center middle;
        & > Vertical {
            width: 90%; max-width: 100; height: auto; max-height: 90%;
            border: round $border; background: $surface; padding: 0 1;
        }
    }
    """

    def __init__(self, title: str, items: Sequence[MenuItem]) -> None:
        super().__init__()
        self._title = title
        self.items = items

    def compose(self) -> ComposeResult:
        """The items in a frame."""
        frame = Vertical()
        frame.border_title = Content(self._title)
        frame.border_subtitle = "Esc close"
        with frame:
            yield _Items(self.items)

    def on_mount(self) -> None:
        """The keys go to the items."""
        self.query_one(_Items).focus()

    def on_key(self, event: events.Key) -> None:
        """A letter chooses at once."""
        for item in self.items:
            if event.character == item.key:
                event.stop()
                self.dismiss(item.id)

    def action_step(self, step: int) -> None:
        """Moves the cursor."""
        self.query_one(_Items).action_cursor(step)

    def action_choose(self) -> None:
        """Takes the item under the cursor."""
        items = self.query_one(_Items)
        self.dismiss(items.items[items.cursor].id)

    def action_none(self) -> None:
        """Closes without a choice."""
        self.dismiss(None)
