//! `POST /v1/holds/{id}/payment`: money for seats.

use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::test_api::TestApi;

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_paid_hold_is_a_confirmed_order_and_is_captured(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1", "C-1"]).await;
    let answer = buyer.pay(&hold, "tok_ok").await;
    let location = answer.header("location").to_owned();
    let order = answer.expect_created();
    assert_eq!(order["state"], "CONFIRMED");
    assert_eq!(
        order["amount"],
        json!({"amount": 180_000, "currency": "KRW"})
    );
    assert_eq!(order["seats"], json!(["A-1", "C-1"]));
    assert_eq!(
        location,
        format!("/v1/orders/{}", order["id"].as_str().unwrap())
    );
    assert_eq!(api.admitted_buyer().seat("A-1").await, "RESERVED");
    assert_eq!(
        buyer.get(&format!("/v1/holds/{hold}")).await.expect(200)["state"],
        "CONVERTED"
    );
    TestApi::eventually("captured", async || {
        api.count("SELECT count(*) FROM payment WHERE state = 'CAPTURED' AND captured = 180000")
            .await
            == 1
    })
    .await;
    let ledger = api.gateway.ledger().await;
    assert_eq!((ledger.len(), &ledger[0]["captured"]), (1, &json!(180_000)));
    let sold = api
        .admitted_buyer()
        .hold(["A-1"])
        .await
        .expect_problem(409, "seat-taken");
    let reason = sold["seats"][0]["reason"].as_str().unwrap();
    assert!(
        reason == "SOLD" || reason == "HELD",
        "a mark in Redis may still say held: {sold}"
    );
    api.forget_marks().await;
    let sold = api
        .admitted_buyer()
        .hold(["A-1"])
        .await
        .expect_problem(409, "seat-taken");
    assert_eq!(
        sold["seats"],
        json!([{"seat": "A-1", "reason": "SOLD", "retryable": false}])
    );
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn paying_twice_charges_once(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    let first = buyer.pay_as("one", &hold, "tok_ok").await.expect_created();
    let same_key = buyer.pay_as("one", &hold, "tok_ok").await.expect_created();
    let other_key = buyer.pay_as("two", &hold, "tok_ok").await.expect(200);
    assert_eq!((&first, &first), (&same_key, &other_key));
    buyer
        .pay_as("one", &hold, "tok_declined")
        .await
        .expect_problem(422, "idempotency-mismatch");
    assert_eq!(api.gateway.ledger().await.len(), 1);
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn two_clicks_at_once_charge_once(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    let (slow, same, other) = tokio::join!(
        buyer.pay_as("one", &hold, "tok_slow"),
        async {
            TestApi::eventually("the first click is at the gateway", async || {
                api.count("SELECT count(*) FROM payment").await == 1
            })
            .await;
            buyer.pay_as("one", &hold, "tok_slow").await
        },
        async {
            TestApi::eventually("the first click is at the gateway", async || {
                api.count("SELECT count(*) FROM payment").await == 1
            })
            .await;
            buyer.pay_as("two", &hold, "tok_slow").await
        }
    );
    slow.expect_created();
    same.expect_problem(409, "idempotency-in-flight");
    other.expect_problem(409, "idempotency-in-flight");
    assert_eq!(api.gateway.ledger().await.len(), 1);
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn while_a_payment_runs_the_hold_is_nobody_elses(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    let (paid, ()) = tokio::join!(buyer.pay(&hold, "tok_slow"), async {
        api.until_one_is_being_paid().await;
        let path = format!("/v1/holds/{hold}");
        let problem = buyer
            .delete(&path)
            .await
            .expect_problem(409, "hold-not-active");
        assert_eq!(problem["state"], "PAYING");
        buyer
            .post(&format!("{path}/extension"), &json!({}))
            .await
            .expect_problem(409, "hold-not-active");
        buyer.hold(["A-2"]).await.expect_problem(409, "hold-exists");
        // Its own lifetime has passed; the payment keeps the seats all the same.
        sqlx::query("UPDATE hold SET expires_before_paying = now() - interval '1 hour'")
            .execute(&api.pool)
            .await
            .unwrap();
        api.forget_marks().await;
        api.admitted_buyer()
            .hold(["A-1"])
            .await
            .expect_problem(409, "seat-taken");
    });
    paid.expect_created();
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn an_expired_hold_that_nobody_took_is_still_paid(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    api.age_holds(301.0).await;
    buyer.pay(&hold, "tok_ok").await.expect_created();
    assert_eq!(api.admitted_buyer().seat("A-1").await, "RESERVED");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_hold_is_kept_for_a_quarter_of_an_hour_at_most(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    api.age_holds(901.0).await;
    buyer
        .pay(&hold, "tok_ok")
        .await
        .expect_problem(409, "hold-lost");
    assert_eq!(buyer.seat("A-1").await, "AVAILABLE");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn seats_bought_count_for_the_next_hold(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1", "A-2", "A-3"]).await;
    buyer.pay(&hold, "tok_ok").await.expect_created();
    let buyer = buyer.admitted_again();
    buyer
        .hold(["B-1", "B-2"])
        .await
        .expect_problem(422, "too-many-seats");
    buyer.hold(["B-1"]).await.expect_created();
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_confirmed_order_frees_the_slot_in_the_line(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.user();
    let claims = api.admission(&buyer.id);
    let buyer = super::buyer::Buyer {
        admission: Some(api.admission_token(&claims)),
        ..buyer
    };
    let hold = buyer.held(["A-1"]).await;
    buyer.pay(&hold, "tok_ok").await.expect_created();
    TestApi::eventually("the admission has ended", async || {
        buyer.hold(["B-1"]).await.status.as_u16() == 403
    })
    .await;
    buyer
        .hold(["B-1"])
        .await
        .expect_problem(403, "admission-expired");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn nonsense_is_not_paid(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    let path = format!("/v1/holds/{hold}/payment");
    let key = || Uuid::new_v4().to_string();
    for (body, field) in [
        (json!({}), "method"),
        (json!({"method": {"kind": "card"}}), "method.token"),
        (
            json!({"method": {"kind": "card", "token": "\u{0}"}}),
            "method.token",
        ),
        (
            json!({"method": {"kind": "\u{0}", "token": "tok_ok"}}),
            "method.kind",
        ),
        (
            json!({"method": {"kind": "cheque", "token": "tok_ok"}}),
            "method.kind",
        ),
        (
            json!({"method": {"kind": "card", "token": ""}}),
            "method.token",
        ),
        (
            json!({"method": {"kind": "card", "token": "ä"}}),
            "method.token",
        ),
        (
            json!({"method": {"kind": "card", "token": "tok_ok"}, "amount": 1}),
            "amount",
        ),
        (
            json!({"method": {"kind": "card", "token": "tok_ok", "cvc": 1}}),
            "method.cvc",
        ),
    ] {
        let problem = buyer
            .post_as(&key(), &path, &body)
            .await
            .expect_problem(400, "invalid-request");
        assert_eq!(problem["field"], field, "{body}");
    }
    let body = json!({"method": {"kind": "card", "token": "tok_ok"}});
    buyer
        .post(&path, &body)
        .await
        .expect_problem(400, "idempotency-key-missing");
    assert!(api.gateway.ledger().await.is_empty());
}
