//! Server-sent events, written out: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use std::io::Write;

use bytes::Bytes;
use serde::Serialize;

use super::facts::Facts;
use crate::routes::document::VisitorDocument;

/// After how many milliseconds a client whose stream broke off opens another one. Spread, so that those of a
/// gatekeeper that died do not come all at once.
const RETRY_MS: std::ops::RangeInclusive<u32> = 1_000..=5_000;
/// The same for a client that does not close its stream when told that it is over.
const RETRY_WHEN_OVER_MS: u32 = 30_000;

/// An event's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The visitor's position.
    Position,
    /// Something that everybody in the room can see, or the end of this visitor's visit.
    Room,
    /// The visitor was let in; a poll gives the admission.
    Admitted,
}

impl Event {
    fn as_str(self) -> &'static str {
        match self {
            Self::Position => "position",
            Self::Room => "room",
            Self::Admitted => "admitted",
        }
    }
}

/// What a visitor is told at last. An admission's token is not in it: that is for whoever claims.
#[derive(Debug, Serialize)]
pub(super) struct LastWord<'claims> {
    pub(super) state: &'static str,
    pub(super) room: &'claims str,
    pub(super) number: u64,
}

/// A visitor document with what a room tells everybody.
#[derive(Serialize)]
struct RoomNews<'told> {
    #[serde(flatten)]
    document: &'told VisitorDocument,
    #[serde(flatten)]
    facts: &'told Facts,
}

/// When to come back after an end without a reason that the client must know.
pub(super) fn retry_soon() -> Bytes {
    retry(rand::random_range(RETRY_MS))
}

/// The position.
pub(super) fn position(document: &VisitorDocument) -> Bytes {
    event(Event::Position, Vec::new(), document)
}

/// The news of the room.
pub(super) fn room(document: &VisitorDocument, facts: &Facts) -> Bytes {
    event(Event::Room, Vec::new(), &RoomNews { document, facts })
}

/// The last event of a stream.
pub(super) fn last(name: Event, word: &LastWord<'_>) -> Bytes {
    event(name, retry(RETRY_WHEN_OVER_MS).into(), word)
}

/// A comment, which clients ignore: the connection lives.
pub(super) fn beat() -> Bytes {
    count("beat");
    Bytes::from_static(b":\n\n")
}

fn retry(milliseconds: u32) -> Bytes {
    format!("retry: {milliseconds}\n\n").into()
}

fn event(name: Event, mut bytes: Vec<u8>, data: &impl Serialize) -> Bytes {
    count(name.as_str());
    bytes.reserve(256);
    write!(bytes, "event: {}\ndata: ", name.as_str()).expect("a vector takes all that is written");
    // On one line: JSON escapes line breaks.
    serde_json::to_writer(&mut bytes, data).expect("our documents have only string keys");
    bytes.extend_from_slice(b"\n\n");
    bytes.into()
}

fn count(event: &'static str) {
    metrics::counter!("onsale_gatekeeper_stream_frames_total", "event" => event).increment(1);
}
