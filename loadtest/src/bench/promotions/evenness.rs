//! How far a window of time is from what the rate says it should hold.

use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;

/// Windows begin so often.
const STEP: Duration = Duration::from_millis(50);

/// Admissions, as times since the first one.
#[derive(Debug)]
pub(super) struct Evenness {
    rate_per_second: u32,
    begin: Duration,
    end: Duration,
    /// In rising order.
    times: Vec<Duration>,
}

impl Evenness {
    /// Looks at what lies between `begin` and `end` after the first admission.
    pub(super) fn of(
        mut instants: Vec<Timestamp>,
        rate_per_second: u32,
        begin: Duration,
        end: Duration,
    ) -> anyhow::Result<Self> {
        instants.sort();
        let first = *instants.first().context("nobody was let in")?;
        let since = |instant: Timestamp| {
            Duration::try_from(instant.duration_since(first)).unwrap_or_default()
        };
        Ok(Self {
            rate_per_second,
            begin,
            end,
            times: instants.into_iter().map(since).collect(),
        })
    }

    /// Admissions that are looked at.
    pub(super) fn count(&self) -> usize {
        self.between(self.begin, self.end)
    }

    /// The largest difference from the rate over any window of this length, in percent of what the rate says. 100 when
    /// there is no such window.
    pub(super) fn worst_percent(&self, window: Duration) -> f64 {
        let expected = f64::from(self.rate_per_second) * window.as_secs_f64();
        let mut worst = None;
        let mut start = self.begin;
        while start + window <= self.end {
            let count = u32::try_from(self.between(start, start + window)).unwrap_or(u32::MAX);
            let percent = (f64::from(count) - expected).abs() / expected * 100.0;
            worst = Some(percent.max(worst.unwrap_or(0.0)));
            start += STEP;
        }
        worst.unwrap_or(100.0)
    }

    fn between(&self, from: Duration, to: Duration) -> usize {
        let before = |limit: Duration| self.times.partition_point(|time| *time < limit);
        before(to) - before(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evenness(instants: impl IntoIterator<Item = i64>) -> Evenness {
        let instants = instants
            .into_iter()
            .map(|millis| Timestamp::from_millisecond(millis).unwrap());
        Evenness::of(
            instants.collect(),
            100,
            Duration::ZERO,
            Duration::from_secs(20),
        )
        .unwrap()
    }

    const TEN: Duration = Duration::from_secs(10);

    #[test]
    fn lots_of_five_every_tick_are_even() {
        let even = evenness((0..400).flat_map(|tick| [tick * 50; 5]));
        assert_eq!(even.count(), 2_000);
        assert!(even.worst_percent(TEN) < 1e-9);
    }

    #[test]
    fn a_second_without_admissions_is_seen_in_every_window_around_it() {
        let gap = evenness(
            (0..400)
                .filter(|tick| !(100..120).contains(tick))
                .flat_map(|tick| [tick * 50; 5]),
        );
        assert!((gap.worst_percent(TEN) - 10.0).abs() < 1e-9);
        assert!((gap.worst_percent(Duration::from_secs(2)) - 50.0).abs() < 1e-9);
    }

    #[test]
    fn too_short_a_run_is_no_proof() {
        assert!((evenness([0, 10]).worst_percent(Duration::from_secs(60)) - 100.0).abs() < 1e-9);
        assert!(Evenness::of(Vec::new(), 100, Duration::ZERO, TEN).is_err());
    }
}
