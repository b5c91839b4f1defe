//! Presence moved by hand: what only time and an admitter would do.

use std::time::Duration;

use redis::{Cmd, FromRedisValue, cmd};

use crate::gate::Gate;

async fn query<T: FromRedisValue>(command: &Cmd) -> T {
    let redis = crate::outage::redis(&devstack::test_stores::redis_url()).await;
    redis.query(command).await.unwrap()
}

fn room_key(gate: &Gate) -> String {
    format!("onsale:{{{}}}:room", gate.line.room())
}

/// When beats arrived last, by the clock of Redis.
pub(crate) async fn clock_at(gate: &Gate) -> Option<String> {
    query(cmd("HGET").arg(room_key(gate)).arg("clock_at_ms")).await
}

/// As if beats of others had arrived for so long.
pub(crate) async fn pass(gate: &Gate, time: Duration) {
    let key = room_key(gate);
    // Where the presence clock of a new room stands.
    let begins = 3_600_000;
    query::<i64>(cmd("HSETNX").arg(&key).arg("clock_ms").arg(begins)).await;
    let millis = u64::try_from(time.as_millis()).unwrap();
    query::<i64>(cmd("HINCRBY").arg(&key).arg("clock_ms").arg(millis)).await;
}

/// Takes out of the line who has missed the promise, as an admitter does.
pub(crate) async fn sweep(gate: &Gate) {
    if let Some(chunk) = gate.line.promised(0).await.unwrap() {
        gate.line.sweep(&chunk.overdue(500)).await.unwrap();
    }
}
