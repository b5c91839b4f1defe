//! Visitors who join over HTTP, each with a user token of their own, and get a waiting token to poll with.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use serde::Deserialize;
use shared::ids::{Number, VisitorId};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::requests;
use super::room::Member;
use super::wire::Wire;
use crate::tokens::Minter;

/// Connections over which a crowd joins.
const JOINING_AT_ONCE: usize = 16;
const TRIES: u32 = 10;
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Somebody who joined and can poll.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    pub member: Member,
    pub waiting_token: String,
    /// A poll, ready to be sent.
    pub poll: Bytes,
    /// When to poll first, as the join's answer said.
    pub poll_at: Instant,
}

/// What the answer to a join, or to a poll, says.
#[derive(Debug, Deserialize)]
pub(super) struct Document {
    pub state: String,
    #[serde(default)]
    pub number: u64,
    #[serde(default)]
    pub position: u64,
    #[serde(default)]
    pub poll_after_ms: u64,
    pub token: Option<String>,
    /// By the clock of Redis, which is this machine's.
    pub admitted_at: Option<jiff::Timestamp>,
    pub admission_token: Option<String>,
    #[serde(default)]
    pub sold_out: bool,
}

/// Joins one visitor after the other over one connection.
pub(super) struct Joiner {
    wire: Wire,
    minter: Arc<Minter>,
    room: String,
}

impl Joiner {
    pub(super) async fn connect(
        gatekeeper: SocketAddr,
        minter: &Arc<Minter>,
        room: &str,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            wire: Wire::open(gatekeeper, None).await?,
            minter: Arc::clone(minter),
            room: room.to_owned(),
        })
    }

    /// Lets a new visitor join.
    pub(super) async fn join(&mut self) -> anyhow::Result<Visitor> {
        let visitor = uuid::Uuid::now_v7().to_string();
        let user_token = self.minter.buyer(&visitor)?;
        let request = requests::join(&self.room, &user_token);
        let document = self.document(&request).await?;
        let waiting_token = document.token.context("a join's answer has no token")?;
        Ok(Visitor {
            member: Member {
                visitor: visitor.parse::<VisitorId>()?,
                number: Number(document.number),
            },
            poll: requests::poll(&self.room, &waiting_token),
            waiting_token,
            poll_at: Instant::now() + Duration::from_millis(document.poll_after_ms),
        })
    }
}

impl Joiner {
    /// The answer to a join. On a machine that is busy with something else Redis may be too slow at times, and joins
    /// may be repeated.
    async fn document(&mut self, request: &Bytes) -> anyhow::Result<Document> {
        for _ in 0..TRIES {
            let reply = self.wire.ask(request).await?;
            match reply.status {
                200 | 201 => return serde_json::from_slice(reply.body).context("a join's answer"),
                503 => tokio::time::sleep(AGAIN_AFTER).await,
                status => bail!(
                    "a join was answered {status}: {}",
                    String::from_utf8_lossy(reply.body)
                ),
            }
        }
        bail!("a join was answered 503 {TRIES} times")
    }
}

/// Lets so many visitors join, over several connections at once.
pub(super) async fn gather(
    gatekeeper: SocketAddr,
    minter: &Arc<Minter>,
    room: &str,
    count: usize,
) -> anyhow::Result<Vec<Visitor>> {
    let mut tasks = JoinSet::new();
    for part in 0..JOINING_AT_ONCE {
        let mine = (count + JOINING_AT_ONCE - 1 - part) / JOINING_AT_ONCE;
        let mut joiner = Joiner::connect(gatekeeper, minter, room).await?;
        tasks.spawn(async move {
            let mut visitors = Vec::with_capacity(mine);
            for _ in 0..mine {
                visitors.push(joiner.join().await?);
            }
            anyhow::Ok(visitors)
        });
    }
    let mut all = Vec::with_capacity(count);
    while let Some(joined) = tasks.join_next().await {
        all.extend(joined.context("a joiner died")??);
    }
    Ok(all)
}
