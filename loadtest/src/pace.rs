//! Whether a line moved as fast as it was told to.
//!
//! The other side of I8, and no invariant: a machine that is too busy may let people in late, and breaks
//! no promise by it. So it is a bound of the scenario, judged only when the generator kept up.

mod line;

use std::time::Duration;

use crate::clock::Moment;
use crate::journal::Journal;

/// Promotion comes in lots, one a tick: a window may begin just after one.
const TICK: Duration = Duration::from_millis(50);
/// The stretch of time over which admissions are counted, and what the next one is later by.
const WINDOW: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_secs(1);
/// Shorter stretches of waiting say nothing about a rate.
const SHORTEST: Duration = Duration::from_secs(1);

/// The slowest window of ten seconds in which people waited all the time, in percent of the rate, one
/// tick's lot granted; by the store's instants of promotion. None when nobody waited long enough.
pub(crate) fn slowest_percent(journal: &Journal, rate_per_second: u32) -> Option<f64> {
    let mut instants: Vec<Moment> = journal
        .admissions()
        .map(|(_, admission)| admission.at)
        .collect();
    instants.sort_unstable();
    let allowance = |time: Duration| f64::from(rate_per_second) * time.as_secs_f64();
    let lot = allowance(TICK).max(1.0);
    line::stretches(journal, rate_per_second)
        .into_iter()
        .flat_map(|(from, to)| windows(from, to))
        .map(|(start, end)| {
            let got = f64::from(count_within(&instants, start, end));
            (got + lot) / allowance(end.saturating_sub(start)) * 100.0
        })
        .min_by(f64::total_cmp)
        .map(|percent| (percent * 10.0).round() / 10.0)
}

/// Windows of ten seconds, one beginning each second; the whole where it is shorter.
fn windows(from: Moment, to: Moment) -> impl Iterator<Item = (Moment, Moment)> {
    let length = to.saturating_sub(from).min(WINDOW);
    let last_start = to.saturating_sub(length);
    std::iter::successors(Some(from), |start| Some(*start + STEP))
        .take_while(move |start| length >= SHORTEST && *start <= last_start)
        .map(move |start| (start, start + length))
}

fn count_within(instants: &[Moment], start: Moment, end: Moment) -> u32 {
    let (first, last) = (
        instants.partition_point(|at| *at < start),
        instants.partition_point(|at| *at < end),
    );
    u32::try_from(last - first).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
