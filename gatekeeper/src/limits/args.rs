//! The limits as flags and variables. 0 switches one off.

use clap::Args;

/// How much a client may ask, and the whole process at once.
#[derive(Debug, Clone, Args)]
pub struct LimitArgs {
    /// How many proxies in front of this service are yours: the client is the last but N - 1 of X-Forwarded-For. With 0 that header is ignored; with more, nobody else may reach this port.
    #[arg(long, env = "ONSALE_TRUSTED_PROXIES", default_value_t = 0,
          value_parser = clap::value_parser!(u8).range(..=16))]
    pub trusted_proxies: u8,

    /// Requests per second of one client address (an IPv6 network of /64), twice as many at once. High, because a whole carrier's customers may share one; 0 switches it off.
    #[arg(long, env = "ONSALE_ADDRESS_REQUESTS_PER_SECOND", default_value_t = 2_000,
          value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub address_requests_per_second: u32,

    /// Joins per second of one client address (an IPv6 network of /48) by visitors who show no token, twice as many at once, in rooms that are anonymous: there nothing else keeps one machine from taking thousands of places. Behind proxies it needs --trusted-proxies; 0 switches it off.
    #[arg(long, env = "ONSALE_ADDRESS_ANONYMOUS_JOINS_PER_SECOND", default_value_t = 200,
          value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub address_anonymous_joins_per_second: u32,

    /// Joins of one user at once; one comes back every 3 seconds. A visit needs one; 0 switches it off.
    #[arg(long, env = "ONSALE_USER_JOINS_AT_ONCE", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub user_joins_at_once: u32,

    /// Other calls of one user at once, polls excepted; 0 switches the limit off.
    #[arg(long, env = "ONSALE_USER_CALLS_AT_ONCE", default_value_t = 60,
          value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub user_calls_at_once: u32,

    /// Other calls of one user per second in the long run, polls excepted; 0 switches the limit off.
    #[arg(long, env = "ONSALE_USER_CALLS_PER_SECOND", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub user_calls_per_second: u32,

    /// Requests worked on at once, which in practice wait for Redis; further ones get 503. More could not be answered within Redis' deadline; 0 switches it off.
    #[arg(long, env = "ONSALE_MAX_REQUESTS_IN_FLIGHT", default_value_t = 8_000,
          value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub max_requests_in_flight: u32,
}
