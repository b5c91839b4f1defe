//! PostgreSQL refuses to run as root. For everybody else it just runs; for root there are two ways.
//!
//! A user namespace of its own (`unshare -U`) shows the server an ordinary user while the kernel
//! still sees root as the owner of its files: that works below folders that only root can enter.
//! Where namespaces are forbidden (many containers) the server becomes a real other user, and its
//! files have to live in a folder that this user can reach.

use std::{
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::unistd::{User, geteuid};
use serde::{Deserialize, Serialize};

/// Accounts that exist nearly everywhere and own nothing of value, best first.
const HARMLESS_USERS: [&str; 3] = ["postgres", "nobody", "daemon"];

/// Folders that any user can reach, best first.
const OPEN_FOLDERS: [&str; 2] = ["/var/tmp", "/tmp"];

/// The user that a program runs as.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum RunAs {
    /// Whoever we are.
    Myself,
    /// Root, shown to the program as this user.
    Namespace {
        /// User id inside.
        uid: u32,
        /// Group id inside.
        gid: u32,
    },
    /// Really this user.
    User {
        /// User id.
        uid: u32,
        /// Group id.
        gid: u32,
    },
}

/// Why PostgreSQL cannot be run by us.
#[derive(Debug, thiserror::Error)]
pub enum RunAsError {
    /// Neither way works.
    #[error(
        "PostgreSQL does not run as root, user namespaces are not permitted here, and no other \
         user can run {}. Run this command as an ordinary user, or install PostgreSQL where all \
         users can reach it", .0.display()
    )]
    NoWay(PathBuf),
    /// A folder could not be made or given away.
    #[error("the folder for PostgreSQL cannot be prepared: {0}")]
    Folder(#[from] io::Error),
}

impl RunAs {
    /// The way to run `program` with its data below `folder`, and the folder to use: `folder`
    /// itself unless the server has to become another user who cannot reach it.
    pub fn for_postgres(program: &Path, folder: &Path) -> Result<(Self, PathBuf), RunAsError> {
        std::fs::create_dir_all(folder)?;
        if !geteuid().is_root() {
            return Ok((Self::Myself, folder.to_owned()));
        }
        let (uid, gid) = harmless_user().ok_or_else(|| RunAsError::NoWay(program.to_owned()))?;
        let namespace = Self::Namespace { uid, gid };
        if namespace.can_use(program, folder) {
            return Ok((namespace, folder.to_owned()));
        }
        Self::become_user(uid, gid, program)
    }

    /// Whether we are a root who cannot make user namespaces.
    pub(crate) fn must_become_another_user() -> bool {
        let namespace = harmless_user().map(|(uid, gid)| Self::Namespace { uid, gid });
        geteuid().is_root() && !namespace.is_some_and(|namespace| namespace.succeeds("true", &[]))
    }

    fn become_user(uid: u32, gid: u32, program: &Path) -> Result<(Self, PathBuf), RunAsError> {
        let user = Self::User { uid, gid };
        for open in OPEN_FOLDERS {
            let folder = Path::new(open).join(format!("onsale-{}", uuid::Uuid::now_v7().simple()));
            if user.prepare(&folder).is_ok() && user.can_use(program, &folder) {
                return Ok((user, folder));
            }
            // Nobody else has seen this fresh name, and it may not exist at all.
            let _ = std::fs::remove_dir(&folder);
        }
        Err(RunAsError::NoWay(program.to_owned()))
    }

    /// Makes a folder that belongs to the user.
    pub(crate) fn prepare(self, folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder)?;
        if let Self::User { uid, gid } = self {
            std::os::unix::fs::chown(folder, Some(uid), Some(gid))?;
        }
        Ok(())
    }

    /// A command that runs `program` as this user.
    pub fn command(self, program: &Path) -> Command {
        match self {
            Self::Myself => Command::new(program),
            Self::Namespace { uid, gid } => {
                let mut command = Command::new("unshare");
                command.arg("--user");
                command.args([format!("--map-user={uid}"), format!("--map-group={gid}")]);
                // unshare becomes the program by exec: the process id stays the same.
                command.arg("--").arg(program);
                command
            }
            Self::User { uid, gid } => {
                let mut command = Command::new(program);
                command.uid(uid).gid(gid);
                command
            }
        }
    }

    /// Whether this user may execute `program` and write into `folder`; root shown as another user
    /// still writes what belongs to root.
    fn can_use(self, program: &Path, folder: &Path) -> bool {
        self.succeeds("test -x \"$0\" && test -w \"$1\"", &[program, folder])
    }

    fn succeeds(self, script: &str, arguments: &[&Path]) -> bool {
        self.command(Path::new("/bin/sh"))
            .args(["-c", script])
            .args(arguments)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

fn harmless_user() -> Option<(u32, u32)> {
    let user = HARMLESS_USERS
        .iter()
        .find_map(|name| User::from_name(name).ok().flatten())?;
    Some((user.uid.as_raw(), user.gid.as_raw()))
}
