"""Things arrive: downloads with odd names, a package and its scripts, a disk image, files from a cloud."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from typing import Any

from estui.sources.scenario import programs as p
from estui.sources.scenario.file import EXECUTABLE, LINK, File
from estui.sources.scenario.mac import ATTRLIST, READ, WRITE, Mac
from estui.sources.scenario.process import Process
from estui.sources.scenario.programs import ALEX
from estui.sources.scenario.world import PIPE, VNODE

DOWNLOADS = "/Users/alex/Downloads"
ODD_FOLDER = DOWNLOADS + "/odd but legal names"

HOSTILE_NAMES = (
    "quarterly report.pdf",
    "party 🎉 photos.zip",
    "\x1b[31mred alert\x1b[0m.txt",
    "\x1b]0;new title\x07.txt",
    "[/foo]",
    "[bold red]loud [@click=app.quit]press me.txt",
    "two\nlines.txt",
    "tab\tand\rreturn.txt",
    "invoice\u202efdp.command",
    "zero\u200bwidth.txt",
    'quote" and back\\slash.txt',
    "cafe\u0301 and caf\u00e9.txt",
    "delete\x7f and \x9bC1.txt",
    "-rf",
    "$(whoami) `id`.txt",
    "%s %n %x.txt",
    "long " + "n" * 240 + ".txt",
)
"""Names that APFS allows and a terminal must never be sent raw: the reason why everything is escaped.

`[/foo]` is a file `foo]` in a folder `[`: to Textual the path is a closing tag.
"""

APP = "/Applications/Tide Tables.app"
SANDBOX = "/Library/InstallerSandboxes/.PKInstallSandboxManager/5C2F/Root" + APP
APP_FILES = (
    "Contents/Info.plist",
    "Contents/PkgInfo",
    "Contents/MacOS/Tide Tables",
    "Contents/Resources/Assets.car",
    "Contents/Resources/AppIcon.icns",
    "Contents/Resources/en.lproj/Main.nib",
    "Contents/Resources/de.lproj/Main.nib",
    "Contents/Frameworks/Moon.framework/Versions/A/Moon",
    "Contents/_CodeSignature/CodeResources",
)
INSTALL_LOG = "/private/var/log/install.log"


def downloads(mac: Mac) -> Iterator[float]:
    """Safari unpacks files with hostile names; Finder, Spotlight and a shell handle them."""
    safari, finder, mds = mac.named("Safari"), mac.named("Finder"), mac.named("mds")
    folder = mac.files.known(ODD_FOLDER) or mac.mkdir(safari, ODD_FOLDER)
    files: list[File] = []
    for name in HOSTILE_NAMES:
        if "/" in name:
            mac.mkdir(safari, f"{ODD_FOLDER}/{name.split('/')[0]}")
        part = mac.save(safari, f"{ODD_FOLDER}/{name[:200]}.download", 1_500 + mac.random.randrange(40_000))
        mac.quarantine(safari, part)
        mac.rename(safari, part, f"{ODD_FOLDER}/{name}")
        files.append(part)
        yield 0.7
    mac.open(finder, folder)
    mac.readdir(finder, folder)
    for file in files:
        mac.getattrlist(finder, file)
        mac.lookup(mds, file.path, "/")
        mac.emit(
            "link", finder, {"source": file, "target_dir": folder, "target_filename": f"{file.name[:200]}~"}
        )
    mac.close(finder, folder)
    yield 4.0

    cat = mac.run(mac.shell, "/bin/cat", ("cat", *HOSTILE_NAMES))
    for file in files:
        mac.read(cat, file)
    mac.exit(cat)
    yield 3.0

    command = next(file for file in files if file.name.endswith(".command"))
    mac.act("setmode", finder, command, mode=0o755)
    command.mode = EXECUTABLE
    command.touch(mac.now)
    run = mac.fork(mac.shell)
    run.group = run.pid
    run.changed()
    mac.exec(run, "/bin/sh", ("/bin/sh", command.path), script=command)
    mac.load(run)
    mac.read(run, command)
    mac.exit(run, 1)
    odd = mac.files.at(f"{ODD_FOLDER}/[/foo]")
    tool = mac.run(mac.shell, odd.path, (odd.path, "\x1b[2J", "[/]", "two\nlines"))
    mac.exit(tool, 126)
    yield 5.0
    tops = [name.split("/")[0] for name in HOSTILE_NAMES]
    for top in tops:
        mac.rename(finder, mac.files.at(f"{ODD_FOLDER}/{top}"), f"/Users/alex/.Trash/{top}")
        yield 0.1
    yield 4.0
    for top in tops:
        mac.remove_tree(finder, f"/Users/alex/.Trash/{top}")


def _authorize(mac: Mac, petitioner: Process, right: str) -> None:
    """authd asks and answers for `petitioner`; the instigator is who sent the request on."""
    authd = mac.named("authd")
    people = {
        "instigator": petitioner,
        "instigator_token": petitioner.token,
        "petitioner": petitioner,
        "petitioner_token": petitioner.token,
    }
    mac.emit("authorization_petition", authd, {**people, "flags": 3, "right_count": 1, "rights": [right]})
    mac.password(petitioner, ALEX)
    results = [{"right_name": right, "rule_class": 0, "granted": True}]
    mac.emit(
        "authorization_judgement", authd, {**people, "return_code": 0, "result_count": 1, "results": results}
    )


def install(mac: Mac) -> Iterator[float]:
    """A package is downloaded, opened, authorized and installed, with its scripts."""
    package = yield from _download(mac)
    installer = mac.launch(p.INSTALLER, ALEX, asid=100015)
    mac.load(installer)
    mac.read(installer, package)
    mac.xpc_connect(installer, "com.apple.installd")
    yield 6.0
    _authorize(mac, installer, "system.install.software")
    installd = mac.launch(p.PACKAGEKIT + "/installd", p.ROOT)
    mac.load(installd)
    mac.check_in(installd, "com.apple.installd")
    mac.look_up(installer, "com.apple.installd", installd)
    mac.append(installd, INSTALL_LOG, 400)
    yield from _scripts(mac, installd, "preinstall")
    yield from _payload(mac, installd)
    yield from _scripts(mac, installd, "postinstall")
    for name in ("net.example.tidetables.bom", "net.example.tidetables.plist"):
        mac.replace(installd, f"/private/var/db/receipts/{name}", 9_000)
    mac.append(installd, INSTALL_LOG, 300)
    if mac.files.at(INSTALL_LOG).size > 100_000:
        mac.rotate(installd, INSTALL_LOG)
    yield 2.0
    mac.exit(installd)
    mac.exit(installer)
    mac.unlink(mac.named("Finder"), package)


def _download(mac: Mac) -> Generator[float, None, File]:
    safari = mac.named("Safari")
    part = mac.create(safari, f"{DOWNLOADS}/Tide Tables 3.2.pkg.download")
    mac.open(safari, part, WRITE)
    for _ in range(30):
        mac.write(safari, part, 262_144)
        yield 0.1
    mac.close(safari, part, modified=True)
    mac.quarantine(safari, part)
    mac.act("setextattr", safari, part, extattr="com.apple.metadata:kMDItemWhereFroms")
    mac.rename(safari, part, f"{DOWNLOADS}/Tide Tables 3.2.pkg")
    yield 3.0
    return part


def _scripts(mac: Mac, installd: Process, name: str) -> Iterator[float]:
    """The package's own script runs as root."""
    folder = f"/private/tmp/PKInstallSandbox.{mac.random.randrange(1 << 24):06X}"
    directory = mac.mkdir(installd, folder)
    script = mac.save(installd, f"{folder}/{name}", 700, mode=EXECUTABLE)
    shell = mac.fork(installd)
    mac.act("chdir", shell, directory)
    shell.cwd = directory
    mac.exec(
        shell,
        "/bin/bash",
        ("/bin/bash", script.path, "/Applications", "/"),
        script=script,
        fds=(VNODE, PIPE, PIPE),
    )
    mac.load(shell)
    mac.read(shell, script)
    for path, words in (
        ("/bin/mkdir", ("mkdir", "-p", "/Library/Application Support/Tide Tables")),
        ("/usr/sbin/chown", ("chown", "-R", "root:admin", "/Library/Application Support/Tide Tables")),
        ("/usr/bin/killall", ("killall", "-q", "Tide Tables")),
    ):
        tool = mac.spawn(shell, path, words, fds=(VNODE, PIPE, PIPE))
        mac.load(tool)
        support = mac.files.directory("/Library/Application Support/Tide Tables")
        if tool.program.name == "chown":
            mac.act("setowner", tool, support, uid=0, gid=80)
        mac.stat(tool, support)
        mac.discard(tool)
        mac.exit(tool, 1 if tool.program.name == "killall" else 0)
        yield 0.4
    mac.exit(shell)
    mac.remove_tree(installd, folder)


def _payload(mac: Mac, installd: Process) -> Iterator[float]:
    """The files are written in a sandbox; then the finished folder is moved to its place in one rename."""
    if mac.files.known(APP) is not None:
        mac.append(installd, INSTALL_LOG, 120)
        mac.remove_tree(installd, APP)
    for name in APP_FILES:
        mode = EXECUTABLE if name.endswith(("Tide Tables", "Moon")) else 0o100644
        file = mac.save(
            installd, f"{SANDBOX}/{name}", 30_000 + mac.random.randrange(90_000), writes=3, mode=mode
        )
        mac.act("setowner", installd, file, uid=0, gid=80)
        mac.act("setmode", installd, file, mode=mode & 0o7777)
        stamp = mac.writer.time(mac.now)
        mac.act("utimes", installd, file, atime=stamp, mtime=stamp)
        mac.act("deleteextattr", installd, file, extattr="com.apple.quarantine")
        yield 0.15
    top = mac.files.directory(SANDBOX)
    mac.act("setflags", installd, top, flags=0)
    mac.emit(
        "clone",
        installd,
        {
            "source": mac.files.at(f"{SANDBOX}/Contents/Info.plist"),
            "target_dir": top,
            "target_name": "Info.plist.orig",
        },
    )
    mac.copyfile(installd, f"{SANDBOX}/Contents/PkgInfo", f"{SANDBOX}/Contents/PkgInfo.copy")
    mac.copyfile(installd, f"{SANDBOX}/Contents/PkgInfo", f"{SANDBOX}/Contents/Info.plist")
    mac.rename(installd, top, APP)
    framework = f"{APP}/Contents/Frameworks/Moon.framework"
    mac.emit("readlink", installd, {"source": mac.files.at(f"{framework}/Versions/Current", LINK)})


def gatekeeper(mac: Mac) -> Iterator[float]:
    """alex opens two unsigned programs all the same: one that Gatekeeper could look up, one it could not."""
    daemon = mac.named("syspolicyd")
    file = mac.files.at(f"{DOWNLOADS}/Oscilloscope.app/Contents/MacOS/Oscilloscope")
    mac.act("getextattr", daemon, file, extattr="com.apple.quarantine")
    mac.read(daemon, file)
    yield 5.0
    digest = hashlib.sha256(file.path.encode()).hexdigest().upper()
    signing = {"cdhash": digest[:40], "signing_id": "Oscilloscope", "team_id": None}
    mac.emit(
        "gatekeeper_user_override",
        daemon,
        {"file_type": 1, "file": file, "sha256": digest, "signing_info": signing},
    )
    yield 20.0
    path = "/Volumes/Stick/old tool"
    mac.emit(
        "gatekeeper_user_override",
        daemon,
        {"file_type": 0, "file": path, "sha256": None, "signing_info": None},
    )


def _statfs(mac: Mac, name: str, flags: int) -> dict[str, Any]:
    statfs: dict[str, Any] = {
        "f_bsize": 4096,
        "f_iosize": 1_048_576,
        "f_blocks": 25_600,
        "f_bfree": 3_110,
        "f_bavail": 3_110,
        "f_files": 4_294_967_279,
        "f_ffree": 4_294_966_902,
        "f_fsid": [16777246, 24],
        "f_owner": 501,
        "f_type": 24,
        "f_flags": flags,
        "f_fssubtype": 3,
        "f_fstypename": "hfs",
        "f_mntonname": f"/Volumes/{name}",
        "f_mntfromname": "/dev/disk6s1",
    }
    if mac.shape.version >= 11:
        statfs["f_flags_ext"] = 0
    return statfs


def disk_image(mac: Mac) -> Iterator[float]:
    """A disk image is mounted, looked through, mounted anew for writing, and ejected."""
    finder = mac.named("Finder")
    image = mac.files.at(f"{DOWNLOADS}/Sky Charts.dmg")
    helper = mac.launch(p.DISK_IMAGES, p.ROOT)
    mac.load(helper)
    mac.open(helper, image, READ)
    mac.emit(
        "iokit_open",
        helper,
        {
            "user_client_type": 0,
            "user_client_class": "DIDeviceCreatorUserClient",
            "parent_registry_id": 4294970102,
            "parent_path": "IOService:/IOResources/AppleDiskImagesController",
        },
    )
    tool = mac.spawn(helper, "/sbin/mount", ("mount", "-t", "hfs", "-o", "nodev,nosuid", "/dev/disk6s1"))
    mac.emit("mount", tool, {"statfs": _statfs(mac, "Sky Charts", 0x1018), "disposition": 3})
    mac.exit(tool)
    yield 1.0
    folder = mac.files.directory("/Volumes/Sky Charts")
    mac.open(finder, folder)
    mac.readdir(finder, folder)
    for name in ("Sky Charts.app", "Read me.txt", "Applications"):
        mac.getattrlist(finder, f"/Volumes/Sky Charts/{name}")
    mac.act("searchfs", finder, folder, attrlist=ATTRLIST)
    mac.close(finder, folder)
    yield 8.0
    tool = mac.spawn(
        mac.shell, "/sbin/mount", ("mount", "-u", "-o", "rw", "/Volumes/Sky Charts"), own_group=True
    )
    mac.emit(
        "remount",
        tool,
        {"statfs": _statfs(mac, "Sky Charts", 0x18), "remount_flags": 0x10000, "disposition": 3},
    )
    mac.exit(tool)
    mac.save(finder, "/Volumes/Sky Charts/.DS_Store", 6_148)
    yield 5.0
    mac.unlink(finder, "/Volumes/Sky Charts/.DS_Store")
    mac.emit("unmount", helper, {"statfs": _statfs(mac, "Sky Charts", 0x18)})
    mac.close(helper, image)
    mac.exit(helper)


def cloud(mac: Mac) -> Iterator[float]:
    """A file that is only in the cloud is opened, and comes down; another is changed, and goes up."""
    daemon, app = mac.named("fileproviderd"), mac.named("Field Notes")
    extension = mac.launch(p.CLOUD_EXTENSION, ALEX, asid=100015)
    mac.load(extension)
    store = "/Users/alex/Library/CloudStorage/Cumulus"
    for number in range(1, 4):
        name = f"{store}/Field trip {number}.md"
        mac.act("getextattr", app, name, extattr="com.apple.fileprovider.fpfs#P")
        fresh = mac.save(extension, f"/private/var/folders/q1/x7demo5n0000gn/T/cumulus-{number}", 20_000)
        mac.emit(
            "file_provider_materialize",
            daemon,
            {"instigator": app, "instigator_token": app.token, "source": fresh, "target": mac.files.at(name)},
        )
        mac.unlink(extension, fresh)
        mac.read(app, name)
        yield 6.0
    changed = mac.replace(app, f"{store}/Field trip 2.md", 21_000)
    mac.emit("file_provider_update", daemon, {"source": changed, "target_path": changed.path})
    yield 2.0
    mac.exit(extension)
