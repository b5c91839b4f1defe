//! Money: whole minor units of one currency. No fractions, no rounding, no conversion.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An amount of one currency, in its minor unit (110000 KRW are 110,000 won; 1250 EUR are 12.50 euros).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Money {
    /// Minor units.
    pub(crate) amount: i64,
    /// ISO 4217.
    pub(crate) currency: String,
}

impl Money {
    /// So much of a currency.
    pub(crate) fn new(amount: i64, currency: impl Into<String>) -> Self {
        Self {
            amount,
            currency: currency.into(),
        }
    }
}
