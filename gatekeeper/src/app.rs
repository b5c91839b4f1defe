//! What every request needs, made once at the start.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use shared::readiness::Readiness;
use shared::redis_handle::Redis;
use shared::shutdown::Shutdown;
use shared::tokens::admission::AdmissionSigner;
use shared::tokens::user::UserVerifier;
use shared::tokens::waiting::WaitingKeys;

use crate::admission_checks::AdmissionChecks;
use crate::config::Config;
use crate::early_polls::EarlyPolls;
use crate::http::cookies::Cookies;
use crate::limits::Limits;
use crate::peers::Peers;
use crate::rooms::{self, Rooms};
use crate::streams::Streams;
use crate::tokens::WaitingTokens;

/// The state of the process. Nothing in it is lost with the process: the line is in Redis, the rest is in tokens.
#[derive(Debug)]
pub struct App {
    pub(crate) rooms: Rooms,
    pub(crate) limits: Arc<Limits>,
    pub(crate) streams: Streams,
    pub(crate) waiting_tokens: WaitingTokens,
    pub(crate) early_polls: EarlyPolls,
    pub(crate) admissions: AdmissionSigner,
    pub(crate) admission_checks: AdmissionChecks,
    pub(crate) users: UserVerifier,
    pub(crate) cookies: Cookies,
    pub(crate) public_url: String,
    pub(crate) booking_url: String,
    pub(crate) openapi: Bytes,
}

impl App {
    /// Reads the keys and starts the loop that reads the rooms.
    pub fn start(
        config: &Config,
        readiness: &Readiness,
        shutdown: &Shutdown,
    ) -> anyhow::Result<Self> {
        let waiting_keys = WaitingKeys::open(&config.waiting_keys).context("--waiting-keys")?;
        waiting_keys.keep_fresh(shutdown);
        let admissions =
            AdmissionSigner::open(&config.admission_keys).context("--admission-keys")?;
        admissions.keep_fresh(shutdown);
        let users = config.user_tokens.verifier(shutdown);
        let redis = config.redis.connect(shutdown);
        let joins = config.redis.connect(shutdown);
        watch_peers(config, redis.clone(), readiness, shutdown);
        let limits = rooms::Limits {
            interval: config.snapshot_interval(),
            deadline: Duration::from_millis(config.redis.redis_deadline_ms),
            poll_budget_per_second: f64::from(config.poll_budget),
        };
        Ok(Self {
            rooms: Rooms::start(
                redis,
                joins,
                limits,
                readiness.latch("rooms-read"),
                shutdown,
            ),
            limits: Limits::start(&config.limits, shutdown),
            streams: Streams::new(config.stream_limits(), shutdown),
            waiting_tokens: WaitingTokens::new(waiting_keys, config.remembered_tokens),
            early_polls: EarlyPolls::new(config.early_polls, config.remembered_tokens),
            admissions,
            admission_checks: AdmissionChecks::new(),
            users: users.context("--user-jwks")?,
            cookies: Cookies::new(config.is_https()),
            public_url: config.public_url.trim_end_matches('/').to_owned(),
            booking_url: config.booking_url.clone(),
            openapi: crate::routes::openapi::document(),
        })
    }
}

fn watch_peers(config: &Config, redis: Redis, readiness: &Readiness, shutdown: &Shutdown) {
    let peers = Peers {
        redis,
        own: config.advertised(),
        not_alone: readiness.latch("redis-or-nobody-has-it"),
    };
    let hard = shutdown.hard().clone();
    shutdown.spawn_background("peers", async move {
        hard.run_until_cancelled(peers.watch()).await;
    });
}
