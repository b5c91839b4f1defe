//! Orders in the database. The steps of payments write them; here they are only read.

use jiff_sqlx::Timestamp;
use uuid::Uuid;

use super::document::{OrderRow, OrderState};
use crate::database::{DatabaseError, Primary};

/// A buyer's orders, newest first, older than the order `before`.
pub(super) async fn list(
    primary: &Primary,
    buyer: &str,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<OrderRow>, DatabaseError> {
    let mut connection = primary.connection().await?;
    let rows = sqlx::query_as!(
        OrderRow,
        r#"
        SELECT o.id, o.hold_id AS hold, o.performance_id AS performance, p.layout_id AS layout,
               o.state AS "state: OrderState", o.seats, o.amount, o.currency, o.reason,
               o.created_at AS "created_at: Timestamp"
          FROM orders o JOIN performance p ON p.id = o.performance_id
         WHERE o.buyer = $1 AND ($2::uuid IS NULL OR o.id < $2)
         ORDER BY o.id DESC LIMIT $3
        "#,
        buyer,
        before,
        limit
    )
    .fetch_all(&mut *connection)
    .await?;
    Ok(rows)
}

/// One order of a buyer.
pub(super) async fn get(
    primary: &Primary,
    order: Uuid,
    buyer: &str,
) -> Result<Option<OrderRow>, DatabaseError> {
    let mut connection = primary.connection().await?;
    let row = sqlx::query_as!(
        OrderRow,
        r#"
        SELECT o.id, o.hold_id AS hold, o.performance_id AS performance, p.layout_id AS layout,
               o.state AS "state: OrderState", o.seats, o.amount, o.currency, o.reason,
               o.created_at AS "created_at: Timestamp"
          FROM orders o JOIN performance p ON p.id = o.performance_id
         WHERE o.id = $1 AND o.buyer = $2
        "#,
        order,
        buyer
    )
    .fetch_optional(&mut *connection)
    .await?;
    Ok(row)
}
