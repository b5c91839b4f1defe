//! When a stream ends, and what is told at last.

use shared::room::{NewRoom, RoomState};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::reader::{Reader, try_open};
use crate::gate::{Gate, LONG, expect_problem, fast_room, text};

/// Until when the visitor is admitted and by which claim, as it stands in Redis.
async fn admission(gate: &Gate, visitor: &str) -> String {
    let redis = crate::outage::redis(&devstack::test_stores::redis_url()).await;
    let key = format!("onsale:{{{}}}:admissions", gate.line.room());
    let mut command = redis::cmd("HGET");
    redis.query(command.arg(key).arg(visitor)).await.unwrap()
}

#[tokio::test]
async fn who_is_let_in_is_told_so_and_claims_by_a_poll() {
    let gate = Gate::start().await;
    let token = text(&gate.join("ada").await, "token");
    let mut stream = Reader::open(&gate, &token).await;
    stream.until("position", |_| true).await;
    gate.admit(1).await;
    let told = stream.until("admitted", |_| true).await;
    assert_eq!(told["state"], "admitted");
    assert_eq!(told["number"], 1);
    assert_eq!(told["room"], gate.line.room().as_str());
    assert!(told["admission_token"].is_null(), "a stream claims nothing");
    assert!(stream.end().await.is_none());
    let unclaimed = admission(&gate, "ada").await;
    assert!(
        unclaimed.contains(" - "),
        "claimed by a stream: {unclaimed}"
    );
    // Told again to whoever opens another one.
    let mut again = Reader::open(&gate, &token).await;
    again.until("admitted", |_| true).await;
    again.end().await;
    assert_eq!(admission(&gate, "ada").await, unclaimed);
    let document = gate.poll(&token).await;
    assert_eq!(document["state"], "admitted");
    assert!(document["admission_token"].is_string());
    assert!(!admission(&gate, "ada").await.contains(" - "));
}

#[tokio::test]
async fn a_visitor_for_whom_it_is_over_is_told_why() {
    let gate = Gate::start().await;
    let token = text(&gate.join("ada").await, "token");
    let mut stream = Reader::open(&gate, &token).await;
    stream.until("position", |_| true).await;
    gate.leave(&token).await;
    let told = stream.until("room", |_| true).await;
    assert_eq!(
        (&told["state"], &told["number"]),
        (&"left".into(), &1.into())
    );
    assert!(stream.end().await.is_none());
    let mut again = Reader::open(&gate, &token).await;
    let (event, told) = again.event().await.unwrap();
    assert_eq!(
        (event.as_str(), told["state"].as_str()),
        ("room", Some("left"))
    );
    assert!(again.end().await.is_none());
}

#[tokio::test]
async fn a_closed_room_ends_the_streams_of_those_who_wait() {
    let gate = Gate::start().await;
    let token = text(&gate.join("ada").await, "token");
    let mut stream = Reader::open(&gate, &token).await;
    stream.until("position", |_| true).await;
    let open = [RoomState::Open];
    gate.line
        .transition(RoomState::Closed, &open)
        .await
        .unwrap();
    stream.until("room", |told| told["state"] == "closed").await;
    stream.end().await;
}

#[tokio::test]
async fn with_its_room_a_stream_ends_and_its_token_opens_no_other() {
    let gate = Gate::start().await;
    let token = text(&gate.join("ada").await, "token");
    let mut stream = Reader::open(&gate, &token).await;
    stream.until("position", |_| true).await;
    gate.line.remove().await.unwrap();
    assert!(stream.end().await.is_some(), "no word of when to come back");
    gate.line.create(&NewRoom::default()).await.unwrap();
    let began = std::time::Instant::now();
    while try_open(&gate, &token).await.status() != 401 {
        assert!(began.elapsed() < LONG);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn only_a_good_waiting_token_of_the_room_opens_a_stream() {
    let gate = Gate::start().await;
    let other = Gate::start().await;
    let foreign = text(&other.join("ada").await, "token");
    for bad in ["", "a.b.c", &foreign, &gate.user_token("ada")] {
        let response = try_open(&gate, bad).await;
        expect_problem(response, 401, "waiting-token-invalid").await;
    }
    let none = gate.get("/visitors/me/events").await;
    expect_problem(none, 401, "waiting-token-invalid").await;
}

#[tokio::test]
async fn a_browser_opens_a_stream_by_its_cookie() {
    let gate = Gate::start().await;
    let token = text(&gate.join("ada").await, "token");
    let request = gate.request(reqwest::Method::GET, "/visitors/me/events");
    let cookie = format!("waiting-{}={token}", gate.line.room());
    let mut response = request.header("cookie", cookie).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.chunk().await.unwrap().is_some());
}

#[tokio::test]
async fn streams_end_when_the_process_begins_to_stop() {
    let gate = Gate::with(
        &devstack::test_stores::redis_url(),
        &fast_room(),
        &["--shutdown-deadline-ms", "600000"],
    )
    .await;
    let token = text(&gate.join("ada").await, "token");
    let mut stream = TcpStream::connect(gate.address).await.unwrap();
    let path = format!("{}/visitors/me/events", gate.room_path());
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut other = Reader::open(&gate, &token).await;
    other.until("position", |_| true).await;
    gate.shutdown.soft().cancel();
    let mut answer = String::new();
    let reading = stream.read_to_string(&mut answer);
    let closed = tokio::time::timeout(LONG, reading).await;
    closed.expect("the connection is closed").unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (_, last) = answer.rsplit_once("retry: ").expect("when to come back");
    assert!(
        last.ends_with("\r\n0\r\n\r\n"),
        "not a whole answer: {answer}"
    );
    assert!((1_000..=5_000).contains(&other.end().await.unwrap()));
}
