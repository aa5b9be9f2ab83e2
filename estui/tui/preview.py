"""What a plan would do, in a few lines of a dialog, worked out in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work
from textual.message import Message

from estui.lab import whatif
from estui.tui import preview_lines
from estui.tui.lines import Looks
from estui.tui.pieces import strip_of, wrap_words

if TYPE_CHECKING:
    from textual.geometry import Size
    from textual.strip import Strip

    from estui.client import Client
    from estui.plan import Plan
    from estui.tui.pieces import PieceLine

TALL = 30
"""A terminal of more lines has room for all that is asked for; a lower one for one line more than the words."""
GROUPS = 10
"""Processes and directories that are asked for; no line has room for more."""


class Preview(Looks):
    """The lines: what the plan would change, and below as many more as there is room for.

    Only the plan asked for last is answered. It takes the same room whatever it says, so that nothing below it jumps.
    """

    DEFAULT_CSS = """
    Preview {
        width: 100%; height: auto;
    }
    """

    class Answer(Message):
        """What a plan would change."""

        def __init__(self, found: whatif.Preview, asked: int) -> None:
            super().__init__()
            self.found = found
            self.asked = asked

    def __init__(self, client: Client, *, lines: int = 0, id: str | None = None) -> None:
        """`lines` are wanted below the words, where there is room."""
        super().__init__(id=id)
        self.client = client
        self._wanted = lines
        self._asked = 0
        self._working = False
        self._found: whatif.Preview | None = None
        self.words = ""
        """What it says first; empty while it is worked out."""

    def ask(self, plan: Plan | None) -> None:
        """Works out what a plan would change; None clears the lines."""
        self._asked += 1
        self._show(None)
        self._working = plan is not None
        if plan is not None:
            self._work_out(self.client.plan, plan, self._asked)

    @work(thread=True, exclusive=True, group="preview")
    def _work_out(self, now: Plan, then: Plan, asked: int) -> None:
        if asked == self._asked:
            found = whatif.Preview(self.client.core, now, then, top=GROUPS)
            self.post_message(self.Answer(found, asked))

    def on_preview_answer(self, answer: Answer) -> None:
        """Shows the answer, if it is the one to the last question."""
        answer.stop()
        if answer.asked == self._asked:
            self._working = False
            self._show(answer.found)

    def _show(self, found: whatif.Preview | None) -> None:
        self._found = found
        self.words = "" if found is None else preview_lines.words(found)
        # Words that take a second line where there is but one make it higher.
        self.refresh(layout=self.size.height != len(self._lines(self.size.width)))

    @property
    def _room(self) -> int:
        """Lines below the first."""
        return self._wanted if self.app.size.height > TALL else min(self._wanted, 1)

    def _lines(self, width: int) -> list[PieceLine]:
        room = self._room
        if self._found is None:
            lines: list[PieceLine] = [[("…" if self._working else "", "dim")]]
        else:
            lines = wrap_words(self.words, width, 2, "words")
            lines += preview_lines.lines(self._found, width, 1 + room - len(lines))
        return lines + [[] for _ in range(1 + room - len(lines))]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """The first line, and those there is room for."""
        return len(self._lines(width))

    def render_line(self, y: int) -> Strip:
        """One line."""
        lines = self._lines(self.size.width)
        line = lines[y] if y < len(lines) else []
        return strip_of(line, self.size.width, self.base, self.piece_style)
