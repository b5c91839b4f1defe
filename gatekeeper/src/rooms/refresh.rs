//! The loop that reads every room a few times a second. It is state, not a log: whoever starts late,
//! stalls or was cut off is right again with the next reading.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use futures_util::{StreamExt, stream};
use shared::ids::RoomName;
use shared::readiness::Latch;
use shared::redis_handle::{Redis, StoreError};
use shared::room::{CHUNK_PLACES, Registry};
use shared::shutdown::Shutdown;
use tokio::time::MissedTickBehavior;
use tracing::{info, warn};

use super::snapshot::Snapshot;
use super::{Limits, Room, Table};

/// Between two looks at which rooms there are; a new one is joinable within a second.
const LIST_EVERY: Duration = Duration::from_millis(250);
/// Chunks far behind the head are fetched at most this often: there a position may lag.
const FAR_EVERY: Duration = Duration::from_secs(1);
/// Far chunks of one fetch: 64 × 8 kB, below a millisecond of Redis.
const FAR_AT_ONCE: usize = 64;
/// Rooms read at the same time.
const ROOMS_AT_ONCE: usize = 32;

pub(super) struct Refresh {
    pub(super) redis: Redis,
    pub(super) limits: Limits,
    pub(super) table: Arc<ArcSwap<Table>>,
    pub(super) read_once: Arc<AtomicBool>,
    pub(super) read: Latch,
    pub(super) shutdown: Shutdown,
}

impl Refresh {
    /// Never ends by itself.
    pub(super) async fn run(self) {
        let registry = Registry::new(self.redis.clone());
        let mut ticks = tokio::time::interval(self.limits.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut listed: Option<Instant> = None;
        let mut reachable = true;
        loop {
            ticks.tick().await;
            let mut result = Ok(());
            if listed.is_none_or(|at| at.elapsed() >= LIST_EVERY) {
                match registry.list().await {
                    Ok(names) => {
                        self.update_table(names);
                        listed = Some(Instant::now());
                    }
                    Err(error) => result = Err(error),
                }
            }
            let rooms: Vec<Arc<Room>> = self.table.load().values().cloned().collect();
            let readings = stream::iter(rooms).map(async |room| read(&room).await);
            let results: Vec<_> = readings.buffer_unordered(ROOMS_AT_ONCE).collect().await;
            for outcome in results {
                result = result.and(outcome);
            }
            self.record_ages();
            reachable = report(&result, reachable);
            if listed.is_some() && reachable {
                self.read_once.store(true, Ordering::Release);
                self.read.set(true);
            }
        }
    }

    fn record_ages(&self) {
        for room in self.table.load().values() {
            if let Some(snapshot) = room.snapshot().as_deref() {
                let name = room.line().room().to_string();
                metrics::gauge!("onsale_room_snapshot_age_seconds", "room" => name)
                    .set(snapshot.age().as_secs_f64());
            }
        }
    }

    fn update_table(&self, names: Vec<RoomName>) {
        let table = self.table.load();
        let listed: BTreeSet<&RoomName> = names.iter().collect();
        if listed.len() == table.len() && table.keys().all(|name| listed.contains(name)) {
            return;
        }
        let rooms = names.into_iter().map(|name| {
            let room = table.get(&name).cloned().unwrap_or_else(|| {
                info!(room = %name, "a new room");
                Arc::new(Room::start(
                    self.redis.clone(),
                    name.clone(),
                    self.limits,
                    &self.shutdown,
                ))
            });
            (name, room)
        });
        self.table.store(Arc::new(rooms.collect()));
    }
}

/// Logs once when Redis goes and once when it comes back.
fn report(result: &Result<(), StoreError>, reachable: bool) -> bool {
    match (result, reachable) {
        (Err(error), true) => {
            let error: &dyn std::error::Error = error;
            warn!(error, "rooms cannot be read; answering from memory");
        }
        (Ok(()), false) => info!("rooms are read again"),
        _ => {}
    }
    result.is_ok()
}

async fn read(room: &Room) -> Result<(), StoreError> {
    let before = room.snapshot();
    let before = before.as_deref();
    let Some(raw) = room.line().snapshot(near_places(before)).await? else {
        // Removed between the list and now; the next list says so.
        return Ok(());
    };
    let far_is_due = before.is_none_or(|before| before.far_read_at.elapsed() >= FAR_EVERY);
    let mut snapshot = Snapshot::build(raw, before);
    if far_is_due {
        let missing = snapshot.outdated_chunks(FAR_AT_ONCE);
        if !missing.is_empty() {
            snapshot.add_chunks(room.line().chunks(&missing).await?);
        }
        snapshot.far_read_at = Instant::now();
    }
    room.set_snapshot(snapshot);
    Ok(())
}

/// The next 30 s of admissions, and never less than a chunk.
fn near_places(before: Option<&Snapshot>) -> u64 {
    const SECONDS: f64 = 30.0;
    let rate = before
        .and_then(|before| before.settings.rate_per_second)
        .unwrap_or(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bounded just here"
    )]
    let places = (rate * SECONDS).clamp(0.0, 1e7) as u64;
    places.min(4 * CHUNK_PLACES)
}
