//! I7: visitors who are present when promotion runs are admitted in order of place.

use std::time::Duration;

use super::{Finding, STALE_COPY_MAX};
use crate::clock::Moment;
use crate::journal::{Journal, Visit};

/// Who missed a beat by more than this may have been passed over rightly: a second under the grace.
const LATE_BEAT_MAX: Duration = Duration::from_secs(1);

/// Sorted by number, the store's instants of promotion never decrease. Who was still waiting counts
/// as not admitted before the last poll that said so.
pub(super) fn check(journal: &Journal) -> Finding {
    let mut finding = Finding::new("I7");
    let mut present: Vec<(u64, &Visit)> = journal
        .visits
        .iter()
        .filter(|visit| visit.latest_beat <= LATE_BEAT_MAX)
        .filter_map(|visit| Some((visit.number?, visit)))
        .collect();
    present.sort_by_key(|(number, _)| *number);
    let mut latest: Option<(Moment, u64)> = None;
    for (number, visit) in present {
        if let (Some(at), Some((passed_at, passed))) = (admitted_at(visit), latest) {
            finding.expect(at >= passed_at, || {
                format!("number {number} was admitted at {at:?}, before number {passed} at {passed_at:?}")
            });
        }
        let not_before = admitted_at(visit).or_else(|| surely_waiting_at(visit));
        if let Some(at) = not_before.filter(|at| latest.is_none_or(|(before, _)| *at > before)) {
            latest = Some((at, number));
        }
    }
    finding
}

fn admitted_at(visit: &Visit) -> Option<Moment> {
    Some(visit.admission.as_ref()?.at)
}

fn surely_waiting_at(visit: &Visit) -> Option<Moment> {
    let known_admission = visit.admission.is_some();
    visit
        .still_waiting
        .filter(|_| !known_admission)?
        .checked_sub(STALE_COPY_MAX)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{admitted, at, waiting};
    use super::*;

    fn check_visits(visits: Vec<Visit>) -> Finding {
        check(&Journal {
            visits,
            ..Journal::default()
        })
    }

    #[test]
    fn who_came_first_goes_first_and_a_tick_may_admit_several() {
        let finding = check_visits(vec![admitted(3, 50), admitted(1, 0), admitted(2, 50)]);
        assert!(finding.holds(), "{finding:?}");
        assert_eq!(finding.checked, 2);
    }

    #[test]
    fn an_overtaking_is_found() {
        let finding = check_visits(vec![admitted(1, 0), admitted(2, 100), admitted(3, 50)]);
        assert_eq!(finding.violations, 1);
    }

    #[test]
    fn somebody_who_waits_while_later_ones_are_admitted_is_found() {
        let forgotten = Visit {
            still_waiting: Some(at(5_000)),
            ..waiting(1)
        };
        assert_eq!(
            check_visits(vec![forgotten, admitted(2, 1_000)]).violations,
            1
        );
    }

    #[test]
    fn somebody_whose_admission_is_only_a_tick_away_was_not_passed_over() {
        let next = Visit {
            still_waiting: Some(at(1_100)),
            ..waiting(1)
        };
        assert!(check_visits(vec![next, admitted(2, 1_000)]).holds());
    }

    #[test]
    fn who_missed_a_beat_may_be_passed() {
        let late = Visit {
            latest_beat: Duration::from_secs(8),
            ..admitted(1, 900)
        };
        assert_eq!(
            check_visits(vec![late, admitted(2, 100), admitted(3, 150)]).violations,
            0
        );
    }
}
