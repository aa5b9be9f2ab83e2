"""The built-in demo: half an hour of an invented Mac, played faster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from estui.core import Core
from estui.events import NOTIFY
from estui.sources.pace import SECOND, PacedSource
from estui.sources.source import SourceState
from estui.sources.timeline import recorded_ns

SPEED = 30.0
"""Times faster than recorded: one pass takes a minute."""


class DemoSource(PacedSource):
    """The scenario of estui.sources.scenario, as eslogger would have written it.

    Args:
        speed: times faster than recorded; None for as fast as it can.
        rate: events per second instead of the recorded times; `speed` then multiplies it.
        forever: pass after pass, without a seam.
        types: event types it sends, by eslogger name; None for all.
        notice: a line of advice to show while it runs.
    """

    kind = "demo"

    def __init__(
        self,
        speed: float | None = SPEED,
        *,
        rate: float | None = None,
        forever: bool = True,
        types: Sequence[str] | None = None,
        notice: str = "",
    ) -> None:
        super().__init__("demo", speed, None, loop=False)
        self.sends = frozenset(NOTIFY if types is None else types)
        self._step = 0 if rate is None else max(1, round(SECOND / rate))
        self._forever = forever
        self._notice = notice

    @property
    def state(self) -> SourceState:
        state = super().state
        if state.status == "running" and not state.advice:
            return state._replace(advice=self._notice)
        return state

    def _pass(self, core: Core) -> Iterator[tuple[int, int, int, bytes]]:
        from estui.sources import scenario  # noqa: PLC0415  only the demo needs it

        stream = core.add_stream(owned=True)
        begin = scenario.forever if self._forever else scenario.lines
        for number, line in enumerate(begin(subscribe=self.sends), 1):
            yield number * self._step or recorded_ns(line) or 0, stream, -1, line
        core.end(stream)

    def _ending(self, core: Core) -> SourceState:
        state = super()._ending(core)
        return state if state.reason == "stopped" else state._replace(reason="the demo is over")
