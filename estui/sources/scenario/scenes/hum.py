"""What goes on all the time: the daemons, Spotlight, the log files, Finder, Safari, a shell script.

Each takes `until` (Unix nanoseconds), and ends in a tidy state soon after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from estui.sources.scenario import programs as p
from estui.sources.scenario.mac import ATTRLIST, READ, WRITE, Mac
from estui.sources.scenario.world import PIPE, VNODE

PREFERENCES = (
    "com.apple.Terminal",
    "com.apple.finder",
    "com.apple.Safari",
    "com.apple.dock",
    "com.apple.spaces",
    "com.apple.HIToolbox",
    "net.example.fieldnotes",
    ".GlobalPreferences",
)
DOCUMENTS = tuple(
    f"/Users/alex/Documents/{name}"
    for name in (
        "Lecture 1.key",
        "Lecture 2.key",
        "Exercises.pages",
        "Marks 2026.numbers",
        "Reading list.txt",
        "talk.md",
    )
)
LOGS = ("/private/var/log/system.log", "/private/var/log/wifi.log", "/private/var/log/fsck_apfs.log")
LOG_LIMIT = 60_000
"""Bytes after which a log file is moved aside, so that no file grows for ever."""


def logs(mac: Mac, until: int) -> Iterator[float]:
    """syslogd and friends write under /private/var/log/."""
    writers = (mac.named("syslogd"), mac.named("airportd"), mac.named("logd"))
    while mac.now < until:
        for writer, path in zip(writers, LOGS, strict=True):
            if mac.chance(2):
                mac.append(writer, path, 90 + mac.random.randrange(200))
            if mac.files.at(path).size > LOG_LIMIT:
                mac.rotate(writer, path)
        yield 2.0 + mac.random.random() * 4


def trace_store(mac: Mac, until: int) -> Iterator[float]:
    """logd appends to the unified log's files."""
    logd = mac.named("logd")
    store = mac.files.at("/private/var/db/diagnostics/Persist/0000000000000d3a.tracev3")
    while mac.now < until:
        mac.write(logd, store, 16_384)
        if store.size > 100 * LOG_LIMIT:
            mac.act("truncate", logd, store)
            store.grow(0, mac.now)
        yield 5.0 + mac.random.random() * 6


def preferences(mac: Mac, until: int) -> Iterator[float]:
    """cfprefsd serves everyone's settings, and saves some."""
    mine, system = mac.named("cfprefsd", p.ALEX), mac.named("cfprefsd", p.ROOT)
    while mac.now < until:
        path = f"/Users/alex/Library/Preferences/{mac.random.choice(PREFERENCES)}.plist"
        mac.lookup(mine, path, "/Users/alex")
        mac.read(mine, path)
        if mac.chance(4):
            mac.replace(mine, path, 3_000 + mac.random.randrange(9_000))
        if mac.chance(3):
            mac.read(system, "/Library/Preferences/com.apple.PowerManagement.plist")
        yield 2.0 + mac.random.random() * 4


def spotlight(mac: Mac, until: int) -> Iterator[float]:
    """mds hears of changes, mdworker_shared reads the files, mds_stores writes the index."""
    mds, stores = mac.named("mds"), mac.named("mds_stores")
    index = "/System/Volumes/Data/.Spotlight-V100/Store-V2/6E2C/"
    while mac.now < until:
        mac.emit("fsgetpath", mds, {"target": mac.files.at(mac.random.choice(DOCUMENTS))})
        worker = mac.launch(
            p.METADATA + "/mdworker_shared", p.SPOTLIGHT, ("mdworker_shared", "-s", "mdworker")
        )
        mac.load(worker)
        mac.check_in(worker, "com.apple.mdworker.shared")
        mac.look_up(worker, "com.apple.metadata.mds", mds)
        for _ in range(5):
            document = mac.random.choice(DOCUMENTS)
            mac.getattrlist(worker, document)
            mac.act("listextattr", worker, document)
            mac.act("getextattr", worker, document, extattr="com.apple.metadata:kMDItemWhereFroms")
            mac.read(worker, document)
            yield 0.4
        for name in ("0.indexHead", "live.1.indexPostings", "store.db"):
            mac.open(stores, index + name, READ | WRITE)
            mac.write(stores, index + name, 0)
            mac.act("fcntl", stores, index + name, cmd=51)
            mac.close(stores, index + name, modified=True)
        mac.exit(worker)
        yield 14.0 + mac.random.random() * 14


def finder(mac: Mac, until: int) -> Iterator[float]:
    """Finder keeps its windows fresh."""
    app = mac.named("Finder")
    folders = [mac.files.directory(f"/Users/alex/{name}") for name in ("Desktop", "Documents", "Downloads")]
    while mac.now < until:
        folder = mac.random.choice(folders)
        mac.open(app, folder)
        mac.readdir(app, folder)
        for document in mac.random.sample(DOCUMENTS, 3):
            mac.getattrlist(app, document)
            mac.act("listextattr", app, document)
            mac.access(app, document)
        mac.close(app, folder)
        if mac.chance(6):
            mac.act("setattrlist", app, folder.path + "/.DS_Store", attrlist=ATTRLIST)
            mac.replace(app, folder.path + "/.DS_Store", 6_148)
        yield 5.0 + mac.random.random() * 8


def safari(mac: Mac, until: int) -> Iterator[float]:
    """Safari reads and writes its caches, cookies and history."""
    app = mac.named("Safari")
    library = "/Users/alex/Library/Containers/com.apple.Safari/Data/Library"
    while mac.now < until:
        for _ in range(1 + mac.random.randrange(4)):
            blob = f"{library}/Caches/WebKit/NetworkCache/Blobs/{mac.random.randrange(200):04X}"
            if mac.files.known(blob) is None:
                mac.save(app, blob, 2_000 + mac.random.randrange(60_000), writes=2)
            else:
                mac.read(app, blob)
                mac.mmap(app, blob)
            yield 0.2
        mac.write(app, f"{library}/Safari/History.db-wal", 0)
        mac.access(app, f"{library}/Safari/History.db-journal")
        if mac.chance(5):
            mac.connect(app, "/private/var/run/mDNSResponder")
            mac.look_up(app, "com.apple.nsurlsessiond", None)
            mac.xpc_connect(app, "com.apple.WebKit.Networking", 5)
        if mac.chance(9):
            mac.replace(app, f"{library}/Cookies/Cookies.binarycookies", 14_000)
        yield 3.0 + mac.random.random() * 7


def display(mac: Mac, until: int) -> Iterator[float]:
    """WindowServer and the programs with windows: IOKit, task names, quick looks at processes."""
    server = mac.named("WindowServer")
    apps = [mac.named(name) for name in ("Safari", "Terminal", "Field Notes", "Dock")]
    running = mac.named("runningboardd")
    while mac.now < until:
        app = mac.random.choice(apps)
        mac.emit("get_task_name", server, {"target": app, "type": 0})
        mac.emit("proc_check", running, {"target": app, "type": 2, "flavor": 3})
        if mac.chance(3):
            mac.emit("proc_check", running, {"target": None, "type": 1, "flavor": 0})
        if mac.chance(4):
            mac.emit(
                "iokit_open",
                server,
                {
                    "user_client_type": 2,
                    "user_client_class": "AGXDeviceUserClient",
                    "parent_registry_id": 4294969231,
                    "parent_path": "IOService:/AppleARMPE/arm-io/AppleT600xIO/sgx@4000000/AGXAcceleratorG13X",
                },
            )
        yield 5.0 + mac.random.random() * 8


def trust(mac: Mac, until: int) -> Iterator[float]:
    """trustd, lsd, tccd and fseventsd each look into their databases."""
    quiet = (
        (mac.named("trustd", p.ALEX), "/Users/alex/Library/Keychains/6E2C/keychain-2.db"),
        (
            mac.named("lsd"),
            "/private/var/folders/q1/x7demo5n0000gn/0/com.apple.LaunchServices.dv/com.apple.csstore",
        ),
        (mac.named("tccd", p.ALEX), "/Users/alex/Library/Application Support/com.apple.TCC/TCC.db"),
        (mac.named("fseventsd"), "/System/Volumes/Data/.fseventsd/000000000d3a5f11"),
        (mac.named("syspolicyd"), "/private/var/db/SystemPolicyConfiguration/ExecPolicy"),
    )
    while mac.now < until:
        process, path = mac.random.choice(quiet)
        mac.open(process, path, READ | WRITE)
        mac.act("fcntl", process, path, cmd=8)
        if mac.chance(3):
            mac.write(process, path, 0)
        mac.close(process, path)
        yield 3.0 + mac.random.random() * 6


def status_script(mac: Mac, until: int) -> Iterator[float]:
    """A script of alex's asks for the battery every half minute; what it does not want goes to /dev/null."""
    while mac.now < until:
        script = mac.files.at("/Users/alex/bin/status.sh", 0o100755)
        runner = mac.launch("/bin/sh", p.ALEX, ("/bin/sh", script.path), asid=100015, threads=1)
        mac.load(runner)
        mac.read(runner, script)
        for path, words in (
            ("/usr/bin/pmset", ("pmset", "-g", "batt")),
            ("/usr/bin/awk", ("awk", "/InternalBattery/ {print $3}")),
        ):
            tool = mac.spawn(runner, path, words, fds=(PIPE, PIPE, VNODE))
            mac.load(tool)
            mac.discard(tool, writes=2)
            mac.exit(tool)
        mac.save(runner, "/private/tmp/status.txt", 24)
        mac.exit(runner)
        yield 25.0 + mac.random.random() * 10


def notes(mac: Mac, until: int) -> Iterator[float]:
    """alex writes in Field Notes, which saves as it goes."""
    app = mac.named("Field Notes")
    folder = "/Users/alex/Library/Application Support/Field Notes"
    while mac.now < until:
        mac.stat(app, folder + "/notes.sqlite")
        mac.write(app, folder + "/notes.sqlite-wal", 0)
        if mac.chance(4):
            mac.replace(app, folder + "/draft.md", 2_000 + mac.random.randrange(3_000))
        yield 4.0 + mac.random.random() * 9


HUM: tuple[Callable[[Mac, int], Iterator[float]], ...] = (
    logs, trace_store, preferences, spotlight, finder, safari, display, trust, status_script, notes,
)  # fmt: skip
"""All of it; they run side by side."""
