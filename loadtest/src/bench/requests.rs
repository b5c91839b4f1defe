//! Requests as bytes, made before anything is timed.

use bytes::Bytes;

/// A join with a user token.
pub(super) fn join(room: &str, user_token: &str) -> Bytes {
    format!("POST /v1/rooms/{room}/visitors HTTP/1.1\r\nhost: onsale\r\nauthorization: Bearer {user_token}\r\ncontent-length: 0\r\n\r\n").into()
}

/// A poll with a waiting token.
pub(super) fn poll(room: &str, waiting_token: &str) -> Bytes {
    format!(
        "GET /v1/rooms/{room}/visitors/me HTTP/1.1\r\nhost: onsale\r\nauthorization: Bearer {waiting_token}\r\n\r\n"
    )
    .into()
}
