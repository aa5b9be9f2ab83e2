"""The files of the scenario's Mac: es_file_t with its stat, stable inodes, and a tree to find them in.

A file exists from the first time its path is named, with an owner, a mode, a size and times that fit
the place it is in. Paths are real ones, as F_GETPATH gives them: `/private/tmp`, never `/tmp`.
"""

from __future__ import annotations

import posixpath
import stat as modes
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from estui.sources.scenario.wire import SECOND, Part, Writer

DIRECTORY = modes.S_IFDIR | 0o755
PLAIN = modes.S_IFREG | 0o644
EXECUTABLE = modes.S_IFREG | 0o755
LINK = modes.S_IFLNK | 0o755
SOCKET = modes.S_IFSOCK | 0o777
TERMINAL = modes.S_IFCHR | 0o620

SYSTEM_FLAGS = 0x80020
"""st_flags of the sealed system volume: SF_RESTRICTED and UF_COMPRESSED."""

SYSTEM_INODES = 1152921500312000000
"""Where the system volume's inode numbers begin; past 2**53, as real ones are."""

YEAR = 365 * 86_400 * SECOND
BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Volume:
    """One mounted file system, by the path prefix it holds."""

    prefix: str
    device: int
    sealed: bool = False


VOLUMES = (
    Volume("/dev/", 1333267060),
    Volume("/System/Volumes/", 16777234),
    Volume("/System/", 16777233, sealed=True),
    Volume("/usr/local/", 16777234),
    Volume("/usr/", 16777233, sealed=True),
    Volume("/bin/", 16777233, sealed=True),
    Volume("/sbin/", 16777233, sealed=True),
    Volume("/Volumes/", 16777246),
    Volume("/", 16777234),
)
"""Longest prefix first; the last one is the data volume, which holds everything else."""

OWNERS = (
    ("/Users/alex", 501, 20),
    ("/Users/sam", 502, 20),
    ("/private/var/folders/zz/", 0, 0),
    ("/private/var/folders/", 501, 20),
    ("/Volumes/", 501, 20),
    ("/Applications", 0, 80),
    ("/opt/homebrew", 501, 80),
    ("/", 0, 0),
)
"""Who owns what a path prefix holds: (prefix, uid, gid)."""

EXECUTABLE_PLACES = ("/bin/", "/sbin/", "/MacOS/", "/libexec/", "/Frameworks/", "/CoreServices/", "/lib/dyld")


class File(Part):
    """es_file_t: a path and the sixteen fields of its stat. Change a field, then call changed()."""

    __slots__ = (
        "accessed", "born", "device", "flags", "generation", "gid", "inode", "links",
        "mode", "modified", "path", "rdev", "size", "status_changed", "uid",
    )  # fmt: skip

    def __init__(
        self, path: str, *, device: int, inode: int, mode: int, uid: int, gid: int, born: int
    ) -> None:
        super().__init__()
        self.path = path
        self.device = device
        self.inode = inode
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.links = 1
        self.rdev = 0
        self.size = 0
        self.flags = 0
        self.generation = 0
        self.born = self.modified = self.status_changed = self.accessed = born

    @property
    def name(self) -> str:
        return posixpath.basename(self.path)

    @property
    def is_directory(self) -> bool:
        return modes.S_ISDIR(self.mode)

    def grow(self, size: int, now: int) -> None:
        """The file holds `size` bytes since `now`."""
        self.size = size
        self.modified = self.status_changed = now
        self.changed()

    def touch(self, now: int) -> None:
        """Its metadata changed at `now`."""
        self.status_changed = now
        self.changed()

    def members(self, writer: Writer) -> list[str]:
        time = writer.time
        special = not (modes.S_ISREG(self.mode) or modes.S_ISDIR(self.mode) or modes.S_ISLNK(self.mode))
        blocks = 8 * -(-self.size // BLOCK) if modes.S_ISREG(self.mode) else 0
        stat = writer.object(
            [
                f'"st_dev":{self.device}',
                f'"st_mode":{self.mode}',
                f'"st_nlink":{self.links}',
                f'"st_ino":{self.inode}',
                f'"st_uid":{self.uid}',
                f'"st_gid":{self.gid}',
                f'"st_rdev":{self.rdev}',
                f'"st_size":{self.size}',
                f'"st_blocks":{blocks}',
                f'"st_blksize":{65536 if special else BLOCK}',
                f'"st_flags":{self.flags}',
                f'"st_gen":{self.generation}',
                f'"st_atimespec":"{time(self.accessed)}"',
                f'"st_mtimespec":"{time(self.modified)}"',
                f'"st_ctimespec":"{time(self.status_changed)}"',
                f'"st_birthtimespec":"{time(self.born)}"',
            ]
        )
        return [f'"path":{writer.string(self.path)}', '"path_truncated":false', f'"stat":{stat}']


class FileTree:
    """All files by path. `now` values are Unix nanoseconds."""

    def __init__(self, begin: int) -> None:
        self._files: dict[str, File] = {}
        self._system_date = begin // SECOND * SECOND - 40 * 86_400 * SECOND
        self._begin = begin
        self._inode = 13_982_224
        self._system_inode = SYSTEM_INODES

    def __len__(self) -> int:
        return len(self._files)

    def __iter__(self) -> Iterator[File]:
        return iter(list(self._files.values()))

    def known(self, path: str) -> File | None:
        """The file at `path` if it was named or made before."""
        return self._files.get(path)

    def at(self, path: str, mode: int | None = None) -> File:
        """The file at `path`, which was there all the time."""
        file = self._files.get(path)
        if file is None:
            if mode is None:
                mode = EXECUTABLE if any(place in path for place in EXECUTABLE_PLACES) else PLAIN
            file = self._files[path] = self._old(path, mode)
        return file

    def directory(self, path: str) -> File:
        """The directory at `path`; a directory `/` has no doubled slash."""
        return self.at(path, DIRECTORY)

    def parent(self, file: File) -> File:
        return self.directory(posixpath.dirname(file.path))

    def make(self, path: str, now: int, uid: int, gid: int, mode: int = PLAIN) -> File:
        """A new, empty file with an inode of its own; what was at `path` is gone."""
        self._inode += 1
        volume = _volume(path)
        file = File(path, device=volume.device, inode=self._inode, mode=mode, uid=uid, gid=gid, born=now)
        if file.is_directory:
            file.links = 2
            file.size = 64
        if path not in self._files:
            self._entry(path, 1, now)
        self._files[path] = file
        return file

    def remove(self, file: File, now: int) -> None:
        """The name is gone; the File may still be written in events as it was last."""
        if self._files.get(file.path) is file:
            del self._files[file.path]
        file.links = max(0, file.links - 1)
        file.touch(now)
        self._entry(file.path, -1, now)

    def move(self, file: File, path: str, now: int) -> None:
        """Give the file, or the directory with all below it, the name `path`; its inode stays."""
        old = file.path
        if self._files.get(old) is file:
            del self._files[old]
            self._entry(old, -1, now)
        if file.is_directory:
            inside = old.rstrip("/") + "/"
            for other in [f for p, f in self._files.items() if p.startswith(inside)]:
                del self._files[other.path]
                other.path = path.rstrip("/") + "/" + other.path[len(inside) :]
                other.changed()
                self._files[other.path] = other
        if path not in self._files:
            self._entry(path, 1, now)
        file.path = path
        file.touch(now)
        self._files[path] = file

    def _entry(self, path: str, step: int, now: int) -> None:
        folder = self.directory(posixpath.dirname(path))
        folder.links = max(2, folder.links + step)
        folder.grow(folder.links * 32, now)

    def _old(self, path: str, mode: int) -> File:
        volume = _volume(path)
        lot = zlib.crc32(path.encode("utf-8", "surrogateescape"))
        _, uid, gid = next(owner for owner in OWNERS if path.startswith(owner[0]))
        if volume.sealed or path == "/":
            self._system_inode += 1 + lot % 97
            file = File(
                path,
                device=16777233,
                inode=self._system_inode,
                mode=mode,
                uid=0,
                gid=0,
                born=self._system_date,
            )
            file.flags = SYSTEM_FLAGS if volume.sealed else 0x100000
        else:
            self._inode += 1
            born = self._begin - 86_400 * SECOND - lot * YEAR // (1 << 32)
            file = File(path, device=volume.device, inode=self._inode, mode=mode, uid=uid, gid=gid, born=born)
        if path == "/":
            file.inode = 2
        if modes.S_ISCHR(mode):
            file.born = 0
            file.inode = 300 + lot % 1000
        elif file.is_directory:
            file.links = 2 + lot % 60
            file.size = file.links * 32
        elif mode == LINK:
            file.size = 20 + lot % 40
        elif modes.S_ISREG(mode):
            file.size = 500 + lot % (4_000_000 if mode == EXECUTABLE else 90_000)
        return file


def _volume(path: str) -> Volume:
    return next(volume for volume in VOLUMES if path.startswith(volume.prefix))
