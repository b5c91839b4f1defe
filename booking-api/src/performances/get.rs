//! `GET /v1/performances/{id}`: times, room, price tiers, and what is left.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::CACHE_CONTROL;

use super::PerformanceDocument;
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::Id;

/// A performance
#[utoipa::path(get, path = "/v1/performances/{id}", tag = "catalogue", params(("id" = i64, Path)),
    responses((status = 200, body = PerformanceDocument), (status = 404, description = "not-found")))]
pub(crate) async fn get(
    State(app): State<SharedApp>,
    Id(id): Id<i64>,
) -> Result<impl IntoResponse, ApiError> {
    let document = PerformanceDocument::find(&app, id).await?;
    Ok(([(CACHE_CONTROL, "public, max-age=1")], Json(document)))
}
