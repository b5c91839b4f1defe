//! The demo concert: a hall, a concert, and one performance on sale, made through the organisers'
//! calls of booking-api.

mod hall;

use std::time::Duration;

use anyhow::{Context, bail};
use devstack::user_token;
use jiff::{Timestamp, ToSpan};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use super::{ROOM, Site};
use crate::say::say;

/// Longest that one call may take; a hall of some thousand seats is the largest.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The demo performance is so far away, so that its sale does not end while somebody tries it.
const STARTS_IN_HOURS: i64 = 60 * 24;

/// Prices by tier, in won.
const PRICES: [(&str, i64); 3] = [("R", 165_000), ("S", 132_000), ("A", 99_000)];

/// An organiser at booking-api.
struct Organiser {
    client: Client,
    base: String,
    token: String,
}

impl Site {
    /// Makes the demo performance, unless there is one.
    pub(super) async fn make_concert(&mut self) -> anyhow::Result<()> {
        let organiser = Organiser {
            client: http_client()?,
            base: self.addresses()?.booking_api(),
            token: user_token::mint(&self.keys_folder(), "demo-organiser", Some("organiser"))?,
        };
        if let Some(performance) = &self.state.performance
            && organiser.has_performance(performance).await?
        {
            return Ok(());
        }
        self.state.performance = Some(organiser.make_performance().await?);
        say(&format!(
            "  {:<14} {} seats on sale in room {ROOM}",
            "performance",
            hall::SEATS
        ));
        self.save()
    }
}

impl Organiser {
    async fn make_performance(&self) -> anyhow::Result<String> {
        let layout = self.post("/v1/admin/layouts", &hall::layout()).await?;
        let concert = json!({
            "title": "Onsale Demo Night",
            "venue": "Demo Hall",
            "description": "A concert that does not take place, to try everything with.",
        });
        let concert = self.post("/v1/admin/concerts", &concert).await?;
        let now = Timestamp::now();
        let tiers: Vec<Value> = PRICES
            .iter()
            .map(|(tier, won)| json!({"tier": tier, "price": {"amount": won, "currency": "KRW"}}))
            .collect();
        let performance = json!({
            "concert": concert["id"],
            "layout": layout["hash"],
            "room": ROOM,
            "starts_at": now + STARTS_IN_HOURS.hours(),
            "tiers": tiers,
        });
        let performance = self.post("/v1/admin/performances", &performance).await?;
        match &performance["id"] {
            Value::String(id) => Ok(id.clone()),
            Value::Number(id) => Ok(id.to_string()),
            _ => bail!("booking-api made a performance without an id: {performance}"),
        }
    }

    async fn has_performance(&self, id: &str) -> anyhow::Result<bool> {
        let (status, answer) = self
            .call(Method::GET, &format!("/v1/performances/{id}"), None)
            .await?;
        match status {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => bail!("booking-api answers {status} to a look at the demo performance: {answer}"),
        }
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let (status, answer) = self.call(Method::POST, path, Some(body)).await?;
        if !status.is_success() {
            bail!("booking-api answers {status} to POST {path}: {answer}");
        }
        serde_json::from_str(&answer).with_context(|| format!("the answer to POST {path}"))
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<(StatusCode, String)> {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request
            .send()
            .await
            .with_context(|| format!("calling {path}"))?;
        let status = response.status();
        let text = response
            .text()
            .await
            .with_context(|| format!("reading the answer to {path}"))?;
        Ok((status, text))
    }
}

pub(super) fn http_client() -> anyhow::Result<Client> {
    // Everything here is plain HTTP on loopback, but the client wants to know how it would do TLS.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder()
        .timeout(ANSWER_WITHIN)
        // A proxy of the user's has no way to 127.0.0.1.
        .no_proxy()
        .build()
        .context("making an HTTP client")
}
