//! Tests of what is shared, on real stores.
#![expect(clippy::unwrap_used, reason = "tests")]

mod architecture;
mod keys;
mod redis_handle;
mod room;
mod server;
mod supply_chain;
mod tokens;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use shared::ids::{Number, RoomName, VisitorId};
use shared::redis_handle::Redis;
use shared::room::{ClaimOutcome, ClaimRequest, Line, NewRoom, Promise};
use shared::shutdown::Shutdown;

/// A connection to the Redis of this test run.
async fn redis() -> Redis {
    let url = devstack::test_stores::redis_url().parse().unwrap();
    let redis = Redis::connect(&url, Duration::from_secs(10), &Shutdown::new());
    redis.wait_connected(Duration::from_secs(30)).await.unwrap();
    redis
}

/// A room of this test alone.
async fn new_room(settings: &NewRoom) -> Line {
    static ROOMS: AtomicU64 = AtomicU64::new(0);
    let count = ROOMS.fetch_add(1, Ordering::Relaxed);
    let name: RoomName = format!(
        "t-{}-{count}-{:08x}",
        std::process::id(),
        rand::random::<u32>()
    )
    .parse()
    .unwrap();
    let line = Line::new(redis().await, name);
    assert!(line.create(settings).await.unwrap());
    line
}

/// The keys of a room that nothing but a command will ever remove.
async fn kept_for_ever(line: &Line) -> Vec<String> {
    let redis = redis().await;
    let mut pattern = redis::cmd("KEYS");
    pattern.arg(format!("onsale:{{{}}}:*", line.room()));
    let mut kept = Vec::new();
    for key in redis.query::<Vec<String>>(&pattern).await.unwrap() {
        let left: i64 = redis.query(redis::cmd("PTTL").arg(&key)).await.unwrap();
        if left == -1 {
            kept.push(key);
        }
    }
    kept
}

/// What is promised by those whose absence a test is not about.
const PRESENT: Promise = Promise::of(Duration::from_secs(60));

/// A field of the room's hash.
async fn field(line: &Line, name: &str) -> Option<String> {
    let mut get = redis::cmd("HGET");
    get.arg(format!("onsale:{{{}}}:room", line.room()))
        .arg(name);
    redis().await.query(&get).await.unwrap()
}

/// Moves what only time would move.
async fn set_field(line: &Line, name: &str, value: &str) {
    let mut set = redis::cmd("HSET");
    set.arg(format!("onsale:{{{}}}:room", line.room()))
        .arg(name)
        .arg(value);
    redis().await.query::<i64>(&set).await.unwrap();
}

async fn life(line: &Line) -> u64 {
    line.snapshot(0).await.unwrap().unwrap().settings.life
}

/// What has become of a visitor with a good token of the room's present life.
async fn claim(line: &Line, who: u64, number: u64) -> ClaimOutcome {
    let request = ClaimRequest {
        visitor: visitor(who),
        number: Number(number),
        life: life(line).await,
    };
    line.claim(&[request]).await.unwrap().remove(0)
}

fn visitor(number: u64) -> VisitorId {
    format!("visitor-{number}").parse().unwrap()
}
