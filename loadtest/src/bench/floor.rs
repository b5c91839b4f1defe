//! The floor: a bare hyper server of the gatekeeper's shape (tokio's multi-thread runtime, the same settings of HTTP/1.1)
//! that answers every request with the same bytes, without looking at it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::recorded::Recorded;

/// As the gatekeeper's defaults.
const HEADER_TIMEOUT: Duration = Duration::from_secs(90);
const HEADERS_MAX: usize = 64;
const HEAD_BYTES_MAX: usize = 16 << 10;
/// Pause after a failed accept (out of descriptors).
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// Serves until `stop`. The answer is read from a file that a benchmark wrote.
pub(crate) async fn serve(
    listen: SocketAddr,
    answer: &Path,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let answer = Arc::new(Recorded::read(answer)?);
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))?;
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX);
    // Not waited for: whoever stops a floor has what it wanted.
    let connections = TaskTracker::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _peer)) => drop(connections.spawn(connection(&http, stream, &answer)?)),
            Err(_out_of_descriptors) => tokio::time::sleep(ACCEPT_AGAIN_AFTER).await,
        }
    }
    Ok(())
}

fn connection(
    http: &http1::Builder,
    stream: TcpStream,
    answer: &Arc<Recorded>,
) -> std::io::Result<impl Future<Output = hyper::Result<()>> + use<>> {
    stream.set_nodelay(true)?;
    let answer = Arc::clone(answer);
    let service = service_fn(move |_request| {
        let response = answer.response();
        async move { Ok::<_, Infallible>(response) }
    });
    Ok(http.serve_connection(TokioIo::new(stream), service))
}
