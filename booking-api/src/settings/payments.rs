//! How long paying may take, and what happens to payments nobody hears of any more.

use std::time::Duration;

use clap::Args;

/// Payments.
#[derive(Debug, Clone, Args)]
pub struct PaymentArgs {
    /// Seconds after which a hold is never kept any more, whatever goes on: extensions, attempts, outages. Until then
    /// a hold that is being paid is nobody else's.
    #[arg(long, env = "ONSALE_HOLD_CAP_SECONDS", default_value_t = 900,
          value_parser = clap::value_parser!(u32).range(1..=900))]
    pub hold_cap_seconds: u32,

    /// Seconds that a hold lives at least after a declined payment: time for another card.
    #[arg(long, env = "ONSALE_HOLD_AFTER_DECLINE_SECONDS", default_value_t = 60,
          value_parser = clap::value_parser!(u32).range(1..=900))]
    pub hold_after_decline_seconds: u32,

    /// Attempts to pay for one hold; more would be testing of stolen cards.
    #[arg(long, env = "ONSALE_PAYMENT_ATTEMPTS", default_value_t = 3,
          value_parser = clap::value_parser!(i32).range(1..=10))]
    pub payment_attempts: i32,

    /// Milliseconds between two looks at payments and calls that are due. Work of this process is woken at once;
    /// this is for what a dead one left.
    #[arg(long, env = "ONSALE_OUTBOX_INTERVAL_MS", default_value_t = 500,
          value_parser = clap::value_parser!(u64).range(10..=60_000))]
    pub outbox_interval_ms: u64,

    /// Most calls of the outbox at once, captures mostly. Apart from buyers' payments, so that neither waits for the other.
    #[arg(long, env = "ONSALE_OUTBOX_CONCURRENCY", default_value_t = 16,
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub outbox_concurrency: u32,

    /// Milliseconds before a payment without an answer is looked after, and first pause of every back-off.
    #[arg(long, env = "ONSALE_RETRY_AFTER_MS", default_value_t = 1_000,
          value_parser = clap::value_parser!(u32).range(10..=60_000))]
    pub retry_after_ms: u32,

    /// Longest pause of a back-off, in milliseconds.
    #[arg(long, env = "ONSALE_RETRY_AFTER_MOST_MS", default_value_t = 60_000,
          value_parser = clap::value_parser!(u32).range(10..=3_600_000))]
    pub retry_after_most_ms: u32,

    /// How often a call without an answer is repeated before the payment is cancelled at the gateway by its key.
    #[arg(long, env = "ONSALE_PAYMENT_REPEATS", default_value_t = 3,
          value_parser = clap::value_parser!(i32).range(0..=100))]
    pub payment_repeats: i32,
}

impl PaymentArgs {
    pub(super) fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        if self.retry_after_ms > self.retry_after_most_ms {
            mistakes.push("--retry-after-ms is more than --retry-after-most-ms".to_owned());
        }
        mistakes
    }

    /// Between two looks at what is due.
    pub fn outbox_interval(&self) -> Duration {
        Duration::from_millis(self.outbox_interval_ms)
    }

    /// First pause of a back-off.
    pub fn retry_after(&self) -> Duration {
        Duration::from_millis(u64::from(self.retry_after_ms))
    }

    /// Pause before the next try after `failures` of them: doubled each time, up to the longest.
    pub fn back_off(&self, failures: u32) -> Duration {
        let doubled = self
            .retry_after()
            .saturating_mul(2_u32.saturating_pow(failures.min(16)));
        doubled.min(Duration::from_millis(u64::from(self.retry_after_most_ms)))
    }
}
