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

#[tokio::test(flavor = "multi_thread")]
async fn while_a_lost_room_is_written_back_nobody_is_turned_away() {
    let gate = Gate::start().await;
    let (ada, bob) = (
        text(&gate.join("ada").await, "token"),
        text(&gate.join("bob").await, "token"),
    );
    // Ada has been let in and asks for it, Bob waits.
    gate.admit(1).await;
    gate.poll_until(&bob, |document| document["position"] == 1)
        .await;
    let (done, mut joins) = (tokio_util::sync::CancellationToken::new(), 0_u32);
    let polling = async {
        let mut stale = 0_u32;
        while !done.is_cancelled() {
            for token in [&ada, &bob] {
                let answer = gate.try_poll(token).await;
                assert_eq!(answer.status(), StatusCode::OK);
                let document: Value = answer.json().await.unwrap();
                assert!(
                    ["waiting", "admitted"]
                        .iter()
                        .any(|state| document["state"] == *state),
                    "{document}"
                );
                stale += u32::from(document["stale"] == true);
            }
        }
        stale
    };
    let losing = async {
        let redis = redis(&devstack::test_stores::redis_url()).await;
        // At once, as a Redis that comes back empty: a key that is written between a list and a deletion would stay.
        let mut deletion = redis::cmd("EVAL");
        deletion
            .arg("return redis.call('DEL', unpack(redis.call('KEYS', ARGV[1])))")
            .arg(0)
            .arg(format!("onsale:{{{}}}:*", gate.line.room()));
        redis.query::<u64>(&deletion).await.unwrap();
        let began = Instant::now();
        // Whoever comes in that moment is told to try again, and then has a number.
        while gate.line.snapshot(0).await.unwrap().is_none() {
            let answer = gate.try_join(&format!("eve-{joins}")).await;
            assert!(
                [
                    StatusCode::SERVICE_UNAVAILABLE,
                    StatusCode::CREATED,
                    StatusCode::OK
                ]
                .contains(&answer.status()),
                "{}",
                answer.status()
            );
            joins += 1;
            assert!(began.elapsed() < LONG, "not written back");
        }
        assert!(gate.try_join("eve").await.status().is_success());
        done.cancel();
    };
    let (stale, ()) = tokio::join!(polling, losing);
    assert!(
        joins > 0 && stale > 0,
        "{joins} joins and {stale} polls meanwhile"
    );
    // Where nobody had noted yet that Ada had claimed, she stands in front of Bob again.
    let told = gate
        .poll_until(&ada, |document| document["stale"] != true)
        .await;
    let position = 1 + u32::from(told["state"] == "waiting");
    gate.poll_until(&bob, |document| {
        document["position"] == position && document["stale"] == false
    })
    .await;
}
