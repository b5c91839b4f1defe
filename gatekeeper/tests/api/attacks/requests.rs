//! Requests that never end.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::gate::{Gate, LONG};

/// Begins a join with headers of `body`, sends `piece` again and again, and returns what is answered.
async fn join_with_endless_body(gate: &Gate, body: &str, piece: &[u8]) -> String {
    let token = gate.user_token("ada");
    let path = format!("{}/visitors", gate.room_path());
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n{body}\r\n\r\n"
    );
    let stream = TcpStream::connect(gate.address).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    writing.write_all(head.as_bytes()).await.unwrap();
    let send = async {
        while writing.write_all(piece).await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        // Refused by now; the answer is read by the other half.
        std::future::pending::<()>().await;
    };
    let mut answer = vec![0; 4096];
    let read = tokio::select! {
        () = send => unreachable!("it never ends"),
        read = tokio::time::timeout(LONG, reading.read(&mut answer)) => read,
    };
    let read = read.expect("it is answered, or hung up on").unwrap_or(0);
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

#[tokio::test]
async fn a_body_that_never_ends_is_cut_off() {
    let gate = Gate::start().await;
    let large = join_with_endless_body(&gate, "content-length: 1000000000", &[b' '; 1024]).await;
    assert!(large.starts_with("HTTP/1.1 413"), "{large}");
    let piece = b"1\r\n \r\n";
    let slow = join_with_endless_body(&gate, "transfer-encoding: chunked", piece).await;
    assert!(slow.starts_with("HTTP/1.1 400"), "{slow}");
    assert_eq!(gate.join("bob").await["number"], 1, "nobody joined by it");
}
