//! A folder of keys, of which one signs and all verify. Mounted from a Secret, it is rotated by files alone.
//!
//! `current` holds the `kid` that signs; `<kid>.<extension>` holds each key. To rotate: add a key, wait until
//! every process has read it and every published key set has been fetched, then change `current`; remove the
//! old key when what it signed has expired.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Why a folder of keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// A file or the folder cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A key is not what it should be.
    #[error("{} is not a usable key: {expected}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        expected: &'static str,
    },
    /// `current` names a key that is not there.
    #[error("{} names the key {kid:?}, but {kid}.{extension} is not in that folder", path.display())]
    CurrentMissing {
        /// The file `current`.
        path: PathBuf,
        /// What it names.
        kid: String,
        /// The extension of this kind of key.
        extension: &'static str,
    },
}

/// The keys of one folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KeyRing<K> {
    pub(super) current: String,
    pub(super) keys: BTreeMap<String, K>,
}

impl<K> KeyRing<K> {
    /// Reads every `*.extension` of `folder` by `parse`, which answers `None` for a key it cannot use.
    pub(super) fn read(
        folder: &Path,
        extension: &'static str,
        expected: &'static str,
        parse: impl Fn(&[u8]) -> Option<K>,
    ) -> Result<Self, KeyRingError> {
        let mut keys = BTreeMap::new();
        for entry in unreadable(folder, std::fs::read_dir(folder))? {
            let path = unreadable(folder, entry)?.path();
            let kid = path.file_stem().and_then(|stem| stem.to_str());
            let (Some(kid), true) = (
                kid,
                path.extension().is_some_and(|ending| ending == extension),
            ) else {
                continue;
            };
            let content = unreadable(&path, std::fs::read(&path))?;
            let Some(key) = parse(&content) else {
                return Err(KeyRingError::Unusable { path, expected });
            };
            keys.insert(kid.to_owned(), key);
        }
        let path = folder.join("current");
        let current = unreadable(&path, std::fs::read_to_string(&path))?
            .trim()
            .to_owned();
        if !keys.contains_key(&current) {
            return Err(KeyRingError::CurrentMissing {
                path,
                kid: current,
                extension,
            });
        }
        Ok(Self { current, keys })
    }

    /// The key that signs, and its name.
    pub(super) fn signing(&self) -> (&str, &K) {
        let key = self.keys.get(&self.current);
        (
            &self.current,
            key.expect("checked when the folder was read"),
        )
    }
}

fn unreadable<T>(path: &Path, result: std::io::Result<T>) -> Result<T, KeyRingError> {
    result.map_err(|source| KeyRingError::Unreadable {
        path: path.to_owned(),
        source,
    })
}
