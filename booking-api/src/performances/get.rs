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
    let performance = app.performances.get(id).await?;
    let layout = app
        .layouts
        .get(performance.layout)
        .await
        .map_err(ApiError::Shared)?;
    let snapshot = app.snapshots.get(id, &layout).await?;
    let document = PerformanceDocument::of(&performance, &layout.hash, &snapshot);
    Ok(([(CACHE_CONTROL, "public, max-age=1")], Json(document)))
}
