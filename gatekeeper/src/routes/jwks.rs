//! `GET /.well-known/jwks.json`: the public keys of admission tokens.

use http::StatusCode;

use crate::app::App;
use crate::http::reply::{self, Caching, Reply};

/// Verifiers keep it this long, so a new key is published at least twice as long before it signs.
const KEPT_SECONDS: u32 = 300;

#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "keys",
    responses((status = 200, description = "JSON Web Key Set (RFC 7517)"))
)]
pub(super) fn answer(app: &App) -> Reply {
    reply::json(
        StatusCode::OK,
        &app.admissions.jwks(),
        Caching::Public(KEPT_SECONDS),
    )
}
