//! `GET /openapi.json`: this API, described from the code.

use bytes::Bytes;
use http::StatusCode;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use crate::app::App;
use crate::http::reply::{self, Caching, Reply};

#[derive(OpenApi)]
#[openapi(
    info(title = "Onsale gatekeeper", description = "The waiting room: enter the line, ask for the position, be let in."),
    paths(
        super::join::answer, super::me::answer, super::events::answer, super::leave::answer, super::room::answer,
        super::admission::answer, super::jwks::answer, super::page::answer,
    ),
    modifiers(&Tokens)
)]
struct Api;

struct Tokens;

impl utoipa::Modify for Tokens {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let bearer = || {
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .bearer_format("JWT")
                .build()
        };
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("user_token", SecurityScheme::Http(bearer()));
        components.add_security_scheme("waiting_token", SecurityScheme::Http(bearer()));
    }
}

/// The document, made once.
pub(crate) fn document() -> Bytes {
    let document = serde_json::to_vec(&Api::openapi());
    document
        .expect("the description has only string keys")
        .into()
}

pub(super) fn answer(app: &App) -> Reply {
    reply::with_body(
        StatusCode::OK,
        "application/json",
        app.openapi.clone(),
        Caching::Public(300),
    )
}
