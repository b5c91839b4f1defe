//! `GET /v1/orders`: one's own orders, newest first.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::CACHE_CONTROL;
use uuid::Uuid;

use super::{OrderDocument, store};
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::Query;
use crate::identity::User;
use crate::page::{Page, PageQuery};

/// My orders
#[utoipa::path(get, path = "/v1/orders", tag = "buyers", params(PageQuery), security(("user_token" = [])),
    responses((status = 200, body = Page<OrderDocument>), (status = 401, description = "user-token-invalid")))]
pub(crate) async fn list(
    State(app): State<SharedApp>,
    user: User,
    Query(page): Query<PageQuery>,
) -> Result<impl IntoResponse, ApiError> {
    let (limit, before) = (page.limit()?, page.after::<Uuid>()?);
    let rows = store::list(&app.primary, user.id(), before, limit + 1).await?;
    let mut orders = Vec::with_capacity(rows.len());
    for row in rows {
        let layout = app
            .layouts
            .get(row.layout)
            .await
            .map_err(ApiError::Shared)?;
        orders.push(OrderDocument::of(row, &layout));
    }
    let page = Page::of(orders, limit, |order| order.id().to_string());
    Ok(([(CACHE_CONTROL, "no-store")], Json(page)))
}
