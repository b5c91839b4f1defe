//! The daemon: two at once, killed, stopped, without Redis.

use std::path::Path;
use std::time::{Duration, Instant};

use devstack::stores::RedisCluster;
use devstack::test_stores;
use serde_json::{Value, json};
use shared::ids::Number;
use shared::redis_handle::Redis;
use shared::room::{ClaimOutcome, ClaimRequest, Line, NewRoom};

use crate::operator::{Daemon, LONG, Operator, connect, join};

/// Shows the room until `expected` holds.
async fn until(operator: &Operator, room: &str, expected: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let status = operator.json(&["status", room]);
        if expected(&status) {
            return status;
        }
        assert!(began.elapsed() < LONG, "last seen: {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// When each visitor was let in, milliseconds by the clock of Redis, in order of number.
async fn admitted_at(line: &Line, count: u64) -> Vec<i64> {
    let life = line.snapshot(0).await.unwrap().unwrap().settings.life;
    let requests: Vec<_> = (1..=count)
        .map(|number| ClaimRequest {
            visitor: format!("v-{number}").parse().unwrap(),
            number: Number(number),
            life,
        })
        .collect();
    let mut times = Vec::new();
    for some in requests.chunks(200) {
        for outcome in line.claim(some).await.unwrap() {
            if let ClaimOutcome::Admitted(admission) = outcome {
                times.push(admission.since_ms);
            }
        }
    }
    times
}

/// I8: no window of time holds more than the rate allows, plus the bucket.
fn assert_pace(times: &[i64], rate: f64) {
    let bucket = (0.3 * rate).max(1.0);
    for (first, &start) in times.iter().enumerate() {
        for (last, &end) in times.iter().enumerate().skip(first) {
            #[expect(clippy::cast_precision_loss, reason = "small figures")]
            let (seconds, count) = ((end - start + 1) as f64 / 1000.0, (last - first + 1) as f64);
            assert!(
                count <= rate * seconds + bucket + 1e-6,
                "{count} within {seconds} s"
            );
        }
    }
}

#[tokio::test]
async fn two_daemons_with_other_flags_give_one_rate_and_killing_one_changes_nothing() {
    let operator = Operator::new();
    operator.json(&["rooms", "create", "main"]);
    let line = operator.line("main").await;
    join(&line, 1, 600).await;
    let mut first = operator.daemon(&["--rate", "100", "--capacity", "1000"]);
    until(&operator, "main", |status| {
        status["admitted_total"].as_u64() > Some(0)
    })
    .await;
    let _second = operator.daemon(&["--rate", "400", "--capacity", "3"]);
    until(&operator, "main", |status| {
        status["admitted_total"].as_u64() >= Some(150)
    })
    .await;
    first.kill();
    let killed_at = Instant::now();
    let status = until(&operator, "main", |status| {
        status["admitted_total"].as_u64() >= Some(400)
    })
    .await;
    assert!(killed_at.elapsed() < LONG);
    assert_eq!(
        status["rate_per_second"], 100.0,
        "the second daemon's flags only fill what is unset"
    );
    let times = admitted_at(&line, 600).await;
    assert!(
        times.len() >= 400 && times.is_sorted(),
        "{} let in, in order",
        times.len()
    );
    assert_pace(&times, 100.0);
}

#[tokio::test]
async fn the_capacity_is_never_exceeded_and_freed_slots_are_filled() {
    let operator = Operator::new();
    operator.json(&[
        "rooms",
        "create",
        "main",
        "--rate",
        "1000",
        "--capacity",
        "10",
    ]);
    let line = operator.line("main").await;
    join(&line, 1, 40).await;
    let _daemon = operator.daemon(&[]);
    until(&operator, "main", |status| status["active"] == 10).await;
    for gone in 1..=10 {
        operator.json(&["evict", "main", &format!("v-{gone}")]);
        let status = operator.json(&["status", "main"]);
        assert!(status["active"].as_u64() <= Some(10), "{status}");
    }
    let status = until(&operator, "main", |status| status["admitted_total"] == 20).await;
    assert_eq!(
        (&status["active"], &status["waiting"]),
        (&json!(10), &json!(20))
    );
}

#[tokio::test]
async fn rate_and_pause_take_effect_while_it_runs() {
    let operator = Operator::new();
    operator.json(&["rooms", "create", "main", "--rate", "0"]);
    let line = operator.line("main").await;
    join(&line, 1, 500).await;
    let _daemon = operator.daemon(&[]);
    operator.json(&["rate", "main", "200"]);
    until(&operator, "main", |status| {
        status["admitted_total"].as_u64() > Some(20)
    })
    .await;
    operator.json(&["pause", "main"]);
    let paused = operator.json(&["status", "main"])["admitted_total"].clone();
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(
        operator.json(&["status", "main"])["admitted_total"],
        paused,
        "nobody is let in while paused"
    );
    operator.json(&["resume", "main"]);
    until(&operator, "main", |status| {
        status["admitted_total"].as_u64() > paused.as_u64()
    })
    .await;
}

#[tokio::test]
async fn rooms_of_the_file_are_made_and_defaults_filled_in() {
    let operator = Operator::new();
    let file = operator.folder.join("rooms.toml");
    std::fs::write(
        &file,
        "[[room]]\nname = \"a\"\nrate = 7\n[[room]]\nname = \"b\"\nanonymous = true\n",
    )
    .unwrap();
    let daemon = operator.daemon(&["--rooms", &file.display().to_string(), "--rate", "50"]);
    let began = Instant::now();
    while operator.json(&["rooms", "list"]).as_array().unwrap().len() < 2 {
        assert!(began.elapsed() < LONG);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let b = until(&operator, "b", |status| status["rate_per_second"] == 50.0).await;
    assert_eq!(b["anonymous"], true);
    assert_eq!(operator.json(&["status", "a"])["rate_per_second"], 7.0);
    let log = operator.json(&["log", "b"]);
    let logged: Vec<_> = log
        .as_array()
        .unwrap()
        .iter()
        .map(|change| json!([change["by"], change["what"]]))
        .collect();
    assert_eq!(
        logged,
        [json!(["admitter", "created"]), json!(["admitter", "rate"])]
    );
    assert!(daemon.terminate(), "SIGTERM ends it well");
}

#[tokio::test]
async fn redis_gone_and_back_the_daemon_goes_on_by_itself() {
    let mut operator = Operator::new();
    operator.json(&["rooms", "create", "main", "--rate", "100"]);
    join(&operator.line("main").await, 1, 2_000).await;
    let _daemon = operator.daemon(&[]);
    let before = until(&operator, "main", |status| {
        status["admitted_total"].as_u64() > Some(0)
    })
    .await;
    operator.server.kill().unwrap();
    tokio::time::sleep(Duration::from_millis(700)).await;
    operator.server.restart().unwrap();
    let began = Instant::now();
    while !operator.run(&["status"]).status.success() {
        assert!(began.elapsed() < LONG);
    }
    until(&operator, "main", |status| {
        status["admitted_total"].as_u64()
            > before["admitted_total"].as_u64().map(|before| before + 50)
    })
    .await;
    let times = admitted_at(&operator.line("main").await, 2_000).await;
    assert_pace(&times, 100.0);
}

#[tokio::test]
async fn a_room_that_is_gone_is_no_longer_counted() {
    let operator = Operator::new();
    operator.json(&["rooms", "create", "main", "--rate", "0"]);
    join(&operator.line("main").await, 1, 3).await;
    let daemon = operator.daemon(&[]);
    let until_waiting = async |expected| {
        let began = Instant::now();
        while daemon.figure("onsale_room_waiting", "main") != Some(expected) {
            assert!(began.elapsed() < LONG, "never {expected}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    until_waiting(3.0).await;
    operator.json(&["rooms", "remove", "main"]);
    until_waiting(0.0).await;
}

#[tokio::test]
async fn of_several_daemons_one_shows_the_gauges_of_a_room() {
    let operator = Operator::new();
    operator.json(&["rooms", "create", "main", "--rate", "0"]);
    join(&operator.line("main").await, 1, 3).await;
    let mut daemons = [operator.daemon(&[]), operator.daemon(&[])];
    let shown = |daemons: &[Daemon]| {
        let figures = daemons
            .iter()
            .map(|daemon| daemon.figure("onsale_room_waiting", "main"));
        figures
            .map(|figure| figure.unwrap_or(0.0))
            .collect::<Vec<_>>()
    };
    let until_shown = async |daemons: &[Daemon]| {
        let began = Instant::now();
        while shown(daemons).iter().sum::<f64>() < 3.0 {
            assert!(began.elapsed() < LONG, "nobody shows it");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    until_shown(&daemons).await;
    for _ in 0..20 {
        let shown = shown(&daemons);
        assert!(shown.iter().sum::<f64>() <= 3.0, "{shown:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let [first, second] = &mut daemons;
    let (shows, other) = if shown(std::slice::from_ref(first)) == [3.0] {
        (first, second)
    } else {
        (second, first)
    };
    shows.kill();
    until_shown(std::slice::from_ref(other)).await;
}

const NODES: usize = 3;

/// Which node of the cluster has the key; devstack shares the slots evenly.
async fn owner(redis: &Redis, key: &str) -> usize {
    let mut ask = redis::cmd("CLUSTER");
    let slot: usize = redis.query(ask.arg("KEYSLOT").arg(key)).await.unwrap();
    let has = |node: &usize| (node * 16_384 / NODES..(node + 1) * 16_384 / NODES).contains(&slot);
    (0..NODES).find(has).unwrap()
}

/// A name that begins with `prefix`, of a room that `node` has.
async fn room_on(redis: &Redis, prefix: &str, node: usize) -> String {
    for count in 0.. {
        let name = format!("{prefix}-{count}");
        if owner(redis, &format!("{{{name}}}")).await == node {
            return name;
        }
    }
    unreachable!("slots are spread")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_a_cluster_that_is_away_stalls_its_own_rooms_alone() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("admitter-cluster-{:08x}", rand::random::<u32>()));
    let mut cluster = RedisCluster::start(test_stores::servers(), &folder, NODES).unwrap();
    let mut one = None;
    for node in cluster.nodes() {
        let node = connect(&node.url()).await;
        let mut set = redis::cmd("CONFIG");
        set.arg(&["SET", "cluster-require-full-coverage", "no"]);
        node.query::<()>(&set).await.unwrap();
        one = Some(node);
    }
    let one = one.unwrap();
    // The list of rooms stays.
    let stays = owner(&one, "onsale:rooms").await;
    let goes = (stays + 1) % NODES;
    // The list is in order of name: the room that is away comes first.
    let away = room_on(&one, "a", goes).await;
    let there = room_on(&one, "b", stays).await;
    let redis = connect(&cluster.url()).await;
    let away = Line::new(redis.clone(), away.parse().unwrap());
    away.create(&NewRoom::default()).await.unwrap();
    cluster.nodes()[goes].kill().unwrap();
    let there = Line::new(redis, there.parse().unwrap());
    let began = Instant::now();
    while there.create(&NewRoom::default()).await.is_err() {
        assert!(began.elapsed() < LONG, "the room cannot be made");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let _daemon = Daemon::start(&cluster.url(), &["--rate", "100"]);
    let visitor = "v-1".parse().unwrap();
    let began = Instant::now();
    loop {
        // Meanwhile the survivors find out about the dead, so a call may fail.
        let _ = there
            .join(
                std::slice::from_ref(&visitor),
                shared::room::Promise::of(Duration::from_secs(60)),
            )
            .await;
        let snapshot = there.snapshot(0).await.ok().flatten();
        if snapshot.is_some_and(|snapshot| snapshot.settings.admitted_total > 0) {
            break;
        }
        assert!(began.elapsed() < LONG, "nobody is let in");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
