//! What streams cost Redis: nothing while people wait, and one look for all whose turn has come.

use std::collections::BTreeMap;

use redis::cmd;
use shared::redis_handle::Redis;

use super::reader::Reader;
use crate::gate::{Gate, fast_room, text};
use crate::outage::{own_server, redis};

const STREAMS: usize = 200;

/// How often each command was called.
async fn calls(redis: &Redis) -> BTreeMap<String, u64> {
    let stats: String = redis.query(cmd("INFO").arg("commandstats")).await.unwrap();
    let named = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let (calls, _) = rest.split_once(',')?;
        Some((name.to_owned(), calls.parse().ok()?))
    };
    stats.lines().filter_map(named).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_streams_there_are_redis_is_read_once() {
    let server = own_server();
    let gate = Gate::with(&server.url(), &fast_room(), &[]).await;
    let redis = redis(&server.url()).await;
    let mut tokens = Vec::new();
    for visitor in 0..STREAMS + 3 {
        tokens.push(text(&gate.join(&format!("user-{visitor}")).await, "token"));
    }
    let mut streams = Vec::new();
    for token in &tokens[3..] {
        streams.push(Reader::open(&gate, token).await);
    }
    for (index, stream) in streams.iter_mut().enumerate() {
        stream
            .until("position", |told| told["position"] == index + 4)
            .await;
    }
    let before = calls(&redis).await;
    // Each of them sees three others go, one after the other.
    for (gone, token) in tokens.iter().take(3).enumerate() {
        gate.leave(token).await;
        for (index, stream) in streams.iter_mut().enumerate() {
            let position = index + 3 - gone;
            stream
                .until("position", |told| told["position"] == position)
                .await;
        }
    }
    let waited = calls(&redis).await;
    let grown = |from: &BTreeMap<_, _>, to: &BTreeMap<_, _>, name: &str| {
        to.get(name).unwrap_or(&0) - from.get(name).unwrap_or(&0)
    };
    // Those who leave are looked up, and what runs by time asks for the room; nothing asks for who waits.
    for per_visitor in ["zscore", "hget"] {
        let calls = grown(&before, &waited, per_visitor);
        let by_time = grown(&before, &waited, "hgetall");
        assert!(
            calls <= by_time + 10,
            "{calls} × {per_visitor} for {STREAMS} streams that wait"
        );
    }
    let promotions = gate.admit(STREAMS as u64).await;
    for stream in &mut streams {
        stream.until("admitted", |_| true).await;
    }
    let admitted = calls(&redis).await;
    // A look reads the room's life once, and an admission for each visitor; a promotion reads the shop.
    let looks = grown(&waited, &admitted, "hget").saturating_sub(STREAMS as u64 + promotions);
    let readings = grown(&waited, &admitted, "hgetall");
    assert!(
        looks <= 2 * readings + 20,
        "{looks} looks for {STREAMS} streams and {readings} readings of the room"
    );
}
