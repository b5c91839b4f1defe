//! `GET /v1/concerts`: what there is, newest first.

use axum::extract::State;
use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use super::{CACHED_FOR, Concert, store};
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::Query;
use crate::page::{Page, PageQuery};

/// All concerts
#[utoipa::path(get, path = "/v1/concerts", tag = "catalogue", params(PageQuery),
    responses((status = 200, body = Page<Concert>), (status = 400, description = "invalid-request")))]
pub(crate) async fn list(
    State(app): State<SharedApp>,
    Query(page): Query<PageQuery>,
) -> Result<impl IntoResponse, ApiError> {
    let (limit, before) = (page.limit()?, page.after::<i64>()?);
    let load = async {
        let concerts = store::list(&app.replica, before, limit + 1).await?;
        let page = Page::of(concerts, limit, |concert| concert.id.to_string());
        Ok(Some(
            serde_json::to_vec(&page)
                .expect("text, numbers and times are always JSON")
                .into(),
        ))
    };
    let name = format!("concerts:{limit}:{}", before.unwrap_or_default());
    let document = app
        .cache
        .get(&name, CACHED_FOR, load)
        .await?
        .unwrap_or_default();
    Ok((
        [
            (CACHE_CONTROL, "public, max-age=5"),
            (CONTENT_TYPE, "application/json"),
        ],
        document,
    ))
}
