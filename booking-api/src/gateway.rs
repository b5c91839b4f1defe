//! The payment gateway: somebody else's service, which may be slow, wrong or away.
//!
//! Around each call stand, from the outside in: a circuit breaker, which stops asking what does not answer; and a time limit.
//! Buyers' payments also need one of a limited number of places, so that a slow gateway cannot occupy the whole shop.

mod breaker;
mod http;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::ToSchema;
use uuid::Uuid;

use self::breaker::Breaker;
use self::http::HttpGateway;
use crate::settings::{GatewayArgs, Mode};

/// A payment gateway. Calls are futures of their own, so that nothing of ours is borrowed while they run.
pub(crate) trait PaymentGateway: Debug + Send + Sync {
    /// Authorizes or charges. The same key again is the same payment.
    fn pay(&self, payment: PaymentCall) -> BoxFuture<'static, Result<Answer, CallError>>;
    /// Does something with an authorized or charged payment, under a key of its own.
    fn operate(
        &self,
        operation: Operation,
        reference: &str,
        key: String,
    ) -> BoxFuture<'static, Result<Answer, CallError>>;
    /// Undoes whatever came, or will come, under the key of a payment.
    fn cancel(&self, payment: Uuid) -> BoxFuture<'static, Result<Cancelled, CallError>>;
}

/// How the buyer pays: a token that the gateway gave to the buyer's browser.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, garde::Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct PaymentMethod {
    #[garde(skip)]
    pub(crate) kind: MethodKind,
    #[garde(length(chars, min = 1, max = 200), custom(visible))]
    pub(crate) token: String,
}

/// The kinds of payment that are taken.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MethodKind {
    Card,
}

/// Letters, digits and signs, as tokens are made of.
fn visible<C>(text: &str, _context: &C) -> garde::Result {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(garde::Error::new(
        "it holds something else than visible ASCII characters",
    ))
}

/// What to pay.
#[derive(Debug, Clone)]
pub(crate) struct PaymentCall {
    /// The payment's own id is the key, so that a repeat is the same payment.
    pub(crate) payment: Uuid,
    pub(crate) order: Uuid,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) mode: Mode,
    pub(crate) method: Value,
}

/// What may be done with a payment later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Capture,
    Void,
    Refund,
}

/// The gateway's word on a payment.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Answer {
    /// Its reference at the gateway.
    pub(crate) payment: String,
    pub(crate) state: GatewayState,
    /// What has been given back of what was captured, in minor units.
    #[serde(default)]
    pub(crate) refunded: i64,
    pub(crate) reason: Option<String>,
}

/// Nothing can happen under the key any more.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Cancelled {
    pub(crate) state: GatewayState,
}

/// Where a payment stands at the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum GatewayState {
    Authorized,
    Captured,
    Declined,
    Voided,
    Refunded,
    /// A state that this version does not know decides nothing.
    #[serde(other)]
    Other,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The circuit is open: the gateway was not asked.
    #[error("the circuit is open")]
    CircuitOpen,
    /// No connection: the gateway was not asked.
    #[error("the payment gateway cannot be reached")]
    NotSent(#[source] reqwest::Error),
    /// The gateway may or may not have done it.
    #[error("the payment gateway gave no answer")]
    NoAnswer(#[source] reqwest::Error),
    /// The gateway had a failure of its own, and may or may not have done it.
    #[error("the payment gateway failed with status {0}")]
    Failed(u16),
    /// The gateway answered in good order that it has not done it, or not yet.
    #[error("the payment gateway says that the payment is {0:?}")]
    NotDone(GatewayState),
    /// The gateway refused: it did not do it, and the same request will be refused again.
    #[error("the payment gateway refused with status {status}: {reason}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The last part of the problem's type.
        reason: String,
    },
}

impl CallError {
    /// Whether the gateway itself is at fault. A refusal shows that it works.
    fn is_outage(&self) -> bool {
        !matches!(self, Self::Refused { .. } | Self::NotDone(_))
    }

    /// Whether it is certain that the gateway never heard of it.
    pub(crate) fn was_not_sent(&self) -> bool {
        matches!(self, Self::CircuitOpen | Self::NotSent(_))
    }
}

/// The gateway behind its protections.
#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    inner: Arc<dyn PaymentGateway>,
    breaker: Breaker,
    places: Arc<Semaphore>,
}

impl Gateway {
    pub(crate) fn new(settings: &GatewayArgs) -> Result<Self, StartError> {
        let places = usize::try_from(settings.gateway_concurrency).unwrap_or(usize::MAX);
        Ok(Self {
            inner: Arc::new(HttpGateway::new(settings)?),
            breaker: Breaker::new("payment-gateway", settings)?,
            places: Arc::new(Semaphore::new(places)),
        })
    }

    /// A place for one buyer's payment, or when to ask again. To be taken before anything is written.
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit, Duration> {
        if let Some(wait) = self.breaker.refuses_for() {
            return Err(wait);
        }
        Arc::clone(&self.places)
            .try_acquire_owned()
            .or(Err(Duration::from_secs(1)))
    }

    /// How long ago the circuit changed, unless it is closed.
    pub(crate) fn circuit_open_for(&self) -> Option<Duration> {
        self.breaker.open_for()
    }

    pub(crate) async fn pay(&self, payment: PaymentCall) -> Result<Answer, CallError> {
        self.breaker.run(self.inner.pay(payment)).await
    }

    pub(crate) async fn operate(
        &self,
        operation: Operation,
        reference: &str,
        key: String,
    ) -> Result<Answer, CallError> {
        self.breaker
            .run(self.inner.operate(operation, reference, key))
            .await
    }

    pub(crate) async fn cancel(&self, payment: Uuid) -> Result<Cancelled, CallError> {
        self.breaker.run(self.inner.cancel(payment)).await
    }
}

/// Why the gateway's client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The HTTP client.
    #[error("the HTTP client of the payment gateway cannot be made")]
    Client(#[from] reqwest::Error),
    /// The address.
    #[error("--gateway-url cannot have paths added to it")]
    Address,
    /// The circuit breaker's settings.
    #[error("the circuit breaker refuses its settings")]
    Breaker(#[from] tower_resilience_circuitbreaker::CircuitBreakerConfigError),
}
