//! Settings that several services share. Each is a flag and an environment variable `ONSALE_…`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::redis_handle::{Redis, RedisUrl};
use crate::shutdown::Shutdown;
use crate::tokens::ISSUER;
use crate::tokens::jwks::{JwksError, JwksFile};
use crate::tokens::user::UserVerifier;

/// Where Redis is.
#[derive(Debug, Clone, Args)]
pub struct RedisArgs {
    /// Address of Redis: redis://host:port/db, redis+sentinel://host:port,host:port/master or redis+cluster://host:port,host:port.
    #[arg(
        long,
        env = "ONSALE_REDIS_URL",
        global = true,
        hide_env_values = true,
        default_value = "redis://127.0.0.1:6379"
    )]
    pub redis_url: RedisUrl,

    /// Longest wait for an answer of Redis, in milliseconds. Visitors wait behind it, so it stays well below a second.
    #[arg(long, env = "ONSALE_REDIS_DEADLINE_MS", global = true, default_value_t = 300,
          value_parser = clap::value_parser!(u64).range(10..=10_000))]
    pub redis_deadline_ms: u64,
}

impl RedisArgs {
    /// A handle that connects in the background.
    pub fn connect(&self, shutdown: &Shutdown) -> Redis {
        Redis::connect(
            &self.redis_url,
            Duration::from_millis(self.redis_deadline_ms),
            shutdown,
        )
    }
}

/// Whose user tokens are believed.
#[derive(Debug, Clone, Args)]
pub struct UserTokenArgs {
    /// File with the public keys of user tokens, as a JSON Web Key Set.
    #[arg(long, env = "ONSALE_USER_JWKS")]
    pub user_jwks: PathBuf,

    /// Who signs user tokens (their `iss`).
    #[arg(long, env = "ONSALE_USER_ISSUER", default_value = ISSUER)]
    pub user_issuer: String,

    /// For whom an outside issuer signs user tokens (their `aud`), as it knows this site. Unset, a token that names
    /// an audience is refused: it is meant for somebody else. Set, every token must name this one.
    #[arg(long, env = "ONSALE_USER_AUDIENCE")]
    pub user_audience: Option<String>,
}

impl UserTokenArgs {
    /// What checks user tokens, with keys that are read anew when their file changes.
    pub fn verifier(&self, shutdown: &Shutdown) -> Result<UserVerifier, JwksError> {
        let keys = JwksFile::open(&self.user_jwks)?;
        keys.keep_fresh(shutdown);
        let verifier = UserVerifier::new(keys, &self.user_issuer);
        Ok(match &self.user_audience {
            Some(audience) => verifier.for_audience(audience),
            None => verifier,
        })
    }
}

/// Logs.
#[derive(Debug, Clone, Args)]
pub struct TelemetryArgs {
    /// What is logged, as tracing's filter: a level, or module=level, separated by commas.
    #[arg(long, env = "ONSALE_LOG_FILTER", default_value = "info")]
    pub log_filter: String,
}

/// The port for health checks and metrics, which is not for the public. Its default differs by service.
#[derive(Debug, Clone, Args)]
pub struct AdminArgs {
    /// Address of /livez, /readyz and /metrics.
    #[arg(long, env = "ONSALE_ADMIN_LISTEN")]
    pub admin_listen: Option<SocketAddr>,
}

impl AdminArgs {
    /// The address set, or loopback on the service's default port.
    pub fn address(&self, default_port: u16) -> SocketAddr {
        self.admin_listen
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], default_port)))
    }
}

/// How the process stops.
#[derive(Debug, Clone, Args)]
pub struct ShutdownArgs {
    /// Milliseconds between "not ready" and the end of accepting, for load balancers to notice.
    #[arg(long, env = "ONSALE_DRAIN_DELAY_MS", default_value_t = 5_000,
          value_parser = clap::value_parser!(u64).range(..=600_000))]
    pub drain_delay_ms: u64,

    /// Milliseconds after which unfinished work is given up. Kubernetes kills after 30 s, the delay included.
    #[arg(long, env = "ONSALE_SHUTDOWN_DEADLINE_MS", default_value_t = 20_000,
          value_parser = clap::value_parser!(u64).range(..=600_000))]
    pub shutdown_deadline_ms: u64,
}

impl ShutdownArgs {
    /// Wires signals to `shutdown`; until the first one, `ready` is met.
    pub fn stop_on_signals(&self, shutdown: &Shutdown, ready: crate::readiness::Latch) {
        let millis = Duration::from_millis;
        shutdown.stop_on_signals(
            ready,
            millis(self.drain_delay_ms),
            millis(self.shutdown_deadline_ms),
        );
    }
}

/// Limits of a public port.
#[derive(Debug, Clone, Args)]
pub struct ServerArgs {
    /// Most connections at once; further ones get 503 and are closed. Each costs a descriptor and about 20 kB.
    #[arg(long, env = "ONSALE_MAX_CONNECTIONS", default_value_t = 18_000,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub max_connections: u64,

    /// Seconds for a request's head, and between two requests. Above the idle limit of the load balancer (often 75 s).
    #[arg(long, env = "ONSALE_HEADER_TIMEOUT_SECONDS", default_value_t = 90,
          value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub header_timeout_seconds: u64,
}
