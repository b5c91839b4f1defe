//! `GET /v1/performances/{id}/seats`: the state of every seat, as JSON or as a map of two bits each.
//!
//! From memory, whatever the number of viewers; with an ETag, so that who has seen it gets 304.

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH, VARY};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::Snapshot;
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::Id;
use crate::identity::{Admission, User};
use crate::layouts::Layout;

const MAP: &str = "application/octet-stream";

/// Every seat of a performance. Only a description: what is sent is rendered once per change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Seats)]
pub(crate) struct SeatsDocument {
    /// Changes whenever a seat does.
    version: String,
    /// Hash of the layout.
    layout: String,
    /// In the order of the layout.
    seats: Vec<SeatDocument>,
}

/// One seat.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SeatStatus)]
pub(crate) struct SeatDocument {
    seat: String,
    /// AVAILABLE, TEMPORARILY_RESERVED, RESERVED or BLOCKED.
    status: String,
    tier: String,
}

/// Seats of a performance
#[utoipa::path(get, path = "/v1/performances/{id}/seats", tag = "buyers", params(("id" = i64, Path)),
    security(("user_token" = [], "admission_token" = [])),
    responses((status = 200, body = SeatsDocument,
            description = "With Accept: application/octet-stream two bits per seat: seat i in byte i/4, bits 2*(i%4); 0 AVAILABLE, 1 TEMPORARILY_RESERVED, 2 RESERVED, 3 BLOCKED"),
        (status = 304, description = "As If-None-Match names it"),
        (status = 403, description = "admission-required, admission-expired, admission-not-yours")))]
pub(crate) async fn show(
    State(app): State<SharedApp>,
    user: User,
    Id(id): Id<i64>,
    admission: Admission,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let performance = app.performances.get(id).await?;
    admission.check(&app, &user, &performance).await?;
    let layout = app
        .layouts
        .get(performance.layout)
        .await
        .map_err(ApiError::Shared)?;
    let snapshot = app.snapshots.get(id, &layout).await?;
    Ok(answer(&snapshot, &layout, &headers))
}

fn answer(snapshot: &Snapshot, layout: &Layout, headers: &HeaderMap) -> Response {
    let wants_map = header(headers, ACCEPT.as_str()).is_some_and(|accept| accept.contains(MAP));
    let kind = if wants_map { MAP } else { "application/json" };
    let etag = format!(
        "\"{}{}\"",
        snapshot.version,
        if wants_map { "-m" } else { "" }
    );
    let is_known =
        header(headers, IF_NONE_MATCH.as_str()).is_some_and(|known| matches(known, &etag));
    let body = match (is_known, wants_map) {
        (true, _) => Bytes::new(),
        (false, true) => snapshot.map.clone(),
        (false, false) => snapshot.json(layout),
    };
    let mut response = Response::new(body.into());
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    let headers = response.headers_mut();
    headers.insert(
        ETAG,
        etag.try_into().expect("hexadecimal digits are a header"),
    );
    headers.insert(VARY, HeaderValue::from_static("accept"));
    // Only who was admitted may see it, so nobody else may keep it; and it has to be asked for each time.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

/// RFC 9110, section 13.1.2: a list, or a star; weak comparison.
fn matches(known: &str, etag: &str) -> bool {
    known
        .split(',')
        .map(str::trim)
        .any(|known| known == "*" || known.trim_start_matches("W/") == etag)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
