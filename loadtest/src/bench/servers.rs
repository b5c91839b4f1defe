//! Processes of a benchmark's own, beside those of the stack: a gatekeeper whose settings are under control, and the
//! floor. They end with their handle.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use devstack::ports;
use devstack::process::Launch;
use devstack::service::Service;
use tokio::time::Instant;

use super::ground::Ground;
use super::recorded;
use super::wire::{Reply, Wire};

const FLOOR_LISTENS_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The whole crowd comes from one address.
const NO_ADDRESS_LIMIT: (&str, &str) = ("ONSALE_ADDRESS_REQUESTS_PER_SECOND", "0");
/// The same in words, among the conditions.
pub(super) const NO_ADDRESS_LIMIT_SAID: &str = "no limit by address";
/// What both sides of a floor do and do not share.
pub(super) const SAME_CLIENT_SAID: &str = "the crowds' own client for both; the gatekeeper allocates by mimalloc, floor and client by the C library";
/// For visitors who poll as fast as they can, or whom nobody told when to poll.
pub(super) const EARLY_POLLS_ALLOWED: (&str, &str) = ("ONSALE_EARLY_POLLS", "allow");

/// A server that runs for as long as this is there.
pub(super) struct Server {
    service: Service,
    pub address: SocketAddr,
}

impl Server {
    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.service.pid()
    }

    /// A gatekeeper for the rooms of the stack, with `settings` besides the stack's own.
    pub(super) async fn gatekeeper(
        ground: &Ground,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let (port, admin_port) = (ports::free()?, ports::free()?);
        let address = loopback(port);
        let program = ground.stack.bin.join("gatekeeper");
        let mut launch = launch(&named("bench-gatekeeper"), &program, admin_port, ground)
            .args(["--listen", &address.to_string()])
            .port(port);
        for (name, value) in ground.settings()? {
            launch = launch.env(&name, value);
        }
        launch = launch.env("ONSALE_ADMIN_LISTEN", loopback(admin_port).to_string());
        for (name, value) in [NO_ADDRESS_LIMIT].iter().chain(settings) {
            launch = launch.env(name, *value);
        }
        let service = Service::start(launch).await?;
        Ok(Self { service, address })
    }

    /// The bare hyper server, which answers everything with `reply`.
    pub(super) async fn floor(ground: &Ground, reply: &Reply<'_>) -> anyhow::Result<Self> {
        let name = named("bench-floor");
        let answer = ground.logs().join(&name).with_extension("answer");
        recorded::write(&answer, reply)?;
        let port = ports::free()?;
        let address = loopback(port);
        let myself = std::env::current_exe().context("where this program is")?;
        let launch = launch(&name, &myself, port, ground).args([
            "floor",
            "--listen",
            &address.to_string(),
            "--answer",
            &answer.display().to_string(),
        ]);
        let service = Service::start_unready(launch)?;
        until_it_listens(&name, address).await?;
        Ok(Self { service, address })
    }
}

fn launch(name: &str, program: &Path, port: u16, ground: &Ground) -> Launch {
    Launch::service(name, program.to_owned(), port, &ground.logs())
}

/// Several may run beside each other, each with a log of its own.
fn named(what: &str) -> String {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    format!("{what}-{}", STARTED.fetch_add(1, Ordering::Relaxed) + 1)
}

async fn until_it_listens(name: &str, address: SocketAddr) -> anyhow::Result<()> {
    let deadline = Instant::now() + FLOOR_LISTENS_WITHIN;
    while Wire::open(address, None).await.is_err() {
        if Instant::now() > deadline {
            bail!("the floor does not listen on {address}; its log is {name}.log");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
