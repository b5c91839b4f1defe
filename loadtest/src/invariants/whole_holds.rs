//! I2: a live hold has all of its seats.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::Finding;
use crate::books::Books;
use crate::clock::Moment;
use crate::journal::{Held, Journal};

/// The database's clock may be this far ahead of ours when a hold expires.
const CLOCK_MARGIN: Duration = Duration::from_secs(1);

/// When somebody surely had a seat.
struct Possession<'a> {
    from: Moment,
    until: Moment,
    hold: &'a str,
}

/// Each hold got what it asked for, and no two holds had the same seat at the same time.
pub(super) fn check(journal: &Journal, books: &Books) -> Finding {
    let refused = books.capture_refused();
    let mut finding = Finding::new("I2");
    let mut by_seat: HashMap<&str, Vec<Possession<'_>>> = HashMap::new();
    for (visit, held) in journal.held() {
        let asked: HashSet<&String> = held.asked.iter().collect();
        let got: HashSet<&String> = held.got.iter().collect();
        finding.expect(asked == got && held.got.len() == got.len(), || {
            format!(
                "{} asked for {:?} and was given {:?}",
                visit.visitor, held.asked, held.got
            )
        });
        for seat in &held.got {
            by_seat
                .entry(seat)
                .or_default()
                .push(possession(held, &refused));
        }
    }
    for (seat, possessions) in &mut by_seat {
        possessions.sort_by_key(|possession| possession.from);
        for pair in possessions.windows(2) {
            finding.expect(pair[0].until <= pair[1].from, || {
                format!(
                    "seat {seat} was in the holds {} and {} at once",
                    pair[0].hold, pair[1].hold
                )
            });
        }
    }
    finding
}

/// The time for which a hold surely had its seats, which is never longer than the truth: it begins
/// when the answer was there, and ends with the order never, else with the expiry. Once a payment is
/// under way without a confirmed order, the service may have ended the hold at any time.
fn possession<'a>(held: &'a Held, refused: &HashSet<&str>) -> Possession<'a> {
    let expiry = held.expires.saturating_sub(CLOCK_MARGIN);
    let kept = held
        .order
        .as_deref()
        .filter(|order| !refused.contains(order));
    let until = match (kept, held.payment_sent) {
        (Some(_), _) => Moment::MAX,
        (None, Some(sent)) => sent.min(expiry),
        (None, None) => expiry,
    };
    Possession {
        from: held.answered.end,
        until: until.max(held.answered.end),
        hold: &held.hold,
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{admitted, at, held, names, span};
    use super::*;
    use crate::journal::Visit;

    fn check_holds(holds: Vec<Held>) -> Finding {
        let visits = (1..)
            .zip(holds)
            .map(|(number, hold)| Visit {
                held: vec![hold],
                ..admitted(number, 0)
            })
            .collect();
        check(
            &Journal {
                visits,
                ..Journal::default()
            },
            &Books::default(),
        )
    }

    fn later(hold: Held) -> Held {
        Held {
            answered: span(70_000, 70_010),
            expires: at(130_000),
            ..hold
        }
    }

    #[test]
    fn holds_on_different_seats_and_one_after_another_are_right() {
        let holds = vec![
            held("one", &["A-1", "A-2"]),
            held("two", &["A-3"]),
            later(held("three", &["A-1"])),
        ];
        let finding = check_holds(holds);
        assert!(finding.holds(), "{finding:?}");
        assert_eq!(finding.checked, 4);
    }

    #[test]
    fn two_live_holds_with_one_seat_in_common_are_found() {
        let holds = vec![held("one", &["A-1", "A-2"]), held("two", &["A-2", "A-3"])];
        assert_eq!(check_holds(holds).violations, 1);
    }

    #[test]
    fn a_hold_on_a_seat_that_was_bought_long_ago_is_found() {
        let bought = Held {
            order: Some("order".to_owned()),
            ..held("one", &["A-1"])
        };
        assert_eq!(
            check_holds(vec![bought, later(held("two", &["A-1"]))]).violations,
            1
        );
    }

    #[test]
    fn a_hold_that_lacks_a_seat_is_found() {
        let torn = Held {
            got: names(&["A-1"]),
            ..held("one", &["A-1", "A-2"])
        };
        assert_eq!(check_holds(vec![torn]).violations, 1);
    }

    #[test]
    fn a_hold_that_began_while_a_failed_payment_may_have_freed_the_seat_is_no_proof() {
        let failed = Held {
            payment_sent: Some(at(120)),
            ..held("one", &["A-1"])
        };
        let next = Held {
            answered: span(500, 510),
            ..held("two", &["A-1"])
        };
        assert!(check_holds(vec![failed, next]).holds());
    }
}
