"""One recorded file, plain or compressed, as chunks of bytes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from estui.sources.formats import Format, format_of
from estui.sources.source import SourceError
from estui.text import nearest, printable

_READ = 1 << 16
"""Bytes of a compressed file read at once."""


class Reader:
    """A regular file opened for reading from its beginning, any number of times.

    Raises:
        SourceError: it is not there, not a regular file, not readable, or compressed in an unknown way.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.title = printable(path)
        self.fd = open_file(path)
        try:
            self.format: Format | None = format_of(os.pread(self.fd, 16, 0))
        except LookupError as error:
            self.close()
            raise SourceError(
                f"{self.title} is compressed with {error.args[0]}, which this Python does not read",
                f"Unpack it on the way: {error.args[0]} -dc FILE | estui -",
            ) from None

    @property
    def place(self) -> int:
        """The descriptor its lines can be read back from by their offset; -1 where it is compressed."""
        return -1 if self.format else self.fd

    def chunks(self, size: int) -> Iterator[tuple[int, bytes]]:
        """The file from its beginning: pieces of at most `size` bytes, each with its offset (-1: unpacked).

        Raises:
            SourceError: compressed data that ends too early or is damaged, after all that could be read.
            OSError: the file cannot be read on.
        """
        if self.format:
            for piece in self._decompressed(self.format, size):
                yield -1, piece
            return
        offset = 0
        while data := os.pread(self.fd, size, offset):
            yield offset, data
            offset += len(data)

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _decompressed(self, form: Format, size: int) -> Iterator[bytes]:
        decoder, offset, data = form.decoder(), 0, b""
        while True:
            if decoder.needs_input and not data:
                data = os.pread(self.fd, _READ, offset)
                offset += len(data)
                if not data:
                    raise self._damaged(f"{self.title} ends in the middle of its {form.name} data")
            try:
                piece = decoder.decompress(data, size)
            except form.error:
                raise self._damaged(
                    f"the {form.name} data of {self.title} is damaged near byte {offset}"
                ) from None
            data = b""
            if piece:
                yield piece
            if decoder.eof:
                # More members may follow, and zeros may pad the last one.
                data = decoder.unused_data.lstrip(b"\0")
                while not data:
                    block = os.pread(self.fd, _READ, offset)
                    if not block:
                        return
                    offset += len(block)
                    data = block.lstrip(b"\0")
                decoder = form.decoder()

    def _damaged(self, message: str) -> SourceError:
        return SourceError(message, "What came before was read; copy the file again, or record it again", 1)


def open_file(path: str) -> int:
    """Open a regular file for reading.

    Raises:
        SourceError: with the remedy.
    """
    shown = printable(path)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a FIFO would wait for a writer
    except (OSError, ValueError) as error:
        raise cannot_open(path, error) from None
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return fd
    os.close(fd)
    if stat.S_ISDIR(mode):
        raise SourceError(f"{shown} is a directory", "Name the files in it; several are merged by time")
    raise SourceError(f"{shown} is not a file", "Pipe it in: … | estui -")


def cannot_open(path: str, error: OSError | ValueError) -> SourceError:
    """What to say when a path cannot be opened (ValueError: it holds a NUL)."""
    shown = printable(path)
    match error:
        case FileNotFoundError():
            near = _neighbour(path)
            return SourceError(
                f"there is no file {shown}", f"Did you mean {near}?" if near else "Look at its name"
            )
        case PermissionError():
            return SourceError(
                f"{shown} may not be read", "Read it with more rights: sudo cat FILE | estui -"
            )
        case OSError():
            return SourceError(f"{shown} cannot be opened: {error.strerror}", "Look at its name")
    return SourceError(f"{shown} is no file name: it holds a NUL", "Look at its name")


def _neighbour(path: str) -> str | None:
    """A file beside the missing one whose name is much like it."""
    missing = Path(path)
    try:
        near = nearest(missing.name, (beside.name for beside in missing.parent.iterdir()))
    except (OSError, ValueError):
        return None
    return printable(str(missing.with_name(near))) if near else None
