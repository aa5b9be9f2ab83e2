//! What an exported plan uses of the crate endpoint-sec, written for estui's tests from its documentation. Each call is
//! one line on stdout, as in ../es_client/recorder.c. Event types end with macOS 15.4, like the crate's own.

pub mod sys {
    #![allow(non_camel_case_types)]

    use std::fmt;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct es_event_type_t(pub u32);

    impl es_event_type_t {
        pub const ES_EVENT_TYPE_AUTH_EXEC: es_event_type_t = es_event_type_t(0);
        pub const ES_EVENT_TYPE_AUTH_OPEN: es_event_type_t = es_event_type_t(1);
        pub const ES_EVENT_TYPE_AUTH_KEXTLOAD: es_event_type_t = es_event_type_t(2);
        pub const ES_EVENT_TYPE_AUTH_MMAP: es_event_type_t = es_event_type_t(3);
        pub const ES_EVENT_TYPE_AUTH_MPROTECT: es_event_type_t = es_event_type_t(4);
        pub const ES_EVENT_TYPE_AUTH_MOUNT: es_event_type_t = es_event_type_t(5);
        pub const ES_EVENT_TYPE_AUTH_RENAME: es_event_type_t = es_event_type_t(6);
        pub const ES_EVENT_TYPE_AUTH_SIGNAL: es_event_type_t = es_event_type_t(7);
        pub const ES_EVENT_TYPE_AUTH_UNLINK: es_event_type_t = es_event_type_t(8);
        pub const ES_EVENT_TYPE_NOTIFY_EXEC: es_event_type_t = es_event_type_t(9);
        pub const ES_EVENT_TYPE_NOTIFY_OPEN: es_event_type_t = es_event_type_t(10);
        pub const ES_EVENT_TYPE_NOTIFY_FORK: es_event_type_t = es_event_type_t(11);
        pub const ES_EVENT_TYPE_NOTIFY_CLOSE: es_event_type_t = es_event_type_t(12);
        pub const ES_EVENT_TYPE_NOTIFY_CREATE: es_event_type_t = es_event_type_t(13);
        pub const ES_EVENT_TYPE_NOTIFY_EXCHANGEDATA: es_event_type_t = es_event_type_t(14);
        pub const ES_EVENT_TYPE_NOTIFY_EXIT: es_event_type_t = es_event_type_t(15);
        pub const ES_EVENT_TYPE_NOTIFY_GET_TASK: es_event_type_t = es_event_type_t(16);
        pub const ES_EVENT_TYPE_NOTIFY_KEXTLOAD: es_event_type_t = es_event_type_t(17);
        pub const ES_EVENT_TYPE_NOTIFY_KEXTUNLOAD: es_event_type_t = es_event_type_t(18);
        pub const ES_EVENT_TYPE_NOTIFY_LINK: es_event_type_t = es_event_type_t(19);
        pub const ES_EVENT_TYPE_NOTIFY_MMAP: es_event_type_t = es_event_type_t(20);
        pub const ES_EVENT_TYPE_NOTIFY_MPROTECT: es_event_type_t = es_event_type_t(21);
        pub const ES_EVENT_TYPE_NOTIFY_MOUNT: es_event_type_t = es_event_type_t(22);
        pub const ES_EVENT_TYPE_NOTIFY_UNMOUNT: es_event_type_t = es_event_type_t(23);
        pub const ES_EVENT_TYPE_NOTIFY_IOKIT_OPEN: es_event_type_t = es_event_type_t(24);
        pub const ES_EVENT_TYPE_NOTIFY_RENAME: es_event_type_t = es_event_type_t(25);
        pub const ES_EVENT_TYPE_NOTIFY_SETATTRLIST: es_event_type_t = es_event_type_t(26);
        pub const ES_EVENT_TYPE_NOTIFY_SETEXTATTR: es_event_type_t = es_event_type_t(27);
        pub const ES_EVENT_TYPE_NOTIFY_SETFLAGS: es_event_type_t = es_event_type_t(28);
        pub const ES_EVENT_TYPE_NOTIFY_SETMODE: es_event_type_t = es_event_type_t(29);
        pub const ES_EVENT_TYPE_NOTIFY_SETOWNER: es_event_type_t = es_event_type_t(30);
        pub const ES_EVENT_TYPE_NOTIFY_SIGNAL: es_event_type_t = es_event_type_t(31);
        pub const ES_EVENT_TYPE_NOTIFY_UNLINK: es_event_type_t = es_event_type_t(32);
        pub const ES_EVENT_TYPE_NOTIFY_WRITE: es_event_type_t = es_event_type_t(33);
        pub const ES_EVENT_TYPE_AUTH_FILE_PROVIDER_MATERIALIZE: es_event_type_t = es_event_type_t(34);
        pub const ES_EVENT_TYPE_NOTIFY_FILE_PROVIDER_MATERIALIZE: es_event_type_t = es_event_type_t(35);
        pub const ES_EVENT_TYPE_AUTH_FILE_PROVIDER_UPDATE: es_event_type_t = es_event_type_t(36);
        pub const ES_EVENT_TYPE_NOTIFY_FILE_PROVIDER_UPDATE: es_event_type_t = es_event_type_t(37);
        pub const ES_EVENT_TYPE_AUTH_READLINK: es_event_type_t = es_event_type_t(38);
        pub const ES_EVENT_TYPE_NOTIFY_READLINK: es_event_type_t = es_event_type_t(39);
        pub const ES_EVENT_TYPE_AUTH_TRUNCATE: es_event_type_t = es_event_type_t(40);
        pub const ES_EVENT_TYPE_NOTIFY_TRUNCATE: es_event_type_t = es_event_type_t(41);
        pub const ES_EVENT_TYPE_AUTH_LINK: es_event_type_t = es_event_type_t(42);
        pub const ES_EVENT_TYPE_NOTIFY_LOOKUP: es_event_type_t = es_event_type_t(43);
        pub const ES_EVENT_TYPE_AUTH_CREATE: es_event_type_t = es_event_type_t(44);
        pub const ES_EVENT_TYPE_AUTH_SETATTRLIST: es_event_type_t = es_event_type_t(45);
        pub const ES_EVENT_TYPE_AUTH_SETEXTATTR: es_event_type_t = es_event_type_t(46);
        pub const ES_EVENT_TYPE_AUTH_SETFLAGS: es_event_type_t = es_event_type_t(47);
        pub const ES_EVENT_TYPE_AUTH_SETMODE: es_event_type_t = es_event_type_t(48);
        pub const ES_EVENT_TYPE_AUTH_SETOWNER: es_event_type_t = es_event_type_t(49);
        pub const ES_EVENT_TYPE_AUTH_CHDIR: es_event_type_t = es_event_type_t(50);
        pub const ES_EVENT_TYPE_NOTIFY_CHDIR: es_event_type_t = es_event_type_t(51);
        pub const ES_EVENT_TYPE_AUTH_GETATTRLIST: es_event_type_t = es_event_type_t(52);
        pub const ES_EVENT_TYPE_NOTIFY_GETATTRLIST: es_event_type_t = es_event_type_t(53);
        pub const ES_EVENT_TYPE_NOTIFY_STAT: es_event_type_t = es_event_type_t(54);
        pub const ES_EVENT_TYPE_NOTIFY_ACCESS: es_event_type_t = es_event_type_t(55);
        pub const ES_EVENT_TYPE_AUTH_CHROOT: es_event_type_t = es_event_type_t(56);
        pub const ES_EVENT_TYPE_NOTIFY_CHROOT: es_event_type_t = es_event_type_t(57);
        pub const ES_EVENT_TYPE_AUTH_UTIMES: es_event_type_t = es_event_type_t(58);
        pub const ES_EVENT_TYPE_NOTIFY_UTIMES: es_event_type_t = es_event_type_t(59);
        pub const ES_EVENT_TYPE_AUTH_CLONE: es_event_type_t = es_event_type_t(60);
        pub const ES_EVENT_TYPE_NOTIFY_CLONE: es_event_type_t = es_event_type_t(61);
        pub const ES_EVENT_TYPE_NOTIFY_FCNTL: es_event_type_t = es_event_type_t(62);
        pub const ES_EVENT_TYPE_AUTH_GETEXTATTR: es_event_type_t = es_event_type_t(63);
        pub const ES_EVENT_TYPE_NOTIFY_GETEXTATTR: es_event_type_t = es_event_type_t(64);
        pub const ES_EVENT_TYPE_AUTH_LISTEXTATTR: es_event_type_t = es_event_type_t(65);
        pub const ES_EVENT_TYPE_NOTIFY_LISTEXTATTR: es_event_type_t = es_event_type_t(66);
        pub const ES_EVENT_TYPE_AUTH_READDIR: es_event_type_t = es_event_type_t(67);
        pub const ES_EVENT_TYPE_NOTIFY_READDIR: es_event_type_t = es_event_type_t(68);
        pub const ES_EVENT_TYPE_AUTH_DELETEEXTATTR: es_event_type_t = es_event_type_t(69);
        pub const ES_EVENT_TYPE_NOTIFY_DELETEEXTATTR: es_event_type_t = es_event_type_t(70);
        pub const ES_EVENT_TYPE_AUTH_FSGETPATH: es_event_type_t = es_event_type_t(71);
        pub const ES_EVENT_TYPE_NOTIFY_FSGETPATH: es_event_type_t = es_event_type_t(72);
        pub const ES_EVENT_TYPE_NOTIFY_DUP: es_event_type_t = es_event_type_t(73);
        pub const ES_EVENT_TYPE_AUTH_SETTIME: es_event_type_t = es_event_type_t(74);
        pub const ES_EVENT_TYPE_NOTIFY_SETTIME: es_event_type_t = es_event_type_t(75);
        pub const ES_EVENT_TYPE_NOTIFY_UIPC_BIND: es_event_type_t = es_event_type_t(76);
        pub const ES_EVENT_TYPE_AUTH_UIPC_BIND: es_event_type_t = es_event_type_t(77);
        pub const ES_EVENT_TYPE_NOTIFY_UIPC_CONNECT: es_event_type_t = es_event_type_t(78);
        pub const ES_EVENT_TYPE_AUTH_UIPC_CONNECT: es_event_type_t = es_event_type_t(79);
        pub const ES_EVENT_TYPE_AUTH_EXCHANGEDATA: es_event_type_t = es_event_type_t(80);
        pub const ES_EVENT_TYPE_AUTH_SETACL: es_event_type_t = es_event_type_t(81);
        pub const ES_EVENT_TYPE_NOTIFY_SETACL: es_event_type_t = es_event_type_t(82);
        pub const ES_EVENT_TYPE_NOTIFY_PTY_GRANT: es_event_type_t = es_event_type_t(83);
        pub const ES_EVENT_TYPE_NOTIFY_PTY_CLOSE: es_event_type_t = es_event_type_t(84);
        pub const ES_EVENT_TYPE_AUTH_PROC_CHECK: es_event_type_t = es_event_type_t(85);
        pub const ES_EVENT_TYPE_NOTIFY_PROC_CHECK: es_event_type_t = es_event_type_t(86);
        pub const ES_EVENT_TYPE_AUTH_GET_TASK: es_event_type_t = es_event_type_t(87);
        pub const ES_EVENT_TYPE_AUTH_SEARCHFS: es_event_type_t = es_event_type_t(88);
        pub const ES_EVENT_TYPE_NOTIFY_SEARCHFS: es_event_type_t = es_event_type_t(89);
        pub const ES_EVENT_TYPE_AUTH_FCNTL: es_event_type_t = es_event_type_t(90);
        pub const ES_EVENT_TYPE_AUTH_IOKIT_OPEN: es_event_type_t = es_event_type_t(91);
        pub const ES_EVENT_TYPE_AUTH_PROC_SUSPEND_RESUME: es_event_type_t = es_event_type_t(92);
        pub const ES_EVENT_TYPE_NOTIFY_PROC_SUSPEND_RESUME: es_event_type_t = es_event_type_t(93);
        pub const ES_EVENT_TYPE_NOTIFY_CS_INVALIDATED: es_event_type_t = es_event_type_t(94);
        pub const ES_EVENT_TYPE_NOTIFY_GET_TASK_NAME: es_event_type_t = es_event_type_t(95);
        pub const ES_EVENT_TYPE_NOTIFY_TRACE: es_event_type_t = es_event_type_t(96);
        pub const ES_EVENT_TYPE_NOTIFY_REMOTE_THREAD_CREATE: es_event_type_t = es_event_type_t(97);
        pub const ES_EVENT_TYPE_AUTH_REMOUNT: es_event_type_t = es_event_type_t(98);
        pub const ES_EVENT_TYPE_NOTIFY_REMOUNT: es_event_type_t = es_event_type_t(99);
        pub const ES_EVENT_TYPE_AUTH_GET_TASK_READ: es_event_type_t = es_event_type_t(100);
        pub const ES_EVENT_TYPE_NOTIFY_GET_TASK_READ: es_event_type_t = es_event_type_t(101);
        pub const ES_EVENT_TYPE_NOTIFY_GET_TASK_INSPECT: es_event_type_t = es_event_type_t(102);
        pub const ES_EVENT_TYPE_NOTIFY_SETUID: es_event_type_t = es_event_type_t(103);
        pub const ES_EVENT_TYPE_NOTIFY_SETGID: es_event_type_t = es_event_type_t(104);
        pub const ES_EVENT_TYPE_NOTIFY_SETEUID: es_event_type_t = es_event_type_t(105);
        pub const ES_EVENT_TYPE_NOTIFY_SETEGID: es_event_type_t = es_event_type_t(106);
        pub const ES_EVENT_TYPE_NOTIFY_SETREUID: es_event_type_t = es_event_type_t(107);
        pub const ES_EVENT_TYPE_NOTIFY_SETREGID: es_event_type_t = es_event_type_t(108);
        pub const ES_EVENT_TYPE_AUTH_COPYFILE: es_event_type_t = es_event_type_t(109);
        pub const ES_EVENT_TYPE_NOTIFY_COPYFILE: es_event_type_t = es_event_type_t(110);
        pub const ES_EVENT_TYPE_NOTIFY_AUTHENTICATION: es_event_type_t = es_event_type_t(111);
        pub const ES_EVENT_TYPE_NOTIFY_XP_MALWARE_DETECTED: es_event_type_t = es_event_type_t(112);
        pub const ES_EVENT_TYPE_NOTIFY_XP_MALWARE_REMEDIATED: es_event_type_t = es_event_type_t(113);
        pub const ES_EVENT_TYPE_NOTIFY_LW_SESSION_LOGIN: es_event_type_t = es_event_type_t(114);
        pub const ES_EVENT_TYPE_NOTIFY_LW_SESSION_LOGOUT: es_event_type_t = es_event_type_t(115);
        pub const ES_EVENT_TYPE_NOTIFY_LW_SESSION_LOCK: es_event_type_t = es_event_type_t(116);
        pub const ES_EVENT_TYPE_NOTIFY_LW_SESSION_UNLOCK: es_event_type_t = es_event_type_t(117);
        pub const ES_EVENT_TYPE_NOTIFY_SCREENSHARING_ATTACH: es_event_type_t = es_event_type_t(118);
        pub const ES_EVENT_TYPE_NOTIFY_SCREENSHARING_DETACH: es_event_type_t = es_event_type_t(119);
        pub const ES_EVENT_TYPE_NOTIFY_OPENSSH_LOGIN: es_event_type_t = es_event_type_t(120);
        pub const ES_EVENT_TYPE_NOTIFY_OPENSSH_LOGOUT: es_event_type_t = es_event_type_t(121);
        pub const ES_EVENT_TYPE_NOTIFY_LOGIN_LOGIN: es_event_type_t = es_event_type_t(122);
        pub const ES_EVENT_TYPE_NOTIFY_LOGIN_LOGOUT: es_event_type_t = es_event_type_t(123);
        pub const ES_EVENT_TYPE_NOTIFY_BTM_LAUNCH_ITEM_ADD: es_event_type_t = es_event_type_t(124);
        pub const ES_EVENT_TYPE_NOTIFY_BTM_LAUNCH_ITEM_REMOVE: es_event_type_t = es_event_type_t(125);
        pub const ES_EVENT_TYPE_NOTIFY_PROFILE_ADD: es_event_type_t = es_event_type_t(126);
        pub const ES_EVENT_TYPE_NOTIFY_PROFILE_REMOVE: es_event_type_t = es_event_type_t(127);
        pub const ES_EVENT_TYPE_NOTIFY_SU: es_event_type_t = es_event_type_t(128);
        pub const ES_EVENT_TYPE_NOTIFY_AUTHORIZATION_PETITION: es_event_type_t = es_event_type_t(129);
        pub const ES_EVENT_TYPE_NOTIFY_AUTHORIZATION_JUDGEMENT: es_event_type_t = es_event_type_t(130);
        pub const ES_EVENT_TYPE_NOTIFY_SUDO: es_event_type_t = es_event_type_t(131);
        pub const ES_EVENT_TYPE_NOTIFY_OD_GROUP_ADD: es_event_type_t = es_event_type_t(132);
        pub const ES_EVENT_TYPE_NOTIFY_OD_GROUP_REMOVE: es_event_type_t = es_event_type_t(133);
        pub const ES_EVENT_TYPE_NOTIFY_OD_GROUP_SET: es_event_type_t = es_event_type_t(134);
        pub const ES_EVENT_TYPE_NOTIFY_OD_MODIFY_PASSWORD: es_event_type_t = es_event_type_t(135);
        pub const ES_EVENT_TYPE_NOTIFY_OD_DISABLE_USER: es_event_type_t = es_event_type_t(136);
        pub const ES_EVENT_TYPE_NOTIFY_OD_ENABLE_USER: es_event_type_t = es_event_type_t(137);
        pub const ES_EVENT_TYPE_NOTIFY_OD_ATTRIBUTE_VALUE_ADD: es_event_type_t = es_event_type_t(138);
        pub const ES_EVENT_TYPE_NOTIFY_OD_ATTRIBUTE_VALUE_REMOVE: es_event_type_t = es_event_type_t(139);
        pub const ES_EVENT_TYPE_NOTIFY_OD_ATTRIBUTE_SET: es_event_type_t = es_event_type_t(140);
        pub const ES_EVENT_TYPE_NOTIFY_OD_CREATE_USER: es_event_type_t = es_event_type_t(141);
        pub const ES_EVENT_TYPE_NOTIFY_OD_CREATE_GROUP: es_event_type_t = es_event_type_t(142);
        pub const ES_EVENT_TYPE_NOTIFY_OD_DELETE_USER: es_event_type_t = es_event_type_t(143);
        pub const ES_EVENT_TYPE_NOTIFY_OD_DELETE_GROUP: es_event_type_t = es_event_type_t(144);
        pub const ES_EVENT_TYPE_NOTIFY_XPC_CONNECT: es_event_type_t = es_event_type_t(145);
        pub const ES_EVENT_TYPE_NOTIFY_GATEKEEPER_USER_OVERRIDE: es_event_type_t = es_event_type_t(146);
        pub const ES_EVENT_TYPE_NOTIFY_TCC_MODIFY: es_event_type_t = es_event_type_t(147);
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct es_mute_path_type_t(pub u32);

    impl es_mute_path_type_t {
        pub const ES_MUTE_PATH_TYPE_PREFIX: es_mute_path_type_t = es_mute_path_type_t(0);
        pub const ES_MUTE_PATH_TYPE_LITERAL: es_mute_path_type_t = es_mute_path_type_t(1);
        pub const ES_MUTE_PATH_TYPE_TARGET_PREFIX: es_mute_path_type_t = es_mute_path_type_t(2);
        pub const ES_MUTE_PATH_TYPE_TARGET_LITERAL: es_mute_path_type_t = es_mute_path_type_t(3);
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct es_mute_inversion_type_t(pub u32);

    impl es_mute_inversion_type_t {
        pub const ES_MUTE_INVERSION_TYPE_PROCESS: es_mute_inversion_type_t = es_mute_inversion_type_t(0);
        pub const ES_MUTE_INVERSION_TYPE_PATH: es_mute_inversion_type_t = es_mute_inversion_type_t(1);
        pub const ES_MUTE_INVERSION_TYPE_TARGET_PATH: es_mute_inversion_type_t = es_mute_inversion_type_t(2);
    }

    #[derive(Clone, Copy)]
    pub struct audit_token_t {
        pub val: [u32; 8],
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum MuteInvertedType {
        Normal,
        Inverted,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum MuteTypeError {
        Error,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum ReturnError {
        Error,
    }

    impl fmt::Display for MuteTypeError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "ES_MUTE_INVERTED_ERROR")
        }
    }

    impl fmt::Display for ReturnError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "ES_RETURN_ERROR")
        }
    }

    impl std::error::Error for MuteTypeError {}
    impl std::error::Error for ReturnError {}
}

use std::ffi::{OsStr, OsString};
use std::marker::PhantomData;
use std::os::unix::ffi::OsStrExt;

use sys::*;

#[derive(Clone, Copy)]
pub struct AuditToken(pub audit_token_t);

#[derive(Debug, Clone)]
pub struct MutedPath {
    pub ty: es_mute_path_type_t,
    pub events: Vec<es_event_type_t>,
    pub path: OsString,
}

/// Neither Send nor Sync, and bound to its handler, as the crate's is.
pub struct Client<'b> {
    inverted: [bool; 3],
    calls: u32,
    handler: PhantomData<(&'b (), *mut u8)>,
}

fn numbers(events: &[es_event_type_t]) -> String {
    events.iter().map(|event| event.0.to_string()).collect::<Vec<_>>().join(",")
}

fn hex(path: &OsStr) -> String {
    path.as_bytes().iter().map(|byte| format!("{:02x}", byte)).collect()
}

fn words(token: &AuditToken) -> String {
    token.0.val.iter().map(|word| word.to_string()).collect::<Vec<_>>().join(",")
}

impl Client<'_> {
    /// The crate's takes a handler.
    pub fn recorder() -> Client<'static> {
        Client { inverted: [false; 3], calls: 0, handler: PhantomData }
    }

    fn record(&mut self, line: String) -> Result<(), ReturnError> {
        println!("{}", line);
        self.calls += 1;
        let fails = std::env::var("RECORDER_FAIL").map_or(false, |number| number == self.calls.to_string());
        if fails { Err(ReturnError::Error) } else { Ok(()) }
    }

    pub fn subscribe(&mut self, events: &[es_event_type_t]) -> Result<(), ReturnError> {
        self.record(format!("subscribe {}", numbers(events)))
    }

    pub fn mute_process(&mut self, process: &AuditToken) -> Result<(), ReturnError> {
        self.record(format!("mute_process {}", words(process)))
    }

    pub fn mute_process_events(
        &mut self,
        process: &AuditToken,
        events: &[es_event_type_t],
    ) -> Result<(), ReturnError> {
        self.record(format!("mute_process_events {} {}", words(process), numbers(events)))
    }

    pub fn mute_path(&mut self, path: &OsStr, ty: es_mute_path_type_t) -> Result<(), ReturnError> {
        self.record(format!("mute_path {} {}", ty.0, hex(path)))
    }

    pub fn mute_path_events(
        &mut self,
        path: &OsStr,
        ty: es_mute_path_type_t,
        events: &[es_event_type_t],
    ) -> Result<(), ReturnError> {
        self.record(format!("mute_path_events {} {} {}", ty.0, hex(path), numbers(events)))
    }

    pub fn unmute_all_paths(&mut self) -> Result<(), ReturnError> {
        self.record("unmute_all_paths".to_string())
    }

    pub fn unmute_all_target_paths(&mut self) -> Result<(), ReturnError> {
        self.record("unmute_all_target_paths".to_string())
    }

    pub fn muted_paths_events(&mut self) -> Result<Vec<MutedPath>, ReturnError> {
        self.record("muted_paths_events".to_string())?;
        Ok(Vec::new())
    }

    pub fn invert_muting(&mut self, mute_type: es_mute_inversion_type_t) -> Result<(), ReturnError> {
        self.inverted[mute_type.0 as usize] ^= true;
        self.record(format!("invert_muting {}", mute_type.0))
    }

    pub fn muting_inverted(
        &mut self,
        mute_type: es_mute_inversion_type_t,
    ) -> Result<MuteInvertedType, MuteTypeError> {
        let inverted = self.inverted[mute_type.0 as usize];
        self.record(format!("muting_inverted {}", mute_type.0)).map_err(|_| MuteTypeError::Error)?;
        Ok(if inverted { MuteInvertedType::Inverted } else { MuteInvertedType::Normal })
    }
}
