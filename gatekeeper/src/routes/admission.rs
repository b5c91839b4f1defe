//! `GET /v1/rooms/{room}/admission`: whether somebody may pass, for `auth_request` of other sites.

use http::{Request, StatusCode};
use shared::ids::RoomName;
use shared::problem::Problem;
use shared::room::AdmissionCheck;

use super::problems;
use crate::app::App;
use crate::http::reply::{self, Reply};

const ADMISSION_TOKEN: &str = "admission-token";

#[utoipa::path(
    get, path = "/v1/rooms/{room}/admission", tag = "rooms",
    params(("room" = String, Path), ("Admission-Token" = String, Header)),
    responses((status = 204), (status = 401, description = "admission-token-invalid"))
)]
pub(super) async fn answer<B>(
    app: &App,
    room: &RoomName,
    request: &Request<B>,
) -> Result<Reply, Problem> {
    let headers = request.headers();
    let header = headers
        .get(ADMISSION_TOKEN)
        .and_then(|token| token.to_str().ok());
    let token = header.or_else(|| app.cookies.admission(headers, room));
    let token = token.ok_or_else(problems::admission_invalid)?;
    let claims = app
        .admissions
        .verify(token, room)
        .map_err(|_reason| problems::admission_invalid())?;
    // What Redis does not know, or cannot say, never refuses: the token decides.
    let has_ended = match app.rooms.get(room) {
        Some(known) => {
            let ask = async {
                let Some(_place) = known.enter() else {
                    return false;
                };
                let check = known.line().check_admission(&claims).await;
                matches!(check, Ok(AdmissionCheck::Ended))
            };
            app.admission_checks.has_ended(claims.jti, ask).await
        }
        None => app.rooms.are_known(),
    };
    if has_ended {
        Err(problems::admission_invalid())
    } else {
        Ok(reply::empty(StatusCode::NO_CONTENT))
    }
}
