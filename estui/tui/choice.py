"""A short list to choose one of: where the cursor stands is what is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.message import Message

from estui.tui.lines import Lines, fit
from estui.tui.pieces import Piece, strip_of, width_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.strip import Strip

LABEL = 9
"""Cells of the label in front."""


class Choice(Lines):
    """Options one below the other, the chosen one marked ●."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "choice--label",
        "choice--chosen",
        "choice--other",
        "choice--note",
    }
    DEFAULT_CSS = """
    Choice {
        & > .choice--label { color: $es-key; }
        & > .choice--chosen { color: $foreground; text-style: bold; }
        & > .choice--other { color: $es-suppressed; }
        & > .choice--note { color: $es-suppressed; text-style: italic; }
    }
    """

    class Changed(Message):
        """Another option is chosen."""

        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

        @property
        def control(self) -> Choice:
            """The list."""
            return self.choice

    def __init__(self, label: str, *, most: int = 8, id: str | None = None) -> None:
        """`most` is the height it may take."""
        super().__init__(id=id)
        self._label = label
        self._most = most
        self._options: list[tuple[str, str]] = []

    def set_options(self, options: Sequence[tuple[str, str]], chosen: int = 0) -> None:
        """Offers other options: a name each, and a text of which the end matters most. Both printable."""
        self._options = list(options)
        self.cursor = max(0, min(chosen, len(self._options) - 1))
        self.top = 0
        self.styles.height = max(1, min(len(self._options), self._most))
        self.refresh()

    def on_resize(self) -> None:
        """Keeps the chosen option on the screen."""
        self.show_cursor()

    def count(self) -> int:
        """How many options there are."""
        return len(self._options)

    def line(self, position: int, width: int) -> Strip:
        """One option."""
        name, text = self._options[position]
        chosen = position == self.cursor
        label = self._label if position == self.top else ""
        pieces: list[Piece] = [(f"{label:<{LABEL}}", "label")]
        style = "chosen" if chosen else "other"
        pieces.append((f"{'●' if chosen else '○'} {name}  ", style))
        left = width - sum(width_of(part) for part, _ in pieces)
        pieces.append((fit(text, left, tail=True) if width_of(text) > left else text, style))
        here = chosen and self.has_focus
        base = self.base + self.cursor_style() if here else self.base
        return strip_of(pieces, width, base, None if here else lambda name: self.style(f"choice--{name}"))

    def moved(self) -> None:
        """Says that another option is chosen."""
        self.refresh()
        self.post_message(self.Changed(self))

    def choose(self, position: int) -> None:
        """Chooses an option."""
        self.move_to(position)

    def on_click(self, event: events.Click) -> None:
        """Chooses the option under the mouse."""
        position = self.position_at(event.y)
        if position is not None:
            self.move_to(position)

    def key_up(self) -> None:
        """The option above."""
        self.action_cursor(-1)

    def key_down(self) -> None:
        """The option below."""
        self.action_cursor(1)

    key_k = key_up
    key_j = key_down
    key_home = Lines.action_first
    key_end = Lines.action_last
