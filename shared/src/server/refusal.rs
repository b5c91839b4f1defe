//! What a connection beyond the limit gets: 503 and the end, instead of silence in the accept queue.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::shutdown::Shutdown;

/// Refusals being written at once; beyond it connections are closed without a word.
const AT_ONCE: usize = 256;
const WITHIN: Duration = Duration::from_secs(1);
const BODY: &str = r#"{"type":"/problems/overloaded","title":"Overloaded","status":503,"detail":"All connections of this server are taken; try again in a few seconds."}"#;

pub(super) struct Refusals {
    places: Arc<Semaphore>,
}

impl Default for Refusals {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl Refusals {
    pub(super) fn refuse(&self, stream: TcpStream, shutdown: &Shutdown) {
        metrics::counter!("onsale_connections_refused_total").increment(1);
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            drop(shutdown.spawn_piece(async move {
                // Whether it arrives or not, the connection is closed.
                let _ = tokio::time::timeout(WITHIN, say_no(stream)).await;
                drop(place);
            }));
        }
    }
}

async fn say_no(mut stream: TcpStream) -> std::io::Result<()> {
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
         cache-control: no-store\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    // Closing with unread bytes would reset the connection, and the answer would be lost with it.
    let mut unread = [0; 1024];
    while stream.read(&mut unread).await? > 0 {}
    Ok(())
}
