//! `/rooms/{room}/plain`: a visitor's own page, without JavaScript. GET shows and refreshes itself, POST enters the line.

use std::fmt::Display;
use std::net::SocketAddr;

use http::header::{LOCATION, RETRY_AFTER};
use http::{HeaderValue, Request, StatusCode};
use shared::ids::RoomName;
use shared::problem::Problem;
use shared::room::RoomState;

use super::document::{self, Occasion, VisitorDocument, Waiting};
use super::join::Joiner;
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
    let language = Language::of(request.uri().query());
    let words = language.words();
    let shown = shown(app, room, request, language).await;
    shown.or_else(|problem| look_again(language, words.too_early, problem))
}

async fn shown<B>(
    app: &App,
    room: &RoomName,
    request: &Request<B>,
    language: Language,
) -> Result<Reply, Problem> {
    let known = find_room(app, room)?;
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
                Err(problem) => return Err(problem),
            }
        }
        Err(_nobody_yet) => None,
    };
    let snapshot = known.snapshot();
    let state = snapshot.as_ref().map(|snapshot| snapshot.settings.state);
    let takes_new = !matches!(state, Some(RoomState::Draining | RoomState::Closed));
    let way_in = || match join::identify(app, room, &known, request) {
        // They may have a place, which entering again gives in every state.
        Ok(Joiner::Known(_)) => WayIn::Open,
        _ if !takes_new => WayIn::Closed,
        Ok(Joiner::Anybody(_)) => WayIn::Open,
        Err(_nobody) => WayIn::SignIn,
    };
    let message = snapshot
        .as_ref()
        .and_then(|snapshot| snapshot.settings.message.clone());
    let shown = Shown {
        language,
        room,
        message: message.as_deref(),
    };
    let mut reply = page::html(&shown.render(document.as_ref(), way_in), Caching::Personal);
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
    let language = Language::of(request.uri().query());
    let words = language.words();
    let joined = joined(app, room, peer, request, language).await;
    joined.or_else(|problem| look_again(language, words.later, problem))
}

async fn joined<B>(
    app: &App,
    room: &RoomName,
    peer: SocketAddr,
    request: &Request<B>,
    language: Language,
) -> Result<Reply, Problem> {
    if !credentials::is_same_origin(request.headers(), &app.public_url) {
        return Err(problems::cross_site());
    }
    let known = find_room(app, room)?;
    let joiner = join::identify(app, room, &known, request)?;
    let from = (peer, request.headers());
    let (_, document, token) = join::enter(app, &known, room, joiner, from).await?;
    let mut reply = reply::empty(StatusCode::SEE_OTHER);
    let path = format!("/rooms/{room}/plain?lang={}", language.code());
    let location = HeaderValue::try_from(path);
    reply.headers_mut().insert(
        LOCATION,
        location.expect("a room's name is good in a header"),
    );
    add_cookies(app, room, &document, Some(&token), reply.headers_mut());
    Ok(reply)
}

/// People reload, and Redis may be away: what can be tried again is no end, but a page that says so and looks again by itself.
fn look_again(language: Language, text: &'static str, problem: Problem) -> Result<Reply, Problem> {
    let words = language.words();
    let text = match problem.status() {
        StatusCode::TOO_MANY_REQUESTS => text,
        StatusCode::SERVICE_UNAVAILABLE => words.later,
        StatusCode::CONFLICT => return Ok(closed(language)),
        _ => return Err(problem),
    };
    let refused = problem.into_response();
    let wait = &refused.headers()[RETRY_AFTER];
    let seconds = wait.to_str().expect("digits");
    let text = text.replace("{n}", seconds);
    let page = page::document(language, words.title, &refresh(seconds), &paragraph(&text));
    let mut reply = page::html(&page, Caching::Personal);
    *reply.status_mut() = refused.status();
    reply.headers_mut().insert(RETRY_AFTER, wait.clone());
    Ok(reply)
}

/// The room takes nobody any more; nothing is to be tried again.
fn closed(language: Language) -> Reply {
    let words = language.words();
    let page = page::document(language, words.title, "", &paragraph(words.closed));
    let mut reply = page::html(&page, Caching::Personal);
    *reply.status_mut() = StatusCode::CONFLICT;
    reply
}

fn refresh(seconds: impl Display) -> String {
    format!("<meta http-equiv=\"refresh\" content=\"{seconds}\">")
}

/// What the page shows besides what the visitor is told.
struct Shown<'a> {
    language: Language,
    room: &'a RoomName,
    /// What the operator tells the line.
    message: Option<&'a str>,
}

/// What somebody without a place can do.
#[derive(Clone, Copy)]
enum WayIn {
    Open,
    SignIn,
    Closed,
}

impl Shown<'_> {
    /// `way_in` is asked only where nobody stands in line: it checks a signature.
    fn render(&self, document: Option<&VisitorDocument>, way_in: impl FnOnce() -> WayIn) -> String {
        let words = self.language.words();
        let mut head = String::new();
        let mut body = match document {
            None => self.entrance(way_in()),
            Some(VisitorDocument::Admitted(admitted)) => {
                let url = page::escape(&admitted.booking_url);
                let link = format!("<a href=\"{url}\">{}</a>", words.go);
                paragraph(words.admitted) + &paragraph(&link)
            }
            Some(VisitorDocument::Waiting(waiting)) => {
                head = refresh(waiting.poll_after().as_secs().max(1));
                self.waiting(waiting)
            }
            Some(_) => paragraph(words.over) + &self.entrance(way_in()),
        };
        if let Some(message) = self.message {
            body += &paragraph(&page::escape(message));
        }
        page::document(self.language, words.title, &head, &body)
    }

    fn waiting(&self, waiting: &Waiting) -> String {
        let words = self.language.words();
        let position = match waiting.position() {
            Some(position) => words.position.replace("{n}", &position.to_string()),
            None => words.lobby.to_owned(),
        };
        let mut lines = vec![position, words.wait(waiting.wait())];
        let reason = waiting.reason().and_then(|reason| words.reason(reason));
        lines.extend(reason.map(str::to_owned));
        if waiting.is_sold_out() {
            lines.push(words.sold_out.to_owned());
        }
        lines.push(words.keep.to_owned());
        lines.iter().map(|line| paragraph(line)).collect()
    }

    fn entrance(&self, way_in: WayIn) -> String {
        let words = self.language.words();
        match way_in {
            WayIn::SignIn => paragraph(words.sign_in),
            WayIn::Closed => paragraph(words.closed),
            WayIn::Open => {
                let action = format!("/rooms/{}/plain?lang={}", self.room, self.language.code());
                let enter = words.enter;
                format!("<form method=\"post\" action=\"{action}\"><button>{enter}</button></form>")
            }
        }
    }
}

fn paragraph(html: &str) -> String {
    format!("<p>{html}</p>")
}
