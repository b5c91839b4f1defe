//! Entering the line.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use shared::room::{Line, NewRoom, RoomState};

use crate::gate::{Gate, LONG, expect_problem, fast_room, text};

#[tokio::test]
async fn a_visitor_gets_a_number_once() {
    let gate = Gate::start().await;
    let first = gate.try_join("ada").await;
    assert_eq!(first.status(), 201);
    let cookie = first.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    assert_eq!(first.headers()["cache-control"], "no-store");
    let first: Value = first.json().await.unwrap();
    assert_eq!(first["state"], "waiting");
    assert_eq!(
        (&first["number"], &first["position"]),
        (&json!(1), &json!(1))
    );
    let again = gate.try_join("ada").await;
    assert_eq!(again.status(), 200);
    assert_eq!(again.json::<Value>().await.unwrap()["number"], 1);
    let second = gate.join("bob").await;
    assert_eq!(
        (&second["number"], &second["position"]),
        (&json!(2), &json!(2))
    );
}

#[tokio::test]
async fn a_thousand_joins_at_once_get_a_thousand_numbers() {
    let gate = Gate::start().await;
    let names: Vec<String> = (0..1_000).map(|number| format!("user-{number}")).collect();
    let documents = futures_util::future::join_all(names.iter().map(|name| gate.join(name))).await;
    let mut numbers: Vec<u64> = documents
        .iter()
        .map(|document| document["number"].as_u64().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=1_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn without_a_good_user_token_nobody_gets_in() {
    let gate = Gate::start().await;
    let join = || gate.request(Method::POST, "/visitors");
    expect_problem(join().send().await.unwrap(), 401, "user-token-invalid").await;
    expect_problem(
        join().bearer_auth("a.b.c").send().await.unwrap(),
        401,
        "user-token-invalid",
    )
    .await;
    let waiting_token = text(&gate.join("ada").await, "token");
    let response = join().bearer_auth(waiting_token).send().await.unwrap();
    expect_problem(response, 401, "user-token-invalid").await;
}

#[tokio::test]
async fn an_unknown_or_ill_named_room_is_not_found() {
    let gate = Gate::start().await;
    for name in ["no-such-room", "UPPER", "%7Bx%7D"] {
        let url = format!("http://{}/v1/rooms/{name}/visitors", gate.address);
        let response = gate
            .http
            .post(url)
            .bearer_auth(gate.user_token("ada"))
            .send()
            .await
            .unwrap();
        expect_problem(response, 404, "room-not-found").await;
    }
}

#[tokio::test]
async fn a_draining_room_takes_nobody_new() {
    let gate = Gate::start().await;
    gate.join("ada").await;
    gate.line
        .transition(RoomState::Draining, &[RoomState::Open])
        .await
        .unwrap();
    expect_problem(gate.try_join("bob").await, 409, "room-closed").await;
    assert_eq!(gate.join("ada").await["number"], 1);
}

#[tokio::test]
async fn a_new_room_becomes_joinable_by_itself() {
    let gate = Gate::start().await;
    let name = format!("{}-b", gate.line.room());
    let other = Line::new(
        crate::outage::redis(&devstack::test_stores::redis_url()).await,
        name.parse().unwrap(),
    );
    other.create(&fast_room()).await.unwrap();
    let made = Instant::now();
    let url = format!("http://{}/v1/rooms/{name}/visitors", gate.address);
    loop {
        let response = gate
            .http
            .post(&url)
            .bearer_auth(gate.user_token("ada"))
            .send()
            .await
            .unwrap();
        if response.status() == 201 {
            break;
        }
        assert!(made.elapsed() < LONG, "never joinable");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    other.remove().await.unwrap();
}

#[tokio::test]
async fn an_anonymous_room_knows_a_visitor_again_by_key_or_cookie() {
    let gate = Gate::with_room(&NewRoom {
        anonymous: true,
        ..fast_room()
    })
    .await;
    let join = || gate.request(Method::POST, "/visitors");
    let key = "0123456789abcdef";
    let first: Value = join()
        .header("visitor-key", key)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let again: Value = join()
        .header("visitor-key", key)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(first["number"], again["number"]);
    let cookie = format!("waiting-{}={}", gate.line.room(), text(&first, "token"));
    let by_cookie: Value = join()
        .header("cookie", cookie)
        .header("sec-fetch-site", "same-origin")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(first["number"], by_cookie["number"]);
    let other: Value = join().send().await.unwrap().json().await.unwrap();
    assert_ne!(first["number"], other["number"]);
    let short = join().header("visitor-key", "short").send().await.unwrap();
    expect_problem(short, 400, "invalid-request").await;
    assert!(!text(&first, "token").contains(key));
}

#[tokio::test]
async fn a_join_by_cookie_must_come_from_our_own_pages() {
    let gate = Gate::start().await;
    let cookie = format!("user={}", gate.user_token("ada"));
    let join = || {
        gate.request(Method::POST, "/visitors")
            .header("cookie", &cookie)
    };
    expect_problem(join().send().await.unwrap(), 403, "forbidden").await;
    let foreign = join()
        .header("sec-fetch-site", "cross-site")
        .send()
        .await
        .unwrap();
    expect_problem(foreign, 403, "forbidden").await;
    let foreign = join()
        .header("origin", "https://evil.example")
        .send()
        .await
        .unwrap();
    expect_problem(foreign, 403, "forbidden").await;
    assert_eq!(
        join()
            .header("sec-fetch-site", "same-origin")
            .send()
            .await
            .unwrap()
            .status(),
        201
    );
}

#[tokio::test]
async fn another_site_cannot_make_a_browser_enter_an_anonymous_room() {
    let gate = Gate::with_room(&NewRoom {
        anonymous: true,
        ..fast_room()
    })
    .await;
    let join = || gate.request(Method::POST, "/visitors");
    let first: Value = join().send().await.unwrap().json().await.unwrap();
    let cookie = format!("waiting-{}={}", gate.line.room(), text(&first, "token"));
    let refused = async |request: reqwest::RequestBuilder| {
        let response = request.send().await.unwrap();
        assert!(!response.headers().contains_key("set-cookie"));
        expect_problem(response, 403, "forbidden").await;
    };
    refused(join().header("cookie", &cookie)).await;
    for (header, value) in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        refused(join().header(header, value)).await;
        refused(join().header(header, value).header("cookie", &cookie)).await;
    }
    let own_page = join().header("sec-fetch-site", "same-origin");
    assert_eq!(own_page.send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn who_joins_a_room_that_was_made_anew_a_moment_ago_is_let_in_line() {
    let gate = Gate::with(
        &devstack::test_stores::redis_url(),
        &fast_room(),
        &["--snapshot-interval-ms", "250"],
    )
    .await;
    let redis = crate::outage::redis(&devstack::test_stores::redis_url()).await;
    // Each time the gatekeeper's copy of the room is of the life before, for up to a quarter of a second.
    for visitor in 0..10 {
        let mut renew = redis::cmd("HINCRBY");
        renew.arg(format!("onsale:{{{}}}:room", gate.line.room()));
        redis.query::<u64>(renew.arg("life").arg(1)).await.unwrap();
        let document = gate.join(&format!("user-{visitor}")).await;
        assert_eq!(document["state"], "waiting");
        let token = text(&document, "token");
        assert_eq!(gate.poll(&token).await["number"], document["number"]);
    }
}
