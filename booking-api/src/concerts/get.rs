//! `GET /v1/concerts/{id}`: a concert and its performances.

use axum::extract::State;
use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use super::{CACHED_FOR, ConcertDocument, name, render};
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::Id;
use crate::problems;

/// A concert
#[utoipa::path(get, path = "/v1/concerts/{id}", tag = "catalogue", params(("id" = i64, Path)),
    responses((status = 200, body = ConcertDocument), (status = 404, description = "not-found")))]
pub(crate) async fn get(
    State(app): State<SharedApp>,
    Id(id): Id<i64>,
) -> Result<impl IntoResponse, ApiError> {
    let load = async { render(&mut app.replica.connection().await?, id).await };
    let document = app
        .cache
        .get(&name(id), CACHED_FOR, load)
        .await?
        .ok_or_else(problems::not_found)?;
    Ok((
        [
            (CACHE_CONTROL, "public, max-age=5"),
            (CONTENT_TYPE, "application/json"),
        ],
        document,
    ))
}
