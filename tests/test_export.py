"""Plans as source code: what it calls when it runs, or how a real grammar reads it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estui.events import NOTIFY
from estui.lab.export import FORMATS, ExportError, export
from estui.muting import MuteSet, path_bytes
from estui.plan import EXAMPLES, MutePath, MuteProcess, Plan, find_plan, load
from estui.record import Rules
from tests.cores import WITHOUT_CORE
from tests.exporting import (
    HOSTILE_PATHS,
    HOSTILE_PLAN,
    PLANS,
    QUESTIONS,
    STANDIN,
    record_c,
    record_rust,
    recorded,
    replayed,
    run,
    tool,
)

pytestmark = WITHOUT_CORE

NAMED = [
    *(load(find_plan(name)) for name in EXAMPLES),
    HOSTILE_PLAN,
    Plan(),
    Plan(subscribe=()),
    Plan(invert_process=True, processes=(MuteProcess(1, 2), MuteProcess(3, 4, ("exec", "fork")))),
    Plan(invert_path=True, invert_target_path=True, default_mute_set="macos26"),
    Plan(paths=(MutePath("TARGET_LITERAL", "/a", ("fork",)), MutePath("PREFIX", "/b", enabled=False))),
    Plan(subscribe=("tcc_modify", "hover", "bootstrap_check_in")),
]
BATCHES = st.lists(PLANS, min_size=8, max_size=8)
"""Plans that are compiled together, for a compiler takes long to start."""


def state(mutes: MuteSet) -> tuple[Rules, list[Any], frozenset[str]]:
    """All of a client but its subscription, the paths of each dimension in their order; and the subscription."""
    rules = mutes.rules()
    paths = sorted(rules.paths, key=lambda rule: rule.type >= 2)
    subscribed = mutes.subscriptions()
    return (
        rules._replace(paths=(), subscribe=None),
        paths,
        frozenset(NOTIFY) if subscribed is None else subscribed,
    )


def wanted(plan: Plan) -> tuple[Rules, list[Any], frozenset[str]]:
    """The same of what C can say of a plan: no path with NUL in it, no type without a number."""
    rules, paths, subscribed = state(
        plan.with_entries(
            entry for entry in plan.entries if "\0" not in getattr(entry, "path", "")
        ).mute_set()
    )
    return rules, paths, subscribed & frozenset(NOTIFY)


def check_calls(plan: Plan, lines: list[list[str]]) -> None:
    """The calls rebuild the plan, in the order that Apple asks for, and no call is made for nothing."""
    assert ["applied", "0"] in lines
    assert lines[-1] == ["subscribed", "0"]
    assert state(replayed(plan, lines)) == wanted(plan)
    names = [words[0] for words in lines]
    groups = [
        r"(muted_paths_events )(release_muted_paths )?",
        r"(unmute_all_paths |unmute_all_target_paths )+",
        r"(mute_path |mute_path_events )*",
        r"(mute_process |mute_process_events )*",
        r"(muting_inverted invert_muting )*",
        r"(applied )(saved )?(release_muted_paths )?(subscribe )?(subscribed )",
    ]
    clears = plan.invert_process or plan.invert_path or plan.invert_target_path
    assert re.fullmatch("".join(groups if clears else groups[2:]), " ".join([*names, ""]))
    assert ("saved" in names or "release_muted_paths" in names) is clears
    assert ("unmute_all_paths" in names) is (plan.invert_process or plan.invert_path)
    assert ("unmute_all_target_paths" in names) is plan.invert_target_path
    mutes = [name for name in names if name.startswith("mute_")]
    assert len(mutes) <= len(plan.entries) + len(plan.default_entries())
    if not clears:
        assert len(mutes) <= len(plan.entries), "the default set is the client's own"


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_c_compiles_without_a_warning_and_rebuilds_the_plan(compiler: str, tmp_path: Path) -> None:
    records = recorded(run([record_c(NAMED, tmp_path, tool(compiler))]))
    assert len(records) == len(NAMED)
    for plan, lines in zip(NAMED, records, strict=True):
        check_calls(plan, lines)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@settings(max_examples=8)
@given(plans=BATCHES)
def test_any_plan_is_rebuilt_by_its_c(compiler: str, plans: list[Plan]) -> None:
    found = tool(compiler)
    with TemporaryDirectory() as folder:
        records = recorded(run([record_c(plans, Path(folder), found)]))
    for plan, lines in zip(plans, records, strict=True):
        check_calls(plan, lines)


def test_c_without_a_place_for_the_default_set_releases_it(tmp_path: Path) -> None:
    plan = Plan(invert_path=True)
    [lines] = recorded(run([record_c([plan], tmp_path, tool("gcc"), saving=False)]))
    check_calls(plan, lines)
    assert lines[:3] == [["muted_paths_events"], ["release_muted_paths"], ["unmute_all_paths"]]


FULL = Plan(
    subscribe=("open",),
    invert_process=True,
    invert_path=True,
    invert_target_path=True,
    paths=(MutePath("PREFIX", "/a"), MutePath("TARGET_PREFIX", "/b", ("open",))),
    processes=(MuteProcess(1, 2), MuteProcess(3, 4, ("open",))),
)


def check_failures(program: Path) -> None:
    """Whichever call fails, no further one is made; but a process that has ended is passed over."""
    [whole] = recorded(run([program]))
    calls = [
        words for words in whole if words[0] not in QUESTIONS - {"muted_paths_events", "muting_inverted"}
    ]
    assert len(calls) == 14
    for number, words in enumerate(calls, 1):
        [lines] = recorded(run([program], RECORDER_FAIL=str(number)))
        applied = lines.index(["applied", "1"]) if ["applied", "1"] in lines else None
        if words[0].startswith("mute_process"):
            assert lines == whole
        elif words[0] == "subscribe":
            assert lines == [*whole[:-1], ["subscribed", "1"]]
        else:
            assert applied is not None
            assert [line for line in lines[:applied] if line in calls] == calls[:number]


def test_c_stops_at_the_call_that_fails(tmp_path: Path) -> None:
    check_failures(record_c([FULL], tmp_path, tool("gcc")))


def test_rust_stops_at_the_call_that_fails(tmp_path: Path) -> None:
    check_failures(record_rust([FULL], tmp_path))


@pytest.mark.parametrize("plan", [FULL, HOSTILE_PLAN, Plan(paths=(MutePath("PREFIX", "/a"),)), Plan()])
@pytest.mark.parametrize("macos", ["10.15", "12.0", "15.4"])
def test_c_calls_nothing_an_older_macos_lacks(plan: Plan, macos: str, tmp_path: Path) -> None:
    """clang, compiling for macOS, sees that every call stands behind the gate."""
    file = tmp_path / "plan.c"
    file.write_text(export(plan, "c").text, encoding="utf-8")
    words = ["-fsyntax-only", "-ffreestanding", "-std=c11", "-Wall", "-Wextra", "-Werror"]
    words += ["-Wunguarded-availability", f"-I{STANDIN / 'es_client'}"]
    run([tool("clang"), "-target", f"arm64-apple-macos{macos}", *words, file])


def test_the_gate_may_be_replaced_and_is_needed(tmp_path: Path) -> None:
    file = tmp_path / "plan.c"
    file.write_text(export(FULL, "c").text, encoding="utf-8")
    words = ["-fsyntax-only", "-ffreestanding", "-Werror", "-Wunguarded-availability"]
    words += [f"-I{STANDIN / 'es_client'}", "-target", "arm64-apple-macos11.0"]
    run(
        [
            tool("clang"),
            *words,
            "-DMUTE_PLAN_AVAILABLE(version)=__builtin_available(macOS version,*)",
            "-DMUTE_PLAN_SINCE(version)=__attribute__((availability(macos,introduced=version)))",
            file,
        ]
    )
    with pytest.raises(AssertionError, match="only available on macOS 13"):
        run([tool("clang"), *words, "-DMUTE_PLAN_AVAILABLE(version)=1", file])


def test_rust_compiles_without_a_warning_and_rebuilds_the_plan(tmp_path: Path) -> None:
    records = recorded(run([record_rust(NAMED, tmp_path)]))
    for plan, lines in zip(NAMED, records, strict=True):
        assert state(replayed(plan, lines)) == wanted(plan)


@settings(max_examples=6)
@given(plans=BATCHES)
def test_any_plan_is_rebuilt_by_its_rust(plans: list[Plan]) -> None:
    with TemporaryDirectory() as folder:
        records = recorded(run([record_rust(plans, Path(folder))]))
    for plan, lines in zip(plans, records, strict=True):
        assert state(replayed(plan, lines)) == wanted(plan)


def swift_paths(source: str) -> list[tuple[str, bytes]]:
    """The kind and path of each call of mute(), as the grammar finds them; the text must be all Swift."""
    tree_sitter: Any = pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
    grammar: Any = pytest.importorskip("tree_sitter_swift", reason="tree-sitter-swift is not installed")
    raw = source.encode()
    tree = tree_sitter.Parser(tree_sitter.Language(grammar.language())).parse(raw)
    assert not tree.root_node.has_error
    found = []
    pending = [tree.root_node]
    while pending:
        node = pending.pop()
        pending += reversed(node.children)
        assert node.type not in {"interpolated_expression", "raw_string_literal", "multi_line_string_literal"}
        if node.type == "call_expression" and node.text.startswith(b"mute(ES_"):
            arguments = [child for child in walk(node) if child.type == "value_argument"]
            kind = arguments[0].text.decode().removeprefix("ES_MUTE_PATH_TYPE_")
            found.append((kind, swift_bytes(arguments[1])))
    return found


def walk(node: Any) -> list[Any]:
    """A node and all below it, in order."""
    return [node, *(below for child in node.children for below in walk(child))]


def swift_bytes(argument: Any) -> bytes:
    """The C string that an argument becomes: of a literal, or of an array of numbers that ends in 0."""
    [value] = argument.children
    if value.type == "array_literal":
        *numbers, end = [int(number) for number in value.text.decode().strip("[]").split(",")]
        assert end == 0
        return bytes(number % 256 for number in numbers)
    assert value.type == "line_string_literal"
    text = ""
    for part in value.children[1:-1]:
        piece = part.text.decode()
        if part.type == "str_escaped_char":
            code = re.fullmatch(r"\\u\{([0-9a-f]+)\}", piece)
            piece = chr(int(code[1], 16)) if code else {'\\"': '"', "\\\\": "\\"}[piece]
        text += piece
    return text.encode()


def check_swift(plan: Plan) -> None:
    calls = [(kind, path) for kind, path in swift_paths(export(plan, "swift").text)]
    expected = [
        (entry.type, path_bytes(entry.path))
        for entry in (*plan.default_entries(), *plan.paths)
        if entry.enabled and "\0" not in entry.path and entry.rule().mask
        if entry in plan.paths
        or (plan.invert_target_path if "TARGET" in entry.type else plan.invert_path or plan.invert_process)
    ]
    assert calls == expected


@pytest.mark.parametrize("plan", NAMED, ids=lambda plan: plan.name)
def test_swift_is_read_by_its_grammar(plan: Plan) -> None:
    check_swift(plan)


@settings(max_examples=40)
@given(PLANS)
def test_any_plan_is_swift(plan: Plan) -> None:
    check_swift(plan)


@pytest.mark.parametrize("to", FORMATS)
def test_hostile_text_goes_into_every_format(to: str) -> None:
    text, _ = export(HOSTILE_PLAN, to)
    assert text.endswith("\n")
    lines = text.split("\n")
    assert all(c.isprintable() for line in lines for c in line), "controls and bidi characters are escaped"
    text.encode()


@pytest.mark.parametrize("to", FORMATS)
@given(plan=PLANS)
def test_what_is_not_expressed_stands_in_the_text(to: str, plan: Plan) -> None:
    exported = export(plan, to)
    assert all(c.isprintable() for line in exported.text.split("\n") for c in line)
    assert all(warning.isprintable() for warning in exported.warnings)
    assert exported.text.count("Not expressed here: ") == len(exported.warnings)
    if exported.warnings:
        with pytest.raises(ExportError) as caught:
            export(plan, to, strict=True)
        assert caught.value.warnings == exported.warnings
    else:
        assert export(plan, to, strict=True) == exported


def test_what_c_cannot_express() -> None:
    plan = Plan(subscribe=("open", "hover"), paths=tuple(MutePath("PREFIX", path) for path in HOSTILE_PATHS))
    for to in ("c", "swift", "rust"):
        assert export(plan, to).warnings == (
            'PREFIX "/nul\\x00byte": a NUL byte ends a path',
            'PREFIX "/1\\xff1\\x001": a NUL byte ends a path',
            'subscribing to "hover": estui does not know the type\'s number',
        )
    assert export(replace(plan, paths=(), subscribe=("open",)), "c").warnings == ()
