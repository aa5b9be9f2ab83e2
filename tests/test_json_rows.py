from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estui.message import loads
from estui.tui.json_rows import (
    MORE,
    NEXT_PAGE,
    PAGE,
    ROW_LIMIT,
    Folds,
    JsonRows,
    Path,
    field_path,
    jq_filter,
    jq_path,
    pretty_lines,
    summary,
    value_at,
)

TOKEN = {"pid": 812, "pidversion": 2846, "euid": 501, "auid": 501}
FILE = {"path_truncated": False, "stat": {"st_mode": 33261, "st_size": 4}, "path": "/bin/zsh"}
EVENT: dict[str, Any] = {
    "time": "2026-01-01T00:00:00.000000000Z",
    "event": {"exec": {"args": ["zsh", "-l"], "target": {"executable": FILE, "audit_token": TOKEN}}},
    "process": {"executable": FILE, "audit_token": TOKEN, "ppid": 1},
    "zebra": 1,
    "apple": 2,
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


def outline(rows: JsonRows) -> list[str]:
    return [f"{'  ' * row.depth}{'-' if row.open else '+' if row.folds else ' '}{row.key}" for row in rows]


def place(rows: JsonRows, *path: str | int) -> int:
    found = rows.locate(path)
    assert found.exact, path
    return found.at


def test_an_event_opens_on_who_acted_and_what_happened() -> None:
    assert outline(JsonRows(EVENT)) == [
        "-process",
        "  -audit_token",
        "     pid",
        "     pidversion",
        "     euid",
        "     auid",
        "  +executable",
        "   ppid",
        "-event",
        "  -exec",
        "    +target",
        "    -args",
        "       0",
        "       1",
        " time",
        " apple",
        " zebra",
    ]


def test_key_order_of_the_line_makes_no_difference() -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return value

    assert outline(JsonRows(turned(EVENT))) == outline(JsonRows(EVENT))
    assert outline(JsonRows({"b": 1, "a": 2}, ordered=False)) == [" b", " a"]


def test_folding_and_unfolding_one() -> None:
    rows = JsonRows(EVENT)
    before = outline(rows)
    at = place(rows, "process", "executable")
    assert rows.unfold(at)
    assert not rows.unfold(at)
    assert outline(rows)[at : at + 4] == ["  -executable", "     path", "     path_truncated", "    +stat"]
    assert rows.fold(at)
    assert outline(rows) == before
    assert not rows.fold(place(rows, "time"))
    assert not rows.unfold(place(rows, "time"))


def test_folds_outlive_the_event_they_were_chosen_on() -> None:
    folds = Folds()
    first = JsonRows(EVENT, folds)
    first.unfold(place(first, "process", "executable"))
    first.fold(place(first, "process", "audit_token"))
    assert outline(JsonRows({**EVENT, "zebra": 9}, folds)) == outline(first)


@pytest.mark.parametrize(("level", "count"), [(1, 5), (2, 9), (9, 33)])
def test_levels(level: int, count: int) -> None:
    rows = JsonRows(EVENT)
    rows.to_level(level)
    assert len(rows) == count
    rows.to_level(None)
    assert outline(rows) == outline(JsonRows(EVENT))


def test_parent_and_siblings() -> None:
    rows = JsonRows(EVENT)
    euid = place(rows, "process", "audit_token", "euid")
    assert rows.parent(euid) == place(rows, "process", "audit_token")
    assert rows.parent(place(rows, "process")) == place(rows, "process")
    token = place(rows, "process", "audit_token")
    assert rows.sibling(token, 1) == place(rows, "process", "executable")
    assert rows.sibling(token, -1) == token
    assert rows.sibling(place(rows, "event"), -1) == place(rows, "process")
    assert rows.sibling(place(rows, "zebra"), 1) == place(rows, "zebra")


def test_reveal_opens_what_hides_a_path() -> None:
    rows = JsonRows(EVENT)
    path: Path = ("event", "exec", "target", "executable", "stat", "st_mode")
    assert not rows.locate(path).exact
    found = rows.reveal(path)
    assert found.exact
    assert rows[found.at].value == 33261
    near = rows.reveal(("event", "exec", "nothing", "here"))
    assert (rows[near.at].path, near.exact) == (("event", "exec"), False)


def test_long_containers_come_in_pages() -> None:
    rows = JsonRows({"event": {"x": {"list": list(range(5000))}}})
    at = place(rows, "event", "x", "list")
    rows.unfold(at)
    more = at + PAGE + 1
    assert (rows[more].kind, rows[more].count) == (MORE, 5000 - PAGE)
    assert rows.toggle(more)
    assert rows[more].value == PAGE
    assert (rows[more + NEXT_PAGE].kind, rows[more + NEXT_PAGE].count) == (MORE, 5000 - PAGE - NEXT_PAGE)
    # What was brought stays through folding.
    rows.fold(at)
    rows.unfold(at)
    assert rows[more + NEXT_PAGE].kind == MORE


def test_unfolding_everything_stops_somewhere() -> None:
    rows = JsonRows({"event": {"x": {str(number): [[0] * 20] * 20 for number in range(190)}}})
    rows.to_level(1 << 20)
    assert ROW_LIMIT <= len(rows) < ROW_LIMIT * 2


def test_nesting_deeper_than_python_calls() -> None:
    raw = b"[" * 1000 + b"1" + b"]" * 1000
    rows = JsonRows(loads(raw), ordered=False)
    rows.to_level(1 << 20)
    assert len(rows) == 1000
    assert len(list(pretty_lines(loads(raw)))) == 2001
    assert summary((), loads(raw)) == "[[[…]]]"


@pytest.mark.parametrize("value", [5, "x", None, True, {}, []])
def test_a_bare_value_is_one_row(value: Any) -> None:
    rows = JsonRows(value)
    assert [(row.path, row.key, row.folds) for row in rows] == [((), None, False)]
    assert (rows.parent(0), rows.sibling(0, 1), rows.locate(()).exact) == (0, 0, True)


def test_summaries() -> None:
    assert summary(("executable",), FILE) == "/bin/zsh"
    assert summary(("audit_token",), TOKEN) == "pid 812.2846  euid 501"
    assert (
        summary(("instigator_token",), [501, 0, 20, 501, 20, 21497, 100013, 38282])
        == "pid 21497.38282  euid 0"
    )
    assert summary(("target",), EVENT["process"]) == "/bin/zsh  pid 812.2846  euid 501"
    assert summary((), {"a": 1, "b": "x", "c": [1, 2]}) == '{a: 1, b: "x", c: [1, 2]}'
    assert summary((), list(range(9))) == "[0, 1, 2, 3, 4, …]"
    assert len(summary((), ["x" * 10**6])) <= 160


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), "."),
        (("a", "b", 0), ".a.b[0]"),
        ((0, "a"), ".[0].a"),
        (("a b", 'q"'), '.["a b"]["q\\""]'),
        (("a", "é"), '.a["\\u00e9"]'),
        (("\x1b[2J",), '.["\\u001b[2J"]'),
        (("\udcff",), '.["\\ufffd"]'),
    ],
)
def test_jq_paths(path: Path, text: str) -> None:
    assert jq_path(path) == text


def test_jq_filters() -> None:
    assert jq_filter(("process", "ppid"), 1) == "select(.process.ppid == 1)"
    assert jq_filter(("event",), {"exec": {}}) == ".event"
    assert jq_filter(("a",), None) == "select(.a == null)"
    assert jq_filter(("a",), 'x"\x07') == 'select(.a == "x\\"\\u0007")'
    assert field_path(("event", "exec", "fds", 3, "fd")) == "event.exec.fds[3].fd"


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not here")
@settings(deadline=None, max_examples=30)
@given(value=json_values)
def test_jq_understands_the_paths(value: Any) -> None:
    rows = JsonRows({"top": value}, ordered=False)
    rows.to_level(1 << 20)
    row = max(rows, key=lambda row: len(row.path))
    got = subprocess.run(
        ["jq", "-c", jq_path(row.path)], input=orjson.dumps({"top": value}), capture_output=True, check=True
    )
    if not isinstance(row.value, int) or abs(row.value) < 2**53:
        assert json.loads(got.stdout) == row.value


@given(value=json_values)
def test_rows_name_every_value(value: Any) -> None:
    rows = JsonRows(value, ordered=False)
    rows.to_level(1 << 20)
    for index, row in enumerate(rows):
        assert value_at(value, row.path) == row.value
        assert rows.locate(row.path) == (index, True)
        assert row.depth == max(0, len(row.path) - 1)


@given(value=json_values)
def test_indented_text_is_the_same_json(value: Any) -> None:
    text = "\n".join(pretty_lines(value))
    assert json.loads(text) == value
    assert text == json.dumps(value, indent=2, ensure_ascii=False)


def test_indented_text_carries_bytes_that_are_not_utf8() -> None:
    assert list(pretty_lines(loads(b'{"a":"\xff"}'))) == ["{", '  "a": "\udcff"', "}"]
