//! `POST /v1/payments`: a payment, named by the shop's key. The same key again is the same payment.
//! `GET /v1/payments?key=`: how it stands.

use std::time::Duration;

use axum::{Json, extract::State, response::Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Gateway, Outcome,
    book::Payment,
    entry::PaymentOrder,
    problem::Problem,
    request::{Asked, IdempotencyKey, Input},
};

/// How long a slow card takes.
const SLOW: Duration = Duration::from_secs(2);

/// The most that one payment can be, in minor units: what a bank would not believe any more.
const MOST_AMOUNT: i64 = 1_000_000_000_000;

/// The longest reference that a bank prints.
const MOST_REFERENCE_BYTES: usize = 128;

/// Cards, by the token that the shop gets.
mod card {
    pub(super) const OK: &str = "tok_ok";
    pub(super) const DECLINED: &str = "tok_declined";
    /// Every call with it fails, and nothing is done.
    pub(super) const ERROR: &str = "tok_error";
    /// It is done, and the first answer is lost.
    pub(super) const LOST_ANSWER: &str = "tok_lost_answer";
    pub(super) const SLOW: &str = "tok_slow";
    /// It is authorized, and the capture is refused for good.
    pub(super) const CAPTURE_REFUSED: &str = "tok_capture_refused";
}

/// `POST /v1/payments`
pub(super) async fn open(
    State(gateway): State<Gateway>,
    IdempotencyKey(key): IdempotencyKey,
    Input(order): Input<PaymentOrder>,
) -> Result<Response, Problem> {
    check(&order)?;
    Ok(gateway.to_the_end(|gateway| pay(gateway, key, order)).await)
}

async fn pay(gateway: Gateway, key: String, order: PaymentOrder) -> Result<Outcome, Problem> {
    let token = order.method.token.clone();
    match token.as_str() {
        card::ERROR => return Err(Problem::out_of_order()),
        card::SLOW => tokio::time::sleep(SLOW).await,
        _ => {}
    }
    let bank = ask_the_bank(&token, gateway.faults().decline());
    let reference = format!("pay_{}", uuid::Uuid::now_v7().simple());
    let now = Timestamp::now();
    let settled = gateway
        .ledger
        .change(
            |book| book.decide_open(&key, order, bank, reference, now),
            |book| {
                Ok(book
                    .payment_of_key(&key)
                    .map(Payment::document)
                    .unwrap_or_default())
            },
        )
        .await??;
    let is_lost = settled.is_new && token == card::LOST_ANSWER;
    Ok(Outcome {
        document: settled.answer,
        is_lost,
    })
}

/// What the bank says to this card.
fn ask_the_bank(token: &str, declines_anyway: bool) -> Result<(), &'static str> {
    match token {
        card::DECLINED => Err("card_declined"),
        _ if declines_anyway => Err("card_declined"),
        card::OK | card::LOST_ANSWER | card::SLOW | card::CAPTURE_REFUSED => Ok(()),
        _ => Err("card_unknown"),
    }
}

/// Whether the bank refuses to capture from this card.
pub(super) fn refuses_capture(token: &str) -> bool {
    token == card::CAPTURE_REFUSED
}

fn check(order: &PaymentOrder) -> Result<(), Problem> {
    if !(1..=MOST_AMOUNT).contains(&order.amount) {
        let detail = format!("amount is in minor units, from 1 to {MOST_AMOUNT}");
        return Err(Problem::invalid_request(detail));
    }
    if order.currency.len() != 3 || !order.currency.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(Problem::invalid_request(
            "currency is a code of ISO 4217, such as KRW",
        ));
    }
    if order.method.kind != "card" {
        return Err(Problem::invalid_request("method.kind can only be card"));
    }
    if order.reference.len() > MOST_REFERENCE_BYTES {
        let detail = format!("reference has at most {MOST_REFERENCE_BYTES} bytes");
        return Err(Problem::invalid_request(detail));
    }
    Ok(())
}

/// The query of a look-up.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ByKey {
    key: String,
}

/// `GET /v1/payments?key=`
pub(super) async fn look_up(
    State(gateway): State<Gateway>,
    Asked(ByKey { key }): Asked<ByKey>,
) -> Result<Json<Value>, Problem> {
    let found = gateway
        .ledger
        .read(|book| book.payment_of_key(&key).map(Payment::document))
        .await?;
    found
        .map(Json)
        .ok_or_else(|| Problem::not_found("no payment has arrived under this key"))
}
