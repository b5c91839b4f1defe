//! Visitors who poll when they are told to, over a few connections, as behind a load balancer.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use jiff::Timestamp;
use shared::ids::Number;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::requests;
use super::visitors::{Document, Visitor};
use super::wire::Wire;

const CONNECTIONS: usize = 64;
const ANSWER_DEADLINE: Duration = Duration::from_secs(15);

/// Somebody was let in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admission {
    pub number: Number,
    /// By the clock of Redis.
    pub at: Timestamp,
}

/// What visitors do when they are let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// They keep their slot.
    Stay,
    /// They leave at once, and the slot is free again.
    Leave,
}

/// Polls that go on for as long as this is there.
pub(super) struct Told {
    tasks: JoinSet<anyhow::Result<()>>,
    admissions: mpsc::UnboundedReceiver<Admission>,
    /// To each connection, who of its visitors polls at once.
    calls: Vec<mpsc::UnboundedSender<usize>>,
}

impl Told {
    /// Lets `visitors` of `room` poll until each is let in.
    pub(super) async fn start(
        gatekeeper: SocketAddr,
        room: &str,
        visitors: &[Visitor],
        then: Then,
    ) -> anyhow::Result<Self> {
        let (tell, admissions) = mpsc::unbounded_channel();
        let (mut tasks, mut calls) = (JoinSet::new(), Vec::with_capacity(CONNECTIONS));
        for first in 0..CONNECTIONS {
            let mine = visitors.iter().skip(first).step_by(CONNECTIONS);
            let (call, called) = mpsc::unbounded_channel();
            calls.push(call);
            let polling = Polling {
                wire: Wire::open(gatekeeper, None).await?,
                then,
                tell: tell.clone(),
                called,
                turns: mine
                    .clone()
                    .enumerate()
                    .map(|(index, visitor)| Reverse((visitor.poll_at, index)))
                    .collect(),
                visitors: mine.map(|visitor| Asking::of(visitor, room)).collect(),
            };
            tasks.spawn(polling.go_on());
        }
        Ok(Self {
            tasks,
            admissions,
            calls,
        })
    }

    /// Has the visitor at this index among all poll at once, as somebody does whose stream told something.
    pub(super) fn poll_now(&self, index: usize) {
        // One that has ended reports that by itself.
        let _ = self.calls[index % CONNECTIONS].send(index / CONNECTIONS);
    }

    /// The admissions of which nobody has been told yet; waits for one until `deadline`, `None` then.
    pub(super) async fn next_admission(
        &mut self,
        deadline: Instant,
    ) -> anyhow::Result<Option<Admission>> {
        tokio::select! {
            biased;
            admission = self.admissions.recv() => Ok(admission),
            Some(ended) = self.tasks.join_next() => {
                ended.context("a poller died")??;
                Ok(self.admissions.recv().await)
            }
            () = tokio::time::sleep_until(deadline) => Ok(None),
        }
    }
}

/// What somebody sends.
struct Asking {
    number: Number,
    poll: Bytes,
    leave: Bytes,
    /// Let in, and told so.
    is_in: bool,
}

impl Asking {
    fn of(visitor: &Visitor, room: &str) -> Self {
        Self {
            number: visitor.member.number,
            poll: visitor.poll.clone(),
            leave: requests::leave(room, &visitor.waiting_token),
            is_in: false,
        }
    }
}

/// One connection and those who poll over it.
struct Polling {
    wire: Wire,
    then: Then,
    tell: mpsc::UnboundedSender<Admission>,
    called: mpsc::UnboundedReceiver<usize>,
    visitors: Vec<Asking>,
    /// Who polls when, soonest first.
    turns: BinaryHeap<Reverse<(Instant, usize)>>,
}

impl Polling {
    async fn go_on(mut self) -> anyhow::Result<()> {
        loop {
            let next = self.turns.peek().map(|Reverse((at, _))| *at);
            let index = tokio::select! {
                () = sleep_until(next) => match self.turns.pop() {
                    Some(Reverse((_, index))) => index,
                    None => continue,
                },
                Some(index) = self.called.recv() => index,
                else => return Ok(()),
            };
            if self.visitors[index].is_in {
                continue;
            }
            let polled = tokio::time::timeout(ANSWER_DEADLINE, self.poll(index)).await;
            match polled.context("a poll was not answered in time")?? {
                Some(after) => self.turns.push(Reverse((Instant::now() + after, index))),
                None => self.visitors[index].is_in = true,
            }
        }
    }

    /// Returns when to poll again.
    async fn poll(&mut self, index: usize) -> anyhow::Result<Option<Duration>> {
        let asking = &self.visitors[index];
        let reply = self.wire.ask(&asking.poll).await?;
        if reply.status != 200 {
            bail!(
                "a poll was answered {}: {}",
                reply.status,
                String::from_utf8_lossy(reply.body)
            );
        }
        let document: Document = serde_json::from_slice(reply.body).context("a poll's answer")?;
        match (document.state.as_str(), document.admitted_at) {
            ("waiting", _) => return Ok(Some(Duration::from_millis(document.poll_after_ms))),
            // Whoever measures may have what it wants.
            ("admitted", Some(at)) => drop(self.tell.send(Admission {
                number: asking.number,
                at,
            })),
            (state, _) => bail!("number {} polls as told and is {state}", asking.number.0),
        }
        if self.then == Then::Leave {
            let status = self.wire.ask(&asking.leave).await?.status;
            if status != 204 {
                bail!("leaving was answered {status}");
            }
        }
        Ok(None)
    }
}

/// For ever when there is nothing to wait for.
async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
