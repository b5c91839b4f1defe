//! What the figures of a run depend on, so that nobody compares what cannot be compared.

use std::path::Path;

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
            postgres: database.version,
            fsync: database.fsync,
            synchronous_commit: database.synchronous_commit,
            redis,
        }
    }
}

/// How the services in a folder of programs were built: cargo names the folder after the profile.
pub(crate) fn profile_of(bin: &Path) -> &'static str {
    if bin.file_name().is_some_and(|folder| folder == "release") {
        "release"
    } else {
        "dev"
    }
}
