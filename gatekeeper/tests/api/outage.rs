//! Redis goes away and comes back: polls go on from memory, joins are told to try again.

use std::path::Path;
use std::time::{Duration, Instant};

use devstack::stores::RedisServer;
use devstack::test_stores;
use reqwest::StatusCode;
use serde_json::Value;
use shared::redis_handle::Redis;
use shared::shutdown::Shutdown;

use crate::gate::{Gate, LONG, expect_problem, fast_room, text};

pub(crate) async fn redis(url: &str) -> Redis {
    let redis = Redis::connect(
        &url.parse().unwrap(),
        Duration::from_secs(10),
        &Shutdown::new(),
    );
    redis.wait_connected(LONG).await.unwrap();
    redis
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_is_away_polls_are_answered_from_memory_and_nothing_hangs() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("outage-{:08x}", rand::random::<u32>()));
    let mut server = RedisServer::start(test_stores::servers(), folder).unwrap();
    server.keep_every_write().unwrap();
    let gate = Gate::with(&server.url(), &fast_room(), &[]).await;
    let (ada, bob) = (
        text(&gate.join("ada").await, "token"),
        text(&gate.join("bob").await, "token"),
    );
    gate.poll_until(&bob, |document| document["position"] == 2)
        .await;
    server.kill().unwrap();
    gate.poll_until(&bob, |document| document["stale"] == true)
        .await;
    for _ in 0..50 {
        let began = Instant::now();
        let document = gate.poll(&bob).await;
        assert_eq!(
            (document["position"].as_u64(), document["stale"].as_bool()),
            (Some(2), Some(true))
        );
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "a poll waited for redis"
        );
    }
    expect_problem(gate.try_join("eve").await, 503, "line-unavailable").await;
    assert_eq!(gate.leave(&ada).await, StatusCode::SERVICE_UNAVAILABLE);
    let room: Value = gate.get("").await.json().await.unwrap();
    assert_eq!(room["stale"], true);

    server.restart().unwrap();
    let document = gate
        .poll_until(&bob, |document| document["stale"] == false)
        .await;
    assert_eq!(document["position"], 2, "nobody lost a place");
    assert_eq!(gate.join("eve").await["number"], 3);
    assert_eq!(gate.join("ada").await["number"], 1);
}
