from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def captures() -> list[Path]:
    """Files of real eslogger lines, from the folder that ESTUI_CAPTURES names; none are in the repository."""
    folder = os.environ.get("ESTUI_CAPTURES")
    if not folder:
        pytest.skip("ESTUI_CAPTURES does not name a folder of captures")
    return sorted(Path(folder).glob("*.jsonl"))
