"""A plan as a mute file of Mac Monitor; its format is told in `estui.lab.macmonitor`.

JSON has no comments, so they stand under a key of their own, which Mac Monitor ignores.
"""

from __future__ import annotations

import json

from estui.events import BY_C_NAME, NOTIFY
from estui.lab.export.notes import Exported, Notes, described, heading
from estui.lab.macmonitor import LONGEST_PATH, MOST_BYTES, MOST_MUTES, TYPE, VERSION
from estui.muting import TARGET_EVENTS, path_bytes
from estui.plan import MutePath, Plan

COMMENTS = "comments"


def export(plan: Plan) -> Exported:
    notes = Notes()
    notes.remark(heading(plan))
    notes.remark("A mute file of Mac Monitor (2.2 and newer): import it in its settings.")
    notes.disabled(plan)
    merged: dict[tuple[str, str], set[str] | None] = {}
    for entry in plan.paths:
        if not entry.enabled:
            continue
        words, events = _mute(entry, notes)
        if words:
            notes.gap(described(entry), words)
            continue
        key = (TYPE + entry.type, entry.path)
        before = merged.get(key, set())
        merged[key] = None if events is None or before is None else before | events
    for process in plan.processes:
        if process.enabled:
            notes.gap(described(process), "a mute file holds no processes")
    for inverted, what in (
        (plan.invert_process, "process"),
        (plan.invert_path, "path"),
        (plan.invert_target_path, "target path"),
    ):
        if inverted:
            notes.gap(f"inverting {what} muting", "Mac Monitor mutes what the plan selects")
    if plan.subscribe is not None:
        notes.gap("what to subscribe to", "choose the types in Mac Monitor's settings")
    if len(merged) > MOST_MUTES:
        notes.gap(f"{len(merged)} mutes", f"Mac Monitor takes at most {MOST_MUTES}")
    text = _text(notes, merged)
    if len(text.encode()) > MOST_BYTES:
        notes.gap("so large a file", "Mac Monitor takes at most 1 MiB")
        text = _text(notes, merged)
    return notes.exported(text)


def _mute(entry: MutePath, notes: Notes) -> tuple[str, set[str] | None]:
    """Why an entry cannot be a mute, "" where it can; and its events."""
    try:
        entry.path.encode()
    except UnicodeEncodeError:
        return "JSON cannot hold bytes that are not UTF-8", None
    if not entry.path.startswith("/") or "\0" in entry.path:
        return "Mac Monitor takes absolute paths without NUL only", None
    if len(path_bytes(entry.path)) > LONGEST_PATH:
        return f"Mac Monitor takes paths of at most {LONGEST_PATH} bytes", None
    if entry.events is None:
        return "", None
    types = [NOTIFY.get(name) or BY_C_NAME[name] for name in entry.events]
    if entry.path_type.is_target:
        types = [event for event in types if TARGET_EVENTS >> event.number & 1]
        if not types:
            notes.remark(f"Its types have no target paths, so left out: {described(entry)}")
            return "", set()
    kept = [event for event in types if event.action == "NOTIFY"]
    if not kept:
        return "Mac Monitor mutes NOTIFY types only", None
    if len(kept) < len(types):
        notes.gap(described(entry), "only its NOTIFY types are here")
    return "", {event.c_name for event in kept}


def _text(notes: Notes, merged: dict[tuple[str, str], set[str] | None]) -> str:
    mutes = [
        {"events": sorted(events or ()), "path": path, "type": kind}
        for (kind, path), events in sorted(merged.items(), key=lambda item: item[0])
        if events is None or events
    ]
    document = {COMMENTS: notes.lines(), "mutes": mutes, "version": VERSION}
    return json.dumps(document, indent=2, separators=(",", " : ")) + "\n"
