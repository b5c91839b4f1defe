//! `GET /v1/rooms/{room}/visitors/me`: a poll. Answered from memory.
//!
//! With a valid token always 200; `state` says the rest.

use std::sync::Arc;

use http::{HeaderMap, Request, StatusCode};
use shared::clock;
use shared::ids::RoomName;
use shared::problem::Problem;
use shared::tokens::waiting::{LIFETIME_SECONDS, WaitingClaims};

use super::document::{self, Occasion, VisitorDocument};
use super::problems;
use crate::app::App;
use crate::http::credentials::{self, Credential};
use crate::http::query;
use crate::http::reply::{self, Caching, Reply};
use crate::rooms::Room;

#[utoipa::path(
    get, path = "/v1/rooms/{room}/visitors/me", tag = "visitors",
    params(
        ("room" = String, Path),
        ("hidden" = Option<bool>, Query, description = "true: nobody sees the page that asks, so it may be late")
    ),
    security(("waiting_token" = [])),
    responses(
        (status = 200, body = VisitorDocument), (status = 401, description = "waiting-token-invalid"),
        (status = 429, description = "rate-limited: far more often than `poll_after_ms` said")
    )
)]
pub(super) async fn answer<B>(
    app: &App,
    room: &RoomName,
    request: &Request<B>,
) -> Result<Reply, Problem> {
    let (claims, _) = visitor(app, room, request.headers())?;
    let known = find_room(app, room)?;
    let occasion = Occasion::Poll {
        is_hidden: query::is_hidden(request.uri().query()),
    };
    let mut document = document::of(app, &known, &claims, occasion).await?;
    let renewed = renewed_token(app, &claims)?;
    if let Some(token) = &renewed {
        document = document.with_token(token.clone());
    }
    let mut reply = reply::json(StatusCode::OK, &document, Caching::Personal);
    add_cookies(
        app,
        room,
        &document,
        renewed.as_deref(),
        reply.headers_mut(),
    );
    Ok(reply)
}

/// The claims of the request's waiting token, which must be for `room`, and how the token came.
pub(super) fn visitor<'request>(
    app: &App,
    room: &RoomName,
    headers: &'request HeaderMap,
) -> Result<(Arc<WaitingClaims>, Credential<'request>), Problem> {
    let credential = credentials::bearer_or(headers, || app.cookies.waiting(headers, room))
        .ok_or_else(problems::waiting_token_invalid)?;
    let claims = app.waiting_tokens.verify(credential.token());
    let claims = claims.map_err(|_reason| problems::waiting_token_invalid())?;
    if claims.room == *room {
        Ok((claims, credential))
    } else {
        Err(problems::waiting_token_invalid())
    }
}

/// A new waiting token for who asks in the last quarter of the life of `claims`: one that goes on asking
/// never runs out.
pub(super) fn renewed_token(app: &App, claims: &WaitingClaims) -> Result<Option<String>, Problem> {
    if !claims.is_due_for_renewal(clock::now_seconds()) {
        return Ok(None);
    }
    let (visitor, room) = (claims.sub.clone(), claims.room.clone());
    let fresh = WaitingClaims::new(visitor, room, claims.life, claims.num);
    let token = app.waiting_tokens.sign(&fresh);
    token.map(Some).map_err(|error| problems::internal(&error))
}

/// The room of that name. Before the rooms have been read, nobody can say that there is none.
pub(super) fn find_room(app: &App, room: &RoomName) -> Result<Arc<Room>, Problem> {
    app.rooms.get(room).ok_or_else(|| {
        if app.rooms.are_known() {
            problems::room_not_found()
        } else {
            problems::line_unavailable()
        }
    })
}

/// Browsers keep what they were given as cookies, so that the next page has it.
pub(super) fn add_cookies(
    app: &App,
    room: &RoomName,
    document: &VisitorDocument,
    waiting_token: Option<&str>,
    headers: &mut HeaderMap,
) {
    if let Some(token) = waiting_token {
        app.cookies
            .set_waiting(headers, room, token, LIFETIME_SECONDS);
    }
    if let VisitorDocument::Admitted(admitted) = document {
        let seconds = admitted.expires_at.as_second() - clock::now_seconds();
        app.cookies
            .set_admission(headers, room, &admitted.admission_token, seconds);
    }
}
