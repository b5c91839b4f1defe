//! `POST /v1/rooms/{room}/visitors`: enter the line. Entering again gives the same number.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, Request, StatusCode};
use shared::ids::{RoomName, VisitorId};
use shared::problem::Problem;
use shared::room::Joined;
use shared::tokens::waiting::WaitingClaims;

use super::document::{self, Occasion, VisitorDocument};
use super::me::{add_cookies, find_room};
use super::problems;
use crate::app::App;
use crate::http::credentials;
use crate::http::reply::{self, Caching, Reply};
use crate::rooms::Room;

const VISITOR_KEY: &str = "visitor-key";
const VISITOR_KEY_BYTES: std::ops::RangeInclusive<usize> = 16..=128;

#[utoipa::path(
    post, path = "/v1/rooms/{room}/visitors", tag = "visitors",
    params(("room" = String, Path), ("Visitor-Key" = Option<String>, Header, description = "anonymous rooms: a random key of the client's own")),
    security(("user_token" = [])),
    responses(
        (status = 201, body = VisitorDocument, description = "a new number"),
        (status = 200, body = VisitorDocument, description = "this visitor has a place already"),
        (status = 401, description = "user-token-invalid"), (status = 403, description = "forbidden"),
        (status = 404, description = "room-not-found"),
        (status = 409, description = "room-closed"), (status = 429, description = "rate-limited"),
        (status = 503, description = "line-unavailable, overloaded"),
    )
)]
pub(super) async fn answer<B>(
    app: &App,
    room: &RoomName,
    peer: SocketAddr,
    request: &Request<B>,
) -> Result<Reply, Problem> {
    let known = find_room(app, room)?;
    let joiner = identify(app, room, &known, request)?;
    let from = (peer, request.headers());
    let (status, document, token) = enter(app, &known, room, joiner, from).await?;
    let mut reply = reply::json(status, &document, Caching::Personal);
    add_cookies(app, room, &document, Some(&token), reply.headers_mut());
    Ok(reply)
}

/// Who wants to join.
pub(super) enum Joiner {
    /// By a token that we or the issuer of users signed.
    Known(VisitorId),
    /// By their own word alone.
    Anybody(VisitorId),
}

/// Gives the visitor a number and a waiting token, unless it, or where it comes from, asks for one too often.
pub(super) async fn enter(
    app: &App,
    known: &Room,
    room: &RoomName,
    joiner: Joiner,
    (peer, headers): (SocketAddr, &HeaderMap),
) -> Result<(StatusCode, VisitorDocument, String), Problem> {
    let visitor = match joiner {
        Joiner::Known(visitor) => visitor,
        Joiner::Anybody(visitor) => {
            app.limits.check_anonymous_join(peer, headers)?;
            visitor
        }
    };
    app.limits.check_join(&visitor)?;
    let (life, joined) = known
        .join(visitor.clone(), document::promise_of_a_join(known))
        .await
        .map_err(|error| problems::of_batch(&error))?;
    let (status, number) = match joined {
        Joined::New(number) => (StatusCode::CREATED, number),
        Joined::Again(number) => (StatusCode::OK, number),
        Joined::Refused => return Err(problems::room_closed(room)),
    };
    let claims = Arc::new(WaitingClaims::new(visitor, room.clone(), life, number));
    let token = app
        .waiting_tokens
        .sign(&claims)
        .map_err(|error| problems::internal(&error))?;
    let document = document::of(app, known, &claims, Occasion::Join)
        .await?
        .with_token(token.clone());
    Ok((status, document, token))
}

/// Who joins: the user of a user token, or, where the room allows it, somebody anonymous.
pub(super) fn identify<B>(
    app: &App,
    room: &RoomName,
    known: &Room,
    request: &Request<B>,
) -> Result<Joiner, Problem> {
    let headers = request.headers();
    if let Some(credential) = credentials::bearer_or(headers, || app.cookies.user(headers)) {
        if !credentials::may_change(request, credential, &app.public_url) {
            return Err(problems::cross_site());
        }
        let claims = app.users.verify(credential.token());
        return claims
            .map(|claims| Joiner::Known(claims.sub))
            .map_err(|_reason| problems::user_token_invalid());
    }
    let snapshot = known.snapshot();
    if snapshot
        .as_deref()
        .is_some_and(|snapshot| snapshot.settings.anonymous)
    {
        anonymous(app, room, request)
    } else {
        Err(problems::user_token_invalid())
    }
}

/// The visitor of a waiting cookie, of a `Visitor-Key`, or a new one.
fn anonymous<B>(app: &App, room: &RoomName, request: &Request<B>) -> Result<Joiner, Problem> {
    let headers = request.headers();
    if let Some(key) = headers.get(VISITOR_KEY) {
        let key = key.as_bytes();
        if !VISITOR_KEY_BYTES.contains(&key.len()) {
            let detail = "Visitor-Key is 16 to 128 random characters that the client keeps.";
            return Err(problems::invalid_request(detail));
        }
        // Hashed, so that the key, by which one enters again, is in no token.
        let visitor = minted(&shared::tokens::fingerprint(key));
        return Ok(Joiner::Anybody(visitor));
    }
    let cookie = app.cookies.waiting(headers, room);
    // The answer sets the cookie: another site must not have a browser give its owner's place away.
    if (cookie.is_some() || credentials::is_from_a_page(headers))
        && !credentials::may_rely_on_cookies(request, &app.public_url)
    {
        return Err(problems::cross_site());
    }
    let earlier = cookie.and_then(|token| app.waiting_tokens.verify(token).ok());
    match earlier.filter(|claims| claims.room == *room) {
        Some(claims) => Ok(Joiner::Known(claims.sub.clone())),
        None => Ok(Joiner::Anybody(minted(&rand::random::<[u8; 16]>()))),
    }
}

/// A visitor id of 16 random bytes. The prefix keeps it apart from users.
fn minted(random: &[u8; 16]) -> VisitorId {
    let text = format!("~{}", URL_SAFE_NO_PAD.encode(random));
    text.parse().expect("base64url is visible ASCII")
}
