//! Building answers.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

use super::reply_body::ReplyBody;

/// Room for what a poll is told; more is made when it is needed.
const USUAL_DOCUMENT_BYTES: usize = 256;

/// Every answer of the gatekeeper.
pub type Reply = Response<ReplyBody>;

/// How long an answer may be kept, and by whom.
#[derive(Debug, Clone, Copy)]
pub enum Caching {
    /// Somebody's own: kept by nobody.
    Personal,
    /// The same for everybody, for a number of seconds.
    Public(u32),
}

impl Caching {
    fn header(self) -> HeaderValue {
        match self {
            Self::Personal => HeaderValue::from_static("no-store"),
            Self::Public(seconds) => HeaderValue::try_from(format!("public, max-age={seconds}"))
                .expect("digits are good in a header"),
        }
    }
}

/// An answer with a body.
pub fn with_body(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
    caching: Caching,
) -> Reply {
    let mut reply = Response::new(Full::new(body.into()).into());
    *reply.status_mut() = status;
    reply
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply.headers_mut().insert(CACHE_CONTROL, caching.header());
    reply
}

/// A stream of events, kept by nobody.
pub fn events(body: ReplyBody) -> Reply {
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, Caching::Personal.header());
    // Proxies of the nginx kind would else keep events back until a buffer is full.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    reply
}

/// An answer as JSON.
pub fn json(status: StatusCode, document: &impl Serialize, caching: Caching) -> Reply {
    let mut body = Vec::with_capacity(USUAL_DOCUMENT_BYTES);
    serde_json::to_writer(&mut body, document).expect("our documents have only string keys");
    with_body(status, "application/json", body, caching)
}

/// An answer without a body.
pub fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(Full::default().into());
    *reply.status_mut() = status;
    reply
        .headers_mut()
        .insert(CACHE_CONTROL, Caching::Personal.header());
    reply
}
