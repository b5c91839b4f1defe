//! Where the payment gateway is, and how it is kept from taking the shop down with it.

use std::time::Duration;

use clap::{Args, ValueEnum};
use reqwest::Url;

/// How money is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Authorize first, capture once the seats are the buyer's.
    Authorize,
    /// Charge at once; what would be a void is a refund.
    Charge,
}

/// The payment gateway.
#[derive(Debug, Clone, Args)]
pub struct GatewayArgs {
    /// Address of the payment gateway.
    #[arg(
        long,
        env = "ONSALE_GATEWAY_URL",
        default_value = "http://127.0.0.1:8090"
    )]
    pub gateway_url: Url,

    /// Its name in our books; references of different gateways may be equal.
    #[arg(long, env = "ONSALE_GATEWAY_NAME", default_value = "simulated")]
    pub gateway_name: String,

    /// How money is taken.
    #[arg(long, env = "ONSALE_GATEWAY_MODE", default_value = "authorize")]
    pub gateway_mode: Mode,

    /// Longest wait for one answer, in milliseconds. Longer and the buyer is told to ask again; the
    /// payment is resolved all the same.
    #[arg(long, env = "ONSALE_GATEWAY_TIMEOUT_MS", default_value_t = 5_000,
          value_parser = clap::value_parser!(u64).range(10..=60_000))]
    pub gateway_timeout_ms: u64,

    /// Payments at the gateway at once; further ones get 503. At 200 ms each, 128 are 640 payments a second.
    #[arg(long, env = "ONSALE_GATEWAY_CONCURRENCY", default_value_t = 128,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub gateway_concurrency: u32,

    /// Percentage of failed calls within the window at which the circuit opens.
    #[arg(long, env = "ONSALE_CIRCUIT_FAILURES_PERCENT", default_value_t = 50,
          value_parser = clap::value_parser!(u8).range(1..=100))]
    pub circuit_failures_percent: u8,

    /// Calls within the window below which the circuit never opens: two failures are no outage.
    #[arg(long, env = "ONSALE_CIRCUIT_CALLS_LEAST", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub circuit_calls_least: u32,

    /// Length of the window, in milliseconds.
    #[arg(long, env = "ONSALE_CIRCUIT_WINDOW_MS", default_value_t = 10_000,
          value_parser = clap::value_parser!(u64).range(100..=600_000))]
    pub circuit_window_ms: u64,

    /// How long the circuit stays open before one call may try again, in milliseconds.
    #[arg(long, env = "ONSALE_CIRCUIT_OPEN_MS", default_value_t = 5_000,
          value_parser = clap::value_parser!(u64).range(10..=600_000))]
    pub circuit_open_ms: u64,
}

impl GatewayArgs {
    /// Longest wait for one answer.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.gateway_timeout_ms)
    }

    /// How long the circuit stays open.
    pub fn circuit_open(&self) -> Duration {
        Duration::from_millis(self.circuit_open_ms)
    }
}
