//! Handlers that write run to their end, whatever becomes of the client that asked.
//!
//! hyper drops a handler whose client hangs up. Dropped between its steps, a payment would be left without an answer and a
//! seat's lock without its owner until it expires. So the writing half runs in a task of its own, which shutdown waits for.

use std::future::Future;
use std::time::Duration;

use shared::shutdown::Shutdown;

/// Runs what must not be cut off.
#[derive(Debug, Clone)]
pub(crate) struct Tasks {
    shutdown: Shutdown,
}

/// The task panicked; the panic itself has been logged.
#[derive(Debug, thiserror::Error)]
#[error("the task of a request crashed")]
pub(crate) struct Abandoned(#[source] tokio::task::JoinError);

impl Tasks {
    pub(crate) fn new(shutdown: Shutdown) -> Self {
        Self { shutdown }
    }

    /// Runs `work` to its end even if the caller is dropped.
    pub(crate) async fn run_to_end<F, T, E>(&self, work: F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<Abandoned> + Send + 'static,
    {
        match self.shutdown.spawn_piece(work).await {
            Ok(result) => result,
            Err(crash) => Err(Abandoned(crash).into()),
        }
    }

    /// Runs `work` beside its caller, which asks for the result when it likes.
    pub(crate) fn run_aside<F>(&self, work: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.shutdown.spawn_piece(work)
    }

    /// Waits between two attempts. Whether there may be another: not after the soft shutdown has begun.
    pub(crate) async fn pause(&self, pause: Duration) -> bool {
        let slept = self.shutdown.run_until_stopped(tokio::time::sleep(pause));
        slept.await.is_some()
    }

    /// Runs `work` beside the request, which does not wait for it.
    pub(crate) fn run_beside<F>(&self, work: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(self.shutdown.spawn_piece(work));
    }
}
