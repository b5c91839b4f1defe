//! `POST /v1/admin/layouts`: import the seats of a hall. The same layout twice is one layout.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::document::{LayoutDocument, NewLayout};
use super::store;
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::LargeBody;
use crate::identity::Organiser;

/// A layout that is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Imported {
    /// Names it from now on.
    hash: String,
    name: String,
    /// How many seats it has.
    seats: usize,
    /// The price tiers that a performance has to price.
    tiers: Vec<String>,
}

/// Import a layout
#[utoipa::path(post, path = "/v1/admin/layouts", tag = "organisers", request_body = NewLayout,
    security(("user_token" = [])),
    responses((status = 201, body = Imported), (status = 200, body = Imported, description = "It existed already")))]
pub(crate) async fn create(
    State(app): State<SharedApp>,
    _organiser: Organiser,
    LargeBody(request): LargeBody<NewLayout>,
) -> Result<(StatusCode, Json<Imported>), ApiError> {
    let document = LayoutDocument::try_from(request)?;
    let (content, hash) = document.content();
    app.tasks
        .clone()
        .run_to_end(async move {
            let is_new = store::create(&app.primary, &document, &content, &hash).await?;
            let status = if is_new {
                StatusCode::CREATED
            } else {
                StatusCode::OK
            };
            let tiers = document.tiers().into_iter().map(str::to_owned).collect();
            let seats = document.seats().count();
            Ok((
                status,
                Json(Imported {
                    hash,
                    name: document.name,
                    seats,
                    tiers,
                }),
            ))
        })
        .await
}
