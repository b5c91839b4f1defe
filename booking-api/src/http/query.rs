//! Query strings. What is not understood is refused, never ignored.

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::ApiError;
use crate::problems;

/// The query of a request.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(rejection) => {
                let detail = rejection.body_text();
                let detail = detail
                    .rsplit_once("query string: ")
                    .map_or(detail.as_str(), |(_, cause)| cause);
                Err(
                    problems::invalid_request(field(detail), format!("The query: {detail}."))
                        .into(),
                )
            }
        }
    }
}

/// The parameter that serde complains about: "limit: invalid digit …" or "unknown field `x`, …".
fn field(detail: &str) -> &str {
    let quoted = detail.split('`').nth(1).unwrap_or_default();
    if detail.starts_with("unknown field") {
        quoted
    } else {
        detail.split_once(": ").map_or("", |(field, _)| field)
    }
}
