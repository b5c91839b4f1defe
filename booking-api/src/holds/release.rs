//! `DELETE /v1/holds/{id}`: give seats back. Needs no admission; twice is once.

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use uuid::Uuid;

use super::store;
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::Id;
use crate::identity::User;
use crate::problems;

#[derive(Deserialize)]
struct Freed {
    performance: i64,
    seats: Vec<i32>,
}

/// Release a hold
#[utoipa::path(delete, path = "/v1/holds/{id}", tag = "buyers", params(("id" = String, Path, format = "uuid")),
    security(("user_token" = [])),
    responses((status = 204), (status = 404, description = "hold-not-found"),
        (status = 409, description = "hold-not-active")))]
pub(crate) async fn release(
    State(app): State<SharedApp>,
    user: User,
    Id(id): Id<Uuid>,
) -> Result<StatusCode, ApiError> {
    app.tasks
        .clone()
        .run_to_end(async move {
            let outcome = store::release(&app.primary, id, user.id()).await?;
            let problem = match outcome.word.as_str() {
                "RELEASED" => {
                    let freed: Freed =
                        serde_json::from_value(outcome.answer).map_err(ApiError::Unreadable)?;
                    app.snapshots.changed(freed.performance);
                    app.seat_locks
                        .forget(freed.performance, &freed.seats, id)
                        .await;
                    return Ok(StatusCode::NO_CONTENT);
                }
                "GONE" => return Ok(StatusCode::NO_CONTENT),
                "NOT_FOUND" => problems::hold_not_found(),
                "NOT_ACTIVE" => {
                    problems::hold_not_active(outcome.answer["state"].as_str().unwrap_or_default())
                }
                _ => return Err(ApiError::Outcome(outcome.word)),
            };
            Err(problem.into())
        })
        .await
}
