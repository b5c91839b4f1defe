//! What one process takes on at once. Beyond it requests are turned away at once, rather than all made slow.

use std::time::Duration;

use clap::Args;

/// Limits of requests and of seats' locks.
#[derive(Debug, Clone, Args)]
pub struct LimitArgs {
    /// Requests in work at once; further ones get 503.
    #[arg(long, env = "ONSALE_REQUESTS_IN_FLIGHT", default_value_t = 2_000,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub requests_in_flight: u32,

    /// Longest body of a request, in bytes. The longest honest one names a hundred seats.
    #[arg(long, env = "ONSALE_BODY_BYTES", default_value_t = 64 * 1024,
          value_parser = clap::value_parser!(u32).range(1_024..=1_048_576))]
    pub body_bytes: u32,

    /// Longest layout to import, in bytes: 100,000 seats take about 8 MB.
    #[arg(long, env = "ONSALE_LAYOUT_BYTES", default_value_t = 16 * 1024 * 1024,
          value_parser = clap::value_parser!(u32).range(1_024..=268_435_456))]
    pub layout_bytes: u32,

    /// Milliseconds for which the seats shown may be reused; an expiry or a change by this process shows at once.
    /// Each look costs PostgreSQL a few milliseconds for 50,000 seats.
    #[arg(long, env = "ONSALE_SEATS_FRESH_MS", default_value_t = 200,
          value_parser = clap::value_parser!(u64).range(..=60_000))]
    pub seats_fresh_ms: u64,

    /// Milliseconds for which a seat just taken is refused from Redis alone. It never outlives its hold.
    #[arg(long, env = "ONSALE_TAKEN_MARK_MS", default_value_t = 5_000,
          value_parser = clap::value_parser!(u64).range(..=60_000))]
    pub taken_mark_ms: u64,

    /// Holds at PostgreSQL at once while Redis, which thins the crowd, is away. Others get 503.
    #[arg(long, env = "ONSALE_HOLDS_WITHOUT_REDIS", default_value_t = 16,
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub holds_without_redis: u32,
}

impl LimitArgs {
    /// How long the seats shown may be reused.
    pub fn seats_fresh(&self) -> Duration {
        Duration::from_millis(self.seats_fresh_ms)
    }

    /// How long a seat just taken is refused from Redis alone.
    pub fn taken_mark(&self) -> Duration {
        Duration::from_millis(self.taken_mark_ms)
    }
}
