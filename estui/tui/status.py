"""The strip at the top: the source and every counter, each with its name; and the footer with the keys of now."""

from __future__ import annotations

import contextlib
import signal
import time
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from estui.events import NOTIFY
from estui.record import STAGES
from estui.tui import origins
from estui.tui.actions import ACTIONS
from estui.tui.lines import Looks, bytes_words, count_words, fit, rate_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.timer import Timer

    from estui.session import Session

STATES = {
    "idle": ("◌", "idle"),
    "running": ("●", "running"),
    "paused": ("‖", "held"),
    "ended": ("■", "ended"),
    "failed": ("✗", "failed"),
}
"""The glyph and the word of each state of a source."""
STATE_STYLES = {"running": "status--good", "paused": "status--warn", "failed": "status--wrong"}
BLOCKS = "▁▂▃▄▅▆▇█"
TITLE = 32
"""Cells of the source's title, at most."""
SPARK = 12
"""Cells of the sparkline."""
SAID_SECONDS = 4.0
"""How long a message stays in the footer."""
READ_SECONDS = 1.0
"""How long it stays at least, whatever is pressed."""
ALWAYS = 1000
"""The weight of a part that is never left out."""


class Part(NamedTuple):
    """One part of the strip; parts of the least weight go first where the line is too short."""

    text: str
    style: str
    weight: int


class StatusStrip(Looks):
    """One line of counters."""

    def __init__(self, session: Session, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.session = session
        self._parts: list[Part] = []

    def tick(self) -> None:
        """Draws the strip again if a part of it changed."""
        parts = self.parts()
        if parts != self._parts:
            self._parts = parts
            self.refresh()

    def parts(self) -> list[Part]:
        """What there is to say, from left to right."""
        session = self.session
        counters = session.core.counters()
        losses = session.rates.losses
        source = session.source
        out = [Part("estui", "status--name", ALWAYS)]
        if source is not None:
            glyph, word = STATES[source.state.status]
            style = STATE_STYLES.get(source.state.status, "")
            out.append(
                Part(fit(source.title, min(TITLE, cell_len(source.title)), tail=True).rstrip(), "", 70)
            )
            out.append(Part(f"{glyph} {word}", style, ALWAYS))
            if source.exit_status is not None:
                wrong = source.exit_status != 0
                out.append(Part(f"exit {source.exit_status}", "status--wrong" if wrong else "", 96))
            if "speed" in source.controls and source.speed:
                out.append(Part(f"speed {source.speed:g}x", "", 45))
        recording = session.recording
        if recording is not None:
            out.append(Part(f"● REC {size_words(recording.bytes)}", "status--wrong", 97))
        if session.view.paused:
            out.append(Part(f"paused +{count_words(session.view.waiting)}", "status--warn", 95))
        rate = rate_words(session.rates.total)
        if session.recorded:
            out.append(Part(f"{rate} recorded" if rate else "", "", 60))
        else:
            out.append(Part(rate or "0/s", "", 80))
        on = sum(map(session.client.subscribed, NOTIFY))
        out.append(Part(f"subscribed {on}/{len(NOTIFY)}", "status--warn" if on < len(NOTIFY) else "", 85))
        muted = counters.suppressed - counters.by_stage[STAGES.index("subscription")]
        share = 100 * muted / counters.held_events if counters.held_events else 0.0
        out.append(Part(f"muted {percent(share)}", "status--warn" if muted else "", 84))
        for words, number, idle in (
            ("lost", losses.lost_global, 90),
            ("missing", losses.missing_global, 25),
            ("bad", counters.bad, 24),
            ("evicted", counters.evicted, 23),
        ):
            plus = "+" if words == "lost" and losses.unknown else ""
            style = (
                "status--dim"
                if not (number or plus)
                else "status--wrong"
                if words in ("lost", "bad")
                else "status--warn"
            )
            weight = 92 if (number or plus) and words != "evicted" else idle
            out.append(Part(f"{words} {count_words(number)}{plus}", style, weight))
        left_out = None if source is None else source.left_out
        if left_out:
            out.append(Part(f"left out {count_words(left_out)}", "status--dim", 35))
        full = 100 * counters.memory / counters.budget if counters.budget else 0.0
        room = f"{bytes_words(counters.memory)} of {bytes_words(counters.budget)} ({full:.0f}%)"
        out.append(Part(f"ring {count_words(counters.held_events)}", "", 50))
        out.append(Part(room, "status--dim", 30))
        if not session.recorded:
            out.append(Part(sparkline(list(session.rates.history)[-SPARK:]), "status--good", 40))
        origin = origins.system(session.origin)
        if origin:
            out.append(Part(origin.upper(), "status--warn", ALWAYS))
        if source is not None:
            out.append(
                Part(
                    source.muting, "status--warn" if source.muting == "SIMULATED" else "status--good", ALWAYS
                )
            )
        return [part for part in out if part.text]

    def render_line(self, y: int) -> Strip:
        """The parts that fit."""
        width = self.size.width
        base = self.base
        kept = fitting([(cell_len(part.text), part.weight) for part in self._parts], width - 2, 2)
        segments: list[Segment] = [Segment(" ", base)]
        for index in kept:
            part = self._parts[index]
            if len(segments) > 1:
                segments.append(Segment("  ", base))
            style = base + self.style(part.style) if part.style else base
            segments.append(Segment(part.text, style))
        return Strip(segments).adjust_cell_length(width, base)


class Tabs(Looks):
    """On a narrow terminal: the panels, the one that is shown, and where I am in the list."""

    NAMES = (("events", "1 Events"), ("types", "2 Types"), ("mutes", "3 Mutes"), ("detail", "4 Detail"))
    OUTPUT = (("output", "5 Output"),)
    LAB = (("lab", "6 Lab"),)

    def __init__(self, *, output: bool = False, id: str | None = None) -> None:
        """`output`: there is a panel with what a command printed."""
        super().__init__(id=id)
        self._names = self.NAMES + (self.OUTPUT if output else ()) + self.LAB
        self._state = ("events", "")

    def tick(self, panel: str, words: str) -> None:
        """Shows another panel or place."""
        if (panel, words) != self._state:
            self._state = panel, words
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The panels and the place."""
        width = self.size.width
        base = self.base
        here = base + self.style("tabs--here")
        segments: list[Segment] = []
        for name, title in self._names:
            on = name == self._state[0] or (name == "events" and self._state[0] == "filters")
            segments.append(Segment(f"[{title}]" if on else f" {title} ", here if on else base))
        used = sum(cell_len(segment.text) for segment in segments)
        segments.append(Segment(fit(f"{self._state[1]} ", max(0, width - used), right=True), base))
        return Strip(segments).adjust_cell_length(width, base)

    def on_click(self, event: events.Click) -> None:
        """Goes to the panel that was clicked."""
        x = 0
        for name, title in self._names:
            x += len(title) + 2
            if event.x < x:
                self.app.call_later(self.app.run_action, f"app.panel('{name}')")
                return


class KeyBar(Looks):
    """The footer: what the keys do here, the most useful ones that fit; for a moment, what was just done.

    A click presses the key.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._spots: list[tuple[int, int, str]] = []
        self._said = ""
        self._said_at = 0.0
        self._wrong = False
        self._timer: Timer | None = None
        self._prompting: str | None = None

    def say(self, words: str, *, wrong: bool = False, seconds: float = SAID_SECONDS) -> None:
        """Shows a message in the place of the keys. It must be safe to show, and fits in one line or is cut."""
        if self._timer is not None:
            self._timer.stop()
        self._said, self._wrong, self._said_at = words, wrong, time.monotonic()
        self._timer = self.set_timer(seconds, self._unsay)
        self.refresh()

    def key(self) -> None:
        """A key was pressed: a message that could be read makes room for the keys."""
        if self._said and time.monotonic() - self._said_at >= READ_SECONDS:
            self._unsay()

    def asks(self, words: str | None) -> None:
        """Shows the keys of an open prompt, `words` being what Enter does; None when it was closed."""
        self._prompting = words
        if words is not None:
            self._said = ""
        self.refresh()

    def _unsay(self) -> None:
        self._said = ""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Keys and words, from the bindings that are live on the screen now."""
        width = self.size.width
        base = self.base
        if self._said:
            name = "keys--wrong" if self._wrong else "keys--said"
            mark = "✗" if self._wrong else "✓"
            style = base + self.style(name)
            return Strip([Segment(fit(f" {mark} {self._said}", width), style)], width)
        key_style = base + self.style("keys--key")
        items = (
            self._items()
            if self._prompting is None
            else [("⏎", self._prompting, "", 2), ("esc", "leave", "", 1)]
        )
        kept = fitting(
            [(cell_len(key) + cell_len(text) + 1, weight) for key, text, _, weight in items], width - 1, 2
        )
        segments: list[Segment] = []
        self._spots = []
        x = 0
        for index in kept:
            key, text, action, _ = items[index]
            segments += [Segment(" ", base), Segment(key, key_style), Segment(f" {text} ", base)]
            end = x + cell_len(key) + cell_len(text) + 3
            self._spots.append((x, end, action))
            x = end
        return Strip(segments).adjust_cell_length(width, base)

    def _items(self) -> list[tuple[str, str, str, int]]:
        """Key, words, action and weight of the live bindings that the registry wants in the footer."""
        weights = {action.id: (order, action.weight) for order, action in enumerate(ACTIONS) if action.weight}
        out: list[tuple[int, str, str, str, int]] = []
        seen: set[str] = set()
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if binding.id in weights and binding.id not in seen and active.enabled:
                seen.add(binding.id)
                order, weight = weights[binding.id]
                out.append(
                    (order, self.app.get_key_display(binding), binding.description, binding.action, weight)
                )
        out.sort(key=lambda item: (-item[4], item[0]))
        return [(key, text, action, weight) for _, key, text, action, weight in out]

    async def on_click(self, event: events.Click) -> None:
        """Presses the key that was clicked."""
        for first, end, action in self._spots:
            if first <= event.x < end:
                namespace = self.app if action.startswith("app.") else (self.screen.focused or self.app)
                await self.app.run_action(action, namespace)
                return


def facts(session: Session) -> list[tuple[str, str]]:
    """What the strip says in a word or has no room for, in a sentence each: for the help overlay."""
    source, losses, recording = session.source, session.rates.losses, session.recording
    out: list[tuple[str, str]] = []
    if source is not None and source.exit_status is not None:
        out.append(("exit", f"{source.title}: {exit_words(source.exit_status)}"))
    if recording is not None:
        size = size_words(recording.bytes)
        out.append(("REC", f"{recording.events:,} events, {size}, to {recording.title}"))
    if losses.unknown:
        times = "once" if losses.unknown == 1 else f"{losses.unknown:,} times"
        out.append(("lost", f"{losses.lost_global:,}, and {times} nobody knows how many"))
    if losses.by_shard:
        each = ", ".join(f"shard {shard}: {number:,}" for shard, number in sorted(losses.by_shard.items()))
        out.append(("lost by shard", each))
    if source is not None and source.left_out is not None:
        out.append(
            ("left out", f"{source.left_out:,} events of estui itself, and of the terminal it draws on")
        )
    return out


def exit_words(status: int) -> str:
    """The exit status of a command, and the signal it stands for."""
    words = f"exit status {status}"
    if status > 128:
        with contextlib.suppress(ValueError):
            words += f" ({signal.Signals(status - 128).name})"
    return words


def size_words(number: int) -> str:
    """The size of a file that grows: 12.4 MB."""
    if number < 1e6:
        return f"{number / 1e3:.0f} kB"
    return f"{number / 1e6:.1f} MB" if number < 1e9 else f"{number / 1e9:.2f} GB"


def percent(share: float) -> str:
    """A share in a hundred: 0 %, 0.4 %, 91 %; never a 0 or a 100 that is not one."""
    if 0 < share < 1:
        return f"{max(share, 0.1):.1f}%"
    if 99 < share < 100:
        return f"{min(share, 99.9):.1f}%"
    return f"{share:.0f}%"


def sparkline(rates: Sequence[float]) -> str:
    """Rates as blocks, the highest one full; empty when there is nothing to draw."""
    top = max(rates, default=0.0)
    if top <= 0:
        return ""
    return "".join(
        BLOCKS[min(len(BLOCKS) - 1, int(rate / top * len(BLOCKS)))] if rate > 0 else " " for rate in rates
    )


def fitting(parts: Sequence[tuple[int, int]], width: int, gap: int) -> list[int]:
    """Which of the parts (cells, weight) fit side by side, those of the most weight first; in their own order."""
    kept: list[int] = []
    used = 0
    for index in sorted(range(len(parts)), key=lambda at: (-parts[at][1], at)):
        size = parts[index][0] + (gap if kept else 0)
        if used + size <= width:
            kept.append(index)
            used += size
    return sorted(kept)
