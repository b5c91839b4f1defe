//! The outbox in the database.

use std::time::Duration;

use uuid::Uuid;

use crate::database::{DatabaseError, Primary};
use crate::settings::PaymentArgs;

/// A call that is due.
pub(super) struct Entry {
    pub(super) id: i64,
    pub(super) kind: String,
    pub(super) payment: Uuid,
    pub(super) performance: i64,
    pub(super) reference: Option<String>,
    /// What the gateway has captured, in minor units.
    pub(super) captured: i64,
    /// How often it was tried, this time included.
    pub(super) attempts: i32,
}

/// Takes some entries for as long as `lease`, the longest due first, of each payment only the oldest.
pub(super) async fn claim(
    primary: &Primary,
    most: i64,
    lease: Duration,
) -> Result<Vec<Entry>, DatabaseError> {
    let mut connection = primary.connection().await?;
    let entries = sqlx::query_as!(
        Entry,
        r#"
        WITH due AS (
            SELECT id FROM outbox o
             WHERE done_at IS NULL AND due_at <= clock_timestamp() AND kind IN ('capture', 'void', 'refund')
               AND NOT EXISTS (SELECT FROM outbox earlier
                                WHERE earlier.payment_id = o.payment_id AND earlier.done_at IS NULL AND earlier.id < o.id)
             ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        UPDATE outbox o
           SET due_at = clock_timestamp() + make_interval(secs => $2), attempts = o.attempts + 1
          FROM due, payment p, orders b
         WHERE o.id = due.id AND p.id = o.payment_id AND b.id = p.order_id
        RETURNING o.id, o.kind, p.id AS payment, b.performance_id AS performance, p.gateway_ref AS reference,
                  p.captured, o.attempts
        "#,
        most,
        lease.as_secs_f64()
    )
    .fetch_all(&mut *connection)
    .await?;
    Ok(entries)
}

/// Step K and its siblings: the gateway has done it.
pub(super) async fn settle(
    primary: &Primary,
    entry: &Entry,
    limits: &PaymentArgs,
) -> Result<String, DatabaseError> {
    let mut connection = primary.connection_to_finish().await?;
    let outcome = sqlx::query_scalar!(
        r#"SELECT settle_payment($1, $2, $3, make_interval(secs => $4)) AS "outcome!""#,
        entry.id,
        entry.payment,
        entry.kind,
        f64::from(limits.hold_after_decline_seconds)
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok(outcome)
}

/// The gateway will never pay out: the seats are free again and the order is cancelled.
pub(super) async fn refuse_capture(
    primary: &Primary,
    entry: &Entry,
    reason: &str,
) -> Result<String, DatabaseError> {
    let mut connection = primary.connection_to_finish().await?;
    let outcome = sqlx::query_scalar!(
        r#"SELECT refuse_capture($1, $2, $3) AS "outcome!""#,
        entry.id,
        entry.payment,
        reason
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok(outcome)
}

/// Puts an entry off until the gateway may be back.
pub(super) async fn put_off(
    primary: &Primary,
    entry: i64,
    pause: Duration,
) -> Result<(), DatabaseError> {
    let mut connection = primary.connection_to_finish().await?;
    sqlx::query!(
        "UPDATE outbox SET due_at = clock_timestamp() + make_interval(secs => $2) WHERE id = $1 AND done_at IS NULL",
        entry,
        pause.as_secs_f64()
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}
