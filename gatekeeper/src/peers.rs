//! Whether this gatekeeper alone has lost Redis: then clients are better off at another one. When all have lost it, all stay
//! ready and answer from memory.
//!
//! Gatekeepers announce their admin ports in Redis. Who has lost Redis asks those it knew, over their admin ports, whether they
//! still see it: by the gauge that an operator sees too.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::Request;
use http::header::HOST;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use shared::readiness::Latch;
use shared::redis_handle::{Redis, StoreError};
use tokio::net::TcpStream;
use tokio::time::MissedTickBehavior;
use tracing::{info, warn};

/// Gatekeepers by their admin ports, each with when it was last here, ms by Redis' clock.
const GATEKEEPERS: &str = "onsale:gatekeepers";
/// The gauge that tells of one gatekeeper whether it sees Redis.
const CONNECTED: &str = "onsale_redis_connected";
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Who has not announced itself for so long is no peer any more.
const PEERS_LIVE_MS: u64 = 30_000;
/// A short outage is no reason to send thousands of clients elsewhere.
const PATIENCE: Duration = Duration::from_secs(5);
/// Peers that are asked: one that sees Redis is enough.
const ASKED_MOST: usize = 16;
const ANSWER_WITHIN: Duration = Duration::from_millis(500);
const LARGEST_ANSWER_BYTES: usize = 1024 * 1024;

/// Keeps the readiness of a gatekeeper that may have lost Redis.
pub(crate) struct Peers {
    /// Where Redis is.
    pub(crate) redis: Redis,
    /// Where other gatekeepers reach this one's admin port.
    pub(crate) own: SocketAddr,
    /// Met unless this gatekeeper alone has lost Redis.
    pub(crate) not_alone: Latch,
}

impl Peers {
    /// Never ends by itself.
    pub(crate) async fn watch(self) {
        let connected = metrics::gauge!(CONNECTED);
        let mut known = HashSet::new();
        let mut lost_at: Option<Instant> = None;
        let mut was_ready = true;
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.not_alone.set(true);
        loop {
            ticks.tick().await;
            let is_ready = match self.announce().await {
                Ok(peers) => {
                    connected.set(1.0);
                    (known, lost_at) = (peers, None);
                    true
                }
                Err(_away) => {
                    connected.set(0.0);
                    let lost_for = lost_at.get_or_insert_with(Instant::now).elapsed();
                    lost_for < PATIENCE || !any_sees_redis(&known).await
                }
            };
            match (was_ready, is_ready) {
                (true, false) => warn!("not ready: others see redis, this gatekeeper does not"),
                (false, true) => info!("ready again"),
                _ => {}
            }
            was_ready = is_ready;
            self.not_alone.set(is_ready);
        }
    }

    /// Says that this gatekeeper is here. Returns the others.
    async fn announce(&self) -> Result<HashSet<SocketAddr>, StoreError> {
        let (seconds, _): (u64, u64) = self.redis.query(&redis::cmd("TIME")).await?;
        let now_ms = seconds * 1_000;
        let mut add = redis::cmd("ZADD");
        add.arg(GATEKEEPERS).arg(now_ms).arg(self.own.to_string());
        self.redis.query::<u64>(&add).await?;
        let mut forget = redis::cmd("ZREMRANGEBYSCORE");
        forget.arg(GATEKEEPERS).arg("-inf");
        forget.arg(now_ms.saturating_sub(PEERS_LIVE_MS));
        self.redis.query::<u64>(&forget).await?;
        let mut list = redis::cmd("ZREVRANGE");
        list.arg(GATEKEEPERS).arg(0).arg(ASKED_MOST);
        let names: Vec<String> = self.redis.query(&list).await?;
        let addresses = names.iter().filter_map(|name| name.parse().ok());
        Ok(addresses.filter(|address| *address != self.own).collect())
    }
}

async fn any_sees_redis(peers: &HashSet<SocketAddr>) -> bool {
    let answers = stream::iter(peers.iter().copied())
        .map(sees_redis)
        .buffer_unordered(ASKED_MOST);
    answers.any(std::future::ready).await
}

async fn sees_redis(peer: SocketAddr) -> bool {
    match tokio::time::timeout(ANSWER_WITHIN, ask(peer)).await {
        Ok(Some(text)) => says_connected(&text),
        Ok(None) | Err(_) => false,
    }
}

/// The metrics of a peer; `None` when it gives none.
async fn ask(peer: SocketAddr) -> Option<String> {
    let stream = TcpStream::connect(peer).await.ok()?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.ok()?;
    // Dropping the sender at its end ends the connection.
    let asking = async move {
        let request = Request::get("/metrics").header(HOST, peer.to_string());
        let request = request.body(Empty::<Bytes>::new()).ok()?;
        let answer = sender.send_request(request).await.ok()?;
        let body = Limited::new(answer.into_body(), LARGEST_ANSWER_BYTES);
        let bytes = body.collect().await.ok()?.to_bytes();
        String::from_utf8(bytes.to_vec()).ok()
    };
    let (text, _ended) = tokio::join!(asking, connection);
    text
}

/// The gauge has the labels that every metric of a service has.
fn says_connected(metrics: &str) -> bool {
    let value = metrics.lines().find_map(|line| {
        let rest = line.strip_prefix(CONNECTED)?;
        let value = match rest.strip_prefix('{') {
            Some(labels) => labels.split_once('}')?.1,
            None => rest,
        };
        value.strip_prefix(' ')
    });
    value.is_some_and(|value| value.trim() == "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gauge_of_a_peer_is_read() {
        let labelled = "a 1\nonsale_redis_connected{service=\"gatekeeper\"} 1\n";
        assert!(says_connected(labelled));
        assert!(!says_connected(&labelled.replace("} 1", "} 0")));
        assert!(says_connected("a 1\nonsale_redis_connected 1\n"));
        assert!(!says_connected("onsale_redis_connected 0\n"));
        assert!(!says_connected("onsale_redis_connected_total 1\n"));
        assert!(!says_connected(""));
    }
}
