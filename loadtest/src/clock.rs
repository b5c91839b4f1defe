//! The clock of one run: monotonic, and tied once to the wall clock, so that instants that a server
//! wrote down can be compared with our own.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// A point in time, counted from the start of the run.
pub(crate) type Moment = Duration;

/// Tells the time since the run began. Copies tell the same time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunClock {
    started: Instant,
    wall: Timestamp,
}

impl RunClock {
    /// Begins a run now.
    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
            wall: Timestamp::now(),
        }
    }

    /// The time since the run began.
    pub(crate) fn now(&self) -> Moment {
        self.started.elapsed()
    }

    /// Waits until a moment of this run; at once when it has passed.
    pub(crate) async fn sleep_until(&self, moment: Moment) {
        tokio::time::sleep_until(self.started + moment).await;
    }

    /// The wall-clock time at which the run began.
    pub(crate) fn started_at(&self) -> Timestamp {
        self.wall
    }

    /// Where a server's time stamp lies in this run; what lies before its start counts as its start.
    pub(crate) fn moment_of(&self, stamp: Timestamp) -> Moment {
        Duration::try_from(stamp.duration_since(self.wall)).unwrap_or(Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_of_the_wall_clock_is_found_in_the_run() {
        let clock = RunClock::start();
        let stamp = clock.started_at() + Duration::from_millis(1_500);
        assert_eq!(clock.moment_of(stamp), Duration::from_millis(1_500));
    }

    #[test]
    fn a_stamp_from_before_the_run_counts_as_its_start() {
        let clock = RunClock::start();
        let stamp = clock.started_at() - Duration::from_secs(5);
        assert_eq!(clock.moment_of(stamp), Duration::ZERO);
    }
}
