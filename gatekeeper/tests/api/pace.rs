//! When to poll next, and what becomes of those who do not keep to it.

use std::time::{Duration, Instant};

use reqwest::{Response, StatusCode};
use shared::lottery::Secret;
use shared::room::{NewRoom, Promise, PromotionLimits, PublicPart, RoomState};

use crate::gate::{Gate, LONG, expect_problem, fast_room, text};
use crate::outage::{own_server, redis};

/// A gatekeeper that refuses early polls, and a line in which everybody is asked to poll every 30 s.
async fn strict_gate() -> Gate {
    let slow_room = NewRoom {
        rate_per_second: Some(0.001),
        ..NewRoom::default()
    };
    let url = devstack::test_stores::redis_url();
    Gate::with(&url, &slow_room, &["--early-polls", "refuse"]).await
}

#[tokio::test]
async fn polls_far_too_early_are_refused_and_nothing_else_is_lost() {
    let gate = strict_gate().await;
    let began = Instant::now();
    let token = text(&gate.join("ada").await, "token");
    let mut answered = 0_u32;
    let refused = loop {
        let response = gate.try_poll(&token).await;
        if response.status() != StatusCode::OK {
            break response;
        }
        answered += 1;
        assert!(began.elapsed() < LONG, "never refused");
    };
    let wait = retry_after(&refused);
    assert!(
        (1..=10).contains(&wait),
        "a poll comes back every 10 s: {wait}"
    );
    expect_problem(refused, 429, "rate-limited").await;
    assert!(answered >= 6, "{answered} polls of a full bucket");

    // Joining again keeps the place, and is no other bucket.
    let again = gate.join("ada").await;
    assert_eq!(again["position"], 1);
    let token = text(&again, "token");
    for _ in 0..20 {
        answered += u32::from(gate.try_poll(&token).await.status() == StatusCode::OK);
    }
    let given_back = u32::try_from(began.elapsed().as_secs() / 10).unwrap() + 1;
    assert!(answered <= 6 + given_back, "{answered} polls");
}

#[tokio::test]
async fn somebody_who_reloads_the_plain_page_too_often_gets_a_page() {
    let gate = strict_gate().await;
    let token = text(&gate.join("ada").await, "token");
    let room = gate.line.room();
    let url = format!("http://{}/rooms/{room}/plain?lang=en", gate.address);
    let began = Instant::now();
    let refused = loop {
        let page = gate.http.get(&url);
        let page = page.header("cookie", format!("waiting-{room}={token}"));
        let response = page.send().await.unwrap();
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            break response;
        }
        assert!(began.elapsed() < LONG, "never refused");
    };
    assert!(refused.headers().contains_key("retry-after"));
    let page = refused.text().await.unwrap();
    assert!(
        page.contains("You keep your place") && page.contains("http-equiv=\"refresh\""),
        "{page}"
    );
}

#[tokio::test]
async fn before_the_opening_one_is_asked_to_come_back_at_the_opening() {
    let (before, opens_in) = (now_ms(), 200_000);
    let gate = Gate::with_room(&NewRoom {
        opens_at_ms: Some(before + opens_in),
        ..fast_room()
    })
    .await;
    let asked = now_ms();
    let document = gate.join("ada").await;
    let comes_back = document["poll_after_ms"].as_i64().unwrap();
    // The clock of Redis decides, and it is read in milliseconds.
    assert!(
        comes_back <= before + opens_in - asked + 1_100,
        "{document}"
    );
    assert!(
        comes_back >= before + opens_in - now_ms() - 100,
        "{document}"
    );
}

#[tokio::test]
async fn a_line_that_is_too_much_for_the_budget_is_asked_to_come_less_often() {
    let url = devstack::test_stores::redis_url();
    let gate = Gate::with(&url, &fast_room(), &["--poll-budget", "100"]).await;
    gate.line
        .transition(RoomState::Paused, &[RoomState::Open])
        .await
        .unwrap();
    let visitors: Vec<_> = (0..1_000)
        .map(|visitor| format!("user-{visitor}").parse().unwrap())
        .collect();
    gate.line
        .join(&visitors, Promise::of(LONG * 10))
        .await
        .unwrap();
    let token = text(&gate.join("ada").await, "token");
    // 1,001 visitors and 100 polls a second: 10 s each, at the least.
    gate.poll_until(&token, |document| {
        document["poll_after_ms"].as_u64().unwrap() >= 8_900
    })
    .await;
}

/// Polls until that is too often, and returns the refusal.
async fn until_refused(gate: &Gate, token: &str) -> Response {
    let began = Instant::now();
    loop {
        let response = gate.try_poll(token).await;
        if response.status() != StatusCode::OK {
            return response;
        }
        assert!(began.elapsed() < LONG, "never refused");
    }
}

/// In seconds.
fn retry_after(refused: &Response) -> u64 {
    let header = refused.headers()["retry-after"].to_str().unwrap();
    header.parse().unwrap()
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[tokio::test]
async fn a_room_that_opens_late_is_asked_after_as_often_as_it_says_itself() {
    let url = devstack::test_stores::redis_url();
    // Its time has come; the public value of its lottery has not.
    let room = NewRoom {
        opens_at_ms: Some(now_ms() - 60_000),
        ..fast_room()
    };
    let gate = Gate::with(&url, &room, &["--early-polls", "refuse"]).await;
    let source = PublicPart::Source("a value of tomorrow".to_owned());
    let secret = Secret::generate(&mut rand::rng());
    gate.line.commit_lottery(&secret, &source).await.unwrap();
    let token = text(&gate.join("ada").await, "token");
    let document = gate.poll(&token).await;
    let asked_back = document["poll_after_ms"].as_u64().unwrap();
    assert!(
        (4_000..=6_000).contains(&asked_back),
        "like a line that stands still: {document}"
    );
    let wait = retry_after(&until_refused(&gate, &token).await);
    assert!(
        wait <= 2,
        "in time for the promise that goes with it: {wait} s"
    );
}

#[tokio::test]
async fn a_poll_that_is_refused_brings_back_who_was_absent() {
    let slow_room = NewRoom {
        rate_per_second: Some(0.001),
        ..NewRoom::default()
    };
    // Of its own, so that nobody else flushes beats.
    let server = own_server();
    let gate = Gate::with(&server.url(), &slow_room, &["--early-polls", "refuse"]).await;
    let redis = redis(&server.url()).await;
    let token = text(&gate.join("ada").await, "token");
    until_refused(&gate, &token).await;
    let began = Instant::now();
    // Two flushes later no beat of those polls is kept any more.
    let flushed_at = async || {
        let mut range = redis::cmd("ZRANGE");
        range.arg(format!("onsale:{{{}}}:gatekeepers", gate.line.room()));
        range.arg(0).arg(-1).arg("WITHSCORES");
        redis.query::<Vec<(String, u64)>>(&range).await.unwrap()
    };
    for _ in 0..2 {
        let before = flushed_at().await;
        while flushed_at().await == before {
            assert!(began.elapsed() < LONG, "never flushed");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let absent = async || gate.line.snapshot(0).await.unwrap().unwrap().absent;
    let mut later = redis::cmd("HINCRBY");
    later.arg(format!("onsale:{{{}}}:room", gate.line.room()));
    later.arg("clock_ms").arg(400_000);
    redis.query::<i64>(&later).await.unwrap();
    let chunk = gate.line.promised(0).await.unwrap().unwrap();
    gate.line.sweep(&chunk.overdue(10)).await.unwrap();
    assert_eq!(absent().await, 1);
    let began = Instant::now();
    while absent().await == 1 {
        let refused = gate.try_poll(&token).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(began.elapsed() < LONG, "never back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn people_are_told_when_nobody_lets_them_in() {
    let gate = Gate::with_room(&NewRoom {
        rate_per_second: Some(1.0),
        ..NewRoom::default()
    })
    .await;
    for visitor in 0..200 {
        gate.join(&format!("in-front-{visitor}")).await;
    }
    let token = text(&gate.join("ada").await, "token");
    let admit = async || {
        gate.line
            .promote(PromotionLimits {
                tick: Duration::from_millis(50),
                at_once: 1,
            })
            .await
    };
    let began = Instant::now();
    // An admitter looks after the room, and then no more.
    loop {
        admit().await.unwrap().unwrap();
        let document = gate.poll(&token).await;
        if document["eta_reason"].is_null() && document["eta_seconds"].is_u64() {
            break;
        }
        assert!(began.elapsed() < LONG, "{document}");
    }
    let document = gate
        .poll_until(&token, |document| document["eta_reason"] == "halted")
        .await;
    assert!(document["eta_seconds"].is_null(), "{document}");
    let began = Instant::now();
    loop {
        admit().await.unwrap().unwrap();
        let document = gate.poll(&token).await;
        assert_eq!(document["state"], "waiting", "{document}");
        if document["eta_seconds"].is_u64() && document["eta_reason"] != "halted" {
            break;
        }
        assert!(began.elapsed() < LONG, "{document}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
