"""The lines of the detail as pieces of text: a row of JSON, the verdict, what a field means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estui.fields import explain
from estui.text import printable
from estui.tui import origins
from estui.tui.detail_words import token_word
from estui.tui.json_rows import (
    ARRAY,
    MORE,
    NEXT_PAGE,
    OBJECT,
    STRING,
    JsonRow,
    JsonRows,
    field_path,
    jq_path,
    scalar,
    summary,
)
from estui.tui.lines import fit
from estui.tui.pieces import PieceLine, width_of, wrap_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estui.client import WhyStep
    from estui.muting import Verdict
    from estui.tui.origins import Notes
    from estui.tui.pieces import Piece

LONG = 1_000
"""Characters from which a string tells its length."""
STAGE = 13
"""Cells of the name of a stage."""
OUTCOMES = {
    "pass": ("✓", "good"),
    "suppress": ("✗", "wrong"),
    "not reached": ("·", "dim"),
    "not applicable": ("–", "dim"),
}
"""The mark of each outcome of a stage, and its style."""
OPEN, FOLDED, PLAIN = "▾ ", "▸ ", "  "


def row_pieces(rows: JsonRows, row: JsonRow, note: str | None, width: int) -> tuple[PieceLine, bool]:
    """The row for `width` cells, and whether that cut something. `note` is the printable text beside the value."""
    pieces: PieceLine = [("  " * row.depth, "")]
    if row.kind == MORE:
        pieces.append((f"… {row.count:,} more (Enter: the next {min(row.count, NEXT_PAGE):,})", "dim"))
        return pieces, False
    pieces.append(((OPEN if row.open else FOLDED) if row.folds else PLAIN, "dim"))
    if row.path:
        pieces.append((_key_text(rows, row, width), "key"))
    used = sum(width_of(text) for text, _ in pieces)
    room = max(4, width - used)
    pieces.append(_value_piece(row, room))
    if row.kind == STRING and len(row.value) > LONG:
        length = f"{len(row.value):,} characters"
        note = f"{note}, {length}" if note else length
    if not note:
        return pieces, width_of(pieces[-1][0]) > room or (row.kind == STRING and len(row.value) > room)
    value, style = pieces[-1]
    size, extra = width_of(value), width_of(note) + 4
    if size + extra > room and row.kind == STRING:
        # A long string gives way to what explains it, up to two thirds of the room.
        value = fit(value, max(room - extra, min(size, max(14, room // 3)))).rstrip()
        pieces[-1] = (value, style)
    pieces.append((f"  = {note}", "decoded"))
    return pieces, size + extra > room


def _value_piece(row: JsonRow, room: int) -> Piece:
    if row.kind in (OBJECT, ARRAY):
        if not row.count:
            return ("{}" if row.kind == OBJECT else "[]", "dim")
        if row.open:
            return (f"[{row.count:,}]" if row.kind == ARRAY else "", "dim")
        counted = f"[{row.count:,}] " if row.kind == ARRAY else ""
        return (counted + printable(summary(row.path, row.value)), "dim")
    # One character is at least no cell, and seldom none: twice the room is enough to fill it.
    text = printable(scalar(row.value, room * 2))
    return (text, "string" if row.kind == STRING else "number")


def _key_text(rows: JsonRows, row: JsonRow, width: int) -> str:
    """The key, filled so that the values of one container stand in a column where there is room for that."""
    key = row.path[-1]
    if isinstance(key, int):
        word = token_word(row.path)
        return f"[{key}] {word:<11}" if word else f"[{key}]  "
    text = printable(key[:width])
    if width_of(text) > width // 2:
        text = fit(text, width // 2)
    return text + " " * (2 + max(0, rows.key_width(row.path[:-1], max(8, width // 3)) - width_of(text)))


def verdict_lines(verdict: Verdict, why: Sequence[WhyStep], width: int, *, every: bool) -> list[PieceLine]:
    """The verdict, and with `every` each stage with its words."""
    lines: list[PieceLine]
    if verdict.delivered:
        lines = [[("✓ delivered", "good")]]
    else:
        by = f"by {printable(verdict.rule)}" if verdict.rule else "no entry selects it"
        if verdict.stage == "subscription":
            by = "not subscribed to"
        lines = [[("✗ suppressed", "wrong"), (f"  {verdict.stage}: {by}", "text")]]
    if not every:
        lines[0].append(("  (x: why)", "dim"))
        return lines
    for step in why:
        mark, style = OUTCOMES.get(step.outcome, ("?", "dim"))
        texts = wrap_words(
            printable(step.words), max(10, width - STAGE - 4), 3, "dim" if style == "dim" else "text"
        )
        head: PieceLine = [(f"  {mark} ", style), (f"{step.stage:<{STAGE}}", "key")]
        lines.append([*head, *(texts[0] if texts else [])])
        lines += [[(" " * (STAGE + 4), ""), *line] for line in texts[1:]]
    return lines


def note_lines(notes: Notes, event: str, width: int) -> list[PieceLine]:
    """What estui wrote into the line beside ES's fields, in words."""
    lines: list[PieceLine] = []
    if notes.failed:
        words = f"✗ failed: {notes.failed}. ES tells only of calls that worked."
        lines += wrap_words(words, width, 2, "wrong")
    if notes.guess:
        lines += wrap_words(f"? a guess: {origins.guess_words(notes.guess, event)}", width, 3, "teach")
    if notes.origin:
        lines += wrap_words(origins.recorded_words(notes.origin), width, 2, "teach")
    return lines


def footer_lines(
    row: JsonRow, event: str, note: str, width: int, height: int, *, cut: bool = False, why: str = ""
) -> list[PieceLine]:
    """Where the row stands, what it had no room for (`cut`), what it means, and what the event means.

    `event` is empty for a line that is no event: nothing is known about its fields. `why` says why the value is null.
    """
    # The end tells most; a key may be of any length.
    where = fit(printable(jq_path(row.path)[-2 * width :]), width - 6, tail=True).rstrip()
    lines: list[PieceLine] = [
        [("── ", "rule"), (where, "key"), (" " + "─" * (width - 4 - width_of(where)), "rule")]
    ]
    most = 1 if height < 8 else 2
    if cut and isinstance(row.value, str):
        lines += wrap_words(printable(row.value[: width * 3]), width, most, "string")
    if cut and note:
        lines += wrap_words(f"= {note}", width, most, "decoded")
    lines += wrap_words(why, width, 2, "decoded")
    if not event or len(lines) >= height:
        return lines[:height]
    meaning = explain(field_path(row.path), event)
    if meaning:
        lines += wrap_words(meaning, width, height - len(lines), "teach")
    elif row.kind != MORE and row.path != ("event", event):
        lines.append([("estui knows nothing about this field", "dim")])
    text = f"{printable(event)}: {origins.teaches(event) or 'a type estui does not know'}"
    return [*lines, *wrap_words(text, width, max(0, height - len(lines)), "dim")][:height]
