//! What the books are made of: one entry for each thing that ever happened, in order. The state of a
//! payment is the sum of its entries, so replaying the file gives the same books.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How money is taken.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    /// Set aside now, taken by a capture later.
    Authorize,
    /// Taken at once.
    Charge,
}

/// What is paid with.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct Method {
    /// `card`
    pub(super) kind: String,
    /// The card, as the shop got it from the buyer's browser. Says how this payment will go.
    pub(super) token: String,
}

/// What the shop asks for. The same key with another order is a mistake of the shop.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct PaymentOrder {
    /// In minor units of the currency.
    pub(super) amount: i64,
    /// ISO 4217.
    pub(super) currency: String,
    pub(super) mode: Mode,
    pub(super) method: Method,
    /// What the shop calls it on the buyer's statement.
    pub(super) reference: String,
}

/// How a payment began.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// The bank says yes.
    Approved,
    /// The bank says no.
    Declined,
    /// The shop had cancelled this key before it arrived.
    CancelledBefore,
}

/// One line of the books.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub(super) enum Entry {
    /// A payment arrived.
    Opened {
        payment: String,
        key: String,
        order: PaymentOrder,
        verdict: Verdict,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        at: Timestamp,
    },
    /// Money was taken; what was set aside beyond it is free again.
    Captured {
        payment: String,
        key: String,
        amount: i64,
        at: Timestamp,
    },
    /// The bank refused the capture for good; what was set aside is free again.
    CaptureRefused {
        payment: String,
        key: String,
        at: Timestamp,
    },
    /// What was set aside is free again.
    Voided {
        payment: String,
        key: String,
        at: Timestamp,
    },
    /// Money was given back.
    Refunded {
        payment: String,
        key: String,
        amount: i64,
        at: Timestamp,
    },
    /// The shop wants nothing to happen under this key any more.
    Cancelled { key: String, at: Timestamp },
}
