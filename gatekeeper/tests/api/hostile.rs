//! What is no sane request: always a problem document, 400 or 431, or a closed connection.

use std::time::Duration;

use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::gate::{Gate, LONG, expect_problem};

/// Sends bytes and returns all that comes back until the connection closes.
async fn raw(gate: &Gate, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(gate.address).await.unwrap();
    // The other side may have closed before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(LONG, stream.read_to_end(&mut answer))
        .await
        .expect("the connection is closed");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn what_is_no_http_is_closed() {
    let gate = Gate::start().await;
    for garbage in [
        &b"\0\x01\x02\x03\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
    ] {
        let mut bytes = garbage.to_vec();
        bytes.extend(b"\r\n\r\n");
        let answer = raw(&gate, &bytes).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
            "{answer}"
        );
    }
    assert_eq!(
        gate.get("").await.status(),
        200,
        "and the next one is served"
    );
}

#[tokio::test]
async fn too_many_or_too_large_headers_are_431() {
    let gate = Gate::start().await;
    let large = format!(
        "GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n",
        "a".repeat(64 * 1024)
    );
    let answer = raw(&gate, large.as_bytes()).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
    let many: Vec<String> = (0..500).map(|index| format!("x-{index}: 1\r\n")).collect();
    let many = many.concat();
    let answer = raw(
        &gate,
        format!("GET / HTTP/1.1\r\nhost: x\r\n{many}\r\n").as_bytes(),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn bodies_that_say_something_or_too_much_are_refused() {
    let gate = Gate::start().await;
    let join = || {
        gate.request(Method::POST, "/visitors")
            .bearer_auth(gate.user_token("ada"))
    };
    let unknown = expect_problem(
        join().body(r#"{"priority":1}"#).send().await.unwrap(),
        400,
        "invalid-request",
    )
    .await;
    assert!(
        unknown["detail"].as_str().unwrap().contains("priority"),
        "{unknown}"
    );
    expect_problem(
        join().body("not json").send().await.unwrap(),
        400,
        "invalid-request",
    )
    .await;
    expect_problem(
        join().body("x".repeat(5_000)).send().await.unwrap(),
        413,
        "too-large",
    )
    .await;
    assert_eq!(join().body("{}").send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn wrong_paths_and_methods_say_what_would_be_right() {
    let gate = Gate::start().await;
    for path in [
        "/",
        "/v1",
        "/v1/rooms",
        "/..%2f..%2fetc/passwd",
        "/v1/rooms/a/visitors/me/x",
    ] {
        let url = format!("http://{}{path}", gate.address);
        expect_problem(gate.http.get(url).send().await.unwrap(), 404, "not-found").await;
    }
    for (method, below, allowed) in [
        (Method::PUT, "/visitors/me", "GET, HEAD, DELETE"),
        (Method::GET, "/visitors", "POST"),
        (Method::POST, "", "GET, HEAD"),
        (Method::PATCH, "/admission", "GET, HEAD"),
    ] {
        let response = gate.request(method, below).send().await.unwrap();
        assert_eq!(response.headers()["allow"], allowed);
        expect_problem(response, 405, "method-not-allowed").await;
    }
}

#[tokio::test]
async fn a_request_id_is_kept_if_it_is_a_sane_one() {
    let gate = Gate::start().await;
    let id = async |given: &str| {
        let response = gate
            .request(Method::GET, "")
            .header("x-request-id", given)
            .send()
            .await
            .unwrap();
        response.headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(id("abc-1.2_3").await, "abc-1.2_3");
    assert_ne!(id("a\"b").await, "a\"b");
    assert_ne!(id(&"x".repeat(65)).await, "x".repeat(65));
}

#[tokio::test]
async fn a_client_that_never_ends_its_head_is_hung_up_on() {
    let redis_url = devstack::test_stores::redis_url();
    let gate = Gate::with(
        &redis_url,
        &crate::gate::fast_room(),
        &["--header-timeout-seconds", "1"],
    )
    .await;
    let mut stream = TcpStream::connect(gate.address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let ended =
        tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "still open");
}
