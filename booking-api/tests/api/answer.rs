//! An answer of the API, and what tests expect of it.

use reqwest::{Response, StatusCode};
use serde_json::Value;

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) async fn read(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response
            .bytes()
            .await
            .expect("the answer arrives whole")
            .to_vec();
        assert!(
            headers.contains_key("x-request-id"),
            "every answer has a name: {status}"
        );
        Self {
            status,
            headers,
            bytes,
        }
    }

    /// The body as JSON; null when there is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(
            self.status.as_u16(),
            status,
            "{}",
            String::from_utf8_lossy(&self.bytes)
        );
        self.json()
    }

    #[track_caller]
    pub(crate) fn expect_created(self) -> Value {
        self.expect(201)
    }

    /// A problem document of the kind `slug`, complete as RFC 9457 and the contract want it.
    #[track_caller]
    pub(crate) fn expect_problem(self, status: u16, slug: &str) -> Value {
        let kind = self.header("content-type").to_owned();
        let retry_after = self.headers.get("retry-after").is_some();
        let body = self.expect(status);
        assert_eq!(body["type"], format!("/problems/{slug}"), "{body}");
        assert_eq!(kind, "application/problem+json");
        assert_eq!(body["status"], status);
        assert!(
            body["title"].is_string() && body["detail"].is_string(),
            "{body}"
        );
        if status == 503 || status == 429 {
            assert!(retry_after, "{status} says when to come back");
        }
        body
    }

    /// The value of a header, "" if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("headers are text"))
    }
}
