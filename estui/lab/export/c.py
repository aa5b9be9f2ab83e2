"""A plan as C: a function that makes its calls, to be compiled into an Endpoint Security client."""

from __future__ import annotations

from collections.abc import Iterator

from estui.events import EventType
from estui.lab.export.calls import Calls, Events, release
from estui.lab.export.notes import Exported
from estui.plan import Plan

_PRELUDE = """\
#include <stddef.h>
#include <stdint.h>

#include <EndpointSecurity/EndpointSecurity.h>

/* Whether the system has the calls of a macOS release; and that a function needs one. */
#ifndef MUTE_PLAN_AVAILABLE
#if defined(__APPLE__) && defined(__clang__)
#define MUTE_PLAN_AVAILABLE(version) __builtin_available(macOS version, *)
#define MUTE_PLAN_SINCE(version) __attribute__((availability(macos, introduced = version)))
#else
#define MUTE_PLAN_AVAILABLE(version) 1
#endif
#endif
#ifndef MUTE_PLAN_SINCE
#define MUTE_PLAN_SINCE(version)
#endif

/* Is told which call failed; define it to log that. */
#ifndef MUTE_PLAN_LOG
#define MUTE_PLAN_LOG(call) ((void)(call))
#endif

/* Call this on a new client, before subscribing. Where the plan inverts muting, what the client had muted is
   saved into *saved first (saved may be NULL); release that with es_release_muted_paths(), also after an error.
   Otherwise *saved is NULL. After ES_RETURN_ERROR the plan is applied in part: delete the client. */
es_return_t apply_mute_plan(es_client_t *client, es_muted_paths_t **saved);

/* Then this, to subscribe to what the plan wants. */
es_return_t subscribe_mute_plan(es_client_t *client);
"""

_SDK = """\
/* The SDK, for event types that came later: 140000 is that of macOS 14. */
#ifndef MUTE_PLAN_SDK
#ifdef __MAC_OS_X_VERSION_MAX_ALLOWED
#define MUTE_PLAN_SDK __MAC_OS_X_VERSION_MAX_ALLOWED
#else
#define MUTE_PLAN_SDK 999999
#endif
#endif
"""


def export(plan: Plan) -> Exported:
    calls = Calls(plan)
    comment = [f"// {line}" for line in calls.notes.lines()]
    prelude = _PRELUDE + (f"\n{_SDK}" if calls.every_type else "")
    parts = ["\n".join(comment), prelude.rstrip(), _calls(calls), _apply(calls), _subscribe(calls)]
    return calls.notes.exported("\n\n".join(parts) + "\n")


def literal(raw: bytes) -> str:
    """A string literal. All but plain ASCII is octal, and nothing can become a trigraph."""
    text = ""
    for byte in raw:
        c = chr(byte)
        if c in '"\\' or (c == "?" and text.endswith("?")):
            text += f"\\{c}"
        else:
            text += c if " " <= c <= "~" else f"\\{byte:03o}"
    return f'"{text}"'


def _calls(calls: Calls) -> str:
    lists: dict[Events, str] = {}
    body = [*_paths(calls, lists), *_processes(calls, lists)]
    lines = [
        f"MUTE_PLAN_SINCE({calls.since})",
        "static es_return_t make_mute_plan_calls(es_client_t *client, es_muted_paths_t **saved)",
        "{",
    ]
    for events, name in lists.items():
        lines += [f"    static const es_event_type_t {name}[] = {{", *_list(events, 8), "    };"]
    lines += [*_clear(calls), *body]
    for dimension in calls.invert:
        inversion = f"ES_MUTE_INVERSION_TYPE_{dimension.name}"
        lines += [
            f"    switch (es_muting_inverted(client, {inversion})) {{",
            "    case ES_MUTE_INVERTED: /* a second call would undo the first */",
            "        break;",
            "    case ES_MUTE_NOT_INVERTED:",
            f"        if (es_invert_muting(client, {inversion}) != ES_RETURN_SUCCESS) {{",
            *_failed("es_invert_muting", 12),
            "        }",
            "        break;",
            "    default:",
            *_failed("es_muting_inverted", 8),
            "    }",
        ]
    if not (calls.clears or calls.paths or calls.processes or calls.invert):
        lines.append("    (void)client; /* the plan mutes nothing */")
    return "\n".join([*lines, "    return ES_RETURN_SUCCESS;", "}"])


def _clear(calls: Calls) -> Iterator[str]:
    if not calls.clears:
        yield "    (void)saved; /* the default mute set stays */"
        return
    yield from (
        "    es_muted_paths_t *muted = NULL;",
        "    if (es_muted_paths_events(client, &muted) != ES_RETURN_SUCCESS) {",
        *_failed("es_muted_paths_events", 8),
        "    }",
        "    if (saved != NULL) {",
        "        *saved = muted;",
        "    } else {",
        "        es_release_muted_paths(muted);",
        "    }",
    )
    if calls.clear_paths:
        yield from _checked("es_unmute_all_paths", "client")
    if calls.clear_targets:
        yield from _checked("es_unmute_all_target_paths", "client")


def _paths(calls: Calls, lists: dict[Events, str]) -> Iterator[str]:
    if not calls.paths:
        return
    yield from (
        "    static const struct {",
        "        es_mute_path_type_t type;",
        "        const char *path;",
        "        const es_event_type_t *events; /* NULL: all */",
        "        size_t count;",
        "    } paths[] = {",
    )
    for call in calls.paths:
        events = _argument(call.events, lists)
        yield f"        {{ES_MUTE_PATH_TYPE_{call.type.name}, {literal(call.path)}, {events}}},"
    yield from (
        "    };",
        "    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {",
        "        es_return_t result = paths[i].events == NULL",
        "            ? es_mute_path(client, paths[i].path, paths[i].type)",
        "            : es_mute_path_events(client, paths[i].path, paths[i].type, paths[i].events, paths[i].count);",
        "        if (result != ES_RETURN_SUCCESS) {",
        *_failed("es_mute_path", 12),
        "        }",
        "    }",
    )


def _processes(calls: Calls, lists: dict[Events, str]) -> Iterator[str]:
    if not calls.processes:
        return
    yield from (
        "    /* Of an audit token, the words pid and pidversion name the execution. */",
        "    static const struct {",
        "        audit_token_t token;",
        "        const es_event_type_t *events; /* NULL: all */",
        "        size_t count;",
        "    } processes[] = {",
    )
    for call in calls.processes:
        events = _argument(call.events, lists)
        yield f"        {{{{{{0, 0, 0, 0, 0, {call.pid}u, 0, {call.pidversion}u}}}}, {events}}},"
    yield from (
        "    };",
        "    for (size_t i = 0; i < sizeof processes / sizeof *processes; i++) {",
        "        es_return_t result = processes[i].events == NULL",
        "            ? es_mute_process(client, &processes[i].token)",
        "            : es_mute_process_events(client, &processes[i].token, processes[i].events, processes[i].count);",
        "        if (result != ES_RETURN_SUCCESS) {",
        '            MUTE_PLAN_LOG("es_mute_process"); /* it has ended, which is no failure of the plan */',
        "        }",
        "    }",
    )


def _apply(calls: Calls) -> str:
    return "\n".join(
        (
            "es_return_t apply_mute_plan(es_client_t *client, es_muted_paths_t **saved)",
            "{",
            "    if (saved != NULL) {",
            "        *saved = NULL;",
            "    }",
            f"    if (MUTE_PLAN_AVAILABLE({calls.since})) {{",
            "        return make_mute_plan_calls(client, saved);",
            "    }",
            f'    MUTE_PLAN_LOG("this needs macOS {calls.since}");',
            "    return ES_RETURN_ERROR;",
            "}",
        )
    )


def _subscribe(calls: Calls) -> str:
    lines = ["es_return_t subscribe_mute_plan(es_client_t *client)", "{"]
    if not calls.subscribe:
        lines += [
            "    (void)client; /* the plan subscribes to nothing */",
            "    return ES_RETURN_SUCCESS;",
            "}",
        ]
        return "\n".join(lines)
    lines.append("    static const es_event_type_t events[] = {")
    if calls.every_type:
        lines += _gated(calls)
    else:
        lines += _list(calls.subscribe, 8)
    lines += [
        "    };",
        "    es_return_t result = es_subscribe(client, events, (uint32_t)(sizeof events / sizeof *events));",
        "    if (result != ES_RETURN_SUCCESS) {",
        '        MUTE_PLAN_LOG("es_subscribe");',
        "    }",
        "    return result;",
        "}",
    ]
    return "\n".join(lines)


def _gated(calls: Calls) -> Iterator[str]:
    """The types to subscribe to, those that an older SDK lacks behind its number."""
    gate = ""
    for event in sorted(calls.subscribe, key=lambda event: release(event.since)):
        since = event.since if release(event.since) > release(calls.since) else ""
        if since != gate:
            if gate:
                yield "#endif"
            if since:
                major, minor, *_ = (*release(since), 0)
                yield f"#if MUTE_PLAN_SDK >= {major * 10000 + minor * 100}"
            gate = since
        yield f"        {event.c_name},"
    if gate:
        yield "#endif"


def _list(events: Events, indent: int) -> list[str]:
    return [f"{' ' * indent}{event.c_name}," for event in events]


def _argument(events: tuple[EventType, ...] | None, lists: dict[Events, str]) -> str:
    """Two members of a row: the array of these types, made where there is none yet, and its length."""
    if events is None:
        return "NULL, 0"
    return f"{lists.setdefault(events, f'events_{len(lists) + 1}')}, {len(events)}"


def _checked(call: str, arguments: str) -> Iterator[str]:
    yield f"    if ({call}({arguments}) != ES_RETURN_SUCCESS) {{"
    yield from _failed(call, 8)
    yield "    }"


def _failed(call: str, indent: int) -> tuple[str, str]:
    space = " " * indent
    return f'{space}MUTE_PLAN_LOG("{call}");', f"{space}return ES_RETURN_ERROR;"
