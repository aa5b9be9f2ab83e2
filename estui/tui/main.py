"""The screen itself: its panels and how they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from estui.tui import actions
from estui.tui.detail import Detail
from estui.tui.event_list import EventList
from estui.tui.filters import FilterList
from estui.tui.lab.panel import Lab
from estui.tui.mutes import MutesPanel
from estui.tui.output import OutputPanel
from estui.tui.prompts import PromptBar
from estui.tui.status import KeyBar, StatusStrip, Tabs
from estui.tui.types_panel import TypesPanel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.events import Resize
    from textual.widget import Widget

    from estui.session import Session
    from estui.tui.app import EstuiApp

MEDIUM, WIDE = 100, 140
"""Cells from which on there is room beside the list for types and mutes, and for the detail too."""
LEFT, RIGHT = 36, 46
"""Cells of the columns beside the list."""
OUTPUT = 9
"""Lines of the output below the list, its frame too; on a low terminal a quarter of it."""
ORDER = ("types", "mutes", "filters", "events", "output", "detail")
"""The panels as Tab goes through them."""


class Main(Screen[None]):
    """The one screen. Wide, it shows every panel; narrower, some of them; narrow, the one with the focus."""

    BINDINGS = actions.bindings("app")
    AUTO_FOCUS = "#events"

    def __init__(self, session: Session, columns: Sequence[str]) -> None:
        super().__init__()
        self.shown = "events"
        """The panel with the focus."""
        self.single = False
        """One panel has the whole screen, however wide it is."""
        self.status = StatusStrip(session, id="status")
        self.output = OutputPanel(session, id="output")
        self.tabs = Tabs(output=self.output.offered, id="tabs")
        self.types = TypesPanel(session, id="types")
        self.mutes = MutesPanel(id="mutes")
        self.filters = FilterList(session, id="filters")
        self.events = EventList(session, columns, id="events")
        self.detail = Detail(session, id="detail")
        self.lab = Lab(session, id="lab")
        self.prompt = PromptBar(id="prompt")
        self.keys = KeyBar(id="keys")
        self.left = Vertical(self.types, self.mutes, id="left")
        self.middle = Vertical(self.filters, self.events, id="middle")
        self.centre = Vertical(self.middle, self.output, id="centre")

    def compose(self) -> ComposeResult:
        """The panels: types and mutes at the left, the list over the output in the middle, the detail at the right."""
        yield self.status
        yield self.tabs
        yield Horizontal(self.left, self.centre, self.detail, id="body")
        yield self.lab
        yield self.prompt
        yield self.keys

    def on_mount(self) -> None:
        """The panels are there: the work begins."""
        cast("EstuiApp", self.app).begin()

    def on_resize(self, event: Resize) -> None:
        """Another width may have room for other panels."""
        self.arrange_panels(event.size.width)

    def panel(self, name: str) -> Widget:
        """The panel that carries out the actions of a scope."""
        return self.query_one(actions.PANEL_IDS[name])

    def arrange_panels(self, width: int | None = None) -> None:
        """Shows the panels that there is room for.

        Done here and not by classes of the screen: Textual would match every rule of every widget anew for those.
        """
        width = self.size.width if width is None else width
        here = "events" if self.shown == "filters" else self.shown
        one = self.single or width < MEDIUM
        detail = here == "detail" or not (one or width < WIDE)
        lab = here == "lab"
        self.lab.display = lab
        if lab:
            self.lab.open()
        self.query_one("#body").display = not lab
        self.tabs.display = one
        self.types.display = here == "types" or not one
        self.mutes.display = here == "mutes" or not one
        self.left.display = here in ("types", "mutes") if one else not (detail and width < WIDE)
        self.centre.display = here in ("events", "output") or not one
        self.middle.display = here == "events" or not one
        self.output.display = self.output.offered and (here == "output" or not one)
        self.output.styles.height = "1fr" if one else min(OUTPUT, self.size.height // 4)
        self.detail.display = detail
        self.left.styles.width = "1fr" if one else LEFT
        self.detail.styles.width = "1fr" if one else RIGHT if width >= WIDE else "50%"
        for panel in (self.types, self.mutes, self.events, self.output, self.detail):
            panel.set_class(one, "-bare")
