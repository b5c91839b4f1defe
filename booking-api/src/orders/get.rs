//! `GET /v1/orders/{id}`: one's own order.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::CACHE_CONTROL;
use uuid::Uuid;

use super::{OrderDocument, store};
use crate::app::{App, SharedApp};
use crate::error::ApiError;
use crate::http::Id;
use crate::identity::User;
use crate::problems;

/// An order
#[utoipa::path(get, path = "/v1/orders/{id}", tag = "buyers", params(("id" = String, Path, format = "uuid")),
    security(("user_token" = [])),
    responses((status = 200, body = OrderDocument), (status = 404, description = "order-not-found")))]
pub(crate) async fn get(
    State(app): State<SharedApp>,
    user: User,
    Id(id): Id<Uuid>,
) -> Result<impl IntoResponse, ApiError> {
    let order = find(&app, &user, id).await?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(order)))
}

/// A buyer's own order as the primary has it now.
pub(crate) async fn find(app: &App, user: &User, id: Uuid) -> Result<OrderDocument, ApiError> {
    let row = store::get(&app.primary, id, user.id())
        .await?
        .ok_or_else(problems::order_not_found)?;
    let layout = app
        .layouts
        .get(row.layout)
        .await
        .map_err(ApiError::Shared)?;
    Ok(OrderDocument::of(row, &layout))
}
