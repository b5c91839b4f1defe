//! How many polls a second a line asks for, in closed form.

use super::{Intervals, SHARE_OF_WAIT, as_f64};

/// A line that stands still may begin to move at any moment. Then everybody returns at the time told before, beside those
/// who have returned already and ask at the pace of a line that moves: so much of the budget is kept free for them. Found by
/// the simulation of openings that are late (P12).
const STILL_COUNTS: f64 = 1.8;

/// How a line moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Motion {
    /// By so many places a second, more than 0.
    Moving {
        /// Places a second.
        per_second: f64,
    },
    /// Nobody is let in, and nobody knows for how long.
    Still,
    /// Nobody is let in before the opening.
    Scheduled,
}

impl Motion {
    /// At `per_second` places a second; `None`, 0 and what is no number at all mean that nobody is let in.
    pub fn at(per_second: Option<f64>) -> Self {
        match per_second.filter(|speed| speed.is_finite() && *speed > 0.0) {
            Some(per_second) => Self::Moving { per_second },
            None => Self::Still,
        }
    }
}

/// One line, as far as its polls go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Demand {
    /// People in the line.
    pub waiting: u64,
    /// How the line moves.
    pub motion: Motion,
    /// It opened a moment ago, and people are still returning at the times that they were told before.
    pub is_returning: bool,
    /// Gatekeepers that share its polls, at least 1.
    pub gatekeepers: u64,
}

impl Demand {
    /// Polls a second that this line asks one gatekeeper for, without those who return after an opening.
    ///
    /// Somebody with the interval `b` asks `1 / b` times a second; jitter is symmetric, so the mean interval stays `b`.
    /// With `a = 10 × speed ÷ stretch` places per second of interval, the line of `N` has three parts:
    ///
    /// ```text
    /// front   p ≤ a·front           interval front     min(N, a·front) / front
    /// slope   a·front < p ≤ a·cap   interval p / a     Σ a/p ≤ a·ln(min(N, a·cap) / (a·front))
    /// back    p > a·cap             interval cap       (N − a·cap) / cap
    /// ```
    ///
    /// With front = 1 s, stretch = 1 and a line that is long enough that is `10r + 10r·ln(cap) + (N − 10·cap·r) / cap`.
    /// A sum of a falling function lies below its integral, so the figure is never too small. It is a little too large
    /// on the slope: somebody who polls at place `p` moves to `0.9 p` until the next poll, so that `1 / ln(1/0.9) = 9.5`
    /// polls instead of 10 fall on each e-fold. Where all have one interval it is `N / interval`, and more where that may
    /// end at any moment (`STILL_COUNTS`).
    pub fn polls_per_second(&self, intervals: &Intervals) -> f64 {
        let people = as_f64(self.waiting);
        let polls = match self.motion {
            Motion::Moving { per_second } => {
                let places_per_second = per_second / SHARE_OF_WAIT / intervals.stretch;
                let front_ends = places_per_second * intervals.front_seconds;
                let slope_ends = places_per_second * intervals.cap_seconds;
                let front = people.min(front_ends) / intervals.front_seconds;
                let slope = (people.clamp(front_ends, slope_ends) / front_ends).ln();
                let back = (people - slope_ends).max(0.0) / intervals.cap_seconds;
                front + places_per_second * slope + back
            }
            Motion::Still => STILL_COUNTS * people / intervals.idle_seconds,
            Motion::Scheduled => people / Intervals::LOBBY_SECONDS,
        };
        polls / as_f64(self.gatekeepers.max(1))
    }

    /// Whether its people return, or will, at the times that they were told before the opening.
    pub(super) fn is_opening(&self) -> bool {
        self.is_returning || self.motion == Motion::Scheduled
    }
}
