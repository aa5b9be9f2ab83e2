"""Why: ES's decision chart for one event and one plan, as data and as lines of text.

The event may have been there, or is only thought of: see `subject`. Every rule of the plan is held against it, so
that the chart shows, besides the rule that decided, those that would have done so without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from estui.events import BY_C_NAME, INSTIGATOR_EVENTS, NOTIFY
from estui.lab.rule import Rule, as_json, rules
from estui.message import Message
from estui.muting import Subject
from estui.plan import Plan
from estui.record import STAGES, UNKNOWN_BIT
from estui.text import nearest, printable


class SubjectError(ValueError):
    """An event that cannot be thought of: what is wrong with it. Its text is safe to show."""


class Asked(NamedTuple):
    """One thing a node asks about, and the rules that have to do with it."""

    role: str
    """"event", "process", "instigator", "executable", "target", "target 1" or "target 2"."""
    thing: str | None
    """As the event has it, unescaped; None where it has none."""
    rules: tuple[Rule, ...]
    """Those that match it, for this event type, in order."""
    idle: tuple[Rule, ...]
    """Those that would, were they not for other event types only."""


class Node(NamedTuple):
    """One of the four questions."""

    stage: str
    question: str
    """Unescaped."""
    answer: str
    """"yes", "no", or "not asked"."""
    outcome: str
    """"pass", "suppress" or "not applicable"."""
    inverted: bool
    reached: bool
    """Whether ES comes here at all: no node before it has suppressed the event."""
    asked: tuple[Asked, ...]
    note: str
    """What else there is to say, or ""."""


class Chart(NamedTuple):
    """The whole way of one event."""

    subject: Subject
    nodes: tuple[Node, ...]
    delivered: bool
    stage: str | None
    """The first that suppresses; None when the event is delivered."""
    rule: Rule | None
    """The rule that decided; None when the event is delivered, or when the absence of a rule decided."""
    also: tuple[Rule, ...]
    """The other rules with a part in suppressing it, at that stage or at a later one."""


class Line(NamedTuple):
    """One line of a chart in text, safe to show."""

    text: str
    taken: bool
    """It belongs to the way the event took."""
    mark: str = ""
    """What it is: "decided", "also", "end" or ""."""


STAGE_NAMES = tuple(stage for stage in STAGES if stage)
"""The stages in ES's order."""


def subject(
    event: str,
    *,
    process: tuple[int, int] | None = None,
    instigator: tuple[int, int] | None = None,
    executable: str | None = None,
    targets: tuple[str, ...] = (),
) -> Subject:
    """An event that is only thought of. Raises SubjectError for one that ES could not send.

    Fewer targets than the type has are allowed: what is missing is not asked about.
    """
    known = NOTIFY.get(event) or BY_C_NAME.get(event)
    if known is None:
        near = nearest(event[:100], NOTIFY)
        words = f"{event[:100]} is not an event type" + (f"; the nearest is {near}" if near else "")
        raise SubjectError(printable(words))
    if not known.name:
        raise SubjectError(f"{event} is not a NOTIFY type, and estui judges no other")
    most = target_count(known.name)
    if len(targets) > most:
        has = ("no target path", "one target path", "two target paths")[most]
        raise SubjectError(f"{known.name} has {has}, not {len(targets)}")
    if instigator and known.name not in INSTIGATOR_EVENTS:
        raise SubjectError(f"{known.name} names no instigator")
    for text in (*(() if executable is None else (executable,)), *targets):
        try:
            text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise SubjectError(f"a path must not hold half a surrogate pair: {printable(text)}") from None
    return Subject(known.name, process, instigator, executable, targets)


def target_count(event: str) -> int:
    """How many target paths events of this type carry: 0, 1 or 2."""
    known = NOTIFY.get(event)
    return known.target_path_fields.count(";") + 1 if known and known.supports_targets else 0


def explain(message: Message, plan: Plan) -> Chart:
    """The chart of an event that was there. Raises message.BadLine for a line that is not an event."""
    return chart(plan.mute_set().subject(message), plan)


def chart(subject: Subject, plan: Plan) -> Chart:
    """The chart of an event; an instigator is asked where the subject has one."""
    nodes: list[Node] = []
    reached, given = True, rules(plan)
    for stage in STAGE_NAMES:
        node = _node(stage, subject, plan, given)._replace(reached=reached)
        nodes.append(node)
        reached = reached and node.outcome != "suppress"
    decided = next((node for node in nodes if node.outcome == "suppress"), None)
    first = _decider(decided) if decided else None
    also = {
        rule: None
        for node in nodes
        if node.outcome == "suppress" and not node.inverted
        for asked in node.asked
        for rule in asked.rules
        if rule != first
    }
    return Chart(subject, tuple(nodes), decided is None, decided and decided.stage, first, tuple(also))


def _decider(node: Node) -> Rule | None:
    """The rule a suppressing node names, as muting.MuteSet names it; the absence of one has no name."""
    found = [asked.rules[0] for asked in node.asked if asked.rules]
    if node.inverted or not found:
        return None
    # Of targets the first one's; of a process and its instigator the rule that came first.
    return found[0] if node.stage == "target_path" else min(found, key=lambda rule: rule.index or 0)


def _node(stage: str, subject: Subject, plan: Plan, given: tuple[Rule, ...]) -> Node:
    if stage == "subscription":
        missing = plan.subscribe is not None and subject.event not in plan.subscribe
        return Node(
            stage,
            f"is {subject.event} subscribed to?",
            "no" if missing else "yes",
            "suppress" if missing else "pass",
            inverted=False,
            reached=True,
            asked=(Asked("event", subject.event, (), ()),),
            note="" if plan.subscribe is not None else "every type is",
        )
    inverted = bool(getattr(plan, f"invert_{stage}"))
    own = [rule for rule in given if rule.is_of(stage)]
    known = NOTIFY.get(subject.event)
    bit = 1 << (known.number if known else UNKNOWN_BIT)
    asked = tuple(_asked(role, thing, own, bit) for role, thing in _things(stage, subject))
    if not asked:
        note = untouched(subject.event)
        return Node(stage, "are there targets?", "not asked", "not applicable", inverted, True, (), note)
    found = [bool(one.rules) for one in asked]
    # Of targets, all must be muted to suppress, and any one named selects. Of processes it is the other way round.
    every = (stage == "target_path") != inverted
    yes = all(found) if every else any(found)
    return Node(
        stage,
        _question(stage, asked, every=every, verb="select" if inverted else "mute"),
        "yes" if yes else "no",
        "suppress" if yes != inverted else "pass",
        inverted,
        True,
        asked,
        note="",
    )


def untouched(event: str) -> str:
    """Why target muting leaves an event without targets alone."""
    known = NOTIFY.get(event)
    if known is None:
        return f"estui does not know the type {event}: target muting leaves it alone"
    if not known.supports_targets:
        return f"{event} does not support target paths: target muting leaves it alone, inverted or not"
    return (
        "the event carries no target: target muting is taken to leave it alone (Apple does not document this)"
    )


def _things(stage: str, subject: Subject) -> list[tuple[str, str | tuple[int, int] | None]]:
    if stage == "process":
        roles: list[tuple[str, str | tuple[int, int] | None]] = [("process", subject.process)]
        return [*roles, ("instigator", subject.instigator)] if subject.instigator else roles
    if stage == "path":
        return [("executable", subject.executable)]
    if not target_count(subject.event):
        return []
    several = len(subject.targets) > 1
    return [
        (f"target {number}" if several else "target", path) for number, path in enumerate(subject.targets, 1)
    ]


def _asked(role: str, thing: str | tuple[int, int] | None, own: list[Rule], bit: int) -> Asked:
    if thing is None:
        return Asked(role, None, (), ())
    found = [rule for rule in own if (rule.matches(thing) if isinstance(thing, str) else rule.names(thing))]
    name = thing if isinstance(thing, str) else f"{thing[0]}.{thing[1]}"
    return Asked(
        role,
        name,
        tuple(rule for rule in found if rule.mask & bit),
        tuple(rule for rule in found if not rule.mask & bit),
    )


def _question(stage: str, asked: tuple[Asked, ...], *, every: bool, verb: str) -> str:
    if stage == "target_path":
        several = len(asked) > 1
        which = ("both targets" if every else "either target") if several else asked[0].thing
        return f"do rules {verb} {which}?" if several and every else f"does a rule {verb} {which}?"
    things = [
        f"{'its instigator' if one.role == 'instigator' else one.role} {one.thing}"
        if one.thing is not None
        else f"an event without {'an executable' if one.role == 'executable' else 'pid and pidversion'}"
        for one in asked
    ]
    both = every and len(things) > 1
    words = (" and " if every else " or ").join(things)
    return f"{'do rules' if both else 'does a rule'} {verb} {words.removeprefix('executable ')}?"


# As text

_WIDE = 14
_LONG = 1000
"""Characters of a name or path before it is cut; ES's longest path has 16 KiB."""


def lines(chart: Chart) -> tuple[Line, ...]:
    """The chart as text. The way the event took is drawn `┃`, with `●` at its questions; what it passed by, `╎` `○`.

    A rule is marked `◆` if it decided, `◇` if it would also have, `·` if it matches and does not suppress.
    """
    return tuple(_lines(chart))


def _lines(chart: Chart) -> Iterator[Line]:
    subject = chart.subject
    yield Line(f"{'event':<{_WIDE}}{_shown(subject.event)}", True)
    for role, thing in (
        ("process", subject.process and f"{subject.process[0]}.{subject.process[1]}"),
        ("instigator", subject.instigator and f"{subject.instigator[0]}.{subject.instigator[1]}"),
        ("executable", subject.executable),
        *(
            ("target" if len(subject.targets) == 1 else f"target {n}", path)
            for n, path in enumerate(subject.targets, 1)
        ),
    ):
        if thing is not None:
            yield Line(f"{role:<{_WIDE}}{_shown(thing)}", True)
    yield Line("", True)
    for number, node in enumerate(chart.nodes, 1):
        yield from _node_lines(node, number, chart)
    if chart.delivered:
        yield Line("┗━▶ delivered", True, "end")


def _node_lines(node: Node, number: int, chart: Chart) -> Iterator[Line]:
    taken = node.reached
    trunk, dot = ("┃", "●") if taken else ("╎", "○")
    inverted = "inverted: " if node.inverted else ""
    text = f"{dot} {number} {node.stage.replace('_', ' '):<{_WIDE}}{inverted}{_shown(node.question)} {node.answer}"
    yield Line(text + (f" ({_shown(node.note)})" if node.note else ""), taken)
    several = len(node.asked) > 1
    for asked in node.asked:
        if several and asked.thing is not None:
            words = f"{asked.role} {_shown(asked.thing)}" + ("" if asked.rules else ": no rule")
            yield Line(f"{trunk}     {words}", taken)
        for rule in asked.rules:
            yield _rule_line(trunk, rule, node, chart)
        for rule in asked.idle:
            yield Line(f"{trunk}     · {_shown(rule.words)}: not for {_shown(chart.subject.event)}", taken)
    if node.outcome == "suppress":
        if taken:
            by = f"by {_shown(chart.rule.words)}" if chart.rule else _absence(node)
            yield Line(f"┗━▶ suppressed at {node.stage.replace('_', ' ')}, {by}", True, "end")
        else:
            yield Line(f"{trunk}     would suppress it too", False)
    elif number < len(STAGE_NAMES):
        yield Line(trunk, taken)


def _rule_line(trunk: str, rule: Rule, node: Node, chart: Chart) -> Line:
    if rule == chart.rule:
        mark, sign, words = "decided", "◆", "decided"
    elif rule in chart.also:
        mark, sign, words = "also", "◇", "would also have"
    elif node.inverted:
        mark, sign, words = "", "·", "selects it"
    else:
        mark, sign, words = "", "·", "mutes this target, and not every target is muted"
    return Line(f"{trunk}     {sign} {_shown(rule.words)}: {words}", node.reached, mark)


def _absence(node: Node) -> str:
    if node.stage == "subscription":
        return "for it is not subscribed to"
    what = {"process": "process", "path": "program", "target_path": "target"}[node.stage]
    return f"for no rule selects the {what}"


def _shown(text: str) -> str:
    return printable(text if len(text) <= _LONG else text[:_LONG] + "…")


# As JSON


def document(chart: Chart) -> dict[str, Any]:
    """The chart as one JSON document; its strings are the event's own."""
    subject = chart.subject
    return {
        "event": subject.event,
        "process": subject.process,
        "instigator": subject.instigator,
        "executable": subject.executable,
        "targets": subject.targets,
        "delivered": chart.delivered,
        "stage": chart.stage,
        "rule": as_json(chart.rule),
        "also": [as_json(rule) for rule in chart.also],
        "nodes": [
            {
                "stage": node.stage,
                "question": node.question,
                "answer": node.answer,
                "outcome": node.outcome,
                "inverted": node.inverted,
                "reached": node.reached,
                "note": node.note,
                "asked": [
                    {
                        "role": asked.role,
                        "thing": asked.thing,
                        "rules": [as_json(rule) for rule in asked.rules],
                        "idle": [as_json(rule) for rule in asked.idle],
                    }
                    for asked in node.asked
                ],
            }
            for node in chart.nodes
        ],
    }
