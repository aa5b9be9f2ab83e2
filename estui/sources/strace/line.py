"""An event as eslogger writes it: the envelope, and the JSON of files and processes."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterable

from estui.events import event_number

_VERSION = 6
"""Of the message: the oldest that eslogger wrote."""
_KEPT = 8192
_strings: dict[str, str] = {}
_seconds: dict[int, str] = {}

_AUTH = '{"result":{"result_type":0,"result":{"auth":0}}}'
_FLAGS = '{"result":{"result_type":1,"result":{"flags":4294967295}}}'


def string(text: str) -> str:
    """A JSON string; bytes that are no UTF-8 are in it as they are, once the line is encoded."""
    known = _strings.get(text)
    if known is None:
        if len(_strings) >= _KEPT:
            _strings.clear()
        known = _strings[text] = json.dumps(text, ensure_ascii=False)
    return known


def optional(value: int | None) -> str:
    return "null" if value is None else str(value)


def flag(value: bool) -> str:
    return "true" if value else "false"


def strings(texts: Iterable[str]) -> str:
    return f"[{','.join(json.dumps(text, ensure_ascii=False) for text in texts)}]"


def file(path: str) -> str:
    """es_file_t: strace knows the path, and not the stat."""
    return f'{{"path":{string(path)},"path_truncated":false,"stat":null}}'


def timestamp(nanoseconds: int, digits: int = 9) -> str:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    text = _seconds.get(seconds)
    if text is None:
        if len(_seconds) >= _KEPT:
            _seconds.clear()
        try:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        except (OSError, OverflowError, ValueError):  # a clock that nobody has set like this
            text = "1970-01-01T00:00:00"
        _seconds[seconds] = text
    return f"{text}.{f'{rest:09d}'[:digits]}Z"


class Numbers:
    """Numbers the events: each type by itself, and all together, both from 0 and without a gap."""

    def __init__(self) -> None:
        self._of_type: defaultdict[str, int] = defaultdict(int)
        self._of_all = 0

    def line(
        self, name: str, payload: str, process: str, tid: int, nanoseconds: int, *, failed: str, guess: bool
    ) -> str:
        """The whole line of an event, without its newline."""
        of_type = self._of_type[name]
        self._of_type[name] = of_type + 1
        of_all = self._of_all
        self._of_all = of_all + 1
        more = f',"estui_failed":"{failed}"' if failed else ""
        if guess:
            more += ',"estui_guess":true'
        return (
            f'{{"schema_version":1,"mach_time":null,"event_type":{event_number(name)},'
            f'"thread":{{"thread_id":{tid}}},"version":{_VERSION},"seq_num":{of_type},'
            f'"event":{{"{name}":{payload}}},"time":"{timestamp(nanoseconds)}",'
            f'"action":{_FLAGS if name == "open" else _AUTH},"process":{process},"action_type":1,'
            f'"global_seq_num":{of_all},"estui_origin":"linux"{more}}}'
        )
