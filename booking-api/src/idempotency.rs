//! Idempotency keys: a repeated request is the same request. Keyed by buyer, route and key, kept for a day.
//!
//! The steps write and read the rows themselves, in the transaction of what they do; here is what happens before and after.

mod key;
mod store;
mod sweep;

pub(crate) use self::key::{IdempotencyKey, Remembered};
pub(crate) use self::store::{Earlier, answered};
pub(crate) use self::sweep::sweep;

/// Raised by a step when a key came in for two requests at the same moment.
pub(crate) const KEY_IN_USE: &str = "ON422";
