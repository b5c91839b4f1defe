//! One payment and its sums.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::entry::{Mode, PaymentOrder, Verdict};

/// Where a payment stands, as the shop is told.
#[derive(Clone, Copy, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(in crate::gateway) enum State {
    Authorized,
    Captured,
    Declined,
    Voided,
}

impl State {
    pub(in crate::gateway) fn name(self) -> &'static str {
        match self {
            Self::Authorized => "AUTHORIZED",
            Self::Captured => "CAPTURED",
            Self::Declined => "DECLINED",
            Self::Voided => "VOIDED",
        }
    }
}

/// What was done under a key of its own. Doing it again under the same key does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    Capture { amount: i64 },
    RefusedCapture,
    Void,
    Refund { amount: i64 },
}

/// A payment, and what has become of its money. All amounts in minor units.
#[derive(Clone, Debug)]
pub(in crate::gateway) struct Payment {
    pub(super) reference: String,
    pub(super) key: String,
    pub(super) order: PaymentOrder,
    pub(super) state: State,
    pub(super) reason: Option<String>,
    pub(super) authorized: i64,
    pub(super) captured: i64,
    pub(super) refunded: i64,
    pub(super) voided: i64,
    pub(super) done: HashMap<String, Done>,
    at: Timestamp,
}

impl Payment {
    pub(super) fn open(
        reference: String,
        key: String,
        order: PaymentOrder,
        verdict: Verdict,
        reason: Option<String>,
        at: Timestamp,
    ) -> Self {
        let (state, authorized, captured) = match (verdict, order.mode) {
            (Verdict::Approved, Mode::Authorize) => (State::Authorized, order.amount, 0),
            (Verdict::Approved, Mode::Charge) => (State::Captured, order.amount, order.amount),
            (Verdict::Declined, _) => (State::Declined, 0, 0),
            (Verdict::CancelledBefore, _) => (State::Voided, 0, 0),
        };
        let done = HashMap::new();
        let (refunded, voided) = (0, 0);
        Self {
            reference,
            key,
            order,
            state,
            reason,
            authorized,
            captured,
            refunded,
            voided,
            done,
            at,
        }
    }

    pub(super) fn capture(&mut self, key: String, amount: i64) {
        self.captured = amount;
        self.voided = self.authorized - amount;
        self.state = State::Captured;
        self.done.insert(key, Done::Capture { amount });
    }

    pub(super) fn refuse_capture(&mut self, key: String) {
        self.release();
        self.reason = Some("capture_refused".to_owned());
        self.done.insert(key, Done::RefusedCapture);
    }

    pub(super) fn void(&mut self, key: String) {
        self.release();
        self.done.insert(key, Done::Void);
    }

    pub(super) fn refund(&mut self, key: String, amount: i64) {
        self.refunded += amount;
        self.done.insert(key, Done::Refund { amount });
    }

    /// Nothing shall be left of it: what was set aside is released, what was taken is given back.
    pub(super) fn cancel(&mut self) {
        if self.state != State::Declined {
            self.release();
            self.refunded = self.captured;
        }
    }

    fn release(&mut self) {
        self.voided = self.authorized - self.captured;
        self.state = State::Voided;
    }

    /// What can still be given back.
    pub(super) fn refundable(&self) -> i64 {
        self.captured - self.refunded
    }

    /// The card it was paid with.
    pub(in crate::gateway) fn card_token(&self) -> &str {
        &self.order.method.token
    }

    /// Whether the bank refused to let the money go.
    pub(in crate::gateway) fn capture_was_refused(&self) -> bool {
        self.done.values().any(|done| *done == Done::RefusedCapture)
    }

    /// The document that the shop gets.
    pub(in crate::gateway) fn document(&self) -> Value {
        let mut document = json!({
            "payment": self.reference,
            "key": self.key,
            "state": self.state,
            "amount": self.order.amount,
            "currency": self.order.currency,
            "captured": self.captured,
            "refunded": self.refunded,
        });
        if let Some(reason) = &self.reason {
            document["reason"] = json!(reason);
        }
        document
    }

    /// The line that auditors get.
    pub(in crate::gateway) fn ledger_item(&self) -> Value {
        json!({
            "payment": self.reference,
            "key": self.key,
            "authorized": self.authorized,
            "captured": self.captured,
            "refunded": self.refunded,
            "voided": self.voided,
            "currency": self.order.currency,
            "at": self.at,
        })
    }
}
