//! The books of others, read from outside: the audit views of the database and the ledger of the
//! payment gateway. Nothing else of either is looked at.

mod database;
mod ledger;
mod quiet;

use std::collections::{HashMap, HashSet};

pub(crate) use database::{AuditDatabase, Conditions, OrderRow, SoldSeat};
pub(crate) use ledger::{Ledger, LedgerItem};
pub(crate) use quiet::wait_until_quiet;

/// What the books say about one run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Books {
    /// Every seat of the run's performance that is sold.
    pub sold: Vec<SoldSeat>,
    /// Every order of the run's buyers.
    pub orders: Vec<OrderRow>,
    /// Every payment that the gateway has seen since the run began, whoever made it.
    pub payments: Vec<LedgerItem>,
    /// The orders, of anybody, that those payments belong to.
    pub paid_orders: Vec<OrderRow>,
    /// Whether everything was decided and captured when the books were read.
    pub quiet: bool,
}

impl Books {
    /// Orders that were taken back because the gateway refused the capture for good: cancelled, and by
    /// the gateway's own books not paid. Their buyers were told CONFIRMED rightly, at that time.
    pub(crate) fn capture_refused(&self) -> HashSet<&str> {
        let unpaid: HashSet<&str> = self
            .payments
            .iter()
            .filter(|item| item.captured == 0)
            .map(|item| item.key.as_str())
            .collect();
        self.orders
            .iter()
            .filter(|order| order.state == "CANCELLED")
            .filter(|order| {
                order
                    .payment_id
                    .as_deref()
                    .is_some_and(|key| unpaid.contains(key))
            })
            .map(|order| order.id.as_str())
            .collect()
    }

    /// Nothing of this run is on its way any more, so that both books must agree.
    fn is_settled(&self) -> bool {
        let decided = self.orders.iter().all(OrderRow::is_settled);
        decided && !self.own_payments().any(LedgerItem::is_open)
    }

    /// The order that each payment paid for, whoever bought.
    pub(crate) fn orders_by_payment(&self) -> HashMap<&str, &OrderRow> {
        self.paid_orders
            .iter()
            .filter_map(|order| Some((order.payment_id.as_deref()?, order)))
            .collect()
    }

    /// All payments but those of people who buy on the same stack beside the run.
    pub(crate) fn own_payments(&self) -> impl Iterator<Item = &LedgerItem> {
        let known = self.orders_by_payment();
        let own: HashSet<&str> = self.orders.iter().map(|order| order.id.as_str()).collect();
        self.payments.iter().filter(move |item| {
            known
                .get(item.key.as_str())
                .is_none_or(|order| own.contains(order.id.as_str()))
        })
    }
}
