"""Cores to test: the one that ESTUI_CORE chooses, filled with plain lines."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from estui.core import NATIVE_ERROR, Core, open_core
from estui.record import ALL_STAGES, WROTE_ALL, WROTE_LIMIT, WROTE_ROW, Place, Row, Wrote
from tests.lines import TARGETS, put

WITHOUT_CORE = pytest.mark.skipif(
    os.environ.get("ESTUI_CORE") == "twin" and not NATIVE_ERROR,
    reason="the core plays no part: these run on the native core",
)
"""For tests that would only say the same again on the twin; where there is no native core, they run on it."""

SEGMENT = 64 << 10
"""Bytes of the smallest segment: how far a core may evict too late, or at once."""


def filled(lines: Iterable[bytes], *, owned: bool = False, **options: Any) -> Core:
    """A core with one stream of these lines."""
    core = open_core(**options)
    stream = core.add_stream(owned=owned)
    core.ingest(stream, b"".join(line + b"\n" for line in lines))
    return core


def rows(core: Core) -> list[Row]:
    """All rows held."""
    return core.rows(0, core.counters().head)


def utf8(text: str) -> bytes:
    """The bytes a string stood for in its line."""
    return text.encode("utf-8", "surrogateescape")


def event(
    name: str = "open",
    *targets: str,
    pid: int | None = None,
    pidversion: int | None = None,
    executable: str | None = None,
    instigator: tuple[int, int] | None = None,
    **members: Any,
) -> bytes:
    """The line of one event; `targets` in ES's order, further members at its top."""
    payload: dict[str, Any] = {}
    for target, alternatives in zip(targets, TARGETS.get(name, ()), strict=False):
        directory, _, last = target.rpartition("/")
        parts = alternatives[0].split("+")
        for path, part in zip(parts, (directory or "/", last) if len(parts) > 1 else (target,), strict=True):
            put(payload, path, part)
    if instigator is not None:
        put(
            payload, "data.od.instigator" if name == "authentication" else "instigator", _process(*instigator)
        )
    process = _process(pid, pidversion)
    if executable is not None:
        process["executable"] = {"path": executable}
    document = {"event": {name: payload}, "process": process, **members}
    return utf8(json.dumps(document, ensure_ascii=False))


def _process(pid: int | None, pidversion: int | None) -> dict[str, Any]:
    token = {"pid": pid, "pidversion": pidversion, "euid": 501}
    return {"audit_token": {word: value for word, value in token.items() if value is not None}}


def all_written(
    core: Core, start: int = 0, stages: int = ALL_STAGES, limit: int | None = None
) -> list[tuple[Wrote, Place, bytes]]:
    """What write() says and writes from a row on, each row that it stops at being passed in silence."""
    at = core.write_from(start)
    head = core.counters().head
    done = []
    while True:
        with tempfile.TemporaryFile() as file:
            wrote = core.write(file.fileno(), at, head, stages, limit)
            file.seek(0)
            done.append((wrote, replace(at), file.read()))
        if wrote.stop == WROTE_ALL:
            return done
        at.next += wrote.stop in (WROTE_LIMIT, WROTE_ROW)


PATIENCE = 60.0
"""Seconds after which something that must happen has not."""


def eventually(condition: Callable[[], bool]) -> None:
    """Return as soon as the condition holds; fail when it never does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)
