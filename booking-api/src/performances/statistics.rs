//! `GET /v1/admin/performances/{id}/statistics`: how the sale went, for its organiser. From the replica.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::CACHE_CONTROL;
use serde::Serialize;
use utoipa::ToSchema;

use super::store;
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::Id;
use crate::identity::Organiser;
use crate::money::Money;
use crate::problems;

/// The statuses that are always shown, be it with 0.
const STATUSES: [&str; 4] = ["AVAILABLE", "TEMPORARILY_RESERVED", "RESERVED", "BLOCKED"];

/// Counts of one performance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Statistics {
    performance: i64,
    /// Seats by status.
    seats: BTreeMap<String, i64>,
    /// Orders by state.
    orders: BTreeMap<String, i64>,
    /// What confirmed orders are worth.
    revenue: Money,
}

/// So many of a kind.
pub(super) struct Count {
    pub(super) name: String,
    pub(super) count: i64,
}

impl Statistics {
    pub(super) fn new(
        performance: i64,
        seats: Vec<Count>,
        orders: Vec<Count>,
        revenue: i64,
        currency: String,
    ) -> Self {
        let mut by_status: BTreeMap<_, _> = STATUSES.map(|status| (status.to_owned(), 0)).into();
        by_status.extend(seats.into_iter().map(|count| (count.name, count.count)));
        let by_state = orders
            .into_iter()
            .map(|count| (count.name, count.count))
            .collect();
        Self {
            performance,
            seats: by_status,
            orders: by_state,
            revenue: Money::new(revenue, currency),
        }
    }
}

/// Statistics of a performance
#[utoipa::path(get, path = "/v1/admin/performances/{id}/statistics", tag = "organisers", params(("id" = i64, Path)),
    security(("user_token" = [])),
    responses((status = 200, body = Statistics), (status = 403, description = "forbidden"), (status = 404, description = "not-found")))]
pub(crate) async fn statistics(
    State(app): State<SharedApp>,
    _organiser: Organiser,
    Id(id): Id<i64>,
) -> Result<impl IntoResponse, ApiError> {
    let statistics = store::statistics(&app.replica, id)
        .await?
        .ok_or_else(problems::not_found)?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(statistics)))
}
