//! Files that others read while we write them: they see the old one or the new one, never a part.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// For the owner alone: most of these files hold passwords.
const MODE: u32 = 0o600;

/// Writes beside the file and renames.
pub fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("partial");
    let mut file: File = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(MODE)
        .open(&beside)?;
    file.write_all(text)?;
    std::fs::rename(&beside, path)
}
