"""The detail of one row: the JSON as rows that fold, what its values mean, and why the event was delivered or not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.style import Style
from textual import work
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from estui.fields import shape
from estui.message import loads
from estui.paths import subject as subject_of
from estui.record import KIND_BAD, KIND_EVENT, Row
from estui.text import printable
from estui.tui import detail_words as words
from estui.tui import origins
from estui.tui.actions import bindings
from estui.tui.clipboard import copy
from estui.tui.detail_copy import COPY_KEYS, copies
from estui.tui.detail_rows import footer_lines, note_lines, row_pieces, verdict_lines
from estui.tui.detail_text import hex_page, is_binary, pretty_page, raw_page, words_page
from estui.tui.json_rows import (
    MORE,
    NULL,
    Folds,
    JsonRow,
    JsonRows,
    Path,
    field_path,
    jq_path,
    value_at,
)
from estui.tui.lines import Lines, fit
from estui.tui.menu import Menu, MenuItem
from estui.tui.pieces import PieceLine, strip_of, wrap_words
from estui.tui.text_box import Pages, ValueScreen
from estui.tui.users import Tellers, Users

if TYPE_CHECKING:
    from textual import events

    from estui.client import WhyStep
    from estui.muting import Verdict
    from estui.session import Session

PARSE_LIMIT = 8 << 20
"""Bytes of a line that is taken apart without being asked to."""
LOOK_BACK = 256
"""Rows looked at for the event before this one."""
POLL = 0.25
"""Seconds between looks at whether the verdicts have changed."""

ROWS, JSON, LINE, BYTES, WORDS = "rows", "json", "line", "bytes", "words"
_VIEW_NAMES = {ROWS: "rows", JSON: "indented", LINE: "raw line", BYTES: "bytes", WORDS: ""}


class Detail(Lines):
    """One row of the ring, looked into."""

    BINDINGS = bindings("detail")
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "detail--title", "detail--key", "detail--string", "detail--number", "detail--word", "detail--decoded",
        "detail--dim", "detail--text", "detail--teach", "detail--good", "detail--wrong", "detail--rule",
    }  # fmt: skip
    DEFAULT_CSS = """
    Detail {
        & > .detail--title { color: $foreground; text-style: bold; }
        & > .detail--key { color: $es-key; }
        & > .detail--string { color: $es-string; }
        & > .detail--number { color: $es-literal; }
        & > .detail--word { color: $es-literal; }
        & > .detail--decoded { color: $es-decoded; text-style: italic; }
        & > .detail--dim { color: $es-suppressed; }
        & > .detail--text { color: $foreground; }
        & > .detail--teach { color: $es-teach; }
        & > .detail--good { color: $es-good; text-style: bold; }
        & > .detail--wrong { color: $es-wrong; text-style: bold; }
        & > .detail--rule { color: $border-blurred; }
    }
    """

    class Told(Message):
        """Lines of events that name users, found by the thread that looked for them."""

        def __init__(self, lines: list[bytes]) -> None:
            super().__init__()
            self.lines = lines

    def __init__(self, session: Session | None = None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._session = session
        self._tellers: Tellers | None = None
        self._told = 0
        self._asking = False
        self.row: Row | None = None
        self.raw = b""
        self.folds = Folds()
        """What is folded, for every event: the paths name the event type where they differ."""
        self.users = Users()
        self.clock = words.Clock()
        self.view = ROWS
        self.views: tuple[str, ...] = (WORDS,)
        self.why_open = False
        """Whether every stage of the verdict is shown."""
        self._wish = ROWS
        """The view last asked for."""
        self._data: Any = None
        self._parsed = False
        self._refused = ""
        self._rows: JsonRows | None = None
        self._pages: Pages | None = None
        self._subject = ""
        self._notes = origins.NONE
        self._places: dict[str, tuple[Path, int]] = {}
        self._verdict: Verdict | None = None
        self._why: tuple[WhyStep, ...] = ()
        self._generation = -1
        self._head: tuple[object, list[PieceLine]] = (None, [])
        self._foot: tuple[object, list[PieceLine]] = (None, [])

    @property
    def session(self) -> Session:
        """The investigation this looks into."""
        if self._session is None:
            self._session = cast("Session", cast(Any, self.app).session)
        return self._session

    def on_mount(self) -> None:
        """Keeps an eye on the verdicts."""
        self.set_interval(POLL, self._poll)
        self._titles()

    def _poll(self) -> None:
        if (
            self.row is not None
            and self.display
            and self.session.core.counters().generation != self._generation
        ):
            self._judge()
            self.refresh()

    @property
    def _event(self) -> str:
        """The name of the event that is shown; empty for a row that is none."""
        return self.row.event if self.row is not None and self.row.kind == KIND_EVENT else ""

    # ---- who a uid is

    def _ask_around(self) -> None:
        """Has the events that name users read in another thread, if there are new ones."""
        if self._asking:
            return
        if self._tellers is None:
            self._tellers = Tellers(self.session.core)
        told = self._tellers.count()
        if told != self._told:
            self._told = told
            self._asking = True
            self._listen(self._tellers)

    @work(thread=True, group="users")
    def _listen(self, tellers: Tellers) -> None:
        self.post_message(self.Told(tellers.lines()))

    def on_detail_told(self, event: Told) -> None:
        """Names the users from now on."""
        event.stop()
        self._asking = False
        for raw in event.lines:
            self.users.learn_line(raw)
        self._foot = (None, [])
        self.refresh()

    # ---- what is shown

    def show(self, row: Row | None, raw: bytes | None) -> None:
        """Looks into another row; `raw` is its line, None where there is none or it is gone."""
        line = raw if raw is not None else b""
        if row is not None and self.row is not None and row.seq == self.row.seq and line == self.raw:
            self.row = row
            self._poll()
            return
        self._remember()
        self.row, self.raw = row, line
        self._data, self._parsed, self._refused, self._subject = None, False, "", ""
        self._notes = origins.NONE
        self._rows = self._pages = None
        self._generation = -1
        self._head = self._foot = (None, [])
        if row is not None and row.kind in (KIND_EVENT, KIND_BAD) and raw is not None:
            self._read(row)
        else:
            self.views = (WORDS,)
        self._judge()
        wished = self._wish in self.views and (self._parsed or self._wish in (LINE, BYTES))
        self._use(self._wish if wished else self.views[0])

    def _read(self, row: Row) -> None:
        """Takes the line apart, unless it is so long that one must ask for it."""
        event = row.kind == KIND_EVENT
        if len(self.raw) > PARSE_LIMIT:
            self.views = (LINE, ROWS, JSON, BYTES)
        elif self._parse():
            self.views = (ROWS, JSON, LINE) if event else (ROWS, JSON, LINE, BYTES)
        else:
            self.views = (BYTES, LINE) if is_binary(self.raw) else (LINE, BYTES)
        self.clock = words.Clock(row.time_ns, self._previous_ns(row), self._now_ns())
        self._ask_around()
        payload = self._payload()
        if payload is not None and not row.targets:
            self._subject = printable(subject_of(row.event, payload)[:2048])

    def _parse(self) -> bool:
        if not self._parsed and not self._refused:
            try:
                self._data = loads(self.raw)
                self._parsed = True
                self._notes = origins.notes(self._data)
            except ValueError as error:
                self._refused = printable(str(error))
        return self._parsed

    def _payload(self) -> dict[str, Any] | None:
        if self.row is None or self.row.kind != KIND_EVENT or not self._parsed:
            return None
        try:
            payload = self._data["event"][self.row.event]
        except (KeyError, TypeError):
            return None
        return payload if isinstance(payload, dict) else None

    def _previous_ns(self, row: Row) -> int | None:
        core = self.session.core
        for seq in range(row.seq - 1, max(core.counters().tail, row.seq - LOOK_BACK) - 1, -1):
            before = core.row(seq)
            if before is not None and before.kind == KIND_EVENT and before.stream == row.stream:
                return before.time_ns
        return None

    def _now_ns(self) -> int | None:
        source = self.session.source
        return time.time_ns() if source is not None and source.kind == "live" else None

    def _judge(self) -> None:
        """Asks for the verdict again."""
        client = self.session.client
        self._generation = self.session.core.counters().generation
        self._verdict, self._why = None, ()
        if self.row is not None and self.row.kind == KIND_EVENT:
            self._verdict = client.verdict(self.row.seq)
            self._why = client.why(self.row.seq) if self._verdict is not None else ()
        self._head = (None, [])

    def _use(self, view: str) -> None:
        """Shows the row in one of its views."""
        if view in (ROWS, JSON) and not self._parse():
            self.app.notify(
                f"This line cannot be taken apart: {self._refused}", severity="warning", markup=False
            )
            view = LINE
        self.view = view
        self._foot = (None, [])
        self._rows = self._pages = None
        self.cursor = self.top = 0
        event = self.row is not None and self.row.kind == KIND_EVENT
        if view == ROWS:
            self._rows = JsonRows(self._data, self.folds if event else Folds(), ordered=event)
            if not event:
                self._rows.to_level(2)
            self._restore()
        elif self.row is not None:
            self._pages = Pages(self._page_maker(view))
        self._titles()
        self.refresh()

    def _page_maker(self, view: str) -> Any:
        raw, data, parsed = self.raw, self._data, self._parsed
        if view == WORDS:
            shards = self.session.rates.losses.by_shard
            texts = words.row_words(self.row, shards) if self.row is not None else []
            texts = texts or ["The line is gone: it left the ring, or its file was changed."]
            return lambda width, part: words_page(texts, width)
        if view == JSON:
            return lambda width, part: pretty_page(data, width, part)
        if view == BYTES:
            return lambda width, part: hex_page(raw, width, part)
        return lambda width, part: raw_page(raw, width, part, json=parsed)

    def _titles(self) -> None:
        self.border_title = Content(printable(self._event) or "Detail")
        following = f" (r: {_VIEW_NAMES[self._next_view()]})" if len(self.views) > 1 else ""
        self.border_subtitle = Content(_VIEW_NAMES[self.view] + following)

    def _next_view(self) -> str:
        return self.views[(self.views.index(self.view) + 1) % len(self.views)]

    # ---- keeping the eye in place

    def _remember(self) -> None:
        rows = self._rows
        if (
            rows is not None
            and self.row is not None
            and self.row.kind == KIND_EVENT
            and self.cursor < len(rows)
        ):
            self._places[self.row.event] = self._places[""] = (rows[self.cursor].path, self.cursor - self.top)

    def _restore(self) -> None:
        rows = self._rows
        if rows is None or self.row is None or self.row.kind != KIND_EVENT:
            return
        path, offset = self._places.get("", ((), 0))
        if path[:1] == ("event",):
            # Each type has fields of its own, and so a place of its own.
            path, offset = self._places.get(self.row.event, (("event", self.row.event), offset))
        self.cursor = rows.locate(path).at
        self.top = max(0, min(self.cursor - offset, len(rows) - self.page))
        self.show_cursor()

    # ---- what Lines asks

    def count(self) -> int:
        """Rows of the view."""
        if self._rows is not None:
            return len(self._rows)
        return len(self._pages.lines(self.size.width - 1)) if self._pages is not None else 0

    def _piece_style(self, name: str) -> Style:
        return self.style(f"detail--{name}")

    def line(self, position: int, width: int) -> Strip:
        """One row of the view."""
        here = position == self.cursor
        base = self.base + self.cursor_style() if here else self.base
        style = None if here and self.has_focus else self._piece_style
        if self._rows is not None:
            row = self._rows[position]
            note = self._note(row) if self._event else None
            return strip_of(row_pieces(self._rows, row, note, width)[0], width, base, style)
        assert self._pages is not None
        return strip_of(self._pages.lines(self.size.width - 1)[position], width, base, style)

    def _note(self, row: JsonRow) -> str | None:
        """The text beside a field of an event."""
        if self._why_null(row):
            return f"unknown on {self._notes.origin}"
        if self._notes.origin and shape(field_path(row.path), self._event) in origins.FOREIGN:
            return None
        return words.decoded(row.path, row.value, self._event, self.users, self.clock)

    def _why_null(self, row: JsonRow) -> str:
        """Why a field is null that ES would tell; empty where it is ES's own null."""
        if row.kind != NULL or self._notes.origin != origins.SYSTEMS["linux"]:
            return ""
        return origins.why_null(row.path, self._event)

    def empty(self, width: int) -> list[Strip]:
        """What stands where there is no line to look into."""
        texts = ["Nothing is selected.", "Choose an event in the list and press Enter."]
        if self.row is not None:
            texts = ["There is nothing on this line."]
        lines = [line for text in texts for line in (*wrap_words(text, width - 2, 3, "text"), [])]
        return [strip_of([(" ", ""), *line], width, self.base, self._piece_style) for line in lines]

    @property
    def header_height(self) -> int:
        """The title, what the event was done to, the verdict, and a rule."""
        return len(self._header_lines(self.size.width))

    @property
    def footer_height(self) -> int:
        """A rule with the path, and what the field means."""
        if self._rows is None or self.size.height < 10:
            return 0
        return 8 if self.size.height >= 30 else 5 if self.size.height >= 20 else 4

    def header(self, y: int, width: int) -> Strip:
        """One line of the header."""
        return strip_of(self._header_lines(width)[y], width, self.base, self._piece_style)

    def _header_lines(self, width: int) -> list[PieceLine]:
        row = self.row
        key = (width, self.size.height, self.why_open, self._generation)
        if self._head[0] == key:
            return self._head[1]
        lines: list[PieceLine] = []
        if row is not None:
            lines.append([(words.title(row), "title")])
            subject = words.subject(row) or self._subject
            if subject:
                lines.append([("→ ", "dim"), (fit(subject, width - 2, tail=True).strip(), "text")])
            if self._verdict is not None:
                lines += verdict_lines(self._verdict, self._why, width, every=self.why_open)
            lines += note_lines(self._notes, row.event, width)
            if row.kind == KIND_BAD:
                lines += wrap_words(words.BAD_ADVICE.get(row.reason, ""), width, 3, "teach")
                if self._refused and row.reason == "not valid JSON":
                    lines += wrap_words(f"The reader says: {self._refused}", width, 2, "dim")
            lines.append([("─" * width, "rule")])
        self._head = (key, lines)
        return lines

    def footer(self, y: int, width: int) -> Strip:
        """One line of the footer."""
        lines = self._footer_lines(width)
        return strip_of(lines[y] if y < len(lines) else [], width, self.base, self._piece_style)

    def _footer_lines(self, width: int) -> list[PieceLine]:
        key = (width, self.size.height, self.cursor, len(self._rows or ()))
        if self._foot[0] != key:
            self._foot = (key, self._make_footer(width, self.footer_height))
        return self._foot[1]

    def _make_footer(self, width: int, height: int) -> list[PieceLine]:
        if self._rows is None or self.cursor >= len(self._rows):
            return []
        row = self._rows[self.cursor]
        event = self._event
        if not event:
            return footer_lines(row, "", "", width, height)
        note = self._note(row)
        cut = row_pieces(self._rows, row, note, width)[1]
        why = self._why_null(row)
        if why:
            return footer_lines(
                row, event, "", width, height, why=f"null: {self._notes.origin} cannot know this: {why}."
            )
        return footer_lines(row, event, note or "", width, height, cut=cut)

    def moved(self) -> None:
        """The cursor stands on another field: the footer explains that one."""
        if self.footer_height:
            self.refresh(
                Region(0, self.size.height - self.footer_height, self.size.width, self.footer_height)
            )

    def on_resize(self) -> None:
        """Keeps the cursor on the page."""
        self.show_cursor()

    # ---- folding

    def _refolded(self, path: Path | None = None) -> None:
        """Draws the rows after some were folded or unfolded, the cursor on the same field or what holds it now."""
        rows = self._rows
        if rows is None:
            return
        if path is not None:
            self.cursor = rows.locate(path).at
        self.cursor = max(0, min(self.cursor, len(rows) - 1))
        self.show_cursor()
        self._foot = (None, [])
        self.refresh()

    def action_fold_here(self) -> None:
        """Folds or unfolds."""
        if self._rows is not None and len(self._rows) and self._rows.toggle(self.cursor):
            self._refolded()
        elif self._pages is not None and self._pages.more():
            self.refresh()

    def action_open(self) -> None:
        """Folds or unfolds; a value that is no container is shown whole."""
        if self._rows is not None and len(self._rows):
            row = self._rows[self.cursor]
            if isinstance(row.value, str):
                self.app.push_screen(ValueScreen(jq_path(row.path), row.value))
                return
        self.action_fold_here()

    def action_fold(self) -> None:
        """Folds the container, or goes to the one above."""
        if self._rows is None:
            return
        if self._rows.fold(self.cursor):
            self._refolded()
        else:
            self.action_parent()

    def action_unfold(self) -> None:
        """Unfolds the container, or goes to its first member."""
        if self._rows is None or not len(self._rows):
            return
        if self._rows.unfold(self.cursor):
            self._refolded()
        elif self._rows[self.cursor].open:
            self.move_to(self.cursor + 1)

    def action_level(self, level: int | None) -> None:
        """Unfolds down to a level."""
        if self._rows is not None and len(self._rows):
            path = self._rows[self.cursor].path
            self._rows.to_level(level)
            self._refolded(path)

    def action_unfold_all(self) -> None:
        """Unfolds everything, as far as that is a sensible number of rows."""
        self.action_level(1 << 20)

    def action_fold_all(self) -> None:
        """Folds everything."""
        self.action_level(1)

    def action_refold(self) -> None:
        """Folds as it was at first."""
        self.action_level(None if self.row is not None and self.row.kind == KIND_EVENT else 2)

    # ---- moving

    def action_parent(self) -> None:
        """Goes to the container of this field."""
        if self._rows is not None:
            self.move_to(self._rows.parent(self.cursor))

    def action_sibling(self, step: int) -> None:
        """Goes to the next field of the same container."""
        if self._rows is not None and len(self._rows):
            self.move_to(self._rows.sibling(self.cursor, step))

    def action_jump(self, name: str) -> None:
        """Goes to the process, its audit token or the event's own fields, unfolding what hides them."""
        if self.row is None or self.row.kind != KIND_EVENT:
            self.app.notify("Only an event has that", severity="warning", markup=False)
            return
        if self._rows is None:
            self._wish = ROWS
            self._use(ROWS)
        rows = self._rows
        if rows is None:
            return
        path: Path = {"process": ("process",), "audit_token": ("process", "audit_token")}.get(name) or (
            "event",
            self.row.event,
        )
        try:
            value_at(self._data, path)
        except (KeyError, IndexError, TypeError):
            self.app.notify(f"This line has no {name}", severity="warning", markup=False)
            return
        found = rows.reveal(path)
        if rows[found.at].folds and not rows[found.at].open:
            rows.unfold(found.at)
        self.cursor = found.at
        self._show_inside()
        self._refolded()

    def _show_inside(self) -> None:
        """Scrolls so that what stands below the cursor is seen, as far as it fits."""
        if self._rows is not None and self.cursor < len(self._rows):
            self.scroll_to_line(max(self.top, min(self.cursor, self._rows.end(self.cursor) - self.page)))

    def on_click(self, event: events.Click) -> None:
        """Puts the cursor on a row; its mark folds, a second click opens, the verdict shows why."""
        position, column = self.position_at(event.y), self.column_at(event.x)
        if position is None:
            if event.y - self.gutter.top < self.header_height - 1 and self._verdict is not None:
                self.action_why()
            return
        if column >= self.size.width - 1:
            return
        self.move_to(position)
        if self._rows is None:
            return
        row = self._rows[position]
        if column in range(row.depth * 2, row.depth * 2 + 2) or row.kind == MORE:
            self.action_fold_here()
        elif event.chain == 2:
            self.action_open()

    def action_leave(self) -> None:
        """Goes back to the event list."""
        cast(Any, self.app).action_panel("events")

    # ---- views and copies

    def action_why(self) -> None:
        """Shows every stage of the verdict, or its first line only."""
        self.why_open = not self.why_open
        self._head = (None, [])
        self._show_inside()
        self.show_cursor()
        self.refresh()

    def action_view(self) -> None:
        """Shows the next of rows, indented JSON, raw line and bytes."""
        if len(self.views) > 1:
            self._remember()
            self._wish = self._next_view()
            self._use(self._wish)

    def _copies(self) -> dict[str, tuple[str, str]]:
        row = self._rows[self.cursor] if self._rows is not None and len(self._rows) else None
        return copies(row, self._data, self.raw, event=bool(self._event))

    def action_copy(self, what: str) -> None:
        """Copies one thing."""
        found = self._copies().get(what)
        if found is None:
            self.app.notify("There is nothing of that kind to copy here", severity="warning", markup=False)
            return
        copy(self.app, found[1], found[0])

    def action_copy_menu(self) -> None:
        """Asks what to copy."""
        items = [
            MenuItem(COPY_KEYS[name], name, text, printable(true[:200]))
            for name, (text, true) in self._copies().items()
        ]

        def chosen(name: str | None) -> None:
            if name is not None:
                self.action_copy(name)

        if items:
            self.app.push_screen(Menu("Copy", items), chosen)
