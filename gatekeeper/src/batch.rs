//! Calls that arrive together travel together.
//!
//! One worker a batcher: it takes what has gathered while the call before was under way (and for a
//! millisecond more), sends it as one call and hands the answers back. Order of arrival is kept.

use std::future::Future;
use std::time::Duration;

use shared::redis_handle::StoreError;
use shared::shutdown::Shutdown;
use tokio::sync::{mpsc, oneshot};

/// How long the first of a batch waits for company.
const GATHER: Duration = Duration::from_millis(1);
/// Most requests of one call: it keeps a script below a millisecond or two of Redis.
const LARGEST_BATCH: usize = 256;
/// Most requests waiting for the next call; beyond it the answer is "overloaded" at once.
const LONGEST_QUEUE: usize = 8 * LARGEST_BATCH;

/// Why a request got no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BatchError {
    /// More are waiting than can be served in time.
    #[error("too many requests are waiting for redis")]
    Full,
    /// Redis gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Answer<A> = oneshot::Sender<Result<A, StoreError>>;

/// Gathers requests `Q` and distributes answers `A`.
#[derive(Debug)]
pub struct Batcher<Q, A> {
    queue: mpsc::Sender<(Q, Answer<A>)>,
    patience: Duration,
}

impl<Q, A> Batcher<Q, A>
where
    Q: Send + 'static,
    A: Send + 'static,
{
    /// Sends batches by `call`, which returns one answer for each request, in their order. Nobody waits
    /// longer than `patience`. The worker ends when the batcher is dropped or the process stops hard.
    pub fn start<C, F>(patience: Duration, shutdown: &Shutdown, call: C) -> Self
    where
        C: Fn(Vec<Q>) -> F + Send + 'static,
        F: Future<Output = Result<Vec<A>, StoreError>> + Send,
    {
        let (queue, waiting) = mpsc::channel(LONGEST_QUEUE);
        let hard = shutdown.hard().clone();
        // Not waited for at the end: requests in flight are, and they hold what they need from it.
        shutdown.spawn_background("batch", async move {
            hard.run_until_cancelled(work(waiting, call)).await;
        });
        Self { queue, patience }
    }

    /// Sends one request with the next batch.
    pub async fn call(&self, request: Q) -> Result<A, BatchError> {
        let (answer, answered) = oneshot::channel();
        self.queue
            .try_send((request, answer))
            .or(Err(BatchError::Full))?;
        match tokio::time::timeout(self.patience, answered).await {
            Ok(Ok(answer)) => Ok(answer?),
            Ok(Err(_dropped)) => Err(StoreError::Unavailable(None).into()),
            Err(_elapsed) => Err(StoreError::Deadline(self.patience).into()),
        }
    }
}

async fn work<Q, A, C, F>(mut waiting: mpsc::Receiver<(Q, Answer<A>)>, call: C)
where
    C: Fn(Vec<Q>) -> F,
    F: Future<Output = Result<Vec<A>, StoreError>>,
{
    let mut gathered = Vec::with_capacity(LARGEST_BATCH);
    while let Some(first) = waiting.recv().await {
        gathered.push(first);
        tokio::time::sleep(GATHER).await;
        while gathered.len() < LARGEST_BATCH {
            let Ok(next) = waiting.try_recv() else { break };
            gathered.push(next);
        }
        // Who has given up meanwhile need not be asked for.
        gathered.retain(|(_, answer)| !answer.is_closed());
        let (requests, answers): (Vec<Q>, Vec<Answer<A>>) = gathered.drain(..).unzip();
        if requests.is_empty() {
            continue;
        }
        // Nobody listens any more when sending fails; the call was idempotent.
        match call(requests).await {
            Ok(results) => {
                for (answer, result) in answers.into_iter().zip(results) {
                    let _ = answer.send(Ok(result));
                }
            }
            Err(error) => {
                for answer in answers {
                    let _ = answer.send(Err(error.clone()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_arrives_together_travels_together_and_in_order() {
        let (sizes, mut seen) = mpsc::unbounded_channel();
        let batcher = Batcher::start(
            Duration::from_secs(30),
            &Shutdown::new(),
            move |batch: Vec<u32>| {
                sizes.send(batch.clone()).expect("the test listens");
                async move { Ok(batch.into_iter().map(|number| number * 2).collect()) }
            },
        );
        let answers =
            futures_util::future::join_all((0..1000).map(|number| batcher.call(number))).await;
        let doubled: Vec<u32> = answers.into_iter().map(Result::unwrap).collect();
        assert_eq!(
            doubled,
            (0..1000).map(|number| number * 2).collect::<Vec<_>>()
        );
        drop(batcher);
        let mut sent = Vec::new();
        let mut calls = 0;
        while let Ok(batch) = seen.try_recv() {
            assert!(batch.len() <= LARGEST_BATCH);
            sent.extend(batch);
            calls += 1;
        }
        assert_eq!(sent, (0..1000).collect::<Vec<_>>(), "order of arrival");
        assert!(calls < 100, "{calls} calls for 1000 requests");
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_nobody_waits_for_ever() {
        let never = |_: Vec<usize>| std::future::pending::<Result<Vec<()>, StoreError>>();
        let batcher = Batcher::start(Duration::from_millis(50), &Shutdown::new(), never);
        let calls = (0..=LONGEST_QUEUE + LARGEST_BATCH).map(|number| batcher.call(number));
        let answers = futures_util::future::join_all(calls).await;
        assert!(
            answers
                .iter()
                .any(|answer| matches!(answer, Err(BatchError::Full)))
        );
        assert!(
            answers.iter().any(|answer| {
                matches!(answer, Err(BatchError::Store(StoreError::Deadline(_))))
            })
        );
        assert!(answers.iter().all(Result::is_err));
    }
}
