//! The admitter process: one daemon (`run`) and the operators' commands.

use std::process::ExitCode;

use admitter::cli::Cli;
use clap::Parser;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    shared::tokens::install_crypto_provider();
    admitter::commands::execute(Cli::parse()).await
}
