"""Copying out of the screen: the true text, told of in words that are safe to show."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from estui.text import printable

if TYPE_CHECKING:
    from textual.app import App

LARGE = 100_000
"""Bytes past which many terminals drop what they are asked to copy."""
SHOWN = 60
"""Characters of the copied text in the notice."""


class _Text(str):
    """A text that encodes to the bytes it stands for, those that are not UTF-8 too."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """UTF-8, with the bytes that surrogateescape carries as they were."""
        del errors
        return super().encode(encoding, "surrogateescape")


def copy(app: App[object], text: str, what: str) -> None:
    """Puts `text` on the clipboard exactly as it is, and says so.

    It goes to the terminal as OSC 52, which is base64, so nothing in it can drive the terminal. Apple's Terminal does
    not know OSC 52; there pbcopy is asked.
    """
    size = len(text.encode("utf-8", "surrogateescape"))
    pbcopy = os.environ.get("TERM_PROGRAM") == "Apple_Terminal" and shutil.which("pbcopy")
    if pbcopy:
        subprocess.run([pbcopy], input=text.encode("utf-8", "surrogateescape"), check=False)
    else:
        app.copy_to_clipboard(_Text(text))
    short = printable(text[:SHOWN]) + ("…" if len(text) > SHOWN else "")
    words = f"Copied {what}: {short}" if size <= SHOWN * 4 else f"Copied {what}: {size:,} bytes"
    if size > LARGE and not pbcopy:
        words += ". Some terminals drop so much; write it to a file with w instead"
    app.notify(words, markup=False)
