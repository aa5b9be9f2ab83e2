"""Settings: a TOML file, the environment, and the command line.

The strongest wins: a flag, then `ESTUI_<SETTING>` in the environment, then the user's file
`config.toml` in `config_dir()`, then the default. What is wrong is an error that names where it stands;
nothing is skipped silently. The docstring under each field of `Settings` is the manual of that setting, and
`estui doctor` shows each with its value and where it came from.
"""

from __future__ import annotations

import os
import re
import shlex
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from estui.record import DEFAULT_BUDGET
from estui.text import nearest, printable

LEAST_BUDGET = 1 << 20
"""The smallest ring worth having: a few hundred events."""


class ConfigError(ValueError):
    """A setting that cannot be used. The message names where it stands, the setting, and the remedy."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user may choose once and keep."""

    theme: str = "dark"
    """The screen's colours: the name of a theme that ships with estui (dark, light, high-contrast), or of a TOML
    file in the folder `themes` beside the settings file."""
    budget: int = DEFAULT_BUDGET
    """Memory for the events held, raw lines, records and strings together: bytes, or a number with K, M or G
    ("256M"). The oldest events go first, and are counted. A line longer than half of it is a bad line."""
    max_events: int = 0
    """Most events held; 0 for as many as the budget allows."""
    eslogger_command: tuple[str, ...] = ()
    """The command of the source `eslogger`, to which the event types are added: a list of words, or one string that
    is split as a shell would. Empty: `sudo -n eslogger`, or `eslogger` alone when estui already runs as root."""
    columns: tuple[str, ...] = ()
    """Columns of the event list on the screen, in order: a list, or names with commas. Empty: the usual ones.
    (`estui cat` has `--columns`.)"""


class Loaded(NamedTuple):
    """Settings, and where each came from."""

    settings: Settings
    origin: dict[str, str]
    """Per setting "default", the file, the environment variable or the flag."""
    file: Path
    """The user's file, whether or not it exists."""


def config_dir() -> Path:
    """The folder of the user's settings and themes; `XDG_CONFIG_HOME` is honoured. It need not exist."""
    from platformdirs import user_config_dir  # noqa: PLC0415 (a tenth of a headless start)

    return Path(user_config_dir("estui"))


def state_dir() -> Path:
    """The folder of what estui remembers of itself; `XDG_STATE_HOME` is honoured. It need not exist."""
    from platformdirs import user_state_dir  # noqa: PLC0415 (likewise)

    return Path(user_state_dir("estui"))


def themes_dir() -> Path:
    """The folder of the themes that ship with estui: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "themes"
    return installed if installed.is_dir() else package.parent / "themes"


def load(flags: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None) -> Loaded:
    """Read the settings.

    Args:
        flags: values from the command line by setting; None stands for a flag not given.
        environ: the environment; `os.environ` when absent.

    Raises:
        ConfigError: a key that is not a setting, a value of the wrong type or out of range, a file that cannot
            be read or is not TOML.
    """
    environ = os.environ if environ is None else environ
    file = config_dir() / "config.toml"
    names = [field.name for field in fields(Settings)]
    values: dict[str, Any] = {}
    origin = dict.fromkeys(names, "default")

    def take(name: str, value: object, where: str, label: str) -> None:
        try:
            values[name] = _READERS[name](value)
        except ValueError as error:
            raise ConfigError(f"{label}: {error}") from None
        origin[name] = where

    for key, value in _read(file).items():
        if key not in names:
            near = nearest(key, names)
            hint = f"did you mean {near}?" if near else f"the settings are {', '.join(names)}"
            raise ConfigError(f"{printable(str(file))}: no setting is called {printable(key)!s}; {hint}")
        take(key, value, str(file), f"{printable(str(file))}: {key}")
    for name in names:
        variable = f"ESTUI_{name.upper()}"
        if text := environ.get(variable):
            take(name, text, variable, variable)
    for name, value in (flags or {}).items():
        if value is not None:
            flag = "--" + name.replace("_", "-")
            take(name, value, flag, flag)
    return Loaded(Settings(**values), origin, file)


def _read(file: Path) -> dict[str, Any]:
    """The file's keys; none where there is no file."""
    shown = printable(str(file))
    try:
        return tomllib.loads(file.read_bytes().decode())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{shown} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{shown} is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{shown} is not TOML: {printable(str(error))}") from None


def _name(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a name is wanted")
    return value


_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_SIZE = re.compile(r"([0-9]{1,15}) ?([KMG]?)(?:i?B)?", re.ASCII | re.IGNORECASE)


def _size(value: object) -> int:
    """Bytes from a number, or from "256M", "64 MiB"."""
    if isinstance(value, str) and (match := _SIZE.fullmatch(value.strip())):
        value = int(match[1]) * _UNITS[match[2].upper()]
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("a size is wanted, such as 256M")
    if not LEAST_BUDGET <= value < 1 << 46:
        raise ValueError("the size must be 1M or more (and below 64 TiB)")
    return value


def _count(value: object) -> int:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 40:
        raise ValueError("a number of events is wanted, or 0 for no limit")
    return value


def _words(split: Callable[[str], list[str]], what: str) -> Callable[[object], tuple[str, ...]]:
    def read(value: object) -> tuple[str, ...]:
        if isinstance(value, str):
            try:
                value = split(value)
            except ValueError as error:
                raise ValueError(f"{what} is wanted: {error}") from None
        if not isinstance(value, list | tuple) or not all(isinstance(word, str) and word for word in value):
            raise ValueError(f"{what} is wanted")
        return tuple(value)

    return read


def comma_list(text: str) -> list[str]:
    """The parts between commas, trimmed; an empty part stays, for the caller to refuse."""
    return [part.strip() for part in text.split(",")]


_READERS: dict[str, Callable[[object], object]] = {
    "theme": _name,
    "budget": _size,
    "max_events": _count,
    "eslogger_command": _words(shlex.split, "a command as a list of words"),
    "columns": _words(comma_list, "a list of column names"),
}
"""How each setting is read from TOML's types and from the strings of the environment and the flags."""
