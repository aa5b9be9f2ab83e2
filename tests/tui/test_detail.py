from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot

from estui.events import NOTIFY
from estui.fields import explain
from estui.plan import MutePath
from estui.session import Session
from estui.tui.detail import Detail
from estui.tui.detail_words import Clock, decoded, local_time, parse_ns, span_words, time_words
from estui.tui.text_box import ValueScreen
from estui.tui.users import Users
from tests.cores import event
from tests.tui.panels import PanelApp, screen, session, text, until

STAT = {"st_mode": 33261, "st_size": 1310224, "st_uid": 0, "st_mtimespec": "2025-05-04T05:39:22.000000000Z"}
TOKEN = {
    "asid": 100003, "auid": 501, "egid": 20, "euid": 501, "pid": 812, "pidversion": 2846, "rgid": 20, "ruid": 501,
}  # fmt: skip
HOSTILE = "/tmp/\x1b]0;pwned\x07\u202e[/foo]\n\udcff\x00x"


def line(name: str, payload: dict[str, Any], **members: Any) -> bytes:
    """The line of one event by a process with every usual part."""
    document = {
        "time": "2026-01-01T12:00:00.500000000Z",
        "event": {name: payload},
        "process": {
            "audit_token": TOKEN,
            "executable": {"path": "/bin/zsh", "path_truncated": False, "stat": STAT},
            "signing_id": "com.apple.zsh",
            "codesigning_flags": 570425345,
            "start_time": "2026-01-01T11:59:58.400000Z",
        },
        **members,
    }
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogateescape")


OPEN = line("open", {"fflag": 1, "file": {"path": "/private/tmp/x", "path_truncated": False, "stat": STAT}})
CLOSE = line(
    "close", {"modified": True, "target": {"path": "/private/tmp/x", "path_truncated": False, "stat": STAT}}
)


@pytest.fixture(autouse=True)
def _zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is UTC, wherever this runs."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@asynccontextmanager
async def shown(
    investigation: Session, seq: int = 0, size: tuple[int, int] = (78, 30)
) -> AsyncIterator[tuple[PanelApp, Detail, Pilot[None]]]:
    """The detail of one row of a session."""
    detail = Detail(investigation, id="detail")
    app = PanelApp(investigation, detail)
    async with app.run_test(size=size) as pilot:
        show(detail, seq)
        await pilot.pause()
        yield app, detail, pilot


def show(detail: Detail, seq: int) -> None:
    core = detail.session.core
    detail.show(core.row(seq), core.raw(seq))


def here(detail: Detail) -> str:
    """The line under the cursor."""
    return detail.line(detail.cursor, detail.size.width).text.strip()


async def test_an_event_as_it_is_drawn() -> None:
    async with shown(session([OPEN])) as (_, detail, _):
        rows, _, footer = inside(detail).partition("── .process ")
        assert rows == GOLDEN
        words = " ".join(footer.split("\n", 1)[1].split())
        assert words == f"{explain('process', 'open')} open: {NOTIFY['open'].teaches}"


def inside(detail: Detail) -> str:
    """What stands inside the frame."""
    return "\n".join(row.strip("┃").rstrip() for row in text(detail)[1:-1])


GOLDEN = """\
open  12:00:00.500000  pid 812.2846  zsh
→ /private/tmp/x
✓ delivered  (x: why)
────────────────────────────────────────────────────────────────────────────
▾ process
  ▾ audit_token
      pid         812
      pidversion  2846
      euid        501
      ruid        501
      auid        501
      egid        20  = staff
      rgid        20  = staff
      asid        100003
  ▸ executable         /bin/zsh
    signing_id         "com.apple.zsh"
    codesigning_flags  570425345  = VALID | DYLD_PLATFORM | SIGNED
    start_time         "2026-01-01T11:5…  = 11:59:58.400 UTC, 2.10 s earlier
▾ event
  ▾ open
      fflag  1  = FREAD
    ▸ file   /private/tmp/x
  time     "2026-01-01T12:00:00.500000000Z"  = 2026-01-01 12:00:00.500 UTC
"""


async def test_where_nothing_is_selected_it_says_so() -> None:
    async with shown(session()) as (app, detail, _):
        detail.show(None, None)
        assert "Nothing is selected." in screen(app)
        for key in ("space", "enter", "left", "right", "y", "c", "r", "P", "J", "H", "3", "plus", "x", "G"):
            await _.press(key)


async def test_the_cursor_walks_the_rows() -> None:
    async with shown(session([OPEN])) as (_, detail, pilot):
        assert here(detail) == "▾ process"
        await pilot.press("j", "j")
        assert here(detail).startswith("pid ")
        await pilot.press("J", "J")
        assert here(detail).startswith("euid ")
        await pilot.press("H")
        assert here(detail) == "▾ audit_token"
        await pilot.press("J")
        assert here(detail) == "▸ executable         /bin/zsh"
        await pilot.press("G")
        assert here(detail).startswith("time ")
        await pilot.press("g", "K")
        assert here(detail) == "▾ process"


async def test_folding_by_keys() -> None:
    async with shown(session([OPEN])) as (_, detail, pilot):
        await pilot.press("h")
        assert here(detail) == "▸ process  /bin/zsh  pid 812.2846  euid 501"
        count = detail.count()
        await pilot.press("l")
        assert detail.count() > count
        await pilot.press("l", "left", "left")
        assert here(detail).startswith("▸ process") or here(detail) == "▾ process"
        await pilot.press("minus")
        assert detail.count() == 3
        await pilot.press("plus")
        full = detail.count()
        await pilot.press("2")
        assert 3 < detail.count() < full
        await pilot.press("0")
        assert "▾ audit_token" in "".join(text(detail))


async def test_jumps_unfold_what_hides_their_goal() -> None:
    async with shown(session([OPEN])) as (_, detail, pilot):
        await pilot.press("minus", "A")
        assert here(detail) == "▾ audit_token"
        await pilot.press("E")
        assert here(detail) == "▾ open"
        await pilot.press("P")
        assert here(detail) == "▾ process"


async def test_the_eye_stays_in_place_from_event_to_event() -> None:
    async with shown(session([OPEN, CLOSE, OPEN])) as (_, detail, pilot):
        await pilot.press("E", "j", "j", "space", "j", "j", "j")
        assert here(detail).startswith("▸ stat")
        before = detail.cursor - detail.top
        show(detail, 1)
        assert here(detail) == "▾ close"
        show(detail, 2)
        assert here(detail).startswith("▸ stat")
        assert detail.cursor - detail.top == before
        await pilot.press("P", "j", "j", "j", "j")
        assert here(detail).startswith("euid")
        show(detail, 1)
        assert here(detail).startswith("euid")


async def test_values_are_told_beside_the_raw_ones() -> None:
    login = line("openssh_login", {"success": True, "username": "alex", "uid": 501, "result_type": 2})
    async with shown(session([OPEN, login])) as (_, detail, pilot):
        await until(pilot, lambda: detail.users.name(501) == "alex")
        await pilot.press("plus")
        rows = "\n".join(detail.line(at, 76).text for at in range(detail.count()))
        assert "euid        501  = alex" in rows
        assert "fflag  1  = FREAD" in rows
        assert "-rwxr-xr-x" in rows
        assert "2.10 s earlier" in rows


def test_only_events_tell_who_a_uid_is() -> None:
    users = Users()
    assert (users.name(0), users.name(501)) == ("root", None)
    users.learn({"success": False, "uid": 501, "username": "mallory"})
    users.learn({"uid": True, "username": "x"})
    users.learn({"uid": 0, "username": "toor"})
    assert (users.name(0), users.name(501), users.name(1)) == ("root", None, None)
    users.learn({"from_uid": 501, "from_username": "alex\x1b[2J", "to_uid": 0, "to_username": "root"})
    assert users.name(501) == "alex\\x1b[2J"
    for raw in (
        b"",
        b"[]",
        b'{"event":{"open":{"uid":1,"username":"x"}}}',
        line("sudo", {"to_uid": 2, "to_username": "y"}),
    ):
        users.learn_line(raw)
    assert (users.name(1), users.name(2)) == (None, "y")


async def test_a_token_written_as_an_array_has_names() -> None:
    array = line("exit", {"stat": 0}).replace(
        json.dumps(TOKEN).encode(), b"[501,502,20,503,21,21497,100013,38282]"
    )
    async with shown(session([array])) as (_, detail, pilot):
        await pilot.press("A")
        lines = [" ".join(detail.line(at, 76).text.split()) for at in range(detail.cursor, detail.cursor + 9)]
        assert lines[0] == "▾ audit_token [8]"
        assert lines[2].startswith("[1] euid 502")
        assert lines[6].startswith("[5] pid 21497")
        assert lines[8].startswith("[7] pidversion 38282")


@pytest.mark.parametrize(
    ("key", "copied"),
    [
        ("v", b"812"),
        ("k", b"pid"),
        ("p", b".process.audit_token.pid"),
        ("q", b"select(.process.audit_token.pid == 812)"),
        ("y", OPEN),
    ],
)
async def test_copying(key: str, copied: bytes) -> None:
    async with shown(session([OPEN])) as (app, _, pilot):
        await pilot.press("j", "j", "y")
        await pilot.press(key)
        await pilot.pause()
        assert app.copied == [copied]
        assert app.said[-1].startswith("Copied ")


async def test_what_is_copied_is_true_byte_for_byte() -> None:
    raw = line("open", {"file": {"path": HOSTILE, "path_truncated": False}})
    async with shown(session([raw])) as (app, detail, pilot):
        await pilot.press("E", "j", "l", "j")
        assert here(detail) == f'path            "{HOSTILE_SHOWN}"'
        await pilot.press("c")
        assert app.copied == [HOSTILE.encode("utf-8", "surrogateescape")]
        assert HOSTILE_SHOWN in app.said[-1]
        await pilot.press("C")
        assert app.copied[-1] == raw


HOSTILE_SHOWN = "/tmp/\\x1b]0;pwned\\x07\\u202e[/foo]\\n\\xff\\x00x"


async def test_the_clipboard_gets_bytes_as_base64(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = line("open", {"file": {"path": HOSTILE, "path_truncated": False}})
    async with shown(session([raw])) as (app, _, pilot):
        written: list[str] = []
        monkeypatch.setattr(PanelApp, "copy_to_clipboard", App.copy_to_clipboard)
        monkeypatch.setattr(app._driver, "write", written.append)
        await pilot.press("E", "j", "l", "j", "c")
        [sent] = [words for words in written if words.startswith("\x1b]52;c;")]
        assert base64.b64decode(sent[7:-1]) == HOSTILE.encode("utf-8", "surrogateescape")


async def test_hostile_names_are_escaped_everywhere() -> None:
    raw = line(
        HOSTILE,
        {HOSTILE: HOSTILE, "path": HOSTILE},
        process={"executable": {"path": HOSTILE}, "audit_token": TOKEN},
    )
    async with shown(session([raw])) as (app, _, pilot):
        # screen() fails by itself where anything could drive the terminal.
        for keys in ((), ("E", "j"), ("enter",), ("escape", "y"), ("escape", "r"), ("r",), ("x",)):
            await pilot.press(*keys)
            await pilot.pause()
            assert "[/foo]" in screen(app)


async def test_a_long_value_is_cut_told_and_shown_whole() -> None:
    value = "a" * 3_000_000 + "end"
    async with shown(session([line("exec", {"args": ["x", value]})])) as (app, detail, pilot):
        await pilot.press("E", "j", "j", "j")
        assert here(detail).endswith("…  = 3,000,003 characters")
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, ValueScreen)
        assert "3,000,003 characters" in screen(app)
        await pilot.press("G", "enter")
        await pilot.press("y")
        assert app.copied == [value.encode()]
        await pilot.press("escape")
        assert not isinstance(app.screen, ValueScreen)


async def test_a_hundred_thousand_members_come_in_parts() -> None:
    async with shown(session([line("exec", {"args": [str(number) for number in range(100_000)]})])) as (
        _,
        detail,
        pilot,
    ):
        await pilot.press("E", "j", "space")
        assert detail.count() < 1000
        detail.move_to(detail.cursor + 201)
        assert here(detail) == "… 99,800 more (Enter: the next 1,000)"
        await pilot.press("enter")
        assert here(detail) == '[200]  "200"'


async def test_a_line_of_many_mib_is_taken_apart_when_asked() -> None:
    raw = line("exec", {"args": ["a" * (9 << 20)]})
    async with shown(session([raw])) as (app, detail, pilot):
        assert detail.view == "line"
        assert "(r: rows)" in screen(app)
        await pilot.press("G")
        assert "more bytes; Enter shows them" in here(detail)
        before = detail.count()
        await pilot.press("enter")
        assert detail.count() > before * 1.5
        await pilot.press("r")
        assert here(detail) == "▾ process"


async def test_views_go_round() -> None:
    async with shown(session([OPEN])) as (app, detail, pilot):
        await pilot.press("r")
        assert '      "path": "/private/tmp/x",' in screen(app) or '"path": "/private/tmp/x"' in screen(app)
        await pilot.press("r")
        assert '{"time": "2026-01-01T12:00:00.500000000Z"' in screen(app)
        show(detail, 0)
        assert detail.view == "line"
        await pilot.press("r")
        assert detail.view == "rows"
        await pilot.press("r", "P")
        assert (detail.view, here(detail)) == ("rows", "▾ process")


BAD = [
    (b"not json \x1b[31m[/foo]", "not valid JSON", "not json \\x1b[31m[/foo]"),
    (b"\x00\x01\x02\x7fELF\x00\x00", "not valid JSON", "00 01 02 7f 45 4c 46 00"),
    (b"[1, {}]", "not a JSON object", "[0]  1"),
    (b"", "empty line", "There is nothing on this line"),
    (b'{"event": 5, "\x1b": 1}'.replace(b"\x1b", b"\\u001b"), "no event object", "\\x1b   1"),
    (b'{"event": {"a": {}, "b": {}}}', "event does not hold exactly one object", "▾ event"),
    (b'{"event": {"a": {"\xff":', "not valid JSON", '{"event": {"a": {"\\xff":'),
]


@pytest.mark.parametrize(("raw", "reason", "words"), BAD)
async def test_a_bad_line_is_shown_as_it_is_with_the_reason(raw: bytes, reason: str, words: str) -> None:
    async with shown(session([raw, OPEN])) as (app, _, pilot):
        assert f"bad line 1: {reason}" in screen(app)
        assert words in screen(app)
        await pilot.press("C", "r", "x", "P", "plus", "J", "enter", "escape")
        assert app.copied == ([raw] if raw else [])


async def test_gaps_and_runs_are_told_in_words() -> None:
    numbers = [(0, 0), (9, 5), (0, 0)]
    lines = [event("open", "/a", global_seq_num=total, seq_num=own) for total, own in numbers]
    async with shown(session(lines), 1, (78, 24)) as (app, _, _):
        assert "8 events missing here" in screen(app)
        assert "global_seq_num jumped: 8 messages" in screen(app)
        assert "MISSING: they may have been lost" in screen(app)
    async with shown(session(lines, owned=True), 1, (78, 24)) as (app, detail, pilot):
        assert "LOST: estui started this stream itself" in screen(app)
        show(detail, 3)
        await pilot.pause()
        assert "a new run begins here" in screen(app)
        seam = detail.session.core.mark("source started again")
        show(detail, seam)
        await pilot.pause()
        assert "source started again" in screen(app)
        assert "A mark estui set itself" in screen(app)


async def test_a_row_that_is_gone_is_not_an_error() -> None:
    async with shown(session([OPEN])) as (app, detail, _):
        row = detail.session.core.row(0)
        assert row is not None
        detail.show(row._replace(seq=7), None)
        await _.pause()
        assert "The line is gone" in screen(app)


async def test_why_shows_each_stage_and_follows_the_plan() -> None:
    async with shown(session([OPEN]), size=(78, 40)) as (app, detail, pilot):
        assert "✓ delivered  (x: why)" in screen(app)
        detail.session.client.add(MutePath("TARGET_PREFIX", "/private/\x1b[/b]"))
        detail.session.client.add(MutePath("TARGET_PREFIX", "/private/tmp/"))
        show(detail, 0)
        await pilot.pause()
        assert "✗ suppressed  target_path: by TARGET_PREFIX /private/tmp/" in screen(app)
        await pilot.press("x")
        found = screen(app)
        assert "  ✓ subscription every type is subscribed" in found
        assert "  ✗ target_path " in found
        detail.session.client.unsubscribe(["open"])
        show(detail, 0)
        await pilot.pause()
        assert "✗ suppressed  subscription: not subscribed to" in screen(app)
        assert "  · process " in screen(app)
        await pilot.click(offset=(10, 2))
        assert "(x: why)" in screen(app)


async def test_the_mouse_selects_folds_and_opens() -> None:
    async with shown(session([OPEN])) as (app, detail, pilot):
        top = detail.header_height + 1
        await pilot.click(offset=(12, top + 2))
        assert here(detail).startswith("pid ")
        await pilot.click(offset=(3, top + 1))
        assert here(detail).startswith("▸ audit_token")
        await pilot.press("E", "j", "j", "space", "j")
        y = top + detail.cursor - detail.top
        await pilot.click(offset=(20, y), times=2)
        await pilot.pause()
        assert isinstance(app.screen, ValueScreen)


@pytest.mark.parametrize("size", [(80, 24), (40, 12), (20, 6), (160, 50)])
async def test_any_size_does(size: tuple[int, int]) -> None:
    async with shown(session([OPEN, b"bad"]), size=size) as (app, detail, pilot):
        for seq in (0, 1):
            show(detail, seq)
            await pilot.press("G", "g", "x", "r")
            await pilot.pause()
            screen(app)


async def test_escape_goes_back_to_the_list() -> None:
    async with shown(session([OPEN])) as (app, _, pilot):
        await pilot.press("escape")
        assert app.left == "events"


def test_times() -> None:
    noon = parse_ns("2026-01-01T12:00:00.500000000Z")
    assert noon == 1767268800_500000000
    assert parse_ns("2026-01-01T12:00:00Z") == 1767268800_000000000
    assert [parse_ns(text) for text in ("", "now", "2026-13-01T00:00:00Z", "2026-01-01 12:00:00Z")] == [
        None
    ] * 4
    clock = Clock(noon, noon - 1_500_000, noon + 3_000_000_000)
    told = time_words(("time",), "2026-01-01T12:00:00.500000000Z", clock)
    assert told == "2026-01-01 12:00:00.500 UTC, 1.50 ms after the event above, 3.00 s ago"
    assert time_words(("x",), "1970-01-01T00:00:00.000000000Z", clock) == "not set"
    assert time_words(("x",), "9999-12-31T23:59:59.000000000Z", clock)
    assert decoded(("process", "start_time"), "no time", "open", Users(), clock) is None


def test_local_time_is_where_estui_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    assert local_time(1767268800_500000000) == "2026-01-01 13:00:00.500 CET"
    assert local_time(1767268800_500000000, 1767268800_000000000) == "13:00:00.500 CET"


@pytest.mark.parametrize(
    ("ns", "words"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_200, "1.20 µs"),
        (-12_340_000, "12.3 ms"),
        (999_400_000, "999 ms"),
        (59_900_000_000, "59.9 s"),
        (60_000_000_000, "1 min 0 s"),
        (3_720_000_000_000, "1 h 2 min"),
        (200_000_000_000_000, "2 d 7 h"),
    ],
)
def test_lengths_of_time(ns: int, words: str) -> None:
    assert span_words(ns) == words
