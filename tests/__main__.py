"""`python -m tests`: the whole suite on the native core, then on its twin; words after it go to pytest.

Where the native core was not built, its run is left out, by name and with the reason.
"""

from __future__ import annotations

import os
import subprocess
import sys

from estui.core import NATIVE_ERROR


def main(words: list[str]) -> int:
    results: dict[str, str] = {}
    for core in ("native", "twin"):
        if core == "native" and NATIVE_ERROR:
            results[core] = f"skipped, it was not built: {NATIVE_ERROR}"
            continue
        print(f"=== the suite on the {core} core", flush=True)
        command = [sys.executable, "-m", "pytest", *words]
        code = subprocess.run(command, env={**os.environ, "ESTUI_CORE": core}, check=False).returncode
        results[core] = f"failed ({code})" if code else "passed"
    print("=== cores")
    for core, result in results.items():
        print(f"{core}: {result}")
    return int(any(result.startswith("failed") for result in results.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
