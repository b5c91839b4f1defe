//! Every setting of booking-api: a flag, an environment variable `ONSALE_…`, a default with its reason.

mod accounts;
mod database;
mod gateway;
mod limits;
mod payments;
mod shop;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use reqwest::Url;
use shared::args::{AdminArgs, RedisArgs, ServerArgs, ShutdownArgs, TelemetryArgs};

pub use self::accounts::{AccountsArgs, Switch};
pub use self::database::{DatabaseArgs, DatabaseUrl, PoolArgs, ReplicaArgs};
pub use self::gateway::{GatewayArgs, Mode};
pub use self::limits::LimitArgs;
pub use self::payments::PaymentArgs;
pub use self::shop::ShopArgs;

/// The shop: seats, orders and money, for buyers whom the waiting room has let in.
#[derive(Debug, Parser)]
#[command(name = "booking-api", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the booking API.
    Serve(Box<ServeArgs>),
    /// Bring the database to the schema of this version, and end. Safe to run again, and by several at once.
    Migrate(Box<MigrateArgs>),
}

/// Settings of `booking-api migrate`.
#[derive(Debug, Clone, Args)]
#[expect(
    missing_docs,
    reason = "the groups are documented where they are defined"
)]
pub struct MigrateArgs {
    #[command(flatten)]
    pub database: DatabaseArgs,

    /// Longest wait for a database that is still starting, in seconds.
    #[arg(long, env = "ONSALE_MIGRATE_WAIT_SECONDS", default_value_t = 60,
          value_parser = clap::value_parser!(u64).range(..=3_600))]
    pub migrate_wait_seconds: u64,

    #[command(flatten)]
    pub telemetry: TelemetryArgs,
}

/// Settings of `booking-api serve`.
#[derive(Debug, Clone, Args)]
#[expect(
    missing_docs,
    reason = "the groups are documented where they are defined"
)]
pub struct ServeArgs {
    /// Address of the public port.
    #[arg(long, env = "ONSALE_LISTEN", default_value = "127.0.0.1:8081")]
    pub listen: SocketAddr,

    /// Where buyers' browsers find the site: leads those without an admission to /rooms/<room> there, and
    /// decides by its scheme whether cookies carry the __Host- and __Secure- prefixes.
    #[arg(
        long,
        env = "ONSALE_WAITING_ROOM_URL",
        default_value = "http://localhost:8080"
    )]
    pub waiting_room_url: Url,

    /// Public keys (JWKS) of admission tokens, as the gatekeeper publishes them.
    #[arg(long, env = "ONSALE_ADMISSION_JWKS")]
    pub admission_jwks: PathBuf,

    #[command(flatten)]
    pub accounts: AccountsArgs,
    #[command(flatten)]
    pub database: DatabaseArgs,
    #[command(flatten)]
    pub pool: PoolArgs,
    #[command(flatten)]
    pub replica: ReplicaArgs,
    #[command(flatten)]
    pub gateway: GatewayArgs,
    #[command(flatten)]
    pub payments: PaymentArgs,
    #[command(flatten)]
    pub limits: LimitArgs,
    #[command(flatten)]
    pub shop: ShopArgs,
    #[command(flatten)]
    pub redis: RedisArgs,
    #[command(flatten)]
    pub server: ServerArgs,
    #[command(flatten)]
    pub admin: AdminArgs,
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
    #[command(flatten)]
    pub shutdown: ShutdownArgs,
}

impl ServeArgs {
    /// Mistakes that no single flag shows, all at once.
    pub fn mistakes(&self) -> Vec<String> {
        let mut mistakes = self.payments.mistakes();
        mistakes.extend(self.accounts.mistakes());
        if self.waiting_room_url.host().is_none() {
            mistakes.push("--waiting-room-url needs a host, as in https://shop.example".to_owned());
        }
        mistakes
    }
}
