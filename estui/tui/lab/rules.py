"""The rules of the plan in the lab: the inversions and entries, what each does, and what would be without it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from estui.client import DIMENSIONS
from estui.lab.hits import EntryHits, entries
from estui.text import printable
from estui.tui.lab.section import Draft, Section
from estui.tui.mute_dialog import EditDialog
from estui.tui.mute_lines import SHORT, count_line, entry_lines, own_words, switch_lines
from estui.tui.pieces import wrap_words

if TYPE_CHECKING:
    from estui.plan import Plan
    from estui.tui.pieces import PieceLine

WIDE = 60
"""Cells from which an entry needs one line less."""
NO_ENTRIES = "No entry yet: a adds one by hand, Suggestions (→) has some"
PAUSE, REST = 2.0, 10
"""Least seconds between two counts that the ring alone asks for, and how many times as long as a count one rests."""


class RulesSection(Section):
    """Each line previews the plan with that inversion toggled, or that entry switched off or on."""

    TITLE = "Rules"
    DOES = "switch off or on, as previewed"

    def __init__(self, session: Any, *, id: str | None = None) -> None:
        super().__init__(session, id=id)
        self._hits: dict[int, EntryHits] = {}
        self._held = 0
        self._plan: Plan | None = None
        self._counting = False
        self._not_before = 0.0

    def look(self) -> None:
        """Counts again where the plan or the ring moved."""
        plan, old = self.client.plan, self._plan
        if plan is not old:
            self._plan, self._hits, self._counting = plan, {}, False
            self.notes = () if plan.entries else (NO_ENTRIES,)
            self.changed()
            if old is not None and len(plan.entries) == len(old.entries) + 1:
                self._to_item(next((at for at, one in enumerate(plan.entries) if one not in old.entries), 0))
        elif self._counting or time.monotonic() < self._not_before:
            return
        core = self.session.core

        def job(stopped: Any) -> tuple[tuple[EntryHits, ...], int, float]:
            started = time.monotonic()
            held = core.counters().held_events
            return entries(core, plan), held, time.monotonic() - started

        self._counting = True
        self.work_out(self.state(), job, self._counted)

    def _counted(self, found: tuple[tuple[EntryHits, ...], int, float]) -> None:
        hits, self._held, seconds = found
        self._counting = False
        self._hits = {one.index: one for one in hits if one.index is not None}
        self._not_before = time.monotonic() + max(PAUSE, REST * seconds)

    def tab(self) -> str:
        """The number of entries."""
        return f"Rules {len(self.client.plan.entries)}"

    def items(self) -> int:
        """The entries, then the inversions."""
        return len(self.client.plan.entries) + len(DIMENSIONS)

    @property
    def index(self) -> int | None:
        """The selected entry in plan.entries; None on an inversion."""
        return self.at if 0 <= self.at < len(self.client.plan.entries) else None

    def _dimension(self, at: int) -> str:
        return DIMENSIONS[len(self.client.plan.entries) + len(DIMENSIONS) - 1 - at]

    def item_lines(self, at: int, width: int) -> list[PieceLine]:
        """An entry with its counts and, where it decides nothing, by what it is redundant; or a switch."""
        wide = width >= WIDE
        plan = self.client.plan
        if at >= len(plan.entries):
            name = self._dimension(at)
            on = bool(getattr(plan, f"invert_{name}"))
            words = self.client.inversion_words(name)
            return switch_lines(f"invert {SHORT[name]}", "⇄" if on else "", words, width, wide=wide)
        entry, hits = plan.entries[at], self._hits.get(at)
        lines = [
            *entry_lines(entry, width, wide=wide, marked=True),
            count_line(entry, hits, self._held, wide=wide),
        ]
        if hits is not None and hits.redundant:
            words = own_words(hits)
            lines += [[("  ", ""), *line] for line in wrap_words(words, max(8, width - 2), 3, "teach")]
        return lines

    def draft(self) -> Draft | None:
        """The plan without what is selected, or with it again."""
        at, plan = self.at, self.client.plan
        if plan is not self._plan or not 0 <= at < self.items():
            return None
        if at >= len(plan.entries):
            name = self._dimension(at)
            on = not getattr(plan, f"invert_{name}")
            toggled: dict[str, Any] = {f"invert_{name}": on}
            return Draft(replace(plan, **toggled), f"{'invert' if on else 'stop inverting'} {name} muting")
        entry = plan.entries[at]
        words = printable(f"{'disable' if entry.enabled else 'enable'} {entry.label}")
        return Draft(self.client.with_entry(replace(entry, enabled=not entry.enabled), at), words)

    # ---- acting

    def action_one(self) -> None:
        """Switches the selected one."""
        self.accept()

    def action_add(self) -> None:
        """An entry by hand."""
        self.app.push_screen(EditDialog(self.client), self._edited)

    def action_edit(self) -> None:
        """Edits the entry."""
        if self.index is None:
            self.commands.say("Choose an entry first", wrong=True)
        else:
            self.app.push_screen(EditDialog(self.client, self.index), self._edited)

    def _edited(self, words: str | None) -> None:
        if words is not None:
            self.commands.say(words)
            self.lab.poll()

    def action_remove(self) -> None:
        """Takes the entry out of the plan."""
        if self.index is None:
            self.commands.say("Choose an entry first", wrong=True)
            return
        label = printable(self.client.plan.entries[self.index].label)
        self.client.remove(self.index)
        self.commands.say(f"Removed {label}; u takes it back")
        self.lab.poll()

    def action_open(self) -> None:
        """Goes to the last event that the entry matches."""
        hits = None if self.index is None else self._hits.get(self.index)
        if hits is None or hits.last < 0:
            self.commands.say("Nothing in the ring is matched by this", wrong=True)
            return
        self.commands.events.following = False
        self.commands.events.jump(hits.last)
        self.commands.action_panel("events")
