//! `GET /v1/rooms/{room}`: what everybody may know about a room. Cacheable for a second.

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use shared::clock;
use shared::ids::RoomName;
use shared::problem::Problem;
use shared::room::{Lottery, RoomState};

use super::me::find_room;
use super::problems;
use crate::app::App;
use crate::estimate::Reason;
use crate::http::reply::{self, Caching, Reply};

/// What everybody may know about a room.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct RoomDocument {
    #[schema(value_type = String, example = "main")]
    room: RoomName,
    #[schema(value_type = String, example = "open")]
    state: RoomState,
    /// People in the line.
    waiting: u64,
    /// People in the active set.
    active: u64,
    /// Admissions per second.
    rate_per_second: Option<f64>,
    /// Expected wait of somebody who joins now; `null` when nobody is being admitted.
    eta_seconds: Option<u64>,
    /// It is longer than that, nobody knows how much.
    eta_is_capped: bool,
    /// Why it has become longer of late, or is not known.
    eta_reason: Option<Reason>,
    /// When a scheduled room opens.
    #[schema(value_type = Option<String>, format = DateTime)]
    opens_at: Option<Timestamp>,
    /// What is left to buy, where the shop says so.
    inventory: Option<u64>,
    /// The lottery by which the room opens, or has opened.
    lottery: Option<LotteryDocument>,
    /// What the operator tells the line.
    message: Option<String>,
    /// The line cannot be read at present; these are the last known figures.
    stale: bool,
}

/// By what anybody can check that nobody chose the places.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct LotteryDocument {
    /// SHA-256 of the operator's secret, fixed before anybody joined.
    commitment: String,
    /// Where the public value comes from that goes into the seed.
    public_source: Option<String>,
    /// The public value, once it is known.
    public_value: Option<String>,
    /// How many numbers are drawn, once nobody can take part any more.
    size: Option<u64>,
    /// The hash of the list of those who take part, once nobody can any more.
    list: Option<String>,
    /// What decides about the places, once they are drawn.
    seed: Option<String>,
}

impl From<&Lottery> for LotteryDocument {
    fn from(lottery: &Lottery) -> Self {
        Self {
            commitment: lottery.commitment.to_string(),
            public_source: lottery.public_source.clone(),
            public_value: lottery.public_value.clone(),
            size: lottery.size,
            list: lottery.list.map(|list| list.to_string()),
            seed: lottery.seed.map(|seed| seed.to_string()),
        }
    }
}

#[utoipa::path(
    get, path = "/v1/rooms/{room}", tag = "rooms", params(("room" = String, Path)),
    responses((status = 200, body = RoomDocument), (status = 404, description = "room-not-found"))
)]
pub(super) fn answer(app: &App, room: &RoomName) -> Result<Reply, Problem> {
    let known = find_room(app, room)?;
    let snapshot = known.snapshot();
    let snapshot = snapshot.as_deref().ok_or_else(problems::line_unavailable)?;
    let settings = &snapshot.settings;
    let estimate = snapshot.pace.estimate();
    let wait = estimate.wait(snapshot.waiting + 1);
    let document = RoomDocument {
        room: room.clone(),
        state: settings.state,
        waiting: snapshot.waiting,
        active: snapshot.active,
        rate_per_second: settings.rate_per_second,
        eta_seconds: wait.seconds,
        eta_is_capped: wait.is_capped,
        eta_reason: estimate.reason,
        opens_at: settings.opens_at_ms.map(clock::from_millis),
        inventory: snapshot.shop.and_then(|shop| shop.inventory()),
        lottery: settings.lottery.as_ref().map(LotteryDocument::from),
        message: settings.message.clone(),
        stale: snapshot.is_stale(),
    };
    Ok(reply::json(StatusCode::OK, &document, Caching::Public(1)))
}
