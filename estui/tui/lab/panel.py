"""The lab: sections that each stand for plans one could have, and beside them what the selected one would do.

Nothing is done by looking: what the cursor is on is previewed over all the ring holds, Enter puts it in force as one
step, and undo takes it back.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from rich.cells import cell_len
from rich.segment import Segment
from textual.containers import Horizontal, Vertical
from textual.strip import Strip
from textual.worker import get_current_worker

from estui.lab.whatif import Preview
from estui.plan import Plan
from estui.tui.actions import bindings
from estui.tui.lab.changes import Changes
from estui.tui.lab.effect import Effect
from estui.tui.lines import Lines, Looks

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

    from estui.session import Session
    from estui.tui.commands import Commands
    from estui.tui.lab.section import Draft, Section

POLL = 0.25
"""Seconds between looks at whether something moved."""
PAUSE = 0.5
"""Least seconds between two previews that the ring alone asks for."""
REST = 4
"""A preview that took long is followed by a pause this many times as long."""
MEDIUM = 100
"""Cells from which on there is room for what a draft does beside the list."""


LOW = 16
"""Lines below which a narrow terminal has room for the list alone."""
LEAD = " Lab "
"""What stands before the sections."""


class Lab(Vertical):
    """The panel: a section, and what its selected item would do."""

    BINDINGS = bindings("lab")
    DEFAULT_CSS = """
    Lab {
        height: 1fr;
        & > #lab-tabs { height: 1; background: $panel; color: $es-header; }
        & > #lab-body { height: 1fr; }
        & #lab-list, & #lab-right { width: 1fr; height: 1fr; }
        & Section, & #lab-effect, & #lab-changes {
            height: 1fr;
            border: round $border-blurred; border-title-color: $es-header; border-subtitle-color: $es-header;
            background: $background;
            &:focus { border: heavy $border; border-title-color: $foreground; border-title-style: bold; }
        }
        & #lab-effect { height: 3fr; }
        & #lab-changes { height: 2fr; }
        &.-narrow #lab-body { layout: vertical; }
        &.-narrow #lab-right { height: 9; width: 1fr; }
        &.-narrow.-low #lab-right { display: none; }
        &.-narrow.-changes #lab-list { display: none; }
        &.-narrow.-changes #lab-right { display: block; }
        &.-narrow.-changes #lab-right { height: 1fr; }
        &.-narrow #lab-changes { display: none; }
        &.-narrow.-changes #lab-changes { display: block; }
        &.-narrow.-changes #lab-effect { display: none; }
    }
    """

    def __init__(self, session: Session, *, id: str = "lab") -> None:
        super().__init__(id=id)
        self.session = session
        self.sections: tuple[Section, ...] = ()
        """In their order; none until the lab is opened for the first time."""
        self.section: Section
        """The one that is shown, once it was opened."""
        self.tabs = LabTabs(self, id="lab-tabs")
        self.effect = Effect(id="lab-effect")
        self.changes = Changes(session, id="lab-changes")
        self.preview: Preview | None = None
        """What the draft would do; None until it is known."""
        self.draft: Draft | None = None
        """What is previewed; None for the plan in force, next to no plan at all."""
        self._asked: object = None
        self._plans: tuple[Plan, Plan] | None = None
        self._not_before = 0.0

    def compose(self) -> ComposeResult:
        """The tabs; the list at the left, what it would do at the right."""
        yield self.tabs
        with Horizontal(id="lab-body"):
            yield Vertical(id="lab-list")
            yield Vertical(self.effect, self.changes, id="lab-right")

    def on_mount(self) -> None:
        """Looks now and then."""
        self.set_interval(POLL, self.poll)

    def open(self) -> None:
        """The lab is shown: its sections are made, which the first picture of estui needs none of."""
        if self.sections:
            return
        from estui.tui.lab.sections import make  # noqa: PLC0415 (30 ms)

        self.sections = make(self.session)
        self.query_one("#lab-list").mount(*self.sections)
        for section in self.sections:
            section.border_title = section.TITLE
            section.border_subtitle = f"Enter: {section.DOES}" if section.DOES else ""
        self._show_section(self.sections[0])

    def on_resize(self, event: events.Resize) -> None:
        """A narrow terminal has room for one list."""
        self.set_class(event.size.width < MEDIUM, "-narrow")
        self.set_class(event.size.height < LOW, "-low")

    @property
    def commands(self) -> Commands:
        """The application."""
        return cast("Commands", self.app)

    # ---- keeping up

    def poll(self) -> None:
        """Has worked out what moved, while the lab can be seen."""
        if self.display and self.sections:
            self.section.look()
            self.drafted()
            self.tabs.tick()

    def drafted(self) -> None:
        """The selected item may be another, or the plan, or the ring: has its effect worked out."""
        if not self.display:
            return
        client = self.session.client
        # While one looks through the changes, and marks some, they stay those of the draft one came with.
        draft = self.draft if self.changes.has_focus else self.section.draft()
        plans = (Plan(), client.plan) if draft is None else (client.plan, draft.plan)
        counters = self.session.core.counters()
        key = (plans, counters.generation, counters.head, counters.tail)
        if key == self._asked or (plans == self._plans and time.monotonic() < self._not_before):
            return
        if plans != self._plans:
            self.preview = None
            self.effect.show(draft, None)
            self.changes.show(None, None)
        self._asked, self._plans, self.draft = key, plans, draft
        self.run_worker(lambda: self._work_out(key, plans), thread=True, exclusive=True, group="effect")

    def _work_out(self, key: object, plans: tuple[Plan, Plan]) -> None:
        worker = get_current_worker()
        if worker.is_cancelled:
            return
        started = time.monotonic()
        preview = Preview(self.session.core, *plans)
        if not worker.is_cancelled:
            self.app.call_later(self._worked_out, key, preview, time.monotonic() - started)

    def _worked_out(self, key: object, preview: Preview, seconds: float) -> None:
        if key != self._asked:
            return
        self._not_before = time.monotonic() + max(PAUSE, REST * seconds)
        self.preview = preview
        self.effect.show(self.draft, preview)
        self.changes.show(preview, self.draft)

    def take(self, draft: Draft) -> None:
        """Puts a draft in force, as one step."""
        client = self.session.client
        if draft.plan == client.plan:
            self.commands.say("That changes nothing: the plan says so already")
            return
        client.apply(draft.plan, draft.words)
        self.commands.say(f"Done: {draft.words}; u takes it back")
        self.poll()

    # ---- sections

    def _show_section(self, section: Section) -> None:
        focused = self.has_focus_within
        self.section = section
        for one in self.sections:
            one.display = one is section
        self.remove_class("-changes")
        if focused:
            self.screen.set_focus(section)
        self.refresh_bindings()
        self.poll()
        self.tabs.tick()
        self.tabs.refresh()

    def action_section(self, step: int) -> None:
        """Goes to the next section, or the one before."""
        place = self.sections.index(self.section)
        self._show_section(self.sections[(place + step) % len(self.sections)])

    def show(self, name: str) -> None:
        """Goes to a section by its title."""
        self._show_section(next(one for one in self.sections if name == one.TITLE))

    # ---- keys

    @property
    def _lines(self) -> Lines:
        return self.changes if self.changes.has_focus else self.section

    def action_cursor(self, step: int) -> None:
        """Moves in the list that has the focus."""
        self._lines.action_cursor(step)

    def action_page(self, step: int) -> None:
        """Moves by a page."""
        self._lines.action_page(step)

    def action_first(self) -> None:
        """Goes to its first line."""
        self._lines.action_first()

    def action_last(self) -> None:
        """Goes to its last line."""
        self._lines.action_last()

    def action_accept(self) -> None:
        """Does what the selected item stands for; of a change, goes to the event."""
        if self.changes.has_focus:
            self.changes.open()
        else:
            self.section.accept()

    def action_other_list(self) -> None:
        """From the section to the events that change, and back."""
        to_changes = not self.changes.has_focus
        self.set_class(to_changes, "-changes")
        self.screen.set_focus(self.changes if to_changes else self.section)

    def action_act(self, name: str) -> None:
        """What only some sections do."""
        if self.changes.has_focus:
            self.changes.mark()
        else:
            getattr(self.section, f"action_{name}")()

    def action_kind(self) -> None:
        """Which changes are listed."""
        self.changes.action_kind()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leaves out what the section that is shown cannot do."""
        if action == "act":
            if self.changes.has_focus:
                return parameters == ("one",)
            return hasattr(self.section, f"action_{parameters[0]}")
        return True

    def action_leave(self) -> None:
        """Back to the section, then to the event list."""
        if self.changes.has_focus:
            self.action_other_list()
        else:
            self.commands.action_panel("events")


class LabTabs(Looks):
    """The sections by name, the one that is shown in brackets."""

    def __init__(self, lab: Lab, *, id: str) -> None:
        super().__init__(id=id)
        self._lab = lab
        self._names: list[str] = []

    def tick(self) -> None:
        """Draws the names again where one changed."""
        names = [section.tab() for section in self._lab.sections]
        if names != self._names:
            self._names = names
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The names."""
        base, here = self.base, self.base + self.style("tabs--here")
        segments: list[Segment] = [Segment(LEAD, base)]
        for section, name in zip(self._lab.sections, self._names, strict=False):
            on = section is self._lab.section
            segments.append(Segment(f"[{name}]" if on else f" {name} ", here if on else base))
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def on_click(self, event: events.Click) -> None:
        """Goes to the section that was clicked."""
        x = cell_len(LEAD)
        for section, name in zip(self._lab.sections, self._names, strict=False):
            x += cell_len(name) + 2
            if event.x < x:
                self._lab.show(section.TITLE)
                return
