//! Limits of the port, and stopping.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::gate::{Gate, LONG, fast_room};

async fn connect(gate: &Gate) -> TcpStream {
    TcpStream::connect(gate.address).await.unwrap()
}

async fn ask(stream: &mut TcpStream, gate: &Gate) -> String {
    let request = format!("GET {} HTTP/1.1\r\nhost: x\r\n\r\n", gate.room_path());
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(LONG, stream.read(&mut answer))
        .await
        .expect("an answer");
    String::from_utf8_lossy(&answer[..read.unwrap_or(0)]).into_owned()
}

#[tokio::test]
async fn a_connection_beyond_the_limit_is_told_so_and_closed() {
    let url = devstack::test_stores::redis_url();
    let gate = Gate::with(&url, &fast_room(), &["--max-connections", "4"]).await;
    // The client that waited for readiness may keep one alive; the rest is taken here.
    let mut kept = Vec::new();
    let refused = loop {
        let mut stream = connect(&gate).await;
        let answer = ask(&mut stream, &gate).await;
        if !answer.starts_with("HTTP/1.1 200") {
            break answer;
        }
        kept.push(stream);
        assert!(kept.len() <= 4, "more connections than allowed");
    };
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(
        refused.contains("retry-after: 5") && refused.contains("/problems/overloaded"),
        "{refused}"
    );
    drop(kept);
    let freed = async {
        while !ask(&mut connect(&gate).await, &gate)
            .await
            .starts_with("HTTP/1.1 200")
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONG, freed)
        .await
        .expect("a place is free again");
}

#[tokio::test]
async fn a_request_in_flight_is_finished_while_the_process_stops() {
    let gate = Gate::start().await;
    let mut stream = connect(&gate).await;
    let token = gate.user_token("ada");
    let head = format!(
        "POST {}/visitors HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: 2\r\n\r\n{{",
        gate.room_path()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // Answered by another connection, so the head above has been read, too.
    assert_eq!(gate.get("").await.status(), 200);
    gate.shutdown.soft().cancel();
    let refused = async {
        while TcpStream::connect(gate.address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, refused)
        .await
        .expect("nobody new is accepted");
    stream.write_all(b"}").await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(LONG, stream.read_to_end(&mut answer))
        .await
        .unwrap()
        .unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}
