"""A line of the stream as text to read: as it came, as indented JSON, or as bytes.

Everything is cut after a while, because a line may be 100 MiB; what was cut is told, and can be asked for.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from estui.text import printable
from estui.tui.json_rows import pretty_lines
from estui.tui.pieces import Piece, PieceLine, wrap_hard, wrap_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

TEXT_PART = 128 << 10
"""Characters, or bytes, of a line shown at first and added each time more is asked for."""
COLOURED = 64 << 10
"""Characters of a raw line that are coloured; what follows is plain."""
PRETTY_LINES = 20_000
"""Lines of indented JSON shown at first and added each time."""


class Page(NamedTuple):
    """Lines made for one width."""

    lines: list[PieceLine]
    rest: str
    """What is not shown, in words; empty when nothing is missing."""


def raw_page(raw: bytes, width: int, part: int, *, json: bool) -> Page:
    """The line as it came, wrapped. `json` colours it."""
    limit = part * TEXT_PART
    # Bytes first, so that 100 MiB are not decoded to show the beginning.
    text = raw[:limit].decode("utf-8", "surrogateescape")
    coloured = text[:COLOURED] if json else ""
    pieces: Iterator[Piece] = (
        piece for piece in (*_tokens(coloured), (text[len(coloured) :], "text")) if piece[0]
    )
    lines = list(wrap_hard(((printable(part), style) for part, style in pieces), width))
    return Page(lines, _left(len(raw) - limit, "bytes"))


def pretty_page(value: Any, width: int, part: int) -> Page:
    """The parsed line as indented JSON."""
    limit = part * PRETTY_LINES
    lines: list[PieceLine] = []
    source = pretty_lines(value)
    for text in islice(source, limit):
        shown = text[:COLOURED]
        lines.extend(wrap_hard(((printable(part), style) for part, style in _tokens(shown)), width))
        if len(text) > COLOURED:
            lines.append([(f"… {len(text) - COLOURED:,} more characters of this value", "dim")])
    more = next(source, None) is not None
    return Page(lines, "more lines" if more else "")


def text_page(text: str, width: int, part: int) -> Page:
    """One long text, wrapped; a newline in it is shown as an escape and then obeyed."""
    limit = part * TEXT_PART
    lines: list[PieceLine] = []
    for line in text[:limit].splitlines(keepends=True):
        lines.extend(wrap_hard([(printable(line), "string")], width))
    return Page(lines, _left(len(text) - limit, "characters"))


def hex_page(raw: bytes, width: int, part: int) -> Page:
    """The bytes, with what they are as ASCII beside them."""
    per_line = 16 if width >= 10 + 16 * 3 + 2 + 16 else 8 if width >= 10 + 8 * 3 + 2 + 8 else 4
    limit = part * TEXT_PART // 4
    lines: list[PieceLine] = []
    for at in range(0, min(limit, len(raw)), per_line):
        chunk = raw[at : at + per_line]
        ascii_text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in chunk)
        lines.append(
            [(f"{at:08x}  ", "dim"), (f"{chunk.hex(' '):<{per_line * 3}} ", "number"), (ascii_text, "string")]
        )
    return Page(lines, _left(len(raw) - limit, "bytes"))


def words_page(texts: Sequence[str], width: int) -> Page:
    """Paragraphs, broken at blanks."""
    lines: list[PieceLine] = []
    for text in texts:
        lines += [*wrap_words(text, width, 20, "text"), []]
    return Page(lines, "")


def is_binary(raw: bytes) -> bool:
    """Whether the beginning of a line looks like no text at all."""
    head = raw[:4096]
    odd = sum(1 for byte in head if (byte < 0x20 and byte not in b"\t\r\n") or byte == 0x7F)
    return odd * 10 > len(head)


def _left(count: int, what: str) -> str:
    return f"{count:,} more {what}" if count > 0 else ""


def _tokens(text: str) -> Iterable[Piece]:
    """JSON text in pieces by kind. Broken JSON comes through whole, too."""
    if not text:
        return
    from pygments.lexers.data import JsonLexer  # noqa: PLC0415  (the screen opens before it is needed)
    from pygments.token import Keyword, Name, Number, String  # noqa: PLC0415

    styles = ((Name.Tag, "key"), (String, "string"), (Number, "number"), (Keyword, "word"))
    for _, token, part in JsonLexer().get_tokens_unprocessed(text):
        yield part, next((style for kind, style in styles if token in kind), "text")
