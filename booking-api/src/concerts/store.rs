//! Concerts in the database.

use jiff_sqlx::Timestamp;

use super::Concert;
use super::change::ConcertChange;
use super::create::NewConcert;
use crate::database::{Connection, DatabaseError, Primary, Replica};

/// Creates a concert; its id.
pub(super) async fn create(
    primary: &Primary,
    new: &NewConcert,
    created_by: &str,
) -> Result<i64, DatabaseError> {
    let mut connection = primary.connection().await?;
    let id = sqlx::query_scalar!(
        "INSERT INTO concert (title, venue, description, created_by) VALUES ($1, $2, $3, $4) RETURNING id",
        new.title,
        new.venue,
        new.description,
        created_by
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok(id)
}

/// Changes what is given; false when there is no such concert.
pub(super) async fn change(
    primary: &Primary,
    id: i64,
    change: &ConcertChange,
) -> Result<bool, DatabaseError> {
    let mut connection = primary.connection().await?;
    let changed = sqlx::query!(
        "UPDATE concert SET title = coalesce($2, title), venue = coalesce($3, venue),
                            description = coalesce($4, description)
          WHERE id = $1",
        id,
        change.title.as_deref(),
        change.venue.as_deref(),
        change.description.as_deref()
    )
    .execute(&mut *connection)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// One concert.
pub(super) async fn get(
    connection: &mut Connection,
    id: i64,
) -> Result<Option<Concert>, DatabaseError> {
    let row = sqlx::query!(
        r#"
        SELECT c.id, c.title, c.venue, c.description,
               (SELECT min(starts_at) FROM performance p
                 WHERE p.concert_id = c.id AND withdrawn_at IS NULL AND starts_at > statement_timestamp())
               AS "next_performance_at: Timestamp"
          FROM concert c WHERE c.id = $1
        "#,
        id
    )
    .fetch_optional(&mut **connection)
    .await?;
    Ok(row.map(|row| Concert {
        id: row.id,
        title: row.title,
        venue: row.venue,
        description: row.description,
        next_performance_at: row.next_performance_at.map(Timestamp::to_jiff),
    }))
}

/// Concerts, newest first, below the id `before`.
pub(super) async fn list(
    replica: &Replica,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Concert>, DatabaseError> {
    let mut connection = replica.connection().await?;
    let rows = sqlx::query!(
        r#"
        SELECT c.id, c.title, c.venue, c.description,
               (SELECT min(starts_at) FROM performance p
                 WHERE p.concert_id = c.id AND withdrawn_at IS NULL AND starts_at > statement_timestamp())
               AS "next_performance_at: Timestamp"
          FROM concert c WHERE c.id < coalesce($1, 9223372036854775807) ORDER BY c.id DESC LIMIT $2
        "#,
        before,
        limit
    )
    .fetch_all(&mut *connection)
    .await?;
    let concerts = rows.into_iter().map(|row| Concert {
        id: row.id,
        title: row.title,
        venue: row.venue,
        description: row.description,
        next_performance_at: row.next_performance_at.map(Timestamp::to_jiff),
    });
    Ok(concerts.collect())
}
