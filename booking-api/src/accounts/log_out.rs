//! `DELETE /v1/sessions/current`: sign out. The token is worthless from now on, everywhere.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::SET_COOKIE;

use crate::app::SharedApp;
use crate::error::ApiError;
use crate::identity::User;

/// Sign out
#[utoipa::path(delete, path = "/v1/sessions/current", tag = "accounts", security(("user_token" = [])),
    responses((status = 204), (status = 401, description = "user-token-invalid, session-revoked")))]
pub(crate) async fn log_out(
    State(app): State<SharedApp>,
    user: User,
) -> Result<Response, ApiError> {
    app.tasks
        .clone()
        .run_to_end(async move {
            // A token without a session has nothing to revoke; it ends by itself.
            let sid = user.claims().sid.as_ref().and_then(|sid| sid.parse().ok());
            if let (Some(sessions), Some(sid)) = (&app.sessions, sid) {
                sessions.revoke(sid).await?;
            }
            Ok((
                StatusCode::NO_CONTENT,
                [(SET_COOKIE, app.sealed.set_user("", 0))],
            )
                .into_response())
        })
        .await
}
