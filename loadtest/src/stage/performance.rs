//! A concert with one performance, made through the organiser's calls of the booking API.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use http::{HeaderValue, Method, Request, header};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::house::row_name;
use crate::client::{Answer, Client, Service};
use crate::scenario::{HousePlan, Scenario};

/// When the performance is, and since when it is on sale, counted from now.
const STARTS_IN: Duration = Duration::from_hours(30 * 24);
const ON_SALE_SINCE: Duration = Duration::from_mins(1);

/// Price tiers from the front to the back, in won.
const PRICES: [(&str, i64); 3] = [("R", 165_000), ("S", 132_000), ("A", 99_000)];

/// Longest answer of the organiser's calls.
const BODY_MAX: usize = 1 << 20;

/// What was made, by an id that is given back as it came.
#[derive(Deserialize)]
struct Made {
    id: Value,
}

#[derive(Deserialize)]
struct MadeLayout {
    hash: String,
}

/// Makes layout, concert and performance, on sale at once. Returns the id of the performance.
pub(super) async fn make(
    booking: &Arc<Service>,
    organiser: &HeaderValue,
    room: &str,
    scenario: &Scenario,
) -> anyhow::Result<String> {
    let organiser = Organiser {
        booking,
        token: organiser,
    };
    let layout: MadeLayout = organiser
        .post("/v1/admin/layouts", &layout(room, scenario))
        .await?;
    let concert = json!({ "title": format!("Load test {}", scenario.name), "venue": "Nowhere" });
    let concert: Made = organiser.post("/v1/admin/concerts", &concert).await?;
    let now = Timestamp::now();
    let performance = json!({
        "concert": concert.id,
        "layout": layout.hash,
        "room": room,
        "starts_at": now + STARTS_IN,
        "sale_opens_at": now - ON_SALE_SINCE,
        "hold_ttl_seconds": scenario.house.hold_ttl_seconds.get(),
        "tiers": prices(scenario.house),
    });
    let performance: Made = organiser
        .post("/v1/admin/performances", &performance)
        .await?;
    Ok(match performance.id {
        Value::String(id) => id,
        number => number.to_string(),
    })
}

/// Takes the performance off sale; what was sold stays in the books.
pub(super) async fn remove(
    booking: &Arc<Service>,
    organiser: &HeaderValue,
    performance: &str,
) -> anyhow::Result<()> {
    let organiser = Organiser {
        booking,
        token: organiser,
    };
    let path = format!("/v1/admin/performances/{performance}");
    let answer = organiser.send(Method::DELETE, &path, None).await?;
    if !answer.status.is_success() {
        bail!(
            "DELETE {path} was answered {}: {}",
            answer.status,
            text(&answer)
        );
    }
    Ok(())
}

struct Organiser<'a> {
    booking: &'a Arc<Service>,
    token: &'a HeaderValue,
}

impl Organiser<'_> {
    async fn post<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<T> {
        let answer = self.send(Method::POST, path, Some(body)).await?;
        if !answer.status.is_success() {
            bail!(
                "POST {path} was answered {}: {}",
                answer.status,
                text(&answer)
            );
        }
        answer
            .json()
            .with_context(|| format!("POST {path} was answered {}", text(&answer)))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method.clone())
            .uri(path)
            .header(header::AUTHORIZATION, self.token.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .body(http_body_util::Full::from(body))?;
        let answer = Client::new(self.booking).send(request, BODY_MAX).await;
        answer.with_context(|| format!("{method} {path} got no answer from the booking API"))
    }
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// The rectangle of the scenario, a third of its rows in each price tier.
fn layout(name: &str, scenario: &Scenario) -> Value {
    let HousePlan {
        rows,
        seats_per_row,
        ..
    } = scenario.house;
    let rows: Vec<Value> = (0..rows.get())
        .map(|row| {
            let seats: Vec<Value> = (1..=seats_per_row.get())
                .map(|seat| json!({ "number": seat, "x": seat, "y": row }))
                .collect();
            json!({ "name": row_name(row), "tier": tier(row, rows.get()), "seats": seats })
        })
        .collect();
    json!({ "name": name, "sections": [{ "name": "Floor", "rows": rows }] })
}

/// The price of each tier that the house has.
fn prices(house: HousePlan) -> Vec<Value> {
    let rows = house.rows.get();
    let used: BTreeSet<&str> = (0..rows).map(|row| tier(row, rows)).collect();
    PRICES
        .into_iter()
        .filter(|(tier, _)| used.contains(tier))
        .map(|(tier, amount)| {
            json!({ "tier": tier, "price": { "amount": amount, "currency": "KRW" } })
        })
        .collect()
}

fn tier(row: u32, rows: u32) -> &'static str {
    let third = (row * 3 / rows) as usize;
    PRICES[third.min(PRICES.len() - 1)].0
}
