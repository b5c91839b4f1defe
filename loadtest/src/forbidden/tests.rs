//! Probes against a server that answers by a script.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use crate::client::Service;

const REFUSED: &str = "HTTP/1.1 403 Forbidden\r\ncontent-type: application/problem+json\r\n\
    content-length: 39\r\n\r\n{\"type\":\"/problems/admission-expired\"} ";
const LET_THROUGH: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const BUSY: &str =
    "HTTP/1.1 503 Service Unavailable\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n";

/// Probes a server that gives these answers, one after the other.
async fn probe(answers: Vec<&'static str>, known_by: KnownBy) -> Option<Probe> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = Service::at(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let mut server = JoinSet::new();
    server.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for answer in answers {
            let mut request = [0; 4096];
            if stream.read(&mut request).await.unwrap() == 0 {
                return;
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let expected = (403, "admission-expired");
    let request = Outgoing::default();
    let forbidden = Forbidden {
        what: "probe",
        expected,
        request,
        known_by,
    };
    attempt_every(
        Duration::from_millis(1),
        &mut Client::new(&service),
        forbidden,
    )
    .await
}

#[tokio::test]
async fn what_the_token_shows_must_be_refused_at_the_first_try() {
    let probe = probe(vec![LET_THROUGH, REFUSED], KnownBy::Token)
        .await
        .unwrap();
    assert_eq!((probe.got.0, probe.tries), (200, 1));
}

#[tokio::test]
async fn a_busy_service_is_asked_again() {
    let probe = probe(vec![BUSY, REFUSED], KnownBy::Token).await.unwrap();
    assert_eq!((probe.got.0, probe.tries), (403, 2));
}

#[tokio::test]
async fn what_only_the_line_knows_may_be_refused_a_moment_later() {
    let probe = probe(vec![LET_THROUGH, REFUSED], KnownBy::Line)
        .await
        .unwrap();
    assert_eq!((probe.got.0, probe.tries), (403, 2));
}

#[tokio::test]
async fn what_is_let_through_again_and_again_is_found() {
    let probe = probe(vec![LET_THROUGH; 6], KnownBy::Line).await.unwrap();
    assert_eq!((probe.got.0, probe.tries), (200, 6));
}
