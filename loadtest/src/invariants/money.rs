//! I3: what the payment gateway's own books say was captured minus refunded equals the sum of the
//! confirmed orders, and no authorization stays open for ever.

use std::collections::HashMap;

use super::Finding;
use crate::books::{Books, LedgerItem, OrderRow};

/// Compares both books, order by order, payment by payment, and in sum.
pub(super) fn check(books: &Books) -> Finding {
    let mut finding = Finding::new("I3");
    let payments: HashMap<&str, &LedgerItem> = books
        .payments
        .iter()
        .map(|item| (item.key.as_str(), item))
        .collect();
    for order in &books.orders {
        let payment = order
            .payment_id
            .as_deref()
            .and_then(|key| payments.get(key).copied());
        let kept = payment.map_or(0, LedgerItem::kept);
        finding.expect(kept == due(order), || {
            format!(
                "order {} is {} at {}, the gateway has {kept}",
                order.id, order.state, order.amount
            )
        });
        finding.expect(order.is_decided(), || {
            format!("order {} is still {}", order.id, order.state)
        });
        let captured = payment.map_or(0, |item| item.captured);
        finding.expect(captured == order.captured, || {
            format!(
                "order {} says captured {}, the gateway {captured}",
                order.id, order.captured
            )
        });
    }
    check_payments(books, &mut finding);
    check_seats(books, &mut finding);
    check_sums(books, &payments, &mut finding);
    finding
}

/// What the shop may keep for an order.
fn due(order: &OrderRow) -> i64 {
    if order.is_confirmed() {
        order.amount - order.refunded
    } else {
        order.captured - order.refunded
    }
}

/// No money without an order, and none blocked. An order names the one payment that paid for it: a second one
/// is money without an order.
fn check_payments(books: &Books, finding: &mut Finding) {
    let known = books.orders_by_payment();
    for item in books.own_payments() {
        finding.expect(!item.is_open(), || {
            format!(
                "payment {} has {} authorized, neither captured nor voided",
                item.key, item.authorized
            )
        });
        if item.kept() == 0 {
            continue;
        }
        let order = known.get(item.key.as_str());
        finding.expect(order.is_some_and(|order| order.is_confirmed()), || {
            format!("payment {} was captured for no confirmed order", item.key)
        });
    }
}

/// No seat is given away: each belongs to a confirmed order, and an order's seats cost what it does.
fn check_seats(books: &Books, finding: &mut Finding) {
    let orders: HashMap<&str, &OrderRow> = books
        .orders
        .iter()
        .map(|order| (order.id.as_str(), order))
        .collect();
    let mut prices: HashMap<&str, i64> = HashMap::new();
    for seat in &books.sold {
        *prices.entry(&seat.order_id).or_default() += seat.price;
    }
    for (id, price) in prices {
        let order = orders.get(id).copied();
        let is_paid = order.is_some_and(|order| order.is_confirmed() && order.amount == price);
        finding.expect(is_paid, || {
            let order = order.map(|order| (order.state.as_str(), order.amount));
            format!("seats worth {price} are sold to order {id}, which is {order:?}")
        });
    }
}

fn check_sums(books: &Books, payments: &HashMap<&str, &LedgerItem>, finding: &mut Finding) {
    let orders: i64 = books
        .orders
        .iter()
        .filter(|order| order.is_confirmed())
        .map(due)
        .sum();
    let kept: i64 = books
        .orders
        .iter()
        .filter_map(|order| payments.get(order.payment_id.as_deref()?))
        .map(|item| item.kept())
        .sum();
    if !books.orders.is_empty() {
        finding.expect(orders == kept, || {
            format!("confirmed orders are worth {orders}, the gateway has {kept} for them")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::SoldSeat;

    fn order(id: &str, state: &str, captured: i64) -> OrderRow {
        OrderRow {
            id: id.to_owned(),
            buyer: "buyer".to_owned(),
            state: state.to_owned(),
            amount: 100,
            payment_id: Some(format!("pay-{id}")),
            captured,
            refunded: 0,
        }
    }

    fn payment(order: &str, authorized: i64, captured: i64, voided: i64) -> LedgerItem {
        LedgerItem {
            key: format!("pay-{order}"),
            authorized,
            captured,
            refunded: 0,
            voided,
        }
    }

    fn books(orders: Vec<OrderRow>, payments: Vec<LedgerItem>) -> Books {
        Books {
            paid_orders: orders.clone(),
            orders,
            payments,
            ..Books::default()
        }
    }

    #[test]
    fn equal_books_are_right() {
        let finding = check(&books(
            vec![order("a", "CONFIRMED", 100), order("b", "FAILED", 0)],
            vec![payment("a", 100, 100, 0), payment("b", 100, 0, 100)],
        ));
        assert!(finding.holds(), "{finding:?}");
    }

    #[test]
    fn a_seat_given_away_or_sold_below_its_price_is_found() {
        let sold = |seat: &str, order_id: &str, price| SoldSeat {
            seat: seat.to_owned(),
            order_id: order_id.to_owned(),
            price,
        };
        let with = |sold: Vec<SoldSeat>| {
            let orders = vec![order("a", "CONFIRMED", 100), order("b", "FAILED", 0)];
            let payments = vec![payment("a", 100, 100, 0), payment("b", 100, 0, 100)];
            check(&Books {
                sold,
                ..books(orders, payments)
            })
        };
        assert!(with(vec![sold("A-1", "a", 60), sold("A-2", "a", 40)]).holds());
        assert!(!with(vec![sold("A-1", "a", 60)]).holds(), "too cheap");
        assert!(
            !with(vec![sold("A-1", "b", 100)]).holds(),
            "of an order that failed"
        );
        assert!(
            !with(vec![sold("A-1", "nobody's", 100)]).holds(),
            "of no order"
        );
    }

    #[test]
    fn a_declined_payment_costs_nothing() {
        let mut declined = payment("a", 0, 0, 0);
        declined.key = "an-earlier-attempt".to_owned();
        let finding = check(&books(
            vec![order("a", "CONFIRMED", 100)],
            vec![declined, payment("a", 100, 100, 0)],
        ));
        assert!(finding.holds(), "{finding:?}");
    }

    #[test]
    fn a_confirmed_order_without_its_money_is_found() {
        let finding = check(&books(
            vec![order("a", "CONFIRMED", 100)],
            vec![payment("a", 100, 90, 0)],
        ));
        assert!(finding.violations > 0);
    }

    #[test]
    fn money_taken_for_no_order_is_found() {
        let stray = payment("nobody", 100, 100, 0);
        let finding = check(&books(
            vec![order("a", "CONFIRMED", 100)],
            vec![payment("a", 100, 100, 0), stray],
        ));
        assert_eq!(finding.violations, 1);
        assert!(
            finding.samples[0].contains("no confirmed order"),
            "{finding:?}"
        );
    }

    #[test]
    fn what_others_buy_meanwhile_is_not_judged() {
        let mut books = books(
            vec![order("a", "CONFIRMED", 100)],
            vec![payment("a", 100, 100, 0), payment("other", 100, 0, 0)],
        );
        books.paid_orders.push(order("other", "PENDING", 0));
        assert!(check(&books).holds(), "{:?}", check(&books));
    }

    #[test]
    fn money_kept_for_a_failed_order_is_found() {
        let finding = check(&books(
            vec![order("a", "FAILED", 100)],
            vec![payment("a", 100, 100, 0)],
        ));
        assert!(finding.violations > 0);
    }

    #[test]
    fn an_order_that_is_never_decided_is_found() {
        let finding = check(&books(vec![order("a", "PAYMENT_UNKNOWN", 0)], vec![]));
        assert_eq!(finding.violations, 1);
    }

    #[test]
    fn an_authorization_that_stays_open_is_found() {
        let finding = check(&books(
            vec![order("a", "FAILED", 0)],
            vec![payment("a", 100, 0, 0)],
        ));
        assert_eq!(finding.violations, 1);
        assert!(
            finding.samples[0].contains("neither captured nor voided"),
            "{finding:?}"
        );
    }
}
