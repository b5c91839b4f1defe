//! Redis goes away and comes back under open streams.

use crate::gate::{Gate, fast_room, text};
use crate::outage::own_server;

use super::reader::{Reader, try_open};

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_is_away_streams_stay_and_say_that_the_line_is_stale() {
    let mut server = own_server();
    server.keep_every_write().unwrap();
    let flags = ["--stream-heartbeat-ms", "1000"];
    let gate = Gate::with(&server.url(), &fast_room(), &flags).await;
    let ada = text(&gate.join("ada").await, "token");
    let bob = text(&gate.join("bob").await, "token");
    let mut stream = Reader::open(&gate, &bob).await;
    stream.until("position", |told| told["position"] == 2).await;
    server.kill().unwrap();
    let told = stream.until("room", |told| told["stale"] == true).await;
    assert_eq!(told["position"], 2);
    let mut late = Reader::open(&gate, &bob).await;
    late.until("room", |told| told["stale"] == true).await;
    assert!(try_open(&gate, "a.b.c").await.status() == 401);
    assert_eq!(
        stream.frame().await,
        Some(super::reader::Frame::Beat),
        "it lives without Redis"
    );

    server.restart().unwrap();
    for stream in [&mut stream, &mut late] {
        let told = stream.until("room", |told| told["stale"] == false).await;
        assert_eq!(told["position"], 2, "nobody lost a place");
    }
    gate.leave(&ada).await;
    stream.until("position", |told| told["position"] == 1).await;
    gate.admit(1).await;
    stream.until("admitted", |_| true).await;
}
