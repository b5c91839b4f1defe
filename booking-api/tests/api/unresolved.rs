//! Payments whose fate nobody knows at first: the gateway is slow, fails, or charges and then loses the answer.

use serde_json::json;
use sqlx::PgPool;

use crate::test_api::TestApi;

/// The database waits for a test that stops a step half-way, however slow this machine is.
const PATIENT: [&str; 4] = [
    "--lock-timeout-ms",
    "60000",
    "--statement-timeout-ms",
    "60000",
];

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_lost_answer_resolves_to_a_confirmed_order(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    let answer = buyer.pay_as("key", &hold, "tok_lost_answer").await;
    let location = answer.header("location").to_owned();
    let order = answer.expect(202);
    assert_eq!(order["state"], "PAYMENT_UNKNOWN");
    let id = order["id"].as_str().unwrap();
    assert_eq!(location, format!("/v1/orders/{id}"));
    TestApi::eventually("it is confirmed", async || {
        buyer.order_state(id).await == "CONFIRMED"
    })
    .await;
    assert_eq!(
        buyer
            .pay_as("key", &hold, "tok_lost_answer")
            .await
            .expect_created()["id"],
        id
    );
    TestApi::eventually("it is captured once", async || {
        let ledger = api.gateway.ledger().await;
        ledger.len() == 1 && ledger[0]["captured"] == 110_000
    })
    .await;
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_gateway_that_only_fails_is_told_to_forget_the_payment(pool: PgPool) {
    let api = TestApi::start_with(
        pool,
        &["--payment-repeats", "2", "--circuit-calls-least", "10000"],
    )
    .await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    let order = buyer.pay(&hold, "tok_error").await.expect(202);
    assert_eq!(order["state"], "PAYMENT_UNKNOWN");
    let order = order["id"].as_str().unwrap();
    TestApi::eventually("it has failed", async || {
        buyer.order_state(order).await == "FAILED"
    })
    .await;
    assert_eq!(
        api.count("SELECT count(*) FROM payment WHERE state = 'VOIDED'")
            .await,
        1
    );
    // The hold lives on for a card that works.
    buyer.pay(&hold, "tok_ok").await.expect_created();
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn an_answer_that_comes_too_late_still_counts(pool: PgPool) {
    // Repeated until it is heard, however slow this machine is.
    let flags = ["--gateway-timeout-ms", "300", "--payment-repeats", "100"];
    let api = TestApi::start_with(pool, &flags).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    api.gateway.faults(json!({"delay_ms": 600})).await;
    let order = buyer.pay(&hold, "tok_ok").await.expect(202);
    let order = order["id"].as_str().unwrap();
    api.gateway.no_faults().await;
    TestApi::eventually("it is confirmed", async || {
        buyer.order_state(order).await == "CONFIRMED"
    })
    .await;
    assert_eq!(api.gateway.ledger().await.len(), 1);
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn what_a_dead_process_left_is_resolved_by_the_next(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    // As a process leaves it that dies after P: committed, and nobody at work on it.
    let hold = buyer.held(["A-1"]).await;
    sqlx::query(
        "SELECT begin_payment($1::uuid, $2, gen_random_uuid(), gen_random_uuid(), 'AUTHORIZE', 'simulated',
             '{\"kind\": \"card\", \"token\": \"tok_ok\"}', 'POST /v1/holds/{id}/payment', 'key', '\\x00',
             '15 minutes', '0 seconds', 3, true)",
    )
    .bind(&hold)
    .bind(&buyer.id)
    .execute(&api.pool)
    .await
    .unwrap();
    TestApi::eventually("it is confirmed", async || {
        buyer.get("/v1/orders").await.expect(200)["items"][0]["state"] == "CONFIRMED"
    })
    .await;
    TestApi::eventually("it is captured", async || {
        api.count("SELECT count(*) FROM payment WHERE state = 'CAPTURED'")
            .await
            == 1
    })
    .await;
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_payment_that_outlives_its_deadline_is_cancelled_by_its_key(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    api.gateway.faults(json!({"error_rate": 1.0})).await;
    let order = buyer.pay(&hold, "tok_ok").await.expect(202);
    let order = order["id"].as_str().unwrap();
    // Its seats may be anybody's now, so nothing is to be charged any more.
    api.age_holds(1_000.0).await;
    api.gateway.no_faults().await;
    TestApi::eventually("it has failed", async || {
        buyer.order_state(order).await == "FAILED"
    })
    .await;
    assert!(
        api.gateway
            .ledger()
            .await
            .iter()
            .all(|payment| payment["captured"] == 0)
    );
    // Nothing is kept beyond the cap: neither the seat nor the buyer's one hold.
    assert_eq!(buyer.seat("A-1").await, "AVAILABLE");
    assert_eq!(
        buyer.get(&format!("/v1/holds/{hold}")).await.expect(200)["state"],
        "LOST"
    );
    api.forget_marks().await;
    buyer.held(["A-1"]).await;
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn what_was_given_up_is_not_confirmed_by_an_answer_that_comes_later(pool: PgPool) {
    let api = TestApi::start_with(pool, &PATIENT).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    // As if its process were stopped between the gateway's answer and step C, which locks this row first.
    let mut stopped = api.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM buyer_quota FOR UPDATE")
        .execute(&mut *stopped)
        .await
        .unwrap();
    let (answer, ()) = tokio::join!(buyer.pay(&hold, "tok_ok"), async {
        TestApi::eventually("the gateway has authorized", async || {
            api.gateway.ledger().await.len() == 1
        })
        .await;
        api.age_holds(1_000.0).await;
        sqlx::query("UPDATE payment SET due_at = now()")
            .execute(&api.pool)
            .await
            .unwrap();
        TestApi::eventually("the payment is voided", async || {
            api.count("SELECT count(*) FROM payment WHERE state = 'VOIDED'")
                .await
                == 1
        })
        .await;
        stopped.rollback().await.unwrap();
    });
    answer.expect_problem(409, "hold-lost");
    let ledger = api.gateway.ledger().await;
    assert_eq!(ledger[0]["voided"], ledger[0]["authorized"], "{ledger:?}");
    assert_eq!(api.count("SELECT count(*) FROM audit.sold").await, 0);
    assert_eq!(buyer.seat("A-1").await, "AVAILABLE");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn captures_outlast_an_outage_of_the_gateway(pool: PgPool) {
    let flags = [&["--circuit-calls-least", "10000"][..], &PATIENT].concat();
    let api = TestApi::start_with(pool, &flags).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    // Step C waits for it to write its capture down, until the gateway has failed.
    let mut outbox = api.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE outbox IN SHARE MODE")
        .execute(&mut *outbox)
        .await
        .unwrap();
    let (paid, ()) = tokio::join!(buyer.pay(&hold, "tok_ok"), async {
        TestApi::eventually("the gateway has authorized", async || {
            api.gateway.ledger().await.len() == 1
        })
        .await;
        api.gateway.faults(json!({"error_rate": 1.0})).await;
        outbox.rollback().await.unwrap();
    });
    paid.expect_created();
    TestApi::eventually("the capture was tried in vain", async || {
        api.count("SELECT coalesce(max(attempts), 0)::bigint FROM outbox")
            .await
            >= 2
    })
    .await;
    assert_eq!(
        api.count("SELECT count(*) FROM payment WHERE state = 'CAPTURE_DUE'")
            .await,
        1
    );
    api.gateway.no_faults().await;
    TestApi::eventually("it is captured", async || {
        api.count("SELECT count(*) FROM payment WHERE state = 'CAPTURED'")
            .await
            == 1
    })
    .await;
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_lost_answer_to_a_capture_captures_once(pool: PgPool) {
    let api = TestApi::start_with(pool, &["--circuit-calls-least", "10000"]).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    api.gateway.faults(json!({"lose_answer_rate": 1.0})).await;
    let order = buyer.pay(&hold, "tok_ok").await.expect(202);
    let order = order["id"].as_str().unwrap();
    TestApi::eventually("the gateway has authorized", async || {
        api.gateway.ledger().await.len() == 1
    })
    .await;
    api.gateway.no_faults().await;
    TestApi::eventually("it is confirmed", async || {
        buyer.order_state(order).await == "CONFIRMED"
    })
    .await;
    TestApi::eventually("the books are equal", async || {
        let ledger = api.gateway.ledger().await;
        let captured: i64 = ledger.iter().map(|p| p["captured"].as_i64().unwrap()).sum();
        captured == 110_000
            && api
                .count("SELECT sum(captured)::bigint FROM audit.orders")
                .await
                == captured
    })
    .await;
}

/// A payment gateway that takes its time: it has accepted a capture before it has done it.
#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_capture_counts_only_when_the_gateway_says_that_it_is_done(pool: PgPool) {
    use std::sync::atomic::{AtomicU32, Ordering};

    let asked = std::sync::Arc::new(AtomicU32::new(0));
    let counted = std::sync::Arc::clone(&asked);
    let authorize =
        async || axum::Json(json!({"payment": "slow-1", "key": "", "state": "AUTHORIZED"}));
    let capture = async move || {
        let before = counted.fetch_add(1, Ordering::SeqCst);
        let state = if before < 2 { "AUTHORIZED" } else { "CAPTURED" };
        axum::Json(json!({"payment": "slow-1", "key": "", "state": state}))
    };
    let gateway = axum::Router::new()
        .route("/v1/payments", axum::routing::post(authorize))
        .route("/v1/payments/slow-1/capture", axum::routing::post(capture));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let shutdown = shared::shutdown::Shutdown::new();
    shutdown.spawn("gateway", async move {
        axum::serve(listener, gateway).await.unwrap();
    });

    let api = TestApi::start_with(pool, &["--gateway-url", &address]).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    buyer.pay(&hold, "tok_ok").await.expect_created();
    TestApi::eventually("it is captured", async || {
        api.count("SELECT count(*) FROM payment WHERE state = 'CAPTURED'")
            .await
            == 1
    })
    .await;
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}
