from __future__ import annotations

import os
import stat
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.text import nearest, printable, write_atomic

ANY_CHARACTER = st.characters(exclude_categories=())


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("/usr/bin/git", "/usr/bin/git"),
        ("a\nb\rc\td", "a\\nb\\rc\\td"),
        ("\x1b]0;pwned\x07", "\\x1b]0;pwned\\x07"),
        ("\x00\x7f", "\\x00\\x7f"),
        ("\u0085", "\\u0085"),
        (b"\x85".decode("utf-8", "surrogateescape"), "\\x85"),
        ("\ud800", "\\ud800"),
        ("invoice\u202efdp.exe", "invoice\\u202efdp.exe"),
        ("a\u2028b\u2029\u200d\ufeff", "a\\u2028b\\u2029\\u200d\\ufeff"),
        ("\ue000\U000e0001\U0010ffff", "\\ue000\\U000e0001\\U0010ffff"),
        ("[/foo] [bold]", "[/foo] [bold]"),
        ("C:\\x1b", "C:\\x1b"),
        ("naïve 日本 👍\u00a0.", "naïve 日本 👍\u00a0."),
        ("", ""),
    ],
)
def test_printable_shows_what_could_hide(raw: str, shown: str) -> None:
    assert printable(raw) == shown


@given(st.text(ANY_CHARACTER))
def test_printable_is_one_line_of_safe_characters(raw: str) -> None:
    shown = printable(raw)
    assert {unicodedata.category(c) for c in shown}.isdisjoint({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
    assert len(shown.splitlines()) <= 1
    assert printable(shown) == shown
    shown.encode()


def test_nearest_finds_a_mistyped_word() -> None:
    names = ["exec", "openssh_login", "TARGET_PREFIX"]
    assert nearest("opensh_login", names) == "openssh_login"
    assert nearest("Exec", names) == "exec"
    assert nearest("target_prefx", names) == "TARGET_PREFIX"
    assert nearest("zzzz", names) is None
    assert nearest("", names) is None
    assert nearest("exec", []) is None


def test_write_atomic_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    write_atomic(path, b"one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    write_atomic(str(path), b"\x00\xff", mode=0o644)
    assert path.read_bytes() == b"\x00\xff"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_write_atomic_follows_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    link.symlink_to(real)
    write_atomic(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


def test_write_atomic_leaves_the_old_file_when_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes(b"old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_write_atomic_refuses_a_missing_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomic(tmp_path / "none" / "plan.toml", b"")


def test_a_device_or_a_pipe_is_written_into_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="No such device"):  # nobody reads it
        write_atomic(pipe, b"x")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_atomic(pipe, b"plan")
    assert os.read(reader, 10) == b"plan"
    os.close(reader)
    assert pipe.is_fifo()
    link = tmp_path / "link"
    link.symlink_to("/dev/null")
    write_atomic(link, b"x")
    assert link.is_symlink()
    assert Path("/dev/null").is_char_device()
    assert not list(tmp_path.glob(".estui-*"))
