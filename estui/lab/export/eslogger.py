"""A plan as a shell line: eslogger for the types, jq for the mutes."""

from __future__ import annotations

import re
import shlex

from estui.lab.export.jq import Filter
from estui.lab.export.notes import Exported, heading, quoted
from estui.plan import Plan

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_LONGEST = 900_000
"""Bytes of a filter: macOS takes 1 MiB of arguments and environment."""
_EVERY = "$(eslogger --list-events)"


def export(plan: Plan) -> Exported:
    filter_ = Filter(plan)
    notes = filter_.notes
    words = [_EVERY]
    if plan.subscribe is not None:
        words = [name for name in plan.subscribe if _NAME.fullmatch(name)]
        for name in plan.subscribe:
            if name not in words:
                notes.gap(f"subscribing to {quoted(name)}", "eslogger has no types of such a name")
    lines = [heading(plan), "eslogger sends the types, and jq lets through what the plan delivers."]
    program = " ".join(line.strip() for line in filter_.code)
    line = f"sudo eslogger {' '.join(words)} | jq -c --unbuffered {shlex.quote(program)}"
    if len(program) > _LONGEST:
        notes.gap("so long a filter", "macOS takes at most 1 MiB of arguments; export it to jq, for jq -f")
        line = ":"
    if not words:
        notes.gap("subscribing to nothing", "eslogger must be given a type")
        line = ":"
    return notes.exported("\n".join([*(f"# {words}" for words in (*lines, *notes.lines())), line]) + "\n")
