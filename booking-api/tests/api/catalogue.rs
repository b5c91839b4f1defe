//! Concerts, performances and layouts, as everybody sees them.

use serde_json::json;
use sqlx::PgPool;

use crate::test_api::{TestApi, hall};

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_concert_is_listed_with_its_performances(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let performance = api
        .get(&format!("/v1/performances/{}", api.performance))
        .await
        .expect(200);
    let path = format!("/v1/concerts/{}", performance["concert"]);
    TestApi::eventually("the replica has it", async || {
        let answer = api.get(&path).await;
        answer.status.as_u16() == 200
            && answer.json()["performances"]
                .as_array()
                .is_some_and(|all| all.len() == 1)
    })
    .await;
    let answer = api.get(&path).await;
    assert_eq!(answer.header("cache-control"), "public, max-age=5");
    let concert = answer.expect(200);
    assert_eq!(
        (&concert["title"], &concert["venue"]),
        (&json!("Spring"), &json!("Hall"))
    );
    assert_eq!(concert["next_performance_at"], "2099-12-24T11:00:00Z");
    assert_eq!(concert["performances"][0]["id"], api.performance);
    assert_eq!(concert["performances"][0]["room"], api.room.to_string());
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn concerts_come_in_pages(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let organiser = api.organiser();
    let mut ids = Vec::new();
    for title in ["One", "Two", "Three"] {
        let concert = organiser
            .post(
                "/v1/admin/concerts",
                &json!({"title": title, "venue": "Hall"}),
            )
            .await;
        ids.insert(0, concert.expect_created()["id"].as_i64().unwrap());
    }
    // A cursor of its own for each look, because Redis is shared with other tests and remembers lists.
    let newest = ids[0] + 1;
    let list = async |cursor: i64| {
        api.get(&format!("/v1/concerts?limit=2&cursor={cursor}"))
            .await
            .expect(200)
    };
    TestApi::eventually("the replica has them", async || {
        api.count("SELECT 1::bigint").await;
        list(newest).await["items"][0]["id"] == ids[0]
    })
    .await;
    let first = list(newest).await;
    let shown: Vec<_> = first["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|concert| concert["id"].as_i64().unwrap())
        .collect();
    assert_eq!(shown, ids[..2]);
    let next: i64 = first["next_cursor"].as_str().unwrap().parse().unwrap();
    let second = list(next).await;
    assert_eq!(second["items"][0]["id"], ids[2]);
    // The first is the one that every test begins with.
    assert_eq!(second["next_cursor"], json!(null));
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_performance_says_what_is_left(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let path = format!("/v1/performances/{}", api.performance);
    let before = api.get(&path).await.expect(200);
    assert_eq!(
        (&before["seats"], &before["left"]),
        (&json!(30), &json!(30))
    );
    assert_eq!(before["seats_per_buyer_max"], 4);
    assert_eq!(before["hold_ttl_seconds"], 300);
    assert_eq!(before["starts_at"], "2099-12-24T11:00:00Z");
    assert_eq!(before["sale_closes_at"], "2099-12-24T11:00:00Z");
    let tier = json!({"tier": "R", "price": {"amount": 110_000, "currency": "KRW"}, "seats": 20, "left": 20});
    assert_eq!(before["tiers"][0], tier);
    api.admitted_buyer()
        .hold(["A-1", "C-1"])
        .await
        .expect_created();
    let after = api.get(&path).await.expect(200);
    assert_eq!(
        (&after["left"], &after["tiers"][0]["left"]),
        (&json!(28), &json!(19))
    );
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_layout_is_immutable_and_named_by_its_hash(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let organiser = api.organiser();
    // The hall of every test is there already.
    let again = organiser
        .post("/v1/admin/layouts", &hall())
        .await
        .expect(200);
    assert_eq!(
        (&again["seats"], &again["tiers"]),
        (&json!(30), &json!(["R", "S"]))
    );
    let path = format!("/v1/layouts/{}", again["hash"].as_str().unwrap());
    let answer = api.get(&path).await;
    assert_eq!(
        answer.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    let layout = answer.expect(200);
    let seat = &layout["sections"][0]["rows"][0]["seats"][0];
    assert_eq!(
        *seat,
        json!({"seat": "A-1", "x": 1.0, "y": 0.0, "tier": "R"})
    );
    // From memory and from Redis it is the same.
    assert_eq!(api.get(&path).await.expect(200), layout);
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn what_is_not_there_is_not_found(pool: PgPool) {
    let api = TestApi::start(pool).await;
    for path in [
        "/v1/concerts/1",
        "/v1/concerts/one",
        "/v1/concerts/99999999999999999999",
        "/v1/performances/1",
        "/v1/performances/-1",
        "/v1/performances/%00",
        "/v1/layouts/nothing",
        &format!("/v1/layouts/{}", "0".repeat(64)),
        &format!("/v1/layouts/{}", "/".repeat(64)),
    ] {
        api.get(path).await.expect_problem(404, "not-found");
    }
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_list_is_asked_for_within_limits(pool: PgPool) {
    let api = TestApi::start(pool).await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("cursor=somewhere", "cursor"),
        ("page=2", "page"),
    ] {
        let problem = api
            .get(&format!("/v1/concerts?{query}"))
            .await
            .expect_problem(400, "invalid-request");
        assert_eq!(problem["field"], field, "{query}");
    }
}
