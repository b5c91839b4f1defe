//! One room, as this gatekeeper sees it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use quick_cache::sync::Cache;
use shared::ids::{Number, VisitorId};
use shared::redis_handle::{Redis, StoreError};
use shared::room::{ClaimOutcome, ClaimRequest, Joined, Leaver, Line, Promise, Seen};
use shared::shutdown::Shutdown;
use shared::tokens::waiting::WaitingClaims;
use tokio::sync::watch;

use super::Limits;
use super::beats::Beats;
use super::snapshot::Snapshot;
use crate::batch::{BatchError, Batcher};
use crate::estimate::Estimator;
use crate::interval::{BudgetPlan, Demand};
use crate::limits::{InFlight, Place};
use crate::pace::Pace;

/// Outcomes that no longer change, remembered so that polling a finished token in a loop is no load on Redis.
const REMEMBERED_OUTCOMES: usize = 100_000;
/// Calls of a room that go to Redis alone, outside of a batch, at once. A room whose Redis is slow must not take all
/// the places of the process.
const SINGLE_CALLS_AT_ONCE: u32 = 512;

/// A life of a room and what came of a join.
type JoinAnswer = (u64, Joined);

/// One room: its line in Redis, its newest snapshot, and the batches that go to Redis.
#[derive(Debug)]
pub struct Room {
    line: Line,
    snapshot: ArcSwapOption<Snapshot>,
    renewed: watch::Sender<()>,
    budget: Arc<ArcSwap<BudgetPlan>>,
    /// Only the reader looks.
    estimator: Mutex<Estimator>,
    joins: Batcher<(VisitorId, Promise), JoinAnswer>,
    claims: Batcher<ClaimRequest, ClaimOutcome>,
    over: Cache<(u64, Number), ClaimOutcome>,
    beats: Beats,
    single_calls: InFlight,
}

impl Room {
    pub(super) fn start(
        line: Line,
        joins: Redis,
        limits: Limits,
        budget: Arc<ArcSwap<BudgetPlan>>,
        shutdown: &Shutdown,
    ) -> Self {
        // A request may wait for the batch before its own.
        let patience = limits.deadline * 2;
        let (joining, claiming) = (line.clone().over(joins), line.clone());
        Self {
            line,
            snapshot: ArcSwapOption::empty(),
            renewed: watch::Sender::new(()),
            budget,
            estimator: Mutex::default(),
            joins: Batcher::start(patience, shutdown, move |visitors| {
                join_all(joining.clone(), visitors)
            }),
            claims: Batcher::start(patience, shutdown, move |requests: Vec<ClaimRequest>| {
                let line = claiming.clone();
                async move { line.claim(&requests).await }
            }),
            over: Cache::new(REMEMBERED_OUTCOMES),
            beats: Beats::new(),
            single_calls: InFlight::new("room-calls", SINGLE_CALLS_AT_ONCE),
        }
    }

    /// The newest snapshot; there is none until the room has been read once.
    pub fn snapshot(&self) -> Guard<Option<Arc<Snapshot>>> {
        self.snapshot.load()
    }

    pub(super) fn set_snapshot(&self, snapshot: Snapshot) {
        self.snapshot.store(Some(Arc::new(snapshot)));
        self.renewed.send_replace(());
    }

    /// Changes with every new snapshot, and is closed when the room is gone.
    pub(crate) fn renewals(&self) -> watch::Receiver<()> {
        self.renewed.subscribe()
    }

    /// A place for one call to Redis outside of a batch, unless this room has too many under way.
    pub(crate) fn enter(&self) -> Option<Place<'_>> {
        self.single_calls.enter()
    }

    /// The pace of the room as it is in `snapshot`.
    pub(super) fn pace(&self, snapshot: &Snapshot, opens_at: Option<Instant>) -> Pace {
        let estimate = self
            .estimator
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .look(Instant::now(), snapshot);
        Pace::new(snapshot, estimate, opens_at, &self.budget.load())
    }

    /// What the room's visitors ask for; `None` until it has been read.
    pub(super) fn demand(&self) -> Option<Demand> {
        self.snapshot()
            .as_deref()
            .map(|snapshot| snapshot.pace.demand())
    }

    pub(crate) fn line(&self) -> &Line {
        &self.line
    }

    /// Gives the visitor a number, with the next batch. The visitor is expected to poll within `promised`.
    pub async fn join(
        &self,
        visitor: VisitorId,
        promised: Promise,
    ) -> Result<JoinAnswer, BatchError> {
        self.joins.call((visitor, promised)).await
    }

    /// Takes down that a visitor in the line was seen just now, and may be silent for `promised` from now on.
    pub fn seen(&self, claims: &Arc<WaitingClaims>, promised: Promise) {
        self.beats.add(claims, promised);
    }

    /// Sends the beats that Redis does not know yet.
    pub(super) async fn flush_beats(&self, gatekeeper: &str) -> Result<(), StoreError> {
        let life = self.snapshot().as_ref().map(|known| known.settings.life);
        match life {
            Some(life) => self.beats.flush(&self.line, gatekeeper, life).await,
            None => Ok(()),
        }
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

    /// What is to be seen of each visitor, in their order, in one call. Claims nothing.
    pub async fn look(&self, requests: &[ClaimRequest]) -> Result<Vec<Seen>, StoreError> {
        let seen = self.line.look(requests).await?;
        for (request, seen) in requests.iter().zip(&seen) {
            let key = (request.life, request.number);
            match seen {
                Seen::Left => self.over.insert(key, ClaimOutcome::Left),
                Seen::Finished => self.over.insert(key, ClaimOutcome::Finished),
                Seen::Lapsed => self.over.insert(key, ClaimOutcome::Lapsed),
                Seen::Admitted | Seen::Waiting | Seen::Unknown | Seen::Void => {}
            }
        }
        Ok(seen)
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

async fn join_all(
    line: Line,
    joining: Vec<(VisitorId, Promise)>,
) -> Result<Vec<JoinAnswer>, StoreError> {
    // One promise for all: they come to the same end of the line.
    let longest = joining.iter().map(|(_, promised)| *promised).max();
    let promised = longest.unwrap_or(Promise::of(std::time::Duration::ZERO));
    let visitors: Vec<VisitorId> = joining.into_iter().map(|(visitor, _)| visitor).collect();
    let all = line.join(&visitors, promised).await?;
    let life = all.life;
    Ok(all
        .visitors
        .into_iter()
        .map(|joined| (life, joined))
        .collect())
}
