//! `booking-api migrate`: bring the database to the schema of this version.

mod store;

use std::time::Duration;

use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::database::{Connection, DatabaseError, Primary, Replica};
use crate::settings::MigrateArgs;

/// All migrations, embedded in the program.
pub static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// Between two tries to reach a database that is still starting.
const AGAIN_AFTER: Duration = Duration::from_millis(250);
/// A replica that is further behind right after a migration has a problem that somebody should look at.
const REPLICA_CATCHES_UP_WITHIN: Duration = Duration::from_secs(30);

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
    #[error("a database lacks {0} of this version's migrations: run `booking-api migrate` first")]
    Behind(usize),
}

/// Waits for the database, within limits, and migrates it.
pub async fn migrate(settings: &MigrateArgs) -> Result<(), MigrationError> {
    let wait = Duration::from_secs(settings.migrate_wait_seconds);
    let mut connection = connect(&settings.database.database_url.options(), wait).await?;
    // The migrator takes an advisory lock, so that several may run at once.
    MIGRATOR
        .run(&mut connection)
        .await
        .map_err(MigrationError::Migration)?;
    info!(
        migrations = MIGRATOR.iter().count(),
        "the database is current"
    );
    Ok(())
}

async fn connect(
    address: &PgConnectOptions,
    wait: Duration,
) -> Result<PgConnection, MigrationError> {
    let give_up_at = Instant::now() + wait;
    loop {
        let error = match address.connect().await {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        if Instant::now() >= give_up_at {
            return Err(MigrationError::Unreachable(error));
        }
        warn!(%error, "the database is not there yet");
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

/// Refuses a database that lacks a migration of this version. One of a later version is fine: migrations go forward only,
/// and for the length of a rollout both versions serve.
pub async fn check_is_current(primary: &Primary) -> Result<(), MigrationError> {
    let mut connection = primary
        .connection()
        .await
        .map_err(MigrationError::Unknown)?;
    check(&mut connection).await
}

/// The same for the replica, which may have to catch up first.
pub async fn wait_until_current(replica: &Replica) -> Result<(), MigrationError> {
    let give_up_at = Instant::now() + REPLICA_CATCHES_UP_WITHIN;
    loop {
        let mut connection = replica
            .unchecked_connection()
            .await
            .map_err(MigrationError::Unknown)?;
        match check(&mut connection).await {
            Err(MigrationError::Behind(missing)) if Instant::now() < give_up_at => {
                warn!(
                    missing,
                    "the replica has not caught up with the migrations yet"
                );
            }
            checked => return checked,
        }
        drop(connection);
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

async fn check(connection: &mut Connection) -> Result<(), MigrationError> {
    let unknown = |error| MigrationError::Unknown(DatabaseError::from(error));
    let is_migrated = store::is_migrated(connection)
        .await
        .map_err(MigrationError::Unknown)?;
    let mut applied = Vec::new();
    if is_migrated {
        let listed = connection
            .list_applied_migrations(&MIGRATOR.table_name)
            .await;
        applied = listed.map_err(|error| match error {
            MigrateError::Execute(error) => unknown(error),
            error => MigrationError::Migration(error),
        })?;
    }
    let is_missing = |version: i64| !applied.iter().any(|migration| migration.version == version);
    match MIGRATOR
        .iter()
        .filter(|migration| is_missing(migration.version))
        .count()
    {
        0 => Ok(()),
        missing => Err(MigrationError::Behind(missing)),
    }
}
