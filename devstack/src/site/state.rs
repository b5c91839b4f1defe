//! `state.json`: what was started here and how, so that it can be brought back and stopped.

use std::{
    io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use devstack::{process::Launch, whole_file};
use serde::{Deserialize, Serialize};

use super::addresses::Addresses;

/// Everything that one `up` has to tell the next, and `down`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Folder of the build that runs.
    pub(super) bin: PathBuf,
    /// What was started, in this order.
    pub(super) processes: Vec<Launch>,
    /// Folders of stores that had to be outside of the state folder.
    pub(super) outside: Vec<PathBuf>,
    pub(super) redis: Option<String>,
    pub(super) postgres: Option<String>,
    pub(super) replica: Option<String>,
    pub(super) addresses: Option<Addresses>,
    /// Id of the demo performance.
    pub(super) performance: Option<String>,
}

impl State {
    /// What the last command left; empty if there was none.
    pub(super) fn load(path: &Path) -> anyhow::Result<Self> {
        match std::fs::read(path) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| {
                format!(
                    "{} is damaged or of another version. `devstack down --force` stops what is \
                     noted in the logs folder and begins anew",
                    path.display()
                )
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
        }
    }

    pub(super) fn save(&self, path: &Path) -> anyhow::Result<()> {
        whole_file::write(path, &serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("writing {}", path.display()))
    }

    /// How a process of this name was started.
    pub(super) fn launch(&self, name: &str) -> Option<&Launch> {
        self.processes.iter().find(|launch| launch.name == name)
    }
}
