"""The help overlay: the keys that work here, read from the live bindings."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from estui.text import printable
from estui.tui import actions
from estui.tui.lines import fit, wrap
from estui.tui.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult

    from estui.tui.actions import Action
    from estui.tui.pieces import PieceLine

SIGNS = (
    ("[x] [ ]", "subscribed: what ES sends to this client. Space in the event types changes it"),
    ("○", "not subscribed: ES would not send it to this client. It stays in the ring, dimmed; s hides it"),
    ("⊘", "muted: a process, path or target path mute keeps it from this client. Dimmed too; s hides it"),
    ("only / not", "view filters: what you look at just now. They mute nothing; V turns all off and back on"),
    ("lost", "sequence numbers jumped on a stream that estui started or recorded: events are gone"),
    ("missing", "the same in any other file: they may have been filtered before"),
    ("bad", "lines that are no event; they stand in the list with the reason"),
    ("evicted", "events that left the ring, oldest first, to keep it within its budget"),
    (
        "lost 12+",
        "12 events and some more: nobody knows how many. The rows say where and why; e goes to them",
    ),
    (
        "✗ failed",
        "the call failed, so ES would not tell of it (estui run --failed); the error stands behind it",
    ),
    ("? guess", "what was traced does not tell for certain; the detail says what was guessed"),
    ("LINUX", "not ES's own events: this system's, told in ES's words. What it cannot know is null"),
    (
        "left out",
        "events of estui itself and of the terminal it draws on: left out by the source, and counted",
    ),
    ("● REC", "what comes is recorded to a file; W ends that"),
    ("own", "events whose verdict would flip without this entry; where there are none it is redundant"),
    ("SIMULATED", "muting is done here, by estui; KERNEL: at the source"),
)
"""What the signs and words of the screen mean."""


MOST = 4
"""Lines of one entry."""


class HelpLines(Reading):
    """The text of the overlay."""

    def __init__(self, entries: Sequence[tuple[str, str]]) -> None:
        """`entries` are pairs of a key and what it does; a heading has no key."""
        super().__init__()
        self._entries = entries

    def broken(self, width: int) -> list[PieceLine]:
        """A heading on one line; of an entry the key, and beside it what it does."""
        column = _column(width)
        found: list[PieceLine] = []
        for key, words in self._entries:
            if not key:
                found.append([(words, "heading")])
                continue
            first, *more = wrap(words, width - column - 1, MOST) or [""]
            found.append([(fit(f"  {key}", column) + " ", "key"), (first, "")])
            found += [[(" " * (column + 1), ""), (line, "")] for line in more]
        return found


def _column(width: int) -> int:
    """Cells of the keys."""
    return 18 if width >= 60 else 12


class Help(ModalScreen[None]):
    """The overlay. Esc, q or ? closes it."""

    BINDINGS: ClassVar[list[Binding]] = [  # type: ignore[assignment]
        Binding("escape,q,question_mark,f1,enter", "leave", "close")
    ]

    def __init__(self, live: Mapping[str, str], here: str, facts: Sequence[tuple[str, str]] = ()) -> None:
        """`live` are the keys of the actions that work now, by id; `here` is the scope of the panel with the focus.

        `facts` are what the strip at the top says too short, or has no room for.
        """
        super().__init__()
        self._live = live
        self._here = here
        self._facts = facts

    def compose(self) -> ComposeResult:
        """The text in a frame."""
        frame = Vertical()
        frame.border_title = "Keys"
        frame.border_subtitle = "Esc closes · : runs any command by its name"
        with frame:
            yield HelpLines(entries(self._live, self._here, self._facts))

    def on_mount(self) -> None:
        """The keys scroll the text."""
        self.query_one(HelpLines).focus()

    def action_leave(self) -> None:
        """Closes the overlay."""
        self.dismiss(None)


def entries(
    live: Mapping[str, str], here: str, facts: Sequence[tuple[str, str]] = ()
) -> list[tuple[str, str]]:
    """The lines of the overlay: how it stands, the panel's own keys, those of the whole screen, then the signs."""
    out: list[tuple[str, str]] = []
    if facts:
        out += [("", "Just now"), *((key, printable(words)) for key, words in facts), (" ", "")]
    if here != "app":
        members = [action for action in actions.ACTIONS if action.scope == here and action.id in live]
        out += _section(f"In this panel ({here})", members, live)
    groups: dict[str, list[Action]] = {}
    for action in actions.ACTIONS:
        if action.scope == "app" and action.id in live:
            groups.setdefault(action.group, []).append(action)
    for group, members in groups.items():
        out += _section(group, members, live)
    out += [("", "Signs and words"), *SIGNS]
    return out


def _section(heading: str, members: list[Action], live: Mapping[str, str]) -> list[tuple[str, str]]:
    if not members:
        return []
    lines = [(actions.key_words(live[action.id]), action.help) for action in members]
    return [("", heading), *lines, (" ", "")]
