from __future__ import annotations

from pathlib import Path

import pytest

from estui.config import ConfigError, Settings, config_dir, load, themes_dir
from estui.record import DEFAULT_BUDGET


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's settings file, in a folder of its own; it is not there yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = config_dir() / "config.toml"
    path.parent.mkdir(parents=True)
    return path


def test_defaults_without_a_file(file: Path) -> None:
    loaded = load(environ={})
    assert loaded.settings == Settings()
    assert set(loaded.origin.values()) == {"default"}
    assert loaded.file == file


def test_every_setting_from_the_file(file: Path) -> None:
    file.write_text(
        'theme = "light"\nbudget = "64 MiB"\nmax_events = 1000\n'
        'eslogger_command = ["ssh", "mac", "sudo", "eslogger"]\ncolumns = ["time", "event"]\n'
    )
    loaded = load(environ={})
    assert loaded.settings == Settings(
        "light", 64 << 20, 1000, ("ssh", "mac", "sudo", "eslogger"), ("time", "event")
    )
    assert set(loaded.origin.values()) == {str(file)}


def test_flag_beats_environment_beats_file(file: Path) -> None:
    file.write_text('theme = "a"\nbudget = 2097152\nmax_events = 1\n')
    loaded = load({"theme": "c", "budget": None}, {"ESTUI_THEME": "b", "ESTUI_BUDGET": "3M"})
    assert (loaded.settings.theme, loaded.settings.budget, loaded.settings.max_events) == ("c", 3 << 20, 1)
    assert loaded.origin["theme"] == "--theme"
    assert loaded.origin["budget"] == "ESTUI_BUDGET"
    assert loaded.origin["max_events"] == str(file)


def test_environment_splits_words_and_names(file: Path) -> None:
    environ = {"ESTUI_ESLOGGER_COMMAND": "ssh 'my mac' eslogger", "ESTUI_COLUMNS": "time, event"}
    settings = load(environ=environ).settings
    assert settings.eslogger_command == ("ssh", "my mac", "eslogger")
    assert settings.columns == ("time", "event")


def test_an_empty_variable_is_not_set(file: Path) -> None:
    assert load(environ={"ESTUI_BUDGET": ""}).settings.budget == DEFAULT_BUDGET


def test_an_unknown_key_names_file_key_and_the_nearest(file: Path) -> None:
    file.write_text('teme = "dark"\n')
    with pytest.raises(ConfigError) as caught:
        load(environ={})
    for part in (str(file), "teme", "theme"):
        assert part in str(caught.value)


def test_an_unknown_key_like_no_setting_lists_them_all(file: Path) -> None:
    file.write_text('"\\u001b[31mq" = 1\n')
    with pytest.raises(ConfigError) as caught:
        load(environ={})
    assert "\x1b" not in str(caught.value)
    assert "max_events" in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "theme = 3",
        'theme = ""',
        "budget = true",
        'budget = "much"',
        "budget = 1000",
        'budget = "65536G"',
        "max_events = -1",
        'max_events = "1e3"',
        "eslogger_command = [1]",
        'eslogger_command = "a \'b"',
        'columns = ["time", ""]',
        'columns = "time,,event"',
    ],
)
def test_a_wrong_value_names_the_file_and_the_setting(file: Path, line: str) -> None:
    file.write_text(line + "\n")
    with pytest.raises(ConfigError) as caught:
        load(environ={})
    assert str(caught.value).startswith(f"{file}: {line.partition(' ')[0]}: ")


def test_a_wrong_value_names_its_variable_or_flag(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"^ESTUI_BUDGET: "):
        load(environ={"ESTUI_BUDGET": "0"})
    with pytest.raises(ConfigError, match=r"^--max-events: "):
        load({"max_events": "many"}, {})


@pytest.mark.parametrize(("content", "words"), [(b"theme = \xff", "not UTF-8"), (b"theme", "not TOML")])
def test_a_file_that_cannot_be_used(file: Path, content: bytes, words: str) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=words):
        load(environ={})


def test_a_directory_in_place_of_the_file(file: Path) -> None:
    file.mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        load(environ={})


def test_the_shipped_themes_are_found() -> None:
    assert {path.stem for path in themes_dir().glob("*.toml")} >= {"dark", "light", "high-contrast"}
