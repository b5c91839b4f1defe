//! A gatekeeper that alone has lost Redis sends its clients elsewhere; when all have lost it, all go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use devstack::stores::RedisServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::gate::{LONG, Process};
use crate::outage::{own_server, redis};

/// The admin port of another gatekeeper, which sees Redis or does not.
async fn neighbour(sees_redis: Arc<AtomicBool>) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    shared::shutdown::Shutdown::new().spawn_background("neighbour", async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let body = format!(
                "onsale_redis_connected{{service=\"gatekeeper\"}} {}\n",
                u8::from(sees_redis.load(Ordering::Relaxed))
            );
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    address
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < LONG, "never {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn announce(server: &RedisServer, address: std::net::SocketAddr) {
    let redis = redis(&server.url()).await;
    let (now, _): (u64, u64) = redis.query(&redis::cmd("TIME")).await.unwrap();
    let mut add = redis::cmd("ZADD");
    add.arg("onsale:gatekeepers")
        .arg(now * 1_000)
        .arg(address.to_string());
    redis.query::<u64>(&add).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_alone_has_lost_redis_is_not_ready_and_all_together_are() {
    let mut server = own_server();
    server.keep_every_write().unwrap();
    let sees_redis = Arc::new(AtomicBool::new(true));
    announce(&server, neighbour(Arc::clone(&sees_redis)).await).await;
    let process = Process::start(&server.url(), &[]).await;
    until("ready", || process.unmet().is_empty()).await;
    // The neighbours are read once a second.
    tokio::time::sleep(Duration::from_secs(2)).await;
    server.kill().unwrap();
    until("not ready", || {
        process.unmet() == ["redis-or-nobody-has-it"]
    })
    .await;
    sees_redis.store(false, Ordering::Relaxed);
    until("ready with the others", || process.unmet().is_empty()).await;
    sees_redis.store(true, Ordering::Relaxed);
    until("not ready again", || !process.unmet().is_empty()).await;
    server.restart().unwrap();
    until("ready with redis", || process.unmet().is_empty()).await;
    process.shutdown.soft().cancel();
    process.shutdown.hard().cancel();
}
