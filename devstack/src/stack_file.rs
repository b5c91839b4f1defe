//! `stack.json`: where everything of a running stack is, for scripts, load tests and auditors.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::whole_file;

/// What the file says. Addresses are `http://127.0.0.1:PORT` without a path, stores are URLs, paths
/// are absolute.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stack {
    /// Public address of the gatekeeper.
    pub gatekeeper: String,
    /// Its admin port.
    pub gatekeeper_admin: String,
    /// Public address of booking-api.
    pub booking_api: String,
    /// Its admin port.
    pub booking_admin: String,
    /// Admin port of the admitter.
    pub admitter_admin: String,
    /// The simulated payment gateway.
    pub gateway: String,
    /// URL of Redis.
    pub redis: String,
    /// URL of the primary, as superuser.
    pub postgres: String,
    /// URL of the streaming replica.
    pub replica: String,
    /// Private key with which user tokens can be minted (PKCS#8 PEM, Ed25519).
    pub user_token_key: PathBuf,
    /// Its key id.
    pub user_token_kid: String,
    /// The demo room.
    pub room: String,
    /// A demo performance on sale in that room.
    pub performance: String,
    /// Folder of the binaries that run.
    pub bin: PathBuf,
    /// Process ids by name: `gatekeeper-1`, `redis` …
    pub pids: BTreeMap<String, u32>,
}

/// Why there is no stack to speak to.
#[derive(Debug, thiserror::Error)]
pub enum StackFileError {
    /// Nothing runs.
    #[error("nothing runs here: {} does not exist. `make up` starts everything", .0.display())]
    Missing(PathBuf),
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It says something else than we know.
    #[error(
        "{} is not of this version ({source}). `make down`, then `make up`, writes it anew",
        path.display()
    )]
    Unknown {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

/// Reads the file.
pub fn read(path: &Path) -> Result<Stack, StackFileError> {
    let text = std::fs::read(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => StackFileError::Missing(path.to_owned()),
        _ => StackFileError::Unreadable {
            path: path.to_owned(),
            source,
        },
    })?;
    serde_json::from_slice(&text).map_err(|source| StackFileError::Unknown {
        path: path.to_owned(),
        source,
    })
}

impl Stack {
    /// Writes the file, so that a reader sees the old or the new one and never a part.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        whole_file::write(path, &text)
    }
}
