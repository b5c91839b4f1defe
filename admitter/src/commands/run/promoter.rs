//! The loop of one room: promote, count, wait for the next tick.

use std::error::Error;

use shared::room::{Line, Promoted, PromotionLimits};
use shared::shutdown::Shutdown;
use tokio::time::MissedTickBehavior;
use tracing::{info, warn};

pub(super) async fn promote(line: Line, limits: PromotionLimits, shutdown: Shutdown) {
    let room = line.room().to_string();
    info!(room, "promoting");
    let mut ticks = tokio::time::interval(limits.tick);
    // After a stall one promotion makes up for it, as far as the bucket allows.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut complained = false;
    while shutdown.run_until_stopped(ticks.tick()).await.is_some() {
        match line.promote(limits).await {
            Ok(Some(promoted)) => {
                record(&room, promoted);
                complained = false;
            }
            Ok(None) => {}
            Err(error) if !complained => {
                warn!(
                    room,
                    error = &error as &dyn Error,
                    "promotion failed; trying on"
                );
                complained = true;
            }
            Err(_still) => {}
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus counts in floats")]
fn record(room: &str, promoted: Promoted) {
    let room = || room.to_owned();
    metrics::counter!("onsale_room_admitted_total", "room" => room()).increment(promoted.promoted);
    metrics::counter!("onsale_room_expired_total", "room" => room()).increment(promoted.expired);
    metrics::gauge!("onsale_room_waiting", "room" => room()).set(promoted.waiting as f64);
    metrics::gauge!("onsale_room_active", "room" => room()).set(promoted.active as f64);
}
