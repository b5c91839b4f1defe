//! Counting what is left, when it is this instance's turn, and telling the rooms.

use std::error::Error;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use metrics::{counter, histogram};
use shared::ids::RoomName;
use shared::room::{CountTurn, Line};
use tracing::warn;

use super::store;
use crate::app::SharedApp;

/// Rooms counted at once: a large house that takes long must not keep the line of a small one waiting, and each takes a
/// connection that buyers need, too.
const AT_ONCE: usize = 2;

/// A room whose turn it is, with its performances.
#[derive(Debug)]
pub(super) struct ToCount {
    pub(super) room: RoomName,
    pub(super) turn: CountTurn,
    pub(super) performances: Vec<i64>,
}

/// Counts the seats behind each of these rooms, and tells it. How long all of that took.
pub(super) async fn count(app: SharedApp, due: Vec<ToCount>) -> Duration {
    let begun = Instant::now();
    let counting = stream::iter(due).for_each_concurrent(AT_ONCE, |room| count_one(&app, room));
    counting.await;
    begun.elapsed()
}

async fn count_one(app: &SharedApp, due: ToCount) {
    let begun = Instant::now();
    let counted = store::count(&app.primary, &due.performances).await;
    histogram!("onsale_booking_shop_count_duration_seconds").record(begun.elapsed());
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
}
