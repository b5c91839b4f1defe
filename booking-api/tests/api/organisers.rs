//! What organisers create, open, withdraw and read.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::test_api::{TestApi, hall};

async fn refuse(api: &TestApi, path: &str, good: &Value, changes: &[(Value, &str)]) {
    for (change, field) in changes {
        let mut body = good.clone();
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let problem = api
            .organiser()
            .post(path, &body)
            .await
            .expect_problem(400, "invalid-request");
        assert_eq!(problem["field"], *field, "{change}: {problem}");
    }
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn only_organisers_may(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let (buyer, path) = (
        api.user(),
        format!("/v1/admin/performances/{}", api.performance),
    );
    for path in [
        "/v1/admin/concerts",
        "/v1/admin/layouts",
        "/v1/admin/performances",
    ] {
        buyer
            .post(path, &json!({}))
            .await
            .expect_problem(403, "forbidden");
        api.post(path, &json!({}))
            .await
            .expect_problem(401, "user-token-invalid");
    }
    buyer.delete(&path).await.expect_problem(403, "forbidden");
    for path in [path.as_str(), "/v1/admin/concerts/1"] {
        buyer
            .patch(path, &json!({}))
            .await
            .expect_problem(403, "forbidden");
    }
    buyer
        .get(&format!("{path}/statistics"))
        .await
        .expect_problem(403, "forbidden");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn nonsense_is_not_created(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let concert = json!({"title": "A", "venue": "B"});
    refuse(
        &api,
        "/v1/admin/concerts",
        &concert,
        &[
            (json!({"title": ""}), "title"),
            (json!({"venue": "x".repeat(201)}), "venue"),
            (json!({"artist": "me"}), "artist"),
            (json!({"title": "nothing\u{0}"}), "title"),
            (json!({"description": "one\ntwo\u{0}"}), "description"),
        ],
    )
    .await;
    refuse(
        &api,
        "/v1/admin/layouts",
        &hall(),
        &[
            (json!({"name": ""}), "name"),
            (json!({"sections": []}), "sections"),
            (json!({"sections": [{"name": "F", "rows": [{"name": "A", "seats": [{"number": 1, "x": 0, "y": 0}]}]}]}),
                "sections[0].rows[0].seats[0]"),
            (json!({"sections": [{"name": "F", "tier": "R", "rows": [{"name": "A B", "seats": [{"number": 1, "x": 0, "y": 0}]}]}]}),
                "sections[0].rows[0].seats[0]"),
        ],
    )
    .await;
    let layout = api
        .organiser()
        .post("/v1/admin/layouts", &hall())
        .await
        .json();
    let made = api
        .organiser()
        .post("/v1/admin/concerts", &concert)
        .await
        .expect_created();
    let tier = |tier: &str, amount: i64, currency: &str| json!({"tier": tier, "price": {"amount": amount, "currency": currency}});
    let good = json!({
        "concert": made["id"], "layout": layout["hash"], "room": "main", "starts_at": "2099-01-01T00:00:00Z",
        "tiers": [tier("R", 2, "KRW"), tier("S", 1, "KRW")]
    });
    let changes = [
        (json!({"concert": 1}), "concert"),
        (json!({"layout": "nothing"}), "layout"),
        (json!({"layout": "\u{0}"}), "layout"),
        (json!({"layout": "0".repeat(64)}), "layout"),
        (json!({"starts_at": "-009999-01-02T00:00:00Z"}), "starts_at"),
        (
            json!({"sale_opens_at": "-004800-01-02T00:00:00Z"}),
            "sale_opens_at",
        ),
        (
            json!({"sale_closes_at": "9999-01-02T00:00:00Z"}),
            "sale_closes_at",
        ),
        (json!({"room": "Main"}), "room"),
        (json!({"starts_at": "tomorrow"}), "starts_at"),
        (
            json!({"starts_at": "2001-01-01T00:00:00Z"}),
            "sale_closes_at",
        ),
        (
            json!({"sale_opens_at": "2099-01-02T00:00:00Z"}),
            "sale_closes_at",
        ),
        (json!({"seats_per_buyer_max": 0}), "seats_per_buyer_max"),
        (json!({"hold_ttl_seconds": 901}), "hold_ttl_seconds"),
        (json!({"tiers": []}), "tiers"),
        (json!({"tiers": [tier("R", 1, "KRW")]}), "tiers"),
        (
            json!({"tiers": [tier("R", 1, "KRW"), tier("R", 1, "KRW")]}),
            "tiers",
        ),
        (
            json!({"tiers": [tier("R", 1, "won"), tier("S", 1, "won")]}),
            "tiers[0].price.currency",
        ),
        (
            json!({"tiers": [tier("R", 1, "KRW"), tier("S", 1, "EUR")]}),
            "tiers[1].price.currency",
        ),
        (
            json!({"tiers": [tier("R", 1, "KRW"), tier("S", -1, "KRW")]}),
            "tiers[1].price.amount",
        ),
        (
            json!({"tiers": [tier("R", 1, "KRW"), tier("S", i64::MAX, "KRW")]}),
            "tiers[1].price.amount",
        ),
    ];
    refuse(&api, "/v1/admin/performances", &good, &changes).await;
    api.organiser()
        .post("/v1/admin/performances", &good)
        .await
        .expect_created();
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_performance_makes_the_partition_of_its_month(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let changes = json!({"starts_at": "2031-07-31T23:30:00-03:00"});
    api.make_performance(&changes).await;
    // In UTC that is August.
    assert_eq!(
        api.count("SELECT count(*) FROM pg_class WHERE relname = 'reservation_2031_08'")
            .await,
        1
    );
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    buyer.pay(&hold, "tok_ok").await.expect_created();
    assert_eq!(
        api.count("SELECT count(*) FROM reservation_2099_12").await,
        1
    );
    assert_eq!(
        api.count("SELECT count(*) FROM reservation_default").await,
        0
    );
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn many_performances_may_be_created_at_once(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let made = (1..=8).map(|month| {
        let changes = json!({"starts_at": format!("2040-0{month}-01T20:00:00Z")});
        let api = &api;
        async move { api.make_performance(&changes).await }
    });
    futures_util::future::join_all(made).await;
    assert_eq!(
        api.count("SELECT count(*) FROM pg_class WHERE relname LIKE 'reservation\\_2040\\_0_'")
            .await,
        8
    );
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_withdrawn_performance_never_sells_again(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let early = api.admitted_buyer();
    let hold = early.held(["A-1"]).await;
    let order = early.pay(&hold, "tok_ok").await.expect_created();
    let path = format!("/v1/performances/{}", api.performance);
    let concert = format!(
        "/v1/concerts/{}",
        api.get(&path).await.expect(200)["concert"]
    );
    let (organiser, admin_path) = (
        api.organiser(),
        format!("/v1/admin/performances/{}", api.performance),
    );
    organiser.delete(&admin_path).await.expect(204);
    organiser.delete(&admin_path).await.expect(204);
    api.get(&path).await.expect_problem(404, "not-found");
    let late = api.admitted_buyer();
    late.hold(["A-2"]).await.expect_problem(404, "not-found");
    late.get(&format!("{path}/seats"))
        .await
        .expect_problem(404, "not-found");
    TestApi::eventually("it is listed no more", async || {
        api.get(&concert).await.expect(200)["performances"] == json!([])
    })
    .await;
    // What was sold stays in the books.
    assert_eq!(
        early.get("/v1/orders").await.expect(200)["items"][0]["id"],
        order["id"]
    );
    assert_eq!(api.count("SELECT count(*) FROM audit.sold").await, 1);
    organiser
        .delete("/v1/admin/performances/1")
        .await
        .expect_problem(404, "not-found");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_withdrawal_that_another_instance_has_not_heard_of_holds_all_the_same(pool: PgPool) {
    let api = TestApi::start(pool).await;
    // What this instance remembers of the performance says that it is on sale.
    api.get(&format!("/v1/performances/{}", api.performance))
        .await
        .expect(200);
    sqlx::query("UPDATE performance SET withdrawn_at = now()")
        .execute(&api.pool)
        .await
        .unwrap();
    let status = api.admitted_buyer().hold(["A-1"]).await.status.as_u16();
    assert!(status == 403 || status == 404, "{status}");
    assert_eq!(api.count("SELECT count(*) FROM hold").await, 0);
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn statistics_count_seats_and_orders(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let (one, two) = (api.admitted_buyer(), api.admitted_buyer());
    let hold = one.held(["A-1", "C-1"]).await;
    one.pay(&hold, "tok_ok").await.expect_created();
    two.held(["A-2"]).await;
    let path = format!("/v1/admin/performances/{}/statistics", api.performance);
    let organiser = api.organiser();
    TestApi::eventually("the replica has it", async || {
        let answer = organiser.get(&path).await;
        answer.status.as_u16() == 200 && answer.json()["seats"]["TEMPORARILY_RESERVED"] == 1
    })
    .await;
    let statistics = organiser.get(&path).await.expect(200);
    assert_eq!(
        statistics,
        json!({
            "performance": api.performance,
            "seats": {"AVAILABLE": 27, "TEMPORARILY_RESERVED": 1, "RESERVED": 2, "BLOCKED": 0},
            "orders": {"CONFIRMED": 1},
            "revenue": {"amount": 180_000, "currency": "KRW"}
        })
    );
    organiser
        .get("/v1/admin/performances/1/statistics")
        .await
        .expect_problem(404, "not-found");
}
