//! A note on disk of each process that we start, written the moment it runs: whoever is killed before
//! it can stop its processes leaves enough behind for the next one to do it.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Identity, Launch, STOP_WITHIN, StopSignal};

/// Extension of the files that hold notes.
pub const EXTENSION: &str = "process";

/// Names the folder in which a test run wants a note of every process that its tests start, wherever
/// they log, so that those of a killed test can be stopped at the end of the run.
pub const RUN_FOLDER_VARIABLE: &str = "ONSALE_TEST_RUN";

/// What has to be known to end a process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Note {
    /// Who it is.
    #[serde(flatten)]
    pub identity: Identity,
    /// How it is asked to end.
    pub stop_signal: StopSignal,
}

impl Note {
    /// Reads a note; none if there is no such file or it is not one of ours.
    pub fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }

    /// Ends the process if it is still the one noted, and removes the note.
    pub fn settle(&self, path: &Path) -> io::Result<()> {
        self.identity.stop(self.stop_signal, STOP_WITHIN)?;
        remove(path)
    }

    /// Writes the note wherever somebody will look for it. Returns where.
    pub(super) fn leave(&self, launch: &Launch) -> io::Result<Vec<PathBuf>> {
        let mut paths = vec![launch.note()];
        if let Some(folder) = std::env::var_os(RUN_FOLDER_VARIABLE) {
            paths.push(Path::new(&folder).join(format!("{}.{EXTENSION}", self.identity.pid)));
        }
        for path in &paths {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(path, serde_json::to_vec(self)?)?;
        }
        Ok(paths)
    }
}

/// Removes a note; one that is gone already is fine.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
