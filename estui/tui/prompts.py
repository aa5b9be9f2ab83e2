"""Questions asked in one line at the bottom: find, go to time, a path."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.containers import Horizontal
from textual.events import Key
from textual.widgets import Input, Label

from estui.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.widget import Widget

    from estui.tui.commands import Commands


class Question(NamedTuple):
    """What to ask, and what to do with the answer."""

    label: str
    value: str
    hint: str
    """Shown while nothing is typed."""
    submit: Callable[[str], str | None]
    """Takes the answer; returns what is wrong with it, or None, which closes the prompt."""
    change: Callable[[str], None] | None = None
    """Called while typing."""
    cancel: Callable[[], None] | None = None


class Entry(Input):
    """What is typed, shown safely: a paste may hold what would drive the terminal.

    Keys may come faster than the focus moves. Those that were meant for the panel behind a prompt that has just been
    answered go back to the application.
    """

    bar: PromptBar

    def validate_value(self, value: str) -> str:
        """Escapes."""
        return printable(value)

    async def _on_key(self, event: Key) -> None:
        if self.bar.asking and event.key not in ("enter", "escape"):
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()
        if not self.bar.asking:
            self.app.post_message(Key(event.key, event.character))
        elif event.key == "enter":
            self.bar.answer(self.value)
        else:
            self.bar.leave()


class PromptBar(Horizontal):
    """A line at the bottom that asks one question. Enter answers it, Esc leaves it."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._question: Question | None = None
        self._asked_by: Widget | None = None
        self.display = False

    def compose(self) -> ComposeResult:
        """Label, input, and what is wrong."""
        yield Label(markup=False, id="prompt-label")
        entry = Entry(id="prompt-input", compact=True, select_on_focus=True)
        entry.bar = self
        yield entry
        yield Label(markup=False, id="prompt-wrong")

    @property
    def asking(self) -> bool:
        """A question is open."""
        return self._question is not None

    def ask(self, question: Question) -> None:
        """Asks; an open question is dropped."""
        self._question = None
        entry = self.query_one(Input)
        self.query_one("#prompt-label", Label).update(f" {question.label} ")
        self.query_one("#prompt-wrong", Label).update("")
        entry.placeholder = question.hint
        entry.value = question.value
        self._asked_by = self._asked_by if self.display else self.screen.focused
        self.display = True
        self._question = question
        self.screen.set_focus(entry)
        self._tell(question.label.rstrip(":"))

    def close(self) -> None:
        """Takes the prompt away and gives the focus back."""
        self._question = None
        self.display = False
        asked_by, self._asked_by = self._asked_by, None
        self.screen.set_focus(asked_by)
        self._tell(None)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tells the asker what is typed so far."""
        event.stop()
        self.query_one("#prompt-wrong", Label).update("")
        if self._question is not None and self._question.change is not None:
            self._question.change(event.value)

    def answer(self, value: str) -> None:
        """Gives the answer; where it is wrong the prompt stays and says why."""
        question = self._question
        if question is None:
            return
        wrong = question.submit(value)
        if wrong:
            self.query_one("#prompt-wrong", Label).update(f" {wrong} ")
        elif self._question is question:
            self.close()

    def _tell(self, words: str | None) -> None:
        """The footer shows the keys of an open prompt; `words` say what Enter does."""
        cast("Commands", self.app).panels.keys.asks(words)

    def leave(self) -> None:
        """Takes the question back."""
        question = self._question
        self.close()
        if question is not None and question.cancel is not None:
            question.cancel()


_STEP = re.compile(r"([+-])\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|)$")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?$")
_SECONDS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_time(text: str, here: int | None) -> int:
    """A time in ns since 1970 from what a person typed.

    `+30s`, `-5m`, `+1h` count from the row I am on (`here`); `12:00`, `12:00:01.5` is a clock on that row's day;
    anything else is a date and time as eslogger writes it. All in UTC. Raises ValueError with words for the person.
    """
    text = text.strip()
    if step := _STEP.match(text):
        if here is None:
            raise ValueError("this row has no time to count from")
        return here + int(float(f"{step[1]}{step[2]}") * _SECONDS[step[3]] * 1e9)
    if clock := _CLOCK.match(text):
        if here is None:
            raise ValueError("this row has no day; give the date too")
        hours, minutes, seconds = int(clock[1]), int(clock[2]), int(clock[3] or 0)
        if hours > 23 or minutes > 59 or seconds > 60:
            raise ValueError("there is no such time of day")
        day = here - here % 86_400_000_000_000
        fraction = int((clock[4] or "").ljust(9, "0"))
        return day + (hours * 3600 + minutes * 60 + seconds) * 1_000_000_000 + fraction
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("write 12:00:01, +30s, -5m, or 2024-05-01T12:00:01Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
