//! Whether there is a schema of ours at all.

use crate::database::{Connection, DatabaseError};

/// Whether anything has ever been migrated there.
pub(super) async fn is_migrated(connection: &mut Connection) -> Result<bool, DatabaseError> {
    let is_migrated = sqlx::query_scalar!(
        r#"SELECT to_regclass('_sqlx_migrations') IS NOT NULL AS "is_migrated!""#
    )
    .fetch_one(&mut **connection)
    .await?;
    Ok(is_migrated)
}
