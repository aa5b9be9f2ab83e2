"""The mute lab: what its answers over a full ring take."""

from __future__ import annotations

from statistics import median

from tests.bench.corpus import corpus
from tests.bench.machine import worker
from tests.bench.rows import Scale
from tests.bench.running import Taken, report
from tests.bench.table import Row, limited, seconds, taken_words


def lab(scale: Scale) -> list[Row]:
    """Previews, own hits and a diff."""
    found = report(worker("lab", str(corpus(scale.many_lines)), str(scale.mute_rounds)))
    by_edit = {name: _samples(samples) for name, samples in found["preview"].items()}
    slowest = max(by_edit, key=lambda name: _wall(by_edit[name]))
    ring = f"{found['events']:,} events"
    return [
        _answered(
            f"what-if: preview of one edited rule over {ring}; of four the slowest, `{slowest}`",
            by_edit[slowest],
            0.020,
        ),
        _answered("per rule: hits and own hits of 100 rules", _samples(found["hits"]), 0.200),
        _answered("diff of two plans of 1,000 rules, and of their verdicts", _samples(found["diff"]), 0.200),
    ]


def _samples(found: list[list[float]]) -> list[Taken]:
    return [Taken(*sample) for sample in found]


def _wall(samples: list[Taken]) -> float:
    return median(sample.wall for sample in samples)


def _answered(what: str, samples: list[Taken], limit: float) -> Row:
    return limited(what, _wall(samples), limit, seconds, taken_words(samples))
