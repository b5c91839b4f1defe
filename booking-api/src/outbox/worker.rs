//! Does what is in the outbox.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use shared::shutdown::Shutdown;
use tokio::sync::Semaphore;
use tracing::{error, warn};

use super::store::{self, Entry};
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::gateway::{CallError, GatewayState, Operation};

/// How much longer than a call a lease lasts.
const LEASE_GRACE: Duration = Duration::from_secs(5);
/// From this attempt on somebody should look at it.
const ATTEMPTS_WORTH_AN_ERROR: i32 = 10;
const CONFLICT: u16 = 409;
/// What the gateway calls a capture that is refused for good; any other conflict is tried again.
const CAPTURE_REFUSED: &str = "capture-refused";

/// Works until the soft shutdown. Rung when this process has put something in; otherwise it looks now and then, for what
/// another one has left.
pub(crate) async fn work(app: SharedApp, shutdown: Shutdown) {
    let most = usize::try_from(app.settings.payments.outbox_concurrency).unwrap_or(usize::MAX);
    let places = Arc::new(Semaphore::new(most));
    let pause = app.settings.payments.outbox_interval();
    loop {
        let rung = tokio::time::timeout(pause, app.outbox_bell.notified());
        if shutdown.run_until_stopped(rung).await.is_none() {
            return;
        }
        if let Err(error) = work_on_due(&app, &places).await {
            warn!(error = &error as &dyn Error, "the outbox could not be read");
        }
    }
}

/// Takes as many entries as there are places, and does each in a task of its own.
async fn work_on_due(app: &SharedApp, places: &Arc<Semaphore>) -> Result<(), ApiError> {
    let free = i64::try_from(places.available_permits()).unwrap_or(i64::MAX);
    if free == 0 {
        return Ok(());
    }
    let lease = app.settings.gateway.timeout() + LEASE_GRACE;
    for entry in store::claim(&app.primary, free, lease).await? {
        let place = Arc::clone(places)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let app = Arc::clone(app);
        app.tasks.clone().run_beside(async move {
            let id = entry.id;
            if let Err(error) = work_on(&app, entry).await {
                // The lease ends, and the next look tries again.
                warn!(
                    entry = id,
                    error = &error as &dyn Error,
                    "an entry of the outbox is left for later"
                );
            }
            drop(place);
            // A place is free: whatever else is due need not wait for the next look.
            app.outbox_bell.notify_one();
        });
    }
    Ok(())
}

async fn work_on(app: &SharedApp, entry: Entry) -> Result<(), ApiError> {
    match call(app, &entry).await {
        Ok(()) => {
            let limits = &app.settings.payments;
            let outcome = store::settle(&app.primary, &entry, limits).await?;
            app.snapshots.changed(entry.performance);
            count(&entry.kind, &outcome);
        }
        Err(CallError::Refused {
            status: CONFLICT,
            reason,
        }) if entry.kind == "capture" && reason == CAPTURE_REFUSED => {
            let outcome = store::refuse_capture(&app.primary, &entry, &reason).await?;
            app.snapshots.changed(entry.performance);
            count(&entry.kind, &outcome);
        }
        Err(failure) => {
            count(&entry.kind, "failed");
            let pause = app
                .settings
                .payments
                .back_off(entry.attempts.unsigned_abs());
            put_off(app, &entry, pause, &failure).await?;
        }
    }
    Ok(())
}

/// Does what the entry asks for. Any other answer than that it is done is a failure.
async fn call(app: &SharedApp, entry: &Entry) -> Result<(), CallError> {
    let Some(reference) = &entry.reference else {
        // Never heard of by the gateway, or never told to us: by its key it is undone all the same.
        return match app.gateway.cancel(entry.payment).await?.state {
            GatewayState::Voided | GatewayState::Refunded | GatewayState::Declined => Ok(()),
            state => Err(CallError::NotDone(state)),
        };
    };
    let operation = match entry.kind.as_str() {
        "capture" => Operation::Capture,
        "void" => Operation::Void,
        _ => Operation::Refund,
    };
    let key = format!("{}-{}", entry.payment, entry.kind);
    let answer = app.gateway.operate(operation, reference, key).await?;
    let is_done = match operation {
        Operation::Capture => answer.state == GatewayState::Captured,
        Operation::Void => answer.state == GatewayState::Voided,
        Operation::Refund => {
            answer.state == GatewayState::Refunded || answer.refunded >= entry.captured
        }
    };
    if is_done {
        return Ok(());
    }
    Err(CallError::NotDone(answer.state))
}

async fn put_off(
    app: &SharedApp,
    entry: &Entry,
    pause: Duration,
    failure: &CallError,
) -> Result<(), ApiError> {
    let (kind, payment, attempts) = (&entry.kind, entry.payment, entry.attempts);
    if attempts >= ATTEMPTS_WORTH_AN_ERROR {
        error!(kind, %payment, attempts, error = failure as &dyn Error, "the gateway does not do what it must");
    } else {
        warn!(kind, %payment, attempts, error = failure as &dyn Error, "the gateway is asked again later");
    }
    Ok(store::put_off(&app.primary, entry.id, pause).await?)
}

fn count(kind: &str, outcome: &str) {
    let labels = [
        ("kind", kind.to_owned()),
        ("outcome", outcome.to_lowercase()),
    ];
    counter!("onsale_booking_outbox_total", &labels).increment(1);
}
