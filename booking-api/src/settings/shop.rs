//! What the line is told of the shop.

use std::time::Duration;

use clap::Args;

/// Beats to the rooms that lead here.
#[derive(Debug, Clone, Args)]
pub struct ShopArgs {
    /// Milliseconds between two beats, by which a line knows that the shop is well and what is left; 0 tells it nothing, and
    /// people are let in whether or not they can be served. Lines wait for a shop that is silent for five seconds.
    #[arg(long, env = "ONSALE_SHOP_BEAT_MS", default_value_t = 500,
          value_parser = clap::value_parser!(u64).range(..=1_000))]
    pub shop_beat_ms: u64,
}

impl ShopArgs {
    /// Between two beats; `None` when there are none.
    pub fn beat_interval(&self) -> Option<Duration> {
        (self.shop_beat_ms > 0).then(|| Duration::from_millis(self.shop_beat_ms))
    }
}
