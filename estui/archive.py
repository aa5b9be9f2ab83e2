"""Files of a recording that were put away: their names, their packing, and the bound on all of them."""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import tempfile
import threading
import zlib
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from estui.text import printable

GZIP = 31
"""zlib's word for a gzip header and trailer around 15 bits of window."""
LEVEL = 3
"""Of gzip: a third of the time of the usual 6, for a tenth more bytes."""
_PIECE = 1 << 20
_NO_DISK = frozenset((errno.EINVAL, errno.ENOTSUP, errno.EROFS))
"""What fsync() says of something that is no file on a disk."""


@dataclass(slots=True)
class _File:
    path: Path
    size: int
    gone: bool = False


class Archive:
    """Puts a file away under another name, packs it in a thread of its own, and deletes the oldest over the bound.

    It deletes only what it put away itself. Names tell when a file was begun, in UTC and to the
    millisecond, so they sort; a clock that goes back makes no name twice.
    """

    def __init__(self, path: Path, keep_bytes: int | None, *, compress: bool) -> None:
        self._path = path
        self._keep_bytes = keep_bytes
        self._compress = compress
        self.trouble = ""
        """What went wrong with files put away, safe to print; they are plain then, but whole."""
        self._lock = threading.Lock()
        self._files: deque[_File] = deque()
        """The oldest first."""
        self._to_pack: queue.SimpleQueue[tuple[_File, int] | None] = queue.SimpleQueue()
        self._hurry = False
        self._done = threading.Event()
        """Set when the worker has ended. Thread.join(), interrupted, may call a running thread dead."""
        threading.Thread(target=self._work, name="estui archive", daemon=True).start()

    def replace(self, fd: int, size: int, begun: datetime, fresh: Path) -> None:
        """Give the file another name, and its own to `fresh`. `fd` is closed here, when all of it is on the disk.

        Raises:
            OSError: it still has its name.
        """
        away = self._name(begun)
        with contextlib.suppress(FileNotFoundError):  # somebody has put it away already
            self._path.rename(away)
        try:
            fresh.rename(self._path)
        except OSError:
            with contextlib.suppress(FileNotFoundError):
                away.rename(self._path)
            raise
        file = _File(away, size)
        with self._lock:
            self._files.append(file)
        self._to_pack.put((file, fd))

    def keep(self, current: int) -> None:
        """Delete the oldest files until all, with the current one of so many bytes, are within the bound."""
        if self._keep_bytes is None:
            return
        with self._lock:
            while self._files and current + sum(file.size for file in self._files) > self._keep_bytes:
                oldest = self._files.popleft()
                oldest.gone = True
                try:
                    oldest.path.unlink(missing_ok=True)
                except OSError as error:
                    self._complain(oldest.path, "deleted", error)

    def close(self) -> None:
        """Wait until all is packed. Interrupted, what is not stays plain."""
        self._to_pack.put(None)
        try:
            while not self._done.wait(0.2):  # Ctrl-C comes through in between
                pass
        except BaseException:
            self._hurry = True
            self._done.wait(1.0)
            raise

    def _name(self, begun: datetime) -> Path:
        stem, suffix = self._path.stem, self._path.suffix
        when = f"{begun:%Y%m%dT%H%M%S}.{begun.microsecond // 1000:03}Z"
        number = 0
        while True:
            more = f".{number}" if number else ""
            away = self._path.with_name(f"{stem}-{when}{more}{suffix}")
            if not any(os.path.lexists(name) for name in (away, _packed(away))):
                return away
            number += 1

    def _work(self) -> None:
        while item := self._to_pack.get():
            file, fd = item
            try:
                sync(fd)
                if self._compress and not self._hurry:
                    self._pack(file, fd)
            except OSError as error:
                self._complain(file.path, "packed", error)
            finally:
                os.close(fd)
            with contextlib.suppress(OSError):
                sync_directory(self._path.parent)
        self._done.set()

    def _pack(self, file: _File, fd: int) -> None:
        """Write the packed file beside the plain one, and then take its place. Raises OSError."""
        out, name = tempfile.mkstemp(prefix=".estui-", dir=self._path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(out, "wb", buffering=0) as packed:
                whole = self._squeeze(file, fd, packed.fileno())
                os.fchmod(packed.fileno(), os.fstat(fd).st_mode & 0o777)
                os.fsync(packed.fileno())
                size = os.fstat(packed.fileno()).st_size
            with self._lock:
                if whole and not file.gone:
                    plain, file.path = file.path, _packed(file.path)
                    temporary.rename(file.path)
                    sync_directory(self._path.parent)
                    plain.unlink(missing_ok=True)
                    file.size = size
        finally:
            temporary.unlink(missing_ok=True)

    def _squeeze(self, file: _File, fd: int, out: int) -> bool:
        """Copy a file through gzip; False if it was given up."""
        squeezer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
        at = 0
        while data := os.pread(fd, _PIECE, at):
            if file.gone or self._hurry:
                return False
            at += len(data)
            write_all(out, squeezer.compress(data))
        write_all(out, squeezer.flush())
        return True

    def _complain(self, path: Path, what: str, error: OSError) -> None:
        self.trouble = f"{printable(str(path))} cannot be {what}: {error.strerror}"


def _packed(path: Path) -> Path:
    return path.with_name(f"{path.name}.gz")


def write_all(fd: int, data: bytes) -> None:
    """Write all of it. Raises OSError."""
    with memoryview(data) as view:
        done = 0
        while done < len(view):
            done += os.write(fd, view[done:])


def sync(fd: int) -> None:
    """Put a file on the disk, if it is on one. Raises OSError."""
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in _NO_DISK:
            raise


def sync_directory(directory: Path) -> None:
    """Put a directory's names on the disk. Raises OSError."""
    fd = os.open(directory, os.O_RDONLY)
    try:
        sync(fd)
    finally:
        os.close(fd)
