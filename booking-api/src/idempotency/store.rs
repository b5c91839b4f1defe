//! Stored answers.

use serde_json::Value;

use super::Remembered;
use crate::database::{DatabaseError, Primary};
use crate::identity::User;

/// What an earlier request with the same key came to.
#[derive(Debug)]
pub(crate) enum Earlier {
    /// The same request: its answer.
    Same(Value),
    /// Another request: a mistake of the client.
    Other,
}

/// The stored answer of a request, if it was answered before.
pub(crate) async fn answered(
    primary: &Primary,
    user: &User,
    remembered: &Remembered,
) -> Result<Option<Earlier>, DatabaseError> {
    let mut connection = primary.connection().await?;
    let row = sqlx::query!(
        "SELECT fingerprint, answer FROM idempotency
          WHERE buyer = $1 AND route = $2 AND key = $3 AND recovery_point = 'ANSWERED'
            AND created_at > statement_timestamp() - interval '24 hours'",
        user.id(),
        remembered.route,
        remembered.key.as_str()
    )
    .fetch_optional(&mut *connection)
    .await?;
    Ok(row.map(|row| {
        let is_same = row.fingerprint == remembered.fingerprint;
        if is_same {
            Earlier::Same(row.answer.unwrap_or_default())
        } else {
            Earlier::Other
        }
    }))
}

/// Forgets keys, and sessions, whose time has passed. At most `most` of each; how many there were.
pub(super) async fn forget_old(primary: &Primary, most: i64) -> Result<u64, DatabaseError> {
    let mut connection = primary.connection().await?;
    let keys = sqlx::query!(
        "DELETE FROM idempotency WHERE (buyer, route, key) IN (
             SELECT buyer, route, key FROM idempotency
              WHERE created_at <= statement_timestamp() - interval '24 hours' ORDER BY created_at LIMIT $1
                FOR UPDATE SKIP LOCKED)",
        most
    )
    .execute(&mut *connection)
    .await?;
    let sessions = sqlx::query!(
        "DELETE FROM session WHERE id IN (
             SELECT id FROM session WHERE expires_at <= statement_timestamp() - interval '1 day' ORDER BY expires_at LIMIT $1
                FOR UPDATE SKIP LOCKED)",
        most
    )
    .execute(&mut *connection)
    .await?;
    Ok(keys.rows_affected() + sessions.rows_affected())
}
