"""`python -m tests`: the whole suite on the native core and, beside it, on its twin; words after it go to pytest.

The two runs share nothing and wait more than they work, so they take little longer than one. What the twin's run
prints is kept until the native one has ended. Where the native core was not built, its run is left out, by name and
with the reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from typing import IO

from estui.core import NATIVE_ERROR


def main(words: list[str]) -> int:
    results: dict[str, str] = {}
    cores = ["native", "twin"]
    if NATIVE_ERROR:
        results["native"] = f"skipped, it was not built: {NATIVE_ERROR}"
        cores.remove("native")
    with ExitStack() as stack:
        runs: dict[str, tuple[subprocess.Popen[bytes], IO[bytes]]] = {}
        for core in cores:
            command = [sys.executable, "-m", "pytest", "-o", f"cache_dir=.pytest_cache/{core}", *words]
            output: IO[bytes] = stack.enter_context(tempfile.TemporaryFile())
            shown = None if core == cores[0] else output
            env = {**os.environ, "ESTUI_CORE": core}
            runs[core] = (
                stack.enter_context(subprocess.Popen(command, env=env, stdout=shown, stderr=shown)),
                output,
            )
        for core, (run, output) in runs.items():
            print(f"=== the suite on the {core} core", flush=True)
            code = run.wait()
            output.seek(0)
            shutil.copyfileobj(output, sys.stdout.buffer)
            sys.stdout.flush()
            results[core] = f"failed ({code})" if code else "passed"
    print("=== cores")
    for core, result in results.items():
        print(f"{core}: {result}")
    return int(any(result.startswith("failed") for result in results.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
