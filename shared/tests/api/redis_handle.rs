//! The handle: deadlines, reconnection that nobody waits through, a Cluster.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use devstack::stores::{RedisCluster, RedisSentinels, RedisServer};
use devstack::test_stores;
use shared::redis_handle::{Redis, StoreError};
use shared::room::{Joined, Line, NewRoom, PromotionLimits};
use shared::shutdown::Shutdown;

use crate::{PRESENT, visitor};

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
        let joined = line.join(&[visitor(1), visitor(2)], PRESENT).await.unwrap();
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
    until_replicated(&redis, "kept").await;
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

/// Waits until a replica has what was written.
async fn until_replicated(redis: &Redis, key: &str) {
    let began = Instant::now();
    while !redis.wait_replicated(key, DEADLINE / 3).await.unwrap() {
        assert!(began.elapsed() < LONG, "the replica does not follow");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A port that takes connections and says `answer` to whatever comes first on each, and nothing else ever.
/// Returns its address and how many connections there were.
fn silent_port(answer: &'static str) -> (String, Arc<AtomicU32>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let count = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&count);
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept() {
            counter.fetch_add(1, Ordering::Relaxed);
            let mut heard = [0; 1024];
            if !answer.is_empty() && stream.read(&mut heard).is_ok() {
                let _ = stream.write_all(answer.as_bytes());
            }
            kept.push(stream);
        }
    });
    (address, count)
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_sentinels_do_not_keep_the_handle_from_the_master() {
    let set = RedisSentinels::start(test_stores::servers(), &folder("silent-sentinel")).unwrap();
    // As many as the client asks at the same time.
    let silent = [(); 3].map(|()| silent_port("").0).join(",");
    let before = format!("redis+sentinel://{silent},");
    let url = set.url().replacen("redis+sentinel://", &before, 1);
    let redis = Redis::connect(&url.parse().unwrap(), DEADLINE, &Shutdown::new());
    redis.wait_connected(LONG).await.unwrap();
    until_back(&redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_node_of_a_cluster_takes_only_its_own_rooms_with_it() {
    let mut cluster =
        RedisCluster::start(test_stores::servers(), &folder("silent-node"), 3).unwrap();
    for node in cluster.nodes() {
        let alone = Redis::connect(&node.url().parse().unwrap(), LONG, &Shutdown::new());
        alone.wait_connected(LONG).await.unwrap();
        let mut set = redis::cmd("CONFIG");
        set.arg(&["SET", "cluster-require-full-coverage", "no"]);
        alone.query::<()>(&set).await.unwrap();
    }
    let pid = cluster.nodes()[0].pid().unwrap();
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).unwrap();
    let redis = Redis::connect(&cluster.url().parse().unwrap(), DEADLINE, &Shutdown::new());
    let connected = redis.wait_connected(LONG).await;
    let began = Instant::now();
    let mut written = 0;
    // Of thirty names some are on the other nodes, whatever the first answers are.
    while connected.is_ok() && written < 5 && began.elapsed() < LONG {
        for name in 0..30 {
            let mut set = redis::cmd("SET");
            set.arg(format!("name-{name}")).arg(1);
            written += u32::from(redis.query::<()>(&set).await.is_ok());
        }
    }
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGCONT).unwrap();
    connected.unwrap();
    assert!(written >= 5, "only {written} were written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_connects_and_then_says_nothing_is_tried_anew() {
    // What a client says first are two commands about itself.
    let (address, connections) = silent_port("+OK\r\n+OK\r\n");
    let url = format!("redis://{address}").parse().unwrap();
    let redis = Redis::connect(&url, DEADLINE, &Shutdown::new());
    let began = Instant::now();
    while connections.load(Ordering::Relaxed) < 2 {
        assert!(began.elapsed() < LONG, "the first attempt never ends");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!redis.is_connected());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_without_its_replicas_is_no_master_and_a_full_one_is_away() {
    let server = RedisServer::start(test_stores::servers(), folder("alone")).unwrap();
    let redis = Redis::connect(&server.url().parse().unwrap(), DEADLINE, &Shutdown::new());
    redis.wait_connected(LONG).await.unwrap();
    let line = Line::new(redis.clone(), "main".parse().unwrap());
    line.create(&NewRoom::default()).await.unwrap();
    let mut named = 0;
    for (setting, bad, good) in [("maxmemory", "1", "0"), ("min-replicas-to-write", "1", "0")] {
        let set = async |value: &str| {
            let mut set = redis::cmd("CONFIG");
            set.arg(&["SET", setting, value]);
            let began = Instant::now();
            while redis.query::<()>(&set).await.is_err() {
                assert!(began.elapsed() < LONG, "not back");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        set(bad).await;
        let began = Instant::now();
        loop {
            // The server answers well before the deadline, and "no" is not an error of ours.
            named += 1;
            match line.join(&[visitor(named)], PRESENT).await {
                Err(StoreError::Unavailable(Some(_))) => break,
                Err(StoreError::Unavailable(None) | StoreError::Deadline(_)) => {}
                other => panic!("{setting}: {other:?}"),
            }
            assert!(began.elapsed() < LONG, "{setting}");
        }
        set(good).await;
        let began = Instant::now();
        while line.join(&[visitor(named)], PRESENT).await.is_err() {
            assert!(began.elapsed() < LONG, "{setting}: not back");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_were_told_outlive_the_failover() {
    let mut set = RedisSentinels::start(test_stores::servers(), &folder("told")).unwrap();
    let redis = Redis::connect(&set.url().parse().unwrap(), LONG / 10, &Shutdown::new());
    redis.wait_connected(LONG).await.unwrap();
    let line = Line::new(redis.clone(), "main".parse().unwrap());
    line.create(&NewRoom::default()).await.unwrap();
    until_replicated(&redis, "onsale:{main}:room").await;
    let replica = Redis::connect(
        &set.servers()[1].url().parse().unwrap(),
        LONG,
        &Shutdown::new(),
    );
    let mut replicated = 0;
    // The replica has each batch at the moment in which its numbers are told.
    for batch in 0..50 {
        let visitors: Vec<_> = (batch * 20..batch * 20 + 20).map(visitor).collect();
        let joined = line.join(&visitors, PRESENT).await.unwrap();
        if batch == 49 {
            set.servers()[0].kill().unwrap();
        }
        let mut known = redis::cmd("ZMSCORE");
        known.arg("onsale:{main}:waiting");
        for visitor in &visitors {
            known.arg(visitor.as_str());
        }
        let places: Vec<Option<u64>> = replica_of(&known, &replica).await;
        let told: Vec<_> = joined
            .visitors
            .iter()
            .map(|joined| match joined {
                Joined::New(number) => Some(number.0),
                other => panic!("{other:?}"),
            })
            .collect();
        // On a machine that let the replica stand still for a tenth of a second there is nothing to see.
        if joined.is_replicated {
            assert_eq!(places, told, "batch {batch}");
            replicated += 1;
        }
    }
    let began = Instant::now();
    let later = loop {
        match line.join(&[visitor(1_000)], PRESENT).await {
            Ok(joined) => break joined,
            Err(_failing_over) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
        assert!(began.elapsed() < 2 * LONG, "no new master");
    };
    let Joined::New(number) = later.visitors[0] else {
        panic!("{later:?}")
    };
    assert!(number.0 > 1_000, "a number that nobody has: {number:?}");
    assert!(replicated > 0, "never replicated");
}

/// What a replica answers; it may be busy with becoming the master.
async fn replica_of<T: redis::FromRedisValue>(command: &redis::Cmd, replica: &Redis) -> T {
    let began = Instant::now();
    loop {
        if let Ok(answer) = replica.query(command).await {
            return answer;
        }
        assert!(began.elapsed() < LONG, "the replica does not answer");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn joins_wait_for_a_replica_and_not_for_long() {
    let mut set = RedisSentinels::start(test_stores::servers(), &folder("hung-replica")).unwrap();
    let redis = Redis::connect(&set.url().parse().unwrap(), DEADLINE, &Shutdown::new());
    redis.wait_connected(LONG).await.unwrap();
    let line = Line::new(redis.clone(), "main".parse().unwrap());
    line.create(&NewRoom::default()).await.unwrap();
    until_replicated(&redis, "onsale:{main}:room").await;
    let pid = set.servers()[1].pid().unwrap();
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).unwrap();
    let began = Instant::now();
    let joined = line.join(&[visitor(1)], PRESENT).await;
    let waited = began.elapsed();
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGCONT).unwrap();
    assert!(
        waited >= Duration::from_millis(100),
        "told after {waited:?}, when no replica could have it"
    );
    assert_eq!(
        joined.unwrap().visitors,
        [Joined::New(shared::ids::Number(1))]
    );
}
