"""The application: a session, its screen, and the tick that keeps them together."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from textual.events import Key
from textual.widgets import Input

from estui.tui import columns as cols
from estui.tui import theme as themes
from estui.tui.actions import PANEL_IDS
from estui.tui.commands import Commands
from estui.tui.empty import exit_sentence, sentence
from estui.tui.main import ORDER, Main
from estui.tui.recorder import Recorder
from estui.tui.status import STATES, facts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from textual.events import DescendantFocus, Event
    from textual.screen import Screen

    from estui.session import Session
    from estui.sources.source import Source

TICKS = 10
"""Looks at the ring per second."""
TAKE_AWAY = "Esc takes this line away."
DETAIL_SECONDS = 1.0
"""While the list follows, the detail changes this often and no more: nobody can read faster."""


class EstuiApp(Commands):
    """estui's screen over one session."""

    TITLE = "estui"
    CSS_PATH = "estui.tcss"
    PAUSE_GC_ON_SCROLL = True
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        session: Session,
        theme: str | None = None,
        *,
        columns: Sequence[str] = (),
        theme_places: Sequence[Path] | None = None,
        greeting: str = "",
    ) -> None:
        """Makes the screen; nothing is started or drawn yet. `greeting` is said in the first seconds.

        `theme` is the name of a theme, `columns` those of the event list (see estui.tui.columns), `theme_places` the
        directories of theme files. Raises ThemeError or ValueError for a name that does not exist.
        """
        # NO_COLOR asks for no colour at all; Textual would give shades of grey unless told to leave colours alone.
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") else None)
        self.session = session
        self.columns = tuple(columns) or cols.DEFAULT
        cols.parse(self.columns)
        found, self._theme_faults = themes.load_all(
            themes.directories() if theme_places is None else theme_places
        )
        self._themes = found
        for one in found.values():
            self.register_theme(one)
        self.theme = themes.choose(theme, found)
        self.panels = Main(session, self.columns)
        self._detail_of: tuple[int, int] | None = None
        self._detail_at = 0.0
        self._source_status = "idle"
        self._pulse: object = None
        self.recorder = Recorder(self)
        self._dismissed: str | None = None
        """Advice of the source that was taken off the screen."""
        self.ended_by = 0
        """The signal that ended it; 0 for none."""
        self._dismissible: str | None = None
        """What the next Esc takes off the screen when the source has ended."""
        self._greeting = greeting

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """estui's own colours, in themes that do not set them."""
        return themes.variable_defaults(self.current_theme)

    def get_default_screen(self) -> Screen[None]:
        """The one screen."""
        return self.panels

    # ---- the life of the screen

    def begin(self) -> None:
        """Starts the source, and the ticking."""
        for fault in self._theme_faults:
            self.say(fault, wrong=True)
        if self._greeting:
            self.say(self._greeting, wrong=True)
        for number in (signal.SIGTERM, signal.SIGHUP):
            # The terminal is to be left as it was found; elsewhere than in the main thread nobody could hear them.
            with suppress(RuntimeError, ValueError):
                asyncio.get_running_loop().add_signal_handler(number, self._ended, number)
        self.session.start()
        self.tick()
        self.set_interval(1 / TICKS, self.tick)
        self.call_after_refresh(self._settled)

    def _ended(self, number: int) -> None:
        """A signal ends it, as q does, but for questions."""
        self.ended_by = number
        self.exit()

    def _settled(self) -> None:
        """The first picture stands."""
        self.tick()
        self.call_after_refresh(self._tidy)

    @staticmethod
    def _tidy() -> None:
        """What is there now stays: the garbage collector need not look at it again, which took it 25 ms each time."""
        gc.collect()
        gc.freeze()

    def on_unmount(self) -> None:
        """Ends the source; what was kept from the garbage collector is its own again."""
        self.session.close()
        gc.unfreeze()

    def tick(self) -> None:
        """Looks at the ring, and has drawn what changed. Nothing is drawn where nothing did."""
        session, events = self.session, self.events
        sampled = session.tick()
        source, recording = session.source, session.recording
        self.recorder.tick()
        pulse = (
            session.core.counters(), source and source.state, session.client.plan, session.view.spec, len(session.view),
            session.view.paused, session.view.anchor, events.following, self.panels.shown, self.recorder.trouble,
            source and (source.left_out, source.exit_status), recording and recording.bytes, session.origin,
        )  # fmt: skip
        if pulse != self._pulse or sampled:
            self._pulse = pulse
            self._source_tick()
            events.notice = self._notice()
            events.tick()
            place = self._place_words()
            events.say_place(place)
            self.panels.status.tick()
            self.panels.types.tick(sampled=sampled)
            self.panels.tabs.tick(self.panels.shown, place)
        self.panels.output.tick()
        self._show_detail()

    def _source_tick(self) -> None:
        source = self.session.source
        if source is None or source.state.status == self._source_status:
            return
        self._source_status = source.state.status
        self.panels.keys.refresh()
        if source.state.status == "ended":
            self.call_after_refresh(self._tidy)

    def _notice(self) -> str:
        """The one line above the list that must not be missed."""
        if self.recorder.trouble:
            return f"✗ {sentence(self.recorder.trouble)} {TAKE_AWAY}"
        source, view = self.session.source, self.session.view
        if not len(view):
            return ""
        if view.paused:
            return f"‖ paused: {view.waiting:,} rows wait, capturing goes on; p takes them in"
        if 0 <= view.anchor < self.session.core.counters().tail and not self.events.following:
            return "The row you were on was evicted, and the oldest ones follow it; f follows the newest"
        if source is None:
            return ""
        state = source.state
        going = state.status in ("running", "idle", "paused")
        if state.status == "ended" and source.exit_status is not None:
            return self._exit_notice(source, source.exit_status)
        if not state.advice and (going or state.status == "ended" or not state.reason):
            return ""
        if going and state.advice == self._dismissed:
            return ""
        again = "R starts it again." if not going and "restart" in source.controls else ""
        mark = "" if going and not state.reason else STATES[state.status][0]
        last = TAKE_AWAY if going else ""
        words = (mark, sentence(state.reason), sentence(state.advice), again, last)
        return " ".join(word for word in words if word)

    def _exit_notice(self, source: Source, status: int) -> str:
        """That the command has ended, and how."""
        words = f"{STATES['ended'][0]} {exit_sentence(source, status)}"
        if words == self._dismissed:
            return ""
        self._dismissible = words
        again = " · R runs it again" if "restart" in source.controls else ""
        return f"{words}{again} · Esc hides this"

    def _place_words(self) -> str:
        events = self.events
        length = len(self.session.view)
        words = f"{events.cursor + 1:,} of {length:,}" if length else "no rows"
        if events.following:
            words += " · following"
        if self.session.view.filtered:
            words += " · filtered"
        return words

    # ---- panels

    def action_panel(self, name: str) -> None:
        """Goes to a panel; on a narrow terminal it takes the place of the one before."""
        if name == "filters" and not self.session.view.filters:
            self.say("There are no view filters; + and - on a cell of the list make one")
            return
        self._show(name)
        panel = self.panels.panel(name)
        target = panel if panel.can_focus else next((w for w in panel.query("*") if w.focusable), None)
        if target is not None:
            self.panels.set_focus(target)
        self._show_detail()

    def _show(self, name: str) -> None:
        self.panels.shown = name
        self.panels.arrange_panels()
        self.panels.tabs.tick(name, self._place_words())

    def action_next_panel(self, step: int) -> None:
        """Goes round the panels."""
        empty = {"filters": not self.session.view.filters, "output": not self.panels.output.offered}
        order = [name for name in ORDER if not empty.get(name)]
        place = order.index(self.panels.shown) if self.panels.shown in order else 0
        self.action_panel(order[(place + step) % len(order)])

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """A click or a key gave the focus to another panel."""
        self.panels.keys.refresh()
        for widget in event.widget.ancestors_with_self:
            if widget.id in PANEL_IDS and widget.id != self.panels.shown:
                self._show(widget.id)

    def action_maximize(self) -> None:
        """Gives the panel the whole screen, and back."""
        self.panels.single = not self.panels.single
        self.panels.arrange_panels()

    def stop_find(self) -> None:
        """A search is to end, and the source's advice to leave the screen."""
        super().stop_find()
        source = self.session.source
        ended = source is not None and source.state.status == "ended"
        self._dismissed = self._dismissible if ended else None if source is None else source.state.advice
        self.recorder.trouble = ""
        self._pulse = None
        self.tick()

    def on_event_list_selected(self) -> None:
        """The detail follows the row I am on."""
        self._show_detail()

    def _show_detail(self) -> None:
        """Shows the row I am on in the detail, if the detail can be seen and does not show it yet."""
        detail = self.panels.detail
        row = self.events.row
        key = None if row is None else (row.seq, row.stage)
        if key == self._detail_of or not detail.region:
            return
        now = self.session.clock()
        if self.events.following and now - self._detail_at < DETAIL_SECONDS and self._detail_of is not None:
            return
        self._detail_of, self._detail_at = key, now
        detail.show(row, None if row is None else self.session.core.raw(row.seq))

    # ---- the application

    async def on_event(self, event: Event) -> None:
        """Keys are done at once, in the order they came.

        Textual would let each travel to the panel and up again through the queues of all that it stands in, while the
        next one goes to whatever has the focus until then: `/tmp` typed over a slow line would do what t, m and p do,
        and Down after Tab in a dialog would move where the focus was before.
        """
        if isinstance(event, Key) and not event.is_forwarded and self.focused is not None:
            if self.screen is self.panels:
                self.panels.keys.key()
            if not isinstance(self.focused, Input):
                live = self.screen.active_bindings
                for key in (event.key, *event.aliases):
                    active = live.get(key)
                    if active is None or not active.enabled:
                        continue
                    if await self.run_action(active.binding.action, active.node):
                        return
        await super().on_event(event)

    def action_help(self) -> None:
        """Shows the keys that work here."""
        from estui.tui.help import Help  # noqa: PLC0415 (not needed for the first picture)

        live: dict[str, str] = {}
        for key, active in self.panels.active_bindings.items():
            if active.enabled and active.binding.id:
                before = live.get(active.binding.id)
                live[active.binding.id] = f"{before},{key}" if before else key
        self.push_screen(Help(live, self.panels.shown, facts(self.session)))

    def action_next_theme(self) -> None:
        """Changes to the next theme."""
        names = sorted(self._themes)
        self.theme = names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else names[0]
        self.say(f"Theme: {self.theme}")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leaves out what the source cannot do, and lets digits be typed."""
        if action == "panel":
            there = parameters != ("output",) or self.panels.output.offered
            return there and not isinstance(self.focused, Input)
        if action == "source":
            source = self.session.source
            needs = {"hold": "pause", "step": "step", "loop": "loop"}.get(str(parameters[0]), "speed")
            return source is not None and needs in source.controls
        if action == "restart_source":
            source = self.session.source
            return source is not None and "restart" in source.controls
        return True
