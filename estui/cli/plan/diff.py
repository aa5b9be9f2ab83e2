"""`estui plan diff`: two plans side by side."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from estui.cli import streams
from estui.cli.exits import Exit
from estui.cli.inputs import Input, Inputs, load_settings, open_plan
from estui.lab.diff import CHANGED, ONLY_A, ONLY_B, Diff, RuleDiff, compare, document, event_names
from estui.lab.whatif import Preview
from estui.message import Message
from estui.muting import TARGET_EVENTS
from estui.plan import Plan
from estui.record import ALL_EVENTS, Change, Row, Volume
from estui.text import printable

EXAMPLES = 20
"""Events that differ which are shown, unless another number is asked for."""
_NAMED = 4
"""Event types named in a line of text."""
_DIGITS = 9
_SIGN = {ONLY_A: "-", ONLY_B: "+", CHANGED: "~"}


def prepare(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Say how plan B differs from plan A: rules, switches and subscriptions. With a source, also which of its "
        "events only one of them delivers."
    )
    parser.add_argument("a", metavar="A", help="a plan file, or the name of an example")
    parser.add_argument("b", metavar="B", help="another")
    parser.add_argument("source", nargs="*", metavar="SOURCE", help="a file, -, eslogger or demo")
    parser.add_argument(
        "--limit",
        type=_limit,
        default=EXAMPLES,
        metavar="N",
        help=f"events that differ to show, per source; default {EXAMPLES}",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def _limit(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= _DIGITS:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text[:100]} is not a number of events")


def run(args: argparse.Namespace) -> Exit:
    a, b = open_plan(args.a), open_plan(args.b)
    diff, verdicts, code = compare(a, b), _Verdicts(a, b, args.limit), Exit.OK
    if args.source:
        code = Inputs(args.source, load_settings(args), held=None).read(verdicts.take)
    if args.json:
        found = {"a": args.a, "b": args.b, **document(diff)}
        found["verdicts"] = verdicts.document() if args.source else None
        streams.write(json.dumps(found, indent=2) + "\n")
        return code
    lines = [*_lines(diff), *(verdicts.lines() if args.source else ())]
    streams.write("".join(f"{line}\n" for line in lines))
    return code


class _Verdicts:
    """What the two plans say of the events of several sources."""

    def __init__(self, a: Plan, b: Plan, limit: int) -> None:
        self._a, self._b, self._limit = a, b, limit
        self._mutes = a.mute_set(), b.mute_set()
        self._total = Change()
        self._by_event: dict[str, Change] = {}
        self._examples: list[dict[str, Any]] = []

    def take(self, source: Input) -> None:
        """Read a source to its end, and compare."""
        source.hold()
        found = Preview(source.core, self._a, self._b, top=0)
        self._total = _plus(self._total, found.total)
        for name, change in found.by_event.items():
            self._by_event[name] = _plus(self._by_event.get(name, Change()), change)
        for changed in found.changes(0, self._limit):
            row, raw = source.core.row(changed.seq), source.core.raw(changed.seq)
            if row is not None and raw is not None:
                self._examples.append(self._example(source.name, row, Message(raw), changed.hidden))

    def _example(self, source: str, row: Row, message: Message, hidden: bool) -> dict[str, Any]:
        verdict = self._mutes[hidden].decide_row(row, message)
        return {
            "source": source,
            "n": row.n,
            "event": row.event,
            "executable": row.executable,
            "targets": row.targets,
            "delivered_by": "A" if hidden else "B",
            "stage": verdict.stage,
            "rule": verdict.rule,
        }

    def _changed(self) -> dict[str, Change]:
        """The types of which any event differs, most first."""
        named = sorted(self._by_event.items(), key=lambda item: (-item[1].changed, item[0]))
        return {name: change for name, change in named if change.changed}

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "events": self._total.held.events,
            "delivered_a": self._total.now.events,
            "delivered_b": self._total.then.events,
            "only_a": self._total.newly_hidden.events,
            "only_b": self._total.newly_delivered.events,
            "by_event": {
                name: {"only_a": change.newly_hidden.events, "only_b": change.newly_delivered.events}
                for name, change in self._changed().items()
            },
            "examples": self._examples,
        }

    def lines(self) -> Iterator[str]:
        """For reading."""
        total = self._total
        yield (
            f"verdicts: {total.changed:,} of {total.held.events:,} events differ; A delivers {total.now.events:,}, "
            f"B {total.then.events:,}"
        )
        for name, change in self._changed().items():
            only = (("A", change.newly_hidden), ("B", change.newly_delivered))
            words = ", ".join(
                f"{volume.events:,} only by {plan}" for plan, volume in only if volume != Volume()
            )
            yield f"  {printable(name)}: {words}"
        for example in self._examples:
            paths = " -> ".join(example["targets"]) or "no target"
            words = f"{example['event']} by {example['executable'] or 'no executable'}: {paths}"
            by = example["rule"] or f"the {example['stage']} stage".replace("_", " ")
            sign = "-" if example["delivered_by"] == "A" else "+"
            yield printable(f"  {sign} {example['source']}:{example['n']} {words} ({by})")


def _plus(one: Change, other: Change) -> Change:
    return Change(*(mine.plus(more) for mine, more in zip(one, other, strict=True)))


def _lines(diff: Diff) -> Iterator[str]:
    """All but the verdicts, for reading; each line printable."""
    if diff.same:
        yield "no rule, switch or subscription differs"
    own = [rule for rule in diff.rules if not rule.of_default_set]
    if own:
        yield "rules:"
    for rule in own:
        yield printable(f"  {_SIGN[rule.kind]} {rule.label}{_events(rule)}")
    if len(own) < len(diff.rules):
        yield f"rules of Apple's default mute sets: {len(diff.rules) - len(own)}"
    if diff.switches:
        yield "switches:"
    for switch in diff.switches:
        words = [
            ("on" if value else "off") if isinstance(value, bool) else value for value in (switch.a, switch.b)
        ]
        yield f"  {switch.name}: {words[0]} in A, {words[1]} in B"
    subscriptions = diff.subscriptions
    if subscriptions.only_a or subscriptions.only_b or subscriptions.unknown:
        yield "subscriptions:"
    for names, kind in ((subscriptions.only_a, ONLY_A), (subscriptions.only_b, ONLY_B)):
        parts = [_some(names)] if names else []
        if subscriptions.unknown == kind:
            parts.append("every type that estui does not know")
        if parts:
            yield printable(f"  {_SIGN[kind]} {' and '.join(parts)}")


def _events(rule: RuleDiff) -> str:
    """What a rule is for, or what of it changes."""
    if rule.kind is not CHANGED:
        mask = rule.a or rule.b
        return "" if mask in {ALL_EVENTS, TARGET_EVENTS} else f" for {_some(event_names(mask))}"
    parts = (("no longer", rule.a & ~rule.b), ("also", rule.b & ~rule.a))
    return ": " + "; ".join(f"{word} {_some(event_names(mask))}" for word, mask in parts if mask)


def _some(names: tuple[str, ...]) -> str:
    """The first of them."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
