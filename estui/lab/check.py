"""Regression tests for plans: expectations as a file (TOML), held against a plan and the events of a source.

Events may be required to be delivered, or suppressed; places of the coverage list to stay visible; and what is
delivered to be no more than so much. The muting engine decides each event.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from estui.core import Core
from estui.lab.coverage import DELIVERED, coverage
from estui.lab.coverage import lines as coverage_lines
from estui.lab.keep import EXPRESSION_KEYS, Expression, Keep, KeepError, expression
from estui.lab.places import Place
from estui.message import Message
from estui.muting import Verdict
from estui.plan import Plan
from estui.record import KIND_EVENT, Row
from estui.tables import Schema, Table, TableError, check_text, head, parse, read
from estui.text import nearest, printable

FORMAT = 1
EXAMPLES = ("demo", "nothing-lost")
"""Expectations that ship with estui and open by name."""

_EXAMPLES_AT = Path(__file__).parent.parent / "expectations"
_SECOND = 1_000_000_000
_SHOWN = 3
_REMEMBERED = 1 << 16
"""Verdicts that are remembered, before it starts anew."""


class ExpectError(TableError):
    """A file of expectations that cannot be. Its text is safe to show."""


@dataclass(frozen=True)
class Must:
    """A `[[delivered]]` or `[[suppressed]]` entry: every such event must be."""

    what: Expression
    delivered: bool
    at_least: int = 1
    """How many must have been held."""

    def __post_init__(self) -> None:
        if self.at_least < 0:
            raise ExpectError("this must be 0 or more", key="at_least", nearest="0")


@dataclass(frozen=True)
class AtMost:
    """An `[[at_most]]` entry: of such events no more than so much may be delivered."""

    what: Expression | None = None
    """None: all events."""
    name: str = ""
    per_second: float | None = None
    in_a_second: int | None = None
    share: float | None = None

    def __post_init__(self) -> None:
        limits = {key: getattr(self, key) for key in ("per_second", "in_a_second", "share")}
        if all(limit is None for limit in limits.values()):
            raise ExpectError("one of per_second, in_a_second and share is required", key="per_second")
        for key, limit in limits.items():
            if limit is not None and not limit >= 0:
                raise ExpectError("this must be 0 or more", key=key, nearest="0")
        if self.share is not None and self.share > 1:
            raise ExpectError("this must be 0 to 1", key="share", nearest="1")


@dataclass(frozen=True)
class Expectations:
    """A whole file. Raises ExpectError if it is made of what none can hold."""

    musts: tuple[Must, ...] = ()
    limits: tuple[AtMost, ...] = ()
    coverage: tuple[str, ...] | bool = False
    """Ids of places that must be delivered; True is the whole list."""
    name: str = ""
    more: tuple[Place, ...] = field(default=(), compare=False)
    """Places of the user's own; not of the file."""

    def __post_init__(self) -> None:
        check_text(ExpectError, "name", self.name)
        try:
            keep = Keep(self.coverage, more=self.more)
        except KeepError as error:
            raise ExpectError(error.words, key=error.key, nearest=error.nearest) from None
        object.__setattr__(self, "places", keep.places)

    places: tuple[Place, ...] = field(init=False, compare=False, repr=False)


class Result(NamedTuple):
    """What became of one expectation. Texts are unescaped."""

    kind: str
    """"coverage", "delivered", "suppressed" or "at most"."""
    name: str
    ok: bool
    words: str
    details: tuple[str, ...] = ()
    """Events or places that show it, some of them."""


class Report(NamedTuple):
    """What became of a plan's expectations."""

    name: str
    events: int
    """Events looked at."""
    delivered: int
    results: tuple[Result, ...]

    @property
    def ok(self) -> bool:
        return all(result.ok for result in self.results)


@dataclass(slots=True)
class _Seen:
    """The events of one expectation."""

    events: int = 0
    delivered: int = 0
    wrong: list[str] = field(default_factory=list)
    wrong_count: int = 0
    by_second: Counter[int] = field(default_factory=Counter)


class Checker:
    """A plan and its expectations, taking events in."""

    def __init__(self, plan: Plan, expectations: Expectations) -> None:
        self._plan, self._given = plan, expectations
        self._mutes = plan.mute_set()
        self._musts = [(must, _Seen()) for must in expectations.musts]
        self._limits = [(limit, _Seen()) for limit in expectations.limits]
        self._verdicts: dict[Any, Verdict] = {}
        self._events = self._delivered = 0
        self._nanoseconds = 0

    def take(self, core: Core, chunks: Iterable[tuple[int, int]], name: str = "") -> None:
        """Look at the events of one source, chunk by chunk: the first seq, and the one after the last."""
        first = last = None
        for low, high in chunks:
            for row in core.rows(low, high):
                if row.kind != KIND_EVENT:
                    continue
                verdict = self._verdict(core, row)
                self._take(row, verdict, name)
                if row.time_ns is not None:
                    first = row.time_ns if first is None else min(first, row.time_ns)
                    last = row.time_ns if last is None else max(last, row.time_ns)
        if first is not None and last is not None:
            self._nanoseconds += last - first

    def _verdict(self, core: Core, row: Row) -> Verdict:
        if self._plan.instigator_votes:
            raw = core.raw(row.seq)
            return self._mutes.decide_row(row, None if raw is None else Message(raw))
        key = row.event, row.pid, row.pidversion, row.executable, row.targets
        verdict = self._verdicts.get(key)
        if verdict is None:
            if len(self._verdicts) >= _REMEMBERED:
                self._verdicts.clear()
            verdict = self._verdicts[key] = self._mutes.decide_row(row)
        return verdict

    def _take(self, row: Row, verdict: Verdict, name: str) -> None:
        self._events += 1
        self._delivered += verdict.delivered
        for must, seen in self._musts:
            if not must.what.holds(row):
                continue
            seen.events += 1
            if verdict.delivered != must.delivered:
                seen.wrong_count += 1
                if len(seen.wrong) < _SHOWN:
                    seen.wrong.append(_shown(row, verdict, name))
        for limit, seen in self._limits:
            if limit.what is None or limit.what.holds(row):
                seen.events += 1
                seen.delivered += verdict.delivered
                if verdict.delivered and row.time_ns is not None and limit.in_a_second is not None:
                    seen.by_second[row.time_ns // _SECOND] += 1

    def report(self) -> Report:
        """What became of each expectation."""
        results = (*self._places(), *self._events_results(), *self._limit_results())
        return Report(self._given.name, self._events, self._delivered, results)

    def _places(self) -> Iterator[Result]:
        for covered in coverage(self._plan, self._given.places):
            ok = covered.status == DELIVERED
            details = () if ok else tuple(line.strip() for line in list(coverage_lines(covered))[1:])
            yield Result("coverage", covered.place.name, ok, covered.status, details)

    def _events_results(self) -> Iterator[Result]:
        for number, (must, seen) in enumerate(self._musts, 1):
            kind = "delivered" if must.delivered else "suppressed"
            name = must.what.name or f"{kind} {number}"
            if seen.wrong_count:
                other = "suppressed" if must.delivered else "delivered"
                words = f"{seen.wrong_count:,} of {seen.events:,} {other}"
                yield Result(kind, name, ok=False, words=words, details=tuple(seen.wrong))
            elif seen.events < must.at_least:
                words = f"only {seen.events:,} such events, and at least {must.at_least:,} are needed to tell"
                yield Result(kind, name, ok=False, words=words)
            else:
                yield Result(kind, name, ok=True, words=f"all of {seen.events:,}")

    def _limit_results(self) -> Iterator[Result]:
        for number, (limit, seen) in enumerate(self._limits, 1):
            found: list[tuple[bool, str]] = []
            if limit.per_second is not None:
                if self._nanoseconds:
                    rate = seen.delivered * _SECOND / self._nanoseconds
                    words = f"{rate:,.4g} per second, at most {limit.per_second:,.4g}"
                    found.append((rate <= limit.per_second, words))
                else:
                    found.append((False, "no two events have different times, so there is no rate"))
            if limit.in_a_second is not None:
                most = max(seen.by_second.values(), default=0)
                found.append(
                    (
                        most <= limit.in_a_second,
                        f"{most:,} in the busiest second, at most {limit.in_a_second:,}",
                    )
                )
            if limit.share is not None:
                share = seen.delivered / seen.events if seen.events else 0.0
                words = f"{share:.4f} of {seen.events:,}, at most {limit.share:g}"
                found.append((share <= limit.share, words))
            yield Result(
                "at most",
                limit.name or f"at most {number}",
                all(ok for ok, _ in found),
                "; ".join(words for _, words in found),
            )


def check(plan: Plan, core: Core, expectations: Expectations) -> Report:
    """Hold a plan against what a ring holds; made for a worker thread."""
    checker = Checker(plan, expectations)
    counters = core.counters()
    checker.take(core, [(counters.tail, counters.head)])
    return checker.report()


def _shown(row: Row, verdict: Verdict, name: str) -> str:
    place = f"{name}:{row.n}" if name else f"line {row.n}"
    about = " → ".join(row.targets)
    why = "delivered" if verdict.delivered else f"suppressed at {str(verdict.stage).replace('_', ' ')}"
    by = f" by {verdict.rule}" if verdict.rule else ""
    return " ".join(filter(None, (place, row.event, about))) + f": {why}{by}"


# Files

_EXPRESSION = tuple(key for key in EXPRESSION_KEYS if key != "name")
_SCHEMA = Schema(
    ExpectError,
    "expectation",
    {
        "[check]": ("format", "name", "coverage"),
        "[[delivered]]": (*EXPRESSION_KEYS, "at_least"),
        "[[suppressed]]": (*EXPRESSION_KEYS, "at_least"),
        "[[at_most]]": (*EXPRESSION_KEYS, "per_second", "in_a_second", "share"),
    },
)


def find(name_or_path: str) -> Path:
    """The file of expectations: a shipped example by its name, otherwise a path. Raises ExpectError."""
    if name_or_path in EXAMPLES:
        return _EXAMPLES_AT / f"{name_or_path}.toml"
    path = Path(name_or_path)
    if os.sep not in name_or_path and not os.path.lexists(path):
        raise ExpectError(
            f"there is no such file, nor an example of that name ({', '.join(EXAMPLES)})",
            file=name_or_path,
            nearest=nearest(name_or_path[:100], EXAMPLES),
        )
    return path


def load(path: str | os.PathLike[str], more: tuple[Place, ...] = ()) -> Expectations:
    """Read a file of expectations; `more` are places of the user's own that it may name. Raises ExpectError."""
    return loads(read(path, _SCHEMA), os.fspath(path), more)


def loads(text: str, name: str = "expectations", more: tuple[Place, ...] = ()) -> Expectations:
    """Read expectations from text; `name` is what errors call them. Raises ExpectError."""
    return parse(text, name, _SCHEMA, lambda data: _expectations(data, more))


def _expectations(data: dict[str, Any], more: tuple[Place, ...]) -> Expectations:
    top, first = head(data, _SCHEMA, FORMAT)
    musts = (
        *top.each("delivered", lambda table: _must(table, delivered=True)),
        *top.each("suppressed", lambda table: _must(table, delivered=False)),
    )
    limits = tuple(top.each("at_most", _at_most))
    try:
        return Expectations(musts, limits, first.flag_or_names("coverage"), first.get("name", str, ""), more)
    except ExpectError as error:
        raise error.at("", "[check]") from None


def _must(table: Table, *, delivered: bool) -> Must:
    return Must(_expression(table), delivered, table.get("at_least", int, 1))


def _expression(table: Table) -> Expression:
    try:
        return expression(table)
    except KeepError as error:
        raise ExpectError(error.words, table=error.table, key=error.key, nearest=error.nearest) from None


def _at_most(table: Table) -> AtMost:
    what = _expression(table) if any(key in table for key in _EXPRESSION) else None
    share = table.number("share")
    return AtMost(
        what, table.get("name", str, ""), table.number("per_second"), table.get("in_a_second", int), share
    )


# As text, JSON and JUnit


def lines(report: Report) -> Iterator[str]:
    """A report in words, safe to show: a line per expectation, what failed with what shows it, and a summary."""
    for result in report.results:
        if result.kind == "coverage" and result.ok:
            continue
        yield printable(
            f"{'ok    ' if result.ok else 'FAILED'}  {result.kind:<10}  {result.name}: {result.words}"
        )
        for detail in result.details:
            yield printable(f"{'':<20}{detail}")
    places = [result for result in report.results if result.kind == "coverage"]
    if places and all(result.ok for result in places):
        yield f"ok      coverage    {len(places)} places delivered"
    failed = sum(not result.ok for result in report.results)
    words = f"{failed} of {len(report.results)} failed" if failed else f"{len(report.results)} passed"
    yield f"{words}; {report.delivered:,} of {report.events:,} events delivered"


def document(report: Report) -> dict[str, Any]:
    """A report in a JSON document."""
    return {
        "name": report.name,
        "ok": report.ok,
        "events": report.events,
        "delivered": report.delivered,
        "results": [result._asdict() for result in report.results],
    }


def junit(report: Report) -> str:
    """A report as JUnit's XML; what XML cannot hold is escaped."""
    failed = sum(not result.ok for result in report.results)
    suite = quoteattr(printable(report.name or "estui plan check"))
    out = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuite name={suite} tests="{len(report.results)}" failures="{failed}" errors="0" skipped="0">',
    ]
    for result in report.results:
        case = f"  <testcase classname={quoteattr(result.kind)} name={quoteattr(printable(result.name))}"
        if result.ok:
            out.append(f"{case}/>")
            continue
        details = escape("\n".join(map(printable, result.details)))
        message = quoteattr(printable(result.words))
        out += [f"{case}>", f"    <failure message={message}>{details}</failure>", "  </testcase>"]
    return "\n".join([*out, "</testsuite>", ""])
