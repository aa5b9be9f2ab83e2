"""The event types: what is subscribed, what the source sends, and how much of each there was."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.segment import Segment
from textual.strip import Strip

from estui.events import CATEGORIES, LINUX_ONLY, NOTIFY
from estui.tui import origins
from estui.tui.actions import bindings
from estui.tui.lines import Lines, count_words, fit, rate_words, shown, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual import events

    from estui.session import Session

LINUX = "Linux only"
"""The category of the types that Linux has and ES has not."""
UNKNOWN = "Unknown"
"""The category of the types that the catalogue does not know."""
TEACH = 4
"""Lines below the list for what the highlighted type means; half of them where they are long."""
COUNT_WIDTH, RATE_WIDTH = 7, 8
WIDE = 28
"""Cells from which on there is room for the rates."""


class Line(NamedTuple):
    """One line of the panel: a category, or a type in it."""

    category: str
    name: str
    """Empty for the category's own line."""


class Tally(NamedTuple):
    """Figures of one line."""

    total: int
    rate: float


class TypesPanel(Lines):
    """Event types by category, each with a check box, its count and its rate."""

    BINDINGS = bindings("types")
    BORDER_TITLE = "Event types"

    def __init__(self, session: Session, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.session = session
        self._folded: dict[str, bool] = {}
        """By category, where a person said so; else a category is open once one of its types was seen."""
        self._counts: dict[str, int] = {}
        self._lines: list[Line] = []
        self._state: object = None
        self._categories: dict[str, tuple[str, ...]] = {}

    # ---- keeping up

    def tick(self, *, sampled: bool = False) -> None:
        """Shows the counts of now, as often as rates are taken; subscriptions at once."""
        client = self.session.client
        source = self.session.source
        state = (client.plan.subscribe, source and source.sends)
        if self._lines and not sampled and state == self._state:
            return
        counts = self.session.rates.counts
        if (
            self._lines
            and state == self._state
            and counts == self._counts
            and not any(self._rates().values())
        ):
            return
        if not self._lines or counts.keys() != self._counts.keys():
            self._categories = categories(client.names())
        self._state, self._counts = state, counts
        self._rebuild()
        on = sum(client.subscribed(name) for name in NOTIFY)
        self.border_title = f"Event types {on}/{len(NOTIFY)}"
        self.refresh()

    def _rates(self) -> dict[str, float]:
        return self.session.rates.by_event

    def open(self, category: str) -> bool:
        """The types of the category are listed."""
        folded = self._folded.get(category)
        if folded is None:
            return any(self._counts.get(name) for name in self._categories.get(category, ()))
        return not folded

    def _rebuild(self) -> None:
        here = self.current
        self._lines = []
        for category, names in self._categories.items():
            self._lines.append(Line(category, ""))
            if self.open(category):
                self._lines += [Line(category, name) for name in names]
        if here is not None:
            self._stay(here)
        self.cursor = max(0, min(self.cursor, len(self._lines) - 1))
        self.top = max(0, min(self.top, len(self._lines) - self.page))

    def _stay(self, here: Line) -> None:
        """Keeps the cursor on its line, on the same line of the screen."""
        place = here if here in self._lines else Line(here.category, "")
        if place in self._lines:
            y = self.cursor - self.top
            self.cursor = self._lines.index(place)
            self.top = max(0, self.cursor - y)

    @property
    def current(self) -> Line | None:
        """The highlighted line."""
        return self._lines[self.cursor] if self.cursor < len(self._lines) else None

    def names_here(self) -> tuple[str, ...]:
        """The type of the highlighted line, or all types of the category."""
        line = self.current
        if line is None:
            return ()
        return (line.name,) if line.name else self._categories[line.category]

    # ---- drawing

    def count(self) -> int:
        """Lines of the panel."""
        return len(self._lines)

    @property
    def footer_height(self) -> int:
        """The teaching lines, and the warning, where there is room for them."""
        lines = TEACH if self.size.width < 2 * WIDE else TEACH // 2
        return lines if self.size.height >= 3 * lines else 0

    def line(self, position: int, width: int) -> Strip:
        """One category or type."""
        line = self._lines[position]
        here = position == self.cursor
        base = self.base + self.cursor_style() if here else self.base
        names = (line.name,) if line.name else self._categories[line.category]
        tally = self._tally(names)
        on = sum(map(self.session.client.subscribed, names))
        box = "[x]" if on == len(names) else "[-]" if on else "[ ]"
        if line.name:
            text, look = f"  {box} {shown(line.name, 128)}", "types--on" if on else "types--off"
        else:
            fold = "▾" if self.open(line.category) else "▸"
            text, look = f"{fold} {box} {category_words(line.category)}", "types--category"
        unsent = self._unsent(names) if line.name else False
        right = "not sent" if unsent else rate_words(tally.rate) if tally.total else ""
        figure = count_words(tally.total) if tally.total else "–"
        # A line without figures has their room for its name.
        count_width = COUNT_WIDTH if tally.total else 2
        rate_width = len(right) + 1 if unsent else RATE_WIDTH if tally.total and width >= WIDE else 0
        segments = [
            Segment(fit(text, width - count_width - rate_width), base + self.style(look)),
            Segment(f"{figure:>{count_width}}", base + self.style("types--count")),
        ]
        if rate_width:
            style = self.style("types--warning" if unsent and on and self._askable(names) else "types--rate")
            segments.append(Segment(f"{right:>{rate_width}}", base + style))
        return Strip(segments).adjust_cell_length(width, base)

    def _tally(self, names: tuple[str, ...]) -> Tally:
        rates = self._rates()
        return Tally(
            sum(self._counts.get(name, 0) for name in names),
            sum(rates.get(name, 0.0) for name in names),
        )

    def _unsent(self, names: tuple[str, ...]) -> bool:
        source = self.session.source
        return (
            source is not None
            and source.sends is not None
            and any(name not in source.sends for name in names)
        )

    def footer(self, y: int, width: int) -> Strip:
        """What the highlighted type means; and what the source does not send."""
        unsent = self.session.unsent()
        last = self.footer_height - 1
        if y == last and unsent:
            asked = [name for name in unsent if self._askable((name,))]
            words, look = f"{len(unsent)} not sent by this source", "types--rate"
            if asked:
                words, look = f"{len(asked)} not sent: R restarts source", "types--warning"
            return Strip([Segment(fit(words, width), self.base + self.style(look))], width)
        style = self.base + self.style("types--teach")
        lines = wrap(self.teaching(), width, last if unsent else last + 1)
        return Strip([Segment(fit(lines[y] if y < len(lines) else "", width), style)], width)

    def _askable(self, names: tuple[str, ...]) -> bool:
        """A restart could bring types that the source does not send."""
        source = self.session.source
        return source is not None and source.can_resubscribe and any(map(source.knows, names))

    def teaching(self) -> str:
        """What the highlighted type means."""
        line = self.current
        if line is None:
            return ""
        if not line.name:
            names = self._categories[line.category]
            return f"{category_words(line.category)}: {len(names)} types. Space subscribes to all of them or none."
        event = NOTIFY.get(line.name)
        if event is None and line.name in LINUX_ONLY:
            return f"{line.name}: {origins.teaches(line.name)}"
        if event is None:
            return f"{shown(line.name, 128)}: a type that estui does not know. It is shown all the same."
        return f"{event.name} (macOS {event.since}): {event.teaches}"

    # ---- moving and folding

    def moved(self) -> None:
        """The teaching lines follow the cursor."""
        self.refresh()

    def action_fold(self) -> None:
        """Folds or opens the category of the line."""
        if self.current is not None:
            self._fold(self.current.category, self.open(self.current.category))

    def action_close(self) -> None:
        """Folds the category of the line, and goes to it."""
        if self.current is not None:
            self._fold(self.current.category, True)

    def action_open(self) -> None:
        """Opens the category of the line."""
        if self.current is not None:
            self._fold(self.current.category, False)

    def action_fold_all(self) -> None:
        """Folds all categories, or opens all if none is open."""
        folded = any(self.open(category) for category in self._categories)
        self._folded = dict.fromkeys(self._categories, folded)
        self._rebuild()
        self.move_to(self.cursor)

    def _fold(self, category: str, folded: bool) -> None:
        self._folded[category] = folded
        if folded:
            self.cursor = self._lines.index(Line(category, ""))
        self._rebuild()
        self.move_to(self.cursor)

    def go_to(self, text: str) -> bool:
        """Goes to the first type whose name begins with the text, or else holds it; False if none does."""
        text = text.strip().lower()
        names = [(category, name) for category, all_ in self._categories.items() for name in all_]
        for test in (str.startswith, str.__contains__):
            for category, name in names:
                if text and test(name, text):
                    self._folded[category] = False
                    self._rebuild()
                    self.move_to(self._lines.index(Line(category, name)))
                    return True
        return False

    def show_first(self, text: str) -> None:
        """Goes there while the name is typed, if it can."""
        self.go_to(text)

    # ---- subscribing

    def action_switch(self) -> None:
        """es_subscribe() or es_unsubscribe() for the type; of a category, all if one is missing, else none."""
        names = self.names_here()
        client = self.session.client
        if not names:
            return
        if all(map(client.subscribed, names)):
            client.unsubscribe(names)
            self._changed(f"unsubscribed from {_some(names)}")
        else:
            client.subscribe(names)
            self._changed(f"subscribed to {_some(names)}")

    def action_solo(self) -> None:
        """Subscribes to this alone; once more, to everything again."""
        names = self.names_here()
        client = self.session.client
        if client.plan.subscribe is not None and set(client.plan.subscribe) == set(names):
            self.action_all()
        elif names:
            client.solo(names)
            self._changed(f"subscribed to {_some(names)} only")

    def action_all(self) -> None:
        """Subscribes to every type."""
        self.session.client.subscribe_all()
        self._changed("subscribed to every type")

    def action_none(self) -> None:
        """es_unsubscribe_all()."""
        self.session.client.solo(())
        self._changed("unsubscribed from every type")

    def _changed(self, words: str) -> None:
        self.commands.subscribed(words)

    # ---- the rest

    def action_find_type(self) -> None:
        """Asks for a name to go to."""
        self.commands.ask_type()

    def action_include(self) -> None:
        """Shows only rows of this type."""
        self._filter(True)

    def action_exclude(self) -> None:
        """Shows no rows of this type."""
        self._filter(False)

    def _filter(self, include: bool) -> None:
        for name in self.names_here():
            self.session.view.add("event", name, include)
        self.commands.view_changed()

    def action_leave(self) -> None:
        """Back to the list."""
        self.commands.action_panel("events")

    def on_click(self, event: events.Click) -> None:
        """Selects a line; on its check box, toggles it; on a category's arrow, folds it."""
        position = self.position_at(event.y)
        if position is None:
            return
        self.move_to(position)
        at = self.column_at(event.x)
        if 2 <= at <= 4:
            self.action_switch()
        elif at < 2 or event.chain > 1:
            self.action_fold()


def categories(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Names by category; those that the catalogue does not know in categories of their own."""
    found: dict[str, tuple[str, ...]] = dict(CATEGORIES)
    others = [name for name in names if name not in NOTIFY]
    for category, known in ((LINUX, True), (UNKNOWN, False)):
        members = tuple(name for name in others if (name in LINUX_ONLY) == known)
        if members:
            found[category] = members
    return found


def category_words(category: str) -> str:
    """A category as a heading: those that Apple files nowhere go by their family."""
    return category.rpartition("/")[2]


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(shown(name, 64) for name in names) if len(names) < 4 else f"{len(names)} types"
