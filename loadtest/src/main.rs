//! `loadtest`: see the library.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    run(loadtest::Arguments::parse()).unwrap_or_else(|error| {
        // Whoever closed stderr does not want to know.
        let _ = writeln!(std::io::stderr(), "loadtest: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(arguments: loadtest::Arguments) -> anyhow::Result<ExitCode> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(workers) = arguments.workers() {
        runtime.worker_threads(workers);
    }
    let runtime = runtime.enable_all().build()?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let mut work = std::pin::pin!(loadtest::execute(arguments, stop.clone()));
        tokio::select! {
            done = &mut work => return done,
            signal = stop_signal() => signal?,
        }
        // The work ends early then, and puts away what it made.
        stop.cancel();
        work.await
    })
}

async fn stop_signal() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}
