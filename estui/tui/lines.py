"""Lines: a scrolling list of any length that draws only the lines on the screen.

It scrolls by itself, not through Textual's virtual size: a list that grows ten times a second would otherwise have the
whole screen laid out anew each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from estui.text import printable
from estui.tui import theme as themes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

    from estui.tui.commands import Commands

WHEEL = 3
"""Lines per notch of the mouse wheel."""


class Looks(Widget):
    """A widget that draws with the looks of the theme, each read once until the theme changes."""

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._styles_read: dict[str, Style] = {}

    def style(self, name: str) -> Style:
        """The style of a name in theme.LOOKS, or else of a component class."""
        found = self._styles_read.get(name)
        if found is None:
            if name in themes.LOOKS:
                found = themes.look(name, self.app.theme_variables, no_color=self.app.no_color)
            else:
                found = self.get_component_rich_style(name, partial=True)
            self._styles_read[name] = found
        return found

    def piece_style(self, name: str) -> Style:
        """The style of a piece of a line; see theme.LOOKS."""
        return self.style(f"piece--{name}")

    @property
    def commands(self) -> Commands:
        """The application, for what concerns more than one panel.

        Panels call it and do not send messages: those would come after the keys typed next.
        """
        return cast("Commands", self.app)

    @property
    def base(self) -> Style:
        """The style of a line that has none of its own."""
        found = self._styles_read.get("")
        if found is None:
            found = self._styles_read[""] = self.rich_style
        return found

    def notify_style_update(self) -> None:
        """The theme, the focus or the size changed: styles are read again when a line is next drawn."""
        super().notify_style_update()
        self._styles_read = {}
        self.restyled()

    def restyled(self) -> None:
        """Called when styles must be read again; a panel drops what it drew."""


class Lines(Looks, can_focus=True):
    """A list of lines with a cursor and a scrollbar of its own.

    A panel says how many lines there are (`count`) and draws one (`line`); lines 0 to `header_height` - 1 of the
    widget are its own (`header`).
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.top = 0
        """The position of the first line on the screen."""
        self.cursor = 0
        """The position of the line the keys act on."""
        self._dragging = False

    # ---- what a panel says

    def count(self) -> int:
        """How many lines there are."""
        return 0

    def line(self, position: int, width: int) -> Strip:
        """One line, as wide as asked for."""
        raise NotImplementedError

    def header(self, y: int, width: int) -> Strip:
        """One line of the header."""
        return Strip.blank(width, self.style("lines--header"))

    def footer(self, y: int, width: int) -> Strip:
        """One line below the list."""
        return Strip.blank(width, self.base)

    def empty(self, width: int) -> Sequence[Strip]:
        """What stands in the place of the lines when there are none."""
        return ()

    def moved(self) -> None:
        """Called after the cursor was moved by a person."""

    @property
    def header_height(self) -> int:
        """Lines of the header."""
        return 0

    @property
    def footer_height(self) -> int:
        """Lines below the list."""
        return 0

    # ---- styles

    def cursor_style(self) -> Style:
        """The style of the line the keys act on."""
        return self.style("lines--cursor" if self.has_focus else "lines--cursor-blurred")

    # ---- drawing

    @property
    def page(self) -> int:
        """Lines of the list that fit on the screen."""
        return max(1, self.size.height - self.header_height - self.footer_height)

    def render_line(self, y: int) -> Strip:
        """Draws one line of the widget."""
        width, height = self.size
        if y < self.header_height:
            return self.header(y, width)
        if y >= height - self.footer_height:
            return self.footer(y - height + self.footer_height, width)
        count = self.count()
        row = y - self.header_height
        if not count:
            words = self.empty(width)
            above = max(0, (self.page - len(words)) // 2)
            return words[row - above] if above <= row < above + len(words) else Strip.blank(width, self.base)
        barred = count > self.page
        position = self.top + row
        inner = width - 1 if barred else width
        strip = self.line(position, inner) if position < count else Strip.blank(inner, self.base)
        return Strip([*strip, self._bar(row, count)], width) if barred else strip

    def _bar(self, row: int, count: int) -> Segment:
        first, last = self._thumb(count)
        if first <= row < last:
            return Segment("█", self.base + self.style("lines--thumb"))
        return Segment("│", self.base + self.style("lines--track"))

    def _thumb(self, count: int) -> tuple[int, int]:
        page = self.page
        size = max(1, page * page // count)
        room = page - size
        furthest = max(1, count - page)
        first = min(room, (self.top * room + furthest // 2) // furthest)
        return first, first + size

    def refresh_position(self, position: int) -> None:
        """Draws one line again, if it is on the screen."""
        row = position - self.top
        if 0 <= row < self.page:
            self.refresh(Region(0, self.header_height + row, self.size.width, 1))

    # ---- moving

    def scroll_to_line(self, top: int) -> bool:
        """Makes a position the first line on the screen, as far as there are lines; True if that moved anything."""
        top = max(0, min(top, self.count() - self.page))
        if top == self.top:
            return False
        self.top = top
        self.refresh()
        return True

    def show_cursor(self) -> None:
        """Scrolls as little as puts the cursor on the screen."""
        page = self.page
        top = max(0, min(self.top, self.count() - page))
        if self.cursor < top:
            top = self.cursor
        elif self.cursor >= top + page:
            top = self.cursor - page + 1
        self.scroll_to_line(top)

    def move_to(self, position: int) -> None:
        """Puts the cursor on a position, kept inside the list."""
        position = max(0, min(position, self.count() - 1))
        old, self.cursor = self.cursor, position
        self.show_cursor()
        if old != position:
            self.refresh_position(old)
            self.refresh_position(position)
        self.moved()

    def action_cursor(self, step: int) -> None:
        """Moves the cursor by lines."""
        self.move_to(self.cursor + step)

    def action_page(self, step: int) -> None:
        """Moves the cursor by pages."""
        distance = step * max(1, self.page - 1)
        self.top = max(0, min(self.top + distance, self.count() - self.page))
        self.refresh()
        self.move_to(self.cursor + distance)

    def action_first(self) -> None:
        """Moves the cursor to the first line."""
        self.move_to(0)

    def action_last(self) -> None:
        """Moves the cursor to the last line."""
        self.move_to(self.count() - 1)

    def wheel(self, lines: int) -> None:
        """Scrolls, taking the cursor along so that it stays on the screen."""
        if self.scroll_to_line(self.top + lines):
            kept = max(self.top, min(self.cursor, self.top + self.page - 1))
            if kept != self.cursor:
                self.move_to(kept)

    # ---- the mouse

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.wheel(WHEEL)
        event.stop()

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.wheel(-WHEEL)
        event.stop()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Takes hold of the scrollbar."""
        if event.button == 1 and self.column_at(event.x) == self.size.width - 1 and self.count() > self.page:
            self._dragging = True
            self.capture_mouse()
            self._drag(event.y)
            event.stop()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drags the scrollbar."""
        if self._dragging:
            self._drag(event.y)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Lets the scrollbar go."""
        if self._dragging:
            self._dragging = False
            self.release_mouse()
            event.stop()

    def _drag(self, y: int) -> None:
        room = max(1, self.page - 1)
        row = max(0, min(y - self.gutter.top - self.header_height, room))
        furthest = self.count() - self.page
        self.wheel(furthest * row // room - self.top)

    def column_at(self, x: int) -> int:
        """The cell of a line under the x of a mouse event, which counts the border too."""
        return x - self.gutter.left

    def position_at(self, y: int) -> int | None:
        """The position drawn under the y of a mouse event, which counts the border too."""
        row = y - self.gutter.top - self.header_height
        position = self.top + row
        return position if 0 <= row < self.page and position < self.count() else None


def fit(text: str, width: int, *, tail: bool = False, right: bool = False) -> str:
    """Text made exactly `width` cells wide: cut with an ellipsis (in front if `tail`), or filled (in front if `right`).

    The text must be printable already.
    """
    length = len(text) if text.isascii() else cell_len(text)
    if length == width:
        return text
    if length < width:
        blanks = " " * (width - length)
        return blanks + text if right else text + blanks
    if width <= 1:
        return "…"[:width]
    if tail:
        kept = text[length - width + 1 :] if text.isascii() else set_cell_size(text[::-1], width - 1)[::-1]
        slash = kept.find("/")
        if 0 <= slash < len(kept) - 1:
            # The name of a directory is dropped whole rather than cut.
            return fit("…" + kept[slash:], width)
        last = text.rpartition("/")[2]
        if last and cell_len(last) <= width:
            return fit(last, width)
        return "…" + kept
    return (text[: width - 1] if text.isascii() else set_cell_size(text, width - 1)) + "…"


def shown(text: str, limit: int = 4096) -> str:
    """Text from an event, made safe and not longer than anything a screen can show."""
    return printable(text[:limit])


def wrap(text: str, width: int, lines: int) -> list[str]:
    """Printable text in at most so many lines, broken at blanks where it can be."""
    out: list[str] = []
    rest = text.strip()
    while rest and len(out) < lines and width > 0:
        if len(out) == lines - 1 or cell_len(rest) <= width:
            out.append(fit(rest, width))
            break
        head = set_cell_size(rest, width + 1)
        cut = head.rfind(" ")
        cut = cut if cut > 0 else max(1, len(set_cell_size(rest, width).rstrip()))
        out.append(fit(rest[:cut].rstrip(), width))
        rest = rest[cut:].lstrip()
    return out


def count_words(number: int) -> str:
    """A count short enough for a column: 40,112 or 1.2M."""
    return f"{number:,}" if number < 100_000 else _short(number)


def rate_words(rate: float) -> str:
    """A rate short enough for a column: 3/s, 0.2/s or 2.1k/s; empty for none."""
    if rate <= 0:
        return ""
    if rate < 0.05:
        return "<0.1/s"
    if rate < 9.95:
        return f"{rate:.1f}".removesuffix(".0") + "/s"
    return f"{rate:.0f}/s" if rate < 999.5 else f"{_short(round(rate))}/s"


def bytes_words(number: int) -> str:
    """A size in bytes of 1024: 812B, 1.2k, 256M."""
    value = float(number)
    units = iter("BkMG")
    unit = next(units)
    while value >= 999.5 and (larger := next(units, "")):
        value, unit = value / 1024, larger
    return f"{value:.1f}{unit}" if unit != "B" and value < 9.95 else f"{value:.0f}{unit}"


def _short(number: int) -> str:
    value = float(number)
    for unit in ("", "k", "M", "G"):
        if value < 999.5:
            return f"{value:.1f}{unit}" if unit and value < 99.95 else f"{value:.0f}{unit}"
        value /= 1000
    return f"{value:.0f}T"
