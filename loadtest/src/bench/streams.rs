//! P5: how soon an open stream tells its visitor of being let in, with ten thousand streams open and their visitors
//! polling besides.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::events::Events;
use super::ground::Ground;
use super::report::{BenchReport, Bounded, Outcome, rounded, sorted};
use super::room::{self, BenchRoom, Pace};
use super::servers::{NO_ADDRESS_LIMIT_SAID, Server};
use super::told::{Then, Told};
use super::visitors;
use crate::descriptors;

const RATE_PER_SECOND: u32 = 100;
/// So many are open at the end of the measurement; those of who is let in end.
const STREAMS: usize = 10_000;
const ROUNDS: usize = 5;
const ADMISSIONS_PER_ROUND: usize = 400;
const ADMISSIONS: usize = ROUNDS * ADMISSIONS_PER_ROUND;
const ADMITTED: &str = "event: admitted";
const BOUND_MS: f64 = 300.0;
/// Longest for all admissions: they take 20 s.
const PATIENCE: Duration = Duration::from_secs(90);

pub(super) async fn measure(
    ground: &Ground,
    stop: &CancellationToken,
) -> anyhow::Result<BenchReport> {
    descriptors::make_room_for(u32::try_from(STREAMS + ADMISSIONS)?)?;
    let pace = Pace {
        rate_per_second: RATE_PER_SECOND,
        capacity: None,
    };
    let delays = room::in_a_room(ground, "p5", pace, stop, async |room| {
        in_room(ground, room).await
    })
    .await?;
    let round = |delays: &[f64]| {
        let delays = sorted(delays.iter().copied());
        json!({ "admissions": delays.len(), "p50_ms": percentile(&delays, 50), "p99_ms": percentile(&delays, 99), "max_ms": percentile(&delays, 100) })
    };
    let conditions = json!({
        "streams": STREAMS,
        "setup": format!("{NO_ADDRESS_LIMIT_SAID}; everybody polls as told, too, over 64 connections"),
        "rate_per_second": RATE_PER_SECOND,
        "polls": "everybody polls as told, too, over 64 connections",
        "measured_by": "admitted_at of the claim, Redis' clock, to the arrival of the event, the same machine's clock",
    });
    Ok(BenchReport {
        name: "P5",
        description: "promotion to `admitted` on an open stream, p99, with 10,000 streams open",
        outcome: Outcome::Bounded(Bounded {
            value: percentile(&sorted(delays.iter().copied()), 99),
            bound: BOUND_MS,
            unit: "ms",
            rounds: delays.chunks(ADMISSIONS_PER_ROUND).map(round).collect(),
            figures: Vec::new(),
        }),
        conditions: ground.conditions(conditions).await,
    })
}

/// The delays in milliseconds, in the order of admission.
async fn in_room(ground: &Ground, room: &BenchRoom) -> anyhow::Result<Vec<f64>> {
    let gatekeeper = Server::gatekeeper(ground, &[]).await?;
    let minter = Arc::new(ground.minter()?);
    let visitors = visitors::gather(
        gatekeeper.address,
        &minter,
        &room.name,
        STREAMS + ADMISSIONS,
    )
    .await?;
    let mut told = Told::start(gatekeeper.address, &room.name, &visitors, Then::Stay).await?;
    let mut events = Events::open(gatekeeper.address, &room.name, &visitors, ADMITTED).await?;
    room.admitter.resume(&room.name).await?;
    let (mut let_in, mut heard) = (Vec::new(), HashMap::new());
    let deadline = Instant::now() + PATIENCE;
    while heard.len() < ADMISSIONS || let_in.len() < ADMISSIONS {
        tokio::select! {
            admission = told.next_admission(deadline) => {
                let_in.push(admission?.context("nobody is let in any more, or their streams do not tell")?);
            }
            event = events.next() => {
                let (index, at) = event?;
                told.poll_now(index);
                heard.insert(visitors[index].member.number, at);
            }
        }
    }
    let_in.sort_by_key(|admission| admission.at);
    let delays = let_in.iter().take(ADMISSIONS).map(|admission| {
        // One that has not been told although two thousand were is as late as this moment.
        let at = heard
            .get(&admission.number)
            .copied()
            .unwrap_or_else(Timestamp::now);
        at.duration_since(admission.at).as_secs_f64() * 1e3
    });
    Ok(delays.map(rounded).collect())
}

/// Of sorted values; 0 of none.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        let read = [50, 99, 100].map(|percent| percentile(&values, percent).to_string());
        assert_eq!(read, ["100", "198", "200"]);
        assert_eq!(percentile(&[], 99).to_string(), "0");
    }
}
