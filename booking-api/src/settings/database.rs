//! Where PostgreSQL is, and how much of it one process may use.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use sqlx::postgres::PgConnectOptions;

/// The address of a database. It may hold a password, which is never shown.
#[derive(Clone)]
pub struct DatabaseUrl(PgConnectOptions);

impl DatabaseUrl {
    /// What sqlx connects with.
    pub fn options(&self) -> PgConnectOptions {
        self.0.clone()
    }
}

impl FromStr for DatabaseUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The parser's own words could quote the password.
        text.parse().map(Self).or(Err(
            "an address is postgres://user:password@host:port/database",
        ))
    }
}

impl From<PgConnectOptions> for DatabaseUrl {
    fn from(options: PgConnectOptions) -> Self {
        Self(options)
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (host, port) = (self.0.get_host(), self.0.get_port());
        write!(
            formatter,
            "{host}:{port}/{}",
            self.0.get_database().unwrap_or_default()
        )
    }
}

/// The primary: everything that is written, and every decision.
#[derive(Debug, Clone, Args)]
pub struct DatabaseArgs {
    /// Address of the primary: postgres://user:password@host:port/database.
    #[arg(long, env = "ONSALE_DATABASE_URL", hide_env_values = true)]
    pub database_url: DatabaseUrl,
}

/// The replica: lists and statistics, never a decision.
#[derive(Debug, Clone, Args)]
pub struct ReplicaArgs {
    /// Address of a streaming replica of the same database. What is no replica is refused at start.
    #[arg(long, env = "ONSALE_REPLICA_URL", hide_env_values = true)]
    pub replica_url: DatabaseUrl,

    /// Connections to the replica. Lists are cached, so a few are enough.
    #[arg(long, env = "ONSALE_REPLICA_CONNECTIONS", default_value_t = 5,
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub replica_connections: u32,
}

/// How much of the primary one process may use.
#[derive(Debug, Clone, Args)]
pub struct PoolArgs {
    /// Connections to the primary. Steps are short, so few connections do much; all instances
    /// together stay below max_connections.
    #[arg(long, env = "ONSALE_DATABASE_CONNECTIONS", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub database_connections: u32,

    /// Most requests that wait for a connection; further ones get 503 at once.
    #[arg(long, env = "ONSALE_DATABASE_QUEUE", default_value_t = 500,
          value_parser = clap::value_parser!(u32).range(..=100_000))]
    pub database_queue: u32,

    /// Longest wait for a connection, in milliseconds; then 503. Half of the two seconds a booking may take.
    #[arg(long, env = "ONSALE_DATABASE_WAIT_MS", default_value_t = 1_000,
          value_parser = clap::value_parser!(u64).range(10..=60_000))]
    pub database_wait_ms: u64,

    /// Longest wait for a row lock, in milliseconds. Racers for one seat wait for a commit, which takes a few.
    #[arg(long, env = "ONSALE_LOCK_TIMEOUT_MS", default_value_t = 1_000,
          value_parser = clap::value_parser!(u64).range(10..=60_000))]
    pub lock_timeout_ms: u64,

    /// Longest run of one statement, in milliseconds.
    #[arg(long, env = "ONSALE_STATEMENT_TIMEOUT_MS", default_value_t = 5_000,
          value_parser = clap::value_parser!(u64).range(10..=600_000))]
    pub statement_timeout_ms: u64,

    /// After this time without a statement, in milliseconds, PostgreSQL ends an open transaction
    /// and frees its locks: for a process that was stopped half-way.
    #[arg(long, env = "ONSALE_IDLE_IN_TRANSACTION_TIMEOUT_MS", default_value_t = 5_000,
          value_parser = clap::value_parser!(u64).range(10..=600_000))]
    pub idle_in_transaction_timeout_ms: u64,
}

impl PoolArgs {
    /// Longest wait for a connection.
    pub fn wait(&self) -> Duration {
        Duration::from_millis(self.database_wait_ms)
    }

    /// The settings that every connection of ours starts with.
    pub fn session_settings(&self) -> [(&'static str, String); 4] {
        [
            ("lock_timeout", format!("{}ms", self.lock_timeout_ms)),
            (
                "statement_timeout",
                format!("{}ms", self.statement_timeout_ms),
            ),
            (
                "idle_in_transaction_session_timeout",
                format!("{}ms", self.idle_in_transaction_timeout_ms),
            ),
            // The default of PostgreSQL, said aloud: the steps rely on it.
            ("default_transaction_isolation", "read committed".to_owned()),
        ]
    }
}
