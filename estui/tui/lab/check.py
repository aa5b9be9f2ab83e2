"""Expectations in the lab: whether the plan passes `estui plan check` over the events held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estui.lab.check import Checker, Expectations, ExpectError, Report, Result, find, load
from estui.lab.coverage import DELIVERED
from estui.tui.files import ask_file, readable
from estui.tui.lab.section import Section
from estui.tui.lines import shown
from estui.tui.mute_entry import escape
from estui.tui.pieces import width_of, wrap_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from estui.core import Core
    from estui.lab.places import Place
    from estui.plan import Plan
    from estui.session import Session
    from estui.tui.pieces import PieceLine

FIRST = "nothing-lost"
"""The expectations it begins with."""
CHUNK = 500
"""Rows looked at between two looks whether to stop: some 20 ms."""
BROKEN = 4
"""Lines that a result's words and each of its details take at most."""
_COVERAGE = "coverage"


class _Run:
    """A plan being held against expectations; told in its thread, read in the screen's."""

    def __init__(self, core: Core, plan: Plan, expectations: Expectations) -> None:
        self.plan, self.expectations = plan, expectations
        self.report: Report | None = None
        self.percent = 0
        self.head = 0
        self._core = core

    def __call__(self, stopped: Callable[[], bool]) -> _Run:
        counters = self._core.counters()
        self.head = counters.head
        checker = Checker(self.plan, self.expectations)

        def chunks() -> Iterator[tuple[int, int]]:
            for low in range(counters.tail, counters.head, CHUNK):
                if stopped():
                    return
                self.percent = 100 * (low - counters.tail) // (counters.head - counters.tail)
                yield low, min(low + CHUNK, counters.head)

        checker.take(self._core, chunks())
        if not stopped():
            self.report = checker.report()
        return self


class CheckSection(Section):
    """What became of each expectation. Nothing here stands for another plan.

    It is worked out again when the plan or the expectations change; for what came since, a key asks.
    """

    TITLE = "Check"

    def __init__(self, session: Session, *, id: str | None = None) -> None:
        super().__init__(session, id=id)
        self._wanted = FIRST
        self._more: tuple[Place, ...] = ()
        self._expectations: Expectations | None = None
        self._wrong = ""
        self._again = 0
        self._latest: _Run | None = None
        """The one under way, or the last."""
        self._shown: _Run | None = None
        """The last that came to its end."""
        self._results: tuple[Result, ...] = ()

    # ---- keeping up

    def look(self) -> None:
        """Holds the plan against the expectations where one of them changed; shows how far that is."""
        if self._expectations is None and not self._wrong:
            self._load(self._wanted)
        if self._expectations is not None:
            plan = self.client.plan
            key = (plan, self._expectations, self._again)
            if key != self._asked:
                self._latest = _Run(self.session.core, plan, self._expectations)
                self.work_out(key, self._latest, self._done)
        self._tell()

    def _load(self, name: str) -> None:
        """The expectations that ship with estui; without their file there are none until others are opened."""
        try:
            self._expectations = load(find(name), self._more)
        except ExpectError as error:
            self._wrong = str(error)
            self.changed()

    def _done(self, run: _Run) -> None:
        assert run.report is not None
        self._shown = run
        places = [result for result in run.report.results if result.kind == _COVERAGE]
        kept = [result for result in places if result.ok]
        # As the command has it: what of the coverage is well takes one line.
        folded = [Result(_COVERAGE, _places(len(kept)), ok=True, words=DELIVERED)] if kept else []
        others = [result for result in run.report.results if result not in kept]
        self._results = (*folded, *others)
        self._tell()

    def _tell(self) -> None:
        notes = tuple(self._notes())
        if notes != self.notes:
            self.notes = notes
            self.show_cursor()
            self.refresh()

    def _notes(self) -> Iterator[str]:
        done, run = self._shown, self._latest
        if done is not None and done.report is not None:
            report = done.report
            failed = sum(not result.ok for result in report.results)
            words = f"{failed} of {len(report.results)} failed" if failed else f"{len(report.results)} passed"
            name = shown(report.name or self._wanted, 100)
            yield f"{name}: {words}; {report.delivered:,} of {report.events:,} events delivered"
            if report.events:
                yield f"over the {report.events:,} events held; `estui plan check` reads whole captures"
            else:
                yield "no event is held: only what the plan alone tells was checked"
        if run is not None and run is not done:
            yield f"checking the plan in force … {run.percent} %"
        elif done is not None and (came := self.session.core.counters().head - done.head):
            yield f"{came:,} {'row' if came == 1 else 'rows'} came since; r checks again"

    def tab(self) -> str:
        """The number of expectations that failed."""
        report = None if self._shown is None else self._shown.report
        failed = 0 if report is None else sum(not result.ok for result in report.results)
        return f"{self.TITLE} {failed}" if failed else self.TITLE

    # ---- the list

    def items(self) -> int:
        """The results; the places that are well count as one."""
        return len(self._results)

    def item_lines(self, at: int, width: int) -> list[PieceLine]:
        """Whether it holds, what it is and what was found; then what shows it."""
        result = self._results[at]
        sign = ("✓ ok      ", "good") if result.ok else ("✗ FAILED  ", "wrong")
        name, words = shown(result.name, 200), shown(result.words, 400)
        style = "dim" if result.ok else "warn"
        head: PieceLine = [sign, (f"{result.kind:<10}  ", "type"), (name, "text")]
        lines = [head]
        if sum(width_of(piece) for piece, _ in head) + 2 + width_of(words) <= width:
            head.append((f"  {words}", style))
        else:
            lines += [[("    ", ""), *line] for line in wrap_words(words, max(8, width - 4), BROKEN, style)]
        for detail in result.details:
            first, *rest = wrap_words(shown(detail), max(8, width - 8), BROKEN, "text") or [[]]
            lines += [[("      ", ""), *first], *([("        ", ""), *line] for line in rest)]
        return lines

    def nothing(self) -> str:
        """Why there is none."""
        if self._wrong:
            return f"{self._wrong}; o opens other expectations"
        if self._shown is None:
            return "The plan is held against the expectations …"
        return "This file expects nothing; o opens another"

    def accept(self) -> None:
        """There is nothing to put in force."""
        self.commands.say("Nothing here changes the plan; Rules and Coverage do", wrong=True)

    # ---- acting

    def action_again(self) -> None:
        """Checks what the ring holds now."""
        self._again += 1
        self.look()

    def action_open(self) -> None:
        """Asks for other expectations."""
        hint = "path of a .toml file, or nothing-lost or demo"
        ask_file(self.commands, "expectations:", escape(self._wanted), hint, self._take)

    def _take(self, name: str) -> None:
        name = name or FIRST
        self._expectations = load(readable(find(name)), self._more)
        self._wanted, self._wrong = name, ""
        self.look()

    def take_places(self, more: tuple[Place, ...]) -> None:
        """Places of the user's own, which expectations may name. Raises ExpectError where these name one that went."""
        if self._expectations is not None:
            self._expectations = load(find(self._wanted), more)
        self._more = more


def _places(number: int) -> str:
    return "1 place" if number == 1 else f"{number} places"
