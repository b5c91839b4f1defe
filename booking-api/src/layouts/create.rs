//! `POST /v1/admin/layouts`: import the seats of a hall. The same layout twice is one layout.

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::document::{LayoutDocument, NewLayout};
use super::{store, table};
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::{LargeBody, Query, collect, is_of_kind};
use crate::identity::Organiser;
use crate::problems;

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

/// What a table cannot say of itself.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Named {
    /// Name of the hall and its arrangement, when the body is a table.
    name: Option<String>,
}

/// Import a layout
#[utoipa::path(post, path = "/v1/admin/layouts", tag = "organisers", params(Named),
    request_body(content((NewLayout = "application/json"), (String = "text/csv",
        example = "section,row,number,x,y,tier,accessible\nHall,A,1,0.0,0.0,VIP,\n"))),
    security(("user_token" = [])),
    responses((status = 201, body = Imported), (status = 200, body = Imported, description = "It existed already")))]
pub(crate) async fn create(
    State(app): State<SharedApp>,
    _organiser: Organiser,
    Query(Named { name }): Query<Named>,
    request: Request,
) -> Result<(StatusCode, Json<Imported>), ApiError> {
    let document = LayoutDocument::try_from(read(&app, name, request).await?)?;
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

/// A layout as JSON, or as a table.
async fn read(
    app: &SharedApp,
    name: Option<String>,
    request: Request,
) -> Result<NewLayout, ApiError> {
    let is_table = is_of_kind(request.headers(), "text/csv");
    match (is_table, name) {
        (true, Some(name)) => {
            let table = collect(request, app.settings.limits.layout_bytes).await?;
            Ok(table::read(name, &table)?)
        }
        (false, None) => LargeBody::from_request(request, app)
            .await
            .map(|LargeBody(layout)| layout),
        (true, None) => Err(problems::invalid_request(
            "name",
            "A table has no name of its own: say it in the query, ?name=….",
        )
        .into()),
        (false, Some(_)) => Err(problems::invalid_request(
            "name",
            "The name of a layout in JSON is said in it, not in the query.",
        )
        .into()),
    }
}
