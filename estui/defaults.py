"""Apple's default mute sets: what a new client already mutes, from dumps of macOS 13.3.1 and macOS 26.

Every client starts with one, and es_muted_paths_events() lists it. It guards against deadlocks and watchdog
panics, so it holds AUTH types only: NOTIFY events of these programs still arrive. Dumps of other releases are
not known.
"""

from __future__ import annotations

from typing import NamedTuple

from estui.events import EVENT_TYPES


class DefaultMute(NamedTuple):
    """One entry of a default mute set."""

    type: str
    path: str
    events: tuple[str, ...]
    """C names, in the order of es_event_type_t."""


_NOT_MUTED = {"EXEC", "MOUNT", "KEXTLOAD", "FILE_PROVIDER_MATERIALIZE", "FILE_PROVIDER_UPDATE"}
_PREFIX = "ES_EVENT_TYPE_AUTH_"

# Both releases have the same 44 AUTH types; macOS 27 was the first to add more.
_AUTH = tuple(
    event.c_name
    for event in EVENT_TYPES
    if event.action == "AUTH"
    and event.c_name.removeprefix(_PREFIX) not in _NOT_MUTED
    and int(event.since.split(".")[0]) < 27
)
_AUTH_NO_COPYFILE = tuple(name for name in _AUTH if name != _PREFIX + "COPYFILE")

_TCCD = "/System/Library/PrivateFrameworks/TCC.framework"
_SKYLIGHT = "/System/Library/PrivateFrameworks/SkyLight.framework"

_MACOS_13 = (
    f"{_SKYLIGHT}/Versions/A/Resources/WindowServer",
    f"{_TCCD}/Support/tccd",
    f"{_TCCD}/Versions/A/Resources/tccd",
    "/usr/bin/heap",
    "/usr/bin/sample",
    "/usr/bin/tailspin",
    "/usr/libexec/amfid",
    "/usr/libexec/opendirectoryd",
    "/usr/libexec/runningboardd",
    "/usr/libexec/sandboxd",
    "/usr/libexec/syspolicyd",
    "/usr/libexec/trustd",
    "/usr/libexec/watchdogd",
    "/usr/sbin/cfprefsd",
    "/usr/sbin/securityd",
    "/usr/sbin/spindump",
)

_MACOS_26_ADDED = (
    "/System/Library/Frameworks/CoreTelephony.framework/Support/CommCenter",
    "/System/Library/Frameworks/SystemExtensions.framework/Versions/A/Helpers/sysextd",
    "/usr/appleinternal/bin/tailspin",
    "/usr/bin/lskq",
    "/usr/libexec/configd",
    "/usr/libexec/kernelmanagerd",
    "/usr/libexec/lightsoutmanagementd",
    "/usr/libexec/remoted",
    "/usr/local/libexec/automationdevicemonitoringd",
    "/usr/sbin/lsof",
)

_MACOS_26_NO_COPYFILE = (f"{_SKYLIGHT}/Resources/WindowServer", "/usr/libexec/logd")

_MACOS_26_EXEC = (
    "/usr/appleinternal/bin/tailspin",
    "/usr/bin/heap",
    "/usr/bin/lskq",
    "/usr/bin/sample",
    "/usr/bin/tailspin",
    "/usr/sbin/lsof",
    "/usr/sbin/spindump",
)

DEFAULT_MUTE_SETS: dict[str, tuple[DefaultMute, ...]] = {
    "macos13": tuple(DefaultMute("LITERAL", path, _AUTH) for path in _MACOS_13),
    "macos26": (
        *(DefaultMute("LITERAL", path, _AUTH) for path in _MACOS_13 + _MACOS_26_ADDED),
        *(DefaultMute("LITERAL", path, _AUTH_NO_COPYFILE) for path in _MACOS_26_NO_COPYFILE),
        *(DefaultMute("TARGET_LITERAL", path, (_PREFIX + "EXEC",)) for path in _MACOS_26_EXEC),
    ),
}
"""The sets by the name a plan's `default_mute_set` gives them; a plan's "none" is the absence of one."""
