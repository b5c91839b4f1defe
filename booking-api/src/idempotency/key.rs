//! The header `Idempotency-Key`, and the fingerprint of the request that came with it.

use aws_lc_rs::digest;
use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::Serialize;

use crate::error::ApiError;
use crate::problems;

const LONGEST: usize = 255;
const HEADER: &str = "idempotency-key";

/// A client's name for one request: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdempotencyKey(String);

/// What is remembered of a request.
#[derive(Debug, Clone)]
pub(crate) struct Remembered {
    pub(crate) route: &'static str,
    pub(crate) key: IdempotencyKey,
    /// SHA-256 of what was asked for, so that the key cannot be used for something else.
    pub(crate) fingerprint: Vec<u8>,
}

impl IdempotencyKey {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let is_good = |key: &&str| {
            (1..=LONGEST).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let key = parts
            .headers
            .get(HEADER)
            .and_then(|value| value.to_str().ok())
            .filter(is_good);
        let key = key.ok_or_else(problems::idempotency_key_missing)?;
        Ok(Self(key.to_owned()))
    }
}

impl Remembered {
    /// `request` is all that was asked for: the ids of the path and the body as it was understood.
    pub(crate) fn new(route: &'static str, key: IdempotencyKey, request: &impl Serialize) -> Self {
        let request = serde_json::to_vec(request).expect("requests came as JSON, so they are JSON");
        let fingerprint = digest::digest(&digest::SHA256, &request).as_ref().to_vec();
        Self {
            route,
            key,
            fingerprint,
        }
    }
}
