//! `POST /v1/holds/{id}/payment`: pay for a hold.
//!
//! First the attempt is committed (P), then the gateway is called, then the seats become the buyer's (C) or the hold
//! lives on (D). Between any two of these the process may die: the attempt is in the database, and the resolver goes on.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use http::StatusCode;
use http::header::{CACHE_CONTROL, LOCATION};
use metrics::counter;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::decide::{self, Decided, Paying};
use super::store::{self, Attempt, Declined, Outcome};
use crate::app::{App, SharedApp};
use crate::error::ApiError;
use crate::gateway::{CallError, PaymentCall, PaymentMethod};
use crate::http::{Id, ValidBody};
use crate::idempotency::{IdempotencyKey, Remembered};
use crate::identity::User;
use crate::orders::{self, OrderDocument, OrderState};
use crate::{idempotency, problems};

const ROUTE: &str = "POST /v1/holds/{id}/payment";
/// How long after its own deadline a handler is given up for dead.
const HANDLER_GRACE: Duration = Duration::from_secs(5);
const NOT_SOLD_ANY_MORE: &str = "This performance is not sold any more.";
const GATEWAY_UNAVAILABLE: &str = "gateway-unavailable";

/// How to pay.
#[derive(Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPayment {
    #[garde(dive)]
    method: PaymentMethod,
}

/// What step P hands on.
#[derive(Deserialize)]
struct Started {
    order: Uuid,
    payment: Uuid,
    performance: i64,
    amount: i64,
    currency: String,
}

#[derive(Deserialize)]
struct Existing {
    order: Uuid,
}

/// Pay for a hold
#[utoipa::path(post, path = "/v1/holds/{id}/payment", tag = "buyers", request_body = NewPayment,
    params(("id" = String, Path, format = "uuid"), ("Idempotency-Key" = String, Header)),
    security(("user_token" = [])),
    responses((status = 201, body = OrderDocument, description = "Paid"),
        (status = 200, body = OrderDocument, description = "Paid before, under another key"),
        (status = 202, body = OrderDocument, description = "Not known yet: ask again at Location"),
        (status = 402, description = "payment-declined"), (status = 404, description = "hold-not-found"),
        (status = 409, description = "hold-lost, hold-not-active, idempotency-in-flight"),
        (status = 503, description = "gateway-unavailable")))]
pub(crate) async fn create(
    State(app): State<SharedApp>,
    user: User,
    Id(hold): Id<Uuid>,
    key: IdempotencyKey,
    ValidBody(request): ValidBody<NewPayment>,
) -> Result<Response, ApiError> {
    let remembered = Remembered::new(ROUTE, key, &(hold, &request));
    let method = serde_json::to_value(&request.method).expect("text is always JSON");
    app.tasks
        .clone()
        .run_to_end(async move { pay(&app, &user, hold, method, &remembered).await })
        .await
}

async fn pay(
    app: &SharedApp,
    user: &User,
    hold: Uuid,
    method: Value,
    remembered: &Remembered,
) -> Result<Response, ApiError> {
    // Before anything is written: while the gateway is away nothing is begun, but what was begun before is told.
    let place = app.gateway.place();
    let outcome = begin(app, user, hold, &method, remembered, place.is_ok()).await?;
    let existing =
        |answer| serde_json::from_value::<Existing>(answer).map_err(ApiError::Unreadable);
    match outcome.word.as_str() {
        "STARTED" => {
            let started = serde_json::from_value(outcome.answer).map_err(ApiError::Unreadable)?;
            finish(app, user, started, method).await
        }
        "REPEATED" => {
            show(
                app,
                user,
                existing(outcome.answer)?.order,
                StatusCode::CREATED,
            )
            .await
        }
        "PAID" => show(app, user, existing(outcome.answer)?.order, StatusCode::OK).await,
        "NOT_NOW" => Err(ApiError::Gateway {
            again_after: place.err().unwrap_or_default(),
        }),
        _ => Err(refusal(outcome)),
    }
}

/// Step P.
async fn begin(
    app: &App,
    user: &User,
    hold: Uuid,
    method: &Value,
    remembered: &Remembered,
    may_start: bool,
) -> Result<Outcome, ApiError> {
    let attempt = Attempt {
        hold,
        buyer: user.id(),
        order: Uuid::now_v7(),
        payment: Uuid::now_v7(),
        mode: app.settings.gateway.gateway_mode,
        gateway: &app.settings.gateway.gateway_name,
        method,
        remembered,
        due_in: app.settings.gateway.timeout() + HANDLER_GRACE,
        may_start,
        limits: &app.settings.payments,
    };
    match store::begin(&app.primary, &attempt).await {
        Err(error) if error.is_refusal(idempotency::KEY_IN_USE) => {
            Err(problems::idempotency_mismatch().into())
        }
        outcome => Ok(outcome?),
    }
}

/// Why no payment was begun.
fn refusal(outcome: Outcome) -> ApiError {
    let problem = match outcome.word.as_str() {
        "IN_FLIGHT" => problems::idempotency_in_flight(),
        "MISMATCH" => problems::idempotency_mismatch(),
        "NOT_FOUND" => problems::hold_not_found(),
        "LOST" => problems::hold_lost(),
        "NOT_ACTIVE" => {
            problems::hold_not_active(outcome.answer["state"].as_str().unwrap_or_default())
        }
        "EXHAUSTED" => problems::payment_attempts_used(),
        "WITHDRAWN" => problems::sale_not_open(NOT_SOLD_ANY_MORE),
        _ => return ApiError::Outcome(outcome.word),
    };
    problem.into()
}

/// Calls the gateway for an attempt that has been committed, and acts on its answer.
async fn finish(
    app: &SharedApp,
    user: &User,
    started: Started,
    method: Value,
) -> Result<Response, ApiError> {
    app.snapshots.changed(started.performance);
    let paying = Paying {
        payment: started.payment,
        performance: started.performance,
    };
    let call = PaymentCall {
        payment: started.payment,
        order: started.order,
        amount: started.amount,
        currency: started.currency,
        mode: app.settings.gateway.gateway_mode,
        method,
    };
    let decided = match app.gateway.pay(call).await {
        Ok(answer) => decide::by_answer(app, paying, &answer).await?,
        Err(error) if error.was_not_sent() => {
            decide::decline(app, paying, GATEWAY_UNAVAILABLE, Declined::NotSent).await?
        }
        Err(CallError::Refused { reason, .. }) => {
            decide::decline(app, paying, &reason, Declined::Refused).await?
        }
        Err(_no_answer) => Decided::NotYet,
    };
    if decided == Decided::NotYet {
        counter!("onsale_booking_orders_total", "result" => "unknown").increment(1);
        store::mark_unknown(
            &app.primary,
            paying.payment,
            app.settings.payments.retry_after(),
        )
        .await?;
        app.outbox_bell.notify_one();
    }
    show(app, user, started.order, StatusCode::CREATED).await
}

/// The order as it stands, in the words that its state asks for.
async fn show(
    app: &App,
    user: &User,
    order: Uuid,
    when_done: StatusCode,
) -> Result<Response, ApiError> {
    let order = orders::find(app, user, order).await?;
    let status = match (order.state(), order.reason()) {
        (OrderState::Confirmed | OrderState::Cancelled, _) => when_done,
        (OrderState::Failed, Some("hold-lost")) => return Err(problems::hold_lost().into()),
        (OrderState::Failed, Some("withdrawn")) => {
            return Err(problems::sale_not_open(NOT_SOLD_ANY_MORE).into());
        }
        (OrderState::Failed, Some(GATEWAY_UNAVAILABLE)) => {
            return Err(ApiError::Gateway {
                again_after: app.settings.gateway.circuit_open(),
            });
        }
        (OrderState::Failed, reason) => {
            return Err(problems::payment_declined(reason.unwrap_or("declined")).into());
        }
        _ => StatusCode::ACCEPTED,
    };
    let headers = [
        (LOCATION, format!("/v1/orders/{}", order.id())),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((status, headers, Json(order)).into_response())
}
