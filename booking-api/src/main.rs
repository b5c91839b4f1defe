//! The program `booking-api`.

use std::process::ExitCode;

use anyhow::Context;
use booking_api::app::App;
use booking_api::settings::{Cli, Command, MigrateArgs, ServeArgs};
use booking_api::{migrate, serve};
use clap::Parser;
use shared::readiness::Readiness;
use shared::shutdown::Shutdown;
use shared::{admin, telemetry, tokens};
use tokio::net::TcpListener;
use tracing::error;

const SERVICE: &str = "booking-api";
const ADMIN_PORT: u16 = 9081;

#[tokio::main]
async fn main() -> ExitCode {
    tokens::install_crypto_provider();
    let result = match Cli::parse().command {
        Command::Serve(settings) => run(*settings).await,
        Command::Migrate(settings) => run_migrate(*settings).await,
    };
    result.unwrap_or_else(|failure| {
        // The log may not have started; whoever reads this is a person at a terminal.
        error!(error = format!("{failure:#}"), "cannot go on");
        complain(&failure);
        ExitCode::FAILURE
    })
}

async fn run(settings: ServeArgs) -> anyhow::Result<ExitCode> {
    let shutdown = Shutdown::new();
    let metrics = telemetry::start(SERVICE, &settings.telemetry, &shutdown)?;
    let readiness = Readiness::default();
    let accepting = readiness.latch("accepting");
    let admin_address = settings.admin.address(ADMIN_PORT);
    let admin_port = TcpListener::bind(admin_address).await;
    let admin_port =
        admin_port.with_context(|| format!("cannot listen on {admin_address} (--admin-listen)"))?;
    admin::serve(admin_port, readiness.clone(), metrics, &shutdown);
    let port = shared::server::listen(settings.listen);
    let port = port.with_context(|| format!("cannot listen on {} (--listen)", settings.listen))?;
    let app = App::start(settings, &shutdown).await?;
    serve::serve(&app, port, &readiness, &shutdown);
    app.settings()
        .shutdown
        .stop_on_signals(&shutdown, accepting);
    let code = shutdown.finish().await;
    app.close().await;
    Ok(code)
}

async fn run_migrate(settings: MigrateArgs) -> anyhow::Result<ExitCode> {
    let shutdown = Shutdown::new();
    telemetry::start(SERVICE, &settings.telemetry, &shutdown)?;
    migrate::migrate(&settings).await?;
    Ok(ExitCode::SUCCESS)
}

#[expect(
    clippy::print_stderr,
    reason = "a program that does not start says why to whoever started it"
)]
fn complain(failure: &anyhow::Error) {
    eprintln!("booking-api: {failure:#}");
}
