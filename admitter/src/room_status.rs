//! How one room is doing, as operators are told.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use shared::clock;
use shared::ids::RoomName;
use shared::room::{RoomSnapshot, RoomState};

use crate::throttle::Throttle;

/// How one room is doing.
#[derive(Debug, Clone, Serialize)]
pub struct RoomStatus {
    /// The room.
    pub room: RoomName,
    /// What it does at present.
    pub state: RoomState,
    /// People in the line.
    pub waiting: u64,
    /// People in the active set.
    pub active: u64,
    /// People who stopped polling and may still come back.
    pub absent: u64,
    /// Admissions per second; `null` until a daemon or an operator sets it.
    pub rate_per_second: Option<f64>,
    /// Most people in the active set; `null` means no bound.
    pub capacity: Option<u64>,
    /// What the capacity means for the rate; `null` where it cannot limit anything.
    pub throttle: Option<Throttle>,
    /// Admissions since the room was made.
    pub admitted_total: u64,
    /// Gatekeepers that have been heard of lately.
    pub gatekeepers: u64,
    /// Whether an admitter looks after the room.
    pub has_admitter: bool,
    /// How long ago an admitter last did; `None` when none has yet.
    #[serde(skip)]
    pub since_promotion: Option<Duration>,
    /// Whether admission waits for the shop behind the room; `null` where there is none.
    pub shop_is_busy: Option<bool>,
    /// Whether visitors without a user token may join.
    pub anonymous: bool,
    /// When a scheduled room opens.
    pub opens_at: Option<Timestamp>,
    /// What the line is told.
    pub message: Option<String>,
    /// When this was so, by the clock of Redis, milliseconds since 1970.
    #[serde(skip)]
    pub taken_at_ms: i64,
}

impl RoomStatus {
    /// The status of `room` from what was read of it.
    pub fn new(room: RoomName, snapshot: RoomSnapshot) -> Self {
        let since_promotion = snapshot.since_promotion();
        let has_admitter = since_promotion.is_some() && !snapshot.is_halted();
        let settings = snapshot.settings;
        let (waiting, active) = (snapshot.waiting, snapshot.active);
        Self {
            room,
            state: settings.state,
            waiting,
            active,
            absent: snapshot.absent,
            rate_per_second: settings.rate_per_second,
            capacity: settings.capacity,
            throttle: Throttle::of(settings.capacity, settings.rate_per_second, active, waiting),
            admitted_total: settings.admitted_total,
            gatekeepers: snapshot.gatekeepers,
            has_admitter,
            since_promotion,
            shop_is_busy: snapshot.shop.map(|shop| shop.is_busy),
            anonymous: settings.anonymous,
            opens_at: settings.opens_at_ms.map(clock::from_millis),
            message: settings.message,
            taken_at_ms: snapshot.taken_at_ms,
        }
    }
}

#[cfg(test)]
impl RoomStatus {
    /// An open room at 100 a second in which nobody is.
    pub(crate) fn example(room: &str) -> Self {
        Self {
            room: room.parse().unwrap(),
            state: RoomState::Open,
            waiting: 0,
            active: 0,
            absent: 0,
            rate_per_second: Some(100.0),
            capacity: None,
            throttle: None,
            admitted_total: 0,
            gatekeepers: 2,
            has_admitter: true,
            since_promotion: Some(Duration::from_millis(50)),
            shop_is_busy: None,
            anonymous: false,
            opens_at: None,
            message: None,
            taken_at_ms: 0,
        }
    }
}
