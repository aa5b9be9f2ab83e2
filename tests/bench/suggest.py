"""Suggestions over a full ring: what they take, and how good they are."""

from __future__ import annotations

from statistics import median

from tests.bench.corpus import corpus
from tests.bench.machine import worker
from tests.bench.rows import Scale
from tests.bench.running import Taken, report
from tests.bench.table import Row, limited, seconds, taken_words


def suggestions(scale: Scale) -> list[Row]:
    """From an empty plan, with the coverage list kept."""
    found = report(worker("suggest", str(corpus(scale.many_lines)), str(scale.many_rounds)))
    samples = [Taken(*sample) for sample in found["suggest"]]
    what = (
        f"suggestions over {found['events']:,} events: {found['items']} that save {found['share_saved']:.1%}, "
        f"where {found['upper_bound']:.1%} is the most there can be"
    )
    return [
        limited(what, median(sample.wall for sample in samples), 2.0, seconds, taken_words(samples)),
        Row(
            f"… of that, under the ring's lock: the events in {found['cells']:,} groups",
            taken_words([Taken(*sample) for sample in found["cube"]]),
        ),
    ]
