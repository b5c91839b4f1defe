//! Counting what is left, when it is this instance's turn, and telling the rooms.

use std::collections::HashMap;
use std::error::Error;
use std::time::{Duration, Instant};

use metrics::{counter, histogram};
use shared::ids::RoomName;
use shared::room::{CountTurn, Line, SeatsLeft};
use tracing::warn;

use super::store;
use crate::app::SharedApp;

/// A room whose turn it is, with its performances.
#[derive(Debug)]
pub(super) struct ToCount {
    pub(super) room: RoomName,
    pub(super) turn: CountTurn,
    pub(super) performances: Vec<i64>,
}

/// Counts the seats of all these rooms by one statement, and tells each room. How long the statement took.
pub(super) async fn count(app: SharedApp, due: Vec<ToCount>) -> Duration {
    let performances: Vec<i64> = due
        .iter()
        .flat_map(|room| &room.performances)
        .copied()
        .collect();
    let begun = Instant::now();
    let counted = store::count(&app.primary, &performances).await;
    let took = begun.elapsed();
    histogram!("onsale_booking_shop_count_duration_seconds").record(took);
    let result = if counted.is_ok() { "done" } else { "failed" };
    counter!("onsale_booking_shop_counts_total", "result" => result).increment(1);
    match counted {
        Ok(left) => tell(&app, &due, left).await,
        Err(error) => warn!(
            error = &error as &dyn Error,
            "what is left could not be counted for the line"
        ),
    }
    took
}

async fn tell(app: &SharedApp, due: &[ToCount], left: Vec<SeatsLeft>) {
    let left: HashMap<i64, SeatsLeft> = left
        .into_iter()
        .map(|seats| (seats.performance, seats))
        .collect();
    for room in due {
        let ids = room.performances.iter();
        let seats: Vec<SeatsLeft> = ids.filter_map(|id| left.get(id).copied()).collect();
        let line = Line::new(app.redis.clone(), room.room.clone());
        // Redis away: the next count tells it.
        let _ = line.shop_count(room.turn, &seats).await;
    }
}
