//! `GET /v1/holds/{id}`: how a buyer's own hold stands. From the primary.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::CACHE_CONTROL;
use uuid::Uuid;

use super::{HoldDocument, store};
use crate::app::{App, SharedApp};
use crate::error::ApiError;
use crate::http::Id;
use crate::identity::User;
use crate::problems;

/// A hold
#[utoipa::path(get, path = "/v1/holds/{id}", tag = "buyers", params(("id" = String, Path, format = "uuid")),
    security(("user_token" = [])),
    responses((status = 200, body = HoldDocument), (status = 404, description = "hold-not-found")))]
pub(crate) async fn get(
    State(app): State<SharedApp>,
    user: User,
    Id(id): Id<Uuid>,
) -> Result<impl IntoResponse, ApiError> {
    let document = find(&app, id, &user).await?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(document)))
}

/// The buyer's hold as the database has it now.
pub(super) async fn find(app: &App, id: Uuid, user: &User) -> Result<HoldDocument, ApiError> {
    let row = store::get(&app.primary, id, user.id())
        .await?
        .ok_or_else(problems::hold_not_found)?;
    let layout = app
        .layouts
        .get(row.layout)
        .await
        .map_err(ApiError::Shared)?;
    Ok(HoldDocument::of_row(row, &layout))
}
