//! Settings of the gatekeeper.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use shared::args::{AdminArgs, RedisArgs, ServerArgs, ShutdownArgs, TelemetryArgs, UserTokenArgs};

use crate::early_polls::EarlyPollRule;
use crate::limits::LimitArgs;
use crate::streams;

/// The admin port unless it is set.
pub const DEFAULT_ADMIN_PORT: u16 = 9080;

/// The door of Onsale's waiting rooms: gives out numbers and answers polls from memory.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Config {
    /// Address of the public port.
    #[arg(long, env = "ONSALE_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Where browsers reach this service; an https address makes cookies secure ones.
    #[arg(
        long,
        env = "ONSALE_PUBLIC_URL",
        default_value = "http://localhost:8080"
    )]
    pub public_url: String,

    /// Where an admitted visitor goes; `{room}` in it stands for the room's name.
    #[arg(
        long,
        env = "ONSALE_BOOKING_URL",
        default_value = "http://localhost:8081/"
    )]
    pub booking_url: String,

    /// Folder with the secrets of waiting tokens: <kid>.key (base64 of 32 or more random bytes), and `current` naming the one that signs.
    #[arg(long, env = "ONSALE_WAITING_KEYS")]
    pub waiting_keys: PathBuf,

    /// Folder with the private keys of admission tokens: <kid>.pem (Ed25519, PKCS#8), and `current` naming the one that signs.
    #[arg(long, env = "ONSALE_ADMISSION_KEYS")]
    pub admission_keys: PathBuf,

    /// Whose user tokens are believed.
    #[command(flatten)]
    pub user_tokens: UserTokenArgs,

    /// Milliseconds between two readings of each room. Positions are at most this old, and a tick of the admitter.
    #[arg(long, env = "ONSALE_SNAPSHOT_INTERVAL_MS", default_value_t = 100,
          value_parser = clap::value_parser!(u64).range(10..=250))]
    pub snapshot_interval_ms: u64,

    /// How many verified waiting tokens are remembered; each takes about 300 bytes, and a forgotten one costs a verification.
    #[arg(long, env = "ONSALE_REMEMBERED_TOKENS", default_value_t = 200_000)]
    pub remembered_tokens: u64,

    /// How much clients may ask.
    #[command(flatten)]
    pub limits: LimitArgs,

    /// Most streams (`…/visitors/me/events`) at once; further ones get 503, and their visitors poll.
    #[arg(long, env = "ONSALE_MAX_STREAMS", default_value_t = 12_000,
          value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub max_streams: u32,

    /// Most streams of one visitor in one room: a few tabs.
    #[arg(long, env = "ONSALE_MAX_STREAMS_PER_VISITOR", default_value_t = 4,
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub max_streams_per_visitor: u32,

    /// Milliseconds after which a stream at the latest gives a sign of life. Well below the idle limit of anything between.
    #[arg(long, env = "ONSALE_STREAM_HEARTBEAT_MS", default_value_t = 15_000,
          value_parser = clap::value_parser!(u64).range(1_000..=60_000))]
    pub stream_heartbeat_ms: u64,

    /// Polls a second that this gatekeeper wants to answer; poll intervals grow so that it is asked for no more. The
    /// default is about half of what two cores answer: joins, claims and a neighbour's failure need the rest.
    #[arg(long, env = "ONSALE_POLL_BUDGET", default_value_t = 20_000,
          value_parser = clap::value_parser!(u32).range(100..=10_000_000))]
    pub poll_budget: u32,

    /// What is done about visitors who poll far more often than they are told: 429, or nothing.
    #[arg(long, env = "ONSALE_EARLY_POLLS", value_enum, default_value = "refuse")]
    pub early_polls: EarlyPollRule,

    /// Where Redis is.
    #[command(flatten)]
    pub redis: RedisArgs,

    /// Limits of the public port.
    #[command(flatten)]
    pub server: ServerArgs,

    /// The admin port (9080 on loopback unless set).
    #[command(flatten)]
    pub admin: AdminArgs,

    /// The address at which other gatekeepers reach the admin port of this one, where that is not the one on which it listens.
    #[arg(long, env = "ONSALE_ADVERTISE_IP")]
    pub advertise_ip: Option<IpAddr>,

    /// Logs.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,

    /// How the process stops.
    #[command(flatten)]
    pub shutdown: ShutdownArgs,
}

impl Config {
    /// Time between two readings of each room.
    pub fn snapshot_interval(&self) -> Duration {
        Duration::from_millis(self.snapshot_interval_ms)
    }

    /// What streams may use.
    pub fn stream_limits(&self) -> streams::Limits {
        let count = |flag: u32| usize::try_from(flag).unwrap_or(usize::MAX);
        streams::Limits {
            most: count(self.max_streams),
            most_per_visitor: count(self.max_streams_per_visitor),
            heartbeat: Duration::from_millis(self.stream_heartbeat_ms),
        }
    }

    /// Where other gatekeepers reach the admin port.
    pub fn advertised(&self) -> SocketAddr {
        let mut address = self.admin.address(DEFAULT_ADMIN_PORT);
        if let Some(ip) = self.advertise_ip {
            address.set_ip(ip);
        }
        address
    }

    /// Whether browsers reach this service by https, so that cookies carry the prefixes that only https may set.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}
