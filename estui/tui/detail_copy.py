"""What can be copied out of the detail: true texts, not the escaped ones that the screen shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from estui.tui.json_rows import MORE, jq_filter, jq_path, pretty_lines, value_at

if TYPE_CHECKING:
    from estui.tui.json_rows import JsonRow

COPY_KEYS = {"value": "v", "key": "k", "path": "p", "jq": "q", "line": "y"}
"""The letter of each copy in the menu: what one types in jless after y."""


LARGEST_EXACT = 1 << 53
"""Integers past this are rounded by jq, which reads numbers as doubles."""


def copies(row: JsonRow | None, data: Any, raw: bytes, *, event: bool) -> dict[str, tuple[str, str]]:
    """What there is to copy: by name the words for it, and the text itself.

    `row` is the one under the cursor, of the parsed line `data`; None where the line is not shown as rows.
    """
    found: dict[str, tuple[str, str]] = {}
    if row is not None:
        value = value_at(data, row.path) if row.kind == MORE else row.value
        found["value"] = "the value", value if isinstance(value, str) else "\n".join(pretty_lines(value))
        if isinstance(row.key, str):
            found["key"] = "the key", row.key
        found["path"] = "the path", jq_path(row.path)
        large = isinstance(value, int) and abs(value) > LARGEST_EXACT
        words = "a jq filter (jq rounds numbers this large)" if large else "a jq filter"
        found["jq"] = words, jq_filter(row.path, value)
    if raw:
        found["line"] = "the whole event" if event else "the line", raw.decode("utf-8", "surrogateescape")
    return found
