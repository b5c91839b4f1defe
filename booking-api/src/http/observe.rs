//! One line in the log and one observation in the metrics per request, and a name for it: `x-request-id`.

use std::error::Error;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::header::X_CONTENT_TYPE_OPTIONS;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use metrics::{counter, histogram};
use tracing::{error, info};
use uuid::Uuid;

use crate::error::Cause;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is taken over from a load balancer.
const LONGEST_ID: usize = 64;

/// What is known of a request before it is handled.
struct Observed {
    id: HeaderValue,
    method: Method,
    route: String,
    begun: Instant,
}

/// Watches a request.
pub(super) async fn observe(request: Request, next: Next) -> Response {
    let observed = Observed::of(&request);
    let mut response = next.run(request).await;
    observed.record(&response);
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, observed.id);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

impl Observed {
    fn of(request: &Request) -> Self {
        // The pattern, never the path: it would make a label of every id.
        let route = request
            .extensions()
            .get::<MatchedPath>()
            .map_or("unmatched", MatchedPath::as_str);
        Self {
            id: id(request),
            method: request.method().clone(),
            route: route.to_owned(),
            begun: Instant::now(),
        }
    }

    fn record(&self, response: &Response) {
        let (status, took) = (response.status(), self.begun.elapsed());
        let id = self.id.to_str().unwrap_or_default();
        let took_ms = took.as_secs_f64() * 1000.0;
        let (http_method, http_route, http_status) =
            (self.method.as_str(), self.route.as_str(), status.as_u16());
        if let Some(Cause(cause)) = response.extensions().get() {
            error!(
                "request.id" = id,
                "http.method" = http_method,
                "http.route" = http_route,
                "http.status" = http_status,
                took_ms,
                error = &**cause as &dyn Error,
                "request failed"
            );
        } else {
            info!(
                "request.id" = id,
                "http.method" = http_method,
                "http.route" = http_route,
                "http.status" = http_status,
                took_ms,
                "request"
            );
        }
        self.count(status, took.as_secs_f64());
    }

    fn count(&self, status: StatusCode, took_seconds: f64) {
        let route = format!("{} {}", known_method(&self.method), self.route);
        let labels = [
            ("route", route.clone()),
            ("status", status.as_str().to_owned()),
        ];
        counter!("onsale_booking_requests_total", &labels).increment(1);
        histogram!("onsale_booking_request_duration_seconds", "route" => route)
            .record(took_seconds);
    }
}

/// Methods can be invented, labels must not be.
fn known_method(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::POST
        | Method::DELETE
        | Method::HEAD
        | Method::PUT
        | Method::PATCH
        | Method::OPTIONS => method.as_str(),
        _ => "other",
    }
}

fn id(request: &Request) -> HeaderValue {
    let is_good = |id: &&HeaderValue| {
        (1..=LONGEST_ID).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    let given = request.headers().get(REQUEST_ID).filter(is_good).cloned();
    given.unwrap_or_else(|| {
        let id = Uuid::now_v7().to_string();
        id.try_into().expect("a UUID is a header")
    })
}
