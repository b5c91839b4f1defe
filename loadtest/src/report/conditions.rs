//! What the figures of a run depend on, so that nobody compares what cannot be compared.

use std::path::Path;
use std::process::Command;

use serde::Serialize;

use crate::books;

/// Machine, builds, stores and settings.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ReportConditions {
    pub cores: usize,
    /// How the services were built.
    pub profile: &'static str,
    /// How the load generator was built.
    pub generator_profile: &'static str,
    pub version: &'static str,
    /// The commit of the folder in which it runs, with a `+` when something differs from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    pub measured_at: String,
    pub postgres: String,
    pub fsync: String,
    pub synchronous_commit: String,
    pub redis: String,
}

impl ReportConditions {
    pub(crate) fn of(database: books::Conditions, redis: String, bin: &Path) -> Self {
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            profile: profile_of(bin),
            generator_profile: if cfg!(debug_assertions) {
                "dev"
            } else {
                "release"
            },
            version: env!("CARGO_PKG_VERSION"),
            commit: commit(),
            measured_at: measured_at(),
            postgres: database.version,
            fsync: database.fsync,
            synchronous_commit: database.synchronous_commit,
            redis,
        }
    }
}

/// The day and the minute.
pub(crate) fn measured_at() -> String {
    jiff::Timestamp::now().strftime("%F %R UTC").to_string()
}

/// What is measured: the commit of the folder in which this runs, with a `+` when something differs from it. `None`
/// outside of a repository.
pub(crate) fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=10", "HEAD"])?;
    let changes = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changes.is_empty() {
        commit
    } else {
        format!("{commit}+")
    })
}

/// How the services in a folder of programs were built: cargo names the folder after the profile.
pub(crate) fn profile_of(bin: &Path) -> &'static str {
    if bin.file_name().is_some_and(|folder| folder == "release") {
        "release"
    } else {
        "dev"
    }
}
