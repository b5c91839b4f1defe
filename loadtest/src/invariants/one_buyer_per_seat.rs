//! I1: a seat of a performance has at most one confirmed reservation.

use std::collections::HashMap;

use super::Finding;
use crate::books::Books;
use crate::journal::Journal;

/// No seat twice in the database, and none twice among the orders that buyers were told are theirs.
pub(super) fn check(journal: &Journal, books: &Books) -> Finding {
    let mut finding = Finding::new("I1");
    let mut sold: HashMap<&str, &str> = HashMap::new();
    for seat in &books.sold {
        let before = sold.insert(&seat.seat, &seat.order_id);
        finding.expect(before.is_none(), || {
            format!(
                "seat {} is sold to the orders {before:?} and {}",
                seat.seat, seat.order_id
            )
        });
    }
    let mut told: HashMap<&str, &str> = HashMap::new();
    let refused = books.capture_refused();
    let kept = journal
        .bought()
        .filter(|(_, bought)| !refused.contains(bought.order.as_str()));
    for (visit, bought) in kept {
        for seat in &bought.seats {
            let before = told.insert(seat, &visit.visitor);
            finding.expect(before.is_none(), || {
                format!(
                    "seat {seat} was confirmed to {before:?} and to {}",
                    visit.visitor
                )
            });
        }
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::super::sample::{admitted, bought};
    use super::*;
    use crate::books::SoldSeat;
    use crate::journal::Visit;

    fn sold(seat: &str, order: &str) -> SoldSeat {
        SoldSeat {
            seat: seat.to_owned(),
            order_id: order.to_owned(),
            price: 100,
        }
    }

    fn buyer(number: u64, seat: &str) -> Visit {
        Visit {
            bought: Some(bought("o", &[seat], 100)),
            ..admitted(number, 0)
        }
    }

    #[test]
    fn different_seats_are_right() {
        let books = Books {
            sold: vec![sold("A-1", "x"), sold("A-2", "y")],
            ..Books::default()
        };
        let journal = Journal {
            visits: vec![buyer(1, "A-1"), buyer(2, "A-2")],
            ..Journal::default()
        };
        let finding = check(&journal, &books);
        assert!(finding.holds(), "{finding:?}");
        assert_eq!(finding.checked, 4);
    }

    #[test]
    fn a_seat_sold_twice_in_the_database_is_found() {
        let books = Books {
            sold: vec![sold("A-1", "x"), sold("A-1", "y")],
            ..Books::default()
        };
        assert_eq!(check(&Journal::default(), &books).violations, 1);
    }

    #[test]
    fn a_seat_confirmed_to_two_buyers_is_found_though_the_database_knows_one() {
        let books = Books {
            sold: vec![sold("A-1", "x")],
            ..Books::default()
        };
        let journal = Journal {
            visits: vec![buyer(1, "A-1"), buyer(2, "A-1")],
            ..Journal::default()
        };
        assert_eq!(check(&journal, &books).violations, 1);
    }

    #[test]
    fn nothing_sold_is_nothing_proved() {
        assert!(!check(&Journal::default(), &Books::default()).holds());
    }
}
