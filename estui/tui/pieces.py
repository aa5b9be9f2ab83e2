"""A line as pieces of text, each with the name of its style; and how such a line becomes a Strip.

The texts must be printable already: this is the last stop before the terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from estui.tui.lines import fit, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.style import Style

Piece = tuple[str, str]
"""A text, and the name of a component class without its panel's prefix; "" for the panel's own style."""
PieceLine = list[Piece]


def width_of(text: str) -> int:
    """Cells a text takes."""
    return len(text) if text.isascii() else cell_len(text)


def strip_of(pieces: Iterable[Piece], width: int, base: Style, style: Callable[[str], Style] | None) -> Strip:
    """The pieces as one line of `width` cells, cut with … where longer. Without `style` all look like `base`."""
    segments: list[Segment] = []
    left = width
    for text, name in pieces:
        if not text:
            continue
        size = width_of(text)
        if size > left:
            if left > 0:
                segments.append(Segment(fit(text, left), base + style(name) if style and name else base))
            elif segments:
                segments[-1] = Segment(
                    fit(segments[-1].text + text, width_of(segments[-1].text)), segments[-1].style
                )
            left = 0
            break
        segments.append(Segment(text, base + style(name) if style and name else base))
        left -= size
    if left:
        segments.append(Segment(" " * left, base))
    return Strip(segments, width)


def wrap_hard(pieces: Iterable[Piece], width: int) -> Iterator[PieceLine]:
    """Lines of `width` cells, cut anywhere: for text whose every character counts."""
    width = max(2, width)
    line: PieceLine = []
    left = width
    for text, name in pieces:
        rest = text
        while rest:
            size = width_of(rest)
            if size <= left:
                line.append((rest, name))
                left -= size
                break
            take = left if rest.isascii() else _fitting(rest, left)
            if take:
                line.append((rest[:take], name))
                rest = rest[take:]
            yield line
            line, left = [], width
    if line:
        yield line


def _fitting(text: str, width: int) -> int:
    """How many characters of `text` take at most `width` cells."""
    size = 0
    for count, char in enumerate(text[: width * 4]):
        size += cell_len(char)
        if size > width:
            return count
    return min(len(text), width * 4)


def wrap_words(text: str, width: int, lines: int, style: str = "") -> list[PieceLine]:
    """Printable words in at most `lines` lines, all in one style."""
    return [[(line, style)] for line in wrap(text, width, lines)]
