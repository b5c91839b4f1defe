//! What the gateway's word on a payment means for the buyer's seats.
//!
//! The handler that called, the resolver that repeats a call, and later the webhook: all come here, any of them may be
//! first, and the database lets one of them decide.

use metrics::counter;
use serde::Deserialize;
use shared::tokens::admission::AdmissionClaims;
use uuid::Uuid;

use super::store::{self, Declined};
use crate::app::{App, SharedApp};
use crate::error::ApiError;
use crate::gateway::{Answer, GatewayState};

/// The reason of payments that were given up because the gateway did not say what had become of them.
pub(super) const NO_ANSWER: &str = "no-answer";
/// The reason of payments that the gateway has undone without being asked.
const VOIDED: &str = "voided";

const REASON_LONGEST: usize = 100;

/// Which payment, and for which performance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paying {
    pub(super) payment: Uuid,
    pub(super) performance: i64,
}

/// Whether the payment is decided now, by this call or another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decided {
    Yes,
    NotYet,
}

#[derive(Deserialize)]
struct Confirmed {
    admission: AdmissionClaims,
}

/// C, D, or neither, as the gateway says.
pub(super) async fn by_answer(
    app: &SharedApp,
    paying: Paying,
    answer: &Answer,
) -> Result<Decided, ApiError> {
    match answer.state {
        GatewayState::Authorized => confirm(app, paying, &answer.payment, false).await,
        GatewayState::Captured => confirm(app, paying, &answer.payment, true).await,
        GatewayState::Declined => decline(app, paying, &reason(answer), Declined::ByGateway).await,
        GatewayState::Voided | GatewayState::Refunded => give_up(app, paying, VOIDED).await,
        GatewayState::Other => Ok(Decided::NotYet),
    }
}

async fn confirm(
    app: &SharedApp,
    paying: Paying,
    reference: &str,
    charged: bool,
) -> Result<Decided, ApiError> {
    let outcome = store::confirm(&app.primary, paying.payment, reference, charged).await?;
    note(app, paying, &outcome.word);
    app.outbox_bell.notify_one();
    if outcome.word == "CONFIRMED" {
        let confirmed: Confirmed =
            serde_json::from_value(outcome.answer).map_err(ApiError::Unreadable)?;
        let beside = app.clone();
        // The buyer has what they came for: the next visitor may come in.
        app.tasks
            .run_beside(async move { App::finish(&beside, &confirmed.admission).await });
    }
    Ok(Decided::Yes)
}

/// D.
pub(super) async fn decline(
    app: &SharedApp,
    paying: Paying,
    reason: &str,
    declined: Declined,
) -> Result<Decided, ApiError> {
    let limits = &app.settings.payments;
    let word = store::decline(&app.primary, paying.payment, reason, declined, limits).await?;
    note(app, paying, &word);
    Ok(Decided::Yes)
}

/// Nobody can learn what became of it, so nothing may: the outbox goes on.
pub(super) async fn give_up(
    app: &SharedApp,
    paying: Paying,
    reason: &str,
) -> Result<Decided, ApiError> {
    let word = store::give_up(&app.primary, paying.payment, reason).await?;
    note(app, paying, &word);
    app.outbox_bell.notify_one();
    Ok(Decided::Yes)
}

/// The gateway's reason, as much of it as is worth keeping.
fn reason(answer: &Answer) -> String {
    let reason = answer.reason.as_deref().unwrap_or("declined").chars();
    reason
        .filter(|c| !c.is_control())
        .take(REASON_LONGEST)
        .collect()
}

fn note(app: &App, paying: Paying, word: &str) {
    app.snapshots.changed(paying.performance);
    if word != "DECIDED" {
        counter!("onsale_booking_orders_total", "result" => word.to_lowercase()).increment(1);
    }
}
