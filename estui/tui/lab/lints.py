"""Lints in the lab: what the plan says that its author hardly meant, each with its fix one key away."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from textual.worker import get_current_worker

from estui.lab.calls import calls
from estui.lab.evidence import Evidence, gather
from estui.lab.lints import ABOUT, ERROR, HINT, SEVERITIES, WARNING, Lint, find, fixed
from estui.text import printable
from estui.tui.lab.section import Draft, Section
from estui.tui.lines import shown
from estui.tui.pieces import strip_of, wrap_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.strip import Strip

    from estui.core import Core
    from estui.plan import Plan
    from estui.session import Session
    from estui.tui.pieces import PieceLine

PAUSE, REST = 2.0, 10
"""Least seconds between two looks that the ring alone asks for, and how many times as long as a look one rests."""
SEVERITY_STYLES = {ERROR: "wrong", WARNING: "warn", HINT: "teach"}
TALL = 14
"""Lines from which on there is room for what the selected lint is about."""
NOT_ASKED = "no event held: what only events can tell (never-hit, wrong-kind) was not asked"

History = tuple[tuple["Plan", "Plan"], ...]


class Found(NamedTuple):
    """What a worker found."""

    plan: Plan
    history: History
    lints: tuple[Lint, ...]
    evidence: Evidence
    seconds: float


def _work_out(core: Core, plan: Plan, history: History, stopped: Callable[[], bool]) -> Found:
    """The work of the thread."""
    started = time.monotonic()
    evidence = gather(core, plan)
    lints = () if stopped() else find(plan, evidence, calls(history))
    worst = tuple(sorted(lints, key=lambda lint: SEVERITIES.index(lint.severity)))
    return Found(plan, history, worst, evidence, time.monotonic() - started)


class LintsSection(Section):
    """Each item previews the plan with that lint fixed."""

    TITLE = "Lints"
    DOES = "fix it"

    def __init__(self, session: Session, *, id: str | None = None) -> None:
        super().__init__(session, id=id)
        self._found: Found | None = None
        self._working: tuple[Plan, History] | None = None
        """What a worker looks at."""
        self._not_before = 0.0

    # ---- keeping up

    @property
    def found(self) -> Found | None:
        """The lints of the plan in force; None while they are looked for."""
        found = self._found
        return found if found is not None and found.plan == self.client.plan else None

    def look(self) -> None:
        """Looks again where the plan moved, and now and then where the ring did."""
        about = (self.client.plan, self.client.history)
        if about == self._working:
            return  # events that came do not stop it: on a busy ring it would never end
        found = self._found
        known = found is not None and about == (found.plan, found.history)
        if self._working is None and known and time.monotonic() < self._not_before:
            return
        key = (self.state(), about[1])
        if key != self._asked:
            self._working = about
            self.work_out(key, partial(_work_out, self.session.core, *about), self._done)

    def _done(self, found: Found) -> None:
        # Events that came can bring a lint or take one away: the cursor stays on its own.
        at, before = self.at, self._lints
        self._found, self._working = found, None
        self._not_before = time.monotonic() + max(PAUSE, REST * found.seconds)
        self.notes = self._notes()
        self._stale = True
        self._lay_out()
        if 0 <= at < len(before):
            same = [n for n, lint in enumerate(found.lints) if _about(lint) == _about(before[at])]
            self._to_item(same[0] if same else at)

    @property
    def _lints(self) -> tuple[Lint, ...]:
        return () if self._found is None else self._found.lints

    def _notes(self) -> tuple[str, ...]:
        assert self._found is not None
        events = self._found.evidence.events
        counts = [
            (severity, sum(lint.severity == severity for lint in self._lints)) for severity in SEVERITIES
        ]
        words = ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts if count)
        over = f" by {events:,} events held" if events else ""
        return (f"{words or 'no lints'}{over}", *(() if events else (NOT_ASKED,)))

    def tab(self) -> str:
        """The number of lints."""
        found = self.found
        return self.TITLE if found is None else f"{self.TITLE} {len(found.lints)}"

    # ---- the list

    def items(self) -> int:
        """The lints, the worst first."""
        return len(self._lints)

    def item_lines(self, at: int, width: int) -> list[PieceLine]:
        """How bad it is, its id and its place; the reason; the fix."""
        lint = self._lints[at]
        head: PieceLine = [
            (f"{lint.severity:<8}", SEVERITY_STYLES[lint.severity]),
            (lint.id, "type"),
            (f"  {shown(lint.place)}", "dim"),
        ]
        lines = [head]
        lines += [[("  ", ""), *line] for line in wrap_words(printable(lint.reason), width - 2, 3, "text")]
        lines.append([("  fix: ", "dim"), (printable(lint.fix.words), "good")])
        return lines

    def nothing(self) -> str:
        """That there is none, and by what."""
        found = self.found
        if found is None:
            return "Lints are looked for …"
        if not found.evidence.events:
            return f"No lints by the plan alone; {NOT_ASKED}"
        return (
            f"No lints: nothing in the plan, its history or {found.evidence.events:,} events held says that it does "
            "other than was meant"
        )

    @property
    def lint(self) -> Lint | None:
        """The selected one, if the list is that of the plan in force."""
        found, at = self.found, self.at
        return found.lints[at] if found is not None and 0 <= at < len(found.lints) else None

    def draft(self) -> Draft | None:
        """The plan with the selected lint fixed; none where the plan is right and only the calls were not."""
        lint = self.lint
        if lint is None:
            return None
        plan = lint.fix.plan(self.client.plan)
        return (
            None if plan == self.client.plan else Draft(plan, f"fix {lint.id}: {printable(lint.fix.words)}")
        )

    def accept(self) -> None:
        """Fixes the selected one, or says what is to be done by hand."""
        lint = self.lint
        if self.found is None:
            self.commands.say("The lints are still being looked for", wrong=True)
        elif lint is not None and self.draft() is None:
            self.commands.say(f"The plan is right as it is; in your own client, {printable(lint.fix.words)}")
        else:
            super().accept()

    # ---- what the selected lint is about

    @property
    def footer_height(self) -> int:
        """A rule and two lines of words, where there is room."""
        return 3 if self._lints and self.size.height >= TALL else 0

    def footer(self, y: int, width: int) -> Strip:
        """One of them."""
        lint = self.lint
        lines: list[PieceLine] = [[("─" * width, "rule")]]
        if lint is not None:
            lines += wrap_words(f"{lint.id}: {ABOUT[lint.id]}", width, 2, "teach")
        pieces = lines[y] if y < len(lines) else []
        return strip_of(pieces, width, self.base, self.piece_style)

    # ---- acting

    def action_all(self) -> None:
        """Fixes all errors and warnings in one step; hints are up to whoever reads them."""
        found = self.found
        if found is None:
            self.commands.say("The lints are still being looked for", wrong=True)
            return

        def run() -> None:
            worker = get_current_worker()
            plan, done = fixed(found.plan, found.evidence)
            if not worker.is_cancelled:
                self.app.call_later(self._fixed, found.plan, plan, done)

        self.run_worker(run, thread=True, exclusive=True, group="fix")

    def _fixed(self, before: Plan, plan: Plan, done: tuple[Lint, ...]) -> None:
        if not self.is_attached or before != self.client.plan:
            return  # what was fixed is not the plan in force any more
        if not done:
            self.commands.say("There is no error and no warning to fix; Enter fixes a hint", wrong=True)
            return
        ids = ", ".join(dict.fromkeys(lint.id for lint in done))
        self.lab.take(Draft(plan, f"fix {len(done)} lint{'' if len(done) == 1 else 's'}: {ids}"))

    def action_again(self) -> None:
        """Looks again, by what the ring holds now."""
        self._not_before, self._working = 0.0, None
        self.forget()
        self.look()


def _about(lint: Lint) -> tuple[str, str, int | None]:
    return (lint.id, lint.place, lint.call)
