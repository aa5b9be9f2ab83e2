"""Risk: what is lost to a mute beside noise. The places that anybody can write to, and the types that tell more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from estui.events import NOTIFY
from estui.plan import MutePath

LOOKS_ONLY = (
    "access", "chdir", "close", "dup", "fcntl", "fsgetpath", "getattrlist", "getextattr", "listextattr", "lookup",
    "open", "readdir", "readlink", "searchfs", "stat",
)  # fmt: skip
"""Types that tell that somebody looked, and not that something changed or ran."""
TALKS = (
    "bootstrap_check_in", "bootstrap_look_up", "get_task_name", "iokit_open", "mmap", "proc_check", "uipc_connect",
    "xpc_connect",
)  # fmt: skip
"""Types that tell who uses what: a library, a service, another process."""
CHANGES = (
    "clone", "copyfile", "create", "exchangedata", "link", "rename", "setattrlist", "truncate", "unlink", "utimes",
    "write",
)  # fmt: skip
"""Types that tell of a change of a file, and come in floods."""
IDENTITY = ("exec", "exit", "fork")
"""Types that tell who a process is: without them the others cannot be told apart."""

WRITABLE = {
    "/Users/": "the user can write to",
    "/private/tmp/": "anybody can write to",
    "/private/var/tmp/": "anybody can write to",
    "/private/var/folders/": "the user can write to",
    "/Volumes/": "whoever mounts a disk can write to",
    "/usr/local/": "Homebrew gives to the user",
    "/opt/homebrew/": "Homebrew gives to the user",
    "/Applications/": "an administrator can write to without a password",
}
"""Places where what one must not trust can stand, and who puts it there."""
_SEALED = (
    "/System/",
    "/bin/",
    "/dev/",
    "/sbin/",
    "/usr/bin/",
    "/usr/lib/",
    "/usr/libexec/",
    "/usr/sbin/",
    "/usr/share/",
)
"""What the sealed system volume or the kernel holds."""
_ANYTHING = frozenset(
    """bash csh curl dash env expect find java ksh make node nohup open osascript perl php python python3 ruby
    sh ssh sshd sudo swift tclsh tcsh wget xargs zsh""".split()
)
"""Programs that do what they are told: a mute of one is a mute of whatever it is given."""

LEVELS = {"low": 0.25, "medium": 0.5, "high": 0.57}
"""The greatest risk of each level. What risks more is not suggested."""


class Risk(NamedTuple):
    """How much a mute may lose, from 0 to 1, and why; the words are unescaped."""

    value: float
    words: tuple[str, ...]

    @property
    def level(self) -> str:
        """ "low", "medium" or "high"."""
        return next((name for name, most in LEVELS.items() if self.value <= most), "high")


def writable_place(path: str, *, prefix: bool) -> str | None:
    """The key of WRITABLE that a path is in, or that is in it where the path is a prefix."""
    for known in WRITABLE:
        if path.startswith(known) or (prefix and known.startswith(path)):
            return known
    return None


def of_entry(entry: MutePath, events: Iterable[str]) -> Risk:
    """The risk of muting these types by this entry."""
    kinds = set(events)
    safe, words = 1.0, []

    def risky(value: float, reason: str) -> None:
        nonlocal safe
        safe *= 1 - value
        words.append(reason)

    if kinds & set(CHANGES):
        risky(0.25, "what changes there goes unseen")
    elif kinds & set(TALKS):
        safe *= 0.9
    if not kinds <= {*CHANGES, *TALKS, *LOOKS_ONLY}:
        risky(0.9, "types that are rare, and tell of themselves")
    prefix = entry.path_type.is_prefix
    place = writable_place(entry.path, prefix=prefix)
    if not entry.path_type.is_target:
        risky(0.25, "whatever the program acts on")
        name = entry.path.rsplit("/", 1)[-1]
        if name in _ANYTHING:
            risky(0.4, f"{name} does what it is told")
        if prefix:
            risky(0.2, "every program there")
            if entry.path in _SEALED:
                risky(0.3, "a wide directory")
        if place:
            risky(0.3 if place == "/Applications/" else 0.9, f"{place} is a place {WRITABLE[place]}")
        return Risk(1 - safe, tuple(words))
    if place:
        risky(0.15, f"{place} is a place {WRITABLE[place]}")
        if any(part.startswith(".") for part in entry.path.split("/")[2:-1]):
            risky(0.3, "a hidden directory")
    if prefix and (wide := _width(entry.path)):
        risky(wide, "a wide directory")
    return Risk(1 - safe, tuple(words))


def _width(path: str) -> float:
    """The share of risk of a prefix for how much it takes in."""
    parts = path.count("/") - 1
    if path.startswith(_SEALED):
        return (0.15, 0.05)[parts - 1] if parts < 3 else 0.0
    return (0.95, 0.6, 0.3, 0.1)[parts - 1] if 0 < parts < 5 else 0.0 if parts else 1.0


def with_reason(risk: Risk, value: float, reason: str) -> Risk:
    """The risk with one more reason."""
    return Risk(1 - (1 - risk.value) * (1 - value), (*risk.words, reason))


assert {*LOOKS_ONLY, *TALKS, *CHANGES, *IDENTITY} <= set(NOTIFY)
