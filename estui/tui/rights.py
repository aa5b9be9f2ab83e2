"""Lending the terminal to what asks for a password, while the screen is put away."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from textual.app import App, SuspendNotSupported

from estui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estui.sources.source import Source


def authorize(app: App[Any], source: Source) -> None:
    """Puts the screen away, lets the source ask on the terminal, and brings the screen back.

    Call it from the screen's own thread. Raises SourceError where the rights were not given.
    """
    wrong: SourceError | None = None
    try:
        with app.suspend():
            # Nothing may leave this block but by its end, or Textual would not bring the screen back.
            wrong = _asked(source)
    except SuspendNotSupported:
        raise SourceError(
            f"{source.title} needs a password, and the screen cannot give its terminal away"
        ) from None
    if wrong is not None:
        raise wrong


def _asked(source: Source) -> SourceError | None:
    words = f"estui: {source.title} needs its rights once more. Ctrl-C goes back to the screen."
    print(words, file=sys.__stderr__, flush=True)
    with _unmoved():
        try:
            source.authorize()
        except SourceError as error:
            return error
        except Exception as error:  # the screen must come back, whatever it was
            return SourceError(f"{source.title} could not ask: {error!r}")
    return None


@contextmanager
def _unmoved() -> Iterator[None]:
    """Ctrl-C and Ctrl-\\ end what asks and not the screen; a child gets the usual effect of both back."""
    before = {number: signal.signal(number, _nothing) for number in (signal.SIGINT, signal.SIGQUIT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _nothing(*_: object) -> None:
    pass
