"""The live source of a Mac: eslogger, run as a child through sudo."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from itertools import dropwhile
from typing import ClassVar

from estui.events import NOTIFY
from estui.sources import live
from estui.sources.live import AGAIN, LiveSource, check_command, list_events
from estui.sources.shards import count, split
from estui.sources.source import Possible, SourceError
from estui.sources.sudo import as_root, is_sudo, would_ask
from estui.text import printable

FULL_DISK_ACCESS = (
    "Allow the terminal estui runs in: System Settings → Privacy & Security → Full Disk Access; "
    "then quit the terminal and open it again"
)
SETTINGS = "x-apple.systempreferences:com.apple.preference.security?Privacy_AllFiles"
_SETTING = "Look at the setting eslogger_command"

TROUBLE = (
    ("ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED", "eslogger has no Full Disk Access", FULL_DISK_ACCESS),
    (
        "ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED",
        "eslogger must run as root",
        "Run estui where sudo works, or: sudo eslogger exec open | estui -",
    ),
    (
        "ES_NEW_CLIENT_RESULT_ERR_TOO_MANY_CLIENTS",
        "too many Endpoint Security clients run on this Mac",
        "End one of them, such as another eslogger, and start it again",
    ),
    (
        "ES_NEW_CLIENT_RESULT_ERR_NOT_ENTITLED",
        "this eslogger lacks the Endpoint Security entitlement",
        "Use Apple's own, /usr/bin/eslogger",
    ),
    ("ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT", "Endpoint Security refused what eslogger asked for", AGAIN),
    (
        "ES_NEW_CLIENT_RESULT_ERR_INTERNAL",
        "Endpoint Security failed inside",
        "Start it again, or restart the Mac",
    ),
    (
        "Failed to parse event types",
        "eslogger does not know one of the event types",
        "Leave it out; eslogger --list-events names those it knows",
    ),
    ("command not found", "sudo does not find eslogger", "It comes with macOS 13 and newer"),
    *live.TROUBLE,
)
"""Words on stderr, what they mean, and what to do. ES's own names are matched, not their sentences."""


class EsloggerSource(LiveSource):
    """`eslogger TYPES…` as a child, in its own process group because eslogger hides the events of its group.

    Args:
        types: event types by eslogger name; None for all that this eslogger knows.
        command: the whole command before the types; empty for eslogger, through sudo unless root.
        shards: how many children share the types; None for as many as are best.

    Raises:
        SourceError: it cannot run here, or does not know one of the types.
    """

    trouble = TROUBLE
    silence: ClassVar[str] = f"Choose types that occur, such as exec. {FULL_DISK_ACCESS}"
    hint: ClassVar[str] = "eslogger --list-events names those it knows"

    def __init__(
        self, types: Sequence[str] | None = None, command: Sequence[str] = (), shards: int | None = 1
    ) -> None:
        self._words = tuple(command) or usual_command()
        check_command(self._words, _SETTING)
        # Listing takes no rights, and sudo might ask for a password.
        bare = (
            list(dropwhile(lambda word: word == "-n", self._words[1:]))
            if is_sudo(self._words)
            else self._words
        )
        self._count = shards
        super().__init__("eslogger", frozenset(list_events(bare) or NOTIFY), types)

    def _command(self, types: frozenset[str]) -> Sequence[str]:
        return (*self._words, *sorted(types))

    def _split(self, types: frozenset[str]) -> list[frozenset[str]]:
        return split(types, self._count or count(types, os.cpu_count()))

    def _remedy(self) -> str:
        return _SETTING


def usual_command() -> tuple[str, ...]:
    """How eslogger is run here. Raises SourceError when it cannot be."""
    eslogger = shutil.which("eslogger")
    if eslogger is None:
        if sys.platform == "darwin":
            raise SourceError("there is no eslogger on this Mac", "It comes with macOS 13 and newer")
        raise SourceError(
            "eslogger runs on a Mac only",
            "Record there: sudo eslogger exec fork exit > FILE; or see estui demo",
        )
    return as_root((eslogger,))


def possible() -> Possible:
    """Whether this machine's own events can be had from eslogger; nothing is started but sudo, which must not ask."""
    try:
        command = usual_command()
    except SourceError as error:
        return Possible(False, error.message, error.advice)
    asks = "; sudo will ask for the password" if would_ask(command) else ""
    words = f"possible as {printable(' '.join(command))}{asks}"
    return Possible(True, words, f"{FULL_DISK_ACCESS}. That page: open '{SETTINGS}'")
