//! Bad requests of every kind get a problem document that says what to change, and nothing else (I12).

use reqwest::Method;
use sqlx::PgPool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::answer::Answer;
use crate::test_api::TestApi;

async fn send(request: reqwest::RequestBuilder) -> Answer {
    Answer::read(request.send().await.unwrap()).await
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn unknown_paths_and_methods_are_named(pool: PgPool) {
    let api = TestApi::start(pool).await;
    for path in [
        "/",
        "/v1",
        "/v1/holds",
        "/v1/nothing",
        "/..%2f..%2fetc/passwd",
        "/v1/concerts/",
    ] {
        api.get(path).await.expect_problem(404, "not-found");
    }
    for (method, path) in [
        (Method::PUT, "/v1/concerts"),
        (Method::POST, "/v1/concerts"),
        (Method::PATCH, "/openapi.json"),
    ] {
        let answer = send(api.request(method, path)).await;
        assert!(
            answer.header("allow").contains("GET"),
            "{path}: {:?}",
            answer.headers
        );
        answer.expect_problem(405, "method-not-allowed");
    }
    let invented = Method::from_bytes(b"FROBNICATE").unwrap();
    send(api.request(invented, "/v1/orders"))
        .await
        .expect_problem(405, "method-not-allowed");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn bodies_that_are_no_json_are_refused(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let post = |body: &'static str| {
        let request = api.request(Method::POST, "/v1/sessions");
        request
            .header("content-type", "application/json")
            .body(body)
    };
    for body in [
        "",
        "{",
        "nonsense",
        "[]",
        "null",
        "7",
        "{\"email\": \"a@b.c\", \"password\": \"x\"} trailing",
        "\u{0}",
    ] {
        send(post(body))
            .await
            .expect_problem(400, "invalid-request");
    }
    let twice = send(post(
        "{\"email\": \"a@b.c\", \"email\": \"a@b.c\", \"password\": \"x\"}",
    ))
    .await;
    twice.expect_problem(400, "invalid-request");
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let request = api
        .request(Method::POST, "/v1/sessions")
        .header("content-type", "application/json")
        .body(deep);
    send(request).await.expect_problem(400, "invalid-request");
    let form = api
        .request(Method::POST, "/v1/sessions")
        .body("email=a@b.c");
    send(form).await.expect_problem(400, "invalid-request");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn bodies_have_a_limit(pool: PgPool) {
    let api = TestApi::start_with(pool, &["--body-bytes", "2048"]).await;
    let large = format!("{{\"email\": \"{}\"}}", "x".repeat(4_096));
    let known_length = api
        .request(Method::POST, "/v1/sessions")
        .header("content-type", "application/json");
    send(known_length.body(large.clone()))
        .await
        .expect_problem(413, "too-large");
    // Without a length to look at, it is found out while reading.
    let mut stream = TcpStream::connect(api.base.trim_start_matches("http://"))
        .await
        .unwrap();
    let head = "POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let body = format!("{head}{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4_096];
    let read = stream.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]);
    assert!(
        answer.starts_with("HTTP/1.1 413") && answer.contains("/problems/too-large"),
        "{answer}"
    );
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn what_is_no_http_is_answered_or_closed(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let address = api.base.trim_start_matches("http://").to_owned();
    for nonsense in [
        "GET / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}nonsense\r\n\r\n".to_owned(),
        format!(
            "GET / HTTP/1.1\r\nhost: x\r\nlong: {}\r\n\r\n",
            "x".repeat(40_000)
        ),
        format!(
            "GET / HTTP/1.1\r\nhost: x\r\n{}\r\n",
            "a: b\r\n".repeat(200)
        ),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
    ] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(nonsense.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A reset is a closed connection too.
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        let refused = answer.is_empty()
            || answer.starts_with("HTTP/1.1 400")
            || answer.starts_with("HTTP/1.1 431");
        assert!(refused, "{answer}");
    }
    api.get("/v1/concerts").await.expect(200);
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_given_request_id_comes_back_if_it_is_decent(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let with = |id: &str| {
        api.request(Method::GET, "/v1/concerts")
            .header("x-request-id", id)
    };
    assert_eq!(
        send(with("from-the-balancer")).await.header("x-request-id"),
        "from-the-balancer"
    );
    let long = "x".repeat(65);
    assert_ne!(send(with(&long)).await.header("x-request-id"), long);
    let (one, two) = (api.get("/v1/concerts").await, api.get("/v1/concerts").await);
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
    assert_eq!(one.header("x-content-type-options"), "nosniff");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn more_requests_than_places_are_turned_away(pool: PgPool) {
    let api = TestApi::start_with(pool, &["--requests-in-flight", "1"]).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    let (slow, refused) = tokio::join!(buyer.pay(&hold, "tok_slow"), async {
        TestApi::eventually("the place is taken", async || {
            api.count("SELECT count(*) FROM payment").await == 1
        })
        .await;
        api.get("/v1/concerts").await
    });
    refused.expect_problem(503, "overloaded");
    slow.expect_created();
    api.get("/v1/concerts").await.expect(200);
}
