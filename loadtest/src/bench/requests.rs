//! Requests, made before anything is timed: as bytes, or for the crowds' client.

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Method, Request};
use http_body_util::Full;

use crate::client::Outgoing;

/// A join with a user token.
pub(super) fn join(room: &str, user_token: &str) -> Bytes {
    format!("POST /v1/rooms/{room}/visitors HTTP/1.1\r\nhost: onsale\r\nauthorization: Bearer {user_token}\r\ncontent-length: 0\r\n\r\n").into()
}

/// A poll with a waiting token.
pub(super) fn poll(room: &str, waiting_token: &str) -> Bytes {
    with_token("GET", room, "/me", waiting_token)
}

/// Giving a place, or a slot, up.
pub(super) fn leave(room: &str, waiting_token: &str) -> Bytes {
    with_token("DELETE", room, "/me", waiting_token)
}

/// The stream of what a visitor should know.
pub(super) fn events(room: &str, waiting_token: &str) -> Bytes {
    with_token("GET", room, "/me/events", waiting_token)
}

fn with_token(method: &str, room: &str, path: &str, token: &str) -> Bytes {
    format!("{method} /v1/rooms/{room}/visitors{path} HTTP/1.1\r\nhost: onsale\r\nauthorization: Bearer {token}\r\n\r\n").into()
}

/// [`join`] for the crowds' client.
pub(super) fn outgoing_join(room: &str, user_token: &str) -> anyhow::Result<Outgoing> {
    outgoing(Method::POST, room, "", user_token)
}

/// [`poll`] for the crowds' client.
pub(super) fn outgoing_poll(room: &str, waiting_token: &str) -> anyhow::Result<Outgoing> {
    outgoing(Method::GET, room, "/me", waiting_token)
}

fn outgoing(method: Method, room: &str, path: &str, token: &str) -> anyhow::Result<Outgoing> {
    let request = Request::builder()
        .method(method)
        .uri(format!("/v1/rooms/{room}/visitors{path}"))
        .header(AUTHORIZATION, format!("Bearer {token}"));
    Ok(request.body(Full::default())?)
}
