//! What is on sale, and what a test makes of the stores behind the API.

use std::time::Duration;

use devstack::test_stores;
use serde_json::{Value, json};
use shared::redis_handle::Redis;
use shared::room::Line;

use super::{PATIENCE, TestApi};

impl TestApi {
    /// The line in Redis that the gatekeeper would work on.
    pub(crate) async fn line(&self) -> Line {
        Line::new(self.redis().await, self.room.clone())
    }

    /// The Redis of this run.
    pub(crate) async fn redis(&self) -> Redis {
        let url = test_stores::redis_url().parse().unwrap();
        let redis = Redis::connect(&url, Duration::from_secs(2), &self.shutdown);
        redis.wait_connected(PATIENCE).await.unwrap();
        redis
    }

    /// Another performance of the same kind, with `changes` to what is usual.
    pub(crate) async fn make_performance(&self, changes: &Value) -> i64 {
        let organiser = self.organiser();
        let concert = organiser
            .post(
                "/v1/admin/concerts",
                &json!({"title": "Spring", "venue": "Hall"}),
            )
            .await;
        let layout = organiser.post("/v1/admin/layouts", &hall()).await.json();
        let mut new = json!({
            "concert": concert.expect_created()["id"],
            "layout": layout["hash"],
            "room": self.room,
            "starts_at": "2099-12-24T11:00:00Z",
            "tiers": [
                {"tier": "R", "price": {"amount": 110_000, "currency": "KRW"}},
                {"tier": "S", "price": {"amount": 70_000, "currency": "KRW"}}
            ]
        });
        new.as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        let made = organiser
            .post("/v1/admin/performances", &new)
            .await
            .expect_created();
        made["id"].as_i64().unwrap()
    }

    /// Makes the holds of the performance as old as if `seconds` more had passed.
    pub(crate) async fn age_holds(&self, seconds: f64) {
        let age = |sql| sqlx::query(sql).bind(seconds).execute(&self.pool);
        age("UPDATE seat SET hold_expires_at = hold_expires_at - make_interval(secs => $1) WHERE hold_id IS NOT NULL")
            .await
            .unwrap();
        age(
            "UPDATE hold SET expires_at = expires_at - make_interval(secs => $1),
                expires_before_paying = expires_before_paying - make_interval(secs => $1),
                pay_deadline = pay_deadline - make_interval(secs => $1),
                created_at = created_at - make_interval(secs => $1)",
        )
        .await
        .unwrap();
    }

    /// One number from the database.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    /// Marks in Redis of seats just taken would outlive what a test makes of the clock.
    pub(crate) async fn forget_marks(&self) {
        let redis = self.redis().await;
        for seat in 0..30 {
            let key = format!("onsale:seats:{{{}}}:{seat}", self.performance);
            redis
                .query::<i64>(redis::cmd("DEL").arg(key))
                .await
                .unwrap();
        }
    }
}

/// Two rows of R, one of S, ten seats each.
pub(crate) fn hall() -> Value {
    let row = |name: &str, y: i32, tier: &str| {
        let seats: Vec<_> = (1..=10)
            .map(|number| json!({"number": number, "x": number, "y": y}))
            .collect();
        json!({"name": name, "tier": tier, "seats": seats})
    };
    json!({"name": "Hall", "sections": [{"name": "Floor", "rows": [row("A", 0, "R"), row("B", 1, "R"), row("C", 2, "S")]}]})
}
