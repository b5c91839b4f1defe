//! The pages, the public view of a room, and the description of the API.

use std::time::Duration;

use devstack::test_stores;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use shared::room::{Change, NewRoom, RoomState, SeatsLeft, ShopBeat};

use crate::gate::{Gate, LONG, expect_problem, fast_room, text};

async fn page(gate: &Gate, path: &str, cookies: &str) -> (StatusCode, String, String) {
    let url = format!("http://{}/rooms/{}{path}", gate.address, gate.line.room());
    let response = gate
        .http
        .get(url)
        .header("cookie", cookies)
        .send()
        .await
        .unwrap();
    let caching = response.headers()["cache-control"]
        .to_str()
        .unwrap()
        .to_owned();
    (response.status(), caching, response.text().await.unwrap())
}

#[tokio::test]
async fn the_waiting_page_is_the_same_for_everybody_and_cacheable() {
    let gate = Gate::start().await;
    let (status, caching, korean) = page(&gate, "", "").await;
    assert_eq!(
        (status, caching.as_str()),
        (StatusCode::OK, "public, max-age=60")
    );
    assert!(korean.contains("lang=\"ko\"") && korean.contains("대기실"));
    let (_, _, english) = page(&gate, "?lang=en", "").await;
    assert!(english.contains("Waiting room"));
    let url = format!("http://{}/rooms/no-such-room", gate.address);
    expect_problem(
        gate.http.get(url).send().await.unwrap(),
        404,
        "room-not-found",
    )
    .await;
}

#[tokio::test]
async fn without_javascript_one_enters_waits_and_is_let_in() {
    let gate = Gate::start().await;
    let user = format!("user={}", gate.user_token("ada"));
    let (_, caching, signed_out) = page(&gate, "/plain?lang=en", "").await;
    assert_eq!(caching, "no-store");
    assert!(signed_out.contains("Sign in"), "{signed_out}");
    let url = format!(
        "http://{}/rooms/{}/plain?lang=en",
        gate.address,
        gate.line.room()
    );
    let post = || gate.http.post(&url).header("cookie", &user);
    expect_problem(
        post()
            .header("origin", "https://evil.example")
            .send()
            .await
            .unwrap(),
        403,
        "forbidden",
    )
    .await;
    let entered = post()
        .header("sec-fetch-site", "same-origin")
        .send()
        .await
        .unwrap();
    assert_eq!(entered.status(), StatusCode::SEE_OTHER);
    let cookie = entered.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let (_, _, waiting) = page(&gate, "/plain?lang=en", &cookie).await;
    assert!(
        waiting.contains("Your position: 1") && waiting.contains("http-equiv=\"refresh\""),
        "{waiting}"
    );
    gate.admit(1).await;
    let began = std::time::Instant::now();
    loop {
        let (_, _, page) = page(&gate, "/plain?lang=en", &cookie).await;
        if page.contains(&format!("https://shop.example/{}", gate.line.room())) {
            break;
        }
        assert!(began.elapsed() < crate::gate::LONG, "{page}");
    }
}

#[tokio::test]
async fn the_page_of_who_waits_says_what_the_operator_says_and_that_nothing_is_left() {
    let gate = Gate::start().await;
    let token = text(&gate.join("ada").await, "token");
    let cookie = format!("waiting-{}={token}", gate.line.room());
    let beat = ShopBeat {
        is_well: true,
        count_every: Some(Duration::ZERO),
    };
    let turn = gate.line.shop_beat(beat).await.unwrap().unwrap();
    let held = SeatsLeft {
        performance: 1,
        sellable: 0,
        held: 1,
    };
    let sold = SeatsLeft { held: 0, ..held };
    gate.line.shop_count(turn, &[held]).await.unwrap();
    let message = Change::Message("<b>Soon & \"free\"</b>".to_owned());
    gate.line.change(&[message]).await.unwrap();
    let until = async |expected: &str| {
        let began = std::time::Instant::now();
        loop {
            let (_, _, page) = page(&gate, "/plain?lang=en", &cookie).await;
            if page.contains(expected) {
                return page;
            }
            assert!(began.elapsed() < LONG, "{page}");
        }
    };
    let page = until("<p>&lt;b&gt;Soon &amp; &quot;free&quot;&lt;/b&gt;</p>").await;
    assert!(!page.contains("Everything is sold"), "{page}");
    let turn = gate.line.shop_beat(beat).await.unwrap().unwrap();
    gate.line.shop_count(turn, &[sold]).await.unwrap();
    until("Everything is sold").await;
}

#[tokio::test]
async fn who_cannot_enter_just_now_gets_a_page_that_comes_back() {
    let room = NewRoom {
        anonymous: true,
        ..fast_room()
    };
    let flags = ["--address-anonymous-joins-per-second", "1"];
    let gate = Gate::with(&test_stores::redis_url(), &room, &flags).await;
    let room = gate.line.room();
    let url = format!("http://{}/rooms/{room}/plain?lang=en", gate.address);
    let began = std::time::Instant::now();
    let refused = loop {
        let enter = gate.http.post(&url).header("sec-fetch-site", "same-origin");
        let response = enter.send().await.unwrap();
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            break response;
        }
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert!(began.elapsed() < LONG, "never refused");
    };
    assert!(refused.headers().contains_key("retry-after"));
    let page = refused.text().await.unwrap();
    assert!(
        page.contains("Nobody loses a place") && page.contains("http-equiv=\"refresh\""),
        "{page}"
    );
}

#[tokio::test]
async fn a_room_that_takes_nobody_any_more_says_so_on_a_page() {
    let gate = Gate::start().await;
    let (from, to) = ([RoomState::Open], RoomState::Draining);
    gate.line.transition(to, &from).await.unwrap();
    let room = gate.line.room();
    let url = format!("http://{}/rooms/{room}/plain?lang=en", gate.address);
    let enter = gate.http.post(url).bearer_auth(gate.user_token("ada"));
    let enter = enter.header("sec-fetch-site", "same-origin");
    let refused = enter.send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let text = refused.text().await.unwrap();
    assert!(text.contains("takes nobody any more"), "{text}");
    // Nor does it show a button that leads there.
    let began = std::time::Instant::now();
    let shown = loop {
        let (_, _, shown) = page(&gate, "/plain?lang=en", "").await;
        if shown.contains("takes nobody any more") {
            break shown;
        }
        assert!(began.elapsed() < LONG, "{shown}");
    };
    assert!(!shown.contains("<form"), "{shown}");
    // Who is signed in may have a place already, on another device, and gets it by the button.
    let user = format!("user={}", gate.user_token("ada"));
    let (_, _, signed_in) = page(&gate, "/plain?lang=en", &user).await;
    assert!(signed_in.contains("<form"), "{signed_in}");
}

#[tokio::test]
async fn the_public_view_of_a_room_is_cacheable_for_a_second() {
    let gate = Gate::start().await;
    gate.join("ada").await;
    let began = std::time::Instant::now();
    loop {
        let response = gate.get("").await;
        assert_eq!(response.headers()["cache-control"], "public, max-age=1");
        let room: Value = response.json().await.unwrap();
        assert_eq!(room["state"], "open");
        assert_eq!(room["rate_per_second"], 1000.0);
        if room["waiting"] == 1 {
            break;
        }
        assert!(began.elapsed() < crate::gate::LONG, "{room}");
    }
    let head = gate.request(Method::HEAD, "").send().await.unwrap();
    assert_eq!(
        (head.status(), head.text().await.unwrap().len()),
        (StatusCode::OK, 0)
    );
}

#[tokio::test]
async fn the_api_describes_itself() {
    let gate = Gate::start().await;
    let url = format!("http://{}/openapi.json", gate.address);
    let document: Value = gate
        .http
        .get(url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for path in [
        "/v1/rooms/{room}/visitors",
        "/v1/rooms/{room}/visitors/me",
        "/v1/rooms/{room}",
    ] {
        assert!(
            document["paths"].get(path).is_some(),
            "{path} is not described"
        );
    }
}
