"""What each JSON field of an eslogger line means, and which shape its value has.

A path is the jq path without its leading dot: `event.exec.fds[].fdtype`. An element of an array is `[]` or
`[3]`, which makes no difference, except that in an audit token written as an array the index names the word.
"""

from __future__ import annotations

import re
from typing import NamedTuple

TOKEN_WORDS = ("auid", "euid", "egid", "ruid", "rgid", "pid", "asid", "pidversion")
"""The eight words of `audit_token_t`, in their order."""

_Table = dict[str, str]

# A key is `field`, `field: shape`, or a dotted way down. A shape is a table of _SHAPES, a decoder of
# `message.decode`, or `opaque`: what lies below is not ES's own.

_MESSAGE: _Table = {
    "schema_version": "Version of the JSON's shape: 1 so far. It does not move with the message version.",
    "version": "Version of the message; newer ones carry more fields. 6 is macOS 13, 11 is macOS 27.",
    "time: time": "When it happened, by the wall clock, in UTC. The clock can be set; seq_num cannot.",
    "mach_time": "When it happened, in ticks of the machine's own clock. A tick is not a nanosecond.",
    "event_type: event_type": "Number of the event type, as in es_event_type_t.",
    "event": "The event: exactly one member, named after its type.",
    "process: process": "Who acted: for exec the image before, for fork the parent, for logins a daemon.",
    "thread": "The thread that acted; null where the kernel names none.",
    "thread.thread_id": "System-wide number of the thread.",
    "seq_num": "Counts this client's messages of this type, from 0. A gap means events were dropped.",
    "global_seq_num": "Counts all of this client's messages, from 0. A gap means events were dropped.",
    "action_type: action_type": "AUTH asks before, NOTIFY tells after. eslogger writes NOTIFY only.",
    "action": "For NOTIFY, what the AUTH clients had answered.",
    "action.result": "The answer. A NOTIFY may tell of an operation that was refused.",
    "action.result.result_type: result_type": "How the answer is given: allow or deny, or a mask of flags.",
    "action.result.result": "The answer itself.",
    "action.result.result.auth: auth": "1 means an AUTH client refused, so the operation did not happen.",
    "action.result.result.flags: auth_flags": "The open flags that were allowed; all ones means all of them.",
    # estui's own, in lines that it made or marked itself
    "estui_origin": "The system whose event this is, told in ES's words. ES itself never writes this.",
    "estui_failed": "Why the call failed. ES tells only of calls that worked, so this is no ES event.",
    "estui_guess": "estui had to guess here: what was traced does not tell it for certain.",
    "estui_shard": "Which of several recorders wrote this line. Each counts its own sequence numbers.",
}

_AUDIT_TOKEN: _Table = {
    "auid: uid": "User who logged in to the session; stays the same through su and sudo.",
    "euid: uid": "Effective user: whose rights count.",
    "egid: gid": "Effective group.",
    "ruid: uid": "Real user: who started it.",
    "rgid: gid": "Real group.",
    "pid: pid": "Process number. It is used again after exit: join on pid and pidversion together.",
    "asid": "Audit session, one per login. Processes of one login share it.",
    "pidversion": "Which execution of this pid. Every fork and exec gives a new one; not kept over a reboot.",
}

_FILE: _Table = {
    "path": "Absolute path with symbolic links resolved: /tmp reads /private/tmp.",
    "path_truncated": "True where the path was cut, at 16 KiB.",
    "stat: stat": "The file's stat at the time of the event.",
}

_STAT: _Table = {
    "st_dev: dev": "Device the file is on.",
    "st_mode: mode": "Type and permissions.",
    "st_nlink": "Number of hard links. Over 1, the file has other names that path rules may not know.",
    "st_ino": "Inode number; may pass 2^53, where jq and JavaScript round it.",
    "st_uid: uid": "Owner.",
    "st_gid: gid": "Group.",
    "st_rdev: dev": "Which device it is, where the file is a device.",
    "st_size": "Size in bytes.",
    "st_blocks": "Space taken, in blocks of 512 bytes.",
    "st_blksize": "Best block size for reading and writing, in bytes.",
    "st_flags: file_flags": "File flags, as chflags sets them.",
    "st_gen": "Generation of the inode; 0 for those who may not see it.",
    "st_atimespec: time": "Last read, as far as the file system keeps it.",
    "st_mtimespec: time": "Last change of the contents. Programs can set it.",
    "st_ctimespec: time": "Last change of contents or attributes. Programs cannot set it.",
    "st_birthtimespec: time": "Creation. Programs can set it.",
}

_PROCESS: _Table = {
    "audit_token: audit_token": "Who the process is: users, groups, pid and pidversion.",
    "parent_audit_token: audit_token": "The parent, exactly; better than ppid.",
    "responsible_audit_token: audit_token": "The application whose privacy rights count.",
    "ppid: pid": "The parent's pid now; changes when the parent ends.",
    "original_ppid: pid": "The parent's pid at the start; stays when the parent ends.",
    "group_id: pid": "Process group: the processes of one shell job share it.",
    "session_id: pid": "Session: the processes of one terminal share it.",
    "codesigning_flags: csflags": "State of the code signature. VALID does not mean every page was checked.",
    "is_platform_binary": "True for programs that come with macOS.",
    "is_es_client": "True for a program entitled to be an Endpoint Security client.",
    "cdhash": "Hash over the code directory: names this very build of the program.",
    "cdhash_full": "The code directory's hash, not cut to 20 bytes.",
    "cs_validation_category: validation": "Who vouches for the code: Apple, a developer, nobody.",
    "signing_id": "Identifier in the signature. The signer chose it: look at team_id too.",
    "team_id": "Developer team of the signature; null for macOS's own and for ad hoc signatures.",
    "executable: file": "The program's file.",
    "tty: file": "The terminal it belongs to; null for daemons and applications.",
    "start_time: time": "When the process was forked, not when it last called exec.",
}

_STATFS: _Table = {
    "f_bsize": "Block size, in bytes.",
    "f_iosize": "Best size of one transfer, in bytes.",
    "f_blocks": "Size of the file system, in blocks.",
    "f_bfree": "Free blocks.",
    "f_bavail": "Free blocks that are not kept for root.",
    "f_files": "Number of file nodes.",
    "f_ffree": "Number of free file nodes.",
    "f_fsid": "Identifier of the file system: two numbers.",
    "f_owner: uid": "User who mounted it.",
    "f_type": "Number of the file system's type.",
    "f_flags: mount_flags": "Mount flags.",
    "f_flags_ext": "More mount flags.",
    "f_fssubtype": "Variant of the file system's type.",
    "f_fstypename": "Name of the file system: apfs, hfs, smbfs, ...",
    "f_mntonname": "Where it is mounted.",
    "f_mntfromname": "What is mounted: a device, a share, an image.",
}

_ATTRLIST: _Table = {
    "bitmapcount": "Number of attribute groups: 5.",
    "commonattr": "Bits of the attributes that all objects have.",
    "volattr": "Bits of the volume attributes.",
    "dirattr": "Bits of the directory attributes.",
    "fileattr": "Bits of the file attributes.",
    "forkattr": "Bits of the fork attributes, or of the extended common ones.",
}

_SHAPES: dict[str, _Table] = {
    "audit_token": _AUDIT_TOKEN,
    "file": _FILE,
    "stat": _STAT,
    "process": _PROCESS,
    "statfs": _STATFS,
    "attrlist": _ATTRLIST,
    "any": {**_PROCESS, **_FILE, **_AUDIT_TOKEN},
}

_TARGET_FILE: _Table = {"target: file": "The file acted on."}
_TARGET_PROCESS: _Table = {"target: process": "The process acted on. Its executable is the target path."}
_INSTIGATOR: _Table = {
    "instigator: process": "Who wanted it; the message's own process only reports. Null where it is gone.",
    "instigator_token: audit_token": "Audit token of the instigator; there even when instigator is null.",
}
_PETITIONER: _Table = {
    "instigator: process": "Who handed the request in.",
    "instigator_token: audit_token": "Audit token of the instigator.",
    "petitioner: process": "Who asked for the rights. Process muting looks at this one.",
    "petitioner_token: audit_token": "Audit token of the petitioner; there even when petitioner is null.",
}
_SUCCESS: _Table = {"success": "Whether it worked."}
_USERNAME: _Table = {"username": "The user's short name, as typed where the login failed."}
_UID: _Table = {"uid: uid": "The user's number; null where there is no such user."}
_SOURCE_ADDRESS: _Table = {
    "source_address_type: address_type": "What kind of address source_address is.",
    "source_address": "Where the other side is.",
}
_GRAPHICAL_SESSION: _Table = {"graphical_session_id": "Number of the login window session."}
_LW_SESSION: _Table = {**_USERNAME, **_GRAPHICAL_SESSION}
_NEW_PLACE: _Table = {
    "destination_type: destination_type": "Which arm destination has.",
    "destination": "The place: a file that is there, or a directory and a new name.",
    "destination.existing_file: file": "The file at the place: just created, or overwritten by a rename.",
    "destination.new_path": "A name that was not there before.",
    "destination.new_path.dir: file": "Directory of the new name.",
    "destination.new_path.filename": "The new name in that directory.",
    "destination.new_path.mode: permissions": "Permissions it was to be created with.",
}
_XATTR: _Table = {**_TARGET_FILE, "extattr": "Name of the extended attribute."}
_ATTRIBUTES: _Table = {**_TARGET_FILE, "attrlist: attrlist": "Which attributes, as bits."}
_STATFS_OF: _Table = {"statfs: statfs": "The file system."}
_MOUNTED: _Table = {**_STATFS_OF, "disposition": "What kind of mount it is, as a number."}
_TASK: _Table = {**_TARGET_PROCESS, "type: get_task_type": "How the port was got."}
_MAPPED: _Table = {"protection: protection": "Protection asked for. Writable and executable is unusual."}
_KEXT: _Table = {"identifier": "Bundle identifier of the kernel extension."}
_PTY: _Table = {"dev: dev": "Device number; its minor is the number in /dev/ttysNNN."}
_MALWARE: _Table = {
    "signature_version": "Version of XProtect's rules.",
    "malware_identifier": "Apple's name for the malware.",
    "incident_identifier": "Same in the detection and every remediation of one incident.",
}
_BTM: _Table = {
    **_INSTIGATOR,
    "app: process": "The application the item belongs to; null where it is not running.",
    "app_token: audit_token": "Audit token of that application.",
    "item": "The background item.",
    "item.item_type: btm_item_type": "Kind of item.",
    "item.legacy": "True for a plist put into a LaunchAgents or LaunchDaemons folder, the old way.",
    "item.managed": "True where a management profile installed it.",
    "item.uid: uid": "User the item runs for.",
    "item.item_url": "Where the item is, as a URL.",
    "item.app_url": "Where its application is, as a URL; may stand relative to the item.",
}
_PROFILE: _Table = {
    **_INSTIGATOR,
    "profile": "The configuration profile.",
    "profile.identifier": "Identifier its author chose.",
    "profile.uuid": "Unique identifier.",
    "profile.install_source": "Who brought it, as a number: management, or a user by hand.",
    "profile.organization": "Organization the profile claims; anyone can write anything here.",
    "profile.display_name": "Title the profile claims.",
    "profile.scope": "Whom it applies to: the system or a user.",
}
_BOOTSTRAP: _Table = {**_INSTIGATOR, "service_name": "Name of the Mach service."}
_FROM_TO: _Table = {
    "from_uid: uid": "Who ran it.",
    "from_username": "Name of who ran it.",
    "to_uid: uid": "Who it becomes; null where that user does not exist.",
    "to_username": "Name of who it becomes.",
}
_OD: _Table = {
    **_INSTIGATOR,
    "error_code: error_code": "0 where it worked, else Open Directory's error number.",
    "node_name": "Directory node: /Local/Default is this Mac, others are on the network.",
    "db_path": "Folder of the local database; null for a network node.",
}
_OD_GROUP: _Table = {**_OD, "group_name": "The group."}
_OD_USER: _Table = {**_OD, "user_name": "The account."}
_OD_MEMBER: _Table = {
    **_OD_GROUP,
    "member": "The member.",
    "member.member_type": "How the member is named: 0 by user name, other numbers by UUID.",
    "member.member_value": "Name or UUID of the member.",
}
_OD_RECORD: _Table = {
    **_OD,
    "record_type": "Kind of record, as a number.",
    "record_name": "The record: a user, a group, a computer.",
    "attribute_name": "The attribute.",
}
_OD_VALUE: _Table = {**_OD_RECORD, "attribute_value": "The value added or removed."}

_PAYLOADS: dict[str, _Table] = {
    "exec": {
        "target: process": "The new image. Same pid as before, higher pidversion.",
        "args": "Arguments, as the caller gave them; the first need not be the program's name.",
        "env": "Environment, KEY=VALUE. May hold secrets.",
        "fds": "File descriptors the new image was given.",
        "fds.fd": "Number of the descriptor: 0 input, 1 output, 2 errors.",
        "fds.fdtype: fdtype": "What is behind it. A shell with sockets at 0 to 2 is a remote shell.",
        "fds.pipe": "There only for pipes.",
        "fds.pipe.pipe_id": "Same at both ends of a pipe: joins the parts of a pipeline.",
        "cwd: file": "Working directory.",
        "script: file": "The script, where one was started directly by its #! line; else null.",
        "last_fd": "Highest open descriptor; fds may list fewer.",
        "image_cputype: cputype": "Processor the image is for.",
        "image_cpusubtype: cpusubtype": "Variant of that processor.",
        "dyld_exec_path": "Path as exec was given it, before symbolic links were resolved.",
        "entitlements: opaque": "What the signature lets the program do, and so what it can reach.",
    },
    "fork": {"child: process": "The new process. It runs its parent's image until it calls exec."},
    "exit": {"stat: wait_status": "Wait status: exit code in the second byte, signal in the first."},
    "open": {
        "fflag: fflag": "Kernel flags: FREAD 1, FWRITE 2. Not the O_ flags of open(2).",
        "file: file": "The file that is opened.",
    },
    "close": {
        **_TARGET_FILE,
        "modified": "True where this open file was written to by system call.",
        "was_mapped_writable": "True where it was mapped writable: it may have changed all the same.",
    },
    "create": {**_NEW_PLACE, "acl": "Access control list it was created with; usually null."},
    "rename": {"source: file": "The file as it was named before.", **_NEW_PLACE},
    "unlink": {"target: file": "The name that goes.", "parent_dir: file": "Directory it was in."},
    "access": {**_TARGET_FILE, "mode: access_mode": "What was asked: read, write, execute, or is it there."},
    "setmode": {**_TARGET_FILE, "mode: permissions": "New permissions; the target's stat has the old ones."},
    "setflags": {**_TARGET_FILE, "flags: file_flags": "New file flags."},
    "setowner": {**_TARGET_FILE, "uid: new_uid": "New owner.", "gid: new_gid": "New group."},
    "setacl": {
        **_TARGET_FILE,
        "set_or_clear: set_or_clear": "Whether the list is set or cleared.",
        "acl: opaque": "The access control list, where one is set.",
    },
    "utimes": {**_TARGET_FILE, "atime: time": "New time of last read.", "mtime: time": "New time of change."},
    "fcntl": {**_TARGET_FILE, "cmd: fcntl_command": "Command number of fcntl(2)."},
    "readlink": {"source: file": "The symbolic link itself."},
    "lookup": {
        "source_dir: file": "Where the lookup starts.",
        "relative_target": "What is looked up from there; it need not exist.",
    },
    "link": {
        "source: file": "The file that is there.",
        "target_dir: file": "Directory of the new name.",
        "target_filename": "The new name.",
    },
    "clone": {
        "source: file": "The file that is cloned.",
        "target_dir: file": "Directory of the clone.",
        "target_name": "Name of the clone.",
    },
    "copyfile": {
        "source: file": "The file that is copied.",
        "target_file: file": "The file that is overwritten; null where the name is new.",
        "target_dir: file": "Directory of the copy.",
        "target_name": "Name of the copy.",
        "mode: permissions": "Permissions asked for.",
        "flags": "Flags of the system call.",
    },
    "exchangedata": {"file1: file": "One of the two files.", "file2: file": "The other of the two files."},
    "mmap": {
        **_MAPPED,
        "max_protection: protection": "The most that mprotect may ask for later.",
        "flags: mmap_flags": "Flags of mmap(2).",
        "file_pos": "Where in the file the mapping begins, in bytes.",
        "source: file": "The file that is mapped.",
    },
    "mprotect": {
        **_MAPPED,
        "address: address": "Where the memory begins.",
        "size": "Length of the memory, in bytes.",
    },
    "mount": _MOUNTED,
    "unmount": _STATFS_OF,
    "remount": {**_MOUNTED, "remount_flags: mount_flags": "The mount flags asked for."},
    "kextload": _KEXT,
    "kextunload": _KEXT,
    "iokit_open": {
        "user_client_type": "Type of connection asked for; each driver counts its own.",
        "user_client_class": "Class in the driver that answers.",
        "parent_registry_id": "Registry number of the service behind it.",
        "parent_path": "Place of that service in the device tree.",
    },
    "signal": {
        **_TARGET_PROCESS,
        "sig: signal": "The signal. Numbers are macOS's; some differ from Linux.",
        "instigator: process": "Who wanted the signal sent, where another process sends it for them.",
    },
    "proc_check": {
        **_TARGET_PROCESS,
        "type": "Kind of question put to proc_info(2), as a number.",
        "flavor": "Which answer of that kind, as a number.",
    },
    "proc_suspend_resume": {**_TARGET_PROCESS, "type: suspend_resume_type": "What was done to the process."},
    "trace": _TARGET_PROCESS,
    "remote_thread_create": {
        **_TARGET_PROCESS,
        "thread_state": "The thread's first registers; null where it starts without.",
        "thread_state.flavor": "Which set of registers, as a number.",
        "thread_state.state": "Always null: eslogger does not write the registers.",
    },
    "setuid": {"uid: uid": "User it asks to become."},
    "setgid": {"gid: gid": "Group it asks to become."},
    "seteuid": {"euid: uid": "Effective user it asks for."},
    "setegid": {"egid: gid": "Effective group it asks for."},
    "setreuid": {"ruid: new_uid": "Real user it asks for.", "euid: new_uid": "Effective user it asks for."},
    "setregid": {"rgid: new_gid": "Real group it asks for.", "egid: new_gid": "Effective group it asks for."},
    "uipc_bind": {
        "dir: file": "Directory of the socket.",
        "filename": "Name of the socket.",
        "mode: permissions": "Permissions of the socket.",
    },
    "uipc_connect": {
        "file: file": "The socket's file.",
        "domain: socket_domain": "Address family; always UNIX here.",
        "type: socket_type": "Kind of socket.",
        "protocol": "Protocol of the socket; 0 is the family's own.",
    },
    "pty_grant": _PTY,
    "pty_close": _PTY,
    "cs_invalidated": {},
    "settime": {},
    "file_provider_materialize": {
        **_INSTIGATOR,
        "source: file": "The staged file with the contents.",
        "target: file": "Where the contents go.",
    },
    "file_provider_update": {
        "source: file": "The staged file with the changes.",
        "target_path": "Where the file provider takes it.",
    },
    "authentication": {
        **_SUCCESS,
        "type: authentication_type": "How: directory, Touch ID, token, Apple Watch. Names the arm of data.",
        **_INSTIGATOR,
        "data": "The details, in one arm.",
        "data.od": "By the directory, mostly a password.",
        "data.od.record_type": "Kind of record that was checked, mostly users.",
        "data.od.record_name": "The account.",
        "data.od.node_name": "Directory node that checked it.",
        "data.od.db_path": "Folder of the local database; null for a network node.",
        "data.touchid": "By fingerprint.",
        "data.touchid.touchid_mode": "Whether one user was checked or anyone looked for, as a number.",
        "data.touchid.uid: uid": "Whose finger it was; null where it was nobody's.",
        "data.token": "By a token, such as a smart card.",
        "data.token.pubkey_hash": "Hash of the token's public key.",
        "data.token.token_id": "Identifier of the token.",
        "data.token.kerberos_principal": "Kerberos principal, where one was used.",
        "data.auto_unlock": "By an Apple Watch nearby.",
        "data.auto_unlock.username": "The user who was let in.",
        "data.auto_unlock.type": "What was unlocked, as a number.",
        **{
            f"data.{arm}.{key}": text
            for arm in ("od", "touchid", "token")
            for key, text in _INSTIGATOR.items()
        },
    },
    "openssh_login": {
        **_SUCCESS,
        "result_type: openssh_result_type": "How it went: success, or why and by which method it failed.",
        **_SOURCE_ADDRESS,
        **_USERNAME,
        **_UID,
    },
    "openssh_logout": {**_SOURCE_ADDRESS, **_USERNAME, **_UID},
    "login_login": {**_SUCCESS, "failure_message": "Why it failed; null if it worked.", **_USERNAME, **_UID},
    "login_logout": {**_USERNAME, **_UID},
    "screensharing_attach": {
        **_SUCCESS,
        **_SOURCE_ADDRESS,
        "viewer_appleid": "Apple ID of the viewer, where one was used.",
        "authentication_type": "How the viewer proved who they are.",
        "authentication_username": "User the viewer logged in as; null for other ways.",
        "session_username": "User whose screen it is; null at the login window.",
        "existing_session": "True where someone was logged in already, and may be watched.",
        **_GRAPHICAL_SESSION,
    },
    "screensharing_detach": {
        **_SOURCE_ADDRESS,
        "viewer_appleid": "Apple ID of the viewer, where one was used.",
        **_GRAPHICAL_SESSION,
    },
    "xp_malware_detected": {
        **_MALWARE,
        "detected_path": "The malware's file.",
        "detected_executable": "The program that was found to be malware, where that differs.",
    },
    "xp_malware_remediated": {
        **_MALWARE,
        **_SUCCESS,
        "action_type": "What was done, in a word: path_delete, plugin and the like.",
        "result_description": "What came of it, in words.",
        "remediated_path": "The file acted on; null where it was a process.",
        "remediated_process_audit_token: audit_token": "The process acted on; null where it was a file.",
    },
    "btm_launch_item_add": {**_BTM, "executable_path": "What the item will run; null where it is not known."},
    "btm_launch_item_remove": _BTM,
    "profile_add": {**_PROFILE, "is_update": "True where it replaces an older version of itself."},
    "profile_remove": _PROFILE,
    "su": {
        **_SUCCESS,
        "failure_message": "Why it failed; null where it worked.",
        **_FROM_TO,
        "shell": "Shell that is started.",
        "argc": "Number of arguments.",
        "argv": "Arguments of the shell.",
        "env_count": "Number of environment variables.",
        "env": "Environment, KEY=VALUE. May hold secrets.",
    },
    "sudo": {
        **_SUCCESS,
        "reject_info": "Who refused and why; null where nobody did.",
        "reject_info.plugin_name": "The sudo plug-in that refused.",
        "reject_info.plugin_type": "Kind of that plug-in, as a number.",
        "reject_info.failure_message": "Its reason.",
        **_FROM_TO,
        "command": "The command. May hold secrets.",
    },
    "authorization_petition": {
        **_PETITIONER,
        "flags": "Flags of the request, as AuthorizationFlags.",
        "right_count": "Number of rights asked for.",
        "rights": "The rights asked for, by name.",
    },
    "authorization_judgement": {
        **_PETITIONER,
        "return_code: authorization_code": "0 where it was granted, else an Authorization Services error.",
        "result_count": "Number of results.",
        "results": "What was decided, one per right.",
        "results.right_name": "The right.",
        "results.rule_class": "Kind of rule that decided, as a number.",
        "results.granted": "Whether the right was granted.",
    },
    "od_group_set": {
        **_OD_GROUP,
        "members": "The new list of members.",
        "members.member_type": "How the members are named: 0 by user name, other numbers by UUID.",
        "members.member_array": "Names or UUIDs of the members.",
    },
    "od_modify_password": {
        **_OD,
        "account_type": "Whether a user or a computer, as a number.",
        "account_name": "The account.",
    },
    "od_attribute_set": {**_OD_RECORD, "attribute_values": "The new values, all of them."},
    "xpc_connect": {
        "service_name": "Name of the XPC service.",
        "service_domain_type": "Where the name is looked up: system, user, session, process; as a number.",
    },
    "gatekeeper_user_override": {
        "file_type: gatekeeper_file_type": "Whether file is a bare path or a file.",
        "file: file": "What was opened against Gatekeeper's advice; a path, a file, or null.",
        "sha256": "Hash of the file, where it was taken.",
        "signing_info": "Its signature; null where it has none.",
        "signing_info.cdhash": "Hash over its code directory.",
        "signing_info.signing_id": "Identifier in its signature.",
        "signing_info.team_id": "Developer team of its signature.",
    },
    "tcc_modify": {
        **_INSTIGATOR,
        "service": "The privacy service, such as kTCCServiceCamera or SystemPolicyAllFiles.",
        "identity": "Whose permission it is.",
        "identity_type: tcc_identity_type": "What identity is: a bundle identifier, a path, ...",
        "update_type: tcc_update_type": "Whether the entry was made, changed or deleted.",
        "responsible: process": "The application held responsible for the instigator.",
        "responsible_token: audit_token": "Audit token of the responsible application.",
        "right: tcc_right": "What is permitted now.",
        "reason: tcc_reason": "Why: the user's choice, a management policy, an entitlement, ...",
    },
    "bootstrap_check_in": _BOOTSTRAP,
    "bootstrap_look_up": _BOOTSTRAP,
    **dict.fromkeys(("write", "truncate", "stat", "chdir", "chroot", "attrib"), _TARGET_FILE),
    **dict.fromkeys(("listextattr", "readdir", "fsgetpath", "dup"), _TARGET_FILE),
    **dict.fromkeys(("setextattr", "getextattr", "deleteextattr"), _XATTR),
    **dict.fromkeys(("getattrlist", "setattrlist", "searchfs"), _ATTRIBUTES),
    **dict.fromkeys(("get_task", "get_task_read", "get_task_inspect", "get_task_name"), _TASK),
    **dict.fromkeys(("lw_session_login", "lw_session_logout"), _LW_SESSION),
    **dict.fromkeys(("lw_session_lock", "lw_session_unlock"), _LW_SESSION),
    **dict.fromkeys(("od_group_add", "od_group_remove"), _OD_MEMBER),
    **dict.fromkeys(("od_disable_user", "od_enable_user", "od_create_user", "od_delete_user"), _OD_USER),
    **dict.fromkeys(("od_create_group", "od_delete_group"), _OD_GROUP),
    **dict.fromkeys(("od_attribute_value_add", "od_attribute_value_remove"), _OD_VALUE),
}


class _Field(NamedTuple):
    text: str | None
    shape: str


_Fields = dict[str, _Field]
_NOTHING = _Field(None, "any")


def _read(table: _Table) -> _Fields:
    """Part the keys of a table into names and shapes."""
    fields: _Fields = {}
    for key, text in table.items():
        name, _, shape = key.partition(": ")
        fields[name] = _Field(text, shape)
    return fields


_BY_SHAPE = {shape: _read(table) for shape, table in _SHAPES.items()}
_BY_EVENT = {event: _read(table) for event, table in _PAYLOADS.items()}
_ENVELOPE = _read(_MESSAGE)
_STEP = re.compile(r"\[(\d*)\]|[^.\[]+")
_WORD_AT = {str(index): word for index, word in enumerate(TOKEN_WORDS)}


def _find(path: str, event: str) -> _Field:
    """Walk down the tables. Below a field they lack, those of processes, files and tokens still hold."""
    payload = f"event.{event}"
    table, rest = _ENVELOPE, path
    if path == payload or path.startswith((f"{payload}.", f"{payload}[")):
        table, rest = _BY_EVENT.get(event, _BY_SHAPE["any"]), path[len(payload) :]
    field, below = _NOTHING, ""
    for step in _STEP.finditer(rest):
        name = step[0]
        if name.startswith("["):
            if field.shape != "audit_token" or step[1] not in _WORD_AT:
                continue
            name = _WORD_AT[step[1]]
        field = table.get(below + name, _NOTHING)
        if field.shape == "opaque":
            break
        if field.shape in _BY_SHAPE:
            table, below = _BY_SHAPE[field.shape], ""
        else:
            below += f"{name}."
    return field


def explain(path: str, event: str) -> str | None:
    """Return one line on what the field at `path` of an `event` message means; None where unknown."""
    return _find(path, event).text


def shape(path: str, event: str) -> str:
    """Return the shape of the field at `path`: `process`, `audit_token`, `file`, a decoder's name, or ""."""
    found = _find(path, event).shape
    return "" if found in ("any", "opaque") else found
