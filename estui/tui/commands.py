"""What the keys of the whole screen do: the actions of scope "app"."""

from __future__ import annotations

import contextlib
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual.actions import parse
from textual.app import App
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.worker import get_current_worker

from estui.events import PRESETS
from estui.query import Found, find
from estui.record import KIND_EVENT
from estui.tui import actions
from estui.tui import columns as cols
from estui.tui.files import fault, refusal
from estui.tui.lines import bytes_words, shown
from estui.tui.prompts import Question, parse_time
from estui.tui.recorder import Recorder
from estui.tui.status import SAID_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.notifications import SeverityLevel

    from estui.plan import Plan
    from estui.session import Session, Written
    from estui.sources.source import Source
    from estui.tui.event_list import EventList
    from estui.tui.main import Main
    from estui.tui.prompts import PromptBar
    from estui.tui.types_panel import TypesPanel

WRONG_SECONDS = 8.0
"""How long a message stays that tells of a fault."""
TELL_SECONDS = 0.5
"""How often a long write tells how far it is."""
SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 100.0, 300.0, 1000.0)
"""Speed factors that the keys step through."""


class Palette(Provider):
    """The command palette: the actions of the registry."""

    async def discover(self) -> Hits:
        """All of them, while nothing is typed."""
        for action in self._offered():
            yield DiscoveryHit(_title(action), self._run(action), help=_help(action))

    async def search(self, query: str) -> Hits:
        """Those that match what is typed."""
        matcher = self.matcher(query)
        for action in self._offered():
            title = _title(action)
            score = max(matcher.match(title), 0.8 * matcher.match(action.help))
            if score > 0:
                yield Hit(score, matcher.highlight(title), self._run(action), text=title, help=_help(action))

    def _offered(self) -> Iterator[actions.Action]:
        """The actions that can be done now."""
        return (action for action in actions.commands() if self._can(action))

    def _can(self, action: actions.Action) -> bool:
        _, name, parameters = parse(action.call)
        return self.app.check_action(name, parameters) is not False

    def _run(self, action: actions.Action) -> partial[None]:
        return partial(cast("Commands", self.app).run_command, action)


def _title(action: actions.Action) -> str:
    name = action.text[:1].upper() + action.text[1:]
    return name if action.scope == "app" else f"{action.scope.capitalize()}: {name}"


def _help(action: actions.Action) -> str:
    keys = actions.key_words(action.keys)
    return f"{action.help} · key {keys}" if keys else action.help


class Commands(App[None]):
    """The acts of the whole screen. EstuiApp puts the screen together."""

    session: Session
    COMMANDS = {Palette}  # noqa: RUF012

    panels: Main
    """The screen below any dialog."""
    _left_writing = False
    """Whether leaving was asked for while a file was being written."""
    recorder: Recorder

    @property
    def events(self) -> EventList:
        """The event list."""
        return self.panels.events

    @property
    def prompt(self) -> PromptBar:
        """The line that asks."""
        return self.panels.prompt

    def say(self, words: str, *, wrong: bool = False) -> None:
        """Tells something for a moment. The words must be safe to show."""
        self.notify(words, severity="warning" if wrong else "information", markup=False)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Tells something in the footer; over a dialog, which may hide the footer, as Textual does.

        A box over the list would hide what was just changed.
        """
        words = " ".join(part for part in (title, message) if part)
        if markup:  # Textual's own messages
            words = Content.from_markup(words).plain
        wrong = severity != "information"
        if len(self.screen_stack) > 1:
            super().notify(words, severity=severity, timeout=timeout, markup=False)
        else:
            self.panels.keys.say(
                words, wrong=wrong, seconds=timeout or (WRONG_SECONDS if wrong else SAID_SECONDS)
            )

    def run_command(self, action: actions.Action) -> None:
        """Does an action of the palette, on the panel it belongs to."""
        if action.scope == "app":
            self.call_later(self.run_action, action.call, self)
        else:
            self.action_panel(action.scope)
            self.call_later(self.run_action, action.call, self.panels.panel(action.scope))

    def action_panel(self, name: str) -> None:
        """Goes to a panel."""
        raise NotImplementedError

    def view_changed(self) -> None:
        """The filters, the pause or the verdicts changed: every panel that shows them is drawn again."""
        self.panels.filters.tick()
        self.events.rows_changed()

    # ---- finding

    def action_find(self) -> None:
        """Asks for text, and goes to the next row that holds it."""
        before = self.events.needle
        self.prompt.ask(
            Question("find:", before, "text; small letters find capitals too", self._find, self._show_needle,
                     lambda: self._show_needle(before))
        )  # fmt: skip

    def _show_needle(self, text: str) -> None:
        self.events.needle = text
        self.events.refresh()

    def _find(self, text: str) -> str | None:
        self._show_needle(text)
        if text:
            self._start_find(1)
        return None

    def action_find_next(self, step: int) -> None:
        """The next row that holds the text, or the one before."""
        if self.events.needle:
            self._start_find(step)
        else:
            self.action_find()

    def _start_find(self, step: int) -> None:
        needle = self.events.needle
        view = self.session.view
        job = partial(find, self.session.core, view.spec, needle, view.anchor, step, view.upto)
        self.events.following = False
        self.say(f"Looking for {shown(needle, 80)} … Esc stops")
        self.run_worker(
            partial(self._find_in_thread, job, needle, step), thread=True, exclusive=True, group="find"
        )

    def _find_in_thread(self, job: partial[Found], needle: str, step: int) -> None:
        worker = get_current_worker()
        found = job(lambda: worker.is_cancelled)
        if not worker.is_cancelled:
            with contextlib.suppress(RuntimeError):  # the screen was left
                self.call_from_thread(self._found, found, needle, step)

    def _found(self, found: Found, needle: str, step: int) -> None:
        if found.seq < 0:
            self.say(f"{shown(needle, 80)} is in no row in view", wrong=True)
            return
        self.events.jump(found.seq)
        end = "" if not found.wrapped else ", beyond the end" if step > 0 else ", before the beginning"
        self.say(f"Found {shown(needle, 80)}{end}; n and N go on")

    def stop_find(self) -> None:
        """A search is to end, or a write."""
        self.workers.cancel_group(self, "find")
        self.workers.cancel_group(self, "write")

    # ---- going and looking

    def action_go_to_time(self) -> None:
        """Asks for a time, and goes to the first row from then on."""
        row = self.session.view.current
        here = row.time_ns if row is not None else None
        self.prompt.ask(
            Question(
                "go to time (UTC):",
                "",
                "12:00:01  +30s  -5m  2024-05-01T12:00:01Z",
                partial(self._to_time, here),
            )
        )

    def _to_time(self, here: int | None, text: str) -> str | None:
        if not text.strip():
            return None
        try:
            position = self.session.view.seek_time(parse_time(text, here))
        except ValueError as error:
            return str(error)
        if len(self.session.view):
            self.events.following = False
            self.events.jump(self.session.view[position])
        return None

    def action_follow(self) -> None:
        """Stays on the newest row, or stops."""
        self.events.follow(not self.events.following)

    def action_pause(self) -> None:
        """Takes no new rows into the list, or takes in all that wait."""
        view = self.session.view
        view.pause(not view.paused)
        self.view_changed()

    def action_hide_suppressed(self) -> None:
        """Hides suppressed events, or shows them dimmed."""
        view = self.session.view
        view.hide(not view.hide_suppressed)
        self.say(
            "Suppressed events are hidden" if view.hide_suppressed else "Suppressed events are shown, dimmed"
        )
        self.view_changed()

    def action_filters_off(self) -> None:
        """All view filters off, or back on in their place."""
        view = self.session.view
        if not view.filters:
            self.say("There are no view filters; + and - on a cell of the list make one")
            return
        view.put_aside(not view.aside)
        self.view_changed()

    def action_filters_clear(self) -> None:
        """Removes all view filters."""
        self.session.view.clear()
        self.view_changed()

    def action_columns(self) -> None:
        """Asks for the columns of the list."""
        now = " ".join(column.name for column in self.events.columns)
        self.prompt.ask(Question("columns:", now, ", ".join(cols.COLUMNS), self._columns))

    def _columns(self, text: str) -> str | None:
        try:
            self.events.columns = cols.parse(text.replace(",", " ").split())
        except ValueError as error:
            return str(error)
        self.events.restyled()
        self.events.refresh()
        return None

    # ---- muting

    def action_mute(self) -> None:
        """Mutes something of the row I am on."""
        row = self.session.view.current
        if row is None or row.kind != KIND_EVENT:
            self.say("Choose an event first; a in the mutes adds an entry by hand", wrong=True)
        else:
            from estui.tui.mute_dialog import MuteDialog  # noqa: PLC0415 (dialogs are not needed for the first picture)

            self.push_screen(MuteDialog(self.session.client, row))

    def action_plan_load(self) -> None:
        """Asks which plan to load."""
        from estui.tui.plan_dialog import LoadDialog  # noqa: PLC0415 (likewise)

        self.push_screen(LoadDialog(self.session.client))

    def action_plan_save(self) -> None:
        """Asks where to save the plan."""
        from estui.tui.plan_dialog import SaveDialog  # noqa: PLC0415 (likewise)

        self.push_screen(SaveDialog(self.session.client))

    def action_plan_export(self) -> None:
        """Asks for a format and a file, and writes the plan."""
        from estui.tui.export_dialog import ExportDialog  # noqa: PLC0415 (likewise)

        self.push_screen(ExportDialog(self.session.client), self._exported)

    def _exported(self, words: str | None) -> None:
        if words is not None:
            self.say(words)

    def action_chart(self) -> None:
        """Shows ES's decision chart for the selected event; in the lab, under the plan that is previewed."""
        from estui.tui.chart import ChartScreen  # noqa: PLC0415 (likewise)

        seq, plan = self.charted()
        row = None if seq is None else self.session.core.row(seq)
        if not self.session.core.counters().held_events:
            self.push_screen(ChartScreen(self.session, None))
        elif row is None or row.kind != KIND_EVENT:
            self.say("Choose an event first", wrong=True)
        else:
            self.push_screen(ChartScreen(self.session, row.seq, plan))

    def charted(self) -> tuple[int | None, Plan | None]:
        """The event a chart would be about, and the plan where it is not the one in force."""
        lab = self.panels.lab
        if self.panels.shown == "lab" and lab.changes.has_focus:
            return lab.changes.seq, None if lab.draft is None else lab.draft.plan
        row = self.session.view.current
        return None if row is None else row.seq, None

    def action_think(self) -> None:
        """Shows the chart for an event that is not there."""
        from estui.tui.chart import ChartScreen  # noqa: PLC0415 (likewise)

        self.push_screen(ChartScreen(self.session, None))

    # ---- the types and the source

    def action_presets(self) -> None:
        """Asks for a preset, and subscribes to its types alone."""
        from estui.tui.menu import Menu, MenuItem  # noqa: PLC0415 (likewise)

        items = [MenuItem("a", "", "every type")]
        for number, (name, names) in enumerate(PRESETS.items(), 1):
            items.append(MenuItem(str(number), name, name, ", ".join(names)))
        self.push_screen(Menu("Subscribe to a preset alone (u takes it back)", items), self._preset)

    def _preset(self, name: str | None) -> None:
        if name is None:
            return
        if name:
            self.session.client.solo(PRESETS[name])
        else:
            self.session.client.subscribe_all()
        self.subscribed(f"subscribed to {name or 'every type'}")

    def subscribed(self, words: str) -> None:
        """Types were subscribed to or unsubscribed from; `words` say which."""
        unsent = self.session.unsent()
        source = self.session.source
        asked = [name for name in unsent if source is not None and source.knows(name)]
        if asked and source is not None and source.can_resubscribe:
            words += f"; {len(asked)} not sent by the source: R restarts it with them"
        self.say(words[:1].upper() + words[1:])
        self.panels.types.tick()

    def ask_type(self) -> None:
        """Asks for the name of a type to go to."""
        panel = self.panels.types
        self.prompt.ask(
            Question(
                "type:", "", "the beginning of a name", partial(self._find_type, panel), panel.show_first
            )
        )

    def _find_type(self, panel: TypesPanel, text: str) -> str | None:
        return None if not text.strip() or panel.go_to(text) else "no type has that in its name"

    def action_restart_source(self) -> None:
        """Starts the source again, with the types subscribed to now where it can take them."""
        self.run_worker(self._restart_in_thread, thread=True, exclusive=True, group="source")

    def _restart_in_thread(self) -> None:
        source = self.session.source
        try:
            if source is not None and source.needs_terminal():
                from estui.tui.rights import authorize  # noqa: PLC0415 (seldom needed)

                self.call_from_thread(authorize, self, source)
            self.session.restart_source()
        except Exception as error:  # a source tells what is wrong by its words alone
            self.tell(f"Not started again: {shown(str(error), 300)}", wrong=True)
        else:
            self.tell("The source was started again")

    def action_source(self, command: str) -> None:
        """Steers a paced source: hold, step, faster, slower, loop."""
        source = self.session.source
        if source is None:
            return
        try:
            self.say(steer(source, command))
        except ValueError as error:
            self.say(shown(str(error), 300), wrong=True)

    # ---- files

    async def action_quit(self) -> None:
        """Leaves; while a file is being written only when asked twice, for that file would not be there."""
        if self._writing() and not self._left_writing:
            self._left_writing = True
            self.say(
                "A file is still being written. Esc stops that, q once more leaves without the file",
                wrong=True,
            )
            return
        await super().action_quit()

    async def action_interrupt(self) -> None:
        """What Ctrl-C does in a terminal: it ends the program. In a field for text it copies."""
        await self.action_quit()

    def _writing(self) -> bool:
        return any(worker.group == "write" and worker.is_running for worker in self.workers)

    def action_record(self) -> None:
        """Records what is held and all that comes, or ends that."""
        self.recorder.toggle()

    def action_write(self) -> None:
        """Asks for a path, and writes the raw lines of what is in view to it."""
        name = time.strftime("estui-%Y%m%d-%H%M%S.jsonl")
        asked: list[Path] = []
        self.prompt.ask(Question("write what is in view to:", name, "a path", partial(self._write, asked)))

    def _write(self, asked: list[Path], text: str) -> str | None:
        if not text.strip():
            return None
        try:
            path = Path(text.strip()).expanduser()
            if wrong := refusal(path, asked):
                return wrong
        except (OSError, RuntimeError, ValueError) as error:  # too long a name, no such user, a device
            return fault(error)
        view = self.session.view
        self._left_writing = False
        job = partial(self.session.write, path, view.spec, view.upto)
        self.run_worker(partial(self._write_in_thread, job, path), thread=True, group="write")
        return None

    def _write_in_thread(self, job: partial[Written | None], path: Path) -> None:
        worker = get_current_worker()
        name = shown(str(path), 200)
        told = time.monotonic()

        def progress(lines: int) -> None:
            nonlocal told
            if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                leaving = ", q once more leaves without the file" if self._left_writing else ""
                self.tell(f"Writing to {name}: {lines:,} lines … Esc stops{leaving}")

        try:
            written = job(progress=progress, stopped=lambda: worker.is_cancelled)
        except OSError as error:
            self.tell(f"{name}: {error.strerror or error}", wrong=True)
            return
        if written is None:
            self.tell(f"Stopped; {name} is as it was", wrong=True)
        else:
            gone = f"; {written.gone:,} were gone from the ring" if written.gone else ""
            words = f"Wrote {written.lines:,} lines, {bytes_words(written.bytes)}, to {name}{gone}"
            self.tell(words, wrong=bool(written.gone))

    def tell(self, words: str, *, wrong: bool = False) -> None:
        """Says something from a worker thread, unless the screen was left meanwhile."""
        with contextlib.suppress(RuntimeError):
            self.call_from_thread(self.say, words, wrong=wrong)

    # ---- the application

    def action_palette(self) -> None:
        """Opens the command palette."""
        self.action_command_palette()

    def action_undo(self) -> None:
        """Takes the last change of the plan back."""
        words = self.session.client.undo()
        self._edited(f"Taken back: {words}" if words else "There is nothing to take back")

    def action_redo(self) -> None:
        """Does it again."""
        words = self.session.client.redo()
        self._edited(f"Done again: {words}" if words else "There is nothing to do again")

    def _edited(self, words: str) -> None:
        self.say(words)
        self.panels.types.tick()
        self.panels.lab.poll()


def steer(source: Source, command: str) -> str:
    """Steers a paced source; returns what it does now, in words. Raises ValueError where it cannot."""
    if command == "hold":
        return source.control("pause")
    if command in ("step", "loop"):
        return source.control(command)
    speed = source.speed or 1.0
    if command == "faster":
        return source.control("speed", next((known for known in SPEEDS if known > speed * 1.001), SPEEDS[-1]))
    return source.control(
        "speed", next((known for known in reversed(SPEEDS) if known < speed * 0.999), SPEEDS[0])
    )
