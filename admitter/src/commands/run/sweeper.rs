//! The loop that looks for visitors who have missed their promise, wherever in the line they stand, so that nobody's position
//! counts people who have gone. It reads what was promised and decides here: Redis only hands over bytes, and looks again at
//! the few that are overdue.
//!
//! Several admitters may sweep the same room; each finds what is left to find.

use std::error::Error;
use std::time::Duration;

use shared::redis_handle::StoreError;
use shared::room::{CHUNK_PLACES, Line};
use shared::shutdown::Shutdown;
use tokio::time::MissedTickBehavior;
use tracing::{debug, info};

const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Chunks of 65,536 places read in one sweep, the first in line among them: 4 MB at most, about 2 ms of Redis.
const CHUNKS_AT_ONCE: u64 = 16;
/// Visitors of one call: about five milliseconds of Redis.
const PLACES_AT_ONCE: usize = 500;
/// Visitors of one sweep; the next goes on.
const PLACES_MOST: usize = 20 * PLACES_AT_ONCE;
/// Absent visitors looked at by one sweep for those who can no longer come back.
const LAPSES_AT_ONCE: u64 = 500;

/// Where the next sweep goes on.
#[derive(Default)]
struct Progress {
    chunk: u64,
    absent_from: u64,
}

pub(super) async fn sweep(line: Line, shutdown: Shutdown) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut progress = Progress::default();
    while shutdown.run_until_stopped(ticks.tick()).await.is_some() {
        let room = line.room();
        match step(&line, &mut progress).await {
            Ok(0) => {}
            Ok(absent) => info!(%room, absent, "visitors who stopped polling are absent now"),
            // The promoter says that Redis is away.
            Err(error) => debug!(%room, error = &error as &dyn Error, "a sweep failed; trying on"),
        }
    }
}

/// Returns how many visitors are absent now who were not before.
async fn step(line: &Line, progress: &mut Progress) -> Result<u64, StoreError> {
    if line.end_recovery().await? {
        info!(room = %line.room(), "those who waited before the loss have come back or gone");
    }
    let (_lapsed, on) = line.lapse(progress.absent_from, LAPSES_AT_ONCE).await?;
    progress.absent_from = on.unwrap_or(0);
    let mut left = PLACES_MOST;
    let mut absent = 0;
    let mut index = 0;
    for turn in 0..CHUNKS_AT_ONCE {
        let Some(chunk) = line.promised(index).await? else {
            break;
        };
        let overdue = chunk.overdue(left);
        left -= overdue.len();
        for places in overdue.chunks(PLACES_AT_ONCE) {
            absent += line.sweep(places).await?;
        }
        let last = (chunk.next - 1) / CHUNK_PLACES;
        // The first in line each time; behind it, on from where the last sweep ended.
        index = if turn == 0 {
            progress.chunk.max(chunk.index + 1)
        } else {
            chunk.index + 1
        };
        progress.chunk = index;
        if index > last {
            progress.chunk = 0;
            break;
        }
    }
    Ok(absent)
}
