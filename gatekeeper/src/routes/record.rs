//! What is recorded of each request: metrics, and a line of the log.
//!
//! Each counter is looked up by its labels once, when it is first needed, and remembered: the look-up alone would cost more
//! than the rest of a poll.

use std::sync::OnceLock;
use std::time::Instant;

use http::{HeaderValue, Method, StatusCode};
use metrics::{Counter, Histogram};
use tracing::{debug, error, info};

/// A path with its variables named, for logs and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    Visitors,
    Me,
    Events,
    Room,
    Admission,
    Page,
    Plain,
    Jwks,
    OpenApi,
    Unknown,
}

const LABELS: usize = Label::Unknown as usize + 1;
/// Status codes from 100 to 599.
const STATUSES: usize = 500;

static DURATIONS: [OnceLock<Histogram>; LABELS] = [const { OnceLock::new() }; LABELS];
static COUNTS: [[OnceLock<Counter>; STATUSES]; LABELS] =
    [const { [const { OnceLock::new() }; STATUSES] }; LABELS];

impl Label {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Visitors => "/v1/rooms/{room}/visitors",
            Self::Me => "/v1/rooms/{room}/visitors/me",
            Self::Events => "/v1/rooms/{room}/visitors/me/events",
            Self::Room => "/v1/rooms/{room}",
            Self::Admission => "/v1/rooms/{room}/admission",
            Self::Page => "/rooms/{room}",
            Self::Plain => "/rooms/{room}/plain",
            Self::Jwks => "/.well-known/jwks.json",
            Self::OpenApi => "/openapi.json",
            Self::Unknown => "unknown",
        }
    }
}

/// Records a request that has been answered.
pub(super) fn request(
    label: Label,
    method: &Method,
    status: StatusCode,
    began: Instant,
    id: &HeaderValue,
) {
    let seconds = began.elapsed().as_secs_f64();
    count(label, status, seconds);
    log(label, method, status.as_u16(), seconds, id);
}

fn count(label: Label, status: StatusCode, seconds: f64) {
    let durations = DURATIONS[label as usize].get_or_init(|| {
        metrics::histogram!("onsale_gatekeeper_request_duration_seconds", "route" => label.text())
    });
    durations.record(seconds);
    let counted = usize::from(status.as_u16())
        .checked_sub(100)
        .and_then(|index| COUNTS[label as usize].get(index));
    if let Some(counted) = counted {
        let counter = counted.get_or_init(|| {
            let labels = [
                ("route", label.text().to_owned()),
                ("status", status.as_str().to_owned()),
            ];
            metrics::counter!("onsale_gatekeeper_requests_total", &labels)
        });
        counter.increment(1);
    }
}

fn log(label: Label, method: &Method, status: u16, seconds: f64, id: &HeaderValue) {
    // The same members at each level.
    macro_rules! line {
        ($level:ident) => {
            $level!(
                http.route = label.text(),
                http.method = method.as_str(),
                http.status = status,
                http.seconds = seconds,
                request.id = id.to_str().unwrap_or_default(),
                "request"
            )
        };
    }
    // Polls, and joins at an opening, come by the ten thousand a second; a line for each would cost more than the answer.
    match (status, label) {
        (500.., _) => line!(error),
        (_, Label::Me) | (..300, Label::Visitors) => line!(debug),
        _ => line!(info),
    }
}
