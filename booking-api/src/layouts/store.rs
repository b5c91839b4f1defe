//! Layouts in the database: the document, and one row per seat for joins.

use crate::database::{DatabaseError, Primary};

use super::document::LayoutDocument;

/// Seats are inserted with one statement, which for 100,000 of them takes longer than others may.
const IMPORT_TIMEOUT: &str = "60s";

/// Keeps a layout; `false` when it was there already.
pub(super) async fn create(
    primary: &Primary,
    document: &LayoutDocument,
    content: &str,
    hash: &str,
) -> Result<bool, DatabaseError> {
    let names: Vec<String> = document.seats().map(|seat| seat.name.to_string()).collect();
    let tiers: Vec<String> = document.seats().map(|seat| seat.tier.clone()).collect();
    let accessible: Vec<bool> = document.seats().map(|seat| seat.accessible).collect();
    let count = i32::try_from(names.len()).expect("a layout has at most 100,000 seats");

    let mut connection = primary.connection().await?;
    let mut transaction = sqlx::Connection::begin(&mut *connection).await?;
    sqlx::query!(
        "SELECT set_config('statement_timeout', $1, true)",
        IMPORT_TIMEOUT
    )
    .fetch_one(&mut *transaction)
    .await?;
    let id = sqlx::query_scalar!(
        "INSERT INTO layout (hash, name, seats, document) VALUES ($1, $2, $3, $4)
         ON CONFLICT ON CONSTRAINT layout_hash_key DO NOTHING RETURNING id",
        hash,
        document.name,
        count,
        content
    )
    .fetch_optional(&mut *transaction)
    .await?;
    let Some(id) = id else { return Ok(false) };
    sqlx::query!(
        "INSERT INTO layout_seat (layout_id, seat_no, name, tier, accessible)
         SELECT $1, (place - 1)::int, name, tier, accessible
           FROM unnest($2::text[], $3::text[], $4::boolean[]) WITH ORDINALITY AS s (name, tier, accessible, place)",
        id,
        &names,
        &tiers,
        &accessible
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(true)
}

/// Hash and content of a layout that a performance refers to.
pub(super) async fn by_id(primary: &Primary, id: i64) -> Result<(String, String), DatabaseError> {
    let mut connection = primary.connection().await?;
    let row = sqlx::query!("SELECT hash, document FROM layout WHERE id = $1", id)
        .fetch_one(&mut *connection)
        .await?;
    Ok((row.hash, row.document))
}

/// Content of the layout with a hash. From the primary: a layout is asked for as soon as it was made, and then cached by
/// everybody for good.
pub(super) async fn by_hash(
    primary: &Primary,
    hash: &str,
) -> Result<Option<String>, DatabaseError> {
    let mut connection = primary.connection().await?;
    let document = sqlx::query_scalar!("SELECT document FROM layout WHERE hash = $1", hash)
        .fetch_optional(&mut *connection)
        .await?;
    Ok(document)
}
