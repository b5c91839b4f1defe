//! The gatekeeper process: settings, telemetry, ports, run.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use gatekeeper::config::{Config, DEFAULT_ADMIN_PORT};
use shared::readiness::Readiness;
use shared::shutdown::Shutdown;
use shared::{admin, server, telemetry, tokens};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let config = Config::parse();
    tokens::install_crypto_provider();
    let shutdown = Shutdown::new();
    let metrics = telemetry::start("gatekeeper", &config.telemetry, &shutdown)?;
    let readiness = Readiness::default();
    let admin_address = config.admin.address(DEFAULT_ADMIN_PORT);
    let admin_listener = TcpListener::bind(admin_address).await.with_context(|| {
        format!("cannot listen on {admin_address}; set --admin-listen to a free address")
    })?;
    admin::serve(admin_listener, readiness.clone(), metrics, &shutdown);
    let listener = server::listen(config.listen).with_context(|| {
        format!(
            "cannot listen on {}; set --listen to a free address",
            config.listen
        )
    })?;
    gatekeeper::run(config, listener, &readiness, shutdown).await
}
