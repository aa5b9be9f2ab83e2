"""Why: ES's decision chart for an event of the ring, or for one that is only thought of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label

from estui.events import BY_C_NAME, INSTIGATOR_EVENTS, NOTIFY, EventType
from estui.lab.chart import Chart, chart, explain, subject, target_count
from estui.message import BadLine, Message
from estui.muting import Subject
from estui.paths import instigator
from estui.plan import MuteProcess, PlanError
from estui.record import KIND_EVENT
from estui.text import printable
from estui.tui.chart_lines import ChartLines
from estui.tui.clipboard import copy
from estui.tui.detail_words import base_name
from estui.tui.lines import shown
from estui.tui.mute_dialog import SafeInput, Words
from estui.tui.mute_entry import escape, unescape

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from estui.plan import Plan
    from estui.session import Session

LOOKS = 0.25
"""Seconds between two looks at the plan in force."""
EXAMPLE = Subject("open", (812, 2846), None, "/bin/cat", ("/private/etc/hosts",))
"""What the editor begins with where there is no event to begin with."""
GONE = "The ring no longer holds this event. e thinks of one."
NO_EVENT = "This row is no event, so nothing was decided. e thinks of one."


class ChartScreen(ModalScreen[None]):
    """The chart of one event; with `e` that of an event one types, drawn with every key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "close"),
        Binding("q", "dismiss", "close"),
        Binding("e", "edit", "think of an event"),
        Binding("y", "copy", "copy"),
        Binding("u", "history('undo')", "undo"),
        Binding("U,ctrl+r", "history('redo')", "redo"),
        # While a field has the focus the chart still scrolls.
        Binding("down", "scroll_chart(1)", show=False),
        Binding("up", "scroll_chart(-1)", show=False),
        Binding("pagedown", "page_chart(1)", show=False),
        Binding("pageup", "page_chart(-1)", show=False),
    ]
    DEFAULT_CSS = """
    ChartScreen {
        align: center middle;
        & > Vertical {
            width: 100%; max-width: 130; height: 100%; max-height: 42;
            border: round $border; background: $surface; padding: 0 1;
        }
        & #fields { height: auto; margin-bottom: 1; display: none; }
        & .field { height: 1; & Label { width: 12; color: $es-key; } & Input { width: 1fr; } }
        & .wrong { height: auto; max-height: 2; color: $error; text-style: bold; }
        & ChartLines { height: 1fr; background: $surface; }
    }
    """

    def __init__(self, session: Session, seq: int | None, plan: Plan | None = None) -> None:
        """The event at `seq`, or with None one to be typed; under `plan`, or with None under the plan in force."""
        super().__init__()
        self.session = session
        self._plan = plan
        self._drawn_for: Plan | None = None
        self._editing = False
        self._filled = False
        """The fields hold what was typed; they keep it."""
        self._message: Message | None = None
        """The event itself, kept: the ring may let it go while the chart is read."""
        self._seq = seq
        self._missing = "" if seq is None else self._read(seq)

    def _read(self, seq: int) -> str:
        """Takes the event out of the ring; says why there is none."""
        row, raw = self.session.core.row(seq), self.session.core.raw(seq)
        if row is None or raw is None:
            return GONE
        if row.kind != KIND_EVENT:
            return NO_EVENT
        message = Message(raw)
        try:
            explain(message, self.plan)
        except BadLine as error:
            return f"This line cannot be read as an event: {shown(str(error))}"
        self._message = message
        return ""

    def compose(self) -> ComposeResult:
        """The fields of an event, and the chart."""
        types = SuggestFromList(NOTIFY, case_sensitive=False)
        with Vertical():
            with Vertical(id="fields"):
                yield from _field("type", "Type", "an event type, such as open", types)
                yield from _field("process", "Process", "pid.pidversion; may be left empty")
                yield from _field("instigator", "Instigator", "pid.pidversion; may be left empty")
                yield from _field("executable", "Executable", "path of the acting program")
                yield from _field("target-1", "Target", "path")
                yield from _field("target-2", "Target 2", "path")
                yield Words(id="wrong", classes="wrong")
            yield ChartLines()

    def on_mount(self) -> None:
        """Begins with the chart, or where there is no event, with the fields."""
        if self._seq is None:
            self.action_edit()
        else:
            self.query_one(ChartLines).focus()
            self._draw()
        self.set_interval(LOOKS, self.look)

    @property
    def plan(self) -> Plan:
        """The plan the event is judged by."""
        return self._plan or self.session.client.plan

    def look(self) -> None:
        """Draws the chart again if there is another plan in force."""
        if self.plan is not self._drawn_for:
            self._draw()

    # ---- the chart

    def _draw(self) -> None:
        self._drawn_for = self.plan
        frame, drawn, wrong = (
            self.query_one(Vertical),
            self.query_one(ChartLines),
            self.query_one("#wrong", Words),
        )
        draft = " under a draft" if self._plan is not None and self._plan != self.session.client.plan else ""
        if not self._editing:
            found = None if self._message is None else explain(self._message, self.plan)
            frame.border_title = Content(f"Why{draft}: {_title(found) if found else 'no event'}")
            frame.border_subtitle = "e another event · y copy · Esc close"
            drawn.show(found, self._missing)
            return
        frame.border_title = Content(f"What if{draft}: an event one thinks of")
        back = "close" if self._seq is None else "back"
        frame.border_subtitle = f"Tab next · → complete · ↑ ↓ scroll · Esc {back}"
        try:
            found = chart(self._typed(), self.plan)
        except ValueError as error:
            wrong.say(f"✗ {shown(str(error))}")
            drawn.show(None)
        else:
            missing = target_count(found.subject.event) - len(found.subject.targets)
            of = "its target" if missing == 1 and not found.subject.targets else f"{missing} of its targets"
            wrong.say(f"△ {of} not given, and not asked about: a real event has all" if missing else "")
            frame.border_title = Content(
                f"What if{draft}: {_title(found)}{', as far as it goes' if missing else ''}"
            )
            drawn.show(found, event=False)

    # ---- the event that is thought of

    def _value(self, field: str) -> str:
        return self.query_one(f"#{field}", Input).value

    def _typed(self) -> Subject:
        """The event as typed. Raises ValueError with words for the person; the fields follow the type."""
        name = self._value("type").strip()
        if not name:
            raise ValueError("write an event type, such as open")
        known = NOTIFY.get(name) or BY_C_NAME.get(name)
        if known is not None and known.name:
            self._offer(known)
        # Before its paths: which of them there are depends on the type.
        subject(name)
        event = known.name if known is not None else name
        paths = [_path(field, self._value(field)) for field in _TARGETS[: target_count(event)]]
        return subject(
            event,
            process=_process("process", self._value("process")),
            instigator=_process("instigator", self._value("instigator")) if self._votes(event) else None,
            executable=_path("executable", self._value("executable")),
            targets=tuple(path for path in paths if path is not None),
        )

    def _votes(self, event: str) -> bool:
        return self.plan.instigator_votes and event in INSTIGATOR_EVENTS

    def _offer(self, known: EventType) -> None:
        """Shows the fields that events of this type have."""
        most = target_count(known.name)
        there = {"instigator": self._votes(known.name), "target-1": most > 0, "target-2": most > 1}
        for field, on in there.items():
            holder = self.query_one(f"#{field}-field")
            if not on and self.focused is not None and self.focused.id == field:
                self.query_one("#type", Input).focus()
            holder.display = on
        self.query_one("#target-1-label", Label).update("Target 1" if most > 1 else "Target")
        for field, places in zip(_TARGETS, known.target_path_fields.split(";"), strict=False):
            self.query_one(f"#{field}", Input).placeholder = f"path: {places.partition('|')[0]}"

    def _fill(self) -> None:
        if self._filled:
            return
        self._filled = True
        message = self._message
        given, voter = EXAMPLE, None
        if message is not None:
            given = self.plan.mute_set().subject(message)
            voter = instigator(message.event, message.payload)
        values = {
            "type": printable(given.event),
            "process": _pair(given.process),
            "instigator": _pair(voter),
            "executable": escape(given.executable or ""),
            **{field: escape(path) for field, path in zip(_TARGETS, given.targets, strict=False)},
        }
        with self.prevent(Input.Changed):
            for field, value in values.items():
                self.query_one(f"#{field}", Input).value = value

    def on_input_changed(self, event: Input.Changed) -> None:
        """Draws the chart of what is typed."""
        event.stop()
        if self._editing:
            self._draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes on to the next field."""
        event.stop()
        self.focus_next()

    # ---- keys

    def action_edit(self) -> None:
        """Goes on with an event that is only thought of: first this one."""
        self._editing = True
        self._fill()
        self.query_one("#fields").display = True
        self._draw()
        field = self.query_one("#type", Input)
        field.focus()
        field.select_all()  # typing another one replaces it

    def action_leave(self) -> None:
        """From the editor back to the event; from there, closes."""
        if not self._editing or self._seq is None:
            self.dismiss(None)
            return
        self._editing = False
        self.query_one("#fields").display = False
        self.query_one(ChartLines).focus()
        self._draw()

    def action_copy(self) -> None:
        """Copies the chart as text."""
        text = "\n".join(line.text for line in self.query_one(ChartLines).lines)
        if text:
            copy(self.app, text + "\n", "the chart")

    async def action_history(self, action: str) -> None:
        """Undo or redo of the plan in force, where that is what the chart shows."""
        if self._plan is None:
            await self.app.run_action(action)
            self.look()

    def action_scroll_chart(self, step: int) -> None:
        """Scrolls the chart."""
        self.query_one(ChartLines).action_cursor(step)

    def action_page_chart(self, step: int) -> None:
        """Scrolls the chart by pages."""
        self.query_one(ChartLines).action_page(step)


_TARGETS = ("target-1", "target-2")


def _field(id: str, label: str, placeholder: str, suggester: SuggestFromList | None = None) -> ComposeResult:
    with Horizontal(classes="field", id=f"{id}-field"):
        yield Label(label, id=f"{id}-label")
        yield SafeInput("", placeholder, suggester=suggester, id=id)


def _title(found: Chart) -> str:
    """An event and what becomes of it. Printable."""
    event = found.subject
    who = f" by {printable(base_name(event.executable)[:64])}" if event.executable else ""
    end = "delivered" if found.stage is None else f"suppressed at {found.stage.replace('_', ' ')}"
    return f"{printable(event.event[:64])}{who}, {end}"


def _pair(process: tuple[int, int] | None) -> str:
    return "" if process is None else f"{process[0]}.{process[1]}"


def _process(field: str, text: str) -> tuple[int, int] | None:
    """The process typed, None for an empty field. Raises ValueError."""
    if not text.strip():
        return None
    found = re.fullmatch(r"([0-9]{1,10})\.([0-9]{1,10})", text.strip())
    if found is None:
        raise ValueError(f"{field}: write it as pid.pidversion, such as 812.2846, or leave it empty")
    process = int(found[1]), int(found[2])
    try:
        MuteProcess(*process)
    except PlanError as error:
        raise ValueError(f"{field}: {error}") from None
    return process


def _path(field: str, text: str) -> str | None:
    """The path typed, None for an empty field. Raises ValueError."""
    try:
        return unescape(text) or None
    except ValueError as error:
        raise ValueError(f"{field.replace('-', ' ')}: {error}") from None
