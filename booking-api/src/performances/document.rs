//! A performance as clients see it.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::Performance;
use crate::app::App;
use crate::database::{Connection, DatabaseError};
use crate::error::ApiError;
use crate::money::Money;
use crate::seats::Snapshot;

/// One date of a concert, its prices, and what is left.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PerformanceDocument {
    id: i64,
    concert: i64,
    title: String,
    venue: String,
    /// Hash of the layout: `GET /v1/layouts/{hash}`.
    layout: String,
    /// The room to stand in line in.
    room: String,
    #[schema(value_type = String, format = DateTime)]
    starts_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    sale_opens_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    sale_closes_at: Timestamp,
    seats_per_buyer_max: i32,
    hold_ttl_seconds: u64,
    tiers: Vec<Tier>,
    /// All seats.
    seats: i64,
    /// Free seats, as of a moment ago.
    left: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct Tier {
    #[serde(rename = "tier")]
    name: String,
    price: Money,
    seats: i64,
    left: i64,
}

/// A performance in a list of its concert.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PerformanceSummary {
    pub(super) id: i64,
    #[schema(value_type = String, format = DateTime)]
    pub(super) starts_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub(super) sale_opens_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub(super) sale_closes_at: Timestamp,
    pub(super) room: String,
}

impl PerformanceDocument {
    /// As it is now, or was a moment ago.
    pub(super) async fn find(app: &App, id: i64) -> Result<Self, ApiError> {
        let performance = app.performances.get(id).await?;
        let layout = app
            .layouts
            .get(performance.layout)
            .await
            .map_err(ApiError::Shared)?;
        let snapshot = app.snapshots.get(id, &layout).await?;
        Ok(Self::of(&performance, &layout.hash, &snapshot))
    }

    fn of(performance: &Performance, layout: &str, snapshot: &Snapshot) -> Self {
        let tier = |(tier, price): &(String, i64)| {
            let count = snapshot.tiers.get(tier).copied().unwrap_or_default();
            let price = Money::new(*price, &performance.currency);
            Tier {
                name: tier.clone(),
                price,
                seats: count.all,
                left: count.free,
            }
        };
        Self {
            id: performance.id,
            concert: performance.concert,
            title: performance.title.clone(),
            venue: performance.venue.clone(),
            layout: layout.to_owned(),
            room: performance.room.to_string(),
            starts_at: performance.starts_at,
            sale_opens_at: performance.sale_opens_at,
            sale_closes_at: performance.sale_closes_at,
            seats_per_buyer_max: performance.seats_per_buyer_max,
            hold_ttl_seconds: performance.hold_ttl.as_secs(),
            tiers: performance.prices.iter().map(tier).collect(),
            seats: snapshot.tiers.values().map(|tier| tier.all).sum(),
            left: snapshot.left(),
        }
    }
}

/// The performances of a concert, for its page.
pub(crate) async fn summaries_of(
    connection: &mut Connection,
    concert: i64,
) -> Result<Vec<PerformanceSummary>, DatabaseError> {
    super::store::summaries(connection, concert).await
}
