//! A run: the folder of one `devstack with-stores`, and every process started on its behalf.
//!
//! A run that was killed cannot clean up. The next one does it: a run folder whose owner has gone is
//! swept, its processes by identity, its files after them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::process::{Identity, NOTE_EXTENSION, Note};

/// Name of the file that says to whom a run belongs.
const OWNER: &str = "owner.json";

/// How deep notes lie below the folder of a run: `redis/redis.process`.
const NOTES_DEPTH: usize = 2;

/// A run of our own. Ending it stops what its tests left running and removes its folder.
#[derive(Debug)]
pub struct Run {
    folder: PathBuf,
}

impl Run {
    /// Sweeps the runs of owners who have gone, and begins a new one below `runs`.
    pub fn begin(runs: &Path) -> io::Result<Self> {
        fs::create_dir_all(runs)?;
        for entry in fs::read_dir(runs)? {
            let folder = entry?.path();
            if is_abandoned(&folder) {
                tracing::info!(folder = %folder.display(), "cleaning up after a run that was killed");
                sweep(&folder)?;
            }
        }
        let folder = runs.join(format!(
            "{}-{:04x}",
            std::process::id(),
            rand::random::<u16>()
        ));
        fs::create_dir_all(&folder)?;
        fs::write(
            folder.join(OWNER),
            serde_json::to_vec(&Identity::of_myself())?,
        )?;
        Ok(Self { folder })
    }

    /// The folder of this run.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder where the processes of tests are noted.
    pub fn notes(&self) -> PathBuf {
        self.folder.join("processes")
    }

    /// Stops what is left and removes the folder.
    pub fn end(self) -> io::Result<()> {
        sweep(&self.folder)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // After `end` there is nothing left to do; otherwise the failure that brought us here is
        // what the user has to hear of.
        let _ = sweep(&self.folder);
    }
}

fn is_abandoned(run: &Path) -> bool {
    let owner = fs::read(run.join(OWNER)).ok();
    let owner = owner.and_then(|text| serde_json::from_slice::<Identity>(&text).ok());
    owner.is_some_and(|owner| !owner.is_alive())
}

fn sweep(run: &Path) -> io::Result<()> {
    for path in notes_below(run, NOTES_DEPTH) {
        if let Some(note) = Note::read(&path) {
            note.settle(&path)?;
        }
    }
    match fs::remove_dir_all(run) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn notes_below(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let deeper = folders.iter().filter(|_| depth > 1);
    files
        .into_iter()
        .filter(|file| {
            file.extension()
                .is_some_and(|extension| extension == NOTE_EXTENSION)
        })
        .chain(deeper.flat_map(|folder| notes_below(folder, depth - 1)))
        .collect()
}
