"""The dialogs that make mute entries: from the selected event, and by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import Suggester, SuggestFromList
from textual.widgets import Button, Input, Label, Select, Static

from estui.events import NOTIFY
from estui.plan import Entry, PlanError
from estui.text import printable
from estui.tui.choice import Choice
from estui.tui.detail_words import base_name
from estui.tui.mute_entry import (
    PROCESS,
    TYPES,
    Checked,
    Match,
    Subject,
    call_words,
    check,
    entry_of,
    escape,
    event_choices,
    events_text,
    matched,
    same_match,
    subjects,
    type_of,
    warnings,
)
from estui.tui.preview import Preview

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from estui.client import Client
    from estui.record import Row


class SafeInput(Input):
    """An Input whose value never holds what could drive the terminal: what is pasted is escaped."""

    def __init__(
        self, value: str = "", placeholder: str = "", *, suggester: Suggester | None = None, id: str
    ) -> None:
        super().__init__(value, placeholder, suggester=suggester, id=id, compact=True, select_on_focus=False)

    def validate_value(self, value: str) -> str:
        """Escapes."""
        return printable(value)


class Words(Static):
    """A few lines of printable text that take no room while there are none."""

    def __init__(self, *, id: str, classes: str = "words") -> None:
        super().__init__("", markup=False, id=id, classes=classes)
        self.display = False

    def say(self, words: str) -> None:
        """Shows other words."""
        self.display = bool(words)
        self.update(Content(words))


FRAME_CSS = """
    {name} {{
        align: center middle;
        & > Vertical {{
            width: 100%; max-width: 100; height: auto; max-height: 100%;
            border: round $border; background: $surface; padding: 0 1;
        }}
        & .words {{ height: auto; max-height: 2; color: $es-suppressed; }}
        & .warn {{ height: auto; max-height: 3; color: $warning; }}
        & .wrong {{ height: auto; max-height: 3; color: $error; text-style: bold; }}
        & .buttons {{ height: 1; margin-top: 1; & Button {{ margin-right: 2; }} }}
        & .field {{ height: 1; & Label {{ width: 9; color: $es-key; }} & Input {{ width: 1fr; }}
            & Select {{ width: 24; }} }}
    }}
"""


def add_entry(client: Client, entry: Entry) -> str:
    """Puts an entry into the plan; one that is there already is enabled instead. Says what was done."""
    for index, other in enumerate(client.plan.entries):
        if same_match(other, entry):
            if other.enabled:
                return "The plan has this entry already"
            client.enable(index, True)
            return "Enabled the entry that was there"
    client.add(entry)
    return f"Added {printable(entry.label)}; u takes it back"


class MuteDialog(ModalScreen[bool]):
    """What to mute of one event. Enter takes what is chosen; the result is whether the plan was changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "cancel", "cancel"),
        Binding("enter", "accept", "mute", priority=True),
        Binding("e", "by_hand", "by hand"),
        Binding("a", "other_events", "events"),
        *(Binding(key, f"subject('{key}')", show=False) for key in "tbxo"),
    ]
    DEFAULT_CSS = FRAME_CSS.format(name="MuteDialog")

    def __init__(self, client: Client, row: Row) -> None:
        """`row` is an event."""
        super().__init__()
        self.client = client
        self.row = row
        self._subjects = subjects(row)
        self._events: tuple[tuple[str, ...] | None, ...] = (None,)

    def compose(self) -> ComposeResult:
        """Three choices, and what they would do."""
        frame = Vertical()
        row = self.row
        who = f" by {printable(base_name(row.executable)[:64])}" if row.executable else ""
        frame.border_title = Content(f"Mute {printable(row.event[:64])}{who}")
        frame.border_subtitle = "Enter mute · Tab next choice · Esc cancel"
        with frame:
            yield Choice("What", most=4, id="what")
            yield Choice("Match", most=7, id="match")
            yield Choice("Events", most=2, id="of")
            yield Preview(self.client, lines=4)
            yield Words(id="call")
            yield Words(id="warn", classes="warn")
            with Horizontal(classes="buttons"):
                yield Button("Mute", variant="primary", compact=True, id="accept")
                yield Button("Edit by hand (e)", compact=True, id="hand")
                yield Button("Cancel", compact=True, id="cancel")

    def on_mount(self) -> None:
        """Begins with the most sensible choice: Enter at once takes it."""
        what = self.query_one("#what", Choice)
        what.set_options([(f"{one.key} {one.label:<12}", printable(one.text)) for one in self._subjects])
        self._offer_matches()
        (self.query_one("#match", Choice) if self._subjects else self.query_one("#cancel")).focus()

    @property
    def subject(self) -> Subject | None:
        """What is to be muted; None for an event that has nothing."""
        cursor = self.query_one("#what", Choice).cursor
        return self._subjects[cursor] if self._subjects else None

    @property
    def match(self) -> Match | None:
        """How it is matched."""
        subject = self.subject
        return None if subject is None else subject.matches[self.query_one("#match", Choice).cursor]

    def entry(self) -> Entry | None:
        """The entry as chosen; None where a plan cannot hold it."""
        match = self.match
        if match is None:
            return None
        try:
            return entry_of(match, self._events[self.query_one("#of", Choice).cursor])
        except PlanError as error:
            self._say(str(error))
            return None

    def _offer_matches(self) -> None:
        subject = self.subject
        matches = subject.matches if subject is not None else ()
        self.query_one("#match", Choice).set_options(
            [(f"{one.type:<14}", printable(one.path)) for one in matches]
        )
        self._offer_events()

    def _offer_events(self) -> None:
        match = self.match
        choice = self.query_one("#of", Choice)
        this_type = choice.cursor == 0
        self._events = event_choices(self.row, match) if match is not None else (None,)
        every = (
            "all events"
            if match is None or not match.type.startswith("TARGET")
            else "all events with targets"
        )
        texts = [(every if one is None else f"only {one[0]}", "") for one in self._events]
        choice.set_options(texts, 0 if this_type else len(texts) - 1)
        self._look()

    def _look(self) -> None:
        entry = self.entry()
        self.query_one(Preview).ask(None if entry is None else self.client.with_entry(entry))
        if entry is not None:
            self.query_one("#call", Words).say(call_words(entry))
            found = [*self._already(), *warnings(entry, self.client.plan, seen=True)]
            self._say("\n".join(f"△ {words}" for words in found))
        elif not self._subjects:
            self._say(
                "This event names no process, no executable and no target: there is nothing to mute it by."
            )

    def _already(self) -> list[str]:
        """Why the event itself is suppressed as it is, in words; then muting it again does not change it."""
        verdict = self.client.verdict(self.row.seq)
        if verdict is None or verdict.delivered:
            return []
        rule = f" by {printable(verdict.rule)}" if verdict.rule else ""
        return [f"this event is suppressed already, at {verdict.stage}{rule}"]

    def _say(self, words: str) -> None:
        self.query_one("#warn", Words).say(words)

    def on_choice_changed(self, event: Choice.Changed) -> None:
        """The choices below depend on those above."""
        if event.choice.id == "what":
            self._offer_matches()
        elif event.choice.id == "match":
            self._offer_events()
        else:
            self._look()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The mouse's way."""
        event.stop()
        {"accept": self.action_accept, "hand": self.action_by_hand, "cancel": self.action_cancel}[
            event.button.id or "cancel"
        ]()

    def action_subject(self, key: str) -> None:
        """Chooses what to mute by its letter; the same letter again, the next of its kind."""
        what = self.query_one("#what", Choice)
        places = [place for place, one in enumerate(self._subjects) if one.key == key]
        if places:
            what.choose(next((place for place in places if place > what.cursor), places[0]))

    def action_other_events(self) -> None:
        """This type of event alone, or all."""
        choice = self.query_one("#of", Choice)
        choice.choose((choice.cursor + 1) % choice.count())

    def action_by_hand(self) -> None:
        """Goes on in the editor with what is chosen."""
        self.app.push_screen(EditDialog(self.client, entry=self.entry()), self._edited)

    def _edited(self, words: str | None) -> None:
        if words is not None:
            self.dismiss(True)
            self.app.notify(words, markup=False)

    def action_accept(self) -> None:
        """Mutes what is chosen."""
        focused = self.focused
        if isinstance(focused, Button) and focused.id != "accept":
            focused.press()
            return
        entry = self.entry()
        if entry is not None:
            words = add_entry(self.client, entry)
            self.dismiss(True)
            self.app.notify(words, markup=False)

    def action_cancel(self) -> None:
        """Leaves everything as it is."""
        self.dismiss(False)


class EditDialog(ModalScreen[str]):
    """One entry by hand: a new one, or one of the plan's.

    The result says in words what was changed; None where nothing was. Whoever asked tells it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel"),
        Binding("ctrl+s", "save", "save"),
    ]
    DEFAULT_CSS = FRAME_CSS.format(name="EditDialog")

    def __init__(self, client: Client, index: int | None = None, entry: Entry | None = None) -> None:
        """`index` is the place of the entry in plan.entries, None for a new one; `entry` is what to begin with."""
        super().__init__()
        self.client = client
        self.index = index
        self._first = client.plan.entries[index] if index is not None else entry

    def compose(self) -> ComposeResult:
        """Type, what, events; what is wrong with them, and what they would do."""
        first = self._first
        frame = Vertical()
        frame.border_title = "Edit an entry" if self.index is not None else "Add an entry"
        frame.border_subtitle = "Enter save · Tab next field · Esc cancel"
        names = SuggestFromList([*NOTIFY, "all"], case_sensitive=False)
        with frame:
            with Horizontal(classes="field"):
                yield Label("Type")
                yield Select(
                    [(name, name) for name in TYPES],
                    value=type_of(first) if first is not None else "TARGET_PREFIX",
                    allow_blank=False,
                    compact=True,
                    id="type",
                )
            with Horizontal(classes="field"):
                yield Label("Path", id="what-label")
                yield SafeInput(escape(matched(first)) if first is not None else "", id="what")
            with Horizontal(classes="field"):
                yield Label("Events")
                yield SafeInput(events_text(first) if first is not None else "all", suggester=names, id="of")
            yield Words(id="hint")
            yield Preview(self.client, lines=4)
            yield Words(id="call")
            yield Words(id="wrong", classes="wrong")
            yield Words(id="warn", classes="warn")
            with Horizontal(classes="buttons"):
                yield Button("Save", variant="primary", compact=True, id="save")
                yield Button("Cancel", compact=True, id="cancel")

    def on_mount(self) -> None:
        """Begins at the path, where most is to be done."""
        self.query_one("#what", Input).focus()
        self._look()

    def checked(self) -> Checked:
        """What the fields say just now."""
        enabled = self._first is None or self._first.enabled
        return check(
            str(self.query_one("#type", Select).value),
            self.query_one("#what", Input).value,
            self.query_one("#of", Input).value,
            enabled=enabled,
        )

    def _look(self) -> None:
        checked = self.checked()
        entry = checked.entry
        kind = str(self.query_one("#type", Select).value)
        self.query_one("#what-label", Label).update("Process" if kind == PROCESS else "Path")
        hints = {
            PROCESS: "one execution: pid.pidversion; a child and the image after exec are others",
            "LITERAL": "the acting program has exactly this path",
            "PREFIX": "the acting program's path begins with this",
            "TARGET_LITERAL": "what is acted on has exactly this path",
            "TARGET_PREFIX": "the path of what is acted on begins with this",
        }
        self.query_one("#hint", Words).say(f"{kind}: {hints[kind]}. Events: all, or names apart by blanks")
        # A dialog that just opened accuses nobody.
        blank = not self.query_one("#what", Input).value
        self.query_one("#wrong", Words).say(f"✗ {checked.error}" if checked.error and not blank else "")
        self.query_one("#call", Words).say(call_words(entry) if entry is not None else "")
        found = list(checked.warnings)
        if entry is not None and (
            self._first is None or not same_match(entry, self._first) or self.index is None
        ):
            found += [words for words in warnings(entry, self.client.plan) if words not in found]
        self.query_one("#warn", Words).say("\n".join(f"△ {words}" for words in found))
        self.query_one(Preview).ask(None if entry is None else self.client.with_entry(entry, self.index))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Checks what is typed."""
        event.stop()
        self._look()

    def on_select_changed(self, event: Select.Changed) -> None:
        """Checks under another type."""
        event.stop()
        self._look()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter saves."""
        event.stop()
        self.action_save()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The mouse's way."""
        event.stop()
        if event.button.id == "save":
            self.action_save()
        else:
            self.action_cancel()

    def action_save(self) -> None:
        """Puts the entry into the plan, unless something is wrong with it."""
        entry, error, _ = self.checked()
        if entry is None:
            self.query_one("#wrong", Words).say(f"✗ {error}")
            return
        if self.index is None:
            words = add_entry(self.client, entry)
        else:
            self.client.replace(self.index, entry)
            words = f"Changed to {printable(entry.label)}; u takes it back"
        self.dismiss(words)

    def action_cancel(self) -> None:
        """Leaves everything as it is."""
        self.dismiss(None)
