//! A hold as its buyer sees it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::layouts::Layout;
use crate::money::Money;

/// Where a hold stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[sqlx(type_name = "hold_state", rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum HoldState {
    /// The seats are the buyer's until it expires.
    Active,
    /// A payment runs.
    Paying,
    /// It was paid: see its order.
    Converted,
    /// The buyer gave it back.
    Released,
    /// It had expired, and a seat of it went to somebody else.
    Lost,
}

/// Seats reserved for one buyer until a time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HoldDocument {
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    performance: i64,
    seats: Vec<String>,
    amount: Money,
    state: HoldState,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// Whether that has passed by the database's clock: then the seats are the buyer's only until somebody takes them.
    expired: bool,
}

/// A hold as the database has it.
#[derive(Debug)]
pub(super) struct HoldRow {
    pub(super) id: Uuid,
    pub(super) performance: i64,
    pub(super) layout: i64,
    pub(super) seats: Vec<i32>,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) state: HoldState,
    pub(super) expires_at: Timestamp,
    pub(super) expired: bool,
}

/// What step H remembers about a hold it has made.
#[derive(Debug, Deserialize)]
pub(super) struct Held {
    pub(super) id: Uuid,
    pub(super) seats: Vec<i32>,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) expires_at: Timestamp,
}

impl HoldDocument {
    pub(super) fn of_row(row: HoldRow, layout: &Layout) -> Self {
        Self {
            id: row.id,
            performance: row.performance,
            seats: layout.names(&row.seats),
            amount: Money::new(row.amount, row.currency),
            state: row.state,
            expires_at: row.expires_at,
            expired: row.expired,
        }
    }

    /// The hold as it was when it was made, which is what a repeated request is answered.
    pub(super) fn just_made(held: Held, performance: i64, layout: &Layout) -> Self {
        Self {
            id: held.id,
            performance,
            seats: layout.names(&held.seats),
            amount: Money::new(held.amount, held.currency),
            state: HoldState::Active,
            expires_at: held.expires_at,
            expired: false,
        }
    }
}

impl HoldDocument {
    /// Its id.
    pub(super) fn id(&self) -> Uuid {
        self.id
    }

    /// Until when it is the buyer's alone.
    pub(super) fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}
