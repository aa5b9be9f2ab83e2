"""strace's text, line by line: calls with their arguments and results, and how processes ended.

strace writes one line per call; one that another process's line interrupts comes in two halves, which are put
together here. Strings stand in C's notation, so every byte of a name survives. Nothing here raises for a line that
is not strace's: there is no item for it, that is all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

FORKS = ("clone(", "vfork(", "fork(", "clone3(")
"""How the calls begin that may make a process."""

_LINE = re.compile(r"(\d+) +(\d+)\.(\d+) (.*)", re.DOTALL)
_NAME = re.compile(r"[a-z_][a-z0-9_]*\(", re.ASCII)
_RESUMED = re.compile(r"<\.\.\. [a-z0-9_]+ resumed>", re.ASCII)
_UNFINISHED = " <unfinished ...>"
_CHANGED = re.compile(r" <pid changed to (\d+) \.\.\.>")
_SUPERSEDED = re.compile(r"\+\+\+ superseded by execve in pid (\d+) \+\+\+")
_EXITED = re.compile(r"\+\+\+ exited with (\d+) \+\+\+")
_KILLED = re.compile(r"\+\+\+ killed by (\w+)( \(core dumped\))? \+\+\+")

_STRING = r'"(?:[^"\\]|\\.)*"(?:\.\.\.)?'
_PLAIN = rf'(?:{_STRING}|[^",(){{}}\[\]<>]*(?:<[^<>]*>(?:\(deleted\))?)?)'
_SIMPLE = re.compile(rf"((?:{_PLAIN}, )*{_PLAIN})\) *= (.*)", re.DOTALL)
"""Arguments without a structure or an array, and the result: nine calls of ten."""
_ARGUMENT = re.compile(rf"({_PLAIN})(?:, |$)")
_SPECIAL = re.compile(r'["(){}\[\]<,]')
_QUOTED = re.compile(_STRING, re.DOTALL)
_ANGLE = re.compile(r"<[^<>]*>")
_RESULT = re.compile(r" *= (.*)", re.DOTALL)
_VALUE = re.compile(r"(-?(?:0x[0-9a-f]+|\d+))(?:<([^<>]*)>(\(deleted\))?)?(?: (E[A-Z0-9]+) )?")
_OTHER_NAME = re.compile(r"/\* (\d+) in strace's PID NS \*/")

_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f", b"a": b"\a", b"b": b"\b"}


class Call(NamedTuple):
    """A call that has returned."""

    tid: int
    time: int
    """When its line ended, in nanoseconds of Unix time; of a call in one piece, when it began."""
    name: str
    args: Sequence[str]
    """As strace wrote them."""
    value: int
    """What it returned, a process by its number in strace's own namespace; -1 with `error`."""
    path: str
    """What strace says the descriptor it returned is, still in strace's notation."""
    error: str
    """The name of its errno, such as ENOENT; empty where it worked."""
    began: int
    """When it began."""


class Entered(NamedTuple):
    """A call of FORKS that has not returned, while another process did something."""

    tid: int
    time: int
    text: str
    """Its first half."""


class Ended(NamedTuple):
    """A thread is gone, or the process with its first thread."""

    tid: int
    time: int
    code: int
    """Its exit code, where no signal killed it."""
    signal: str
    """What killed it, by Linux's name; empty where nothing did."""
    core: bool


class Replaced(NamedTuple):
    """A thread called exec: the process is its one thread from now on."""

    tid: int
    leader: int


Item = Call | Entered | Ended | Replaced


class Reader:
    """Makes items of lines; remembers the first halves of calls."""

    def __init__(self) -> None:
        self._halves: dict[int, tuple[int, str]] = {}
        """When a call began, and what is written of it, by thread."""

    def read(self, line: str) -> Item | None:
        """The item of a line without its newline; None where it tells nothing yet."""
        match = _LINE.fullmatch(line)
        if match is None:
            return None
        tid_text, seconds, fraction, text = match.groups()
        tid, time = int(tid_text), int(seconds) * 1_000_000_000 + int(fraction.ljust(9, "0")[:9])
        if text.endswith(_UNFINISHED):
            return self._unfinished(tid, time, text[: -len(_UNFINISHED)])
        began = time
        if text.startswith("<... ") and (resumed := _RESUMED.match(text)):
            if tid not in self._halves:
                return None
            began, first = self._halves.pop(tid)
            text = first + text[resumed.end() :]
        elif text.startswith("+++ "):
            return self._gone(tid, time, text)
        elif changed := _CHANGED.search(text, max(0, len(text) - 60)):
            leader = int(changed[1])
            self._halves[leader] = time, text[: changed.start()]
            return Replaced(tid, leader)
        return _call(tid, began, time, text)

    def _unfinished(self, tid: int, time: int, text: str) -> Item | None:
        if text.startswith("<... ") and (resumed := _RESUMED.match(text)):  # unfinished once more
            began, first = self._halves.get(tid, (time, ""))
            time, text = began, first + text[resumed.end() :]
        self._halves[tid] = time, text
        return Entered(tid, time, text) if text.startswith(FORKS) else None

    def _gone(self, tid: int, time: int, text: str) -> Item | None:
        if superseded := _SUPERSEDED.fullmatch(text):
            thread = int(superseded[1])
            if thread in self._halves:  # an strace that does not say "pid changed"
                self._halves[tid] = self._halves.pop(thread)
            return Replaced(thread, tid)
        self._halves.pop(tid, None)
        if exited := _EXITED.fullmatch(text):
            return Ended(tid, time, int(exited[1]), "", False)
        if killed := _KILLED.fullmatch(text):
            return Ended(tid, time, 0, killed[1], killed[2] is not None)
        return None


def _call(tid: int, began: int, time: int, text: str) -> Call | None:
    named = _NAME.match(text)
    if named is None:
        return None
    start = named.end()
    simple = _SIMPLE.fullmatch(text, start)
    if simple:
        args: list[str] = _ARGUMENT.findall(simple[1]) if simple[1] else []
        if args and not args[-1] and len(args) > 1:
            args.pop()
        result = simple[2]
    else:
        args, end = arguments(text, start)
        ended = _RESULT.fullmatch(text, end)
        if ended is None:
            return None
        result = ended[1]
    value = _VALUE.match(result)
    if value is None:  # "?": it never returned, or is started again
        return None
    number, path, deleted, error = value.groups()
    if error is None and number == "-1":
        return None
    other = _OTHER_NAME.search(result) if "/*" in result else None
    return Call(
        tid,
        time,
        text[named.start() : start - 1],
        args,
        int(other[1]) if other else int(number, 0),
        f"{path}(deleted)" if deleted else path or "",
        error or "",
        began,
    )


def arguments(text: str, start: int = 0) -> tuple[list[str], int]:
    """The arguments from `start` to the parenthesis that closes them, and the place after it."""
    args: list[str] = []
    depth, first, place = 0, start, start
    while special := _SPECIAL.search(text, place):
        at = special.start()
        place = at + 1
        match text[at]:
            case '"':
                quoted = _QUOTED.match(text, at)
                place = quoted.end() if quoted else place
            case "<":
                angle = _ANGLE.match(text, at)
                place = angle.end() if angle else place
            case "(" | "{" | "[":
                depth += 1
            case ",":
                if depth == 0:
                    args.append(text[first:at].strip())
                    first = place
            case closing:
                if depth == 0 and closing == ")":
                    last = text[first:at].strip()
                    return [*args, last] if last or args else args, place
                depth = max(0, depth - 1)
    return [*args, text[first:].strip()], len(text)


def elements(text: str) -> list[str]:
    """The elements of an array or structure that strace wrote in brackets or braces."""
    return arguments(text[1:-1] + ")")[0] if text[:1] in ("[", "{") else []


def text(arg: str) -> str:
    """The string that a quoted argument stands for, bytes that are no UTF-8 as surrogates; "" for NULL."""
    if not arg.startswith('"'):
        return ""
    inside = arg[1 : arg.rfind('"')]
    return unescaped(inside)


def unescaped(inside: str) -> str:
    """What C's notation stands for."""
    if "\\" not in inside and inside.isascii():
        return inside
    return _ESCAPE.sub(_byte, inside.encode("latin-1", "replace")).decode("utf-8", "surrogateescape")


def _byte(escape: re.Match[bytes]) -> bytes:
    code = escape[1]
    if code[:1].isdigit():
        return bytes((int(code, 8) & 0xFF,)) if code[:1] not in b"89" else code
    if code[:1] == b"x" and len(code) > 1:
        return bytes((int(code[1:], 16),))
    return _LETTERS.get(code, code)


class Descriptor(NamedTuple):
    """A descriptor as strace decorates it: `3</etc/hosts>`, `AT_FDCWD</tmp>`, or raw `0x3`."""

    number: int
    """-1 for none, -100 for AT_FDCWD."""
    path: str
    """What it is open on, such as /etc/hosts or pipe:[123]; empty where strace did not say."""


def descriptor(arg: str) -> Descriptor:
    name, _, path = arg.partition("<")
    return Descriptor(-100 if name == "AT_FDCWD" else number(name, -1), named_path(path) if path else "")


def named_path(path: str) -> str:
    """A path that strace wrote in angle brackets, or what is left of them."""
    return unescaped(path.removesuffix("(deleted)").removesuffix(">"))


_NUMBER = re.compile(r"[+-]?(?:0x[0-9a-fA-F]+|\d+)")


def number(arg: str, otherwise: int = 0) -> int:
    """The number an argument begins with, in strace's own namespace where it is a process in another one."""
    if "/*" in arg and (other := _OTHER_NAME.search(arg)):
        return int(other[1])
    match = _NUMBER.match(arg)
    if match is None:
        return otherwise
    digits = match[0]
    if digits.lstrip("+-").startswith("0") and digits.lstrip("+-0").isdigit() and "x" not in digits:
        return int(digits, 8) if not set(digits) & set("89") else int(digits)
    return int(digits, 0) if digits.strip("+-0") else 0


def words(arg: str) -> frozenset[str]:
    """The names of flags joined by `|`."""
    return frozenset(arg.split(" ", 1)[0].split("|"))
