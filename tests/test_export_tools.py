"""Plans as other tools' configuration and as a document, Mac Monitor's mute files read back, and the commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from estui.defaults import DEFAULT_MUTE_SETS
from estui.events import EVENT_TYPES, NOTIFY
from estui.lab.export import FORMATS, export
from estui.lab.macmonitor import TYPE, loads
from estui.muting import kept_mask
from estui.plan import MutePath, MuteProcess, Plan, PlanError, find_plan, load, save
from tests.cores import PATIENCE, WITHOUT_CORE
from tests.exporting import HOSTILE_PATHS, HOSTILE_PLAN, PLANS

pytestmark = WITHOUT_CORE

# osquery


def flags(text: str) -> dict[str, str]:
    """A flag file as gflags reads it: a flag a line, up to the line's end; # begins a comment."""
    found = {}
    for line in text.split("\n"):
        if line and not line.startswith("#"):
            assert line.startswith("--")
            name, _, value = line[2:].partition("=")
            found[name] = value
    return found


def test_osquery_mutes_executables() -> None:
    plan = Plan(
        subscribe=("create", "rename", "write", "truncate", "open"),
        paths=(
            MutePath("PREFIX", "/a b/"),
            MutePath("PREFIX", "/é"),
            MutePath("LITERAL", "/c", ("open", "write", "rename", "create", "truncate", "exec")),
            MutePath("LITERAL", "/off", enabled=False),
        ),
    )
    exported = export(plan, "osquery", strict=True)
    assert flags(exported.text) == {
        "disable_events": "false",
        "disable_endpointsecurity": "false",
        "disable_endpointsecurity_fim": "false",
        "es_fim_enable_open_events": "true",
        "es_fim_mute_path_prefix": "/a b/,/é",
        "es_fim_mute_path_literal": "/c",
    }
    assert '# Disabled in the plan, so left out: LITERAL "/off"' in exported.text


def test_what_osquery_cannot_express() -> None:
    plan = Plan(
        subscribe=("create", "exec"),
        invert_process=True,
        invert_target_path=True,
        paths=(
            MutePath("PREFIX", "/a,b"),
            MutePath("PREFIX", "/a\nb"),
            MutePath("PREFIX", "/a "),
            MutePath("PREFIX", "/\u202e"),
            MutePath("PREFIX", "/\udcff"),
            MutePath("TARGET_PREFIX", "/a"),
            MutePath("LITERAL", "/a", ("open",)),
        ),
        processes=(MuteProcess(1, 2),),
    )
    exported = export(plan, "osquery")
    assert len(exported.warnings) == 7 + 1 + 2 + 2
    assert set(flags(exported.text)) == {
        "disable_events",
        "disable_endpointsecurity",
        "disable_endpointsecurity_fim",
    }


@given(PLANS)
def test_osquery_gets_whole_paths_or_none(plan: Plan) -> None:
    found = flags(export(plan, "osquery").text)
    given_ = {
        path for name, value in found.items() if name.startswith("es_fim_mute") for path in value.split(",")
    }
    assert given_ <= {entry.path for entry in plan.paths if entry.enabled and not entry.path_type.is_target}
    assert all(path.isprintable() for path in given_)


# Mac Monitor


def mac_monitor(plan: Plan) -> Plan:
    """What of a plan a mute file holds, in its order: absolute paths and NOTIFY types."""
    merged: dict[tuple[str, str], int] = {}
    for entry in plan.paths:
        ok = entry.enabled and entry.path.startswith("/") and "\0" not in entry.path
        if not ok or any("\udc80" <= c <= "\udcff" for c in entry.path):
            continue
        mask = entry.rule().mask
        if entry.events is not None:
            mask &= sum(1 << event.number for event in NOTIFY.values())
        if mask:
            merged[entry.type, entry.path] = merged.get((entry.type, entry.path), 0) | mask
    entries = []
    for (kind, path), mask in sorted(merged.items()):
        every = mask == kept_mask(MutePath(kind, path).path_type, MutePath("PREFIX", "/").rule().mask)
        names = tuple(event.name for event in NOTIFY.values() if mask >> event.number & 1)
        entries.append(MutePath(kind, path, None if every else names))
    return Plan(paths=tuple(entries))


@given(PLANS)
def test_a_mute_file_and_back_is_the_same_plan_as_far_as_it_goes(plan: Plan) -> None:
    text = export(plan, "macmonitor").text
    document = json.loads(text)
    assert document["version"] == 1
    assert set(document) == {"version", "mutes", "comments"}
    assert text.isascii()
    imported = loads(text.encode())
    assert imported.warnings == ()
    assert imported.plan.rules() == mac_monitor(plan).rules()
    again = json.loads(export(imported.plan, "macmonitor").text)
    assert again["mutes"] == document["mutes"]
    assert export(imported.plan, "macmonitor").warnings == ()


def test_what_a_mute_file_looks_like() -> None:
    plan = Plan(
        name="x",
        invert_path=True,
        paths=(
            MutePath("TARGET_PREFIX", "/b/", ("open", "fork", "ES_EVENT_TYPE_AUTH_OPEN")),
            MutePath("PREFIX", "/a\u202e"),
        ),
        processes=(MuteProcess(1, 2),),
    )
    exported = export(plan, "macmonitor")
    assert json.loads(exported.text)["mutes"] == [
        {"events": [], "path": "/a\u202e", "type": "ES_MUTE_PATH_TYPE_PREFIX"},
        {"events": ["ES_EVENT_TYPE_NOTIFY_OPEN"], "path": "/b/", "type": "ES_MUTE_PATH_TYPE_TARGET_PREFIX"},
    ]
    assert exported.warnings == (
        'TARGET_PREFIX "/b/" for open, fork, ES_EVENT_TYPE_AUTH_OPEN: only its NOTIFY types are here',
        "PROCESS pid 1 pidversion 2: a mute file holds no processes",
        "inverting path muting: Mac Monitor mutes what the plan selects",
    )


def test_what_is_too_much_for_mac_monitor() -> None:
    many = Plan(paths=tuple(MutePath("LITERAL", f"/{number}") for number in range(4097)))
    assert export(many, "macmonitor").warnings == ("4097 mutes: Mac Monitor takes at most 4096",)
    large = Plan(paths=tuple(MutePath("LITERAL", f"/{number:0>1000}") for number in range(1100)))
    assert export(large, "macmonitor").warnings == ("so large a file: Mac Monitor takes at most 1 MiB",)
    long = Plan(paths=(MutePath("LITERAL", "/" + "é" * 512),))
    assert len(export(long, "macmonitor").warnings) == 1


def mute(path: Any = "/a", kind: Any = "PREFIX", **members: Any) -> dict[str, Any]:
    return {"path": path, "type": f"ES_MUTE_PATH_TYPE_{kind}", **members}


def listed(*mutes: dict[str, Any], end: str = "\n") -> bytes:
    """A list as Mac Monitor exported before its version 2.2."""
    return end.join(json.dumps({"eventCount": 0, **entry}) for entry in mutes).encode()


def version_1(*mutes: Any, **members: Any) -> bytes:
    return json.dumps({"version": 1, "mutes": mutes, **members}).encode()


def test_a_mute_file_as_others_may_write_it() -> None:
    data = version_1(
        mute(), mute("/b", "TARGET_LITERAL", events=["ES_EVENT_TYPE_NOTIFY_OPEN"] * 2, id="x"), more=[]
    )
    imported = loads(data)
    assert imported.plan.paths == (MutePath("PREFIX", "/a"), MutePath("TARGET_LITERAL", "/b", ("open",)))
    assert imported.warnings == ()
    assert loads(version_1()).plan == Plan()


def test_an_old_list_names_every_event_where_it_means_all() -> None:
    names = [event.c_name for event in EVENT_TYPES if event.number < 126]
    captured = [event.c_name for event in NOTIFY.values() if event.number < 148]
    targets = [event.c_name for event in EVENT_TYPES if event.supports_targets]
    data = listed(
        mute("/a", events=names),
        mute("/b", events=captured),
        mute("/c", events=captured[1:]),
        mute("/d", "TARGET_PREFIX", events=targets),
        mute("/e", "PREFIX", events=targets),
        mute("/f"),
        end="\r\n\n",
    )
    events = {entry.path: entry.events for entry in loads(data).plan.paths}
    assert events["/a"] is events["/b"] is events["/d"] is events["/f"] is None
    assert events["/c"] is not None
    assert events["/e"] is not None
    assert loads(listed(mute())).plan.paths == (MutePath("PREFIX", "/a"),)


def test_apples_default_set_as_it_was_exported() -> None:
    for entries in DEFAULT_MUTE_SETS.values():
        data = listed(*(mute(entry.path, entry.type, events=list(entry.events)) for entry in entries))
        assert [(entry.type, entry.path, entry.events) for entry in loads(data).plan.paths] == list(entries)


def test_what_mac_monitor_leaves_out_is_left_out_and_said() -> None:
    data = version_1(
        mute("relative"),
        mute("/nul\0"),
        mute("/a", "TARGET_PREFX"),
        mute("/b", events=["ES_EVENT_TYPE_NOTIFY_FUTURE"]),
        mute("/c", events=["ES_EVENT_TYPE_NOTIFY_FUTURE", "ES_EVENT_TYPE_NOTIFY_OPEN"]),
    )
    imported = loads(data)
    assert imported.plan.paths == (MutePath("PREFIX", "/c", ("open",)),)
    assert imported.warnings == (
        "mutes 1: left out, for its path is not absolute",
        "mutes 2: left out, for its path holds a NUL byte",
        f"mutes 3: left out, for its type is none of Endpoint Security's (the nearest is {TYPE}TARGET_PREFIX)",
        "mutes 4: events left out that estui does not know: ES_EVENT_TYPE_NOTIFY_FUTURE",
        "mutes 4: left out, for it names only events that estui does not know",
        "mutes 5: events left out that estui does not know: ES_EVENT_TYPE_NOTIFY_FUTURE",
    )


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"", "the file is empty"),
        (b" \n\r\n", "the file is empty"),
        (b"garbage", "neither a mute file"),
        (b"[]", "must be an object"),
        (b"{}", "version"),
        (b'{"version":2,"mutes":[]}', "version 2, of a newer Mac Monitor"),
        (b'{"version":true,"mutes":[]}', "version"),
        (b'{"version":1}', "mutes"),
        (b'{"version":1,"mutes":{}}', "mutes"),
        (version_1(7), "mutes 1: this must be an object"),
        (version_1(mute(), {"path": "/a"}), "mutes 2: type"),
        (version_1(mute(path=7)), "mutes 1: path"),
        (version_1(mute(events="x")), "mutes 1: events"),
        (version_1(mute(events=[1])), "mutes 1: events"),
        (b'{"version":1,"mutes":[{"path":"/\\ud800","type":"ES_MUTE_PATH_TYPE_PREFIX"}]}', "neither"),
        (version_1(mute()).replace(b"/a", b"/\xff"), "neither"),
        (listed(mute(), mute()) + b"\ngarbage", "line 3: this is not JSON"),
        (listed(mute(), {"path": "/c"}), "line 2: type"),
    ],
)
def test_a_file_that_is_no_mute_file_says_where(data: bytes, place: str) -> None:
    with pytest.raises(PlanError) as caught:
        loads(data, "m.json")
    assert str(caught.value).startswith("m.json: ")
    assert place in str(caught.value)
    assert str(caught.value).isprintable()


@given(st.binary() | st.binary().map(lambda raw: b'{"version":1,"mutes":[' + raw + b"]}"))
def test_any_bytes_are_a_mute_file_or_an_error(data: bytes) -> None:
    with suppress(PlanError):
        loads(data)


# Markdown


def cells(text: str) -> list[list[str]]:
    """The rows of all tables, each cell as its reader sees it; nothing else may be found in the text."""
    rows: list[list[str]] = []
    within = False
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        assert token.type.partition("_")[0] not in {"html", "fence", "code", "blockquote"}
        if token.type in {"table_open", "table_close"}:
            within = token.type == "table_open"
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            for child in token.children or ():
                assert child.type in {"text", "text_special", "html_inline"}, child
                assert child.type != "html_inline" or child.content in {"<code>", "</code>"}
            if within:
                kept = (child.content for child in token.children or () if child.type != "html_inline")
                rows[-1].append("".join(kept))
    return rows


@given(PLANS)
def test_markdown_shows_every_rule(plan: Plan) -> None:
    text = export(plan, "markdown").text
    rows = [row for row in cells(text) if len(row) == 6 and row[0].isdigit()]
    assert len(rows) == len(plan.entries)
    for row, entry in zip(rows, plan.entries, strict=True):
        assert row[4] == ("all" if entry.events is None else ", ".join(entry.events))
        assert row[5] == ("" if entry.enabled else "disabled")
        if isinstance(entry, MutePath):
            plain = entry.path.isprintable() and '"' not in entry.path and "\\" not in entry.path
            assert row[3] == entry.path if plain else row[3].startswith('"')


def test_markdown_of_hostile_paths_tells_them_apart() -> None:
    rows = cells(export(HOSTILE_PLAN, "markdown").text)
    shown = {row[3] for row in rows if len(row) == 6 and row[0].isdigit()}
    assert len(shown) == len(HOSTILE_PATHS)
    assert '"/back\\\\slash\\\\"' in shown
    assert '"/bytes\\xff\\x80\\xc3"' in shown
    assert "*b* _i_ [l](x) <script> &amp; ~~~ ```" in shown


def test_markdown_says_what_is_inverted_and_subscribed() -> None:
    text = export(load(find_plan("persistence-only")), "markdown").text
    assert "target path muting is inverted" in text
    assert ["write", NOTIFY["write"].since, NOTIFY["write"].teaches] in cells(text)
    assert "Every NOTIFY type." in export(Plan(), "markdown").text


# The commands

Estui = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def estui(tmp_path: Path) -> Estui:
    """Run `estui plan WORDS...` in an empty folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ESTUI_")}
    kept["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    work = tmp_path / "work"
    work.mkdir()

    def run(*words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "estui", "plan", *words],
            capture_output=True,
            check=False,
            cwd=work,
            env={**kept, **variables},
            timeout=PATIENCE,
            encoding="utf-8",
        )

    return run


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A plan file."""
    path = tmp_path / "hostile \x1b[31m.toml"
    save(replace(HOSTILE_PLAN, paths=(*HOSTILE_PLAN.paths, MutePath("PREFIX", "/日本"))), path)
    return path


@pytest.mark.parametrize("to", FORMATS)
def test_export_prints_what_it_writes(to: str, estui: Estui, hostile: Path, tmp_path: Path) -> None:
    plan = load(hostile)
    printed = estui("export", hostile, "--to", to, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert printed.returncode == 0
    assert printed.stdout == export(plan, to).text
    file = tmp_path / "out"
    written = estui("export", hostile, "--to", to, "-o", file)
    assert (written.returncode, written.stdout) == (0, "")
    assert file.read_text(encoding="utf-8") == printed.stdout
    said = written.stderr.splitlines()
    assert len(said) == len(export(plan, to).warnings)
    assert all(line.isprintable() for line in said)
    document = json.loads(estui("export", hostile, "--to", to, "--json").stdout)
    assert document["text"] == printed.stdout
    assert len(document["warnings"]) == len(said)


def test_strict_writes_nothing(estui: Estui, hostile: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.c"
    file.write_text("before")
    result = estui("export", hostile, "--to", "c", "--strict", "-o", file)
    assert (result.returncode, result.stdout) == (1, "")
    assert "NUL" in result.stderr
    assert "--strict" in result.stderr
    assert file.read_text() == "before"
    assert estui("export", hostile, "--to", "c", "--strict").stdout == ""
    assert estui("export", "log-directory", "--to", "c", "--strict").returncode == 0


def test_import_writes_a_plan(estui: Estui, tmp_path: Path) -> None:
    mutes = tmp_path / "mutes.json"
    mutes.write_bytes(version_1(mute("/a\u202e"), mute("relative\x1b")))
    printed = estui("import", mutes)
    assert printed.returncode == 0
    assert printed.stderr.splitlines() == [f"{mutes}: mutes 2: left out, for its path is not absolute"]
    file = tmp_path / "plan.toml"
    assert estui("import", mutes, "-o", file).stdout == ""
    assert file.read_text() == printed.stdout
    assert load(file) == Plan(paths=(MutePath("PREFIX", "/a\u202e"),))
    assert json.loads(estui("import", mutes, "--json").stdout)["plan"] == printed.stdout


def test_commands_that_cannot_work_say_so(estui: Estui, tmp_path: Path) -> None:
    mutes = tmp_path / "mutes\x1b.json"
    mutes.write_text("garbage")
    nowhere = tmp_path / "none" / "out"
    for code, words in (
        (2, ("export", "quiet-build")),
        (2, ("export", "quiet-build", "--to", "perl")),
        (2, ("export", tmp_path / "none.toml", "--to", "c")),
        (1, ("export", "quiet-build", "--to", "c", "-o", nowhere)),
        (1, ("export", "quiet-build", "--to", "c", "-o", tmp_path)),
        (2, ("import",)),
        (2, ("import", mutes)),
        (2, ("import", tmp_path)),
        (2, ("import", tmp_path / "none.json")),
    ):
        result = estui(*words)
        assert (result.returncode, result.stdout) == (code, ""), words
        assert result.stderr
        assert all(line.isprintable() for line in result.stderr.splitlines())
    assert not nowhere.exists()
