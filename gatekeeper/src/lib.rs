//! The door: gives out numbers and answers polls from memory.
//!
//! A poll touches no store. It is answered from a copy of the room ([`rooms::snapshot`]) that one loop
//! reads a few times a second; only a visitor whose turn seems to have come costs a call to Redis, and
//! those calls travel together ([`batch`]). There is no web framework here and no SQL.

mod admission_checks;
pub mod app;
pub mod batch;
pub mod config;
pub mod early_polls;
pub mod estimate;
pub mod hostile;
pub mod http;
pub mod interval;
pub mod limits;
pub mod pace;
mod peers;
pub mod rooms;
mod routes;
pub mod streams;
pub mod tokens;

use std::convert::Infallible;
use std::process::ExitCode;
use std::sync::Arc;

use ::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use shared::readiness::Readiness;
use shared::server::{self, Limits, Peer};
use shared::shutdown::Shutdown;
use tokio::net::TcpListener;

use crate::app::App;
use crate::config::Config;

/// Serves until `shutdown`, and returns whether all went well.
pub async fn run(
    config: Config,
    listener: TcpListener,
    readiness: &Readiness,
    shutdown: Shutdown,
) -> anyhow::Result<ExitCode> {
    let limits = Limits::from(&config.server);
    let ready = readiness.latch("shutting-down");
    let app = Arc::new(App::start(&config, readiness, &shutdown)?);
    config.shutdown.stop_on_signals(&shutdown, ready);
    let connections = metrics::gauge!("onsale_gatekeeper_connections");
    let make_service = move |Peer(peer)| {
        let app = Arc::clone(&app);
        service_fn(move |request: Request<Incoming>| {
            let app = Arc::clone(&app);
            async move { Ok::<_, Infallible>(routes::answer(&app, peer, request).await) }
        })
    };
    let on_count = move |open: usize| connections.set(u32::try_from(open).unwrap_or(u32::MAX));
    server::serve(listener, limits, shutdown.clone(), make_service, on_count).await;
    Ok(shutdown.finish().await)
}
