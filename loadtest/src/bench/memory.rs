//! P6: memory of Redis for each waiting visitor, and of the gatekeeper for each connection that does nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::ground::Ground;
use super::redis_info::RedisInfo;
use super::report::{BenchReport, Bounded, Figure, Outcome, rounded};
use super::requests;
use super::room::{self, BenchRoom, PRESENT_THROUGHOUT, Pace};
use super::servers::{EARLY_POLLS_ALLOWED, Server};
use super::sources;
use super::visitors::{self, Visitor};
use super::wire::Wire;
use crate::descriptors;

const JOINS: u64 = 200_000;
const ROUNDS: u64 = 5;
const BOUND_BYTES_PER_VISITOR: f64 = 250.0;

const CONNECTIONS: u16 = 10_000;
const BOUND_BYTES_PER_CONNECTION: f64 = 30_000.0;
/// Polls before the first look, so that what a gatekeeper needs once is not counted.
const WARMING_POLLS: usize = 1_000;
/// Beats, timers and allocators come to rest.
const REST: Duration = Duration::from_secs(2);

pub(super) async fn measure(
    ground: &Ground,
    stop: &CancellationToken,
) -> anyhow::Result<BenchReport> {
    descriptors::make_room_for(CONNECTIONS.into())?;
    let pace = Pace {
        rate_per_second: 100,
        capacity: None,
    };
    let in_redis = room::in_a_room(ground, "p6", pace, stop, async |room| {
        in_redis(ground, room).await
    })
    .await?;
    let connections = room::in_a_room(ground, "p6", pace, stop, async |room| {
        connections(ground, room).await
    })
    .await?;
    let conditions = json!({
        "joins": JOINS,
        "setup": "one run; no limit by address",
        "visitor_ids": "36 characters, as accounts have them",
        "connections": CONNECTIONS,
        "connection": "kept after one poll with a waiting token of its own, which is remembered",
        "bytes_per_visitor_by_key": in_redis.by_key,
    });
    Ok(BenchReport {
        name: "P6",
        description: "memory: bytes of Redis a waiting visitor, bytes of the gatekeeper an idle connection",
        outcome: Outcome::Bounded(Bounded {
            value: in_redis.bytes_per_visitor,
            bound: BOUND_BYTES_PER_VISITOR,
            unit: "B of Redis a waiting visitor",
            rounds: in_redis.rounds,
            figures: connections.into(),
        }),
        conditions: ground.conditions(conditions).await,
    })
}

/// What a line takes in Redis.
struct InRedis {
    bytes_per_visitor: f64,
    rounds: Vec<Value>,
    /// The same by the names of the keys.
    by_key: Value,
}

async fn in_redis(ground: &Ground, room: &BenchRoom) -> anyhow::Result<InRedis> {
    let mut redis = RedisInfo::connect(&ground.stack.redis).await?;
    let first = redis.used_memory().await?;
    let (mut rounds, mut last) = (Vec::new(), first);
    for _ in 0..ROUNDS {
        room.fill(JOINS / ROUNDS, PRESENT_THROUGHOUT).await?;
        let now = redis.used_memory().await?;
        rounds.push(json!({ "joins": JOINS / ROUNDS, "bytes_per_visitor": each(now - last, JOINS / ROUNDS) }));
        last = now;
    }
    let mut by_key = serde_json::Map::new();
    for (key, bytes) in redis
        .memory_by_key(&format!("onsale:{{{}}}:", room.name))
        .await?
    {
        by_key.insert(key, each(bytes, JOINS).into());
    }
    Ok(InRedis {
        bytes_per_visitor: each(last - first, JOINS),
        rounds,
        by_key: by_key.into(),
    })
}

/// What a connection that does nothing takes, and one with a stream.
async fn connections(ground: &Ground, room: &BenchRoom) -> anyhow::Result<[Figure; 2]> {
    let minter = Arc::new(ground.minter()?);
    // They join elsewhere: what a join leaves behind in an allocator is not measured.
    let elsewhere = Server::gatekeeper(ground, &[]).await?;
    let count = CONNECTIONS.into();
    let visitors = visitors::gather(elsewhere.address, &minter, &room.name, count).await?;
    drop(elsewhere);
    let figure = |what: &str, bytes| Figure {
        what: format!("memory of the gatekeeper with {CONNECTIONS} {what}, each"),
        value: each(bytes, CONNECTIONS.into()),
        bound: Some(BOUND_BYTES_PER_CONNECTION),
        unit: "B",
    };
    let idle = taken(
        ground,
        &visitors,
        async |wire: &mut Wire, visitor: &Visitor| Ok(wire.ask(&visitor.poll).await?.status),
    );
    let idle = figure("idle connections", idle.await?);
    let streams = taken(
        ground,
        &visitors,
        async |wire: &mut Wire, visitor: &Visitor| {
            let request = requests::events(&room.name, &visitor.waiting_token);
            Ok(wire.open_stream(&request).await?)
        },
    );
    Ok([idle, figure("open streams", streams.await?)])
}

/// By how many bytes a fresh gatekeeper grows when each visitor has a connection of their own and asks something on it.
async fn taken(
    ground: &Ground,
    visitors: &[Visitor],
    ask: impl AsyncFn(&mut Wire, &Visitor) -> anyhow::Result<u16>,
) -> anyhow::Result<u64> {
    let gatekeeper = Server::gatekeeper(ground, &[EARLY_POLLS_ALLOWED]).await?;
    warm(gatekeeper.address, &visitors[0]).await?;
    let before = resident_bytes(gatekeeper.pid())?;
    let mut open = Vec::with_capacity(visitors.len());
    for (visitor, from) in visitors.iter().zip(sources::all()) {
        let mut wire = Wire::open(gatekeeper.address, Some(from)).await?;
        let status = ask(&mut wire, visitor).await?;
        if status != 200 {
            bail!("a connection was answered {status}");
        }
        open.push(wire);
    }
    tokio::time::sleep(REST).await;
    let after = resident_bytes(gatekeeper.pid())?;
    drop(open);
    Ok(after.saturating_sub(before))
}

async fn warm(gatekeeper: SocketAddr, visitor: &Visitor) -> anyhow::Result<()> {
    let mut wire = Wire::open(gatekeeper, None).await?;
    for _ in 0..WARMING_POLLS {
        wire.ask(&visitor.poll).await?;
    }
    Ok(())
}

/// The resident set of a process, as Linux tells it.
fn resident_bytes(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    parse_resident(&status).with_context(|| format!("{path} has no VmRSS"))
}

fn parse_resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}

fn each(bytes: u64, count: u64) -> f64 {
    let float = |whole: u64| f64::from(u32::try_from(whole).unwrap_or(u32::MAX));
    rounded(float(bytes) / float(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resident_set_is_read_in_bytes() {
        assert_eq!(
            parse_resident("VmPeak:\t 9 kB\nVmRSS:\t  12 kB\n"),
            Some(12 << 10)
        );
        assert_eq!(parse_resident("VmPeak:\t 9 kB\n"), None);
    }
}
