"""A plan as Markdown, for a design document: what is subscribed to, what is muted, and in which order that counts."""

from __future__ import annotations

from collections.abc import Iterator

from estui.events import NOTIFY
from estui.lab.export.calls import Calls
from estui.lab.export.notes import Exported, Notes, quoted
from estui.plan import Entry, MutePath, Plan

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 /.,-")
_MEANING = {
    "PREFIX": ("executable", "begins with"),
    "LITERAL": ("executable", "is"),
    "TARGET_PREFIX": ("target path", "begins with"),
    "TARGET_LITERAL": ("target path", "is"),
}


def export(plan: Plan) -> Exported:
    lines = [
        f"# Mute plan {_text(plan.name)}" if plan.name else "# Mute plan",
        "",
        *_decision(plan),
        *_subscription(plan),
        *_rules(plan),
    ]
    return Notes().exported("\n".join(lines) + "\n")


def _decision(plan: Plan) -> Iterator[str]:
    yield from (
        f"It needs macOS {Calls(plan).since}.",
        "",
        "An event is delivered unless one of these suppresses it, asked in this order:",
        "",
        "1. Its type is not subscribed to.",
    )
    instigator = " (or its instigator's, where it names one)" if plan.instigator_votes else ""
    for inverted, normal, selected in (
        (
            plan.invert_process,
            f"Its process{instigator} is muted.",
            f"Its process{instigator} is not among those selected: process muting is inverted.",
        ),
        (
            plan.invert_path,
            "The executable that acts is muted.",
            "The executable that acts is not among those selected: path muting is inverted.",
        ),
        (
            plan.invert_target_path,
            "It has target paths, and all of them are muted.",
            "It has target paths, and none of them is selected: target path muting is inverted.",
        ),
    ):
        yield f"1. {selected if inverted else normal}"
    yield ""
    if plan.default_mute_set != "none":
        count = len(plan.default_entries())
        name = _code(plan.default_mute_set)
        yield f"Apple's default mute set {name} counts, too: {count} entries, of AUTH types only."
        yield ""


def _subscription(plan: Plan) -> Iterator[str]:
    yield from ("## Subscription", "")
    if plan.subscribe is None:
        yield from ("Every NOTIFY type.", "")
        return
    if not plan.subscribe:
        yield from ("Nothing.", "")
        return
    yield from ("| type | since macOS | what it means |", "| --- | --- | --- |")
    for name in plan.subscribe:
        known = NOTIFY.get(name)
        since, teaches = (known.since, known.teaches) if known else ("?", "A type that estui does not know.")
        yield f"| {_code(name)} | {since} | {_text(teaches)} |"
    yield ""


def _rules(plan: Plan) -> Iterator[str]:
    yield from ("## Rules", "")
    if not plan.entries:
        yield "None."
        return
    yield from ("| # | what is compared | how | with | types | |", "| ---: | --- | --- | --- | --- | --- |")
    for number, entry in enumerate(plan.entries, 1):
        what, how, text = _columns(entry)
        types = "all" if entry.events is None else ", ".join(map(_code, entry.events))
        yield f"| {number} | {what} | {how} | {text} | {types} | {'' if entry.enabled else 'disabled'} |"
    if plan.warnings:
        yield ""
        yield from (f"- {_text(warning)}" for warning in plan.warnings)


def _columns(entry: Entry) -> tuple[str, str, str]:
    if isinstance(entry, MutePath):
        plain = entry.path.isprintable() and not set(entry.path) & set('"\\')
        return (*_MEANING[entry.type], _code(entry.path if plain else quoted(entry.path)))
    return "process", "is", f"pid {entry.pid}, pidversion {entry.pidversion}"


def _text(text: str) -> str:
    """Words in which Markdown and HTML find nothing of theirs; nor does GitHub find an address in them."""
    shown = text if text.isprintable() else quoted(text)
    return "".join(c if c in _PLAIN else f"&#{ord(c)};" for c in shown).replace("www.", "www&#46;")


def _code(text: str) -> str:
    """Text as code. An element, for no fence of backticks holds every text within a table."""
    return f"<code>{_text(text)}</code>"
