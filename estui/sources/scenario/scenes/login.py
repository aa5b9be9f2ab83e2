"""People come and go: ssh, su and sudo, Terminal, the screen's lock, a second user, screen sharing."""

from __future__ import annotations

from collections.abc import Iterator

from estui.sources.scenario import programs as p
from estui.sources.scenario.mac import GRAPHICAL_SESSION, Mac
from estui.sources.scenario.process import Process
from estui.sources.scenario.programs import ALEX, ROOT, SAM
from estui.sources.scenario.world import PIPE, VNODE

FRIEND = "192.0.2.17"
"""Where alex logs in from (RFC 5737)."""

STRANGER = "203.0.113.66"

IPV4 = 1
# es_openssh_login_result_type_t
LOGIN_SUCCESS, FAILED_PASSWORD, INVALID_USER = 2, 4, 9
# es_authentication_type_t
BY_TOUCH_ID, BY_TOKEN, BY_AUTO_UNLOCK = 1, 2, 3

LOG = "/private/var/log/system.log"
TTY1 = 0x10000001
TTY2 = 0x10000002


def openssh_login(
    mac: Mac, sshd: Process, result: int, *, username: str, uid: int | None, address: str
) -> bytes:
    return mac.emit(
        "openssh_login",
        sshd,
        {
            "success": result == LOGIN_SUCCESS,
            "result_type": result,
            "source_address_type": IPV4,
            "source_address": address,
            "username": username,
            "uid": uid,
        },
    )


def start_sshd(mac: Mac) -> tuple[Process, Process]:
    """launchd starts sshd for a connection; sshd forks the child that talks to the network without rights."""
    sshd = mac.launch("/usr/sbin/sshd", ROOT, ("sshd: [accepted]", "-i"), threads=1)
    mac.load(sshd)
    mac.check_in(sshd, "com.openssh.sshd")
    for path in (
        "/private/etc/ssh/sshd_config",
        "/private/etc/ssh/sshd_config.d/100-macos.conf",
        "/private/etc/ssh/ssh_host_ed25519_key",
        "/private/etc/ssh/moduli",
    ):
        mac.read(sshd, path)
    mac.discard(sshd)
    child = mac.fork(sshd)
    mac.act("chroot", child, mac.files.directory("/private/var/empty"))
    mac.act("chdir", child, mac.files.directory("/private/var/empty"))
    mac.emit("setregid", child, {"rgid": 75, "egid": 75})
    child.become(rgid=75, egid=75)
    mac.emit("setreuid", child, {"ruid": 75, "euid": 75})
    child.become(ruid=75, euid=75)
    return sshd, child


def refused_ssh(mac: Mac) -> Iterator[float]:
    """A stranger tries two names, and is refused."""
    for username, result, uid in (("admin", INVALID_USER, None), ("alex", FAILED_PASSWORD, 501)):
        sshd, child = start_sshd(mac)
        yield 1.4
        if uid is not None:
            mac.password(sshd, ALEX, success=False)
        openssh_login(mac, sshd, result, username=username, uid=uid, address=STRANGER)
        mac.append(mac.named("syslogd"), LOG)
        yield 0.6
        mac.exit(child, 255)
        mac.exit(sshd, 255)
        yield 4.0


def ssh(mac: Mac) -> Iterator[float]:
    """alex logs in over ssh, looks around, uses su and sudo, and logs out."""
    sshd, child = start_sshd(mac)
    yield 1.1
    mac.read(sshd, "/Users/alex/.ssh/authorized_keys")
    mac.password(sshd, ALEX)
    openssh_login(mac, sshd, LOGIN_SUCCESS, username="alex", uid=501, address=FRIEND)
    mac.append(mac.named("syslogd"), LOG)
    mac.exit(child)
    sshd.become(auid=501, asid=mac.new_session())
    mac.emit("setegid", sshd, {"egid": 20})
    sshd.become(egid=20)
    mac.emit("seteuid", sshd, {"euid": 501})
    sshd.become(euid=501)
    mac.access(sshd, "/Users/alex/.ssh/rc")
    mac.emit("seteuid", sshd, {"euid": 0})
    sshd.become(euid=0, egid=0)
    mac.emit("pty_grant", sshd, {"dev": TTY1})
    tty = mac.terminal(1, ALEX)
    mac.act("setowner", sshd, tty, uid=501, gid=4)
    mac.act("setmode", sshd, tty, mode=0o620)
    yield 0.2

    user_side = mac.fork(sshd)
    mac.set_ids(user_side, ALEX)
    shell = mac.fork(user_side)
    shell.tty, shell.group, shell.session = tty, shell.pid, shell.pid
    shell.cwd = mac.files.directory("/Users/alex")
    shell.env = (
        *shell.env,
        "TERM=xterm-256color",
        f"SSH_CONNECTION={FRIEND} 51514 192.0.2.2 22",
        "SSH_TTY=/dev/ttys001",
    )
    shell.changed()
    mac.exec(shell, "/bin/zsh", ("-zsh",))
    yield from _shell_starts(mac, shell)
    yield from _looks_around(mac, shell)
    yield from _su_refused(mac, shell)
    yield from _sudo(mac, shell)

    mac.append(shell, "/Users/alex/.zsh_history", 90)
    mac.exit(shell)
    mac.emit("pty_close", sshd, {"dev": TTY1})
    mac.exit(user_side)
    mac.emit(
        "openssh_logout",
        sshd,
        {"source_address_type": IPV4, "source_address": FRIEND, "username": "alex", "uid": 501},
    )
    mac.append(mac.named("syslogd"), LOG)
    yield 0.1
    mac.exit(sshd)


def _shell_starts(mac: Mac, shell: Process) -> Iterator[float]:
    mac.load(shell)
    for path in ("/private/etc/zshenv", "/private/etc/zprofile", "/private/etc/zshrc", "/Users/alex/.zshrc"):
        mac.lookup(shell, path)
        mac.read(shell, path)
    helper = mac.run(
        shell, "/usr/libexec/path_helper", ("/usr/libexec/path_helper", "-s"), fds=(VNODE, PIPE, VNODE)
    )
    for path in ("/private/etc/paths", "/private/etc/paths.d/homebrew"):
        mac.read(helper, path)
    mac.exit(helper)
    mac.read(shell, "/Users/alex/.zsh_history")
    yield 2.5


def _looks_around(mac: Mac, shell: Process) -> Iterator[float]:
    for path, args, touched in (
        ("/usr/bin/uname", ("uname", "-a"), ()),
        ("/bin/ls", ("ls", "-la"), ("/Users/alex/Documents", "/Users/alex/Downloads", "/Users/alex/src")),
        ("/usr/bin/tail", ("tail", "-n", "20", "/var/log/system.log"), (LOG,)),
        (
            "/usr/bin/grep",
            ("grep", "-r", "lantern", "src"),
            ("/Users/alex/src/notes.txt", "/Users/alex/src/todo.txt"),
        ),
    ):
        command = mac.run(shell, path, args)
        for file in touched:
            mac.lookup(command, file, "/")
            mac.read(command, mac.files.directory(file) if path == "/bin/ls" else file)
        mac.exit(command)
        yield 3.0


def _su_refused(mac: Mac, shell: Process) -> Iterator[float]:
    su = mac.run(shell, "/usr/bin/su", ("su", "sam"))
    mac.read(su, "/private/etc/pam.d/su")
    yield 4.0
    mac.password(su, SAM, success=False)
    su_event(mac, su, success=False)
    mac.append(mac.named("syslogd"), LOG)
    mac.exit(su, 1)
    yield 5.0
    su = mac.run(shell, "/usr/bin/su", ("su", "sam"))
    mac.read(su, "/private/etc/pam.d/su")
    mac.password(su, SAM)
    su_event(mac, su, success=True)
    mac.emit("setgid", su, {"gid": 20})
    mac.emit("setuid", su, {"uid": 502})
    su.become(euid=502, ruid=502)
    mac.exec(su, "/bin/zsh", ("zsh",))
    mac.load(su)
    who = mac.run(su, "/usr/bin/whoami", ("whoami",))
    mac.exit(who)
    yield 3.0
    mac.exit(su)


def su_event(mac: Mac, su: Process, *, success: bool) -> bytes:
    return mac.emit(
        "su",
        su,
        {
            "success": success,
            "failure_message": None if success else "authentication error",
            "from_uid": 501,
            "from_username": "alex",
            "to_uid": 502 if success else None,
            "to_username": "sam",
            "shell": "/bin/zsh" if success else None,
            "argc": 1 if success else 0,
            "argv": ["zsh"] if success else [],
            "env_count": 2 if success else 0,
            "env": ["HOME=/Users/sam", "USER=sam"] if success else [],
        },
    )


def _sudo(mac: Mac, shell: Process) -> Iterator[float]:
    words = ("sudo", "launchctl", "list")
    for success in (False, True):
        sudo = mac.run(shell, "/usr/bin/sudo", words)
        for path in ("/private/etc/sudoers", "/private/etc/pam.d/sudo"):
            mac.read(sudo, path)
        yield 3.5
        mac.password(sudo, ALEX, success=success)
        reason = {
            "plugin_name": "sudoers_policy",
            "plugin_type": 2,
            "failure_message": "3 incorrect password attempts",
        }
        mac.emit(
            "sudo",
            sudo,
            {
                "success": success,
                "reject_info": None if success else reason,
                "from_uid": 501,
                "from_username": "alex",
                "to_uid": 0,
                "to_username": "root",
                "command": "/bin/launchctl list",
            },
        )
        mac.append(mac.named("syslogd"), LOG)
        if success:
            mac.emit("setuid", sudo, {"uid": 0})
            sudo.become(ruid=0, euid=0)
            command = mac.run(sudo, "/bin/launchctl", ("launchctl", "list"))
            mac.xpc_connect(command, "com.apple.xpc.smd")
            mac.exit(command)
        mac.exit(sudo, 0 if success else 1)
        yield 2.0


def terminal(mac: Mac) -> Iterator[float]:
    """A Terminal window opens and closes: login starts the shell, and tells of both."""
    app = mac.named("Terminal")
    mac.emit("pty_grant", app, {"dev": TTY2})
    tty = mac.terminal(2, ALEX)
    for user, success in (("alexx", False), ("alex", True)):
        login = mac.spawn(app, "/usr/bin/login", ("login", user) if not success else ("login", "-pf", user))
        login.tty, login.session, login.group = tty, login.pid, login.pid
        login.changed()
        mac.load(login)
        mac.read(login, "/private/etc/pam.d/login")
        mac.emit(
            "login_login",
            login,
            {
                "success": success,
                "failure_message": None if success else "Login incorrect",
                "username": user,
                "uid": 501 if success else None,
            },
        )
        if not success:
            mac.exit(login, 1)
            yield 2.0
            continue
        shell = mac.fork(login)
        mac.set_ids(shell, ALEX)
        shell.cwd = mac.files.directory("/Users/alex")
        mac.exec(shell, "/bin/zsh", ("-zsh",))
        yield from _shell_starts(mac, shell)
        for path, args in (
            ("/usr/bin/defaults", ("defaults", "read")),
            ("/bin/date", ("date",)),
            ("/bin/df", ("df", "-h")),
        ):
            command = mac.run(shell, path, args)
            mac.exit(command)
            yield 6.0
        mac.exit(shell)
        mac.emit("login_logout", login, {"username": "alex", "uid": 501})
        mac.exit(login)
    mac.emit("pty_close", app, {"dev": TTY2})


def lock(mac: Mac) -> Iterator[float]:
    """The screen is locked; Touch ID, a watch and a smart card are tried; the screen is unlocked."""
    loginwindow = mac.named("loginwindow")
    session = {"username": "alex", "graphical_session_id": GRAPHICAL_SESSION}
    mac.emit("lw_session_lock", loginwindow, session)
    mac.read(loginwindow, "/Users/alex/Library/Preferences/com.apple.screensaver.plist")
    yield 25.0
    biometrics = mac.named("biometrickitd")
    instigator = {"instigator": loginwindow, "instigator_token": loginwindow.token}
    finger = {**instigator, "touchid_mode": 1, "uid": None}
    mac.emit(
        "authentication", biometrics, {"success": False, "type": BY_TOUCH_ID, "data": {"touchid": finger}}
    )
    yield 2.0
    watch = {"username": "alex", "type": 1}
    mac.emit(
        "authentication",
        loginwindow,
        {"success": False, "type": BY_AUTO_UNLOCK, "data": {"auto_unlock": watch}},
    )
    yield 1.0
    card = {
        **instigator,
        "pubkey_hash": "9F2C51A0D7E3448B9C0D6A1E5B7F20D3C4A8E617",
        "token_id": "com.apple.pivtoken:00000000000000000000000000000000",
        "kerberos_principal": None,
    }
    mac.emit("authentication", loginwindow, {"success": False, "type": BY_TOKEN, "data": {"token": card}})
    yield 2.0
    finger = {**finger, "uid": 501}
    mac.emit(
        "authentication", biometrics, {"success": True, "type": BY_TOUCH_ID, "data": {"touchid": finger}}
    )
    mac.emit("lw_session_unlock", loginwindow, session)


def second_user(mac: Mac) -> Iterator[float]:
    """sam logs in at the screen beside alex, looks at a file, and logs out."""
    loginwindow = mac.named("loginwindow")
    mac.password(loginwindow, SAM)
    asid = mac.new_session()
    session = {"username": "sam", "graphical_session_id": asid}
    mac.emit("lw_session_login", loginwindow, session)
    agents: list[Process] = []
    for path in ("/usr/sbin/cfprefsd", "/usr/libexec/lsd", p.DOCK, p.FINDER):
        agent = mac.launch(path, SAM, asid=asid)
        mac.load(agent)
        mac.check_in(agent, agent.program.signing_id + ".agent")
        mac.read(agent, f"/Users/sam/Library/Preferences/{agent.program.signing_id}.plist")
        agents.append(agent)
        yield 0.4
    finder = agents[-1]
    for name in ("Desktop", "Documents", "Movies"):
        folder = mac.files.directory(f"/Users/sam/{name}")
        mac.open(finder, folder)
        mac.readdir(finder, folder)
        mac.getattrlist(finder, folder)
        mac.close(finder, folder)
        yield 3.0
    for agent in reversed(agents):
        mac.kill(mac.launchd, agent, 15)
        yield 0.1
    mac.emit("lw_session_logout", loginwindow, session)


def screen_sharing(mac: Mac) -> Iterator[float]:
    """Somebody looks at the screen from afar: refused once, then let in, then gone."""
    daemon = mac.launch(p.SCREEN_SHARING, ROOT)
    mac.load(daemon)
    mac.check_in(daemon, "com.apple.screensharing.server")
    source = {"source_address_type": IPV4, "source_address": FRIEND, "viewer_appleid": None}
    for success in (False, True):
        yield 3.0
        mac.password(daemon, ALEX, success=success)
        mac.emit(
            "screensharing_attach",
            daemon,
            {
                **source,
                "success": success,
                "authentication_type": "SRP",
                "authentication_username": "alex",
                "session_username": "alex" if success else None,
                "existing_session": success,
                "graphical_session_id": GRAPHICAL_SESSION if success else 0,
            },
        )
    for _ in range(6):
        mac.write(daemon, mac.files.at("/private/var/log/screensharing.log"), 60)
        yield 6.0
    mac.rotate(daemon, "/private/var/log/screensharing.log")
    mac.emit("screensharing_detach", daemon, {**source, "graphical_session_id": GRAPHICAL_SESSION})
    mac.exit(daemon)
