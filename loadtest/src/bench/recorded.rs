//! An answer of a gatekeeper, written down so that the floor can give the very same bytes.

use std::path::Path;

use anyhow::Context;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;

use super::wire::Reply;

/// What every server adds by itself.
const ADDED_BY_HYPER: [&str; 2] = ["content-length", "date"];
const HEADERS_MAX: usize = 32;

/// Status, headers and body.
#[derive(Debug, Clone)]
pub(super) struct Recorded {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Recorded {
    /// Reads what [`write`] wrote.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path)
            .with_context(|| format!("cannot read the answer {}", path.display()))?;
        Self::parse(&bytes).with_context(|| format!("{} is no answer", path.display()))
    }

    fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        let mut space = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut answer = httparse::Response::new(&mut space);
        let httparse::Status::Complete(head) = answer.parse(bytes)? else {
            anyhow::bail!("its head has no end");
        };
        let mut headers = HeaderMap::new();
        for header in answer.headers.iter() {
            let name: HeaderName = header.name.parse()?;
            if !ADDED_BY_HYPER.contains(&name.as_str()) {
                headers.append(name, HeaderValue::from_bytes(header.value)?);
            }
        }
        Ok(Self {
            status: StatusCode::from_u16(answer.code.unwrap_or_default())?,
            headers,
            body: Bytes::copy_from_slice(&bytes[head..]),
        })
    }

    /// The answer once more.
    pub(super) fn response(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body.clone()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        response
    }
}

/// Writes an answer down.
pub(super) fn write(path: &Path, reply: &Reply<'_>) -> anyhow::Result<()> {
    std::fs::write(path, [reply.head, reply.body].concat())
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_given_again_without_what_every_server_adds() {
        let bytes =
            b"HTTP/1.1 201 Created\r\nx-request-id: 7\r\nset-cookie: a=b\r\nset-cookie: c=d\r\n\
            content-length: 2\r\ndate: Sun, 22 Nov 2026 15:00:00 GMT\r\n\r\n{}";
        let response = Recorded::parse(bytes).unwrap().response();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["x-request-id"], "7");
        assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
        assert!(
            !response.headers().contains_key("date")
                && !response.headers().contains_key("content-length")
        );
        assert!(Recorded::parse(b"HTTP/1.1 200 OK\r\n").is_err());
    }
}
