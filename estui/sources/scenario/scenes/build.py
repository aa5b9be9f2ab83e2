"""A build storm: make starts clang some hundred times, then libtool, ld, dsymutil, strip, codesign."""

from __future__ import annotations

from collections.abc import Iterator

from estui.sources.scenario.file import EXECUTABLE, File
from estui.sources.scenario.mac import READ, WRITE, Mac
from estui.sources.scenario.process import Process
from estui.sources.scenario.programs import SDK, TOOLCHAIN, XCODE
from estui.sources.scenario.world import PIPE, VNODE

PROJECT = "/Users/alex/src/lantern"
UNITS = 120
"""Source files compiled in one build."""

JOBS = 4
"""make -j4."""

PARTS = ("codec", "core", "index", "json", "net", "query", "shell", "store", "text", "widgets")
SYSTEM_HEADERS = tuple(
    f"{SDK}/usr/include/{name}.h"
    for name in (
        "stdio",
        "stdlib",
        "string",
        "stdint",
        "errno",
        "unistd",
        "fcntl",
        "sys/types",
        "sys/stat",
        "pthread",
    )
)
OWN_HEADERS = tuple(f"{PROJECT}/include/lantern/{name}.h" for name in (*PARTS, "version", "config"))
CLANG = TOOLCHAIN + "/clang"


def build(mac: Mac) -> Iterator[float]:
    """alex types `make clean && make -j4` in the project."""
    yield from _clean(mac)
    make = mac.run(mac.shell, XCODE + "/usr/bin/make", ("make", "-j4"))
    mac.read(make, f"{PROJECT}/Makefile")
    objects = mac.files.known(f"{PROJECT}/build") or mac.mkdir(make, f"{PROJECT}/build")
    mac.open(make, objects)
    mac.readdir(make, objects)
    mac.close(make, objects)
    for unit in range(UNITS):
        mac.stat(make, _source(unit))
        if unit % 20 == 0:
            yield 0.02

    waiting = [_compile(mac, make, unit) for unit in reversed(range(UNITS))]
    jobs: list[Iterator[float]] = []
    while waiting or jobs:
        while waiting and len(jobs) < JOBS:
            jobs.append(waiting.pop())
        for job in list(jobs):
            if next(job, None) is None:
                jobs.remove(job)
            yield 0.03 + mac.random.random() * 0.05
    yield from _link(mac, make)
    mac.exit(make)
    yield from _tests(mac)


def _source(unit: int) -> str:
    return f"{PROJECT}/src/{PARTS[unit % len(PARTS)]}/{PARTS[unit % len(PARTS)]}{unit:03}.c"


def _object(unit: int) -> str:
    return f"{PROJECT}/build/{PARTS[unit % len(PARTS)]}{unit:03}.o"


def _clean(mac: Mac) -> Iterator[float]:
    make = mac.run(mac.shell, XCODE + "/usr/bin/make", ("make", "clean"))
    mac.read(make, f"{PROJECT}/Makefile")
    rm = mac.run(make, "/bin/rm", ("rm", "-rf", "build"))
    mac.lookup(rm, f"{PROJECT}/build")
    mac.remove_tree(rm, f"{PROJECT}/build")
    mac.exit(rm)
    mac.exit(make)
    yield 1.0


def _compile(mac: Mac, make: Process, unit: int) -> Iterator[float]:
    """One translation unit: sh -c, clang, its headers, the object file under a name of its own, renamed."""
    source, target = _source(unit), _object(unit)
    words = (
        "clang",
        "-c",
        "-O2",
        "-g",
        "-Iinclude",
        "-o",
        target.removeprefix(PROJECT + "/"),
        source.removeprefix(PROJECT + "/"),
    )
    shell = mac.fork(make)
    mac.exec(shell, "/bin/sh", ("/bin/sh", "-c", " ".join(words)), fds=(VNODE, PIPE, PIPE))
    if unit % 3 == 0:
        mac.discard(shell)
    clang = mac.fork(shell)
    mac.exec(clang, CLANG, words, fds=(VNODE, PIPE, PIPE))
    mac.load(clang)
    mac.emit("readlink", clang, {"source": mac.files.at(f"{SDK.rsplit('/', 1)[0]}/MacOSX27.0.sdk", 0o120755)})
    mac.read(clang, source)
    yield 0.1
    headers = [*mac.random.sample(SYSTEM_HEADERS, 4), *mac.random.sample(OWN_HEADERS, 4)]
    for header in headers:
        if header.startswith(SDK):
            mac.lookup(clang, f"{PROJECT}/include/{header.rsplit('/', 1)[1]}", f"{PROJECT}/include")
        mac.stat(clang, header)
        mac.open(clang, header)
        if mac.chance(3):
            mac.mmap(clang, header)
        mac.close(clang, header)
    yield 0.2
    made = mac.create(clang, f"{target}-{mac.random.randrange(1 << 32):08x}.tmp")
    mac.open(clang, made, READ | WRITE)
    for _ in range(2 + unit % 3):
        mac.write(clang, made, 8_000 + mac.random.randrange(20_000))
    mac.close(clang, made, modified=True)
    mac.rename(clang, made, target)
    mac.save(clang, target.removesuffix("o") + "d", 900)
    mac.exit(clang)
    mac.exit(shell)


def _link(mac: Mac, make: Process) -> Iterator[float]:
    library = f"{PROJECT}/build/liblantern.a"
    libtool = mac.run(make, TOOLCHAIN + "/libtool", ("libtool", "-static", "-o", "build/liblantern.a"))
    for unit in range(UNITS):
        mac.open(libtool, _object(unit))
        mac.mmap(libtool, _object(unit))
        mac.close(libtool, _object(unit))
        if unit % 10 == 9:
            yield 0.05
    mac.save(libtool, library, 400_000, writes=8)
    mac.exit(libtool)

    binary = f"{PROJECT}/build/lantern"
    clang = mac.run(make, CLANG, ("clang", "-o", "build/lantern", "build/liblantern.a"))
    ld = mac.run(clang, TOOLCHAIN + "/ld", ("ld", "-o", "build/lantern", "build/liblantern.a", "-lSystem"))
    for path in (library, f"{SDK}/usr/lib/libSystem.tbd", f"{SDK}/usr/lib/libz.tbd"):
        mac.read(ld, path)
        mac.mmap(ld, path)
    made = _image(mac, ld, binary)
    yield 0.8
    mac.exit(ld)
    mac.exit(clang)
    for path, words in (
        (TOOLCHAIN + "/dsymutil", ("dsymutil", "build/lantern")),
        (TOOLCHAIN + "/strip", ("strip", "-S", "build/lantern")),
        ("/usr/bin/codesign", ("codesign", "-s", "-", "build/lantern")),
    ):
        tool = mac.run(make, path, words)
        mac.read(tool, made)
        if tool.program.name == "dsymutil":
            mac.save(tool, f"{PROJECT}/build/lantern.dSYM", 700_000, writes=4)
        else:
            made = _image(mac, tool, binary)
        mac.exit(tool)
        yield 0.5


def _image(mac: Mac, tool: Process, path: str) -> File:
    """The program is written beside and takes the place of what was there."""
    made = mac.save(tool, f"{path}.{tool.program.name}", 150_000, writes=6)
    mac.act("setmode", tool, made, mode=0o755)
    made.mode = EXECUTABLE
    made.touch(mac.now)
    mac.rename(tool, made, path)
    return made


def _tests(mac: Mac) -> Iterator[float]:
    """The program just built runs; one run crashes (SIGSEGV), as it does on such days."""
    for words, signal in ((("lantern", "--self-test"), 0), (("lantern", "--fuzz"), 11)):
        run = mac.run(mac.shell, f"{PROJECT}/build/lantern", words)
        mac.read(run, f"{PROJECT}/share/sample.json")
        mac.discard(run, writes=20)
        mac.save(run, f"/private/tmp/lantern-{words[1][2:]}.out", 1200)
        mac.unlink(run, f"/private/tmp/lantern-{words[1][2:]}.out")
        yield 1.0
        mac.exit(run, signal=signal)
