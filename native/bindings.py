"""Writes the cffi module's C from es_core.h: its declarations are the header's own, without comments and includes."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from cffi import FFI


def main(header: Path, out: Path) -> None:
    text = header.read_text()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    ffi = FFI()
    ffi.cdef(text)
    ffi.set_source("estui._native", '#include "es_core.h"')
    ffi.emit_c_code(str(out))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
