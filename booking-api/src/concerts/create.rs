//! `POST /v1/admin/concerts`: announce a concert. Its performances come one by one.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Concert, ConcertDocument, store};
use crate::app::SharedApp;
use crate::concerts;
use crate::error::ApiError;
use crate::http::ValidBody;
use crate::identity::Organiser;

/// A concert to announce.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewConcert {
    #[garde(length(chars, min = 1, max = 200), custom(printable))]
    pub(super) title: String,
    #[garde(length(chars, min = 1, max = 200), custom(printable))]
    pub(super) venue: String,
    #[serde(default)]
    #[garde(length(chars, max = 10_000), custom(text))]
    pub(super) description: String,
}

/// A line of text.
pub(super) fn printable<C>(line: &str, _context: &C) -> garde::Result {
    if line.chars().any(char::is_control) {
        return Err(garde::Error::new("it holds a control character"));
    }
    Ok(())
}

/// Lines of text.
pub(super) fn text<C>(lines: &str, context: &C) -> garde::Result {
    lines.lines().try_for_each(|line| printable(line, context))
}

/// Announce a concert
#[utoipa::path(post, path = "/v1/admin/concerts", tag = "organisers", request_body = NewConcert,
    security(("user_token" = [])),
    responses((status = 201, body = ConcertDocument), (status = 403, description = "forbidden")))]
pub(crate) async fn create(
    State(app): State<SharedApp>,
    organiser: Organiser,
    ValidBody(new): ValidBody<NewConcert>,
) -> Result<(StatusCode, Json<ConcertDocument>), ApiError> {
    app.tasks
        .clone()
        .run_to_end(async move {
            let id = store::create(&app.primary, &new, organiser.id().as_str()).await?;
            concerts::changed(&app, id).await?;
            let NewConcert {
                title,
                venue,
                description,
            } = new;
            let concert = Concert {
                id,
                title,
                venue,
                description,
                next_performance_at: None,
            };
            Ok((
                StatusCode::CREATED,
                Json(ConcertDocument {
                    concert,
                    performances: Vec::new(),
                }),
            ))
        })
        .await
}
