//! The simulated payment gateway: takes no money, but behaves like one that does.
//!
//! It runs as a process of its own, speaks HTTP, keeps its own durable books (see [`ledger`]), and
//! misbehaves on demand: by the token of a card for one payment, by `POST /v1/faults` for all. What a
//! caller was told is on disk; what it does once it has begun, it does to the end, whether or not the
//! caller still listens.
//!
//! | call | file |
//! |---|---|
//! | `POST /v1/payments`, `GET /v1/payments?key=` | `gateway/payments.rs` |
//! | `POST /v1/payments/{payment}/capture`, `/void`, `/refund` | `gateway/operations.rs` |
//! | `POST /v1/payments/cancel` | `gateway/cancel.rs` |
//! | `GET /v1/ledger`, for auditors | `gateway/audit.rs` |
//! | `POST /v1/faults` | `gateway/faults.rs` |

mod audit;
mod book;
mod cancel;
mod entry;
mod faults;
mod ledger;
mod operations;
mod payments;
mod problem;
mod request;

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::Value;
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::ledger::LedgerError;
use self::{faults::Faults, ledger::Ledger, problem::Problem};

/// A payment is some hundred bytes.
const MOST_BODY_BYTES: usize = 16 * 1024;

/// Calls worked on at once; more are refused with 503. Far above what a thousand payments a second
/// need, so that only a runaway client meets it.
const MOST_CALLS_AT_ONCE: usize = 4_096;

/// How long calls in progress may take after the signal to end.
const DRAIN_WITHIN: Duration = Duration::from_secs(3);

/// What every call shares.
#[derive(Clone)]
struct Gateway {
    ledger: Ledger,
    faults: Arc<Mutex<Faults>>,
    calls: Arc<Semaphore>,
    tasks: TaskTracker,
}

/// Serves until `stop` resolves, keeping the books in the file `ledger`.
pub async fn serve(
    listener: TcpListener,
    ledger: &Path,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let gateway = Gateway {
        ledger: Ledger::open(ledger)?,
        faults: Arc::default(),
        calls: Arc::new(Semaphore::new(MOST_CALLS_AT_ONCE)),
        tasks: TaskTracker::new(),
    };
    let stopping = CancellationToken::new();
    let graceful = axum::serve(listener, router(gateway.clone()))
        .with_graceful_shutdown(stopping.clone().cancelled_owned());
    // Connections on which nobody speaks would keep a graceful end waiting for ever.
    let impatient = async {
        stop.await;
        stopping.cancel();
        tokio::time::sleep(DRAIN_WITHIN).await;
    };
    tokio::select! {
        served = graceful.into_future() => served?,
        () = impatient => {}
    }
    gateway.tasks.close();
    let _ = tokio::time::timeout(DRAIN_WITHIN, gateway.tasks.wait()).await;
    gateway.ledger.close().await;
    Ok(())
}

/// Why the gateway does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Its books cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The listener failed.
    #[error("the payment gateway cannot listen: {0}")]
    Listen(#[from] io::Error),
}

fn router(gateway: Gateway) -> Router {
    Router::new()
        .route("/v1/payments", get(payments::look_up).post(payments::open))
        .route("/v1/payments/cancel", post(cancel::cancel))
        .route("/v1/payments/{payment}/capture", post(operations::capture))
        .route("/v1/payments/{payment}/void", post(operations::void))
        .route("/v1/payments/{payment}/refund", post(operations::refund))
        .route("/v1/ledger", get(audit::page))
        .route("/v1/faults", get(faults::show).post(faults::set))
        .route("/readyz", get(|| async { "ready\n" }))
        .route("/livez", get(|| async { "alive\n" }))
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .fallback(|| async { Problem::not_found("there is no such path") })
        .layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
        .with_state(gateway)
}

/// What a call comes to.
struct Outcome {
    document: Value,
    /// The caller shall not hear of it.
    is_lost: bool,
}

impl Gateway {
    /// Does a piece of work to its end even if the caller hangs up, as a real gateway does, with the
    /// faults in force before and after it.
    async fn to_the_end<W>(&self, work: impl FnOnce(Self) -> W) -> Response
    where
        W: Future<Output = Result<Outcome, Problem>> + Send + 'static,
    {
        let Ok(permit) = Arc::clone(&self.calls).try_acquire_owned() else {
            return Problem::overloaded().into_response();
        };
        let faults = self.faults();
        let work = work(self.clone());
        let task = self.tasks.spawn(async move {
            let _permit = permit;
            faults.before().await?;
            work.await
        });
        match task.await {
            Ok(Ok(outcome)) if outcome.is_lost || faults.lose_answer() => faults::lost_answer(),
            Ok(Ok(outcome)) => Json(outcome.document).into_response(),
            Ok(Err(problem)) => problem.into_response(),
            Err(_) => Problem::internal().into_response(),
        }
    }

    fn faults(&self) -> Faults {
        *self
            .faults
            .lock()
            .expect("no code panics while it holds this lock")
    }
}
