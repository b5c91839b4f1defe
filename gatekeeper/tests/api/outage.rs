//! Redis goes away and comes back: polls go on from memory, joins are told to try again.

use std::path::Path;
use std::time::{Duration, Instant};

use devstack::stores::RedisServer;
use devstack::test_stores;
use reqwest::StatusCode;
use serde_json::Value;
use shared::redis_handle::Redis;
use shared::shutdown::Shutdown;

use crate::gate::{Gate, LONG, Process, expect_problem, fast_room, text};

pub(crate) async fn redis(url: &str) -> Redis {
    let redis = Redis::connect(
        &url.parse().unwrap(),
        Duration::from_secs(10),
        &Shutdown::new(),
    );
    redis.wait_connected(LONG).await.unwrap();
    redis
}

pub(crate) fn own_server() -> RedisServer {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("outage-{:08x}", rand::random::<u32>()));
    RedisServer::start(test_stores::servers(), folder).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_is_away_polls_are_answered_from_memory_and_nothing_hangs() {
    let mut server = own_server();
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
    let number = gate.join("eve").await["number"].as_u64().unwrap();
    assert!(number > 2, "a number that nobody has: {number}");
    assert_eq!(gate.join("ada").await["number"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_since_its_start_a_gatekeeper_believes_a_good_admission_token() {
    let mut server = own_server();
    let gate = Gate::with(&server.url(), &fast_room(), &[]).await;
    let (document, waiting) = gate.admitted("ada").await;
    let admission = text(&document, "admission_token");
    server.kill().unwrap();
    let blind = Process::start(&server.url(), &[]).await;
    let ask = async |token: &str| {
        let path = gate.room_path();
        let url = format!("http://{}{path}/admission", blind.address);
        let request = gate.http.get(url).header("admission-token", token);
        request.send().await.unwrap()
    };
    assert_eq!(ask(&admission).await.status(), StatusCode::NO_CONTENT);
    expect_problem(ask(&waiting).await, 401, "admission-token-invalid").await;
    blind.shutdown.soft().cancel();
    blind.shutdown.hard().cancel();
}
