"""A preview as words, lines and tables: what they say, that they fit, and that nothing in them drives a terminal."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.lab.whatif import Preview
from estui.plan import MutePath, Plan
from estui.record import Change, Volume
from estui.text import printable
from estui.tui.pieces import PieceLine, width_of
from estui.tui.preview_lines import lines, rates, tables, words
from tests.cores import event, filled

HOSTILE = "/private/\x1b]0;pwned\x07/\u202e[/foo]\n\udcff/"
STYLES = {"text", "dim", "number", "good", "wrong"}
LOGS = MutePath("TARGET_PREFIX", "/private/var/log/")
ZSH = MutePath("LITERAL", "/bin/zsh")
NO_PLAN = Plan()


def numbers(events: int, hidden: int = 0, delivered: int = 0) -> Preview:
    """A preview of so many events, as far as words go."""
    found = SimpleNamespace(events=events, newly_hidden=hidden, newly_delivered=delivered)
    return cast("Preview", found)


@pytest.mark.parametrize(
    ("preview", "said"),
    [
        (numbers(60_000, 41_203), "would suppress 41,203 more of 60,000 in the ring (68.7 %)"),
        (numbers(60_000, 0, 6_000), "would deliver 6,000 more of 60,000 in the ring (10.0 %)"),
        (numbers(60_000, 1_000, 6), "would suppress 1,000 more and deliver 6 more of 60,000 in the ring"),
        (numbers(60_000), "changes nothing in the ring of 60,000"),
        (numbers(0), "changes nothing in the ring of 0"),
    ],
)
def test_words(preview: Preview, said: str) -> None:
    assert words(preview) == said


def previewed(given_lines: list[bytes], then: Plan, now: Plan = NO_PLAN, **options: Any) -> Preview:
    core = filled(given_lines)
    found = Preview(core, now, then, **options)
    core.close()
    return found


def told(found: list[PieceLine]) -> list[str]:
    """The lines as text. Fails where one could drive a terminal, or has a style nobody knows."""
    for line in found:
        for text, style in line:
            assert text == printable(text)
            assert style in STYLES
    return ["".join(text for text, _ in line).rstrip() for line in found]


def some() -> list[bytes]:
    """31 events in 30 s: 20 open and 10 close by zsh in three directories, one fork by make."""
    zsh: dict[str, Any] = {"pid": 812, "pidversion": 7, "executable": "/bin/zsh"}
    found = [
        event(name, f"/private/var/log/{n % 3}/a", time=f"2026-01-01T12:00:{n:02}Z", **zsh)
        for n, name in enumerate(["open"] * 20 + ["close"] * 10)
    ]
    make = event("fork", pid=90, pidversion=1, executable="/usr/bin/make", time="2026-01-01T12:00:30Z")
    return [*found, make]


def test_lines_tell_the_rates_then_where_most_changes() -> None:
    assert told(lines(previewed(some(), Plan(paths=(LOGS,))), 76, 4)) == [
        "1 → <0.1 events/s, 754 → 20 kB/h",
        "by event type        open 20 · close 10",
        "by process           zsh[812] 30",
        "by target directory  /private/var/log/0/ 10 · /private/var/log/1/ 10 …",
    ]


def test_no_more_lines_than_there_is_room_for() -> None:
    found = previewed(some(), Plan(paths=(LOGS,)))
    for most in range(-1, 7):
        assert len(lines(found, 76, most)) == max(0, min(most, 4))


def test_what_changes_both_ways_has_signs() -> None:
    open_only = MutePath("LITERAL", "/bin/zsh", ("open",))
    close_only = MutePath("LITERAL", "/bin/zsh", ("close",))
    found = previewed(some(), Plan(paths=(close_only,)), Plan(paths=(open_only,)))
    assert told(lines(found, 76, 3))[1:] == [
        "by event type        open +20 · close -10",
        "by process           zsh[812] -10 +20",
    ]


def test_where_nothing_changes_the_words_are_enough() -> None:
    assert lines(previewed(some(), NO_PLAN), 76, 4) == []


def test_rates() -> None:
    def rate(*given_lines: bytes, then: Plan = NO_PLAN) -> str:
        return "".join(text for text, _ in rates(previewed(list(given_lines), then)))

    def at(time: str, size: int = 0) -> bytes:
        return event("open", "/" + "a" * size, time=f"2026-01-01T{time}Z")

    assert rate() == rate(at("12:00:00")) == rate(event("open", "/a"), event("open", "/b")) == ""
    assert rate(at("12:00:00"), at("12:00:02"), then=Plan(subscribe=())) == "1 → 0 events/s, 428 → 0 kB/h"
    assert rate(at("12:00:00"), at("12:00:02")) == "1 events/s, 428 kB/h"
    assert rate(at("12:00:00"), at("22:00:00")) == "<0.1 events/s, 23.8 B/h"
    assert rate(at("12:00:00.000"), at("12:00:00.001", 2_000_000)) == "2,000 events/s, 7.2 TB/h"


TABLES = """\
by event type                       now  then  newly hidden  newly delivered
all events                           31     1            30
open                                 20     0            20
close                                10     0            10
fork                                  1     1

by process                          now  then  newly hidden  newly delivered
zsh 812.7                            30     0            30
make 90.1                             1     1

by executable                       now  then  newly hidden  newly delivered
/bin/zsh                             30     0            30
/usr/bin/make                         1     1

by target directory                 now  then  newly hidden  newly delivered
/private/var/log/0/                  10     0            10
/private/var/log/1/                  10     0            10
/private/var/log/2/                  10     0            10"""


def test_tables() -> None:
    assert "\n".join(told(tables(previewed(some(), Plan(paths=(LOGS,))), 76, 22))) == TABLES


def test_what_changes_comes_first() -> None:
    found = previewed(some(), Plan(paths=(MutePath("LITERAL", "/usr/bin/make"),)))
    shown = told(tables(found, 76, 8))
    assert [row.split()[0] for row in shown[2:3]] == ["fork"]
    # However a preview has them.
    unsorted = SimpleNamespace(**{name: getattr(found, name) for name in dir(found) if name[0] != "_"})
    unsorted.by_event = dict(reversed(found.by_event.items()))
    assert told(tables(cast("Preview", unsorted), 76, 8)) == shown


def test_groups_that_were_not_asked_for_are_counted() -> None:
    shown = "\n".join(told(tables(previewed(some(), Plan(paths=(LOGS,)), top=1), 76, 40)))
    assert "by process, 1 more " in shown
    assert "by executable, 1 more " in shown
    assert "by target directory, 2 more " in shown
    narrow = told(tables(previewed(some(), Plan(paths=(LOGS,)), top=1), 50, 40))
    assert any(row.startswith("by target directory ") for row in narrow), (
        "the name, where there is no room for both"
    )


def test_where_there_is_little_room_executables_are_left_out() -> None:
    found = previewed(some(), Plan(paths=(LOGS,)))
    for height in range(1, 30):
        shown = told(tables(found, 76, height))
        assert len(shown) <= height
        assert any("by executable" in row for row in shown) == (height >= 20)


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (76, ["now", "then", "newly", "hidden", "newly", "delivered"]),
        (50, ["now", "then", "hidden", "deliv."]),
        (36, ["now", "then", "hidden"]),
        (28, ["now", "then"]),
        (20, ["then"]),
        (10, []),
    ],
)
def test_a_narrow_table_leaves_out_columns(width: int, titles: list[str]) -> None:
    shown = told(tables(previewed(some(), Plan(paths=(LOGS,))), width, 40))
    name = "by event type" if width > 10 else "by event …"
    assert shown[0].split() == [*name.split(), *titles]


def test_the_column_that_tells_something_stays() -> None:
    found = previewed(some(), NO_PLAN, Plan(paths=(LOGS,)))
    assert told(tables(found, 36, 40))[0].split()[3:] == ["now", "then", "deliv."]


def test_what_has_no_name() -> None:
    nameless = [b'{"event":{"fork":{}}}', event("open", "relative", pid=5, pidversion=1)]
    found = previewed(nameless, Plan(subscribe=()))
    shown = told(tables(found, 76, 40))
    for name in ("no process", "5.1", "no executable", "no directory"):
        assert sum(row.startswith(f"{name}  ") for row in shown) == 1, shown
    assert "by process           no process 1 · process[5] 1" in told(lines(found, 76, 4))


def test_an_empty_ring() -> None:
    assert told(tables(previewed([], Plan(subscribe=())), 76, 5))[1].split() == ["all", "events", "0", "0"]


PATHS = st.sampled_from([HOSTILE, "/very" * 60 + "/x", "/日本語/ファイル/" * 9, "/a", "", "/"]) | st.text(
    max_size=40
).map(lambda text: text.encode("utf-8", "replace").decode())
EVENTS = st.builds(
    event,
    st.sampled_from(["open", "rename", "\x1b[2J\u202e", "日" * 80]),
    PATHS,
    pid=st.integers(0, 3),
    pidversion=st.just(1),
    executable=PATHS,
    time=st.sampled_from([None, "2026-01-01T12:00:00Z", "2026-01-01T12:00:09Z"]),
)


@given(st.lists(EVENTS, max_size=9), st.integers(0, 160), st.integers(0, 9))
def test_it_fits_and_drives_no_terminal(given_lines: list[bytes], width: int, most: int) -> None:
    plan, other = Plan(paths=(MutePath("TARGET_PREFIX", "/"),)), Plan(paths=(ZSH,), invert_path=True)
    for now, then in ((NO_PLAN, plan), (plan, other), (other, plan)):
        found = previewed(given_lines, then, now)
        for made in (lines(found, width, most), tables(found, width, most)):
            told(made)
            assert all(sum(width_of(text) for text, _ in line) <= width for line in made)
        assert len(lines(found, width, most)) <= most
        assert len(tables(found, width, most)) <= most


def test_numbers_of_any_size_fit() -> None:
    found = previewed(some(), Plan(paths=(LOGS,)))
    vast = Volume(10**18, 10**18)
    found.total = Change(vast, vast, vast, vast)
    for width in range(1, 160):
        for made in (lines(found, width, 4), tables(found, width, 3)):
            assert all(sum(width_of(text) for text, _ in line) <= width for line in made)
