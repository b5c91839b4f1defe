//! `POST /v1/admin/performances`: open the sale of one date. Makes one row per seat, and the month's partition.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use shared::clock;
use shared::ids::VisitorId;
use shared::problem::Problem;
use utoipa::ToSchema;

use super::PerformanceDocument;
use super::store::{self, LayoutOffer};
use super::terms::{self, Terms, invalid};
use crate::app::SharedApp;
use crate::concerts;
use crate::error::ApiError;
use crate::http::JsonBody;
use crate::identity::Organiser;
use crate::layouts;
use crate::money::Money;

/// A hundred seats at this price are as much as a payment gateway takes at once.
const PRICE_MOST: i64 = 10_000_000_000;
const HOLD_TTL_SECONDS: u32 = 300;
const SEATS_PER_BUYER: i32 = 4;

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
    pub(super) terms: Terms,
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
            let document = PerformanceDocument::find(&app, id).await?;
            Ok((StatusCode::CREATED, Json(document)))
        })
        .await
}

impl NewPerformance {
    fn check(self, offer: &LayoutOffer, organiser: &VisitorId) -> Result<Planned, Problem> {
        let terms = Terms {
            room: terms::room(&self.room)?,
            starts_at: self.starts_at,
            sale_opens_at: self.sale_opens_at.unwrap_or_else(clock::now),
            sale_closes_at: self.sale_closes_at.unwrap_or(self.starts_at),
            seats_per_buyer_max: self.seats_per_buyer_max.unwrap_or(SEATS_PER_BUYER),
            hold_ttl_seconds: self.hold_ttl_seconds.unwrap_or(HOLD_TTL_SECONDS),
        };
        let terms = terms.check()?;
        let (currency, tiers, prices) = check_tiers(self.tiers, &offer.tiers)?;
        Ok(Planned {
            concert: self.concert,
            layout: offer.id,
            terms,
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
