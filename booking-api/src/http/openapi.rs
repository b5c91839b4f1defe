//! The OpenAPI document: what the handlers say about themselves, and what is common to all.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

/// The frame into which the router puts the handlers.
#[derive(OpenApi)]
#[openapi(
    info(title = "Onsale booking API", license(name = "Apache-2.0", identifier = "Apache-2.0"),
        description = "Seats, orders and money, for buyers whom the waiting room has let in.\n\n\
            Errors are problem documents (RFC 9457), `application/problem+json`; what a response lists as its \
            description are the last parts of their types, `/problems/<slug>`. Any call may answer 400 invalid-request, \
            413 too-large, 503 overloaded (with Retry-After) and 500 internal. Every answer carries x-request-id."),
    modifiers(&Tokens),
    tags((name = "accounts"), (name = "catalogue"), (name = "buyers"), (name = "organisers"))
)]
pub(super) struct Document;

struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .build();
        let admission = ApiKey::Header(ApiKeyValue::new("Admission-Token"));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("user_token", SecurityScheme::Http(bearer));
        components.add_security_scheme("admission_token", SecurityScheme::ApiKey(admission));
    }
}
