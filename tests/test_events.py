from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.events import (
    BY_C_NAME,
    CATEGORIES,
    EVENT_TYPES,
    HEAVY,
    INSTIGATOR_EVENTS,
    NOTIFY,
    PETITIONER_EVENTS,
    PRESETS,
    event_number,
)
from estui.text import printable

NEW_IN = {
    # release: (AUTH, NOTIFY, reserved)
    "10.15": (20, 30, 0),
    "10.15.1": (15, 18, 0),
    "10.15.4": (2, 3, 0),
    "11.0": (5, 7, 0),
    "11.3": (1, 2, 0),
    "12.0": (1, 7, 0),
    "13.0": (0, 15, 0),
    "14.0": (0, 20, 0),
    "15.0": (0, 1, 0),
    "15.4": (0, 1, 0),
    "26.3": (0, 0, 3),
    "26.4": (0, 0, 4),
    "26.5": (0, 0, 2),
    "27.0": (3, 2, 0),
}

NUMBERS = {
    "exec": 9, "open": 10, "fork": 11, "close": 12, "create": 13, "exit": 15, "rename": 25, "signal": 31,
    "unlink": 32, "write": 33, "lookup": 43, "stat": 54, "uipc_bind": 76, "uipc_connect": 78,
    "proc_check": 86, "copyfile": 110, "authentication": 111, "xp_malware_detected": 112,
    "openssh_login": 120, "btm_launch_item_add": 124, "su": 128, "sudo": 131, "od_delete_group": 144,
    "xpc_connect": 145, "gatekeeper_user_override": 146, "tcc_modify": 147, "bootstrap_check_in": 159,
    "bootstrap_look_up": 161, "ES_EVENT_TYPE_AUTH_EXEC": 0, "ES_EVENT_TYPE_AUTH_SIGNAL": 7,
    "ES_EVENT_TYPE_AUTH_UIPC_BIND": 77, "ES_EVENT_TYPE_NOTIFY_EXEC": 9, "ES_EVENT_TYPE_RESERVED_8": 156,
}  # fmt: skip


def test_the_index_is_the_number() -> None:
    assert [event.number for event in EVENT_TYPES] == list(range(162))


@pytest.mark.parametrize(("name", "number"), NUMBERS.items())
def test_numbers_are_apples(name: str, number: int) -> None:
    assert event_number(name) == number


def test_the_releases_add_up() -> None:
    counted = Counter((event.since, event.action) for event in EVENT_TYPES)
    for release, counts in NEW_IN.items():
        assert tuple(counted[release, action] for action in ("AUTH", "NOTIFY", "RESERVED")) == counts
    assert {event.since for event in EVENT_TYPES} == set(NEW_IN)


def test_names_agree_with_c_names() -> None:
    for event in EVENT_TYPES:
        assert BY_C_NAME[event.c_name] is event
        assert event.label == (event.name or event.c_name)
        if event.action == "NOTIFY":
            assert event.c_name == f"ES_EVENT_TYPE_NOTIFY_{event.name.upper()}"
            assert NOTIFY[event.name] is event
        else:
            assert not event.name
            assert event.c_name.startswith(f"ES_EVENT_TYPE_{event.action}_")
    assert len(NOTIFY) == 106


def test_an_auth_type_has_the_category_and_targets_of_its_notify_twin() -> None:
    auth = [event for event in EVENT_TYPES if event.action == "AUTH"]
    assert len(auth) == 47
    for event in auth:
        twin = BY_C_NAME[event.c_name.replace("_AUTH_", "_NOTIFY_")]
        assert (event.category, event.target_path_fields) == (twin.category, twin.target_path_fields)


def test_44_notify_types_support_targets() -> None:
    supporting = {event.name for event in NOTIFY.values() if event.supports_targets}
    assert len(supporting) == 44
    assert supporting.isdisjoint({"fork", "exit", "lookup", "mount", "mprotect", "fsgetpath", "su"})
    assert {"exec", "open", "rename", "signal", "proc_check", "uipc_bind", "searchfs"} <= supporting


def test_every_type_teaches_one_short_line_of_its_own() -> None:
    for event in EVENT_TYPES:
        assert 20 < len(event.teaches) <= 101
        assert event.teaches.endswith(".")
        assert printable(event.teaches) == event.teaches
    lines = Counter(event.teaches for event in EVENT_TYPES if event.action != "RESERVED")
    assert lines.most_common(1)[0][1] == 1


def test_categories_hold_every_notify_type_once() -> None:
    assert sorted(name for names in CATEGORIES.values() for name in names) == sorted(NOTIFY)
    assert CATEGORIES["Uncategorized/OpenSSH"] == ("openssh_login", "openssh_logout")


def test_the_sets_name_types_that_exist() -> None:
    assert list(PRESETS) == ["process", "files", "authentication", "remote access", "persistence", "XProtect"]
    for names in PRESETS.values():
        assert len(set(names)) == len(names) > 0
        assert set(names) <= set(NOTIFY)
    assert set(NOTIFY) >= HEAVY
    assert set(NOTIFY) >= INSTIGATOR_EVENTS >= PETITIONER_EVENTS
    assert len(INSTIGATOR_EVENTS) == 12 + 13
    assert "lookup" in HEAVY


@given(st.text())
def test_a_name_nobody_knows_has_no_number(name: str) -> None:
    assert event_number(name) is None or name in NOTIFY or name in BY_C_NAME
