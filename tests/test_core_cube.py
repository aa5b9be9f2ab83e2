"""The cube: what a core counts in groups, against a plain reading of the rows, and both cores against each other."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui._twin import TwinCore
from estui.core import NATIVE_ERROR, Core, NativeCore, open_core
from estui.record import KIND_EVENT, NODE_NONE, NODE_ROOT, Cell, Cube, PathRule, Rules
from tests.cores import event, filled, rows, utf8
from tests.lines import lines
from tests.test_core_judging import all_rules

PATHS = (
    "/a/b",
    "/a/b/",
    "/a/c/d",
    "/a/c/e",
    "/",
    "",
    "relative",
    "/a/c",
    "/é/\udcff",
    "/\x1b[31m\u202e[/foo]/x",
)
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["open", "rename", "fork", "glide"]),
        st.none() | st.sampled_from(PATHS),
        st.lists(st.sampled_from(PATHS), min_size=2, max_size=2),
    ),
    max_size=30,
)
RULES = st.builds(
    lambda paths, invert: Rules(None, tuple(paths), invert_target=invert),
    st.lists(
        st.builds(
            PathRule,
            st.integers(0, 3),
            st.sampled_from(["/a/", "/a/b", "/", "/é"]).map(utf8),
            st.just((1 << 256) - 1),
        ),
        max_size=2,
    ),
    st.sampled_from([False, False, True]),
)


def plain(core: Core, rules: Rules, least: int) -> Cube:
    """The cube by its definition, from the rows of a core that has judged by these rules."""
    muting = [rule for rule in rules.paths if rule.type >= 2 and not rules.invert_target]

    def muted(path: str) -> bool:
        return any(
            utf8(path) == rule.path if rule.type == 3 else utf8(path).startswith(rule.path) for rule in muting
        )

    core.judge(rules)
    found = []
    for row in rows(core):
        if row.kind == KIND_EVENT and not row.stage:
            both = len(row.targets) > 1
            found.append((row, [path for path in row.targets if not (both and muted(path))]))
    programs = _nodes([row.executable for row, _ in found if row.executable is not None], least)
    targets = _nodes([path for _, paths in found for path in paths], least)
    cells: dict[tuple[int, ...], list[int]] = {}
    for row, paths in found:
        one, other = (*paths, None, None)[:2]
        key = row.event_id, _node(programs, row.executable), _node(targets, one), _node(targets, other)
        cell = cells.setdefault(key, [0, 0, 0])
        cell[:] = cell[0] + 1, cell[1] + row.size, row.seq
    return Cube(
        (None, "", *programs), (None, "", *targets), tuple(Cell(*key, *cells[key]) for key in sorted(cells))
    )


def _nodes(paths: list[str], least: int) -> list[str]:
    """What stands for enough of these paths, but no directory of which one thing in it has all."""
    count = Counter(paths)
    names = {path for path in paths if path and not path.endswith("/")}
    directories = {path[: place + 1] for path in paths for place, char in enumerate(path) if char == "/"}
    weight = {name: count[name] for name in names}
    for directory in directories:
        weight[directory] = sum(number for path, number in count.items() if path.startswith(directory))
    kept = []
    for name, own in weight.items():
        inside = [
            weight[other] for other in weight if other[: other.rstrip("/").rfind("/") + 1] == name != other
        ]
        if own >= least and not (name.endswith("/") and own in inside):
            kept.append(name)
    return sorted(kept, key=utf8)


def _node(nodes: list[str], path: str | None) -> int:
    if path is None:
        return NODE_NONE
    above = [
        place
        for place, name in enumerate(nodes)
        if path == name or (name[-1:] == "/" and path.startswith(name))
    ]
    return max(above, key=lambda place: len(nodes[place])) + 2 if above else NODE_ROOT


@given(EVENTS, RULES, st.integers(0, 4))
def test_a_cube_is_what_it_says(
    made: list[tuple[str, str | None, list[str]]], rules: Rules, least: int
) -> None:
    core = filled(event(name, *targets, executable=program, seq_num=1) for name, program, targets in made)
    cube = core.cube(rules, least)
    assert cube == plain(core, rules, max(least, 1))
    assert sum(cell.events for cell in cube.cells) == core.counters().delivered
    core.close()


@pytest.mark.skipif(bool(NATIVE_ERROR), reason=f"no native core: {NATIVE_ERROR}")
@given(st.lists(lines, max_size=8), all_rules, st.integers(1, 3))
def test_both_cores_say_the_same(given_lines: list[bytes], rules: Rules, least: int) -> None:
    cubes = []
    for core in (NativeCore(), TwinCore()):
        core.ingest(core.add_stream(owned=False), b"".join(line + b"\n" for line in given_lines))
        cubes.append(core.cube(rules, least))
        core.close()
    assert cubes[0] == cubes[1]


def test_deep_directories_are_as_the_20th() -> None:
    deep = "/x" * 5000
    core = filled([event("open", f"{deep}/{name}") for name in "aab"])
    cube = core.cube(Rules(), 2)
    assert cube.targets == (None, "", "/x" * 19 + "/", f"{deep}/a")
    assert [(cell.target1, cell.events, cell.last) for cell in cube.cells] == [(2, 1, 2), (3, 2, 1)]
    core.close()


def test_only_what_is_held_counts() -> None:
    core = filled([event("open", f"/a/{number}") for number in range(50)], max_events=10)
    [cell] = core.cube(Rules(), 2).cells
    assert (cell.events, cell.last) == (10, 49)
    core.close()
    empty = open_core()
    assert empty.cube(Rules(), 1) == Cube((None, ""), (None, ""), ())
    empty.close()
