//! What is asked of a database before it is trusted.

use super::{DatabaseError, Primary, Replica};

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The replica's address leads to a server that is no replica.
    #[error(
        "--replica-url leads to a server that is not a replica (pg_is_in_recovery() is false): \
         point it at a streaming replica of the primary"
    )]
    NoReplica,
    /// The primary's address leads to a server that only reads.
    #[error(
        "--database-url leads to a replica (pg_is_in_recovery() is true): point it at the primary"
    )]
    NoPrimary,
    /// It cannot be asked.
    #[error("{0} cannot be asked whether it is one")]
    Database(&'static str, #[source] DatabaseError),
}

/// Refuses a replica that is none: lists would be right, but the load would hit the primary unseen.
pub async fn check_is_replica(replica: &Replica) -> Result<(), StartError> {
    let failed = |error| StartError::Database("the replica", error);
    let mut connection = replica.unchecked_connection().await.map_err(failed)?;
    let in_recovery = sqlx::query_scalar!(r#"SELECT pg_is_in_recovery() AS "in_recovery!""#)
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| failed(error.into()))?;
    if in_recovery {
        Ok(())
    } else {
        Err(StartError::NoReplica)
    }
}

/// Refuses a primary that is none: every hold would fail.
pub async fn check_is_writable(primary: &Primary) -> Result<(), StartError> {
    let failed = |error| StartError::Database("the primary", error);
    let mut connection = primary.connection().await.map_err(failed)?;
    let in_recovery = sqlx::query_scalar!(r#"SELECT pg_is_in_recovery() AS "in_recovery!""#)
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| failed(error.into()))?;
    if in_recovery {
        Err(StartError::NoPrimary)
    } else {
        Ok(())
    }
}
