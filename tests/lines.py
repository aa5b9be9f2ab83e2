"""Lines as eslogger writes them and as nobody should, and a plain reading of them by orjson.

The reading is the tests' own, made from the facts alone; no code of estui has a part in it.
"""

from __future__ import annotations

import calendar
import json
import random
import re
from datetime import UTC, datetime
from typing import Any

import orjson
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from estui.events import NOTIFY

# No test may fail because the machine is busy.
settings.register_profile(
    "patient", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")

_ONE_PATH = {
    "target.executable.path": (
        "exec get_task get_task_name get_task_read get_task_inspect signal proc_check proc_suspend_resume "
        "trace remote_thread_create"
    ),
    "target.path": (
        "close setattrlist setextattr setflags setmode setowner unlink write truncate chdir getattrlist stat "
        "access chroot utimes fcntl getextattr listextattr readdir deleteextattr dup setacl searchfs"
    ),
    "file.path": "open uipc_connect",
    "source.path": "mmap readlink",
}
TARGETS: dict[str, tuple[tuple[str, ...], ...]] = {
    name: ((path,),) for path, names in _ONE_PATH.items() for name in names.split()
}
"""Per type its targets, each a row of alternatives; `+` joins a directory and a name."""
_DESTINATION = "destination.existing_file.path", "destination.new_path.dir.path+destination.new_path.filename"
TARGETS |= {
    "create": (_DESTINATION,),
    "rename": (("source.path",), _DESTINATION),
    "link": (("source.path",), ("target_dir.path+target_filename",)),
    "clone": (("source.path",), ("target_dir.path+target_name",)),
    "copyfile": (("source.path",), ("target_file.path", "target_dir.path+target_name")),
    "exchangedata": (("file1.path",), ("file2.path",)),
    "uipc_bind": (("dir.path+filename",),),
}
INSTIGATED = frozenset(
    [
        *("signal", "bootstrap_check_in", "bootstrap_look_up", "file_provider_materialize", "authentication"),
        *("tcc_modify", "profile_add", "profile_remove", "authorization_petition", "authorization_judgement"),
        *("btm_launch_item_add", "btm_launch_item_remove", "od_group_add", "od_group_remove", "od_group_set"),
        *("od_modify_password", "od_disable_user", "od_enable_user", "od_attribute_value_add"),
        *("od_attribute_value_remove", "od_attribute_set", "od_create_user", "od_create_group"),
        *("od_delete_user", "od_delete_group"),
    ]
)
"""The types with an instigator role."""
WORDS = ("auid", "euid", "egid", "ruid", "rgid", "pid", "asid", "pidversion")


def reading(line: bytes) -> int | dict[str, Any]:
    """The columns of an event, or of a line of estui's own, by their names in Row; or the code of why a line is bad."""
    if not line.strip(b" \t\r"):
        return 1
    try:
        document = orjson.loads(line.decode("utf-8", "surrogateescape").translate(_CARRIED).encode())
    except orjson.JSONDecodeError:
        return 2
    if type(document) is not dict:
        return 3
    if type(document.get("event")) is not dict:
        return own_reading(document) or 4
    if len(document["event"]) != 1 or type(*document["event"].values()) is not dict:
        return 5
    [(name, payload)] = document["event"].items()
    name = name.translate(_RESTORED)
    time = _text(document, "time")
    return {
        "event": name,
        "event_type": _int(document, "event_type"),
        "time": time,
        "time_ns": None if time is None else nanoseconds(time),
        "seq_num": _int(document, "seq_num"),
        "global_seq_num": _int(document, "global_seq_num"),
        **token_words(at(document, "process.audit_token")),
        "ppid": _int(document, "process.ppid"),
        "executable": _text(document, "process.executable.path"),
        "signing_id": _text(document, "process.signing_id"),
        "targets": targets_of(name, payload),
        "shard": shard_in(document, "estui_shard"),
    }


def own_reading(document: dict[str, Any]) -> dict[str, Any] | None:
    """The columns of a line of estui's own; None when it is none."""
    what = document.get("estui")
    words = {"loss": "why", "mark": "words", "recording": "source"}.get(what if type(what) is str else "")
    if words is None or type(document.get(words, "")) is not str:
        return None
    text = document.get(words, "").translate(_RESTORED)
    lost = document.get("lost", -1)
    if what == "loss" and lost is not None and (type(lost) is not int or lost < 0):
        return None
    if what == "recording":
        text = f"recording of {text}" if text else "recording"
    time = _text(document, "time")
    return {
        "kind": 2 if what == "loss" else 3,
        "event": text,
        "time": time,
        "time_ns": None if time is None else nanoseconds(time),
        "gap_global": (lost or 0) if what == "loss" else 0,
        "unknown": what == "loss" and lost is None,
        "shard": shard_in(document, "shard"),
    }


def shard_in(document: dict[str, Any], key: str) -> int | None:
    """The shard that a line names."""
    shard = _int(document, key)
    return shard if shard in range(64) else None


_CARRIED = {0xDC00 + byte: 0xF0000 + byte for byte in range(128, 256)}
"""Bytes that are no UTF-8 pass through orjson as characters that the strategies here never write."""
_RESTORED = {carried: escaped for escaped, carried in _CARRIED.items()}


def targets_of(name: str, payload: Any) -> tuple[str, ...]:
    """The target paths of an event."""
    targets = []
    for alternatives in TARGETS.get(name, ()):
        for notation in alternatives:
            parts = [_text(payload, path) for path in notation.split("+")]
            if None not in parts:
                first, *rest = map(str, parts)
                targets.append("/".join([first.removesuffix("/"), *rest]) if rest else first)
                break
    return tuple(targets)


def instigator_of(name: str, payload: Any) -> tuple[int, int] | None:
    """The process whose vote macOS 27 asks besides the submitter's."""
    if name not in INSTIGATED:
        return None
    role = "petitioner" if name.startswith("authorization_") else "instigator"
    arms = [payload]
    if name == "authentication" and isinstance(payload.get("data"), dict):
        arms = [*payload["data"].values(), payload]
    for arm in arms:
        for path in (f"{role}.audit_token", f"{role}_token"):
            words = token_words(at(arm, path))
            if words["pid"] is not None and words["pidversion"] is not None:
                return words["pid"], words["pidversion"]
    return None


def token_words(token: Any) -> dict[str, int | None]:
    """pid, pidversion and euid of a token of either shape."""
    if type(token) is list and len(token) == 8:
        token = dict(zip(WORDS, token, strict=True))
    return {word: _int(token, word) for word in ("pid", "pidversion", "euid")}


def nanoseconds(text: str) -> int | None:
    """Nanoseconds since 1970 of a time in the one form there is."""
    shape = "".join("9" if char in "0123456789" else char for char in text)
    if shape not in {"9999-99-99T99:99:99Z", *("9999-99-99T99:99:99." + n * "9" + "Z" for n in range(1, 10))}:
        return None
    year, month, day, hour, minute, second = map(int, re.split("[-T:.]", text[:19]))
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    if not 1970 <= moment.year <= 2261:
        return None
    return calendar.timegm(moment.utctimetuple()) * 10**9 + int((text[20:-1] + 9 * "0")[:9])


def at(value: Any, path: str) -> Any:
    """What stands at a dotted path; None where nothing does."""
    for key in path.split("."):
        if type(value) is not dict:
            return None
        value = value.get(key)
    return value


def _text(value: Any, path: str) -> str | None:
    found = at(value, path)
    return found.translate(_RESTORED) if type(found) is str else None


def _int(value: Any, path: str) -> int | None:
    found = at(value, path)
    return found if type(found) is int else None


HOSTILE = (
    "",
    "\x00",
    "a\x1b[31mb",
    "a\nb",
    "\u202e",
    "[/foo]",
    '"',
    "\\",
    "\\u0041",
    "😀",
    "{}[],:",
    "\u2028",
    "\x7f",
)
PATHS = ("/", "/bin", "/bin/", "/bin/ls", "/bin/lsa", "/private/tmp/x", "/Users/é/ü", "relative", *HOSTILE)
EDGES = (0, -1, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**25, -(2**63), -(2**63) - 1)
MEMBERS = ("source", "target", "destination", "file", "file1", "dir", "target_file", "target_name", "args")


def mostly(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """This, but now and then anything."""
    return st.integers(0, 24).flatmap(lambda dice: strategy if dice < 24 else junk)


def objects(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly an object of these members, each mostly as it should be; some are left out."""
    whole = st.fixed_dictionaries({name: mostly(value) for name, value in members.items()})
    return mostly(st.builds(_without, whole, st.sets(st.sampled_from(sorted(members)), max_size=2)))


def _without(value: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name not in names}


texts = st.one_of(
    st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=["Cs", "Co"]), max_size=8)
)
paths = st.one_of(st.sampled_from(PATHS), texts)
ints = st.one_of(st.integers(0, 5), st.sampled_from(EDGES), st.integers(-(2**66), 2**66))
floats = st.floats(allow_nan=False, allow_infinity=False)
junk = st.recursive(
    st.one_of(st.none(), st.booleans(), ints, floats, texts),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=4,
)
times = st.one_of(
    st.builds(
        "{}{}Z".format,
        st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds")),
        st.from_regex(r"(\.[0-9]{0,10})?", fullmatch=True),
    ),
    st.builds(
        "2024-{:02}-{:02}T{:02}:{:02}:{:02}Z".format, *(st.integers(0, top) for top in (13, 32, 25, 60, 61))
    ),
    st.sampled_from(["2023-02-29T00:00:00Z", "2024-01-01T00:00:00+00:00", "٢٠٢٤-01-01T00:00:00Z"]),
    texts,
)
tokens = st.one_of(
    objects(**dict.fromkeys(WORDS, ints)),
    st.lists(mostly(ints), min_size=8, max_size=8),
    st.lists(ints, min_size=7, max_size=9),
)
files = objects(path=paths, path_truncated=st.booleans(), stat=objects(st_ino=ints, st_mtimespec=times))
processes = objects(
    audit_token=tokens, ppid=ints, executable=files, signing_id=texts, team_id=st.none(), tty=files
)
names = st.one_of(
    st.sampled_from(sorted(TARGETS)),
    st.sampled_from(sorted(INSTIGATED)),
    st.sampled_from(sorted(NOTIFY)),
    st.sampled_from(["hover", "EXEC"]),
    texts,
)


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """The `event` object: all that a type's targets and instigator can be read from, and something more."""
    name = draw(names)
    payload = draw(st.dictionaries(st.sampled_from(MEMBERS), junk, max_size=2))
    for alternatives in TARGETS.get(name, (("target.path", "file.path"),)):
        for notation in draw(st.permutations(alternatives)):
            for path in notation.split("+"):
                put(payload, path, draw(mostly(paths)))
    if name in INSTIGATED:
        arm = draw(st.sampled_from(["", "data.od."])) if name == "authentication" else ""
        for role in ("instigator", "petitioner"):
            put(payload, f"{arm}{role}", draw(processes))
            put(payload, f"{role}_token", draw(tokens))
    return {name: payload}


def put(value: dict[str, Any], path: str, item: Any) -> None:
    """Set what stands at a dotted path, unless something else is in the way."""
    *keys, last = path.split(".")
    for key in keys:
        value = value.setdefault(key, {})
        if not isinstance(value, dict):
            return
    value.setdefault(last, item)


documents = objects(
    event=events(),
    estui_shard=ints | st.sampled_from([0, 63, 64]),
    time=times,
    event_type=ints,
    seq_num=ints,
    global_seq_num=ints,
    process=processes,
    thread=objects(thread_id=ints),
    action=junk,
)


own_documents = objects(
    estui=st.sampled_from(["loss", "mark", "recording", "recordings", ""]),
    lost=ints | st.none(),
    why=texts,
    words=texts,
    source=texts,
    whole=st.booleans(),
    time=times,
    shard=ints | st.sampled_from([0, 63, 64]),
)


_SHORT = {char: f"\\{letter}" for char, letter in zip('"\\/\b\f\n\r\t', '"\\/bfnrt', strict=True)}
"""The escapes of two characters."""


class Writer:
    """Writes JSON in one of the many ways it can be written: order, space, escapes and repeated keys vary."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._space = self._random.choice(["", "", " ", "\t", " \r"])
        self._escaped = self._random.choice([0, 0.1, 1])
        self._repeated = self._random.choice([0, 0.1])

    def line(self, value: Any) -> bytes:
        """A line without its newline. A character that surrogateescape made is written as its byte."""
        return self._padded(self._write(value)).encode("utf-8", "surrogateescape")

    def _write(self, value: Any) -> str:
        if isinstance(value, dict):
            members = list(value.items())
            self._random.shuffle(members)
            decoys = [(key, self._random.choice([0, "x", {}, {"path": 1}])) for key in value]
            members = [decoy for decoy in decoys if self._chance(self._repeated)] + members
            written = (f"{self._string(key)}:{self._padded(self._write(item))}" for key, item in members)
            return f"{{{','.join(written)}}}"
        if isinstance(value, list):
            return f"[{','.join(self._padded(self._write(item)) for item in value)}]"
        return self._string(value) if isinstance(value, str) else json.dumps(value)

    def _string(self, text: str) -> str:
        return self._padded(f'"{"".join(map(self._char, text))}"')

    def _char(self, char: str) -> str:
        if "\udc80" <= char <= "\udcff":
            return char
        if char in '"\\' or char < " " or self._chance(self._escaped):
            short = _SHORT.get(char)
            if short is not None and self._chance(0.5):
                return short
            units = char.encode("utf-16-be").hex()
            return "".join(f"\\u{self._cased(units[place : place + 4])}" for place in range(0, len(units), 4))
        return "\\/" if char == "/" and self._chance(0.5) else char

    def _cased(self, digits: str) -> str:
        return digits.upper() if self._chance(0.5) else digits

    def _padded(self, text: str) -> str:
        return f"{self._space}{text}{self._space}" if self._space and self._chance(0.5) else text

    def _chance(self, share: float) -> bool:
        return self._random.random() < share


lines = st.builds(lambda seed, document: Writer(seed).line(document), st.integers(0, 2**32), documents)
"""A JSON object on one line, an event or nearly."""
own_lines = st.builds(
    lambda seed, document: Writer(seed).line(document), st.integers(0, 2**32), own_documents
)
"""A line of estui's own, or nearly."""

_DAMAGE = (b"", b'"', b"{", b"}", b"\\", b",", b"\xff", b"\\u", b"\xed\xa0\x80", b"\\udbff\\udfff")
_ODD = (
    b"",
    b" \t\r",
    b"\x0b",
    b"{}",
    b"[]",
    b"null",
    b'{"event":{}}',
    b'{"event":{"a":1}}',
    b"\xef\xbb\xbf{}",
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A line some of whose bytes were replaced."""
    line = bytearray(draw(lines | own_lines))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(line)))
        end = place + draw(st.integers(0, 3))
        line[place:end] = draw(st.one_of(st.sampled_from(_DAMAGE), st.binary(max_size=3)))
    return bytes(line)


any_lines = st.one_of(lines, own_lines, damaged(), st.binary(max_size=40), st.sampled_from(_ODD)).map(
    lambda line: line.replace(b"\n", b"")
)
"""Any line at all."""
