//! What is still sold, and what is left of it. From the primary: a replica that is behind would tell of seats that are gone.

use shared::ids::RoomName;
use shared::room::SeatsLeft;

use crate::database::{DatabaseError, Primary};

/// Counting reads every seat; a count that takes longer is given up rather than piling up behind it.
const COUNT_TIMEOUT: &str = "1500ms";

/// A performance that is still sold, now or later.
#[derive(Debug)]
pub(super) struct OnSale {
    pub(super) id: i64,
    pub(super) room: RoomName,
}

/// The performances that are still sold of `rooms_most` rooms at most, those with the next performance first.
pub(super) async fn on_sale(
    primary: &Primary,
    rooms_most: i64,
) -> Result<Vec<OnSale>, DatabaseError> {
    let mut connection = primary.connection().await?;
    let rows = sqlx::query!(
        r#"
        SELECT id, room FROM performance
         WHERE withdrawn_at IS NULL AND sale_closes_at > statement_timestamp()
           AND room IN (
               SELECT room FROM performance WHERE withdrawn_at IS NULL AND sale_closes_at > statement_timestamp()
                GROUP BY room ORDER BY min(starts_at), room LIMIT $1)
        "#,
        rooms_most
    )
    .fetch_all(&mut *connection)
    .await?;
    let on_sale = rows.into_iter().map(|row| OnSale {
        id: row.id,
        room: parse(&row.room),
    });
    Ok(on_sale.collect())
}

/// Rooms whose last sale has ended within the time for which a silent shop is remembered there, and an hour more.
pub(super) async fn lately_ended(
    primary: &Primary,
    rooms_most: i64,
) -> Result<Vec<RoomName>, DatabaseError> {
    let mut connection = primary.connection().await?;
    let rooms = sqlx::query_scalar!(
        r#"
        SELECT DISTINCT room FROM performance
         WHERE (sale_closes_at <= statement_timestamp() AND sale_closes_at > statement_timestamp() - interval '25 hours')
            OR withdrawn_at > statement_timestamp() - interval '25 hours'
         LIMIT $1
        "#,
        rooms_most
    )
    .fetch_all(&mut *connection)
    .await?;
    Ok(rooms.iter().map(|room| parse(room)).collect())
}

/// What is left of each of the performances, at one instant. An expired hold is free by predicate, whether or not anybody
/// has tidied it; a payment in progress keeps its seats held until its deadline.
pub(super) async fn count(
    primary: &Primary,
    performances: &[i64],
) -> Result<Vec<SeatsLeft>, DatabaseError> {
    let mut connection = primary.connection().await?;
    let mut transaction = sqlx::Connection::begin(&mut *connection).await?;
    sqlx::query!(
        "SELECT set_config('statement_timeout', $1, true)",
        COUNT_TIMEOUT
    )
    .fetch_one(&mut *transaction)
    .await?;
    let rows = sqlx::query!(
        r#"
        SELECT performance_id,
               count(*) FILTER (WHERE NOT blocked AND (status = 'AVAILABLE'
                    OR (status = 'TEMPORARILY_RESERVED' AND hold_expires_at <= statement_timestamp()))) AS "sellable!",
               count(*) FILTER (WHERE status = 'TEMPORARILY_RESERVED'
                    AND hold_expires_at > statement_timestamp()) AS "held!"
          FROM seat WHERE performance_id = ANY ($1) GROUP BY performance_id
        "#,
        performances
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let left = rows.into_iter().map(|row| SeatsLeft {
        performance: row.performance_id,
        sellable: row.sellable.unsigned_abs(),
        held: row.held.unsigned_abs(),
    });
    Ok(left.collect())
}

fn parse(room: &str) -> RoomName {
    room.parse()
        .expect("the database checks the names of rooms")
}
