//! The circuit breaker round the payment gateway.

use std::time::Duration;

use serde_json::json;
use sqlx::PgPool;

use crate::test_api::TestApi;

const QUICK: [&str; 8] = [
    "--circuit-calls-least",
    "3",
    "--circuit-open-ms",
    "700",
    "--outbox-interval-ms",
    "60000",
    "--retry-after-most-ms",
    "60000",
];

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn the_circuit_opens_when_the_gateway_fails_and_closes_when_it_is_back(pool: PgPool) {
    let api = TestApi::start_with(pool, &QUICK).await;
    api.gateway.faults(json!({"error_rate": 1.0})).await;
    for seat in ["A-1", "A-2", "A-3"] {
        let buyer = api.admitted_buyer();
        let hold = buyer.held([seat]).await;
        buyer.pay(&hold, "tok_ok").await.expect(202);
    }
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["B-1"]).await;
    let payments = api.count("SELECT count(*) FROM payment").await;
    buyer
        .pay_as("key", &hold, "tok_ok")
        .await
        .expect_problem(503, "gateway-unavailable");
    assert_eq!(
        api.count("SELECT count(*) FROM payment").await,
        payments,
        "nothing was begun"
    );
    assert_eq!(
        buyer.get(&format!("/v1/holds/{hold}")).await.expect(200)["state"],
        "ACTIVE"
    );
    api.gateway.no_faults().await;
    TestApi::eventually("the circuit lets a payment through", async || {
        let answer = buyer.pay_as("key", &hold, "tok_ok").await;
        answer.status.as_u16() == 201
    })
    .await;
    let next = api.admitted_buyer();
    let hold = next.held(["B-2"]).await;
    next.pay(&hold, "tok_ok").await.expect_created();
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn declined_cards_do_not_open_the_circuit(pool: PgPool) {
    let api = TestApi::start_with(pool, &QUICK).await;
    for seat in ["A-1", "A-2", "A-3", "A-4", "A-5", "A-6"] {
        let buyer = api.admitted_buyer();
        let hold = buyer.held([seat]).await;
        buyer
            .pay(&hold, "tok_declined")
            .await
            .expect_problem(402, "payment-declined");
    }
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["B-1"]).await;
    buyer.pay(&hold, "tok_ok").await.expect_created();
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_gateway_that_is_gone_costs_no_attempt(pool: PgPool) {
    let api = TestApi::start_with(pool, &["--gateway-url", "http://127.0.0.1:9"]).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    for _ in 0..5 {
        buyer
            .pay_as("key", &hold, "tok_ok")
            .await
            .expect_problem(503, "gateway-unavailable");
    }
    assert_eq!(api.count("SELECT attempts::bigint FROM hold").await, 0);
    assert_eq!(
        buyer.get(&format!("/v1/holds/{hold}")).await.expect(200)["state"],
        "ACTIVE"
    );
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn who_has_paid_hears_so_while_the_gateway_is_away(pool: PgPool) {
    let api = TestApi::start_with(pool, &QUICK).await;
    let lucky = api.admitted_buyer();
    let paid = lucky.held(["A-1"]).await;
    let order = lucky.pay(&paid, "tok_ok").await.expect_created();
    api.gateway.faults(json!({"error_rate": 1.0})).await;
    for seat in ["B-1", "B-2", "B-3", "B-4", "B-5"] {
        let buyer = api.admitted_buyer();
        let hold = buyer.held([seat]).await;
        let status = buyer.pay(&hold, "tok_ok").await.status.as_u16();
        assert!(status == 202 || status == 503, "{status}");
    }
    assert_eq!(
        lucky.pay(&paid, "tok_ok").await.expect(200)["id"],
        order["id"]
    );
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_slow_gateway_occupies_a_limited_number_of_places(pool: PgPool) {
    let api = TestApi::start_with(pool, &["--gateway-concurrency", "1"]).await;
    let (one, two) = (api.admitted_buyer(), api.admitted_buyer());
    let (first, second) = (one.held(["A-1"]).await, two.held(["A-2"]).await);
    let (slow, refused) = tokio::join!(one.pay(&first, "tok_slow"), async {
        TestApi::eventually("the place is taken", async || {
            api.count("SELECT count(*) FROM payment").await == 1
        })
        .await;
        two.pay(&second, "tok_ok").await
    });
    slow.expect_created();
    refused.expect_problem(503, "gateway-unavailable");
    // The place is free again as soon as the answer is there.
    tokio::time::timeout(Duration::from_secs(10), two.pay(&second, "tok_ok"))
        .await
        .unwrap()
        .expect_created();
}
