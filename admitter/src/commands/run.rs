//! `admitter run`: the daemon that promotes.
//!
//! Each room has a loop of its own, so that a node of a Cluster that is away stalls its own rooms alone.

mod lottery;
mod promoter;
mod rooms_file;
mod sweeper;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use shared::args::{AdminArgs, RedisArgs, ShutdownArgs, TelemetryArgs};
use shared::ids::RoomName;
use shared::readiness::{Latch, Readiness};
use shared::redis_handle::{Redis, StoreError};
use shared::room::{Change, Line, NewRoom, PromotionLimits, Registry, RoomMemory};
use shared::shutdown::Shutdown;
use shared::{admin, telemetry};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{info, warn};

use super::author;
use crate::cli::{HIGHEST_RATE, rate};

const DEFAULT_ADMIN_PORT: u16 = 9082;
/// Between two looks at which rooms there are.
const LIST_EVERY: Duration = Duration::from_millis(250);
/// A room of the file that is not there may be one that Redis has lost: whoever remembers it has so long to write it back, or
/// everybody's token would be void.
const MADE_AFTER: Duration = Duration::from_secs(3);
/// The longest tick that can be set, in milliseconds.
const LONGEST_TICK_MS: u64 = 100;
/// Most visitors promoted, and most swept out, by one call, whatever the rate: some tens of milliseconds of Redis.
const AT_ONCE: u32 = 10_000;
/// The highest rate is reached at every tick that can be set.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small whole number"
)]
const _: () = assert!(AT_ONCE as u64 * 1_000 >= HIGHEST_RATE as u64 * LONGEST_TICK_MS);

/// Settings of the daemon.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Admissions per second of rooms that set none of their own.
    #[arg(long, env = "ONSALE_RATE", default_value_t = 100.0, value_parser = rate)]
    pub rate: f64,

    /// Most visitors in the active set of rooms that set none of their own. Without it there is no bound.
    #[arg(long, env = "ONSALE_CAPACITY", value_parser = clap::value_parser!(u64).range(1..))]
    pub capacity: Option<u64>,

    /// TOML file of rooms to make at the start, where they are missing.
    #[arg(long, env = "ONSALE_ROOMS")]
    pub rooms: Option<PathBuf>,

    /// Folder for the proofs of lotteries, each written as ROOM-SEED.proof once its places are drawn. Without it Redis alone has what `lottery publish` needs.
    #[arg(long, env = "ONSALE_PROOFS")]
    pub proofs: Option<PathBuf>,

    /// Milliseconds between two promotions. Shorter is smoother and costs Redis more.
    #[arg(long, env = "ONSALE_TICK_MS", default_value_t = 50,
          value_parser = clap::value_parser!(u64).range(5..=LONGEST_TICK_MS))]
    pub tick_ms: u64,

    /// The admin port (9082 on loopback unless set).
    #[command(flatten)]
    pub admin: AdminArgs,

    /// Logs.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,

    /// How the process stops.
    #[command(flatten)]
    pub shutdown: ShutdownArgs,
}

/// Runs until a signal.
pub(super) async fn execute(args: RunArgs, redis: &RedisArgs) -> anyhow::Result<ExitCode> {
    let to_make = args
        .rooms
        .as_deref()
        .map(rooms_file::read)
        .transpose()?
        .unwrap_or_default()
        .into_iter()
        .map(|(name, room)| ToMake {
            name,
            room,
            missing_since: None,
        })
        .collect();
    let shutdown = Shutdown::new();
    let metrics = telemetry::start("admitter", &args.telemetry, &shutdown)?;
    let readiness = Readiness::default();
    let address = args.admin.address(DEFAULT_ADMIN_PORT);
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; set --admin-listen to a free address")
    })?;
    admin::serve(listener, readiness.clone(), metrics, &shutdown);
    let mut defaults = vec![Change::Rate(args.rate)];
    defaults.extend(
        args.capacity
            .map(|capacity| Change::Capacity(Some(capacity))),
    );
    let daemon = Daemon {
        process: format!("{:016x}", rand::random::<u64>()),
        redis: redis.connect(&shutdown),
        defaults: defaults.into(),
        limits: PromotionLimits {
            tick: Duration::from_millis(args.tick_ms),
            at_once: AT_ONCE,
        },
        to_make,
        proofs: args.proofs.map(Arc::from),
        reachable: readiness.latch("redis"),
        shutdown: shutdown.clone(),
    };
    args.shutdown
        .stop_on_signals(&shutdown, readiness.latch("shutting-down"));
    shutdown.spawn("daemon", daemon.run());
    Ok(shutdown.finish().await)
}

/// What looks after one room for as long as this is kept.
struct Promoter {
    /// The room was removed, and not merely lost.
    removed: CancellationToken,
    _stop: DropGuard,
}

/// A room of the file that has not been seen yet.
struct ToMake {
    name: RoomName,
    room: NewRoom,
    /// Since when Redis has been there without it.
    missing_since: Option<Instant>,
}

struct Daemon {
    /// What this process is called among those that remember rooms.
    process: String,
    redis: Redis,
    defaults: Arc<[Change]>,
    limits: PromotionLimits,
    to_make: Vec<ToMake>,
    proofs: Option<Arc<Path>>,
    reachable: Latch,
    shutdown: Shutdown,
}

impl Daemon {
    async fn run(mut self) {
        let mut promoters = HashMap::new();
        let mut ticks = tokio::time::interval(LIST_EVERY);
        let mut complained = false;
        let shutdown = self.shutdown.clone();
        while shutdown.run_until_stopped(ticks.tick()).await.is_some() {
            match self.look(&mut promoters).await {
                Ok(()) => complained = false,
                // A store outage must not end the daemon: the next tick tries again.
                Err(error) if !complained => {
                    let error: &dyn std::error::Error = &error;
                    warn!(error, "rooms cannot be read; trying on");
                    complained = true;
                }
                Err(_still) => {}
            }
            self.reachable.set(!complained);
        }
    }

    /// Gives each room its loop and makes what is to be made. Nothing here waits for one room before it has
    /// seen to the others: its node of a Cluster may be away.
    async fn look(
        &mut self,
        promoters: &mut HashMap<RoomName, Promoter>,
    ) -> Result<(), StoreError> {
        let names = Registry::new(self.redis.clone()).list().await?;
        // A room that is not in the list may be lost rather than removed: whoever remembers it knows which.
        promoters.retain(|_, promoter| !promoter.removed.is_cancelled());
        for name in names {
            promoters
                .entry(name)
                .or_insert_with_key(|name| self.start_promoter(name));
        }
        self.make_missing().await
    }

    /// The line of a room; what the daemon fills in or makes, the room's log has in its name.
    fn line(&self, name: &RoomName) -> Line {
        Line::new(self.redis.clone(), name.clone()).signed(author::of_the_daemon())
    }

    fn start_promoter(&self, name: &RoomName) -> Promoter {
        let (stop, removed) = (CancellationToken::new(), CancellationToken::new());
        let line = self.line(name);
        let defaults = Arc::clone(&self.defaults);
        let memory = RoomMemory::new(line.clone(), &self.process);
        let (until_removed, shutdown) = (removed.clone(), self.shutdown.clone());
        let sweeping = sweeper::sweep(line.clone(), self.shutdown.clone());
        let (drawing, until_stopped) = (
            lottery::hold(line.clone(), self.proofs.clone()),
            self.shutdown.clone(),
        );
        let drawing = async move {
            until_stopped.run_until_stopped(drawing).await;
        };
        let promoting = promoter::promote(
            line,
            self.process.clone(),
            defaults,
            self.limits,
            self.shutdown.clone(),
        );
        let stopped = stop.clone();
        self.shutdown.spawn("promoter", async move {
            let remembering = async {
                if shutdown.run_until_stopped(memory.keep()).await.is_some() {
                    until_removed.cancel();
                }
            };
            let working = async { tokio::join!(promoting, sweeping, remembering, drawing) };
            stopped.run_until_cancelled(Box::pin(working)).await;
        });
        Promoter {
            removed,
            _stop: stop.drop_guard(),
        }
    }

    /// Makes the rooms of the file that are not there. Those that cannot be made now are tried again at the next look.
    async fn make_missing(&mut self) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        for mut wanted in std::mem::take(&mut self.to_make) {
            match self.make(&mut wanted).await {
                Ok(true) => {}
                Ok(false) => self.to_make.push(wanted),
                Err(error) => {
                    self.to_make.push(wanted);
                    outcome = Err(error);
                }
            }
        }
        outcome
    }

    /// Whether the room is there by now.
    async fn make(&self, wanted: &mut ToMake) -> Result<bool, StoreError> {
        let line = self.line(&wanted.name);
        // Listed says nothing: the list is on another slot, and may have outlived the room.
        let is_there = line.snapshot(0).await?.is_some();
        let missing_since = *wanted.missing_since.get_or_insert_with(Instant::now);
        if !is_there && missing_since.elapsed() < MADE_AFTER {
            return Ok(false);
        }
        if line.create(&wanted.room).await? {
            info!(room = %wanted.name, "made as the rooms file says");
        }
        Ok(true)
    }
}
