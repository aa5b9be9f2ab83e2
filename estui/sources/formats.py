"""Compressed recordings: told by their first bytes, never by their name."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol


class Decoder(Protocol):
    """One member of a compressed file, as bz2, lzma and zstd have it."""

    eof: bool
    needs_input: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class Format(NamedTuple):
    """How one compression is undone."""

    name: str
    """Also the name of its command-line tool."""
    decoder: Callable[[], Decoder]
    error: type[Exception]


class _Gzip:
    """zlib's decompressor with the manners of the others: it keeps the input that it has not used yet."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)
        self.eof = False
        self.needs_input = True
        self.unused_data = b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        out = self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)
        self.eof = self._inflate.eof
        self.unused_data = self._inflate.unused_data
        # A full buffer may have left output behind even where all input is used.
        self.needs_input = not self._inflate.unconsumed_tail and len(out) < max_length
        return out


_MAGIC = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd", "xz": b"\xfd7zXZ\0", "bzip2": b"BZh"}


def compression(begin: bytes) -> str | None:
    """The compression of a file that begins so: gzip, zstd, xz or bzip2; None for anything else."""
    return next((name for name, magic in _MAGIC.items() if begin.startswith(magic)), None)


def format_of(begin: bytes) -> Format | None:
    """How to read a file that begins so; None for a plain one.

    Raises:
        LookupError: it is compressed in a way that this Python does not read; the argument is its name.
    """
    match compression(begin):
        case None:
            return None
        case "gzip":
            return Format("gzip", _Gzip, zlib.error)
        case "zstd" if module := _zstd():
            return Format("zstd", module.ZstdDecompressor, module.ZstdError)
        case name:
            raise LookupError(name)


def _zstd() -> Any:
    """Python 3.14's own module, or its backport where that is installed; None without either."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None
