//! Counting what is left behind a room, when it is this instance's turn, and telling the room.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{counter, histogram};
use shared::ids::RoomName;
use shared::room::{CountTurn, Line};
use tokio::sync::Semaphore;
use tracing::warn;

use super::store;
use crate::app::SharedApp;

/// A count may occupy one connection for a twentieth of the time …
const SHARE: u32 = 20;
/// … but comes with every second beat at least: within two seconds the line hears that nothing is left, and the count itself,
/// which may be slow, takes its part of them.
const EVERY_MOST: Duration = Duration::from_millis(900);
/// Counts at once, of all rooms: each takes a connection that buyers need, too.
pub(super) const AT_ONCE: usize = 2;

/// A room whose turn it is, with its performances.
#[derive(Debug)]
pub(super) struct ToCount {
    pub(super) room: RoomName,
    pub(super) turn: CountTurn,
    pub(super) performances: Vec<i64>,
}

/// How often a room is counted that took so long the last time; `least` when it was quick.
pub(super) fn every(took: Duration, least: Duration) -> Duration {
    took.saturating_mul(SHARE).min(EVERY_MOST).max(least)
}

/// Counts the seats behind one room, and tells it. How long the statement took.
pub(super) async fn count(app: SharedApp, due: ToCount, places: Arc<Semaphore>) -> Duration {
    let Ok(_place) = places.acquire().await else {
        return Duration::ZERO;
    };
    let begun = Instant::now();
    let counted = store::count(&app.primary, &due.performances).await;
    let took = begun.elapsed();
    histogram!("onsale_booking_shop_count_duration_seconds").record(took);
    let result = if counted.is_ok() { "done" } else { "failed" };
    counter!("onsale_booking_shop_counts_total", "result" => result).increment(1);
    match counted {
        Ok(left) => {
            let line = Line::new(app.redis.clone(), due.room);
            // Redis away: the next count tells it.
            let _ = line.shop_count(due.turn, &left).await;
        }
        Err(error) => warn!(
            room = %due.room,
            error = &error as &dyn Error,
            "what is left could not be counted for the line"
        ),
    }
    took
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_count_comes_more_seldom_and_often_enough() {
        let least = Duration::from_millis(400);
        for (took_ms, every_ms) in [(0, 400), (20, 400), (30, 600), (45, 900), (1_500, 900)] {
            let every = every(Duration::from_millis(took_ms), least);
            assert_eq!(every, Duration::from_millis(every_ms));
        }
    }
}
