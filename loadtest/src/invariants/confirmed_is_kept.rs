//! I4: every order that was answered CONFIRMED is in the database, with its seats.

use std::collections::{BTreeSet, HashMap};

use super::Finding;
use crate::books::{Books, OrderRow};
use crate::journal::Journal;

/// What the buyers were told, against what the database knows.
pub(super) fn check(journal: &Journal, books: &Books) -> Finding {
    let mut finding = Finding::new("I4");
    let orders: HashMap<&str, &OrderRow> = books
        .orders
        .iter()
        .map(|order| (order.id.as_str(), order))
        .collect();
    let mut seats: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    for sold in &books.sold {
        seats.entry(&sold.order_id).or_default().insert(&sold.seat);
    }
    let refused = books.capture_refused();
    for (visit, bought) in journal.bought() {
        // Cancelled rightly: then no seat may be left of it either.
        if refused.contains(bought.order.as_str()) {
            finding.expect(!seats.contains_key(bought.order.as_str()), || {
                format!(
                    "order {} was cancelled unpaid and keeps its seats",
                    bought.order
                )
            });
            continue;
        }
        let row = orders.get(bought.order.as_str());
        finding.expect(
            row.is_some_and(|row| row.is_confirmed() && row.buyer == visit.visitor),
            || {
                format!(
                    "order {} was confirmed to {}; the database has {row:?}",
                    bought.order, visit.visitor
                )
            },
        );
        finding.expect(row.is_none_or(|row| row.amount == bought.amount), || {
            format!(
                "order {} was confirmed at {}; the database has {row:?}",
                bought.order, bought.amount
            )
        });
        let told: BTreeSet<&str> = bought.seats.iter().map(String::as_str).collect();
        let kept = seats.get(bought.order.as_str());
        finding.expect(kept == Some(&told), || {
            format!(
                "order {} was confirmed with {told:?}; the database has {kept:?}",
                bought.order
            )
        });
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::super::sample::{admitted, bought};
    use super::*;
    use crate::books::{LedgerItem, SoldSeat};
    use crate::journal::Visit;

    fn journal() -> Journal {
        let visit = Visit {
            bought: Some(bought("o", &["A-1", "A-2"], 200)),
            ..admitted(1, 0)
        };
        Journal {
            visits: vec![visit],
            ..Journal::default()
        }
    }

    fn books(state: &str, seats: &[&str]) -> Books {
        let order = OrderRow {
            id: "o".to_owned(),
            buyer: "visitor-1".to_owned(),
            state: state.to_owned(),
            amount: 200,
            payment_id: None,
            captured: 200,
            refunded: 0,
        };
        let sold = |seat: &&str| SoldSeat {
            seat: (*seat).to_owned(),
            order_id: "o".to_owned(),
            price: 100,
        };
        Books {
            orders: vec![order],
            sold: seats.iter().map(sold).collect(),
            ..Books::default()
        }
    }

    #[test]
    fn an_order_with_its_seats_is_right() {
        let finding = check(&journal(), &books("CONFIRMED", &["A-2", "A-1"]));
        assert!(finding.holds(), "{finding:?}");
    }

    #[test]
    fn a_confirmed_order_that_the_database_forgot_is_found() {
        assert!(check(&journal(), &Books::default()).violations > 0);
    }

    #[test]
    fn a_confirmed_order_that_failed_later_is_found() {
        assert_eq!(
            check(&journal(), &books("FAILED", &["A-1", "A-2"])).violations,
            1
        );
    }

    #[test]
    fn an_order_that_lost_a_seat_is_found() {
        assert_eq!(
            check(&journal(), &books("CONFIRMED", &["A-1"])).violations,
            1
        );
    }

    #[test]
    fn an_order_whose_capture_was_refused_is_gone_rightly_but_not_with_its_seats() {
        let refuse = |seats| {
            let mut books = books("CANCELLED", seats);
            books.orders[0].payment_id = Some("pay".to_owned());
            let (key, authorized) = ("pay".to_owned(), 200);
            let unpaid = LedgerItem {
                key,
                authorized,
                captured: 0,
                refunded: 0,
                voided: 200,
            };
            Books {
                payments: vec![unpaid],
                ..books
            }
        };
        assert!(check(&journal(), &refuse(&[])).holds());
        assert_eq!(check(&journal(), &refuse(&["A-1", "A-2"])).violations, 1);
    }

    #[test]
    fn an_order_at_another_price_is_found() {
        let mut books = books("CONFIRMED", &["A-1", "A-2"]);
        books.orders[0].amount = 150;
        assert_eq!(check(&journal(), &books).violations, 1);
    }
}
