//! Which call is which. One file a call, named as the path says.

mod admission;
pub(crate) mod document;
mod events;
mod join;
mod jwks;
mod leave;
mod me;
pub(crate) mod openapi;
mod page;
mod plain;
pub(crate) mod problems;
mod record;
mod room;

pub(crate) use page::Language;
use std::net::SocketAddr;

use std::time::Instant;

use http::{HeaderName, HeaderValue, Method, Request};
use hyper::body::Incoming;
use shared::ids::RoomName;
use shared::problem::Problem;

use self::record::Label;
use crate::app::App;
use crate::http::body;
use crate::http::reply::Reply;
use crate::http::reply_body::ReplyBody;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_REQUEST_ID: usize = 64;
/// One more than any path that we know has.
const LONGEST_PATH_PARTS: usize = 7;

/// A path that we know.
#[derive(Debug, PartialEq, Eq)]
enum Route {
    Visitors(RoomName),
    Me(RoomName),
    Events(RoomName),
    Room(RoomName),
    Admission(RoomName),
    Page(RoomName),
    Plain(RoomName),
    Jwks,
    OpenApi,
}

impl Route {
    fn parse(path: &str) -> Result<Self, Problem> {
        let mut parts = [""; LONGEST_PATH_PARTS];
        let mut count = 0;
        for (slot, part) in parts.iter_mut().zip(path.split('/').skip(1)) {
            *slot = part;
            count += 1;
        }
        let room = |name: &str| {
            name.parse::<RoomName>()
                .map_err(|_name| problems::room_not_found())
        };
        Ok(match &parts[..count] {
            ["v1", "rooms", name, "visitors", "me"] => Self::Me(room(name)?),
            ["v1", "rooms", name, "visitors", "me", "events"] => Self::Events(room(name)?),
            ["v1", "rooms", name, "visitors"] => Self::Visitors(room(name)?),
            ["v1", "rooms", name] => Self::Room(room(name)?),
            ["v1", "rooms", name, "admission"] => Self::Admission(room(name)?),
            ["rooms", name] => Self::Page(room(name)?),
            ["rooms", name, "plain"] => Self::Plain(room(name)?),
            [".well-known", "jwks.json"] => Self::Jwks,
            ["openapi.json"] => Self::OpenApi,
            _ => return Err(problems::not_found()),
        })
    }

    fn label(&self) -> Label {
        match self {
            Self::Visitors(_) => Label::Visitors,
            Self::Me(_) => Label::Me,
            Self::Events(_) => Label::Events,
            Self::Room(_) => Label::Room,
            Self::Admission(_) => Label::Admission,
            Self::Page(_) => Label::Page,
            Self::Plain(_) => Label::Plain,
            Self::Jwks => Label::Jwks,
            Self::OpenApi => Label::OpenApi,
        }
    }
}

/// The label of a path that we know.
pub(crate) fn label_of(path: &str) -> Result<&'static str, Problem> {
    Route::parse(path).map(|route| route.label().text())
}

/// Answers one request, whatever it is.
pub(crate) async fn answer(app: &App, peer: SocketAddr, request: Request<Incoming>) -> Reply {
    let began = Instant::now();
    let id = request_id(&request);
    let method = request.method().clone();
    let within_limit = app.limits.check_address(peer, request.headers());
    let (label, route) = match Route::parse(request.uri().path()) {
        Ok(route) => (route.label(), within_limit.and(Ok(route))),
        Err(problem) => (Label::Unknown, within_limit.and(Err(problem))),
    };
    let result = match route {
        Ok(route) => dispatch(app, route, peer, request).await,
        Err(problem) => Err(problem),
    };
    let mut reply = result.unwrap_or_else(|problem| problem.into_response().map(ReplyBody::from));
    record::request(label, &method, reply.status(), began, &id);
    reply.headers_mut().insert(REQUEST_ID.clone(), id);
    reply
}

async fn dispatch(
    app: &App,
    route: Route,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Reply, Problem> {
    let method = request.method().clone();
    let reads = matches!(method, Method::GET | Method::HEAD);
    let request = match route {
        // Before it takes a place: a body that drips must not keep one from others.
        Route::Visitors(_) if method == Method::POST => body::expect_nothing(request).await?,
        _ => request.map(drop),
    };
    let _place = app.limits.enter()?;
    // What is not a poll is boxed: a poll's future, which is moved a few times, stays small.
    match route {
        Route::Me(room) if reads => me::answer(app, &room, &request).await,
        Route::Me(room) if method == Method::DELETE => {
            Box::pin(leave::answer(app, &room, &request)).await
        }
        Route::Events(room) if reads => events::answer(app, &room, &request),
        Route::Visitors(room) if method == Method::POST => {
            Box::pin(join::answer(app, &room, peer, &request)).await
        }
        Route::Room(room) if reads => room::answer(app, &room),
        Route::Admission(room) if reads => Box::pin(admission::answer(app, &room, &request)).await,
        Route::Page(room) if reads => page::answer(app, &room, &request),
        Route::Plain(room) if reads => Box::pin(plain::show(app, &room, &request)).await,
        Route::Plain(room) if method == Method::POST => {
            Box::pin(plain::join(app, &room, peer, &request)).await
        }
        Route::Jwks if reads => Ok(jwks::answer(app)),
        Route::OpenApi if reads => Ok(openapi::answer(app)),
        Route::Me(_) => Err(problems::method_not_allowed("GET, HEAD, DELETE")),
        Route::Visitors(_) => Err(problems::method_not_allowed("POST")),
        Route::Plain(_) => Err(problems::method_not_allowed("GET, HEAD, POST")),
        _ => Err(problems::method_not_allowed("GET, HEAD")),
    }
}

/// The caller's id for the request if it is a sane one, else a fresh one.
fn request_id(request: &Request<Incoming>) -> HeaderValue {
    let given = request.headers().get(&REQUEST_ID).filter(|id| {
        let bytes = id.as_bytes();
        !bytes.is_empty()
            && bytes.len() <= LONGEST_REQUEST_ID
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    });
    given.cloned().unwrap_or_else(|| {
        let fresh = hexadecimal(rand::random());
        HeaderValue::from_bytes(&fresh).expect("hexadecimal digits are good in a header")
    })
}

fn hexadecimal(number: u64) -> [u8; 16] {
    let digit = |place: usize| {
        b"0123456789abcdef"
            [usize::from(number.to_be_bytes()[place / 2] >> (4 - 4 * (place % 2)) & 15)]
    };
    std::array::from_fn(digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_id_is_hexadecimal() {
        assert_eq!(&hexadecimal(0x0123_4567_89ab_cdef), b"0123456789abcdef");
        assert_eq!(&hexadecimal(0), b"0000000000000000");
    }

    #[test]
    fn paths_are_told_apart() {
        let room = || "main".parse::<RoomName>().unwrap();
        assert_eq!(
            Route::parse("/v1/rooms/main/visitors/me").unwrap(),
            Route::Me(room())
        );
        assert_eq!(
            Route::parse("/v1/rooms/main/visitors/me/events").unwrap(),
            Route::Events(room())
        );
        assert_eq!(
            Route::parse("/v1/rooms/main/visitors").unwrap(),
            Route::Visitors(room())
        );
        assert_eq!(Route::parse("/v1/rooms/main").unwrap(), Route::Room(room()));
        assert_eq!(Route::parse("/rooms/main").unwrap(), Route::Page(room()));
        for (path, slug) in [
            ("/", "not-found"),
            ("/v1/rooms/main/", "not-found"),
            ("/v1/rooms/main/visitors/me/x", "not-found"),
            ("/v1/rooms/main/visitors/me/events/x", "not-found"),
            ("/v1/rooms/main/visitors/you", "not-found"),
            ("/v1/rooms/MAIN", "room-not-found"),
            ("/v1/rooms/%2e%2e", "room-not-found"),
            ("/rooms/", "room-not-found"),
        ] {
            assert_eq!(Route::parse(path).unwrap_err().slug(), slug, "{path}");
        }
    }
}
