"""The mutes: the three inversions, Apple's default set, and the plan's entries with what each of them does."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from textual import work
from textual.content import Content
from textual.message import Message

from estui.client import DIMENSIONS
from estui.defaults import DEFAULT_MUTE_SETS
from estui.lab import hits
from estui.text import printable
from estui.tui.actions import bindings
from estui.tui.lines import Lines
from estui.tui.menu import Menu, MenuItem
from estui.tui.mute_dialog import EditDialog
from estui.tui.mute_entry import call_words
from estui.tui.mute_lines import (
    A_SET,
    NO_ENTRIES,
    NO_SET,
    SET_NAMES,
    SHORT,
    VOTES_NOTE,
    VOTES_WORDS,
    apples,
    count_line,
    entry_details,
    entry_lines,
    set_line,
    switch_lines,
)
from estui.tui.pieces import Piece, PieceLine, strip_of, wrap_words
from estui.tui.plan_dialog import LoadDialog, SaveDialog

if TYPE_CHECKING:
    from textual import events
    from textual.strip import Strip

    from estui.client import Client
    from estui.lab.hits import EntryHits
    from estui.plan import Plan
    from estui.session import Session

POLL = 0.25
"""Seconds between looks at whether something changed."""
PAUSE = 0.5
"""Least seconds between two counts of what the entries do."""
REST = 4
"""A count that took long is followed by a pause this many times as long."""
WIDE = 60
"""Cells from which an entry needs one line less."""

INVERT, VOTES, SET, DEFAULT, ENTRY, NOTE = "invert", "votes", "set", "default", "entry", "note"


class Item(NamedTuple):
    """One thing in the list, which takes some lines."""

    kind: str
    name: str = ""
    """The dimension of an inversion."""
    at: int = -1
    """Place of an entry in plan.entries, or in apples(plan.default_mute_set)."""


class Layout(NamedTuple):
    """The items, and which lines are whose."""

    items: tuple[Item, ...]
    owners: tuple[int, ...]
    """The item of each line."""
    firsts: tuple[int, ...]
    """The first line of each item."""


class MutesPanel(Lines):
    """The list of mutes and its switches."""

    BINDINGS = bindings("mutes")

    class Counted(Message):
        """What the entries do, from the thread that counted it."""

        def __init__(self, plan: Plan, held: int, found: dict[int, EntryHits], seconds: float) -> None:
            super().__init__()
            self.plan = plan
            self.held = held
            self.found = found
            self.seconds = seconds

    def __init__(self, session: Session | None = None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._session = session
        self._open = False
        """Whether the entries of the default set are shown."""
        self._layout: tuple[object, Layout] = (None, Layout((), (), ()))
        self._plan: Plan | None = None
        self._hits: dict[int, EntryHits] = {}
        """By place in plan.entries; empty until they were counted."""
        self._held = 0
        self._counted: object = None
        self._counting = False
        self._not_before = 0.0
        self._seen: object = None

    @property
    def session(self) -> Session:
        """The investigation whose client this is about."""
        if self._session is None:
            self._session = cast("Session", cast(Any, self.app).session)
        return self._session

    @property
    def client(self) -> Client:
        """estui's ES client."""
        return self.session.client

    # ---- keeping up

    def on_mount(self) -> None:
        """Looks now and then."""
        self.set_interval(POLL, self.poll)
        self.poll()

    def poll(self) -> None:
        """Takes in another plan; has the entries counted again where something moved."""
        plan = self.client.plan
        seen = (plan, self.client.path, self.client.changed)
        if seen != self._seen:
            old, self._plan, self._seen = self._plan, plan, seen
            if plan is not old:
                self._hits = {}
            self.cursor = max(0, min(self.cursor, self.count() - 1))
            if old is not None:
                self._to_new_entry(old, plan)
            self._titles()
            self.refresh()
        if self.display and not self._counting and time.monotonic() >= self._not_before:
            self._count_again(plan)

    def _to_new_entry(self, old: Plan, plan: Plan) -> None:
        """Stands on what was just muted, for whoever comes to see what it does."""
        if len(plan.entries) != len(old.entries) + 1:
            return
        before = set(old.entries)
        for number, item in enumerate(self.layout_now.items):
            if item.kind == ENTRY and plan.entries[item.at] not in before:
                self._to_item(number)
                return

    def _count_again(self, plan: Plan) -> None:
        counters = self.session.core.counters()
        key = (plan, counters.generation, counters.head, counters.tail)
        if key == self._counted or not plan.entries:
            return
        self._counted = key
        self._counting = True
        self._work_out(plan, counters.held_events)

    @work(thread=True, group="hits")
    def _work_out(self, plan: Plan, held: int) -> None:
        started = time.monotonic()
        # Those of the default set are AUTH only: there is nothing to count.
        found = {one.index: one for one in hits.entries(self.session.core, plan) if one.index is not None}
        self.post_message(self.Counted(plan, held, found, time.monotonic() - started))

    def on_mutes_panel_counted(self, event: Counted) -> None:
        """Shows what was counted, unless it was another plan."""
        event.stop()
        self._counting = False
        self._not_before = time.monotonic() + max(PAUSE, REST * event.seconds)
        if event.plan is self.client.plan and event.plan is self._plan:
            self._hits = event.found
            self._held = event.held
            self.refresh()
        else:
            self._counted = None

    def _titles(self) -> None:
        plan = self.client.plan
        inverted = [SHORT[name] for name in DIMENSIONS if getattr(plan, f"invert_{name}")]
        parts = [f"Mutes ({len(plan.entries)})", *(f"⇄ {name}" for name in inverted)]
        self.border_title = Content(" ".join(parts))
        self.border_subtitle = Content(self._badge)

    # ---- the items and their lines

    @property
    def layout_now(self) -> Layout:
        """The items as they stand for this plan and width."""
        plan = self.client.plan
        key = (plan, self._open, self.size.width)
        if self._layout[0] != key:
            self._layout = (key, self._make_layout(plan))
        return self._layout[1]

    def _make_layout(self, plan: Plan) -> Layout:
        items = [Item(INVERT, name) for name in reversed(DIMENSIONS)]
        items += [Item(ENTRY, at=at) for at in range(len(plan.entries))] or [Item(NOTE)]
        items += [Item(VOTES), Item(SET)]
        if self._open:
            items += [Item(DEFAULT, at=at) for at in range(len(apples(plan.default_mute_set)))]
        owners: list[int] = []
        firsts: list[int] = []
        for number, item in enumerate(items):
            firsts.append(len(owners))
            owners += [number] * self._height(item)
        return Layout(tuple(items), tuple(owners), tuple(firsts))

    @property
    def _wide(self) -> bool:
        return self.size.width >= WIDE

    def _height(self, item: Item) -> int:
        if item.kind in (ENTRY, DEFAULT):
            lines = 2 if self._wide else 3
            return lines if item.kind == ENTRY else lines - 1
        if item.kind in (INVERT, VOTES):
            return len(self._switch_lines(item))
        return 1

    def _is_on(self, item: Item) -> bool:
        plan = self.client.plan
        return plan.instigator_votes if item.kind == VOTES else bool(getattr(plan, f"invert_{item.name}"))

    def _switch_words(self, item: Item) -> str:
        if item.kind == VOTES:
            return VOTES_WORDS[self._is_on(item)]
        return self.client.inversion_words(item.name)

    def _switch_lines(self, item: Item) -> list[PieceLine]:
        name = f"invert {SHORT[item.name]}" if item.kind == INVERT else "instigator votes"
        mark = "⇄" if item.kind == INVERT else "x"
        # One cell less than the panel: with a scrollbar it is as many lines as without.
        width = self.size.width - 1
        return switch_lines(
            name, mark if self._is_on(item) else "", self._switch_words(item), width, wide=self._wide
        )

    @property
    def item(self) -> Item | None:
        """The item the cursor is on."""
        layout = self.layout_now
        return layout.items[layout.owners[self.cursor]] if self.cursor < len(layout.owners) else None

    def count(self) -> int:
        """Lines of all items."""
        return len(self.layout_now.owners)

    def line(self, position: int, width: int) -> Strip:
        """One line of one item."""
        layout = self.layout_now
        owner = layout.owners[position]
        here = self.cursor < len(layout.owners) and owner == layout.owners[self.cursor]
        base = self.base + self.cursor_style() if here else self.base
        pieces = self._item_lines(layout.items[owner], width)
        place = position - layout.firsts[owner]
        line = pieces[place] if place < len(pieces) else []
        return strip_of(line, width, base, None if here and self.has_focus else self.piece_style)

    def _item_lines(self, item: Item, width: int) -> list[PieceLine]:
        plan = self.client.plan
        wide = self._wide
        if item.kind in (INVERT, VOTES):
            return self._switch_lines(item)
        if item.kind == SET:
            return [set_line(plan, is_open=self._open)]
        if item.kind == NOTE:
            return [[("    no mutes yet", "dim")]]
        if item.kind == DEFAULT:
            return entry_lines(apples(plan.default_mute_set)[item.at], width, wide=wide)
        entry = plan.entries[item.at]
        counts = count_line(entry, self._hits.get(item.at), self._held, wide=wide)
        return [*entry_lines(entry, width, wide=wide, marked=True), counts]

    # ---- what stands above and below: the badge, and the words of the selected item

    @property
    def header_height(self) -> int:
        """Where muting is done, and whose plan this is."""
        return 1

    def header(self, y: int, width: int) -> Strip:
        """The badge first: it must not be cut."""
        client = self.client
        name = client.plan.name or (client.path.name if client.path is not None else "")
        state = "not saved" if client.changed else "" if name else "no plan file"
        words = " · ".join(word for word in (printable(name), state) if word)
        pieces: list[Piece] = [(f"{self._badge}", "warn"), (f"  {words}", "dim")]
        return strip_of(pieces, width, self.base, self.piece_style)

    @property
    def _badge(self) -> str:
        source = self.session.source
        return source.muting if source is not None else "SIMULATED"

    @property
    def footer_height(self) -> int:
        """A rule and what there is to say about the item under the cursor.

        In a small panel that has not the focus the entries need the room more.
        """
        height = self.size.height
        if height < 10 or (height < 24 and not self.has_focus):
            return 0
        return 4 if height < 18 else 6 if height < 24 else 8

    def on_focus(self) -> None:
        """The footer comes."""
        self.show_cursor()
        self.refresh()

    def on_blur(self) -> None:
        """The footer goes."""
        self.refresh()

    def footer(self, y: int, width: int) -> Strip:
        """One line of it."""
        lines = self._footer_lines(width)
        return strip_of(lines[y] if y < len(lines) else [], width, self.base, self.piece_style)

    def _footer_lines(self, width: int) -> list[PieceLine]:
        lines: list[PieceLine] = [[("─" * width, "rule")]]
        height = self.footer_height
        for words, style in self._details():
            lines += wrap_words(words, width, height - len(lines), style)
        return lines[:height]

    def _details(self) -> list[Piece]:
        item = self.item
        plan = self.client.plan
        if item is None:
            return []
        if item.kind == INVERT:
            call = f"es_invert_muting({item.name.upper()}) is a toggle: twice is as before."
            return [(self._switch_words(item), "teach"), (call, "dim")]
        if item.kind == VOTES:
            return [(self._switch_words(item), "teach"), (VOTES_NOTE, "dim")]
        if item.kind == SET:
            return [(NO_SET if plan.default_mute_set == "none" else A_SET, "dim")]
        if item.kind == NOTE:
            return [(NO_ENTRIES, "dim")]
        if item.kind == DEFAULT:
            apple = "Apple's own entry: every new client begins with it."
            return [(call_words(apples(plan.default_mute_set)[item.at]), "text"), (apple, "dim")]
        return entry_details(plan.entries[item.at], self._hits.get(item.at))

    def empty(self, width: int) -> list[Strip]:
        """There are always the switches."""
        return []

    # ---- moving: by items, not lines

    def action_cursor(self, step: int) -> None:
        """Goes to another item."""
        layout = self.layout_now
        if layout.owners:
            at = layout.owners[min(self.cursor, len(layout.owners) - 1)]
            self._to_item(at + step)

    def _to_item(self, number: int) -> None:
        layout = self.layout_now
        number = max(0, min(number, len(layout.items) - 1))
        first = layout.firsts[number]
        # All of it on the screen: its last line first, then its first.
        self.cursor = first + self._height(layout.items[number]) - 1
        self.show_cursor()
        self.move_to(first)

    def move_to(self, position: int) -> None:
        """Puts the cursor on the item at a line."""
        layout = self.layout_now
        if layout.owners:
            owner = layout.owners[max(0, min(position, len(layout.owners) - 1))]
            super().move_to(layout.firsts[owner])

    def moved(self) -> None:
        """Another item: it may be several lines, and has other words."""
        self.refresh()

    def on_resize(self) -> None:
        """Lines are broken anew."""
        self.move_to(self.cursor)
        self.poll()

    def on_click(self, event: events.Click) -> None:
        """Selects an item; a click on its mark, or a second click, acts on it."""
        position = self.position_at(event.y)
        if position is None:
            return
        self.move_to(position)
        item = self.item
        if event.chain == 2 and item is not None and item.kind == ENTRY:
            self.action_edit()
        elif self.column_at(event.x) < 3 and event.chain == 1:
            self.action_switch()

    # ---- acting

    def _done(self, words: str) -> None:
        self.poll()
        self.app.notify(words, markup=False)

    def _not_here(self) -> None:
        self.app.notify("Choose an entry of the plan first", severity="warning", markup=False)

    def action_switch(self) -> None:
        """Enables or disables the entry, toggles the inversion, opens the default set."""
        item = self.item
        if item is None:
            return
        if item.kind == INVERT:
            self.action_invert_now(item.name)
        elif item.kind == VOTES:
            on = not self.client.plan.instigator_votes
            words = "let instigators vote" if on else "stop asking instigators"
            self.client.apply(replace(self.client.plan, instigator_votes=on), words)
            self.poll()
        elif item.kind == SET:
            self._open = not self._open
            self.refresh()
        elif item.kind == ENTRY:
            self.client.enable(item.at, not self.client.plan.entries[item.at].enabled)
            self.poll()
        elif item.kind == NOTE:
            self.action_add()
        else:
            words = "Apple's entries cannot be switched off one by one; Enter chooses another set"
            self.app.notify(words, severity="warning", markup=False)

    def action_invert_now(self, dimension: str) -> None:
        """es_invert_muting() of one dimension."""
        self.client.invert_muting(dimension)
        self._done(f"{dimension} muting is {self.client.inversion_words(dimension)}")

    def action_invert(self) -> None:
        """Asks which dimension, saying what each means now."""
        keys = {"target_path": "t", "path": "x", "process": "o"}
        items = [
            MenuItem(key, name, f"invert {SHORT[name]}", self.client.inversion_words(name))
            for name, key in keys.items()
        ]

        def chosen(name: str | None) -> None:
            if name is not None:
                self.action_invert_now(name)

        self.app.push_screen(Menu("es_invert_muting() toggles one dimension", items), chosen)

    def action_add(self) -> None:
        """An entry by hand."""
        self.app.push_screen(EditDialog(self.client), self._edited)

    def action_edit(self) -> None:
        """Edits the entry; toggles the inversion; chooses the default set."""
        item = self.item
        if item is None:
            return
        if item.kind == ENTRY:
            self.app.push_screen(EditDialog(self.client, item.at), self._edited)
        elif item.kind in (SET, DEFAULT):
            self._choose_set()
        else:
            self.action_switch()

    def _edited(self, words: str | None) -> None:
        if words is not None:
            self._done(words)

    def _filed(self, changed: bool | None) -> None:
        if changed:
            self.poll()

    def _choose_set(self) -> None:
        items = [MenuItem("0", "none", "none", "begin with an empty mute set")]
        for number, name in enumerate(DEFAULT_MUTE_SETS, 1):
            count = len(DEFAULT_MUTE_SETS[name])
            items.append(
                MenuItem(str(number), name, SET_NAMES.get(name, name), f"{count} entries, AUTH only")
            )

        def chosen(name: str | None) -> None:
            if name is not None:
                self.client.apply(
                    replace(self.client.plan, default_mute_set=name), f"default mute set {name}"
                )
                self.poll()

        self.app.push_screen(Menu("Apple's default mute set", items), chosen)

    def action_remove(self) -> None:
        """Takes the entry out of the plan."""
        item = self.item
        if item is None or item.kind != ENTRY:
            self._not_here()
            return
        label = printable(self.client.plan.entries[item.at].label)
        self.client.remove(item.at)
        self._done(f"Removed {label}; u takes it back")

    def action_clear(self) -> None:
        """Takes all entries out of the plan."""
        count = len(self.client.plan.entries)
        self.client.clear()
        self._done(f"Removed {count:,} entries; u takes it back")

    def action_last_hit(self) -> None:
        """Goes to the last event that the entry matches."""
        from estui.tui.event_list import EventList  # noqa: PLC0415  (the list knows nothing of this panel)

        item = self.item
        if item is None or item.kind != ENTRY:
            self._not_here()
            return
        found = self._hits.get(item.at)
        if found is None or found.last < 0:
            self.app.notify("Nothing in the ring is matched by this", severity="warning", markup=False)
            return
        for event_list in self.screen.query(EventList):
            event_list.jump(found.last)
        self.action_leave()

    def action_load(self) -> None:
        """Asks for a plan to load."""
        self.app.push_screen(LoadDialog(self.client), self._filed)

    def action_save(self) -> None:
        """Asks where to save the plan."""
        self.app.push_screen(SaveDialog(self.client), self._filed)

    def action_leave(self) -> None:
        """Goes back to the event list."""
        cast(Any, self.app).action_panel("events")
