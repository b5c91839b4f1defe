//! I8: in any window of T seconds, admissions are at most rate × T plus the bucket, and the active set
//! never outgrows its capacity.

use std::time::Duration;

use super::{Finding, RoomFacts, STALE_COPY_MAX};
use crate::clock::Moment;
use crate::journal::{Journal, Visit};

/// The bucket holds this much of the rate, at least two ticks, at least one admission.
const BUCKET: Duration = Duration::from_millis(300);
const TICK: Duration = Duration::from_millis(50);
/// How far the clocks of the store and of this machine may differ.
const CLOCKS_APART_MAX: Duration = Duration::from_secs(1);
/// The store's instants are cut to milliseconds.
const ROUNDING: Duration = Duration::from_millis(1);

/// Judges the pace by the store's own instants of promotion.
pub(super) fn check(journal: &Journal, room: RoomFacts) -> Finding {
    let mut finding = Finding::new("I8");
    let mut instants: Vec<Moment> = journal
        .admissions()
        .map(|(_, admission)| admission.at)
        .collect();
    instants.sort_unstable();
    check_instants(journal, &mut finding);
    check_not_faster(&instants, room, &mut finding);
    if let Some(capacity) = room.capacity {
        check_capacity(journal, capacity, &mut finding);
    }
    finding
}

/// The instants are the store's word: at least they lie between what the visitor saw before and after.
fn check_instants(journal: &Journal, finding: &mut Finding) {
    for (visit, admission) in journal.admissions() {
        let waiting = visit.still_waiting.unwrap_or_default();
        let earliest = waiting.saturating_sub(STALE_COPY_MAX + CLOCKS_APART_MAX);
        let latest = admission.told + CLOCKS_APART_MAX;
        finding.expect((earliest..=latest).contains(&admission.at), || {
            let at = admission.at;
            format!(
                "an admission dated {at:?} was not there at {waiting:?} and known at {:?}",
                admission.told
            )
        });
    }
}

/// Admissions that may happen within a time.
fn allowance(room: RoomFacts, time: Duration) -> f64 {
    f64::from(room.rate_per_second) * time.as_secs_f64()
}

/// Every window that begins and ends with an admission: for each end, only the beginning that leaves
/// the least room matters, and that is found in passing.
fn check_not_faster(instants: &[Moment], room: RoomFacts, finding: &mut Finding) {
    let bucket = allowance(room, BUCKET.max(2 * TICK)).max(1.0);
    let most = bucket + allowance(room, ROUNDING);
    // How far the admissions before this one were ahead of the rate, at the least.
    let mut least_ahead = f64::INFINITY;
    for (before, at) in (0_u32..).zip(instants) {
        let ahead = f64::from(before) - allowance(room, *at);
        least_ahead = least_ahead.min(ahead);
        let over = ahead + 1.0 - least_ahead;
        finding.expect(over <= most + 1e-6, || {
            format!("{over:.1} admissions more than the rate allows in a window that ends at {at:?}; the bucket holds {bucket}")
        });
    }
}

/// Whoever is surely active: from the promotion until the request was sent that ends it, or until the
/// admission expired by itself.
fn check_capacity(journal: &Journal, capacity: u32, finding: &mut Finding) {
    let mut changes: Vec<(Moment, i64)> = Vec::new();
    for visit in &journal.visits {
        if let Some((from, until)) = surely_active(visit) {
            changes.extend([(from, 1), (until, -1)]);
        }
    }
    // At one instant, who leaves makes room for who comes.
    changes.sort_unstable();
    let mut active = 0;
    for (at, change) in changes {
        active += change;
        if change > 0 {
            finding.expect(active <= i64::from(capacity), || {
                format!("{active} were in the shop at {at:?}; the capacity is {capacity}")
            });
        }
    }
}

fn surely_active(visit: &Visit) -> Option<(Moment, Moment)> {
    let admission = visit.admission.as_ref()?;
    // The true instant is up to a millisecond later than the store's cut one.
    let from = admission.at + ROUNDING;
    let until = visit
        .gave_up_slot
        .unwrap_or(admission.expires)
        .min(admission.expires);
    (until > from).then_some((from, until))
}

#[cfg(test)]
mod tests;
