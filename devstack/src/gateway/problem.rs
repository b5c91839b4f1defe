//! Problem documents (RFC 9457) of the gateway.

use std::borrow::Cow;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{book::Refusal, ledger::LedgerError};

/// What is wrong with a call, and what to change.
#[derive(Debug)]
pub(super) struct Problem {
    slug: &'static str,
    status: StatusCode,
    title: &'static str,
    detail: Cow<'static, str>,
}

impl Problem {
    fn new(
        slug: &'static str,
        status: StatusCode,
        title: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            slug,
            status,
            title,
            detail: detail.into(),
        }
    }

    pub(super) fn invalid_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(
            "invalid-request",
            StatusCode::BAD_REQUEST,
            "The request is not valid",
            detail,
        )
    }

    pub(super) fn too_large() -> Self {
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Self::new(
            "too-large",
            status,
            "The request is too large",
            "the body of a payment is small",
        )
    }

    pub(super) fn key_missing() -> Self {
        let (slug, status) = ("idempotency-key-missing", StatusCode::BAD_REQUEST);
        let detail = "send an Idempotency-Key of 1 to 128 visible characters";
        Self::new(slug, status, "The key of the call is missing", detail)
    }

    pub(super) fn not_found(detail: &'static str) -> Self {
        Self::new("not-found", StatusCode::NOT_FOUND, "Not found", detail)
    }

    pub(super) fn method_not_allowed() -> Self {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::new(
            "method-not-allowed",
            status,
            "Method not allowed",
            "see the Allow header",
        )
    }

    pub(super) fn overloaded() -> Self {
        let (slug, status) = ("overloaded", StatusCode::SERVICE_UNAVAILABLE);
        Self::new(
            slug,
            status,
            "Too many calls at once",
            "try again in a second",
        )
    }

    /// What a real gateway says on a bad day. The caller cannot know whether anything was done.
    pub(super) fn out_of_order() -> Self {
        Self::internal()
    }

    pub(super) fn internal() -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(
            "internal",
            status,
            "The gateway is out of order",
            "repeat with the same key",
        )
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (slug, status, title) = match refusal {
            Refusal::Unknown => ("not-found", StatusCode::NOT_FOUND, "Not found"),
            Refusal::Mismatch => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                (
                    "idempotency-mismatch",
                    status,
                    "The key belongs to another request",
                )
            }
            Refusal::State(_) => ("state-forbids", StatusCode::CONFLICT, "Not in this state"),
            Refusal::Amount { .. } => ("amount-too-large", StatusCode::CONFLICT, "Too much"),
            Refusal::CaptureRefused => (
                "capture-refused",
                StatusCode::CONFLICT,
                "The capture is refused for good",
            ),
        };
        Self::new(slug, status, title, refusal.to_string())
    }
}

impl From<LedgerError> for Problem {
    fn from(_logged_by_the_writer: LedgerError) -> Self {
        Self::internal()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = json!({
            "type": format!("/problems/{}", self.slug),
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = (self.status, Json(document)).into_response();
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, kind);
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
