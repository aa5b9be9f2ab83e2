"""Coverage in the lab: what a defender watches, how the plan leaves it, and the rule to blame."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from estui.lab.coverage import BLIND, DELIVERED, PARTLY, Blame, Covered, Judge
from estui.lab.coverage import lines as words_of
from estui.lab.places import PlaceError, built_in, joined, load
from estui.text import printable
from estui.tui.files import ask_file, readable
from estui.tui.lab.check import CheckSection
from estui.tui.lab.section import Draft, Section
from estui.tui.lab.suggestions import SuggestionsSection
from estui.tui.lines import shown
from estui.tui.mute_entry import escape
from estui.tui.pieces import wrap_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from estui.lab.places import Place
    from estui.plan import Plan
    from estui.session import Session
    from estui.tui.pieces import PieceLine

SIGNS = {DELIVERED: "●", PARTLY: "◐", BLIND: "○"}
STYLES = {DELIVERED: "good", PARTLY: "warn", BLIND: "wrong"}
BROKEN = 4
"""Lines that what is to blame takes at most."""


class Looked(NamedTuple):
    """What a worker found."""

    plan: Plan
    covered: tuple[Covered, ...]
    wrong: str
    """Why there is no list of places. Printable."""


class CoverageSection(Section):
    """Each place previews the plan without the first thing that is to blame."""

    TITLE = "Coverage"
    DOES = "take the first blame away"

    def __init__(self, session: Session, *, id: str | None = None) -> None:
        super().__init__(session, id=id)
        self.more: tuple[Place, ...] = ()
        """Places of the user's own; one of the same id takes the place of a built-in one."""
        self._file: Path | None = None
        self._looked: Looked | None = None

    # ---- keeping up

    def look(self) -> None:
        """Judges the places again where the plan or the list changed. The ring plays no part."""
        plan, more = self.client.plan, self.more

        def job(stopped: Callable[[], bool]) -> Looked:
            try:
                places = joined(built_in(), more)
            except PlaceError as error:
                return Looked(plan, (), str(error))
            judge = Judge(plan)
            return Looked(plan, tuple(judge.covered(place) for place in places if not stopped()), "")

        self.work_out((plan, more), job, self._done)

    def _done(self, looked: Looked) -> None:
        self._looked = looked
        counts = Counter(covered.status for covered in looked.covered)
        words = ", ".join(f"{counts[status]} {status}" for status in STYLES)
        on = "; b: the next that is not delivered" if counts[DELIVERED] < len(looked.covered) else ""
        own = () if self._file is None else (shown(f"with the places of {self._file}", 400),)
        self.notes = (words + on, *own) if looked.covered else ()

    def tab(self) -> str:
        """The number of places that are not delivered."""
        dark = 0 if self._looked is None else sum(one.status != DELIVERED for one in self._looked.covered)
        return f"{self.TITLE} {dark}" if dark else self.TITLE

    # ---- the list

    def items(self) -> int:
        """The places, in the order of their lists."""
        return 0 if self._looked is None else len(self._looked.covered)

    def item_lines(self, at: int, width: int) -> list[PieceLine]:
        """How a place is left, its name and techniques; then what is to blame."""
        assert self._looked is not None
        covered = self._looked.covered[at]
        place, style = covered.place, STYLES[covered.status]
        head: PieceLine = [
            (f"{SIGNS[covered.status]} {covered.status:<12}  ", style),
            (shown(place.name, 200), "text"),
        ]
        if place.attack:
            head.append((f"  {printable(' '.join(place.attack))}", "dim"))
        lines = [head]
        for words in list(words_of(covered))[1:]:
            first, *rest = wrap_words(words, max(8, width - 6), BROKEN, "text")
            lines += [[("    ", ""), *first], *([("      ", ""), *line] for line in rest)]
        return lines

    def nothing(self) -> str:
        """Why there is none."""
        if self._looked is None:
            return "The places are judged …"
        return self._looked.wrong or "The list of places is empty"

    def draft(self) -> Draft | None:
        """The plan without the first thing to blame that can be taken away."""
        looked, at = self._looked, self.at
        if looked is None or looked.plan != self.client.plan or not 0 <= at < len(looked.covered):
            return None
        drafts = (_without(looked.plan, blame) for blame in looked.covered[at].blames)
        return next((draft for draft in drafts if draft is not None), None)

    def accept(self) -> None:
        """Takes the blame away, or says why that cannot be done from here."""
        looked, at = self._looked, self.at
        if looked is None or looked.plan != self.client.plan or not 0 <= at < len(looked.covered):
            self.commands.say("The places are still being judged", wrong=True)
        elif looked.covered[at].status == DELIVERED:
            self.commands.say("It is delivered already")
        elif self.draft() is None:
            words = shown(looked.covered[at].blames[0].words, 200)
            self.commands.say(f"{words}: add an entry that does, or stop inverting", wrong=True)
        else:
            super().accept()

    # ---- acting

    def action_next_blind(self) -> None:
        """Goes to the next place that is not delivered; after the last, to the first."""
        covered = () if self._looked is None else self._looked.covered
        after = [(self.at + step) % len(covered) for step in range(1, len(covered) + 1)]
        found = next((at for at in after if covered[at].status != DELIVERED), None)
        if found is None:
            self.commands.say("Every place is delivered" if covered else "There are no places")
        else:
            self._to_item(found)

    def action_open(self) -> None:
        """Asks for a list of places of the user's own."""
        before = "" if self._file is None else escape(str(self._file))
        ask_file(
            self.commands, "places:", before, "path of a .toml file; empty for none but estui's", self._take
        )

    def _take(self, name: str) -> None:
        path = readable(Path(name)) if name else None
        more = () if path is None else load(path)
        # What must stay delivered is so for the others, too; first for whom that can be wrong.
        for other in self.lab.sections:
            if isinstance(other, CheckSection):
                other.take_places(more)
        for other in self.lab.sections:
            if isinstance(other, SuggestionsSection):
                other.keeping.more = more
        self._file, self.more = path, more
        count = "1 place" if len(more) == 1 else f"{len(more)} places"
        self.commands.say(f"Took in {count}" if path else "Only estui's own places")
        self.lab.poll()


def _without(plan: Plan, blame: Blame) -> Draft | None:
    """The plan in which that is not to blame any more; None where nothing can be taken away."""
    if blame.rule is not None and blame.rule.index is not None:
        entries = list(plan.entries)
        entries[blame.rule.index] = replace(entries[blame.rule.index], enabled=False)
        return Draft(plan.with_entries(entries), printable(f"disable {blame.rule.label}"))
    if blame.stage == "subscription" and plan.subscribe is not None:
        names = ", ".join(blame.events[:3]) + (
            f" and {len(blame.events) - 3} more" if blame.events[3:] else ""
        )
        changed = replace(plan, subscribe=(*plan.subscribe, *blame.events))
        return Draft(changed, printable(f"subscribe {names}"))
    return None
