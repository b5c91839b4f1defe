//! The books in memory: decides what may happen to a payment, and applies what has happened.
//!
//! Pure: no clock, no dice, no file. Every change is an [`Entry`], decided first and applied after, so
//! that a replay of the file goes exactly the same way.

mod decide;
mod payment;

use std::collections::{HashMap, HashSet};

pub(super) use self::payment::{Payment, State};
use super::entry::Entry;

/// All payments.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// In order of arrival, which is the order of the ledger's pages.
    payments: Vec<Payment>,
    by_reference: HashMap<String, usize>,
    by_key: HashMap<String, usize>,
    /// Keys cancelled by the shop, whether or not their payment has arrived.
    cancelled: HashSet<String>,
}

/// What the rules of the books say to a call.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("there is no such payment")]
    Unknown,
    #[error("this key was used before with another request")]
    Mismatch,
    #[error("the payment is {} and that forbids it", .0.name())]
    State(State),
    #[error("the amount exceeds what is left: {left}")]
    Amount { left: i64 },
    #[error("the bank refused the capture for good")]
    CaptureRefused,
}

impl Book {
    /// Applies what has happened, now or in an earlier life.
    pub(super) fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Opened {
                payment,
                key,
                order,
                verdict,
                reason,
                at,
            } => {
                let index = self.payments.len();
                self.by_reference.insert(payment.clone(), index);
                self.by_key.insert(key.clone(), index);
                self.payments
                    .push(Payment::open(payment, key, order, verdict, reason, at));
            }
            Entry::Captured {
                payment,
                key,
                amount,
                ..
            } => {
                self.change(&payment, |payment| payment.capture(key, amount));
            }
            Entry::CaptureRefused { payment, key, .. } => {
                self.change(&payment, |payment| payment.refuse_capture(key));
            }
            Entry::Voided { payment, key, .. } => {
                self.change(&payment, |payment| payment.void(key));
            }
            Entry::Refunded {
                payment,
                key,
                amount,
                ..
            } => {
                self.change(&payment, |payment| payment.refund(key, amount));
            }
            Entry::Cancelled { key, .. } => {
                if let Some(index) = self.by_key.get(&key) {
                    self.payments[*index].cancel();
                }
                self.cancelled.insert(key);
            }
        }
    }

    /// A payment by the gateway's reference.
    pub(super) fn payment(&self, reference: &str) -> Option<&Payment> {
        self.by_reference
            .get(reference)
            .map(|index| &self.payments[*index])
    }

    /// A payment by the shop's key.
    pub(super) fn payment_of_key(&self, key: &str) -> Option<&Payment> {
        self.by_key.get(key).map(|index| &self.payments[*index])
    }

    /// Payments in order of arrival, from a position on.
    pub(super) fn page(&self, from: usize, limit: usize) -> &[Payment] {
        let from = from.min(self.payments.len());
        let behind = from.saturating_add(limit).min(self.payments.len());
        &self.payments[from..behind]
    }

    /// How many payments there are.
    pub(super) fn len(&self) -> usize {
        self.payments.len()
    }

    fn change(&mut self, reference: &str, change: impl FnOnce(&mut Payment)) {
        // A file with an entry for a payment that it never opened is not ours to repair.
        if let Some(index) = self.by_reference.get(reference) {
            change(&mut self.payments[*index]);
        }
    }
}
