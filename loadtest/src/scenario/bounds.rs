//! Numbers of a scenario file that know their limits, so that the TOML reader itself can point at the
//! line of one that is out of range.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use serde::de::{Deserialize, Deserializer, Error};

/// A whole number between two limits, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Whole<const LEAST: u32, const MOST: u32>(u32);

/// A share between 0 and 1, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share(f64);

/// A span of milliseconds `[shortest, longest]`, of which a visitor draws one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpanMs<const MOST: u32> {
    shortest: u32,
    longest: u32,
}

impl<const LEAST: u32, const MOST: u32> Whole<LEAST, MOST> {
    pub(crate) fn get(self) -> u32 {
        self.0
    }

    /// For a value that the compiler sees: a default.
    pub(crate) const fn of(value: u32) -> Self {
        assert!(
            LEAST <= value && value <= MOST,
            "a default within its own limits"
        );
        Self(value)
    }

    pub(crate) fn seconds(self) -> Duration {
        Duration::from_secs(u64::from(self.0))
    }
}

impl Share {
    pub(crate) const fn of(value: f64) -> Self {
        assert!(
            0.0 <= value && value <= 1.0,
            "a default within its own limits"
        );
        Self(value)
    }

    /// This share of a number of things, rounded down.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count is between 0 and that count"
    )]
    pub(crate) fn of_count(self, count: u32) -> usize {
        (f64::from(count) * self.0) as usize
    }

    /// Draws: true for this share of the draws.
    pub(crate) fn draw(self, rng: &mut StdRng) -> bool {
        rng.random_bool(self.0)
    }
}

impl<const MOST: u32> SpanMs<MOST> {
    pub(crate) const fn of(shortest: u32, longest: u32) -> Self {
        assert!(
            shortest <= longest && longest <= MOST,
            "a default within its own limits"
        );
        Self { shortest, longest }
    }

    /// Draws a length of time, every millisecond of the span as likely.
    pub(crate) fn draw(self, rng: &mut StdRng) -> Duration {
        Duration::from_millis(u64::from(rng.random_range(self.shortest..=self.longest)))
    }
}

impl<'de, const LEAST: u32, const MOST: u32> Deserialize<'de> for Whole<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = i64::deserialize(deserializer)?;
        u32::try_from(given)
            .ok()
            .filter(|value| (LEAST..=MOST).contains(value))
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("must be {LEAST} to {MOST}, not {given}")))
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = f64::deserialize(deserializer)?;
        if (0.0..=1.0).contains(&given) {
            return Ok(Self(given));
        }
        Err(D::Error::custom(format!(
            "must be a share from 0.0 to 1.0, not {given}"
        )))
    }
}

impl<'de, const MOST: u32> Deserialize<'de> for SpanMs<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [shortest, longest] = <[u32; 2]>::deserialize(deserializer)?;
        if shortest <= longest && longest <= MOST {
            return Ok(Self { shortest, longest });
        }
        Err(D::Error::custom(format!(
            "must be [shortest, longest] in milliseconds, up to {MOST}, not [{shortest}, {longest}]"
        )))
    }
}
