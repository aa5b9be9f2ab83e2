"""From an empty plan to a quiet one on the demo, all from the keyboard; then code, and a check that can fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from estui.core import open_core
from estui.lab.export import export
from estui.session import Session
from estui.sources import scenario
from estui.tui.app import EstuiApp
from estui.tui.export_dialog import ExportDialog
from estui.tui.plan_dialog import SaveDialog
from tests.tui.panels import screen, until
from tests.tui.screens import NARROW, bar, opened
from tests.tui.test_lab import previewed


def check(plan: Path, demo: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "estui", "plan", "check", str(plan), str(demo), "--expect", "demo"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


async def test_a_quiet_plan_from_the_keyboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = b"".join(scenario.lines(0))
    demo = tmp_path / "demo.jsonl"
    demo.write_bytes(data)
    core = open_core()
    core.ingest(core.add_stream(owned=True), data)
    session = Session(core)
    async with opened(session, NARROW) as (app, pilot):
        await pilot.press("6", "right")
        section = app.panels.lab.section
        assert section.TITLE == "Suggestions"
        await until(pilot, lambda: section.items() > 0)
        await previewed(pilot)
        preview = app.panels.lab.preview
        assert preview is not None
        before = core.counters().suppressed
        await pilot.press("enter")
        assert core.counters().suppressed - before == preview.newly_hidden > 0
        await pilot.press("u")
        assert core.counters().suppressed == before
        await until(pilot, lambda: section.items() > 0 and section.draft() is not None)
        await pilot.press("A")
        counters = core.counters()
        assert counters.suppressed > 0.9 * counters.held_events
        assert "u takes it back" in bar(app)

        await pilot.press("ctrl+e")
        await until(pilot, lambda: isinstance(app.screen, ExportDialog))
        assert "plan.c" in screen(app)
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, ExportDialog))
        assert (tmp_path / "plan.c").read_text() == export(session.client.plan, "c").text

        await saved(app, pilot, "quiet.toml")
        plan = tmp_path / "quiet.toml"
        passed = check(plan, demo)
        assert (passed.returncode, passed.stderr) == (0, "")

        # Widened from the keyboard: the fixed part of a user's Library, launch agents and all.
        await pilot.press("left", "a")
        await pilot.pause()
        await pilot.press(*"/Users/alex/Library/")
        await until(pilot, lambda: "would suppress" in screen(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.panels)
        await saved(app, pilot, "wide.toml")
        failed = check(tmp_path / "wide.toml", demo)
        assert failed.returncode == 1
        assert "FAILED  coverage" in failed.stdout
        assert "Launch agents" in failed.stdout


async def saved(app: EstuiApp, pilot: Pilot[Any], name: str) -> None:
    await pilot.press("ctrl+s")
    await until(pilot, lambda: isinstance(app.screen, SaveDialog))
    app.screen.query_one(Input).value = name
    await pilot.press("enter")
    await until(pilot, lambda: app.screen is app.panels)
