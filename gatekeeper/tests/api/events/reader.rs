//! A client of server-sent events.

use std::time::Instant;

use reqwest::{Method, Response, StatusCode};
use serde_json::Value;

use crate::gate::{Gate, LONG};

/// One open stream.
pub(crate) struct Reader {
    response: Response,
    unread: String,
}

/// What came between two blank lines.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Frame {
    /// An event's name and data.
    Event(String, Value),
    /// When to come back, in milliseconds.
    Retry(u64),
    /// A comment.
    Beat,
}

impl Reader {
    /// Opens the stream of the visitor of `token`.
    pub(crate) async fn open(gate: &Gate, token: &str) -> Self {
        let response = try_open(gate, token).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        let unread = String::new();
        Self { response, unread }
    }

    /// What comes next, a comment too; `None` at the end of the stream.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(end) = self.unread.find("\n\n") {
                let block: String = self.unread.drain(..end + 2).collect();
                return Some(parse(block.trim_end()));
            }
            let chunk = tokio::time::timeout(LONG, self.response.chunk());
            let chunk = chunk.await.expect("nothing comes any more").unwrap()?;
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event; `None` at the end of the stream.
    pub(crate) async fn event(&mut self) -> Option<(String, Value)> {
        let began = Instant::now();
        loop {
            match self.frame().await? {
                Frame::Event(name, data) => return Some((name, data)),
                Frame::Retry(_) | Frame::Beat => {}
            }
            assert!(began.elapsed() < LONG, "nothing comes but signs of life");
        }
    }

    /// Reads until `expected` holds for an event of that name, and returns its data.
    pub(crate) async fn until(&mut self, name: &str, expected: impl Fn(&Value) -> bool) -> Value {
        let mut last = None;
        let began = Instant::now();
        while let Some((event, data)) = self.event().await {
            if event == name && expected(&data) {
                return data;
            }
            last = Some((event, data));
            assert!(
                began.elapsed() < LONG,
                "no such {name}; last seen: {last:?}"
            );
        }
        panic!("the stream ended; last seen: {last:?}");
    }

    /// That nothing more comes but comments and when to come back, which is returned.
    pub(crate) async fn end(&mut self) -> Option<u64> {
        let mut retry = None;
        while let Some(frame) = self.frame().await {
            match frame {
                Frame::Retry(milliseconds) => retry = Some(milliseconds),
                Frame::Beat => {}
                Frame::Event(name, data) => panic!("one more event: {name} {data}"),
            }
        }
        retry
    }
}

/// Asks for the stream of the visitor of `token`.
pub(crate) async fn try_open(gate: &Gate, token: &str) -> Response {
    let request = gate.request(Method::GET, "/visitors/me/events");
    request.bearer_auth(token).send().await.unwrap()
}

fn parse(block: &str) -> Frame {
    if block.starts_with(':') {
        return Frame::Beat;
    }
    if let Some(milliseconds) = block.strip_prefix("retry: ") {
        return Frame::Retry(milliseconds.parse().unwrap());
    }
    let (name, data) = block.split_once('\n').unwrap();
    let name = name.strip_prefix("event: ").unwrap().to_owned();
    let data = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
    Frame::Event(name, data)
}
