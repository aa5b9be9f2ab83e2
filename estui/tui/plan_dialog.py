"""The dialogs that load and save mute plans."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Button, Input, Label

from estui import plan as plans
from estui.plan import EXAMPLES, Plan, PlanError, find_plan
from estui.text import printable
from estui.tui.choice import Choice
from estui.tui.files import readable
from estui.tui.mute_dialog import FRAME_CSS, SafeInput, Words
from estui.tui.mute_entry import escape, unescape
from estui.tui.preview import Preview

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import DescendantFocus, Key

    from estui.client import Client

LISTED = 2000
"""Names of a directory looked at to complete a path."""


class PathSuggester(Suggester):
    """Completes the last part of a path from what is in its directory."""

    def __init__(self, suffix: str) -> None:
        """Files must end with `suffix`; directories come too."""
        super().__init__(use_cache=False, case_sensitive=True)
        self._suffix = suffix

    async def get_suggestion(self, value: str) -> str | None:
        """The first name that fits. Names that would have to be escaped are left out."""
        head, slash, tail = value.rpartition("/")
        if not tail:
            return None
        try:
            directory = Path(head + slash or ".").expanduser()
            names = sorted(path for _, path in zip(range(LISTED), directory.iterdir(), strict=False))
            for path in names:
                if path.name.startswith(tail) and escape(path.name) == path.name:
                    if path.is_dir():
                        return f"{head}{slash}{path.name}/"
                    if path.name.endswith(self._suffix):
                        return f"{head}{slash}{path.name}"
        except (OSError, ValueError, RuntimeError):
            return None
        return None


def about(path: Path) -> str:
    """The first words of the comment that a plan file begins with. Printable."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return ""
    words = []
    for line in lines:
        if not line.startswith("#") or line.strip() == "#":
            break
        words.append(line.lstrip("# "))
    return printable(" ".join(words))


def plan_words(plan: Plan) -> str:
    """What a plan holds, on one line."""
    inverted = [name for name in ("process", "path", "target_path") if getattr(plan, f"invert_{name}")]
    parts = [f"{len(plan.entries)} {'entry' if len(plan.entries) == 1 else 'entries'}"]
    if plan.subscribe is not None:
        parts.append(f"subscribes to {len(plan.subscribe)} types")
    if inverted:
        parts.append(f"inverts {', '.join(inverted)}")
    if plan.default_mute_set != "none":
        parts.append(f"default set {plan.default_mute_set}")
    return ", ".join(parts)


class LoadDialog(ModalScreen[bool]):
    """Which plan to load: a shipped example, or a file. The result is whether one was loaded."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel"),
    ]
    DEFAULT_CSS = FRAME_CSS.format(name="LoadDialog")

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client
        self._file = False
        """The file is meant, not an example: whichever had the focus last."""

    def compose(self) -> ComposeResult:
        """Examples, a path, and what the plan would do."""
        frame = Vertical()
        frame.border_title = "Load a mute plan"
        frame.border_subtitle = "Enter load · Tab next · Esc cancel"
        with frame:
            yield Choice("Examples", most=6, id="examples")
            with Horizontal(classes="field"):
                yield Label("File")
                yield SafeInput("", "path of a .toml file", suggester=PathSuggester(".toml"), id="file")
            yield Words(id="about")
            yield Preview(self.client)
            yield Words(id="wrong", classes="wrong")
            yield Words(id="warn", classes="warn")
            with Horizontal(classes="buttons"):
                yield Button("Load", variant="primary", compact=True, id="load")
                yield Button("Cancel", compact=True, id="cancel")

    def on_mount(self) -> None:
        """Begins at the file where a plan has one, else at the examples."""
        examples = self.query_one(Choice)
        examples.set_options([(name, "") for name in EXAMPLES])
        entry = self.query_one(Input)
        if self.client.path is not None:
            entry.value = escape(str(self.client.path))
            entry.select_all()  # typing another one replaces it
            entry.focus()
        else:
            examples.focus()
        if self.client.changed:
            self.query_one("#warn", Words).say("△ the present plan is not saved; u brings it back afterwards")
        self._look()

    def wanted(self) -> Path | None:
        """The file that is chosen. Raises PlanError or ValueError."""
        if not self._file:
            return find_plan(EXAMPLES[self.query_one(Choice).cursor])
        text = self.query_one(Input).value.strip()
        return readable(find_plan(str(Path(unescape(text)).expanduser()))) if text else None

    def _look(self) -> None:
        preview, shown = self.query_one(Preview), self.query_one("#about", Words)
        self.query_one("#wrong", Words).say("")
        try:
            path = self.wanted()
            plan = plans.load(path) if path is not None and path.is_file() else None
        except (PlanError, ValueError, OSError, RuntimeError):
            # Half a path is no mistake yet; Enter says what is wrong.
            plan = path = None
        if plan is None or path is None:
            shown.say("")
            preview.ask(None)
            return
        shown.say("  ".join(part for part in (plan_words(plan) + ".", about(path)) if part))
        preview.ask(plan)

    def on_choice_changed(self) -> None:
        """Another example."""
        self._look()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Examples or file: where the focus was last."""
        if isinstance(event.widget, Choice | Input):
            self._file = isinstance(event.widget, Input)
            self._look()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Another path."""
        event.stop()
        self._look()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter loads."""
        event.stop()
        self.action_load()

    def key_enter(self, event: Key) -> None:
        """Enter in the list loads, too, and does nothing below the dialog."""
        if self.query_one(Choice).has_focus:
            event.stop()
            self.action_load()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The mouse's way."""
        event.stop()
        if event.button.id == "load":
            self.action_load()
        else:
            self.action_cancel()

    def action_load(self) -> None:
        """Puts the plan in force, or says what is wrong with it."""
        try:
            path = self.wanted()
            if path is None:
                raise ValueError("write the path of a plan, or choose an example")
            self.client.load(path)
        except (PlanError, ValueError, RuntimeError) as error:
            self.query_one("#wrong", Words).say(f"✗ {printable(str(error))}")
            return
        for words in self.client.plan.warnings:
            self.app.notify(words, severity="warning", markup=False)
        self.dismiss(True)
        self.app.notify(
            f"Loaded {printable(str(path))}: {plan_words(self.client.plan)}; u takes it back", markup=False
        )

    def action_cancel(self) -> None:
        """Leaves the plan as it is."""
        self.dismiss(False)


class SaveDialog(ModalScreen[bool]):
    """Where to save the plan. The result is whether it was saved."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel"),
    ]
    DEFAULT_CSS = FRAME_CSS.format(name="SaveDialog")

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client
        self._agreed: Path | None = None

    def compose(self) -> ComposeResult:
        """A path, and what will be written."""
        frame = Vertical()
        frame.border_title = "Save the mute plan"
        frame.border_subtitle = "Enter save · Esc cancel"
        with frame:
            with Horizontal(classes="field"):
                yield Label("File")
                yield SafeInput(self._first(), suggester=PathSuggester(".toml"), id="file")
            yield Words(id="about")
            yield Words(id="wrong", classes="wrong")
            with Horizontal(classes="buttons"):
                yield Button("Save", variant="primary", compact=True, id="save")
                yield Button("Cancel", compact=True, id="cancel")

    def _first(self) -> str:
        if self.client.path is not None:
            return escape(str(self.client.path))
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", self.client.plan.name).strip("-.") or "plan"
        return f"./{name}.toml"

    def on_mount(self) -> None:
        """Begins at the path."""
        self.query_one(Input).focus()
        self.query_one("#about", Words).say(
            f"{plan_words(self.client.plan)}. The file appears whole or not at all; the old one stays until then."
        )

    def on_input_changed(self, event: Input.Changed) -> None:
        """Another path: what was said about the one before is void."""
        event.stop()
        self._agreed = None
        self.query_one("#wrong", Words).say("")

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
        """Writes the plan, or says why not. A file that is another's is written over only when asked twice."""
        wrong = self.query_one("#wrong", Words)
        try:
            text = unescape(self.query_one(Input).value.strip())
            if not text:
                raise ValueError("write a path, such as ./plan.toml")
            path = Path(text).expanduser()
            readable(path)
            if path.exists() and path not in (self.client.path, self._agreed):
                self._agreed = path
                wrong.say(f"△ {printable(str(path))} exists: Enter again writes over it")
                return
            self.client.save(path)
        except (PlanError, ValueError, OSError, RuntimeError) as error:
            wrong.say(f"✗ {printable(str(error))}")
            return
        self.dismiss(True)
        self.app.notify(f"Saved {plan_words(self.client.plan)} to {printable(str(path))}", markup=False)

    def action_cancel(self) -> None:
        """Writes nothing."""
        self.dismiss(False)
