//! Following the speed of one line, reading by reading.

use std::time::Instant;

use shared::room::RoomState;

use super::history::{Advance, History};
use super::{Estimate, Reason, Rise};
use crate::rooms::snapshot::Snapshot;

/// A speed that differs by no more is the same.
const TENTH: f64 = 0.1;
/// So many square roots of what is counted may be chance.
const CHANCE: f64 = 2.0;
/// Who returns in front makes everybody wait longer; by less than this nobody is told so.
const RETURNED_SECONDS: f64 = 5.0;
/// How much of the line is kept of an earlier line-up: what the rate lets in within the longest measurement, twice.
const KEPT_SECONDS: f64 = 240.0;

/// Follows one room. Fed with every reading of it.
#[derive(Debug, Default)]
pub struct Estimator {
    terms: Option<Terms>,
    history: History,
    /// Places a second, as it is shown.
    shown: f64,
    /// What the line was measured to do at most, where that was less than its rate.
    limit: Option<f64>,
    rise: Option<Rise>,
}

/// What a speed holds for: with other terms, it has to be measured anew.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Terms {
    life: u64,
    state: RoomState,
    rate_per_second: f64,
    capacity: Option<u64>,
    is_busy: bool,
    is_halted: bool,
}

impl Terms {
    fn of(snapshot: &Snapshot) -> Self {
        let settings = &snapshot.settings;
        Self {
            life: settings.life,
            state: settings.state,
            rate_per_second: settings.rate_per_second.unwrap_or(0.0),
            capacity: settings.capacity,
            is_busy: snapshot.shop.is_some_and(|shop| shop.is_busy),
            is_halted: snapshot.is_halted,
        }
    }

    /// Why nobody can be let in, if so.
    fn nobody_because(&self) -> Option<Reason> {
        match self.state {
            RoomState::Scheduled => Some(Reason::NotOpen),
            RoomState::Paused | RoomState::Closed => Some(Reason::Paused),
            RoomState::Open | RoomState::Draining => {
                let is_off = self.rate_per_second <= 0.0;
                let busy = self.is_busy.then_some(Reason::Busy);
                let halted = self.is_halted.then_some(Reason::Halted);
                busy.or(is_off.then_some(Reason::Paused)).or(halted)
            }
        }
    }
}

impl Estimator {
    /// What can be said now that the room is as in `snapshot`.
    pub fn look(&mut self, now: Instant, snapshot: &Snapshot) -> Estimate {
        let terms = Terms::of(snapshot);
        if self.terms != Some(terms) {
            self.renegotiate(now, terms);
        }
        let stands = self.history.stands(now, snapshot);
        if let Some(reason) = terms.nobody_because() {
            return Estimate {
                speed_per_second: None,
                reason: Some(reason),
            };
        }
        if stands {
            self.measure(now, snapshot, terms.rate_per_second);
        } else {
            self.history.clear();
            self.limit = None;
            self.shown = terms.rate_per_second;
        }
        let stalled = self.shown <= 0.0;
        let rise = self.rise.filter(|rise| stalled || rise.is_recent(now));
        Estimate {
            speed_per_second: (!stalled).then_some(self.shown),
            reason: rise.map(|rise| rise.reason),
        }
    }

    /// Begins anew with other terms, from the rate or from what was the limit below it.
    fn renegotiate(&mut self, now: Instant, terms: Terms) {
        self.history.clear();
        let before = self.terms.replace(terms);
        let same_line =
            before.filter(|before| before.life == terms.life && before.capacity == terms.capacity);
        self.limit = self.limit.filter(|_| same_line.is_some());
        if same_line.is_some_and(|before| terms.rate_per_second < before.rate_per_second) {
            self.rise = Some(Rise {
                at: now,
                reason: Reason::RateLowered,
            });
        }
        let limit = self.limit.unwrap_or(f64::INFINITY);
        self.shown = terms.rate_per_second.min(limit);
    }

    fn measure(&mut self, now: Instant, snapshot: &Snapshot, rate_per_second: f64) {
        let returned = self.history.returned(snapshot);
        if returned > RETURNED_SECONDS * self.shown && returned > CHANCE {
            self.rise = Some(Rise {
                at: now,
                reason: Reason::Returned,
            });
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "people; a conversion of floats saturates"
        )]
        let kept_places = (rate_per_second * KEPT_SECONDS) as u64;
        self.history.keep(now, snapshot, kept_places);
        let Some(advance) = self.history.advance(now) else {
            return;
        };
        let Some(speed) = differs(advance, self.shown) else {
            return;
        };
        if speed < self.shown {
            self.rise = Some(Rise {
                at: now,
                reason: Reason::Slower,
            });
        }
        self.shown = speed;
        self.limit = Some(speed).filter(|speed| *speed < rate_per_second * (1.0 - TENTH));
    }
}

/// The speed of `advance` if it is another one than `shown` and that can hardly be chance.
fn differs(advance: Advance, shown: f64) -> Option<f64> {
    let expected = shown * advance.seconds;
    let chance = CHANCE * expected.max(advance.people).sqrt();
    let difference = (advance.people - expected).abs();
    (difference > chance.max(TENTH * expected)).then_some(advance.people / advance.seconds)
}
