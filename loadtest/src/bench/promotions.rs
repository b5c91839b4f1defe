//! P4: how evenly present visitors are let in when most of the front has gone: nine in ten joined and never polled.

mod evenness;

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::room::Promise;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::evenness::Evenness;
use super::ground::Ground;
use super::report::{BenchReport, Bounded, Figure, Outcome, rounded};
use super::room::{self, BenchRoom, Pace};
use super::servers::{NO_ADDRESS_LIMIT_SAID, Server};
use super::told::{Then, Told};
use super::visitors;
use crate::progress::say;

const RATE_PER_SECOND: u32 = 100;
/// Hardly more than can be in at once: everybody leaves when told, at the latest half a minute after being let in, and
/// twice as many are let in altogether, so that slots have to be used again.
const CAPACITY: u32 = 3_200;
/// Of ten who join, so many go.
const GONE_OF_TEN: u64 = 9;
/// Admissions are looked at from the first second, in which the bucket gives what it saved, to this one.
const SECONDS: u32 = 63;
/// Those who are still there: enough for all that time.
const PRESENT: u64 = (RATE_PER_SECOND * (SECONDS + 5)) as u64;
/// Parts of the line, each with its share of those who are there.
const STRETCHES: u64 = 100;
/// Those who go promise as little as that.
const GONE_AFTER: Promise = Promise::of(Duration::from_secs(3));
/// The clock of their promises begins with the first polls, and they are swept out some thousands a second.
const GONE_WITHIN: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Who was told to come back in half a minute claims then.
const CLAIMED_WITHIN: Duration = Duration::from_secs(60);

/// 2 %, and one tick's lot of five among a thousand.
const BOUND_PERCENT_10_S: f64 = 2.5;
const BOUND_PERCENT_60_S: f64 = 0.5;

pub(super) async fn measure(
    ground: &Ground,
    stop: &CancellationToken,
) -> anyhow::Result<BenchReport> {
    let mut runs = Vec::new();
    for (capacity, then) in [(None, Then::Stay), (Some(CAPACITY), Then::Leave)] {
        say(&format!("P4: capacity {capacity:?}"));
        let pace = Pace {
            rate_per_second: RATE_PER_SECOND,
            capacity,
        };
        let measured = room::in_a_room(ground, "p4", pace, stop, async |room| {
            in_room(ground, room, then).await
        });
        runs.push((capacity, measured.await?));
    }
    let worst = |window: Duration| {
        let percent = runs.iter().map(|(_, run)| run.worst_percent(window));
        rounded(percent.fold(0.0, f64::max))
    };
    let minute = Figure {
        what: "admissions of a minute beside the rate, at worst".to_owned(),
        value: worst(Duration::from_secs(60)),
        bound: Some(BOUND_PERCENT_60_S),
        unit: "%",
    };
    let conditions = json!({
        "rate_per_second": RATE_PER_SECOND,
        "gone": format!("{GONE_OF_TEN} of 10, spread through the line; they joined and never polled"),
        "line": PRESENT * 10,
        "measured_by": "admitted_at of the claims, Redis' clock",
        "setup": format!("{NO_ADDRESS_LIMIT_SAID}; windows begin a second after the opening, which lets in what the bucket holds (30); the absent have been swept out of the line; one run each, with a capacity and without"),
    });
    Ok(BenchReport {
        name: "P4",
        description: "admissions of present visitors over any 10 s beside the rate, at worst, with 90 % of the front gone",
        outcome: Outcome::Bounded(Bounded {
            value: worst(Duration::from_secs(10)),
            bound: BOUND_PERCENT_10_S,
            unit: "%",
            rounds: runs
                .iter()
                .map(|(capacity, run)| in_words(*capacity, run))
                .collect(),
            figures: vec![minute],
        }),
        conditions: ground.conditions(conditions).await,
    })
}

fn in_words(capacity: Option<u32>, run: &Evenness) -> Value {
    let worst = |seconds| rounded(run.worst_percent(Duration::from_secs(seconds)));
    json!({
        "capacity": capacity,
        "admitted": run.count(),
        "worst_percent_over_any_2_s": worst(2),
        "worst_percent_over_any_10_s": worst(10),
        "worst_percent_over_any_60_s": worst(60),
    })
}

async fn in_room(ground: &Ground, room: &BenchRoom, then: Then) -> anyhow::Result<Evenness> {
    let gatekeeper = Server::gatekeeper(ground, &[]).await?;
    let minter = Arc::new(ground.minter()?);
    let mut present = Vec::new();
    for _ in 0..STRETCHES {
        let count = PRESENT / STRETCHES;
        room.fill(count * GONE_OF_TEN, GONE_AFTER).await?;
        present.extend(
            visitors::gather(
                gatekeeper.address,
                &minter,
                &room.name,
                usize::try_from(count)?,
            )
            .await?,
        );
    }
    let mut told = Told::start(gatekeeper.address, &room.name, &present, then).await?;
    let gone_by = Instant::now() + GONE_WITHIN;
    while room.waiting().await? > PRESENT {
        let look_again = Instant::now() + LOOK_EVERY;
        if told.next_admission(look_again).await?.is_some() {
            bail!("somebody was let in while the room was paused");
        }
        if look_again > gone_by {
            bail!("those who do not poll are not swept out of the line");
        }
    }
    room.admitter.resume(&room.name).await?;
    let mut instants: Vec<Timestamp> = Vec::new();
    let until = Instant::now() + Duration::from_secs(SECONDS.into()) + CLAIMED_WITHIN;
    while let Some(admission) = told.next_admission(until).await? {
        instants.push(admission.at);
        if instants.len() == present.len() {
            break;
        }
    }
    Evenness::of(
        instants,
        RATE_PER_SECOND,
        Duration::from_secs(1),
        Duration::from_secs(SECONDS.into()),
    )
}
