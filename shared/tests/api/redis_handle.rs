//! The handle: deadlines, reconnection that nobody waits through, a Cluster.

use std::path::Path;
use std::time::{Duration, Instant};

use devstack::stores::{RedisCluster, RedisSentinels, RedisServer};
use devstack::test_stores;
use shared::redis_handle::{Redis, StoreError};
use shared::room::{Joined, Line, NewRoom, PromotionLimits};
use shared::shutdown::Shutdown;

use crate::visitor;

const DEADLINE: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(30);

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{:08x}", rand::random::<u32>()))
}

async fn ping(redis: &Redis) -> Result<String, StoreError> {
    redis.query(&redis::cmd("PING")).await
}

/// Calls until it succeeds. Every single call must end by its deadline.
async fn until_back(redis: &Redis) {
    let began = Instant::now();
    while ping(redis).await.is_err() {
        assert!(began.elapsed() < LONG, "redis is back, the handle is not");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_redis_fails_at_once_and_works_again_when_redis_is_back() {
    let mut server = RedisServer::start(test_stores::servers(), folder("redis")).unwrap();
    let redis = Redis::connect(&server.url().parse().unwrap(), DEADLINE, &Shutdown::new());
    redis.wait_connected(LONG).await.unwrap();
    assert_eq!(ping(&redis).await.unwrap(), "PONG");
    server.kill().unwrap();
    let deadline = Instant::now() + LONG;
    while redis.is_connected() {
        assert!(Instant::now() < deadline, "the loss is not noticed");
        let _ = ping(&redis).await;
    }
    let began = Instant::now();
    for _ in 0..100 {
        assert!(matches!(
            ping(&redis).await,
            Err(StoreError::Unavailable(_))
        ));
    }
    assert!(
        began.elapsed() < 100 * DEADLINE / 4,
        "calls wait although redis is known to be away"
    );
    server.restart().unwrap();
    until_back(&redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_costs_no_more_than_the_deadline() {
    let server = RedisServer::start(test_stores::servers(), folder("hang")).unwrap();
    let redis = Redis::connect(&server.url().parse().unwrap(), DEADLINE, &Shutdown::new());
    redis.wait_connected(LONG).await.unwrap();
    let pid = nix::unistd::Pid::from_raw(i32::try_from(server.pid().unwrap()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).unwrap();
    let mut failed = 0;
    for _ in 0..5 {
        let began = Instant::now();
        failed += u32::from(ping(&redis).await.is_err());
        assert!(
            began.elapsed() < DEADLINE + Duration::from_secs(2),
            "a call outlived its deadline"
        );
    }
    assert_eq!(failed, 5);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGCONT).unwrap();
    until_back(&redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_became_a_replica_is_let_go_of() {
    let master = RedisServer::start(test_stores::servers(), folder("master")).unwrap();
    let other = RedisServer::start(test_stores::servers(), folder("other")).unwrap();
    let redis = Redis::connect(&master.url().parse().unwrap(), DEADLINE, &Shutdown::new());
    redis.wait_connected(LONG).await.unwrap();
    let mut demote = redis::cmd("REPLICAOF");
    redis
        .query::<()>(demote.arg("127.0.0.1").arg(other.port()))
        .await
        .unwrap();
    let began = Instant::now();
    while redis.is_connected() {
        assert!(began.elapsed() < LONG, "still connected to a replica");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_works_on_a_cluster_of_three_nodes() {
    let cluster = RedisCluster::start(test_stores::servers(), &folder("cluster"), 3).unwrap();
    let redis = Redis::connect(
        &cluster.url().parse().unwrap(),
        Duration::from_secs(5),
        &Shutdown::new(),
    );
    redis.wait_connected(LONG).await.unwrap();
    // Rooms with different names are on different nodes; every script must stay on one slot.
    for name in ["alpha", "beta", "gamma", "delta"] {
        let line = Line::new(redis.clone(), name.parse().unwrap());
        let settings = NewRoom {
            rate_per_second: Some(1_000.0),
            ..NewRoom::default()
        };
        assert!(line.create(&settings).await.unwrap());
        let joined = line.join(&[visitor(1), visitor(2)]).await.unwrap().unwrap();
        assert!(
            joined
                .visitors
                .iter()
                .all(|joined| matches!(joined, Joined::New(_)))
        );
        let limits = PromotionLimits {
            tick: Duration::from_millis(50),
            at_once: 10,
        };
        let began = Instant::now();
        while line.promote(limits).await.unwrap().unwrap().waiting > 0 {
            assert!(began.elapsed() < LONG);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(line.snapshot(100).await.unwrap().unwrap().active, 2);
        assert!(line.evict(&visitor(1)).await.unwrap());
        assert!(line.remove().await.unwrap());
    }
}

#[tokio::test]
async fn nobody_waits_for_a_redis_that_was_never_there() {
    let url = "redis://127.0.0.1:1".parse().unwrap();
    let redis = Redis::connect(&url, DEADLINE, &Shutdown::new());
    assert!(matches!(
        ping(&redis).await,
        Err(StoreError::Unavailable(_))
    ));
    assert!(
        redis
            .wait_connected(Duration::from_millis(50))
            .await
            .is_err()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_sentinels_the_handle_follows_the_new_master() {
    let mut set = RedisSentinels::start(test_stores::servers(), &folder("sentinels")).unwrap();
    let redis = Redis::connect(&set.url().parse().unwrap(), DEADLINE, &Shutdown::new());
    redis.wait_connected(LONG).await.unwrap();
    // Acknowledged by the replica, so that the failover cannot lose it.
    redis
        .query::<()>(redis::cmd("SET").arg("kept").arg("yes"))
        .await
        .unwrap();
    let mut wait = redis::cmd("WAIT");
    let began = Instant::now();
    while redis.query::<u32>(wait.arg(1).arg(100)).await.unwrap() < 1 {
        assert!(began.elapsed() < LONG, "the replica does not follow");
        wait = redis::cmd("WAIT");
    }
    set.servers()[0].kill().unwrap();
    let began = Instant::now();
    loop {
        let called = Instant::now();
        let written = redis
            .query::<()>(redis::cmd("SET").arg("after").arg("too"))
            .await;
        assert!(
            called.elapsed() < DEADLINE + Duration::from_secs(2),
            "a call outlived its deadline"
        );
        if written.is_ok() {
            break;
        }
        assert!(began.elapsed() < 2 * LONG, "the new master is not found");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let kept: String = redis.query(redis::cmd("GET").arg("kept")).await.unwrap();
    assert_eq!(kept, "yes");
}
