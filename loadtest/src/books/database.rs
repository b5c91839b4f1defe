//! The views `audit.sold` and `audit.orders`.

use std::time::Duration;

use anyhow::Context;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

/// Longest wait for a connection or an answer of the database.
const DATABASE_DEADLINE: Duration = Duration::from_secs(20);

/// One sold seat.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct SoldSeat {
    pub seat: String,
    pub order_id: String,
    pub price: i64,
}

/// One order.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct OrderRow {
    pub id: String,
    pub buyer: String,
    pub state: String,
    pub amount: i64,
    pub payment_id: Option<String>,
    pub captured: i64,
    pub refunded: i64,
}

/// What the figures of a run depend on.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Conditions {
    pub version: String,
    pub fsync: String,
    pub synchronous_commit: String,
}

/// A connection for auditors.
pub(crate) struct AuditDatabase {
    pool: PgPool,
}

impl OrderRow {
    pub(crate) fn is_confirmed(&self) -> bool {
        self.state == "CONFIRMED"
    }

    /// Its state will not change by itself any more.
    pub(crate) fn is_decided(&self) -> bool {
        matches!(self.state.as_str(), "CONFIRMED" | "FAILED" | "CANCELLED")
    }

    /// Decided, and the money is where it belongs.
    pub(super) fn is_settled(&self) -> bool {
        let kept = self.captured - self.refunded;
        self.is_decided()
            && kept
                == if self.is_confirmed() {
                    self.amount - self.refunded
                } else {
                    0
                }
    }
}

impl AuditDatabase {
    pub(crate) async fn connect(url: &str) -> anyhow::Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(2)
            .acquire_timeout(DATABASE_DEADLINE);
        let pool = pool
            .connect(url)
            .await
            .context("cannot reach the database of the stack")?;
        Ok(Self { pool })
    }

    pub(crate) async fn sold(&self, performance: &str) -> anyhow::Result<Vec<SoldSeat>> {
        sqlx::query_as(
            "SELECT seat_no::text AS seat, order_id::text, price::bigint
               FROM audit.sold WHERE performance_id::text = $1",
        )
        .bind(performance)
        .fetch_all(&self.pool)
        .await
        .context("cannot read audit.sold")
    }

    /// The orders of all buyers whose id begins like this.
    pub(crate) async fn orders_of(&self, buyer_prefix: &str) -> anyhow::Result<Vec<OrderRow>> {
        sqlx::query_as(
            "SELECT id::text, buyer::text, state::text, amount::bigint, payment_id::text,
                    captured::bigint, refunded::bigint
               FROM audit.orders WHERE starts_with(buyer, $1)",
        )
        .bind(buyer_prefix)
        .fetch_all(&self.pool)
        .await
        .context("cannot read audit.orders")
    }

    /// The orders that these payments paid for, whoever bought.
    pub(crate) async fn orders_paid_by(&self, payments: &[&str]) -> anyhow::Result<Vec<OrderRow>> {
        sqlx::query_as(
            "SELECT id::text, buyer::text, state::text, amount::bigint, payment_id::text,
                    captured::bigint, refunded::bigint
               FROM audit.orders WHERE payment_id::text = ANY($1)",
        )
        .bind(payments)
        .fetch_all(&self.pool)
        .await
        .context("cannot read audit.orders")
    }

    pub(crate) async fn conditions(&self) -> anyhow::Result<Conditions> {
        sqlx::query_as(
            "SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync,
                    current_setting('synchronous_commit') AS synchronous_commit",
        )
        .fetch_one(&self.pool)
        .await
        .context("cannot read the settings of the database")
    }
}
