//! A file of public keys (a JSON Web Key Set) with which tokens of another process are checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jsonwebtoken::DecodingKey;
use serde::Deserialize;

use crate::reloaded::Reloaded;
use crate::shutdown::Shutdown;

/// Why a key set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    /// The file cannot be read.
    #[error("the key set {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Not a JSON Web Key Set.
    #[error("{} is not a JSON Web Key Set", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
    /// No key of a kind that we accept.
    #[error("{} holds no Ed25519 key with a kid", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// The Ed25519 keys of one file, read anew when it changes. Keys of other kinds are left out: one algorithm is pinned.
#[derive(Debug, Clone)]
pub struct JwksFile {
    keys: Arc<Reloaded<Keys, JwksError>>,
}

/// `x`, the public key in base64url, by `kid`.
#[derive(Debug, PartialEq, Eq)]
struct Keys(BTreeMap<String, String>);

#[derive(Deserialize)]
struct Document {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    kid: Option<String>,
    crv: Option<String>,
    x: Option<String>,
}

impl JwksFile {
    /// Reads the key set at `path`.
    pub fn open(path: &Path) -> Result<Self, JwksError> {
        Reloaded::open(path, read).map(|keys| Self { keys })
    }

    /// Reads it anew whenever it changes.
    pub fn keep_fresh(&self, shutdown: &Shutdown) {
        self.keys.keep_fresh(shutdown);
    }

    pub(super) fn key(&self, kid: &str) -> Option<DecodingKey> {
        let keys = self.keys.current();
        keys.0
            .get(kid)
            .and_then(|x| DecodingKey::from_ed_components(x).ok())
    }
}

fn read(path: &Path) -> Result<Keys, JwksError> {
    let path = path.to_owned();
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(source) => return Err(JwksError::Unreadable { path, source }),
    };
    let document: Document = match serde_json::from_slice(&text) {
        Ok(document) => document,
        Err(source) => return Err(JwksError::Malformed { path, source }),
    };
    let usable = document
        .keys
        .into_iter()
        .filter(|key| key.crv.as_deref() == Some("Ed25519"));
    let keys: BTreeMap<_, _> = usable.filter_map(|key| key.kid.zip(key.x)).collect();
    if keys.is_empty() {
        return Err(JwksError::Empty { path });
    }
    Ok(Keys(keys))
}
