//! All routes, and what stands around them.
//!
//! From the outside in: observation (so that everything is logged and named), panics, shedding, the router.

use std::any::Any;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::error;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::openapi::Document;
use super::{observe, shed};
use crate::app::SharedApp;
use crate::error::respond;
use crate::{accounts, concerts, holds, layouts, orders, payments, performances, problems, seats};

/// The service, ready to be served.
pub fn router(app: SharedApp) -> Router {
    let places = shed::Places::new(
        app.settings.limits.requests_in_flight,
        app.turned_away.clone(),
    );
    let mut routes = OpenApiRouter::with_openapi(Document::openapi())
        .merge(shop())
        .merge(admin());
    if app.signer.is_some() {
        routes = routes.merge(built_in_accounts());
    }
    let (router, document) = routes.split_for_parts();
    let document = Bytes::from(
        document
            .to_json()
            .expect("the document is made of text alone"),
    );
    router
        .route("/openapi.json", get(async move || openapi(document)))
        .fallback(async || respond(problems::not_found()))
        .method_not_allowed_fallback(async || respond(problems::method_not_allowed()))
        .layer(from_fn_with_state(places, shed::shed))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(observe::observe))
        .with_state(app)
}

fn shop() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new()
        .routes(routes!(concerts::list::list))
        .routes(routes!(concerts::get::get))
        .routes(routes!(performances::get::get))
        .routes(routes!(layouts::get::get))
        .routes(routes!(seats::show::show))
        .routes(routes!(holds::create::create))
        .routes(routes!(holds::get::get, holds::release::release))
        .routes(routes!(holds::extend::extend))
        .routes(routes!(payments::create::create))
        .routes(routes!(orders::list::list))
        .routes(routes!(orders::get::get))
}

fn admin() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new()
        .routes(routes!(concerts::create::create))
        .routes(routes!(concerts::change::change))
        .routes(routes!(layouts::create::create))
        .routes(routes!(performances::create::create))
        .routes(routes!(
            performances::change::change,
            performances::withdraw::withdraw
        ))
        .routes(routes!(performances::statistics::statistics))
}

fn built_in_accounts() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new()
        .routes(routes!(accounts::create::create))
        .routes(routes!(accounts::log_in::log_in))
        .routes(routes!(accounts::log_out::log_out))
}

fn openapi(document: Bytes) -> Response {
    (
        [
            (CONTENT_TYPE, "application/json"),
            (CACHE_CONTROL, "public, max-age=60"),
        ],
        document,
    )
        .into_response()
}

/// A panic is our mistake: the client gets the same words as for any other, the log gets the rest.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    error!(panic = text, "a handler panicked");
    respond(problems::internal())
}
