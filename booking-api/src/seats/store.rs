//! What the seats of a performance look like at one instant of the database's clock.

use std::time::Duration;

use crate::database::{DatabaseError, Primary, Replica};

/// The state of every seat at one instant.
pub(super) struct Look {
    /// One digit per seat in order: 0 free, 1 held, 2 sold, 3 blocked.
    pub(super) states: String,
    /// How long until the next hold expires.
    pub(super) next_expiry: Option<Duration>,
}

/// Looks at all seats. An expired hold is free by predicate, whether or not anybody has tidied it.
pub(super) async fn look(primary: &Primary, performance: i64) -> Result<Look, DatabaseError> {
    let mut connection = primary.connection().await?;
    let row = sqlx::query!(
        r#"
        SELECT string_agg(
                   CASE WHEN blocked THEN '3'
                        WHEN status = 'RESERVED' THEN '2'
                        WHEN status = 'TEMPORARILY_RESERVED' AND hold_expires_at > statement_timestamp() THEN '1'
                        ELSE '0' END, '' ORDER BY seat_no) AS states,
               (extract(epoch FROM min(hold_expires_at) FILTER (WHERE hold_expires_at > statement_timestamp())
                    - statement_timestamp()) * 1000000)::bigint AS next_expiry_us
          FROM seat WHERE performance_id = $1
        "#,
        performance
    )
    .fetch_one(&mut *connection)
    .await?;
    let next_expiry = row
        .next_expiry_us
        .and_then(|micros| u64::try_from(micros).ok());
    Ok(Look {
        states: row.states.unwrap_or_default(),
        next_expiry: next_expiry.map(Duration::from_micros),
    })
}

/// How many seats of a performance have a status.
pub(super) struct Count {
    pub(super) performance: i64,
    pub(super) status: String,
    pub(super) seats: i64,
}

/// Counts the seats of performances that are on sale, the next ones first. From the replica: it is for watching.
pub(super) async fn count_on_sale(
    replica: &Replica,
    most: i64,
) -> Result<Vec<Count>, DatabaseError> {
    let mut connection = replica.connection().await?;
    let counts = sqlx::query_as!(
        Count,
        r#"
        SELECT performance_id AS performance,
               CASE WHEN blocked THEN 'BLOCKED'
                    WHEN status = 'TEMPORARILY_RESERVED' AND hold_expires_at <= statement_timestamp() THEN 'AVAILABLE'
                    ELSE status::text END AS "status!",
               count(*) AS "seats!"
          FROM seat
         WHERE performance_id IN (
               SELECT id FROM performance
                WHERE withdrawn_at IS NULL AND sale_opens_at <= statement_timestamp() AND sale_closes_at > statement_timestamp()
                ORDER BY starts_at, id LIMIT $1)
         GROUP BY 1, 2
        "#,
        most
    )
    .fetch_all(&mut *connection)
    .await?;
    Ok(counts)
}

/// Reservations that have no partition of their own month. There should be none.
pub(super) async fn count_without_partition(replica: &Replica) -> Result<i64, DatabaseError> {
    let mut connection = replica.connection().await?;
    let count = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM reservation_default"#)
        .fetch_one(&mut *connection)
        .await?;
    Ok(count)
}
