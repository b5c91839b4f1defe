//! The task that serves all streams of one room, from the room's one snapshot.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use shared::ids::RoomName;
use shared::room::{ClaimRequest, Seen};
use tokio::sync::{Notify, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::entry::{Entry, Step, View};
use super::facts::Facts;
use super::{Hub, Hubs};
use crate::rooms::Room;
use crate::rooms::snapshot::Snapshot;

/// A walk at least this often, for what is due by time alone: without Redis there are no new snapshots.
const WALK_EVERY: Duration = Duration::from_millis(250);
/// Visitors of one look at Redis: a millisecond or two of it.
const LARGEST_LOOK: usize = 512;
/// Streams between two pauses of a walk, in which other tasks of the thread have their turn.
const STREAMS_AT_ONCE: usize = 1_024;

/// Walks over the streams of a room with each new snapshot.
pub(super) struct Fanout {
    name: RoomName,
    room: Weak<Room>,
    renewals: watch::Receiver<()>,
    bell: Arc<Notify>,
    hubs: Arc<Hubs>,
    heartbeat: Duration,
    entries: Vec<Entry>,
    facts: Option<Facts>,
    facts_version: u64,
}

impl Fanout {
    pub(super) fn new(room: &Room, hub: &Hub, hubs: Arc<Hubs>, heartbeat: Duration) -> Self {
        Self {
            name: room.line().room().clone(),
            room: Weak::clone(&hub.room),
            renewals: room.renewals(),
            bell: Arc::clone(&hub.bell),
            hubs,
            heartbeat,
            entries: Vec::new(),
            facts: None,
            facts_version: 0,
        }
    }

    /// Ends with the last stream, with the room, or when the process begins to stop; streams that are left end with it.
    pub(super) async fn run(mut self, stopping: CancellationToken) {
        let mut ticks = tokio::time::interval(WALK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let whole_walk = tokio::select! {
                biased;
                () = stopping.cancelled() => break,
                renewed = self.renewals.changed() => match renewed {
                    Ok(()) => {
                        ticks.reset();
                        true
                    }
                    Err(_room_is_gone) => break,
                },
                () = self.bell.notified() => false,
                _ = ticks.tick() => true,
            };
            let Some(room) = self.room.upgrade() else {
                break;
            };
            let from = if whole_walk { 0 } else { self.entries.len() };
            self.entries
                .extend(self.hubs.newcomers(&self.name, &self.room));
            self.walk(&room, from).await;
            if self.entries.is_empty() && self.hubs.close_if_idle(&self.name, &self.room) {
                return;
            }
        }
        self.hubs.close(&self.name, &self.room);
    }

    /// One step for each stream from the one at `from` on.
    async fn walk(&mut self, room: &Room, from: usize) {
        let Some(snapshot) = room.snapshot().clone() else {
            return;
        };
        let view = self.view(snapshot);
        let (mut index, mut turns) = (from, Vec::new());
        while index < self.entries.len() {
            match self.entries[index].step(&view) {
                Step::Over => {
                    // In its place comes the last one, which has not had its step yet.
                    self.entries.swap_remove(index);
                    continue;
                }
                Step::Look => match self.entries[index].known_end(room) {
                    Some(seen) => self.entries[index].tell_seen(Some(seen), &view),
                    None => turns.push(index),
                },
                Step::Done => {}
            }
            index += 1;
            if index % STREAMS_AT_ONCE == 0 {
                tokio::task::yield_now().await;
            }
        }
        for turns in turns.chunks(LARGEST_LOOK) {
            self.look(room, turns, &view).await;
        }
    }

    fn view(&mut self, snapshot: Arc<Snapshot>) -> View {
        let facts = Facts::of(&snapshot);
        if self.facts.as_ref() != Some(&facts) {
            self.facts = Some(facts.clone());
            self.facts_version += 1;
        }
        View {
            snapshot,
            facts,
            facts_version: self.facts_version,
            heartbeat: self.heartbeat,
            now: Instant::now(),
        }
    }

    /// Asks Redis once for all of `turns`, and tells them.
    async fn look(&mut self, room: &Room, turns: &[usize], view: &View) {
        let requests: Vec<ClaimRequest> = turns
            .iter()
            .map(|index| self.entries[*index].request())
            .collect();
        let seen = room.look(&requests).await;
        let seen = |at: usize| -> Option<Seen> { seen.as_ref().ok()?.get(at).copied() };
        for (at, index) in turns.iter().enumerate() {
            self.entries[*index].tell_seen(seen(at), view);
        }
    }
}
