"""Plans in other languages: source code for a client of one's own, and other tools' configuration."""

from __future__ import annotations

from collections.abc import Callable

from estui.lab.export import c, eslogger, jq, macmonitor, markdown, osquery, rust, swift
from estui.lab.export.notes import Exported
from estui.plan import Plan

__all__ = ["FORMATS", "ExportError", "Exported", "export"]

_EXPORTS: dict[str, Callable[[Plan], Exported]] = {
    "c": c.export,
    "swift": swift.export,
    "rust": rust.export,
    "osquery": osquery.export,
    "macmonitor": macmonitor.export,
    "jq": jq.export,
    "eslogger": eslogger.export,
    "markdown": markdown.export,
}
FORMATS = tuple(_EXPORTS)
"""What a plan can be exported to."""


class ExportError(Exception):
    """A format cannot hold the plan, and was asked to be strict about it."""

    def __init__(self, warnings: tuple[str, ...]) -> None:
        super().__init__("; ".join(warnings))
        self.warnings = warnings
        """What cannot be expressed, a sentence each."""


def export(plan: Plan, to: str, *, strict: bool = False) -> Exported:
    """The plan in one of FORMATS.

    Raises:
        ExportError: `strict`, and the format cannot express all of the plan.
    """
    exported = _EXPORTS[to](plan)
    if strict and exported.warnings:
        raise ExportError(exported.warnings)
    return exported
