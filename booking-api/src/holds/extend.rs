//! `POST /v1/holds/{id}/extension`: more time, once. Needs no admission.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use uuid::Uuid;

use super::{HoldDocument, get, store};
use crate::app::{App, SharedApp};
use crate::error::ApiError;
use crate::http::{Id, NoBody};
use crate::identity::User;
use crate::problems;

/// Extend a hold
#[utoipa::path(post, path = "/v1/holds/{id}/extension", tag = "buyers", params(("id" = String, Path, format = "uuid")),
    security(("user_token" = [])),
    responses((status = 200, body = HoldDocument), (status = 404, description = "hold-not-found"),
        (status = 409, description = "extension-used, hold-lost, hold-not-active"),
        (status = 410, description = "hold-expired")))]
pub(crate) async fn extend(
    State(app): State<SharedApp>,
    user: User,
    Id(id): Id<Uuid>,
    _body: NoBody,
) -> Result<Json<HoldDocument>, ApiError> {
    app.tasks
        .clone()
        .run_to_end(async move {
            let cap = app.settings.payments.hold_cap_seconds;
            let outcome = store::extend(&app.primary, id, user.id(), cap).await?;
            let problem = match outcome.word.as_str() {
                "EXTENDED" => return extended(&app, id, &user).await.map(Json),
                "NOT_FOUND" => problems::hold_not_found(),
                "USED" => problems::extension_used(),
                "EXPIRED" => problems::hold_expired(),
                "LOST" => problems::hold_lost(),
                "NOT_ACTIVE" => {
                    problems::hold_not_active(outcome.answer["state"].as_str().unwrap_or_default())
                }
                _ => return Err(ApiError::Outcome(outcome.word)),
            };
            Err(problem.into())
        })
        .await
}

async fn extended(app: &SharedApp, id: Uuid, user: &User) -> Result<HoldDocument, ApiError> {
    let document = get::find(app, id, user).await?;
    let admission = store::admission(&app.primary, id).await?;
    let (beside, until) = (Arc::clone(app), document.expires_at());
    app.tasks
        .run_beside(async move { App::stretch(&beside, &admission, until).await });
    Ok(document)
}
