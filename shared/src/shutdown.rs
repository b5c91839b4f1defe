//! Stopping in two steps: softly (finish what has begun), then hard (a deadline has passed).
//!
//! Every task of a process is spawned here, so that none outlives it unnoticed and none is forgotten.

use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use crate::readiness::Latch;

/// The life of one process: its tasks and the two tokens that end them.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    soft: CancellationToken,
    hard: CancellationToken,
    tasks: TaskTracker,
    crashed: Arc<AtomicBool>,
}

impl Shutdown {
    /// A process that has just begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when no new work may begin.
    pub fn soft(&self) -> &CancellationToken {
        &self.soft
    }

    /// Cancelled when unfinished work is given up.
    pub fn hard(&self) -> &CancellationToken {
        &self.hard
    }

    /// Spawns a task that the process waits for before it ends. A panic in it stops the process:
    /// half a service that looks alive is worse than a restart.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that may spawn: everything is tracked"
    )]
    pub fn spawn<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let running = tokio::spawn(task);
        self.tasks.spawn(self.clone().watch(name, running));
    }

    /// Spawns short-lived work, such as one connection or one request's writes, whose crash ends only itself.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that may spawn: everything is tracked"
    )]
    pub fn spawn_piece<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        tokio::spawn(self.tasks.track_future(work))
    }

    /// Spawns a task that the process does not wait for: it ends with the runtime. A panic in it stops
    /// the process like one in [`Self::spawn`].
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that may spawn: here on purpose without tracking"
    )]
    pub fn spawn_background<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let running = tokio::spawn(task);
        drop(tokio::spawn(self.clone().watch(name, running)));
    }

    /// Stops the process when the task `name` panics.
    async fn watch(self, name: &'static str, running: JoinHandle<()>) {
        if let Err(failure) = running.await {
            error!(task = name, error = %failure, "a task crashed; stopping");
            self.crashed.store(true, Ordering::Release);
            self.soft.cancel();
        }
    }

    /// Runs `work`, but not beyond the soft shutdown: `None` when it was interrupted.
    pub async fn run_until_stopped<F: Future>(&self, work: F) -> Option<F::Output> {
        self.soft.run_until_cancelled(work).await
    }

    /// Stops softly on SIGTERM or SIGINT: first "not ready", after `drain_delay` (so that load
    /// balancers notice) the soft token, `deadline` later the hard one. A second signal skips the waits.
    pub fn stop_on_signals(&self, ready: Latch, drain_delay: Duration, deadline: Duration) {
        let (mut terminate, mut interrupt) = match (
            signal(SignalKind::terminate()),
            signal(SignalKind::interrupt()),
        ) {
            (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
            (Err(error), _) | (_, Err(error)) => {
                error!(%error, "cannot listen for signals; stopping");
                self.crashed.store(true, Ordering::Release);
                self.soft.cancel();
                return;
            }
        };
        let shutdown = self.clone();
        ready.set(true);
        self.spawn("signals", async move {
            let mut next_signal = async || {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            };
            tokio::select! {
                () = next_signal() => info!("stopping: not ready from now on"),
                () = shutdown.soft.cancelled() => {}
            }
            ready.set(false);
            tokio::select! {
                () = tokio::time::sleep(drain_delay) => {}
                () = next_signal() => {}
                () = shutdown.soft.cancelled() => {}
            }
            shutdown.soft.cancel();
            let finished = shutdown.tasks.clone();
            tokio::select! {
                () = tokio::time::sleep(deadline) => warn!("the shutdown deadline has passed"),
                () = next_signal() => warn!("a second signal: giving up unfinished work"),
                // This task is tracked too, so "one left" means that everything else has ended.
                () = only_one_left(&finished) => {}
            }
            shutdown.hard.cancel();
        });
    }

    /// Waits until the soft token is cancelled and every task has ended (or the hard token has been
    /// cancelled for a second). The exit code tells whether a task crashed.
    pub async fn finish(self) -> ExitCode {
        self.soft.cancelled().await;
        self.tasks.close();
        let given_up = async {
            self.hard.cancelled().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        };
        tokio::select! {
            () = self.tasks.wait() => {}
            () = given_up => warn!(tasks = self.tasks.len(), "ending with unfinished tasks"),
        }
        if self.crashed.load(Ordering::Acquire) {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}

/// Tasks end without telling, so this looks; it runs only while a process is stopping.
async fn only_one_left(tasks: &TaskTracker) {
    while tasks.len() > 1 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_has_begun_is_finished() {
        let shutdown = Shutdown::new();
        let (done, finished) = tokio::sync::oneshot::channel();
        let soft = shutdown.soft().clone();
        shutdown.spawn("worker", async move {
            soft.cancelled().await;
            tokio::task::yield_now().await;
            done.send(()).expect("the test waits");
        });
        shutdown.soft().cancel();
        assert_eq!(
            format!("{:?}", shutdown.finish().await),
            format!("{:?}", ExitCode::SUCCESS)
        );
        finished.await.expect("the worker ran to its end");
    }

    #[tokio::test]
    async fn a_crashed_task_stops_the_process_with_a_failure() {
        let shutdown = Shutdown::new();
        shutdown.spawn("crash", async { panic!("on purpose") });
        assert_eq!(
            format!("{:?}", shutdown.finish().await),
            format!("{:?}", ExitCode::FAILURE)
        );
    }

    #[tokio::test]
    async fn a_crashed_background_task_stops_the_process_with_a_failure() {
        let shutdown = Shutdown::new();
        shutdown.spawn_background("crash", async { panic!("on purpose") });
        assert_eq!(
            format!("{:?}", shutdown.finish().await),
            format!("{:?}", ExitCode::FAILURE)
        );
    }

    #[tokio::test]
    async fn nobody_waits_for_a_background_task() {
        let shutdown = Shutdown::new();
        shutdown.spawn_background("hangs", std::future::pending());
        shutdown.soft().cancel();
        assert_eq!(
            format!("{:?}", shutdown.finish().await),
            format!("{:?}", ExitCode::SUCCESS)
        );
    }

    #[tokio::test]
    async fn work_that_hangs_is_given_up_after_the_hard_token() {
        let shutdown = Shutdown::new();
        shutdown.spawn("hangs", std::future::pending());
        shutdown.soft().cancel();
        shutdown.hard().cancel();
        tokio::time::timeout(Duration::from_secs(30), shutdown.finish())
            .await
            .expect("it ends");
    }
}
