//! `DELETE /v1/rooms/{room}/visitors/me`: give the place up, or the slot in the active set. Again is no error.

use http::{Request, StatusCode};
use shared::ids::RoomName;
use shared::problem::Problem;
use shared::room::Leaver;

use super::me::{find_room, visitor};
use super::problems;
use crate::app::App;
use crate::http::credentials;
use crate::http::reply::{self, Reply};

#[utoipa::path(
    delete, path = "/v1/rooms/{room}/visitors/me", tag = "visitors",
    params(("room" = String, Path)), security(("waiting_token" = [])),
    responses(
        (status = 204), (status = 401, description = "waiting-token-invalid"),
        (status = 429, description = "rate-limited"),
        (status = 503, description = "line-unavailable, overloaded"),
    )
)]
pub(super) async fn answer<B>(
    app: &App,
    room: &RoomName,
    request: &Request<B>,
) -> Result<Reply, Problem> {
    let (claims, credential) = visitor(app, room, request.headers())?;
    if !credentials::may_change(request, credential, &app.public_url) {
        return Err(problems::cross_site());
    }
    app.limits.check_call(&claims.sub)?;
    let known = find_room(app, room)?;
    let _place = known.enter().ok_or_else(problems::overloaded)?;
    let leaver = Leaver {
        visitor: claims.sub.clone(),
        number: claims.num,
        life: claims.life,
    };
    known
        .leave(leaver)
        .await
        .map_err(|error| problems::of_store(&error))?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}
