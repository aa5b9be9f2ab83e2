"""Suggestions in the lab: small sets of rules that save most, each with what it hides, none of what must be kept.

The marked events are the keep-list's, beside the coverage list and a file. The list is worked out again when the plan,
the marks or the keep-list change, but not because events came: it would move under the cursor.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from estui.lab.keep import Keep, KeepError
from estui.lab.risk import LEVELS
from estui.lab.suggest import Suggestion, Suggestions, accepted, suggest, summary
from estui.text import printable
from estui.tui.files import fault
from estui.tui.lab.keeping import Keeping
from estui.tui.lab.section import Draft, Section
from estui.tui.lines import bytes_words, fit, shown
from estui.tui.mute_entry import escape
from estui.tui.mute_lines import EVENTS, TYPE, events_words
from estui.tui.pieces import PieceLine, width_of, wrap_words
from estui.tui.prompts import Question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from estui.core import Core
    from estui.lab.places import Place
    from estui.plan import MutePath, Plan
    from estui.session import Session

PAUSE, REST = 2.0, 10
"""Least seconds between two tries while there is nothing to suggest, and how many times as long as a try one rests."""
BAR = 24
"""Cells of the progress bar."""
ACTING = 3
"""Programs named that do what a suggestion hides."""
LEVEL_STYLES = {"low": "good", "medium": "warn", "high": "wrong"}
BESIDE = 56
"""Characters of a fault that is told beside the prompt, which stays open."""
NAME = 30
"""Cells of the name of a file that is told with what is wrong in it."""


class Progress:
    """How far a worker is; told in its thread, read in the screen's."""

    def __init__(self) -> None:
        self.done = 0
        self.of = 1

    def tell(self, done: int, of: int) -> None:
        """Steps done, and steps at most."""
        self.done, self.of = done, of

    def words(self) -> str:
        """A bar."""
        full = max(0, min(BAR, BAR * self.done // max(1, self.of)))
        return f"working out {'█' * full}{'░' * (BAR - full)} {100 * self.done // max(1, self.of)} %"


class Wanted(NamedTuple):
    """What suggestions depend on beside the ring."""

    plan: Plan
    keep: Keep
    more: tuple[Place, ...]
    riskiest: str


class Found(NamedTuple):
    """What a worker found."""

    wanted: Wanted
    suggestions: Suggestions
    held: int
    """Events in the ring when it began."""
    ring: object
    """The state of the ring then."""
    seconds: float


def _work_out(core: Core, wanted: Wanted, progress: Progress, stopped: Callable[[], bool]) -> Found:
    """The work of the thread."""
    started = time.monotonic()
    counters = core.counters()
    found = suggest(
        core, wanted.plan, wanted.keep, riskiest=wanted.riskiest, progress=progress.tell, stopped=stopped
    )
    ring = (counters.generation, counters.head, counters.tail)
    return Found(wanted, found, counters.held_events, ring, time.monotonic() - started)


class SuggestionsSection(Section):
    """Each item previews the plan with that suggestion taken."""

    TITLE = "Suggestions"
    DOES = "take the suggestion"

    def __init__(self, session: Session, *, id: str | None = None) -> None:
        super().__init__(session, id=id)
        self.keeping = Keeping(session)
        self.riskiest = "high"
        """The greatest risk of a suggestion, one of risk.LEVELS."""
        self._found: Found | None = None
        self._progress: Progress | None = None
        self._again = 0
        self._not_before = 0.0

    # ---- keeping up

    @property
    def wanted(self) -> Wanted:
        """What the suggestions should be about now."""
        return Wanted(self.client.plan, self.keeping.keep, self.keeping.more, self.riskiest)

    @property
    def found(self) -> Suggestions | None:
        """The suggestions for the plan in force and what is kept now; None while they are worked out."""
        found = self._found
        return found.suggestions if found is not None and found.wanted == self.wanted else None

    def look(self) -> None:
        """Works out anew what the plan, the marks or the keep-list change; shows how far that is."""
        wanted = self.wanted
        found = self._found
        none = found is not None and found.wanted == wanted and not found.suggestions.items
        if none and self._progress is None and self._moved() and time.monotonic() >= self._not_before:
            self._again += 1  # there is no cursor for the list to move under
        key = (wanted, self._again)
        if key != self._asked:
            self._progress = Progress()
            self.work_out(key, partial(_work_out, self.session.core, wanted, self._progress), self._done)
        self._tell()

    def _done(self, found: Found) -> None:
        self._found, self._progress = found, None
        self._not_before = time.monotonic() + max(PAUSE, REST * found.seconds)
        self._tell()

    def _moved(self) -> bool:
        """The ring is not what it was when the suggestions were worked out."""
        counters = self.session.core.counters()
        now = (counters.generation, counters.head, counters.tail)
        return self._found is not None and now != self._found.ring

    def _tell(self) -> None:
        notes = tuple(self._notes())
        if notes != self.notes:
            self.notes = notes
            self.show_cursor()
            self.refresh()

    def _notes(self) -> Iterator[str]:
        risk = "" if self.riskiest == "high" else f"; at most risk {self.riskiest}"
        yield f"keep-list: {self.keeping.words()}{risk}"
        if self._progress is not None:
            yield self._progress.words()
        elif self._found is not None:
            found, held = self._found.suggestions, self._found.held
            so_far = 100 * max(0, held - found.delivered) / max(1, held)
            bound = f"upper bound {100 * found.upper_bound:.1f} %; saved so far {so_far:.1f} %"
            if found.items:
                yield f"all save {100 * found.share_saved:.1f} % of {found.delivered:,} delivered; {bound}"
            else:
                yield bound
            if self._moved() and found.items:
                yield f"worked out over {held:,} events; r works it out again"

    def tab(self) -> str:
        """The number of suggestions."""
        found = self.found
        return self.TITLE if found is None else f"{self.TITLE} {len(found.items)}"

    # ---- the list

    def items(self) -> int:
        """The suggestions, the best first."""
        return 0 if self._found is None else len(self._found.suggestions.items)

    def item_lines(self, at: int, width: int) -> list[PieceLine]:
        """What it saves, its rules, why it is risky, and who does what it hides."""
        assert self._found is not None
        found = self._found.suggestions
        item = found.items[at]
        share = 100 * item.events / max(1, found.delivered)
        level = item.risk.level
        head: PieceLine = [
            (f"{share:4.1f} %", "number"),
            (f"  {item.events:,} events  {bytes_words(item.bytes)}  ", "text"),
            (f"risk {level}", LEVEL_STYLES[level]),
        ]
        if at:
            head.append(("  after those above", "dim"))
        lines = [head, *(_rule_line(entry, width) for entry in item.entries)]
        indent = ("       ", "")
        if item.risk.words:
            why = printable(f"risky: {', '.join(item.risk.words)}")
            lines += [[indent, *line] for line in wrap_words(why, width - 7, 2, "teach")]
        return [*lines, [indent, (f"hides {_acting(item.by_program, width - 13)}", "dim")]]

    def draft(self) -> Draft | None:
        """The plan with the selected one taken."""
        found, at = self.found, self.at
        if found is None or not 0 <= at < len(found.items):
            return None
        item = found.items[at]
        return Draft(accepted(self.client.plan, [item]), f"suggestion {_names(item)}, this one alone")

    def accept(self) -> None:
        """Takes the selected one, if the list is that of the plan in force."""
        if self.found is None:
            self._wait()
        else:
            super().accept()

    def nothing(self) -> str:
        """Why there is none."""
        found = self.found
        if found is None:
            return "Rules that save most are worked out …"
        if not found.events:
            return "Nothing to suggest: the ring holds no event yet"
        plan = self.client.plan
        if plan.invert_path and plan.invert_target_path:
            return "Nothing to suggest: with executable and target muting inverted, a rule would select, not mute"
        words = summary(found)
        if self.riskiest != "high":
            words += f" at most risk {self.riskiest}; L allows more"
        return f"{words[:1].upper()}{words[1:]}"

    def _wait(self) -> None:
        self.commands.say("The suggestions are still being worked out", wrong=True)

    # ---- acting

    def action_all(self) -> None:
        """Takes all of them in one step."""
        found = self.found
        if found is None:
            self._wait()
        elif not found.items:
            self.commands.say("There is nothing to take here", wrong=True)
        else:
            words = f"all {len(found.items)} suggestions ({found.saved:,} events)"
            self.lab.take(Draft(accepted(self.client.plan, found.items), words))

    def action_riskiest(self) -> None:
        """The next of low, medium and high."""
        levels = list(LEVELS)
        self.riskiest = levels[(levels.index(self.riskiest) + 1) % len(levels)]
        self.commands.say(f"Suggestions risk at most: {self.riskiest}")
        self._renew()

    def action_again(self) -> None:
        """Works it out over what the ring holds now."""
        self._again += 1
        self._renew()

    def _renew(self) -> None:
        self.look()
        self.lab.drafted()

    def action_open(self) -> None:
        """Asks for a keep-list."""
        file = self.keeping.file
        before = "" if file is None else escape(str(file))
        hint = "path of a .toml file; empty for none"
        self.commands.prompt.ask(Question("keep-list:", before, hint, self._open))

    def _open(self, text: str) -> str | None:
        try:
            self.keeping.open(text)
        except KeepError as error:
            words = printable(error.words)
            if len(words) <= BESIDE and not (error.table or error.key):
                return words
            # There is more room in the footer for a sentence that names the place in the file; of the path its name
            # is enough, which was just typed.
            name = fit(printable(error.file.rpartition("/")[2]), NAME).rstrip()
            self.commands.say(
                str(
                    KeepError(error.words, file=name, table=error.table, key=error.key, nearest=error.nearest)
                ),
                wrong=True,
            )
            return None
        except (OSError, ValueError) as error:
            return fault(error)
        self.commands.say(f"Kept now: {self.keeping.words()}")
        self._renew()
        return None

    def action_save(self) -> None:
        """Asks where to save the keep-list."""
        question = Question("save keep-list to:", self.keeping.proposed, "a path", partial(self._save, []))
        self.commands.prompt.ask(question)

    def _save(self, asked: list[Path], text: str) -> str | None:
        if not text.strip():
            return None
        wrong = self.keeping.save(text, asked)
        if wrong is None:
            self.commands.say(f"Saved to {shown(self.keeping.proposed, 200)}: {self.keeping.words()}")
        return wrong


def _names(item: Suggestion) -> str:
    """Its rules in few words, printable."""
    first = shown(item.entries[0].label)
    more = len(item.entries) - 1
    return f"{first} and {more} more" if more else first


def _rule_line(entry: MutePath, width: int) -> PieceLine:
    """Type, path and event types of a rule."""
    events = fit(events_words(entry), EVENTS).rstrip()
    room = max(2, width - 7 - TYPE - 2 - width_of(events))
    path = fit(shown(entry.path), room, tail=True).rstrip()
    return [
        ("       ", ""),
        (f"{entry.type:<{TYPE}}", "type"),
        (path, "text"),
        (f"  {printable(events)}", "dim"),
    ]


def _acting(programs: tuple[tuple[str, int], ...], width: int) -> str:
    """Who does what is hidden, printable."""
    few = programs[: max(1, min(ACTING, width // 18))]
    counts = [f" ({count:,})" for _, count in few]
    room = (width - sum(map(len, counts))) // len(few) - 2 if few else 0
    names = [fit(shown(path or "others"), max(6, room), tail=True).rstrip() for path, _ in few]
    return ", ".join(name + count for name, count in zip(names, counts, strict=True))
