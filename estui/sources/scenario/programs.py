"""The programs and the people of the scenario's Mac. Apple's names are real; everyone else is invented."""

from __future__ import annotations

import hashlib
import posixpath
from dataclasses import dataclass, field
from typing import Any

# cs_blobs.h flag words as recorded: a platform binary, one with its entitlements validated, an ad hoc
# signature by the linker, a Developer ID application with the hardened runtime.
PLATFORM_FLAGS = 0x26011B11
DAEMON_FLAGS = 0x26015B11
AD_HOC_FLAGS = 0x22020203
DEVELOPER_ID_FLAGS = 0x22010301

# es_cs_validation_category_t
CATEGORY_PLATFORM = 1
CATEGORY_DEVELOPER_ID = 6
CATEGORY_NONE = 10


@dataclass(frozen=True, slots=True)
class Program:
    """An executable and its code signature."""

    path: str
    signing_id: str
    team_id: str | None = None
    flags: int = PLATFORM_FLAGS
    category: int = CATEGORY_PLATFORM
    entitlements: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def platform(self) -> bool:
        return self.category == CATEGORY_PLATFORM

    @property
    def name(self) -> str:
        return posixpath.basename(self.path)

    @property
    def cdhash(self) -> str:
        """40 upper-case hex digits; made from the path, so it is the same in every pass."""
        return _digest(self.path).upper()


@dataclass(frozen=True, slots=True)
class User:
    name: str
    uid: int
    gid: int
    home: str
    shell: str


ROOT = User("root", 0, 0, "/private/var/root", "/bin/sh")
ALEX = User("alex", 501, 20, "/Users/alex", "/bin/zsh")
SAM = User("sam", 502, 20, "/Users/sam", "/bin/zsh")
WINDOWSERVER = User("_windowserver", 88, 88, "/private/var/empty", "/usr/bin/false")
SPOTLIGHT = User("_spotlight", 89, 89, "/private/var/empty", "/usr/bin/false")
NETWORKD = User("_networkd", 24, 24, "/private/var/networkd", "/usr/bin/false")
DISTNOTE = User("_distnote", 241, 241, "/private/var/empty", "/usr/bin/false")
LOCATIOND = User("_locationd", 205, 205, "/private/var/db/locationd", "/usr/bin/false")

XCODE = "/Applications/Xcode.app/Contents/Developer"
TOOLCHAIN = XCODE + "/Toolchains/XcodeDefault.xctoolchain/usr/bin"
SDK = XCODE + "/Platforms/MacOSX.platform/Developer/SDKs/MacOSX.sdk"
CORE_SERVICES = "/System/Library/Frameworks/CoreServices.framework/Versions/A"
PRIVATE = "/System/Library/PrivateFrameworks"
METADATA = CORE_SERVICES + "/Frameworks/Metadata.framework/Versions/A/Support"
SAFARI = "/System/Volumes/Preboot/Cryptexes/App/System/Applications/Safari.app/Contents/MacOS/Safari"
WINDOW_SERVER = PRIVATE + "/SkyLight.framework/Versions/A/Resources/WindowServer"
TCCD = PRIVATE + "/TCC.framework/Versions/A/Resources/tccd"
LOGINWINDOW = "/System/Library/CoreServices/loginwindow.app/Contents/MacOS/loginwindow"
BTMD = PRIVATE + "/BackgroundTaskManagement.framework/Versions/A/Resources/backgroundtaskmanagementd"
XPROTECT = "/Library/Apple/System/Library/CoreServices/XProtect.app/Contents/MacOS"
REMEDIATOR = XPROTECT + "/XProtectRemediatorDemoLoader"
REMOTE_MANAGEMENT = "/System/Library/CoreServices/RemoteManagement"
SCREEN_SHARING = REMOTE_MANAGEMENT + "/screensharingd.bundle/Contents/MacOS/screensharingd"
INSTALLER = "/System/Library/CoreServices/Installer.app/Contents/MacOS/Installer"
PACKAGEKIT = PRIVATE + "/PackageKit.framework/Versions/A/Resources"
MANAGED_CLIENT = "/System/Library/CoreServices/ManagedClient.app/Contents/MacOS/ManagedClient"
SETTINGS = "/System/Applications/System Settings.app/Contents/MacOS/System Settings"
TERMINAL = "/System/Applications/Utilities/Terminal.app/Contents/MacOS/Terminal"
FINDER = "/System/Library/CoreServices/Finder.app/Contents/MacOS/Finder"
DOCK = "/System/Library/CoreServices/Dock.app/Contents/MacOS/Dock"
DISK_SERVICES = PRIVATE + "/DiskImages2.framework/Versions/A/XPCServices"
DISK_IMAGES = DISK_SERVICES + "/diskimagesiod.xpc/Contents/MacOS/diskimagesiod"
FILE_PROVIDER = "/System/Library/Frameworks/FileProvider.framework/Support/fileproviderd"
LLDB_FRAMEWORK = "/Applications/Xcode.app/Contents/SharedFrameworks/LLDB.framework"
DEBUGSERVER = LLDB_FRAMEWORK + "/Versions/A/Resources/debugserver"
NOTES_APP = "/Applications/Field Notes.app/Contents/MacOS/Field Notes"
CLOUD_APP = "/Applications/Cumulus.app/Contents/MacOS/Cumulus"
CLOUD_EXTENSION = "/Applications/Cumulus.app/Contents/PlugIns/CumulusFiles.appex/Contents/MacOS/CumulusFiles"
PLANTED = "/Users/alex/Library/Application Support/.update/agent"

APPLE: dict[str, str] = {
    "/sbin/launchd": "com.apple.xpc.launchd",
    "/usr/libexec/xpcproxy": "com.apple.xpc.proxy",
    "/usr/libexec/logd": "com.apple.logd",
    "/usr/sbin/syslogd": "com.apple.syslogd",
    "/usr/libexec/opendirectoryd": "com.apple.opendirectoryd",
    "/usr/sbin/cfprefsd": "com.apple.cfprefsd",
    "/usr/libexec/trustd": "com.apple.trustd",
    "/usr/sbin/securityd": "com.apple.securityd",
    "/usr/sbin/mDNSResponder": "com.apple.mDNSResponder",
    "/usr/libexec/configd": "com.apple.configd",
    "/usr/libexec/kernelmanagerd": "com.apple.kernelmanagerd",
    "/usr/libexec/timed": "com.apple.timed",
    "/usr/libexec/lsd": "com.apple.lsd",
    "/usr/libexec/syspolicyd": "com.apple.security.syspolicy",
    "/usr/libexec/runningboardd": "com.apple.runningboardd",
    "/usr/libexec/authd": "com.apple.authd",
    "/usr/libexec/airportd": "com.apple.airportd",
    "/usr/libexec/biometrickitd": "com.apple.biometrickitd",
    CORE_SERVICES + "/Support/fseventsd": "com.apple.fseventsd",
    METADATA + "/mds": "com.apple.mds",
    METADATA + "/mds_stores": "com.apple.mds_stores",
    METADATA + "/mdworker_shared": "com.apple.mdworker_shared",
    WINDOW_SERVER: "com.apple.WindowServer",
    TCCD: "com.apple.tccd",
    LOGINWINDOW: "com.apple.loginwindow",
    BTMD: "com.apple.backgroundtaskmanagementd",
    REMEDIATOR: "com.apple.XProtectFramework.plugins.DemoLoader",
    SCREEN_SHARING: "com.apple.screensharing",
    INSTALLER: "com.apple.installer",
    PACKAGEKIT + "/installd": "com.apple.installd",
    PACKAGEKIT + "/system_installd": "com.apple.system_installd",
    MANAGED_CLIENT: "com.apple.ManagedClient",
    SETTINGS: "com.apple.systempreferences",
    TERMINAL: "com.apple.Terminal",
    FINDER: "com.apple.finder",
    DOCK: "com.apple.dock",
    SAFARI: "com.apple.Safari",
    DISK_IMAGES: "com.apple.diskimagesiod",
    FILE_PROVIDER: "com.apple.FileProvider",
    DEBUGSERVER: "com.apple.debugserver",
    "/usr/bin/su": "com.apple.su",
    "/usr/bin/sudo": "com.apple.sudo",
    "/usr/bin/login": "com.apple.login",
    "/usr/sbin/sshd": "com.apple.sshd",
    "/usr/libexec/sshd-session": "com.apple.sshd-session",
    "/bin/zsh": "com.apple.zsh",
    "/bin/sh": "com.apple.sh",
    "/bin/bash": "com.apple.bash",
    "/bin/rm": "com.apple.unlink",
    "/usr/bin/make": "com.apple.dt.xcode_select.tool-shim",
    TOOLCHAIN + "/clang": "com.apple.clang",
    TOOLCHAIN + "/ld": "com.apple.ld",
    TOOLCHAIN + "/libtool": "com.apple.libtool",
    TOOLCHAIN + "/dsymutil": "com.apple.dsymutil",
    TOOLCHAIN + "/strip": "com.apple.strip",
    XCODE + "/usr/bin/make": "com.apple.make",
    XCODE + "/usr/bin/lldb": "com.apple.lldb",
}
"""Apple's programs by path; every other path on the sealed system is `com.apple.` and its name."""

ENTITLED: dict[str, dict[str, Any]] = {
    METADATA + "/mdworker_shared": {
        "com.apple.security.exception.files.absolute-path.read-only": ["/"],
        "com.apple.private.security.storage.AppDataContainers": True,
    },
    REMEDIATOR: {
        "com.apple.private.endpoint-security.submit.xp": True,
        "com.apple.private.tcc.allow": ["kTCCServiceSystemPolicyAllFiles"],
    },
    "/usr/sbin/sshd": {"com.apple.private.endpoint-security.submit.openssh": True},
    "/usr/bin/sudo": {"com.apple.private.endpoint-security.submit.sudo": True},
    "/usr/bin/su": {"com.apple.private.endpoint-security.submit.su": True},
    DEBUGSERVER: {
        "com.apple.security.cs.debugger": True,
        "com.apple.private.thread-set-state": {"allowed": True},
    },
    INSTALLER: {
        "com.apple.private.tcc.allow": ["kTCCServiceSystemPolicyAllFiles"],
        "platform-application": True,
    },
}
"""What exec.entitlements holds, where it is worth looking at; invented in its details."""

OTHERS: tuple[Program, ...] = (
    Program(NOTES_APP, "net.example.fieldnotes", "EXAMPLE42X", DEVELOPER_ID_FLAGS, CATEGORY_DEVELOPER_ID),
    Program(CLOUD_APP, "net.example.cumulus", "CLOUDEX4MP", DEVELOPER_ID_FLAGS, CATEGORY_DEVELOPER_ID),
    Program(
        CLOUD_EXTENSION, "net.example.cumulus.files", "CLOUDEX4MP", DEVELOPER_ID_FLAGS, CATEGORY_DEVELOPER_ID
    ),
    Program(PLANTED, "agent-5555494488a1c0de", None, AD_HOC_FLAGS, CATEGORY_NONE),
)

_KNOWN: dict[str, Program] = {program.path: program for program in OTHERS}


def _digest(path: str) -> str:
    return hashlib.sha1(path.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()


def program(path: str) -> Program:
    """The program at `path`; one that no table names is Apple's on the system volume, else signed ad hoc."""
    known = _KNOWN.get(path)
    if known is None:
        name = posixpath.basename(path)
        entitlements = ENTITLED.get(path, {})
        if path in APPLE or path.startswith(("/System/", "/usr/", "/bin/", "/sbin/")):
            signing_id = APPLE.get(path, f"com.apple.{name}")
            daemon = "libexec" in path or name.endswith("d")
            flags = DAEMON_FLAGS if daemon else PLATFORM_FLAGS
            known = Program(path, signing_id, None, flags, CATEGORY_PLATFORM, entitlements)
        else:
            known = Program(path, f"{name}-{_digest(path)[:16]}", None, AD_HOC_FLAGS, CATEGORY_NONE)
        if len(_KNOWN) < 10_000:
            _KNOWN[path] = known
    return known
