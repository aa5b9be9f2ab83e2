"""The scenario's Mac: a world with its usual daemons and programs running, and what programs do to files."""

from __future__ import annotations

import posixpath
from collections.abc import Collection
from datetime import datetime
from typing import Any

from estui.sources.scenario import programs as p
from estui.sources.scenario.file import PLAIN, File
from estui.sources.scenario.process import SYSTEM_SESSION, Process
from estui.sources.scenario.wire import Shape
from estui.sources.scenario.world import World, environment

# Kernel open flags (FFLAGS): FREAD and FWRITE, not O_RDONLY and O_WRONLY.
READ = 0x1
WRITE = 0x2
APPEND = 0x8
CREATE = 0x200
TRUNCATE = 0x400

DEV_NULL = "/dev/null"
GRAPHICAL_SESSION = 100015
"""Audit session id of alex at the screen; lw_session_* call it graphical_session_id."""

RUNNING: tuple[tuple[int, str, p.User], ...] = (
    (78, "/usr/libexec/logd", p.ROOT),
    (81, p.CORE_SERVICES + "/Support/fseventsd", p.ROOT),
    (84, "/usr/sbin/syslogd", p.ROOT),
    (87, "/usr/libexec/configd", p.ROOT),
    (92, "/usr/libexec/opendirectoryd", p.ROOT),
    (96, "/usr/libexec/kernelmanagerd", p.ROOT),
    (101, p.METADATA + "/mds", p.ROOT),
    (104, "/usr/libexec/runningboardd", p.ROOT),
    (110, "/usr/libexec/timed", p.ROOT),
    (115, "/usr/sbin/cfprefsd", p.ROOT),
    (118, "/usr/libexec/trustd", p.ROOT),
    (121, "/usr/sbin/securityd", p.ROOT),
    (124, p.TCCD, p.ROOT),
    (127, p.LOGINWINDOW, p.ROOT),
    (131, "/usr/libexec/syspolicyd", p.ROOT),
    (134, "/usr/libexec/biometrickitd", p.ROOT),
    (139, "/usr/libexec/authd", p.ROOT),
    (142, "/usr/sbin/distnoted", p.DISTNOTE),
    (148, "/usr/sbin/mDNSResponder", p.NETWORKD),
    (152, p.METADATA + "/mds_stores", p.ROOT),
    (160, p.WINDOW_SERVER, p.WINDOWSERVER),
    (171, "/usr/libexec/airportd", p.ROOT),
    (178, p.BTMD, p.ROOT),
    (190, "/usr/libexec/locationd", p.LOCATIOND),
    (371, "/usr/sbin/cfprefsd", p.ALEX),
    (374, p.TCCD, p.ALEX),
    (377, "/usr/libexec/trustd", p.ALEX),
    (381, p.DOCK, p.ALEX),
    (384, p.FINDER, p.ALEX),
    (391, "/usr/libexec/lsd", p.ALEX),
    (402, p.FILE_PROVIDER, p.ALEX),
    (420, p.SAFARI, p.ALEX),
    (433, p.TERMINAL, p.ALEX),
    (447, p.NOTES_APP, p.ALEX),
    (452, p.CLOUD_APP, p.ALEX),
)
"""What runs when the first pass begins: pid, program, user."""

ATTRLIST = {
    "bitmapcount": 5,
    "commonattr": 2_181_562_639,
    "volattr": 0,
    "dirattr": 0,
    "fileattr": 513,
    "forkattr": 0,
}
"""struct attrlist as Finder asks for it: name, type, times, owner, mode, sizes."""

LIBSYSTEM = "/usr/lib/dyld"


class Mac(World):
    """A World that was booted: RUNNING runs, and alex sits at the screen with a shell open."""

    def __init__(
        self,
        seed: int = 0,
        start: datetime | None = None,
        shape: Shape | None = None,
        subscribe: Collection[str] | None = None,
    ) -> None:
        super().__init__(seed, start, shape, subscribe)
        null = self.files.at(DEV_NULL, 0o020666)
        null.rdev = 0x3000002
        for pid, path, user in RUNNING:
            at_screen = user is p.ALEX
            process = self.running(
                path, user, pid=pid, asid=GRAPHICAL_SESSION if at_screen else SYSTEM_SESSION
            )
            if path == p.WINDOW_SERVER:
                process.threads = self.processes.next_threads(12)
        self.shell = self._open_shell()
        """alex's zsh in Terminal, on ttys000."""

    def _open_shell(self) -> Process:
        terminal, tty = self.named("Terminal"), self.terminal(0, p.ALEX)
        login = self.running(
            "/usr/bin/login", p.ALEX, pid=511, asid=GRAPHICAL_SESSION, parent=terminal, threads=1
        )
        login.become(euid=0)
        shell = self.running("/bin/zsh", p.ALEX, pid=512, asid=GRAPHICAL_SESSION, parent=login, threads=1)
        for process in (login, shell):
            process.session = login.pid
            process.responsible = terminal
            process.tty = tty
        shell.cwd = self.files.directory("/Users/alex/src/lantern")
        shell.env = (*shell.env, "TERM=xterm-256color", "TERM_PROGRAM=Apple_Terminal", "LANG=en_GB.UTF-8")
        return shell

    def named(self, name: str, user: p.User | None = None) -> Process:
        """The running process whose program is called `name`, of `user` if given."""
        return self.processes.named(name, None if user is None else user.uid)

    def file(self, file: File | str) -> File:
        return self.files.at(file) if isinstance(file, str) else file

    # --- one event each ---------------------------------------------------------------------------

    def act(self, name: str, process: Process, file: File | str, **members: Any) -> bytes:
        """Any event whose payload is `target` and some more members."""
        return self.emit(name, process, {"target": self.file(file), **members})

    def open(self, process: Process, file: File | str, fflag: int = READ) -> bytes:
        return self.emit("open", process, {"fflag": fflag, "file": self.file(file)})

    def close(
        self, process: Process, file: File | str, modified: bool = False, mapped: bool = False
    ) -> bytes:
        target = self.file(file)
        return self.emit(
            "close", process, {"modified": modified, "target": target, "was_mapped_writable": mapped}
        )

    def stat(self, process: Process, file: File | str) -> bytes:
        return self.emit("stat", process, {"target": self.file(file)})

    def access(self, process: Process, file: File | str, mode: int = 4) -> bytes:
        return self.emit("access", process, {"mode": mode, "target": self.file(file)})

    def getattrlist(self, process: Process, file: File | str) -> bytes:
        return self.emit("getattrlist", process, {"attrlist": ATTRLIST, "target": self.file(file)})

    def readdir(self, process: Process, directory: File) -> bytes:
        return self.emit("readdir", process, {"target": directory})

    def lookup(self, process: Process, path: str, source: str | None = None) -> bytes:
        """namei looks for `path` from the directory `source`; the rest is written without leading slash."""
        source = posixpath.dirname(path) if source is None else source
        rest = path[len(source) :].lstrip("/")
        return self.emit(
            "lookup", process, {"source_dir": self.files.directory(source), "relative_target": rest}
        )

    def mmap(self, process: Process, file: File | str, protection: int = 1) -> bytes:
        """A private mapping; `protection` 1 to read, 5 to read and execute."""
        return self.emit(
            "mmap",
            process,
            {
                "protection": protection,
                "max_protection": 7 if protection == 1 else 5,
                "flags": 0x40002 if protection == 1 else 0x2,
                "file_pos": 0,
                "source": self.file(file),
            },
        )

    def write(self, process: Process, file: File | str, size: int = 4096) -> bytes:
        """write(2) of `size` bytes at the end; a device does not grow."""
        target = self.file(file)
        if not target.rdev:
            target.grow(target.size + size, self.now)
        return self.emit("write", process, {"target": target})

    def create(self, process: Process, path: str, mode: int = PLAIN) -> File:
        """A new file of the process's user; what was there is replaced."""
        token = process.token
        file = self.files.make(
            path, self.now, token.euid, self.files.directory(posixpath.dirname(path)).gid, mode
        )
        self.emit(
            "create", process, {"destination_type": 0, "destination": {"existing_file": file}, "acl": None}
        )
        return file

    def mkdir(self, process: Process, path: str) -> File:
        return self.create(process, path, 0o040755)

    def rename(self, process: Process, file: File, path: str) -> bytes:
        """rename(2): over an existing file (destination_type 0) or to a new name (1)."""
        over = self.files.known(path)
        directory, name = posixpath.split(path)
        destination: dict[str, Any]
        if over is not None:
            destination = {"existing_file": over}
        else:
            destination = {"new_path": {"dir": self.files.directory(directory), "filename": name}}
        line = self.emit(
            "rename",
            process,
            {"source": file, "destination_type": 0 if over is not None else 1, "destination": destination},
        )
        self.files.move(file, path, self.now)
        return line

    def unlink(self, process: Process, file: File | str) -> bytes:
        target = self.file(file)
        line = self.emit("unlink", process, {"target": target, "parent_dir": self.files.parent(target)})
        self.files.remove(target, self.now)
        return line

    def copyfile(self, process: Process, source: str, path: str) -> bytes:
        """copyfile(2), to a new name or over the file that is there."""
        over = self.files.known(path)
        directory, name = posixpath.split(path)
        line = self.emit(
            "copyfile",
            process,
            {
                "source": self.files.at(source),
                "target_file": over,
                "target_dir": self.files.directory(directory),
                "target_name": name,
                "mode": 0o644,
                "flags": 0,
            },
        )
        if over is None:
            self.files.make(path, self.now, process.token.euid, process.token.egid)
        return line

    def connect(self, process: Process, path: str) -> bytes:
        """connect(2) to the Unix stream socket at `path`."""
        file = self.files.at(path, 0o140777)
        return self.emit("uipc_connect", process, {"file": file, "domain": 1, "type": 1, "protocol": 0})

    def xpc_connect(self, process: Process, service: str, domain: int = 1) -> bytes:
        """A connection to a named XPC service; `domain` 1 system, 5 its own pid, 8 gui."""
        return self.emit("xpc_connect", process, {"service_name": service, "service_domain_type": domain})

    def look_up(self, process: Process, service: str, owner: Process | None = None) -> bytes:
        """bootstrap_look_up, which launchd reports: of a running owner, or of a job not started yet."""
        target: dict[str, Any]
        if owner is not None:
            label = owner.program.signing_id
            target = {"process": {"target": owner, "target_token": owner.token, "job_label": label}}
        else:
            target = {"job": {"job_label": service, "lwcr": {"team_id": None, "signing_id": service}}}
        return self.emit(
            "bootstrap_look_up",
            self.launchd,
            {
                "instigator": process,
                "instigator_token": process.token,
                "service_name": service,
                "target_type": 0 if owner is not None else 1,
                "target": target,
            },
        )

    def check_in(self, process: Process, service: str) -> bytes:
        """bootstrap_check_in: a job takes the port that launchd kept for it; launchd reports it."""
        return self.emit(
            "bootstrap_check_in",
            self.launchd,
            {"instigator": process, "instigator_token": process.token, "service_name": service},
        )

    # --- several events each ----------------------------------------------------------------------

    def read(self, process: Process, file: File | str) -> None:
        """stat, open, read to the end, close."""
        target = self.file(file)
        self.stat(process, target)
        self.open(process, target)
        self.close(process, target)

    def load(self, process: Process) -> None:
        """What dyld does for a fresh image."""
        self.open(process, LIBSYSTEM)
        self.mmap(process, LIBSYSTEM, 5)
        self.close(process, LIBSYSTEM)
        self.mmap(process, process.executable, 5)
        self.stat(process, "/System/Library/dyld/dyld_shared_cache_arm64e")

    def save(self, process: Process, path: str, size: int = 4096, writes: int = 1, mode: int = PLAIN) -> File:
        """A new file, written and closed."""
        file = self.create(process, path, mode)
        self.open(process, file, WRITE | CREATE | TRUNCATE)
        for _ in range(writes):
            self.write(process, file, size)
        self.close(process, file, modified=True)
        return file

    def replace(self, process: Process, path: str, size: int = 4096) -> File:
        """The safe way to save: write a new file beside, then rename it over."""
        known = self.files.at(path)
        file = self.save(process, f"{path}.{self.random.randrange(1 << 24):06x}", size)
        file.mode, file.uid, file.gid = known.mode, known.uid, known.gid
        self.rename(process, file, path)
        return file

    def append(self, process: Process, file: File | str, size: int = 160) -> None:
        target = self.file(file)
        self.open(process, target, WRITE | APPEND)
        self.write(process, target, size)
        self.close(process, target, modified=not target.rdev)

    def rotate(self, process: Process, path: str) -> None:
        """A log that has grown is moved aside and begun anew, so that no file grows for ever."""
        old = self.files.known(path + ".0")
        if old is not None:
            self.unlink(process, old)
        self.rename(process, self.files.at(path), path + ".0")
        self.save(process, path, 80)

    def discard(self, process: Process, writes: int = 1) -> None:
        """Output sent to /dev/null: open, dup over the descriptor, write, close."""
        null = self.files.at(DEV_NULL)
        self.open(process, null, WRITE)
        self.act("dup", process, null)
        for _ in range(writes):
            self.write(process, null)
        self.close(process, null)

    def run(
        self, parent: Process, path: str, args: tuple[str, ...] = (), *, fds: tuple[int, ...] = ()
    ) -> Process:
        """A short command: started, its image loaded. End it with exit()."""
        child = self.spawn(parent, path, args, fds=fds or (1, 1, 1), own_group=parent.tty is not None)
        self.load(child)
        return child

    def remove_tree(self, process: Process, path: str) -> None:
        """rm -r: every file below `path`, deepest first, then the directory itself."""
        inside = path.rstrip("/") + "/"
        below = [file for file in self.files if file.path.startswith(inside)]
        for file in sorted(below, key=lambda file: file.path, reverse=True):
            self.unlink(process, file)
        top = self.files.known(path)
        if top is not None:
            self.unlink(process, top)

    def quarantine(self, process: Process, file: File | str) -> bytes:
        """The mark of a file that came from outside."""
        return self.act("setextattr", process, file, extattr="com.apple.quarantine")

    def kill(self, killer: Process, victim: Process, signal: int) -> None:
        """kill(2), and the victim's end by it. 15 SIGTERM, 9 SIGKILL."""
        self.emit("signal", killer, {"sig": signal, "target": victim, "instigator": killer})
        self.exit(victim, signal=signal)

    def set_ids(self, process: Process, user: p.User) -> None:
        """setgid and setuid: how a daemon of root becomes `user` for good."""
        self.emit("setgid", process, {"gid": user.gid})
        process.become(egid=user.gid, rgid=user.gid)
        self.emit("setuid", process, {"uid": user.uid})
        process.become(euid=user.uid, ruid=user.uid)
        process.env = environment(user)

    def password(self, instigator: Process, user: p.User, success: bool = True) -> bytes:
        """opendirectoryd tells of a password that was checked for `instigator`."""
        record = {
            "instigator": instigator,
            "instigator_token": instigator.token,
            "record_type": "dsRecTypeStandard:Users",
            "record_name": user.name,
            "node_name": "/Local/Default",
            "db_path": f"/var/db/dslocal/nodes/Default/users/{user.name}.plist",
        }
        opendirectoryd = self.named("opendirectoryd")
        self.read(opendirectoryd, f"/private/var/db/dslocal/nodes/Default/users/{user.name}.plist")
        return self.emit(
            "authentication", opendirectoryd, {"success": success, "type": 0, "data": {"od": record}}
        )
