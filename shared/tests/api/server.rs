//! The accept loop, through a socket: what it counts.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use shared::server::{self, Limits};
use shared::shutdown::Shutdown;
use tokio::net::{TcpListener, TcpStream};

const LONG: Duration = Duration::from_secs(30);

/// A server whose every answer has a body of `bytes`, and how many connections it says are open.
async fn serve(limits: Limits, bytes: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let open = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&open);
    let body = Bytes::from(vec![b'x'; bytes]);
    let make_service = move |_peer| {
        let body = body.clone();
        service_fn(move |_request: Request<Incoming>| {
            let response = Response::new(Full::new(body.clone()));
            async move { Ok::<_, Infallible>(response) }
        })
    };
    let on_count = move |count| counted.store(count, Ordering::Release);
    let shutdown = Shutdown::new();
    shutdown.spawn_background(
        "server",
        server::serve(listener, limits, shutdown.clone(), make_service, on_count),
    );
    (address, open)
}

async fn until_open(open: &AtomicUsize, expected: usize) {
    let began = Instant::now();
    while open.load(Ordering::Acquire) != expected {
        assert!(
            began.elapsed() < LONG,
            "{} are said to be open, not {expected}",
            open.load(Ordering::Acquire)
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn the_number_of_open_connections_goes_up_and_down() {
    let (address, open) = serve(Limits::default(), 1).await;
    let mut clients = Vec::new();
    for count in 1..=3 {
        clients.push(TcpStream::connect(address).await.unwrap());
        until_open(&open, count).await;
    }
    for left in (0..3).rev() {
        clients.pop();
        until_open(&open, left).await;
    }
}
