"""A plan as Rust, with the crate endpoint-sec: a function that makes its calls. The same steps as the C."""

from __future__ import annotations

from collections.abc import Iterator

from estui.events import EventType
from estui.lab.export.calls import Calls, Events, newest_release, release
from estui.lab.export.notes import Exported
from estui.plan import Plan

_NEWEST = "15.4"
"""The newest macOS whose event types endpoint-sec (0.4.3) names; a later type is written by its number."""
_FEATURES = ("12.0", "13.0", "13.3", "14.0", "15.0", "15.4")
"""The releases from 12.0 that have a feature of the crate."""


def export(plan: Plan) -> Exported:
    calls = Calls(plan)
    named = calls.subscribe + calls.named
    newest = max(
        calls.since,
        newest_release(event for event in named if release(event.since) <= release(_NEWEST)),
        key=release,
    )
    feature = next(known for known in _FEATURES if release(known) >= release(newest))
    comment = [
        *calls.notes.lines(),
        f'Cargo.toml: endpoint-sec = {{ version = "0.4", features = ["macos_{feature.replace(".", "_")}_0"] }}',
        "The crate must be told the running macOS first: endpoint_sec::version::set_runtime_version().",
    ]
    parts = ["\n".join(f"// {line}" for line in comment), _uses(calls), _apply(calls), _subscribe(calls)]
    return calls.notes.exported("\n\n".join(parts) + "\n")


def literal(raw: bytes) -> str:
    """A byte string literal."""
    return 'b"' + "".join(map(_escaped, raw)) + '"'


def _escaped(byte: int) -> str:
    c = chr(byte)
    if c in '"\\':
        return f"\\{c}"
    return c if " " <= c <= "~" else f"\\x{byte:02x}"


def _uses(calls: Calls) -> str:
    raw = ["es_event_type_t"] if calls.paths or calls.processes or calls.subscribe else []
    crate = ["Client", "MutedPath"]
    standard = ["std::error::Error"]
    if calls.paths:
        raw.append("es_mute_path_type_t")
        standard += ["std::ffi::OsStr", "std::os::unix::ffi::OsStrExt"]
    if calls.processes:
        raw.append("audit_token_t")
        crate.append("AuditToken")
    if calls.invert:
        raw += ["es_mute_inversion_type_t", "MuteInvertedType"]
    lines = [f"use {name};" for name in standard]
    lines += ["", f"use endpoint_sec::{{{', '.join(sorted(crate))}}};"]
    if raw:
        names = ", ".join(sorted(raw, key=str.lower))
        lines.append(
            f"use endpoint_sec::sys::{{{names}}};" if len(raw) > 1 else f"use endpoint_sec::sys::{names};"
        )
    return "\n".join(lines)


def _apply(calls: Calls) -> str:
    lists: dict[Events, str] = {}
    body = list(_body(calls, lists))
    used = calls.clears or calls.paths or calls.processes or calls.invert
    lines = [
        "/// Applies the plan to a new client; call it before subscribing.",
        "///",
        "/// Where the plan inverts muting, what the client had muted is put into `saved` first. After an error the",
        "/// plan is applied in part: delete the client. Returned are the pids of processes that have ended, which",
        "/// cannot be muted and need not be.",
        "pub fn apply_mute_plan(",
        f"    {'' if used else '_'}client: &mut Client<'_>,",
        "    saved: &mut Vec<MutedPath>,",
        ") -> Result<Vec<u32>, Box<dyn Error>> {",
    ]
    for events, name in lists.items():
        names = "\n".join(f"        {_event(event)}," for event in events)
        lines.append(f"    const {name}: &[es_event_type_t] = &[\n{names}\n    ];")
    ended = ["    let mut ended = Vec::new();"] if calls.processes else []
    result = "    Ok(ended)" if calls.processes else "    Ok(Vec::new())"
    return "\n".join([*lines, *ended, "    saved.clear();", *body, result, "}"])


def _body(calls: Calls, lists: dict[Events, str]) -> Iterator[str]:
    if calls.clears:
        yield "    *saved = client.muted_paths_events()?;"
    if calls.clear_paths:
        yield "    client.unmute_all_paths()?;"
    if calls.clear_targets:
        yield "    client.unmute_all_target_paths()?;"
    if calls.paths:
        yield "    let paths: &[(es_mute_path_type_t, &[u8], Option<&[es_event_type_t]>)] = &["
        for path in calls.paths:
            kind = f"es_mute_path_type_t::ES_MUTE_PATH_TYPE_{path.type.name}"
            yield f"        ({kind}, {literal(path.path)}, {_argument(path.events, lists)}),"
        yield from (
            "    ];",
            "    for &(kind, path, events) in paths {",
            "        let path = OsStr::from_bytes(path);",
            "        match events {",
            "            Some(events) => client.mute_path_events(path, kind, events)?,",
            "            None => client.mute_path(path, kind)?,",
            "        }",
            "    }",
        )
    if calls.processes:
        yield "    let processes: &[(u32, u32, Option<&[es_event_type_t]>)] = &["
        for process in calls.processes:
            yield f"        ({process.pid}, {process.pidversion}, {_argument(process.events, lists)}),"
        yield from (
            "    ];",
            "    for &(pid, pidversion, events) in processes {",
            "        // Of an audit token, the words pid and pidversion name the execution.",
            "        let token = AuditToken(audit_token_t { val: [0, 0, 0, 0, 0, pid, 0, pidversion] });",
            "        let result = match events {",
            "            Some(events) => client.mute_process_events(&token, events),",
            "            None => client.mute_process(&token),",
            "        };",
            "        if result.is_err() {",
            "            ended.push(pid);",
            "        }",
            "    }",
        )
    for dimension in calls.invert:
        inversion = f"es_mute_inversion_type_t::ES_MUTE_INVERSION_TYPE_{dimension.name}"
        yield from (
            "    // A second call would undo the first.",
            f"    if client.muting_inverted({inversion})? == MuteInvertedType::Normal {{",
            f"        client.invert_muting({inversion})?;",
            "    }",
        )


def _subscribe(calls: Calls) -> str:
    client = "client" if calls.subscribe else "_client"
    lines = [
        "/// Subscribes to what the plan wants; call it after `apply_mute_plan`.",
        f"pub fn subscribe_mute_plan({client}: &mut Client<'_>) -> Result<(), Box<dyn Error>> {{",
    ]
    if not calls.subscribe:
        return "\n".join([*lines, "    Ok(()) // the plan subscribes to nothing", "}"])
    lines += [
        "    client.subscribe(&[",
        *(f"        {_event(event)}," for event in calls.subscribe),
        "    ])?;",
        "    Ok(())",
        "}",
    ]
    return "\n".join(lines)


def _event(event: EventType) -> str:
    if event.action == "RESERVED" or release(event.since) > release(_NEWEST):
        return f"es_event_type_t({event.number}) /* {event.c_name} */"
    return f"es_event_type_t::{event.c_name}"


def _argument(events: Events | None, lists: dict[Events, str]) -> str:
    return "None" if events is None else f"Some({lists.setdefault(events, f'EVENTS_{len(lists) + 1}')})"
