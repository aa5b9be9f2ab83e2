"""The event list: rows of the view, drawn when they are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from estui import paths
from estui.message import BadLine, event_of, loads
from estui.query import filter_value
from estui.record import KIND_BAD, KIND_EVENT, KIND_GAP, STAGES, Filter, Row, ViewSpec
from estui.tui import columns as cols
from estui.tui import origins
from estui.tui.actions import bindings
from estui.tui.clipboard import copy
from estui.tui.empty import advice
from estui.tui.lines import Lines, bytes_words, fit, shown, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.style import Style
    from textual import events

    from estui.core import CoreView
    from estui.session import Session

GUTTER = 3
"""Cells in front of the columns: the mark, the verdict, and a blank."""
MARKED, UNSUBSCRIBED, MUTED, BAD = "◆", "○", "⊘", "!"
"""Glyphs of a marked row, of the two ways a row is suppressed, and of a bad line."""
NOTE_STYLES = {"✗": "es--bad", "?": "es--missing"}
"""The styles of the signs of what estui noted in a line."""
LONG = 1 << 20
"""Bytes of a line that is not read for the words of one cell."""
ARROW = " → "
KEPT = 1024
"""Lines and subjects remembered."""
NO_EVENTS = ViewSpec((Filter("event", "", True),))
"""The rows that are no events and no bad lines: no filter leaves those out, and no event has this name."""
BAD_SHOWN = 512
"""Bytes of a bad line that its row can show."""


class Piece(NamedTuple):
    """One cell of a drawn line; `field` is what a filter made from it compares."""

    text: str
    style: str
    field: str


class EventList(Lines):
    """Rows of the session's view. The row I am on is the view's; `cursor` is where that stands just now."""

    BINDINGS = bindings("events")
    BORDER_TITLE = "Events"

    class Selected(Message):
        """Another row is the one I am on."""

    def __init__(
        self, session: Session, columns: Sequence[str] = cols.DEFAULT, *, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self.session = session
        self.view = session.view
        self.columns = cols.parse(tuple(columns))
        source = session.source
        self.following = source is not None and (source.kind != "file" or source.live)
        self.needle = ""
        """Text to make stand out."""
        self.notice = ""
        """One line above the list that must not be missed; empty for none."""
        self._cell = "event"
        self._drawn: dict[int, list[Piece]] = {}
        self._subjects: dict[int, str] = {}
        self._notes: dict[int, origins.Notes] = {}
        self._others: CoreView | None = None
        """Gaps, seams and runs; made when somebody looks for a loss."""
        self._width = 0
        """Cells of the lines drawn; 0 where they are to be drawn anew."""
        self._columns_sized: list[tuple[cols.Column, int]] = []
        self._held_y = 0
        """The line of the page that the cursor was put on; filters that leave too few rows do not change it."""
        self._length = 0
        self._order: object = None
        self._look: object = None
        self._window: object = None
        self._generation = -1
        self._place = ""

    # ---- keeping up

    def tick(self) -> None:
        """Shows what the view has now; called after Session.tick(). Draws nothing where nothing changed."""
        counters = self.session.core.counters()
        length = len(self.view)
        order = (counters.generation, counters.tail, self.view.spec)
        look = (self.notice, tuple(advice(self.session)) if not length else ())
        same_look = look == self._look
        if length == self._length and order == self._order and same_look:
            return
        if counters.generation != self._generation:
            self._generation, same_look = counters.generation, False
            self._drawn.clear()
        self._length, self._order, self._look = length, order, look
        if self.following:
            self._to_newest()
        else:
            self._hold()
        window = self._seen()
        self._prepare()
        if window == self._window and same_look:
            self.refresh(Region(self.size.width - 1, self.header_height, 1, self.page))
        else:
            self.refresh()
        self._window = window

    def _prepare(self) -> None:
        """Reads the rows of the page now: by the time it is drawn, the oldest rows of a full ring may be gone."""
        if len(self._drawn) > KEPT:
            self._drawn.clear()
        width = self.inner
        if width > 0:
            for position in range(self.top, min(self.top + self.page, self._length)):
                self._pieces(self.view[position], width)

    def _seen(self) -> object:
        """What the page shows, to know whether it must be drawn again."""
        last = min(self.top + self.page, self._length) - 1
        if last < 0:
            return None
        return (
            last - self.top,
            self.cursor - self.top,
            self.view[self.top],
            self.view[last],
            self._length > self.page,
        )

    def _to_newest(self) -> None:
        old = self.view.anchor
        self.cursor = self.view.go(len(self.view) - 1)
        self.top = max(0, len(self.view) - self.page)
        self._held_y = self.cursor - self.top
        if self.view.anchor != old:
            self.post_message(self.Selected())

    def _hold(self) -> None:
        """Keeps the row I am on, and the line of the screen it is on if that can be."""
        self.cursor = self.view.cursor
        self.top = max(0, min(self.cursor - min(self._held_y, self.page - 1), len(self.view) - self.page))

    def say_place(self, words: str) -> None:
        """Writes where I am in the list under it."""
        if words != self._place:
            self._place = words
            self.border_subtitle = Content(words)

    def rows_changed(self) -> None:
        """Filters, pause or columns changed."""
        self._look = None
        self.tick()
        self.post_message(self.Selected())

    def on_resize(self) -> None:
        """Keeps the cursor on the page."""
        self.view.refresh()
        self._look = None
        self.tick()

    def restyled(self) -> None:
        """Draws every line anew."""
        self._width = 0
        self._drawn.clear()

    # ---- what Lines asks

    def count(self) -> int:
        """Rows in the view."""
        return self._length

    @property
    def header_height(self) -> int:
        """The column titles, and the notice."""
        return 2 if self.notice else 1

    def header(self, y: int, width: int) -> Strip:
        """The notice, then the column titles."""
        if self.notice and y == 0:
            return Strip(
                [Segment(fit(f" {self.notice}", width), self.base + self.style("es--notice"))], width
            )
        style = self.base + self.style("lines--header")
        titles = [fit(column.title, size, right=column.right) for column, size in self._sized(self.inner)]
        return Strip([Segment(fit(" " * GUTTER + " ".join(titles), width), style)], width)

    def empty(self, width: int) -> Sequence[Strip]:
        """Why there are no rows, and what brings some."""
        lines: list[str] = []
        for words in advice(self.session):
            lines += [*wrap(words, max(8, width - 4), 4), ""]
        out: list[Strip] = []
        for line in lines:
            text = line.rstrip()
            out.append(Strip([Segment(fit(text.center(width - 2).rstrip(), width), self.base)], width))
        return out

    def line(self, position: int, width: int) -> Strip:
        """One row."""
        seq = self.view[position] if position < len(self.view) else -1
        pieces = self._pieces(seq, width)
        here = position == self.cursor
        base = self.base + self.cursor_style() if here else self.base
        marked = seq in self.session.marks
        segments = [Segment(MARKED, base + self.style("es--mark")) if marked else Segment(" ", base)]
        for piece in pieces:
            style = base if here and piece.style != "es--suppressed" else base + self.style(piece.style)
            if here and piece.field == self._cell and self.has_focus:
                style += self.style("es--cell")
            if self.needle and piece.text != " ":
                segments += self._matches(piece.text, style)
            else:
                segments.append(Segment(piece.text, style))
        return Strip(segments).adjust_cell_length(width, base)

    @property
    def inner(self) -> int:
        """Cells of a row, beside the scrollbar if there is one."""
        return self.size.width - (self._length > self.page)

    def _pieces(self, seq: int, width: int) -> list[Piece]:
        self._sized(width)
        pieces = self._drawn.get(seq)
        if pieces is None:
            pieces = self._drawn[seq] = self._draw(seq, width)
        return pieces

    def _matches(self, text: str, style: Style) -> Iterator[Segment]:
        hay = text.lower() if self.needle == self.needle.lower() else text
        match = style + self.style("es--match")
        done = 0
        place = hay.find(self.needle) if len(hay) == len(text) else -1
        while place >= 0:
            yield Segment(text[done:place], style)
            done = place + len(self.needle)
            yield Segment(text[place:done], match)
            place = hay.find(self.needle, done)
        yield Segment(text[done:], style)

    def _sized(self, width: int) -> list[tuple[cols.Column, int]]:
        """The columns that lines of so many cells have room for. Lines of another width are forgotten."""
        if width != self._width:
            self._width = width
            self._drawn.clear()
            sizes = cols.widths(self.columns, width - GUTTER) if width > GUTTER else [0] * len(self.columns)
            self._columns_sized = [
                (column, size) for column, size in zip(self.columns, sizes, strict=True) if size
            ]
        return self._columns_sized

    def _draw(self, seq: int, width: int) -> list[Piece]:
        row = self.session.core.row(seq) if seq >= 0 else None
        if row is None:
            return [Piece("  evicted", "es--suppressed", "")]
        if row.kind != KIND_EVENT:
            return self._draw_words(row)
        dim = "es--suppressed" if row.stage else ""
        notes = self._noted(row)
        pieces = [Piece(_verdict(row.stage), dim or "es--number", "")]
        for column, size in self._sized(width):
            blank = notes.glyph if len(pieces) == 1 else " "
            pieces.append(Piece(blank, NOTE_STYLES.get(blank, "es--number"), ""))
            if column.name == "targets":
                text = (self._target(row, size - len(notes.words)) + notes.words).lstrip()
            else:
                text = self._rule(row) if column.name == "rule" else column.text(row)
            # Of a path the end says most; of the words for an event that has no target, the beginning.
            tail = column.tail and (column.name != "targets" or bool(row.targets) or text.startswith("/"))
            cell = fit(text, size, tail=tail, right=column.right)
            pieces.append(Piece(cell, dim or column.style, column.field))
        return pieces

    def _draw_words(self, row: Row) -> list[Piece]:
        words = cols.words(row)
        style = cols.style_of(row)
        if row.kind != KIND_BAD:
            return [Piece("  " + words, style, "")]
        raw = self.session.core.raw(row.seq) or b""
        text = shown(raw[:BAD_SHOWN].decode("utf-8", "surrogateescape"))
        return [Piece(BAD, style, ""), Piece(f" {words}  ", style, ""), Piece(text, "es--suppressed", "")]

    def _rule(self, row: Row) -> str:
        """The rule that decided."""
        verdict = self.session.client.verdict(row.seq)
        return shown(verdict.rule or "") if verdict else ""

    def _noted(self, row: Row) -> origins.Notes:
        """What estui wrote into the line itself: a call that failed, a guess."""
        found = self._notes.get(row.seq)
        if found is None:
            found = origins.NONE if row.size > LONG else origins.notes_of(self.session.core.raw(row.seq))
            if len(self._notes) >= KEPT:
                self._notes.clear()
            self._notes[row.seq] = found
        return found

    def _target(self, row: Row, size: int) -> str:
        """The target paths; for a type that has none, what it acts on, read from the line itself."""
        if row.targets:
            return arrow([shown(path) for path in row.targets], size)
        if row.size > LONG:
            return f"(in a line of {bytes_words(row.size)})"
        found = self._subjects.get(row.seq)
        if found is None:
            found = shown(subject(self.session.core.raw(row.seq)))
            if len(self._subjects) >= KEPT:
                self._subjects.clear()
            self._subjects[row.seq] = found
        return found

    # ---- moving

    @property
    def row(self) -> Row | None:
        """The row I am on."""
        return self.view.row(self.cursor)

    def move_to(self, position: int) -> None:
        """Goes to a row. Going anywhere but to the last one stops following."""
        position = self.view.go(position)
        if position < len(self.view) - 1:
            self.following = False
        super().move_to(position)
        self._settle()

    def moved(self) -> None:
        """Tells the screen."""
        self.post_message(self.Selected())

    def wheel(self, lines: int) -> None:
        """Scrolls; up stops following."""
        super().wheel(lines)
        self._settle()

    def _settle(self) -> None:
        self._held_y = self.cursor - self.top
        self._window = self._seen()

    def jump(self, seq: int) -> None:
        """Goes to a row far away, which `back` undoes."""
        self.session.places.leave(self.view.anchor)
        self.show_seq(seq)

    def show_seq(self, seq: int) -> None:
        """Goes to the row, or the next one in view, with some of its surroundings on the page."""
        position = self.view.position(seq)
        if not self.top <= position < self.top + self.page:
            self.top = max(0, min(position - self.page // 3, self.count() - self.page))
            self.refresh()
        self.move_to(position)

    def follow(self, on: bool) -> None:
        """Stays on the newest row, or stops that."""
        self.following = on
        if on and len(self.view):
            self._to_newest()
        self._settle()
        self.refresh()

    def action_first(self) -> None:
        """The oldest row."""
        if len(self.view):
            self.jump(self.view[0])

    def action_last(self) -> None:
        """The newest row; a source that is still coming is followed."""
        source = self.session.source
        if len(self.view):
            self.session.places.leave(self.view.anchor)
        self.move_to(len(self.view) - 1)
        self.follow(source is not None and source.state.status in ("running", "idle", "paused"))

    def action_back(self) -> None:
        """Where I was before the last jump."""
        self._travel(self.session.places.back(self.view.anchor), "There is no place further back")

    def action_forward(self) -> None:
        """Where I was before I went back."""
        self._travel(self.session.places.forward(self.view.anchor), "There is no place further forward")

    def _travel(self, seq: int | None, otherwise: str) -> None:
        if seq is None:
            self.commands.say(otherwise, wrong=True)
        else:
            self.show_seq(seq)

    # ---- cells

    def fields(self) -> list[str]:
        """The fields of the cells on the screen, from left to right."""
        # Before the first line is drawn, or while the list is hidden, all columns count.
        columns = [column for column, _ in self._columns_sized] if self._width else self.columns
        return list(dict.fromkeys(column.field for column in columns if column.field))

    def action_cell(self, step: int) -> None:
        """Chooses the cell that a filter is made from."""
        fields = self.fields()
        if fields:
            place = fields.index(self._cell) + step if self._cell in fields else 0
            self._cell = fields[max(0, min(place, len(fields) - 1))]
            self.refresh_position(self.cursor)

    def action_include(self) -> None:
        """Shows only rows like the selected cell."""
        self._filter(True)

    def action_exclude(self) -> None:
        """Shows no rows like the selected cell."""
        self._filter(False)

    def _filter(self, include: bool) -> None:
        row = self.row
        if row is None or row.kind != KIND_EVENT:
            self.commands.say("Only an event has cells to filter by", wrong=True)
            return
        field = self._cell if self._cell in self.fields() else "event"
        value = filter_value(row, field)
        if value is None:
            self.commands.say(f"This {shown(row.event, 64)} has no {field} to filter by", wrong=True)
            return
        self.following = self.following and include
        self.view.add(field, value, include)
        self.commands.view_changed()

    # ---- the rest

    def action_open(self) -> None:
        """Looks into the row."""
        self.commands.action_panel("detail")

    def action_stop(self) -> None:
        """Stops a search, and shows its text no more."""
        self.needle = ""
        self.refresh()
        self.commands.stop_find()

    def action_copy(self) -> None:
        """Copies the raw line."""
        row = self.row
        raw = None if row is None else self.session.core.raw(row.seq)
        if raw is None:
            self.commands.say("This row is no line", wrong=True)
        else:
            copy(self.app, raw.decode("utf-8", "surrogateescape"), "the line")

    def action_mark(self) -> None:
        """Marks the row, or takes the mark away."""
        row = self.row
        if row is not None:
            self.following = False
            self.session.marks.toggle(row.seq)
            self.refresh_position(self.cursor)

    def action_next_mark(self, step: int) -> None:
        """Goes to the nearest mark that is in view."""
        seq: int | None = self.view.anchor
        while seq is not None and (seq := self.session.marks.next(seq, step)) is not None:
            position = self.view.position(seq)
            if len(self.view) and self.view[position] == seq:
                self.jump(seq)
                return
        self.commands.say(f"There is no mark further {'on' if step > 0 else 'back'}", wrong=True)

    def action_next_loss(self, step: int) -> None:
        """Goes to the nearest row that tells of lost or missing events."""
        if self._others is None:
            self._others = self.session.core.view(NO_EVENTS)
        others = self._others
        others.extend()
        here = self.view.anchor
        place = others.index(here + 1) if step > 0 else others.index(max(here, 0)) - 1
        while 0 <= place < len(others) and (seq := others[place]) < self.view.upto:
            row = self.session.core.row(seq)
            if row is not None and row.kind == KIND_GAP:
                self.following = False
                self.jump(seq)
                return
            place += step
        self.commands.say(f"Nothing was lost further {'on' if step > 0 else 'back'}", wrong=True)

    def on_click(self, event: events.Click) -> None:
        """Selects the row and the cell; a second click looks into it."""
        position = self.position_at(event.y)
        at = self.column_at(event.x)
        if position is None or at >= self.size.width - 1:
            return
        x = GUTTER
        for column, size in self._sized(self.inner):
            if x <= at <= x + size and column.field:
                self._cell = column.field
            x += size + 1
        self.move_to(position)
        self.refresh_position(position)
        if event.chain > 1:
            self.action_open()


def arrow(paths: Sequence[str], size: int) -> str:
    """One or two printable paths in so many cells, each cut in front rather than one of them lost."""
    whole = ARROW.join(paths)
    if len(paths) < 2 or cell_len(whole) <= size:
        return whole
    room = max(2, size - len(ARROW))
    last = min(cell_len(paths[1]), max(room // 2, room - cell_len(paths[0])))
    return fit(paths[0], room - last, tail=True).rstrip() + ARROW + fit(paths[1], last, tail=True).rstrip()


def _verdict(stage: int) -> str:
    """The glyph of a verdict: to be subscribed and to be muted are different things."""
    if not stage:
        return " "
    return UNSUBSCRIBED if STAGES[stage] == "subscription" else MUTED


def subject(raw: bytes | None) -> str:
    """What an event acts on, in words, read from its line; empty where the line is gone or is no event."""
    if raw is None:
        return ""
    try:
        name, payload = event_of(loads(raw))
    except (BadLine, ValueError):
        return ""
    return paths.subject(name, payload)
