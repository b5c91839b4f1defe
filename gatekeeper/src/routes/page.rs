//! `GET /rooms/{room}`: the waiting page, the same for everybody and cacheable. It leads to the
//! visitor's own page, `/rooms/{room}/plain`, which works without JavaScript.

mod words;

use http::{Request, StatusCode};
use shared::ids::RoomName;
use shared::problem::Problem;

pub(crate) use self::words::Language;
use super::me::find_room;
use crate::app::App;
use crate::http::reply::{self, Caching, Reply};

const KEPT_SECONDS: u32 = 60;

#[utoipa::path(
    get, path = "/rooms/{room}", tag = "pages",
    params(("room" = String, Path), ("lang" = Option<String>, Query, description = "ko or en")),
    responses((status = 200, content_type = "text/html"), (status = 404, description = "room-not-found"))
)]
pub(super) fn answer<B>(
    app: &App,
    room: &RoomName,
    request: &Request<B>,
) -> Result<Reply, Problem> {
    find_room(app, room)?;
    let language = Language::of(request.uri().query());
    let words = language.words();
    let code = language.code();
    let onward = format!("/rooms/{room}/plain?lang={code}");
    let body = format!("<p><a href=\"{onward}\">{}</a></p>", words.enter);
    let refresh = format!("<meta http-equiv=\"refresh\" content=\"0; url={onward}\">");
    Ok(html(
        &document(language, words.title, &refresh, &body),
        Caching::Public(KEPT_SECONDS),
    ))
}

/// A whole page. Everything put in must be free of markup that a visitor could have written.
pub(super) fn document(language: Language, title: &str, head: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">{head}<title>{title}</title></head>\
         <body><main><h1>{title}</h1>{body}</main></body></html>",
        language.code()
    )
}

/// Text as it stands in a page, in an attribute or outside.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

pub(super) fn html(page: &str, caching: Caching) -> Reply {
    let mut reply = reply::with_body(
        StatusCode::OK,
        "text/html; charset=utf-8",
        page.to_owned(),
        caching,
    );
    let headers = reply.headers_mut();
    let policy = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    headers.insert(
        "content-security-policy",
        http::HeaderValue::from_static(policy),
    );
    headers.insert(
        "x-content-type-options",
        http::HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        "referrer-policy",
        http::HeaderValue::from_static("same-origin"),
    );
    reply
}
