"""What an empty list says: why nothing is there, and what brings something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estui.record import STAGES
from estui.tui.status import exit_words

if TYPE_CHECKING:
    from estui.session import Session
    from estui.sources.source import Source


def advice(session: Session) -> list[str]:
    """Sentences for the place of the rows when the view has none. All of it is safe to print."""
    counters = session.core.counters()
    if counters.head > counters.tail:
        return _hidden(session)
    source = session.source
    if source is None:
        return [
            "No source is open.",
            "Leave with q, then: estui demo, estui FILE, or sudo eslogger exec | estui -",
        ]
    state = source.state
    if state.status == "failed":
        words = [sentence(state.reason) or f"{source.title} failed.", sentence(state.advice)]
        if "restart" in source.controls:
            words.append("R starts it again.")
        return [line for line in words if line]
    if state.status == "ended" and source.exit_status is not None:
        words = [sentence(exit_sentence(source, source.exit_status)), "No event was seen."]
        return [*words, "R runs it again."] if "restart" in source.controls else words
    if state.status == "ended":
        words = [sentence(state.reason) or f"{source.title} has ended.", sentence(state.advice)]
        return [line for line in words if line]
    if state.status == "paused":
        return [f"{source.title} is held.", "H lets it run."]
    words = [f"Waiting for the first event of {source.title} …", sentence(state.advice)]
    if session.view.paused:
        words.append("The list is paused: p takes new rows in.")
    return [line for line in words if line]


def exit_sentence(source: Source, status: int) -> str:
    """How the command of `estui run` ended, and what its source has to say besides."""
    name = source.title.removeprefix("run ")
    said = source.state.reason
    if f"exit status {status}" not in said:
        said = f"{name} ended with exit status {status}"
    return said.replace(f"exit status {status}", exit_words(status), 1)


def _hidden(session: Session) -> list[str]:
    """The ring has rows, and the view shows none of them."""
    counters = session.core.counters()
    view = session.view
    on = len(view.spec.filters)
    words = [f"All {counters.held_events:,} events held are out of view."]
    if view.paused and view.waiting:
        words.append(f"Paused, and {view.waiting:,} rows wait: p takes them in.")
    if on:
        filters = "1 view filter is" if on == 1 else f"{on} view filters are"
        words.append(f"{filters} on: V turns all off and back on, v goes to the list of them.")
    unsubscribed = counters.by_stage[STAGES.index("subscription")]
    if view.hide_suppressed and unsubscribed:
        words.append(f"{unsubscribed:,} are of types not subscribed to: s shows them, 2 goes to the types.")
    if view.hide_suppressed and counters.suppressed > unsubscribed:
        words.append(f"{counters.suppressed - unsubscribed:,} are muted: s shows them, 3 goes to the mutes.")
    return words


def sentence(words: str) -> str:
    """Words of a source as a sentence."""
    if not words:
        return ""
    first = words.split(maxsplit=1)[0]
    if first.isalpha():  # a path keeps its case
        words = words[:1].upper() + words[1:]
    return words + ("" if words.endswith((".", "!", "?", "…")) else ".")
