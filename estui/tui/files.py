"""Files that the screen asks for: what one reads, and what one writes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from estui.tables import TableError
from estui.text import printable
from estui.tui.mute_entry import unescape
from estui.tui.prompts import Question

if TYPE_CHECKING:
    from collections.abc import Callable

    from estui.tui.commands import Commands


def ask_file(commands: Commands, label: str, before: str, hint: str, take: Callable[[str], None]) -> None:
    """Asks for a file and has it taken: its name as it was meant, "" for none; or says what is wrong with it."""

    def submit(text: str) -> str | None:
        try:
            take(os.path.expanduser(unescape(text.strip())))  # noqa: PTH111 (a Path would drop the ./ of ./NAME)
        except TableError as error:
            # In the footer, not beside the prompt: the sentence names file and place, and is long.
            commands.say(str(error), wrong=True)
        except (OSError, ValueError) as error:
            return fault(error)
        return None

    commands.prompt.ask(Question(label, before, hint, submit))


def readable(path: Path) -> Path:
    """The path, unless reading or writing it could block. Raises ValueError or OSError."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise ValueError("that is no file: a pipe or a device")
    return path


def refusal(path: Path, asked: list[Path]) -> str | None:
    """Why a file is not written, in words. One that is there is replaced once it is in `asked`, as it is from now on.

    Raises ValueError or OSError.
    """
    if readable(path).is_dir():
        return "that is a directory"
    if not path.parent.is_dir():
        return "there is no such directory"
    if path.exists() and path not in asked:
        asked.append(path)
        return "exists; Enter again replaces it"
    return None


def fault(error: Exception) -> str:
    """What is wrong with a path, printable."""
    return printable(getattr(error, "strerror", None) or str(error))
