//! What a call brings with it, checked once at the edge.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Query, Request, rejection::BytesRejection},
    http::{StatusCode, request::Parts},
};
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The longest key of a call.
const MOST_KEY_BYTES: usize = 128;

/// A JSON body.
pub(super) struct Input<T>(pub(super) T);

/// The query of the URL.
pub(super) struct Asked<T>(pub(super) T);

/// The `Idempotency-Key` header: the caller's own name for this call.
pub(super) struct IdempotencyKey(pub(super) String);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| refused(&rejection))?;
        // No body says nothing, as an empty object does.
        let text = if body.is_empty() {
            &b"{}"[..]
        } else {
            &body[..]
        };
        serde_json::from_slice(text)
            .map(Self)
            .map_err(|error| Problem::invalid_request(error.to_string()))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(query)) => Ok(Self(query)),
            Err(rejection) => Err(Problem::invalid_request(rejection.body_text())),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let header = parts
            .headers
            .get("idempotency-key")
            .and_then(|value| value.to_str().ok());
        header
            .filter(|key| is_key(key))
            .map(|key| Self(key.to_owned()))
            .ok_or_else(Problem::key_missing)
    }
}

/// Whether this can be the key of a call.
pub(super) fn is_key(key: &str) -> bool {
    (1..=MOST_KEY_BYTES).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

fn refused(rejection: &BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::too_large();
    }
    Problem::invalid_request(rejection.body_text())
}
