//! The admin port: `/livez`, `/readyz`, `/metrics`. Not for the public.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::net::TcpListener;

use crate::problem::Problem;
use crate::readiness::Readiness;
use crate::server::{self, Limits};
use crate::shutdown::Shutdown;
use crate::telemetry::Metrics;

/// Probes and one or two scrapers; far fewer than this.
const MAX_CONNECTIONS: usize = 64;
/// When a service that is not ready may be asked again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Serves the admin port as long as the process lives; while it drains, the answer is "not ready".
pub fn serve(listener: TcpListener, readiness: Readiness, metrics: Metrics, shutdown: &Shutdown) {
    let limits = Limits {
        max_connections: MAX_CONNECTIONS,
        ..Limits::default()
    };
    let make_service = move |_peer| {
        let (readiness, metrics) = (readiness.clone(), metrics.clone());
        service_fn(move |request: Request<Incoming>| {
            let response = answer(&request, &readiness, &metrics);
            async move { Ok::<_, Infallible>(response) }
        })
    };
    // A life of its own: probes are answered until the very end, and the process does not wait for them.
    shutdown.spawn_background(
        "admin port",
        server::serve(listener, limits, Shutdown::new(), make_service, |_count| {}),
    );
}

fn answer(
    request: &Request<Incoming>,
    readiness: &Readiness,
    metrics: &Metrics,
) -> Response<Full<Bytes>> {
    if request.method() != Method::GET {
        let problem = Problem::new(
            "method-not-allowed",
            StatusCode::METHOD_NOT_ALLOWED,
            "Method not allowed",
        );
        return problem
            .detail("The admin port answers GET alone.")
            .into_response();
    }
    match request.uri().path() {
        "/livez" => text("live\n".to_owned()),
        "/readyz" => match readiness.unmet() {
            unmet if unmet.is_empty() => text("ready\n".to_owned()),
            unmet => Problem::new("not-ready", StatusCode::SERVICE_UNAVAILABLE, "Not ready")
                .with("waiting_for", unmet)
                .retry_after(AGAIN_AFTER)
                .into_response(),
        },
        "/metrics" => text(metrics.render()),
        _ => Problem::new("not-found", StatusCode::NOT_FOUND, "Not found")
            .detail("The admin port has /livez, /readyz and /metrics.")
            .into_response(),
    }
}

fn text(body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    let plain = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}
