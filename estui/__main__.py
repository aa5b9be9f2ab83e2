"""`python -m estui`."""

from __future__ import annotations

import sys

from estui.cli import main

if __name__ == "__main__":
    sys.exit(main())
