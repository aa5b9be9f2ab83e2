"""One line that says what a plan would do, worked out in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

if TYPE_CHECKING:
    from estui.client import Client
    from estui.plan import Plan


class Preview(Static):
    """The line. Only the plan asked for last is answered."""

    DEFAULT_CSS = """
    Preview { height: auto; max-height: 2; color: $accent; text-style: bold; }
    """

    class Answer(Message):
        """What a plan would change, in words."""

        def __init__(self, words: str, asked: int) -> None:
            super().__init__()
            self.words = words
            self.asked = asked

    def __init__(self, client: Client, *, id: str | None = None) -> None:
        super().__init__("", markup=False, id=id)
        self.client = client
        self._asked = 0
        self.words = ""
        """What it says; empty while it is worked out."""

    def ask(self, plan: Plan | None) -> None:
        """Works out what a plan would change; None clears the line."""
        self._asked += 1
        self.words = ""
        if plan is None:
            self.update("")
            return
        self.update("…")
        self._work_out(plan, self._asked)

    @work(thread=True, exclusive=True, group="preview")
    def _work_out(self, plan: Plan, asked: int) -> None:
        if asked != self._asked:
            return
        self.post_message(self.Answer(self.client.preview_words(self.client.preview(plan)), asked))

    def on_preview_answer(self, answer: Answer) -> None:
        """Shows the answer, if it is the one to the last question."""
        answer.stop()
        if answer.asked == self._asked:
            self.words = answer.words
            self.update(Content(answer.words))
