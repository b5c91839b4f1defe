//! The accept loop under every HTTP port of ours: HTTP/1.1, bounded, drained gracefully.
//!
//! Deliberately absent: TLS and HTTP/2, which the load balancer speaks to the world.

pub mod descriptors;
mod listen;
mod places;
mod refusal;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutStream;
use tracing::{debug, warn};

pub use self::listen::{BACKLOG, listen};
use self::places::Places;
use self::refusal::Refusals;
use crate::args::ServerArgs;
use crate::shutdown::Shutdown;

/// Pause after a failed accept (out of descriptors): a busy loop would not give any back.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// What one port may use.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Most connections at once.
    pub max_connections: usize,
    /// For a request's head, and between two requests of a connection.
    pub header_timeout: Duration,
    /// Longest time in which a client that is being written to takes nothing; then the connection is closed.
    pub write_timeout: Duration,
    /// Most headers of a request; more are answered with 431.
    pub max_headers: usize,
    /// Most bytes of a request's head; more are answered with 431. Tokens and cookies take about 2 kB.
    pub max_head_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 18_000,
            header_timeout: Duration::from_secs(90),
            // A phone in a tunnel comes back within it, or anew.
            write_timeout: Duration::from_secs(30),
            max_headers: 64,
            max_head_bytes: 16 * 1024,
        }
    }
}

impl From<&ServerArgs> for Limits {
    fn from(args: &ServerArgs) -> Self {
        Self {
            max_connections: usize::try_from(args.max_connections).unwrap_or(usize::MAX),
            header_timeout: Duration::from_secs(args.header_timeout_seconds),
            ..Self::default()
        }
    }
}

/// So many connections, or as many as descriptors allow: what is beyond it is told so rather than left in the accept queue.
fn possible(max_connections: usize) -> usize {
    match descriptors::make_room_for(max_connections as u64) {
        Ok(()) => max_connections,
        Err(error) => {
            warn!(%error, "fewer connections are possible than are allowed");
            usize::try_from(error.possible())
                .map_or(max_connections, |most| most.min(max_connections))
        }
    }
}

/// The address at the other end of a connection: the client's, or a proxy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Accepts and serves connections until the soft shutdown, then lets requests in flight finish until the
/// hard one. `make_service` is called once per connection; `on_count` is told the number of open connections
/// whenever one begins or ends.
pub async fn serve<S, B>(
    listener: TcpListener,
    limits: Limits,
    shutdown: Shutdown,
    make_service: impl Fn(Peer) -> S,
    on_count: impl Fn(usize) + Send + Sync + 'static,
) where
    S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: std::error::Error + Send + Sync + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let places = Arc::new(Places::new(possible(limits.max_connections), on_count));
    let refusals = Refusals::default();
    let graceful = GracefulShutdown::new();
    let http = http(&limits);
    while let Some(accepted) = shutdown.run_until_stopped(listener.accept()).await {
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
                continue;
            }
        };
        let Some(place) = places.take() else {
            refusals.refuse(stream, &shutdown);
            continue;
        };
        let io = io(stream, limits.write_timeout);
        let connection = http.serve_connection(io, make_service(Peer(peer)));
        let connection = graceful.watch(connection);
        let hard = shutdown.hard().clone();
        drop(shutdown.spawn_piece(async move {
            if let Some(Err(error)) = hard.run_until_cancelled(connection).await {
                debug!(%error, "a connection ended early");
            }
            drop(place);
        }));
    }
    drop(listener);
    shutdown
        .hard()
        .run_until_cancelled(graceful.shutdown())
        .await;
}

fn http(limits: &Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    // Without a timer hyper's header timeout does nothing.
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_headers(limits.max_headers)
        .max_buf_size(limits.max_head_bytes);
    http
}

fn io(stream: TcpStream, write_timeout: Duration) -> TokioIo<Pin<Box<TimeoutStream<TcpStream>>>> {
    // Answers are one small write each; waiting to join them with the next only adds delay.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "cannot set TCP_NODELAY");
    }
    // While hyper waits in a write, its header timeout does not run: who asks on and never reads would stay.
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(write_timeout));
    TokioIo::new(Box::pin(stream))
}
