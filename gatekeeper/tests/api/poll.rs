//! Asking for the position.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;
use shared::ids::Number;
use shared::room::{NewRoom, RoomState};
use shared::tokens::waiting::{LIFETIME_SECONDS, WaitingClaims, WaitingKeys};

use crate::gate::{Gate, LONG, expect_problem, fast_room, text};

#[tokio::test]
async fn a_position_counts_only_those_who_are_still_there() {
    let gate = Gate::start().await;
    let mut tokens = Vec::new();
    for visitor in 0..10 {
        tokens.push(text(&gate.join(&format!("user-{visitor}")).await, "token"));
    }
    gate.poll_until(&tokens[9], |document| document["position"] == 10)
        .await;
    assert_eq!(gate.leave(&tokens[3]).await, StatusCode::NO_CONTENT);
    assert_eq!(gate.leave(&tokens[0]).await, StatusCode::NO_CONTENT);
    gate.poll_until(&tokens[9], |document| document["position"] == 8)
        .await;
    gate.poll_until(&tokens[1], |document| document["position"] == 1)
        .await;
    let middle = gate
        .poll_until(&tokens[4], |document| document["position"] == 3)
        .await;
    assert_eq!(middle["number"], 5, "the number never changes");
    assert_eq!(
        (&middle["stale"], &middle["busy"], &middle["sold_out"]),
        (&json!(false), &json!(false), &json!(false))
    );
    assert!(
        (900..=1_100).contains(&middle["poll_after_ms"].as_u64().unwrap()),
        "{middle}"
    );
}

#[tokio::test]
async fn an_admitted_visitor_is_told_so_with_one_admission_however_often_asked() {
    let gate = Gate::start().await;
    let (first, token) = gate.admitted("ada").await;
    assert_eq!(
        first["booking_url"],
        format!("https://shop.example/{}", gate.line.room())
    );
    let again = gate.poll(&token).await;
    assert_eq!(
        first["admission_token"], again["admission_token"],
        "all claims carry one jti"
    );
    assert_eq!(first["admitted_at"], again["admitted_at"]);
    assert_eq!(
        gate.join("ada").await["state"],
        "admitted",
        "joining again changes nothing"
    );
    let response = gate.try_poll(&token).await;
    let cookie = response.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        cookie.starts_with(&format!("admission-{}=", gate.line.room())),
        "{cookie}"
    );
}

#[tokio::test]
async fn a_visitor_who_left_is_out_and_may_leave_again() {
    let gate = Gate::start().await;
    let waiting = text(&gate.join("ada").await, "token");
    let (_, admitted) = {
        gate.leave(&waiting).await;
        gate.admitted("bob").await
    };
    assert_eq!(gate.leave(&waiting).await, StatusCode::NO_CONTENT);
    assert_eq!(gate.poll(&waiting).await["state"], "left");
    assert_eq!(gate.leave(&admitted).await, StatusCode::NO_CONTENT);
    gate.poll_until(&admitted, |document| document["state"] == "left")
        .await;
    assert_eq!(
        gate.join("ada").await["number"],
        3,
        "coming back is a new number, behind the others"
    );
}

#[tokio::test]
async fn who_did_not_claim_in_time_and_polls_again_stands_at_the_very_front() {
    let gate = Gate::with_room(&NewRoom {
        claim_ttl_ms: Some(1),
        ..fast_room()
    })
    .await;
    let token = text(&gate.join("ada").await, "token");
    gate.admit(1).await;
    // The promise of the join has to pass as well.
    gate.line
        .transition(RoomState::Paused, &[RoomState::Open])
        .await
        .unwrap();
    gate.expire(1).await;
    let document = gate.poll(&token).await;
    assert_eq!(
        (&document["state"], &document["position"]),
        (&"waiting".into(), &1.into())
    );
}

#[tokio::test]
async fn a_closed_room_says_that_it_is_closed() {
    let gate = Gate::start().await;
    let token = text(&gate.join("ada").await, "token");
    gate.line
        .transition(RoomState::Closed, &[RoomState::Open])
        .await
        .unwrap();
    gate.poll_until(&token, |document| document["state"] == "closed")
        .await;
}

#[tokio::test]
async fn while_paused_there_is_no_estimate_and_places_are_kept() {
    let gate = Gate::start().await;
    let token = text(&gate.join("ada").await, "token");
    gate.line
        .transition(RoomState::Paused, &[RoomState::Open])
        .await
        .unwrap();
    let document = gate
        .poll_until(&token, |document| document["eta_seconds"].is_null())
        .await;
    assert_eq!(document["position"], 1);
    assert!(document["poll_after_ms"].as_u64().unwrap() >= 4_500);
}

#[tokio::test]
async fn bad_tokens_are_refused() {
    let gate = Gate::start().await;
    let other = Gate::start().await;
    let token = text(&gate.join("ada").await, "token");
    let refused = async |token: &str| {
        expect_problem(gate.try_poll(token).await, 401, "waiting-token-invalid").await;
    };
    refused("").await;
    refused("a.b.c").await;
    refused(&"x".repeat(5_000)).await;
    refused(&gate.user_token("ada")).await;
    refused(&text(&other.join("ada").await, "token")).await;
    let mut altered = token.clone();
    altered.replace_range(
        token.len() - 3..,
        if token.ends_with("AAA") { "BBB" } else { "AAA" },
    );
    refused(&altered).await;
    expect_problem(gate.get("/visitors/me").await, 401, "waiting-token-invalid").await;
}

#[tokio::test]
async fn a_token_of_an_earlier_life_of_the_room_is_void() {
    let gate = Gate::start().await;
    let token = text(&gate.join("ada").await, "token");
    gate.line.remove().await.unwrap();
    gate.line.create(&fast_room()).await.unwrap();
    let began = Instant::now();
    while gate.try_poll(&token).await.status() != StatusCode::UNAUTHORIZED {
        assert!(began.elapsed() < LONG);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(gate.join("bob").await["number"], 1);
    expect_problem(gate.try_poll(&token).await, 401, "waiting-token-invalid").await;
}

#[tokio::test]
async fn a_token_in_its_last_quarter_is_renewed_by_a_poll() {
    let gate = Gate::start().await;
    let fresh = text(&gate.join("ada").await, "token");
    assert!(gate.poll(&fresh).await["token"].is_null());
    let (keys, old) = in_the_last_quarter(&gate).await;
    let renewed = text(&gate.poll(&old).await, "token");
    assert!(is_newer(&keys, &renewed, &old));
    assert_eq!(gate.poll(&renewed).await["number"], 1);
}

#[tokio::test]
async fn a_token_in_its_last_quarter_is_renewed_by_the_plain_page() {
    let gate = Gate::start().await;
    gate.join("ada").await;
    let (keys, old) = in_the_last_quarter(&gate).await;
    let room = gate.line.room();
    let url = format!("http://{}/rooms/{room}/plain", gate.address);
    let page = gate
        .http
        .get(url)
        .header("cookie", format!("waiting-{room}={old}"));
    let response = page.send().await.unwrap();
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    let (_, rest) = cookie.split_once(&format!("waiting-{room}=")).unwrap();
    let (renewed, _) = rest.split_once(';').unwrap();
    assert!(is_newer(&keys, renewed, &old));
}

/// The waiting token of the first visitor as it is after four fifths of its life, and the keys that sign it.
async fn in_the_last_quarter(gate: &Gate) -> (WaitingKeys, String) {
    let keys = WaitingKeys::open(&devstack::test_stores::keys_dir().join("waiting")).unwrap();
    let life = gate.line.snapshot(0).await.unwrap().unwrap().settings.life;
    let mut claims = WaitingClaims::new(
        "ada".parse().unwrap(),
        gate.line.room().clone(),
        life,
        Number(1),
    );
    claims.exp -= LIFETIME_SECONDS * 4 / 5;
    let token = keys.sign(&claims).unwrap();
    (keys, token)
}

fn is_newer(keys: &WaitingKeys, token: &str, than: &str) -> bool {
    let ends = |token| keys.verify(token).unwrap().exp;
    ends(token) > ends(than)
}

#[tokio::test(flavor = "multi_thread")]
async fn polls_of_waiting_visitors_cost_no_redis_command() {
    // A Redis of its own: other tests must not be counted.
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("polls-{:08x}", rand::random::<u32>()));
    let server =
        devstack::stores::RedisServer::start(devstack::test_stores::servers(), folder).unwrap();
    let gate = Gate::with(&server.url(), &fast_room(), &[]).await;
    let mut tokens = Vec::new();
    for visitor in 0..50 {
        tokens.push(text(&gate.join(&format!("user-{visitor}")).await, "token"));
    }
    gate.poll_until(&tokens[49], |document| document["position"] == 50)
        .await;
    let calls = async || {
        let mut info = redis::cmd("INFO");
        let redis = crate::outage::redis(&server.url()).await;
        let stats: String = redis.query(info.arg("commandstats")).await.unwrap();
        let named = |line: &str| {
            let name = line.strip_prefix("cmdstat_")?.split(':').next()?.to_owned();
            let calls = line
                .split("calls=")
                .nth(1)?
                .split(',')
                .next()?
                .parse::<u64>()
                .ok()?;
            Some((name, calls))
        };
        stats
            .lines()
            .filter_map(named)
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    let before = calls().await;
    let polls = 20_000;
    for _ in 0..polls / 50 {
        let documents =
            futures_util::future::join_all(tokens.iter().map(|token| gate.poll(token))).await;
        assert!(
            documents
                .iter()
                .all(|document| document["state"] == "waiting")
        );
    }
    let after = calls().await;
    // The loops that read rooms and flush beats go on meanwhile; nothing may grow with the polls.
    let grown = |name: &str| after.get(name).unwrap_or(&0) - before.get(name).unwrap_or(&0);
    for per_poll in [
        "zscore", "zrank", "bitfield", "getbit", "zadd", "hset", "setbit", "get", "set",
    ] {
        assert!(
            grown(per_poll) < polls / 100,
            "{per_poll} was called {} times by {polls} polls",
            grown(per_poll)
        );
    }
    let scripts = grown("evalsha");
    let all: u64 = after.keys().map(|name| grown(name)).sum();
    assert!(
        scripts < polls / 20 && all < scripts * 20,
        "{all} commands and {scripts} scripts for {polls} polls"
    );
}
