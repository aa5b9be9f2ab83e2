"""A section of the lab: a list whose items may take several lines, each of which may stand for another plan.

What the cursor is on is only previewed; Enter puts it in force, and undo takes it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, cast

from textual.worker import get_current_worker

from estui.tui.lines import Lines
from estui.tui.pieces import strip_of, wrap_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events
    from textual.strip import Strip

    from estui.client import Client
    from estui.plan import Plan
    from estui.session import Session
    from estui.tui.lab.panel import Lab
    from estui.tui.pieces import PieceLine


class Draft(NamedTuple):
    """A plan that is not in force."""

    plan: Plan
    words: str
    """What it does to the plan in force, as undo names it. Printable."""


class Section(Lines):
    """One list of the lab."""

    TITLE: ClassVar[str] = ""
    DOES: ClassVar[str] = ""
    """What Enter does here, in a few words."""

    def __init__(self, session: Session, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.session = session
        self.notes: tuple[str, ...] = ()
        """Printable words above the list, a line each."""
        self._owners: list[int] = []
        self._firsts: list[int] = []
        self._drawn: list[list[PieceLine]] = []
        self._drawn_for: object = None
        self._asked: object = None
        self._stale = True

    # ---- what a section says

    def look(self) -> None:
        """Called some times a second while it can be seen: has worked out anew what moved."""

    def items(self) -> int:
        """How many things are in the list."""
        return 0

    def item_lines(self, at: int, width: int) -> list[PieceLine]:
        """The lines of one of them, at least one; pieces are printable."""
        raise NotImplementedError

    def draft(self) -> Draft | None:
        """The plan the selected item stands for; None where it stands for none."""
        return None

    def accept(self) -> None:
        """What Enter does."""
        draft = self.draft()
        if draft is None:
            self.commands.say("There is nothing to take here", wrong=True)
        else:
            self.lab.take(draft)

    def nothing(self) -> str:
        """What stands in the place of an empty list. Printable."""
        return ""

    def tab(self) -> str:
        """Its title, and a number if there is one that matters. Printable."""
        return self.TITLE

    # ---- what it has

    @property
    def lab(self) -> Lab:
        """The lab it is part of."""
        return cast("Lab", next(one for one in self.ancestors if one.id == "lab"))

    @property
    def client(self) -> Client:
        """estui's ES client."""
        return self.session.client

    @property
    def at(self) -> int:
        """The selected item; -1 for none."""
        self._lay_out()
        return self._owners[self.cursor] if self.cursor < len(self._owners) else -1

    def state(self) -> tuple[object, ...]:
        """What a result depends on: the plan in force, and what the ring holds."""
        counters = self.session.core.counters()
        return (self.client.plan, counters.generation, counters.head, counters.tail)

    def work_out(
        self, key: object, job: Callable[[Callable[[], bool]], Any], done: Callable[[Any], None]
    ) -> None:
        """Does `job` in a thread, then `done` with its result on the screen, unless another `key` was asked for since.

        The job is given a function that says whether it is to stop; the same key again is not done again.
        """
        if key == self._asked:
            return
        self._asked = key

        def run() -> None:
            worker = get_current_worker()
            if worker.is_cancelled:
                return
            result = job(lambda: worker.is_cancelled)
            if not worker.is_cancelled:
                self.app.call_later(self._finish, key, done, result)

        self.run_worker(run, thread=True, exclusive=True, group="section", exit_on_error=True)

    def _finish(self, key: object, done: Callable[[Any], None], result: Any) -> None:
        if key == self._asked and self.is_attached:
            done(result)
            self.changed()

    def forget(self) -> None:
        """What was worked out is to be worked out again."""
        self._asked = None

    def changed(self) -> None:
        """The list is another: it is laid out and drawn again, and the cursor stays on its item as far as it can."""
        at = self.at
        self._stale = True
        self._lay_out()
        self._to_item(at if at >= 0 else 0)
        self.refresh()

    # ---- the lines

    def _lay_out(self) -> None:
        width = max(8, self.size.width - 1)
        if self._drawn_for == width and not self._stale:
            return
        at = self._owners[self.cursor] if self.cursor < len(self._owners) else 0
        self._drawn_for, self._stale = width, False
        self._drawn = [self.item_lines(at, width) for at in range(self.items())]
        self._owners = [at for at, lines in enumerate(self._drawn) for _ in lines]
        self._firsts = []
        place = 0
        for lines in self._drawn:
            self._firsts.append(place)
            place += len(lines)
        # The cursor stays on its item, which may stand in another line now.
        self.cursor = self._firsts[min(at, len(self._firsts) - 1)] if self._firsts else 0

    def count(self) -> int:
        """Lines of all items."""
        self._lay_out()
        return len(self._owners)

    def line(self, position: int, width: int) -> Strip:
        """One line of one item."""
        owner = self._owners[position]
        here = self.cursor < len(self._owners) and owner == self._owners[self.cursor]
        base = self.base + self.cursor_style() if here else self.base
        pieces = self._drawn[owner][position - self._firsts[owner]]
        style = None if here and self.has_focus else self.piece_style
        return strip_of(pieces, width, base, style)

    @property
    def header_height(self) -> int:
        """A line per note."""
        return len(self.notes)

    def header(self, y: int, width: int) -> Strip:
        """A note."""
        return strip_of([(self.notes[y], "dim")], width, self.base, self.piece_style)

    def empty(self, width: int) -> list[Strip]:
        """What there is to say instead."""
        lines = wrap_words(self.nothing(), max(8, width - 4), 6, "dim")
        return [strip_of([("  ", ""), *line], width, self.base, self.piece_style) for line in lines]

    # ---- moving: by items, not lines

    def action_cursor(self, step: int) -> None:
        """Goes to another item."""
        if self.at >= 0:
            self._to_item(self.at + step)

    def _to_item(self, at: int) -> None:
        if not self._firsts:
            self.cursor = self.top = 0
            self.moved()
            return
        at = max(0, min(at, len(self._firsts) - 1))
        first = self._firsts[at]
        # All of it on the screen: its last line first, then its first.
        self.cursor = first + len(self._drawn[at]) - 1
        self.show_cursor()
        self.move_to(first)

    def move_to(self, position: int) -> None:
        """Puts the cursor on the item at a line."""
        self._lay_out()
        if self._owners:
            owner = self._owners[max(0, min(position, len(self._owners) - 1))]
            super().move_to(self._firsts[owner])

    def moved(self) -> None:
        """Another item: another plan to preview."""
        self.refresh()
        self.lab.drafted()

    def on_resize(self) -> None:
        """Lines are broken anew."""
        self.changed()

    def on_click(self, event: events.Click) -> None:
        """Selects an item; a second click takes it."""
        position = self.position_at(event.y)
        if position is not None:
            self.move_to(position)
            if event.chain == 2:
                self.accept()
