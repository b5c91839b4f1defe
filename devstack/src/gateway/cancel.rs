//! `POST /v1/payments/cancel`: for a payment whose fate the shop does not know. Whatever exists under
//! the key is undone, and whatever arrives under it later comes to nothing.

use axum::{extract::State, response::Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{
    Gateway, Outcome,
    book::Payment,
    problem::Problem,
    request::{Input, is_key},
};

/// Which payment.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ByKey {
    key: String,
}

/// `POST /v1/payments/cancel`
pub(super) async fn cancel(
    State(gateway): State<Gateway>,
    Input(ByKey { key }): Input<ByKey>,
) -> Result<Response, Problem> {
    if !is_key(&key) {
        return Err(Problem::key_missing());
    }
    Ok(gateway.to_the_end(|gateway| cancel_key(gateway, key)).await)
}

async fn cancel_key(gateway: Gateway, key: String) -> Result<Outcome, Problem> {
    let now = Timestamp::now();
    let settled = gateway
        .ledger
        .change(
            |book| book.decide_cancel(&key, now),
            |book| Ok(book.payment_of_key(&key).map(Payment::document)),
        )
        .await??;
    // Nothing has arrived under this key, and nothing of it ever will.
    let document = settled
        .answer
        .unwrap_or_else(|| json!({"key": key, "state": "VOIDED"}));
    Ok(Outcome {
        document,
        is_lost: false,
    })
}
