"""Events that are not ES's own: the badge, what is null and why, what estui marked, and what it left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from estui.fields import explain
from estui.sources.file import FileSource
from estui.text import printable
from estui.tui import origins
from estui.tui.app import EstuiApp
from estui.tui.detail import Detail
from estui.tui.help import Help, HelpLines
from estui.tui.status import exit_words, size_words
from tests.cores import event
from tests.tui.panels import flowing, screen, text, until
from tests.tui.screens import (
    NARROW,
    WIDE,
    Scripted,
    at,
    golden,
    investigation,
    numbered,
    opened,
    strip,
    ticked,
)

HOSTILE = "/tmp/\x1b]0;pwned\x07\n[/foo]\u202eabc\udcff"


def linux(name: str, *targets: str, number: int = 1, **members: Any) -> bytes:
    """An event as the Linux sources write it: what Linux cannot know is null."""
    document = json.loads(
        event(name, *targets, pid=1, executable="/usr/bin/make", time=at(number), **members).decode()
    )
    if name == "attrib":
        document["event"][name] = {"target": {"path": targets[0]}}
    unsigned = dict.fromkeys(("cdhash", "signing_id", "team_id", "codesigning_flags", "is_platform_binary"))
    document["process"] |= {**unsigned, "responsible_audit_token": None, "tty": None}
    document["process"]["executable"]["stat"] = None
    document["estui_origin"] = "linux"
    return json.dumps(document).encode()


def rows(app: EstuiApp) -> str:
    return "\n".join(text(app.panels.events))


# ---- the badge


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "160x50"])
async def test_a_source_that_is_not_es_has_a_badge(size: tuple[int, int]) -> None:
    source = Scripted()
    source.origin = "linux"
    async with opened(investigation(source), size) as (app, pilot):
        assert strip(app).endswith("LINUX  SIMULATED")
        source.put(linux("exec", "/bin/ls"), b"bad", event("open", global_seq_num=9))
        await ticked(pilot, 1.0)
        assert strip(app).endswith("LINUX  SIMULATED")


async def test_a_recording_from_linux_has_it_too(tmp_path: Path) -> None:
    path = tmp_path / "linux.jsonl"
    path.write_bytes(b'bad\n{"estui":"mark","words":"x"}\n' * 100 + linux("exec", "/bin/ls") + b"\n")
    session = investigation(FileSource(str(path)))
    async with opened(session) as (app, pilot):
        await until(pilot, lambda: "LINUX  SIMULATED" in strip(app))
        app.tick()
    assert session.origin == "linux"


async def test_the_first_event_is_asked_once() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        asked: list[int] = []
        raw = session.core.raw
        session.core.raw = lambda seq: asked.append(seq) or raw(seq)  # type: ignore[method-assign,func-returns-value]
        source.put(*numbered(3))
        await ticked(pilot, 1.0)
        assert "LINUX" not in strip(app)
        del asked[:]
        for _ in range(5):
            assert session.origin == ""
        assert not asked


async def test_an_origin_is_no_way_to_the_terminal() -> None:
    source = Scripted(kind="file")
    async with opened(investigation(source), (200, 40)) as (app, pilot):
        source.put(event("exec", "/bin/ls", estui_origin=HOSTILE, estui_failed=HOSTILE, estui_guess=HOSTILE))
        await ticked(pilot, 1.0)
        await pilot.press("enter")
        await ticked(pilot, 1.0)
        screen(app)  # fails if anything on it could drive a terminal
        assert r"/TMP/\X1B]0;PWNED" in strip(app)


# ---- what is null, and why


def test_every_field_that_linux_cannot_know_says_why() -> None:
    for name in ("cdhash", "signing_id", "team_id", "codesigning_flags", "is_platform_binary", "stat"):
        assert origins.why_null(("process", name), "exec"), name
    assert "opened" in origins.why_null(("event", "open", "fflag"), "open")
    assert origins.why_null(("event_type",), "attrib")
    assert not origins.why_null(("event_type",), "exec")
    assert not origins.why_null(("process", "tty"), "exec")
    assert not origins.why_null((), "exec")
    assert not origins.why_null(("event", 0), "exec")


def test_what_estui_writes_into_a_line_is_explained() -> None:
    for name in ("estui_origin", "estui_failed", "estui_guess", "estui_shard"):
        words = explain(name, "exec")
        assert words, name
        assert len(words) <= 100
        assert words == printable(words)
    assert explain("event.attrib.target.path", "attrib")


def test_notes_of_lines() -> None:
    assert origins.notes_of(None) == origins.NONE
    assert origins.notes_of(event()) == origins.NONE
    assert origins.notes_of(b'{"estui_origin": ') == origins.NONE
    assert origins.notes_of(b'["estui_origin"]') == origins.NONE
    notes = origins.notes_of(event(estui_origin="linux", estui_failed="ENOENT", estui_guess=True))
    assert notes == ("Linux", "ENOENT", "yes")
    assert (notes.glyph, notes.words) == ("✗", " (ENOENT)")
    assert origins.notes(json.loads(event(estui_failed=7, estui_guess=[]))) == ("", "yes", "")


async def test_the_detail_explains_a_null() -> None:
    source = Scripted()
    async with opened(investigation(source), (100, 50)) as (app, pilot):
        source.put(linux("open", "/etc/passwd", estui_guess="it may have been there before"))
        await ticked(pilot, 1.0)
        await pilot.press("4")
        await ticked(pilot, 1.0)
        detail = app.panels.query_one(Detail)
        golden("detail-linux", "\n".join(text(detail)))
        while not detail.line(detail.cursor, 90).text.strip().startswith("cdhash"):
            before = detail.cursor
            await pilot.press("j")
            assert detail.cursor > before
        assert "null: Linux cannot know this: programs on Linux carry no code signature." in flowing(app)
        assert "Hash over the code directory" in flowing(app)


async def test_values_that_are_only_a_macs_are_not_decoded() -> None:
    source = Scripted()
    async with opened(investigation(source), (100, 50)) as (app, pilot):
        source.put(linux("exec", "/bin/ls"))
        await ticked(pilot, 1.0)
        await pilot.press("4")
        await ticked(pilot, 1.0)
        assert "launchd" not in screen(app)


# ---- what estui marked


async def test_failures_and_guesses_are_marked_in_words() -> None:
    source = Scripted()
    source.origin = "linux"
    async with opened(investigation(source), NARROW) as (app, pilot):
        source.put(
            linux("open", "/etc/passwd", number=1),
            linux("open", "/no/such/file", number=2, estui_failed="ENOENT"),
            linux("create", "/private/tmp/new", number=3, estui_guess=True),
            linux("unlink", "/very/" + "long/" * 30 + "name", number=4, estui_failed="EACCES"),
            linux("fork", number=5, estui_failed="EAGAIN"),
            linux("attrib", "/etc/motd", number=6),
        )
        await ticked(pilot, 1.0)
        golden("rows-linux", rows(app))


async def test_only_rows_that_are_seen_are_read() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session, NARROW) as (_, pilot):
        asked: set[int] = set()
        raw = session.core.raw
        session.core.raw = lambda seq: asked.add(seq) or raw(seq)  # type: ignore[method-assign,func-returns-value]
        source.put(*(linux("open", "/etc/passwd", number=number) for number in range(500)))
        await ticked(pilot, 1.0)
        assert len(asked) < 30
        asked.clear()
        await pilot.press("j", "j", "k")
        await ticked(pilot, 1.0)
        assert len(asked) < 5


async def test_attrib_is_a_type_of_its_own() -> None:
    source = Scripted()
    async with opened(investigation(source)) as (app, pilot):
        source.put(linux("attrib", "/etc/motd"), event("brand_new"))
        await ticked(pilot, 1.0)
        await pilot.press("2", "G", "k", "k")
        lines = text(app.panels.types)
        for words in ("▾ [x] Linux only", "  [x] attrib", "▾ [x] Unknown", "  [x] brand_new"):
            assert any(words in line for line in lines), words
        assert "attrib: Mode, owner, times" in flowing(app)


async def test_types_that_a_restart_does_not_bring_do_not_ask_for_one() -> None:
    source = Scripted(sends=frozenset(["open"]), controls=["restart"])
    source.known = frozenset(["open", "exec"])
    async with opened(investigation(source)) as (app, pilot):
        await ticked(pilot, 1.0)
        assert "1 not sent: R restarts source" in screen(app)
        source.sends = source.known
        source.put(*numbered(1))
        await ticked(pilot, 1.0)
        assert "not sent by this source" in screen(app)
        assert "R restarts" not in screen(app)


# ---- what was left out, and how it ended


async def test_what_was_left_out_is_counted() -> None:
    source = Scripted()
    async with opened(investigation(source)) as (app, pilot):
        assert "left out" not in strip(app)
        source.noise = 0
        await ticked(pilot, 1.0)
        assert "left out" not in strip(app)
        source.noise = 1204
        await ticked(pilot, 1.0)
        assert "left out 1,204" in strip(app)
        await pilot.resize_terminal(*NARROW)
        await ticked(pilot, 1.0)
        assert "left out" not in strip(app)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help))
        await until(pilot, lambda: app.screen.query_one(HelpLines).count() > 0)
        assert "1,204 events of estui itself" in flowing(app)


def test_words_for_an_end_and_a_size() -> None:
    assert exit_words(0) == "exit status 0"
    assert exit_words(137) == "exit status 137 (SIGKILL)"
    assert exit_words(255) == "exit status 255"
    sizes = {0: "0 kB", 7_900: "8 kB", 12_400_000: "12.4 MB", 2_500_000_000: "2.50 GB"}
    assert {number: size_words(number) for number in sizes} == sizes
