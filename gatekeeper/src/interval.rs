//! When a visitor polls next.
//!
//! ```text
//! interval(p) = clamp(stretch × wait(p) / 10, front, cap)        wait(p) = p / speed
//! ```
//!
//! With plenty to spare: 1 s in front, a tenth of the expected wait behind, 30 s at most. What gives way when all lines
//! together would ask for more than the budget is a path of three legs ([`Scarcity`]); how much a line asks for is
//! known in closed form ([`Demand`]), so the point on the path is found by bisection, a few times a second, and not by
//! polls: a poll costs a multiplication and two comparisons.
//!
//! Where nobody is let in (paused, busy, no rate) a position says nothing about the wait: everybody has the same
//! interval, 5 s with plenty to spare. Before an opening everybody asks once in 5 minutes, so as to count as present,
//! and then returns at a time of their own ([`IntervalRule::return_at_opening`]).

mod budget;
mod demand;
mod scarcity;

use std::time::Duration;

pub use self::budget::BudgetPlan;
pub use self::demand::{Demand, Motion};
pub use self::scarcity::{Intervals, Scarcity};

/// With plenty to spare, this part of the expected wait passes between two polls.
const SHARE_OF_WAIT: f64 = 0.1;
/// Part by which an interval is spread, either way, so that those who came together do not come back together.
const JITTER: f64 = 0.1;
/// The same for the first poll after a join. A crowd that joins at once is spread evenly over one whole interval, and
/// from then on asks as steadily as if it had always been there; the mean is the interval.
const FIRST_JITTER: f64 = 0.5;

/// Nobody is asked to stay away longer: with a tenth of grace that is what the line remembers of a promise (381 s).
const LONGEST_PROMISE_SECONDS: f64 = 330.0;
/// Until then a room is still opening, and asked after so often at most; then it opens late, nobody knows when, and those who
/// have returned ask like everybody in a line that stands still.
pub const LATE_AFTER: Duration = Duration::from_secs(2);
const SHORTEST_RETURN_SECONDS: f64 = 0.5;

/// A point in the spread of an interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jitter {
    /// Uniform in [0, 1).
    phase: f64,
    width: f64,
}

impl Jitter {
    /// For the next poll after a poll; `phase` is uniform in [0, 1).
    pub fn after_poll(phase: f64) -> Self {
        let width = JITTER;
        Self { phase, width }
    }

    /// For the first poll after a join; `phase` is uniform in [0, 1).
    pub fn after_join(phase: f64) -> Self {
        let width = FIRST_JITTER;
        Self { phase, width }
    }

    /// A point in the spread around `seconds`, within what anybody may be asked to stay away.
    fn around(self, seconds: f64) -> f64 {
        let earliest = seconds * (1.0 - self.width);
        let latest = (seconds * (1.0 + self.width)).min(LONGEST_PROMISE_SECONDS);
        earliest + (latest - earliest) * self.phase
    }
}

/// The intervals of one line, fixed for as long as one snapshot is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IntervalRule {
    shortest_seconds: f64,
    longest_seconds: f64,
    /// Seconds of interval per place; where all have the same interval, it does not matter.
    seconds_per_place: f64,
    returns_per_second: f64,
}

impl IntervalRule {
    /// For the line of `demand`, whose gatekeepers all keep to `plan`.
    pub fn new(demand: &Demand, plan: &BudgetPlan) -> Self {
        let intervals = plan.scarcity().intervals();
        let (shortest_seconds, longest_seconds, seconds_per_place) = match demand.motion {
            Motion::Moving { per_second } => (
                intervals.front_seconds,
                intervals.cap_seconds,
                intervals.stretch * SHARE_OF_WAIT / per_second,
            ),
            Motion::Still => (intervals.idle_seconds, intervals.idle_seconds, 0.0),
            Motion::Scheduled => (Intervals::LOBBY_SECONDS, Intervals::LOBBY_SECONDS, 0.0),
        };
        Self {
            shortest_seconds,
            longest_seconds,
            seconds_per_place,
            returns_per_second: plan.returns_per_second(demand),
        }
    }

    /// The interval of somebody at `position` (1 = next), before jitter.
    pub fn interval(&self, position: u64) -> Duration {
        Duration::from_secs_f64(self.interval_seconds(position))
    }

    /// When somebody at `position` polls next.
    pub fn poll_after(&self, position: u64, jitter: Jitter) -> Duration {
        Duration::from_secs_f64(jitter.around(self.interval_seconds(position)))
    }

    /// When somebody at `position` of a line that opens in `opens_in` polls next: at the opening, plus a time by place.
    /// The front returns within a second and all others in their order, at half of the budget, so that they fit in
    /// beside those who have returned already; how many will have joined until then need not be known. It is long
    /// before their turn at any rate below half of the budget.
    ///
    /// Whose return is too far off to be promised asks once more, and that before the opening wherever it can be: after
    /// it they would come beside those whose time it is.
    pub fn return_at_opening(&self, position: u64, opens_in: Duration, jitter: Jitter) -> Duration {
        let opens_in = opens_in.as_secs_f64();
        let after_opening = as_f64(position) / self.returns_per_second + jitter.phase;
        let returns_in = opens_in + after_opening;
        let seconds = if returns_in <= LONGEST_PROMISE_SECONDS {
            returns_in.max(SHORTEST_RETURN_SECONDS)
        } else if opens_in.max(after_opening) < LONGEST_PROMISE_SECONDS {
            let earliest = (returns_in - LONGEST_PROMISE_SECONDS).max(opens_in / 2.0);
            earliest + (opens_in - earliest) * jitter.phase
        } else {
            jitter.around(self.interval_seconds(position))
        };
        Duration::from_secs_f64(seconds)
    }

    fn interval_seconds(&self, position: u64) -> f64 {
        (as_f64(position) * self.seconds_per_place)
            .clamp(self.shortest_seconds, self.longest_seconds)
    }
}

#[expect(clippy::cast_precision_loss, reason = "people")]
fn as_f64(people: u64) -> f64 {
    people as f64
}

#[cfg(test)]
mod tests;
