//! How long somebody will wait: their position over the speed of the line.
//!
//! The speed is measured: people of an earlier line-up who stood up to today's head, over the time between. That counts
//! whoever was let in and whoever vanished, and it knows what no setting says: how long people stay where the number
//! in the shop is limited, and whether anybody is let in at all. It is measured over at most two minutes, at least ten
//! seconds, and only while there is a line: where everybody is let in within seconds, the head follows the joins.
//!
//! The speed that is shown only moves when what was measured can hardly be chance (by more than a tenth, and by more
//! than twice the square root of the people counted), so that no estimate trembles. Before anything is measured, and
//! after a change of settings, it is the rate, or what was measured to be the limit below the rate.
//!
//! An estimate that rises by more than that has a [`Reason`], which goes with it for a minute.

mod history;
mod measure;

use std::time::{Duration, Instant};

use serde::Serialize;

pub use self::measure::Estimator;

/// Beyond this an estimate is no use to anybody; it is shown as "more than".
const LONGEST_SECONDS: u64 = 6 * 3_600;

/// Why an estimate has risen, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The room has not opened yet.
    NotOpen,
    /// Nobody is let in for the time being.
    Paused,
    /// Nobody lets people in at present, although the room is open; it goes on by itself.
    Halted,
    /// The shop is not well; letting people in waits for it.
    Busy,
    /// An operator lets in fewer people a second.
    RateLowered,
    /// People who were in front came back.
    Returned,
    /// Fewer people a second are let in than before; most often those inside take longer.
    Slower,
}

/// What can be said about the wait in one room.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Estimate {
    /// Places a second; `None` while nobody is let in.
    pub speed_per_second: Option<f64>,
    /// Why waits have become longer of late, or are not known.
    pub reason: Option<Reason>,
}

/// The wait of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// In seconds; `None` when nobody is let in.
    pub seconds: Option<u64>,
    /// It is longer than that, nobody knows how much.
    pub is_capped: bool,
}

impl Estimate {
    /// The wait of somebody at `position`.
    pub fn wait(&self, position: u64) -> Wait {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an estimate in seconds; a conversion of floats saturates"
        )]
        let seconds = self
            .speed_per_second
            .filter(|speed| *speed > 0.0)
            .map(|speed| (position as f64 / speed).ceil() as u64);
        Wait {
            seconds: seconds.map(|seconds| seconds.min(LONGEST_SECONDS)),
            is_capped: seconds.is_some_and(|seconds| seconds > LONGEST_SECONDS),
        }
    }
}

/// A rise that is to be explained.
#[derive(Debug, Clone, Copy)]
struct Rise {
    at: Instant,
    reason: Reason,
}

impl Rise {
    /// How long a reason is shown: everybody but those far behind polls within it.
    const SHOWN: Duration = Duration::from_secs(60);

    fn is_recent(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < Self::SHOWN
    }
}

#[cfg(test)]
mod tests;
