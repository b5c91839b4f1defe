//! The host's clock, in one place, so that every use of it can be found.
//!
//! Decisions about the line are taken by the clock of Redis, decisions about seats by the clock of
//! PostgreSQL; this one is for tokens, logs and waiting.

use jiff::Timestamp;

/// The present instant by the host's clock.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The present instant in whole seconds since 1970, as JSON web tokens count it.
pub fn now_seconds() -> i64 {
    now().as_second()
}

/// An instant that Redis reported in milliseconds since 1970. What no calendar can hold becomes the
/// latest instant there is: it can only come from a setting, and then means "never".
pub fn from_millis(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}
