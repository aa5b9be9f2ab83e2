"""The dialog that writes the plan in another language."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label

from estui.lab.export import FORMATS, Exported, export
from estui.text import printable, write_atomic
from estui.tui.choice import Choice
from estui.tui.clipboard import copy
from estui.tui.lines import shown
from estui.tui.mute_dialog import FRAME_CSS, SafeInput, Words
from estui.tui.mute_entry import escape, unescape
from estui.tui.pieces import wrap_hard
from estui.tui.plan_dialog import PathSuggester
from estui.tui.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import Key

    from estui.client import Client
    from estui.tui.pieces import PieceLine


NAMES: dict[str, tuple[str, str, str]] = {
    "c": ("C", ".c", "a function that mutes for an es_client_t *"),
    "swift": ("Swift", ".swift", "the same in Swift"),
    "rust": ("Rust", ".rs", "the same with the crate endpoint-sec"),
    "osquery": ("osquery", ".flags", "a flag file for osqueryd"),
    "macmonitor": ("Mac Monitor", ".json", "a mute set to import"),
    "jq": ("jq", ".jq", "a filter for what eslogger writes"),
    "eslogger": ("eslogger", ".sh", "the whole line: sudo eslogger … | jq …"),
    "markdown": ("Markdown", ".md", "prose for a design document"),
}
"""Of each format its name, how its files end, and what it is."""
TOLD = 2
"""Warnings shown; the text holds them all."""
PREVIEWED = 400
"""Lines of the preview at most."""


class Text(Reading):
    """The beginning of what will be written."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text = ""

    def show(self, text: str) -> None:
        """Shows another text from its beginning."""
        self._text = text
        self.top = 0
        self.changed()

    def broken(self, width: int) -> list[PieceLine]:
        """The first lines; those that are long are broken."""
        found = list(islice(self._lines(width), PREVIEWED + 1))
        return found if len(found) <= PREVIEWED else [*found[:PREVIEWED], [("… and so on", "dim")]]

    def _lines(self, width: int) -> Iterator[PieceLine]:
        for line in self._text.removesuffix("\n").split("\n"):
            whole = printable(line[: width * PREVIEWED].expandtabs(4))
            yield from wrap_hard([(whole, "text")], width) if whole else ([],)


class ExportDialog(ModalScreen[str | None]):
    """In which language to write the plan, and where to. The result says what was written; None for nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel"),
        Binding("s", "strict", "strict"),
        Binding("y", "copy", "copy"),
    ]
    DEFAULT_CSS = (
        FRAME_CSS.format(name="ExportDialog")
        + """
    ExportDialog {
        & > Vertical { height: 100%; max-height: 42; }
        & .warn { text-wrap: nowrap; text-overflow: ellipsis; }
        & .buttons { margin-top: 0; }
        & Text { height: 1fr; min-height: 3; margin: 1 0; background: $surface; }
    }
    """
    )

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client
        self.plan = client.plan
        self.strict = False
        """Nothing is written in a format that cannot express all of the plan."""
        self._made: dict[str, Exported] = {}
        self._offered = ""
        """The file name that was put into the field; what a person wrote there stays."""
        self._agreed: Path | None = None
        """The file of which it was said that it will be written over."""

    def compose(self) -> ComposeResult:
        """Formats, a path, and what will be written."""
        frame = Vertical()
        frame.border_title = "Export the mute plan"
        frame.border_subtitle = "Enter write · s strict · y copy · Esc cancel"
        with frame:
            yield Choice("Format", most=len(FORMATS), id="format")
            with Horizontal(classes="field"):
                yield Label("File")
                yield SafeInput("", "path of the file", suggester=PathSuggester(""), id="file")
            yield Words(id="wrong", classes="wrong")
            yield Words(id="warn", classes="warn")
            yield Text()
            with Horizontal(classes="buttons"):
                yield Button("Write", variant="primary", compact=True, id="write")
                yield Button("Copy (y)", compact=True, id="copy")
                yield Button("", compact=True, id="strict")
                yield Button("Cancel", compact=True, id="cancel")

    def on_mount(self) -> None:
        """Begins at the formats: Enter at once writes the first."""
        formats = self.query_one(Choice)
        formats.set_options([(f"{NAMES[name][0]:<12}", NAMES[name][2]) for name in FORMATS])
        formats.focus()
        self._look()

    @property
    def format(self) -> str:
        """The format that is chosen, one of FORMATS."""
        return FORMATS[self.query_one(Choice).cursor]

    def exported(self) -> Exported:
        """The plan in that format."""
        name = self.format
        if name not in self._made:
            self._made[name] = export(self.plan, name)
        return self._made[name]

    def _first(self) -> str:
        """The file name to begin with: beside the plan's own file."""
        ending = NAMES[self.format][1]
        if self.client.path is not None:
            own = self.client.path
            return escape(str(own.with_name(own.name.removesuffix(".toml") + ending)))
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", self.plan.name).strip("-.") or "plan"
        return f"./{name}{ending}"

    def _look(self) -> None:
        entry = self.query_one("#file", Input)
        if entry.value == self._offered:
            self._offered = self._first()
            entry.value = self._offered
        text, warnings = self.exported()
        self._agreed = None
        self.query_one("#wrong", Words).say("")
        self.query_one(Text).show(text)
        told = [f"△ {_warnings(len(warnings))}: {NAMES[self.format][0]} cannot express all of the plan"]
        told += [f"  {shown(warning, 400)}" for warning in warnings[:TOLD]]
        self.query_one("#warn", Words).say("\n".join(told) if warnings else "")
        self.query_one("#strict", Button).label = Content(f"[{'x' if self.strict else ' '}] Strict (s)")

    def on_choice_changed(self) -> None:
        """Another format."""
        self._look()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Another path: what was said about the one before is void."""
        event.stop()
        self._agreed = None
        self.query_one("#wrong", Words).say("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter writes."""
        event.stop()
        self.action_write()

    def key_enter(self, event: Key) -> None:
        """Enter in the list and in the preview writes, too, and does nothing below the dialog."""
        if isinstance(self.focused, Choice | Text):
            event.stop()
            self.action_write()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The mouse's way."""
        event.stop()
        {
            "write": self.action_write,
            "copy": self.action_copy,
            "strict": self.action_strict,
        }.get(event.button.id or "", self.action_cancel)()

    def _refused(self) -> bool:
        """Whether nothing may leave in this format; says so."""
        refused = self.strict and bool(self.exported().warnings)
        if refused:
            name = NAMES[self.format][0]
            self.query_one("#wrong", Words).say(
                f"✗ {name} cannot hold all of the plan, and strict asks for that; s lets it go"
            )
        return refused

    def action_strict(self) -> None:
        """Refuses what a format cannot hold, or lets it go."""
        self.strict = not self.strict
        self._look()

    def action_copy(self) -> None:
        """Copies the text."""
        if not self._refused():
            copy(self.app, self.exported().text, f"the plan as {NAMES[self.format][0]}")

    def action_write(self) -> None:
        """Writes the file, or says why not. A file that is there is written over only when asked twice."""
        if self._refused():
            return
        wrong = self.query_one("#wrong", Words)
        exported = self.exported()
        try:
            path = self._wanted()
        except (ValueError, RuntimeError) as error:
            wrong.say(f"✗ {printable(str(error))}")
            return
        try:
            there = path.exists()
            if there and not path.is_file():
                what = "a directory" if path.is_dir() else "no plain file"
                wrong.say(f"✗ {printable(str(path))} is {what}")
                return
            if there and path != self._agreed:
                self._agreed = path
                wrong.say(f"△ {printable(str(path))} exists: Enter again writes over it")
                return
            write_atomic(path, exported.text.encode())
        except OSError as error:
            wrong.say(f"✗ {_trouble(path, error)}")
        else:
            gaps = f", {_warnings(len(exported.warnings))}" if exported.warnings else ""
            self.dismiss(f"Wrote mute plan as {NAMES[self.format][0]} to {printable(str(path))}{gaps}")

    def _wanted(self) -> Path:
        """The file that is chosen. Raises ValueError or RuntimeError with words for the person."""
        text = unescape(self.query_one("#file", Input).value.strip())
        if not text:
            raise ValueError(f"write a path, such as {self._first()}")
        if "\0" in text:
            raise ValueError("a file name cannot hold a NUL")
        return Path(text).expanduser()

    def action_cancel(self) -> None:
        """Writes nothing."""
        self.dismiss(None)


def _warnings(number: int) -> str:
    return f"{number:,} warning{'' if number == 1 else 's'}"


def _trouble(path: Path, error: OSError) -> str:
    """Why a file was not written, in printable words."""
    words = {
        FileNotFoundError: f"there is no directory {path.parent}",
        NotADirectoryError: f"{path.parent} is no directory",
        PermissionError: f"there is no permission to write to {path.parent}",
    }.get(type(error), f"this cannot be written, {error.strerror or error}: {path}")
    return printable(words)
