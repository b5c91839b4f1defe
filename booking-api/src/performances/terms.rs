//! What an organiser sets about the sale of a performance, and may change later: everything but seats and prices.

use jiff::Timestamp;
use shared::ids::RoomName;
use shared::problem::Problem;

use crate::problems;

/// 2000-01-01 and 2200-01-01: beyond lie mistakes, and times that not every calendar can hold.
const EARLIEST: Timestamp = Timestamp::constant(946_684_800, 0);
const LATEST: Timestamp = Timestamp::constant(7_258_118_400, 0);
const HOLD_TTL_SECONDS_MOST: u32 = 900;
const SEATS_PER_BUYER_MOST: i32 = 100;

/// The terms of a sale.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub(super) room: RoomName,
    pub(super) starts_at: Timestamp,
    pub(super) sale_opens_at: Timestamp,
    pub(super) sale_closes_at: Timestamp,
    pub(super) seats_per_buyer_max: i32,
    pub(super) hold_ttl_seconds: u32,
}

impl Terms {
    /// The first rule that is broken, by its field.
    pub(super) fn check(self) -> Result<Self, Problem> {
        for (field, time) in [
            ("starts_at", self.starts_at),
            ("sale_opens_at", self.sale_opens_at),
            ("sale_closes_at", self.sale_closes_at),
        ] {
            if !(EARLIEST..=LATEST).contains(&time) {
                return Err(invalid(field, "It is a time of this century or the next."));
            }
        }
        if self.sale_opens_at >= self.sale_closes_at {
            return Err(invalid(
                "sale_closes_at",
                "The sale has to open before it closes, and before the performance.",
            ));
        }
        if !(1..=SEATS_PER_BUYER_MOST).contains(&self.seats_per_buyer_max) {
            return Err(invalid(
                "seats_per_buyer_max",
                format!("It is 1 to {SEATS_PER_BUYER_MOST}."),
            ));
        }
        if !(1..=HOLD_TTL_SECONDS_MOST).contains(&self.hold_ttl_seconds) {
            return Err(invalid(
                "hold_ttl_seconds",
                format!("It is 1 to {HOLD_TTL_SECONDS_MOST}."),
            ));
        }
        Ok(self)
    }
}

/// The name of a room as an organiser wrote it.
pub(super) fn room(name: &str) -> Result<RoomName, Problem> {
    name.parse()
        .map_err(|error| invalid("room", format!("{error}.")))
}

/// A request that breaks a rule of `field`.
pub(super) fn invalid(field: &str, detail: impl Into<String>) -> Problem {
    problems::invalid_request(field, detail)
}
