//! Figures that are measured on a running stack, each as a share of a floor that is measured in the same run, or against
//! a bound.
//!
//! What is measured is reached over HTTP alone. What is not measured, such as filling a line with a million visitors, may
//! be done past it.

mod events;
mod floor;
mod ground;
mod joins;
mod lanes;
mod lottery;
mod memory;
mod page;
mod poll_budget;
mod polls;
mod positions;
mod promotions;
mod recorded;
mod redis_commands;
mod redis_info;
mod report;
mod requests;
mod room;
mod rows;
mod servers;
mod sold_out;
mod sources;
mod streams;
mod told;
mod upkeep;
mod visitors;
mod wire;

use std::path::Path;

use clap::ValueEnum;
use tokio_util::sync::CancellationToken;

pub(crate) use floor::serve as serve_floor;
use ground::Ground;
pub(crate) use page::write as write_page;
pub(crate) use redis_info::version as redis_version;
pub(crate) use report::BenchReport;
pub(crate) use rows::{Row, of as rows_of};

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Benchmark {
    /// Polls of waiting visitors
    #[value(name = "P1")]
    P1,
    /// Redis commands per 1,000 polls
    #[value(name = "P2")]
    P2,
    /// Joins
    #[value(name = "P3")]
    P3,
    /// Evenness of admissions while most of the front has gone
    #[value(name = "P4")]
    P4,
    /// Delay of `admitted` on open streams
    #[value(name = "P5")]
    P5,
    /// Memory of Redis and of the gatekeeper
    #[value(name = "P6")]
    P6,
    /// Polls that a line asks for, on a virtual clock; needs no stack
    #[value(name = "P12")]
    P12,
    /// Opening by lottery, with a million
    #[value(name = "lottery")]
    Lottery,
    /// How soon those who wait hear that nothing is left
    #[value(name = "sold-out")]
    SoldOut,
}

/// Measures one figure.
pub(crate) async fn run(
    benchmark: Benchmark,
    stack: &Path,
    stop: &CancellationToken,
) -> anyhow::Result<BenchReport> {
    let ground = || Ground::open(stack);
    match benchmark {
        Benchmark::P1 => polls::measure(&ground()?, stop).await,
        Benchmark::P2 => redis_commands::measure(&ground()?, stop).await,
        Benchmark::P3 => joins::measure(&ground()?, stop).await,
        Benchmark::P4 => promotions::measure(&ground()?, stop).await,
        Benchmark::P5 => streams::measure(&ground()?, stop).await,
        Benchmark::P6 => memory::measure(&ground()?, stop).await,
        Benchmark::P12 => poll_budget::measure(stop).await,
        Benchmark::Lottery => lottery::measure(&ground()?, stop).await,
        Benchmark::SoldOut => sold_out::measure(&ground()?, stop).await,
    }
}
