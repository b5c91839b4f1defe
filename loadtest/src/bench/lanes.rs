//! The same client for both servers, the one that all crowds use: closed loops over kept connections, each of which leads
//! to the floor and to ours, one request at a time. Throughput is what such a loop can tell; latencies are measured by
//! `loadtest run`.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::report::Round;
use crate::client::{Answer, Client, Outgoing, Service};

/// Beyond what a phase should take: a server that hangs ends the benchmark.
const PATIENCE: Duration = Duration::from_secs(60);

/// Longest body of an answer.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Which of the two servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Floor,
    Ours,
}

/// A connection to each of the two.
pub(super) struct Lane {
    floor: Client,
    ours: Client,
}

impl Lane {
    pub(super) fn new(floor: SocketAddr, ours: SocketAddr) -> Self {
        Self {
            floor: Client::new(&Service::on(floor)),
            ours: Client::new(&Service::on(ours)),
        }
    }

    /// The answer of one of the two.
    pub(super) async fn ask(&mut self, side: Side, request: &Outgoing) -> anyhow::Result<Answer> {
        let client = match side {
            Side::Floor => &mut self.floor,
            Side::Ours => &mut self.ours,
        };
        let answer = client.send(request.clone(), ANSWER_BYTES_MAX).await?;
        if client.reconnections() > 0 {
            bail!("a kept connection was closed");
        }
        Ok(answer)
    }
}

/// Lets all loops run at the same time, gets them back, and tells how many answers there were a second.
pub(super) async fn phase<L, F>(loops: &mut Vec<L>, run: impl Fn(L) -> F) -> anyhow::Result<f64>
where
    L: Send + 'static,
    F: Future<Output = anyhow::Result<(L, u32)>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    let begun = Instant::now();
    for lane in loops.drain(..) {
        tasks.spawn(run(lane));
    }
    let mut answers = 0;
    while let Some(done) = tokio::time::timeout(PATIENCE, tasks.join_next())
        .await
        .context("a server does not answer any more")?
    {
        let (lane, answered) = done.context("a loop died")??;
        loops.push(lane);
        answers += answered;
    }
    Ok(f64::from(answers) / begun.elapsed().as_secs_f64())
}

/// A B A B: the floor, then ours, so that whatever else the machine does meets both.
pub(super) async fn interleaved(
    rounds: usize,
    mut measure: impl AsyncFnMut(Side) -> anyhow::Result<f64>,
) -> anyhow::Result<Vec<Round>> {
    let mut measured = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let floor = measure(Side::Floor).await?;
        let ours = measure(Side::Ours).await?;
        measured.push(Round::new(floor, ours));
    }
    Ok(measured)
}
