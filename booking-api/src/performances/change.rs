//! `PATCH /v1/admin/performances/{id}`: change the terms of a sale. Seats and prices stay: what a hold showed is what its
//! order costs.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;
use shared::problem::Problem;
use utoipa::ToSchema;

use super::terms::{self, Terms};
use super::{PerformanceDocument, store};
use crate::app::SharedApp;
use crate::concerts;
use crate::error::ApiError;
use crate::http::{Id, JsonBody};
use crate::identity::Organiser;
use crate::problems;

/// What to change; the rest stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PerformanceChange {
    /// Who was admitted to the room before has to stand in line again.
    room: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    sale_opens_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    sale_closes_at: Option<Timestamp>,
    /// Seats that were bought stay bought.
    seats_per_buyer_max: Option<i32>,
    /// Of holds to come.
    hold_ttl_seconds: Option<u32>,
}

/// Change a performance
#[utoipa::path(patch, path = "/v1/admin/performances/{id}", tag = "organisers", params(("id" = i64, Path)),
    request_body = PerformanceChange, security(("user_token" = [])),
    responses((status = 200, body = PerformanceDocument), (status = 403, description = "forbidden"),
        (status = 404, description = "not-found")))]
pub(crate) async fn change(
    State(app): State<SharedApp>,
    _organiser: Organiser,
    Id(id): Id<i64>,
    JsonBody(change): JsonBody<PerformanceChange>,
) -> Result<Json<PerformanceDocument>, ApiError> {
    app.tasks
        .clone()
        .run_to_end(async move {
            let concert = store::change(&app.primary, id, |terms| change.apply(terms))
                .await?
                .ok_or_else(problems::not_found)?;
            app.performances.forget(id).await;
            concerts::changed(&app, concert).await?;
            PerformanceDocument::find(&app, id).await.map(Json)
        })
        .await
}

impl PerformanceChange {
    fn apply(self, before: Terms) -> Result<Terms, Problem> {
        let room = self.room.as_deref().map(terms::room).transpose()?;
        let terms = Terms {
            room: room.unwrap_or(before.room),
            starts_at: self.starts_at.unwrap_or(before.starts_at),
            sale_opens_at: self.sale_opens_at.unwrap_or(before.sale_opens_at),
            sale_closes_at: self.sale_closes_at.unwrap_or(before.sale_closes_at),
            seats_per_buyer_max: self
                .seats_per_buyer_max
                .unwrap_or(before.seats_per_buyer_max),
            hold_ttl_seconds: self.hold_ttl_seconds.unwrap_or(before.hold_ttl_seconds),
        };
        terms.check()
    }
}
