"""The core in plain Python: the native one's executable specification, and what runs without a C compiler."""

from __future__ import annotations

from estui._twin.core import TwinCore
from estui._twin.view import TwinView

__all__ = ["TwinCore", "TwinView"]
