//! What step H has to say, in the words of the API.

use metrics::counter;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::problem::Problem;
use uuid::Uuid;

use super::document::{Held, HoldDocument};
use super::lock::Refusal;
use super::store::Outcome;
use crate::error::ApiError;
use crate::layouts::Layout;
use crate::problems;

#[derive(Deserialize)]
struct NotFree {
    seat: i32,
    reason: String,
}

#[derive(Deserialize)]
struct Quota {
    max: i64,
}

#[derive(Deserialize)]
struct Existing {
    hold: Uuid,
}

/// The hold, or why there is none.
pub(super) fn answer(
    outcome: Outcome,
    performance: i64,
    layout: &Layout,
) -> Result<HoldDocument, ApiError> {
    count(&outcome.word.to_lowercase());
    let Outcome { word, answer } = outcome;
    let problem = match word.as_str() {
        "HELD" | "REPEATED" => {
            let held = read::<Held>(answer)?;
            return Ok(HoldDocument::just_made(held, performance, layout));
        }
        "MISMATCH" => problems::idempotency_mismatch(),
        "UNKNOWN_PERFORMANCE" => problems::not_found(),
        "NOT_OPEN" => problems::sale_not_open("This performance is not on sale at present."),
        "TOO_MANY" => problems::too_many_seats(read::<Quota>(answer)?.max),
        "HOLD_EXISTS" => problems::hold_exists(read::<Existing>(answer)?.hold),
        "UNKNOWN_SEAT" => problems::unknown_seat(&layout.names(&read::<Vec<i32>>(answer)?)),
        "TAKEN" => not_free(answer, layout)?,
        _ => return Err(ApiError::Outcome(word)),
    };
    Err(problem.into())
}

/// The seats that PostgreSQL says are not free.
pub(super) fn not_free(answer: Value, layout: &Layout) -> Result<Problem, ApiError> {
    let seats = read::<Vec<NotFree>>(answer)?.into_iter();
    Ok(problems::seat_taken(
        seats
            .map(|seat| entry(&layout.name(seat.seat), &seat.reason))
            .collect(),
    ))
}

/// The seats that Redis says are not free. PostgreSQL was not asked.
pub(super) fn refused(refusals: &[Refusal], seats: &[i32], layout: &Layout) -> Problem {
    count("contended");
    let reason = |refusal: &Refusal| match refusal {
        Refusal::Free => None,
        Refusal::Contended => Some("CONTENDED"),
        Refusal::Held => Some("HELD"),
    };
    let entries = seats.iter().zip(refusals);
    let entries =
        entries.filter_map(|(seat, refusal)| Some(entry(&layout.name(*seat), reason(refusal)?)));
    problems::seat_taken(entries.collect())
}

/// All of the seats are being fought for, and which of them is lost is not known.
pub(super) fn contended(seats: &[i32], layout: &Layout) -> Problem {
    refused(&vec![Refusal::Contended; seats.len()], seats, layout)
}

fn entry(seat: &str, reason: &str) -> Value {
    // A hold may expire or be released; what is sold or blocked stays so.
    let retryable = matches!(reason, "HELD" | "CONTENDED");
    json!({"seat": seat, "reason": reason, "retryable": retryable})
}

fn read<T: serde::de::DeserializeOwned>(answer: Value) -> Result<T, ApiError> {
    serde_json::from_value(answer).map_err(ApiError::Unreadable)
}

fn count(result: &str) {
    counter!("onsale_booking_holds_total", "result" => result.to_owned()).increment(1);
}
