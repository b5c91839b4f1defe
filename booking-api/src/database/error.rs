//! What can go wrong with a database, sorted by what a caller can do about it.

use sqlx::error::ErrorKind;
use sqlx::postgres::PgDatabaseError;

/// Why a step was not done.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// More requests want a connection than may wait. Nothing was done.
    #[error("too many requests are waiting for the database")]
    Busy,
    /// The database cannot be reached, or the connection died: then the step may have been done.
    #[error("the database cannot be reached")]
    Unavailable(#[source] sqlx::Error),
    /// The replica was away when the service started, and is not used before it has been checked.
    #[error("the replica has not been checked yet")]
    Unchecked,
    /// Another transaction held a row for too long. Nothing was done.
    #[error("waited too long for a row")]
    LockTimeout(#[source] sqlx::Error),
    /// A rule of the schema was broken. Nothing was done.
    #[error("the constraint {name} refused")]
    Constraint {
        /// The constraint, whose name says which rule.
        name: String,
        /// What the database said.
        source: sqlx::Error,
    },
    /// A value came from outside that the database cannot hold. Nothing was done.
    #[error("a value cannot be stored")]
    Value(#[source] sqlx::Error),
    /// One of our own steps raised this. Nothing was done.
    #[error("the step was refused with {code}")]
    Refused {
        /// The code it was raised with, ON…
        code: String,
        /// What the database said.
        source: sqlx::Error,
    },
    /// Anything else: a mistake of ours, or a full disk.
    #[error("the database failed")]
    Failed(#[source] sqlx::Error),
}

/// Codes of SQLSTATE that mean "not now" rather than "never":
/// shutting down, starting up, too many connections, out of memory or disk, read-only after a failover, taking too long,
/// and a replica's own: in conflict with what it replays.
const AWAY: [&str; 10] = [
    "57P01", "57P02", "57P03", "53300", "53100", "53200", "25006", "57014", "25P03", "40001",
];
const LOCK_NOT_AVAILABLE: &str = "55P03";
/// Class 22: characters that are none, numbers and times out of range.
const DATA_EXCEPTION: &str = "22";
const DEADLOCK_DETECTED: &str = "40P01";

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        let Some(refusal) = error.as_database_error() else {
            return match error {
                sqlx::Error::PoolTimedOut => Self::Busy,
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
                other => Self::Failed(other),
            };
        };
        let code = refusal.code().unwrap_or_default().into_owned();
        if code == LOCK_NOT_AVAILABLE || code == DEADLOCK_DETECTED {
            return Self::LockTimeout(error);
        }
        if AWAY.contains(&code.as_str()) || is_fatal(&error) {
            return Self::Unavailable(error);
        }
        if code.starts_with(DATA_EXCEPTION) {
            return Self::Value(error);
        }
        if code.starts_with("ON") {
            return Self::Refused {
                code,
                source: error,
            };
        }
        match (refusal.constraint(), refusal.kind()) {
            (Some(name), kind) if kind != ErrorKind::Other => Self::Constraint {
                name: name.to_owned(),
                source: error,
            },
            _ => Self::Failed(error),
        }
    }
}

fn is_fatal(error: &sqlx::Error) -> bool {
    let refusal = error
        .as_database_error()
        .and_then(|any| any.try_downcast_ref::<PgDatabaseError>());
    refusal.is_some_and(|refusal| refusal.severity() == sqlx::postgres::PgSeverity::Fatal)
}

impl DatabaseError {
    /// Whether the rule called `constraint` was broken.
    pub fn broke(&self, constraint: &str) -> bool {
        matches!(self, Self::Constraint { name, .. } if name == constraint)
    }

    /// Whether no server has answered at all.
    pub(crate) fn is_out_of_reach(&self) -> bool {
        match self {
            Self::Busy => true,
            Self::Unavailable(error) => error.as_database_error().is_none(),
            _ => false,
        }
    }

    /// Whether a step of ours raised `expected`.
    pub fn is_refusal(&self, expected: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == expected)
    }
}
