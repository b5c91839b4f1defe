//! The loop that reads one room a few times a second. It is state, not a log: whoever starts late,
//! stalls or was cut off is right again with the next reading.
//!
//! Each room has a loop of its own, so that a node of a Cluster that is away delays its own rooms alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::redis_handle::StoreError;
use shared::room::CHUNK_PLACES;
use shared::telemetry::RoomGauge;
use tokio::time::MissedTickBehavior;
use tracing::{debug, info, warn};

use super::Room;
use super::snapshot::Snapshot;
use crate::pace;

/// Chunks far behind the head are fetched at most this often: there a position may lag.
const FAR_EVERY: Duration = Duration::from_secs(1);
/// Far chunks of one fetch: 64 × 8 kB, below a millisecond of Redis.
const FAR_AT_ONCE: usize = 64;

/// Between two flushes of beats: the presence clock goes on by a second at most for each.
const FLUSH_EVERY: Duration = Duration::from_millis(900);

/// Sends the room's beats about once a second. Never ends by itself.
pub(super) async fn keep_flushing(room: Arc<Room>, gatekeeper: Arc<str>) {
    let mut ticks = tokio::time::interval(FLUSH_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = room.flush_beats(&gatekeeper).await {
            let error: &dyn std::error::Error = &error;
            debug!(room = %room.line().room(), error, "beats are kept until redis takes them");
        }
    }
}

/// Never ends by itself.
pub(super) async fn keep_reading(room: Arc<Room>, interval: Duration) {
    let name = room.line().room().to_string();
    let age = RoomGauge::new("onsale_room_snapshot_age_seconds", &name);
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut complained = false;
    loop {
        ticks.tick().await;
        match read(&room).await {
            Ok(()) if complained => {
                info!(room = name, "the room is read again");
                complained = false;
            }
            Err(error) if !complained => {
                let error: &dyn std::error::Error = &error;
                warn!(
                    room = name,
                    error, "the room cannot be read; answering from memory"
                );
                complained = true;
            }
            Ok(()) | Err(_) => {}
        }
        if let Some(snapshot) = room.snapshot().as_deref() {
            age.set(snapshot.age().as_secs_f64());
        }
    }
}

/// Reads the room once.
pub(super) async fn read(room: &Room) -> Result<(), StoreError> {
    let before = room.snapshot();
    let before = before.as_deref();
    let Some(raw) = room.line().snapshot(near_places(before)).await? else {
        // Removed between the list and now; the next list says so.
        return Ok(());
    };
    let far_is_due = before.is_none_or(|before| before.far_read_at.elapsed() >= FAR_EVERY);
    let opens_at = pace::opening(&raw);
    let mut snapshot = Snapshot::build(raw, before);
    if far_is_due {
        let missing = snapshot.outdated_chunks(FAR_AT_ONCE);
        if !missing.is_empty() {
            snapshot.add_far_chunks(room.line().chunks(&missing).await?);
        }
        snapshot.far_read_at = Instant::now();
    }
    snapshot.pace = room.pace(&snapshot, opens_at);
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
