"""A plan as Swift: a function that makes its calls. The same steps as the C."""

from __future__ import annotations

from collections.abc import Iterator

from estui.events import EventType
from estui.lab.export.calls import Calls, Events, release
from estui.lab.export.notes import Exported
from estui.plan import Plan

_DOC = """\
/// Applies the plan to a new client; call it before subscribing.
///
/// Where the plan inverts muting, what the client had muted is put into `saved` first: release that with
/// `es_release_muted_paths`, also after an error. After an error the plan is applied in part: delete the client.
///
/// - Returns: the pids of processes that have ended, which cannot be muted and need not be."""

_CHECK = """\
    func check(_ result: es_return_t, _ call: String) throws {
        guard result == ES_RETURN_SUCCESS else { throw MutePlanError.failed(call: call) }
    }"""

_SAVE = """\
    let muted = UnsafeMutablePointer<UnsafeMutablePointer<es_muted_paths_t>>.allocate(capacity: 1)
    defer { muted.deallocate() }
    try check(es_muted_paths_events(client, muted), "es_muted_paths_events")
    saved = muted.pointee"""

_MUTE_PATH = """\
    func mute(
        _ type: es_mute_path_type_t, _ path: UnsafePointer<CChar>, _ events: [es_event_type_t]? = nil
    ) throws {
        if let events {
            try check(es_mute_path_events(client, path, type, events, events.count), "es_mute_path_events")
        } else {
            try check(es_mute_path(client, path, type), "es_mute_path")
        }
    }"""

_MUTE_PROCESS = """\
    // Of an audit token, the words pid and pidversion name the execution.
    func mute(pid: UInt32, pidversion: UInt32, _ events: [es_event_type_t]? = nil) {
        var token = audit_token_t(val: (0, 0, 0, 0, 0, pid, 0, pidversion))
        let result: es_return_t
        if let events {
            result = es_mute_process_events(client, &token, events, events.count)
        } else {
            result = es_mute_process(client, &token)
        }
        if result != ES_RETURN_SUCCESS { ended.append(pid) }
    }"""

_INVERT = """\
    func invert(_ dimension: es_mute_inversion_type_t) throws {
        switch es_muting_inverted(client, dimension) {
        case ES_MUTE_INVERTED: break // a second call would undo the first
        case ES_MUTE_NOT_INVERTED: try check(es_invert_muting(client, dimension), "es_invert_muting")
        default: throw MutePlanError.failed(call: "es_muting_inverted")
        }
    }"""


def export(plan: Plan) -> Exported:
    calls = Calls(plan)
    comment = "\n".join(f"// {line}" for line in calls.notes.lines())
    error = "enum MutePlanError: Error {\n    case failed(call: String)\n}"
    parts = [comment, "import EndpointSecurity", error, _apply(calls), _subscribe(calls)]
    return calls.notes.exported("\n\n".join(parts) + "\n")


def literal(raw: bytes) -> str:
    """A path as an argument: a string literal, or the bytes themselves where they are not UTF-8."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return f"[{', '.join(str(byte - 256 if byte > 127 else byte) for byte in raw)}, 0]"
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(c: str) -> str:
    if c in '"\\':
        return f"\\{c}"
    return c if c.isprintable() else f"\\u{{{ord(c):x}}}"


def _apply(calls: Calls) -> str:
    lists: dict[Events, str] = {}
    body = list(_body(calls, lists))
    lines = [
        _DOC,
        f"@available(macOS {calls.since}, *)",
        "func applyMutePlan(",
        "    to client: OpaquePointer, saved: inout UnsafeMutablePointer<es_muted_paths_t>?",
        ") throws -> [UInt32] {",
        f"    {'var' if calls.processes else 'let'} ended: [UInt32] = []",
        "    saved = nil",
    ]
    for events, name in lists.items():
        names = "\n".join(f"        {event.c_name}," for event in events)
        lines.append(f"    let {name}: [es_event_type_t] = [\n{names}\n    ]")
    return "\n".join([*lines, *body, "    return ended", "}"])


def _body(calls: Calls, lists: dict[Events, str]) -> Iterator[str]:
    if calls.clears or calls.paths or calls.invert:
        yield _CHECK
    if calls.clears:
        yield _SAVE
    if calls.clear_paths:
        yield '    try check(es_unmute_all_paths(client), "es_unmute_all_paths")'
    if calls.clear_targets:
        yield '    try check(es_unmute_all_target_paths(client), "es_unmute_all_target_paths")'
    if calls.paths:
        yield _MUTE_PATH
    for path in calls.paths:
        events = _argument(path.events, lists)
        yield f"    try mute(ES_MUTE_PATH_TYPE_{path.type.name}, {literal(path.path)}{events})"
    if calls.processes:
        yield _MUTE_PROCESS
    for process in calls.processes:
        events = _argument(process.events, lists)
        yield f"    mute(pid: {process.pid}, pidversion: {process.pidversion}{events})"
    if calls.invert:
        yield _INVERT
    for dimension in calls.invert:
        yield f"    try invert(ES_MUTE_INVERSION_TYPE_{dimension.name})"


def _subscribe(calls: Calls) -> str:
    lines = [
        "/// Subscribes to what the plan wants; call it after `applyMutePlan`.",
        "func subscribeMutePlan(_ client: OpaquePointer) throws {",
    ]
    if not calls.subscribe:
        return "\n".join([*lines, "    // The plan subscribes to nothing.", "}"])
    lines += [
        "    let events: [es_event_type_t] = [",
        *(f"        {_event(event, calls)}," for event in calls.subscribe),
        "    ]",
        "    guard es_subscribe(client, events, UInt32(events.count)) == ES_RETURN_SUCCESS else {",
        '        throw MutePlanError.failed(call: "es_subscribe")',
        "    }",
        "}",
    ]
    return "\n".join(lines)


def _event(event: EventType, calls: Calls) -> str:
    """A type to subscribe to; by its number where the plan does not name it and an older SDK lacks it."""
    if calls.every_type and release(event.since) > release(calls.since):
        return f"es_event_type_t(rawValue: {event.number}) /* {event.c_name} */"
    return event.c_name


def _argument(events: Events | None, lists: dict[Events, str]) -> str:
    return "" if events is None else f", {lists.setdefault(events, f'events{len(lists) + 1}')}"
