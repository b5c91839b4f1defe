//! Ids in paths. What is not an id names nothing, so it is not found.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

use crate::error::ApiError;
use crate::problems;

/// The one id of a path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Id<T>(pub(crate) T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let missing = match parts.uri.path().split('/').nth(2) {
            Some("holds") => problems::hold_not_found,
            Some("orders") => problems::order_not_found,
            _ => problems::not_found,
        };
        let id = Path::<String>::from_request_parts(parts, state).await;
        let id = id.ok().and_then(|Path(text)| text.parse().ok());
        Ok(Self(id.ok_or_else(missing)?))
    }
}
