"""Recording while looking: one key asks for a file and begins, the same key ends it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from estui.text import printable
from estui.tui.lines import shown
from estui.tui.prompts import Question
from estui.tui.status import size_words

if TYPE_CHECKING:
    from estui.recording import Recording
    from estui.tui.commands import Commands


class Recorder:
    """The recording of the session as the screen's keys and notices see it."""

    def __init__(self, app: Commands) -> None:
        self._app = app
        self.trouble = ""
        """Why the last recording broke off, until somebody takes it away."""

    def toggle(self) -> None:
        """Asks where to record to; or ends the recording."""
        session = self._app.session
        if session.recording is not None:
            self._app.say("Ending the recording …")
            self._app.run_worker(self._end_in_thread, thread=True, group="record")
        elif session.source is None or session.recorded:
            self._app.say("Nothing more comes from a file; w writes what is in view", wrong=True)
        else:
            name = time.strftime("estui-%Y%m%d-%H%M%S.jsonl")
            self._app.prompt.ask(Question("record all held and to come to:", name, "a path", self._begin))

    def _begin(self, text: str) -> str | None:
        from estui.recording import RecordingError  # noqa: PLC0415 (not needed for the first picture)

        if not text.strip():
            return None
        try:
            path = Path(text.strip()).expanduser()
            if path.is_dir():
                return "that is a directory"
            self._app.session.record(path)
        except RecordingError as error:
            return error.message.removeprefix(printable(str(path))).lstrip(": ")  # it stands there already
        except (OSError, RuntimeError, ValueError) as error:
            return shown(getattr(error, "strerror", None) or str(error), 200)
        self.trouble = ""
        self._app.say(f"Recording to {shown(str(path), 200)}; W ends it")
        return None

    def _end_in_thread(self) -> None:
        recording = self._app.session.stop_recording()
        if recording is not None:
            self._app.tell(recorded_words(recording), wrong=bool(recording.error))

    def tick(self) -> None:
        """Notices that the recording broke off."""
        recording = self._app.session.recording
        if recording is not None and recording.error and not self.trouble:
            self.trouble = recorded_words(recording)
            self._app.run_worker(self._app.session.stop_recording, thread=True, group="record")


def recorded_words(recording: Recording) -> str:
    """What a recording came to."""
    words = f"{recording.events:,} events, {size_words(recording.bytes)}, to {recording.title}"
    if recording.lost:
        words += f"; {recording.lost:,} were lost"
    if not recording.error:
        return f"Recorded {words}"
    failure = recording.failure
    why = os.strerror(failure.errno) if failure is not None and failure.errno else recording.error
    return f"The recording broke off: {why}. Whole up to there: {words}"
