//! `booking-api migrate`: bring the database to the schema of this version.

use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use tracing::{info, warn};

use crate::database::{DatabaseError, Primary};
use crate::settings::MigrateArgs;

/// All migrations, embedded in the program.
pub static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// Between two tries to reach a database that is still starting.
const AGAIN_AFTER: Duration = Duration::from_millis(250);

/// Why the schema is not this version's.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database did not come up in time.
    #[error("the database cannot be reached")]
    Unreachable(#[source] sqlx::Error),
    /// A migration failed.
    #[error("the database could not be migrated")]
    Migration(#[source] MigrateError),
    /// The schema cannot be looked at.
    #[error("the schema of the database cannot be looked at")]
    Unknown(#[source] DatabaseError),
    /// Migrations of this version are missing.
    #[error("the database lacks {0} of this version's migrations: run `booking-api migrate` first")]
    Behind(usize),
}

/// Waits for the database, within limits, and migrates it.
pub async fn migrate(settings: &MigrateArgs) -> Result<(), MigrationError> {
    let wait = Duration::from_secs(settings.migrate_wait_seconds);
    let mut connection = connect(&settings.database.database_url.options(), wait).await?;
    // The migrator takes an advisory lock, so that several may run at once.
    MIGRATOR.run(&mut connection).await.map_err(MigrationError::Migration)?;
    info!(migrations = MIGRATOR.iter().count(), "the database is current");
    Ok(())
}

async fn connect(address: &PgConnectOptions, wait: Duration) -> Result<PgConnection, MigrationError> {
    let give_up_at = tokio::time::Instant::now() + wait;
    loop {
        let error = match address.connect().await {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        if tokio::time::Instant::now() >= give_up_at {
            return Err(MigrationError::Unreachable(error));
        }
        warn!(%error, "the database is not there yet");
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

/// Refuses a database that lacks a migration of this version. One of a later version is fine: migrations go forward only,
/// and for the length of a rollout both versions serve.
pub async fn check_is_current(primary: &Primary) -> Result<(), MigrationError> {
    let mut connection = primary.connection().await.map_err(MigrationError::Unknown)?;
    let applied = sqlx::migrate::Migrate::list_applied_migrations(&mut *connection, &MIGRATOR.table_name)
        .await
        .map_err(MigrationError::Migration)?;
    let is_missing = |version: i64| !applied.iter().any(|migration| migration.version == version);
    match MIGRATOR.iter().filter(|migration| is_missing(migration.version)).count() {
        0 => Ok(()),
        missing => Err(MigrationError::Behind(missing)),
    }
}
