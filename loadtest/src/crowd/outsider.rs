//! A visitor who was admitted elsewhere and tries that admission, and that waiting token, here (I5).

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use http::{HeaderValue, Method, Request, header};
use tokio_util::sync::CancellationToken;

use super::Crowd;
use crate::client::{Client, Outgoing};
use crate::forbidden::{self, Forbidden, KnownBy};
use crate::journal::Probe;
use crate::tokens;

/// Polls of the other room until the probe is given up: its rate lets the only visitor in at once.
const POLLS_MAX: u32 = 50;
const POLL_PAUSE: Duration = Duration::from_millis(200);
/// How often each of the calls is tried.
const ROUNDS: u32 = 5;
const BODY_MAX: usize = 16 << 10;

const NO_ADMISSION: (u16, &str) = (403, "admission-required");
const BAD_WAITING_TOKEN: (u16, &str) = (401, "waiting-token-invalid");

/// Tokens of the other room.
struct Elsewhere {
    user: HeaderValue,
    waiting: HeaderValue,
    admission: HeaderValue,
}

/// Gets admitted to the other room and tries its tokens in ours. Nothing when stopped meanwhile.
pub(super) async fn probe(
    crowd: &Arc<Crowd>,
    stop: &CancellationToken,
) -> anyhow::Result<Vec<Probe>> {
    let tried = stop
        .run_until_cancelled(Box::pin(try_elsewhere(crowd)))
        .await;
    tried.unwrap_or_else(|| Ok(Vec::new()))
}

async fn try_elsewhere(crowd: &Arc<Crowd>) -> anyhow::Result<Vec<Probe>> {
    let elsewhere = be_admitted(crowd).await;
    let elsewhere = elsewhere.with_context(|| {
        format!(
            "room {}, made for the probes, let its only visitor not in",
            crowd.other_room
        )
    })?;
    let mut booking = Client::new(&crowd.booking);
    let mut gatekeeper = Client::new(&crowd.gatekeeper);
    let mut probes = Vec::new();
    for _ in 0..ROUNDS {
        for request in [look(crowd, &elsewhere), hold(crowd, &elsewhere)] {
            let (what, expected) = ("another room's admission token", NO_ADMISSION);
            let known_by = KnownBy::Token;
            let forbidden = Forbidden {
                what,
                expected,
                request,
                known_by,
            };
            probes.extend(forbidden::attempt(&mut booking, forbidden).await);
        }
        let (what, expected) = ("another room's waiting token", BAD_WAITING_TOKEN);
        let request = poll(&crowd.room, &elsewhere.waiting);
        let known_by = KnownBy::Token;
        let forbidden = Forbidden {
            what,
            expected,
            request,
            known_by,
        };
        probes.extend(forbidden::attempt(&mut gatekeeper, forbidden).await);
    }
    Ok(probes)
}

async fn be_admitted(crowd: &Arc<Crowd>) -> Option<Elsewhere> {
    let name = format!("{}outsider", crowd.visitor_prefix);
    let user = tokens::bearer(&crowd.minter.buyer(&name).ok()?)?;
    let mut gatekeeper = Client::new(&crowd.gatekeeper);
    let joined = gatekeeper.send(join(crowd, &user), BODY_MAX).await.ok()?;
    let joined: serde_json::Value = joined.json()?;
    let waiting = tokens::bearer(joined.get("token")?.as_str()?)?;
    for _ in 0..POLLS_MAX {
        tokio::time::sleep(POLL_PAUSE).await;
        let answer = gatekeeper
            .send(poll(&crowd.other_room, &waiting), BODY_MAX)
            .await
            .ok()?;
        let document: serde_json::Value = answer.json()?;
        if let Some(token) = document
            .get("admission_token")
            .and_then(serde_json::Value::as_str)
        {
            return Some(Elsewhere {
                user,
                waiting,
                admission: tokens::secret(token)?,
            });
        }
    }
    None
}

fn join(crowd: &Crowd, user: &HeaderValue) -> Outgoing {
    Request::builder()
        .method(Method::POST)
        .uri(format!("/v1/rooms/{}/visitors", crowd.other_room))
        .header(header::AUTHORIZATION, user.clone())
        .body(http_body_util::Full::default())
        .expect("a room name makes a path")
}

fn poll(room: &str, waiting: &HeaderValue) -> Outgoing {
    Request::get(format!("/v1/rooms/{room}/visitors/me"))
        .header(header::AUTHORIZATION, waiting.clone())
        .body(http_body_util::Full::default())
        .expect("a room name makes a path")
}

fn look(crowd: &Crowd, elsewhere: &Elsewhere) -> Outgoing {
    Request::get(crowd.house.seats_path())
        .header(header::AUTHORIZATION, elsewhere.user.clone())
        .header("admission-token", elsewhere.admission.clone())
        .body(http_body_util::Full::default())
        .expect("a performance id makes a path")
}

fn hold(crowd: &Crowd, elsewhere: &Elsewhere) -> Outgoing {
    let body = serde_json::json!({ "seats": [crowd.house.name(0)] }).to_string();
    Request::builder()
        .method(Method::POST)
        .uri(crowd.house.holds_path())
        .header(header::AUTHORIZATION, elsewhere.user.clone())
        .header("admission-token", elsewhere.admission.clone())
        .header("idempotency-key", "from-elsewhere")
        .header(header::CONTENT_TYPE, "application/json")
        .body(http_body_util::Full::from(body))
        .expect("a performance id makes a path")
}
