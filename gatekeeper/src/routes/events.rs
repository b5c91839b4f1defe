//! `GET /v1/rooms/{room}/visitors/me/events`: what polls would say, pushed when it changes. See [`crate::streams`].

use http::{Method, Request};
use http_body_util::Full;
use shared::ids::RoomName;
use shared::problem::Problem;

use super::me::{find_room, visitor};
use super::{document, problems};
use crate::app::App;
use crate::http::reply::{self, Reply};
use crate::streams::{Full as Limit, Refused};

#[utoipa::path(
    get, path = "/v1/rooms/{room}/visitors/me/events", tag = "visitors",
    description = "Server-sent events `position`, `room` and `admitted`, each with a visitor document. A hint: \
        polls go on, and one claims the admission. The stream ends after `admitted` and when all is over.",
    params(("room" = String, Path)), security(("waiting_token" = [])),
    responses(
        (status = 200, content_type = "text/event-stream", body = String),
        (status = 401, description = "waiting-token-invalid"), (status = 404, description = "room-not-found"),
        (status = 429, description = "rate-limited"), (status = 503, description = "line-unavailable, overloaded"),
    )
)]
pub(super) fn answer<B>(
    app: &App,
    room: &RoomName,
    request: &Request<B>,
) -> Result<Reply, Problem> {
    let (claims, _) = visitor(app, room, request.headers())?;
    // Opening one costs more than a poll: opening them in a loop is no way to ask.
    app.limits.check_call(&claims.sub)?;
    let known = find_room(app, room)?;
    let snapshot = known.snapshot();
    let snapshot = snapshot.as_deref().ok_or_else(problems::line_unavailable)?;
    document::check_life(snapshot, &claims)?;
    let body = if request.method() == Method::HEAD {
        Full::default().into()
    } else {
        app.streams.open(&known, claims).map_err(refused)?.into()
    };
    Ok(reply::events(body))
}

fn refused(refused: Refused) -> Problem {
    match refused {
        Refused::Full(Limit::Visitor) => problems::too_many_streams(),
        Refused::Full(Limit::Process) | Refused::Stopping => problems::overloaded(),
    }
}
