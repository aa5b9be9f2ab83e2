"""The event list: what its rows say, and how it moves, follows, filters and marks."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from estui.plan import MutePath, Plan
from estui.record import Row
from estui.tui import columns as cols
from estui.tui.app import EstuiApp
from estui.tui.event_list import EventList
from estui.tui.lines import bytes_words, count_words, fit, rate_words, wrap
from tests.cores import event, filled, rows
from tests.tui.panels import screen, text, until
from tests.tui.screens import NARROW, Scripted, at, golden, investigation, numbered, opened, ticked

HOSTILE = "/private/tmp/\x1b]0;pwned\x07\n[/foo][red]\u202eabc\udcff\x00"


def shown(app: EstuiApp) -> list[str]:
    """The rows on the screen, without titles and scrollbar."""
    events = app.panels.events
    lines = [line.strip("┃│█ ") for line in text(events)]
    return [
        line for line in lines if line and not line.startswith(("━", "─", "┏", "╭", "┗", "╰", "time", "n "))
    ]


def current(app: EstuiApp) -> Row:
    row = app.session.view.current
    assert row is not None
    return row


async def fed(pilot: Pilot[Any], source: Scripted, *lines: bytes) -> None:
    source.put(*lines)
    await ticked(pilot)


EVERY_KIND = [
    event(
        "exec",
        "/bin/ls",
        pid=700,
        pidversion=1,
        executable="/bin/zsh",
        time=at(1),
        global_seq_num=1,
        seq_num=1,
    ),
    event(
        "open", HOSTILE, pid=701, pidversion=1, executable="/bin/ls", time=at(2), global_seq_num=2, seq_num=1
    ),
    event(
        "open",
        "/dev/null",
        pid=701,
        pidversion=1,
        executable="/bin/ls",
        time=at(3),
        global_seq_num=40,
        seq_num=39,
    ),
    event(
        "rename",
        "/a/one",
        "/b/two",
        pid=701,
        pidversion=1,
        executable="/bin/mv",
        time=at(4),
        global_seq_num=41,
    ),
    b'{"not": "an event"} \x1b[2J',
    b"",
    event("fork", pid=701, pidversion=1, executable="/bin/sh", time=at(5), global_seq_num=44),
    event("exit", pid=701, pidversion=1, executable="/bin/sh", time=at(6), global_seq_num=3),
    event("brand_new_type", pid=9, executable=None, time="just now", global_seq_num=4),
    event(
        "close", "/private/var/log/" + "deep/" * 40 + "end.log", pid=702, executable="/usr/bin/" + "x" * 80
    ),
]


@pytest.mark.parametrize("live", [True, False], ids=["live", "file"])
async def test_every_kind_of_row(live: bool) -> None:
    source = Scripted(kind="live" if live else "file")
    plan = Plan(paths=(MutePath("TARGET_PREFIX", "/a/", None), MutePath("TARGET_PREFIX", "/b/", None)))
    session = investigation(source, plan)
    async with opened(session, (100, 30)) as (app, pilot):
        await fed(pilot, source, *EVERY_KIND)
        session.client.unsubscribe(["exit"])
        session.core.mark("the source was started again")
        await ticked(pilot)
        await pilot.press("g", "space")
        golden(f"rows-{'live' if live else 'file'}", "\n".join(text(app.panels.events)))


async def test_hostile_names_reach_no_terminal_and_no_markup() -> None:
    source = Scripted()
    session = investigation(source)
    async with opened(session, (200, 30)) as (app, pilot):
        await fed(
            pilot,
            source,
            *EVERY_KIND,
            event(HOSTILE, executable=HOSTILE, pid=3),
            HOSTILE.encode("utf-8", "replace"),
        )
        for keys in (
            ["g", "j"],
            ["right", "right", "right", "minus"],
            ["v"],
            ["escape", "m"],
            ["escape"],
            ["w"],
        ):
            await pilot.press(*keys)
            await ticked(pilot)
            screen(app)  # fails if anything that could drive a terminal is on it
        assert r"\x1b]0;pwned\x07\n[/foo][red]\u202eabc\xff\x00" in screen(app)


async def test_a_live_source_is_followed_until_i_move_up() -> None:
    source = Scripted()
    session = investigation(source)
    async with opened(session) as (app, pilot):
        await fed(pilot, source, *numbered(200))
        events = app.panels.events
        assert events.following
        assert current(app).pid == 199
        await pilot.press("k")
        assert not events.following
        assert current(app).pid == 198
        await fed(pilot, source, *numbered(50, 200))
        assert current(app).pid == 198
        await pilot.press("f")
        assert events.following
        assert current(app).pid == 249
        await fed(pilot, source, *numbered(1, 250))
        assert current(app).pid == 250
        await pilot.press("f", "g")
        assert not events.following
        assert current(app).pid == 0
        await pilot.press("G")
        assert events.following
        await pilot.press("pageup")
        assert not events.following


async def test_a_file_begins_at_its_first_row_and_is_not_followed() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        await fed(pilot, source, *numbered(200))
        source.becomes("ended")
        await ticked(pilot)
        assert current(app).pid == 0
        await pilot.press("G")
        assert current(app).pid == 199
        assert not app.panels.events.following


async def test_moving() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        await fed(pilot, source, *numbered(500))
        page = app.panels.events.page
        for keys, pid in (
            (["j", "j", "down"], 3),
            (["k"], 2),
            (["pagedown"], 2 + page - 1),
            (["ctrl+b"], 2),
            (["G"], 499),
            (["j"], 499),
            (["up"], 498),
            (["home"], 0),
            (["k"], 0),
            (["end"], 499),
            (["left_square_bracket"], 0),
            (["left_square_bracket"], 498),
            (["right_square_bracket"], 0),
        ):
            await pilot.press(*keys)
            assert current(app).pid == pid, keys
            cursor, top = app.panels.events.cursor, app.panels.events.top
            assert top <= cursor < top + page


async def test_the_wheel_takes_the_cursor_along() -> None:
    source = Scripted()
    session = investigation(source)
    async with opened(session) as (app, pilot):
        await fed(pilot, source, *numbered(300))
        events = app.panels.events
        top = events.top
        events._on_mouse_scroll_up(_stopped())
        await pilot.pause()
        assert events.top == top - 3
        assert not events.following
        assert current(app).pid == 296
        for _ in range(200):
            events._on_mouse_scroll_up(_stopped())
        assert events.top == 0
        assert current(app).pid == events.page - 1


def _stopped() -> Any:
    class Event:
        def stop(self) -> None:
            pass

    return Event()


async def test_clicks_select_row_and_cell_and_open_it() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        await fed(pilot, source, *numbered(20))
        await pilot.click(EventList, offset=(20, 7))
        assert current(app).pid == 5
        await pilot.press("minus")
        assert session.view.filters[0].words == "not event open"
        session.view.clear()
        app.view_changed()
        await pilot.pause()
        await pilot.click(EventList, offset=(50, 7))
        await pilot.press("minus")
        assert session.view.filters[0].words == "not executable /usr/bin/tool5"
        await pilot.click(EventList, offset=(20, 8), times=2)
        assert app.panels.shown == "detail"


async def test_the_scrollbar_is_dragged() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        await fed(pilot, source, *numbered(1000))
        events = app.panels.events
        bar = events.size.width  # the border is one cell
        await pilot.mouse_down(EventList, offset=(bar, 2))
        await pilot.hover(EventList, offset=(bar, events.size.height))
        await pilot.mouse_up(EventList, offset=(bar, events.size.height))
        assert events.top == 1000 - events.page
        await pilot.hover(EventList, offset=(bar, 10))
        assert events.top == 1000 - events.page


async def test_cells_are_included_and_excluded_and_the_row_is_kept() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        await fed(pilot, source, *numbered(100), event("close", "/x", pid=3, executable="/bin/b"))
        await pilot.press(*"jjjjjjjj")
        await pilot.press("l", "l", "plus")  # event, pid, process: only this program
        assert [item.words for item in session.view.filters] == ["only executable /usr/bin/tool1"]
        assert current(app).pid == 8
        assert len(session.view) == len([n for n in range(100) if n % 7 == 1])
        await pilot.press("h", "minus")  # not this process
        assert session.view.filters[1].words == "not process 8.80"
        assert current(app).pid == 15
        await pilot.press("V")
        assert current(app).pid == 8
        assert len(session.view) == 101
        await pilot.press("V")
        assert current(app).pid == 15
        assert "View filters" in screen(app)


async def test_a_cell_without_a_value_makes_no_filter() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        await fed(pilot, source, event("fork", pid=1), b"garbage")
        await pilot.press("l", "l", "l", "plus")
        await pilot.pause()
        assert "This fork has no target to filter by" in screen(app)
        await pilot.press("j", "minus")
        await pilot.pause()
        assert "Only an event has cells to filter by" in screen(app)
        assert not session.view.filters


async def test_a_row_that_filters_leave_alone_stays_on_its_line() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        await fed(pilot, source, *numbered(400))
        events = app.panels.events
        await pilot.press("pagedown", "pagedown", "k", "k", "k", "k", "k")
        line, pid = events.cursor - events.top, current(app).pid
        session.view.add("executable", current(app).executable or "", True)
        app.view_changed()
        await pilot.pause()
        assert current(app).pid == pid
        await pilot.press("V")
        await pilot.pause()
        # The filter list is one line and its heading; the row keeps its line of the page.
        assert (events.cursor - events.top, current(app).pid) == (line, pid)


async def test_marks_are_set_and_gone_to() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        await fed(pilot, source, *numbered(300))
        await pilot.press("j", "space", "G", "space", "k", "k")
        assert [line[0] for line in shown(app)[-3:]] == ["0", "0", "◆"]
        await pilot.press("quotation_mark")
        assert current(app).pid == 1
        await pilot.press("apostrophe")
        assert current(app).pid == 299
        await pilot.press("apostrophe")
        await pilot.pause()
        assert "There is no mark further on" in screen(app)
        await pilot.press("space", "quotation_mark", "g", "apostrophe")
        assert current(app).pid == 1


async def test_a_mark_out_of_view_is_passed_over() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session) as (app, pilot):
        await fed(pilot, source, *numbered(20))
        for seq in (3, 5, 12):
            session.marks.toggle(seq)
        session.view.add("target", "/private/tmp/5", False)
        app.view_changed()
        await pilot.press("g", "apostrophe", "apostrophe")
        assert current(app).pid == 12


async def test_rows_evicted_under_the_cursor() -> None:
    source = Scripted()
    session = investigation(source, budget=1 << 20)
    async with opened(session) as (app, pilot):
        await fed(pilot, source, *numbered(1000))
        await pilot.press("g")
        await fed(pilot, source, *numbered(20_000, 1000))
        assert current(app).seq == session.core.counters().tail
        assert "The row you were on was evicted" in screen(app)
        assert "evicted" not in shown(app)[1:]
        await pilot.press("f")
        await ticked(pilot)
        assert current(app).pid == 20_999
        assert "was evicted" not in screen(app)


async def test_what_changes_nothing_draws_nothing() -> None:
    source = Scripted()
    session = investigation(source)
    async with opened(session) as (app, pilot):
        await fed(pilot, source, *numbered(100))
        await ticked(pilot, 1.0)
        for _ in range(70):
            await ticked(pilot, 1.0)
        drawn: list[object] = []
        for widget in app.panels.query("*"):
            widget.refresh = lambda *a, name=widget.id, **k: drawn.append(name)  # type: ignore[method-assign,assignment]
        for _ in range(5):
            await ticked(pilot, 1.0)
        assert not drawn


async def test_other_columns() -> None:
    source = Scripted(kind="file")
    session = investigation(source, Plan(paths=(MutePath("TARGET_LITERAL", "/dev/null", ("open",)),)))
    names = [
        "n",
        "date",
        "pid",
        "pidversion",
        "euid",
        "ppid",
        "signing_id",
        "targets",
        "stage",
        "rule",
        "size",
    ]
    async with opened(session, (160, 20), columns=names) as (app, pilot):
        app.panels.single = True
        app.panels.arrange_panels()
        await fed(pilot, source, *EVERY_KIND)
        golden("columns", "\n".join(text(app.panels.events)))


async def test_columns_are_chosen_by_name() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    async with opened(session, NARROW) as (app, pilot):
        await fed(pilot, source, *numbered(3))
        await pilot.press("colon")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        app.action_columns()
        await until(pilot, lambda: app.prompt.asking)
        app.prompt.query_one("#prompt-input").value = "pid evnt"  # type: ignore[attr-defined]
        await pilot.press("enter")
        assert "did you mean event?" in screen(app)
        app.prompt.query_one("#prompt-input").value = "pid, event"  # type: ignore[attr-defined]
        await pilot.press("enter")
        await pilot.pause()
        assert shown(app)[-3:] == ["0 open", "1 open", "2 open"]


def test_column_names() -> None:
    assert [column.name for column in cols.parse(["pid", "event", "pid"])] == ["pid", "event"]
    with pytest.raises(ValueError, match="did you mean executable"):
        cols.parse(["executabel"])
    with pytest.raises(ValueError, match="there are: n, date"):
        cols.parse(["?"])
    with pytest.raises(ValueError, match="no column given"):
        cols.parse([])


@pytest.mark.parametrize("width", range(4, 120, 7))
def test_column_widths_fill_the_room_and_no_more(width: int) -> None:
    for names in (cols.DEFAULT, tuple(cols.COLUMNS), ("pid",), ("targets", "rule")):
        sizes = cols.widths(cols.parse(names), width)
        kept = [size for size in sizes if size]
        used = sum(kept) + max(0, len(kept) - 1)
        assert used <= width
        stretching = any(
            column.stretch for column, size in zip(cols.parse(names), sizes, strict=True) if size
        )
        assert used == width or not stretching


def test_times_of_day() -> None:
    assert cols.time_of_day("2024-05-01T12:00:01.123456789Z") == "12:00:01.123"
    assert cols.time_of_day("2024-05-01T12:00:01Z") == "12:00:01.000"
    assert cols.time_of_day("2024-05-01T12:00:01.5+02:00") == "12:00:01.500"
    assert cols.time_of_day(None) == ""
    assert cols.time_of_day("a while ago, not long") == "a while ago,"
    assert cols.time_of_day("T\x1b[2J") == r"\x1b[2J.000"


def test_gaps_in_words() -> None:
    def gap(*events: bytes, owned: bool) -> str:
        return cols.words(rows(filled(events, owned=owned))[1])

    first = event("open", global_seq_num=1, seq_num=1)
    assert gap(first, event("open", global_seq_num=3), owned=True) == "— 1 event lost —"
    assert (
        gap(first, event("open", global_seq_num=5002, seq_num=5002), owned=True)
        == "— 5,000 events lost (open) —"
    )
    assert (
        gap(first, event("open", global_seq_num=8, seq_num=3), owned=True)
        == "— 6 events lost (1 of them open) —"
    )
    assert (
        gap(first, event("open", seq_num=4), owned=False)
        == "— 2 events missing (open): may have been filtered —"
    )


def test_texts_made_to_fit() -> None:
    assert fit("abc", 5) == "abc  "
    assert fit("abc", 5, right=True) == "  abc"
    assert fit("abcdef", 4) == "abc…"
    assert fit("/usr/lib/libfoo.dylib", 14, tail=True) == "…/libfoo.dylib"
    assert fit("/usr/lib/libfoo.dylib", 13, tail=True) == "libfoo.dylib "
    assert fit("/usr/lib/libfoo.dylib", 9, tail=True) == "…oo.dylib"
    assert fit("abc", 1) == "…"
    assert fit("abc", 0) == ""
    assert fit("文字文字", 5) == "文字…"
    assert fit("文字文字", 6) == "文字 …"
    assert fit("文字文字", 5, tail=True) == "…文字"


def test_wrapped_words() -> None:
    assert [line.rstrip() for line in wrap("one two three four", 9, 3)] == ["one two", "three", "four"]
    assert [line.rstrip() for line in wrap("one two three four", 9, 2)] == ["one two", "three fo…"]
    assert wrap("", 9, 2) == []
    assert [line.rstrip() for line in wrap("abcdefghij", 4, 9)] == ["abcd", "efgh", "ij"]


def test_figures_in_words() -> None:
    assert [count_words(n) for n in (0, 40_112, 99_999, 100_000, 1_234_567)] == [
        "0",
        "40,112",
        "99,999",
        "100k",
        "1.2M",
    ]
    assert [rate_words(r) for r in (0, 0.01, 0.31, 3, 9.96, 12_431)] == [
        "",
        "<0.1/s",
        "0.3/s",
        "3/s",
        "10/s",
        "12.4k/s",
    ]
    assert [bytes_words(n) for n in (0, 999, 1 << 10, 5 << 20, 256 << 20)] == [
        "0B",
        "999B",
        "1.0k",
        "5.0M",
        "256M",
    ]


async def test_rows_that_were_there_before_the_first_picture() -> None:
    source = Scripted(kind="file")
    session = investigation(source)
    session.start()
    source.put(*numbered(100))
    async with opened(session) as (app, _):
        assert "00:00:00.000 open" in shown(app)[0]
