"""The list of view filters: what I am looking at just now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip

from estui.tui.actions import bindings
from estui.tui.lines import Lines, fit, shown

if TYPE_CHECKING:
    from textual import events

    from estui.session import Session

MOST = 5
"""Filters shown at once; more scroll."""


class FilterList(Lines):
    """One line per view filter. It takes no room while there is none."""

    BINDINGS = bindings("filters")

    def __init__(self, session: Session, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.session = session

    def tick(self) -> None:
        """Takes the room that the filters need."""
        count = self.count()
        self.display = count > 0
        self.styles.height = min(MOST, count) + 1
        self.cursor = max(0, min(self.cursor, count - 1))
        self.show_cursor()
        self.refresh()

    def count(self) -> int:
        """View filters in the list."""
        return len(self.session.view.filters)

    @property
    def header_height(self) -> int:
        """The heading."""
        return 1

    def header(self, y: int, width: int) -> Strip:
        """What this list is, and whether all of it is put aside."""
        view = self.session.view
        words = (
            "View filters, all off (V: back on)"
            if view.aside
            else "View filters: what I look at; nothing is muted"
        )
        return Strip([Segment(fit(words, width), self.base + self.style("lines--header"))], width)

    def line(self, position: int, width: int) -> Strip:
        """One view filter."""
        view = self.session.view
        item = view.filters[position]
        on = item.on and not view.aside
        base = self.base + self.cursor_style() if position == self.cursor and self.has_focus else self.base
        style = base + self.style("filters--on" if on else "filters--off")
        return Strip([Segment(fit(f"{'[x]' if on else '[ ]'} {shown(item.words)}", width), style)], width)

    def action_switch(self) -> None:
        """Turns the filter on or off."""
        if self.count():
            self.session.view.toggle(self.cursor)
            self._changed()

    def action_flip(self) -> None:
        """Turns "only" into "not", or back."""
        if self.count():
            self.session.view.flip(self.cursor)
            self._changed()

    def action_remove(self) -> None:
        """Removes the filter."""
        if self.count():
            self.session.view.remove(self.cursor)
            self._changed()
            if not self.count():
                self.action_leave()

    def action_leave(self) -> None:
        """Back to the list."""
        self.commands.action_panel("events")

    def _changed(self) -> None:
        self.commands.view_changed()

    def on_click(self, event: events.Click) -> None:
        """Selects a filter; on its check box, turns it on or off."""
        position = self.position_at(event.y)
        if position is not None:
            self.move_to(position)
            if self.column_at(event.x) <= 2:
                self.action_switch()
