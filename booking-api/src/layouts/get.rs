//! `GET /v1/layouts/{hash}`: where the seats are. Immutable, so everybody may keep it for a year.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};

use super::document::{LayoutDocument, is_hash};
use super::store;
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::Id;
use crate::problems;

/// Redis keeps it for a day after it was last put there.
const KEPT_IN_REDIS: Duration = Duration::from_hours(24);

/// A layout
#[utoipa::path(get, path = "/v1/layouts/{hash}", tag = "catalogue", params(("hash" = String, Path)),
    responses((status = 200, body = LayoutDocument), (status = 404, description = "not-found")))]
pub(crate) async fn get(
    State(app): State<SharedApp>,
    Id(hash): Id<String>,
) -> Result<Response, ApiError> {
    if !is_hash(&hash) {
        return Err(problems::not_found().into());
    }
    let load = async { Ok(store::by_hash(&app.primary, &hash).await?.map(Into::into)) };
    let document = app
        .cache
        .get(&format!("layout:{hash}"), KEPT_IN_REDIS, load)
        .await?;
    let document = document.ok_or_else(problems::not_found)?;
    let response = Response::builder()
        .header(CONTENT_TYPE, "application/json")
        .header(CACHE_CONTROL, "public, max-age=31536000, immutable")
        .header(ETAG, format!("\"{hash}\""))
        .body(document.into());
    Ok(response.expect("a hash of hexadecimal digits is a header"))
}
