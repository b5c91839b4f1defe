//! An order as its buyer sees it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::layouts::Layout;
use crate::money::Money;

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[sqlx(type_name = "order_state", rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum OrderState {
    /// A payment runs.
    Pending,
    /// The buyer has to do something at the gateway.
    ActionRequired,
    /// Whether money was taken is not known yet; it will be.
    PaymentUnknown,
    /// The seats are the buyer's.
    Confirmed,
    /// No money was taken, or it has been given back. The hold may still live.
    Failed,
    /// It was confirmed, and is no more.
    Cancelled,
}

/// What a buyer buys.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderDocument {
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    #[schema(value_type = String, format = "uuid")]
    hold: Uuid,
    performance: i64,
    state: OrderState,
    seats: Vec<String>,
    amount: Money,
    /// Why it failed or was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// An order as the database has it.
pub(super) struct OrderRow {
    pub(super) id: Uuid,
    pub(super) hold: Uuid,
    pub(super) performance: i64,
    pub(super) layout: i64,
    pub(super) state: OrderState,
    pub(super) seats: Vec<i32>,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) reason: Option<String>,
    pub(super) created_at: Timestamp,
}

impl OrderDocument {
    pub(super) fn of(row: OrderRow, layout: &Layout) -> Self {
        Self {
            id: row.id,
            hold: row.hold,
            performance: row.performance,
            state: row.state,
            seats: layout.names(&row.seats),
            amount: Money::new(row.amount, row.currency),
            reason: row.reason,
            created_at: row.created_at,
        }
    }

    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    pub(crate) fn state(&self) -> OrderState {
        self.state
    }

    pub(crate) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}
