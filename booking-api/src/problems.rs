//! Every problem that this service answers with, each by one function, so that a slug means one thing.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use shared::problem::Problem;
use uuid::Uuid;

/// After a 503 for lack of room: long enough to let a queue of ours drain.
const AGAIN_SOON: Duration = Duration::from_secs(1);

/// The request cannot be understood; `field` is what to change.
pub(crate) fn invalid_request(field: &str, detail: impl Into<String>) -> Problem {
    let problem = Problem::new(
        "invalid-request",
        StatusCode::BAD_REQUEST,
        "Invalid request",
    )
    .detail(detail);
    if field.is_empty() {
        problem
    } else {
        problem.with("field", field)
    }
}

pub(crate) fn not_found() -> Problem {
    Problem::new("not-found", StatusCode::NOT_FOUND, "Not found")
        .detail("There is nothing at this address.")
}

pub(crate) fn method_not_allowed() -> Problem {
    Problem::new(
        "method-not-allowed",
        StatusCode::METHOD_NOT_ALLOWED,
        "Method not allowed",
    )
    .detail("The header Allow names the methods of this address.")
}

pub(crate) fn too_large(most_bytes: usize) -> Problem {
    Problem::new("too-large", StatusCode::PAYLOAD_TOO_LARGE, "Too large")
        .detail(format!("A body may have {most_bytes} bytes here."))
}

pub(crate) fn overloaded() -> Problem {
    Problem::new("overloaded", StatusCode::SERVICE_UNAVAILABLE, "Overloaded")
        .detail("Too much at once. Nothing is lost; try again in a moment.")
        .retry_after(AGAIN_SOON)
}

/// For what should not happen. The cause is in the log, under the request's id.
pub(crate) fn internal() -> Problem {
    Problem::new(
        "internal",
        StatusCode::INTERNAL_SERVER_ERROR,
        "Internal error",
    )
    .detail(
        "Something went wrong here, not with the request. Its x-request-id helps to find out what.",
    )
}

pub(crate) fn user_token_invalid() -> Problem {
    Problem::new(
        "user-token-invalid",
        StatusCode::UNAUTHORIZED,
        "User token invalid",
    )
    .detail("Sign in, and send the user token as Authorization: Bearer <token>.")
}

pub(crate) fn session_revoked() -> Problem {
    Problem::new(
        "session-revoked",
        StatusCode::UNAUTHORIZED,
        "Session revoked",
    )
    .detail("This session has ended. Sign in again.")
}

pub(crate) fn credentials_invalid() -> Problem {
    Problem::new(
        "credentials-invalid",
        StatusCode::UNAUTHORIZED,
        "Credentials invalid",
    )
    .detail("No account has this e-mail address and password.")
}

pub(crate) fn email_taken() -> Problem {
    Problem::new("email-taken", StatusCode::CONFLICT, "E-mail taken")
        .detail("An account with this e-mail address exists. Sign in, or use another address.")
}

pub(crate) fn forbidden(detail: &'static str) -> Problem {
    Problem::new("forbidden", StatusCode::FORBIDDEN, "Forbidden").detail(detail)
}

pub(crate) fn admission_required(waiting_room: &str) -> Problem {
    Problem::new(
        "admission-required",
        StatusCode::FORBIDDEN,
        "Admission required",
    )
    .detail("Stand in line in the waiting room, then send its admission token as Admission-Token.")
    .with("waiting_room", waiting_room)
}

pub(crate) fn admission_expired(waiting_room: &str) -> Problem {
    Problem::new(
        "admission-expired",
        StatusCode::FORBIDDEN,
        "Admission expired",
    )
    .detail("This admission has ended. Stand in line again.")
    .with("waiting_room", waiting_room)
}

pub(crate) fn admission_not_yours(waiting_room: &str) -> Problem {
    Problem::new(
        "admission-not-yours",
        StatusCode::FORBIDDEN,
        "Admission not yours",
    )
    .detail("This admission token was given to another buyer.")
    .with("waiting_room", waiting_room)
}

pub(crate) fn idempotency_key_missing() -> Problem {
    Problem::new("idempotency-key-missing", StatusCode::BAD_REQUEST, "Idempotency key missing")
        .detail("Send Idempotency-Key: a random text of 1 to 255 visible characters, the same one when repeating.")
}

pub(crate) fn idempotency_mismatch() -> Problem {
    Problem::new(
        "idempotency-mismatch",
        StatusCode::UNPROCESSABLE_ENTITY,
        "Idempotency key of another request",
    )
    .detail(
        "This Idempotency-Key came with another request before. Use a new key for a new request.",
    )
}

pub(crate) fn idempotency_in_flight() -> Problem {
    Problem::new(
        "idempotency-in-flight",
        StatusCode::CONFLICT,
        "Still in flight",
    )
    .detail("An earlier request for the same is still at work. Ask again in a moment.")
    .retry_after(AGAIN_SOON)
}

pub(crate) fn sale_not_open(detail: &'static str) -> Problem {
    Problem::new("sale-not-open", StatusCode::FORBIDDEN, "Sale not open").detail(detail)
}

/// `seats`: entries of `{"seat", "reason", "retryable"}`.
pub(crate) fn seat_taken(seats: Vec<Value>) -> Problem {
    Problem::new("seat-taken", StatusCode::CONFLICT, "Seat taken")
        .detail("Not all of these seats are free, so none was held.")
        .with("seats", seats)
}

pub(crate) fn unknown_seat(seats: &[String]) -> Problem {
    Problem::new(
        "unknown-seat",
        StatusCode::UNPROCESSABLE_ENTITY,
        "Unknown seat",
    )
    .detail("This performance has no such seat.")
    .with("seats", json!(seats))
}

pub(crate) fn too_many_seats(most: i64) -> Problem {
    Problem::new(
        "too-many-seats",
        StatusCode::UNPROCESSABLE_ENTITY,
        "Too many seats",
    )
    .detail(
        "That is more than one buyer may have of this performance, seats bought before included.",
    )
    .with("seats_per_buyer_max", most)
}

pub(crate) fn hold_exists(hold: Uuid) -> Problem {
    Problem::new("hold-exists", StatusCode::CONFLICT, "Hold exists")
        .detail("You hold seats of this performance already. Pay for them, or release them first.")
        .with("hold", hold.to_string())
}

pub(crate) fn hold_not_found() -> Problem {
    Problem::new("hold-not-found", StatusCode::NOT_FOUND, "Hold not found")
        .detail("You have no such hold.")
}

pub(crate) fn hold_expired() -> Problem {
    Problem::new("hold-expired", StatusCode::GONE, "Hold expired")
        .detail("The hold has expired. Its seats may be anybody's in a moment; hold them again.")
}

pub(crate) fn hold_lost() -> Problem {
    Problem::new("hold-lost", StatusCode::CONFLICT, "Hold lost")
        .detail("The hold's time was over, and a seat of it is another buyer's or cannot be kept any longer. No money is kept; choose seats again.")
}

pub(crate) fn hold_not_active(state: &str) -> Problem {
    Problem::new("hold-not-active", StatusCode::CONFLICT, "Hold not active")
        .detail("The hold is being paid, was paid or was released.")
        .with("state", state)
}

pub(crate) fn extension_used() -> Problem {
    Problem::new("extension-used", StatusCode::CONFLICT, "Extension used")
        .detail("A hold can be extended once, and this one has been.")
}

pub(crate) fn order_not_found() -> Problem {
    Problem::new("order-not-found", StatusCode::NOT_FOUND, "Order not found")
        .detail("You have no such order.")
}

pub(crate) fn payment_declined(reason: &str) -> Problem {
    Problem::new(
        "payment-declined",
        StatusCode::PAYMENT_REQUIRED,
        "Payment declined",
    )
    .detail("No money was taken. The hold lives on for another attempt with another card.")
    .with("reason", reason)
}

pub(crate) fn payment_attempts_used() -> Problem {
    Problem::new(
        "payment-declined",
        StatusCode::PAYMENT_REQUIRED,
        "Payment declined",
    )
    .detail("All attempts to pay for this hold have been used. Release it and hold seats again.")
    .with("reason", "attempts-used")
}

pub(crate) fn gateway_unavailable(wait: Duration) -> Problem {
    Problem::new("gateway-unavailable", StatusCode::SERVICE_UNAVAILABLE, "Payment gateway unavailable")
        .detail("Payments are not possible at present, and nothing was charged. The hold is kept; try again.")
        .retry_after(wait)
}
