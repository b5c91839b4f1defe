//! The circuit breaker round the payment gateway.

use std::time::Duration;

use serde_json::json;
use sqlx::PgPool;

use crate::buyer::Buyer;
use crate::test_api::TestApi;

/// Nobody but the buyers calls the gateway.
const QUIET: [&str; 4] = [
    "--outbox-interval-ms",
    "60000",
    "--retry-after-most-ms",
    "60000",
];

fn open_for(milliseconds: &'static str) -> Vec<&'static str> {
    let circuit = [
        "--circuit-calls-least",
        "3",
        "--circuit-open-ms",
        milliseconds,
    ];
    [circuit, QUIET].concat()
}

/// Longer than any test.
const LONG: &str = "60000";

/// Payments that the gateway does not answer, until none is begun any more: buyer, hold and order of the first.
async fn open_circuit(api: &TestApi) -> (Buyer<'_>, String, String) {
    api.gateway.faults(json!({"error_rate": 1.0})).await;
    let first = api.admitted_buyer();
    let hold = first.held(["A-1"]).await;
    let order = first.pay_as("key", &hold, "tok_ok").await.expect(202);
    for seat in ["A-2", "A-3", "A-4", "A-5", "A-6", "A-7"] {
        let buyer = api.admitted_buyer();
        let other = buyer.held([seat]).await;
        let answer = buyer.pay_as("key", &other, "tok_ok").await;
        if answer.status.as_u16() == 503 {
            return (first, hold, order["id"].as_str().unwrap().to_owned());
        }
        answer.expect(202);
    }
    panic!("the circuit stays closed");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn the_circuit_opens_when_the_gateway_fails(pool: PgPool) {
    let api = TestApi::start_with(pool, &open_for(LONG)).await;
    open_circuit(&api).await;
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
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn the_circuit_closes_when_the_gateway_is_back(pool: PgPool) {
    let api = TestApi::start_with(pool, &open_for("300")).await;
    open_circuit(&api).await;
    api.gateway.no_faults().await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["B-1"]).await;
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
async fn an_open_circuit_hides_nothing_that_was_begun_before(pool: PgPool) {
    let api = TestApi::start_with(pool, &open_for(LONG)).await;
    let (buyer, hold, order) = open_circuit(&api).await;
    let again = buyer.pay_as("key", &hold, "tok_ok").await.expect(202);
    assert_eq!(
        (&again["id"], &again["state"]),
        (&json!(order), &json!("PAYMENT_UNKNOWN"))
    );
    buyer
        .pay_as("key", &hold, "tok_declined")
        .await
        .expect_problem(422, "idempotency-mismatch");
    buyer
        .pay(&hold, "tok_ok")
        .await
        .expect_problem(409, "idempotency-in-flight");
    api.admitted_buyer()
        .pay(&hold, "tok_ok")
        .await
        .expect_problem(404, "hold-not-found");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn declined_cards_do_not_open_the_circuit(pool: PgPool) {
    let api = TestApi::start_with(pool, &open_for(LONG)).await;
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
    let api = TestApi::start_with(pool, &open_for(LONG)).await;
    let lucky = api.admitted_buyer();
    let paid = lucky.held(["C-1"]).await;
    let order = lucky.pay_as("key", &paid, "tok_ok").await.expect_created();
    open_circuit(&api).await;
    assert_eq!(
        lucky.pay(&paid, "tok_ok").await.expect(200)["id"],
        order["id"]
    );
    assert_eq!(
        lucky.pay_as("key", &paid, "tok_ok").await.expect_created()["id"],
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
