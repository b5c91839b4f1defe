//! P2: Redis commands per 1,000 polls, as the slope over an idle baseline: snapshots and ticks go on
//! whether anybody polls or not.

mod pollers;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ground::Ground;
use super::redis_info::{RedisInfo, Work};
use super::report::{BenchReport, Bounded, Figure, Outcome, median, rounded, sorted};
use super::servers::{EARLY_POLLS_ALLOWED, NO_ADDRESS_LIMIT_SAID, Server};
use crate::stage::{Admitter, ROOM_SPREADS};
use pollers::Pollers;

const BOUND: f64 = 10.0;
const ROUNDS: usize = 5;
/// How long nobody polls, and how long everybody does.
const PHASE: Duration = Duration::from_secs(5);
/// Beats of the last polls reach Redis within a second; they belong to the polls.
const TAIL: Duration = Duration::from_millis(1_500);

/// Joins visitors to a paused room of its own and counts what Redis does while they poll.
pub(super) async fn measure(
    ground: &Ground,
    stop: &CancellationToken,
) -> anyhow::Result<BenchReport> {
    let admitter = Admitter::of(&ground.stack);
    let unique = uuid::Uuid::now_v7().simple().to_string();
    let room = format!("lt-p2-{}", &unique[unique.len() - 8..]);
    admitter.create(&room, 1, None).await?;
    let measured = stop
        .run_until_cancelled(Box::pin(in_room(ground, &admitter, &room)))
        .await;
    let removed = admitter.remove(&room).await;
    let report = measured.unwrap_or_else(|| Err(anyhow::anyhow!("stopped before the end")))?;
    removed?;
    Ok(report)
}

async fn in_room(ground: &Ground, admitter: &Admitter, room: &str) -> anyhow::Result<BenchReport> {
    // Nobody is let in meanwhile: admissions cost commands that are not those of polls.
    admitter.pause(room).await?;
    tokio::time::sleep(ROOM_SPREADS).await;
    let mut redis = RedisInfo::connect(&ground.stack.redis).await?;
    let gatekeeper = Server::gatekeeper(ground, &[EARLY_POLLS_ALLOWED]).await?;
    let mut pollers = Pollers::join(gatekeeper.address, &ground.minter()?, room).await?;
    // Who joined first has missed the first poll while the others joined. Coming back is no poll.
    pollers.poll_once().await?;
    tokio::time::sleep(TAIL).await;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(round(&mut redis, &mut pollers).await?);
    }
    let values = sorted(rounds.iter().map(|round| round.commands_per_1000_polls));
    let conditions = json!({
        "visitors": pollers::VISITORS,
        "polls_per_second": pollers::POLLS_PER_SECOND,
        "setup": format!("{NO_ADDRESS_LIMIT_SAID}, no early-poll rule; {} visitors, all of whom have polled before, {} polls a second", pollers::VISITORS, pollers::POLLS_PER_SECOND),
    });
    Ok(BenchReport {
        name: "P2",
        description: "Redis commands per 1,000 polls, as the slope over an idle baseline",
        outcome: Outcome::Bounded(Bounded {
            value: rounded(median(&values)),
            bound: BOUND,
            unit: "commands",
            rounds: rounds.iter().map(Round::json).collect(),
            figures: vec![Figure {
                what: "processor time of Redis for 1,000 polls, as the same slope".to_owned(),
                value: rounded(median(&sorted(
                    rounds.iter().map(|round| round.processor_us_per_1000_polls),
                ))),
                bound: None,
                unit: "µs",
            }],
        }),
        conditions: ground.conditions(conditions).await,
    })
}

/// An idle phase and a polling phase.
struct Round {
    idle_per_second: f64,
    polling_per_second: f64,
    polls: u32,
    commands_per_1000_polls: f64,
    processor_us_per_1000_polls: f64,
}

impl Round {
    fn json(&self) -> Value {
        json!({
            "idle_commands_per_second": rounded(self.idle_per_second),
            "polling_commands_per_second": rounded(self.polling_per_second),
            "polls": self.polls,
            "commands_per_1000_polls": rounded(self.commands_per_1000_polls),
            "redis_us_per_1000_polls": rounded(self.processor_us_per_1000_polls),
        })
    }
}

async fn round(redis: &mut RedisInfo, pollers: &mut Pollers) -> anyhow::Result<Round> {
    let (at, before) = (Instant::now(), redis.work().await?);
    tokio::time::sleep(PHASE).await;
    let idle = Rates::between(before, redis.work().await?, at.elapsed());

    let (at, before) = (Instant::now(), redis.work().await?);
    let polls = pollers.poll_for(PHASE).await?;
    tokio::time::sleep(TAIL).await;
    let took = at.elapsed();
    let polling = Rates::between(before, redis.work().await?, took);

    let thousands = f64::from(polls) / 1_000.0;
    let slope = |busy: f64, quiet: f64| (busy - quiet) * took.as_secs_f64() / thousands;
    Ok(Round {
        idle_per_second: idle.commands,
        polling_per_second: polling.commands,
        polls,
        commands_per_1000_polls: slope(polling.commands, idle.commands),
        processor_us_per_1000_polls: slope(polling.processor_us, idle.processor_us),
    })
}

/// Work per second.
struct Rates {
    commands: f64,
    processor_us: f64,
}

impl Rates {
    fn between(before: Work, after: Work, time: Duration) -> Self {
        let commands = u32::try_from(after.commands - before.commands).unwrap_or(u32::MAX);
        let processor = after.processor.saturating_sub(before.processor);
        Self {
            commands: f64::from(commands) / time.as_secs_f64(),
            processor_us: processor.as_secs_f64() * 1e6 / time.as_secs_f64(),
        }
    }
}
