//! What a visitor is told about time: when to poll next, and how long until the next poll counts as missed.
//!
//! It changes with each snapshot and is the same for everybody but for the position, so it is worked out once a
//! snapshot and kept in it.

use std::time::{Duration, Instant};

use shared::room::{RoomSnapshot, RoomState};

use crate::estimate::Estimate;
use crate::interval::{BudgetPlan, Demand, IntervalRule, Jitter, LATE_AFTER, Motion};
use crate::rooms::snapshot::Snapshot;

/// Between the promised poll and being absent, at the least: a flush of beats (1 s), a tick and a deadline of Redis.
const SHORTEST_GRACE: Duration = Duration::from_secs(2);
/// The same for a page that nobody sees: browsers wake it once a minute.
const HIDDEN_GRACE: Duration = Duration::from_secs(65);
/// Long intervals are forgiven a tenth of themselves.
const GRACE_PART: u32 = 10;

/// What one poll is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollPlan {
    /// When to poll next.
    pub poll_after: Duration,
    /// Who has not polled until then is absent.
    pub promised: Duration,
}

impl PollPlan {
    fn new(poll_after: Duration, is_hidden: bool) -> Self {
        let least = if is_hidden {
            HIDDEN_GRACE
        } else {
            SHORTEST_GRACE
        };
        Self {
            poll_after,
            promised: poll_after + least.max(poll_after / GRACE_PART),
        }
    }
}

/// The pace of one room at one snapshot.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    rule: IntervalRule,
    demand: Demand,
    estimate: Estimate,
    opens_at: Option<Instant>,
}

impl Default for Pace {
    /// Of a line of which nothing is known.
    fn default() -> Self {
        let demand = Demand {
            waiting: 0,
            motion: Motion::Still,
            is_returning: false,
            gatekeepers: 1,
        };
        Self {
            rule: IntervalRule::new(&demand, &BudgetPlan::new(&[], f64::MAX)),
            demand,
            estimate: Estimate::default(),
            opens_at: None,
        }
    }
}

impl Pace {
    /// The pace of the room as it is in `snapshot`, whose wait is `estimate`, which opens or opened at `opens_at`, and
    /// keeps to `plan`.
    pub fn new(
        snapshot: &Snapshot,
        estimate: Estimate,
        opens_at: Option<Instant>,
        plan: &BudgetPlan,
    ) -> Self {
        let state = snapshot.settings.state;
        let mut demand = Demand {
            waiting: snapshot.waiting,
            motion: Motion::at(estimate.speed_per_second),
            is_returning: false,
            gatekeepers: snapshot.gatekeepers,
        };
        match state {
            RoomState::Scheduled if !opens_late(opens_at) => demand.motion = Motion::Scheduled,
            RoomState::Scheduled => demand.motion = Motion::Still,
            // Nobody is asked to come back.
            RoomState::Closed => demand.waiting = 0,
            RoomState::Open | RoomState::Paused | RoomState::Draining => {}
        }
        if let Some(since) = opens_at.and_then(|at| Instant::now().checked_duration_since(at)) {
            // Whoever was there at the opening has a number below `next`.
            let last = as_f64(snapshot.settings.next) / plan.returns_per_second(&demand);
            demand.is_returning = since.as_secs_f64() < last;
        }
        Self {
            rule: IntervalRule::new(&demand, plan),
            demand,
            estimate,
            opens_at: opens_at.filter(|_| demand.motion == Motion::Scheduled),
        }
    }

    /// What somebody at `position` is told. `is_hidden`: nobody sees the page that asks.
    pub fn plan(&self, position: u64, jitter: Jitter, is_hidden: bool) -> PollPlan {
        let poll_after = match self.opens_at {
            Some(at) => {
                let opens_in = at.saturating_duration_since(Instant::now());
                self.rule.return_at_opening(position, opens_in, jitter)
            }
            None => self.rule.poll_after(position, jitter),
        };
        PollPlan::new(poll_after, is_hidden)
    }

    /// How often somebody at `position` is expected, who is told `plan`: before an opening that is not every five minutes, but
    /// when it opens.
    pub fn interval(&self, position: u64, plan: &PollPlan) -> Duration {
        self.rule.interval(position).min(plan.poll_after)
    }

    /// What can be said about the wait.
    pub fn estimate(&self) -> &Estimate {
        &self.estimate
    }

    /// What the line asks for.
    pub fn demand(&self) -> Demand {
        self.demand
    }
}

/// Whether a room that has not opened should have done so a while ago.
fn opens_late(opens_at: Option<Instant>) -> bool {
    opens_at.is_some_and(|at| at.elapsed() > LATE_AFTER)
}

/// When a room opens or opened, in the time of this process; Redis' clock decides.
pub fn opening(raw: &RoomSnapshot) -> Option<Instant> {
    let millis = raw.settings.opens_at_ms?.saturating_sub(raw.taken_at_ms);
    let distance = Duration::from_millis(millis.unsigned_abs());
    let now = Instant::now();
    if millis >= 0 {
        now.checked_add(distance)
    } else {
        // Before this process knows of any time: long ago.
        now.checked_sub(distance)
    }
}

#[expect(clippy::cast_precision_loss, reason = "people")]
fn as_f64(people: u64) -> f64 {
    people as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_forgives_a_late_flush_a_long_interval_and_a_hidden_page() {
        let promised = |seconds, is_hidden| {
            PollPlan::new(Duration::from_secs(seconds), is_hidden)
                .promised
                .as_secs()
        };
        assert_eq!(promised(1, false), 3);
        assert_eq!(promised(300, false), 330);
        assert_eq!(promised(1, true), 66);
        assert_eq!(promised(900, true), 990);
    }
}
