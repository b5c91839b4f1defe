//! `/rooms/{room}/plain`: a visitor's own page, without JavaScript. GET shows and refreshes itself, POST enters the line.

use std::fmt::Display;
use std::net::SocketAddr;

use http::header::{LOCATION, RETRY_AFTER};
use http::{HeaderValue, Request, StatusCode};
use shared::ids::RoomName;
use shared::problem::Problem;

use super::document::{self, Occasion, VisitorDocument};
use super::me::{add_cookies, find_room, renewed_token, visitor};
use super::page::{self, Language};
use super::{join, problems};
use crate::app::App;
use crate::http::credentials;
use crate::http::reply::{self, Caching, Reply};

/// Nothing on the page can tell whether anybody sees it.
const OCCASION: Occasion = Occasion::Poll { is_hidden: true };

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
            match document::of(app, &known, &claims, OCCASION).await {
                Ok(document) => {
                    renewed = renewed_token(app, &claims)?;
                    Some(document)
                }
                // A token of an earlier life of the room: enter anew.
                Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => None,
                Err(problem) if problem.status() == StatusCode::TOO_MANY_REQUESTS => {
                    return Ok(too_early(language, problem));
                }
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
    peer: SocketAddr,
    request: &Request<B>,
) -> Result<Reply, Problem> {
    if !credentials::is_same_origin(request.headers(), &app.public_url) {
        return Err(problems::cross_site());
    }
    let known = find_room(app, room)?;
    let joiner = join::identify(app, room, &known, request)?;
    let from = (peer, request.headers());
    let (_, document, token) = join::enter(app, &known, room, joiner, from).await?;
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

/// People reload: they get a page that says so and looks again by itself.
fn too_early(language: Language, problem: Problem) -> Reply {
    let refused = problem.into_response();
    let wait = &refused.headers()[RETRY_AFTER];
    let words = language.words();
    let seconds = wait.to_str().expect("digits");
    let text = words.too_early.replace("{n}", seconds);
    let page = page::document(
        language,
        words.title,
        &refresh(seconds),
        &format!("<p>{text}</p>"),
    );
    let mut reply = page::html(&page, Caching::Personal);
    *reply.status_mut() = refused.status();
    reply.headers_mut().insert(RETRY_AFTER, wait.clone());
    reply
}

fn refresh(seconds: impl Display) -> String {
    format!("<meta http-equiv=\"refresh\" content=\"{seconds}\">")
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
        Some(VisitorDocument::Waiting(waiting)) => {
            head = refresh(waiting.poll_after().as_secs().max(1));
            let position = match waiting.position() {
                Some(position) => words.position.replace("{n}", &position.to_string()),
                None => words.lobby.to_owned(),
            };
            let wait = words.wait(waiting.wait());
            let reason = waiting.reason().and_then(|reason| words.reason(reason));
            let reason = reason.map(|reason| format!("<p>{reason}</p>"));
            format!(
                "<p>{position}</p><p>{wait}</p>{}<p>{}</p>",
                reason.unwrap_or_default(),
                words.keep
            )
        }
        Some(_) => format!("<p>{}</p>{}", words.over, form()),
    };
    page::document(language, words.title, &head, &body)
}
