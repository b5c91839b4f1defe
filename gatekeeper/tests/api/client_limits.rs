//! How much a client may ask, and the whole process at once. What is too much is refused at once, says when to come
//! back, and costs nobody a place.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use devstack::stores::RedisServer;
use devstack::test_stores;
use futures_util::future::join_all;
use reqwest::{Method, Response, StatusCode};
use serde_json::json;
use shared::room::NewRoom;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::gate::{Gate, LONG, expect_problem, fast_room, text};
use crate::outage;

async fn gate(flags: &[&str]) -> Gate {
    Gate::with(&test_stores::redis_url(), &fast_room(), flags).await
}

/// Asks for the room with each of these `X-Forwarded-For`, all at once, and returns the answers.
async fn ask_at_once(gate: &Gate, forwarded: impl IntoIterator<Item = String>) -> Vec<Response> {
    let asking = forwarded.into_iter().map(|line| async move {
        let request = gate.request(Method::GET, "");
        request
            .header("x-forwarded-for", line)
            .send()
            .await
            .unwrap()
    });
    join_all(asking).await
}

fn refused(answers: &[Response]) -> usize {
    let refused = answers
        .iter()
        .filter(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS);
    refused.count()
}

/// How many answers were which problem; what is none counts as "ok".
async fn problems(answers: Vec<Response>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        let kind = if answer.status().is_success() {
            "ok".to_owned()
        } else {
            assert!(answer.headers().contains_key("retry-after"));
            let document: serde_json::Value = answer.json().await.unwrap();
            document["type"].as_str().unwrap().replace("/problems/", "")
        };
        *counts.entry(kind).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn without_trusted_proxies_a_forged_address_is_nobody_elses() {
    let gate = gate(&["--address-requests-per-second", "1"]).await;
    let forged = (0..60).map(|number| format!("198.51.100.{number}"));
    assert!(refused(&ask_at_once(&gate, forged).await) > 0);
}

#[tokio::test]
async fn behind_a_trusted_proxy_its_entry_counts_and_a_forged_one_does_not() {
    let gate = gate(&[
        "--address-requests-per-second",
        "1",
        "--trusted-proxies",
        "1",
    ])
    .await;
    let forged = (0..60).map(|number| format!("192.0.2.{number}, 198.51.100.7"));
    assert!(refused(&ask_at_once(&gate, forged).await) > 0);
    let others = (0..60).map(|number| format!("198.51.100.7, 192.0.2.{number}"));
    let others = ask_at_once(&gate, others).await;
    assert_eq!(
        refused(&others),
        0,
        "one at its ceiling does not hit others"
    );
}

#[tokio::test]
async fn an_address_that_asks_too_much_is_told_when_to_come_back_and_then_served() {
    let gate = gate(&[
        "--address-requests-per-second",
        "1",
        "--trusted-proxies",
        "1",
    ])
    .await;
    let ask = || ask_at_once(&gate, (0..60).map(|_| "198.51.100.7".to_owned()));
    let answers = ask().await;
    let refused = answers.into_iter().find(|answer| answer.status() == 429);
    let refused = refused.expect("60 at once are too many for one a second");
    let wait: u64 = refused.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=2).contains(&wait), "{wait} s");
    expect_problem(refused, 429, "rate-limited").await;
    tokio::time::sleep(Duration::from_secs(wait)).await;
    let again = ask_at_once(&gate, ["198.51.100.7".to_owned()]).await;
    assert_eq!(again[0].status(), 200);
}

#[tokio::test]
async fn a_user_who_joins_in_a_loop_is_stopped_and_keeps_the_place() {
    let gate = gate(&[]).await;
    let place = gate.join("ada").await;
    let answers = join_all((0..60).map(|_| gate.try_join("ada"))).await;
    let counts = problems(answers).await;
    assert!(
        counts["ok"] >= 19 && counts["rate-limited"] > 0,
        "{counts:?}"
    );
    let document = gate.poll(&text(&place, "token")).await;
    assert_eq!(
        (&document["state"], &document["number"]),
        (&json!("waiting"), &json!(1))
    );
    assert_eq!(gate.join("bob").await["number"], 2, "another one joins");
}

#[tokio::test]
async fn one_address_that_is_anonymous_over_and_over_takes_few_places() {
    let room = NewRoom {
        anonymous: true,
        ..fast_room()
    };
    let flags = [
        "--address-anonymous-joins-per-second",
        "1",
        "--trusted-proxies",
        "1",
    ];
    let gate = Gate::with(&test_stores::redis_url(), &room, &flags).await;
    let join = |address: &'static str, key: String| {
        let request = gate.request(Method::POST, "/visitors");
        let request = request.header("x-forwarded-for", address);
        async move { request.header("visitor-key", key).send().await.unwrap() }
    };
    let keys = (0..60).map(|number| format!("a-random-key-of-its-own-{number}"));
    let counts = problems(join_all(keys.map(|key| join("198.51.100.7", key))).await).await;
    assert!(
        (2..30).contains(&counts["ok"]) && counts["rate-limited"] >= 30,
        "{counts:?}"
    );
    let elsewhere = join("192.0.2.1", "another-random-key".to_owned()).await;
    assert_eq!(elsewhere.status(), 201, "others do not pay for it");
    let user = gate.request(Method::POST, "/visitors");
    let user = user.header("x-forwarded-for", "198.51.100.7");
    let user = user.bearer_auth(gate.user_token("ada")).send().await;
    assert_eq!(
        user.unwrap().status(),
        201,
        "nor does who says who they are"
    );
}

/// A join looks its visitor up among those who wait, who are absent, and in both parts of the lobby.
const LOOKS_OF_A_JOIN: usize = 4;

#[tokio::test]
async fn a_user_who_joins_in_a_loop_is_no_load_on_redis() {
    let folder = format!("limits-{:08x}", rand::random::<u32>());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    let server = RedisServer::start(test_stores::servers(), folder).unwrap();
    let gate = Gate::with(&server.url(), &fast_room(), &["--user-joins-at-once", "1"]).await;
    // One after the other, so that no two travel together.
    let mut answers = Vec::new();
    for _ in 0..60 {
        answers.push(gate.try_join("ada").await);
    }
    let counts = problems(answers).await;
    let inside = outage::redis(&server.url()).await;
    let figures: String = inside
        .query(redis::cmd("INFO").arg("commandstats"))
        .await
        .unwrap();
    let looked_up: usize = figures
        .lines()
        .find_map(|line| {
            let calls = line.strip_prefix("cmdstat_zmscore:calls=")?;
            calls.split(',').next()?.parse().ok()
        })
        .expect("the first join looks");
    let reached = looked_up / LOOKS_OF_A_JOIN;
    assert!(reached < 30, "{reached} of 60 reached redis");
    assert!(counts["rate-limited"] > 0, "{counts:?}");
}

#[tokio::test]
async fn a_user_who_leaves_in_a_loop_is_stopped_and_polls_are_not_counted() {
    let gate = gate(&["--user-calls-at-once", "2", "--user-calls-per-second", "1"]).await;
    let token = text(&gate.join("ada").await, "token");
    let polls = join_all((0..4).map(|_| gate.try_poll(&token))).await;
    assert_eq!(refused(&polls), 0);
    let leave = || {
        gate.request(Method::DELETE, "/visitors/me")
            .bearer_auth(&token)
            .send()
    };
    let answers: Vec<Response> = join_all((0..60).map(|_| leave()))
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let counts = problems(answers).await;
    assert!(
        counts["ok"] >= 2 && counts["rate-limited"] > 0,
        "{counts:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_can_be_worked_on_is_refused_at_once_and_nothing_hangs() {
    let folder = format!("limits-{:08x}", rand::random::<u32>());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    let server = RedisServer::start(test_stores::servers(), folder).unwrap();
    let flags = [
        "--max-requests-in-flight",
        "3",
        "--redis-deadline-ms",
        "3000",
    ];
    let gate = Gate::with(&server.url(), &fast_room(), &flags).await;
    let inside = outage::redis(&server.url()).await;
    let mut pause = redis::cmd("CLIENT");
    inside
        .query::<()>(pause.arg(&["PAUSE", "4000", "ALL"]))
        .await
        .unwrap();
    let names: Vec<String> = (0..50).map(|number| format!("user-{number}")).collect();
    let joining = join_all(names.iter().map(|name| gate.try_join(name)));
    let answers = tokio::time::timeout(LONG, joining)
        .await
        .expect("nothing hangs");
    let counts = problems(answers).await;
    assert!(counts["overloaded"] > 0, "{counts:?}");
    // The places are free again.
    let began = std::time::Instant::now();
    while gate.try_join("ada").await.status().as_u16() >= 500 {
        assert!(began.elapsed() < LONG);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_body_that_drips_keeps_no_place_from_others_and_is_given_up() {
    let gate = gate(&["--max-requests-in-flight", "1"]).await;
    let token = gate.user_token("ada");
    let path = gate.room_path();
    let head = format!(
        "POST {path}/visitors HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: 2\r\n\r\n{{"
    );
    let mut dripping = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(gate.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        dripping.push(stream);
    }
    for _ in 0..20 {
        assert_eq!(gate.get("").await.status(), 200);
    }
    for mut stream in dripping {
        let mut answer = Vec::new();
        let read = tokio::time::timeout(LONG, stream.read_to_end(&mut answer)).await;
        read.expect("it is hung up on").unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.starts_with("HTTP/1.1 400") && answer.contains("10 seconds"),
            "{answer}"
        );
    }
}
