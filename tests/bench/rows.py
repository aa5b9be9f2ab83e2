"""The rows that compare whole processes, or ask a worker: ingest, opening, muting, memory."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from tests.bench.corpus import corpus
from tests.bench.machine import OUT, BenchError, environment, estui, peer, worker
from tests.bench.running import Taken, in_turn, itself, output, report, whole
from tests.bench.table import Row, faster, limited, mebibytes, seconds, taken_words

LNAV = OUT.parent / "lnav"
"""lnav's configuration directory of this benchmark: a format for eslogger's lines."""
SEGMENT = 4 << 20
"""Bytes of a ring's segment under the default budget."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured."""

    rounds: int = 5
    lines: int = 200_000
    many_lines: int = 1_000_000
    many_rounds: int = 3
    mute_rounds: int = 25
    budgets: float = 8.0
    """How many times its budget goes through the ring."""
    screen_seconds: float = 30.0
    idle_seconds: float = 10.0
    paint_rounds: int = 15
    paint_lines: int = 20_000
    files: int = 200
    forks: int = 5_000
    opens: int = 400_000


QUICK = Scale(
    rounds=3,
    lines=20_000,
    many_lines=100_000,
    many_rounds=1,
    mute_rounds=5,
    budgets=3.0,
    screen_seconds=5.0,
    idle_seconds=3.0,
    paint_rounds=3,
    files=20,
    forks=500,
    opens=40_000,
)


def ingest(scale: Scale) -> list[Row]:
    """Reading a recording without a screen, against jq and orjson on the same file."""
    path = str(corpus(scale.lines))
    contenders = {
        "estui stat": whole(estui("stat", path)),
        "orjson.loads": whole(worker("orjson_loop", path)),
        "core": itself(worker("scan_file", path)),
    }
    missing = ""
    try:
        contenders["jq"] = whole([peer("jq"), "-c", ".process.executable.path", path])
    except BenchError as error:
        missing = str(error)
    whole(estui("stat", path))()  # so that nobody pays for compiling Python
    taken = in_turn(scale.rounds, contenders)
    ours, core = taken["estui stat"], taken["core"]
    what = f"headless ingest: `estui stat`, {scale.lines:,} lines, whole process"
    words = _rate(scale.lines, ours)
    command = "`jq -c .process.executable.path`"
    return [
        Row(what, taken_words(ours), command, target="≥ 20x", why=missing)
        if missing
        else faster(what, command, ours, taken["jq"], 20, words),
        faster("the same", "`orjson.loads` loop", ours, taken["orjson.loads"], 5, words),
        faster(
            "the core alone: `run()` over an indexed stream",
            "`orjson.loads` loop",
            core,
            taken["orjson.loads"],
            words=_rate(scale.lines, core),
        ),
    ]


def _rate(lines: int, samples: list[Taken]) -> str:
    return f"{lines / median(sample.wall for sample in samples):,.0f} events/s"


def opening(scale: Scale) -> list[Row]:
    """Opening a large file until every row can be looked at, against lnav's index of the same file."""
    path = str(corpus(scale.many_lines))
    what = f"open {scale.many_lines:,} lines until all rows are browsable, whole process"
    contenders = {"estui": whole(worker("open_file", path, str(scale.many_lines)))}
    missing = ""
    try:
        lnav = [peer("lnav"), "-n", "-I", str(LNAV)]
        home = OUT / "home"
        home.mkdir(exist_ok=True)  # lnav without a home writes where it stands
        env = {**environment(), "HOME": str(home)}
        counted = output([*lnav, "-c", ";SELECT count(*) FROM eslogger_log", path], env).split()
        if counted[-1:] != [str(scale.many_lines)]:
            raise BenchError(f"lnav read {' '.join(counted)} of {scale.many_lines} lines")
        contenders["lnav"] = whole([*lnav, "-q", "-c", ":goto 100%", path], env)
    except BenchError as error:
        missing = str(error)
    taken = in_turn(scale.many_rounds, contenders)
    if missing:
        return [Row(what, taken_words(taken["estui"]), "lnav", target="≥ 4x", why=missing)]
    return [faster(what, "lnav, headless, with a format for eslogger", taken["estui"], taken["lnav"], 4)]


def muting(scale: Scale) -> list[Row]:
    """Judging a full ring anew."""
    found = report(worker("mute", str(corpus(scale.many_lines)), str(scale.mute_rounds)))
    ring = f"{found['events']:,} events and {found['strings']:,} different strings"
    by_mute = {name: _samples(samples) for name, samples in found["toggle"].items()}
    slowest = max(by_mute, key=lambda name: median(sample.wall for sample in by_mute[name]))
    return [
        _judged(f"one mute toggled over {ring}; of four the slowest, `{slowest}`", by_mute[slowest], 0.010),
        Row(
            "… through the client, and the view that hides suppressed events",
            taken_words(_samples(found["screen"])),
        ),
        _judged(
            f"10,000 mutes re-judged, {found['suppressed']:,} events suppressed",
            _samples(found["many"]),
            0.100,
        ),
        Row(
            "… before that, once: the plan compiled to rules in Python",
            taken_words(_samples(found["compile"])),
        ),
    ]


def _samples(found: list[list[float]]) -> list[Taken]:
    return [Taken(*sample) for sample in found]


def _judged(what: str, samples: list[Taken], limit: float) -> Row:
    return limited(what, median(sample.wall for sample in samples), limit, seconds, taken_words(samples))


def memory(scale: Scale) -> list[Row]:
    """What a ring takes while far more than its budget goes through it."""
    found = report(worker("memory", str(corpus(scale.many_lines)), str(scale.budgets)))
    streamed = (
        f"{found['streamed'] / found['budget']:.1f} budgets of {mebibytes(found['budget'])} streamed through"
    )
    allowed = found["baseline"] + 1.15 * found["raw"] + found["strings"]
    past = max(0, found["memory"] - found["budget"])
    grown = max(0, found["peak"] - found["baseline"] - found["budget"])
    return [
        limited(
            f"peak RSS, {streamed}",
            found["peak"],
            allowed,
            mebibytes,
            mebibytes(found["peak"]),
            f"baseline {mebibytes(found['baseline'])} + 1.15 × {mebibytes(found['raw'])} raw"
            f" + {mebibytes(found['strings'])} strings",
        ),
        limited(
            "the ring past its budget, by its own account", past, 2 * SEGMENT, mebibytes, mebibytes(past)
        ),
        limited("the process's growth past the budget", grown, 2 * SEGMENT, mebibytes, mebibytes(grown)),
    ]
