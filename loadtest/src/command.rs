//! The command line.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::bench::{self, Benchmark};
use crate::report::Verdict;
use crate::{figures, run};

/// A generator that takes more of the machine than that leaves too little to what it measures.
const CROWD_WORKERS: usize = 2;

/// A crowd of virtual visitors for a running stack, and the proof of its invariants from outside.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Sends the crowd of one scenario through a room and a performance made for it, and judges the outcome
    Run(RunArguments),
    /// Measures one figure on a running stack
    Bench(BenchArguments),
    /// Writes one page and one JSON document of all reports of benchmarks in a folder
    BenchPage {
        /// The folder of the reports
        #[arg(value_name = "FOLDER", default_value = ".dev/reports/bench")]
        reports: PathBuf,
    },
    /// Answers every request with one recorded answer: what `bench` compares with, and starts by itself
    #[command(hide = true)]
    Floor {
        #[arg(long)]
        listen: SocketAddr,
        /// The answer, as it stood on the wire
        #[arg(long, value_name = "FILE")]
        answer: PathBuf,
    },
    /// Writes the table of figures into a document, from the reports of earlier runs
    Figures {
        /// The document with the marks between which the table stands
        #[arg(long, value_name = "FILE", default_value = "README.md")]
        document: PathBuf,
        /// The folder of the reports
        #[arg(long, value_name = "FOLDER", default_value = ".dev/reports")]
        reports: PathBuf,
    },
}

/// What every command needs.
#[derive(Debug, Args)]
struct Common {
    /// Where the stack says where everything is
    #[arg(long, value_name = "FILE", default_value = ".dev/stack.json")]
    stack: PathBuf,
    /// Write the report here too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct RunArguments {
    /// The scenario, a TOML file
    #[arg(value_name = "scenario.toml")]
    scenario: PathBuf,
    /// Repeat another run's arrivals and choices instead of the scenario's
    #[arg(long)]
    seed: Option<u64>,
    /// Leave the room and the performance for whoever wants to look into them
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct BenchArguments {
    /// Which figure
    #[arg(value_enum, ignore_case = true)]
    benchmark: Benchmark,
    #[command(flatten)]
    common: Common,
}

impl Arguments {
    /// How many threads the work takes; `None` stands for as many as a server would.
    pub fn workers(&self) -> Option<usize> {
        match self.command {
            Command::Floor { .. } => None,
            _ => Some(CROWD_WORKERS),
        }
    }
}

/// Does what the command line says. The exit code tells whether everything held.
pub async fn execute(arguments: Arguments, stop: CancellationToken) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::Run(arguments) => {
            let RunArguments {
                scenario,
                seed,
                keep,
                common,
            } = arguments;
            let options = run::Options {
                scenario,
                stack: common.stack,
                seed,
                keep,
            };
            let report = run::run(options, &stop).await?;
            print(&report.to_string())?;
            write_json(common.json.as_deref(), &report)?;
            Ok(code(report.verdict == Verdict::Pass))
        }
        Command::Bench(BenchArguments { benchmark, common }) => {
            let report = bench::run(benchmark, &common.stack, &stop).await?;
            print(&report.to_string())?;
            write_json(common.json.as_deref(), &report)?;
            Ok(code(report.holds()))
        }
        Command::BenchPage { reports } => {
            bench::write_page(&reports)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Floor { listen, answer } => {
            bench::serve_floor(listen, &answer, &stop).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Figures { document, reports } => {
            figures::write(&document, &reports)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn code(good: bool) -> ExitCode {
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout()
        .write_all(text.as_bytes())
        .context("cannot print the report")
}

fn write_json(path: Option<&Path>, report: &impl Serialize) -> anyhow::Result<()> {
    let Some(path) = path else {
        return Ok(());
    };
    let text = serde_json::to_string_pretty(report)?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    std::fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(line: &[&str]) -> String {
        Arguments::try_parse_from(line).unwrap_err().to_string()
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_benchmark_that_does_not_exist_is_refused_with_those_that_do() {
        let said = complaint(&["loadtest", "bench", "P99"]);
        assert!(said.contains("P99") && said.contains("P2"), "{said}");
    }

    #[test]
    fn a_report_format_that_does_not_exist_is_refused() {
        assert!(complaint(&["loadtest", "run", "x.toml", "--html", "y"]).contains("--html"));
    }
}
