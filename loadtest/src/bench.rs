//! Figures that are measured on a running stack.

mod redis_commands;
mod redis_info;

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub(crate) use redis_info::version as redis_version;

/// What can be measured so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Benchmark {
    /// Redis commands per 1,000 polls
    #[value(name = "P2")]
    P2,
}

/// A figure with its bound.
#[derive(Debug, Serialize)]
pub(crate) struct BenchReport {
    pub name: &'static str,
    pub description: &'static str,
    /// The median of the rounds.
    pub value: f64,
    /// The value must stay below it.
    pub bound: f64,
    pub rounds: Vec<Value>,
    pub conditions: Value,
}

impl BenchReport {
    pub(crate) fn holds(&self) -> bool {
        self.value < self.bound
    }
}

impl Display for BenchReport {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        writeln!(to, "\n{}: {}", self.name, self.description)?;
        for round in &self.rounds {
            writeln!(to, "  {round}")?;
        }
        writeln!(to, "conditions: {}", self.conditions)?;
        let verdict = if self.holds() { "below" } else { "NOT below" };
        writeln!(
            to,
            "median {:.3}, {verdict} the bound of {}",
            self.value, self.bound
        )
    }
}

/// Measures one figure.
pub(crate) async fn run(
    benchmark: Benchmark,
    stack: &Path,
    stop: &CancellationToken,
) -> anyhow::Result<BenchReport> {
    let stack = devstack::stack_file::read(stack)?;
    match benchmark {
        Benchmark::P2 => redis_commands::measure(&stack, stop).await,
    }
}
