//! Performances in the database.

use std::time::Duration;

use jiff_sqlx::{Timestamp, ToSqlx};
use shared::problem::Problem;
use sqlx::PgConnection;

use super::Performance;
use super::create::Planned;
use super::document::PerformanceSummary;
use super::statistics::{Count, Statistics};
use super::terms::Terms;
use crate::database::{Connection, DatabaseError, Primary, Replica};
use crate::error::ApiError;

/// One statement inserts all seats, which for 100,000 of them takes longer than others may.
const CREATE_TIMEOUT: &str = "60s";
/// Most performances that a concert's page lists.
const LISTED_MOST: i64 = 200;

/// The performance, unless it was withdrawn.
pub(super) async fn get(primary: &Primary, id: i64) -> Result<Option<Performance>, DatabaseError> {
    let mut connection = primary.connection().await?;
    let row = sqlx::query!(
        r#"
        SELECT p.id, p.concert_id, c.title, c.venue, p.layout_id, p.room, p.currency,
               p.starts_at AS "starts_at: Timestamp", p.sale_opens_at AS "sale_opens_at: Timestamp",
               p.sale_closes_at AS "sale_closes_at: Timestamp", p.seats_per_buyer_max,
               extract(epoch FROM p.hold_ttl)::bigint AS "hold_ttl_seconds!",
               array(SELECT tier FROM performance_tier t WHERE t.performance_id = p.id ORDER BY price DESC, tier) AS "tiers!",
               array(SELECT price FROM performance_tier t WHERE t.performance_id = p.id ORDER BY price DESC, tier) AS "prices!"
          FROM performance p JOIN concert c ON c.id = p.concert_id
         WHERE p.id = $1 AND p.withdrawn_at IS NULL
        "#,
        id
    )
    .fetch_optional(&mut *connection)
    .await?;
    Ok(row.map(|row| Performance {
        id: row.id,
        concert: row.concert_id,
        title: row.title,
        venue: row.venue,
        layout: row.layout_id,
        room: row
            .room
            .parse()
            .expect("the database checks the names of rooms"),
        currency: row.currency,
        starts_at: row.starts_at.to_jiff(),
        sale_opens_at: row.sale_opens_at.to_jiff(),
        sale_closes_at: row.sale_closes_at.to_jiff(),
        seats_per_buyer_max: row.seats_per_buyer_max,
        hold_ttl: Duration::from_secs(row.hold_ttl_seconds.unsigned_abs()),
        prices: row.tiers.into_iter().zip(row.prices).collect(),
    }))
}

/// The performances of a concert that were not withdrawn.
pub(super) async fn summaries(
    connection: &mut Connection,
    concert: i64,
) -> Result<Vec<PerformanceSummary>, DatabaseError> {
    let summaries = sqlx::query_as!(
        PerformanceSummary,
        r#"
        SELECT id, starts_at AS "starts_at: Timestamp", sale_opens_at AS "sale_opens_at: Timestamp",
               sale_closes_at AS "sale_closes_at: Timestamp", room
          FROM performance
         WHERE concert_id = $1 AND withdrawn_at IS NULL ORDER BY starts_at, id LIMIT $2
        "#,
        concert,
        LISTED_MOST
    )
    .fetch_all(&mut **connection)
    .await?;
    Ok(summaries)
}

/// What a layout has to offer to a new performance.
pub(super) struct LayoutOffer {
    pub(super) id: i64,
    pub(super) tiers: Vec<String>,
}

/// The layout with a hash.
pub(super) async fn layout(
    primary: &Primary,
    hash: &str,
) -> Result<Option<LayoutOffer>, DatabaseError> {
    let mut connection = primary.connection().await?;
    let offer = sqlx::query_as!(
        LayoutOffer,
        r#"
        SELECT l.id, array(SELECT DISTINCT tier FROM layout_seat s WHERE s.layout_id = l.id ORDER BY tier) AS "tiers!"
          FROM layout l WHERE l.hash = $1
        "#,
        hash
    )
    .fetch_optional(&mut *connection)
    .await?;
    Ok(offer)
}

/// Creates a performance with all of its seats, free. Its id.
pub(super) async fn create(primary: &Primary, planned: &Planned) -> Result<i64, DatabaseError> {
    let starts_at = planned.terms.starts_at.to_sqlx();
    let mut connection = primary.connection().await?;
    // Committed on its own: it locks the seats of all performances for a moment, and the rest takes longer.
    sqlx::query!(
        "SELECT ensure_reservation_partition(($1::timestamptz AT TIME ZONE 'UTC')::date)",
        starts_at as _
    )
    .fetch_one(&mut *connection)
    .await?;

    let mut transaction = sqlx::Connection::begin(&mut *connection).await?;
    sqlx::query!(
        "SELECT set_config('statement_timeout', $1, true)",
        CREATE_TIMEOUT
    )
    .fetch_one(&mut *transaction)
    .await?;
    let id = sqlx::query_scalar!(
        "INSERT INTO performance (concert_id, layout_id, starts_at, partition_date, sale_opens_at, sale_closes_at, room,
                                  currency, seats_per_buyer_max, hold_ttl, created_by)
         VALUES ($1, $2, $3, ($3 AT TIME ZONE 'UTC')::date, $4, $5, $6, $7, $8, make_interval(secs => $9), $10)
         RETURNING id",
        planned.concert,
        planned.layout,
        starts_at as _,
        planned.terms.sale_opens_at.to_sqlx() as _,
        planned.terms.sale_closes_at.to_sqlx() as _,
        planned.terms.room.as_str(),
        planned.currency,
        planned.terms.seats_per_buyer_max,
        f64::from(planned.terms.hold_ttl_seconds),
        planned.created_by.as_str()
    )
    .fetch_one(&mut *transaction)
    .await?;
    sqlx::query!(
        "INSERT INTO performance_tier (performance_id, tier, price) SELECT $1, * FROM unnest($2::text[], $3::bigint[])",
        id,
        &planned.tiers,
        &planned.prices
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!(
        "INSERT INTO seat (performance_id, seat_no) SELECT $1, seat_no FROM layout_seat WHERE layout_id = $2",
        id,
        planned.layout
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(id)
}

/// Changes the terms of a performance that was not withdrawn; its concert, or `None` when there is no such performance.
///
/// The date of its partition stays: a performance that is moved keeps its books. FOR UPDATE for the reason given at
/// [`withdraw`]: a first hold in progress would otherwise write the quota that was true before.
pub(super) async fn change(
    primary: &Primary,
    id: i64,
    change: impl FnOnce(Terms) -> Result<Terms, Problem>,
) -> Result<Option<i64>, ApiError> {
    let mut connection = primary.connection().await?;
    let mut transaction = sqlx::Connection::begin(&mut *connection)
        .await
        .map_err(DatabaseError::from)?;
    let row = sqlx::query!(
        r#"
        SELECT concert_id, room, starts_at AS "starts_at: Timestamp", sale_opens_at AS "sale_opens_at: Timestamp",
               sale_closes_at AS "sale_closes_at: Timestamp", seats_per_buyer_max,
               extract(epoch FROM hold_ttl)::int AS "hold_ttl_seconds!"
          FROM performance WHERE id = $1 AND withdrawn_at IS NULL FOR UPDATE
        "#,
        id
    )
    .fetch_optional(&mut *transaction)
    .await
    .map_err(DatabaseError::from)?;
    let Some(row) = row else { return Ok(None) };
    let terms = change(Terms {
        room: row
            .room
            .parse()
            .expect("the table refuses any other name of a room"),
        starts_at: row.starts_at.to_jiff(),
        sale_opens_at: row.sale_opens_at.to_jiff(),
        sale_closes_at: row.sale_closes_at.to_jiff(),
        seats_per_buyer_max: row.seats_per_buyer_max,
        hold_ttl_seconds: row.hold_ttl_seconds.unsigned_abs(),
    })?;
    set_terms(&mut transaction, id, &terms).await?;
    transaction.commit().await.map_err(DatabaseError::from)?;
    Ok(Some(row.concert_id))
}

async fn set_terms(
    connection: &mut PgConnection,
    id: i64,
    terms: &Terms,
) -> Result<(), DatabaseError> {
    sqlx::query!(
        "UPDATE performance SET room = $2, starts_at = $3, sale_opens_at = $4, sale_closes_at = $5,
                                seats_per_buyer_max = $6, hold_ttl = make_interval(secs => $7)
          WHERE id = $1",
        id,
        terms.room.as_str(),
        terms.starts_at.to_sqlx() as _,
        terms.sale_opens_at.to_sqlx() as _,
        terms.sale_closes_at.to_sqlx() as _,
        terms.seats_per_buyer_max,
        f64::from(terms.hold_ttl_seconds)
    )
    .execute(&mut *connection)
    .await?;
    // Who has bought more already keeps it.
    sqlx::query!(
        "UPDATE buyer_quota SET max = greatest($2, reserved) WHERE performance_id = $1 AND max <> $2",
        id,
        terms.seats_per_buyer_max
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// Takes a performance off sale for good; its concert, or `None` when there is no such performance.
///
/// FOR UPDATE waits for every hold and confirmation in progress (they lock the performance FOR KEY SHARE), and those
/// that come later see the mark: nothing is sold after this has returned.
pub(super) async fn withdraw(primary: &Primary, id: i64) -> Result<Option<i64>, DatabaseError> {
    let mut connection = primary.connection().await?;
    let mut transaction = sqlx::Connection::begin(&mut *connection).await?;
    sqlx::query!("SELECT id FROM performance WHERE id = $1 FOR UPDATE", id)
        .fetch_optional(&mut *transaction)
        .await?;
    let concert = sqlx::query_scalar!(
        "UPDATE performance SET withdrawn_at = coalesce(withdrawn_at, clock_timestamp()) WHERE id = $1 RETURNING concert_id",
        id
    )
    .fetch_optional(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(concert)
}

/// Counts of one performance, withdrawn or not.
pub(super) async fn statistics(
    replica: &Replica,
    id: i64,
) -> Result<Option<Statistics>, DatabaseError> {
    let mut connection = replica.connection().await?;
    let currency = sqlx::query_scalar!("SELECT currency FROM performance WHERE id = $1", id)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(currency) = currency else {
        return Ok(None);
    };
    let seats = sqlx::query_as!(
        Count,
        r#"
        SELECT CASE WHEN blocked THEN 'BLOCKED'
                    WHEN status = 'TEMPORARILY_RESERVED' AND hold_expires_at <= statement_timestamp() THEN 'AVAILABLE'
                    ELSE status::text END AS "name!", count(*) AS "count!"
          FROM seat WHERE performance_id = $1 GROUP BY 1
        "#,
        id
    )
    .fetch_all(&mut *connection)
    .await?;
    let orders = sqlx::query_as!(
        Count,
        r#"SELECT state::text AS "name!", count(*) AS "count!" FROM orders WHERE performance_id = $1 GROUP BY 1"#,
        id
    )
    .fetch_all(&mut *connection)
    .await?;
    let revenue = sqlx::query_scalar!(
        r#"SELECT coalesce(sum(amount), 0)::bigint AS "revenue!" FROM orders WHERE performance_id = $1 AND state = 'CONFIRMED'"#,
        id
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok(Some(Statistics::new(id, seats, orders, revenue, currency)))
}
