"""The sections of the lab, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estui.tui.lab.check import CheckSection
from estui.tui.lab.coverage import CoverageSection
from estui.tui.lab.lints import LintsSection
from estui.tui.lab.plans import PlansSection
from estui.tui.lab.rules import RulesSection
from estui.tui.lab.suggestions import SuggestionsSection

if TYPE_CHECKING:
    from estui.session import Session
    from estui.tui.lab.section import Section


def make(session: Session) -> tuple[Section, ...]:
    """One of each."""
    return (
        RulesSection(session, id="lab-rules"),
        SuggestionsSection(session, id="lab-suggestions"),
        LintsSection(session, id="lab-lints"),
        CoverageSection(session, id="lab-coverage"),
        PlansSection(session, id="lab-plans"),
        CheckSection(session, id="lab-check"),
    )
