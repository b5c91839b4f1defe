//! What streams may use, and that they do not wait for each other.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use shared::room::Change;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use super::reader::{Reader, try_open};
use crate::gate::{Gate, LONG, expect_problem, fast_room, text};
use crate::outage::own_server;

#[tokio::test]
async fn a_visitor_and_the_process_have_a_limit_and_closing_frees_a_place() {
    let url = devstack::test_stores::redis_url();
    let flags = ["--max-streams", "3", "--max-streams-per-visitor", "2"];
    let gate = Gate::with(&url, &fast_room(), &flags).await;
    let ada = text(&gate.join("ada").await, "token");
    let bob = text(&gate.join("bob").await, "token");
    let first = Reader::open(&gate, &ada).await;
    let second = Reader::open(&gate, &ada).await;
    expect_problem(try_open(&gate, &ada).await, 429, "rate-limited").await;
    let _third = Reader::open(&gate, &bob).await;
    expect_problem(try_open(&gate, &bob).await, 503, "overloaded").await;
    assert_eq!(gate.poll(&bob).await["state"], "waiting", "and polls go on");
    drop((first, second));
    let freed = async {
        while try_open(&gate, &bob).await.status() != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let freed = tokio::time::timeout(LONG, freed).await;
    freed.expect("a place is free again");
}

#[tokio::test]
async fn opening_streams_in_a_loop_is_stopped_and_polls_go_on() {
    let url = devstack::test_stores::redis_url();
    let flags = [
        "--user-calls-at-once=2",
        "--user-calls-per-second=1",
        "--max-streams-per-visitor=1000",
    ];
    let gate = Gate::with(&url, &fast_room(), &flags).await;
    let token = text(&gate.join("ada").await, "token");
    let opening = (0..60).map(|_| try_open(&gate, &token));
    let mut refused = 0;
    for response in futures_util::future::join_all(opening).await {
        if response.status() != StatusCode::OK {
            expect_problem(response, 429, "rate-limited").await;
            refused += 1;
        }
    }
    assert!(refused > 0, "60 at once are too many for one a second");
    assert_eq!(gate.poll(&token).await["state"], "waiting");
}

#[tokio::test]
async fn asking_for_the_head_opens_no_stream() {
    let url = devstack::test_stores::redis_url();
    let gate = Gate::with(&url, &fast_room(), &["--max-streams", "0"]).await;
    let token = text(&gate.join("ada").await, "token");
    let head = gate.request(Method::HEAD, "/visitors/me/events");
    let response = head.bearer_auth(&token).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    expect_problem(try_open(&gate, &token).await, 503, "overloaded").await;
    let put = gate.request(Method::PUT, "/visitors/me/events");
    let response = put.bearer_auth(&token).send().await.unwrap();
    assert_eq!(response.headers()["allow"], "GET, HEAD");
    expect_problem(response, 405, "method-not-allowed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_slowly_delays_nobody_and_finds_the_newest() {
    const MESSAGES: usize = 40;
    // A Redis of its own: large messages must not slow other tests down.
    let server = own_server();
    let gate = Gate::with(&server.url(), &fast_room(), &[]).await;
    let slow = text(&gate.join("ada").await, "token");
    let quick = text(&gate.join("bob").await, "token");
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    let mut unread = socket.connect(gate.address).await.unwrap();
    let path = format!("{}/visitors/me/events", gate.room_path());
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {slow}\r\n\r\n"
    );
    unread.write_all(head.as_bytes()).await.unwrap();
    let mut stream = Reader::open(&gate, &quick).await;
    stream.until("position", |_| true).await;
    // More than the buffers of both ends take.
    let message = |index: usize| format!("{index}:{}", "x".repeat(256 * 1024));
    for index in 0..MESSAGES {
        let changes = [Change::Message(message(index))];
        gate.line.change(&changes).await.unwrap();
        let told = stream.until("room", |told| told["message"] == message(index));
        told.await;
    }
    gate.leave(&slow).await;
    let mut answer = Vec::new();
    let reading = unread.read_to_end(&mut answer);
    let ended = tokio::time::timeout(LONG, reading).await;
    ended.expect("the stream ends").unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let told = answer.matches("event: room").count();
    assert!(
        told < MESSAGES,
        "{told} of {MESSAGES} were kept for the slow one"
    );
    assert!(
        answer.contains(r#""state":"left""#),
        "the newest is missing"
    );
}
