"""An administrator's work: accounts, profiles, privacy, a kernel extension, the clock, an old backup."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from estui.sources.scenario import programs as p
from estui.sources.scenario.mac import ATTRLIST, READ, WRITE, Mac
from estui.sources.scenario.process import Process
from estui.sources.scenario.programs import ALEX, ROOT

LOCAL = "/Local/Default"
DIRECTORY_SERVER = "/LDAPv3/ldap.school.example"
ROBIN = "robin"
CLASS = "class-3b"
UUID = "4B2D7A10-55C3-4E0A-8F0E-9C6A1D2E3F40"

Change = tuple[str, dict[str, Any]]

MAIL = {"attribute_name": "dsAttrTypeStandard:EMailAddress", "attribute_value": "robin@school.example"}
SHELL = {"attribute_name": "dsAttrTypeStandard:UserShell", "attribute_values": ["/bin/zsh"]}
RECORD = {"record_type": 0, "record_name": ROBIN}

CHANGES: tuple[Change, ...] = (
    ("od_create_user", {"user_name": ROBIN}),
    ("od_attribute_set", {**RECORD, **SHELL}),
    ("od_attribute_value_add", {**RECORD, **MAIL}),
    ("od_modify_password", {"account_type": 0, "account_name": ROBIN}),
    ("od_create_group", {"group_name": CLASS}),
    ("od_group_add", {"group_name": CLASS, "member": {"member_type": 0, "member_value": ROBIN}}),
    ("od_group_add", {"group_name": CLASS, "member": {"member_type": 1, "member_value": UUID}}),
    ("od_group_set", {"group_name": CLASS, "members": {"member_type": 0, "member_array": [ROBIN, "sam"]}}),
    ("od_group_remove", {"group_name": CLASS, "member": {"member_type": 0, "member_value": "sam"}}),
    ("od_disable_user", {"user_name": ROBIN}),
    ("od_enable_user", {"user_name": ROBIN}),
    ("od_attribute_value_remove", {**RECORD, **MAIL}),
    ("od_delete_group", {"group_name": CLASS}),
    ("od_delete_user", {"user_name": ROBIN}),
)
"""What an administrator does to one account and one group, from making to deleting them."""


def accounts(mac: Mac) -> Iterator[float]:
    """System Settings makes a user and a group, changes and deletes them; a directory server refuses one."""
    settings = mac.launch(p.SETTINGS, ALEX, asid=100015)
    mac.load(settings)
    mac.xpc_connect(settings, "com.apple.opendirectoryd.api")
    opendirectoryd = mac.named("opendirectoryd")
    yield 4.0
    for name, members in CHANGES:
        record = members.get("user_name") or members.get("record_name") or members.get("account_name")
        database = f"/var/db/dslocal/nodes/Default/{'users' if record else 'groups'}/{record or CLASS}.plist"
        common = {"error_code": 0, "node_name": LOCAL, "db_path": database}
        mac.emit(
            name,
            opendirectoryd,
            {"instigator": settings, "instigator_token": settings.token, **common, **members},
        )
        plist = "/private" + database
        if name.startswith("od_delete"):
            mac.unlink(opendirectoryd, plist)
        else:
            mac.replace(opendirectoryd, plist, 5_000)
        yield 3.0
    gone = settings.token._replace(pid=settings.pid + 1)
    mac.emit(
        "od_group_add",
        opendirectoryd,
        {
            "instigator": None,
            "instigator_token": gone,
            "error_code": 4102,
            "group_name": CLASS,
            "member": {"member_type": 0, "member_value": "alex"},
            "node_name": DIRECTORY_SERVER,
            "db_path": None,
        },
    )
    mac.exit(settings)


def profiles(mac: Mac) -> Iterator[float]:
    """A configuration profile is added, updated and removed."""
    client = mac.launch(p.MANAGED_CLIENT, ROOT)
    mac.load(client)
    settings = mac.launch(p.SETTINGS, ALEX, asid=100015)
    people = {"instigator": settings, "instigator_token": settings.token}
    profile = {
        "identifier": "example.school.wifi",
        "uuid": "0C6B5A44-0F4E-4E6D-8D0C-53F3C1A5E0B7",
        "install_source": 1,
        "organization": "Example School",
        "display_name": "School Wi-Fi",
        "scope": "System",
    }
    for update in (False, True):
        mac.emit("profile_add", client, {**people, "is_update": update, "profile": profile})
        mac.replace(client, "/private/var/db/ConfigurationProfiles/Store/ConfigProfiles.binary", 12_000)
        yield 12.0
    mac.emit("profile_remove", client, {**people, "profile": profile})
    mac.exit(settings)
    mac.exit(client)


# es_tcc_event_type_t and es_tcc_authorization_right_t
TCC_CREATE, TCC_MODIFY, TCC_DELETE = 1, 2, 3
DENIED, ALLOWED = 0, 2


def privacy(mac: Mac) -> Iterator[float]:
    """Field Notes asks for the documents and the microphone; alex allows, changes his mind, and resets."""
    tccd, app, settings = mac.named("tccd", ALEX), mac.named("Field Notes"), mac.named("Finder")
    for service, update, right, reason, instigator in (
        ("kTCCServiceSystemPolicyDocumentsFolder", TCC_CREATE, ALLOWED, 2, app),
        ("kTCCServiceMicrophone", TCC_CREATE, DENIED, 2, app),
        ("kTCCServiceMicrophone", TCC_MODIFY, ALLOWED, 3, settings),
        ("kTCCServiceSystemPolicyDocumentsFolder", TCC_DELETE, DENIED, 3, settings),
    ):
        mac.access(app, "/Users/alex/Documents")
        yield 4.0
        known = instigator is app
        mac.emit(
            "tcc_modify",
            tccd,
            {
                "service": service,
                "identity": app.program.signing_id,
                "identity_type": 0,
                "update_type": update,
                "instigator_token": instigator.token,
                "instigator": instigator,
                "responsible_token": app.token if known else None,
                "responsible": app if known else None,
                "right": right,
                "reason": reason,
            },
        )
        database = "/Users/alex/Library/Application Support/com.apple.TCC/TCC.db"
        mac.open(tccd, database, READ | WRITE)
        mac.write(tccd, database, 0)
        mac.close(tccd, database, modified=True)
        yield 6.0


def kernel(mac: Mac) -> Iterator[float]:
    """A kernel extension comes and goes; the clock is set."""
    manager, timed = mac.named("kernelmanagerd"), mac.named("timed")
    mac.emit("kextload", manager, {"identifier": "com.apple.filesystems.msdosfs"})
    mac.emit(
        "iokit_open",
        timed,
        {
            "user_client_type": 0,
            "user_client_class": "IOPMrootDomainUserClient",
            "parent_registry_id": 4294967567,
            "parent_path": "IOService:/IOResources/IOPMrootDomain",
        },
    )
    yield 10.0
    mac.emit("settime", timed)
    mac.replace(timed, "/private/var/db/timed/com.apple.timed.plist", 900)
    yield 10.0
    mac.emit("kextunload", manager, {"identifier": "com.apple.filesystems.msdosfs"})


def backup(mac: Mac) -> Iterator[float]:
    """An old backup tool still uses the calls that nobody else does."""
    tool = mac.run(mac.shell, "/usr/local/bin/oldbackup", ("oldbackup", "--mirror", "Documents"))
    source = mac.files.directory("/Users/alex/Documents")
    target = mac.files.directory("/Users/alex/Backup")
    mac.act("chdir", tool, source)
    mac.act("searchfs", tool, source, attrlist=ATTRLIST)
    for number in range(12):
        yield 0.4
        _mirror(mac, tool, f"chapter {number:02}.txt", first=number == 0)
    mac.act("fcntl", tool, target, cmd=85)
    mac.exit(tool)


def _mirror(mac: Mac, tool: Process, name: str, *, first: bool) -> None:
    file, copy = mac.files.at(f"/Users/alex/Documents/{name}"), mac.files.at(f"/Users/alex/Backup/{name}")
    folder = mac.files.directory("/Users/alex/Backup")
    mac.emit("fsgetpath", tool, {"target": file})
    mac.act("listextattr", tool, file)
    mac.read(tool, file)
    mac.emit("link", tool, {"source": copy, "target_dir": folder, "target_filename": name + ".yesterday"})
    mac.open(tool, copy, READ | WRITE)
    mac.act("truncate", tool, copy)
    copy.grow(0, mac.now)
    mac.write(tool, copy, file.size)
    mac.close(tool, copy, modified=True, mapped=first)
    stamp = mac.writer.time(file.modified)
    mac.act("utimes", tool, copy, atime=stamp, mtime=stamp)
    mac.act("setattrlist", tool, copy, attrlist=ATTRLIST)
    acl = "!#acl 1\ngroup:ABCDEFAB-CDEF-ABCD-EFAB-CDEF00000050:admin:80:allow:read\n"
    mac.act("setacl", tool, copy, set_or_clear=0, acl={"set": acl})
    if first:
        mac.act("setacl", tool, copy, set_or_clear=1, acl=None)
        mac.emit("exchangedata", tool, {"file1": file, "file2": copy})
