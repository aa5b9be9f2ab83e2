"""A decision chart as lines of the screen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from estui.lab.chart import Chart, Line, lines
from estui.tui.lines import fit
from estui.tui.pieces import strip_of, width_of, wrap_hard, wrap_words
from estui.tui.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.strip import Strip

    from estui.tui.pieces import PieceLine

_LEAD = re.compile(r"[●○] \d .{14}|[┃╎](?: {5}(?:[◆◇·] )?)?|┗━▶ |[a-z].{13}")
"""What stands in front of the words of a line: below it nothing is written when the words are broken."""
_NARROW = 60
"""Cells below which broken words are not put under each other."""


class ChartLines(Reading):
    """The chart: the way the event took lit, the rule that decided marked, the rest dim."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines: tuple[Line, ...] = ()
        self._from = 0
        self._end = ""
        self._nothing = ""

    def show(self, found: Chart | None, nothing: str = "", *, event: bool = True) -> None:
        """Draws a chart, or says in printable words why there is none. Without `event` not what the event has."""
        self.lines = () if found is None else lines(found)
        texts = [line.text for line in self.lines]
        self._from = 0 if event or not texts else texts.index("") + 1
        self._end = "wrong" if found is None or not found.delivered else "good"
        self._nothing = nothing
        self.changed()

    def broken(self, width: int) -> list[PieceLine]:
        """The lines of the chart, too long ones broken."""
        return [broken for line in self.lines[self._from :] for broken in self._pieces(line, width)]

    def _pieces(self, line: Line, width: int) -> Iterator[PieceLine]:
        found = _LEAD.match(line.text)
        lead = found[0] if found else ""
        style = {"decided": "warn", "also": "also", "end": self._end}.get(line.mark, "")
        way = style if line.mark == "end" else "words"
        # A rule that would have suppressed the event later is told by its sign; the way did not come there.
        words = (style or "text") if line.taken else "dim"
        hang = _hang(lead, line, width)
        front = lead
        for part in _broken(line.text[len(lead) :], width - width_of(lead), width - width_of(hang)):
            yield [(front, way if line.taken else "dim"), (part, words)]
            front, way = hang, "words"

    def empty(self, width: int) -> Sequence[Strip]:
        """Why there is no chart."""
        return [
            strip_of(line, width, self.base, self.piece_style)
            for line in wrap_words(self._nothing, width, 4, "text")
        ]


def _hang(lead: str, line: Line, width: int) -> str:
    """What stands in front of the words that did not fit in the line: the way goes on there."""
    trunk = ("┃" if line.taken else "╎") if lead[:1] in ("●", "○", "┃", "╎") else " "
    return fit(trunk, width_of(lead) if width >= _NARROW else 2) if lead else ""


def _broken(text: str, first: int, width: int) -> Iterator[str]:
    """Printable text in lines, the first one `first` cells wide; after a blank where that does not waste half a line.

    Each character is kept.
    """
    room = first
    while width_of(text) > max(8, room):
        cut = len(next(wrap_hard([(text, "")], max(8, room)))[0][0])
        blank = text.rfind(" ", 0, cut) + 1
        cut = blank if blank > cut // 2 else cut
        yield text[:cut]
        text, room = text[cut:], width
    yield text
