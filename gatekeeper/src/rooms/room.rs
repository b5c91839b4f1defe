//! One room, as this gatekeeper sees it.

use std::sync::Arc;

use arc_swap::{ArcSwapOption, Guard};
use moka::sync::Cache;
use shared::ids::{Number, RoomName, VisitorId};
use shared::redis_handle::{Redis, StoreError};
use shared::room::{ClaimOutcome, ClaimRequest, Joined, Leaver, Line};
use shared::shutdown::Shutdown;

use super::Limits;
use super::snapshot::Snapshot;
use crate::batch::{BatchError, Batcher};

/// Outcomes that no longer change, remembered so that polling a finished token in a loop is no load on Redis.
const REMEMBERED_OUTCOMES: u64 = 100_000;

/// A life of a room and what came of a join: `None` when there is no such room.
type JoinAnswer = Option<(u64, Joined)>;

/// One room: its line in Redis, its newest snapshot, and the batches that go to Redis.
#[derive(Debug)]
pub struct Room {
    line: Line,
    snapshot: ArcSwapOption<Snapshot>,
    joins: Batcher<VisitorId, JoinAnswer>,
    claims: Batcher<ClaimRequest, ClaimOutcome>,
    over: Cache<(u64, Number), ClaimOutcome>,
}

impl Room {
    pub(super) fn start(redis: Redis, name: RoomName, limits: Limits, shutdown: &Shutdown) -> Self {
        let line = Line::new(redis, name);
        // A request may wait for the batch before its own.
        let patience = limits.deadline * 2;
        let (joining, claiming) = (line.clone(), line.clone());
        Self {
            line,
            snapshot: ArcSwapOption::empty(),
            joins: Batcher::start(patience, shutdown, move |visitors| {
                join_all(joining.clone(), visitors)
            }),
            claims: Batcher::start(patience, shutdown, move |requests: Vec<ClaimRequest>| {
                let line = claiming.clone();
                async move { line.claim(&requests).await }
            }),
            over: Cache::new(REMEMBERED_OUTCOMES),
        }
    }

    /// The newest snapshot; there is none until the room has been read once.
    pub fn snapshot(&self) -> Guard<Option<Arc<Snapshot>>> {
        self.snapshot.load()
    }

    pub(super) fn set_snapshot(&self, snapshot: Snapshot) {
        self.snapshot.store(Some(Arc::new(snapshot)));
    }

    pub(crate) fn line(&self) -> &Line {
        &self.line
    }

    /// Gives the visitor a number, with the next batch.
    pub async fn join(&self, visitor: VisitorId) -> Result<JoinAnswer, BatchError> {
        self.joins.call(visitor).await
    }

    /// What has become of a visitor, from memory when it can no longer change.
    pub async fn claim(&self, request: ClaimRequest) -> Result<ClaimOutcome, BatchError> {
        let key = (request.life, request.number);
        if let Some(over) = self.over.get(&key) {
            return Ok(over);
        }
        let outcome = self.claims.call(request).await?;
        if is_final(&outcome) {
            self.over.insert(key, outcome.clone());
        }
        Ok(outcome)
    }

    /// What is known to be over without asking.
    pub fn known_outcome(&self, life: u64, number: Number) -> Option<ClaimOutcome> {
        self.over.get(&(life, number))
    }

    /// Frees the visitor's place or slot.
    pub async fn leave(&self, leaver: Leaver) -> Result<(), StoreError> {
        let key = (leaver.life, leaver.number);
        let left = self.line.leave(&[leaver]).await?;
        if left == [true] {
            self.over.insert(key, ClaimOutcome::Left);
        }
        Ok(())
    }
}

fn is_final(outcome: &ClaimOutcome) -> bool {
    matches!(
        outcome,
        ClaimOutcome::Left | ClaimOutcome::Finished | ClaimOutcome::Lapsed
    )
}

async fn join_all(line: Line, visitors: Vec<VisitorId>) -> Result<Vec<JoinAnswer>, StoreError> {
    let joined = line.join(&visitors).await?;
    Ok(match joined {
        Some(all) => all
            .visitors
            .into_iter()
            .map(|joined| Some((all.life, joined)))
            .collect(),
        None => vec![None; visitors.len()],
    })
}
