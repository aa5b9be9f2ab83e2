"""Plans to export, and what their exports do: compiled, run against a recorder, and replayed on a MuteSet."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import strategies as st

from estui.defaults import DEFAULT_MUTE_SETS
from estui.events import BY_C_NAME, NOTIFY
from estui.lab.export import export
from estui.muting import MuteInversionType, MutePathType, MuteSet
from estui.plan import MutePath, MuteProcess, Plan
from tests.cores import PATIENCE
from tests.lines import PATHS

STANDIN = Path(__file__).parent / "standin"

HOSTILE_PATHS = (
    "/plain",
    "/a b",
    '/"quoted"',
    "/it's",
    "/back\\slash\\",
    "/new\nline\r\ttab",
    "/nul\0byte",
    "/*/ */ // comment",
    '/"#',
    "/\\(interpolated)",
    "/\\u{41}\\x41\\101",
    "/${HOME}$(id)`id`",
    "/??/trigraph??=??",
    "/esc\x1b]0;x\x07",
    "/bidi\u202egnp.exe\u2066",
    "/\x7f\x80\x9f\xa0\u2028\ufeff\ufffd",
    "/é/日本/\U0001f600",
    "/bytes\udcff\udc80\udcc3",
    "/1\udcff1\x001",
    "/100%s%n,b=c;d|e&f<g>h",
    "| --- |",
    "-o",
    "#",
    " /leads and trails ",
    "/ends in a backslash\\",
    "*b* _i_ [l](x) <script> &amp; ~~~ ```",
    "relative",
)
"""What some path may hold, and no export may trip over."""

_SOME = st.none() | st.lists(st.sampled_from([*NOTIFY, *BY_C_NAME]), min_size=1, max_size=4).map(tuple)
_PIDS = st.integers(0, 3) | st.just((1 << 32) - 1)
_TYPES = st.sampled_from([member.name for member in MutePathType])
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
_BYTES = st.binary(min_size=1, max_size=8).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
_PATHS = st.sampled_from(HOSTILE_PATHS) | st.sampled_from([path for path in PATHS if path]) | _TEXTS | _BYTES

PLANS = st.builds(
    Plan,
    name=st.sampled_from(["", *(path for path in HOSTILE_PATHS if path.isprintable())]),
    subscribe=st.none()
    | st.lists(st.sampled_from([*NOTIFY, "hover", '"\\(1)*/'])).map(tuple)
    | st.just(tuple(NOTIFY)),
    default_mute_set=st.sampled_from(["none", *DEFAULT_MUTE_SETS]),
    instigator_votes=st.booleans(),
    invert_process=st.booleans(),
    invert_path=st.booleans(),
    invert_target_path=st.booleans(),
    paths=st.lists(st.builds(MutePath, _TYPES, _PATHS, _SOME, st.booleans()), max_size=5).map(tuple),
    processes=st.lists(st.builds(MuteProcess, _PIDS, _PIDS, _SOME, st.booleans()), max_size=3).map(tuple),
)

HOSTILE_PLAN = Plan(
    name='*/ "# \\(x) ${HOME} `id` \u202e',
    subscribe=("open", "write", "rename"),
    paths=tuple(
        MutePath(kind.name, path, events)
        for path in HOSTILE_PATHS
        for kind, events in ((MutePathType.PREFIX, None), (MutePathType.TARGET_LITERAL, ("open", "write")))
    ),
)


def tool(name: str) -> str:
    """The path of a program, or the test is skipped for want of it."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(words: Sequence[str | Path], data: bytes = b"", **variables: str) -> bytes:
    """What a program prints; it must succeed."""
    result = subprocess.run(
        list(words),
        input=data,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
        env={**os.environ, **variables},
    )
    assert result.returncode == 0, result.stderr.decode("utf-8", "replace")[-4000:]
    return result.stdout


def record_c(plans: Sequence[Plan], folder: Path, compiler: str, *, saving: bool = True) -> Path:
    """Compile exports to C, warnings being errors, to a program that makes their calls one plan after the other."""
    client = STANDIN / "es_client"
    main = ["#include <stdio.h>", '#include "recorder.h"']
    body = []
    sources = []
    for number, plan in enumerate(plans):
        (folder / f"plan_{number}.c").write_text(export(plan, "c").text, encoding="utf-8")
        names = (f"#define {name} {name}_{number}" for name in ("apply_mute_plan", "subscribe_mute_plan"))
        unit = folder / f"unit_{number}.c"
        unit.write_text("\n".join([*names, f'#include "plan_{number}.c"', ""]))
        sources.append(unit)
        main += [
            f"es_return_t apply_mute_plan_{number}(es_client_t *, es_muted_paths_t **);",
            f"es_return_t subscribe_mute_plan_{number}(es_client_t *);",
        ]
        body += [
            "    client = recorder_new();",
            "    saved = NULL;",
            f'    printf("applied %d\\n", (int)apply_mute_plan_{number}(client, {"&saved" if saving else "NULL"}));',
            '    if (saved != NULL) { puts("saved"); es_release_muted_paths(saved); }',
            f'    printf("subscribed %d\\n", (int)subscribe_mute_plan_{number}(client));',
            "    recorder_free(client);",
        ]
    main += ["int main(void)", "{", "    es_client_t *client;", "    es_muted_paths_t *saved;"]
    (folder / "main.c").write_text("\n".join([*main, *body, "    return 0;", "}", ""]))
    program = folder / "record"
    warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Wmissing-prototypes", "-Werror", "-std=c11"]
    includes = [f"-I{client}", f"-I{folder}"]
    run([compiler, *warnings, *includes, *sources, folder / "main.c", client / "recorder.c", "-o", program])
    return program


def record_rust(plans: Sequence[Plan], folder: Path) -> Path:
    """Compile exports to Rust, warnings being errors, to a program that makes their calls one after the other."""
    debian = "/usr/bin/rustc"  # the oldest of those that may be here
    rustc = debian if Path(debian).exists() else tool("rustc")
    crate = folder / "libendpoint_sec.rlib"
    compile_: list[str | Path] = [rustc, "--edition", "2021"]
    library = STANDIN / "endpoint_sec" / "lib.rs"
    run([*compile_, "--crate-type", "rlib", "--crate-name", "endpoint_sec", "-o", crate, library])
    main = []
    body = []
    for number, plan in enumerate(plans):
        (folder / f"plan_{number}.rs").write_text(export(plan, "rust").text, encoding="utf-8")
        main.append(f"mod plan_{number};")
        body += [
            "    let mut client = endpoint_sec::Client::recorder();",
            "    let mut saved = Vec::new();",
            f"    let applied = plan_{number}::apply_mute_plan(&mut client, &mut saved);",
            '    println!("applied {}", i32::from(applied.is_err()));',
            f"    let subscribed = plan_{number}::subscribe_mute_plan(&mut client);",
            '    println!("subscribed {}", i32::from(subscribed.is_err()));',
        ]
    (folder / "main.rs").write_text("\n".join([*main, "fn main() {", *body, "}", ""]))
    program = folder / "record"
    linked = ["--extern", f"endpoint_sec={crate}"]
    run([*compile_, "-D", "warnings", *linked, "-o", program, folder / "main.rs"])
    return program


QUESTIONS = {
    *("muted_paths_events", "release_muted_paths", "muting_inverted"),
    *("applied", "saved", "subscribed"),
}
"""Lines that change nothing."""


def recorded(output: bytes) -> list[list[list[str]]]:
    """The lines of each plan, split into words; the last of each is `subscribed`."""
    plans: list[list[list[str]]] = [[]]
    for line in output.decode().splitlines():
        plans[-1].append(line.split(" "))
        if line.startswith("subscribed"):
            plans.append([])
    return plans[:-1]


def replayed(plan: Plan, lines: Sequence[Sequence[str]]) -> MuteSet:
    """The client after these calls, one that began with the plan's default mute set and no subscription."""
    mutes = MuteSet(instigator_votes=plan.instigator_votes)
    for entry in plan.default_entries():
        mutes.mute_path_events(entry.path, entry.path_type, entry.events)
    mutes.unsubscribe_all()
    for name, *words in lines:
        events = None
        if name in {"mute_path_events", "mute_process_events"}:
            events = [int(number) for number in words[-1].split(",")]
        match name:
            case "mute_path" | "mute_path_events":
                path = bytes.fromhex(words[1]).decode("utf-8", "surrogateescape")
                assert mutes.mute_path_events(path, MutePathType(int(words[0])), events) == 0
            case "mute_process" | "mute_process_events":
                token = [int(word) for word in words[0].split(",")]
                assert [word for place, word in enumerate(token) if place not in (5, 7)] == [0] * 6
                mutes.mute_process_events((token[5], token[7]), events)
            case "unmute_all_paths":
                mutes.unmute_all_paths()
            case "unmute_all_target_paths":
                mutes.unmute_all_target_paths()
            case "invert_muting":
                mutes.invert_muting(MuteInversionType(int(words[0])))
            case "subscribe":
                mutes.subscribe([int(number) for number in words[0].split(",")])
            case _:
                assert name in QUESTIONS
    return mutes
