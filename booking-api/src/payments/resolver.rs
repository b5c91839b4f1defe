//! Looks after payments that nobody has decided: the gateway gave no answer, or the process that asked has died.
//!
//! It never concludes from a look-up: what is not there now may arrive in a minute. It repeats the same call under the same
//! key, which is the same payment; or, when that leads nowhere, gives the payment up: from then on nothing can confirm it,
//! and the outbox cancels it at the gateway by that key, after which a late arrival comes to nothing.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use shared::shutdown::Shutdown;
use tokio::sync::Semaphore;
use tracing::{info, warn};

use super::decide::{self, Decided, NO_ANSWER, Paying};
use super::store::{self, Unresolved};
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::gateway::{CallError, PaymentCall};

/// How much longer than a call a lease lasts.
const LEASE_GRACE: Duration = Duration::from_secs(5);

/// Resolves until the soft shutdown.
pub(crate) async fn resolve(app: SharedApp, shutdown: Shutdown) {
    let most = usize::try_from(app.settings.payments.outbox_concurrency).unwrap_or(usize::MAX);
    let places = Arc::new(Semaphore::new(most));
    let pause = app.settings.payments.outbox_interval();
    while shutdown
        .run_until_stopped(tokio::time::sleep(pause))
        .await
        .is_some()
    {
        if let Err(error) = resolve_due(&app, &places).await {
            warn!(
                error = &error as &dyn Error,
                "payments without an answer could not be looked after"
            );
        }
    }
}

/// Takes as many payments as there are places, and looks after each in a task of its own.
async fn resolve_due(app: &SharedApp, places: &Arc<Semaphore>) -> Result<(), ApiError> {
    let free = i64::try_from(places.available_permits()).unwrap_or(i64::MAX);
    if free == 0 {
        return Ok(());
    }
    let lease = app.settings.gateway.timeout() + LEASE_GRACE;
    for unresolved in store::claim(&app.primary, free, lease).await? {
        let place = Arc::clone(places)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let (app, payment) = (Arc::clone(app), unresolved.payment);
        app.tasks.clone().run_beside(async move {
            if let Err(error) = resolve_one(&app, unresolved).await {
                // The lease ends, and the next look tries again.
                warn!(%payment, error = &error as &dyn Error, "a payment could not be resolved");
            }
            drop(place);
        });
    }
    Ok(())
}

async fn resolve_one(app: &SharedApp, unresolved: Unresolved) -> Result<(), ApiError> {
    let paying = Paying {
        payment: unresolved.payment,
        performance: unresolved.performance,
    };
    let (payment, calls) = (unresolved.payment, unresolved.calls);
    let gives_up = calls > app.settings.payments.payment_repeats
        || unresolved.is_too_late
        || unresolved.method.is_none();
    let asked = if gives_up {
        decide::give_up(app, paying, NO_ANSWER).await
    } else {
        repeat(app, paying, unresolved).await
    };
    match asked? {
        Decided::Yes => info!(%payment, calls, "a payment without an answer is resolved"),
        Decided::NotYet => {
            let pause = app.settings.payments.back_off(calls.unsigned_abs());
            store::put_off(&app.primary, payment, pause).await?;
        }
    }
    Ok(())
}

/// The same call with the same key.
async fn repeat(
    app: &SharedApp,
    paying: Paying,
    unresolved: Unresolved,
) -> Result<Decided, ApiError> {
    let call = PaymentCall {
        payment: unresolved.payment,
        order: unresolved.order,
        amount: unresolved.amount,
        currency: unresolved.currency,
        mode: unresolved.mode.into(),
        method: unresolved.method.unwrap_or_default(),
    };
    match app.gateway.pay(call).await {
        Ok(answer) => decide::by_answer(app, paying, &answer).await,
        // It says nothing about the first call, which may have taken money.
        Err(CallError::Refused { .. }) => decide::give_up(app, paying, NO_ANSWER).await,
        Err(error) => {
            warn!(payment = %paying.payment, error = &error as &dyn Error, "still no answer from the payment gateway");
            Ok(Decided::NotYet)
        }
    }
}
