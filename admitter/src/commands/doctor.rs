//! `admitter doctor`: checks what the line stands on, and says what to change.
//!
//! Each file below reads one part of it and judges what it has read. Judging is pure, so that tests need no broken machine.

mod finding;
mod keys;
mod machine;
mod rooms;
mod servers;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use shared::args::RedisArgs;
use shared::shutdown::Shutdown;
use tokio::time::Instant;

pub use self::finding::{Finding, Level};
use super::CONNECT_WITHIN;
use crate::output::Output;

/// Connections that are dropped now and then are noticed only by looking for a while.
const WATCHED_FOR: Duration = Duration::from_secs(2);

/// What is checked besides Redis.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Most connections of a service on this machine, as the services are told: so many descriptors are needed.
    #[arg(long, env = "ONSALE_MAX_CONNECTIONS", default_value_t = 18_000,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub max_connections: u64,

    /// Folder with the secrets of waiting tokens, to be checked where it is given.
    #[arg(long, env = "ONSALE_WAITING_KEYS")]
    pub waiting_keys: Option<PathBuf>,

    /// Folder with the private keys of admission tokens, to be checked where it is given.
    #[arg(long, env = "ONSALE_ADMISSION_KEYS")]
    pub admission_keys: Option<PathBuf>,
}

/// Checks everything that can be reached. Fails when there is a problem.
pub(super) async fn execute(
    args: &DoctorArgs,
    redis_args: &RedisArgs,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let dropped_before = machine::connections_dropped();
    let mut findings = check_redis(redis_args).await;
    findings.extend(keys::check(args));
    tokio::time::sleep_until(began + WATCHED_FOR).await;
    findings.extend(machine::check(args.max_connections, dropped_before));
    output.findings(&findings);
    let is_ill = findings
        .iter()
        .any(|finding| finding.level == Level::Problem);
    Ok(if is_ill {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The servers, their clocks, and the rooms in them.
async fn check_redis(args: &RedisArgs) -> Vec<Finding> {
    let shutdown = Shutdown::new();
    let redis = args.connect(&shutdown);
    let deadline = Duration::from_millis(args.redis_deadline_ms);
    let findings = match redis.wait_connected(CONNECT_WITHIN).await {
        Ok(()) => {
            let mut findings = servers::check(&redis, deadline).await;
            findings.extend(rooms::check(&redis).await);
            findings
        }
        Err(_away) => vec![servers::unreachable()],
    };
    shutdown.hard().cancel();
    findings
}
