"""The table: samples with their spread, ratios, and rows with their targets."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.running import Taken

HEAD = ("what", "figure", "peer", "ratio", "target", "result")
NONE = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `met` None: there is no target, `why`: it could not be measured."""

    what: str
    figure: str = NONE
    peer: str = NONE
    ratio: str = NONE
    target: str = NONE
    met: bool | None = None
    why: str = ""

    def cells(self) -> tuple[str, ...]:
        """The row's texts, as in HEAD."""
        result = NONE if self.met is None else "met" if self.met else "**missed**"
        if self.why:
            result = f"not measured: {self.why}"
        return self.what, self.figure, self.peer, self.ratio, self.target, result


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [HEAD, ("---", "---", "---", "---", "---", "---"), *(row.cells() for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def seconds(value: float) -> str:
    """A duration in the unit that suits it."""
    if value >= 1:
        return f"{value:.2f} s"
    return f"{value * 1e3:.3g} ms" if value >= 1e-4 else f"{value * 1e6:.2g} µs"


def times(value: float) -> str:
    """A ratio."""
    return f"{value:.1f}x" if value >= 2 else f"{value:.2f}x"


def mebibytes(value: float) -> str:
    """Bytes."""
    return f"{value / (1 << 20):,.1f} MiB"


def spread(values: Sequence[float], shown: Callable[[float], str]) -> str:
    """Median and, of several, the least and the greatest: `836 ms (798–975 ms)`."""
    middle = shown(median(values))
    if len(values) < 2:
        return middle
    least, greatest = shown(min(values)), shown(max(values))
    number, _, unit = least.partition(" ")
    return f"{middle} ({number if greatest.endswith(unit) and unit else least}–{greatest})"


def taken_words(samples: Sequence[Taken]) -> str:
    """Wall-clock time with its spread, and the CPU time of it."""
    wall = spread([sample.wall for sample in samples], seconds)
    return f"{wall}, CPU {seconds(median(sample.cpu for sample in samples))}"


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that this share of all values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def faster(
    what: str,
    peer: str,
    ours: Sequence[Taken],
    theirs: Sequence[Taken],
    target: float | None = None,
    words: str = "",
) -> Row:
    """How many times faster we are than a peer measured in turn: the median of each round's own ratio.

    The target is held against wall-clock time; the ratio of CPU times stands beside it. `words` stand before our
    figure.
    """
    ratios = [their.wall / our.wall for our, their in zip(ours, theirs, strict=True)]
    of_cpu = median(their.cpu / our.cpu for our, their in zip(ours, theirs, strict=True))
    return Row(
        what,
        (f"{words}: " if words else "") + taken_words(ours),
        f"{peer}: {taken_words(theirs)}",
        f"{spread(ratios, times)}, CPU {times(of_cpu)}",
        NONE if target is None else f"≥ {target:g}x",
        None if target is None else median(ratios) >= target,
    )


def limited(
    what: str, value: float, limit: float, shown: Callable[[float], str], figure: str, peer: str = NONE
) -> Row:
    """A figure that must not exceed a limit; the ratio is its share of the limit."""
    return Row(what, figure, peer, f"{value / limit:.2f} of the limit", f"≤ {shown(limit)}", value <= limit)
