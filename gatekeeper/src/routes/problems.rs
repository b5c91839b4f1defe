//! The problems of the gatekeeper.

use std::time::Duration;

use http::header::ALLOW;
use http::{HeaderValue, StatusCode};
use shared::ids::RoomName;
use shared::problem::Problem;
use shared::redis_handle::StoreError;
use tracing::error;

use crate::batch::BatchError;

pub(crate) fn invalid_request(detail: impl Into<String>) -> Problem {
    Problem::new(
        "invalid-request",
        StatusCode::BAD_REQUEST,
        "Invalid request",
    )
    .detail(detail)
}

pub(super) fn not_found() -> Problem {
    Problem::new("not-found", StatusCode::NOT_FOUND, "Not found")
        .detail("There is nothing at this path; /openapi.json lists what there is.")
}

pub(super) fn room_not_found() -> Problem {
    Problem::new("room-not-found", StatusCode::NOT_FOUND, "Room not found")
        .detail("There is no room of this name; check the address.")
}

pub(super) fn room_closed(room: &RoomName) -> Problem {
    Problem::new("room-closed", StatusCode::CONFLICT, "Room closed")
        .detail(format!("The room {room} takes nobody any more."))
}

pub(super) fn method_not_allowed(allowed: &'static str) -> Problem {
    Problem::new(
        "method-not-allowed",
        StatusCode::METHOD_NOT_ALLOWED,
        "Method not allowed",
    )
    .detail(format!("This path answers {allowed}."))
    .header(ALLOW, HeaderValue::from_static(allowed))
}

pub(super) fn waiting_token_invalid() -> Problem {
    Problem::new(
        "waiting-token-invalid",
        StatusCode::UNAUTHORIZED,
        "Waiting token invalid",
    )
    .detail("The waiting token is missing, expired, or not for this room; join again.")
}

pub(super) fn user_token_invalid() -> Problem {
    Problem::new(
        "user-token-invalid",
        StatusCode::UNAUTHORIZED,
        "User token invalid",
    )
    .detail("Send a valid user token as Authorization: Bearer; sign in again to get one.")
}

pub(super) fn admission_invalid() -> Problem {
    Problem::new(
        "admission-token-invalid",
        StatusCode::UNAUTHORIZED,
        "Admission token invalid",
    )
    .detail("The admission token is missing, expired, ended, or not for this room.")
}

pub(super) fn cross_site() -> Problem {
    Problem::new("forbidden", StatusCode::FORBIDDEN, "Forbidden").detail(
        "A change by cookie must come from this site's own pages; programs send the token as a header.",
    )
}

pub(super) fn line_unavailable() -> Problem {
    Problem::new(
        "line-unavailable",
        StatusCode::SERVICE_UNAVAILABLE,
        "Line unavailable",
    )
    .detail("The line cannot be reached at present; nobody loses a place. Try again.")
    .retry_after(Duration::from_secs(2))
}

/// More than the caller may ask for at present; `wait` until the next call is let through.
pub(crate) fn rate_limited(wait: Duration, detail: &'static str) -> Problem {
    Problem::new(
        "rate-limited",
        StatusCode::TOO_MANY_REQUESTS,
        "Too many requests",
    )
    .detail(detail)
    .retry_after(wait)
}

/// A poll that came `wait` too early.
pub(super) fn too_early(wait: Duration) -> Problem {
    rate_limited(
        wait,
        "Poll when poll_after_ms says. You keep your place, and asking more often brings nobody in earlier.",
    )
}

pub(crate) fn overloaded() -> Problem {
    Problem::new("overloaded", StatusCode::SERVICE_UNAVAILABLE, "Overloaded")
        .detail("Too many requests at once; try again.")
        .retry_after(Duration::from_secs(1))
}

pub(super) fn too_many_streams() -> Problem {
    let status = StatusCode::TOO_MANY_REQUESTS;
    Problem::new("rate-limited", status, "Too many requests")
        .detail("You have as many streams of this room as one visitor may; close one, or poll.")
        .retry_after(Duration::from_secs(5))
}

/// An error that is ours: the caller learns nothing of the cause, the log does.
pub(super) fn internal(cause: &(dyn std::error::Error + 'static)) -> Problem {
    error!(error = cause, "an internal error");
    Problem::new(
        "internal",
        StatusCode::INTERNAL_SERVER_ERROR,
        "Internal error",
    )
    .detail("Something went wrong on our side; try again.")
}

/// What a failed call to Redis means for somebody who wants to change the line.
pub(super) fn of_store(error: &StoreError) -> Problem {
    match error {
        // A room that was removed is known to be so within a second.
        StoreError::Unavailable(_) | StoreError::Deadline(_) | StoreError::NoRoom => {
            line_unavailable()
        }
        StoreError::Refused(_) => internal(error),
    }
}

/// The same for a call that travelled in a batch.
pub(super) fn of_batch(error: &BatchError) -> Problem {
    match error {
        BatchError::Full => overloaded(),
        BatchError::Store(error) => of_store(error),
    }
}
