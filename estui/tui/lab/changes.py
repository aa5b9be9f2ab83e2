"""The events whose verdict a draft would change, newly hidden and newly delivered, to be opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip

from estui.lab.whatif import DELIVERED, HIDDEN
from estui.tui.columns import time_of_day
from estui.tui.detail_words import base_name
from estui.tui.event_list import MARKED, arrow
from estui.tui.lines import Lines, fit, shown

if TYPE_CHECKING:
    from textual import events

    from estui.lab.whatif import Preview
    from estui.record import Changed
    from estui.session import Session
    from estui.tui.lab.section import Draft

KINDS = {"": "", HIDDEN: "newly hidden", DELIVERED: "newly delivered"}
"""What is shown, and its name."""
TIMES = 64
"""Cells of a line from which on it has the time, too."""
CHUNK = 200
"""Changes fetched at once."""


class Changes(Lines):
    """The list, oldest first."""

    def __init__(self, session: Session, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.session = session
        self.kind = ""
        """One of KINDS."""
        self.draft: Draft | None = None
        self._preview: Preview | None = None
        self._chunks: dict[int, list[Changed]] = {}
        self._titles()

    def show(self, preview: Preview | None, draft: Draft | None) -> None:
        """What another draft changes; None while that is worked out."""
        self._preview, self.draft = preview, draft
        self._again()

    def _again(self) -> None:
        self._chunks.clear()
        if self._preview is not None:
            self.cursor = max(0, min(self.cursor, self.count() - 1))
            self.show_cursor()
        self._titles()
        self.refresh()

    def _titles(self) -> None:
        preview = self._preview
        words = "Events that change"
        if preview is not None:
            words += f"  − {preview.newly_hidden:,} hidden  + {preview.newly_delivered:,} delivered"
        self.border_title = words
        self.border_subtitle = f"only {KINDS[self.kind]}" if self.kind else ""

    def count(self) -> int:
        """Events that change."""
        preview = self._preview
        if preview is None:
            return 0
        hidden, delivered = preview.newly_hidden, preview.newly_delivered
        return {HIDDEN: hidden, DELIVERED: delivered}.get(self.kind, hidden + delivered)

    def changed(self, position: int) -> Changed | None:
        """One of them; None where it has left the ring."""
        if self._preview is None:
            return None
        chunk, place = divmod(position, CHUNK)
        if chunk not in self._chunks:
            self._chunks[chunk] = self._preview.changes(chunk * CHUNK, CHUNK, self.kind)
        found = self._chunks[chunk]
        return found[place] if place < len(found) else None

    def line(self, position: int, width: int) -> Strip:
        """Verdict, time, type, process and target of one event."""
        here = position == self.cursor
        base = self.base + self.cursor_style() if here else self.base
        change = self.changed(position)
        row = None if change is None else self.session.core.row(change.seq)
        if change is None or row is None:
            return Strip([Segment(fit("  evicted", width), base + self.style("es--suppressed"))], width)
        dim = base if here else base + self.style("es--suppressed")
        time, event = time_of_day(row.time), fit(shown(row.event, 64), 14)
        process = fit(shown(base_name(row.executable or "")), 12)
        if width < TIMES:
            time = ""
        room = max(0, width - 2 - len(time) - 1 - 15 - 13)
        target = fit(
            arrow([shown(path) for path in row.targets], room) if row.targets else "", room, tail=True
        )
        verdict = "−" if change.hidden else "+"
        mark = MARKED if row.seq in self.session.marks else " "
        style = base if here else base + self.style("es--notice" if change.hidden else "es--mark")
        return Strip(
            [Segment(verdict, style),
                Segment(mark, base + self.style("es--mark")), Segment(f"{time} ", dim), Segment(f"{event} ", base),
             Segment(f"{process} ", dim), Segment(target, base)]
        ).adjust_cell_length(width, base)  # fmt: skip

    def empty(self, width: int) -> list[Strip]:
        """Why there is nothing."""
        words = "…" if self._preview is None else "  no verdict changes"
        return [Strip([Segment(fit(words, width), self.base + self.style("es--suppressed"))], width)]

    @property
    def seq(self) -> int | None:
        """The event the cursor is on; None where it has left the ring."""
        change = self.changed(self.cursor) if self.count() else None
        return None if change is None or self.session.core.row(change.seq) is None else change.seq

    def action_kind(self) -> None:
        """All changes, only what is newly hidden, only what is newly delivered."""
        kinds = list(KINDS)
        self.kind = kinds[(kinds.index(self.kind) + 1) % len(kinds)]
        self.cursor = self.top = 0
        self._again()

    def mark(self) -> None:
        """Marks the event, which keeps it from suggestions, or takes the mark away."""
        seq = self.seq
        if seq is None:
            self.commands.say("There is no event to mark", wrong=True)
            return
        kept = self.session.marks.toggle(seq)
        self.commands.say("Marked: no suggestion may hide it" if kept else "No longer marked")
        self.refresh_position(self.cursor)

    def open(self) -> None:
        """Goes to the event in the event list."""
        seq = self.seq
        if seq is None:
            self.commands.say(
                "That event has left the ring" if self.count() else "No event changes", wrong=True
            )
        else:
            self.commands.events.following = False
            self.commands.events.jump(seq)
            self.commands.action_panel("events")

    def on_click(self, event: events.Click) -> None:
        """Selects an event; a second click goes there."""
        position = self.position_at(event.y)
        if position is not None:
            self.move_to(position)
            if event.chain > 1:
                self.open()
