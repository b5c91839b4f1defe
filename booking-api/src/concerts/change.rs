//! `PATCH /v1/admin/concerts/{id}`: correct what is said about a concert.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::create::{printable, text};
use super::{ConcertDocument, document, store};
use crate::app::SharedApp;
use crate::concerts;
use crate::error::ApiError;
use crate::http::{Id, ValidBody};
use crate::identity::Organiser;
use crate::problems;

/// What to change; the rest stays.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConcertChange {
    #[garde(inner(length(chars, min = 1, max = 200), custom(printable)))]
    pub(super) title: Option<String>,
    #[garde(inner(length(chars, min = 1, max = 200), custom(printable)))]
    pub(super) venue: Option<String>,
    #[garde(inner(length(chars, max = 10_000), custom(text)))]
    pub(super) description: Option<String>,
}

/// Change a concert
#[utoipa::path(patch, path = "/v1/admin/concerts/{id}", tag = "organisers", params(("id" = i64, Path)),
    request_body = ConcertChange, security(("user_token" = [])),
    responses((status = 200, body = ConcertDocument), (status = 403, description = "forbidden"),
        (status = 404, description = "not-found")))]
pub(crate) async fn change(
    State(app): State<SharedApp>,
    _organiser: Organiser,
    Id(id): Id<i64>,
    ValidBody(change): ValidBody<ConcertChange>,
) -> Result<Json<ConcertDocument>, ApiError> {
    app.tasks
        .clone()
        .run_to_end(async move {
            if !store::change(&app.primary, id, &change).await? {
                return Err(problems::not_found().into());
            }
            concerts::changed(&app, id).await?;
            let found = document(&mut app.primary.connection().await?, id).await?;
            found.map(Json).ok_or_else(|| problems::not_found().into())
        })
        .await
}
