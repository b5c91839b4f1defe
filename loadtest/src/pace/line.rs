//! When people were waiting, by the journal.

use crate::clock::Moment;
use crate::journal::{Journal, Visit};

/// A line shorter than what this much time admits may run empty between two ticks.
const LINE_MIN_MS: i64 = 200;

/// The stretches of time, first to last, in which a line was surely there.
pub(super) fn stretches(journal: &Journal, rate_per_second: u32) -> Vec<(Moment, Moment)> {
    let mut changes: Vec<(Moment, i64)> = journal
        .visits
        .iter()
        .filter_map(surely_waiting)
        .flatten()
        .collect();
    changes.sort_unstable();
    let enough = (i64::from(rate_per_second) * LINE_MIN_MS / 1_000).max(1);
    let mut waiting = 0;
    let mut since: Option<Moment> = None;
    let mut found = Vec::new();
    for (at, change) in changes {
        waiting += change;
        match since {
            None if waiting >= enough => since = Some(at),
            Some(from) if waiting < enough => {
                found.push((from, at));
                since = None;
            }
            _ => {}
        }
    }
    found
}

/// From the answer to the join until the promotion, or until the last poll that said `waiting`.
fn surely_waiting(visit: &Visit) -> Option<[(Moment, i64); 2]> {
    let from = visit.joined?.end;
    let until = match &visit.admission {
        Some(admission) => admission.at,
        None => visit.still_waiting?,
    };
    (until > from).then_some([(from, 1), (until, -1)])
}
