//! A lottery of a million: how soon the front is let in, for how long Redis is kept from everything else at a time, and how
//! long anybody takes to check the draw.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ground::Ground;
use super::redis_info::RedisInfo;
use super::report::{BenchReport, Bounded, Figure, Outcome, rounded};
use super::room::{self, BenchRoom, PRESENT_THROUGHOUT};
use crate::progress::say;

const PEOPLE: u64 = 1_000_000;
const RATE_PER_SECOND: u32 = 100;
/// The places of the first second.
const FRONT: u64 = RATE_PER_SECOND as u64;
/// All of them join in this time, however slow the machine.
const OPENS_AFTER_SECONDS: i64 = 150;
/// Nobody knows it before the room is closed; here it need not be kept.
const PUBLIC_VALUE: &str = "the weather of that day";
/// By then everybody has been taken to the place that was drawn.
const MOVED_WITHIN: Duration = Duration::from_secs(300);
const LOOK_EVERY: Duration = Duration::from_millis(100);
const VERIFIED_WITHIN: Duration = Duration::from_secs(120);

/// Calls of Redis that the report names.
const SHOWN_CALLS: usize = 5;

const BOUND_OPENING_SECONDS: f64 = 2.0;
const BOUND_BLOCKED_MS: f64 = 20.0;
const BOUND_VERIFY_SECONDS: f64 = 10.0;

pub(super) async fn measure(
    ground: &Ground,
    stop: &CancellationToken,
) -> anyhow::Result<BenchReport> {
    let opens_at = Timestamp::now() + OPENS_AFTER_SECONDS.seconds();
    let measured = room::in_a_lottery(
        ground,
        "lot",
        RATE_PER_SECOND,
        opens_at,
        PUBLIC_VALUE,
        stop,
        async |room| in_room(ground, room, opens_at).await,
    );
    let measured = measured.await?;
    let figure = |what: &str, value, bound, unit| Figure {
        what: what.to_owned(),
        value: rounded(value),
        bound: Some(bound),
        unit,
    };
    Ok(BenchReport {
        name: "lottery",
        description: "a lottery of a million: from the opening until the first hundred places are let in, at 100 a second",
        outcome: Outcome::Bounded(Bounded {
            value: rounded(measured.front_seconds),
            bound: BOUND_OPENING_SECONDS,
            unit: "s",
            rounds: vec![measured.observed],
            figures: vec![
                figure(
                    "longest call of Redis from the opening until all are at their places",
                    measured.blocked_ms,
                    BOUND_BLOCKED_MS,
                    "ms",
                ),
                figure(
                    "the whole draw recomputed from its proof",
                    measured.verify_seconds,
                    BOUND_VERIFY_SECONDS,
                    "s",
                ),
            ],
        }),
        conditions: ground
            .conditions(json!({
                "people": PEOPLE,
                "setup": "one run",
                "rate_per_second": RATE_PER_SECOND,
                "measured_by": "the times of admission, and Redis' own log of slow calls",
            }))
            .await,
    })
}

/// What came of one lottery.
struct Measured {
    front_seconds: f64,
    blocked_ms: f64,
    verify_seconds: f64,
    observed: Value,
}

async fn in_room(
    ground: &Ground,
    room: &BenchRoom,
    opens_at: Timestamp,
) -> anyhow::Result<Measured> {
    let mut redis = RedisInfo::connect(&ground.stack.redis).await?;
    say(&format!("lottery: {PEOPLE} join"));
    room.fill(PEOPLE, PRESENT_THROUGHOUT).await?;
    if Timestamp::now() >= opens_at {
        bail!(
            "this machine lets {PEOPLE} join too slowly for a room that opens after {OPENS_AFTER_SECONDS} s"
        );
    }
    redis.log_slow_calls().await?;
    let until = Duration::try_from(opens_at.duration_since(Timestamp::now())).unwrap_or_default();
    tokio::time::sleep(until).await;
    let began = Instant::now();
    while room.in_lobby().await? > 0 || room.admitted().await? < FRONT {
        if began.elapsed() > MOVED_WITHIN {
            bail!("{} are still in the lobby", room.in_lobby().await?);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let moved_seconds = began.elapsed().as_secs_f64();
    let slow_calls = redis.slow_calls().await?;
    let blocked = slow_calls
        .first()
        .map_or(Duration::ZERO, |(duration, _)| *duration);
    let longest = slow_calls.iter().take(SHOWN_CALLS);
    let longest: Vec<_> = longest
        .map(|(duration, call)| format!("{:.1} ms: {call}", duration.as_secs_f64() * 1e3))
        .collect();
    let front = room.let_in_at(FRONT).await?;
    let last = front.iter().max().context("nobody was let in")?;
    let proof = ground.logs().join("bench-lottery.proof");
    room.admitter.publish_lottery(&room.name, &proof).await?;
    let verify_seconds = verify(room, &proof).await?;
    Ok(Measured {
        front_seconds: last.duration_since(opens_at).as_secs_f64(),
        blocked_ms: blocked.as_secs_f64() * 1e3,
        verify_seconds,
        observed: json!({
            "all_at_their_places_s": rounded(moved_seconds),
            "first_let_in_s": front.iter().min().map(|first| rounded(first.duration_since(opens_at).as_secs_f64())),
            "longest_calls_of_redis": longest,
            "proof_bytes": std::fs::metadata(&proof)?.len(),
        }),
    })
}

async fn verify(room: &BenchRoom, proof: &Path) -> anyhow::Result<f64> {
    let began = Instant::now();
    let verifying = room.admitter.verify_lottery(proof);
    tokio::time::timeout(VERIFIED_WITHIN, verifying)
        .await
        .context("the draw takes too long to check")??;
    Ok(began.elapsed().as_secs_f64())
}
