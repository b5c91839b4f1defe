//! `loadtest`: see the library.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use tokio_util::sync::CancellationToken;

/// Two: a generator that takes more of the machine than that leaves too little to what it measures.
const WORKERS: usize = 2;

fn main() -> ExitCode {
    run(loadtest::Arguments::parse()).unwrap_or_else(|error| {
        // Whoever closed stderr does not want to know.
        let _ = writeln!(std::io::stderr(), "loadtest: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(arguments: loadtest::Arguments) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()?;
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
