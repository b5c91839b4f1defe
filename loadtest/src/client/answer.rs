//! An answer, read whole.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Longest slug of a problem that is kept: what is longer is no slug.
const SLUG_LENGTH_MAX: usize = 60;

/// Status, headers and body of one answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

#[derive(Deserialize)]
struct ProblemType {
    #[serde(rename = "type")]
    kind: String,
}

impl Answer {
    /// The body as JSON, if it is such a document.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The last part of the problem's type, if the answer is a problem document.
    pub(crate) fn problem(&self) -> Option<Box<str>> {
        let media = self.headers.get(header::CONTENT_TYPE)?.as_bytes();
        if !media.starts_with(b"application/problem+json") {
            return None;
        }
        let ProblemType { kind } = self.json()?;
        let slug = kind.strip_prefix("/problems/")?;
        (slug.len() <= SLUG_LENGTH_MAX).then(|| slug.into())
    }

    /// How long the server asks us to wait before trying again.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let seconds = self
            .headers
            .get(header::RETRY_AFTER)?
            .to_str()
            .ok()?
            .parse()
            .ok()?;
        Some(Duration::from_secs(seconds))
    }

    /// The text of a header, if it is there and readable.
    pub(crate) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
