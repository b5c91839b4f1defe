//! P3: joins, each with a user token of its own, as a share of a bare hyper server that returns the same bytes.

use std::sync::Arc;

use anyhow::{Context, bail};
use http::StatusCode;
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::ground::Ground;
use super::lanes::{self, Lane, Side};
use super::report::{AgainstFloor, BenchReport, Outcome, Round, Series};
use super::requests;
use super::room::{self, BenchRoom, Pace};
use super::servers::{NO_ADDRESS_LIMIT_SAID, SAME_CLIENT_SAID, Server};
use super::wire::Wire;
use crate::client::Outgoing;
use crate::tokens::Minter;

const RATIO_BOUND: f64 = 0.25;
/// So many that a few seconds in which the machine is slower, floor and all, do not decide.
const ROUNDS: usize = 31;
/// Joins gather for a millisecond before they go to Redis: with fewer at once that would be what is measured.
const CONNECTIONS: usize = 256;
const JOINS_PER_CONNECTION: usize = 80;
const JOINS: usize = CONNECTIONS * JOINS_PER_CONNECTION;

pub(super) async fn measure(
    ground: &Ground,
    stop: &CancellationToken,
) -> anyhow::Result<BenchReport> {
    let pace = Pace {
        rate_per_second: 100,
        capacity: None,
    };
    let rounds = room::in_a_room(ground, "p3", pace, stop, async |room| {
        in_room(ground, room).await
    })
    .await?;
    let observed = json!({ "user_tokens": JOINS * (ROUNDS + 1), "joins_per_round": JOINS });
    let series = Series::new("joins".to_owned(), None, rounds, observed);
    let conditions = json!({
        "client": "the crowds' own (hyper), closed loop, own process, kept connections, one request at a time",
        "connections": CONNECTIONS,
        "setup": format!("{NO_ADDRESS_LIMIT_SAID}; {CONNECTIONS} connections, closed loop, {SAME_CLIENT_SAID}"),
    });
    Ok(BenchReport {
        name: "P3",
        description: "joins, each with a user token of its own, as a share of bare hyper",
        outcome: Outcome::AgainstFloor(AgainstFloor::new(
            "joins a second",
            RATIO_BOUND,
            vec![series],
        )),
        conditions: ground.conditions(conditions).await,
    })
}

async fn in_room(ground: &Ground, room: &BenchRoom) -> anyhow::Result<Vec<Round>> {
    let gatekeeper = Server::gatekeeper(ground, &[]).await?;
    let minter = Arc::new(ground.minter()?);
    let user_token = minter.buyer(&uuid::Uuid::now_v7().to_string())?;
    let mut wire = Wire::open(gatekeeper.address, None).await?;
    let floor = Server::floor(
        ground,
        &wire.ask(&requests::join(&room.name, &user_token)).await?,
    )
    .await?;
    let mut joining = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        joining.push(Joining {
            lane: Lane::new(floor.address, gatekeeper.address),
            requests: Vec::new(),
        });
    }
    let before = room.numbers().await?;
    // One round more, which is not counted, for warmth.
    let rounds = lanes::interleaved(ROUNDS + 1, async |side| {
        if side == Side::Floor {
            hand_out(&mut joining, requests(&minter, &room.name).await?);
        }
        lanes::phase(&mut joining, |joining| joining.send_all(side)).await
    });
    let rounds = rounds.await?.split_off(1);
    let joined = room.numbers().await? - before;
    if usize::try_from(joined)? != JOINS * (ROUNDS + 1) {
        bail!(
            "{joined} numbers were given for {} joins that were answered",
            JOINS * (ROUNDS + 1)
        );
    }
    Ok(rounds)
}

/// As many joins as there are in a round, made by all processors before the clock starts.
async fn requests(minter: &Arc<Minter>, room: &str) -> anyhow::Result<Vec<Outgoing>> {
    let mut tasks = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (minter, room) = (Arc::clone(minter), room.to_owned());
        tasks.spawn(async move {
            let request = |_| {
                let user_token = minter.buyer(&uuid::Uuid::now_v7().to_string())?;
                requests::outgoing_join(&room, &user_token)
            };
            (0..JOINS_PER_CONNECTION)
                .map(request)
                .collect::<anyhow::Result<Vec<_>>>()
        });
    }
    let mut all = Vec::with_capacity(JOINS);
    while let Some(made) = tasks.join_next().await {
        all.extend(made.context("a minter died")??);
    }
    Ok(all)
}

/// One loop of joins.
struct Joining {
    lane: Lane,
    requests: Vec<Outgoing>,
}

fn hand_out(joining: &mut [Joining], requests: Vec<Outgoing>) {
    let mut requests = requests.into_iter();
    for joining in joining {
        joining.requests = requests.by_ref().take(JOINS_PER_CONNECTION).collect();
    }
}

impl Joining {
    async fn send_all(mut self, side: Side) -> anyhow::Result<(Self, u32)> {
        let lane = &mut self.lane;
        for request in &self.requests {
            let reply = lane.ask(side, request).await?;
            if reply.status != StatusCode::CREATED {
                bail!(
                    "a join was answered {}: {}",
                    reply.status,
                    String::from_utf8_lossy(&reply.body)
                );
            }
        }
        let answered = u32::try_from(self.requests.len())?;
        Ok((self, answered))
    }
}
