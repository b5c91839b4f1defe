//! `/rooms/{room}/plain`: a visitor's own page, without JavaScript. GET shows and refreshes itself, POST enters the line.

use http::header::LOCATION;
use http::{HeaderValue, Request, StatusCode};
use shared::ids::RoomName;
use shared::problem::Problem;

use super::document::{self, VisitorDocument};
use super::me::{add_cookies, find_room, renewed_token, visitor};
use super::page::{self, Language};
use super::{join, problems};
use crate::app::App;
use crate::http::credentials;
use crate::http::reply::{self, Caching, Reply};

pub(super) async fn show<B>(
    app: &App,
    room: &RoomName,
    request: &Request<B>,
) -> Result<Reply, Problem> {
    let known = find_room(app, room)?;
    let language = Language::of(request.uri().query());
    let mut renewed = None;
    let document = match visitor(app, room, request.headers()) {
        Ok((claims, _)) => {
            app.limits.check_call(&claims.sub)?;
            match document::of(app, &known, &claims).await {
                Ok(document) => {
                    renewed = renewed_token(app, &claims)?;
                    Some(document)
                }
                // A token of an earlier life of the room: enter anew.
                Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => None,
                Err(problem) => return Err(problem),
            }
        }
        Err(_nobody_yet) => None,
    };
    let may_enter = join::identify(app, room, &known, request).is_ok();
    let mut reply = page::html(
        &render(language, room, document.as_ref(), may_enter),
        Caching::Personal,
    );
    if let Some(document) = &document {
        add_cookies(app, room, document, renewed.as_deref(), reply.headers_mut());
    }
    Ok(reply)
}

pub(super) async fn join<B>(
    app: &App,
    room: &RoomName,
    request: &Request<B>,
) -> Result<Reply, Problem> {
    if !credentials::is_same_origin(request.headers(), &app.public_url) {
        return Err(problems::cross_site());
    }
    let known = find_room(app, room)?;
    let visitor = join::identify(app, room, &known, request)?;
    let (_, document, token) = join::enter(app, &known, room, visitor).await?;
    let language = Language::of(request.uri().query()).code();
    let mut reply = reply::empty(StatusCode::SEE_OTHER);
    let location = HeaderValue::try_from(format!("/rooms/{room}/plain?lang={language}"));
    reply.headers_mut().insert(
        LOCATION,
        location.expect("a room's name is good in a header"),
    );
    add_cookies(app, room, &document, Some(&token), reply.headers_mut());
    Ok(reply)
}

fn render(
    language: Language,
    room: &RoomName,
    document: Option<&VisitorDocument>,
    may_enter: bool,
) -> String {
    let words = language.words();
    let form = || {
        let action = format!("/rooms/{room}/plain?lang={}", language.code());
        format!(
            "<form method=\"post\" action=\"{action}\"><button>{}</button></form>",
            words.enter
        )
    };
    let mut head = String::new();
    let body = match document {
        None if may_enter => form(),
        None => format!("<p>{}</p>", words.sign_in),
        Some(VisitorDocument::Admitted(admitted)) => {
            let url = admitted
                .booking_url
                .replace('&', "&amp;")
                .replace('"', "&quot;");
            format!(
                "<p>{}</p><p><a href=\"{url}\">{}</a></p>",
                words.admitted, words.go
            )
        }
        Some(document) => match (document.position(), document.poll_after()) {
            (Some((position, eta)), Some(wait)) => {
                let seconds = wait.as_secs().max(1);
                head = format!("<meta http-equiv=\"refresh\" content=\"{seconds}\">");
                let position = words.position.replace("{n}", &position.to_string());
                let eta = eta.map_or_else(
                    || words.no_estimate.to_owned(),
                    |eta| words.wait.replace("{n}", &eta.to_string()),
                );
                format!("<p>{position}</p><p>{eta}</p><p>{}</p>", words.keep)
            }
            _ => format!("<p>{}</p>{}", words.over, form()),
        },
    };
    page::document(language, words.title, &head, &body)
}
