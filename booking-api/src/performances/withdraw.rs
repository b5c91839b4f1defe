//! `DELETE /v1/admin/performances/{id}`: never sells again and disappears from the lists. What was sold stays in the books.

use axum::extract::State;
use http::StatusCode;

use super::store;
use crate::app::SharedApp;
use crate::concerts;
use crate::error::ApiError;
use crate::http::Id;
use crate::identity::Organiser;
use crate::problems;

/// Withdraw a performance
#[utoipa::path(delete, path = "/v1/admin/performances/{id}", tag = "organisers", params(("id" = i64, Path)),
    security(("user_token" = [])),
    responses((status = 204), (status = 403, description = "forbidden"), (status = 404, description = "not-found")))]
pub(crate) async fn withdraw(
    State(app): State<SharedApp>,
    _organiser: Organiser,
    Id(id): Id<i64>,
) -> Result<StatusCode, ApiError> {
    app.tasks
        .clone()
        .run_to_end(async move {
            let concert = store::withdraw(&app.primary, id)
                .await?
                .ok_or_else(problems::not_found)?;
            app.performances.forget(id).await;
            concerts::changed(&app, concert).await?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}
