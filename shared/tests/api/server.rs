//! The accept loop, through a socket: what it counts, and whom it lets go of.

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
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const LONG: Duration = Duration::from_secs(30);
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

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

#[tokio::test]
async fn a_client_that_asks_on_and_never_reads_is_let_go_of() {
    let limits = Limits {
        write_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    // One answer is more than the buffers of both ends take.
    let (address, open) = serve(limits, 64 * 1024 * 1024).await;
    let mut client = TcpStream::connect(address).await.unwrap();
    until_open(&open, 1).await;
    client.write_all(REQUEST).await.unwrap();
    until_open(&open, 0).await;
}

#[tokio::test]
async fn a_client_that_reads_slowly_gets_the_whole_answer() {
    let limits = Limits {
        write_timeout: LONG,
        ..Limits::default()
    };
    let bytes = 8 * 1024 * 1024;
    let (address, _) = serve(limits, bytes).await;
    let mut client = TcpStream::connect(address).await.unwrap();
    let once = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    client.write_all(once).await.unwrap();
    let (mut read, mut some) = (0, vec![0; 512 * 1024]);
    loop {
        tokio::time::sleep(Duration::from_millis(5)).await;
        match client.read(&mut some).await.unwrap() {
            0 => break,
            more => read += more,
        }
    }
    assert!(read > bytes, "{read} bytes, head included");
}
