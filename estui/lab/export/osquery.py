"""A plan as osquery's flags, one a line, for `osqueryd --flagfile`.

osquery mutes executable paths for its table es_process_file_events, by two flags with comma-separated lists. It reads
the file as it stands, without any escape.
"""

from __future__ import annotations

from collections.abc import Iterator

from estui.lab.export.notes import Exported, Notes, described, heading, quoted
from estui.muting import MutePathType
from estui.plan import MutePath, Plan

_SUBSCRIBED = frozenset(("create", "rename", "write", "truncate", "open"))
"""The types of es_process_file_events; open in newer versions, with a flag of its own."""
_FLAGS = {
    MutePathType.LITERAL: "es_fim_mute_path_literal",
    MutePathType.PREFIX: "es_fim_mute_path_prefix",
}


def export(plan: Plan) -> Exported:
    notes = Notes()
    notes.remark(heading(plan))
    notes.remark(
        "For osqueryd --flagfile. The flags mute what a program does to files (es_process_file_events)."
    )
    notes.disabled(plan)
    paths: dict[MutePathType, list[str]] = {kind: [] for kind in _FLAGS}
    for entry in plan.paths:
        if entry.enabled:
            words = _trouble(entry, plan)
            if words:
                notes.gap(described(entry), words)
            else:
                paths[entry.path_type].append(entry.path)
    for process in plan.processes:
        if process.enabled:
            notes.gap(described(process), "osquery mutes no single processes")
    for what, why in _gaps(plan):
        notes.gap(what, why)
    lines = [f"# {line}" for line in notes.lines()]
    lines += [
        "--disable_events=false",
        "--disable_endpointsecurity=false",
        "--disable_endpointsecurity_fim=false",
    ]
    if plan.subscribe is not None and "open" in plan.subscribe:
        lines.append("--es_fim_enable_open_events=true")
    lines += [
        f"--{flag}={','.join(dict.fromkeys(paths[kind]))}" for kind, flag in _FLAGS.items() if paths[kind]
    ]
    return notes.exported("\n".join(lines) + "\n")


def _trouble(entry: MutePath, plan: Plan) -> str:
    """Why an entry cannot be a flag's; "" where it can."""
    if entry.path_type.is_target:
        return "osquery has no flag for target paths (its configuration selects them, by file_paths)"
    if not entry.path.isprintable():
        return "a flag file has no escapes for such a path"
    if "," in entry.path:
        return "a comma ends a path in osquery's list"
    if entry.path != entry.path.strip():
        return "the path begins or ends with a space"
    if entry.events is not None and not set(entry.events) >= _SUBSCRIBED:
        return "osquery mutes a path for all of its file events"
    return ""


def _gaps(plan: Plan) -> Iterator[tuple[str, str]]:
    """What of the plan, its entries aside, no flag can say, and why."""
    if plan.invert_process:
        yield "inverting process muting", "osquery does not"
    if plan.invert_path:
        yield "inverting path muting", "osquery does not"
    if plan.invert_target_path:
        yield "inverting target path muting", "osquery does that itself, where file_paths selects files"
    if plan.subscribe is None:
        yield "subscribing to every type", "the table has create, rename, write and truncate"
        return
    for name in plan.subscribe:
        if name not in _SUBSCRIBED:
            yield f"subscribing to {quoted(name)}", "the table has create, rename, write, truncate and open"
    if missing := sorted(_SUBSCRIBED - {"open"} - set(plan.subscribe)):
        yield f"not subscribing to {', '.join(missing)}", "the table always does"
