//! What becomes of a hold: extended, released, expired, taken by another.

use serde_json::json;
use sqlx::PgPool;

use crate::test_api::TestApi;

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_hold_is_extended_once(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    api.age_holds(100.0).await;
    let path = format!("/v1/holds/{hold}");
    let before = buyer.get(&path).await.expect(200);
    let extension = format!("{path}/extension");
    let extended = buyer.post(&extension, &json!({})).await.expect(200);
    assert!(
        extended["expires_at"].as_str() > before["expires_at"].as_str(),
        "{before} {extended}"
    );
    buyer
        .post(&extension, &json!({}))
        .await
        .expect_problem(409, "extension-used");
    assert_eq!(
        buyer.get(&path).await.expect(200)["expires_at"],
        extended["expires_at"]
    );
    buyer
        .post(&extension, &json!({"minutes": 60}))
        .await
        .expect_problem(400, "invalid-request");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn an_expired_hold_is_not_extended(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1", "A-2"]).await;
    let extension = format!("/v1/holds/{hold}/extension");
    api.age_holds(301.0).await;
    buyer
        .post(&extension, &json!({}))
        .await
        .expect_problem(410, "hold-expired");
    api.forget_marks().await;
    api.admitted_buyer().hold(["A-2"]).await.expect_created();
    buyer
        .post(&extension, &json!({}))
        .await
        .expect_problem(409, "hold-lost");
    buyer
        .post(&extension, &json!({}))
        .await
        .expect_problem(409, "hold-lost");
    assert_eq!(
        buyer.get(&format!("/v1/holds/{hold}")).await.expect(200)["state"],
        "LOST"
    );
    assert_eq!(buyer.seat("A-1").await, "AVAILABLE");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn releasing_twice_is_releasing_once(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    let path = format!("/v1/holds/{hold}");
    buyer.delete(&path).await.expect(204);
    buyer.delete(&path).await.expect(204);
    assert_eq!(buyer.get(&path).await.expect(200)["state"], "RELEASED");
    buyer
        .post(&format!("{path}/extension"), &json!({}))
        .await
        .expect_problem(409, "hold-not-active");
    buyer
        .pay(&hold, "tok_ok")
        .await
        .expect_problem(409, "hold-not-active");
    // No mark in Redis stands in the way of the next buyer.
    api.admitted_buyer().hold(["A-1"]).await.expect_created();
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn anothers_hold_is_not_found(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let hold = api.admitted_buyer().held(["A-1"]).await;
    let other = api.admitted_buyer();
    for id in [
        hold.as_str(),
        "00000000-0000-0000-0000-000000000000",
        "not-an-id",
    ] {
        let path = format!("/v1/holds/{id}");
        other.get(&path).await.expect_problem(404, "hold-not-found");
        other
            .delete(&path)
            .await
            .expect_problem(404, "hold-not-found");
        other
            .post(&format!("{path}/extension"), &json!({}))
            .await
            .expect_problem(404, "hold-not-found");
        other
            .pay(id, "tok_ok")
            .await
            .expect_problem(404, "hold-not-found");
    }
    assert_eq!(other.seat("A-1").await, "TEMPORARILY_RESERVED");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn an_expired_hold_can_be_taken_at_once(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let (slow, fast) = (api.admitted_buyer(), api.admitted_buyer());
    let lost = slow.held(["A-1", "A-2"]).await;
    api.age_holds(301.0).await;
    api.forget_marks().await;
    assert_eq!(fast.seat("A-1").await, "AVAILABLE");
    fast.hold(["A-1"]).await.expect_created();
    let hold = slow.get(&format!("/v1/holds/{lost}")).await.expect(200);
    assert_eq!(
        (&hold["state"], &hold["expired"]),
        (&json!("ACTIVE"), &json!(true))
    );
    slow.pay(&lost, "tok_ok")
        .await
        .expect_problem(409, "hold-lost");
    assert_eq!(fast.seat("A-2").await, "AVAILABLE");
    assert!(
        api.gateway.ledger().await.is_empty(),
        "nobody was asked for money"
    );
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn ones_own_expired_hold_makes_room_for_the_next(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let old = buyer.held(["A-1"]).await;
    api.age_holds(301.0).await;
    api.forget_marks().await;
    buyer.hold(["A-1"]).await.expect_created();
    assert_eq!(
        buyer.get(&format!("/v1/holds/{old}")).await.expect(200)["state"],
        "LOST"
    );
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_hold_keeps_its_buyer_in_the_active_set(pool: PgPool) {
    let api = TestApi::start(pool).await;
    api.line()
        .await
        .create(&shared::room::NewRoom::default())
        .await
        .unwrap();
    let buyer = api.user();
    let mut claims = api.admission(&buyer.id);
    claims.exp = claims.iat + 30;
    let buyer = super::buyer::Buyer {
        admission: Some(api.admission_token(&claims)),
        ..buyer
    };
    let hold = buyer.hold(["A-1"]).await.expect_created();
    let until: jiff::Timestamp = hold["expires_at"].as_str().unwrap().parse().unwrap();
    assert!(
        until.as_second() > claims.exp,
        "the hold outlives the admission's own end"
    );
    let key = format!("onsale:{{{}}}:active", api.room);
    TestApi::eventually("the active set has it until then", async || {
        let score = redis::cmd("ZSCORE").arg(&key).arg(&buyer.id).clone();
        let end: Option<i64> = api.redis().await.query(&score).await.unwrap();
        end == Some(until.as_millisecond())
    })
    .await;
}
