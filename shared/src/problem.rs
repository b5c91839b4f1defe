//! Problem documents (RFC 9457): how every service says what went wrong and what to change.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Map, Value};

/// One problem document, `application/problem+json`.
///
/// `slug` becomes the `type` (`/problems/<slug>`). Nothing internal may be put into `detail`: the
/// cause of a 5xx belongs to the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    slug: &'static str,
    status: StatusCode,
    title: &'static str,
    detail: Option<String>,
    extensions: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem of the kind `slug`; `title` is the same for every occurrence.
    pub fn new(slug: &'static str, status: StatusCode, title: &'static str) -> Self {
        Self {
            slug,
            status,
            title,
            detail: None,
            extensions: Map::new(),
            headers: Vec::new(),
        }
    }

    /// Says what is wrong this time, and what to change.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds an extension member.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.extensions.insert(member.to_owned(), value.into());
        self
    }

    /// When to try again; rounded up to whole seconds, as `Retry-After` counts them.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Adds a header to the answer, such as `Allow`.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The last part of the problem's type.
    pub fn slug(&self) -> &'static str {
        self.slug
    }

    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The document as JSON.
    pub fn to_json(&self) -> Value {
        let mut document = self.extensions.clone();
        document.insert("type".to_owned(), format!("/problems/{}", self.slug).into());
        document.insert("title".to_owned(), self.title.into());
        document.insert("status".to_owned(), self.status.as_u16().into());
        if let Some(detail) = &self.detail {
            document.insert("detail".to_owned(), detail.as_str().into());
        }
        Value::Object(document)
    }

    /// The answer to send: never cached, with `Retry-After` where one was given.
    pub fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::from(self.to_json().to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.headers);
        response
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_problem_names_its_type_and_when_to_retry() {
        let response = Problem::new("overloaded", StatusCode::SERVICE_UNAVAILABLE, "Overloaded")
            .detail("Come back in a moment.")
            .with("queue", 7)
            .retry_after(Duration::from_millis(1_001))
            .into_response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[RETRY_AFTER], "2");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let document: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            document,
            serde_json::json!({
                "type": "/problems/overloaded", "title": "Overloaded", "status": 503,
                "detail": "Come back in a moment.", "queue": 7
            })
        );
    }
}
