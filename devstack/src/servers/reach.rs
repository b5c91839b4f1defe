//! Where fetched servers are unpacked. Usually below the state folder. But where root may not make user
//! namespaces, PostgreSQL has to become another user, and that user can run a program only if it
//! can enter every folder above it.

use std::{
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use crate::process::RunAs;

/// A place that every user can reach and that outlives a restart.
const REACHABLE: &str = "/var/tmp/onsale-servers";

/// Everybody may enter and read, root alone may write.
const MODE: u32 = 0o755;

/// The folder to unpack into, given the preferred one.
pub(super) fn folder_for_wheels(preferred: &Path) -> io::Result<PathBuf> {
    if !RunAs::must_become_another_user() {
        return Ok(preferred.to_owned());
    }
    let folder = Path::new(REACHABLE);
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(MODE)
        .create(folder)?;
    // What root runs must not have been put there by somebody else.
    let metadata = std::fs::symlink_metadata(folder)?;
    if !metadata.is_dir() || metadata.uid() != 0 || metadata.mode() & 0o022 != 0 {
        let message = format!("{REACHABLE} is not a folder that only root can write: remove it");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    Ok(folder.to_owned())
}
