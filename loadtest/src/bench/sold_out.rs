//! How soon everybody who waits hears that the last seat has been sold: on open streams, and by a poll.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use http::{HeaderValue, Method, Request, header};
use http_body_util::Full;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::events::Events;
use super::ground::Ground;
use super::report::{BenchReport, Bounded, Figure, Outcome, rounded};
use super::servers::{EARLY_POLLS_ALLOWED, NO_ADDRESS_LIMIT_SAID, Server};
use super::visitors::{self, Document, Joiner, Visitor};
use super::wire::Wire;
use crate::client::{Client, Service};
use crate::progress::say;
use crate::scenario::Scenario;
use crate::stage::{Admitter, House, ROOM_SPREADS, Stage};
use crate::tokens::{self, Minter};

/// A house that one buyer buys by one order.
const SALE: &str = r#"
name = "sold-out"
description = "a house of four seats"
seed = 1
[crowd]
visitors = 1
arrivals = "uniform"
arrive_within_seconds = 1
[room]
rate_per_second = 100
[house]
rows = 1
seats_per_row = 4
"#;
const ROUNDS: usize = 5;
const STREAMS: usize = 1_000;
const SOLD_OUT: &str = "\"sold_out\":true";
const BOUND_SECONDS: f64 = 2.0;
/// From one poll of the visitor without a stream to the next.
const POLL_EVERY: Duration = Duration::from_millis(20);
/// Longest for anything that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
const BODY_MAX: usize = 64 << 10;

pub(super) async fn measure(
    ground: &Ground,
    stop: &CancellationToken,
) -> anyhow::Result<BenchReport> {
    let scenario = Scenario::parse(SALE)?;
    let gatekeeper = Server::gatekeeper(ground, &[EARLY_POLLS_ALLOWED]).await?;
    let minter = Arc::new(ground.minter()?);
    let mut rounds = Vec::new();
    for round in 1..=ROUNDS {
        say(&format!("sold-out: round {round} of {ROUNDS}"));
        let mut stage = Stage::new(&ground.stack, &scenario, &minter)?;
        let sale = sell(ground, gatekeeper.address, &minter, &mut stage);
        let heard = stop.run_until_cancelled(Box::pin(sale)).await;
        let removed = stage.remove().await;
        rounds.push(heard.unwrap_or_else(|| bail!("stopped before the end"))?);
        removed?;
    }
    let slowest = |value: fn(&Heard) -> f64| rounds.iter().map(value).fold(0.0, f64::max);
    Ok(BenchReport {
        name: "sold-out",
        description: "from the answer that confirms the order of the last seats until the last of 1,000 streams has told that nothing is left",
        outcome: Outcome::Bounded(Bounded {
            value: slowest(|heard| heard.last_stream_seconds),
            bound: BOUND_SECONDS,
            unit: "s",
            rounds: rounds.iter().map(Heard::told).collect(),
            figures: vec![Figure {
                what: "until a poll says so".to_owned(),
                value: slowest(|heard| heard.poll_seconds),
                bound: Some(BOUND_SECONDS),
                unit: "s",
            }],
        }),
        conditions: ground
            .conditions(json!({
                "setup": format!("{NO_ADDRESS_LIMIT_SAID}, no early-poll rule; the slowest of {ROUNDS} sales, each of a house of four seats in a shop that does nothing else; a poll every {} ms", POLL_EVERY.as_millis()),
                "streams": STREAMS,
            }))
            .await,
    })
}

/// What came of one sale.
struct Heard {
    last_stream_seconds: f64,
    poll_seconds: f64,
}

impl Heard {
    fn told(&self) -> Value {
        json!({ "last_stream_s": self.last_stream_seconds, "poll_s": self.poll_seconds })
    }
}

/// Somebody buys the whole house while everybody else waits in front of it.
async fn sell(
    ground: &Ground,
    gatekeeper: SocketAddr,
    minter: &Arc<Minter>,
    stage: &mut Stage,
) -> anyhow::Result<Heard> {
    let house = stage.make().await?;
    let room = stage.room();
    let admitter = Admitter::of(&ground.stack);
    let visitor = Joiner::connect(gatekeeper, minter, room)
        .await?
        .join()
        .await?;
    let admission_token = let_in(gatekeeper, &visitor).await?;
    admitter.pause(room).await?;
    tokio::time::sleep(ROOM_SPREADS).await;
    let crowd = visitors::gather(gatekeeper, minter, room, STREAMS + 1).await?;
    let (polling, streaming) = crowd.split_last().context("nobody has joined")?;
    let mut events = Events::open(gatekeeper, room, streaming, SOLD_OUT).await?;
    let mut buyer = Buyer::new(ground, minter, &visitor, &admission_token)?;
    let hold = buyer.hold(&house).await?;
    until_nothing_is_sellable(gatekeeper, room).await?;

    let began = Timestamp::now();
    let hears = async {
        let mut last = began;
        for _ in 0..STREAMS {
            let (_, at) = events.next().await?;
            if at < began {
                bail!("a stream told that nothing was left while the seats were only held");
            }
            last = last.max(at);
        }
        anyhow::Ok(last)
    };
    let all = async { tokio::try_join!(buyer.pay(&hold), hears, polls(gatekeeper, polling)) };
    let (confirmed, last_stream, poll) = tokio::time::timeout(PATIENCE, all)
        .await
        .context("the end of the sale was not told")??;
    let since = |at: Timestamp| rounded(at.duration_since(confirmed).as_secs_f64().max(0.0));
    Ok(Heard {
        last_stream_seconds: since(last_stream),
        poll_seconds: since(poll),
    })
}

/// Polls until the visitor is let in. Returns the admission token.
async fn let_in(gatekeeper: SocketAddr, visitor: &Visitor) -> anyhow::Result<String> {
    let admitted = until(gatekeeper, visitor, |document| document.state == "admitted").await?;
    admitted
        .admission_token
        .context("an admitted visitor has no admission token")
}

/// When a poll says that nothing is left.
async fn polls(gatekeeper: SocketAddr, visitor: &Visitor) -> anyhow::Result<Timestamp> {
    until(gatekeeper, visitor, |document| document.sold_out).await?;
    Ok(Timestamp::now())
}

async fn until(
    gatekeeper: SocketAddr,
    visitor: &Visitor,
    expected: impl Fn(&Document) -> bool,
) -> anyhow::Result<Document> {
    let polling = async {
        let mut wire = Wire::open(gatekeeper, None).await?;
        loop {
            let reply = wire.ask(&visitor.poll).await?;
            if reply.status != 200 {
                bail!("a poll was answered {}", reply.status);
            }
            let document: Document =
                serde_json::from_slice(reply.body).context("a poll's answer")?;
            if expected(&document) {
                return Ok(document);
            }
            tokio::time::sleep(POLL_EVERY).await;
        }
    };
    tokio::time::timeout(PATIENCE, polling)
        .await
        .context("a poll does not say what is waited for")?
}

/// Until the line has heard that every seat is held, which is not yet the end: what it hears next is.
async fn until_nothing_is_sellable(gatekeeper: SocketAddr, room: &str) -> anyhow::Result<()> {
    #[derive(Deserialize)]
    struct Room {
        inventory: Option<u64>,
    }
    let mut client = Client::new(&Service::on(gatekeeper));
    let looking = async {
        loop {
            let request = Request::get(format!("/v1/rooms/{room}")).body(Full::default())?;
            let answer = client.send(request, BODY_MAX).await?;
            let known: Option<Room> = answer.json();
            if known.is_some_and(|room| room.inventory == Some(0)) {
                return Ok(());
            }
            tokio::time::sleep(POLL_EVERY).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking)
        .await
        .context("the shop does not tell the line that everything is held")?
}

/// The one who is in the shop.
struct Buyer {
    shop: Client,
    user: HeaderValue,
    admission: HeaderValue,
}

impl Buyer {
    fn new(
        ground: &Ground,
        minter: &Minter,
        visitor: &Visitor,
        admission_token: &str,
    ) -> anyhow::Result<Self> {
        let user_token = minter.buyer(visitor.member.visitor.as_str())?;
        let header = "a token of ours is no header value";
        Ok(Self {
            shop: Client::new(&Service::at(&ground.stack.booking_api)?),
            user: tokens::bearer(&user_token).context(header)?,
            admission: tokens::secret(admission_token).context(header)?,
        })
    }

    /// Holds every seat of the house. Returns the id of the hold.
    async fn hold(&mut self, house: &House) -> anyhow::Result<String> {
        let seats: Vec<&str> = (0..house.seat_count())
            .map(|seat| house.name(seat))
            .collect();
        let hold = self
            .post(house.holds_path(), &json!({ "seats": seats }))
            .await?;
        let id = hold["id"].as_str().context("a hold has no id")?;
        Ok(id.to_owned())
    }

    /// Pays for what is held. Returns when that was confirmed.
    async fn pay(&mut self, hold: &str) -> anyhow::Result<Timestamp> {
        let card = json!({ "method": { "kind": "card", "token": "tok_ok" } });
        let order = self
            .post(&format!("/v1/holds/{hold}/payment"), &card)
            .await?;
        match order["state"].as_str() {
            Some("CONFIRMED") => Ok(Timestamp::now()),
            state => bail!("the order is {state:?}, not confirmed at once"),
        }
    }

    async fn post(&mut self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::AUTHORIZATION, self.user.clone())
            .header("admission-token", self.admission.clone())
            .header("idempotency-key", path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::from(body.to_string()))?;
        let answer = self.shop.send(request, BODY_MAX).await?;
        if answer.status != 201 {
            let complaint = String::from_utf8_lossy(&answer.body);
            bail!("POST {path} was answered {}: {complaint}", answer.status);
        }
        answer.json().context("the shop's answer is no JSON")
    }
}
