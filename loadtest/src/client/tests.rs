//! The client against a server that behaves badly.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;

/// What a server does with one connection: answers so many requests with this, then closes it.
#[derive(Clone, Copy)]
struct Script {
    answers: usize,
    answer: &'static str,
}

const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const PROBLEM: &str = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 3\r\n\
    content-type: application/problem+json\r\ncontent-length: 31\r\n\r\n\
    {\"type\":\"/problems/overloaded\"}";

/// Serves one connection after the other, each by its script.
async fn serve(tasks: &mut JoinSet<()>, scripts: Vec<Script>) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tasks.spawn(async move {
        for script in scripts {
            let (mut stream, _) = listener.accept().await.unwrap();
            for _ in 0..script.answers {
                let mut request = [0; 4096];
                if stream.read(&mut request).await.unwrap() == 0 {
                    break;
                }
                stream.write_all(script.answer.as_bytes()).await.unwrap();
            }
        }
    });
    Client::new(&Service::at(&format!("http://{address}")).unwrap())
}

fn get() -> Outgoing {
    Request::get("/").body(Full::default()).unwrap()
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_meanwhile_is_replaced_without_an_error() {
    let mut tasks = JoinSet::new();
    let once = Script {
        answers: 1,
        answer: GOOD,
    };
    let mut client = serve(&mut tasks, vec![once, once, once]).await;
    for _ in 0..3 {
        assert_eq!(client.send(get(), 100).await.unwrap().body, "ok");
    }
    // The closing may be seen when the answer is, or only when the next request goes out.
    assert!(client.reconnections() <= 2);
}

#[tokio::test]
async fn several_requests_travel_over_one_connection() {
    let mut tasks = JoinSet::new();
    let mut client = serve(
        &mut tasks,
        vec![Script {
            answers: 3,
            answer: GOOD,
        }],
    )
    .await;
    for _ in 0..3 {
        assert_eq!(client.send(get(), 100).await.unwrap().status, 200);
    }
    assert_eq!(client.reconnections(), 0);
}

#[tokio::test]
async fn a_server_that_closes_without_an_answer_is_an_error() {
    let mut tasks = JoinSet::new();
    let silent = Script {
        answers: 0,
        answer: "",
    };
    let mut client = serve(&mut tasks, vec![silent]).await;
    assert!(matches!(
        client.send(get(), 100).await,
        Err(NoAnswer::Broken(_))
    ));
}

#[tokio::test]
async fn a_body_longer_than_allowed_is_an_error() {
    let mut tasks = JoinSet::new();
    let mut client = serve(
        &mut tasks,
        vec![Script {
            answers: 1,
            answer: GOOD,
        }],
    )
    .await;
    assert!(matches!(
        client.send(get(), 1).await,
        Err(NoAnswer::Body(_))
    ));
}

#[tokio::test]
async fn a_problem_document_is_read() {
    let mut tasks = JoinSet::new();
    let mut client = serve(
        &mut tasks,
        vec![Script {
            answers: 1,
            answer: PROBLEM,
        }],
    )
    .await;
    let answer = client.send(get(), 100).await.unwrap();
    assert_eq!(answer.problem().as_deref(), Some("overloaded"));
    assert_eq!(answer.retry_after(), Some(Duration::from_secs(3)));
}

#[test]
fn an_address_that_is_none_is_refused() {
    assert!(Service::at("https://127.0.0.1:1").is_err());
    assert!(Service::at("127.0.0.1:1").is_err());
    assert!(Service::at("http://127.0.0.1:8080").is_ok());
}
