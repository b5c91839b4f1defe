//! The circuit breaker around a dependency: after many failures it stops asking for a while, then tries one call.
//!
//! Time-based window only: the count-based one of the crate never slides.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use metrics::gauge;
use tower::{Service, ServiceExt};
use tower_resilience_circuitbreaker::{
    CircuitBreaker, CircuitBreakerConfigError, CircuitBreakerError, CircuitBreakerLayer,
    CircuitState, DefaultClassifier, SlidingWindowType,
};
use tracing::warn;

use super::CallError;
use crate::settings::GatewayArgs;

/// A call as the breaker sees it: done, or failed by the dependency's fault. What it came to travels beside it.
struct Call(BoxFuture<'static, Result<(), AtFault>>);

/// The dependency failed.
#[derive(Debug)]
struct AtFault;

/// Runs a call: what the circuit stands around.
#[derive(Debug, Clone, Copy)]
struct Run;

impl Service<Call> for Run {
    type Response = ();
    type Error = AtFault;
    type Future = BoxFuture<'static, Result<(), AtFault>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), AtFault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, Call(call): Call) -> Self::Future {
        call
    }
}

/// A circuit that several kinds of call share.
#[derive(Clone)]
pub(super) struct Breaker {
    circuit: CircuitBreaker<Run, DefaultClassifier>,
    changed: Arc<Mutex<(CircuitState, Instant)>>,
    open_for: Duration,
    /// A trial call takes no longer than this.
    trial_for: Duration,
}

impl Breaker {
    pub(super) fn new(
        dependency: &'static str,
        settings: &GatewayArgs,
    ) -> Result<Self, CircuitBreakerConfigError> {
        let changed = Arc::new(Mutex::new((CircuitState::Closed, Instant::now())));
        let (told, least) = (Arc::clone(&changed), settings.circuit_calls_least);
        publish(dependency, CircuitState::Closed);
        let layer = CircuitBreakerLayer::builder()
            .name(dependency)
            .failure_rate_threshold(f64::from(settings.circuit_failures_percent) / 100.0)
            .sliding_window_type(SlidingWindowType::TimeBased)
            .sliding_window_duration(Duration::from_millis(settings.circuit_window_ms))
            .minimum_number_of_calls(usize::try_from(least).unwrap_or(usize::MAX))
            .wait_duration_in_open(settings.circuit_open())
            .permitted_calls_in_half_open(1)
            .on_state_transition(move |from, to| {
                warn!(dependency, ?from, ?to, "the circuit changes");
                *told.lock().expect("nobody panics while holding this lock") = (to, Instant::now());
                publish(dependency, to);
            })
            .build()?;
        Ok(Self {
            circuit: layer.layer_fn(Run),
            changed,
            open_for: settings.circuit_open(),
            trial_for: settings.timeout() + Duration::from_secs(1),
        })
    }

    /// How long the circuit will refuse for certain. Asked before anything is written for a call, so that an outage costs
    /// the database nothing.
    pub(super) fn refuses_for(&self) -> Option<Duration> {
        let (state, since) = *self
            .changed
            .lock()
            .expect("nobody panics while holding this lock");
        let lasts = match state {
            CircuitState::Closed => return None,
            CircuitState::Open => self.open_for,
            CircuitState::HalfOpen => self.trial_for,
        };
        lasts.checked_sub(since.elapsed())
    }

    /// How long ago the circuit opened or let a trial through; `None` while it is closed.
    pub(super) fn open_for(&self) -> Option<Duration> {
        let (state, since) = *self
            .changed
            .lock()
            .expect("nobody panics while holding this lock");
        (state != CircuitState::Closed).then(|| since.elapsed())
    }

    /// Runs `call`, unless the circuit is open.
    pub(super) fn run<T: Send + 'static>(
        &self,
        call: BoxFuture<'static, Result<T, CallError>>,
    ) -> BoxFuture<'static, Result<T, CallError>> {
        let circuit = self.circuit.clone();
        async move {
            let (tell, told) = tokio::sync::oneshot::channel();
            let watched = async move {
                let result = call.await;
                let is_outage = result.as_ref().is_err_and(CallError::is_outage);
                // The receiver waits below for as long as this runs.
                let _ = tell.send(result);
                if is_outage { Err(AtFault) } else { Ok(()) }
            };
            match circuit.oneshot(Call(watched.boxed())).await {
                Err(CircuitBreakerError::OpenCircuit) => Err(CallError::CircuitOpen),
                Ok(()) | Err(CircuitBreakerError::Inner(AtFault)) => {
                    told.await.unwrap_or(Err(CallError::CircuitOpen))
                }
            }
        }
        .boxed()
    }
}

impl std::fmt::Debug for Breaker {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Breaker")
            .field("state", &self.circuit.state_sync())
            .finish_non_exhaustive()
    }
}

fn publish(dependency: &'static str, state: CircuitState) {
    let value = match state {
        CircuitState::Closed => 0.0,
        CircuitState::HalfOpen => 1.0,
        CircuitState::Open => 2.0,
    };
    gauge!("onsale_circuit_state", "dependency" => dependency).set(value);
}
