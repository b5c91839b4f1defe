//! `GET /v1/layouts/{hash}`: where the seats are. Immutable, so everybody may keep it for a year.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};

use super::document::LayoutDocument;
use super::store;
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::problems;

/// Redis keeps it for a day after it was last put there.
const KEPT_IN_REDIS: Duration = Duration::from_hours(24);
const HASH_DIGITS: usize = 64;

/// A layout
#[utoipa::path(get, path = "/v1/layouts/{hash}", tag = "catalogue", params(("hash" = String, Path)),
    responses((status = 200, body = LayoutDocument), (status = 404, description = "not-found")))]
pub(crate) async fn get(
    State(app): State<SharedApp>,
    Path(hash): Path<String>,
) -> Result<Response, ApiError> {
    let is_hash = hash.len() == HASH_DIGITS && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hash {
        return Err(problems::not_found().into());
    }
    let load = async { Ok(store::by_hash(&app.primary, &hash).await?.map(Into::into)) };
    let document = app.cache.get(&format!("layout:{hash}"), KEPT_IN_REDIS, load).await?;
    let document = document.ok_or_else(problems::not_found)?;
    let response = Response::builder()
        .header(CONTENT_TYPE, "application/json")
        .header(CACHE_CONTROL, "public, max-age=31536000, immutable")
        .header(ETAG, format!("\"{hash}\""))
        .body(document.into());
    Ok(response.expect("a hash of hexadecimal digits is a header"))
}
