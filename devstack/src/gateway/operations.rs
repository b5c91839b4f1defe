//! `POST /v1/payments/{payment}/capture`, `/void`, `/refund`: what the shop does with a payment
//! later, each under a key of its own so that a repeat does nothing.

use axum::{
    extract::{Path, State},
    response::Response,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Gateway, Outcome,
    book::{Book, Payment, Refusal},
    entry::Entry,
    payments,
    problem::Problem,
    request::{IdempotencyKey, Input},
};

/// How much of a payment is meant; all of it if nothing is said.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Share {
    #[serde(default)]
    amount: Option<i64>,
}

/// `POST /v1/payments/{payment}/capture`
pub(super) async fn capture(
    State(gateway): State<Gateway>,
    Path(reference): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    Input(share): Input<Share>,
) -> Result<Response, Problem> {
    let amount = share.checked()?;
    let unlucky = gateway.faults().refuse_capture();
    let decide = move |book: &Book, reference: &str, now| {
        let refuses = unlucky
            || book
                .payment(reference)
                .is_some_and(|p| payments::refuses_capture(p.card_token()));
        book.decide_capture(reference, &key, amount, refuses, now)
    };
    Ok(gateway
        .to_the_end(|gateway| operate(gateway, reference, decide, captured))
        .await)
}

/// `POST /v1/payments/{payment}/void`
pub(super) async fn void(
    State(gateway): State<Gateway>,
    Path(reference): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
) -> Response {
    let decide = move |book: &Book, reference: &str, now| book.decide_void(reference, &key, now);
    gateway
        .to_the_end(|gateway| operate(gateway, reference, decide, standing))
        .await
}

/// `POST /v1/payments/{payment}/refund`
pub(super) async fn refund(
    State(gateway): State<Gateway>,
    Path(reference): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    Input(share): Input<Share>,
) -> Result<Response, Problem> {
    let amount = share.checked()?;
    let decide =
        move |book: &Book, reference: &str, now| book.decide_refund(reference, &key, amount, now);
    Ok(gateway
        .to_the_end(|gateway| operate(gateway, reference, decide, standing))
        .await)
}

async fn operate(
    gateway: Gateway,
    reference: String,
    decide: impl FnOnce(&Book, &str, Timestamp) -> Result<Option<Entry>, Refusal> + Send,
    answer: fn(&Payment) -> Result<Value, Refusal>,
) -> Result<Outcome, Problem> {
    let now = Timestamp::now();
    let settled = gateway
        .ledger
        .change(
            |book| decide(book, &reference, now),
            |book| {
                book.payment(&reference)
                    .ok_or(Refusal::Unknown)
                    .and_then(answer)
            },
        )
        .await??;
    Ok(Outcome {
        document: settled.answer,
        is_lost: false,
    })
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "one of two answers, and the other may refuse"
)]
fn standing(payment: &Payment) -> Result<Value, Refusal> {
    Ok(payment.document())
}

/// A refusal of the bank is an entry too: it is written down, and then told.
fn captured(payment: &Payment) -> Result<Value, Refusal> {
    if payment.capture_was_refused() {
        Err(Refusal::CaptureRefused)
    } else {
        standing(payment)
    }
}

impl Share {
    fn checked(self) -> Result<Option<i64>, Problem> {
        match self.amount {
            Some(amount) if amount < 1 => Err(Problem::invalid_request(
                "amount is in minor units, at least 1",
            )),
            amount => Ok(amount),
        }
    }
}
