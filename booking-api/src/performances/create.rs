//! `POST /v1/admin/performances`: open the sale of one date. Makes one row per seat, and the month's partition.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use shared::clock;
use shared::ids::{RoomName, VisitorId};
use shared::problem::Problem;
use utoipa::ToSchema;

use super::PerformanceDocument;
use super::store::{self, LayoutOffer};
use crate::app::SharedApp;
use crate::concerts;
use crate::error::ApiError;
use crate::http::JsonBody;
use crate::identity::Organiser;
use crate::layouts;
use crate::money::Money;
use crate::problems;

/// A hundred seats at this price are as much as a payment gateway takes at once.
const PRICE_MOST: i64 = 10_000_000_000;
/// 2000-01-01 and 2200-01-01: beyond lie mistakes, and times that not every calendar can hold.
const EARLIEST: Timestamp = Timestamp::constant(946_684_800, 0);
const LATEST: Timestamp = Timestamp::constant(7_258_118_400, 0);
const HOLD_TTL_SECONDS: u32 = 300;
const HOLD_TTL_SECONDS_MOST: u32 = 900;
const SEATS_PER_BUYER: i32 = 4;
const SEATS_PER_BUYER_MOST: i32 = 100;

/// A performance to put on sale.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPerformance {
    concert: i64,
    /// Hash of an imported layout.
    layout: String,
    /// The room to stand in line in: a-z, 0-9 and -.
    room: String,
    #[schema(value_type = String, format = DateTime)]
    starts_at: Timestamp,
    /// Now, unless given.
    #[schema(value_type = Option<String>, format = DateTime)]
    sale_opens_at: Option<Timestamp>,
    /// The beginning of the performance, unless given.
    #[schema(value_type = Option<String>, format = DateTime)]
    sale_closes_at: Option<Timestamp>,
    /// 4 unless given.
    seats_per_buyer_max: Option<i32>,
    /// 300 unless given, 900 at most.
    hold_ttl_seconds: Option<u32>,
    /// A price for each tier of the layout.
    tiers: Vec<NewTier>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTier {
    tier: String,
    price: Money,
}

/// A performance that may be created.
pub(super) struct Planned {
    pub(super) concert: i64,
    pub(super) layout: i64,
    pub(super) room: RoomName,
    pub(super) starts_at: Timestamp,
    pub(super) sale_opens_at: Timestamp,
    pub(super) sale_closes_at: Timestamp,
    pub(super) seats_per_buyer_max: i32,
    pub(super) hold_ttl_seconds: u32,
    pub(super) currency: String,
    pub(super) tiers: Vec<String>,
    pub(super) prices: Vec<i64>,
    pub(super) created_by: VisitorId,
}

/// Put a performance on sale
#[utoipa::path(post, path = "/v1/admin/performances", tag = "organisers", request_body = NewPerformance,
    security(("user_token" = [])),
    responses((status = 201, body = PerformanceDocument), (status = 403, description = "forbidden")))]
pub(crate) async fn create(
    State(app): State<SharedApp>,
    organiser: Organiser,
    JsonBody(request): JsonBody<NewPerformance>,
) -> Result<(StatusCode, Json<PerformanceDocument>), ApiError> {
    let offer = if layouts::is_hash(&request.layout) {
        store::layout(&app.primary, &request.layout).await?
    } else {
        None
    };
    let offer =
        offer.ok_or_else(|| invalid("layout", "No layout has this hash. Import it first."))?;
    let planned = request.check(&offer, organiser.id())?;
    app.tasks
        .clone()
        .run_to_end(async move {
            let created = store::create(&app.primary, &planned).await;
            let id = created.map_err(|error| {
                let unknown = error.broke("performance_concert_id_fkey");
                if unknown {
                    invalid("concert", "There is no such concert.").into()
                } else {
                    ApiError::from(error)
                }
            })?;
            concerts::changed(&app, planned.concert).await?;
            let performance = app.performances.get(id).await?;
            let layout = app
                .layouts
                .get(planned.layout)
                .await
                .map_err(ApiError::Shared)?;
            let snapshot = app.snapshots.get(id, &layout).await?;
            let document = PerformanceDocument::of(&performance, &layout.hash, &snapshot);
            Ok((StatusCode::CREATED, Json(document)))
        })
        .await
}

impl NewPerformance {
    fn check(self, offer: &LayoutOffer, organiser: &VisitorId) -> Result<Planned, Problem> {
        for (field, time) in [
            ("starts_at", Some(self.starts_at)),
            ("sale_opens_at", self.sale_opens_at),
            ("sale_closes_at", self.sale_closes_at),
        ] {
            if time.is_some_and(|time| !(EARLIEST..=LATEST).contains(&time)) {
                return Err(invalid(field, "It is a time of this century or the next."));
            }
        }
        let room = self
            .room
            .parse()
            .map_err(|error| invalid("room", format!("{error}.")))?;
        let sale_opens_at = self.sale_opens_at.unwrap_or_else(clock::now);
        let sale_closes_at = self.sale_closes_at.unwrap_or(self.starts_at);
        if sale_opens_at >= sale_closes_at {
            return Err(invalid(
                "sale_closes_at",
                "The sale has to open before it closes, and before the performance.",
            ));
        }
        let seats_per_buyer_max = self.seats_per_buyer_max.unwrap_or(SEATS_PER_BUYER);
        if !(1..=SEATS_PER_BUYER_MOST).contains(&seats_per_buyer_max) {
            return Err(invalid(
                "seats_per_buyer_max",
                format!("It is 1 to {SEATS_PER_BUYER_MOST}."),
            ));
        }
        let hold_ttl_seconds = self.hold_ttl_seconds.unwrap_or(HOLD_TTL_SECONDS);
        if !(1..=HOLD_TTL_SECONDS_MOST).contains(&hold_ttl_seconds) {
            return Err(invalid(
                "hold_ttl_seconds",
                format!("It is 1 to {HOLD_TTL_SECONDS_MOST}."),
            ));
        }
        let (currency, tiers, prices) = check_tiers(self.tiers, &offer.tiers)?;
        Ok(Planned {
            concert: self.concert,
            layout: offer.id,
            room,
            starts_at: self.starts_at,
            sale_opens_at,
            sale_closes_at,
            seats_per_buyer_max,
            hold_ttl_seconds,
            currency,
            tiers,
            prices,
            created_by: organiser.clone(),
        })
    }
}

/// Every tier of the layout priced exactly once, all in one currency.
fn check_tiers(
    tiers: Vec<NewTier>,
    expected: &[String],
) -> Result<(String, Vec<String>, Vec<i64>), Problem> {
    let mut named: Vec<_> = tiers.iter().map(|tier| tier.tier.as_str()).collect();
    named.sort_unstable();
    if named != expected {
        return Err(invalid(
            "tiers",
            format!("Price each of these tiers once: {}.", expected.join(", ")),
        ));
    }
    let currency = tiers
        .first()
        .map(|tier| tier.price.currency.clone())
        .unwrap_or_default();
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(invalid(
            "tiers[0].price.currency",
            "A currency is three capitals, as in KRW (ISO 4217).",
        ));
    }
    for (index, tier) in tiers.iter().enumerate() {
        if tier.price.currency != currency {
            return Err(invalid(
                &format!("tiers[{index}].price.currency"),
                "All tiers have one currency.",
            ));
        }
        if !(1..=PRICE_MOST).contains(&tier.price.amount) {
            return Err(invalid(
                &format!("tiers[{index}].price.amount"),
                format!("It is 1 to {PRICE_MOST}."),
            ));
        }
    }
    let (tiers, prices) = tiers
        .into_iter()
        .map(|tier| (tier.tier, tier.price.amount))
        .unzip();
    Ok((currency, tiers, prices))
}

fn invalid(field: &str, detail: impl Into<String>) -> Problem {
    problems::invalid_request(field, detail)
}
